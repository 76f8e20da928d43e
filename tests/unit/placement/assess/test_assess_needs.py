"""Needs: read from words and files, with every mistake told."""

from pathlib import Path

import pytest

from polycloud.placement.assess.needs import QUESTIONS, Needs, answered, read_needs, told


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda q: q.key)
def test_each_question_understands_its_own_example(question: object) -> None:
    key, example = question.key, question.example  # type: ignore[attr-defined]
    assert getattr(answered(Needs(), key, example), key) is not None
    assert answered(Needs(), key, "") == Needs()
    assert answered(Needs(), key, "unknown") == Needs()


@pytest.mark.parametrize(
    ("key", "value", "found"),
    [
        ("monthly_spend", "80_000 USD", 80_000_000_000),
        ("availability", "99.95 %", 0.9995),
        ("latency_ms", "60ms", 60),
        ("data", "40 TB", 40 * 10**12),
        ("countries", "EU, de, UK", ("eu", "DE", "uk")),
        ("knows", ["AWS", "gcp"], ("aws", "gcp")),
        ("sovereign", "No", False),
        ("sovereign", True, True),
        ("models", "none", ()),
    ],
)
def test_answers_are_read(key: str, value: object, found: object) -> None:
    assert getattr(answered(Needs(), key, value), key) == found


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("monthly_spend", "80000", "write it as in 80_000 USD"),
        ("monthly_spend", "80000 EUR", "in USD"),
        ("availability", "99.95", "not a number with a unit"),
        ("availability", "120 %", "between 0 and 100"),
        ("engineers", "-3", "not a whole number"),
        ("knows", "aws, ibm", "'ibm' is not one of them"),
        ("sovereign", "perhaps", "neither yes nor no"),
        ("data", "40", "not a number with a unit"),
        ("budget", "1 USD", "'budget' is not asked"),
        ("countries", "eu, Atlantis", "'atlantis' is no country .two letters., jurisdiction"),
        ("users", "DE, 99", "'99' is no country"),
    ],
)
def test_wrong_answers_say_what_is_expected(key: str, value: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        answered(Needs(), key, value)


def test_a_file_tells_every_mistake_with_its_line(tmp_path: Path) -> None:
    file = tmp_path / "needs.yaml"
    file.write_text("engineers: 6\nmonthly_spend: 80000\nmodels: [gpt-4o, claude]\nbudged: 3\nknows: {a: b}\n")
    needs, wrong = read_needs(file, Needs(engineers=1))
    assert (needs.engineers, needs.models) == (6, ("gpt-4o", "claude"))
    assert [(d.place.line, d.code) for d in wrong] == [(2, "value_wrong"), (4, "key_unknown"), (5, "value_wrong")]


@pytest.mark.parametrize("text", ["engineers: [", "- 1", "", "\x00"])
def test_a_file_that_is_none_is_told(tmp_path: Path, text: str) -> None:
    file = tmp_path / "needs.yaml"
    file.write_text(text)
    _, wrong = read_needs(file, Needs())
    assert wrong


def test_what_is_known_can_be_told() -> None:
    assert told(Needs(engineers=3, knows=())) == {"engineers": 3, "knows": ()}
