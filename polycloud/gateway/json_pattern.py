"""Regular expressions of a JSON Schema, as far as the time to match them is bounded.

Both the expression and the text come from outside, and ``re`` may take exponential time. Only rows of single characters
and classes are tried, each of them repeated or not: without groups, alternatives and references that time is at most a
power of the text's length.
"""

import re
from functools import lru_cache
from typing import NamedTuple

EXPRESSION_CHARS_MAX = 200  # longer ones are lists of words, for which there is ``enum``
WORK_MAX = 1_000_000  # steps of ``re``, some 20 ms
_ATOM = re.compile(
    r"(?P<one>\[\^?(?:\\[dDwW.\-/\\\[\]^]|[^\\\[\]])+\]|\\[dDwW]|\\[^A-Za-z0-9\s]|[^\\\[\](){}*+?|^$])"
    r"(?P<repeated>[*+?]|\{(?P<least>\d{1,2})(?P<most>,\d{0,2})?\})?"
)
_SETS = re.compile(r"--|&&|\|\||~~|(?<!^)\[")  # in a class these are kept for another meaning
_ANY = r"[^\n\r\u2028\u2029]"  # what a dot is in ECMA-262, whose expressions a schema has


class Pattern(NamedTuple):
    """``weight`` steps for each of the places at which a match may begin, break or end: length ** ``free``."""

    expression: re.Pattern[str]
    weight: int
    free: int

    def work(self, text: str) -> int:
        """An upper bound on the steps to search ``text``."""
        return int(self.weight * (len(text) + 1) ** self.free)


def pattern(source: object) -> Pattern | None:
    """None for what is no expression, or not one of bounded time."""
    return _pattern(source) if isinstance(source, str) and len(source) <= EXPRESSION_CHARS_MAX else None


@lru_cache(64)  # those of a few schemas: one is asked for at every element of a list
def _pattern(source: str) -> Pattern | None:
    begins, ends = source.startswith("^"), source.endswith("$") and not source.endswith(r"\$")
    rest = source[begins : len(source) - ends]
    made, weight, free, at = "^" if begins else "", 1, int(not begins), 0
    while at < len(rest):
        found = _ATOM.match(rest, at)
        if found is None or _SETS.search(found["one"][1:-1] if len(found["one"]) > 2 else ""):
            return None
        made += (_ANY if found["one"] == "." else found["one"]) + (found["repeated"] or "")
        weight += int(found["least"] or 1)
        free += found["repeated"] is not None and (found["least"] is None or found["most"] is not None)
        at = found.end()
    try:
        return Pattern(re.compile(made + (r"\Z" if ends else ""), re.ASCII), weight, free)
    except re.error:  # a range that runs backwards, bounds that are upside down
        return None
