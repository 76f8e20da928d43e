"""Answers, tokens and the prompt cache: deterministic, bounded, counted truly."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polycloud.sandbox import tokens
from polycloud.sandbox.answers import Author, prompt_pieces, prompt_tokens
from polycloud.sandbox.ask import Answer, Ask, Piece, Tool
from polycloud.sandbox.protocols.common import deltas

CITY = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
WEATHER, CLOCK = Tool("get_weather", "Says the weather.", CITY), Tool("getClock", "", {"type": "object"})


def said(text: str, seed: int = 1, **more: object) -> Answer:
    return Author(seed, "site").answer(Ask(pieces=[Piece("user", text)], **more), "model", 5)  # type: ignore[arg-type]


@given(st.text(), st.integers(0, 50))
def test_a_cut_text_is_the_longest_that_fits(text: str, limit: int) -> None:
    cut = tokens.cut(text, limit)
    assert text.startswith(cut) and tokens.count(cut) <= limit
    if cut != text:
        assert tokens.count(text[: len(cut) + 1]) > limit


@given(st.text())
def test_streamed_pieces_make_the_text_and_its_tokens(text: str) -> None:
    pieces = list(deltas(text))
    assert "".join(p for p, _ in pieces) == text
    assert sum(n for _, n in pieces) == tokens.count(text)


@given(st.text(max_size=300), st.integers(1, 200), st.booleans())
def test_output_counts_what_is_shown_and_keeps_the_limit(text: str, limit: int, think: bool) -> None:
    answer = said(text, max_tokens=limit, thinking=20 * think)
    assert answer.output == sum(tokens.count(b.text) for b in answer.blocks) <= limit
    assert answer.reasoning == tokens.count(answer.thinking())
    assert answer.input == tokens.count(text)


def test_the_seed_and_the_question_decide() -> None:
    one = said("Tell me.")
    assert one == said("Tell me.")
    assert {said("Tell me!").id, said("Tell me.", seed=2).id, said("Tell me.", salt="x").id}.isdisjoint({one.id})


def test_an_echo_wins_and_is_exact() -> None:
    assert said("Please echo:  two\nlines ").text() == " two\nlines "
    assert said("echo: weather", tools=[WEATHER]).text() == "weather"
    assert said("reecho: x").text().startswith("This is a simulated answer")


def test_words_make_it_long() -> None:
    assert len(said("words: 1000").text().split(" ")) == 1000


@pytest.mark.parametrize(
    ("prompt", "called"),
    [
        ("What is the weather?", ["get_weather"]),
        ("Look at the clock, then the weather.", ["get_weather", "getClock"]),
        ("Call getClock.", ["getClock"]),
        ("Get me something.", []),
    ],
)
def test_tools_that_the_question_asks_for(prompt: str, called: list[str]) -> None:
    answer = said(prompt, tools=[WEATHER, CLOCK])
    assert [c.name for c in answer.calls()] == called
    assert answer.finish == ("tool_calls" if called else "stop")
    assert [c.name for c in said(prompt, tools=[WEATHER, CLOCK], parallel=False).calls()] == called[:1]
    assert said(prompt, tools=[WEATHER, CLOCK], choice="none").calls() == []


def test_a_forced_tool_is_one_that_was_not_called_yet() -> None:
    pieces = [Piece("user", "Go."), Piece("call", "{}", "get_weather"), Piece("tool", "sun", "get_weather")]
    ask = Ask(pieces=pieces, tools=[WEATHER, CLOCK], choice="required")
    assert [c.name for c in Author(1, "s").answer(ask, "m", 0).calls()] == ["getClock"]
    ask.choice = "auto"
    assert "The tool get_weather said: sun" in Author(1, "s").answer(ask, "m", 0).text()


def test_arguments_come_from_the_question() -> None:
    calls = said("What is the weather in New-York, please?", tools=[WEATHER]).calls()
    assert json.loads(calls[0].text) == {"city": "New-York"}


def test_a_call_that_the_limit_cuts_ends_by_length() -> None:
    answer = said("The weather in Constantinople?", tools=[WEATHER], max_tokens=5)
    assert answer.finish == "length" and answer.output == 5


def test_a_schema_may_hold_any_integer() -> None:
    wide = Tool("wide", "", {"type": "object", "properties": {"a": {"type": "integer", "maximum": 10**30}}})
    assert said("Hello.", tools=[wide]) == said("Hello.", tools=[wide])


def test_stop_sequences() -> None:
    answer = said("echo: one two three", stop=["three", "two"])
    assert (answer.text(), answer.finish, answer.stop_sequence) == ("one ", "stop_sequence", "two")


def test_tools_are_part_of_the_prompt() -> None:
    bare, armed = Ask(pieces=[Piece("user", "hi")]), Ask(pieces=[Piece("user", "hi")], tools=[WEATHER])
    text, mark = prompt_pieces(armed)[0]
    assert text.startswith("get_weatherSays the weather.{") and not mark
    assert prompt_tokens(armed) == prompt_tokens(bare) + tokens.count(text)


LONG = "x" * 4000  # 1,000 tokens


def test_a_marked_prefix_is_written_then_read_until_it_ages() -> None:
    cache = tokens.PrefixCache(minimum_tokens=1000)
    prompt = [(LONG, "5m"), ("question", "")]
    assert cache.explicit(prompt, "m", 0.0) == (0, 1000, 0)
    assert cache.explicit([(LONG, "5m"), ("other", "")], "m", 1.0) == (1000, 0, 0)
    assert cache.explicit([(LONG, ""), (LONG, "5m")], "m", 2.0) == (0, 2000, 0)
    assert cache.explicit([(LONG, "5m"), (LONG, "5m")], "m", 3.0) == (2000, 0, 0)
    assert cache.explicit(prompt, "another model", 3.0) == (0, 1000, 0)
    assert cache.explicit([(LONG, "1h"), (LONG, "5m")], "third", 4.0) == (0, 2000, 1000)
    assert cache.explicit([(LONG, "1h")], "third", 1000.0) == (1000, 0, 0), "an hour is longer than five minutes"
    assert cache.explicit(prompt, "m", 3.0 + tokens.CACHE_SECONDS) == (0, 1000, 0)


def test_what_is_not_marked_or_too_short_is_not_cached() -> None:
    cache = tokens.PrefixCache(minimum_tokens=1000)
    for prompt in ([(LONG, "")], [("short", "5m")], [("short", "5m"), (LONG, "")]):
        assert cache.explicit(prompt, "m", 0.0) == cache.explicit(prompt, "m", 0.0) == (0, 0, 0)


def test_unmarked_prompts_are_cached_in_steps() -> None:
    cache = tokens.PrefixCache(minimum_tokens=1000)
    assert cache.implicit([(LONG, ""), ("a", "")], "m", 0.0) == 0
    assert cache.implicit([(LONG, ""), ("b", "")], "m", 0.0) == 896  # 7 steps of 128 in 1,000
    assert cache.implicit([("short", "")], "m", 0.0) == 0


def test_the_cache_forgets_the_oldest() -> None:
    cache = tokens.PrefixCache(minimum_tokens=1)
    for i in range(tokens.CACHE_ENTRIES_MAX + 1):
        cache.explicit([(f"prefix {i}", "5m")], "m", 0.0)
    assert cache.explicit([("prefix 0", "5m")], "m", 0.0)[0] == 0
    assert cache.explicit([(f"prefix {tokens.CACHE_ENTRIES_MAX}", "5m")], "m", 0.0)[0] > 0
