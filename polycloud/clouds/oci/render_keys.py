"""A vault with a key of ours at each site of Oracle Cloud, and the services that may use it.

A key is renewed by itself in a private vault alone, which is a machine of one's own and priced so: a variable chooses.
"""

from polycloud.clouds.oci.render_place import COMPARTMENT, place
from polycloud.deploy.blueprint import Blueprint, Key
from polycloud.deploy.derive.names import made
from polycloud.deploy.hcl import Expr, block, joined
from polycloud.deploy.render.terraform import KEEP, Root, attribute, identifier, ref, variable

FILE = "keys.tf"
# docs.oracle.com/iaas/Content/KeyManagement/Tasks/tasks_tasks_managingkeys_topic_edit_auto_key_rotation.htm, 2026-11
ROTATE_DAYS = (60, 365)
PRIVATE = "VIRTUAL_PRIVATE"


def key_id(name: str, region: str) -> Expr:
    """The key of a site, for what it encrypts."""
    return Expr(f"oci_kms_key.{identifier(name, region)}.id")


def vault_id(name: str, region: str) -> Expr:
    return Expr(f"oci_kms_vault.{identifier(name, region)}.id")


def granted(region: str) -> Expr:
    """The rights of services to a site's key: what they encrypt has to wait for it."""
    return Expr(f"oci_identity_policy.keys_{identifier(region)}")


def statement(*parts: "str | Expr") -> Expr:
    """A sentence of OCI's policy language over our compartment; the parts say who, what, and where it holds."""
    who, *where = parts
    return joined(who, " in compartment id ", COMPARTMENT, *(where and [" where all {", *where, "}"]))


def add(root: Root, here: Blueprint) -> None:
    root.about(FILE, "Vaults and keys at Oracle Cloud: one for each site, and who may use them.", "encryption_keys")
    for key in here.keys:
        _key(root, here, key)
        _users(root, here, key)
    root.add(
        "variables.tf",
        variable(
            "vault_type",
            "DEFAULT: keys are renewed by a person; VIRTUAL_PRIVATE: by themselves, in one's own vault.",
            "string",
            "DEFAULT",
        ),
    )
    if here.keys:
        root.gap(
            "oci: keys are renewed by themselves in private vaults alone: say vault_type = VIRTUAL_PRIVATE, or run "
            f"oci kms management key-version create every {here.keys[0].rotate_days or ROTATE_DAYS[0]} days"
        )


def _key(root: Root, here: Blueprint, key: Key) -> None:
    section = root.section(FILE, key.site.id, "encryption_keys", "key", place(key.site.region))
    label = identifier(key.name, key.site.region)
    low, high = ROTATE_DAYS
    days = min(max(key.rotate_days or 90, low), high)
    if key.rotate_days is not None and days != key.rotate_days:
        root.gap(f"oci: keys are renewed every {low} to {high} days, not {key.rotate_days}: the nearest is taken")
    vault = section.make(
        "oci_kms_vault",
        label,
        {"display_name": made("oci", "bucket", f"{here.estate}-{key.name}"), "vault_type": ref("var.vault_type")},
        KEEP,
        data_class=here.wrapped(key),
    )
    section.make(
        "oci_kms_key",
        label,
        {
            "display_name": made("oci", "bucket", f"{here.estate}-{key.name}"),
            "management_endpoint": attribute(vault, "management_endpoint"),
            "protection_mode": "HSM" if key.hardware else "SOFTWARE",
            "is_auto_rotation_enabled": ref(f'var.vault_type == "{PRIVATE}"'),
        },
        block("key_shape", attributes={"algorithm": "AES", "length": 32}),
        block(
            "dynamic",
            "auto_key_rotation_details",
            attributes={"for_each": ref(f'var.vault_type == "{PRIVATE}" ? [{days}] : []')},
            parts=(block("content", attributes={"rotation_interval_in_days": ref("auto_key_rotation_details.value")}),),
        ),
        KEEP,
        data_class=here.wrapped(key),
    )


def _users(root: Root, here: Blueprint, key: Key) -> None:
    """Services by name, and machines and databases as what they are: each for this key alone."""
    region = key.site.region
    only = ("target.key.id = '", key_id(key.name, region), "'")
    wanted = [
        statement(f"Allow service blockstorage, objectstorage-{region}, oke to use keys", *only),
        statement("Allow any-user to use keys", "request.principal.type = 'cluster', ", *only),
        statement("Allow any-user to use key-delegate", "request.principal.type = 'nodepool', ", *only),
    ]
    if any(database.engine == "oracle" for database in here.databases):
        wanted.append(statement("Allow any-user to use keys", "request.principal.type = 'autonomousdatabase', ", *only))
    root.section(FILE, key.site.id, "encryption_keys", "identity").make(
        "oci_identity_policy",
        f"keys_{identifier(region)}",
        {
            "compartment_id": COMPARTMENT,
            "name": made("oci", "bucket", f"{here.estate}-keys-{region}"),
            "description": "Who may use the key of this site.",
            "statements": wanted,
        },
    )
