"""Capabilities: the format's words, narrowed by what is known of the model and said in the estate."""

import pytest

from polycloud.core.chat import Need
from polycloud.policy.capabilities import DIALECTS, can


def needs(dialect: str, model: str = "m", features: dict[str, bool] | None = None, **said: bool) -> Need:
    return Need(can(dialect, model, features or {}, said))


@pytest.mark.parametrize("dialect", list(DIALECTS))
def test_basics_are_assumed_and_nothing_else_of_the_model(dialect: str) -> None:
    found = needs(dialect)
    assert found & Need.STREAM
    assert found & Need.STOP
    assert found & Need.TEMPERATURE
    assert not found & (Need.TOOLS | Need.JSON_SCHEMA | Need.REASONING | Need.PROMPT_CACHE | Need.IMAGES)


@pytest.mark.parametrize("dialect", list(DIALECTS))
def test_nobody_adds_what_the_format_has_no_word_for(dialect: str) -> None:
    everything = {need.name.lower(): True for need in Need if need.name}
    known = dict.fromkeys(("tools", "json_schema", "reasoning", "vision", "prompt_cache", "seed", "logprobs"), True)
    found = needs(dialect, "claude", known, **everything)
    assert found == found & DIALECTS[dialect]
    assert bool(found & Need.OTHER_MEDIA) == (dialect == "anthropic_messages")


def test_documents_go_with_vision_in_anthropics_own_format() -> None:
    assert needs("anthropic_messages", features={"vision": True}) & Need.OTHER_MEDIA
    assert not needs("anthropic_messages") & Need.OTHER_MEDIA
    assert not needs("openai_chat", features={"vision": True}) & Need.OTHER_MEDIA


def test_caching_by_the_provider_itself_is_no_word_for_marks() -> None:
    assert not needs("openai_chat", features={"prompt_cache": True}, prompt_cache=True) & Need.PROMPT_CACHE
    assert needs("anthropic_messages", features={"prompt_cache": True}) & Need.PROMPT_CACHE


@pytest.mark.parametrize(("dialect", "five", "many"), [
    ("openai_chat", False, False), ("gemini", True, False), ("anthropic_messages", True, True),
    ("bedrock_converse", True, True), ("oci_generic", True, True),
])  # fmt: skip
def test_how_many_stop_sequences_a_format_takes(dialect: str, five: bool, many: bool) -> None:
    found = needs(dialect)
    assert (bool(found & Need.FIVE_STOPS), bool(found & Need.MANY_STOPS)) == (five, many)
    assert needs("openai_chat", five_stops=True, many_stops=True) & Need.MANY_STOPS, "a server's own word"


def test_features_of_the_profile() -> None:
    found = needs("openai_chat", features={"tools": True, "json_schema": True, "vision": True})
    assert found & Need.SERIAL_TOOLS
    assert found & Need.JSON_OBJECT
    assert found & Need.IMAGES
    assert not needs("gemini", features={"vision": True}) & Need.IMAGES, "images pass between equal formats only"
    assert not needs("openai_chat", features={"streaming": False}) & Need.STREAM


def test_a_model_without_temperature_has_no_sampling_parameters() -> None:
    found = needs("openai_chat", features={"temperature": False, "reasoning": True})
    assert not found & (Need.TEMPERATURE | Need.PENALTIES | Need.LOGPROBS)
    assert found & Need.REASONING


def test_the_estate_has_the_last_word() -> None:
    found = needs("openai_chat", features={"tools": True}, tools=True, tool_choice=False, json_object=True, seed=False)
    assert found & Need.TOOLS
    assert not found & Need.TOOL_CHOICE
    assert found & Need.JSON_OBJECT
    assert not found & Need.JSON_SCHEMA
    assert not found & Need.SEED


def test_converse_carries_some_parameters_only_for_their_makers() -> None:
    features = {"tools": True, "reasoning": True, "top_k": True}
    claude = needs("bedrock_converse", "eu.anthropic.claude-sonnet-4-6", features)
    assert claude & Need.SERIAL_TOOLS
    assert claude & Need.TOP_K
    llama = needs("bedrock_converse", "meta.llama3-3-70b-instruct-v1:0", features)
    assert llama & Need.TOOLS
    assert not llama & (Need.SERIAL_TOOLS | Need.TOP_K | Need.REASONING)
    assert not claude & Need.SEED
