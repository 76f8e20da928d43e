"""A line of the log: facts in one line, and of an exception its type and place, never its text."""

import logging
import sys

from polycloud.app.control.log import LINE_CHARS_MAX, Line


def line(message: str, facts: dict[str, object], error: bool = False) -> str:
    made = logging.LogRecord("polycloud", logging.ERROR, "here.py", 1, message, None, None)
    made.facts = facts
    if error:
        try:
            {}["s3cr3t"]
        except KeyError:
            made.exc_info = sys.exc_info()
    return Line().format(made)


def test_a_line_stays_one_line_whatever_it_holds() -> None:
    found = line("estate.refused", {"first": "a\nb", "count": 2, "blank": ""})
    assert found.endswith(r'error estate.refused first="a\nb" count=2 blank=""')
    assert len(line("x" * 10_000, {})) == LINE_CHARS_MAX


def test_an_exception_is_told_by_type_and_place_alone() -> None:
    found = line("Exception in ASGI application\n", {}, error=True)
    assert "Exception in ASGI application exception=KeyError at=test_log.py:" in found
    assert "s3cr3t" not in found
