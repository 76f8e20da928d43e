"""Whatever the report on rights says is granted, a resource grants; and what no resource grants, it calls nothing."""

import re
import tempfile
from functools import cache
from pathlib import Path

import msgspec
import pytest

from polycloud.catalog import Catalog
from polycloud.catalog.market import Market
from polycloud.clouds.aws import render_identity as aws
from polycloud.clouds.azure import render_identity as azure
from polycloud.clouds.gcp import render_identity as gcp
from polycloud.clouds.oci import render_identity as oci
from polycloud.deploy.blueprint import Blueprint, Principal, Run
from polycloud.deploy.derive import derive
from polycloud.deploy.hcl import render
from polycloud.deploy.render.identity_report import NOTHING, Row
from polycloud.deploy.render.terraform import Root
from polycloud.estate import load
from polycloud.estate.schema.rules import Grant

ESTATE = """
estate: rights
clouds:
  aws: {sites: [eu-west-1]}
  azure: {sites: [westeurope]}
  gcp: {project: rights-ai, sites: [europe-west1]}
  oci: {compartment: ocid1.compartment.oc1..x, sites: [eu-frankfurt-1]}
models:
  all:
    deployments:
      - {at: aws/eu-west-1, model: nova-lite}
      - {at: azure/westeurope, model: gpt-4o}
      - {at: gcp/europe-west1, model: gemini-3.8-flash}
      - {at: oci/eu-frankfurt-1, model: llama-3.3-70b-instruct}
routes: [{match: {model: "*"}}]
stores: {mixed: {at: gcp/europe-west1}}
datasets:
  d-aws: {at: aws/eu-west-1, size: 1 TB}
  d-azure: {at: azure/westeurope, size: 1 TB}
  d-gcp: {store: mixed, size: 1 TB}
  e-gcp: {store: mixed, size: 1 TB}
  d-oci: {at: oci/eu-frankfurt-1, size: 1 TB}
workloads:
  near: {kind: training, needs: {vcpu: 4}, hours_per_month: 10, reads: [d-aws]}
  far: {kind: training, needs: {vcpu: 4}, hours_per_month: 10, reads: [d-aws]}
  idle: {kind: training, needs: {vcpu: 4}, hours_per_month: 10, reads: [d-aws]}
"""
CLOUDS = {"aws": aws, "azure": azure, "gcp": gcp, "oci": oci}
GRANTING = (
    "aws_ssoadmin_permission_set_inline_policy",
    "aws_eks_access_policy_association",
    "aws_iam_role_policy",
    "azurerm_role_assignment",
    "google_project_iam_member",
    "google_storage_bucket_iam_member",
    "oci_identity_policy",
)
ACTIONS = ("invoke", "read", "write", "delete", "run", "deploy", "administer", "audit")
MEMBERS = ("group:g", "user:u@rights.example", "team:t", "workload:near", "workload:far", "workload:idle", "")


@cache
def blueprint() -> Blueprint:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "estate.yaml"
        path.write_text(ESTATE)
        loaded = load(path, None)
    assert loaded.estate is not None, loaded.diagnostics
    run = Run("near", "near", "training", "oci-eu-frankfurt-1", "VM.Standard.E5.Flex", 1, False)
    far = msgspec.structs.replace(run, name="far", workload="far", cluster="aws-eu-west-1")
    found = derive(loaded.estate, Catalog.load(), Market.load(), (run, far))
    return msgspec.structs.replace(found, runs=(run, far))


# What the clouds' own words come to, written down here apart from how the renderers choose them.
INSIDE = ("run", "deploy", "administer", "audit")
MEANS: dict[str, tuple[str, ...]] = {
    r"bedrock:InvokeModel\b|Cognitive Services OpenAI User|aiplatform\.endpoints\.predict": ("invoke",),
    r"to use generative-ai-chat": ("invoke",),
    r"s3:GetObject\b|Storage Blob Data Reader|roles/storage\.objectViewer|to read objects": ("read",),
    r"s3:PutObject\b|roles/storage\.objectCreator|'OBJECT_CREATE'": ("write",),
    r"s3:DeleteObject\b|'OBJECT_DELETE'": ("delete",),
    r"Storage Blob Data Contributor": ("read", "write", "delete"),
    r"roles/storage\.objectUser": ("read", "write", "delete"),
    r"AmazonEKSEditPolicy|Azure Kubernetes Service RBAC Writer": ("run", "deploy"),
    r"AmazonEKSClusterAdminPolicy|Azure Kubernetes Service RBAC Cluster Admin|'CLUSTER_MANAGE'": INSIDE,
    r"AmazonEKSViewPolicy|Azure Kubernetes Service RBAC Reader|to read audit-events": ("audit",),
    r"container\.jobs\.create": ("run",),
    r"container\.deployments\.create": ("deploy",),
    r"container\.clusters\.update": ("administer",),
    r"logging\.logEntries\.list": ("audit",),
}
# Grants that no name narrows: those of a whole project, compartment, account or namespace.
WIDE = {
    "aws": r"AmazonEKSEditPolicy",
    "azure": r"Cognitive Services|/namespaces/workloads|Storage Blob Data Contributor",
    "gcp": r'"google_project_iam_member"|objectUser',
    "oci": r"var\.compartment\}\"",
}


def one_role(cloud: str, action: str, target: str, member: str) -> tuple[list[Row], set[str]]:
    """The rows of a role with one right and one member, and the kinds of resources that give it anything."""
    rows, text = rendered(cloud, action, target, member)
    kinds = set(re.findall(r'^resource "(\w+)"', text, re.M))
    return rows, kinds & set(GRANTING)


def rendered(cloud: str, action: str, target: str, member: str) -> tuple[list[Row], str]:
    """The rows of a role with one right and one member, and all that is rendered for it."""
    grant = Grant.model_validate({"do": (action,), "on": (target,)})
    role = Principal("role", (member,) if member else (), (grant,))
    here = msgspec.structs.replace(blueprint(), principals=(role,)).of(cloud)
    root = Root(cloud, here)
    for file in ("variables.tf", "providers.tf", "outputs.tf"):
        root.about(file, "Of the root.", "roles")
    CLOUDS[cloud].add(root, here)
    return CLOUDS[cloud].rows(here), render([one.block for one in root.rendered().resources if one.block is not None])


@pytest.mark.parametrize("cloud", sorted(CLOUDS))
@pytest.mark.parametrize("action", ACTIONS)
def test_a_right_is_told_exactly_where_a_resource_gives_it(cloud: str, action: str) -> None:
    said = 0
    for target in ("*", "model/*", "dataset/d-*", "workload/*"):
        for member in MEMBERS:
            rows, kinds = one_role(cloud, action, target, member)
            told = [row for row in rows if row.words != NOTHING]
            assert bool(told) == bool(kinds), (target, member, rows, kinds)
            inside = any("AmazonEKS" in row.words and "rights inside" not in row.lacks for row in told)
            assert inside == ("aws_eks_access_policy_association" in kinds), (target, member, rows)
            assert all(row.lacks and not row.gives and not row.beyond for row in rows if row.words == NOTHING), rows
            said += len(told)
    assert said


@pytest.mark.parametrize("cloud", sorted(CLOUDS))
@pytest.mark.parametrize("action", ACTIONS)
def test_what_the_report_says_that_a_right_comes_to_is_what_the_clouds_words_mean(cloud: str, action: str) -> None:
    targets = {"invoke": "model/*", "read": "dataset/d-*", "write": "dataset/d-*", "delete": "dataset/d-*"}
    rows, text = rendered(cloud, action, targets.get(action, "*"), "group:g")
    meant = {one for words, actions in MEANS.items() if re.search(words, text) for one in actions}
    assert {one for row in rows for one in row.gives} == meant, text
    assert any(row.beyond for row in rows) == bool(re.search(WIDE[cloud], text)), (rows, text)


def test_nobody_administers_clusters_by_a_right_over_data() -> None:
    for cloud in CLOUDS:
        rows, kinds = one_role(cloud, "administer", "dataset/*", "group:g")
        assert rows and not any({"run", "deploy"} & set(row.gives) for row in rows), cloud
        assert "aws_eks_access_policy_association" not in kinds
    assert one_role("oci", "administer", "dataset/*", "group:g")[1] == set()


def test_what_a_cloud_leaves_out_of_a_right_is_told() -> None:
    def lacks(cloud: str, action: str, target: str, member: str = "group:g") -> str:
        return "; ".join(row.lacks for row in one_role(cloud, action, target, member)[0])

    for cloud in CLOUDS:
        assert "settings" in lacks(cloud, "administer", "*"), cloud
    assert "inside a cluster" in lacks("gcp", "administer", "*")
    assert "listing" in lacks("gcp", "read", "dataset/d-gcp")
    assert "rights inside clusters for workload:far" in lacks("aws", "audit", "*", "workload:far")
