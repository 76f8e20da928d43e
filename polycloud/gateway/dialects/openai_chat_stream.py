"""Streamed OpenAI chat completions: a reader, a writer, and a tap for those that pass through."""

import msgspec

from polycloud.core.chat import (
    ChatEvent,
    Ended,
    Failed,
    Finished,
    Started,
    TextDelta,
    ThinkingDelta,
    ToolCallDelta,
    ToolCallStarted,
    Used,
)
from polycloud.core.errors import BrokenStream, PolycloudError
from polycloud.core.usage import Usage
from polycloud.gateway.dialects import openai_chat_wire as wire
from polycloud.gateway.dialects.alike import Watch, around
from polycloud.gateway.dialects.openai_chat_errors import error_body
from polycloud.gateway.dialects.openai_chat_read import thought_signature
from polycloud.gateway.dialects.openai_chat_reply import (
    BROKEN_FINISHES,
    finish_of,
    made_id,
    read_error,
    read_usage,
    thinking_text,
    usage_body,
    written_finish,
)
from polycloud.gateway.dialects.reading import ENCODER, UNREADABLE, read_provider, unreadable
from polycloud.gateway.dialects.sse import CR, LF, SEPARATOR, Frames, parse, tail

_CHUNK = msgspec.json.Decoder(wire.Chunk)
_PASS = msgspec.json.Decoder(wire.PassChunk)
_TEXT = msgspec.json.Decoder(wire.TextChunk)
_DONE = b"[DONE]"
_WHAT = "a chunk of the provider's stream"


def _data(frame: bytes) -> bytes:
    """The data of a frame; b"" for a comment."""
    if frame.startswith(b"data: ") and LF not in frame and CR not in frame:
        return frame[6:]
    event, data = parse(frame)
    if event == b"error" and data and not data.startswith(b'{"error"'):
        return b'{"error":' + data + b"}"
    return data


class Reader:
    """Chunks into events. After an error nothing more is read, as some servers send [DONE] behind it; and nothing
    after [DONE].

    An error behind the finish reason does not undo the answer (OpenRouter tells so of a bound that was reached).
    """

    __slots__ = ("_calls", "_count", "_ended", "_failed", "_finished", "_frames", "_id", "_started")

    def __init__(self) -> None:
        self._frames = Frames()
        self._calls: dict[int, tuple[int, str]] = {}
        self._count = 0
        self._id = ""
        self._started = False
        self._finished = False
        self._failed = False
        self._ended = False

    def feed(self, data: bytes) -> list[ChatEvent]:
        """Raises BrokenStream on a frame that can not be read."""
        events: list[ChatEvent] = []
        if self._ended:
            return events
        for frame in data.split(SEPARATOR) if self._frames.whole(data) else self._frames.cut(data):
            payload = _data(frame)
            if not payload or self._failed:
                continue
            if payload == _DONE:
                self._ended = True
                if not self._finished:  # Snowflake gives no reason
                    events.append(Finished("tool_calls" if self._count else "stop"))
                events.append(Ended())
                break
            self._chunk(read_provider(_CHUNK, payload, _WHAT), payload, events)
        return events

    def _chunk(self, chunk: wire.Chunk, payload: bytes, events: list[ChatEvent]) -> None:
        if (chunk.error or chunk.object == "error") and not self._finished:
            self._failed = True
            events.append(read_error(chunk.error or msgspec.Raw(payload)))
            return
        if not self._started and (chunk.id or chunk.choices):
            self._started = True
            self._id = chunk.id or ""
            events.append(Started(self._id, chunk.model or ""))
        for choice in chunk.choices or ():
            if choice.index:
                continue  # n > 1 has no common form
            if choice.delta is not None:
                self._delta(choice.delta, events)
            reason = choice.finish_reason
            if reason and not self._finished:  # OpenRouter repeats it
                self._finished = True
                if reason in BROKEN_FINISHES:
                    self._failed = True
                    events.append(Failed(reason, "the provider broke the answer off"))
                    return
                finish, stop = finish_of(reason, choice.stop_reason)
                if finish == "stop" and self._count:
                    finish = "tool_calls"  # some servers say stop
                events.append(Finished(finish, stop))
        usage = chunk.usage
        if usage is None and chunk.x_groq is not None:
            usage = chunk.x_groq.usage
        if usage is not None:
            events.append(Used(read_usage(usage)))

    def _delta(self, delta: wire.ReplyMessage, events: list[ChatEvent]) -> None:
        thought = delta.reasoning_content or delta.reasoning
        if delta.polycloud is not None:  # its text repeats what was streamed
            events += [ThinkingDelta(thought or "", t.signature, t.redacted) for t in delta.polycloud.thinking]
        elif thought:
            events.append(ThinkingDelta(thought))
        content = delta.content
        if content:
            if isinstance(content, str):
                events.append(TextDelta(content))
            else:
                for part in content:
                    if part.thinking is not None:
                        events.append(ThinkingDelta(thinking_text(part)))
                    elif part.text:
                        events.append(TextDelta(part.text))
        if delta.refusal:
            events.append(TextDelta(delta.refusal))
        for call in delta.tool_calls or ():
            self._call(call, events)

    def _call(self, call: wire.ReplyToolCall, events: list[ChatEvent]) -> None:
        """Fragments are keyed by index; where servers leave it out or repeat it, a new id begins a new call."""
        key = -1 if call.index is None else call.index
        known = self._calls.get(key)
        function = call.function
        if known is None or (call.id and call.id != known[1] and function is not None and function.name):
            call_id = call.id or made_id(self._id, self._count)
            known = self._calls[key] = (self._count, call_id)
            self._count += 1
            name = (function.name if function is not None else None) or ""
            events.append(ToolCallStarted(known[0], call_id, name, thought_signature(call.extra_content)))
        if function is not None and function.arguments:
            events.append(ToolCallDelta(known[0], function.arguments))


class Writer:
    """Events into chunks."""

    __slots__ = ("_begun", "_finished", "_head", "_include_usage", "_owned", "_tail", "_thought", "_usage")

    def __init__(self, model: str, reply_id: str, created: int, include_usage: bool) -> None:
        self._head = b'data: {"id":%b,"object":"chat.completion.chunk","created":%d,"model":%b,"choices":[' % (
            ENCODER.encode(reply_id),
            created,
            ENCODER.encode(model),
        )
        # Where usage was asked for, every chunk but the last says null, as OpenAI's do.
        self._tail = b'],"usage":null}\n\n' if include_usage else b"]}\n\n"
        self._include_usage = include_usage
        self._usage: Usage | None = None
        self._begun = False
        self._finished = False
        self._thought: list[str] = []
        self._owned = 0

    def write(self, events: list[ChatEvent]) -> bytes:
        out: list[bytes] = []
        for event in events:
            kind = type(event)
            if kind is TextDelta:
                if not self._begun:
                    self._begin(out, b'""')
                self._delta(out, b'{"content":%b}' % ENCODER.encode(event.text))  # type: ignore[union-attr]
            elif kind is ToolCallDelta:
                self._delta(
                    out,
                    b'{"tool_calls":[{"index":%d,"function":{"arguments":%b}}]}'
                    % (event.index, ENCODER.encode(event.arguments)),  # type: ignore[union-attr]
                )
            elif isinstance(event, ThinkingDelta):
                self._thinking(out, event)
            elif isinstance(event, ToolCallStarted):
                self._call(out, event)
            elif isinstance(event, Used):
                self._usage = event.usage
            elif isinstance(event, Started):
                self._usage = event.usage or self._usage
            elif isinstance(event, Finished):
                self._finish(out, event)
            elif isinstance(event, Ended):
                self._end(out)
            elif isinstance(event, Failed):
                out.append(self.fail(BrokenStream(event.message or event.code, 200)))
        return b"".join(out)

    def fail(self, error: PolycloudError) -> bytes:
        """An error frame; no [DONE] follows, so that nobody takes the answer for whole."""
        return b"data: %b\n\n" % ENCODER.encode(error_body(error))

    def _begin(self, out: list[bytes], content: bytes) -> None:
        self._begun = True
        self._delta(out, b'{"role":"assistant","content":%b}' % content)

    def _delta(self, out: list[bytes], delta: bytes) -> None:
        out.append(b'%b{"index":0,"delta":%b,"finish_reason":null}%b' % (self._head, delta, self._tail))

    def _thinking(self, out: list[bytes], event: ThinkingDelta) -> None:
        if not self._begun:
            self._begin(out, b'""')
        delta: dict[str, object] = {}
        if event.text:
            self._thought.append(event.text)
            delta["reasoning_content"] = event.text
        if event.signature or event.redacted:  # with all its text: a signature is worth nothing without
            own = wire.OwnThinking(self._owned, "".join(self._thought), event.signature, event.redacted)
            delta["polycloud"] = {"thinking": [own]}
            self._owned += 1
            self._thought.clear()
        self._delta(out, ENCODER.encode(delta))

    def _call(self, out: list[bytes], event: ToolCallStarted) -> None:
        if not self._begun:
            self._begin(out, b"null")
        call: dict[str, object] = {
            "index": event.index,
            "id": event.id,
            "type": "function",
            "function": {"name": event.name, "arguments": ""},
        }
        if event.signature:
            call["extra_content"] = {"google": {"thought_signature": event.signature}}
        self._delta(out, ENCODER.encode({"tool_calls": [call]}))

    def _finish(self, out: list[bytes], event: Finished) -> None:
        if not self._begun:
            self._begin(out, b'""')
        self._finished = True
        stop = b',"stop_reason":%b' % ENCODER.encode(event.stop_sequence) if event.stop_sequence else b""
        out.append(
            b'%b{"index":0,"delta":{},"finish_reason":"%b"%b}%b'
            % (self._head, written_finish(event.reason).encode(), stop, self._tail)
        )

    def _end(self, out: list[bytes]) -> None:
        if not self._finished:
            self._finish(out, Finished("stop"))
        if self._include_usage and self._usage is not None:
            out.append(b'%b],"usage":%b}\n\n' % (self._head, ENCODER.encode(usage_body(self._usage))))
        out.append(b"data: [DONE]\n\n")


class Tap(Watch):
    """Lets chunks through as they are, but for the usage chunk that the caller did not ask for.

    An error behind the last finish reason does not undo the answer; ``choices`` is how many are to come."""

    __slots__ = ("_choices", "_finished", "_hide_usage")

    def __init__(self, include_usage: bool, choices: int = 1) -> None:
        super().__init__()
        self._choices = choices
        self._finished: set[int] = set()
        self._hide_usage = not include_usage

    def feed(self, data: bytes) -> bytes:
        """Raises BrokenStream on a frame that can not be read. What follows the mark is no part of the answer."""
        if self.ended:
            return tail(data)
        whole = self._frames.whole(data)
        frames = data.split(SEPARATOR) if whole else self._frames.cut(data)
        if whole:
            frames.pop()  # what follows the last separator: nothing
            if self._lessons and self.content and len(frames) == 1:
                self._learn(frames[0])
        shown = []
        for frame in frames:
            if self._shows(frame):
                shown.append(frame)
            if self.ended:
                break
        if not whole:
            return b"".join(shown)
        if len(shown) == len(frames):
            return data
        shown.append(b"")
        return SEPARATOR.join(shown)

    def _learn(self, frame: bytes) -> None:
        """Keep the form of a frame that holds text and nothing that would have to be read."""
        self._lessons -= 1
        try:
            chunk = _TEXT.decode(_data(frame))
        except UNREADABLE:
            return
        told = chunk.usage or chunk.error or chunk.x_groq or chunk.object == "error"
        if not told and len(chunk.choices) == 1 and chunk.choices[0].finish_reason is None:
            self._head, self._tail = around(frame, bytes(chunk.choices[0].delta.content))

    def _shows(self, frame: bytes) -> bool:
        plain = frame[:6] == b"data: " and LF not in frame and CR not in frame
        payload = frame[6:] if plain else _data(frame)
        if not payload:
            return True
        if payload == _DONE:
            self.ended = not self.failed
            return True
        try:
            if not self.content:
                self.content = _has_content(_CHUNK.decode(payload))
            chunk = _PASS.decode(payload)
        except UNREADABLE as error:
            raise unreadable(_WHAT, error) from error
        choices = chunk.choices
        for choice in choices or ():
            reason = choice.finish_reason
            if reason:
                if reason in BROKEN_FINISHES:
                    self.failed = f"{reason}: the provider broke the answer off"
                self.finish = finish_of(reason, None)[0]
                self._finished.add(choice.index)
        if (chunk.error or chunk.object == "error") and len(self._finished) < self._choices:
            failed = read_error(chunk.error or msgspec.Raw(payload))
            self.failed = f"{failed.code}: {failed.message}"
            return True
        if chunk.usage is not None:
            self.usage = read_usage(chunk.usage)
            return not (self._hide_usage and not choices)
        if chunk.x_groq is not None and chunk.x_groq.usage is not None:
            self.usage = read_usage(chunk.x_groq.usage)
        return True


def _has_content(chunk: wire.Chunk) -> bool:
    delta = chunk.choices[0].delta if chunk.choices else None
    return delta is not None and bool(
        delta.content
        or delta.tool_calls
        or delta.reasoning_content
        or delta.reasoning
        or delta.refusal
        or delta.polycloud
    )
