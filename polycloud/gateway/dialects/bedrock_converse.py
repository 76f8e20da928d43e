"""Bedrock's Converse, the one form in which AWS speaks for every model it hosts."""

from polycloud.core.chat import ChatReply, ChatRequest
from polycloud.core.ports.models import StreamReader
from polycloud.gateway.dialects import bedrock_converse_request as writer
from polycloud.gateway.dialects.bedrock_converse_reply import read_reply
from polycloud.gateway.dialects.bedrock_converse_stream import BedrockConverseReader


class BedrockConverse:
    """The dialect of ``/model/{id}/converse`` and ``/converse-stream``; the model's id stands in the path."""

    name = writer.NAME
    request_content_type = "application/json"
    stream_content_type = "application/vnd.amazon.eventstream"

    def write_request(self, request: ChatRequest, model: str, called: str = "") -> bytes:
        return writer.write_request(request, model)

    def dropped(self, request: ChatRequest, model: str = "") -> tuple[str, ...]:
        """What is left behind depends on the model's family; without ``model`` the asked name has to tell it."""
        return writer.dropped(request, model or request.model)

    def read_reply(self, body: bytes) -> ChatReply:
        return read_reply(body)

    def stream_reader(self) -> StreamReader:
        return BedrockConverseReader()
