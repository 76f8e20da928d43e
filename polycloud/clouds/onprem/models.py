"""Models on own machines: any server that speaks OpenAI's chat completions (vLLM, SGLang, llama.cpp, TGI, Ollama).

Source: docs.vllm.ai/en/latest/serving/openai_compatible_server.html, 2026-11.
"""

from collections.abc import Mapping

from polycloud.clouds.onprem import auth
from polycloud.core.errors import CloudError
from polycloud.core.ports.models import Credential, ModelPort, Upstream
from polycloud.gateway.address import json_headers, parts_of
from polycloud.gateway.dialects import errors


class OnpremModels:
    """Own servers speak ``openai_chat`` under the path that the estate gives (``models_at``, as a rule ``/v1``)."""

    dialects = ("openai_chat",)

    def path(self, upstream: Upstream, stream: bool) -> str:
        return parts_of(upstream.base_url)[1] + "/chat/completions"

    def headers(self, upstream: Upstream, stream: bool) -> dict[str, str]:
        return json_headers(stream)

    def authorize(
        self, upstream: Upstream, path: str, body: bytes, credential: Credential, now: float
    ) -> dict[str, str]:
        return auth.authorize(credential)

    def stable_authorization(self, credential: Credential) -> bool:
        return True

    def told_headers(self, upstream: Upstream, body: bytes) -> dict[str, str]:
        return {}

    def finish_body(self, upstream: Upstream, body: bytes) -> bytes:
        return body

    def classify(self, upstream: Upstream, status: int, headers: dict[str, str], body: bytes) -> CloudError:
        where = f"onprem/{upstream.region} {upstream.model}"
        return errors.judge(errors.OPENAI, errors.read_openai(body), status, headers, where)

    def evidence(self, headers: Mapping[str, str]) -> tuple[str, str]:
        return "", headers.get("x-request-id", "")


PORT: ModelPort = OnpremModels()
