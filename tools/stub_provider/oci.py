"""Oracle's provider, for which no package publishes a schema: a table of the resources that estates use.

`oci.csv` has a row for each argument: resource, dotted path, type, use. A type is Terraform's (``list(string)``), or
``list 0-1`` for a block and how often it may stand, or ``list objects`` for a list of objects that is only read. The
row with an empty path says what the resource is and the page that describes it. Read from oracle/terraform-provider-oci
8.28.0 (2026-08-19), 2026-11.
"""

from __future__ import annotations

import csv
import re
from pathlib import Path

from tools.stub_provider.schema import Attribute, Block, NestedBlock, Nesting, Provider, Type, source_of, type_of

VERSION = "8.28.0"
TABLE = Path(__file__).with_name("oci.csv")
NESTINGS: dict[str, Nesting] = {"list": "list", "set": "set"}
OBJECTS = "list objects"


def provider(table: Path = TABLE) -> Provider:
    """Oracle's provider as far as the table goes."""
    found = Provider(source=source_of("oci"), version=VERSION, provider=empty(), resources={}, data_sources={})
    with table.open(encoding="utf8", newline="") as file:
        rows = [(row["resource"], row["path"], row["type"], row["use"]) for row in csv.DictReader(file)]
    for kind in dict.fromkeys(row[0] for row in rows):
        what, *arguments = [row[1:] for row in rows if row[0] == kind]
        block = block_of([(tuple(path.split(".")), form, use) for path, form, use in arguments])
        if what[1] == "provider":
            found["provider"] = block
            continue
        block["attributes"].setdefault("id", Attribute(type="string", optional=True, computed=True))
        timeouts = {name: Attribute(type="string", optional=True) for name in ("create", "update", "delete")}
        if what[1] == "data source":
            found["data_sources"][kind] = block
        else:
            inner = Block(attributes=timeouts, blocks={})
            block["blocks"]["timeouts"] = NestedBlock(block=inner, nesting="single", least=0, most=1)
            found["resources"][kind] = block
    return found


def empty() -> Block:
    return Block(attributes={}, blocks={})


def block_of(rows: list[tuple[tuple[str, ...], str, str]]) -> Block:
    """A block from the rows below it."""
    block = empty()
    for path, form, use in rows:
        if len(path) > 1:
            continue
        (name,) = path
        inner = [(deeper[1:], f, u) for deeper, f, u in rows if len(deeper) > 1 and deeper[0] == name]
        if form == OBJECTS:
            block["attributes"][name] = Attribute(type=["list", type_of(block_of(inner))], computed=True)
        elif often := re.fullmatch(r"(list|set) (\d+)-(\d+|\*)", form):
            block["blocks"][name] = NestedBlock(
                block=block_of(inner),
                nesting=NESTINGS[often[1]],
                least=int(often[2]),
                most=0 if often[3] == "*" else int(often[3]),
            )
        else:
            block["attributes"][name] = argument(type_from(form), use)
    return block


def type_from(form: str) -> Type:
    outer = re.fullmatch(r"(list|set|map)\((.*)\)", form)
    return [outer[1], type_from(outer[2])] if outer else form


def argument(form: Type, use: str) -> Attribute:
    found = Attribute(type=form)
    words = use.split()
    if "required" in words:
        found["required"] = True
    if "optional" in words:
        found["optional"] = True
    if "computed" in words:
        found["computed"] = True
    return found
