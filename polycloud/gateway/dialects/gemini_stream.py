"""Reads a streamed Gemini answer: server-sent events whose data are answers in pieces, in chat events out.

There is no ``[DONE]``: the piece with a ``finishReason`` ends the answer (all recorded streams,
2026-11). Pieces with usage alone may follow it and are still read.
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
from polycloud.gateway.dialects import sse
from polycloud.gateway.dialects.gemini_reply import (
    CHUNK,
    MALFORMED,
    Candidate,
    Chunk,
    Error,
    PartShape,
    blocked_prompt,
    call_id,
    finish_of,
    malformed,
    sign,
)

# 4xx but for these say that the request is wrong; the rest is the provider's state.
RETRYABLE_CODES = frozenset({0, 408, 409, 429, 499})


class GeminiReader:
    """A StreamReader of ``streamGenerateContent?alt=sse``."""

    def __init__(self) -> None:
        self._frames = sse.Frames()
        self._started = False
        self._ended = False
        self._calls = 0
        self._response_id = ""
        self._broken = ""

    def feed(self, data: bytes) -> list[ChatEvent]:
        if self._broken:
            raise BrokenStream(self._broken)
        events: list[ChatEvent] = []
        for frame in self._frames.cut(data):
            _, found = sse.parse(frame)
            if not found:
                continue
            try:
                self._read(CHUNK.decode(found), events)
            except (msgspec.DecodeError, RecursionError) as error:
                if self._ended:  # what follows the end is no part of the answer, but for counts of tokens
                    continue
                self._broken = f"a piece of the Gemini stream can not be read: {error}"
                if not events:
                    raise BrokenStream(self._broken) from error
                break
        return events

    def _read(self, chunk: Chunk, events: list[ChatEvent]) -> None:
        if self._ended:
            if chunk.usage_metadata is not None:
                events.append(Used(chunk.usage_metadata.common()))
            return
        if chunk.error is not None:
            events.append(_failed(chunk.error))
            return
        if not self._started:
            self._started = True
            self._response_id = chunk.response_id
            events.append(Started(chunk.response_id, chunk.model_version))
        finished = False
        for candidate in chunk.candidates:
            if candidate.index == 0:
                finished = self._candidate(candidate, events)
        if chunk.usage_metadata is not None:
            events.append(Used(chunk.usage_metadata.common()))
        if finished:
            self._ended = True
            events.append(Ended())
        blocked = blocked_prompt(chunk)
        if blocked:
            events.append(Failed("content_filtered", blocked, retryable=False))

    def _candidate(self, candidate: Candidate, events: list[ChatEvent]) -> bool:
        """Whether the candidate's end was read for the first time."""
        if candidate.content is not None:
            for part in candidate.content.parts:
                self._part(part, events)
        reason = candidate.finish_reason
        if reason is None:
            return False
        if reason in MALFORMED:
            events.append(Failed(reason.lower(), malformed(candidate)))
            return False
        events.append(Finished(finish_of(reason, self._calls)))
        return True

    def _part(self, part: PartShape, events: list[ChatEvent]) -> None:
        call = part.function_call
        if call is not None:
            index = self._calls
            self._calls += 1
            made = call_id(self._response_id, index, call)
            events.append(ToolCallStarted(index, made, call.name, part.thought_signature))
            events.append(ToolCallDelta(index, bytes(call.args).decode()))
        elif part.thought:
            if part.text or part.thought_signature:
                events.append(ThinkingDelta(part.text or "", sign(part.thought_signature)))
        elif part.text is not None:
            if part.text:
                events.append(TextDelta(part.text))
            if part.thought_signature:
                events.append(ThinkingDelta(signature=sign(part.thought_signature)))


def _failed(error: Error) -> Failed:
    retryable = error.code in RETRYABLE_CODES or error.code >= 500
    return Failed(error.status or str(error.code), error.message, retryable)
