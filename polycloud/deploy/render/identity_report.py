"""The report on rights in one cloud: what the estate grants, how the cloud says it, what it can not, what is more."""

import msgspec

from polycloud.deploy.blueprint import Blueprint
from polycloud.deploy.intents import Intent
from polycloud.deploy.yaml import header


class Row(msgspec.Struct, frozen=True):
    """One action of one role. ``beyond`` is what the cloud's words allow more than the estate meant; ``lacks`` what
    they can not express, so that it is not granted."""

    role: str
    action: str
    on: str
    words: str
    beyond: str = ""
    lacks: str = ""


def on(intent: Intent) -> str:
    """What an intent reaches, in words."""
    named = [f"model/{s.model}@{s.site.id}" for s in intent.services]
    named += [f"dataset/{f.dataset}@{f.bucket.site.id}" for f in intent.folders]
    named += [f"cluster/{c.name}" for c in intent.clusters]
    return ", ".join(dict.fromkeys(named))


def report(cloud: str, blueprint: Blueprint, rows: list[Row]) -> str:
    """A page in Markdown; cells can not break out of their table."""
    head = header(f"Rights at {cloud}: as granted by the estate, and as the cloud says it", blueprint.estate, "roles")
    lines = ["<!--", head.replace("# ", "").rstrip(), "-->", f"# Rights at {cloud}", ""]
    if not rows:
        return "\n".join([*lines, "The estate grants nothing here.", ""])
    lines += ["| role | action | on | expressed as | beyond the intent | not expressed |", "|---|---|---|---|---|---|"]
    lines += [
        "| " + " | ".join(map(_cell, (r.role, r.action, r.on, r.words, r.beyond or "-", r.lacks or "-"))) + " |"
        for r in rows
    ]
    return "\n".join([*lines, ""])


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("\\", "\\\\").replace("|", "\\|").replace("<", "&lt;").replace("-->", "")
