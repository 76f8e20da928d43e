"""A key vault with a key of ours at each site of Azure, and the identities that services use it by."""

from polycloud.clouds.azure.render_place import CLIENT, TENANT, place
from polycloud.deploy.blueprint import Blueprint, Key
from polycloud.deploy.derive.names import made
from polycloud.deploy.hcl import Comment, Expr, Value, block
from polycloud.deploy.render.terraform import KEEP, Root, Section, attribute, identifier, ref

FILE = "keys.tf"
LEAST_DAYS = 7  # learn.microsoft.com/azure/key-vault/keys/how-to-configure-key-rotation, 2026-11
WAIT_DAYS = 90  # the longest that a deleted vault can be brought back
WRAP = ["decrypt", "encrypt", "unwrapKey", "wrapKey"]  # the clusters' plugin encrypts, all else wraps
USER = "Key Vault Crypto Service Encryption User"
OFFICER = "Key Vault Crypto Officer"  # for whoever runs Terraform: the key is made in the vault, not in its account


def vault(name: str, region: str) -> Expr:
    return Expr(f"azurerm_key_vault.{identifier(name, region)}.id")


def key_id(name: str, region: str) -> Expr:
    """The key of a site, always in its newest version."""
    return Expr(f"azurerm_key_vault_key.{identifier(name, region)}.versionless_id")


def key_version(name: str, region: str) -> Expr:
    """The newest version of a site's key, for what does not follow its renewal by itself: the next apply does."""
    return Expr(f"azurerm_key_vault_key.{identifier(name, region)}.id")


def user(region: str) -> Expr:
    """The identity by which services of a site use its key."""
    return Expr(f"azurerm_user_assigned_identity.keys_{identifier(region)}")


def granted(region: str) -> Expr:
    """The right to use the key: what is encrypted by it has to wait for it."""
    return Expr(f"azurerm_role_assignment.keys_{identifier(region)}")


def identity(region: str) -> dict[str, Value]:
    """The body of an ``identity`` block that names the user of the site's key."""
    return {"type": "UserAssigned", "identity_ids": [attribute(user(region), "id")]}


def add(root: Root, here: Blueprint) -> None:
    root.about(FILE, "Key vaults and keys at Azure: one for each site, and who uses them.", "encryption_keys")
    for key in here.keys:
        section = root.section(FILE, key.site.id, "encryption_keys", "key", place(key.site.region))
        _vault(section, here, key)
        _key(root, here, key)
        _users(root, here, key)
    if here.clusters or here.services:
        root.gap(
            "Azure: clusters and accounts of models name a version of their key, which goes on to work: apply "
            "after each renewal to move them to the newest"
        )


def _vault(section: Section, here: Blueprint, key: Key) -> None:
    section.make(
        "azurerm_key_vault",
        identifier(key.name, key.site.region),
        {
            "name": made("azure", "vault", here.estate, key.name, key.site.region),
            "tenant_id": TENANT,
            "sku_name": "premium" if key.hardware else "standard",
            "rbac_authorization_enabled": True,
            "purge_protection_enabled": True,
            "soft_delete_retention_days": WAIT_DAYS,
            "enabled_for_disk_encryption": True,
            "public_network_access_enabled": ref("length(var.operator_addresses) > 0"),
        },
        Comment("checkov:skip=CKV_AZURE_189:Closed unless var.operator_addresses names addresses, and open to them."),
        Comment("checkov:skip=CKV2_AZURE_32:It has its private endpoint in network.tf where the site has a network."),
        block(
            "network_acls",
            attributes={"default_action": "Deny", "bypass": "AzureServices", "ip_rules": ref("var.operator_addresses")},
        ),
        KEEP,
        data_class=here.wrapped(key),
    )


def _key(root: Root, here: Blueprint, key: Key) -> None:
    label = identifier(key.name, key.site.region)
    section = root.section(FILE, key.site.id, "encryption_keys", "key")
    officer = section.make(
        "azurerm_role_assignment",
        f"officer_{label}",
        {
            "scope": vault(key.name, key.site.region),
            "role_definition_name": OFFICER,
            "principal_id": ref(f"{CLIENT}.object_id"),
            "description": "Makes and renews the key: whoever runs Terraform.",
        },
        kind="identity",
    )
    days = max(key.rotate_days or 90, LEAST_DAYS)
    if key.rotate_days is not None and key.rotate_days < LEAST_DAYS:
        root.gap(f"Key Vault renews keys every {LEAST_DAYS} days at the soonest, not {key.rotate_days}")
    skips = [
        Comment(
            "checkov:skip=CKV_AZURE_40:What an ended version wrapped could not be read; new versions follow by policy."
        )
    ]
    if not key.hardware:
        skips.append(Comment("checkov:skip=CKV_AZURE_112:The estate asks for no hardware: encryption_keys.hardware."))
    section.make(
        "azurerm_key_vault_key",
        label,
        {
            "name": made("azure", "group", key.name),
            "key_vault_id": vault(key.name, key.site.region),
            "key_type": "RSA-HSM" if key.hardware else "RSA",
            "key_size": 3072,
            "key_opts": WRAP,
            "depends_on": [officer],
        },
        *skips,
        block(
            "rotation_policy",
            parts=(block("automatic", attributes={"time_after_creation": f"P{days}D"}),),
        ),
        KEEP,
        data_class=here.wrapped(key),
    )


def _users(root: Root, here: Blueprint, key: Key) -> None:
    region = key.site.region
    label = identifier(region)
    made_user = root.section(FILE, key.site.id, "encryption_keys", "identity", place(region)).make(
        "azurerm_user_assigned_identity", f"keys_{label}", {"name": made("azure", "group", here.estate, "keys", region)}
    )
    root.section(FILE, key.site.id, "encryption_keys", "identity").make(
        "azurerm_role_assignment",
        f"keys_{label}",
        {
            "scope": ref(f"azurerm_key_vault_key.{identifier(key.name, region)}.resource_versionless_id"),
            "role_definition_name": USER,
            "principal_id": attribute(made_user, "principal_id"),
            "principal_type": "ServicePrincipal",
            "description": "Wraps and unwraps data keys of this site.",
        },
    )
