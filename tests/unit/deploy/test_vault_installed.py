"""OpenBao as it is installed: five voters under names that every cluster knows, agents, and no loss that stops it."""

import re
from typing import Any

import yaml

from polycloud.deploy.blueprint import Blueprint, Cluster, Delivery, Key, Pool, Where
from polycloud.deploy.render import kubernetes, mesh
from polycloud.deploy.render.kubernetes import argo
from polycloud.deploy.render.kubernetes.manifests import targets
from polycloud.deploy.render.vault import voters

AWS = Where("aws/eu-west-1", "aws", "eu-west-1", "IE", 53.3, -6.2)
AZURE = Where("azure/westeurope", "azure", "westeurope", "NL", 52.3, 4.9)
GCP = Where("gcp/europe-west1", "gcp", "europe-west1", "BE", 50.4, 3.8)
WORK = Pool("workload", "workload", "m", 5, 50, vcpu=8, memory_gib=32)
SITES = (AWS, AZURE, GCP)
WHOLE = Blueprint(
    "northwind",
    "production",
    {"azure": {"tenant": "t"}},
    clusters=tuple(Cluster(site.id.replace("/", "-"), site, "1.35", (WORK,)) for site in SITES),
    keys=tuple(Key("data", site, 90, False) for site in SITES),
    secrets=("db-password",),
    delivery=Delivery("https://git.example/estate.git", "main", "rendered"),
)
FILES = kubernetes.render(WHOLE).files


def read(path: str, files: dict[str, str] = FILES) -> list[dict[str, Any]]:
    return [one for one in yaml.safe_load_all(files[path]) if one]


def test_the_charts_replicas_are_the_five_voters_by_their_own_names() -> None:
    made = []
    for cluster in WHOLE.clusters:
        (own,) = read(f"argocd/values/{cluster.name}/vault.yaml")
        made += [f"{own['fullnameOverride']}-{number}" for number in range(own["server"]["ha"]["replicas"])]
    assert sorted(made) == sorted(node.name for node in voters(WHOLE)) and len(made) == 5
    services = [one for one in read("vault/base/names.yaml") if one["kind"] == "Service"]
    assert {one["metadata"]["name"] for one in services} == set(made)
    for one in services:
        assert one["spec"]["selector"] == {"statefulset.kubernetes.io/pod-name": one["metadata"]["name"]}
        assert one["spec"]["publishNotReadyAddresses"]  # a voter is ready once it has joined the others
    certificate = read("vault/base/certificates.yaml")[0]
    joined = re.findall(r'leader_api_addr += "https://([^:]+):8200"', FILES["argocd/values/vault.yaml"])
    assert set(joined) <= set(certificate["spec"]["dnsNames"])


def test_voters_abroad_bring_a_token_for_the_seal_and_those_at_home_do_not() -> None:
    def mounted(cluster: Cluster) -> list[dict[str, Any]]:
        (own,) = read(f"argocd/values/{cluster.name}/vault.yaml")
        return [volume for volume in own["server"]["volumes"] if "projected" in volume]

    aws, azure, gcp = WHOLE.clusters
    assert mounted(aws) == []
    for foreign in (azure, gcp):
        (volume,) = mounted(foreign)
        assert volume["projected"]["sources"][0]["serviceAccountToken"]["audience"] == "sts.amazonaws.com"
    sets = {one["metadata"]["name"]: one for one in read("argocd/platform.yaml")}
    names = sets["vault-abroad"]["spec"]["generators"][0]["clusters"]["selector"]["matchExpressions"][0]["values"]
    assert names == [azure.name, gcp.name]
    chart, _ = sets["vault-abroad"]["spec"]["template"]["spec"]["sources"]
    assert chart["helm"]["parameters"] == [
        {"name": "server.extraEnvironmentVars.AWS_ROLE_ARN", "value": "{{ .metadata.annotations.polycloud_seal }}"}
    ]
    told = {cluster.name: argo.annotations(WHOLE, cluster, voters(WHOLE)) for cluster in targets(WHOLE)}
    assert told == {aws.name: (), azure.name: ("polycloud_seal",), gcp.name: ("polycloud_seal",)}


def test_one_voter_of_a_cluster_may_be_moved_and_no_more() -> None:
    (budget,) = [one for one in read("vault/base/policies.yaml") if one["kind"] == "PodDisruptionBudget"]
    assert budget["spec"] == {"maxUnavailable": 1, "selector": {"matchLabels": {"component": "server"}}}


def test_an_agent_in_every_cluster_asks_a_voter_that_there_is() -> None:
    hosts = {f"https://{node.name}.vault.svc.cluster.local:8200" for node in voters(WHOLE)}
    for cluster in WHOLE.clusters:
        (values,) = read(f"argocd/values/{cluster.name}/vault-agents.yaml")
        assert values["injector"]["externalBaoAddr"] in hosts
        (settings,) = read(f"vault/{cluster.name}/agent.yaml")
        assert "exit_after_auth = true" in settings["data"]["config-init.hcl"]
        assert "exit_after_auth = false" in settings["data"]["config.hcl"]
        assert "polycloud/data/db-password" in settings["data"]["config.hcl"]


def test_projects_take_the_repositories_in_use_alone() -> None:
    projects = {one["metadata"]["name"]: one["spec"] for one in read("argocd/projects.yaml")}
    kept = "https://git.example/estate.git"
    assert projects["northwind"]["sourceRepos"] == [kept]
    used = set()
    for path in ("argocd/platform.yaml", "argocd/applications.yaml"):
        for one in read(path):
            generator = one["spec"]["generators"][0].get("matrix", {}).get("generators", [{}])[-1]
            used |= {element["repository"] for element in generator.get("list", {}).get("elements", ())}
            sources = one["spec"]["template"]["spec"]["sources"]
            used |= {source["repoURL"] for source in sources if "{{" not in source["repoURL"]}
            assert all(s.get("path", "rendered/").startswith("rendered/") or "{{" in s["path"] for s in sources)
    assert used == set(projects["northwind-platform"]["sourceRepos"]) and kept in used
    assert "metadata.annotations.polycloud_repository" not in "".join(FILES.values())


def test_the_mesh_has_one_authority_a_name_for_each_cluster_and_the_clouds_it_may_call() -> None:
    found = mesh.render(WHOLE)
    issuer, istio = read("mesh/istio/base/authority.yaml", found.files)
    assert istio["spec"]["issuerRef"]["name"] == issuer["metadata"]["name"] and istio["spec"]["isCA"]
    assert istio["spec"]["secretName"] == "cacerts"
    services = {one["metadata"]["name"]: one for one in read("mesh/istio/base/names.yaml", found.files)}
    assert set(services) == {f"at-{cluster.name}" for cluster in WHOLE.clusters}
    assert {f"name:{cluster.name}" for cluster in WHOLE.clusters} <= set(found.provides)
    (entry,) = read("mesh/istio/base/egress.yaml", found.files)
    assert "*.amazonaws.com" in entry["spec"]["hosts"] and "*.oraclecloud.com" not in entry["spec"]["hosts"]
    alone = mesh.render(Blueprint("x", "production", {}, clusters=WHOLE.clusters[:1]))
    assert "mesh/istio/base/names.yaml" not in alone.files
