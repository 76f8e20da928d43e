"""Gemini's generateContent, as Vertex AI and the Gemini API speak it."""

from polycloud.core.chat import ChatReply, ChatRequest
from polycloud.core.ports.models import StreamReader
from polycloud.gateway.dialects import gemini_request as writer
from polycloud.gateway.dialects.gemini_reply import read_reply
from polycloud.gateway.dialects.gemini_stream import GeminiReader


class Gemini:
    """The dialect of ``:generateContent`` and ``:streamGenerateContent?alt=sse``; the model stands in the path."""

    name = writer.NAME
    request_content_type = "application/json"
    stream_content_type = "text/event-stream"

    def write_request(self, request: ChatRequest, model: str, called: str = "") -> bytes:
        return writer.write_request(request, model)

    def dropped(self, request: ChatRequest, model: str = "") -> tuple[str, ...]:
        """What is left behind depends on the model's version; without ``model`` the asked name has to tell it."""
        return writer.dropped(request, model or request.model)

    def read_reply(self, body: bytes) -> ChatReply:
        return read_reply(body)

    def stream_reader(self) -> StreamReader:
        return GeminiReader()
