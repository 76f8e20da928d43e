"""Databases at Google Cloud: Cloud SQL with copies in other regions, and Spanner.

No password is in a file: people and programs sign in to Cloud SQL by IAM, and to Spanner in no other way.
"""

from polycloud.clouds.gcp.render_keys import granted, key_id, label
from polycloud.clouds.gcp.render_network import NETWORK
from polycloud.deploy.blueprint import Blueprint, Database, Where
from polycloud.deploy.derive.names import made
from polycloud.deploy.hcl import Block, Comment, Expr, Value, block
from polycloud.deploy.render.terraform import KEEP, Root, Section, attribute, identifier, output, ref, variable

FILE = "database.tf"
VERSIONS = {"postgresql": "POSTGRES_17", "mysql": "MYSQL_8_4"}  # cloud.google.com/sql/docs/db-versions, 2026-11
BACKUPS_MAX = 365  # retained at most, cloud.google.com/sql/docs/postgres/backup-recovery/backups, 2026-11
LOG_DAYS = 7  # any second of these can be brought back: the most of this edition
SPANNER_WEEK = "7d"  # the longest that Spanner keeps versions
FLAGS = {
    "postgresql": {
        "cloudsql.enable_pgaudit": "on",
        "cloudsql.iam_authentication": "on",
        "log_checkpoints": "on",
        "log_connections": "on",
        "log_disconnections": "on",
        "log_duration": "on",
        "log_hostname": "on",
        "log_lock_waits": "on",
        "log_min_error_statement": "error",
        "log_min_messages": "warning",
        "log_statement": "ddl",
        "pgaudit.log": "ddl,role,write",
    },
    "mysql": {"cloudsql_iam_authentication": "on", "local_infile": "off", "slow_query_log": "on"},
}
MADE_HERE = (*VERSIONS, "spanner")


def add(root: Root, here: Blueprint) -> None:
    found = [database for database in here.databases if database.engine in MADE_HERE]
    for database in here.databases:
        if database.engine not in MADE_HERE:
            root.gap(
                f"{database.name}: {database.engine} at Google Cloud is not written here: by hand, or at another site"
            )
    if not found:
        return
    root.about(FILE, "Databases at Google Cloud, with their copies and backups.", "databases")
    if any(database.engine == "postgresql" for database in found):
        root.gap("Cloud SQL: pgAudit tells of a database once a person has run CREATE EXTENSION pgaudit in it")
    if any(database.engine in VERSIONS for database in found):
        root.add(
            "variables.tf",
            variable("database_machine", "The machine of each Cloud SQL database.", "string", "db-custom-4-16384"),
        )
    for database in found:
        far = database.far()
        if far:
            root.gap(
                f"{database.name}: Google Cloud keeps no copies at {', '.join(far)}; the engine itself can, over a link"
            )
        section = root.section(FILE, database.site.id, f"databases.{database.name}", "database")
        if database.engine == "spanner":
            _spanner(section, here, database)
        else:
            _sql(section, here, database)
        root.provides(f"database:{database.name}")


def _sql(section: Section, here: Blueprint, database: Database) -> None:
    """A writer with a standby in another zone, and a copy of its own in each other region."""
    name = identifier(database.name)
    if database.keep_days > BACKUPS_MAX:
        section.root.gap(f"{database.name}: Cloud SQL keeps {BACKUPS_MAX} backups at most, not {database.keep_days}")
    if database.backup_hours != 24:
        section.root.gap(f"{database.name}: Cloud SQL saves once a day, and {LOG_DAYS} days by the second besides")
    _instance(section, here, database, database.site, name, {}, "REGIONAL", _backups(database))
    for site in database.near():
        copy = section.root.section(FILE, site.id, f"databases.{database.name}", "database")
        master: dict[str, Value] = {"master_instance_name": ref(f"google_sql_database_instance.{name}.name")}
        _instance(copy, here, database, site, identifier(database.name, site.region), master, "ZONAL", None)
    described = f"Where {database.name} is reached."
    section.root.add(
        "outputs.tf",
        output(f"database_{name}", described, ref(f"google_sql_database_instance.{name}.connection_name")),
    )


def _backups(database: Database) -> Block:
    """In the database's own region: a backup is data as well."""
    points: dict[str, Value] = (
        {"point_in_time_recovery_enabled": True} if database.engine == "postgresql" else {"binary_log_enabled": True}
    )
    return block(
        "backup_configuration",
        attributes={
            "enabled": True,
            "location": database.site.region,
            **points,
            "transaction_log_retention_days": LOG_DAYS,
        },
        parts=(
            block(
                "backup_retention_settings",
                attributes={"retained_backups": min(database.keep_days, BACKUPS_MAX), "retention_unit": "COUNT"},
            ),
        ),
    )


def _instance(
    section: Section,
    here: Blueprint,
    database: Database,
    site: Where,
    address: str,
    more: dict[str, Value],
    availability: str,
    backups: Block | None,
) -> Expr:
    parts = (here.estate, database.name) if backups is not None else (here.estate, database.name, site.region)
    return section.make(
        "google_sql_database_instance",
        address,
        {
            "name": made("gcp", "database", *parts),
            "region": site.region,
            "database_version": VERSIONS[database.engine],
            "encryption_key_name": key_id(database.key, site.region),
            "deletion_protection": True,
            **more,
            "depends_on": [
                ref("google_service_networking_connection.databases"),
                granted(database.key, site.region, "sql"),
            ],
        },
        Comment("checkov:skip=CKV_GCP_55:The level of the log is warning: more tells what people wrote."),
        Comment("checkov:skip=CKV_GCP_79:The version is the newest that is supported, see the renderer's table."),
        block(
            "settings",
            attributes={
                "tier": ref("var.database_machine"),
                "edition": "ENTERPRISE",
                "availability_type": availability,
                "disk_type": "PD_SSD",
                "disk_autoresize": True,
                "deletion_protection_enabled": True,
                "user_labels": {"data-class": label(database.data_class)} if database.data_class else None,
            },
            parts=(
                block(
                    "ip_configuration",
                    attributes={
                        "ipv4_enabled": False,
                        "private_network": NETWORK,
                        "ssl_mode": "TRUSTED_CLIENT_CERTIFICATE_REQUIRED",
                    },
                ),
                *([backups] if backups is not None else []),
                *(
                    block("database_flags", attributes={"name": name, "value": value})
                    for name, value in FLAGS[database.engine].items()
                ),
                block("insights_config", attributes={"query_insights_enabled": True}),
            ),
        ),
        KEEP,
        data_class=database.data_class,
        note="" if backups is not None else f"copy of {database.site.id}",
    )


def _spanner(section: Section, here: Blueprint, database: Database) -> None:
    name = identifier(database.name)
    copies = database.near()
    if copies:
        section.root.gap(
            f"{database.name}: copies at {', '.join(site.id for site in copies)} need one of Spanner's multi-region "
            "configurations with our keys in all its regions, its witness included: choose it by hand"
        )
    instance = section.make(
        "google_spanner_instance",
        name,
        {
            "name": made("gcp", "account", here.estate, database.name),
            "display_name": made("gcp", "account", here.estate, database.name),
            "config": f"regional-{database.site.region}",
            "processing_units": 1000,
            "edition": "ENTERPRISE",
            "force_destroy": False,
        },
        KEEP,
        data_class=database.data_class,
    )
    made_database = section.make(
        "google_spanner_database",
        name,
        {
            "name": made("gcp", "account", "data", database.name),
            "instance": attribute(instance, "name"),
            "version_retention_period": SPANNER_WEEK,
            "enable_drop_protection": True,
            "deletion_protection": True,
            "depends_on": [granted(database.key, database.site.region, "spanner")],
        },
        block("encryption_config", attributes={"kms_key_name": key_id(database.key, database.site.region)}),
        KEEP,
        data_class=database.data_class,
    )
    section.make(
        "google_spanner_backup_schedule",
        name,
        {
            "name": "daily",
            "instance": attribute(instance, "name"),
            "database": attribute(made_database, "name"),
            "retention_duration": f"{database.keep_days * 86_400}s",
        },
        block("spec", parts=(block("cron_spec", attributes={"text": "0 3 * * *"}),)),
        block("full_backup_spec"),
        block("encryption_config", attributes={"encryption_type": "USE_DATABASE_ENCRYPTION"}),
        data_class=database.data_class,
    )
    section.root.add(
        "outputs.tf", output(f"database_{name}", f"Where {database.name} is reached.", attribute(made_database, "id"))
    )
