"""GKE clusters: one for a region, private machines in pools, our own key, all logs, workload identity."""

import re

from polycloud.clouds.gcp.render_keys import granted, key_id, label
from polycloud.clouds.gcp.render_network import NETWORK, PODS, SERVICES, joined_to, subnet
from polycloud.deploy.blueprint import Blueprint, Cluster, Pool, Where
from polycloud.deploy.conventions import GPU_TAINT, labels, taints
from polycloud.deploy.derive.names import made
from polycloud.deploy.hcl import Block, Comment, Expr, Value, block, joined, quoted
from polycloud.deploy.render.terraform import (
    Root,
    Section,
    attribute,
    identifier,
    output,
    pool_source,
    ref,
    times,
    variable,
)

FILE = "clusters.tf"
LOGS = ["APISERVER", "CONTROLLER_MANAGER", "SCHEDULER", "SYSTEM_COMPONENTS", "WORKLOADS"]
DISK_GB = {"system": 100, "workload": 100, "gpu": 300}  # images with accelerators' libraries are tens of gigabytes
ZONES = 3  # of a region: GKE takes so many where none are named
PODS_EACH = 64  # pods of a machine: 256 machines have addresses in a site's range
NODE_ROLES = ("roles/artifactregistry.reader", "roles/container.defaultNodeServiceAccount")
# Machines whose disks are Hyperdisks only, cloud.google.com/compute/docs/disks/hyperdisks, 2026-11.
HYPERDISK = re.compile(r"(a4|c4|g4|h4|m4|n4|x4|ct6e)[a-z]*-")
TPU = re.compile(r"tpu-(v[0-9a-z]+)-(\d+)")
TPU_MACHINES = {"v5e": "ct5lp-hightpu", "v5p": "ct5p-hightpu", "v6e": "ct6e-standard"}
# What GKE calls accelerators, cloud.google.com/kubernetes-engine/docs/concepts/gpus, 2026-11.
ACCELERATORS = {
    "A100-40GB": "nvidia-tesla-a100",
    "A100-80GB": "nvidia-a100-80gb",
    "B200": "nvidia-b200",
    "H100": "nvidia-h100-80gb",
    "H200": "nvidia-h200-141gb",
    "L4": "nvidia-l4",
    "P100": "nvidia-tesla-p100",
    "P4": "nvidia-tesla-p4",
    "RTX-PRO-6000": "nvidia-rtx-pro-6000",
    "T4": "nvidia-tesla-t4",
    "V100-16GB": "nvidia-tesla-v100",
}
MEGA = "a3-megagpu"  # the one machine whose H100 has another name
H100_MEGA = "nvidia-h100-mega-80gb"


def add(root: Root, here: Blueprint) -> None:
    if not here.clusters:
        return
    root.about(FILE, "Clusters at Google Cloud, with their pools of machines.", "clusters")
    _account(root, here)
    for cluster in here.clusters:
        section = root.section(FILE, cluster.site.id, f"clusters.{cluster.name}", "cluster")
        _cluster(section, cluster)
        for pool in cluster.pools:
            _pool(root.section(FILE, cluster.site.id, pool_source(cluster, pool), "machines"), cluster, pool)
        root.provides(f"cluster:{cluster.name}", *(f"pool:{cluster.name}/{pool.name}" for pool in cluster.pools))
        root.add("outputs.tf", _output(cluster))
    root.add(
        "variables.tf",
        variable(
            "accelerator_zones",
            "Zones by region where machines with accelerators are made; none: all zones of the region.",
            "map(list(string))",
            {},
        ),
        variable(
            "kubernetes_api_cidrs",
            "Networks outside the estate that may reach the Kubernetes API; none: only from inside.",
            "list(string)",
            [],
        ),
    )


def machine(pool: Pool) -> str:
    """The machine type as GKE calls it: TPUs are machines with chips there."""
    tpu = TPU.fullmatch(pool.machine)
    return pool.machine if tpu is None else f"{TPU_MACHINES.get(tpu[1], tpu[1])}-{tpu[2]}t"


def accelerator(pool: Pool) -> str:
    """The accelerator as GKE calls it; "" where the machine has none, or a part of one, or needs none named."""
    if pool.role != "gpu" or 0 < pool.accelerators_each < 1:
        return ""
    return H100_MEGA if pool.machine.startswith(MEGA) else ACCELERATORS.get(pool.accelerator, "")


def _account(root: Root, here: Blueprint) -> None:
    """What machines act as: they pull images, and write logs and metrics."""
    section = root.section(FILE, "", "clusters", "identity")
    nodes = section.make(
        "google_service_account",
        "nodes",
        {"account_id": made("gcp", "account", here.estate, "nodes"), "display_name": "The clusters' machines"},
    )
    for role in NODE_ROLES:
        section.make(
            "google_project_iam_member",
            f"nodes_{identifier(role.rpartition('.')[2])}",
            {"project": ref("var.project"), "role": role, "member": attribute(nodes, "member")},
            Comment("On the project: logs and metrics have no narrower place, nor is it told whose images are run."),
        )


def _cluster(section: Section, cluster: Cluster) -> None:
    region = cluster.site.region
    section.make(
        "google_container_cluster",
        identifier(cluster.name),
        {
            "name": cluster.name,
            "location": region,
            "min_master_version": cluster.version,
            "deletion_protection": True,
            "remove_default_node_pool": True,
            "initial_node_count": 1,
            "network": NETWORK,
            "subnetwork": subnet(region),
            "networking_mode": "VPC_NATIVE",
            "default_max_pods_per_node": PODS_EACH,
            "datapath_provider": "ADVANCED_DATAPATH",
            "enable_intranode_visibility": True,
            "enable_shielded_nodes": True,
            "resource_labels": {"cluster": label(cluster.name)},
            "depends_on": [granted("data", region, "clusters"), granted("data", region, "disks")],
        },
        Comment("checkov:skip=CKV_GCP_12:The data path (Dataplane V2) enforces network policies by itself."),
        Comment("checkov:skip=CKV_GCP_65:People sign in by workforce identity, see identity.tf, not by Google groups."),
        Comment("checkov:skip=CKV_GCP_69:The default pool is removed; each pool hides the machine's own account."),
        *_node_defaults(),
        *_reach(section.root, cluster.site),
        *_guards(region),
        *_watching(),
        block("release_channel", attributes={"channel": "REGULAR"}),
        block("gateway_api_config", attributes={"channel": "CHANNEL_STANDARD"}),
        block("vertical_pod_autoscaling", attributes={"enabled": True}),
        # Once the first machines are gone Google tells nothing of them, which would mean a new cluster at each plan:
        # github.com/GoogleCloudPlatform/cloud-foundation-fabric/issues/1275, 2026-11.
        block("lifecycle", attributes={"ignore_changes": [ref("node_config")]}),
    )


def _node_defaults() -> tuple[Block, ...]:
    """For the first machines too, which are gone before the cluster is done."""
    return (
        block(
            "node_config",
            attributes={"service_account": ref("google_service_account.nodes.email")},
            parts=(
                block(
                    "shielded_instance_config",
                    attributes={"enable_secure_boot": True, "enable_integrity_monitoring": True},
                ),
                block("workload_metadata_config", attributes={"mode": "GKE_METADATA"}),
            ),
        ),
    )


def _reach(root: Root, site: Where) -> tuple[Block, ...]:
    """Addresses of pods, and who reaches the Kubernetes API: the site's own network, those that it is joined to, and
    what the variable names."""
    cidrs = {network.site.id: network.cidr for network in root.blueprint.networks}
    near = [cidrs[id] for id in joined_to(root.blueprint, site) if id in cidrs]
    return (
        block(
            "ip_allocation_policy",
            attributes={"cluster_secondary_range_name": PODS, "services_secondary_range_name": SERVICES},
        ),
        block(
            "private_cluster_config",
            attributes={
                "enable_private_nodes": True,
                "enable_private_endpoint": ref("length(var.kubernetes_api_cidrs) == 0"),
            },
            parts=(block("master_global_access_config", attributes={"enabled": True}),),
        ),
        block(
            "master_authorized_networks_config",
            parts=(
                *(block("cidr_blocks", attributes={"cidr_block": cidr}) for cidr in near),
                block(
                    "dynamic",
                    "cidr_blocks",
                    attributes={"for_each": ref("var.kubernetes_api_cidrs")},
                    parts=(block("content", attributes={"cidr_block": ref("cidr_blocks.value")}),),
                ),
            ),
        ),
        block(
            "master_auth", parts=(block("client_certificate_config", attributes={"issue_client_certificate": False}),)
        ),
    )


def _guards(region: str) -> tuple[Block, ...]:
    return (
        block("workload_identity_config", attributes={"workload_pool": joined(ref("var.project"), ".svc.id.goog")}),
        block("database_encryption", attributes={"state": "ENCRYPTED", "key_name": key_id("data", region)}),
        block("binary_authorization", attributes={"evaluation_mode": "PROJECT_SINGLETON_POLICY_ENFORCE"}),
        block(
            "security_posture_config",
            attributes={"mode": "BASIC", "vulnerability_mode": "VULNERABILITY_DISABLED"},
        ),
        block("secret_manager_config", attributes={"enabled": True}),
    )


def _watching() -> tuple[Block, ...]:
    return (
        block("logging_config", attributes={"enable_components": list(LOGS)}),
        block(
            "monitoring_config",
            attributes={"enable_components": ["SYSTEM_COMPONENTS"]},
            parts=(block("managed_prometheus", attributes={"enabled": True}),),
        ),
        block("cost_management_config", attributes={"enabled": True}),
    )


def _pool(section: Section, cluster: Cluster, pool: Pool) -> None:
    region = cluster.site.region
    most = times(pool.most, pool.monthly)
    zones = f"lookup(var.accelerator_zones, {quoted(region)}, null)"
    cluster_address = f"google_container_cluster.{identifier(cluster.name)}"
    section.make(
        "google_container_node_pool",
        identifier(cluster.name, pool.name),
        {
            "name": made("gcp", "pool", pool.name),
            "cluster": Expr(f"{cluster_address}.id"),
            "location": region,
            "node_locations": ref(zones) if pool.role == "gpu" else None,
            "initial_node_count": first(pool, region),
            "depends_on": _others(cluster) if _tainted(pool) else None,
        },
        block(
            "autoscaling",
            attributes={
                "total_min_node_count": pool.least,
                "total_max_node_count": pool.most,
                "location_policy": "ANY" if pool.spot or pool.role == "gpu" else "BALANCED",
            },
        ),
        block("management", attributes={"auto_repair": True, "auto_upgrade": True}),
        block("upgrade_settings", attributes={"max_surge": 1, "max_unavailable": 0}),
        _machines(section, region, pool),
        block("lifecycle", attributes={"ignore_changes": [ref("initial_node_count")]}),
        kind="machines",
        monthly=times(pool.least, pool.monthly),
        note=f"{pool.least} to {pool.most} {pool.machine}" + ("" if most is None else f", at most {most} micro-USD"),
    )


def first(pool: Pool, region: str) -> Value:
    """Machines of each zone to start with, so that the least are there: the autoscaler adds none only to reach them."""
    if pool.role == "gpu" and pool.least > 0:
        named = f"try(length(var.accelerator_zones[{quoted(region)}]), {ZONES})"
        return ref(f"ceil({pool.least} / max(1, {named}))")
    return -(-pool.least // ZONES)


def _machines(section: Section, region: str, pool: Pool) -> Block:
    kind = machine(pool)
    return block(
        "node_config",
        attributes={
            "machine_type": kind,
            "spot": pool.spot,
            "image_type": "COS_CONTAINERD",
            "disk_type": "hyperdisk-balanced" if HYPERDISK.match(kind) else "pd-balanced",
            "disk_size_gb": DISK_GB[pool.role],
            "boot_disk_kms_key": key_id("data", region),
            "service_account": ref("google_service_account.nodes.email"),
            "oauth_scopes": ["https://www.googleapis.com/auth/cloud-platform"],
            "labels": dict(labels(pool)),
            "metadata": {"disable-legacy-endpoints": "true"},
        },
        parts=(
            *_accelerators(section, pool),
            *(
                block("taint", attributes={"key": key, "value": value, "effect": "NO_SCHEDULE"})
                for key, value in taints(pool)
                if (key, value) != GPU_TAINT or not _tainted(pool)
            ),
            block(
                "shielded_instance_config",
                attributes={"enable_secure_boot": True, "enable_integrity_monitoring": True},
            ),
            block("workload_metadata_config", attributes={"mode": "GKE_METADATA"}),
        ),
    )


def _others(cluster: Cluster) -> list[Expr] | None:
    """The pools without accelerators: GKE taints the others only where such a pool is there already."""
    names = [identifier(cluster.name, pool.name) for pool in cluster.pools if not _tainted(pool)]
    return [Expr(f"google_container_node_pool.{name}") for name in names] or None


def _tainted(pool: Pool) -> bool:
    """Whether GKE taints the machines by itself, as it does where it knows of an accelerator."""
    return bool(accelerator(pool)) or TPU.fullmatch(pool.machine) is not None


def _accelerators(section: Section, pool: Pool) -> tuple[Block, ...]:
    name = accelerator(pool)
    if not name:
        if pool.role == "gpu" and TPU.fullmatch(pool.machine) is None:
            section.root.gap(
                f"GKE installs no driver by itself on {pool.machine} ({pool.accelerator}): add its installer"
            )
        return ()
    return (
        block(
            "guest_accelerator",
            attributes={"type": name, "count": max(1, int(pool.accelerators_each))},
            parts=(block("gpu_driver_installation_config", attributes={"gpu_driver_version": "DEFAULT"}),),
        ),
    )


def _output(cluster: Cluster) -> Block:
    address = f"google_container_cluster.{identifier(cluster.name)}"
    value: dict[str, Value] = {
        "name": ref(f"{address}.name"),
        "endpoint": ref(f"{address}.endpoint"),
        "certificate_authority": ref(f"{address}.master_auth[0].cluster_ca_certificate"),
        "issuer": joined("https://container.googleapis.com/v1/", ref(f"{address}.id")),
        "region": cluster.site.region,
    }
    return output(
        f"cluster_{identifier(cluster.name)}", f"The cluster {cluster.name}, for kubectl and for other roots.", value
    )
