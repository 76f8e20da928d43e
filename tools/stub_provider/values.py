"""What a provider does with values: plan what is not known yet, invent it on apply, keep to the schema's shape.

Values are plain: dict, list, str, int, float, bool, None, and UNKNOWN for what only the cloud would know.
Invented values depend on nothing but the resource's type, the attribute's name and the known arguments, so that two
runs invent the same.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from typing import Final

import msgspec

from tools.stub_provider.schema import Attribute, Block, NestedBlock, Type


class Unknown:
    """The one value that is not known before apply."""

    def __repr__(self) -> str:
        return "UNKNOWN"


UNKNOWN: Final = Unknown()
UNKNOWN_CODES = (0, 12)  # go-cty's msgpack extensions: unknown, and unknown with refinements (2026-11)
Value = Unknown | dict[str, "Value"] | list["Value"] | str | int | float | bool | None
Object = dict[str, Value]


def decode(data: bytes) -> Value:
    def unknown(code: int, _: memoryview) -> Unknown:
        if code not in UNKNOWN_CODES:
            raise ValueError(f"msgpack extension {code}")
        return UNKNOWN

    value: Value = msgspec.msgpack.decode(data, ext_hook=unknown)
    return value


def encode(value: Value) -> bytes:
    def extension(odd: object) -> msgspec.msgpack.Ext:
        if isinstance(odd, Unknown):
            return msgspec.msgpack.Ext(UNKNOWN_CODES[0], b"\x00")
        raise TypeError(type(odd).__name__)

    return msgspec.msgpack.encode(value, enc_hook=extension)


def is_known(value: Value) -> bool:
    if isinstance(value, dict):
        return all(is_known(inner) for inner in value.values())
    if isinstance(value, list):
        return all(is_known(inner) for inner in value)
    return not isinstance(value, Unknown)


def planned(block: Block, prior: Value, proposed: Value) -> Value:
    """What the provider promises: ``proposed`` with all that is computed, and not yet there, unknown.

    ``prior`` is the object that was there before, None when it is new.
    """
    if not isinstance(proposed, dict):
        return proposed
    before = prior if isinstance(prior, dict) else None
    result: Object = {}
    for name, attribute in block["attributes"].items():
        value = proposed.get(name)
        nested = attribute.get("nested")
        if attribute.get("write_only"):
            value = None
        elif value is None and attribute.get("computed") and before is None:
            value = UNKNOWN
        elif nested is not None:
            value = _planned_within(nested, None if before is None else before.get(name), value)
        result[name] = value
    for name, inner in block["blocks"].items():
        result[name] = _planned_within(inner["block"], None if before is None else before.get(name), proposed.get(name))
    return result


def _planned_within(block: Block, prior: Value, proposed: Value) -> Value:
    if isinstance(proposed, list):
        olds = prior if isinstance(prior, list) else []
        found = []
        for index, new in enumerate(proposed):
            old = new if new in olds else olds[index] if index < len(olds) else None
            found.append(planned(block, old, new))
        return found
    if isinstance(proposed, dict) and not _looks_like(block, proposed):
        olds_by_key = prior if isinstance(prior, dict) else {}
        return {key: planned(block, olds_by_key.get(key), new) for key, new in proposed.items()}
    return planned(block, prior, proposed)


def _looks_like(block: Block, value: Mapping[str, Value]) -> bool:
    """Whether a dict is one object of this shape, and not a map of them: Terraform always sends all attributes."""
    return set(value) == set(block["attributes"]) | set(block["blocks"])


def applied(kind: str, block: Block, plan: Value) -> Value:
    """``plan`` with every unknown invented."""
    if not isinstance(plan, dict):
        return plan
    seed = hashlib.sha256(f"{kind} {json.dumps(plan, sort_keys=True, default=repr)}".encode()).hexdigest()
    return _fill_block(kind, seed, block, plan)


def _fill_block(kind: str, seed: str, block: Block, value: Object) -> Value:
    result: Object = {}
    for name, attribute in block["attributes"].items():
        result[name] = _fill_attribute(kind, seed, name, attribute, value.get(name))
    for name, inner in block["blocks"].items():
        result[name] = _fill_many(kind, seed + name, inner["block"], value.get(name))
    return result


def _fill_attribute(kind: str, seed: str, name: str, attribute: Attribute, value: Value) -> Value:
    nested = attribute.get("nested")
    if nested is None:
        return _fill_type(kind, seed, name, attribute["type"], value)
    if not isinstance(value, Unknown):
        return _fill_many(kind, seed + name, nested, value)
    if attribute["nesting"] != "single":
        return {} if attribute["nesting"] == "map" else []
    return _fill_block(kind, seed + name, nested, dict.fromkeys(nested["attributes"], UNKNOWN))


def _fill_many(kind: str, seed: str, block: Block, value: Value) -> Value:
    if isinstance(value, list):
        return [_fill_many(kind, f"{seed}{index}", block, inner) for index, inner in enumerate(value)]
    if isinstance(value, dict):
        if _looks_like(block, value):
            return _fill_block(kind, seed, block, value)
        return {key: _fill_many(kind, seed + key, block, inner) for key, inner in value.items()}
    return value


def _fill_type(kind: str, seed: str, name: str, wanted: Type, value: Value) -> Value:
    if isinstance(value, Unknown):
        return invented(kind, seed, name, wanted)
    if isinstance(wanted, list) and isinstance(value, list) and wanted[0] in ("list", "set"):
        return [_fill_type(kind, seed, name, wanted[1], inner) for inner in value]
    if isinstance(wanted, list) and isinstance(value, dict):
        shape = wanted[1]
        if wanted[0] == "map":
            return {key: _fill_type(kind, seed, name, shape, inner) for key, inner in value.items()}
        if wanted[0] == "object" and isinstance(shape, dict):
            return {key: _fill_type(kind, seed + key, key, shape[key], inner) for key, inner in value.items()}
    return value


NAMES_IN_A_LIST = 3  # regions give their zones as a list of names, and three is what estates use
LENGTHS = {"ip_sec_connection_tunnels": 2}  # Oracle gives each connection two
FORMS = (  # how computed text of some names has to look, so that functions of Terraform can read it
    ("ipv6_cidr_block", "2001:db8:{n}::/56"),
    ("cidr_block", "10.{n}.0.0/16"),
    ("cidr", "10.{n}.0.0/16"),
    ("ip_address", "198.51.100.{n}"),
    ("_address", "198.51.100.{n}"),
    ("_at", "2026-01-01T00:00:00Z"),
    ("_time", "2026-01-01T00:00:00Z"),
    ("time_created", "2026-01-01T00:00:00Z"),
)
ENCODED = ("data", "certificate", "ca_certificate", "client_key", "kubeconfig")


def invented(kind: str, seed: str, name: str, wanted: Type) -> Value:
    """A value of this type, the same for the same seed."""
    digest = hashlib.sha256(f"{seed} {name}".encode()).hexdigest()
    number = int(digest[:2], 16)
    if isinstance(wanted, list):
        outer, inner = wanted[0], wanted[1]
        if outer in ("list", "set"):
            count = NAMES_IN_A_LIST if outer == "list" and inner == "string" else LENGTHS.get(name, 1)
            return [invented(kind, f"{seed}{index}", name, inner) for index in range(count)]
        if outer == "object" and isinstance(inner, dict):
            return {key: invented(kind, seed + name, key, shape) for key, shape in inner.items()}
        return {}
    if wanted == "number":
        return number
    if wanted == "bool":
        return name == "active"  # what a cloud keeps by itself is in force
    if wanted == "dynamic":
        return None
    return _text(kind, name, digest, number)


def _text(kind: str, name: str, digest: str, number: int) -> str:
    if name == "arn" or name.endswith("_arn"):
        return f"arn:aws:{kind.removeprefix('aws_').partition('_')[0]}:eu-west-1:123456789012:{kind}/{digest[:12]}"
    if name == "id" and kind.startswith("azurerm_"):
        group = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/stub"
        return f"{group}/providers/Stub.{kind.removeprefix('azurerm_')}/{digest[:12]}"
    if name == "id" and kind.startswith("oci_"):
        return f"ocid1.{kind.removeprefix('oci_')}.oc1..{digest[:24]}"
    if name == "json":
        return '{"Version":"2012-10-17","Statement":[]}'
    if name in ENCODED or name.endswith(("_certificate", "_key_data")):
        return base64.b64encode(digest.encode()).decode()
    for suffix, form in FORMS:
        if name.endswith(suffix):
            return form.format(n=number)
    return f"{name.replace('_', '-')}-{digest[:12]}"


def shaped(block: Block, value: Mapping[str, Value]) -> Object:
    """A stored object in today's shape: what the schema lacks is dropped, what is missing is null or no block."""
    result: Object = {}
    for name, attribute in block["attributes"].items():
        found = value.get(name)
        nested = attribute.get("nested")
        result[name] = found if nested is None else _shaped_many(nested, found)
    for name, inner in block["blocks"].items():
        found = value.get(name)
        result[name] = _none_of(inner) if found is None else _shaped_many(inner["block"], found)
    return result


def _none_of(inner: NestedBlock) -> Value:
    return {"single": None, "map": {}}.get(inner["nesting"], [])


def _shaped_many(block: Block, value: Value) -> Value:
    if isinstance(value, list):
        return [_shaped_many(block, inner) for inner in value]
    if isinstance(value, dict):
        if _looks_like(block, value) or not all(isinstance(inner, dict) for inner in value.values()):
            return dict(shaped(block, value))
        return {key: _shaped_many(block, inner) for key, inner in value.items()}
    return value


def existing(kind: str, block: Block, identity: str) -> Object:
    """What an import finds: the id that was given, everything else that is computed invented, the rest not set."""
    empty = shaped(block, {})
    found = planned(block, None, empty)
    assert isinstance(found, dict)
    if "id" in block["attributes"]:
        found["id"] = identity
    filled = applied(kind, block, found)
    assert isinstance(filled, dict)
    return filled
