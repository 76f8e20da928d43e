"""Whatever a file holds, reading it answers with findings that have a place; it never raises."""

import json
import tempfile
from pathlib import Path

from hypothesis import example, given, settings
from hypothesis import strategies as st

import polycloud.app
from polycloud.catalog import Catalog
from polycloud.estate import check, load
from polycloud.estate.codes import CODES

CATALOG = Catalog.load()
SANDBOX = (Path(polycloud.app.__file__).parent / "examples" / "sandbox" / "estate.yaml").read_text(encoding="utf-8")
LINES = SANDBOX.splitlines()
WORDS = [
    "estate",
    "clouds",
    "aws",
    "models",
    "routes",
    "null",
    "~",
    "*a",
    "&a",
    "<<",
    "[",
    "]",
    "{",
    "}",
    ": ",
    "- ",
    "\n",
]
WORDS += [
    "  ",
    "\t",
    "'",
    '"',
    "|",
    ">",
    "!!int",
    "---",
    "%",
    "@",
    "5",
    "1.5",
    "true",
    "no",
    "15m",
    "0.02 USD",
    "?",
    ", ",
]


def read(data: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "estate.yaml"
        path.write_bytes(data)
        loaded = load(path)
        found = check(loaded, CATALOG)
    assert (loaded.estate is None) == any(d.severity == "error" for d in loaded.diagnostics)
    lines = data.count(b"\n") + data.count(b"\r") + 2
    for diagnostic in found:
        assert diagnostic.code in CODES
        assert 1 <= diagnostic.place.line <= lines
        assert diagnostic.place.column >= 1
        assert diagnostic.message


@given(st.binary(max_size=200))
@settings(max_examples=200, deadline=None)
@example(b"\xef\xbb\xbf")
@example(b"\x85")
def test_any_bytes(data: bytes) -> None:
    read(data)


@given(st.lists(st.sampled_from(WORDS), max_size=30))
@settings(max_examples=400, deadline=None)
def test_anything_like_yaml(words: list[str]) -> None:
    read("".join(words).encode())


@given(st.integers(0, len(LINES) - 1), st.sampled_from(["drop", "twice", "indent", "cut", "tab"]), st.integers(0, 60))
@settings(max_examples=300, deadline=None)
def test_a_good_estate_with_one_line_broken(index: int, how: str, at: int) -> None:
    line = LINES[index]
    changed = {
        "drop": [],
        "twice": [line, line],
        "indent": ["  " + line],
        "cut": [line[:at]],
        "tab": [line[:at] + "\t" + line[at:]],
    }
    read("\n".join([*LINES[:index], *changed[how], *LINES[index + 1 :]]).encode())


SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=12),
    st.sampled_from(WORDS),
)
KEYS = st.one_of(
    st.text(max_size=8), st.sampled_from(["at", "model", "sites", "match", "class", "shares", "deployments", "aws"])
)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4), max_leaves=12
)
SECTIONS = ["clouds", "onprem", "models", "routes", "teams", "data_classes", "sandbox", "links", "datasets", "entry"]


@given(st.dictionaries(st.sampled_from(SECTIONS), VALUES, max_size=4))
@settings(max_examples=400, deadline=None)
def test_any_values_in_the_sections(sections: dict[str, object]) -> None:
    read(json.dumps({"estate": "x", **sections}, allow_nan=False).encode())
