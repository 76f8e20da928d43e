"""Streamed Anthropic messages: a reader, and a tap for those that pass through."""

import msgspec

from polycloud.core.chat import (
    ChatEvent,
    Ended,
    Finished,
    Started,
    TextDelta,
    ThinkingDelta,
    ToolCallDelta,
    ToolCallStarted,
    Used,
)
from polycloud.gateway.dialects import anthropic_messages_wire as wire
from polycloud.gateway.dialects.alike import Watch, around
from polycloud.gateway.dialects.anthropic_messages_reply import FINISHES, finish_of, read_error, read_usage
from polycloud.gateway.dialects.reading import UNREADABLE, given, read_provider
from polycloud.gateway.dialects.sse import CR, LF, SEPARATOR, Frames, parse, tail

_EVENT = msgspec.json.Decoder(wire.Event)
_PASS = msgspec.json.Decoder(wire.PassEvent)
_TEXT = msgspec.json.Decoder(wire.TextEvent)
_WHAT = "an event of the provider's stream"


def _data(frame: bytes) -> bytes:
    """The data of a frame; b"" for a comment. Every event names its type in its data, too."""
    if frame.startswith(b"event: "):
        _, _, data = frame.partition(b"\ndata: ")
        if data and LF not in data and CR not in data:
            return data
    return parse(frame)[1]


class Reader:
    """Events of the wire into common events; pings and unknown events are skipped, as the protocol asks, and all that
    follows ``message_stop``."""

    __slots__ = ("_before", "_ended", "_failed", "_frames", "_silent", "_tools")

    def __init__(self) -> None:
        self._frames = Frames()
        self._before: wire.Usage | None = None
        self._tools: dict[int, int] = {}
        self._silent: set[int] = set()
        self._failed = False
        self._ended = False

    def feed(self, data: bytes) -> list[ChatEvent]:
        """Raises BrokenStream on a frame that can not be read."""
        events: list[ChatEvent] = []
        for frame in data.split(SEPARATOR) if self._frames.whole(data) else self._frames.cut(data):
            payload = _data(frame)
            if self._ended:
                break
            if payload and not self._failed:
                self._event(read_provider(_EVENT, payload, _WHAT), events)
        return events

    def _event(self, event: wire.Event, events: list[ChatEvent]) -> None:
        kind = event.type
        if kind == "content_block_delta":
            if event.delta is not None:
                self._delta(event.index or 0, event.delta, events)
        elif kind == "content_block_start":
            if event.content_block is not None:
                self._block(event.index or 0, event.content_block, events)
        elif kind == "content_block_stop":
            if event.index in self._silent:  # a call without arguments is streamed without any
                self._silent.discard(event.index)
                events.append(ToolCallDelta(self._tools[event.index], "{}"))
        elif kind == "message_start" and event.message is not None:
            message = event.message
            self._before = message.usage
            usage = read_usage(message.usage) if message.usage is not None else None
            events.append(Started(message.id, message.model, usage))
        elif kind == "message_delta":
            if event.delta is not None and event.delta.stop_reason is not None:
                events.append(Finished(*finish_of(event.delta.stop_reason, event.delta.stop_sequence)))
            if event.usage is not None:
                events.append(Used(read_usage(event.usage, self._before)))
        elif kind == "message_stop":
            self._ended = True
            events.append(Ended())
        elif kind == "error":
            self._failed = True
            events.append(read_error(event.error))

    def _delta(self, index: int, delta: wire.Delta, events: list[ChatEvent]) -> None:
        if delta.text:
            events.append(TextDelta(delta.text))
        elif delta.partial_json:
            call = self._tools.get(index)
            if call is not None:  # a server tool's input is not for the caller
                self._silent.discard(index)
                events.append(ToolCallDelta(call, delta.partial_json))
        elif delta.thinking or delta.signature:
            events.append(ThinkingDelta(delta.thinking or "", delta.signature or ""))

    def _block(self, index: int, block: wire.ReplyBlock, events: list[ChatEvent]) -> None:
        kind = block.type
        if kind == "tool_use":
            call = self._tools[index] = len(self._tools)
            signature = block.polycloud.signature if block.polycloud is not None else ""
            events.append(ToolCallStarted(call, block.id or "", block.name or "", signature))
            arguments = bytes(block.input).decode() if given(block.input) else "{}"
            if arguments.strip("{} \t\r\n"):
                events.append(ToolCallDelta(call, arguments))
            else:
                self._silent.add(index)
        elif kind == "text" and block.text:
            events.append(TextDelta(block.text))
        elif kind == "thinking" and (block.thinking or block.signature):
            events.append(ThinkingDelta(block.thinking or "", block.signature or ""))
        elif kind == "redacted_thinking":
            events.append(ThinkingDelta(redacted=block.data or ""))


class Tap(Watch):
    """Lets events through as they are and reads what metering needs."""

    __slots__ = ("_before",)

    def __init__(self) -> None:
        super().__init__()
        self._before: wire.Usage | None = None

    def feed(self, data: bytes) -> bytes:
        """Raises BrokenStream on a frame that can not be read."""
        if self.ended:
            return tail(data)
        whole = self._frames.whole(data)
        frames = data.split(SEPARATOR) if whole else self._frames.cut(data)
        if self._lessons and self.content and whole and len(frames) == 2:  # the second is what follows: nothing
            self._learn(frames[0])
        for count, frame in enumerate(frames, 1):
            self._see(frame)
            if self.ended:  # what follows the mark is no part of the answer
                frames[count:] = [b""] if whole else []
                return (SEPARATOR if whole else b"").join(frames)
        return data if whole else b"".join(frames)

    def _learn(self, frame: bytes) -> None:
        """Keep the form of an event that holds text and nothing that would have to be read."""
        self._lessons -= 1
        try:
            event = _TEXT.decode(_data(frame))
        except UNREADABLE:
            return
        if event.type == "content_block_delta":
            self._head, self._tail = around(frame, bytes(event.delta.text))

    def _see(self, frame: bytes) -> None:
        payload = _data(frame)
        if not payload:
            return
        if not self.content:
            self.content = _has_content(read_provider(_EVENT, payload, _WHAT))
        event = read_provider(_PASS, payload, _WHAT)
        kind = event.type
        if kind == "content_block_delta":
            return
        if kind == "message_start" and event.message is not None:
            self._before = event.message.usage
            if self._before is not None:
                self.usage = read_usage(self._before)
        elif kind == "message_delta":
            if event.delta is not None and event.delta.stop_reason is not None:
                self.finish = FINISHES.get(event.delta.stop_reason, "stop")
            if event.usage is not None:
                self.usage = read_usage(event.usage, self._before)
        elif kind == "message_stop":
            self.ended = not self.failed
        elif kind == "error":
            failed = read_error(event.error)
            self.failed = f"{failed.code}: {failed.message}"


def _has_content(event: wire.Event) -> bool:
    if event.type == "content_block_delta" and event.delta is not None:
        delta = event.delta
        return bool(delta.text or delta.partial_json or delta.thinking or delta.signature)
    if event.type == "content_block_start" and event.content_block is not None:
        block = event.content_block
        return block.type not in ("text", "thinking") or bool(block.text or block.thinking)
    return False
