"""Databases at Azure: PostgreSQL and MySQL with copies in other regions, and Cosmos DB, reached from inside alone.

People and programs sign in to PostgreSQL and Cosmos DB by Entra. MySQL wants a password: it goes by a write-only
argument, so it is in no file and no state.
"""

from polycloud.clouds.azure.render_keys import granted, identity, key_id, user
from polycloud.clouds.azure.render_network import endpoint
from polycloud.clouds.azure.render_place import TENANT, place, tags, zones
from polycloud.deploy.blueprint import Blueprint, Database, Where
from polycloud.deploy.derive.names import made
from polycloud.deploy.hcl import Block, Comment, Expr, Value, block, joined, quoted
from polycloud.deploy.render.terraform import KEEP, Root, Section, attribute, identifier, output, ref, variable

FILE = "database.tf"
# learn.microsoft.com/azure/postgresql/flexible-server/concepts-supported-versions and
# learn.microsoft.com/azure/mysql/flexible-server/concepts-supported-versions, 2026-11
VERSIONS = {"postgresql": "17", "mysql": "8.4"}
TYPES = {"postgresql": "azurerm_postgresql_flexible_server", "mysql": "azurerm_mysql_flexible_server"}
BACKUP_DAYS = (7, 35)  # what both allow
COSMOS = {"cosmosdb": (), "cassandra": ("EnableCassandra",)}
CONTINUOUS_DAYS = 30  # the longest tier, learn.microsoft.com/azure/cosmos-db/continuous-backup-restore-introduction
ADMIN = "polycloud"
SETTINGS = {
    "postgresql": {
        "log_checkpoints": "on",
        "log_connections": "on",
        "log_disconnections": "on",
        "connection_throttle.enable": "on",
        "require_secure_transport": "on",
    },
    "mysql": {"audit_log_enabled": "ON", "require_secure_transport": "ON", "tls_version": "TLSv1.2,TLSv1.3"},
}


def add(root: Root, here: Blueprint) -> None:
    found = [database for database in here.databases if database.engine in {**TYPES, **COSMOS}]
    for database in here.databases:
        if database not in found:
            root.gap(f"{database.name}: {_instead(database.engine)}")
    if not found:
        return
    root.about(FILE, "Databases at Azure, with their copies and backups.", "databases")
    _variables(root, found)
    for database in found:
        far = database.far()
        if far:
            root.gap(f"{database.name}: Azure keeps no copies at {', '.join(far)}; the engine itself can, over a link")
        if database.engine in TYPES:
            _servers(root, here, database)
        else:
            _cosmos(root, here, database)
        root.provides(f"database:{database.name}")


def _instead(engine: str) -> str:
    if engine == "oracle":
        return "Azure runs Oracle as Oracle Database@Azure, which a person orders; or place it at Oracle Cloud"
    return f"Azure runs no {engine} itself; choose another site"


def _variables(root: Root, found: list[Database]) -> None:
    engines = {database.engine for database in found}
    if engines & TYPES.keys():
        root.add(
            "variables.tf",
            variable("database_machine", "The machine of each database server.", "string", "GP_Standard_D4ds_v5"),
        )
    if "postgresql" in engines:
        root.add(
            "variables.tf",
            variable(
                "database_admins",
                "Entra groups that administer PostgreSQL: object id by the group's name.",
                "map(string)",
                {},
            ),
        )
    if "mysql" in engines:
        root.add(
            "variables.tf",
            variable(
                "database_passwords",
                "The administrator's password of each MySQL database, by its name.",
                "map(string)",
                sensitive=True,
                ephemeral=True,
            ),
        )


def _kept(root: Root, database: Database) -> int:
    low, high = BACKUP_DAYS
    if not low <= database.keep_days <= high:
        root.gap(f"{database.name}: Azure keeps backups {low} to {high} days, not {database.keep_days}")
    if database.backup_hours < 24:
        root.gap(f"{database.name}: Azure saves daily, and can bring back any moment of the last days besides")
    return min(max(database.keep_days, low), high)


def _servers(root: Root, here: Blueprint, database: Database) -> None:
    """A writer with a standby in another zone, and a copy of its own in each other region."""
    name = identifier(database.name)
    kind = TYPES[database.engine]
    source = Expr(f"{kind}.{name}.id")
    first: dict[str, Value] = {"version": VERSIONS[database.engine], "backup_retention_days": _kept(root, database)}
    if database.engine == "mysql":
        first |= {
            "administrator_login": ADMIN,
            "administrator_password_wo": Expr(f"var.database_passwords[{quoted(database.name)}]"),
            "administrator_password_wo_version": 1,
        }
    _server(root, here, database, database.site, name, first)
    for site in database.near():
        copy: dict[str, Value] = {"create_mode": "Replica", "source_server_id": source}
        _server(root, here, database, site, identifier(database.name, site.region), copy)
    section = root.section(FILE, database.site.id, f"databases.{database.name}", "database")
    for setting, value in SETTINGS[database.engine].items():
        _setting(section, database, setting, value)
    if database.engine == "postgresql":
        section.make(
            "azurerm_postgresql_flexible_server_active_directory_administrator",
            name,
            {
                "for_each": ref("var.database_admins"),
                "server_name": Expr(f"{kind}.{name}.name"),
                "resource_group_name": Expr(f"{kind}.{name}.resource_group_name"),
                "tenant_id": TENANT,
                "object_id": ref("each.value"),
                "principal_name": ref("each.key"),
                "principal_type": "Group",
            },
            kind="identity",
        )
    root.add(
        "outputs.tf", output(f"database_{name}", f"Where {database.name} is reached.", Expr(f"{kind}.{name}.fqdn"))
    )


def _setting(section: Section, database: Database, setting: str, value: str) -> None:
    server = f"{TYPES[database.engine]}.{identifier(database.name)}"
    of: dict[str, Value] = {"server_id": Expr(f"{server}.id")}
    if database.engine == "mysql":
        of = {"server_name": Expr(f"{server}.name"), "resource_group_name": Expr(f"{server}.resource_group_name")}
    section.make(
        f"{TYPES[database.engine]}_configuration",
        identifier(database.name, setting.replace(".", "_")),
        {"name": setting, "value": value, **of},
    )


def _server(root: Root, here: Blueprint, database: Database, site: Where, label: str, more: dict[str, Value]) -> None:
    section = root.section(FILE, site.id, f"databases.{database.name}", "database", place(site.region))
    own = database.engine == "postgresql"
    replica = "source_server_id" in more
    parts = (here.estate, database.name, site.region) if replica else (here.estate, database.name)
    standby = not replica and here.environment == "production" and bool(zones(site.region))
    address = section.make(
        TYPES[database.engine],
        label,
        {
            "name": made("azure", "database", *parts),
            "sku_name": ref("var.database_machine"),
            **({"public_network_access_enabled": False} if own else {"public_network_access": "Disabled"}),
            "geo_redundant_backup_enabled": False,
            "auto_grow_enabled": True if own else None,
            **more,
            "tags": tags(database.data_class),
            "depends_on": [granted(site.region)],
        },
        Comment("checkov:skip=CKV_AZURE_136:Azure's far backups go to a region of its choice; the estate says where."),
        Comment("checkov:skip=CKV_AZURE_94:Azure's far backups go to a region of its choice; the estate says where."),
        *([] if own else [Comment("checkov:skip=CKV_AZURE_53:The check knows an older name: it is disabled above.")]),
        *([_signing_in()] if own else [block("storage", attributes={"auto_grow_enabled": True})]),
        block("identity", attributes=identity(site.region)),
        block(
            "customer_managed_key",
            attributes={
                "key_vault_key_id": key_id(database.key, site.region),
                "primary_user_assigned_identity_id": attribute(user(site.region), "id"),
            },
        ),
        *([block("high_availability", attributes={"mode": "ZoneRedundant"})] if standby else []),
        block(
            "lifecycle",
            attributes={
                "prevent_destroy": True,
                "ignore_changes": [
                    ref("zone"),
                    *([ref("high_availability[0].standby_availability_zone")] if standby else []),
                ],
            },
        ),
        data_class=database.data_class,
        note=f"copy of {database.site.id}" if replica else "",
    )
    endpoint(section, database.engine, f"{database.engine}_{label}", site.region, attribute(address, "id"))


def _signing_in() -> Block:
    return block(
        "authentication",
        attributes={"active_directory_auth_enabled": True, "password_auth_enabled": False, "tenant_id": TENANT},
    )


def _cosmos(root: Root, here: Blueprint, database: Database) -> None:
    """One account that writes at its site and reads at all of them; it fails over by itself."""
    site, name = database.site, identifier(database.name)
    section = root.section(FILE, site.id, f"databases.{database.name}", "database", place(site.region))
    if database.keep_days > CONTINUOUS_DAYS:
        root.gap(
            f"{database.name}: Cosmos DB brings back any second of {CONTINUOUS_DAYS} days, not {database.keep_days}"
        )
    classes = database.data_class
    address = section.make(
        "azurerm_cosmosdb_account",
        name,
        {
            "name": made("azure", "cosmos", here.estate, database.name),
            "offer_type": "Standard",
            "kind": "GlobalDocumentDB",
            "automatic_failover_enabled": True,
            "minimal_tls_version": "Tls12",
            "public_network_access_enabled": False,
            "local_authentication_enabled": False,
            "access_key_metadata_writes_enabled": False,
            "key_vault_key_id": key_id(database.key, site.region),
            "default_identity_type": joined("UserAssignedIdentity=", attribute(user(site.region), "id")),
            "tags": tags(database.data_class),
            "depends_on": [granted(site.region)],
        },
        Comment("checkov:skip=CKV_AZURE_140:The check knows an older name: local_authentication_enabled is false."),
        block("identity", attributes=identity(site.region)),
        block("consistency_policy", attributes={"consistency_level": "Session"}),
        *(
            block(
                "geo_location",
                attributes={
                    "location": one.region,
                    "failover_priority": priority,
                    "zone_redundant": bool(zones(one.region)),
                },
            )
            for priority, one in enumerate((site, *database.near()))
        ),
        *(block("capabilities", attributes={"name": one}) for one in COSMOS[database.engine]),
        block("backup", attributes={"type": "Continuous", "tier": f"Continuous{CONTINUOUS_DAYS}Days"}),
        KEEP,
        data_class=classes,
        note=f"with copies at {', '.join(one.id for one in database.near())}" if database.near() else "",
    )
    for one in (site, *database.near()):
        here_section = root.section(FILE, one.id, f"databases.{database.name}", "database", place(one.region))
        label = f"{database.engine}_{identifier(database.name, one.region)}"
        endpoint(here_section, database.engine, label, one.region, attribute(address, "id"))
    root.add(
        "outputs.tf", output(f"database_{name}", f"Where {database.name} is reached.", attribute(address, "endpoint"))
    )
