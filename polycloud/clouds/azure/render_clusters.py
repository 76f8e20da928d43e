"""AKS clusters: private, our own key for disks and secrets, Entra for people and pods, pools in all zones."""

from polycloud.clouds.azure.render_keys import granted, identity, key_id, key_version, vault
from polycloud.clouds.azure.render_network import network_id, subnet
from polycloud.clouds.azure.render_place import TAGS, TENANT, place, zones
from polycloud.deploy.blueprint import Blueprint, Cluster, Pool
from polycloud.deploy.conventions import AKS_SPOT_TAINT, EFFECT, SYSTEM_TAINT, labels, taints, tolerations
from polycloud.deploy.derive.names import made
from polycloud.deploy.hcl import Block, Comment, Value, block, quoted
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
LOGS = ("cloud-controller-manager", "guard", "kube-apiserver", "kube-audit-admin", "kube-controller-manager")
LOG_DAYS = 400  # a year of who did what, and a month to look at it
DISK_GB = {"system": 128, "workload": 128, "gpu": 512}  # images with accelerators' libraries are tens of gigabytes
PODS_EACH = 64
# Not routed outside a cluster, so all clusters have the same; what Azure keeps for itself is left out:
# learn.microsoft.com/azure/aks/azure-cni-overlay, 2026-11.
PODS, SERVICES, RESOLVER = "172.20.0.0/14", "172.16.0.0/16", "172.16.0.10"
BASE = Pool("base", "system", "Standard_D4s_v5", 3, 3)
NVIDIA = ("NC", "ND", "NV")  # of the names of machines; those with AMD's accelerators have NG, or MI in the name


def add(root: Root, here: Blueprint) -> None:
    if not here.clusters:
        return
    root.about(FILE, "Clusters at Azure, with their pools of machines and the rights of their parts.", "clusters")
    for site in sorted({cluster.site.id: cluster.site for cluster in here.clusters}.values(), key=lambda s: s.id):
        _identity(root, here, site.id, site.region)
        _disks(root, here, site.id, site.region)
    for cluster in here.clusters:
        source = f"clusters.{cluster.name}"
        section = root.section(FILE, cluster.site.id, source, "cluster", place(cluster.site.region))
        first = base(cluster)
        if first == BASE:
            root.gap(f"{cluster.name}: AKS wants a pool that stays, so {BASE.least} {BASE.machine} are there besides")
        _cluster(section, cluster, first)
        for pool in cluster.pools:
            if pool != first:
                _pool(root.section(FILE, cluster.site.id, pool_source(cluster, pool), "machines"), cluster, pool)
        _logs(root, cluster)
        root.provides(f"cluster:{cluster.name}", *(f"pool:{cluster.name}/{pool.name}" for pool in cluster.pools))
        root.add("outputs.tf", _output(cluster))
    root.gap(
        "AKS: machines encrypt their own disks once the subscription's feature Microsoft.Compute/EncryptionAtHost is on"
    )
    root.add(
        "variables.tf",
        variable(
            "accelerator_zones",
            "Zones by region where machines with accelerators are made; none: as Azure finds them.",
            "map(list(string))",
            {},
        ),
        variable(
            "kubernetes_admins",
            "Object ids of Entra groups that administer the clusters.",
            "list(string)",
            [],
        ),
    )


def base(cluster: Cluster) -> Pool:
    """The pool that AKS makes with the cluster: for the system, else one that stays; one of ours where none does."""
    stays = [pool for pool in cluster.pools if pool.role != "gpu" and not pool.spot]
    return min(stays, key=lambda pool: (pool.role != "system", -pool.least, pool.name), default=BASE)


def bounds(cluster: Cluster, pool: Pool) -> tuple[str, int, int]:
    """Where a pool's bounds stand, and what they are: the cluster's own pool has one machine at least."""
    label = identifier(cluster.name)
    if pool == base(cluster):
        return f"azurerm_kubernetes_cluster.{label}.default_node_pool[0]", max(1, pool.least), max(1, pool.most)
    return f"azurerm_kubernetes_cluster_node_pool.{identifier(cluster.name, pool.name)}", pool.least, pool.most


def _identity(root: Root, here: Blueprint, site: str, region: str) -> None:
    """What the clusters' control planes act as: in the site's network, on its disks' key, and with the vault."""
    label = identifier(region)
    who = root.section(FILE, site, "clusters", "identity", place(region)).make(
        "azurerm_user_assigned_identity",
        f"clusters_{label}",
        {"name": made("azure", "group", here.estate, "clusters", region)},
    )
    key = next(key for key in here.keys if key.site.id == site)
    own_key = ref(f"azurerm_key_vault_key.{identifier(key.name, region)}.resource_versionless_id")
    wanted = (
        ("network", network_id(region), "Network Contributor", "they put machines and load balancers into its subnets"),
        ("disks", ref(f"azurerm_disk_encryption_set.{label}.id"), "Reader", "they look up the key of their disks"),
        ("vault", vault(key.name, region), "Key Vault Contributor", "they join it, which is closed, to their API"),
        ("key", own_key, "Key Vault Crypto User", "they encrypt what they keep by the key"),
    )
    for name, scope, role, why in wanted:
        root.section(FILE, site, "clusters", "identity").make(
            "azurerm_role_assignment",
            f"clusters_{name}_{label}",
            {
                "scope": scope,
                "role_definition_name": role,
                "principal_id": attribute(who, "principal_id"),
                "principal_type": "ServicePrincipal",
                "description": f"The clusters of this site: {why}.",
            },
        )


def _disks(root: Root, here: Blueprint, site: str, region: str) -> None:
    label = identifier(region)
    root.section(FILE, site, "clusters", "key", place(region)).make(
        "azurerm_disk_encryption_set",
        label,
        {
            "name": made("azure", "group", here.estate, "disks", region),
            "key_vault_key_id": key_id("data", region),
            "auto_key_rotation_enabled": True,
            "encryption_type": "EncryptionAtRestWithPlatformAndCustomerKeys",
            "depends_on": [granted(region)],
        },
        block("identity", attributes=identity(region)),
    )


def _cluster(section: Section, cluster: Cluster, first: Pool) -> None:
    region = cluster.site.region
    label = identifier(region)
    section.make(
        "azurerm_kubernetes_cluster",
        identifier(cluster.name),
        {
            "name": cluster.name,
            "kubernetes_version": cluster.version,
            "dns_prefix": made("gcp", "cluster", cluster.name),
            "sku_tier": "Standard",
            "automatic_upgrade_channel": "patch",
            "node_os_upgrade_channel": "SecurityPatch",
            "private_cluster_enabled": True,
            "private_cluster_public_fqdn_enabled": True,
            "private_dns_zone_id": "System",
            "run_command_enabled": False,
            "local_account_disabled": True,
            "role_based_access_control_enabled": True,
            "oidc_issuer_enabled": True,
            "workload_identity_enabled": True,
            "azure_policy_enabled": True,
            "image_cleaner_enabled": True,
            "image_cleaner_interval_hours": 48,
            "disk_encryption_set_id": ref(f"azurerm_disk_encryption_set.{label}.id"),
            "depends_on": [
                *(
                    ref(f"azurerm_role_assignment.clusters_{name}_{label}")
                    for name in ("disks", "key", "network", "vault")
                ),
                ref(f"azurerm_subnet_nat_gateway_association.{label}"),
            ],
        },
        Comment("checkov:skip=CKV_AZURE_6:The Kubernetes API has a private address alone, which takes no such ranges."),
        Comment("checkov:skip=CKV_AZURE_226:Disks are managed ones, so that they are encrypted by our key as well."),
        block(
            "identity",
            attributes={
                "type": "UserAssigned",
                "identity_ids": [ref(f"azurerm_user_assigned_identity.clusters_{label}.id")],
            },
        ),
        _first(cluster, first),
        block("node_provisioning_profile", attributes={"mode": "Manual"}),
        *_reach(region),
        *_guards(region),
        block("lifecycle", attributes={"ignore_changes": [ref("default_node_pool[0].node_count")]}),
        monthly=times(first.least, first.monthly),
        note=f"with its pool {first.name}: {first.least} to {first.most} {first.machine}",
    )


def _first(cluster: Cluster, pool: Pool) -> Block:
    _, least, most = bounds(cluster, pool)
    return block(
        "default_node_pool",
        attributes={
            "name": made("azure", "pool", pool.name),
            "type": "VirtualMachineScaleSets",
            "auto_scaling_enabled": True,
            "min_count": least,
            "max_count": most,
            "only_critical_addons_enabled": True if SYSTEM_TAINT in taints(pool) else None,
            "temporary_name_for_rotation": "spare",
            **_machine(cluster, pool),
        },
        parts=(block("upgrade_settings", attributes={"max_surge": "33%"}),),
    )


def _machine(cluster: Cluster, pool: Pool) -> dict[str, Value]:
    region = cluster.site.region
    where: Value = zones(region) or None
    if pool.role == "gpu":
        where = ref(f"lookup(var.accelerator_zones, {quoted(region)}, null)")
    return {
        "vm_size": pool.machine,
        "zones": where,
        "vnet_subnet_id": subnet("machines", region),
        "max_pods": PODS_EACH,
        "os_disk_size_gb": DISK_GB[pool.role],
        "os_disk_type": "Managed",
        "host_encryption_enabled": True,
        "node_labels": {**labels(pool), **(dict([AKS_SPOT_TAINT]) if pool.spot else {})},
        "tags": TAGS,
    }


def _reach(region: str) -> tuple[Block, ...]:
    return (
        block(
            "api_server_access_profile",
            attributes={"virtual_network_integration_enabled": True, "subnet_id": subnet("kubernetes", region)},
        ),
        block(
            "network_profile",
            attributes={
                "network_plugin": "azure",
                "network_plugin_mode": "overlay",
                "network_data_plane": "cilium",
                "network_policy": "cilium",
                "load_balancer_sku": "standard",
                "outbound_type": "userAssignedNATGateway",
                "pod_cidr": PODS,
                "service_cidr": SERVICES,
                "dns_service_ip": RESOLVER,
            },
        ),
    )


def _guards(region: str) -> tuple[Block, ...]:
    workspace = ref(f"azurerm_log_analytics_workspace.{identifier(region)}.id")
    return (
        block(
            "azure_active_directory_role_based_access_control",
            attributes={
                "tenant_id": TENANT,
                "azure_rbac_enabled": True,
                "admin_group_object_ids": ref("var.kubernetes_admins"),
            },
        ),
        block(
            "key_management_service",
            attributes={"key_vault_key_id": key_version("data", region), "key_vault_network_access": "Private"},
        ),
        block("key_vault_secrets_provider", attributes={"secret_rotation_enabled": True}),
        block(
            "oms_agent",
            attributes={"log_analytics_workspace_id": workspace, "msi_auth_for_monitoring_enabled": True},
        ),
    )


def _pool(section: Section, cluster: Cluster, pool: Pool) -> None:
    most = times(pool.most, pool.monthly)
    marks = [f"{key}={value}:{EFFECT}" for key, value in tolerations(pool)]
    bought: dict[str, Value] = (
        {"priority": "Spot", "eviction_policy": "Delete", "spot_max_price": -1} if pool.spot else {}
    )
    section.make(
        "azurerm_kubernetes_cluster_node_pool",
        identifier(cluster.name, pool.name),
        {
            "name": made("azure", "pool", pool.name),
            "kubernetes_cluster_id": ref(f"azurerm_kubernetes_cluster.{identifier(cluster.name)}.id"),
            "mode": "System" if pool.role == "system" else "User",
            "auto_scaling_enabled": True,
            "min_count": pool.least,
            "max_count": pool.most,
            **bought,
            **_machine(cluster, pool),
            "gpu_driver": "Install" if pool.role == "gpu" and _nvidia(pool) else None,
            "node_taints": marks or None,
        },
        *([] if pool.spot else [block("upgrade_settings", attributes={"max_surge": "33%"})]),
        block("lifecycle", attributes={"ignore_changes": [ref("node_count")]}),
        monthly=times(pool.least, pool.monthly),
        note=f"{pool.least} to {pool.most} {pool.machine}" + ("" if most is None else f", at most {most} micro-USD"),
    )
    if pool.role == "gpu" and not _nvidia(pool):
        section.root.gap(f"AKS installs no driver on {pool.machine} ({pool.accelerator}): add its device plugin")


def _nvidia(pool: Pool) -> bool:
    name = pool.machine.removeprefix("Standard_")
    return name.startswith(NVIDIA) and "MI" not in name


def _logs(root: Root, cluster: Cluster) -> None:
    label = identifier(cluster.name)
    root.section(FILE, cluster.site.id, f"clusters.{cluster.name}", "logs").make(
        "azurerm_monitor_diagnostic_setting",
        f"cluster_{label}",
        {
            "name": "polycloud",
            "target_resource_id": ref(f"azurerm_kubernetes_cluster.{label}.id"),
            "log_analytics_workspace_id": ref(f"azurerm_log_analytics_workspace.{identifier(cluster.site.region)}.id"),
            "log_analytics_destination_type": "Dedicated",
        },
        *(block("enabled_log", attributes={"category": name}) for name in LOGS),
    )


def _output(cluster: Cluster) -> Block:
    name = identifier(cluster.name)
    address = f"azurerm_kubernetes_cluster.{name}"
    return output(
        f"cluster_{name}",
        f"The cluster {cluster.name}, for kubectl and for other roots.",
        {
            "name": ref(f"{address}.name"),
            "endpoint": ref(f"{address}.fqdn"),
            "group": ref(f"{address}.resource_group_name"),
            "issuer": ref(f"{address}.oidc_issuer_url"),
            "region": cluster.site.region,
        },
    )
