"""What a deployment can do: what its wire format can say, as far as its model is known to understand it.

Three sources, narrowing each other: the dialect (a parameter that it has no word for can not be
sent), the catalogue's profile of the model there (what is unknown is not assumed, but for the
parameters that a dialect gives to every model), and what the estate says of the deployment.
"""

from collections.abc import Mapping

from polycloud.core.chat import Need

_TOOLS = Need.TOOLS | Need.TOOL_CHOICE | Need.SERIAL_TOOLS
_JSON = Need.JSON_OBJECT | Need.JSON_SCHEMA
_STOPS = Need.FIVE_STOPS | Need.MANY_STOPS
_NATIVE_FORM = Need.NATIVE_TOOLS | Need.NATIVE_CONTENT
_BASICS = Need.STREAM | Need.STOP | Need.TEMPERATURE  # every chat model in use has them, unless its profile says not

# What each format has words for. Images pass only between equal formats for now, and only in these two.
DIALECTS: dict[str, Need] = {
    # Its providers cache prompts by themselves and refuse explicit marks as unknown (platform.openai.com/docs/
    # guides/prompt-caching, 2026-11). A server that takes more than four stop sequences is for the estate to say.
    "openai_chat": ~Need.ANTHROPIC_EXTRAS & ~Need.OTHER_MEDIA & ~Need.TOP_K & ~Need.PROMPT_CACHE,
    "anthropic_messages": _BASICS
    | _TOOLS
    | Need.JSON_SCHEMA
    | Need.REASONING
    | Need.TOP_K
    | Need.PROMPT_CACHE
    | Need.IMAGES
    | Need.OTHER_MEDIA
    | _STOPS
    | _NATIVE_FORM
    | Need.ANTHROPIC_EXTRAS,
    "bedrock_converse": _BASICS | _STOPS | _TOOLS | Need.JSON_SCHEMA | Need.REASONING | Need.TOP_K | Need.PROMPT_CACHE,
    "gemini": _BASICS
    | Need.FIVE_STOPS
    | Need.TOOLS
    | Need.TOOL_CHOICE
    | _JSON
    | Need.REASONING
    | Need.SEED
    | Need.TOP_K
    | Need.PENALTIES
    | Need.LOGPROBS
    | Need.MULTIPLE,
    "oci_generic": _BASICS | _STOPS | _TOOLS | _JSON | Need.REASONING | Need.SEED | Need.TOP_K | Need.PENALTIES,
}
# Parameters that a format gives to every model behind it; a profile may still take them away.
_NATIVE: dict[str, Need] = {
    "openai_chat": _BASICS
    | Need.SEED
    | Need.PENALTIES
    | Need.LOGPROBS
    | Need.MULTIPLE
    | Need.OPENAI_EXTRAS
    | _NATIVE_FORM,
    "anthropic_messages": _BASICS | _STOPS | Need.TOP_K | Need.ANTHROPIC_EXTRAS | _NATIVE_FORM,
    "bedrock_converse": _BASICS | _STOPS,
    "gemini": _BASICS | Need.FIVE_STOPS | Need.SEED | Need.TOP_K | Need.PENALTIES | Need.LOGPROBS | Need.MULTIPLE,
    "oci_generic": _BASICS | _STOPS | Need.SEED | Need.TOP_K | Need.PENALTIES,
}
# The catalogue's features (see catalog.reading.FEATURES) as needs.
_FEATURES: dict[str, Need] = {
    "tools": _TOOLS,
    "json_schema": _JSON,
    "reasoning": Need.REASONING,
    "vision": Need.IMAGES,
    "prompt_cache": Need.PROMPT_CACHE,
    "streaming": Need.STREAM,
    "temperature": Need.TEMPERATURE,
    "top_k": Need.TOP_K,
    "seed": Need.SEED,
    "stop": Need.STOP,
    "penalties": Need.PENALTIES,
    "logprobs": Need.LOGPROBS,
}
# Converse has no words for these; some makers' models take them as fields of their own beside it
# (docs.aws.amazon.com/bedrock/latest/userguide/model-parameters.html, 2026-11).
_ONLY_BY_OWN_FIELDS = Need.SERIAL_TOOLS | Need.TOP_K | Need.REASONING
_OWN_FIELDS: dict[str, Need] = {
    "claude": Need.SERIAL_TOOLS | Need.TOP_K | Need.REASONING,
    "nova": Need.TOP_K | Need.REASONING,
    "gpt-oss": Need.REASONING,
}
# A word of the estate that implies the smaller ones beside it, unless they are given too.
_IMPLIED: dict[str, Need] = {"tools": _TOOLS, "json_schema": _JSON}


def can(dialect: str, model: str, features: Mapping[str, bool], said: Mapping[str, bool]) -> int:
    """The set of needs that a deployment meets, as ``Need`` bits.

    ``features`` are the catalogue's (absent is unknown), ``said`` the estate's by need's name. Neither
    can add what the dialect has no word for. Raises KeyError for an unknown dialect.
    """
    found = _NATIVE[dialect]
    if features.get("temperature") is False:  # such models refuse all sampling parameters
        found &= ~(Need.TOP_K | Need.PENALTIES | Need.LOGPROBS)
    for name, works in features.items():
        bits = _FEATURES.get(name, Need(0))
        found = found | bits if works else found & ~bits
    if dialect == "anthropic_messages" and found & Need.IMAGES:
        # Claude reads documents by its vision (docs.claude.com/en/docs/build-with-claude/pdf-support, 2026-11).
        found |= Need.OTHER_MEDIA
    for name in sorted(said, key=lambda n: n not in _IMPLIED):
        bits = _IMPLIED.get(name, Need[name.upper()])
        found = found | bits if said[name] else found & ~bits
    if dialect == "bedrock_converse":
        family = next((word for word in _OWN_FIELDS if word in model.lower()), "")
        found &= ~_ONLY_BY_OWN_FIELDS | _OWN_FIELDS.get(family, Need(0))
    return int(found & DIALECTS[dialect])
