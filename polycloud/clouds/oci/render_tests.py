"""The tests that ship with the root of Oracle Cloud: closed, encrypted, in place, within bounds."""

from polycloud.clouds.oci.render_clusters import PATCHES
from polycloud.clouds.oci.render_network import INSIDE
from polycloud.clouds.oci.render_storage import native, steps
from polycloud.deploy.blueprint import Blueprint
from polycloud.deploy.hcl import quoted
from polycloud.deploy.render import promises
from polycloud.deploy.render.promises import Mock, Promise
from polycloud.deploy.render.terraform import Root, identifier

IMAGE = {
    "image_id": "ocid1.image.oc1..example",
    "source_name": "Oracle-Linux-8.10-2026.01.01-0-OKE-1.35.2-1",
    "source_type": "IMAGE",
}
TUNNEL = {"id": "ocid1.tunnel.oc1..example", "vpn_ip": "192.0.2.1"}
MOCKS = (
    Mock("oci_containerengine_node_pool_option", {"sources": [IMAGE]}),
    Mock("oci_core_ipsec_connection_tunnels", {"ip_sec_connection_tunnels": [TUNNEL, TUNNEL]}),
    Mock("oci_core_services", {"services": [{"id": "ocid1.service.oc1..example", "cidr_block": "all-services"}]}),
    Mock("oci_generative_ai_models", {"model_collection": [{"items": [{"id": "ocid1.model.oc1..example"}]}]}),
    Mock("oci_identity_domains", {"domains": [{"url": "https://idcs-example.identity.oraclecloud.com:443"}]}),
    Mock("oci_identity_domains_mapped_attributes", {"mapped_attributes": [{"id": "example"}]}),
    Mock("oci_identity_domains_policy", {"active": True}),
    Mock("oci_identity_availability_domains", {"availability_domains": [{"name": "one"}, {"name": "two"}]}),
    Mock("oci_objectstorage_namespace", {"namespace": "example"}),
)


def add(root: Root, here: Blueprint) -> None:
    runs = {
        "keys_can_be_renewed": [
            Promise(
                f'oci_kms_key.{identifier(key.name, key.site.region)}.protection_mode == "{_mode(key.hardware)}"',
                f"The key at {key.site.id} must be kept as the estate says",
            )
            for key in here.keys
        ],
        "machines_have_no_public_addresses": [
            Promise(
                f"oci_core_subnet.{use}_{identifier(network.site.region)}.prohibit_public_ip_on_vnic",
                f"Nothing in the subnet {use} at {network.site.id} may have a public address",
            )
            for network in here.networks
            for use in INSIDE
        ],
        "clusters_are_closed": _clusters(here),
        "pools_begin_small": _pools(here),
        "buckets_are_closed_and_versioned": _buckets(here),
        "buckets_age_and_are_copied": _ages(here) + _copies(here),
        "databases_are_inside": _databases(here),
    }
    aliases = [f"oci.{identifier(key.site.region)}" for key in here.keys]
    promises.add(root, dict.fromkeys(["oci", *aliases], MOCKS), runs)


def _mode(hardware: bool) -> str:
    return "HSM" if hardware else "SOFTWARE"


def _clusters(here: Blueprint) -> list[Promise]:
    found = []
    for cluster in here.clusters:
        address = f"oci_containerengine_cluster.{identifier(cluster.name)}"
        patch = PATCHES.get(cluster.version, f"v{cluster.version}.0")
        found += [
            Promise(
                f"!{address}.endpoint_config[0].is_public_ip_enabled",
                f"The Kubernetes API of {cluster.name} must be reached from inside alone",
            ),
            Promise(f'{address}.type == "ENHANCED_CLUSTER"', f"Pods of {cluster.name} must have rights of their own"),
            Promise(f"{address}.kubernetes_version == {quoted(patch)}", f"{cluster.name} must run {patch}"),
        ]
    return found


def _pools(here: Blueprint) -> list[Promise]:
    return [
        Promise(
            f"oci_containerengine_node_pool.{identifier(cluster.name, pool.name)}.node_config_details[0].size == "
            f"{pool.least}",
            f"The pool {pool.name} of {cluster.name} begins with {pool.least} machines",
        )
        for cluster in here.clusters
        for pool in cluster.pools
    ]


def _buckets(here: Blueprint) -> list[Promise]:
    found = []
    for bucket in here.buckets:
        address = f"oci_objectstorage_bucket.{identifier(bucket.name)}"
        found += [
            Promise(f'{address}.access_type == "NoPublicAccess"', f"{bucket.name} must not be public"),
            Promise(f'{address}.versioning == "Enabled"', f"{bucket.name} must keep versions"),
        ]
    return found


def _ages(here: Blueprint) -> list[Promise]:
    copies = {copy.name for bucket in here.buckets for copy in native(here, bucket)}
    found = []
    for bucket in here.buckets:
        rules = f"oci_objectstorage_object_lifecycle_policy.{identifier(bucket.name)}.rules"
        for dataset, folders, ages in bucket.aged():
            only = [promises.exactly("rule.object_name_filter[0].inclusion_prefixes", folders)] if folders else []
            what = f"{dataset} in {bucket.name}" if dataset else bucket.name
            for action, days in steps(ages):
                tests = ["rule.is_enabled", 'rule.target == "objects"', f"rule.action == {quoted(action)}"]
                test = promises.some(rules, *tests, f'rule.time_amount == "{days}"', *only)
                if action != "DELETE" or bucket.name not in copies:  # the source deletes in its copy
                    found.append(Promise(test, f"{what} must age as the estate says"))
    return found


def _copies(here: Blueprint) -> list[Promise]:
    found = []
    for bucket in here.buckets:
        for copy in native(here, bucket):
            to = f"oci_objectstorage_replication_policy.{identifier(bucket.name, copy.name)}"
            there = f"{to}.destination_region_name == {quoted(copy.site.region)}"
            named = f"{to}.destination_bucket_name == {quoted(copy.physical)}"
            found.append(Promise(f"{there} && {named}", f"{bucket.name} must be copied to {copy.site.id}"))
    return found


def _databases(here: Blueprint) -> list[Promise]:
    return [
        Promise(
            f"oci_database_autonomous_database.{identifier(database.name)}.is_mtls_connection_required",
            f"{database.name} must be reached by both sides' certificates alone",
        )
        for database in here.databases
        if database.engine == "oracle"
    ]
