"""Drift between what was rendered and what a cloud has, read from Terraform's own plan JSON.

The form is Terraform's JSON output format 1.x (https://developer.hashicorp.com/terraform/internals/json-format, seen
2026-11): ``resource_drift`` lists what changed outside Terraform, ``resource_changes`` what a plan would do.
"""

from pathlib import Path
from typing import Any

import msgspec

from polycloud.core.errors import BadRequest

LONGEST = 60  # characters of a value that a table shows
HIDDEN = "(hidden)"


class Drift(msgspec.Struct, frozen=True):
    """One difference: ``wanted`` is what the files say, ``found`` what the cloud has."""

    address: str
    what: str
    wanted: str
    found: str


class _Change(msgspec.Struct):
    actions: list[str]
    before: Any = None
    after: Any = None
    before_sensitive: Any = False
    after_sensitive: Any = False


class _Resource(msgspec.Struct):
    address: str
    change: _Change


class _PlanJson(msgspec.Struct):
    format_version: str
    resource_drift: list[_Resource] = []
    resource_changes: list[_Resource] = []


def drift_of(path: Path) -> tuple[Drift, ...]:
    """What differs, by address. Raises BadRequest for a file that is no plan of Terraform in JSON."""
    try:
        plan = msgspec.json.decode(path.read_bytes(), type=_PlanJson)
    except (OSError, msgspec.DecodeError) as error:
        raise BadRequest(f"{path} is no plan in JSON ({error}): make it with terraform show -json") from error
    found: list[Drift] = []
    for resource in plan.resource_drift:
        change = resource.change
        if change.actions == ["delete"]:
            found.append(Drift(resource.address, "gone from the cloud", "exists", "nothing"))
        else:
            # What Terraform calls before is its state, as applied from the files; after is what it has seen.
            found += _differences(resource.address, change)
    drifted = {one.address for one in found}
    for resource in plan.resource_changes:
        actions = resource.change.actions
        if actions in (["no-op"], ["read"]) or resource.address in drifted:
            continue
        found.append(Drift(resource.address, "not applied: " + " and ".join(actions), "changed", "as it was"))
    return tuple(sorted(found, key=lambda one: (one.address, one.what)))


def _differences(address: str, change: _Change) -> list[Drift]:
    before = change.before if isinstance(change.before, dict) else {}
    after = change.after if isinstance(change.after, dict) else {}
    found = []
    for name in sorted(before.keys() | after.keys()):
        if before.get(name) != after.get(name):
            secret = _marked(change.before_sensitive, name) or _marked(change.after_sensitive, name)
            shown = (HIDDEN, HIDDEN) if secret else (_text(before.get(name)), _text(after.get(name)))
            found.append(Drift(address, name, *shown))
    return found


def _marked(sensitive: object, name: str) -> bool:
    """Whether a value, or anything inside it, is sensitive: then none of it is shown."""
    return sensitive is True or (isinstance(sensitive, dict) and bool(sensitive.get(name)))


def _text(value: object) -> str:
    text = value if isinstance(value, str) else msgspec.json.encode(value).decode()
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"
