"""Terraform's state as read from a file: what `terraform show -json` prints of it, or the file itself.

The printed form is Terraform's JSON output format 1.x (https://developer.hashicorp.com/terraform/internals/json-format);
the file is its version 4 (the format that Terraform has written since 0.12). Both seen 2026-11.
"""

from collections.abc import Iterator
from typing import Any

import msgspec

MANAGED = "managed"  # the mode of what Terraform makes, and does not only read
VERSION = 4  # of the file


class Instance(msgspec.Struct, frozen=True):
    """One thing that Terraform knows. ``address`` is that of its resource, without count or key."""

    address: str
    values: dict[str, Any]
    sensitive: frozenset[str] = frozenset()  # attributes of which nothing may be shown


class _Shown(msgspec.Struct):
    address: str
    mode: str
    type: str
    name: str
    values: dict[str, Any] = {}
    sensitive_values: Any = {}


class _Module(msgspec.Struct):
    resources: list[_Shown] = []
    child_modules: list["_Module"] = []


class _Values(msgspec.Struct):
    root_module: _Module = msgspec.field(default_factory=_Module)


class ShownState(msgspec.Struct):
    """What `terraform show -json` prints of a state; without ``values`` the state is empty."""

    format_version: str
    values: _Values | None = None


class _Step(msgspec.Struct):
    value: Any = None


class _Object(msgspec.Struct):
    attributes: dict[str, Any] = {}
    sensitive_attributes: list[list[_Step]] = []


class _Kept(msgspec.Struct):
    mode: str
    type: str
    name: str
    instances: list[_Object]
    module: str = ""


class StateFile(msgspec.Struct):
    """The file ``terraform.tfstate``."""

    version: int
    resources: list[_Kept]


def shown(state: ShownState) -> tuple[Instance, ...]:
    """What Terraform manages, in all modules."""
    return tuple(_shown(state.values.root_module)) if state.values is not None else ()


def kept(state: StateFile) -> tuple[Instance, ...]:
    """What Terraform manages, in all modules."""
    found: list[Instance] = []
    for one in state.resources:
        if one.mode == MANAGED:
            address = ".".join(part for part in (one.module, one.type, one.name) if part)
            found += [Instance(address, object.attributes, _marked(object)) for object in one.instances]
    return tuple(found)


def _shown(module: _Module) -> Iterator[Instance]:
    for one in module.resources:
        if one.mode == MANAGED:
            hidden = frozenset(name for name in one.values if marked(one.sensitive_values, name))
            plain = f"{one.type}.{one.name}"
            yield Instance(one.address.partition(plain)[0] + plain, one.values, hidden)
    for inner in module.child_modules:
        yield from _shown(inner)


def marked(sensitive: object, name: str) -> bool:
    """Whether an attribute, or anything inside it, is marked as sensitive: then none of it is shown."""
    return sensitive is True or (isinstance(sensitive, dict) and bool(sensitive.get(name)))


def _marked(one: _Object) -> frozenset[str]:
    return frozenset(str(path[0].value) for path in one.sensitive_attributes if path)
