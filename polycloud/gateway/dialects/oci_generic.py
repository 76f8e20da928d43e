"""OCI Generative AI's GENERIC chat format, which carries every model there but Cohere's."""

from polycloud.core.chat import ChatReply, ChatRequest
from polycloud.core.ports.models import StreamReader
from polycloud.gateway.dialects import oci_generic_request as writer
from polycloud.gateway.dialects.oci_generic_reply import read_reply
from polycloud.gateway.dialects.oci_generic_stream import OciGenericReader


class OciGeneric:
    """The dialect of ``/20231130/actions/chat``; requests are the ``chatRequest`` alone."""

    name = writer.NAME
    request_content_type = "application/json"
    stream_content_type = "text/event-stream"

    def write_request(self, request: ChatRequest, model: str, called: str = "") -> bytes:
        return writer.write_request(request, model)

    def dropped(self, request: ChatRequest, model: str = "") -> tuple[str, ...]:
        return writer.dropped(request)

    def read_reply(self, body: bytes) -> ChatReply:
        return read_reply(body)

    def stream_reader(self) -> StreamReader:
        return OciGenericReader()
