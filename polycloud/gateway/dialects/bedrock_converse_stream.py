"""Reads a ConverseStream answer: event stream frames in, chat events out.

The order on the wire is messageStart, blocks, messageStop, metadata (all recorded streams, 2026-11).
``metadata`` alone carries the usage, so the stream has ended when both it and ``messageStop`` were
read; a connection that closes between the two lost its usage and counts as broken.
"""

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
from polycloud.core.errors import BrokenStream
from polycloud.gateway.dialects.bedrock_converse_reply import (
    FINISHES,
    MALFORMED,
    NO_FIELDS,
    SERVER_TOOL,
    ModelFields,
    TokenUsage,
    read_redacted,
)
from polycloud.gateway.dialects.eventstream import EventStream, Frame

FINAL_EXCEPTIONS = frozenset({"validationException", "accessDeniedException", "resourceNotFoundException"})


class _ToolStart(msgspec.Struct, rename="camel"):
    tool_use_id: str
    name: str
    type: str = ""


class _Start(msgspec.Struct, rename="camel"):
    tool_use: _ToolStart | None = None


class _BlockStart(msgspec.Struct, rename="camel"):
    start: _Start
    content_block_index: int = 0


class _ToolInput(msgspec.Struct):
    input: str = ""


class _ReasoningDelta(msgspec.Struct, rename="camel"):
    text: str = ""
    signature: str = ""
    redacted_content: str = ""


class _Delta(msgspec.Struct, rename="camel"):
    text: str | None = None
    tool_use: _ToolInput | None = None
    reasoning_content: _ReasoningDelta | None = None


class _BlockDelta(msgspec.Struct, rename="camel"):
    delta: _Delta
    content_block_index: int = 0


class _BlockStop(msgspec.Struct, rename="camel"):
    content_block_index: int = 0


class _MessageStop(msgspec.Struct, rename="camel"):
    stop_reason: str
    additional_model_response_fields: ModelFields | None = None


class _Metadata(msgspec.Struct):
    usage: TokenUsage


class _Exception(msgspec.Struct):
    message: str = ""


_BLOCK_START = msgspec.json.Decoder(_BlockStart)
_BLOCK_DELTA = msgspec.json.Decoder(_BlockDelta)
_BLOCK_STOP = msgspec.json.Decoder(_BlockStop)
_MESSAGE_STOP = msgspec.json.Decoder(_MessageStop)
_METADATA = msgspec.json.Decoder(_Metadata)
_EXCEPTION = msgspec.json.Decoder(_Exception)


class _OpenTool:
    """A tool block that is being written: its number among the answer's tool calls, and whether it has input."""

    __slots__ = ("index", "written")

    def __init__(self, index: int) -> None:
        self.index = index
        self.written = False


class BedrockConverseReader:
    """A StreamReader of Converse events."""

    def __init__(self) -> None:
        self._frames = EventStream()
        self._tools: dict[int, _OpenTool] = {}
        self._count = 0
        self._stopped = False
        self._metered = False
        self._broken = ""

    def feed(self, data: bytes) -> list[ChatEvent]:
        if self._broken:
            raise BrokenStream(self._broken)
        events: list[ChatEvent] = []
        if self._stopped and self._metered:
            return events
        for frame in self._frames.feed(data):
            if self._stopped and self._metered:  # what follows the end is no part of the answer
                break
            try:
                self._read(frame, events)
            except (msgspec.DecodeError, RecursionError) as error:
                self._broken = f"a {frame.name} event of the stream can not be read: {error}"
                if not events:
                    raise BrokenStream(self._broken) from error
                break
        return events

    def _read(self, frame: Frame, events: list[ChatEvent]) -> None:
        name = frame.name
        if frame.kind != "event":
            events.append(_failed(frame))
        elif name == "contentBlockDelta":
            self._delta(_BLOCK_DELTA.decode(frame.payload), events)
        elif name == "contentBlockStart":
            self._start(_BLOCK_START.decode(frame.payload), events)
        elif name == "contentBlockStop":
            self._stop(_BLOCK_STOP.decode(frame.payload).content_block_index, events)
        elif name == "messageStart":
            events.append(Started())
        elif name == "messageStop":
            self._finish(_MESSAGE_STOP.decode(frame.payload), events)
        elif name == "metadata":
            events.append(Used(_METADATA.decode(frame.payload).usage.common()))
            self._metered = True
            if self._stopped:
                events.append(Ended())

    def _delta(self, block: _BlockDelta, events: list[ChatEvent]) -> None:
        delta = block.delta
        if delta.text:
            events.append(TextDelta(delta.text))
        elif delta.tool_use is not None:
            tool = self._tools.get(block.content_block_index)
            if tool is not None and delta.tool_use.input:
                tool.written = True
                events.append(ToolCallDelta(tool.index, delta.tool_use.input))
        elif delta.reasoning_content is not None:
            thought = delta.reasoning_content
            if thought.redacted_content:
                events.append(ThinkingDelta(redacted=read_redacted(thought.redacted_content)))
            elif thought.text or thought.signature:
                events.append(ThinkingDelta(thought.text, thought.signature))

    def _start(self, block: _BlockStart, events: list[ChatEvent]) -> None:
        tool = block.start.tool_use
        if tool is None or tool.type == SERVER_TOOL:
            return
        self._tools[block.content_block_index] = _OpenTool(self._count)
        events.append(ToolCallStarted(self._count, tool.tool_use_id, tool.name))
        self._count += 1

    def _stop(self, index: int, events: list[ChatEvent]) -> None:
        tool = self._tools.pop(index, None)
        if tool is not None and not tool.written:
            events.append(ToolCallDelta(tool.index, "{}"))  # a call without arguments sends no input at all

    def _finish(self, stop: _MessageStop, events: list[ChatEvent]) -> None:
        reason = stop.stop_reason
        if reason in MALFORMED:
            events.append(Failed(reason, f"Bedrock ended the answer with {reason}"))
            return
        finish = FINISHES.get(reason, "stop")
        events.append(Finished(finish, (stop.additional_model_response_fields or NO_FIELDS).stop(finish)))
        self._stopped = True
        if self._metered:
            events.append(Ended())


def _failed(frame: Frame) -> Failed:
    try:
        message = _EXCEPTION.decode(frame.payload).message
    except msgspec.DecodeError:
        message = ""
    return Failed(frame.name, message or f"Bedrock sent {frame.name} in the stream", frame.name not in FINAL_EXCEPTIONS)
