"""Sign-in of people by each kind of identity provider: under the real Terraform, and against what was meant."""

import json
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
import pytest

from polycloud.app.wiring import renderers
from polycloud.deploy.blueprint import Blueprint, SignIn
from polycloud.deploy.derive.identity import sign_in
from polycloud.estate import load
from tests.deploy import checkers
from tests.deploy.estates import written
from tests.deploy.roots import HOSTILE
from tests.deploy.test_identity import ESTATE, whole

TENANT = "00000000-0000-0000-0000-000000000000"
ISSUERS = {
    "okta": """
    issuer: https://rights.okta.com
    claims: {department: department, cost_center: costCenter}
    second_factor: {session_tag: second-factor}
    session: 90m""",
    "auth0": """
    issuer: https://rights.eu.auth0.com/
    groups_claim: https://rights.example/groups""",
    "entra": f"""
    issuer: https://login.microsoftonline.com/{TENANT}/v2.0""",
    "ping": """
    issuer: https://auth.pingone.eu/1/as
    second_factor: {claim: acr, values: [Multi_Factor, Hardware_Key]}""",
    "other": """
    issuer: https://id.rights.example""",
}
CLOUDS = ("aws", "azure", "gcp", "oci")
GIVEN = {
    "aws": {"sso_role_arns": {"operators": "arn:aws:iam::1:role/x"}},
    "azure": {"emergency_groups": ["00000000-0000-0000-0000-000000000002"]},
    "gcp": {"organization": "123456789012"},
    "oci": {"sso_metadata": "<EntityDescriptor/>", "tenancy": "ocid1.tenancy.oc1..x", "home_region": "eu-frankfurt-1"},
}
SLOWLY = ["okta", *(pytest.param(name, marks=pytest.mark.slow) for name in ISSUERS if name != "okta")]


@cache
def how(issuer: str, more: str = "") -> SignIn:
    text = f"{ESTATE}identity:\n  sso:\n    client_id: client-1{ISSUERS[issuer]}{more}\n"
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "estate.yaml"
        path.write_text(text)
        loaded = load(path, None)
    assert loaded.estate is not None, loaded.diagnostics
    found = sign_in(loaded.estate)
    assert found is not None
    return found


def blueprint(issuer: str, more: str = "") -> Blueprint:
    return msgspec.structs.replace(whole(), sign_in=how(issuer, more))


def files(cloud: str, issuer: str, more: str = "") -> str:
    return renderers()[f"terraform/{cloud}"](blueprint(issuer, more)).files[f"terraform/{cloud}/identity.tf"]


def report(issuer: str, more: str = "") -> str:
    return renderers()["identity"](blueprint(issuer, more)).files["identity/report.md"]


def resources(state: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    everything = state["values"]["root_module"]["resources"]
    return [one["values"] for one in everything if one["type"] == kind and one["mode"] == "managed"]


@pytest.mark.parametrize("cloud", ["aws", *(pytest.param(cloud, marks=pytest.mark.slow) for cloud in CLOUDS[1:])])
@pytest.mark.parametrize("issuer", SLOWLY)
def test_the_sign_in_is_planned_and_applied_once(issuer: str, cloud: str, tmp_path: Path) -> None:
    root = written(tmp_path, renderers()[f"terraform/{cloud}"](blueprint(issuer))) / "terraform" / cloud
    assert checkers.terraform_fmt(root) == []
    assert checkers.terraform_pins(root) == []
    assert checkers.terraform_validate(root) == []
    trip = checkers.terraform_roundtrip(root, variables=GIVEN[cloud])
    assert trip.findings == [], "\n".join(trip.findings)
    {"aws": at_aws, "azure": at_azure, "gcp": at_gcp, "oci": at_oci}[cloud](trip.state, how(issuer))


@pytest.mark.slow
@pytest.mark.parametrize("cloud", CLOUDS)
def test_the_shipped_tests_pass_and_checkov_finds_nothing(cloud: str, tmp_path: Path) -> None:
    root = written(tmp_path, renderers()[f"terraform/{cloud}"](blueprint("okta"))) / "terraform" / cloud
    assert checkers.terraform_test(root) == []
    assert checkers.checkov(root) == []


def at_aws(state: dict[str, Any], how: SignIn) -> None:
    sets = resources(state, "aws_ssoadmin_permission_set")
    assert sets and {one["session_duration"] for one in sets} == {f"PT{how.session_seconds // 60}M"}
    tag = how.proof.tag if how.proof is not None else ""
    for one in resources(state, "aws_ssoadmin_permission_set_inline_policy"):
        denied = [s for s in json.loads(one["inline_policy"])["Statement"] if s["Effect"] == "Deny"]
        unless = {"StringNotEquals": {"aws:PrincipalTag/second-factor": ["mfa"]}}
        assert [s["Condition"] for s in denied] == ([unless] if tag else [])
        assert not denied or checkers.parliament(json.dumps({"Version": "2012-10-17", "Statement": denied})) == []
    (tags,) = resources(state, "aws_ssoadmin_instance_access_control_attributes")
    wanted = {"email"} | ({"department"} if how.department else set()) | ({"cost_center"} if how.cost_center else set())
    assert {one["key"] for one in tags["attribute"]} == wanted


def at_azure(state: dict[str, Any], how: SignIn) -> None:
    (policy,) = resources(state, "azuread_conditional_access_policy")
    assert policy["grant_controls"][0]["built_in_controls"] == ["mfa"]
    assert policy["session_controls"][0]["sign_in_frequency"] == max(1, how.session_seconds // 3600)
    users = policy["conditions"][0]["users"][0]
    everybody = how.provider == "entra"  # whose policy asks for all clouds; else stewards have nothing here
    assert len(users["included_groups"]) == (3 if everybody else 2)
    assert len(users["included_users"]) == 1
    assert users["excluded_groups"] == GIVEN["azure"]["emergency_groups"]


def at_gcp(state: dict[str, Any], how: SignIn) -> None:
    (pool,) = resources(state, "google_iam_workforce_pool")
    assert pool["session_duration"] == f"{how.session_seconds}s"
    (provider,) = resources(state, "google_iam_workforce_pool_provider")
    assert provider["oidc"][0]["issuer_uri"] == how.issuer
    conditions = {
        "okta": "'mfa' in assertion.amr",
        "auth0": "'mfa' in assertion.amr",
        "ping": "type(assertion.acr) == string ? "
        "(assertion.acr == 'Multi_Factor' || assertion.acr == 'Hardware_Key') : "
        "('Multi_Factor' in assertion.acr || 'Hardware_Key' in assertion.acr)",
    }
    assert provider["attribute_condition"] == conditions.get(how.provider)
    plain = how.groups == "groups"
    groups = "assertion.groups" if plain else "assertion['https://rights.example/groups']"
    assert provider["attribute_mapping"]["google.groups"] == groups


def at_oci(state: dict[str, Any], how: SignIn) -> None:
    (provider,) = resources(state, "oci_identity_domains_identity_provider")
    assert provider["metadata"] == GIVEN["oci"]["sso_metadata"]
    assert provider["jit_user_prov_group_saml_attribute_name"] == how.groups
    made = {one["display_name"]: one["id"] for one in resources(state, "oci_identity_domains_group")}
    assert {one["idp_group"]: one["value"] for one in provider["jit_user_prov_group_mappings"]} == made
    (mapped,) = resources(state, "oci_identity_domains_mapped_attribute")
    told = {one["idcs_attribute_name"]: one["managed_object_attribute_name"] for one in mapped["attribute_mappings"]}
    assert told["name.familyName"] == "$(assertion.family_name)"
    statements = [s for one in resources(state, "oci_identity_policy") for s in one["statements"]]
    ocids = {one["ocid"] for one in resources(state, "oci_identity_domains_group")}
    assert statements and all(s.split()[3] in ocids for s in statements if s.startswith("Allow group id"))


BY_IAM = "\n    aws: iam"


@pytest.mark.slow
def test_an_account_without_identity_center_trusts_the_provider_itself(tmp_path: Path) -> None:
    root = written(tmp_path, renderers()["terraform/aws"](blueprint("okta", BY_IAM))) / "terraform" / "aws"
    assert checkers.terraform_fmt(root) == []
    assert checkers.terraform_validate(root) == []
    trip = checkers.terraform_roundtrip(root, variables={"sso_metadata": "<EntityDescriptor/>"})
    assert trip.findings == [], "\n".join(trip.findings)
    assert resources(trip.state, "aws_ssoadmin_permission_set") == []
    (provider,) = resources(trip.state, "aws_iam_saml_provider")
    roles = {one["name"]: one for one in resources(trip.state, "aws_iam_role") if one["name"].endswith("-people")}
    assert set(roles) == {"rights-analysts-people", "rights-operators-people", "rights-stewards-people"}
    trust = json.loads(roles["rights-analysts-people"]["assume_role_policy"])["Statement"]
    audience = "https://signin.aws.amazon.com/saml"
    asked = {"SAML:aud": audience, "aws:RequestTag/second-factor": ["mfa"]}
    assert [one["Condition"] for one in trust] == [
        {"StringEquals": asked, "ForAnyValue:StringEquals": {"SAML:edupersonaffiliation": ["analysts"]}},
        {"StringEquals": {**asked, "SAML:sub": ["one@rights.example"]}},
    ]
    assert all(one["Principal"] == {"Federated": provider["arn"]} for one in trust)
    assert roles["rights-analysts-people"]["max_session_duration"] == 5400
    entries = {one["principal_arn"] for one in resources(trip.state, "aws_eks_access_entry")}
    assert {roles["rights-operators-people"]["arn"], roles["rights-stewards-people"]["arn"]} <= entries


def test_the_report_tells_what_the_provider_sends_to_an_account_without_identity_center() -> None:
    assert "no role can be taken unless the session's tag second-factor is mfa" in report("okta", BY_IAM)
    text = report("auth0", BY_IAM)
    assert "an assertion tells AWS no second factor unless a session's tag does" in text
    assert "people_roles" in text and "Identity Center" not in text


def test_a_factor_that_is_not_required_is_asked_for_nowhere() -> None:
    more = "\n    require_second_factor: false"
    assert "Deny" not in files("aws", "okta", more)
    assert "azuread_conditional_access_policy" not in files("azure", "okta", more)
    assert "assertion.amr" not in files("gcp", "okta", more)
    assert "precondition" not in files("oci", "okta", more)
    assert "A second factor is not required by the estate." in report("okta", more)


def test_oracle_connects_no_provider_while_its_console_asks_for_no_factor(tmp_path: Path) -> None:
    root = written(tmp_path, renderers()["terraform/oci"](blueprint("okta"))) / "terraform" / "oci"
    test = root / "tests" / "oci.tftest.hcl"
    test.write_text(test.read_text().replace("active = true", "active = false"))
    assert any("Activate Oracle's sign-on policy" in line for line in checkers.terraform_test(root))


@pytest.mark.parametrize("issuer", ISSUERS)
def test_the_report_says_where_the_factor_is_asked_for(issuer: str) -> None:
    lines = {line.split(" | ")[0].strip("| "): line for line in report(issuer).splitlines() if line.startswith("| ")}
    shown = how(issuer).proof is not None
    assert ("at Google Cloud" in lines["gcp"]) is shown
    assert ("at the provider alone" in lines["gcp"]) is not shown
    assert ("at AWS" in lines["aws"]) is (issuer == "okta")  # the only one that tells AWS by a session's tag
    assert "Conditional Access" in lines["azure"]
    text = report(issuer)
    assert ("federationConfiguration" in text) is (issuer != "entra")
    assert "enforceMfaByFederatedIdp" in text or issuer == "entra"


def test_what_a_person_must_do_is_told_as_a_gap_at_the_clouds_where_people_have_rights() -> None:
    found = renderers()["identity"](blueprint("okta"))
    assert any(gap.startswith("people at aws: make the provider the identity source") for gap in found.gaps)
    nobody = msgspec.structs.replace(blueprint("okta"), principals=())
    assert renderers()["identity"](nobody).gaps == ()
    assert "nobody: no role gives a person anything here" in renderers()["identity"](nobody).files["identity/report.md"]


@pytest.mark.slow
@pytest.mark.parametrize("cloud", CLOUDS)
def test_hostile_names_of_groups_stay_names(cloud: str, tmp_path: Path) -> None:
    readers = next(one for one in whole().principals if one.name == "operators")
    hostile = msgspec.structs.replace(readers, name="x", members=(f"group:{HOSTILE}", f"user:{HOSTILE}"))
    whole_one = msgspec.structs.replace(blueprint("okta"), principals=(hostile,))
    root = written(tmp_path, renderers()[f"terraform/{cloud}"](whole_one)) / "terraform" / cloud
    assert checkers.terraform_fmt(root) == []
    trip = checkers.terraform_roundtrip(root, variables=GIVEN[cloud])
    assert trip.findings == [], "\n".join(trip.findings)
    assert json.dumps(HOSTILE)[1:-1] in json.dumps(trip.plan)
    assert all(change["type"] != "null_resource" for change in trip.plan["resource_changes"])


def test_a_right_that_two_roles_give_is_assigned_once_at_azure() -> None:
    analysts = next(one for one in whole().principals if one.name == "analysts")
    twice = (analysts, msgspec.structs.replace(analysts, name="again"))
    found = renderers()["terraform/azure"](msgspec.structs.replace(whole(), principals=twice))
    assert found.files["terraform/azure/identity.tf"].count('"Storage Blob Data Reader"') == len(analysts.members)
