"""The bits of ``Need`` as plain integers: arithmetic on an IntFlag costs ten times as much, on every request."""

from polycloud.core.chat import Need

TOOLS = int(Need.TOOLS)
TOOL_CHOICE = int(Need.TOOL_CHOICE)
SERIAL_TOOLS = int(Need.SERIAL_TOOLS)
JSON_OBJECT = int(Need.JSON_OBJECT)
JSON_SCHEMA = int(Need.JSON_SCHEMA)
REASONING = int(Need.REASONING)
SEED = int(Need.SEED)
STOP = int(Need.STOP)
TOP_K = int(Need.TOP_K)
PENALTIES = int(Need.PENALTIES)
PROMPT_CACHE = int(Need.PROMPT_CACHE)
IMAGES = int(Need.IMAGES)
OTHER_MEDIA = int(Need.OTHER_MEDIA)
LOGPROBS = int(Need.LOGPROBS)
MULTIPLE = int(Need.MULTIPLE)
STREAM = int(Need.STREAM)
TEMPERATURE = int(Need.TEMPERATURE)
OPENAI_EXTRAS = int(Need.OPENAI_EXTRAS)
ANTHROPIC_EXTRAS = int(Need.ANTHROPIC_EXTRAS)
NATIVE_TOOLS = int(Need.NATIVE_TOOLS)
NATIVE_CONTENT = int(Need.NATIVE_CONTENT)
FIVE_STOPS = int(Need.FIVE_STOPS)
MANY_STOPS = int(Need.MANY_STOPS)

# Temperatures and top-p that ask for nothing: they are what OpenAI and Anthropic take when none is given
# (platform.openai.com/docs/api-reference/chat, docs.claude.com/en/api/messages, 2026-11).
UNCHANGED = (None, 1)


def stops(count: int) -> int:
    """What so many stop sequences need: OpenAI and Azure take four (platform.openai.com/docs/api-reference/chat, field
    ``stop``), Gemini five (ai.google.dev/api/generate-content, ``stopSequences``), Claude and Converse more than
    anyone sends (2026-11)."""
    if count <= 4:
        return STOP if count else 0
    return STOP | FIVE_STOPS | (MANY_STOPS if count > 5 else 0)
