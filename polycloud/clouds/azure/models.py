"""Models on Azure: OpenAI's chat completions by the v1 path or by deployment and dated version, and Claude in Foundry.

Sources: learn.microsoft.com/azure/ai-foundry/openai/api-version-lifecycle and platform.claude.com/docs/en/
build-with-claude/claude-in-microsoft-foundry, 2026-11.
"""

from collections.abc import Mapping

import msgspec

from polycloud.clouds.azure import auth
from polycloud.core.errors import CloudError
from polycloud.core.ports.models import Credential, ModelPort, Upstream
from polycloud.gateway.address import json_headers, parts_of, segment
from polycloud.gateway.dialects import errors
from polycloud.gateway.dialects.anthropic_messages_headers import BETA, beta_header

API_VERSION = "2024-10-21"  # the last dated version that is generally available; later features are on v1
ANTHROPIC_VERSION = "2023-06-01"
CLAUDE = "anthropic_messages"


class AzureModels:
    """Azure speaks ``openai_chat``, and ``anthropic_messages`` for Claude; the model is the name of the deployment.

    Options: ``style`` is ``v1`` (default) or ``deployments``, which asks for ``api_version``; v1 and Claude have none.
    """

    dialects = ("openai_chat", CLAUDE)

    def path(self, upstream: Upstream, stream: bool) -> str:
        prefix = parts_of(upstream.base_url)[1]
        if upstream.dialect == CLAUDE:
            return f"{prefix}/anthropic/v1/messages"
        if upstream.options.get("style") != "deployments":
            return f"{prefix}/openai/v1/chat/completions"
        version = segment(upstream.options.get("api_version", "") or API_VERSION)
        return f"{prefix}/openai/deployments/{segment(upstream.model)}/chat/completions?api-version={version}"

    def headers(self, upstream: Upstream, stream: bool) -> dict[str, str]:
        found = json_headers(stream)
        return {**found, "anthropic-version": ANTHROPIC_VERSION} if upstream.dialect == CLAUDE else found

    def authorize(
        self, upstream: Upstream, path: str, body: bytes, credential: Credential, now: float
    ) -> dict[str, str]:
        return auth.authorize(credential)

    def stable_authorization(self, credential: Credential) -> bool:
        return True

    def told_headers(self, upstream: Upstream, body: bytes) -> dict[str, str]:
        """Betas of Claude are a header here; Vertex AI and Bedrock read them in the body."""
        return beta_header(body) if upstream.dialect == CLAUDE else {}

    def finish_body(self, upstream: Upstream, body: bytes) -> bytes:
        if upstream.dialect != CLAUDE or BETA.encode() not in body:
            return body
        fields = msgspec.json.decode(body, type=dict[str, msgspec.Raw])
        fields.pop(BETA, None)
        return msgspec.json.encode(fields)

    def classify(self, upstream: Upstream, status: int, headers: dict[str, str], body: bytes) -> CloudError:
        """Azure answers for itself (keys, deployments, quota), Anthropic's format comes from Claude."""
        where = f"azure/{upstream.region} {upstream.model}"
        if upstream.dialect == CLAUDE:
            told = errors.read_anthropic(body)
            if told.names:
                return errors.judge(errors.ANTHROPIC, told, status, headers, where)
        return errors.judge(errors.OPENAI, errors.read_openai(body), status, headers, where)

    def evidence(self, headers: Mapping[str, str]) -> tuple[str, str]:
        """``x-ms-region`` names the region in words ("West Europe")."""
        return headers.get("x-ms-region", ""), headers.get("apim-request-id", "") or headers.get("x-request-id", "")


PORT: ModelPort = AzureModels()
