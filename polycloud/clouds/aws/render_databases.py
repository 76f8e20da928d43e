"""Databases at AWS: RDS in one region, an Aurora global database over several, global tables, Keyspaces.

Passwords are never in a file: RDS makes and rotates its own in Secrets Manager; a global database, for which it does
not, takes one as a write-only argument that is kept in no state either
(https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/rds-secrets-manager.html, 2026-11).
"""

from polycloud.clouds.aws import render_backups
from polycloud.clouds.aws.render_iam import attach, role, trust
from polycloud.clouds.aws.render_keys import key_arn
from polycloud.clouds.aws.render_network import inside, subnets
from polycloud.deploy.blueprint import Blueprint, Database, Where
from polycloud.deploy.derive.names import made
from polycloud.deploy.hcl import Block, Comment, Expr, Value, block, quoted
from polycloud.deploy.render.terraform import KEEP, Root, Section, attribute, identifier, output, ref, variable

FILE = "database.tf"
KEEP_DAYS_MAX = 35  # of RDS and of DynamoDB's points in time, docs.aws.amazon.com/aws-backup, 2026-11
MONITOR_SECONDS = 60
DISK_GB, DISK_MAX_GB = 100, 1000
LOGS = {"postgresql": ["postgresql", "upgrade"], "mysql": ["audit", "error", "slowquery"]}
PORTS = {"postgresql": 5432, "mysql": 3306}
AURORA = {"postgresql": "aurora-postgresql", "mysql": "aurora-mysql"}
RDS = {"postgresql": "postgres", "mysql": "mysql"}
# Majors that AWS supports beyond 2027, docs.aws.amazon.com/AmazonRDS, 2026-11; the minor is the newest at first.
VERSIONS = {"postgresql": "17", "mysql": "8.4", "aurora-postgresql": "17", "aurora-mysql": "8.0"}
MADE_HERE = ("postgresql", "mysql", "dynamodb", "cassandra")


def add(root: Root, here: Blueprint) -> None:
    found = [database for database in here.databases if database.engine in MADE_HERE]
    for database in here.databases:
        if database.engine not in MADE_HERE:
            root.gap(f"{database.name}: {database.engine} at AWS is not written here: make it by hand, or elsewhere")
    if not found:
        return
    root.about(FILE, "Databases at AWS, with their copies and backups.", "databases")
    _variables(root, found)
    if any(database.engine in RDS for database in found):
        _monitor_role(root, here)
    for database in found:
        _database(root, here, database)
        root.provides(f"database:{database.name}")
    long = [database for database in found if beyond(database) and database.engine != "cassandra"]
    render_backups.add(root, here, [(database, address(database)) for database in long])


def beyond(database: Database) -> bool:
    """Whether backups are kept longer, or made oftener, than the service does by itself (with any second between)."""
    return database.keep_days > KEEP_DAYS_MAX or database.backup_hours < render_backups.DAY_HOURS


def address(database: Database) -> Expr:
    """The resource that holds a database's data where it is written to."""
    if database.engine == "dynamodb":
        return Expr(f"aws_dynamodb_table.{identifier(database.name)}")
    if database.near():
        return Expr(f"aws_rds_cluster.{identifier(database.name, database.site.region)}")
    return Expr(f"aws_db_instance.{identifier(database.name)}")


def _database(root: Root, here: Blueprint, database: Database) -> None:
    far = database.far()
    if far:
        root.gap(f"{database.name}: AWS does not keep copies at {', '.join(far)}; the engine's own can, over a link")
    section = root.section(FILE, database.site.id, f"databases.{database.name}", "database")
    match database.engine:
        case "dynamodb":
            _table(section, here, database)
        case "cassandra":
            _keyspace(section, here, database)
        case _ if database.near():
            _global(section, here, database)
        case _:
            _single(section, here, database)


def _variables(root: Root, found: list[Database]) -> None:
    relational = [database for database in found if database.engine in RDS]
    if relational:
        root.add(
            "variables.tf",
            variable("database_machine", "The machine of each relational database.", "string", "db.r7g.large"),
        )
    if any(database.near() for database in relational):
        root.add(
            "variables.tf",
            variable(
                "database_passwords",
                "The first password of each global database by its name; used once, stored nowhere.",
                "map(string)",
                sensitive=True,
                ephemeral=True,
            ),
        )


def _monitor_role(root: Root, here: Blueprint) -> None:
    section = root.section(FILE, "", "databases", "identity")
    watcher = role(
        section,
        "database_monitor",
        "database-monitor",
        trust("monitoring.rds.amazonaws.com"),
        here.estate,
        "Reports what databases' machines do.",
    )
    attach(section, "database_monitor", watcher, "service-role/AmazonRDSEnhancedMonitoringRole")


def _common(database: Database, site: Where) -> dict[str, Value]:
    return {
        "backup_retention_period": min(database.keep_days, KEEP_DAYS_MAX),
        "copy_tags_to_snapshot": True,
        "deletion_protection": True,
        "skip_final_snapshot": False,
        "storage_encrypted": True,
        "kms_key_id": key_arn(database.key, site.region),
        "db_subnet_group_name": ref(f"aws_db_subnet_group.{identifier(database.name, site.region)}.name"),
        "vpc_security_group_ids": [inside(site.region)],
        "port": PORTS[database.engine],
        "iam_database_authentication_enabled": True,
        "tags": {"data-class": database.data_class} if database.data_class else None,
    }


def _insights(database: Database, site: Where) -> dict[str, Value]:
    return {
        "performance_insights_enabled": True,
        "performance_insights_kms_key_id": key_arn(database.key, site.region),
        "monitoring_interval": MONITOR_SECONDS,
        "monitoring_role_arn": ref("aws_iam_role.database_monitor.arn"),
        "auto_minor_version_upgrade": True,
    }


def _group(section: Section, here: Blueprint, database: Database, site: Where) -> None:
    section.make(
        "aws_db_subnet_group",
        identifier(database.name, site.region),
        {
            "region": site.region,
            "name": made("aws", "database", here.estate, database.name),
            "subnet_ids": subnets(site.region),
        },
    )


def _single(section: Section, here: Blueprint, database: Database) -> None:
    """One writer with a standby in another zone, which takes over by itself."""
    site = database.site
    name = made("aws", "database", here.estate, database.name)
    _group(section, here, database, site)
    parameters = _parameters(section, here, database, site)
    section.make(
        "aws_db_instance",
        identifier(database.name),
        {
            "region": site.region,
            "identifier": name,
            "engine": RDS[database.engine],
            "engine_version": VERSIONS[database.engine],
            "instance_class": ref("var.database_machine"),
            "allocated_storage": DISK_GB,
            "max_allocated_storage": DISK_MAX_GB,
            "storage_type": "gp3",
            "multi_az": True,
            "username": "administrator",
            "manage_master_user_password": True,
            "master_user_secret_kms_key_id": key_arn(database.key, site.region),
            "publicly_accessible": False,
            "final_snapshot_identifier": f"{name}-last",
            "delete_automated_backups": False,
            "enabled_cloudwatch_logs_exports": list(LOGS[database.engine]),
            "parameter_group_name": attribute(parameters, "name"),
            **_common(database, site),
            **_insights(database, site),
        },
        KEEP,
        data_class=database.data_class,
        note="continuous backups: any second of the days kept",
    )
    section.root.add("outputs.tf", _output(database, f"aws_db_instance.{identifier(database.name)}.address"))


def _parameters(section: Section, here: Blueprint, database: Database, site: Where) -> Expr:
    """Only over TLS, and with slow statements in the log."""
    major = VERSIONS[database.engine]
    if database.engine == "postgresql":
        values = {"log_min_duration_statement": "1000", "log_statement": "ddl", "rds.force_ssl": "1"}
        family = f"postgres{major}"
    else:
        values = {"long_query_time": "1", "require_secure_transport": "1", "slow_query_log": "1"}
        family = f"mysql{major}"
    return section.make(
        "aws_db_parameter_group",
        identifier(database.name),
        {"region": site.region, "name": made("aws", "database", here.estate, database.name), "family": family},
        *(block("parameter", attributes={"name": name, "value": value}) for name, value in values.items()),
    )


def _global(section: Section, here: Blueprint, database: Database) -> None:
    """An Aurora global database: writes at home, copies a second behind elsewhere, promoted in a minute."""
    engine = AURORA[database.engine]
    label = identifier(database.name)
    section.add(
        block(
            "data",
            "aws_rds_engine_version",
            label,
            attributes={
                "region": database.site.region,
                "engine": engine,
                "version": VERSIONS[engine],
                "latest": True,
            },
        )
    )
    whole = section.make(
        "aws_rds_global_cluster",
        label,
        {
            "region": database.site.region,
            "global_cluster_identifier": made("aws", "database", here.estate, database.name),
            "engine": engine,
            "engine_version": ref(f"data.aws_rds_engine_version.{label}.version_actual"),
            "storage_encrypted": True,
            "deletion_protection": True,
        },
        _kept("engine_version"),
        data_class=database.data_class,
    )
    for site in (database.site, *database.near()):
        _member(section.root, here, database, site, whole)
    section.root.add(
        "outputs.tf", _output(database, f"aws_rds_cluster.{identifier(database.name, database.site.region)}.endpoint")
    )


def _member(root: Root, here: Blueprint, database: Database, site: Where, whole: Expr) -> None:
    home = site.id == database.site.id
    section = root.section(FILE, site.id, f"databases.{database.name}", "database")
    label = identifier(database.name, site.region)
    first = identifier(database.name, database.site.region)
    name = made("aws", "database", here.estate, database.name, site.region)
    _group(section, here, database, site)
    login: dict[str, Value] = {
        "master_username": "administrator",
        "master_password_wo": ref(f"var.database_passwords[{quoted(database.name)}]"),
        "master_password_wo_version": 1,
    }
    cluster = section.make(
        "aws_rds_cluster",
        label,
        {
            "region": site.region,
            "cluster_identifier": name,
            "engine": AURORA[database.engine],
            "engine_version": ref(f"data.aws_rds_engine_version.{identifier(database.name)}.version_actual"),
            "global_cluster_identifier": attribute(whole, "id"),
            "final_snapshot_identifier": f"{name}-last",
            "enabled_cloudwatch_logs_exports": list(LOGS[database.engine])[:1],
            **(login if home else {}),
            **_common(database, site),
            "depends_on": None if home else [ref(f"aws_rds_cluster_instance.{first}")],
        },
        Comment("checkov:skip=CKV2_AWS_27:Statements are logged by the engine's own log, which is exported."),
        Comment("checkov:skip=CKV2_AWS_8:Backups are the cluster's own, continuous and kept as the estate says."),
        _kept("engine_version", "replication_source_identifier", "global_cluster_identifier"),
        data_class=database.data_class,
        note="" if home else f"copy of {database.site.id}",
    )
    section.make(
        "aws_rds_cluster_instance",
        label,
        {
            "count": 2 if home else 1,
            "region": site.region,
            "cluster_identifier": attribute(cluster, "id"),
            "engine": attribute(cluster, "engine"),
            "instance_class": ref("var.database_machine"),
            "publicly_accessible": False,
            **_insights(database, site),
        },
        data_class=database.data_class,
    )


def _kept(*moved: str) -> Block:
    """Never destroyed by a plan; what AWS itself moves on, such as the minor version, is left to it."""
    return block("lifecycle", attributes={"prevent_destroy": True, "ignore_changes": [ref(name) for name in moved]})


def _table(section: Section, here: Blueprint, database: Database) -> None:
    """A table with copies that all take writes; its own keys and those of each copy's site."""
    copies = database.near()
    days = min(database.keep_days, KEEP_DAYS_MAX)
    section.make(
        "aws_dynamodb_table",
        identifier(database.name),
        {
            "region": database.site.region,
            "name": made("aws", "role", here.estate, database.name),
            "billing_mode": "PAY_PER_REQUEST",
            "hash_key": "pk",
            "range_key": "sk",
            "deletion_protection_enabled": True,
            "stream_enabled": True if copies else None,
            "stream_view_type": "NEW_AND_OLD_IMAGES" if copies else None,
        },
        *(block("attribute", attributes={"name": name, "type": "S"}) for name in ("pk", "sk")),
        block(
            "server_side_encryption",
            attributes={"enabled": True, "kms_key_arn": key_arn(database.key, database.site.region)},
        ),
        block("point_in_time_recovery", attributes={"enabled": True, "recovery_period_in_days": days}),
        *(
            block(
                "replica",
                attributes={
                    "region_name": site.region,
                    "kms_key_arn": key_arn(database.key, site.region),
                    "point_in_time_recovery": True,
                    "deletion_protection_enabled": True,
                    "propagate_tags": True,
                },
            )
            for site in copies
        ),
        KEEP,
        data_class=database.data_class,
        note=f"copies at {', '.join(site.id for site in copies)}" if copies else "",
    )
    section.root.gap(
        f"{database.name}: its table has the keys pk and sk of one-table designs; other indexes are the application's"
    )
    section.root.add("outputs.tf", _output(database, f"aws_dynamodb_table.{identifier(database.name)}.name"))


def _keyspace(section: Section, here: Blueprint, database: Database) -> None:
    """A keyspace of Amazon Keyspaces; its tables belong to the application."""
    copies = database.near()
    regions = sorted({database.site.region, *(site.region for site in copies)})
    spread: dict[str, Value] = {
        "replication_strategy": "MULTI_REGION" if copies else "SINGLE_REGION",
        "region_list": regions if copies else None,
    }
    section.make(
        "aws_keyspaces_keyspace",
        identifier(database.name),
        {
            "region": database.site.region,
            "name": made("aws", "keyspace", f"{here.estate}_", database.name),
        },
        block("replication_specification", attributes=spread),
        KEEP,
        data_class=database.data_class,
        note=f"copies at {', '.join(site.id for site in copies)}" if copies else "",
    )
    section.root.gap(f"{database.name}: tables of Keyspaces, with their key and points in time, are the application's")
    section.root.add("outputs.tf", _output(database, f"aws_keyspaces_keyspace.{identifier(database.name)}.name"))


def _output(database: Database, address: str) -> Block:
    return output(f"database_{identifier(database.name)}", f"Where {database.name} is reached.", ref(address))
