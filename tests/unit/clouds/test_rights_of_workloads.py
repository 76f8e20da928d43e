"""Programs that run on other clouds' clusters, and people without a sign-in: what clouds give and tell."""

import re

import msgspec

from polycloud.app.wiring import renderers
from polycloud.deploy.blueprint import Blueprint, Principal
from polycloud.deploy.conventions import WORKLOADS_NAMESPACE
from polycloud.deploy.hcl import render
from polycloud.deploy.ports import Rendered
from polycloud.estate.schema.rules import Grant
from tests.deploy.blueprints import EVERYTHING, blueprint
from tests.deploy.placed_runs import run

CLOUDS = ("aws", "azure", "gcp", "oci")


def dataset(cloud: str) -> str:
    return next(bucket.datasets[0] for bucket in blueprint(EVERYTHING).buckets if bucket.site.cloud == cloud)


def cluster(cloud: str) -> str:
    return next(one.name for one in blueprint(EVERYTHING).clusters if one.site.cloud == cloud)


def reading(cloud: str, *clusters: str) -> Rendered:
    """The root of a cloud in which a workload, placed on these clusters, reads what is there."""
    grant = Grant.model_validate({"do": ("read",), "on": (f"dataset/{dataset(cloud)}",)})
    given: Blueprint = msgspec.structs.replace(
        blueprint(EVERYTHING),
        principals=(Principal("readers", ("workload:wash",), (grant,)),),
        runs=tuple(run(f"wash{n}", "data", name, "m", workload="wash") for n, name in enumerate(clusters)),
    )
    return renderers()[f"terraform/{cloud}"](given)


def test_a_pod_is_known_by_its_cluster_and_not_by_its_name_alone() -> None:
    """Each binding or condition names one cluster: a service account of the same name in another gets nothing."""
    abroad = [cluster("aws"), cluster("azure")]
    text = reading("gcp", *abroad).files["terraform/gcp/identity.tf"]
    bound = re.findall(r'member\s+= "principalSet://[^"]+clusters\.name}/([^"]+)"', text)
    assert bound == [f"attribute.pod/{name}/system:serviceaccount:workloads:wash" for name in sorted(abroad)]
    assert "principal://iam.googleapis.com/${google_iam_workload_identity_pool" not in text
    for cloud in ("aws", "azure"):
        others = [cluster("gcp"), cluster("oci")]
        quoted = ", ".join(f'"{name}"' for name in sorted(others))
        text = reading(cloud, *others).files[f"terraform/{cloud}/identity.tf"]
        assert f"if contains([{quoted}], name)" in text


def test_the_pods_that_get_a_right_are_those_of_the_namespace_that_jobs_run_in() -> None:
    here = {
        "aws": r'namespace = "([\w-]+)"\n service_account = "wash"',
        "azure": r'subject = "system:serviceaccount:([\w-]+):wash"',
        "gcp": r"\.svc\.id\.goog\[([\w-]+)/wash\]",
        "oci": r"principal\.namespace = '([\w-]+)', request\.principal\.service_account = 'wash'",
    }
    for cloud, words in here.items():
        other = cluster("gcp" if cloud == "aws" else "aws")
        text = re.sub(r" +", " ", reading(cloud, cluster(cloud), other).files[f"terraform/{cloud}/identity.tf"])
        assert set(re.findall(words, text)) == {WORKLOADS_NAMESPACE}, cloud
        abroad = set(re.findall(r"system:serviceaccount:([\w-]+):wash", text))
        assert abroad == (set() if cloud == "oci" else {WORKLOADS_NAMESPACE}), cloud


def test_a_workload_on_another_clouds_cluster_is_told_that_oracle_cloud_gives_it_nothing() -> None:
    def told(*clusters: str) -> list[str]:
        return [gap for gap in reading("oci", *clusters).gaps if "workload:wash" in gap]

    (said,) = told(cluster("aws"), cluster("oci"))
    assert f"gets nothing here on {cluster('aws')} (readers)" in said
    assert told(cluster("oci")) == []
    assert told() == ["workload:wash runs nowhere yet, so role readers gives it nothing at oci"]


def test_the_roles_of_identity_center_are_asked_for_where_no_sign_in_tells_it() -> None:
    def told(action: str) -> list[str]:
        grant = Grant.model_validate({"do": (action,), "on": ("*",)})
        given = msgspec.structs.replace(
            blueprint(EVERYTHING), sign_in=None, principals=(Principal("team", ("group:team",), (grant,)),)
        )
        return [gap for gap in renderers()["terraform/aws"](given).gaps if "sso_role_arns" in gap]

    (said,) = told("deploy")
    assert "aws iam list-roles" in said
    assert told("read") == []  # nothing inside clusters


def test_the_kubernetes_api_is_reached_from_where_links_lead_and_from_nowhere_else() -> None:
    """By other clusters' meshes and Argo CD: private APIs let in the site's own network, and those it is joined to."""
    whole = blueprint("active-active")
    cidrs = {network.site.id: network.cidr for network in whole.networks}
    linked = {site.id: {cidrs[site.id]} for site in (one.site for one in whole.networks)}
    for link in whole.links:
        for own, peer in ((link.a, link.b), (link.b, link.a)):
            if own.id in linked and peer.id in cidrs and link.via != "internet":
                linked[own.id].add(cidrs[peer.id])
    google = {cidr for site, cidr in cidrs.items() if site.startswith("gcp/")}
    found = {
        one.address: one.block for cloud in ("aws", "gcp") for one in renderers()[f"terraform/{cloud}"](whole).resources
    }
    for one in whole.clusters:
        label = one.name.replace("-", "_")
        if one.site.cloud == "gcp":
            text = render([made]) if (made := found[f"gcp/google_container_cluster.{label}"]) else ""
            assert {*re.findall(r'cidr_block = "([^"]+)"', text), cidrs[one.site.id]} == linked[one.site.id] | google
        if one.site.cloud == "aws":
            text = render([made]) if (made := found[f"aws/aws_eks_cluster.{label}"]) else ""
            group = f"aws_security_group.inside_{one.site.region.replace('-', '_')}"
            assert f"security_group_ids      = [{group}.id]" in text
            rules = [b for address, b in found.items() if "security_group_ingress_rule" in address and b is not None]
            into = [render([rule]) for rule in rules if f"{group}.id" in render([rule])]
            assert {c for rule in into for c in re.findall(r'cidr_ipv4 += "([^"]+)"', rule)} == linked[one.site.id]
