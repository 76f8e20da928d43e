"""Whole Anthropic messages, read and written; usage, stop reasons and in-stream errors for the stream, too."""

import msgspec

from polycloud.core.chat import ChatReply, Failed, Finish, Part, Text, Thinking, ToolCall
from polycloud.core.errors import BrokenStream
from polycloud.core.usage import Usage
from polycloud.gateway.dialects import anthropic_messages_wire as wire
from polycloud.gateway.dialects import writing
from polycloud.gateway.dialects.anthropic_messages_write import thinking_block
from polycloud.gateway.dialects.reading import ENCODER, given, read_provider

FINISHES: dict[str, Finish] = {
    "end_turn": "stop",
    "stop_sequence": "stop_sequence",
    "max_tokens": "length",
    "tool_use": "tool_calls",
    "refusal": "content_filter",
    "model_context_window_exceeded": "context_window",
    "pause_turn": "pause",
}
_WRITTEN: dict[Finish, str] = {finish: reason for reason, finish in FINISHES.items()}
# In-stream errors that another try will not mend.
_FINAL = frozenset(
    ("invalid_request_error", "authentication_error", "permission_error", "not_found_error", "billing_error",
     "request_too_large")
)  # fmt: skip
_REPLY = msgspec.json.Decoder(wire.Reply)
_PASS = msgspec.json.Decoder(wire.PassReply)


def read_reply(body: bytes) -> ChatReply:
    """Raises BrokenStream when ``body`` is no whole answer."""
    reply = read_provider(_REPLY, body, "the provider's answer")
    if reply.stop_reason is None:
        raise BrokenStream("the provider's answer has no stop_reason", 200)
    finish, stop = finish_of(reply.stop_reason, reply.stop_sequence)
    found = [_part(block) for block in reply.content]
    return ChatReply(
        id=reply.id,
        model=reply.model,
        parts=tuple(part for part in found if part is not None),
        finish=finish,
        usage=read_usage(reply.usage) if reply.usage is not None else Usage(),
        stop_sequence=stop,
        refusal=reply.stop_reason == "refusal",
    )


def _part(block: wire.ReplyBlock) -> Part | None:
    """None for the traces of server tools: only callers of this dialect can ask for them, and theirs passes through."""
    kind = block.type
    if kind == "text":
        return Text(block.text) if block.text else None
    if kind == "tool_use":
        arguments = bytes(block.input).decode() if given(block.input) else "{}"
        signature = block.polycloud.signature if block.polycloud is not None else ""
        return ToolCall(block.id or "", block.name or "", arguments, signature)
    if kind == "thinking":
        return Thinking(block.thinking or "", block.signature or "")
    if kind == "redacted_thinking":
        return Thinking(redacted=block.data or "")
    return None


def finish_of(reason: str, stop_sequence: str | None) -> tuple[Finish, str]:
    """(finish, stop sequence); a reason that is not known means a normal end."""
    finish = FINISHES.get(reason, "stop")
    return finish, (stop_sequence or "") if finish == "stop_sequence" else ""


def read_usage(usage: wire.Usage, before: wire.Usage | None = None) -> Usage:
    """Counts in the common convention: Anthropic leaves cached tokens out of ``input_tokens``.

    ``before`` are the counts of message_start; those of message_delta are cumulative and may leave members out.
    """
    plain, output = usage.input_tokens, usage.output_tokens
    read, write, lives = usage.cache_read_input_tokens, usage.cache_creation_input_tokens, usage.cache_creation
    if before is not None:
        plain = before.input_tokens if plain is None else plain
        output = before.output_tokens if output is None else output
        read = before.cache_read_input_tokens if read is None else read
        write = before.cache_creation_input_tokens if write is None else write
        lives = before.cache_creation if lives is None else lives
    thinking = (usage.output_tokens_details.thinking_tokens or 0) if usage.output_tokens_details is not None else 0
    read, write = read or 0, write or 0
    hour = min((lives.ephemeral_1h_input_tokens or 0) if lives is not None else 0, write)
    return Usage((plain or 0) + read + write, output or 0, read, write, thinking, hour)


def usage_body(usage: Usage) -> dict[str, object]:
    body: dict[str, object] = {
        "input_tokens": max(usage.input_tokens - usage.cache_read_tokens - usage.cache_write_tokens, 0),
        "cache_creation_input_tokens": usage.cache_write_tokens,
        "cache_read_input_tokens": usage.cache_read_tokens,
        "output_tokens": usage.output_tokens,
    }
    if usage.cache_write_tokens:
        hour = usage.cache_write_hour_tokens
        body["cache_creation"] = {
            "ephemeral_5m_input_tokens": usage.cache_write_tokens - hour,
            "ephemeral_1h_input_tokens": hour,
        }
    if usage.reasoning_tokens:
        body["output_tokens_details"] = {"thinking_tokens": usage.reasoning_tokens}
    return body


def read_error(error: wire.Error | None) -> Failed:
    """An ``error`` event: what failed after HTTP 200."""
    kind = (error.type if error is not None else None) or "error"
    return Failed(kind, (error.message if error is not None else None) or "", kind not in _FINAL)


def pass_reply(body: bytes) -> tuple[Usage | None, Finish | None]:
    """Raises BrokenStream when ``body`` is no whole answer."""
    reply = read_provider(_PASS, body, "the provider's answer")
    if reply.stop_reason is None:
        raise BrokenStream("the provider's answer has no stop_reason", 200)
    usage = read_usage(reply.usage) if reply.usage is not None else None
    return usage, FINISHES.get(reply.stop_reason, "stop")


def tool_use_block(call_id: str, name: str, arguments: msgspec.Raw, signature: str) -> dict[str, object]:
    """``signature`` is another vendor's and travels in a member of ours, to come back with the call."""
    block: dict[str, object] = {"type": "tool_use", "id": call_id, "name": name, "input": arguments}
    if signature:
        block["polycloud"] = {"signature": signature}
    return block


def write_reply(reply: ChatReply, model: str) -> bytes:
    """A message in the caller's words: ``model`` is the name that was asked for."""
    content: list[dict[str, object]] = []
    for part in reply.parts:
        if isinstance(part, Text):
            content.append({"type": "text", "text": part.text})
        elif isinstance(part, Thinking):
            content.append(thinking_block(part))
        elif isinstance(part, ToolCall):
            arguments = writing.arguments_object(part.arguments)
            content.append(tool_use_block(part.id, part.name, arguments, part.signature))
    return ENCODER.encode(
        {
            "id": reply.id,
            "type": "message",
            "role": "assistant",
            "model": model,
            "content": content,
            "stop_reason": written_finish(reply.finish, refusal=reply.refusal),
            "stop_sequence": reply.stop_sequence or None,
            "usage": usage_body(reply.usage),
        }
    )


def written_finish(finish: Finish, *, refusal: bool = False) -> str:
    return "refusal" if refusal else _WRITTEN[finish]
