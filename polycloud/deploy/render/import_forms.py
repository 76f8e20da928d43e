"""By what id Terraform takes over a thing that is there already, for each kind of resource that we write.

Each form is the section "Import" of the provider's page about the kind: see ``page``, read 2026-11 in the providers'
documentation of 2026-08. At AWS the region follows after ``@`` (its guide "Enhanced Region Support").
"""

import re

import msgspec

from polycloud.deploy.blueprint import What

REGISTRY = "https://registry.terraform.io/providers/{}/latest/docs/resources/{}#import"
OWNERS = {"aws": "hashicorp/aws", "azurerm": "hashicorp/azurerm", "google": "hashicorp/google", "oci": "oracle/oci"}


class Form(msgspec.Struct, frozen=True):
    """How an id is made from the one that the estate states.

    In ``id`` and ``names`` stand {id}, what the estate states; {last}, its last part; {group}, the resource group in
    it; {ring}, the key ring in it; {cluster}, what the cluster of a pool is called; and, in ``id``, the resource's
    own attributes. ``names`` are what the resource has to say so that it is the same thing; ``sure`` tells that
    whoever has the one has the other too: what need not be there can not be imported blindly.
    """

    what: What
    id: str = "{id}"
    names: dict[str, str] = {}
    sure: bool = True


_ARM = {"name": "{last}", "resource_group_name": "{group}"}
_LAST = {"name": "{last}"}
# Every bucket has versioning (perhaps never switched on) and, since January 2023, encryption; the other parts of a
# bucket's settings may be missing, and what is missing is "non-existent" to an import.
_PART = Form("bucket", sure=False)
FORMS: dict[str, Form] = {
    "aws_cloudwatch_log_group": Form("cluster", "/aws/eks/{id}/cluster", {"name": "/aws/eks/{id}/cluster"}, sure=False),
    "aws_db_instance": Form("database", names={"identifier": "{id}"}),
    "aws_dynamodb_table": Form("database", names={"name": "{id}"}),
    "aws_eks_addon": Form("cluster", "{id}:{addon_name}", sure=False),
    "aws_eks_cluster": Form("cluster", names={"name": "{id}"}),
    "aws_eks_node_group": Form("pool", "{cluster}:{id}", {"node_group_name": "{id}"}),
    "aws_keyspaces_keyspace": Form("database", names={"name": "{id}"}),
    "aws_kms_key": Form("key"),
    "aws_rds_cluster": Form("database", names={"cluster_identifier": "{id}"}),
    "aws_s3_bucket": Form("bucket", names={"bucket": "{id}"}),
    "aws_s3_bucket_lifecycle_configuration": _PART,
    "aws_s3_bucket_logging": _PART,
    "aws_s3_bucket_ownership_controls": _PART,
    "aws_s3_bucket_policy": _PART,
    "aws_s3_bucket_public_access_block": _PART,
    "aws_s3_bucket_replication_configuration": _PART,
    "aws_s3_bucket_server_side_encryption_configuration": Form("bucket"),
    "aws_s3_bucket_versioning": Form("bucket"),
    "aws_vpc": Form("network"),
    "azurerm_cognitive_account": Form("ai", names=_ARM),
    "azurerm_cognitive_deployment": Form("ai", "{id}/deployments/{name}", sure=False),
    "azurerm_cosmosdb_account": Form("database", names=_ARM),
    "azurerm_key_vault": Form("key", names=_ARM),
    "azurerm_kubernetes_cluster": Form("cluster", names=_ARM),
    "azurerm_kubernetes_cluster_node_pool": Form("pool", names=_LAST),
    "azurerm_mysql_flexible_server": Form("database", names=_ARM),
    "azurerm_postgresql_flexible_server": Form("database", names=_ARM),
    "azurerm_storage_account": Form("bucket", names=_ARM),
    "azurerm_storage_container": Form("bucket", "{id}/blobServices/default/containers/{name}", sure=False),
    "azurerm_storage_management_policy": Form("bucket", "{id}/managementPolicies/default", sure=False),
    "azurerm_virtual_network": Form("network", names=_ARM),
    "google_compute_network": Form("network", names=_LAST),
    "google_container_cluster": Form("cluster", names=_LAST),
    "google_container_node_pool": Form("pool", names=_LAST),
    "google_kms_crypto_key": Form("key", names=_LAST),
    "google_kms_key_ring": Form("key", "{ring}", {"name": "{ring_name}"}),
    "google_spanner_database": Form("database", "{id}/databases/{name}", sure=False),
    "google_spanner_instance": Form("database", names=_LAST),
    "google_sql_database_instance": Form("database", names=_LAST),
    "google_storage_bucket": Form("bucket", names=_LAST),
    "oci_containerengine_cluster": Form("cluster"),
    "oci_containerengine_node_pool": Form("pool"),
    "oci_core_vcn": Form("network"),
    "oci_database_autonomous_database": Form("database"),
    "oci_kms_vault": Form("key"),
    "oci_objectstorage_bucket": Form("bucket", names=_LAST),
    "oci_objectstorage_object_lifecycle_policy": Form("bucket", "{id}/l", sure=False),
    "oci_psql_db_system": Form("database"),
}
# What must not be made anew by accident, and the literal by which its cloud knows it ("" where a number does that).
PROTECTED = {kind for kind, form in FORMS.items() if form.sure and not kind.startswith("aws_s3_bucket_")}
LASTING: dict[str, str] = {kind: next(iter(FORMS[kind].names), "") for kind in sorted(PROTECTED)} | {
    "aws_rds_global_cluster": "global_cluster_identifier",
    "google_spanner_database": "name",
    "aws_vpc": "cidr_block",
}


def page(kind: str) -> str:
    """Where the provider says by what id a kind of resource is imported."""
    provider, _, name = kind.partition("_")
    return REGISTRY.format(OWNERS[provider], name)


def parts(id: str) -> dict[str, str]:
    """What can be told from an id."""
    group = re.search(r"/resourceGroups/([^/]+)/", id, re.IGNORECASE)
    ring = id.partition("/cryptoKeys/")[0]
    return {
        "id": id,
        "last": id.rpartition("/")[2],
        "group": group[1] if group else "",
        "ring": ring,
        "ring_name": ring.rpartition("/")[2],
    }
