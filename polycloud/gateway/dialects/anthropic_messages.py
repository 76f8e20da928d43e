"""Anthropic messages as providers speak them: Anthropic, Vertex AI, and what finish_body makes of it elsewhere."""

from polycloud.core.chat import ChatReply, ChatRequest
from polycloud.core.ports.models import StreamReader
from polycloud.gateway.dialects import anthropic_messages_reply, anthropic_messages_write
from polycloud.gateway.dialects.anthropic_messages_read import NAME
from polycloud.gateway.dialects.anthropic_messages_stream import Reader


class AnthropicMessages:
    """The dialect ``anthropic_messages``. Stateless."""

    name = NAME
    request_content_type = "application/json"
    stream_content_type = "text/event-stream"

    def write_request(self, request: ChatRequest, model: str, called: str = "") -> bytes:
        """The body that asks a provider. Raises Unsupported for a part the format can not carry."""
        return anthropic_messages_write.write_request(request, model, called)

    def dropped(self, request: ChatRequest, model: str = "") -> tuple[str, ...]:
        """What is left behind depends on the model's version; without ``model`` the asked name has to tell it."""
        return anthropic_messages_write.dropped(request, model or request.model)

    def read_reply(self, body: bytes) -> ChatReply:
        """Raises BrokenStream when ``body`` is no whole answer."""
        return anthropic_messages_reply.read_reply(body)

    def stream_reader(self) -> StreamReader:
        return Reader()
