"""Models on AWS: the Converse operations of Bedrock.

Source: botocore 1.44.5 ``bedrock-runtime/2023-09-30``; docs.aws.amazon.com/bedrock/latest/APIReference/
API_runtime_Converse.html, 2026-11.
"""

from collections.abc import Mapping

from polycloud.clouds.aws import auth
from polycloud.core.errors import CloudError
from polycloud.core.ports.models import Credential, ModelPort, Upstream
from polycloud.gateway.address import json_headers, parts_of, segment
from polycloud.gateway.dialects import errors


class AwsModels:
    """Bedrock speaks ``bedrock_converse``; the model is an id, a cross-region profile or an ARN.

    Options: ``endpoint`` is the ARN of provisioned throughput, called in the model's place.
    """

    dialects = ("bedrock_converse",)

    def path(self, upstream: Upstream, stream: bool) -> str:
        operation = "converse-stream" if stream else "converse"
        model = segment(upstream.options.get("endpoint", "") or upstream.model)
        return f"{parts_of(upstream.base_url)[1]}/model/{model}/{operation}"

    def headers(self, upstream: Upstream, stream: bool) -> dict[str, str]:
        return json_headers(stream, "application/vnd.amazon.eventstream")

    def authorize(
        self, upstream: Upstream, path: str, body: bytes, credential: Credential, now: float
    ) -> dict[str, str]:
        return auth.authorize(parts_of(upstream.base_url)[0], path, upstream.region, body, credential, now)

    def stable_authorization(self, credential: Credential) -> bool:
        return credential.kind == "bearer"

    def told_headers(self, upstream: Upstream, body: bytes) -> dict[str, str]:
        return {}

    def finish_body(self, upstream: Upstream, body: bytes) -> bytes:
        return body

    def classify(self, upstream: Upstream, status: int, headers: dict[str, str], body: bytes) -> CloudError:
        told = errors.read_bedrock(body, headers.get("x-amzn-errortype", ""))
        return errors.judge(errors.BEDROCK, told, status, headers, f"aws/{upstream.region} {upstream.model}")

    def evidence(self, headers: Mapping[str, str]) -> tuple[str, str]:
        """Bedrock does not say where a cross-region profile processed the request."""
        return "", headers.get("x-amzn-requestid", "")


PORT: ModelPort = AwsModels()
