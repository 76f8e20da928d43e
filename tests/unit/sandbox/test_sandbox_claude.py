"""What the simulated Claude takes and refuses, as the real one does."""

import json

import pytest

from polycloud.sandbox.answers import Author
from polycloud.sandbox.protocols import anthropic
from polycloud.sandbox.protocols.common import Refused

CALL = {"role": "assistant", "content": [{"type": "tool_use", "id": "t", "name": "f", "input": {}}]}
RESULT = {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t", "content": "r"}]}
LOOP = {
    "messages": [{"role": "user", "content": "a"}, CALL, RESULT],
    "tools": [{"name": "f", "input_schema": {"type": "object"}}],
}


def parse(**fields: object) -> anthropic.Body:
    body = {"anthropic_version": anthropic.VERSIONS[0], "max_tokens": 5000, **fields}
    return anthropic.parse(json.dumps({"messages": [{"role": "user", "content": "hi"}], **body}).encode())


def refusal(**fields: object) -> str:
    with pytest.raises(Refused) as found:
        parse(**fields)
    return str(json.loads(found.value.reply.body)["error"]["message"])


def test_a_tool_loop_may_go_on_without_thinking_in_adaptive_mode_alone() -> None:
    parse(**LOOP, thinking={"type": "adaptive"})
    assert "Expected `thinking`" in refusal(**LOOP, thinking={"type": "enabled", "budget_tokens": 2000})


@pytest.mark.parametrize("kind", [{"type": "adaptive"}, {"type": "enabled", "budget_tokens": 2000}])
def test_thinking_in_any_mode_takes_no_temperature(kind: dict[str, object]) -> None:
    assert "only be set to 1" in refusal(thinking=kind, temperature=0.2)


def test_stop_sequences_of_blanks_are_refused() -> None:
    parse(stop_sequences=["END"])
    assert "non-whitespace" in refusal(stop_sequences=["END", "\n"])


def test_search_results_are_read() -> None:
    found = {"type": "search_result", "source": "s", "title": "T", "content": [{"type": "text", "text": "the moon"}]}
    ask = anthropic.ask_of(parse(messages=[{"role": "user", "content": [found]}]))
    assert ask.pieces[0].text == "T (s): the moon"


def test_cache_writes_are_told_by_lifetime() -> None:
    mark = {"type": "ephemeral", "ttl": "1h"}
    ask = anthropic.ask_of(parse(system=[{"type": "text", "text": "s", "cache_control": mark}]))
    assert ask.pieces[0].mark == "1h"
    answer = Author(1, "site").answer(ask, "claude", 0)
    answer.input, answer.cache_write, answer.cache_write_hour = 100, 30, 20
    lives = {"ephemeral_5m_input_tokens": 10, "ephemeral_1h_input_tokens": 20}
    assert anthropic.usage(answer, 1)["cache_creation"] == lives
