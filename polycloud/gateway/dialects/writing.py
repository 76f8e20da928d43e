"""What request writers share: raw JSON that is safe to embed, and the names of what stays behind."""

import msgspec

from polycloud.core.chat import ChatRequest, Media, Message, Part, Text, Thinking
from polycloud.core.errors import Unsupported

_OBJECT = msgspec.json.Decoder(dict[str, object])
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
    names += request.hints
    for owner, fields in request.extras.items():
        if owner != dialect:
            names += fields
    return names


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
