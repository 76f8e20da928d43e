"""Drift between what was rendered and what a cloud has, from Terraform's plan or its state.

A plan in JSON (https://developer.hashicorp.com/terraform/internals/json-format, seen 2026-11) says itself what
changed outside Terraform (``resource_drift``) and what it would do (``resource_changes``). A state says only what
there is, so it is compared with the rendered files: see ``compare``.
"""

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Literal, TypeVar

import msgspec

from polycloud.core.errors import BadRequest
from polycloud.deploy import state
from polycloud.deploy.state import Instance

LONGEST = 60  # characters of a value that a table shows
HIDDEN = "(hidden)"
# Neither form of a state marks what the provider calls sensitive for certain, so names like these are hidden as well.
SECRET = re.compile(
    r"password|passphrase|secret|token|credential|connection_string|(private|shared|access|account|api)_key", re.I
)
PLAN_KEYS = ("resource_changes", "resource_drift", "planned_values")
MAKE_ONE = "make one with terraform show -json (of a plan, or of the state), or name a terraform.tfstate"


class Drift(msgspec.Struct, frozen=True):
    """One difference: ``wanted`` is what the files say, ``found`` what the cloud has."""

    address: str
    what: str
    wanted: str
    found: str


class Observed(msgspec.Struct, frozen=True):
    """What a file says of the cloud: a plan's own ``drifts``, or the ``instances`` of a state."""

    form: Literal["plan", "state", "state file"]
    drifts: tuple[Drift, ...] = ()
    instances: tuple[Instance, ...] = ()


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


def observed(path: Path) -> Observed:
    """What a file of Terraform's says, whichever it is. Raises BadRequest for any other."""
    try:
        data = _utf8(path.read_bytes())
        top = msgspec.json.decode(data, type=dict[str, msgspec.Raw])
        if "encrypted_data" in top:
            raise BadRequest(f"{path} is an encrypted state of OpenTofu: {MAKE_ONE.replace('terraform', 'tofu', 1)}")
        if any(key in top for key in PLAN_KEYS):
            plan = msgspec.json.decode(data, type=_PlanJson)
            return Observed("plan", drifts=_of_plan(_known(path, plan.format_version, plan)))
        if "format_version" in top:
            shown = msgspec.json.decode(data, type=state.ShownState)
            return Observed("state", instances=state.shown(_known(path, shown.format_version, shown)))
        kept = msgspec.json.decode(data, type=state.StateFile)
    except (OSError, UnicodeError, RecursionError, msgspec.DecodeError) as error:
        raise BadRequest(f"{path} is neither a plan nor a state of Terraform ({error}): {MAKE_ONE}") from error
    if kept.version != state.VERSION:
        raise BadRequest(f"{path} is a state of version {kept.version}, not {state.VERSION}: {MAKE_ONE}")
    return Observed("state file", instances=state.kept(kept))


def _utf8(data: bytes) -> bytes:
    """What PowerShell's > wrote is UTF-16, or UTF-8 after a mark."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data.decode("utf-16").encode()
    return data.removeprefix(b"\xef\xbb\xbf")


def hidden(name: str, marked: Iterable[str]) -> bool:
    """Whether the values of an attribute may not be shown."""
    return name in marked or SECRET.search(name) is not None


def text(value: object) -> str:
    """A value as a table shows it."""
    plain = value if isinstance(value, str) else msgspec.json.encode(value).decode()
    return plain if len(plain) <= LONGEST else plain[: LONGEST - 1] + "…"


_Form = TypeVar("_Form", _PlanJson, state.ShownState)


def _known(path: Path, version: str, form: _Form) -> _Form:
    if version.partition(".")[0] != "1":
        raise BadRequest(f"{path} is in the JSON format {version} of Terraform; 1.x is known")
    return form


def _of_plan(plan: _PlanJson) -> tuple[Drift, ...]:
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
    secret = [
        name
        for name in (*before, *after)
        if state.marked(change.before_sensitive, name) or state.marked(change.after_sensitive, name)
    ]
    found = []
    for name in sorted(before.keys() | after.keys()):
        if before.get(name) != after.get(name):
            shown = (HIDDEN, HIDDEN) if hidden(name, secret) else (text(before.get(name)), text(after.get(name)))
            found.append(Drift(address, name, *shown))
    return found
