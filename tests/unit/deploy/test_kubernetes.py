"""What manifests say: pods fit machines and quotas, identities reach the clouds, words of an estate stay words."""

import re
from typing import Any

import msgspec
import pytest
import yaml

from polycloud.deploy.blueprint import (
    Blueprint,
    Bucket,
    Cluster,
    Edge,
    EdgePool,
    Lifecycle,
    Pool,
    Principal,
    Run,
    Where,
)
from polycloud.deploy.checks import together
from polycloud.deploy.conventions import POOL, taints
from polycloud.deploy.ports import Rendered
from polycloud.deploy.render import helm, kubernetes, mesh
from polycloud.deploy.render.kubernetes.machines import device, fit
from polycloud.estate.schema.rules import Grant

AWS = Where("aws/eu-west-1", "aws", "eu-west-1", "IE", 53.3, -6.2)
AZURE = Where("azure/westeurope", "azure", "westeurope", "NL", 52.3, 4.9)
GCP = Where("gcp/europe-west1", "gcp", "europe-west1", "BE", 50.4, 3.8)
SYSTEM = Pool("system", "system", "m7i.xlarge", 3, 3, vcpu=4, memory_gib=16)
WORK = Pool("workload", "workload", "m7i.2xlarge", 5, 50, vcpu=8, memory_gib=32)
GPUS = Pool("gpu", "gpu", "p5.48xlarge", 0, 4, True, "H100", 8, 192, 2048)
TRAIN = Run(
    "train", "train", "training", "aws-1", "p5.48xlarge", 4, True, "H100", 32, image="train:1", data_class="personal-eu"
)


def blueprint(*runs: Run, **more: Any) -> Blueprint:
    clusters = (
        Cluster("aws-1", AWS, "1.35", (SYSTEM, WORK, GPUS)),
        Cluster("azure-1", AZURE, "1.35", (SYSTEM, WORK)),
        Cluster("gcp-1", GCP, "1.35", (SYSTEM, WORK)),
    )
    given: dict[str, Any] = {
        "estate": "northwind",
        "environment": "production",
        "accounts": {"gcp": {"project": "northwind-ai"}},
        "clusters": clusters,
        "runs": runs,
    }
    return Blueprint(**{**given, **more})


def documents(found: Rendered, *folders: str) -> list[dict[str, Any]]:
    """All resources under some folders, but for kustomizations."""
    return [
        document
        for path, text in found.files.items()
        if path.startswith(folders) and "values" not in path
        for document in yaml.safe_load_all(text)
        if document.get("kind") not in (None, "Kustomization")
    ]


def one(found: Rendered, kind: str, name: str, folder: str = "") -> dict[str, Any]:
    (document,) = [d for d in documents(found, folder) if (d["kind"], d["metadata"]["name"]) == (kind, name)]
    return document


def cores(text: str) -> int:
    return int(text.removesuffix("m")) if text.endswith("m") else int(text) * 1000


@pytest.mark.parametrize(
    ("run", "pods", "instances", "each"),
    [
        (TRAIN, 4, 1, 8),  # 32 accelerators, 8 a machine
        (msgspec.structs.replace(TRAIN, accelerators_each=4), 8, 8, 4),  # two instances a machine
        (msgspec.structs.replace(TRAIN, accelerators_each=0), 32, 32, 1),
        (Run("b", "b", "batch", "aws-1", "m7i.2xlarge", 3, False, vcpu=4, memory_gib=8), 6, 6, 0),
        (Run("b", "b", "batch", "aws-1", "m7i.2xlarge", 3, False, vcpu=4, memory_gib=30), 3, 3, 0),
        (Run("b", "b", "batch", "aws-1", "m7i.2xlarge", 3, False), 3, 3, 0),
        (Run("h", "h", "inference", "onprem-hall", "H100", 8, False, "H100", 4), 2, 2, 4),
        (Run("h", "h", "batch", "onprem-hall", "vCPU", 32, False, vcpu=16), 2, 2, 0),
    ],
)
def test_machines_are_filled_as_the_plan_counted_them(run: Run, pods: int, instances: int, each: int) -> None:
    found = fit(blueprint().clusters[0], run)
    assert (found.pods, found.instances, found.accelerators) == (pods, instances, each)


def test_pods_that_fill_a_machine_fit_it_and_their_queue() -> None:
    runs = (TRAIN, Run("big", "big", "batch", "aws-1", "m7i.2xlarge", 50, False, vcpu=8, memory_gib=32, image="big:1"))
    found = kubernetes.render(blueprint(*runs))
    queue = one(found, "ClusterQueue", "polycloud", "kueue/aws-1")["spec"]["resourceGroups"][0]["flavors"]
    quotas = {f["name"]: {r["name"]: str(r["nominalQuota"]) for r in f["resources"]} for f in queue}
    job = one(found, "CronJob", "big")["spec"]["jobTemplate"]
    steps = {t["name"]: t for t in one(found, "WorkflowTemplate", "train")["spec"]["templates"]}
    training = yaml.safe_load(steps["train"]["resource"]["manifest"])
    for made, pool in ((job, WORK), (training, GPUS)):
        spec = made["spec"]["template"]["spec"]
        asked = spec["containers"][0]["resources"]["requests"]
        assert made["metadata"]["labels"]["kueue.x-k8s.io/queue-name"] == "jobs"
        assert spec["nodeSelector"] == {POOL: pool.name}
        assert pool.vcpu is not None and pool.memory_gib is not None
        assert cores(asked["cpu"]) <= 900 * pool.vcpu  # a machine keeps a tenth for itself and for agents
        pods = made["spec"]["completions"]
        assert pods * cores(asked["cpu"]) <= cores(quotas[pool.name]["cpu"])
        assert pods * int(asked["memory"][:-2]) <= int(quotas[pool.name]["memory"][:-2])
    assert quotas["gpu"]["nvidia.com/gpu"] == "32" and quotas["workload"]["nvidia.com/gpu"] == "0"
    assert {t["key"] for t in training["spec"]["template"]["spec"]["tolerations"]} == {
        "kubernetes.azure.com/scalesetpriority",  # AKS adds it to ours
        "nvidia.com/gpu",
        "polycloud/spot",
    }


def test_every_accelerator_is_asked_for_by_its_own_name() -> None:
    names = {name: device(name) for name in ("H100", "TPU-v5p", "Trainium2", "Inferentia2", "MI300X", "Gaudi3")}
    assert names == {
        "H100": "nvidia.com/gpu",
        "TPU-v5p": "google.com/tpu",
        "Trainium2": "aws.amazon.com/neuron",
        "Inferentia2": "aws.amazon.com/neuron",
        "MI300X": "amd.com/gpu",
        "Gaudi3": "habana.ai/gaudi",
    }


def test_a_workload_acts_as_its_identity_in_each_cloud() -> None:
    runs = tuple(
        Run("jobs", "jobs", "batch", f"{c}-1", "m7i.2xlarge", 1, False, image="j:1") for c in ("aws", "azure", "gcp")
    )
    role = Principal("readers", ("workload:jobs",), (Grant(do=("read",), on=("dataset/*",)),))
    found = kubernetes.render(blueprint(*runs, principals=(role,)))
    accounts = {c: one(found, "ServiceAccount", "jobs", f"kubernetes/overlays/{c}-1") for c in ("aws", "azure", "gcp")}
    assert "annotations" not in accounts["aws"]["metadata"]  # EKS ties them by an association, see Terraform
    assert accounts["gcp"]["metadata"]["annotations"] == {
        "iam.gke.io/gcp-service-account": "northwind-readers-jobs@northwind-ai.iam.gserviceaccount.com"
    }
    kustomization = yaml.safe_load(found.files["kubernetes/overlays/azure-1/kustomization.yaml"])
    assert kustomization["replacements"][0]["targets"][0]["select"] == {"kind": "ServiceAccount", "name": "jobs"}
    pods = [
        one(found, "CronJob", "jobs", f"kubernetes/overlays/{c}-1")["spec"]["jobTemplate"]["spec"] for c in accounts
    ]
    assert ["azure.workload.identity/use" in pod["template"]["metadata"]["labels"] for pod in pods] == [
        False,
        True,
        False,
    ]
    sets = one(found, "ApplicationSet", "estate", "argocd/")
    assert "{{ .metadata.annotations.client_id_jobs }}" in sets["spec"]["templatePatch"]
    assert 'eq .name "azure-1"' in sets["spec"]["templatePatch"]
    assert any("client ids" in gap for gap in found.gaps)
    alone = kubernetes.render(blueprint(*runs))
    assert "templatePatch" not in one(alone, "ApplicationSet", "estate", "argocd/")["spec"]


def test_work_without_an_image_is_written_and_waits() -> None:
    runs = (
        msgspec.structs.replace(TRAIN, image=""),
        Run("night", "night", "batch", "aws-1", "m7i.2xlarge", 1, False),
        Run("web", "web", "application", "aws-1", "m7i.2xlarge", 1, False),
        Run("rank", "rank", "inference", "aws-1", "p5.48xlarge", 1, True, "H100"),
        Run("llm", "llm", "inference", "aws-1", "p5.48xlarge", 1, True, "H100", 8, serves="llama"),
    )
    found = kubernetes.render(blueprint(*runs))
    assert one(found, "CronJob", "night")["spec"]["suspend"] is True
    assert one(found, "Deployment", "web")["spec"]["replicas"] == 0
    assert one(found, "WorkflowTemplate", "train")["spec"]["suspend"] is True
    for kind, name in (("InferenceService", "rank"), ("LLMInferenceService", "llm")):
        assert one(found, kind, name)["metadata"]["annotations"]["serving.kserve.io/stop"] == "true"
    assert "HorizontalPodAutoscaler" not in {d["kind"] for d in documents(found, "kubernetes/")}
    assert any("name no image" in gap and "llm" not in gap.partition(":")[2] for gap in found.gaps)
    served = msgspec.structs.replace(runs[-1], weights="hf://meta-llama/Llama-3.3-70B-Instruct")
    model = one(kubernetes.render(blueprint(served)), "LLMInferenceService", "llm")
    assert "annotations" not in model["metadata"]
    assert model["spec"]["model"]["uri"] == served.weights and model["spec"]["parallelism"] == {"tensor": 8}


def test_training_waits_for_what_prepares_its_data() -> None:
    feed = Run("feed", "feed", "data", "aws-1", "m7i.2xlarge", 1, False, image="feed:1", writes=("features",))
    train = msgspec.structs.replace(TRAIN, reads=("features",))
    template = one(kubernetes.render(blueprint(feed, train)), "WorkflowTemplate", "train")
    tasks = {t["name"]: t.get("dependencies", []) for t in template["spec"]["templates"][0]["dag"]["tasks"]}
    assert tasks == {"ingest-feed": [], "train": ["ingest-feed"]}


def test_a_hall_gets_what_is_placed_there_and_nothing_of_a_cloud() -> None:
    run = Run("own", "own", "batch", "onprem-hall", "vCPU", 16, False, vcpu=16, image="own:1")
    found = kubernetes.render(blueprint(run))
    mine = {path for path in found.files if "onprem-hall" in path}
    assert mine == {
        f"kubernetes/overlays/onprem-hall/{name}.yaml" for name in ("accounts", "kustomization", "workloads")
    }
    assert not any("onprem-hall" in need.name for need in found.needs)
    assert "kueue" not in found.files["kubernetes/overlays/onprem-hall/workloads.yaml"]
    (resource,) = found.resources
    assert resource.site == "onprem/hall"


def test_a_hall_s_cluster_may_be_called_anything() -> None:
    run = Run("own", "own", "batch", "blue", "vCPU", 16, False, vcpu=16, image="own:1", site="onprem/hall")
    found = kubernetes.render(blueprint(run))
    assert found.resources[0].site == "onprem/hall"
    assert "polycloud.dev/site: onprem-hall" in found.files["kubernetes/overlays/blue/kustomization.yaml"]


def test_names_that_kubernetes_would_refuse_are_made_lawful() -> None:
    pools = (msgspec.structs.replace(WORK, name="big_one"), GPUS)
    train = msgspec.structs.replace(TRAIN, writes=("the_model",))
    bucket = Bucket("the_model", "northwind-model", AWS, ("the_model",), ("models",), Lifecycle(), "", "data")
    whole = blueprint(train, estate="North Wind", clusters=(Cluster("aws-1", AWS, "1.35", pools),), buckets=(bucket,))
    found = kubernetes.render(whole)
    lawful = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?")
    for one_found in documents(found, "kueue/", "argocd/", "workflows/"):
        assert lawful.fullmatch(one_found["metadata"]["name"]), one_found["metadata"]["name"]
    for template in one(found, "WorkflowTemplate", "train")["spec"]["templates"]:
        assert lawful.fullmatch(template["name"]), template["name"]
    register = one(found, "WorkflowTemplate", "train")["spec"]["templates"][-1]
    assert {"name": "MODEL_URI", "value": "s3://northwind-model/models/the_model/"} in register["container"]["env"]


def test_charts_of_one_cloud_go_to_its_clusters_alone() -> None:
    found = kubernetes.render(blueprint())
    sets = {d["metadata"]["name"]: d["spec"] for d in documents(found, "argocd/") if d["kind"] == "ApplicationSet"}

    def where(name: str) -> list[str]:
        generator = sets[name]["generators"][0]["matrix"]["generators"][0]["clusters"]
        return list(generator["selector"]["matchExpressions"][0]["values"])

    assert where("charts") == ["aws-1", "azure-1", "gcp-1"]
    assert where("charts-aws") == ["aws-1"]
    assert where("charts-aws-azure") == ["aws-1", "azure-1"]
    assert where("definitions") == ["aws-1", "azure-1"]  # GKE brings them
    for name, spec in sets.items():
        if name.startswith("charts"):
            for chart in spec["generators"][0]["matrix"]["generators"][1]["list"]["elements"]:
                assert f"argocd/values/{chart['release']}.yaml" in found.files
                own = chart["own"] % "aws-1"
                assert own in found.files or "/none" in own or own.startswith("mesh/") or "cni" in own, own


def test_labels_of_regions_stand_on_the_gateway_s_pods_and_in_what_is_provided() -> None:
    pools = (EdgePool("west", ("aws-1",), ("east",)), EdgePool("east", ("gcp-1", "azure-1"), ()))
    found = helm.render(blueprint(edge=Edge("ai.example.com", "cloudflare", pools, None, "/healthz")))
    labels = {
        path.rpartition("/")[2]: sorted(k for k in yaml.safe_load(text)["podLabels"] if "/region-" in k)
        for path, text in found.files.items()
        if "/clusters/" in path
    }
    assert labels == {
        "aws-1.yaml": ["polycloud.dev/region-west"],
        "azure-1.yaml": ["polycloud.dev/region-east"],
        "gcp-1.yaml": ["polycloud.dev/region-east"],
    }
    assert found.provides == ("region:east", "region:west")


def test_words_of_the_estate_stay_words() -> None:
    hostile = "x: {y}\n- '{{ .Values }}' */ }} ${z}"
    run = Run("own", "own", "batch", "aws-1", "m7i.2xlarge", 1, False, image=hostile, command=(hostile, "#"))
    whole = blueprint(run, estate=hostile)
    found = kubernetes.render(whole)
    container = one(found, "CronJob", "own")["spec"]["jobTemplate"]["spec"]["template"]["spec"]["containers"][0]
    assert (container["image"], container["command"]) == (hostile, [hostile, "#"])
    for path, text in helm.render(whole).files.items():
        if "/templates/" in path:
            head = text.splitlines()[0]
            assert head.startswith("{{- /*") and head.count("*/") == head.count("}}") == 1, path


def test_no_renderer_needs_what_the_others_lack() -> None:
    whole = blueprint(TRAIN)
    pools = (f"pool:{c.name}/{pool.name}" for c in whole.clusters for pool in c.pools)
    buckets = (f"bucket:{bucket.name}" for bucket in whole.buckets)
    clusters = (f"cluster:{c.name}" for c in whole.clusters)
    others = Rendered({}, provides=(*clusters, *pools, *buckets, "vault-seal:aws/eu-west-1"))
    parts = {"helm": helm.render(whole), "kubernetes": kubernetes.render(whole), "mesh": mesh.render(whole)}
    parts["terraform"] = others
    assert together(parts).problems == ()
    assert any("aws-1" in p for p in together({"kubernetes": parts["kubernetes"]}).problems)
    assert helm.render(Blueprint("empty", "production", {})).files == {}
    assert kubernetes.render(Blueprint("empty", "production", {})).files == {}


def test_a_run_costs_what_its_pool_does_not_pay_already() -> None:
    """Five machines are always there: the first run has three of them, the second the other two."""

    def machines(name: str, count: int, machine: str = "m7i.2xlarge") -> Run:
        return Run(name, name, "batch", "aws-1", machine, count, False, image="i:1", monthly=count * 100)

    runs = (machines("a", 3), machines("b", 4), machines("c", 2), machines("d", 2, "p5.48xlarge"))
    spot = msgspec.structs.replace(runs[3], spot=True)
    found = {r.source: r for r in kubernetes.render(blueprint(*runs[:3], spot)).resources}
    assert {name: found[f"workloads.{name}"].monthly for name in "abcd"} == {"a": 0, "b": 200, "c": 200, "d": 200}
    assert found["workloads.b"].note == "2 of its 4 machines are paid with the pool workload"
    assert found["workloads.c"].note == ""


def test_amazons_chips_have_their_own_taint_and_their_own_plugin() -> None:
    chips = Pool("chips", "gpu", "trn1.32xlarge", 0, 2, False, "Trainium", 16)
    assert taints(chips) == (("aws.amazon.com/neuron", "present"),)
    assert taints(GPUS)[0] == ("nvidia.com/gpu", "present")
    without = blueprint()
    with_chips = blueprint()
    first = with_chips.clusters[0]
    with_chips = msgspec.structs.replace(
        with_chips, clusters=(msgspec.structs.replace(first, pools=(*first.pools, chips)), *with_chips.clusters[1:])
    )
    assert "argocd/values/neuron.yaml" not in kubernetes.render(without).files
    found = kubernetes.render(with_chips).files
    passed = yaml.safe_load(found["argocd/values/neuron.yaml"])["devicePlugin"]["tolerations"]
    assert {"key": "aws.amazon.com/neuron", "operator": "Exists", "effect": "NoSchedule"} in passed
    assert any("public.ecr.aws/neuron" in text for path, text in found.items() if path.startswith("argocd/"))


def edge(provider: str = "cloudflare") -> Edge:
    pools = (EdgePool("eu", ("aws-1", "azure-1", "gcp-1"), ()),)
    return Edge("ai.example.com", provider, pools, None, "/healthz")


def test_the_entrys_pods_pass_the_level_of_their_namespace() -> None:
    content = yaml.safe_load(kubernetes.render(blueprint()).files["argocd/values/istio-ingress.yaml"])
    assert content["securityContext"] == {
        "seccompProfile": {"type": "RuntimeDefault"},
        "sysctls": [{"name": "net.ipv4.ip_unprivileged_port_start", "value": "0"}],
    }


def test_an_estate_without_an_entry_is_not_called_from_the_internet() -> None:
    inside, outside = kubernetes.render(blueprint()).files, kubernetes.render(blueprint(edge=edge())).files
    for name, key, value in (
        ("aws-1", "service.beta.kubernetes.io/aws-load-balancer-scheme", "internal"),
        ("azure-1", "service.beta.kubernetes.io/azure-load-balancer-internal", "true"),
        ("gcp-1", "networking.gke.io/load-balancer-type", "Internal"),
    ):
        path = f"kubernetes/overlays/{name}/ingress-values.yaml"
        assert yaml.safe_load(inside[path])["service"]["annotations"][key] == value
        assert yaml.safe_load(outside[path])["service"]["annotations"].get(key) != value


def test_a_persons_own_values_stand_above_the_rendered_ones_and_are_not_rendered() -> None:
    found = kubernetes.render(blueprint())
    sets = [o for o in documents(found, "argocd/applications.yaml") if o["metadata"]["name"].startswith("gateway-")]
    (source,) = sets[0]["spec"]["template"]["spec"]["sources"]
    assert source["helm"]["valueFiles"] == ["clusters/{{ .name }}.yaml", "own.yaml"]
    assert source["helm"]["ignoreMissingValueFiles"] is True
    assert "helm/polycloud/own.yaml" not in helm.render(blueprint()).files


def test_what_the_estate_calls_outside_of_the_clouds_is_let_through() -> None:
    whole = blueprint(
        called=("http://10.0.0.5:8000/v1", "https://models.hall.example"), otlp="https://otel.example:4318"
    )
    found = mesh.render(whole)
    entries = {one["metadata"]["name"]: one["spec"] for one in documents(found, "mesh/istio/base/egress.yaml")}
    assert "models.hall.example" in entries.pop("clouds")["hosts"]
    ways = {(one.get("addresses") or one["hosts"])[0]: one["ports"][0] for one in entries.values()}
    assert ways["10.0.0.5/32"] == {"number": 8000, "name": "tcp", "protocol": "TCP"}
    assert ways["otel.example"] == {"number": 4318, "name": "tls", "protocol": "TLS"}
    policies = {
        one["metadata"]["name"]: one["spec"] for one in documents(found, "mesh/istio/base/network-policies.yaml")
    }
    hall = {"to": [{"ipBlock": {"cidr": "10.0.0.5/32"}}], "ports": [{"port": 8000, "protocol": "TCP"}]}
    assert hall in policies["gateway"]["egress"] and hall in policies["jobs"]["egress"]
    opened = [port["port"] for rule in policies["scrape"]["egress"] for port in rule.get("ports", ())]
    assert {4317, 4318} <= set(opened)
    path = "helm/polycloud/clusters/azure-1.yaml"
    values = yaml.safe_load(helm.render(whole).files[path])
    assert values["networkPolicy"]["metadata"] == [{"cidr": "10.0.0.5/32", "ports": [8000]}]


def test_pods_that_watch_a_cloud_reach_its_credentials() -> None:
    found = documents(kubernetes.render(blueprint()), "kubernetes/overlays/aws-1/credentials.yaml")
    assert {one["metadata"]["namespace"] for one in found} == {"monitoring", "workloads"}


@pytest.mark.parametrize(
    ("entry", "names", "issuer"),
    [
        (None, ["aws-1.polycloud.internal"], "polycloud-authority"),
        (edge(), ["ai.example.com", "aws-1.ai.example.com"], "polycloud-public"),
    ],
)
def test_the_entrys_certificate_has_an_issuer(entry: Edge | None, names: list[str], issuer: str) -> None:
    found = mesh.render(blueprint(edge=entry))
    (made,) = [one for one in documents(found, "mesh/istio/aws-1/routing.yaml") if one["kind"] == "Certificate"]
    assert made["metadata"]["namespace"] == "istio-ingress" and made["spec"]["secretName"] == "polycloud-tls"
    assert made["spec"]["dnsNames"] == names and made["spec"]["issuerRef"]["name"] == issuer
    issuers = documents(found, "mesh/istio/base/authority.yaml")
    assert issuer in {one["metadata"]["name"] for one in issuers if one["kind"] == "ClusterIssuer"}


def test_a_name_that_others_steer_has_its_certificate_by_hand() -> None:
    found = documents(mesh.render(blueprint(edge=edge("dns"))), "mesh/istio/aws-1/routing.yaml")
    assert "Certificate" not in {one["kind"] for one in found}
