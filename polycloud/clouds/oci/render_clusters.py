"""OKE clusters: enhanced, private, our own key, pods with addresses of the network, pools that scale by themselves."""

import re

from polycloud.clouds.oci.render_keys import granted, key_id, statement
from polycloud.clouds.oci.render_network import guard, network_id, subnet
from polycloud.clouds.oci.render_place import COMPARTMENT, TAGS, at, place, provider
from polycloud.deploy.blueprint import Blueprint, Cluster, Pool
from polycloud.deploy.conventions import EFFECT, labels, taints
from polycloud.deploy.derive.names import made
from polycloud.deploy.hcl import Block, Call, Comment, Expr, Value, block, joined, quoted
from polycloud.deploy.render.links import all_joined
from polycloud.deploy.render.terraform import Root, Section, identifier, output, pool_source, ref, times, variable

FILE = "clusters.tf"
# OKE names patches: oracle/terraform-provider-oci 8.28.0 (2026-08-19) and
# docs.oracle.com/iaas/Content/ContEng/Concepts/contengaboutk8sversions.htm, 2026-11; a variable adds later ones.
PATCHES = {"1.33": "v1.33.1", "1.34": "v1.34.1", "1.35": "v1.35.2"}
SERVICES = "172.16.0.0/16"
PODS_EACH = 31  # the network cards of the smallest usual machine have addresses for so many
DISK_GB = {"system": 100, "workload": 100, "gpu": 300}  # images with accelerators' libraries are tens of gigabytes
# Flexible machines are cut to order: where the market says nothing, cores and gigabytes by role.
FLEXIBLE = {"system": (2, 16), "workload": (4, 32), "gpu": (8, 64)}
THREADS = 2  # of a core (OCPU) of x86; Arm machines have one
ARM = re.compile(r"\.A\d")
GRACE = "PT30M"  # what pods get to end when a machine is replaced
AUTOSCALER = ("kube-system", "cluster-autoscaler")
# What the autoscaler does, docs.oracle.com/iaas/Content/ContEng/Tasks/contengusingclusterautoscaler.htm, 2026-11.
SCALES = (
    "manage cluster-node-pools",
    "manage instance-family",
    "use subnets",
    "read virtual-network-family",
    "use vnics",
    "inspect compartments",
)
# How machines get taints, docs.oracle.com/iaas/Content/ContEng/Tasks/contengusingcustomcloudinitscripts.htm, 2026-11.
START = (
    "#!/bin/bash\n"
    'curl --fail -H "Authorization: Bearer Oracle" -L0 '
    "http://169.254.169.254/opc/v2/instance/metadata/oke_init_script | base64 --decode >/var/run/oke-init.sh\n"
    'bash /var/run/oke-init.sh --kubelet-extra-args "--register-with-taints={}"\n'
)


def add(root: Root, here: Blueprint) -> None:
    if not here.clusters:
        return
    root.about(FILE, "Clusters at Oracle Cloud, with their pools of machines and what scales them.", "clusters")
    _versions(root, here)
    for region in sorted({cluster.site.region for cluster in here.clusters}):
        _region(root, region)
    for cluster in here.clusters:
        source = f"clusters.{cluster.name}"
        section = root.section(FILE, cluster.site.id, source, "cluster", place(cluster.site.region))
        _cluster(section, here, cluster)
        for pool in cluster.pools:
            pools = root.section(
                FILE, cluster.site.id, pool_source(cluster, pool), "machines", place(cluster.site.region)
            )
            _pool(pools, cluster, pool)
        _autoscaler(root, here, cluster)
        root.provides(f"cluster:{cluster.name}", *(f"pool:{cluster.name}/{pool.name}" for pool in cluster.pools))
        root.add("outputs.tf", _output(cluster))


def size(pool: Pool) -> tuple[float, float] | None:
    """Cores and gigabytes of a flexible machine; None for one that is as it is."""
    if not pool.machine.endswith(".Flex"):
        return None
    cores, memory = FLEXIBLE[pool.role]
    threads = 1 if ARM.search(pool.machine) else THREADS
    return (
        cores if pool.vcpu is None else max(1, -(-int(pool.vcpu) // threads)),
        memory if pool.memory_gib is None else pool.memory_gib,
    )


def start(pool: Pool) -> str:
    """The script that a machine starts with; "" where nothing has to be tolerated."""
    marks = ",".join(f"{key}={value}:{EFFECT}" for key, value in taints(pool))
    return START.format(marks) if marks else ""


def _versions(root: Root, here: Blueprint) -> None:
    wanted = {cluster.version: PATCHES.get(cluster.version) for cluster in here.clusters}
    for version, patch in sorted(wanted.items()):
        if patch is None:
            root.gap(
                f"oci: which patch of Kubernetes {version} OKE has is not known: name it in var.kubernetes_patches"
            )
    known: dict[str, Value] = {version: patch or f"v{version}.0" for version, patch in sorted(wanted.items())}
    root.add(
        FILE,
        block("locals", attributes={"patches": known}),
        block("locals", attributes={"kubernetes": ref("merge(local.patches, var.kubernetes_patches)")}),
    )
    root.add(
        "variables.tf",
        variable(
            "kubernetes_patches", 'Versions of OKE by minor version, such as { "1.35" = "v1.35.2" }.', "map(string)", {}
        ),
        variable(
            "machine_images",
            "OCIDs of images by cluster/pool; none: the newest of Oracle's for the pool's machine and version.",
            "map(string)",
            {},
        ),
    )


def _region(root: Root, region: str) -> None:
    """Where machines can stand, and the images they can start from."""
    label = identifier(region)
    common: dict[str, Value] = {"provider": provider(region), "compartment_id": COMPARTMENT}
    root.add(
        FILE,
        block("data", "oci_identity_availability_domains", label, attributes=common),
        block(
            "data", "oci_containerengine_node_pool_option", label, attributes={**common, "node_pool_option_id": "all"}
        ),
        block(
            "locals",
            attributes={
                f"images_{label}": ref(
                    f"{{ for one in data.oci_containerengine_node_pool_option.{label}.sources : "
                    "one.source_name => one.image_id }"
                )
            },
        ),
    )


def _version(cluster: Cluster) -> Expr:
    return ref(f"local.kubernetes[{quoted(cluster.version)}]")


def _cluster(section: Section, here: Blueprint, cluster: Cluster) -> None:
    region = cluster.site.region
    # Some have public addresses where callers come from outside, or other clusters without a link between all.
    outside = here.edge is not None or not all_joined(section.root.blueprint)
    balancers: dict[str, Value] = {"service_lb_subnet_ids": [subnet("public" if outside else "machines", region)]}
    section.make(
        "oci_containerengine_cluster",
        identifier(cluster.name),
        {
            "name": cluster.name,
            "kubernetes_version": _version(cluster),
            "type": "ENHANCED_CLUSTER",
            "vcn_id": network_id(region),
            "kms_key_id": key_id("data", region),
            "depends_on": [granted(region)],
        },
        Comment(
            "checkov:skip=CKV2_OCI_6:Kubernetes has no pod security policies since 1.25; namespaces have standards."
        ),
        block("cluster_pod_network_options", attributes={"cni_type": "OCI_VCN_IP_NATIVE"}),
        block(
            "endpoint_config",
            attributes={
                "is_public_ip_enabled": False,
                "subnet_id": subnet("kubernetes", region),
                "nsg_ids": [guard(region)],
            },
        ),
        block(
            "options",
            attributes=balancers,
            parts=(
                block("kubernetes_network_config", attributes={"services_cidr": SERVICES}),
                block("open_id_connect_discovery", attributes={"is_open_id_connect_discovery_enabled": True}),
                block(
                    "add_ons",
                    attributes={"is_kubernetes_dashboard_enabled": False, "is_tiller_enabled": False},
                ),
                block("persistent_volume_config", attributes={"freeform_tags": TAGS}),
            ),
        ),
    )


def _pool(section: Section, cluster: Cluster, pool: Pool) -> None:
    region = cluster.site.region
    most = times(pool.most, pool.monthly)
    cut = size(pool)
    script = start(pool)
    section.make(
        "oci_containerengine_node_pool",
        identifier(cluster.name, pool.name),
        {
            "name": made("oci", "pool", pool.name),
            "cluster_id": ref(f"oci_containerengine_cluster.{identifier(cluster.name)}.id"),
            "kubernetes_version": _version(cluster),
            "node_shape": pool.machine,
            "node_metadata": {"user_data": Call("base64encode", script)} if script else None,
        },
        *([block("node_shape_config", attributes={"ocpus": cut[0], "memory_in_gbs": cut[1]})] if cut else []),
        block(
            "node_source_details",
            attributes={
                "source_type": "IMAGE",
                "image_id": _image(cluster, pool),
                "boot_volume_size_in_gbs": str(DISK_GB[pool.role]),
            },
        ),
        _machines(region, pool),
        *(block("initial_node_labels", attributes={"key": key, "value": value}) for key, value in labels(pool).items()),
        block(
            "node_eviction_node_pool_settings",
            attributes={"eviction_grace_duration": GRACE, "is_force_delete_after_grace_duration": True},
        ),
        block("lifecycle", attributes={"ignore_changes": [ref("node_config_details[0].size")]}),
        monthly=times(pool.least, pool.monthly),
        note=f"{pool.least} to {pool.most} {pool.machine}" + ("" if most is None else f", at most {most} micro-USD"),
    )


def _image(cluster: Cluster, pool: Pool) -> Expr:
    """The newest image of its kind: names have the kind, the day and the version in them."""
    images = f"local.images_{identifier(cluster.site.region)}"
    kind = "-Gen2-GPU-" if pool.role == "gpu" else "-aarch64-" if ARM.search(pool.machine) else ""
    others = [one for one in ("-Gen2-GPU-", "-aarch64-") if one != kind]
    tests = [f'strcontains(name, "-OKE-${{trimprefix({_version(cluster).text}, "v")}}-")']
    tests += [f'strcontains(name, "{kind}")'] if kind else []
    tests += [f'!strcontains(name, "{one}")' for one in others]
    found = f"reverse(sort([for name in keys({images}) : name if {' && '.join(tests)}]))[0]"
    asked = quoted(f"{cluster.name}/{pool.name}")
    missing = '"name an image in var.machine_images: none fits"'
    return ref(f"try(var.machine_images[{asked}], {images}[{found}], {missing})")


def _machines(region: str, pool: Pool) -> Block:
    domains = f"data.oci_identity_availability_domains.{identifier(region)}.availability_domains"
    preemptible = block(
        "preemptible_node_config",
        parts=(block("preemption_action", attributes={"type": "TERMINATE", "is_preserve_boot_volume": False}),),
    )
    return block(
        "node_config_details",
        attributes={
            "size": pool.least,
            "kms_key_id": key_id("data", region),
            "is_pv_encryption_in_transit_enabled": True,
            "nsg_ids": [guard(region)],
        },
        parts=(
            block(
                "dynamic",
                "placement_configs",
                attributes={"for_each": ref(f"{domains}[*].name")},
                parts=(
                    block(
                        "content",
                        attributes={
                            "availability_domain": ref("placement_configs.value"),
                            "subnet_id": subnet("machines", region),
                        },
                        parts=(preemptible,) if pool.spot else (),
                    ),
                ),
            ),
            block(
                "node_pool_pod_network_option_details",
                attributes={
                    "cni_type": "OCI_VCN_IP_NATIVE",
                    "max_pods_per_node": PODS_EACH,
                    "pod_subnet_ids": [subnet("pods", region)],
                    "pod_nsg_ids": [guard(region)],
                },
            ),
        ),
    )


def bounds(cluster: Cluster) -> Expr:
    """What the autoscaler is told: least, most and id of each pool."""
    pieces: list[str | Expr] = []
    for number, pool in enumerate(cluster.pools):
        address = Expr(f"oci_containerengine_node_pool.{identifier(cluster.name, pool.name)}.id")
        pieces += [f"{',' if number else ''}{pool.least}:{pool.most}:", address]
    return joined(*pieces)


def _autoscaler(root: Root, here: Blueprint, cluster: Cluster) -> None:
    """OKE runs it; its pod has the rights to change pools of this cluster's compartment, and no other pod has."""
    label = identifier(cluster.name)
    cluster_id = Expr(f"oci_containerengine_cluster.{label}.id")
    namespace, account = AUTOSCALER
    tests = (
        f"request.principal.type = 'workload', request.principal.namespace = '{namespace}', "
        f"request.principal.service_account = '{account}', request.principal.cluster_id = '",
        cluster_id,
        "'",
    )
    section = root.section(FILE, cluster.site.id, f"clusters.{cluster.name}", "cluster", at(cluster.site.region))
    policy = root.section(FILE, cluster.site.id, f"clusters.{cluster.name}", "identity").make(
        "oci_identity_policy",
        f"autoscaler_{label}",
        {
            "compartment_id": COMPARTMENT,
            "name": made("oci", "bucket", f"{here.estate}-{cluster.name}-autoscaler"),
            "description": "What scales the cluster's pools.",
            "statements": [statement(f"Allow any-user to {what}", *tests) for what in SCALES],
        },
    )
    settings: dict[str, Value] = {"authType": "workload", "nodes": bounds(cluster)}
    section.make(
        "oci_containerengine_addon",
        f"autoscaler_{label}",
        {
            "addon_name": "ClusterAutoscaler",
            "cluster_id": cluster_id,
            "remove_addon_resources_on_delete": True,
            "depends_on": [policy],
        },
        *(block("configurations", attributes={"key": key, "value": value}) for key, value in settings.items()),
    )


def _output(cluster: Cluster) -> Block:
    name = identifier(cluster.name)
    address = f"oci_containerengine_cluster.{name}"
    value: dict[str, Value] = {
        "name": ref(f"{address}.name"),
        "endpoint": ref(f"{address}.endpoints[0].private_endpoint"),
        "id": ref(f"{address}.id"),
        "issuer": ref(f"{address}.open_id_connect_discovery_endpoint"),
        "region": cluster.site.region,
    }
    return output(f"cluster_{name}", f"The cluster {cluster.name}, for kubectl and for other roots.", value)
