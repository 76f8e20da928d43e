"""Databases at Oracle Cloud: Autonomous Database with its copies, and PostgreSQL, reached from inside alone.

Passwords are made by the vault of the site and never leave it: the databases read them there.
"""

from polycloud.clouds.oci.render_keys import granted, key_id, statement, vault_id
from polycloud.clouds.oci.render_network import guard, subnet
from polycloud.clouds.oci.render_place import COMPARTMENT, place, tags
from polycloud.deploy.blueprint import Blueprint, Database, Where
from polycloud.deploy.derive.names import made
from polycloud.deploy.hcl import Expr, Value, block
from polycloud.deploy.render.terraform import KEEP, Root, Section, attribute, identifier, output, ref, variable

FILE = "database.tf"
ORACLE_VERSION, POSTGRES_VERSION = (
    "23ai",
    "16",
)  # docs.oracle.com, 2026-11
ORACLE_DAYS, POSTGRES_DAYS = (1, 60), (1, 35)  # how long backups are kept
POSTGRES_SHAPE = "PostgreSQL.VM.Standard.E5.Flex"
ADMIN = "polycloud"
# Of the documented principals that read secrets, docs.oracle.com/iaas/Content/KeyManagement, 2026-11.
READERS = {"oracle": "autonomousdatabase", "postgresql": "postgresqldbsystem"}
INSTEAD = {
    "mysql": "HeatWave keeps its password as plain text in Terraform's state: make it by hand, or elsewhere",
}


def add(root: Root, here: Blueprint) -> None:
    found = [database for database in here.databases if database.engine in READERS]
    for database in here.databases:
        if database not in found:
            text = INSTEAD.get(database.engine, f"Oracle Cloud runs no {database.engine} itself; choose another site")
            root.gap(f"{database.name}: {text}")
    if not found:
        return
    root.about(FILE, "Databases at Oracle Cloud, with their copies and backups.", "databases")
    root.add(
        "variables.tf",
        variable(
            "database_cpus", "Processors of each database: ECPUs of Oracle's, OCPUs of PostgreSQL's.", "number", 4
        ),
        variable("database_gigabytes", "Storage of each Autonomous Database at first; it grows.", "number", 512),
    )
    _readers(root, here, found)
    for database in found:
        far = database.far()
        if far:
            root.gap(
                f"{database.name}: Oracle Cloud keeps no copies at {', '.join(far)}; the engine itself can, over a link"
            )
        if database.engine == "oracle":
            _oracle(root, here, database)
        else:
            _postgresql(root, here, database)
        root.provides(f"database:{database.name}")


def _kept(root: Root, database: Database, days: tuple[int, int]) -> int:
    low, high = days
    if not low <= database.keep_days <= high:
        root.gap(f"{database.name}: Oracle Cloud keeps backups {low} to {high} days, not {database.keep_days}")
    return min(max(database.keep_days, low), high)


def _readers(root: Root, here: Blueprint, found: list[Database]) -> None:
    """Each kind of database may read the passwords of those that we make of it, and no other secret."""
    wanted = sorted({(READERS[database.engine], identifier("database", database.name)) for database in found})
    root.section(FILE, "", "databases", "identity").make(
        "oci_identity_policy",
        "databases",
        {
            "compartment_id": COMPARTMENT,
            "name": made("oci", "bucket", f"{here.estate}-databases"),
            "description": "Databases read the password that the vault made for them.",
            "statements": [
                statement(
                    "Allow any-user to read secret-bundles",
                    f"request.principal.type = '{kind}', target.secret.id = '",
                    Expr(f"oci_vault_secret.{label}.id"),
                    "'",
                )
                for kind, label in wanted
            ],
        },
    )


def _secret(section: Section, here: Blueprint, database: Database) -> Expr:
    return section.make(
        "oci_vault_secret",
        identifier("database", database.name),
        {
            "secret_name": made("oci", "bucket", f"{here.estate}-{database.name}-{ADMIN}"),
            "description": f"The administrator's password of {database.name}.",
            "vault_id": vault_id(database.key, database.site.region),
            "key_id": key_id(database.key, database.site.region),
            "enable_auto_generation": True,
        },
        block(
            "secret_generation_context",
            attributes={
                "generation_type": "PASSPHRASE",
                "generation_template": "DBAAS_DEFAULT_PASSWORD",
                "passphrase_length": 24,
            },
        ),
        KEEP,
        kind="secret",
    )


def _base(here: Blueprint, database: Database, site: Where) -> dict[str, Value]:
    return {
        "db_name": made("oci", "database", here.estate, database.name),
        "display_name": made("oci", "bucket", f"{here.estate}-{database.name}-{site.region}"),
        "subnet_id": subnet("databases", site.region),
        "nsg_ids": [guard(site.region)],
        "is_mtls_connection_required": True,
        "freeform_tags": tags(database.data_class),
    }


def _oracle(root: Root, here: Blueprint, database: Database) -> None:
    """A database with a standby beside it, and one in each other region that it follows."""
    name, site = identifier(database.name), database.site
    section = root.section(FILE, site.id, f"databases.{database.name}", "database", place(site.region))
    copies = database.near()
    secret = _secret(section, here, database)
    if copies:
        root.gap(
            f"{database.name}: a database with a copy in another region is encrypted by Oracle's key, for ours would "
            "have to be in a private vault that is copied there"
        )
    own: dict[str, Value] = {
        "kms_key_id": key_id(database.key, site.region),
        "vault_id": vault_id(database.key, site.region),
    }
    address = section.make(
        "oci_database_autonomous_database",
        name,
        {
            **_base(here, database, site),
            "db_workload": "OLTP",
            "db_version": ORACLE_VERSION,
            "compute_model": "ECPU",
            "compute_count": ref("var.database_cpus"),
            "is_auto_scaling_enabled": True,
            "data_storage_size_in_gb": ref("var.database_gigabytes"),
            "is_auto_scaling_for_storage_enabled": True,
            "license_model": "LICENSE_INCLUDED",
            "is_local_data_guard_enabled": here.environment == "production",
            "backup_retention_period_in_days": _kept(root, database, ORACLE_DAYS),
            "secret_id": attribute(secret, "id"),
            **({} if copies else own),
            "depends_on": [ref("oci_identity_policy.databases"), granted(site.region)],
        },
        KEEP,
        data_class=database.data_class,
    )
    for copy in copies:
        root.section(FILE, copy.id, f"databases.{database.name}", "database", place(copy.region)).make(
            "oci_database_autonomous_database",
            identifier(database.name, copy.region),
            {
                **_base(here, database, copy),
                "source": "CROSS_REGION_DATAGUARD",
                "source_id": attribute(address, "id"),
                "remote_disaster_recovery_type": "ADG",
            },
            KEEP,
            data_class=database.data_class,
            note=f"copy of {site.id}",
        )
    root.add(
        "outputs.tf",
        output(f"database_{name}", f"Where {database.name} is reached.", attribute(address, "private_endpoint")),
    )


def _postgresql(root: Root, here: Blueprint, database: Database) -> None:
    """One that writes and, in production, one that takes over; other regions get its backups."""
    name, site = identifier(database.name), database.site
    section = root.section(FILE, site.id, f"databases.{database.name}", "database", place(site.region))
    secret = _secret(section, here, database)
    copies = database.near()
    days = _kept(root, database, POSTGRES_DAYS)
    root.gap(f"{database.name}: PostgreSQL at Oracle Cloud is encrypted by Oracle's key: it takes no other")
    if copies:
        root.gap(f"{database.name}: PostgreSQL at Oracle Cloud has no copies that run elsewhere: backups go there")
    backups: dict[str, Value] = {"kind": "DAILY", "backup_start": "03:00", "retention_days": days}
    regions: list[Value] = [copy.region for copy in copies]
    address = section.make(
        "oci_psql_db_system",
        name,
        {
            "display_name": made("oci", "bucket", f"{here.estate}-{database.name}"),
            "db_version": POSTGRES_VERSION,
            "shape": POSTGRES_SHAPE,
            "instance_count": 2 if here.environment == "production" else 1,
            "instance_ocpu_count": ref("var.database_cpus"),
            "instance_memory_size_in_gbs": ref("16 * var.database_cpus"),
            "freeform_tags": tags(database.data_class),
            "depends_on": [ref("oci_identity_policy.databases")],
        },
        block(
            "network_details",
            attributes={"subnet_id": subnet("databases", site.region), "nsg_ids": [guard(site.region)]},
        ),
        block("storage_details", attributes={"is_regionally_durable": True, "system_type": "OCI_OPTIMIZED_STORAGE"}),
        block(
            "credentials",
            attributes={"username": ADMIN},
            parts=(
                block(
                    "password_details",
                    attributes={
                        "password_type": "VAULT_SECRET",
                        "secret_id": attribute(secret, "id"),
                        "secret_version": "1",
                    },
                ),
            ),
        ),
        block(
            "management_policy",
            parts=(
                block(
                    "backup_policy",
                    attributes=backups,
                    parts=[
                        block(
                            "copy_policy",
                            attributes={"compartment_id": COMPARTMENT, "regions": regions, "retention_period": days},
                        )
                    ]
                    if regions
                    else [],
                ),
            ),
        ),
        KEEP,
        data_class=database.data_class,
        note=f"backups at {', '.join(copy.id for copy in copies)}" if copies else "",
    )
    root.add("outputs.tf", output(f"database_{name}", f"What {database.name} is.", attribute(address, "id")))
