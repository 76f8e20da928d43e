"""What a real provider's own validation refuses and a schema does not tell: enumerations and forms of a few arguments.

`rules.json` holds them: resource → dotted path → ``{"in": [...]}`` or ``{"matches": PATTERN}``, with ``"from"``, the
page that says so. Only what estates can get wrong; checkov and Terraform's schema see the rest.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import TypedDict

from tools.stub_provider.values import Unknown, Value

Rule = TypedDict("Rule", {"in": list[str], "matches": str, "from": str}, total=False)
Rules = Mapping[str, Mapping[str, Rule]]


def broken(rules: Mapping[str, Rule], config: Value) -> Iterator[tuple[tuple[str, ...], str]]:
    """Each value of ``config`` that its rule refuses, with its path and why."""
    for path, rule in rules.items():
        steps = tuple(path.split("."))
        for value in found(config, steps):
            if isinstance(value, Unknown) or value is None:
                continue
            text = str(value).lower() if isinstance(value, bool) else str(value)
            if "in" in rule and text not in rule["in"]:
                yield steps, f'"{text}" is none of {", ".join(rule["in"])} ({rule["from"]})'
            if "matches" in rule and not re.fullmatch(rule["matches"], text):
                yield steps, f'"{text}" does not match {rule["matches"]} ({rule["from"]})'


def found(value: Value, steps: tuple[str, ...]) -> Iterator[Value]:
    """All values at a path; a list on the way stands for each of its members."""
    if isinstance(value, list):
        for inner in value:
            yield from found(inner, steps)
    elif not steps:
        yield value
    elif isinstance(value, dict) and steps[0] in value:
        yield from found(value[steps[0]], steps[1:])
