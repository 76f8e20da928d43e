"""Every recorded error answer means what a person reads in it."""

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from polycloud.clouds.aws.models import AwsModels
from polycloud.clouds.azure.models import AzureModels
from polycloud.clouds.gcp.models import GcpModels
from polycloud.clouds.onprem.models import OnpremModels
from polycloud.core.errors import CloudError, NotFound, Rejected, Throttled
from polycloud.core.ports.models import Upstream

RECORDINGS = Path(__file__).parents[3] / "shared" / "recordings"
PORTS = {
    "bedrock": (AwsModels(), "bedrock_converse"),
    "anthropic": (GcpModels(), "anthropic_messages"),
    "gemini": (GcpModels(), "gemini"),
    "vertex": (GcpModels(), "gemini"),
    "azure": (AzureModels(), "openai_chat"),
}
OWN = (OnpremModels(), "openai_chat")


def errors() -> Iterator[dict[str, Any]]:
    for path in sorted(RECORDINGS.glob("*.jsonl")):
        for line in path.read_text("ascii").splitlines():
            recording = json.loads(line)
            if recording["status"] >= 400:
                yield recording


def expected(recording: dict[str, Any]) -> type[CloudError]:
    """By the recording's own words, read here and not by the code under test."""
    text = recording["body"]
    if recording["status"] == 429:
        return Throttled
    if recording["status"] == 404 or "model identifier is invalid" in text or '"model_not_found"' in text:
        return NotFound
    return Rejected


FOUND = list(errors())


@pytest.mark.skipif(not FOUND, reason="../shared/recordings is absent: nothing recorded to read")
def test_all_error_recordings_are_here() -> None:
    assert len(FOUND) == 43


@pytest.mark.skipif(not FOUND, reason="../shared/recordings is absent: nothing recorded to read")
@pytest.mark.parametrize("recording", FOUND, ids=lambda r: r["id"].rsplit("/", 1)[-1])
def test_recorded_error(recording: dict[str, Any]) -> None:
    port, dialect = PORTS.get(recording["provider"], OWN)
    body = base64.b64decode(recording["body_b64"]) if "body_b64" in recording else recording["body"].encode()
    headers = {name: values[0] for name, values in recording["headers"].items()}
    upstream = Upstream("x", "r-1", "https://h.example", "m", dialect)
    error = port.classify(upstream, recording["status"], headers, body)
    assert type(error) is expected(recording)
    assert error.provider_status == recording["status"]
    said = json.loads(body)
    words = said.get("message") or said.get("detail") or said["error"]["message"]
    assert words[:80].rstrip(".") in error.message
