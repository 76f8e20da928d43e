"""Models on Vertex AI: Google's own by generateContent, Anthropic's by rawPredict.

Source: cloud.google.com/vertex-ai/generative-ai/docs/model-reference/inference and .../partner-models/claude/
use-claude, 2026-11.
"""

from collections.abc import Mapping

import msgspec

from polycloud.clouds.gcp import auth
from polycloud.core.errors import CloudError, NotFound
from polycloud.core.ports.models import Credential, ModelPort, Upstream
from polycloud.gateway.address import json_headers, parts_of, segment
from polycloud.gateway.dialects import errors

ANTHROPIC_VERSION = msgspec.Raw(b'"vertex-2023-10-16"')  # the only version that Vertex AI takes

_VERBS = {
    ("gemini", False): ("google", "generateContent"),
    ("gemini", True): ("google", "streamGenerateContent?alt=sse"),  # without alt=sse the stream is a JSON array
    ("anthropic_messages", False): ("anthropic", "rawPredict"),
    ("anthropic_messages", True): ("anthropic", "streamRawPredict"),
}


class GcpModels:
    """Vertex AI speaks ``gemini``, and ``anthropic_messages`` with the model in the address.

    Options: ``project`` is required; ``location`` (a region, ``eu``, ``us`` or ``global``) is the region by default.
    """

    dialects = ("gemini", "anthropic_messages")

    def path(self, upstream: Upstream, stream: bool) -> str:
        try:
            publisher, verb = _VERBS[upstream.dialect, stream]
        except KeyError:
            raise NotFound(f"gcp does not speak {upstream.dialect}; correct the deployment in the estate") from None
        project = upstream.options.get("project", "")
        if not project:
            raise NotFound("the estate names no Google Cloud project; give clouds.gcp.project")
        location = segment(upstream.options.get("location", "") or upstream.region)
        return (
            f"{parts_of(upstream.base_url)[1]}/v1/projects/{segment(project, ':')}/locations/{location}"
            f"/publishers/{publisher}/models/{segment(upstream.model, '@')}:{verb}"
        )

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
        """Anthropic's body without the model and with Vertex AI's version; its other members stay as they are."""
        if upstream.dialect != "anthropic_messages":
            return body
        fields = msgspec.json.decode(body, type=dict[str, msgspec.Raw])
        fields.pop("model", None)
        fields["anthropic_version"] = ANTHROPIC_VERSION
        return msgspec.json.encode(fields)

    def classify(self, upstream: Upstream, status: int, headers: dict[str, str], body: bytes) -> CloudError:
        """Google answers for itself (quota, rights), Anthropic's format comes from the model."""
        where = f"gcp/{upstream.region} {upstream.model}"
        if upstream.dialect == "anthropic_messages":
            told = errors.read_anthropic(body)
            if told.names:
                return errors.judge(errors.ANTHROPIC, told, status, headers, where)
        return errors.judge(errors.GOOGLE, errors.read_google(body), status, headers, where)

    def evidence(self, headers: Mapping[str, str]) -> tuple[str, str]:
        """Vertex AI does not say where ``global`` and multi-region locations processed the request."""
        return "", headers.get("request-id", "") or headers.get("x-vertex-ai-received-request-id", "")


PORT: ModelPort = GcpModels()
