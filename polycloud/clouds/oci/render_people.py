"""People at Oracle Cloud: the company's identity provider in an identity domain, by SAML, with the groups of the roles
and the attributes of people filled at each sign-in; made only where the console asks for a second factor."""

from polycloud.deploy.blueprint import Blueprint, SignIn
from polycloud.deploy.hcl import Block, Expr, Value, block
from polycloud.deploy.intents import Member
from polycloud.deploy.render.identity_report import Step, Told, people
from polycloud.deploy.render.terraform import Root, attribute, identifier, ref, variable

FILE = "identity.tf"
DOMAIN = ref("data.oci_identity_domains.people.domains[0].url")
SCHEMA = "urn:ietf:params:scim:schemas"
# Attributes of a user of a domain, RFC 7643 §4; a surname and a user name are what a domain asks for.
# https://docs.oracle.com/iaas/Content/Identity/federating/jit.htm, 2026-11
USER = {
    "subject": "userName",
    "email": 'emails[primary eq true and type eq "work"].value',
    "family_name": "name.familyName",
    "department": f"{SCHEMA}:extension:enterprise:2.0:User:department",
    "cost_center": f"{SCHEMA}:extension:enterprise:2.0:User:costCenter",
}
# The sign-on policy that Oracle keeps in each domain: a second factor at each sign-in to the console, by everybody.
# https://docs.oracle.com/en-us/iaas/Content/Security/Reference/
# iam_security_topic_update_default_security_policy_using_required_consent_overview.htm, 2026-11
CONSOLE_POLICY = "OciConsolePolicy"


def group(member: Member, how: SignIn | None) -> str:
    """A group of the domain in a statement, by its OCID; "" when the estate says nothing of the sign-in."""
    return f"group id ${{oci_identity_domains_group.{identifier(member.name)}.ocid}}" if how is not None else ""


def add(root: Root, here: Blueprint) -> None:
    how = here.sign_in
    named = [one.name for one in people(here) if one.kind == "group"]
    if how is None or not named:
        return
    tenancy = here.accounts.get("oci", {}).get("tenancy")
    root.add(
        "variables.tf",
        variable("tenancy", "The OCID of the tenancy, where the identity domain is.", default=tenancy),
        variable("identity_domain", "The name of the identity domain that people sign in at.", default="Default"),
        variable("sso_metadata", "The SAML metadata of the company's identity provider, as XML."),
    )
    wanted: dict[str, Value] = {"compartment_id": ref("var.tenancy"), "display_name": ref("var.identity_domain")}
    root.add(FILE, block("data", "oci_identity_domains", "people", attributes=wanted))
    section = root.section(FILE, "", "identity.sso", "identity", {"idcs_endpoint": DOMAIN})
    made = {
        name: section.make(
            "oci_identity_domains_group",
            identifier(name),
            {"display_name": name, "schemas": [f"{SCHEMA}:core:2.0:Group"]},
            block("lifecycle", attributes={"ignore_changes": [ref("members"), ref("schemas")]}),
        )
        for name in named
    }
    provider = section.make(
        "oci_identity_domains_identity_provider", "people", _provider(here, how), *_mappings(made), _life(root, how)
    )
    _attributes(root, how, provider)


def _provider(here: Blueprint, how: SignIn) -> dict[str, Value]:
    return {
        "partner_name": f"{here.estate}-people",
        "description": f"Where people of the estate {here.estate} sign in.",
        "schemas": [f"{SCHEMA}:oracle:idcs:IdentityProvider"],
        "type": "SAML",
        "enabled": True,
        "metadata": ref("var.sso_metadata"),
        "signature_hash_algorithm": "SHA-256",
        "name_id_format": "saml-none",
        "user_mapping_method": "NameIDToUserAttribute",
        "user_mapping_store_attribute": USER["subject"],
        "jit_user_prov_enabled": True,
        "jit_user_prov_create_user_enabled": True,
        "jit_user_prov_attribute_update_enabled": True,
        "jit_user_prov_group_assertion_attribute_enabled": True,
        "jit_user_prov_group_saml_attribute_name": how.groups,
        "jit_user_prov_group_assignment_method": "Overwrite",
        "jit_user_prov_group_mapping_mode": "explicit",
        "jit_user_prov_ignore_error_on_absent_groups": True,
    }


def _mappings(made: dict[str, Expr]) -> list[Block]:
    return [
        block("jit_user_prov_group_mappings", attributes={"idp_group": name, "value": attribute(one, "id")})
        for name, one in made.items()
    ]


def _life(root: Root, how: SignIn) -> Block:
    """The domain adds schemas of its own; and no provider is connected while the console asks nobody for a second
    factor."""
    parts = []
    if how.second_factor:
        asked: dict[str, Value] = {"idcs_endpoint": DOMAIN, "policy_id": CONSOLE_POLICY}
        root.add(FILE, block("data", "oci_identity_domains_policy", "console", attributes=asked))
        holds: dict[str, Value] = {
            "condition": ref("data.oci_identity_domains_policy.console.active"),
            "error_message": "Activate Oracle's sign-on policy for the console: it asks for the second factor.",
        }
        parts.append(block("precondition", attributes=holds))
    return block("lifecycle", attributes={"ignore_changes": [ref("schemas")]}, parts=parts)


def _attributes(root: Root, how: SignIn, provider: Expr) -> None:
    """A domain makes the list of a provider's attributes with the provider; this fills it."""
    found = "data.oci_identity_domains_mapped_attributes.people.mapped_attributes[0].id"
    of_provider = Expr(f'"refResourceID eq \\"${{{provider.text}.id}}\\" and direction eq \\"inbound\\""')
    asked: dict[str, Value] = {"idcs_endpoint": DOMAIN, "mapped_attribute_filter": of_provider}
    root.add(FILE, block("data", "oci_identity_domains_mapped_attributes", "people", attributes=asked))
    root.section(FILE, "", "identity.sso", "identity", {"idcs_endpoint": DOMAIN}).make(
        "oci_identity_domains_mapped_attribute",
        "people",
        {
            "mapped_attribute_id": ref(found),
            "schemas": [f"{SCHEMA}:oracle:idcs:MappedAttribute"],
            "direction": "inbound",
            "idcs_resource_type": "User",
            "ref_resource_type": "IdentityProvider",
            "ref_resource_id": attribute(provider, "id"),
        },
        *(
            block("attribute_mappings", attributes={"managed_object_attribute_name": said, "idcs_attribute_name": own})
            for said, own in _told_by(how)
        ),
    )


def _told_by(how: SignIn) -> list[tuple[str, str]]:
    """(what the assertion says, the domain's attribute); the subject comes as SAML's NameID."""
    given = {
        "email": how.email,
        "family_name": how.family_name,
        "department": how.department,
        "cost_center": how.cost_center,
    }
    named = [(f"$(assertion.{claim})", USER[word]) for word, claim in given.items() if claim]
    return [("$(assertion.fed.nameidvalue)", USER["subject"]), *named]


def told(here: Blueprint, how: SignIn) -> Told:
    factor = "not required"
    if how.second_factor:
        factor = (
            "by Oracle's own sign-on policy for the console, for everybody and at each sign-in, after the provider's "
            "own; the provider is not connected while it is switched off"
        )
    steps = [
        Step(
            "show the provider on the domain's sign-in page",
            "The rule is the whole domain's and lists all providers, so that this root does not take it over.",
            "oci identity-domains rule patch --endpoint DOMAIN_URL --rule-id DefaultIDPRule \\\n"
            '  --schemas \'["urn:ietf:params:scim:api:messages:2.0:PatchOp"]\' --operations \'[{"op": "replace", '
            '"path": "return[name eq \\"SamlIDPs\\"].value", "value": "[\\"ID_OF_ALL_PROVIDERS\\"]"}]\'',
        ),
        Step(
            "give the provider the domain's own metadata (DOMAIN_URL/fed/v1/metadata), and let it send the attributes "
            "named above",
            "The application belongs to the provider "
            "(https://docs.oracle.com/iaas/Content/Identity/identityproviders/overview.htm, 2026-11).",
        ),
    ]
    mapping = (("groups", "groups of the domain, by name, replaced at each sign-in"), *USER.items())
    session = "as the session settings of the domain say, which are not this estate's alone"
    return Told("an identity domain, by SAML", factor, session, mapping, tuple(steps))
