"""Reads provider schemas out of the published `cdktn-provider-*` packages (bindings generated from the real providers).

    python -m tools.stub_provider.extract WHEEL... --to FOLDER      one FOLDER/<provider>.json for each wheel

A package holds `lib/<resource>/index.js`: per class the name, the flags and the getter of each attribute, and per
`…ToHclTerraform` function (what the binding writes as HCL) its nesting. Both are generated text of a fixed form, so
patterns read them. What a package does not tell: enumerations, conflicts, minimum and maximum numbers over one,
sensitivity. cdktn 0.24, read 2026-11.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import tarfile
import zipfile
from collections import defaultdict
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from tools.stub_provider.schema import (
    Attribute,
    Block,
    NestedBlock,
    Nesting,
    Provider,
    Type,
    source_of,
    type_of,
    wrapped,
)

MEMBER = re.compile(r"package/lib/([^/]+)/(?:index|index-structs/structs\d+)(\.d\.ts|\.js)$")
CLASS = re.compile(r"^class (\w+) extends cdktn\.(\w+) \{\n(.*?)^\}", re.M | re.S)
TABLE = re.compile(r"^function (\w+)ToHclTerraform\(struct\) \{\n(.*?)^\}", re.M | re.S)
MAIN_TABLE = re.compile(r"^    synthesizeHclAttributes\(\) \{\n(.*?)^    \}", re.M | re.S)
ENTRY = re.compile(
    r"^ +\"?(\w+)\"?: \{\n +value: (.*),\n +isBlock: (\w+),\n +type: \"(\w+)\",\n +storageClassType: \"(\w+)\"", re.M
)
FLAGS = re.compile(r"^    // (\w+) - computed: (\w+), optional: (\w+), required: (\w+)\n", re.M)
NEW = re.compile(r"= new (?:(cdktn)\.|\w+\.)?(\w+)\(this, \"\w+\"(?:, (\w+))?\)")
RETURN = re.compile(r"return (.*);")
TYPE_NAME = re.compile(r'tfResourceType = "(\w+)"')
VERSION = re.compile(r"providerVersion: '([\w.-]+)'")
BLOCK_COMMENT = re.compile(r"^\s+\* (\w+) block$", re.M)
GETTERS: dict[str, Type] = {
    "getStringAttribute": "string",
    "getNumberAttribute": "number",
    "getBooleanAttribute": "bool",
    "getListAttribute": ["list", "string"],
    "getNumberListAttribute": ["list", "number"],
    "getStringMapAttribute": ["map", "string"],
    "getNumberMapAttribute": ["map", "number"],
    "getBooleanMapAttribute": ["map", "bool"],
    "getAnyMapAttribute": ["map", "dynamic"],
}
SCALARS = {"string": "string", "number": "number", "boolean": "bool", "any": "dynamic"}


class UnknownForm(ValueError):
    """The generated text is not of the form that this reads: the packages changed."""


@dataclass(slots=True, frozen=True)
class Entry:
    """How one settable attribute is written as HCL."""

    value: str
    kind: str
    storage: str


def storage_type(storage: str) -> Type:
    """The type that a storage class names: ``stringListMap`` is a map of lists of strings."""
    for suffix, kind in (("List", "list"), ("Map", "map")):
        if storage.endswith(suffix):
            return [kind, storage_type(storage.removesuffix(suffix))]
    name = storage[:1].lower() + storage[1:]
    if name not in SCALARS:
        raise UnknownForm(f"storage class {storage}")
    return SCALARS[name]


def getter_type(text: str) -> Type:
    """The type that a getter's expression reads."""
    if inner := re.fullmatch(r"cdktn\.Fn\.tolist\((.*)\)", text):
        found = getter_type(inner[1])
        return ["set", found[1]] if isinstance(found, list) else ["set", found]
    called = re.match(r"(?:cdktn\.Token\.as\w+\()?(?:cdktn\.Fn\.\w+\()?this\.(\w+)\(", text)
    if called and called[1] in GETTERS:
        return GETTERS[called[1]]
    if called and called[1] == "interpolationForAttribute":
        return "dynamic"
    raise UnknownForm(f"getter {text}")


def static(kind: Type) -> Type:
    """``kind`` with text for what may be of any type: Terraform allows that only outside all collections."""
    if isinstance(kind, list):
        return [kind[0], *(static(inner) for inner in kind[1:])]
    if isinstance(kind, dict):
        return {name: static(inner) for name, inner in kind.items()}
    return "string" if kind == "dynamic" else kind


def make_static(block: Block) -> None:
    for attribute in block["attributes"].values():
        if "nested" in attribute:
            make_static(attribute["nested"])
        else:
            attribute["type"] = static(attribute["type"])
    for inner in block["blocks"].values():
        make_static(inner["block"])


class Reader:
    """Reads the block of one resource from the text of its binding."""

    def __init__(self, script: str, declarations: str) -> None:
        self._classes = {name.lower(): body for name, _, body in CLASS.findall(script)}
        self._tables = {name.lower(): self._entries(body) for name, body in TABLE.findall(script)}
        self._block_names = set(BLOCK_COMMENT.findall(declarations))
        main = MAIN_TABLE.search(script)
        self._main = self._entries(main[1]) if main else {}
        self._old_sdk = False
        self._open: set[str] = set()

    def read(self) -> tuple[str, Block]:
        """The resource's type name and its block."""
        for body in self._classes.values():
            if named := TYPE_NAME.search(body):
                # Only bindings of the older plugin SDK have an `id` that can be set; in it, a settable attribute of
                # objects is of an object type; in the newer framework it has nested attributes.
                self._old_sdk = bool(re.search(r"// id - computed: true, optional: true", body))
                block = self._block(body, self._main)
                for inner in block["blocks"].values():
                    make_static(inner["block"])
                for attribute in block["attributes"].values():
                    if "nested" in attribute:
                        make_static(attribute["nested"])
                    elif attribute["type"] != "dynamic":
                        attribute["type"] = static(attribute["type"])
                return named[1], block
        raise UnknownForm("no resource class")

    @staticmethod
    def _entries(text: str) -> dict[str, Entry]:
        return {name: Entry(value, kind, storage) for name, value, _, kind, storage in ENTRY.findall(text)}

    def _block(self, body: str, entries: dict[str, Entry]) -> Block:
        block = Block(attributes={}, blocks={})
        parts = FLAGS.split(body)
        for name, computed, optional, required, text in zip(*(parts[i::5] for i in range(1, 6)), strict=True):
            flags = Attribute()
            if required == "true":
                flags["required"] = True
            elif optional == "true":
                flags["optional"] = True
            if computed == "true" and required != "true":
                flags["computed"] = True
            if name.endswith("_wo"):
                flags["write_only"] = True
            self._add(block, name, flags, text, entries.get(name))
        return block

    def _add(self, block: Block, name: str, flags: Attribute, text: str, entry: Entry | None) -> None:
        new = NEW.search(text)
        if entry is None:
            if flags.get("required") or flags.get("optional"):
                raise UnknownForm(f"{name} can be set but is not written")
            flags["type"] = self._computed_type(text, new)
        elif (target := re.search(r"(\w+)ToHclTerraform", entry.value)) and target[1].lower() in self._tables:
            self._add_nested(block, name, flags, entry, target[1].lower())
            return
        else:
            kind = storage_type(entry.storage)
            if entry.kind == "set" and isinstance(kind, list):
                kind = ["set", kind[1]]
            flags["type"] = kind
        block["attributes"][name] = flags

    def _add_nested(self, block: Block, name: str, flags: Attribute, entry: Entry, target: str) -> None:
        inner = self._block_of(target)
        one = "Mapper" not in entry.value
        nesting = self._nesting(entry.kind)
        is_block = (nesting == "single" and name in self._block_names) or (one and nesting != "single")
        if is_block or "Hcl, true)" in entry.value or "Terraform, true)" in entry.value:
            least = 1 if flags.get("required") else 0
            block["blocks"][name] = NestedBlock(block=inner, nesting=nesting, least=least, most=1 if one else 0)
            return
        if self._old_sdk:
            flags["type"] = wrapped(nesting, type_of(inner))
        else:
            flags["nested"] = inner
            flags["nesting"] = nesting
        block["attributes"][name] = flags

    def _block_of(self, target: str) -> Block:
        body = self._classes.get(f"{target}outputreference")
        entries = self._tables.get(target, {})
        if target in self._open:  # a shape that holds itself: the real schema ends somewhere too, far below our use
            return Block(attributes={}, blocks={})
        self._open.add(target)
        try:
            if body is not None:
                return self._block(body, entries)
            # A provider's own blocks have no class: all that is known is how they are written.
            block = Block(attributes={}, blocks={})
            for name, entry in entries.items():
                self._add(block, name, Attribute(optional=True), "", entry)
            return block
        finally:
            self._open.discard(target)

    def _computed_type(self, text: str, new: re.Match[str] | None) -> Type:
        if new is None:
            returned = RETURN.search(text)
            if returned is None:
                raise UnknownForm(text[:200])
            return getter_type(returned[1])
        if new[1]:
            return storage_type(new[2])
        found = self._class_type(new[2])
        return ["set", found[1]] if new[3] == "true" and isinstance(found, list) else found

    def _class_type(self, name: str) -> Type:
        """The type that a class stands for: ``FooList`` is a list of what ``FooOutputReference`` says."""
        if name.endswith("OutputReference"):
            target = name.removesuffix("OutputReference").lower()
            return type_of(self._block_of(target))
        for suffix, nesting in (("List", "list"), ("Map", "map")):
            if name.endswith(suffix):
                inner = name.removesuffix(suffix)
                if f"{inner.lower()}outputreference" in self._classes:
                    return [nesting, self._class_type(f"{inner}OutputReference")]
                return [nesting, self._class_type(inner)]
        raise UnknownForm(f"class {name}")

    @staticmethod
    def _nesting(kind: str) -> Nesting:
        if kind in ("struct", "single"):
            return "single"
        if kind == "list":
            return "list"
        if kind == "set":
            return "set"
        if kind == "map":
            return "map"
        raise UnknownForm(f"nesting {kind}")


def bindings(package: tarfile.TarFile) -> Iterator[tuple[str, str, str]]:
    """Each resource folder of a binding package: its name, its scripts, its declarations."""
    scripts: dict[str, list[str]] = defaultdict(list)
    declarations: dict[str, list[str]] = defaultdict(list)
    for member in package:
        matched = MEMBER.match(member.name)
        if matched is None or matched[1].endswith("-functions"):
            continue
        stream = package.extractfile(member)
        assert stream is not None, member.name
        text = stream.read().partition(b"//# sourceMappingURL")[0].decode("utf8")
        (scripts if matched[2] == ".js" else declarations)[matched[1]].append(text)
    for folder in sorted(scripts):
        yield folder, "".join(scripts[folder]), "".join(declarations[folder])


def extract(wheel: Path) -> tuple[str, Provider]:
    """The provider's name and everything that the wheel knows of it."""
    name = re.sub(r"^cdktn_provider_(\w+)-.*", r"\1", wheel.name)
    found = Provider(
        source=source_of(name),
        version="",
        provider=Block(attributes={}, blocks={}),
        resources={},
        data_sources={},
    )
    with zipfile.ZipFile(wheel) as outer:
        (inside,) = [member for member in outer.namelist() if member.endswith(".jsii.tgz")]
        with outer.open(inside) as stream, tarfile.open(fileobj=stream, mode="r|gz") as package:
            for folder, script, declarations in bindings(package):
                if not TYPE_NAME.search(script):
                    continue
                kind, block = Reader(script, declarations).read()
                if folder == "provider":
                    block["attributes"].pop("alias", None)  # Terraform's own, not the provider's
                    found["provider"] = block
                elif folder.startswith("data-"):
                    found["data_sources"][kind] = block
                else:
                    found["resources"][kind] = block
                if not found["version"] and (version := VERSION.search(script)):
                    found["version"] = version[1]
    return name, found


def write(wheel: Path, folder: Path) -> str:
    name, provider = extract(wheel)
    target = folder / f"{name}.json"
    target.write_text(json.dumps(provider, separators=(",", ":"), sort_keys=True), "utf8")
    return f"{name} {provider['version']}: {len(provider['resources'])} resources, {target.stat().st_size >> 10} KB"


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("wheels", nargs="+", type=Path)
    parser.add_argument("--to", type=Path, required=True)
    chosen = parser.parse_args(arguments)
    chosen.to.mkdir(parents=True, exist_ok=True)
    biggest_first = sorted(chosen.wheels, key=lambda wheel: -wheel.stat().st_size)
    with ProcessPoolExecutor() as pool:
        for line in pool.map(write, biggest_first, [chosen.to] * len(biggest_first)):
            print(line)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
