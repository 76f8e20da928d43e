"""What differs from cluster to cluster: disks, the entry's load balancer, quotas, identities, and what runs there."""

from polycloud.deploy.blueprint import Blueprint, Cluster
from polycloud.deploy.conventions import CREDENTIALS, WORKLOADS_NAMESPACE
from polycloud.deploy.derive.names import made
from polycloud.deploy.intents import members
from polycloud.deploy.render.kubernetes import jobs, queues, workflows
from polycloud.deploy.render.kubernetes.base import MONITORING
from polycloud.deploy.render.kubernetes.machines import device
from polycloud.deploy.render.kubernetes.manifests import (
    CLUSTER,
    ENVIRONMENT,
    SITE,
    STORAGE_CLASS,
    Manifest,
    Target,
    manifest,
    runs_on,
    value,
)
from polycloud.deploy.yaml import dump, header

FOLDER = "kubernetes/overlays"
# Each cloud's disk driver and its encrypted general-purpose disk (the drivers' own documentation, seen 2026-11):
# github.com/kubernetes-sigs/aws-ebs-csi-driver docs/parameters.md; cloud.google.com/kubernetes-engine/docs/how-to/
# persistent-volumes/gce-pd-csi-driver; learn.microsoft.com/azure/aks/azure-disk-csi; docs.oracle.com/iaas/Content/
# ContEng/Tasks/contengcreatingpersistentvolumeclaim_Provisioning_PVCs_on_BV.htm.
DISKS: dict[str, tuple[str, dict[str, str]]] = {
    "aws": ("ebs.csi.aws.com", {"type": "gp3", "encrypted": "true"}),
    "azure": ("disk.csi.azure.com", {"skuName": "Premium_LRS"}),
    "gcp": ("pd.csi.storage.gke.io", {"type": "pd-balanced"}),
    "oci": ("blockvolume.csi.oraclecloud.com", {"attachment-type": "paravirtualized", "vpusPerGB": "10"}),
}
# Annotations that give the entry a load balancer of layer 4, which keeps TLS whole (the clouds' pages, seen 2026-11).
BALANCERS: dict[str, dict[str, str]] = {
    "aws": {
        "service.beta.kubernetes.io/aws-load-balancer-type": "external",
        "service.beta.kubernetes.io/aws-load-balancer-nlb-target-type": "ip",
        "service.beta.kubernetes.io/aws-load-balancer-scheme": "internet-facing",
    },
    "azure": {"service.beta.kubernetes.io/port_443_health-probe_protocol": "Tcp"},
    "gcp": {"cloud.google.com/l4-rbs": "enabled"},
    "oci": {
        "oci.oraclecloud.com/load-balancer-type": "nlb",
        "oci.oraclecloud.com/security-rule-management-mode": "NSG",
        # Else machines see callers' own addresses, which their security group refuses.
        "oci-network-load-balancer.oraclecloud.com/is-preserve-source": "false",
    },
}
# The same for what is reached over links alone: by other clusters, and by all callers where there is no entry.
INSIDE: dict[str, dict[str, str]] = {
    "aws": {**BALANCERS["aws"], "service.beta.kubernetes.io/aws-load-balancer-scheme": "internal"},
    "azure": {**BALANCERS["azure"], "service.beta.kubernetes.io/azure-load-balancer-internal": "true"},
    "gcp": {
        "networking.gke.io/load-balancer-type": "Internal",
        "networking.gke.io/internal-load-balancer-allow-global-access": "true",
    },
    "oci": {**BALANCERS["oci"], "oci-network-load-balancer.oraclecloud.com/internal": "true"},
}
# What carries pods' packets, and what enforces network policies. OKE's own network enforces none.
NETWORKS = {
    "aws": "Amazon VPC CNI, which enforces network policies (its add-on has enableNetworkPolicy)",
    "azure": "Azure CNI Overlay powered by Cilium, which enforces network policies",
    "gcp": "GKE Dataplane V2 (Cilium), which enforces network policies",
    "oci": "VCN-native pod networking; network policies need Calico beside it",
    "onprem": "the hall's own network; it must enforce network policies",
}
# How much of what its pools can grow to an environment may ask for.
SHARES = {"production": 1.0, "staging": 0.5, "development": 0.25}
PODS_EACH = 30  # pods on a machine, on average
UNKNOWN_CLIENT = "00000000-0000-0000-0000-000000000000"
CLIENT_ID = "azure.workload.identity/client-id"
IDENTITIES = "identities"


def folder(cluster: Cluster) -> str:
    return f"{FOLDER}/{cluster.name}"


def files(blueprint: Blueprint, cluster: Target) -> dict[str, str]:
    """The overlay's files; those that would be empty are left out."""
    mine = runs_on(blueprint, cluster)
    accounts = jobs.accounts(blueprint, cluster, annotations(blueprint, cluster))
    placed = [one for run in mine for one in jobs.resources(blueprint, cluster, run)]
    parts: dict[str, tuple[str, str, list[Manifest]]] = {
        "accounts.yaml": ("Who the workloads are", "workloads, roles", accounts),
        "identities.yaml": ("Client ids that Terraform's outputs tell", "roles", identities(blueprint, cluster)),
        "credentials.yaml": (
            "Where pods ask for credentials",
            f"clusters.{cluster.name}",
            [*credentials(cluster, MONITORING), *credentials(cluster, WORKLOADS_NAMESPACE)],
        ),
        "quotas.yaml": (
            "What workloads may ask for in all",
            f"clusters.{cluster.name}.pools",
            _quotas(blueprint, cluster),
        ),
        "storage.yaml": ("Disks", f"clusters.{cluster.name}", _storage(blueprint, cluster)),
        "workloads.yaml": ("What is placed here", ", ".join(sorted({f"workloads.{r.workload}" for r in mine})), placed),
    }
    found = {}
    listed = ["../../base"]
    if queues.has_queue(cluster):
        listed.append(f"../../../{queues.folder(cluster)}")
    if workflows.has(blueprint, cluster):
        listed.append(f"../../../{workflows.folder(cluster)}")
    for name, (what, source, documents) in parts.items():
        if documents:
            head = header(f"{what}, in {cluster.name}", blueprint.estate, source)
            found[f"{folder(cluster)}/{name}"] = dump(*documents, head=head)
            listed.append(name)
    found[f"{folder(cluster)}/kustomization.yaml"] = _kustomization(blueprint, cluster, listed)
    if cluster.ours:
        found[f"{folder(cluster)}/ingress-values.yaml"] = _ingress(blueprint, cluster)
    return found


def annotations(blueprint: Blueprint, cluster: Cluster) -> dict[str, dict[str, str]]:
    """By workload, what ties its service account to an identity of the cloud: EKS and OKE need nothing there."""
    found: dict[str, dict[str, str]] = {}
    for principal in blueprint.principals:
        for member in members(principal):
            if member.kind != "workload" or member.name in found:
                continue
            if cluster.site.cloud == "gcp":
                account = made("gcp", "account", blueprint.estate, principal.name, member.name)
                project = blueprint.accounts.get("gcp", {}).get("project", "PROJECT")
                found[member.name] = {"iam.gke.io/gcp-service-account": f"{account}@{project}.iam.gserviceaccount.com"}
            elif cluster.site.cloud == "azure":
                found[member.name] = {CLIENT_ID: UNKNOWN_CLIENT}
    return found


def identities(blueprint: Blueprint, cluster: Cluster) -> list[Manifest]:
    """At Azure client ids are known once Terraform has run: one map holds them all, and is replaced whole."""
    names = _known_by_id(blueprint, cluster)
    if not names:
        return []
    local = {"config.kubernetes.io/local-config": "true"}
    data = dict.fromkeys(names, UNKNOWN_CLIENT)
    return [manifest("v1", "ConfigMap", IDENTITIES, annotations=local, data=data)]


def _known_by_id(blueprint: Blueprint, cluster: Cluster) -> list[str]:
    given = annotations(blueprint, cluster)
    return sorted({run.workload for run in runs_on(blueprint, cluster) if CLIENT_ID in given.get(run.workload, {})})


def _kustomization(blueprint: Blueprint, cluster: Target, listed: list[str]) -> str:
    pairs = {
        SITE: value(cluster.site.id.replace("/", "-")),
        CLUSTER: value(cluster.name),
        ENVIRONMENT: blueprint.environment,
    }
    content: Manifest = {
        "apiVersion": "kustomize.config.k8s.io/v1beta1",
        "kind": "Kustomization",
        "resources": listed,
        "labels": [{"pairs": pairs, "includeSelectors": False, "includeTemplates": True}],
    }
    ids = _known_by_id(blueprint, cluster)
    if ids:
        content["replacements"] = [_replacement(name) for name in ids]
    what = f"All of {cluster.name}: kubectl apply -k. Network: {NETWORKS.get(cluster.site.cloud, NETWORKS['onprem'])}"
    return dump(content, head=header(what, blueprint.estate, f"clusters.{cluster.name}, workloads"))


def _replacement(name: str) -> Manifest:
    return {
        "source": {
            "kind": "ConfigMap",
            "name": IDENTITIES,
            "fieldPath": f"data.[{name}]" if "." in name else f"data.{name}",
        },
        "targets": [
            {
                "select": {"kind": "ServiceAccount", "name": name},
                "fieldPaths": [f"metadata.annotations.[{CLIENT_ID}]"],
            }
        ],
    }


def _storage(blueprint: Blueprint, cluster: Cluster) -> list[Manifest]:
    disk = DISKS.get(cluster.site.cloud)
    if disk is None:
        return []
    return [
        manifest(
            "storage.k8s.io/v1",
            "StorageClass",
            STORAGE_CLASS,
            provisioner=disk[0],
            parameters=dict(disk[1]),
            reclaimPolicy="Retain" if blueprint.environment == "production" else "Delete",
            allowVolumeExpansion=True,
            volumeBindingMode="WaitForFirstConsumer",
        )
    ]


def credentials(cluster: Cluster, space: str) -> list[Manifest]:
    """A policy that opens the cloud's own source of credentials to pods; Azure's is a public address."""
    asked = CREDENTIALS.get(cluster.site.cloud, ())
    if not asked:
        return []
    egress = [
        {"to": [{"ipBlock": {"cidr": cidr}}], "ports": [{"port": port, "protocol": "TCP"}]} for cidr, port in asked
    ]
    spec = {"podSelector": {}, "policyTypes": ["Egress"], "egress": egress}
    return [manifest("networking.k8s.io/v1", "NetworkPolicy", "credentials", space, spec=spec)]


def _quotas(blueprint: Blueprint, cluster: Cluster) -> list[Manifest]:
    """The environment's share of what pools can grow to; a resource that is not known of every pool is not limited."""
    pools = [pool for pool in cluster.pools if pool.role != "system"]
    if not pools:
        return []
    share = SHARES[blueprint.environment]
    hard = {"pods": str(max(1, int(sum(p.most for p in pools) * PODS_EACH * share)))}
    if all(pool.vcpu for pool in pools):
        hard["requests.cpu"] = str(int(sum(p.most * (p.vcpu or 0) for p in pools) * share))
    if all(pool.memory_gib for pool in pools):
        hard["requests.memory"] = f"{int(sum(p.most * (p.memory_gib or 0) for p in pools) * share)}Gi"
    for pool in pools:
        if pool.accelerator:
            key = f"requests.{device(pool.accelerator)}"
            hard[key] = str(int(hard.get(key, "0")) + int(pool.most * pool.accelerators_each * share))
    return [manifest("v1", "ResourceQuota", "machines", WORKLOADS_NAMESPACE, spec={"hard": dict(sorted(hard.items()))})]


def _ingress(blueprint: Blueprint, cluster: Cluster) -> str:
    """Values of Istio's gateway chart: what stands at the entry (mesh/istio has its routes). An estate without an entry
    is not called from the internet."""
    doors = BALANCERS if blueprint.edge is not None else INSIDE
    content: Manifest = {
        "labels": {"istio": "ingress"},
        "service": {
            "type": "LoadBalancer",
            "externalTrafficPolicy": "Local",
            "annotations": dict(doors[cluster.site.cloud]),
            "ports": [{"name": "https", "port": 443, "protocol": "TCP", "targetPort": 443}],
        },
        "autoscaling": {"enabled": True, "minReplicas": 2, "maxReplicas": 10},
    }
    what = f"Values for Istio's gateway at the entry of {cluster.name}"
    return dump(content, head=header(what, blueprint.estate, f"clusters.{cluster.name}, entry"))
