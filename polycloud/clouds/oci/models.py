"""Models on OCI Generative AI: the chat action, on demand or on a dedicated cluster.

Source: oci 2.189.0 ``generative_ai_inference``; docs.oracle.com/iaas/api/#/en/generative-ai-inference/20231130/,
2026-11.
"""

from collections.abc import Mapping

import msgspec

from polycloud.clouds.oci import auth
from polycloud.core.errors import CloudError, NotFound
from polycloud.core.ports.models import Credential, ModelPort, Upstream
from polycloud.gateway.address import json_headers, parts_of
from polycloud.gateway.dialects import errors

ENDPOINT_PREFIX = "ocid1.generativeaiendpoint."  # a dedicated cluster is asked by its endpoint's id


class OciModels:
    """OCI speaks ``oci_generic``; the model is a name or an OCID.

    Options: ``compartment`` (an OCID) is required; ``endpoint`` is the OCID of a dedicated cluster's endpoint,
    which may also stand in the model's place.
    """

    dialects = ("oci_generic",)

    def path(self, upstream: Upstream, stream: bool) -> str:
        return parts_of(upstream.base_url)[1] + "/20231130/actions/chat"

    def headers(self, upstream: Upstream, stream: bool) -> dict[str, str]:
        return json_headers(stream)

    def authorize(
        self, upstream: Upstream, path: str, body: bytes, credential: Credential, now: float
    ) -> dict[str, str]:
        return auth.authorize(parts_of(upstream.base_url)[0], path, body, credential, now)

    def stable_authorization(self, credential: Credential) -> bool:
        return credential.kind == "bearer"

    def told_headers(self, upstream: Upstream, body: bytes) -> dict[str, str]:
        return {}

    def finish_body(self, upstream: Upstream, body: bytes) -> bytes:
        """``body`` as the chat request of ChatDetails, bytes unchanged."""
        compartment = upstream.options.get("compartment", "")
        if not compartment:
            raise NotFound("the estate names no Oracle Cloud compartment; give clouds.oci.compartment")
        endpoint = upstream.options.get("endpoint", "")
        if endpoint or upstream.model.startswith(ENDPOINT_PREFIX):
            mode = {"servingType": "DEDICATED", "endpointId": endpoint or upstream.model}
        else:
            mode = {"servingType": "ON_DEMAND", "modelId": upstream.model}
        outside = msgspec.json.encode({"compartmentId": compartment, "servingMode": mode})
        return b'%b,"chatRequest":%b}' % (outside[:-1], body)

    def classify(self, upstream: Upstream, status: int, headers: dict[str, str], body: bytes) -> CloudError:
        where = f"oci/{upstream.region} {upstream.model}"
        return errors.judge(errors.OCI, errors.read_oci(body), status, headers, where)

    def evidence(self, headers: Mapping[str, str]) -> tuple[str, str]:
        return "", headers.get("opc-request-id", "")


PORT: ModelPort = OciModels()
