"""Values of the chart: those of all clusters, what each cluster sets, and the schema that refuses what can not run."""

from typing import Any

from polycloud.deploy.blueprint import Blueprint, Cluster
from polycloud.deploy.conventions import CREDENTIALS, ROLE
from polycloud.deploy.render.kubernetes.manifests import CLUSTER, ENVIRONMENT, SITE, STORAGE_CLASS, value
from polycloud.deploy.render.kubernetes.vault import AGENT
from polycloud.deploy.render.mesh.joined import label
from polycloud.deploy.render.mesh.outside import called_by_gateway
from polycloud.deploy.steering import regions

Values = dict[str, Any]
REGION = "polycloud.dev/region-"
ESTATE_MAP = "polycloud-estate"
SECRET = "polycloud-secrets"  # noqa: S105 - the name of a Secret, which holds what the estate refers to
CALLERS = ("istio-ingress", "istio-system", "monitoring", "polycloud", "workloads")


def defaults() -> Values:
    """What holds in every cluster. One replica: its state is an embedded store on its own disk."""
    return {
        "image": {"repository": "polycloud", "tag": "stable", "digest": "", "pullPolicy": "IfNotPresent"},
        "imagePullSecrets": [],
        "replicas": 1,
        "autoscaling": {"enabled": False, "min": 1, "max": 1, "cpuPercent": 70},
        "workers": 2,
        "log": "info",
        "layer": "",
        "estate": {"configMap": ESTATE_MAP, "files": {}},
        "environmentSecret": "",
        "database": {"kind": "sqlite", "existingSecret": ""},
        "valkey": {"enabled": False, "existingSecret": ""},
        "federation": {
            "aws": {"role": "", "region": ""},
            "azure": {"client": "", "tenant": ""},
            "gcp": {"audience": "", "project": ""},
            "oci": {"auth": ""},
        },
        "vaultAgent": {"enabled": False, "settings": AGENT, "authority": AGENT},
        "persistence": {"storageClass": "", "size": "20Gi"},
        "resources": {"requests": {"cpu": "1", "memory": "1Gi"}, "limits": {"cpu": "4", "memory": "2Gi"}},
        "serviceAccount": {"annotations": {}, "token": False},
        "podLabels": {},
        "nodeSelector": {},
        "tolerations": [],
        "networkPolicy": {
            "enabled": True,
            "callers": list(CALLERS),
            "metadata": [],
            "reaches": [
                {"namespace": "istio-system", "ports": [15012]},
                {"namespace": "monitoring", "ports": [4317]},
                {"namespace": "vault", "ports": [8200]},
                {"namespace": "workloads", "ports": [80, 8000, 8080]},
            ],
        },
        "terminationGracePeriodSeconds": 120,
    }


def of(blueprint: Blueprint, cluster: Cluster) -> Values:
    """What differs in a cluster: where it is, which regions it answers for, how it proves who it is."""
    labels = {SITE: value(cluster.site.id.replace("/", "-")), ENVIRONMENT: blueprint.environment}
    labels[CLUSTER] = label(cluster)
    labels |= {f"{REGION}{region.name}": "true" for region in regions(blueprint) if cluster in region.clusters}
    found: Values = {"podLabels": labels, "persistence": {"storageClass": STORAGE_CLASS}}
    if blueprint.secrets:
        found["environmentSecret"] = SECRET
    cloud = cluster.site.cloud
    if cloud == "azure":
        labels["azure.workload.identity/use"] = "true"
    if cloud == "oci":
        found["serviceAccount"] = {"token": True}  # OKE's workload identity reads it
    told = _federation(blueprint, cluster)
    if told:
        found["federation"] = told
    asked = [*CREDENTIALS.get(cloud, ()), *((one.cidr, one.port) for one in called_by_gateway(blueprint))]
    if asked:
        found["networkPolicy"] = {"metadata": [{"cidr": cidr, "ports": [port]} for cidr, port in asked]}
    if any(pool.role == "workload" and not pool.spot for pool in cluster.pools):
        found["nodeSelector"] = {ROLE: "workload"}
    return found


def _federation(blueprint: Blueprint, cluster: Cluster) -> Values:
    """What the estate says of the other clouds whose models are called; who the gateway is there, Argo CD fills in."""
    sites = {service.site.cloud: service.site for service in reversed(blueprint.services)}  # the first one of each
    told: Values = {
        "aws": {"region": sites["aws"].region if "aws" in sites else None},
        "azure": {"tenant": blueprint.accounts.get("azure", {}).get("tenant")},
        "gcp": {"project": blueprint.accounts.get("gcp", {}).get("project")},
    }
    found = {
        cloud: {word: text for word, text in said.items() if text}
        for cloud, said in told.items()
        if cloud in sites and cloud != cluster.site.cloud
    }
    if "oci" in sites and cluster.site.cloud == "oci":
        # docs.oracle.com/iaas/Content/API/Concepts/sdk_authentication_methods.htm
        found["oci"] = {"auth": "oke_workload_identity"}
    return {cloud: said for cloud, said in found.items() if said}


# What templates look into: without a schema's word, null there would be an error of Go.
NEEDED = (
    "autoscaling", "database", "estate", "federation", "image", "networkPolicy", "persistence", "replicas",
    "serviceAccount", "valkey", "vaultAgent",
)  # fmt: skip


def schema() -> Values:
    """JSON Schema of the values. Several replicas need a store that they share, which polycloud does not have yet."""
    shared = "polycloud keeps its state in an embedded store on its own disk: one replica, until it has a shared one"
    name: Values = {"type": "string", "pattern": "^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$"}
    name_or_none: Values = {"type": "string", "pattern": "^([a-z0-9]([a-z0-9.-]*[a-z0-9])?)?$"}
    text: Values = {"type": "string"}
    texts: Values = {"type": "object", "additionalProperties": text}
    port: Values = {"type": "integer", "minimum": 1, "maximum": 65535}
    ports: Values = {"type": "array", "items": port, "minItems": 1}

    def closed(**properties: Values) -> Values:
        return {"type": "object", "additionalProperties": False, "properties": properties}

    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "type": "object",
        "additionalProperties": False,
        "required": list(NEEDED),
        "properties": {
            "global": {"type": "object"},
            "image": closed(
                repository={"type": "string", "minLength": 1},
                tag={"type": "string"},
                digest={"type": "string", "pattern": "^(sha256:[0-9a-f]{64})?$"},
                pullPolicy={"enum": ["Always", "IfNotPresent", "Never"]},
            ),
            "imagePullSecrets": {"type": "array", "items": closed(name=name)},
            "replicas": {"const": 1, "description": shared},
            "autoscaling": closed(
                enabled={"const": False, "description": shared},
                min={"type": "integer", "minimum": 1},
                max={"type": "integer", "minimum": 1},
                cpuPercent={"type": "integer", "minimum": 10, "maximum": 95},
            ),
            "workers": {
                "type": "integer",
                "minimum": 1,
                "maximum": 64,
                "description": "How the pod scales: processes that share its port, each on a processor of resources.",
            },
            "log": {"enum": ["debug", "info", "warning", "error"]},
            "layer": {"type": "string"},
            "estate": closed(configMap=name, files=texts),
            "environmentSecret": name_or_none,
            "database": closed(kind={"enum": ["sqlite"], "description": shared}, existingSecret=name_or_none),
            "valkey": closed(enabled={"const": False, "description": shared}, existingSecret=name_or_none),
            "federation": closed(
                aws=closed(role=text, region=text),
                azure=closed(client=text, tenant=text),
                gcp=closed(audience=text, project=text),
                oci=closed(auth={"enum": ["", "instance_principal", "oke_workload_identity"]}),
            ),
            "vaultAgent": closed(enabled={"type": "boolean"}, settings=name, authority=name),
            "persistence": closed(storageClass=name_or_none, size={"type": "string", "pattern": "^[0-9]+(Gi|Ti)$"}),
            "resources": {"type": "object"},
            "serviceAccount": closed(annotations=texts, token={"type": "boolean"}),
            "podLabels": texts,
            "nodeSelector": texts,
            "tolerations": {"type": "array", "items": {"type": "object"}},
            "networkPolicy": {
                # A policy whose list of callers is empty lets everybody in: there is always one.
                "required": ["enabled", "callers"],
                **closed(
                    enabled={"type": "boolean"},
                    callers={"type": "array", "items": name, "minItems": 1},
                    metadata={"type": "array", "items": closed(cidr={"type": "string"}, ports=ports)},
                    reaches={"type": "array", "items": closed(namespace=name, ports=ports)},
                ),
            },
            "terminationGracePeriodSeconds": {"type": "integer", "minimum": 0},
        },
    }
