"""What is said of a request once it is over."""

import json

import pytest

from polycloud.core.errors import BrokenStream, Rejected, Throttled, Unavailable
from polycloud.gateway.explain import Explanation, Verdict
from polycloud.gateway.records import EXPLAINED_MAX, Trail, exhausted, explanation, header_text, trace_id
from polycloud.gateway.routes import Candidate


def trail(*errors):
    return [Trail(Candidate(i, False, 0, None), f"d{i}", error) for i, error in enumerate(errors)]


def test_one_failure_is_told_as_it_is_with_its_place():
    error = exhausted(trail(Rejected("no such field", 422)))
    assert type(error) is Rejected and error.message == "d0: no such field" and error.provider_status == 422


def test_many_failures_are_the_kind_of_the_last_and_tell_of_all():
    error = exhausted(trail(Unavailable("down", 503), Throttled("slow down"), BrokenStream("cut", 200)))
    assert type(error) is BrokenStream
    assert error.message == "all 3 attempts failed: d0: down; d1: slow down; d2: cut"


def test_all_throttled_gives_the_shortest_wait_that_is_known():
    error = exhausted(trail(Throttled("a", 429, 30.0), Throttled("b", 429, None), Throttled("c", 429, 7.0)))
    assert isinstance(error, Throttled) and error.retry_after_seconds == 7.0
    error = exhausted(trail(Throttled("a"), Throttled("b")))
    assert isinstance(error, Throttled) and error.retry_after_seconds is None
    error = exhausted(trail(Throttled("a", 429, 4.0)))
    assert isinstance(error, Throttled) and error.retry_after_seconds == 4.0


def test_a_trace_id_is_read_only_from_a_valid_header():
    trace = b"0af7651916cd43dd8448eb211c80319c"
    assert trace_id(b"00-" + trace + b"-b7ad6b7169203331-01") == trace.decode()
    for wrong in (
        None,
        b"",
        trace,
        b"00-" + trace + b"-b7ad6b7169203331",
        b"00-" + trace.upper() + b"-b7ad6b7169203331-01",
    ):
        assert trace_id(wrong) == ""


def verdict(name, order, *reasons):
    return Verdict(name, "s", "m", (), not reasons, order, False, (), "0.001", reasons)


def test_an_explanation_is_ascii_json_in_the_order_of_trial():
    many = tuple(verdict(f"x{n}", None, "Größe ✗ 🙂 " + "r" * 500) for n in range(100))
    found = Explanation("m", "r", ("eu",), "cost", "p", 1, "", "", (verdict("b", 2), verdict("a", 1), *many))
    text = explanation(found)
    text.decode("ascii")
    assert b"\n" not in text and b"\r" not in text
    told = json.loads(text)
    assert [d["deployment"] for d in told["order"]] == ["a", "b"]
    assert len(told["refused"]) == EXPLAINED_MAX and told["refused"]["x0"].startswith("Größe ✗ 🙂")


@pytest.mark.parametrize(
    ("names", "text"),
    [(("seed", "top_k"), b"seed,top_k"), (("a\r\nset-cookie: x",), b"a??set-cookie: x"), (("größe",), b"gr??e")],
)
def test_names_from_a_callers_body_can_not_make_a_header(names, text):
    assert header_text(names) == text


def test_header_text_is_bounded():
    assert len(header_text(("n" * 10_000,))) == 2000
