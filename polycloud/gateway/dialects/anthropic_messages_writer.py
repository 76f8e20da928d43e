"""Common events written as a stream of Anthropic messages: blocks opened, filled and closed in order."""

import msgspec

from polycloud.core.chat import (
    ChatEvent,
    Ended,
    Failed,
    Finish,
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
from polycloud.gateway.dialects import writing
from polycloud.gateway.dialects.anthropic_messages_errors import error_body
from polycloud.gateway.dialects.anthropic_messages_reply import tool_use_block, usage_body, written_finish
from polycloud.gateway.dialects.reading import ENCODER

_DELTA = b'event: content_block_delta\ndata: {"type":"content_block_delta","index":%d,"delta":%b}\n\n'
_NO_INPUT = msgspec.Raw(b"{}")


class Writer:
    """One open block at a time. Only a call whose arguments are not whole stays open beside the next one:
    some providers mix the fragments of parallel calls."""

    __slots__ = (
        "_calls",
        "_finish",
        "_id",
        "_model",
        "_next",
        "_open",
        "_open_kind",
        "_signed",
        "_started",
        "_stop",
        "_usage",
    )

    def __init__(self, model: str, reply_id: str) -> None:
        self._model = model
        self._id = reply_id
        self._usage: Usage | None = None
        self._started = False
        self._next = 0
        self._open = 0
        self._open_kind = ""
        self._signed = False
        self._calls: dict[int, tuple[int, list[str]]] = {}
        self._finish: Finish = "stop"
        self._stop = ""

    def write(self, events: list[ChatEvent]) -> bytes:
        out: list[bytes] = []
        for event in events:
            if isinstance(event, TextDelta):
                if self._open_kind != "text":
                    self._begin(out, "text", {"type": "text", "text": ""})
                out.append(_DELTA % (self._open, b'{"type":"text_delta","text":%b}' % ENCODER.encode(event.text)))
            elif isinstance(event, ToolCallDelta):
                self._arguments(out, event)
            elif isinstance(event, ThinkingDelta):
                self._thinking(out, event)
            elif isinstance(event, ToolCallStarted):
                self._call(out, event)
            elif isinstance(event, Used):
                self._usage = event.usage
            elif isinstance(event, Started):
                self._usage = event.usage or self._usage
            elif isinstance(event, Finished):
                self._finish, self._stop = event.reason, event.stop_sequence
            elif isinstance(event, Ended):
                self._end(out)
            elif isinstance(event, Failed):
                out.append(self.fail(BrokenStream(event.message or event.code, 200)))
        return b"".join(out)

    def fail(self, error: PolycloudError) -> bytes:
        """An error event; no message_stop follows."""
        return _frame("error", error_body(error))

    def _start(self, out: list[bytes]) -> None:
        """Only before content: a provider that accepts and then fails has not answered."""
        if self._started:
            return
        self._started = True
        message: dict[str, object] = {
            "id": self._id,
            "type": "message",
            "role": "assistant",
            "model": self._model,
            "content": [],
            "stop_reason": None,
            "stop_sequence": None,
            "usage": usage_body(self._usage or Usage()),
        }
        out.append(_frame("message_start", {"type": "message_start", "message": message}))

    def _begin(self, out: list[bytes], kind: str, block: dict[str, object]) -> None:
        self._start(out)
        self._close(out, calls=kind != "call")
        self._open, self._open_kind = self._next, kind
        self._next += 1
        self._signed = False
        out.append(
            _frame("content_block_start", {"type": "content_block_start", "index": self._open, "content_block": block})
        )

    def _close(self, out: list[bytes], *, calls: bool) -> None:
        """Close what is open; of the calls all of them, or only those whose arguments are whole."""
        if self._open_kind in ("text", "thinking"):
            out.append(_stop(self._open))
        self._open_kind = ""
        for index, (block, fragments) in list(self._calls.items()):
            if calls or writing.is_object("".join(fragments)):
                out.append(_stop(block))
                del self._calls[index]

    def _thinking(self, out: list[bytes], event: ThinkingDelta) -> None:
        if event.redacted:
            self._begin(out, "thinking", {"type": "redacted_thinking", "data": event.redacted})
            self._signed = True
            return
        if self._open_kind != "thinking" or self._signed:  # a signature ends its block
            self._begin(out, "thinking", {"type": "thinking", "thinking": "", "signature": ""})
        if event.text:
            out.append(_DELTA % (self._open, b'{"type":"thinking_delta","thinking":%b}' % ENCODER.encode(event.text)))
        if event.signature:
            self._signed = True
            signature = ENCODER.encode(event.signature)
            out.append(_DELTA % (self._open, b'{"type":"signature_delta","signature":%b}' % signature))

    def _call(self, out: list[bytes], event: ToolCallStarted) -> None:
        self._begin(out, "call", tool_use_block(event.id, event.name, _NO_INPUT, event.signature))
        self._calls[event.index] = (self._open, [])

    def _arguments(self, out: list[bytes], event: ToolCallDelta) -> None:
        call = self._calls.get(event.index)
        if call is None:
            return  # behind arguments that were whole only blanks can come
        call[1].append(event.arguments)
        delta = b'{"type":"input_json_delta","partial_json":%b}' % ENCODER.encode(event.arguments)
        out.append(_DELTA % (call[0], delta))

    def _end(self, out: list[bytes]) -> None:
        self._start(out)
        self._close(out, calls=True)
        delta = {"stop_reason": written_finish(self._finish), "stop_sequence": self._stop or None}
        usage = usage_body(self._usage or Usage())
        out.append(_frame("message_delta", {"type": "message_delta", "delta": delta, "usage": usage}))
        out.append(_frame("message_stop", {"type": "message_stop"}))


def _frame(event: str, body: dict[str, object]) -> bytes:
    return b"event: %b\ndata: %b\n\n" % (event.encode(), ENCODER.encode(body))


def _stop(index: int) -> bytes:
    return b'event: content_block_stop\ndata: {"type":"content_block_stop","index":%d}\n\n' % index
