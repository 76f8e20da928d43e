"""YAML for the files of other tools: PyYAML's own dumper, so that every text is quoted where it must be."""

from collections.abc import Iterable, Mapping
from typing import Any

import yaml

WIDTH = 4096  # no folding: a changed word must not move a line's end


class _Dumper(yaml.SafeDumper):
    """Lists are indented below their key, texts of several lines stand as blocks, nothing is shared by anchors."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        super().increase_indent(flow, False)

    def ignore_aliases(self, data: object) -> bool:
        return True


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    printable = all(c.isprintable() or c == "\n" for c in text)
    trailing = any(line.endswith(" ") for line in text.split("\n"))
    style = '"' if not printable else "|" if "\n" in text and not trailing else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _text)


def header(what: str, estate: str, source: str, comment: str = "#") -> str:
    """The first lines of every file: what it is, and which part of the estate it came from."""
    lines = (
        " ".join(what.split()),
        f"From the estate {' '.join(estate.split())}: {' '.join(source.split())}.",
        "Written by polycloud render: change the estate, not this file.",
    )
    return "".join(f"{comment} {line}\n" for line in lines)


def dump(*documents: Mapping[str, Any], head: str = "") -> str:
    """One file of one or several documents, keys in the order given; ``head`` is a comment for its top."""
    texts: Iterable[str] = (
        yaml.dump(document, Dumper=_Dumper, sort_keys=False, width=WIDTH, allow_unicode=True) for document in documents
    )
    return head + "---\n".join(texts)
