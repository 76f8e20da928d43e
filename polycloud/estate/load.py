"""From files to an ``Estate``: every finding at once, and every value remembers its line."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from polycloud.core.diagnostics import Diagnostic, Place
from polycloud.estate.explain import explain
from polycloud.estate.files import gather
from polycloud.estate.leaks import looks_secret
from polycloud.estate.paths import KeyPath, path_text
from polycloud.estate.schema import Estate
from polycloud.estate.source import Mapping as Tree
from polycloud.estate.source import Mark, Node, Scalar

REST_ROUNDS = 5  # what is refused once its keys are gone: an entry that lacks one, and what held only that
JsonValue = str | int | float | bool | None | list["JsonValue"] | dict[str, "JsonValue"]


@dataclass(frozen=True)
class Loaded:
    """What was read: the estate (None when it has errors), all findings, and where each value stands.

    ``rest`` is the estate without what was refused, for checks that say more about it; ``refused`` are the paths that
    it lacks. It is never used for anything else.
    """

    estate: Estate | None
    diagnostics: tuple[Diagnostic, ...]
    files: tuple[Path, ...] = ()
    data: Mapping[str, JsonValue] = field(default_factory=dict, repr=False)
    marks: dict[KeyPath, Mark] = field(default_factory=dict, repr=False)
    rest: Estate | None = None
    refused: tuple[KeyPath, ...] = ()

    @property
    def errors(self) -> tuple[Diagnostic, ...]:
        """The findings that keep the estate from being used."""
        return tuple(found for found in self.diagnostics if found.severity == "error")

    def place(self, path: KeyPath = ()) -> Place:
        """Where the value at ``path`` stands; for one that is not written down, where its holder stands."""
        for length in range(len(path), -1, -1):
            mark = self.marks.get(path[:length])
            if mark is not None:
                return mark.place(path)
        file = str(self.files[0]) if self.files else "estate"
        return Mark(file, 1, 1).place(path)


def load(path: Path, env: str | None = None) -> Loaded:
    """Read the estate at ``path``, with the layer of the environment ``env`` when one is named.

    Never raises for what the files hold: each mistake is a diagnostic with its place and its fix.
    """
    sources = gather(path, env)
    if sources.tree is None:
        return Loaded(None, _in_order(sources.found), tuple(sources.files))
    marks: dict[KeyPath, Mark] = {(): sources.tree.mark}
    keys: dict[KeyPath, Mark] = {}
    found = list(sources.found)
    data = _Flattening(marks, keys, found).value(sources.tree, ())
    assert isinstance(data, dict)
    spoken_for = {diagnostic.place.path for diagnostic in found}
    estate: Estate | None = None
    rest: Estate | None = None
    refused: list[KeyPath] = []
    try:
        rest = estate = Estate.model_validate_json(json.dumps(data))
    except ValidationError as error:
        refusals = error.errors(include_url=False)
        rest, refused = _rest(data, refusals)
        for details in refusals:
            if _follows(details, refusals):
                continue
            if path_text(tuple(details["loc"])) not in spoken_for:
                found.append(_diagnostic(details, marks, keys))
    loaded = Loaded(None, _in_order(found), tuple(sources.files), data, marks, rest, tuple(refused))
    return loaded if loaded.errors else replace(loaded, estate=estate)


def _rest(data: JsonValue, refusals: list[ErrorDetails]) -> tuple[Estate | None, list[KeyPath]]:
    """The estate without what was refused, and what that is; None when nothing whole is left.

    Whole keys go, never items of a list: the others would change their places.
    """
    data = _copied(data)
    refused: list[KeyPath] = []
    for _ in range(REST_ROUNDS):
        gone = {path for details in refusals if (path := _key_of(data, details))}
        if not gone:
            return None, refused
        for path in sorted(gone, key=len, reverse=True):
            _without(data, path)
            refused.append(path)
        try:
            return Estate.model_validate_json(json.dumps(data)), refused
        except ValidationError as error:
            refusals = error.errors(include_url=False)
    return None, refused


def _copied(value: JsonValue) -> JsonValue:
    if isinstance(value, dict):
        return {key: _copied(held) for key, held in value.items()}
    return [_copied(held) for held in value] if isinstance(value, list) else value


def _without(data: JsonValue, path: KeyPath) -> None:
    """Takes the key at the end of ``path`` away."""
    for step in path[:-1]:
        match data, step:
            case dict(), str():
                data = data[step]
            case list(), int():
                data = data[step]
    if isinstance(data, dict) and isinstance(path[-1], str):
        del data[path[-1]]


def _key_of(data: JsonValue, details: ErrorDetails) -> KeyPath:
    """The key that has to go for a refusal to end: that of the value, or of what lacks something."""
    path: KeyPath = ()
    deepest: KeyPath = ()
    for step in details["loc"]:
        if isinstance(data, dict) and isinstance(step, str) and step in data:
            data, path = data[step], (*path, step)
            deepest = path
        elif isinstance(data, list) and isinstance(step, int) and step < len(data):
            data, path = data[step], (*path, step)
        else:
            break
    return deepest


class _Flattening:
    """Walks the tree once: plain values for the schema, marks for every path, findings about bare values."""

    def __init__(self, marks: dict[KeyPath, Mark], keys: dict[KeyPath, Mark], found: list[Diagnostic]) -> None:
        self.marks = marks
        self.keys = keys
        self.found = found

    def value(self, node: Node, path: KeyPath) -> JsonValue:
        if isinstance(node, Tree):
            for key, entry in node.entries.items():
                here = (*path, key)
                self.keys[here] = entry.key
                # A block map begins on the line below its key: the key is where people look.
                self.marks[here] = entry.node.mark if isinstance(entry.node, Scalar) else entry.key
            return {
                key: self.value(entry.node, (*path, key))
                for key, entry in node.entries.items()
                if not self._empty(entry.node, (*path, key))
            }
        if isinstance(node, Scalar):
            if isinstance(node.value, str) and looks_secret(node.value):
                self._say("secret_literal", node.mark, path, "this looks like a secret", _WHEN_LEAKED)
            return node.value
        for index, item in enumerate(node.items):
            self.marks[(*path, index)] = item.mark
            self._empty(item, (*path, index))
        return [self.value(item, (*path, index)) for index, item in enumerate(node.items)]

    def _empty(self, node: Node, path: KeyPath) -> bool:
        if not isinstance(node, Scalar) or node.value is not None:
            return False
        mark = self.keys.get(path, node.mark)
        what = f"item {path[-1] + 1}" if isinstance(path[-1], int) else repr(path[-1])
        self._say("value_missing", mark, path, f"{what} has no value", "write a value, {} or [], or remove the key")
        return True

    def _say(self, code: str, mark: Mark, path: KeyPath, message: str, fix: str) -> None:
        self.found.append(Diagnostic("error", code, message, mark.place(path), fix))


_WHEN_LEAKED = "take it out and revoke it; write secret:NAME here and say under secrets: where NAME comes from"


def _diagnostic(details: ErrorDetails, marks: dict[KeyPath, Mark], keys: dict[KeyPath, Mark]) -> Diagnostic:
    code, message, fix = explain(details)
    path: KeyPath = tuple(details["loc"])
    on_key = code == "key_unknown"
    if path and path[-1] == "[key]":
        path, on_key = path[:-1], True
    table = keys if on_key else marks
    known = path
    while known and known not in table:
        known, table = known[:-1], marks
    if code == "key_missing":
        path = path[:-1]
    return Diagnostic("error", code, message, table.get(known, marks[()]).place(path), fix)


def _follows(details: ErrorDetails, refusals: list[ErrorDetails]) -> bool:
    """Whether a list only counts as short because its items were refused: that is said there."""
    loc = details["loc"]
    return details["type"] == "too_short" and any(
        len(other["loc"]) > len(loc) and other["loc"][: len(loc)] == loc for other in refusals
    )


def _in_order(found: list[Diagnostic]) -> tuple[Diagnostic, ...]:
    """By file and line, each once."""
    seen = {(d.place, d.code, d.message): d for d in found}
    return tuple(sorted(seen.values(), key=lambda d: (d.place.file, d.place.line, d.place.column, d.code)))
