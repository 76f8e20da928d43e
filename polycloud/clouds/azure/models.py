"""Models on Azure OpenAI: chat completions by the v1 path, or by deployment and dated version.

Source: learn.microsoft.com/azure/ai-foundry/openai/api-version-lifecycle, 2026-11.
"""

from collections.abc import Mapping

from polycloud.clouds.azure import auth
from polycloud.core.errors import CloudError
from polycloud.core.ports.models import Credential, ModelPort, Upstream
from polycloud.gateway.address import json_headers, parts_of, segment
from polycloud.gateway.dialects import errors

API_VERSION = "2024-10-21"  # the last dated version that is generally available; later features are on v1


class AzureModels:
    """Azure OpenAI speaks ``openai_chat``; the model is the name of the deployment there.

    Options: ``style`` is ``v1`` (default) or ``deployments``, which asks for ``api_version``; v1 has none.
    """

    dialects = ("openai_chat",)

    def path(self, upstream: Upstream, stream: bool) -> str:
        prefix = parts_of(upstream.base_url)[1]
        if upstream.options.get("style") != "deployments":
            return f"{prefix}/openai/v1/chat/completions"
        version = segment(upstream.options.get("api_version", "") or API_VERSION)
        return f"{prefix}/openai/deployments/{segment(upstream.model)}/chat/completions?api-version={version}"

    def headers(self, upstream: Upstream, stream: bool) -> dict[str, str]:
        return json_headers(stream)

    def authorize(
        self, upstream: Upstream, path: str, body: bytes, credential: Credential, now: float
    ) -> dict[str, str]:
        return auth.authorize(credential)

    def stable_authorization(self, credential: Credential) -> bool:
        return True

    def finish_body(self, upstream: Upstream, body: bytes) -> bytes:
        return body

    def classify(self, upstream: Upstream, status: int, headers: dict[str, str], body: bytes) -> CloudError:
        where = f"azure/{upstream.region} {upstream.model}"
        return errors.judge(errors.OPENAI, errors.read_openai(body), status, headers, where)

    def evidence(self, headers: Mapping[str, str]) -> tuple[str, str]:
        """``x-ms-region`` names the region in words ("West Europe")."""
        return headers.get("x-ms-region", ""), headers.get("apim-request-id", "") or headers.get("x-request-id", "")


PORT: ModelPort = AzureModels()
