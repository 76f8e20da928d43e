"""The page beside the files: every cluster is registered, in order, and no name breaks out of its command."""

import shlex

import msgspec

from polycloud.app.wiring import renderers
from polycloud.deploy.blueprint import Blueprint, Cluster, Edge, EdgePool, Key, Where
from polycloud.deploy.render import readme

AWS = Where("aws/eu-west-1", "aws", "eu-west-1", "IE", 53.3, -6.2)
GCP = Where("gcp/europe-west1", "gcp", "europe-west1", "BE", 50.4, 3.8)
WHOLE = Blueprint(
    "northwind",
    "production",
    {},
    clusters=(Cluster("main", AWS, "1.35", ()), Cluster("other", GCP, "1.35", ())),
    keys=(Key("data", AWS, 90, False), Key("data", GCP, 90, False)),
)


def page(whole: Blueprint) -> str:
    return readme.render(whole).files["README.md"]


def test_steps_come_in_the_order_in_which_they_can_be_done() -> None:
    edge = Edge("ai.example", "cloudflare", (EdgePool("all", ("main", "other"), ()),), None, "/healthz")
    text = page(msgspec.structs.replace(WHOLE, edge=edge))
    places = [
        text.index(words)
        for words in (
            "terraform/aws",
            "`terraform/global`: ",
            "openssl req",
            "argocd cluster add main --name main",
            "kubectl apply -n argocd",
            "istioctl create-remote-secret",
            "bao operator init",
            "`terraform/vault`",
            "`terraform/global` again",
            "`monitoring`",
        )
    ]
    assert places == sorted(places)


def test_it_names_the_roots_that_are_there() -> None:
    for whole in (WHOLE, msgspec.structs.replace(WHOLE, clusters=WHOLE.clusters[:1])):
        for root in ("global", "vault"):
            made = bool(renderers()[f"terraform/{root}"](whole).files)
            assert (f"`terraform/{root}`" in page(whole)) == made, root


def test_each_cluster_is_told_what_only_terraform_knows() -> None:
    lines = [line for line in page(WHOLE).splitlines() if "argocd cluster add" in line]
    assert len(lines) == 2 and "polycloud_seal" not in lines[0]
    assert 'polycloud_seal="$(terraform -chdir=terraform/aws output -raw vault_seal)"' in lines[1]
    assert all("polycloud_repository=REPOSITORY" in line for line in lines)


def test_a_name_does_not_leave_its_place_in_a_command() -> None:
    hostile = "x; rm -rf $HOME `id`"
    bad = msgspec.structs.replace(WHOLE, clusters=(Cluster(hostile, AWS, "1.35", ()), *WHOLE.clusters[1:]))
    (line,) = [line for line in page(bad).splitlines() if "argocd cluster add" in line and "rm -rf" in line]
    assert hostile in shlex.split(line.strip())


def test_an_estate_without_clusters_has_no_steps_for_them() -> None:
    text = page(msgspec.structs.replace(WHOLE, clusters=()))
    assert "terraform/aws" in text and "argocd" not in text and "bao " not in text
