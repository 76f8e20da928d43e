"""Roles of the estate as rights of each cloud: under Terraform, parliament, and against what was meant."""

import json
import re
import tempfile
from functools import cache
from pathlib import Path

import msgspec
import pytest

from polycloud.app.wiring import renderers
from polycloud.catalog import Catalog
from polycloud.catalog.market import Market
from polycloud.clouds.aws import render as aws
from polycloud.clouds.aws import render_identity as aws_identity
from polycloud.clouds.azure import render_identity as azure_identity
from polycloud.clouds.gcp import render_identity as gcp_identity
from polycloud.clouds.oci import render_identity as oci_identity
from polycloud.deploy.blueprint import Blueprint, Run
from polycloud.deploy.derive import derive
from polycloud.deploy.intents import intents
from polycloud.deploy.render.terraform import Root
from polycloud.estate import load
from tests.deploy import checkers
from tests.deploy.estates import written

ESTATE = """
estate: rights
clouds:
  aws: {account: "123456789012", sites: [us-east-1, eu-west-1]}
  gcp: {project: rights-ai, sites: [us-central1]}
  azure: {sites: [westeurope]}
  oci: {compartment: ocid1.compartment.oc1..x, sites: [eu-frankfurt-1]}
sandbox: {clouds: all, seed: 1}
data_classes:
  personal: {stay_in: [eu], audit: required}
  general: {}
models:
  claude:
    deployments:
      - {at: aws/us-east-1, model: claude-sonnet-4-6, profile: us}
      - {at: aws/eu-west-1, model: nova-lite}
  gemini: {deployments: [{at: gcp/us-central1, model: gemini-3.8-flash}]}
  gpt: {deployments: [{at: azure/westeurope, model: gpt-4o}]}
  llama: {deployments: [{at: oci/eu-frankfurt-1, model: llama-3.3-70b-instruct}]}
routes: [{match: {model: "*"}}]
stores:
  shared: {at: aws/us-east-1}
datasets:
  clicks: {class: general, store: shared, size: 1 TB, layer: raw}
  sales: {class: general, store: shared, size: 1 TB, layer: curated}
  people: {class: personal, at: aws/eu-west-1, size: 1 TB, layer: raw}
  logs: {class: general, at: gcp/us-central1, size: 1 TB, layer: raw}
  books: {class: general, at: azure/westeurope, size: 1 TB, layer: raw}
  ledger: {class: personal, at: oci/eu-frankfurt-1, size: 1 TB, layer: raw}
workloads:
  train: {kind: training, needs: {vcpu: 4}, hours_per_month: 10, reads: [clicks]}
roles:
  analysts:
    members: ["group:analysts", "user:one@rights.example"]
    can: [{do: [read], on: [dataset/clicks, dataset/logs, dataset/books]}, {do: [invoke], on: ["model/*"]}]
  stewards:
    members: ["group:stewards"]
    can: [{do: [read, write, delete], on: ["dataset/*"], classes: [personal]}]
    inherits: [readers]
  readers: {members: ["team:desk"], can: [{do: [audit], at: ["*/eu-*"]}]}
  trainer: {members: ["workload:train"], can: [{do: [read], on: [dataset/clicks]}, {do: [write], on: [dataset/logs]}]}
  operators: {members: ["group:ops"], can: [{do: [administer, deploy, run]}]}
"""
CLOUDS = {"aws": aws_identity, "azure": azure_identity, "gcp": gcp_identity, "oci": oci_identity}


@cache
def whole() -> Blueprint:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "estate.yaml"
        path.write_text(ESTATE)
        loaded = load(path, None)
    assert loaded.estate is not None, loaded.diagnostics
    run = Run("train", "train", "training", "aws-us-east-1", "m7i.xlarge", 1, False)
    abroad = msgspec.structs.replace(run, name="train-2", cluster="gcp-us-central1")
    return derive(loaded.estate, Catalog.load(), Market.load(), (run, abroad))


def files(cloud: str) -> dict[str, str]:
    root = Root(cloud, whole())
    root.about("variables.tf", "Inputs.", "roles")
    CLOUDS[cloud].add(root, whole().of(cloud))
    return root.rendered().files


def report() -> str:
    return renderers()["identity"](whole()).files["identity/report.md"]


@pytest.mark.slow
def test_the_whole_root_of_aws_with_rights_is_planned_and_applied_once(tmp_path: Path) -> None:
    root = written(tmp_path, aws.render(whole())) / "terraform/aws"
    assert checkers.terraform_fmt(root) == []
    assert checkers.terraform_validate(root) == []
    given = {
        "cluster_issuers": {"gcp-us-central1": "https://issuer.example/x"},
        "sso_role_arns": {"operators": "arn:aws:iam::1:role/x"},
    }
    trip = checkers.terraform_roundtrip(root, variables=given)
    assert trip.findings == []
    text = json.dumps(trip.state)
    assert "system:serviceaccount:workloads:train" in text


# Conditions that AWS has and this parliament's table lacks: the controller's own policy uses it,
# github.com/kubernetes-sigs/aws-load-balancer-controller, docs/install/iam_policy.json, 2026-11.
UNKNOWN = ("elasticloadbalancing:CreateAction",)


MADE_UP = {
    "kms_key": "kms:eu-west-1:123456789012:key/",
    "eks_cluster": "eks:eu-west-1:123456789012:cluster/",
    "cloudwatch_log_group": "logs:eu-west-1:123456789012:log-group:",
}


def test_every_policy_of_aws_is_one_that_parliament_accepts(tmp_path: Path) -> None:
    root = written(tmp_path, aws.render(whole())) / "terraform/aws"
    trip = checkers.terraform_roundtrip(root)
    found = 0
    for resource in trip.state["values"]["root_module"]["resources"]:
        for name in ("inline_policy", "policy"):
            if resource["type"].startswith(("aws_ssoadmin_permission_set_inline", "aws_iam_role_policy")):
                document = resource["values"].get(name)
                if isinstance(document, str) and document.startswith("{"):
                    found += 1
                    document = re.sub(r"arn:partition-\w+:", "arn:aws:", document)
                    document = re.sub(r"account-id-\w+", "123456789012", document)
                    # The stub makes up what a cloud would answer: ARNs get the forms that AWS gives them.
                    for made, real in MADE_UP.items():
                        document = re.sub(rf"arn:[^\"]*:aws_{made}/", f"arn:aws:{real}", document)
                    found_wrong = [one for one in checkers.parliament(document) if not any(k in one for k in UNKNOWN)]
                    assert found_wrong == [], document
    assert found >= 4


@pytest.mark.parametrize("cloud", sorted(CLOUDS))
def test_every_role_has_its_line_in_the_report(cloud: str) -> None:
    text = report()
    text = text[text.index(f"## Rights at {cloud}") :].partition("\n## ")[0]
    for principal in whole().principals:
        for intent in intents(whole().of(cloud), principal):
            assert re.search(rf"\| {principal.name} \| {intent.action} \|", text), (principal.name, intent.action)


def test_the_report_names_what_clouds_grant_differently_and_nothing_else() -> None:
    part = report().partition("## Where the clouds differ")[2].partition("\n## ")[0]
    lines = [line.split(" | ") for line in part.splitlines() if line.startswith("| ")][1:]
    found = {(cells[0].strip("| "), cells[1]): [cell.strip(" |") for cell in cells[2:]] for cells in lines}
    assert found[("operators", "administer")] == ["granted", "granted", "granted, and more", "granted"]
    assert found[("operators", "audit")] == ["granted, not meant", "granted, not meant", "", "granted, not meant"]
    assert ("stewards", "read") not in found  # alike wherever it is meant
    assert not any(role == "trainer" for role, _ in found)  # read at one cloud, write at another: as meant


def test_a_grant_reaches_what_it_names_and_nothing_else() -> None:
    analysts = next(p for p in whole().principals if p.name == "analysts")
    read = next(i for i in intents(whole().of("aws"), analysts) if i.action == "read")
    assert [(f.bucket.name, f.dataset, f.alone) for f in read.folders] == [("shared-aws-us-east-1", "clicks", False)]
    text = files("aws")["terraform/aws/identity.tf"]
    own = text[text.index('"role__analysts"') : text.index('"role__operators"')]
    assert "clicks" in own and "sales" not in own and "people" not in own


def test_a_class_narrows_a_grant_and_a_site_pattern_too() -> None:
    stewards = next(p for p in whole().principals if p.name == "stewards")
    found = {i.action: i for i in intents(whole().of("aws"), stewards)}
    assert {f.dataset for f in found["write"].folders} == {"people"}
    assert {f.bucket.site.id for f in found["audit"].folders} == {"aws/eu-west-1"}
    assert {c.site.id for c in found["audit"].clusters} == {"aws/eu-west-1"}


def test_a_condition_keeps_a_program_of_another_cloud_to_its_own_name() -> None:
    text = files("aws")["terraform/aws/identity.tf"]
    assert '"system:serviceaccount:workloads:train"' in text
    assert 'contains(["gcp-us-central1"], name)' in text
    assert "google_service_account_iam_member" in files("gcp")["terraform/gcp/identity.tf"]


def test_statements_of_oracle_name_buckets_and_permissions() -> None:
    text = files("oci")["terraform/oci/identity.tf"]
    assert "Allow group 'stewards' to manage objects" in text
    assert "request.permission = 'OBJECT_DELETE'" in text
    assert "target.bucket.name = 'rights-ledger-eu-frankfurt-1'" in text
    who = r"Allow (group '[\w.@/-]+'|any-user) to (inspect|read|use|manage) [a-z-]+"
    grammar = rf'"{who} in compartment id \$\{{var\.compartment\}}( where all \{{.*\}})?"'
    checked = 0
    for line in re.findall(r'^\s+("Allow .*"),?$', text, re.M) + re.findall(r'statements\s+= \[(".*")\]', text):
        for one in re.findall(r'"Allow [^"]*"', line):
            checked += 1
            assert re.fullmatch(grammar, one), one
    assert checked >= 5


def test_teams_hold_gateway_keys_and_are_told_as_a_gap() -> None:
    root = Root("aws", whole())
    root.about("variables.tf", "Inputs.", "roles")
    aws_identity.add(root, whole().of("aws"))
    assert any("team:desk" in gap for gap in root.rendered().gaps)
