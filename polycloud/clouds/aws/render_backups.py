"""Backups that a database's own service does not keep long enough: a vault at the site, saved as the estate says."""

from polycloud.clouds.aws.render_iam import attach, role, trust
from polycloud.clouds.aws.render_keys import key_arn
from polycloud.deploy.blueprint import Blueprint, Database
from polycloud.deploy.derive.names import made
from polycloud.deploy.hcl import Expr, block
from polycloud.deploy.render.terraform import KEEP, Root, attribute, identifier, ref

FILE = "backups.tf"
DAY_HOURS = 24
START_MINUTES, END_MINUTES = 60, 480  # how late a backup may begin, and how long it may take


def add(root: Root, here: Blueprint, kept: list[tuple[Database, Expr]]) -> None:
    """A plan for each database, given with its address in this root. Their own points in time stay beside it."""
    if not kept:
        return
    root.about(FILE, "Backups at AWS that are kept longer than a database's service keeps its own.", "databases")
    section = root.section(FILE, "", "databases", "identity")
    saver = role(section, "backup", "backup", trust("backup.amazonaws.com"), here.estate, "Saves databases.")
    attach(section, "backup", saver, "service-role/AWSBackupServiceRolePolicyForBackup")
    for site in sorted({database.site.id: database.site for database, _ in kept}.values(), key=lambda s: s.id):
        classes = " ".join(sorted({c for d, _ in kept if d.site.id == site.id for c in d.data_class.split()}))
        root.section(FILE, site.id, "databases", "backup", {"region": site.region}).make(
            "aws_backup_vault",
            identifier(site.region),
            {"name": made("aws", "backup", here.estate), "kms_key_arn": key_arn("data", site.region)},
            KEEP,
            data_class=classes,
        )
    for database, address in kept:
        _plan(root, here, database, address)


def schedule(hours: int) -> str:
    """Every so many hours where that divides the day, else daily, at three."""
    return f"cron(0 0/{hours} * * ? *)" if hours < DAY_HOURS and DAY_HOURS % hours == 0 else "cron(0 3 * * ? *)"


def _plan(root: Root, here: Blueprint, database: Database, address: Expr) -> None:
    region = database.site.region
    section = root.section(FILE, database.site.id, f"databases.{database.name}", "backup", {"region": region})
    label, name = identifier(database.name), made("aws", "backup", here.estate, database.name)
    plan = section.make(
        "aws_backup_plan",
        label,
        {"name": name},
        block(
            "rule",
            attributes={
                "rule_name": "kept",
                "target_vault_name": ref(f"aws_backup_vault.{identifier(region)}.name"),
                "schedule": schedule(database.backup_hours),
                "start_window": START_MINUTES,
                "completion_window": END_MINUTES,
            },
            parts=(block("lifecycle", attributes={"delete_after": database.keep_days}),),
        ),
        data_class=database.data_class,
        note=f"kept {database.keep_days} days",
    )
    section.make(
        "aws_backup_selection",
        label,
        {
            "name": name,
            "plan_id": attribute(plan, "id"),
            "iam_role_arn": ref("aws_iam_role.backup.arn"),
            "resources": [attribute(address, "arn")],
        },
    )
