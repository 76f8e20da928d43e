"""The schema of a Terraform resource, data source or provider as small JSON: what `extract` writes and `server` serves.

A type is written as Terraform itself writes it: ``"string"``, ``["list", "string"]``, ``["object", {...}]``.
"""

from __future__ import annotations

from typing import Literal, TypedDict

Type = str | list["Type"] | dict[str, "Type"]
Nesting = Literal["single", "list", "set", "map"]


class Attribute(TypedDict, total=False):
    """An argument or an exported value; what is absent is false. ``nested`` stands in the place of ``type``."""

    type: Type
    nested: Block
    nesting: Nesting
    required: bool
    optional: bool
    computed: bool
    write_only: bool


class NestedBlock(TypedDict):
    """A block within a block, and how often it may stand there (most 0: as often as one likes)."""

    block: Block
    nesting: Nesting
    least: int
    most: int


class Block(TypedDict):
    """Attributes and blocks by name."""

    attributes: dict[str, Attribute]
    blocks: dict[str, NestedBlock]


class Provider(TypedDict):
    """All that one provider serves, and the version of the real one that it was read from."""

    source: str
    version: str
    provider: Block
    resources: dict[str, Block]
    data_sources: dict[str, Block]


def type_of(block: Block) -> Type:
    """The Terraform type of a value that has this block's shape."""
    fields: dict[str, Type] = {}
    for name, attribute in block["attributes"].items():
        nested = attribute.get("nested")
        fields[name] = attribute["type"] if nested is None else wrapped(attribute["nesting"], type_of(nested))
    for name, inner in block["blocks"].items():
        fields[name] = wrapped(inner["nesting"], type_of(inner["block"]))
    return ["object", fields]


def wrapped(nesting: Nesting, inner: Type) -> Type:
    return inner if nesting == "single" else [nesting, inner]


SOURCES = {"cloudflare": "cloudflare/cloudflare", "oci": "oracle/oci"}  # all others are HashiCorp's


def source_of(name: str) -> str:
    """Where Terraform finds the provider of this name."""
    return SOURCES.get(name, f"hashicorp/{name.replace('_', '-')}")
