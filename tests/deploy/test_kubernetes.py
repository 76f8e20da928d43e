"""Manifests and the chart under the real tools: kustomize, helm, the strict schemas, the schemas of CRDs, checkov."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml

from polycloud.app.wiring import renderers
from polycloud.deploy.blueprint import Blueprint
from polycloud.deploy.render import helm, kubernetes
from tests.deploy import checkers
from tests.deploy.estates import NAMES, written
from tests.deploy.placed_runs import by_hand, by_plan

VERSIONS = ("1.35", "1.36")
# Checkov's findings that are answered elsewhere, each with the reason.
EXCEPTIONS = (
    "CKV_K8S_8",  # liveness: on which port a workload answers is not in the estate
    "CKV_K8S_9",  # readiness: likewise
    "CKV_K8S_15",  # always pull: images are meant to be named by digest
    "CKV_K8S_43",  # digests: which image runs is the estate's own choice, and the chart takes image.digest
)
ESTATES: list[Any] = [
    pytest.param(by_hand, id="by_hand", marks=pytest.mark.slow),
    *(pytest.param(lambda name=name: by_plan(name), id=name) for name in NAMES),
]


@pytest.mark.parametrize("made", ESTATES)
def test_every_overlay_builds_and_holds_against_the_strict_schemas(
    made: Callable[[], Blueprint], tmp_path: Path
) -> None:
    folder = written(tmp_path, kubernetes.render(made()))
    built = [checkers.kustomize_build(overlay) for overlay in sorted((folder / "kubernetes/overlays").iterdir())]
    assert built
    whole = "---\n".join(built)
    for version in VERSIONS:
        assert checkers.kubernetes_strict(whole, version) == []
    assert checkers.custom_resources(whole) == []


@pytest.mark.parametrize("made", ESTATES)
def test_argo_cd_and_the_jobs_inside_workflows_hold_against_their_schemas(made: Callable[[], Blueprint]) -> None:
    files = kubernetes.render(made()).files
    argo = [text for path, text in files.items() if path.startswith("argocd/") and "/values/" not in path]
    assert checkers.custom_resources("---\n".join(argo)) == []
    inside = [
        template["resource"]["manifest"]
        for path, text in files.items()
        if path.startswith("workflows/") and "kustomization" not in path
        for document in checkers.documents(text)
        if document["kind"] == "WorkflowTemplate"
        for template in document["spec"]["templates"]
        if "resource" in template
    ]
    assert inside
    jobs = [yaml.safe_load(text) for text in inside]
    for job in jobs:
        job["metadata"]["name"] = job["metadata"].pop("generateName") + "x"
    for version in VERSIONS:
        assert checkers.kubernetes_strict(yaml.safe_dump_all(jobs), version) == []


@pytest.mark.parametrize("made", ESTATES)
def test_the_chart_holds_for_every_cluster(made: Callable[[], Blueprint], tmp_path: Path) -> None:
    found = helm.render(made())
    chart = written(tmp_path, found) / "helm/polycloud"
    assert checkers.helm_lint(chart) == []
    for path, text in found.files.items():
        if "/clusters/" in path:
            resources = checkers.helm_template(chart, yaml.safe_load(text))
            for version in VERSIONS:
                assert checkers.kubernetes_strict(resources, version) == [], path


def templated(chart: Path, **values: Any) -> dict[str, Any]:
    text = checkers.helm_template(chart, values)
    return {f"{one['kind']}/{one['metadata']['name']}": one for one in checkers.documents(text)}


def test_the_chart_refuses_what_can_not_run(tmp_path: Path) -> None:
    chart = written(tmp_path, helm.render(by_hand())) / "helm/polycloud"
    for values in (
        {"replicas": 2},
        {"autoscaling": {"enabled": True}},
        {"database": {"kind": "postgresql", "existingSecret": "db"}},
        {"valkey": {"enabled": True, "existingSecret": "valkey"}},
        {"image": {"digest": "latest"}},
        {"typo": 1},
    ):
        with pytest.raises(checkers.Broken):
            checkers.helm_template(chart, values)
    made = templated(chart, estate={"files": {"estate.yaml": "estate: northwind\nteams: {a: {owner: '{{ x }}'}}\n"}})
    assert made["ConfigMap/polycloud-estate"]["data"]["estate.yaml"].rstrip() == (
        "estate: northwind\nteams: {a: {owner: '{{ x }}'}}"
    )
    assert "PodDisruptionBudget/polycloud" not in made


def test_the_pod_scales_by_its_workers_and_values_reach_what_they_are_for(tmp_path: Path) -> None:
    chart = written(tmp_path, helm.render(by_hand())) / "helm/polycloud"
    made = templated(chart, workers=8, resources={"requests": {"cpu": "8"}}, networkPolicy={"enabled": False})
    (container,) = made["StatefulSet/polycloud"]["spec"]["template"]["spec"]["containers"]
    assert container["args"][container["args"].index("--workers") + 1] == "8"
    assert container["resources"]["requests"]["cpu"] == "8"
    assert {"startupProbe", "livenessProbe", "readinessProbe"} <= container.keys()
    assert container["readinessProbe"]["httpGet"]["path"] == "/readyz"
    assert "NetworkPolicy/polycloud" not in made and "HorizontalPodAutoscaler/polycloud" not in made
    agents = templated(chart, vaultAgent={"enabled": True})
    template = agents["StatefulSet/polycloud"]["spec"]["template"]
    assert template["metadata"]["annotations"]["vault.hashicorp.com/agent-configmap"] == "vault-agent"
    tokens = [volume for volume in template["spec"]["volumes"] if volume["name"] == "vault-token"]
    assert tokens[0]["projected"]["sources"][0]["serviceAccountToken"]["audience"] == "vault"
    for version in VERSIONS:
        text = checkers.helm_template(chart, {"workers": 8, "vaultAgent": {"enabled": True}}, version)
        assert checkers.kubernetes_strict(text, version) == []


@pytest.mark.parametrize(
    "values",
    [
        {"workers": 0},
        {"workers": "four"},
        {"log": "loud"},
        {"persistence": {"size": "20"}},
        {"networkPolicy": {"reaches": [{"namespace": "x", "ports": [0]}]}},
        {"networkPolicy": {"callers": ["Not A Name"]}},
        {"networkPolicy": {"callers": []}},
        {"networkPolicy": {"callers": None}},
        {"networkPolicy": None},
        {"valkey": None},
        {"serviceAccount": None},
        {"image": {"pullPolicy": "Sometimes"}},
        {"vaultAgent": {"enabled": "yes"}},
        {"terminationGracePeriodSeconds": -1},
        {"database": {"kind": "mysql"}},
    ],
)
def test_the_charts_schema_refuses_wrong_values(values: dict[str, Any], tmp_path: Path) -> None:
    chart = written(tmp_path, helm.render(by_hand())) / "helm/polycloud"
    with pytest.raises(checkers.Broken, match="schema"):
        checkers.helm_template(chart, values)


def test_what_waits_for_a_shared_store_is_sound_already(tmp_path: Path) -> None:
    chart = written(tmp_path, helm.render(by_hand())) / "helm/polycloud"
    (chart / "values.schema.json").unlink()
    values: dict[str, Any] = {
        "autoscaling": {"enabled": True, "min": 2, "max": 9},
        "database": {"kind": "postgresql", "existingSecret": "db"},
        "valkey": {"enabled": True, "existingSecret": "valkey"},
    }
    for version in VERSIONS:
        assert checkers.kubernetes_strict(checkers.helm_template(chart, values, version), version) == []
    made = templated(chart, **values)
    assert made["HorizontalPodAutoscaler/polycloud"]["spec"]["maxReplicas"] == 9
    assert made["PodDisruptionBudget/polycloud"]["spec"]["maxUnavailable"] == 1
    assert "replicas" not in made["StatefulSet/polycloud"]["spec"]


def test_checkov_finds_nothing_that_has_no_answer(tmp_path: Path) -> None:
    whole = by_hand()
    folder = written(tmp_path, kubernetes.render(whole))
    out = tmp_path / "built"
    out.mkdir()
    for overlay in sorted((folder / "kubernetes/overlays").iterdir()):
        (out / f"{overlay.name}.yaml").write_text(checkers.kustomize_build(overlay))
    chart = written(tmp_path, helm.render(whole)) / "helm/polycloud"
    (out / "polycloud.yaml").write_text(
        checkers.helm_template(chart).replace("namespace: default", "namespace: polycloud")
    )
    assert checkers.checkov(out, EXCEPTIONS, "kubernetes") == []


@pytest.mark.parametrize("renderer", [kubernetes.render, helm.render])
def test_the_same_blueprint_gives_the_same_bytes_and_a_field_a_small_difference(renderer: Any) -> None:
    whole = by_hand()
    before = renderer(whole).files
    assert renderer(whole).files == before
    first = whole.clusters[0]
    pools = tuple(msgspec.structs.replace(p, most=p.most + 1) if p.name == "gpu" else p for p in first.pools)
    after = renderer(
        msgspec.structs.replace(whole, clusters=(msgspec.structs.replace(first, pools=pools), *whole.clusters[1:]))
    ).files
    changed = {path for path in before if before[path] != after[path]}
    assert before.keys() == after.keys()
    assert all(first.name in path for path in changed)


def test_a_client_id_reaches_the_account_that_it_is_for(tmp_path: Path) -> None:
    """As Argo CD does it: a patch of the map of ids, from annotations of the cluster's secret."""
    id = "11111111-2222-3333-4444-555555555555"
    found = kubernetes.render(by_hand())
    (estate,) = [
        one
        for one in checkers.documents(found.files["argocd/applications.yaml"])
        if one["metadata"]["name"] == "estate"
    ]
    cluster: dict[str, Any] = {
        "name": "azure-eastus",
        "metadata": {
            "annotations": {
                "polycloud_repository": "https://git.example/estate.git",
                "polycloud_revision": "main",
                "polycloud_path": ".",
                "client_id_answer": id,
            }
        },
    }
    patch = yaml.safe_load(templates(tmp_path, estate["spec"]["templatePatch"], cluster))
    (source,) = patch["spec"]["sources"]
    assert source["path"] == "./kubernetes/overlays/azure-eastus"
    assert templates(tmp_path, estate["spec"]["templatePatch"], {**cluster, "name": "aws-us-east-1"}).strip() == "{}"
    # missingkey=error stops at fields that are not there, which `index` would take for nothing.
    filled = re.findall(r"'.*\{\{ (.*?) \}\}", estate["spec"]["templatePatch"])
    assert filled and all(re.fullmatch(r"(\.[a-z_]+)+", name) for name in filled)
    overlay = written(tmp_path / "out", found) / "kubernetes/overlays/azure-eastus"
    kustomization = yaml.safe_load((overlay / "kustomization.yaml").read_text())
    (overlay / "kustomization.yaml").write_text(yaml.safe_dump({**kustomization, **source["kustomize"]}))
    built = {
        (one["kind"], one["metadata"]["name"]): one for one in checkers.documents(checkers.kustomize_build(overlay))
    }
    account = built["ServiceAccount", "answer"]
    assert account["metadata"]["annotations"] == {"azure.workload.identity/client-id": id}
    assert ("ConfigMap", "identities") not in built


def engine(folder: Path, text: str, values: dict[str, Any]) -> Path:
    """A chart that fills a Go template as Argo CD would: a text and what its dots stand for."""
    chart = folder / "engine"
    (chart / "templates").mkdir(parents=True, exist_ok=True)
    (chart / "Chart.yaml").write_text("apiVersion: v2\nname: engine\nversion: 1.0.0\n")
    (chart / "templates" / "out.yaml").write_text(f"{{{{ with .Values.dots }}}}\n{text}\n{{{{ end }}}}\n")
    (chart / "values.yaml").write_text(yaml.safe_dump({"dots": values}))
    return chart


def templates(folder: Path, text: str, values: dict[str, Any]) -> str:
    made = checkers.helm_template(engine(folder, text, values))
    return "\n".join(line for line in made.splitlines() if line != "---" and not line.startswith("# Source"))


def test_every_application_is_whole_once_its_cluster_is_known(tmp_path: Path) -> None:
    files = kubernetes.render(by_hand()).files
    known = ("repository", "revision", "path", "seal", "aws", "gateway", "gcp", "tenant")
    annotations = {f"polycloud_{word}": word for word in known}
    made = []
    for path in ("argocd/platform.yaml", "argocd/applications.yaml"):
        for one in checkers.documents(files[path]):
            (generator,) = one["spec"]["generators"]
            inner = generator["matrix"]["generators"] if "matrix" in generator else [generator]
            elements = inner[1]["list"]["elements"] if len(inner) > 1 else [{}]
            (named,) = inner[0]["clusters"]["selector"]["matchExpressions"]
            cluster = {"name": named["values"][0], "metadata": {"annotations": annotations}, **elements[0]}
            text = templates(tmp_path, yaml.safe_dump(one["spec"]["template"]), cluster)
            assert "{{" not in text and "<no value>" not in text, text
            made.append({"apiVersion": "argoproj.io/v1alpha1", "kind": "Application", **yaml.safe_load(text)})
    assert len({one["metadata"]["name"] for one in made}) == len(made) == 12
    assert checkers.custom_resources(yaml.safe_dump_all(made)) == []


def test_a_flavor_selects_the_label_that_terraform_gives_the_pools_machines() -> None:
    """The same names in both, for each cloud: else Kueue admits work that no machine takes."""
    whole = by_hand()
    files = kubernetes.render(whole).files
    for cluster in whole.clusters:
        flavors = {
            one["metadata"]["name"]: one["spec"]["nodeLabels"]
            for one in checkers.documents(files[f"kueue/{cluster.name}/queues.yaml"])
            if one["kind"] == "ResourceFlavor"
        }
        terraform = renderers()[f"terraform/{cluster.site.cloud}"](whole)
        given = terraform.files[f"terraform/{cluster.site.cloud}/clusters.tf"]
        assert flavors
        for chosen in flavors.values():
            for key, text in chosen.items():
                assert re.search(rf'"{re.escape(key)}"\s*= "{re.escape(text)}"', given), (cluster.name, key)
