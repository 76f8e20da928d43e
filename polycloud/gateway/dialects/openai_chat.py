"""OpenAI chat completions as providers speak them: OpenAI, Azure, vLLM and everything compatible."""

from polycloud.core.chat import ChatReply, ChatRequest
from polycloud.core.ports.models import StreamReader
from polycloud.gateway.dialects import openai_chat_reply, openai_chat_write
from polycloud.gateway.dialects.openai_chat_read import NAME
from polycloud.gateway.dialects.openai_chat_stream import Reader


class OpenAIChat:
    """The dialect ``openai_chat``. Stateless."""

    name = NAME
    request_content_type = "application/json"
    stream_content_type = "text/event-stream"

    def write_request(self, request: ChatRequest, model: str, called: str = "") -> bytes:
        """The body that asks a provider. Raises Unsupported for a part the format can not carry."""
        return openai_chat_write.write_request(request, model, called)

    def dropped(self, request: ChatRequest, model: str = "") -> tuple[str, ...]:
        """What is left behind depends on the model; without ``model`` the asked name has to tell it."""
        return openai_chat_write.dropped(request, model or request.model)

    def read_reply(self, body: bytes) -> ChatReply:
        """Raises BrokenStream when ``body`` is no whole answer."""
        return openai_chat_reply.read_reply(body)

    def stream_reader(self) -> StreamReader:
        return Reader()
