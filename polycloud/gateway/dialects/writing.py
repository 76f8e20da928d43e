"""What request writers share: raw JSON that is safe to embed, and the names of what stays behind."""

from collections.abc import Callable

import msgspec

from polycloud.core.chat import ChatRequest, Media, Message, Part, ResponseFormat, Text, Thinking
from polycloud.core.errors import Unsupported

_OBJECT = msgspec.json.Decoder(dict[str, object])
OPENING = "."  # the user's first turn where a conversation has none
_MEMBERS = msgspec.json.Decoder(dict[str, msgspec.Raw])
_TOOLS = msgspec.json.Decoder(list[dict[str, msgspec.Raw]])
_COMMON_TOOL = frozenset(("type", "function", "name", "description", "input_schema", "strict", "cache_control"))
EMPTY_OBJECT = msgspec.Raw(b"{}")


def is_object(text: str) -> bool:
    """Whether ``text`` is one whole JSON object."""
    try:
        _OBJECT.decode(text)
    except (msgspec.DecodeError, RecursionError):
        return False
    return True


def arguments_object(text: str) -> msgspec.Raw:
    """A tool call's arguments as a JSON object, byte for byte where they are one.

    A model can have written arguments that are no object; one such call in a history must not
    make every later turn fail, so its text travels as the member ``arguments``.
    """
    if not text.strip():
        return EMPTY_OBJECT
    if is_object(text):
        return msgspec.Raw(text.encode())
    return msgspec.Raw(msgspec.json.encode({"arguments": text}))


def plain_text(part: Part, dialect: str) -> Text:
    """``part`` as text. Raises Unsupported for media, which these dialects do not carry yet."""
    if isinstance(part, Text):
        return part
    if isinstance(part, Media):
        raise Unsupported(f"{dialect} requests carry no {part.kind} yet; send text or choose another model", "messages")
    raise Unsupported(f"a {type(part).__name__} can not stand at this place in a {dialect} request", "messages")


def foreign_fields(request: ChatRequest, dialect: str) -> list[str]:
    """Fields that every writer but the caller's own dialect's leaves behind."""
    names = ["user"] if request.user else []
    return [*names, *request.hints, *lost(request, dialect)]


def lost(request: ChatRequest, dialect: str) -> list[str]:
    """What no writer but the caller's own dialect's carries, and what the common form has no place for."""
    return [*request.lost, *extra_names(request, dialect), *unused_choices(request)]


def unused_choices(request: ChatRequest) -> list[str]:
    """How to use tools, where there are none: no format takes it."""
    if request.tools:
        return []
    names = ["tool_choice"] if request.tool_choice is not None else []
    return names if request.parallel_tools is None else [*names, "parallel_tool_calls"]


def extra_names(request: ChatRequest, dialect: str = "") -> list[str]:
    """Names of the extras that are not ``dialect``'s own. Of tools it is the members that go, not the tools."""
    names: list[str] = []
    for owner, fields in request.extras.items():
        if owner == dialect:
            continue
        for name, raw in fields.items():
            if name == "tools":
                members = {m for tool in _TOOLS.decode(raw) for m in tool if m not in _COMMON_TOOL}
                names += [f"tools.{member}" for member in sorted(members)]
            else:
                names.append(name)
    return names


def titled(wanted: ResponseFormat) -> msgspec.Raw:
    """The schema with the format's name and description in it, for formats that have no other place for them: they are
    members of JSON Schema, ``title`` and ``description``."""
    said = {"title": wanted.name, "description": wanted.description}
    if not any(said.values()):
        return msgspec.Raw(wanted.schema)
    try:
        members = _MEMBERS.decode(wanted.schema)
    except msgspec.DecodeError:
        return msgspec.Raw(wanted.schema)
    for name, text in said.items():
        if text:
            members.setdefault(name, msgspec.Raw(msgspec.json.encode(text)))
    return msgspec.Raw(msgspec.json.encode(members))


def needs_opening(messages: tuple[Message, ...], keeps: Callable[[Part], bool]) -> bool:
    """Whether a conversation, once blank text and what ``keeps`` refuses is gone, does not begin with the user:
    formats that want it to do then get ``OPENING``."""
    for message in messages:
        if message.role != "system" and any(_says(part) and keeps(part) for part in message.parts):
            return message.role != "user"
    return True


def _says(part: Part) -> bool:
    return not isinstance(part, Text) or bool(part.text.strip())


def own_fields(request: ChatRequest, dialect: str) -> dict[str, msgspec.Raw]:
    """The request's extras of ``dialect``, ready to be members of its body."""
    return {name: msgspec.Raw(raw) for name, raw in request.extras.get(dialect, {}).items()}


def has_thinking(messages: tuple[Message, ...]) -> bool:
    return any(isinstance(part, Thinking) for message in messages for part in message.parts)


def has_late_system(messages: tuple[Message, ...]) -> bool:
    """Whether a system message stands behind another one, where only some dialects can say so."""
    begun = False
    for message in messages:
        if message.role == "system" and begun:
            return True
        begun = begun or message.role != "system"
    return False


def has_cache_marks(request: ChatRequest) -> bool:
    """Whether any part or tool asks for explicit prompt caching."""
    return any(tool.cache for tool in request.tools) or any(
        getattr(part, "cache", "") for message in request.messages for part in message.parts
    )
