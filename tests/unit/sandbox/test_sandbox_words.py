"""A simulated model follows a schema that stands in the system's words, as real ones do."""

import json

from polycloud.sandbox.answers import Author
from polycloud.sandbox.ask import Ask, Piece


def text(system: str) -> str:
    ask = Ask(pieces=[Piece("system", system), Piece("user", "the weather in Bern")])
    return Author(1, "oci/eu-frankfurt-1").answer(ask, "m", 0).blocks[0].text


def test_a_schema_in_words_is_followed():
    schema = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
    asked = f"Be brief. It must be valid against this JSON Schema: {json.dumps(schema)}"
    assert set(json.loads(text(asked))) == {"city"}


def test_words_that_only_look_like_one_are_words():
    assert "simulated" in text("JSON Schema: is a thing that I like")


def test_an_object_in_words_is_given():
    answer = json.loads(text("Answer with one JSON object and nothing else: no prose, no code fence."))
    assert answer["question"] == "the weather in Bern"
