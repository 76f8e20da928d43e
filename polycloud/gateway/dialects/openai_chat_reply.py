"""Whole OpenAI chat completions, read and written; usage, finish reasons and in-stream errors for the stream, too."""

import msgspec

from polycloud.core.chat import ChatReply, Failed, Finish, Part, Text, Thinking, ToolCall
from polycloud.core.errors import BrokenStream
from polycloud.core.usage import Usage
from polycloud.gateway.dialects import openai_chat_wire as wire
from polycloud.gateway.dialects.openai_chat_read import thought_signature
from polycloud.gateway.dialects.openai_chat_write import tool_call
from polycloud.gateway.dialects.reading import ENCODER, read_provider

FINISHES: dict[str, Finish] = {
    "stop": "stop",
    "eos": "stop",
    "length": "length",
    "model_length": "length",  # Mistral
    "max_tokens": "length",
    "tool_calls": "tool_calls",
    "function_call": "tool_calls",
    "content_filter": "content_filter",
}
BROKEN_FINISHES = frozenset(("error", "insufficient_system_resource", "abort"))  # OpenRouter, DeepSeek, vLLM
_WRITTEN: dict[Finish, str] = {
    "stop": "stop",
    "stop_sequence": "stop",
    "length": "length",
    "tool_calls": "tool_calls",
    "content_filter": "content_filter",
    "context_window": "length",
    "pause": "stop",
}
# In-stream errors that another try will not mend, by code or type.
_FINAL = frozenset(
    ("invalid_request_error", "content_filter", "context_length_exceeded", "insufficient_quota", "invalid_api_key",
     "authentication_error", "model_not_found", "BadRequestError")
)  # fmt: skip
_REPLY = msgspec.json.Decoder(wire.Reply)
_PASS = msgspec.json.Decoder(wire.PassReply)
_ERROR = msgspec.json.Decoder(wire.ErrorBody | str)


def read_reply(body: bytes) -> ChatReply:
    """The first choice. Raises BrokenStream when there is none or it has no end."""
    reply = read_provider(_REPLY, body, "the provider's answer")
    if reply.error:
        failed = read_error(reply.error)
        raise BrokenStream(f"the provider answered 200 with an error: {failed.code} {failed.message}".rstrip(), 200)
    if not reply.choices:
        raise BrokenStream("the provider's answer has no choices", 200)
    choice = reply.choices[0]
    if choice.finish_reason is None or choice.finish_reason in BROKEN_FINISHES:
        raise BrokenStream(f"the provider's answer is not finished (finish_reason {choice.finish_reason})", 200)
    message = choice.message or wire.ReplyMessage()
    parts = _parts(message, reply.id or "")
    finish, stop = finish_of(choice.finish_reason, choice.stop_reason)
    if finish == "stop" and message.tool_calls:
        finish = "tool_calls"  # some servers say stop
    return ChatReply(
        id=reply.id or "",
        model=reply.model or "",
        parts=parts,
        finish=finish,
        usage=read_usage(reply.usage) if reply.usage is not None else Usage(),
        stop_sequence=stop,
        refusal=bool(message.refusal),
    )


def _parts(message: wire.ReplyMessage, reply_id: str) -> tuple[Part, ...]:
    found: list[Part] = []
    if message.polycloud is not None:
        found += [Thinking(t.text, t.signature, t.redacted) for t in message.polycloud.thinking]
    elif message.reasoning_content or message.reasoning:
        found.append(Thinking(message.reasoning_content or message.reasoning or ""))
    if isinstance(message.content, str):
        if message.content:
            found.append(Text(message.content))
    else:
        for part in message.content or ():
            if part.thinking is not None:
                found.append(Thinking(thinking_text(part)))
            elif part.text:
                found.append(Text(part.text))
    if message.refusal:
        found.append(Text(message.refusal))
    for i, call in enumerate(message.tool_calls or ()):
        if call.function is None:
            continue  # custom tools: only callers of this dialect can ask for them, and theirs passes through
        call_id = call.id or made_id(reply_id, i)
        signature = thought_signature(call.extra_content)
        found.append(ToolCall(call_id, call.function.name or "", call.function.arguments or "", signature))
    return tuple(found)


def thinking_text(part: wire.ReplyPart) -> str:
    """The text of a thinking part, given whole or as text parts."""
    if isinstance(part.thinking, str):
        return part.thinking
    return "".join(inner.text or "" for inner in part.thinking or ())


def made_id(reply_id: str, index: int) -> str:
    """A tool call's id where the provider gives none; ids of one conversation must differ."""
    safe = "".join(c for c in reply_id if c.isascii() and (c.isalnum() or c in "-_"))
    return f"call_{safe[-24:]}_{index}"


def finish_of(reason: str, stop_reason: str | int | None) -> tuple[Finish, str]:
    """(finish, the stop sequence where vLLM names it); a reason that is not known means a normal end."""
    finish = FINISHES.get(reason, "stop")
    if finish == "stop" and isinstance(stop_reason, str) and stop_reason:
        return "stop_sequence", stop_reason
    return finish, ""


def read_usage(usage: wire.Usage) -> Usage:
    """Counts in the common convention: input with cached tokens, output with reasoning.

    Servers that leave cached tokens out of ``prompt_tokens`` or reasoning out of ``completion_tokens``
    (xAI, Gemini's compatible endpoint) are told by their own sums.
    """
    prompt = usage.prompt_tokens or 0
    output = usage.completion_tokens or 0
    details = usage.prompt_tokens_details
    read = (details.cached_tokens or 0) if details is not None else 0
    write = (details.cache_write_tokens or 0) if details is not None else 0
    read = read or usage.prompt_cache_hit_tokens or usage.cached_tokens or usage.num_cached_tokens or 0
    reasoning = (usage.completion_tokens_details.reasoning_tokens or 0) if usage.completion_tokens_details else 0
    hidden = max((usage.total_tokens or 0) - prompt - output, 0)
    if hidden and reasoning in (0, hidden):
        reasoning = hidden
        output += hidden
    if read + write > prompt:
        if max(read, write) <= prompt and usage.total_tokens == prompt + output:
            write = prompt - read  # OpenRouter counts tokens as written that were read, too
        else:
            prompt += read + write
    return Usage(prompt, output, read, write, min(reasoning, output))


def usage_body(usage: Usage) -> dict[str, object]:
    details = {"cached_tokens": usage.cache_read_tokens}
    if usage.cache_write_tokens:
        details["cache_write_tokens"] = usage.cache_write_tokens
    return {
        "prompt_tokens": usage.input_tokens,
        "completion_tokens": usage.output_tokens,
        "total_tokens": usage.input_tokens + usage.output_tokens,
        "prompt_tokens_details": details,
        "completion_tokens_details": {"reasoning_tokens": usage.reasoning_tokens},
    }


def read_error(raw: msgspec.Raw) -> Failed:
    """An error object inside a 200 answer, in the forms that OpenAI, Groq, vLLM and OpenRouter send."""
    try:
        error = _ERROR.decode(raw)
    except msgspec.DecodeError:
        return Failed("error", bytes(raw)[:300].decode("utf-8", "replace"))
    if isinstance(error, str):
        return Failed("error", error)
    status = error.code if isinstance(error.code, int) else error.status_code or 0
    code = error.code if isinstance(error.code, str) else error.type or str(status or "error")
    final = code in _FINAL or error.type in _FINAL or (400 <= status < 500 and status not in (408, 429))
    return Failed(code, error.message or "", not final)


def pass_reply(body: bytes) -> tuple[Usage | None, Finish | None]:
    """Raises BrokenStream when ``body`` is no whole answer."""
    reply = read_provider(_PASS, body, "the provider's answer")
    if not reply.choices:
        raise BrokenStream("the provider's answer has no choices", 200)
    reason = reply.choices[0].finish_reason
    if reason is None or reason in BROKEN_FINISHES:
        raise BrokenStream(f"the provider's answer is not finished (finish_reason {reason})", 200)
    return read_usage(reply.usage) if reply.usage is not None else None, FINISHES.get(reason, "stop")


def own_thinking(thinking: list[Thinking]) -> dict[str, object] | None:
    """The member ``polycloud`` that brings signatures back, None where there are none to bring."""
    if not any(t.signature or t.redacted for t in thinking):
        return None
    return {"thinking": [wire.OwnThinking(None, t.text, t.signature, t.redacted) for t in thinking]}


def write_reply(reply: ChatReply, model: str, created: int) -> bytes:
    """A chat.completion in the caller's words: ``model`` is the name that was asked for."""
    texts = [part.text for part in reply.parts if isinstance(part, Text)]
    calls = [tool_call(part) for part in reply.parts if isinstance(part, ToolCall)]
    thinking = [part for part in reply.parts if isinstance(part, Thinking)]
    text = "".join(texts)
    refused = reply.refusal and reply.finish != "content_filter"
    content = None if refused or (calls and not texts) else text
    message: dict[str, object] = {
        "role": "assistant",
        "content": content,
        "refusal": text if refused else None,
    }
    if any(t.text for t in thinking):
        message["reasoning_content"] = "".join(t.text for t in thinking)
    own = own_thinking(thinking)
    if own is not None:
        message["polycloud"] = own
    if calls:
        message["tool_calls"] = calls
    choice: dict[str, object] = {
        "index": 0,
        "message": message,
        "logprobs": None,
        "finish_reason": _WRITTEN[reply.finish],
    }
    if reply.stop_sequence:
        choice["stop_reason"] = reply.stop_sequence
    return ENCODER.encode(
        {
            "id": reply.id,
            "object": "chat.completion",
            "created": created,
            "model": model,
            "choices": [choice],
            "usage": usage_body(reply.usage),
        }
    )


def written_finish(finish: Finish) -> str:
    return _WRITTEN[finish]
