"""YAML: the lines are those of PyYAML, what is read back is what was written, and no text becomes anything else."""

from typing import Any

import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from polycloud.deploy.yaml import WIDTH, _Dumper, dump, header

TEXTS = st.one_of(
    st.text(max_size=40),
    st.text(alphabet="ab \n:#-'\"{}[]|>%@&*!?,~0.1eyYnN\\\t", max_size=30),
    st.sampled_from(["", "yes", "null", "1e3", "0x1", "2026-11-21", "a: b", "- a", "{{ .Values }}", "x\n", "\n", " x"]),
)
SCALARS = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), TEXTS)
KEYS = TEXTS
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(KEYS, inner, max_size=4)),
    max_leaves=12,
)


@settings(max_examples=300, deadline=None)
@given(st.dictionaries(KEYS, VALUES, min_size=1, max_size=4))
def test_the_lines_are_those_of_pyyaml(value: dict[str, Any]) -> None:
    text = dump(value)
    assert text == yaml.dump(value, Dumper=_Dumper, sort_keys=False, width=WIDTH, allow_unicode=True)
    assert yaml.safe_load(text) == value


def test_several_documents_and_a_head_that_stays_a_comment() -> None:
    text = dump({"a": 1}, {"b": [True, 1, 1.0]}, head=header("What\nit: is", "north\nwind", "x"))
    assert list(yaml.safe_load_all(text)) == [{"a": 1}, {"b": [True, 1, 1.0]}]
    assert text.splitlines()[:2] == ["# What it: is", "# From the estate north wind: x."]
    assert "- true\n  - 1\n  - 1.0\n" in text
