"""YAML as the estate reads it: a tree in which every value knows its line, with hard bounds.

Read from the parser's events, not from its composed objects, so that depth and size are bounded
while reading. Scalars follow YAML 1.2's core schema: only ``true`` and ``false`` are booleans, so a
country ``NO`` stays text; a date or ``12:30`` stays text too.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

import yaml

from polycloud.core.diagnostics import Diagnostic, Place
from polycloud.estate.paths import KeyPath, path_text

MAX_FILE_BYTES = 2_000_000  # an estate of 1,000 nodes is under 200 kB
MAX_DEPTH = 24  # the language itself is 8 deep; a hostile file must not exhaust the stack
MAX_NODES = 200_000  # after aliases are expanded: a few lines of anchors can mean billions of nodes

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_INTEGER = re.compile(r"[-+]?(?:0|[1-9]\d{0,17})")
_FLOAT = re.compile(r"[-+]?(?:0|[1-9]\d{0,17})?\.\d{1,30}|[-+]?(?:0|[1-9]\d{0,17})(?:\.\d{1,30})?[eE][-+]?\d{1,2}")
_UNPRINTABLE = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
# Controls, and marks that turn the order of what is read (Unicode TR 36): other tools refuse them, or are fooled.
_UNSEEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")
_FIXES = {
    "mapping values are not allowed": "put a text that holds ': ' in quotes, or indent this key like its neighbours",
    "did not find expected key": "check the indentation and the quotes of this line and the one above",
    "did not find expected ',' or": "close the bracket, or put a comma between the items",
    "could not find expected ':'": "write a colon and a space after the key",
    "found unexpected end of stream": "close the quote",
    "while scanning an anchor": "put the text in quotes",
}


@dataclass(frozen=True, slots=True)
class Mark:
    """A line and a column of a file, both from 1."""

    file: str
    line: int
    column: int

    def place(self, path: KeyPath = ()) -> Place:
        return Place(self.file, self.line, self.column, path_text(path))


@dataclass(frozen=True, slots=True)
class Scalar:
    value: str | int | float | bool | None
    mark: Mark


@dataclass(frozen=True, slots=True)
class Sequence:
    items: tuple["Node", ...]
    mark: Mark


@dataclass(frozen=True, slots=True)
class Entry:
    """A key's place and its value."""

    key: Mark
    node: "Node"


@dataclass(frozen=True, slots=True)
class Mapping:
    entries: dict[str, Entry]
    mark: Mark


Node = Scalar | Sequence | Mapping


class _Stop(Exception):
    """The rest of the document can not be read; the finding is already noted."""


def read(text: str, file: str) -> tuple[Mapping | None, list[Diagnostic]]:
    """The tree of one document and what is wrong with it; never raises on any text.

    A finding that leaves the structure whole (a key twice, a tag) does not end the reading.
    """
    reader = _Reader(text, file)
    try:
        return reader.document(), reader.found
    except _Stop:
        return None, reader.found
    except yaml.YAMLError as error:
        reader.report_syntax(error)
        return None, reader.found


class _Reader:
    def __init__(self, text: str, file: str) -> None:
        self.file = file
        self.text = text
        self.found: list[Diagnostic] = []
        self._anchors: dict[str, tuple[Node, int, int]] = {}
        self._nodes = 0

    def document(self) -> Mapping | None:
        bad = _UNPRINTABLE.search(self.text)
        if bad is not None:
            line = self.text.count("\n", 0, bad.start()) + 1
            column = bad.start() - (self.text.rfind("\n", 0, bad.start()) + 1) + 1
            self._say("yaml_syntax", Mark(self.file, line, column), f"the character U+{ord(bad[0]):04X} is not text")
            raise _Stop
        events = yaml.parse(self.text, Loader=_LOADER)
        next(events)  # StreamStart
        first = next(events)
        if isinstance(first, yaml.StreamEndEvent):
            self._say("estate_empty", Mark(self.file, 1, 1), "the file is empty", "write at least: estate: NAME")
            raise _Stop
        root, _, _ = self._node(next(events), events, (), 0)
        next(events)  # DocumentEnd
        after = next(events)
        if not isinstance(after, yaml.StreamEndEvent):
            self._say("yaml_documents", self._mark(after), "a second document begins here", "use one file for each")
        if isinstance(root, Mapping):
            return root
        if isinstance(root, Scalar) and root.value is None:
            self._say("estate_empty", root.mark, "the file is empty", "write at least: estate: NAME")
        else:
            self._say("type_wrong", root.mark, "an estate is a map of sections", "write at least: estate: NAME")
        raise _Stop

    def _node(
        self, event: yaml.Event, events: Iterator[yaml.Event], path: KeyPath, depth: int
    ) -> tuple[Node, int, int]:
        """The node that begins with ``event``, the count of nodes in it, and its height."""
        mark = self._mark(event)
        if isinstance(event, yaml.AliasEvent):
            return self._alias(event, path, depth)
        if depth > MAX_DEPTH:
            self._say("yaml_too_deep", mark, f"more than {MAX_DEPTH} levels deep", "flatten it", path)
            raise _Stop
        self._grow(1, mark)
        if getattr(event, "tag", None) is not None:
            message, fix = "type tags are not part of the language", "remove the tag; put text in quotes"
            self._say("yaml_tag", mark, message, fix, path)
        if isinstance(event, yaml.ScalarEvent):
            text = self._seen(event.value, mark, path)
            value = text if event.style else resolve(text)
            result: tuple[Node, int, int] = (Scalar(value, mark), 1, 0)
        elif isinstance(event, yaml.SequenceStartEvent):
            result = self._sequence(events, mark, path, depth)
        else:
            result = self._mapping(events, mark, path, depth)
        anchor: str | None = getattr(event, "anchor", None)
        if anchor is not None:
            self._anchors[anchor] = result
        return result

    def _alias(self, event: yaml.AliasEvent, path: KeyPath, depth: int) -> tuple[Node, int, int]:
        mark = self._mark(event)
        known = self._anchors.get(event.anchor or "")
        if known is None:
            self._say(
                "yaml_alias", mark, f"*{event.anchor} is not defined above", f"define it with &{event.anchor}", path
            )
            raise _Stop
        _, size, height = known
        if depth + height > MAX_DEPTH:
            self._say("yaml_too_deep", mark, f"more than {MAX_DEPTH} levels deep", "flatten it", path)
            raise _Stop
        self._grow(size, mark)
        return known

    def _sequence(self, events: Iterator[yaml.Event], mark: Mark, path: KeyPath, depth: int) -> tuple[Node, int, int]:
        items: list[Node] = []
        size, height = 1, 0
        while not isinstance(event := next(events), yaml.SequenceEndEvent):
            node, nodes, below = self._node(event, events, (*path, len(items)), depth + 1)
            items.append(node)
            size, height = size + nodes, max(height, below + 1)
        return Sequence(tuple(items), mark), size, height

    def _mapping(self, events: Iterator[yaml.Event], mark: Mark, path: KeyPath, depth: int) -> tuple[Node, int, int]:
        entries: dict[str, Entry] = {}
        size, height = 1, 0
        while not isinstance(event := next(events), yaml.MappingEndEvent):
            key_mark = self._mark(event)
            key = self._key(event, events, path, depth)
            node, nodes, below = self._node(next(events), events, (*path, key or "?"), depth + 1)
            size, height = size + nodes, max(height, below + 1)
            if key is None:
                continue
            if key in entries:
                first = entries[key].key
                message = f"{key!r} is here twice; first on line {first.line}"
                self._say("key_duplicate", key_mark, message, "keep one of them", (*path, key))
                continue
            entries[key] = Entry(key_mark, node)
        return Mapping(entries, mark), size, height

    def _key(self, event: yaml.Event, events: Iterator[yaml.Event], path: KeyPath, depth: int) -> str | None:
        mark = self._mark(event)
        if not isinstance(event, yaml.ScalarEvent):
            self._node(event, events, (*path, "?"), depth + 1)
            self._say("key_not_text", mark, "a key is a text, not a map, a list or an alias", "write a name", path)
            return None
        if not event.style and event.value == "<<":
            message = "merge keys (<<) are not part of the language"
            self._say(
                "yaml_merge", mark, message, "write the keys out, or use a layer or an alias of the whole map", path
            )
            return None
        value = self._seen(event.value, mark, path) if event.style else resolve(event.value)
        if not isinstance(value, str) or not value:
            self._say("key_not_text", mark, f"the key {event.value!r} is not a text", f'write "{event.value}":', path)
            return None
        return value

    def _seen(self, text: str, mark: Mark, path: KeyPath) -> str:
        unseen = _UNSEEN.search(text)
        if unseen is not None:
            message = f"the text holds the character U+{ord(unseen[0]):04X}, which is not seen"
            self._say("form_wrong", mark, message, "leave it out", path)
        return text

    def _grow(self, nodes: int, mark: Mark) -> None:
        self._nodes += nodes
        if self._nodes > MAX_NODES:
            self._say("yaml_too_large", mark, f"more than {MAX_NODES} values, aliases counted", "split the estate")
            raise _Stop

    def _mark(self, event: yaml.Event) -> Mark:
        start = event.start_mark
        return Mark(self.file, start.line + 1, start.column + 1) if start is not None else Mark(self.file, 1, 1)

    def _say(self, code: str, mark: Mark, message: str, fix: str = "", path: KeyPath = ()) -> None:
        self.found.append(Diagnostic("error", code, message, mark.place(path), fix))

    def report_syntax(self, error: yaml.YAMLError) -> None:
        mark = Mark(self.file, 1, 1)
        problem, fix = "this is not YAML", "check the quotes and the indentation"
        if isinstance(error, yaml.MarkedYAMLError):
            # An open quote is found at the end of the file; where it was opened helps more.
            ended = error.problem is not None and "end of stream" in error.problem
            marks = (error.problem_mark, error.context_mark)
            where = (marks[1] or marks[0]) if ended else (marks[0] or marks[1])
            if where is not None:
                mark = Mark(self.file, where.line + 1, where.column + 1)
            problem = ", ".join(part for part in (error.problem, error.context) if part) or problem
        character = self._character_at(mark)
        if character == "\t":
            problem, fix = "a tab can not indent", "use spaces"
        elif "cannot start any token" in problem:
            problem, fix = f"a text can not begin with {character}", "put the text in quotes"
        else:
            fix = next((text for words, text in _FIXES.items() if words in problem), fix)
        self._say("yaml_syntax", mark, problem, fix)

    def _character_at(self, mark: Mark) -> str:
        lines = self.text.split("\n")
        line = lines[mark.line - 1] if mark.line <= len(lines) else ""
        return line[mark.column - 1 : mark.column]


def resolve(text: str) -> str | int | float | bool | None:
    """What a plain scalar means (YAML 1.2 core schema, without octal, hexadecimal and infinities)."""
    if text in ("", "~", "null", "Null", "NULL"):
        return None
    if text in ("true", "True", "TRUE"):
        return True
    if text in ("false", "False", "FALSE"):
        return False
    if _INTEGER.fullmatch(text):
        return int(text)
    if _FLOAT.fullmatch(text):
        return float(text)
    return text
