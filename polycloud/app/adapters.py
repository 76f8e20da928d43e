"""The table of what a worker may load by name: cloud adapters, dialects, faces. Light: no cloud is imported here."""

from collections.abc import Mapping
from importlib import import_module
from typing import cast

from polycloud.core.ports.models import Dialect, Face, ModelPort
from polycloud.gateway.dialects.anthropic_messages import AnthropicMessages
from polycloud.gateway.dialects.bedrock_converse import BedrockConverse
from polycloud.gateway.dialects.gemini import Gemini
from polycloud.gateway.dialects.oci_generic import OciGeneric
from polycloud.gateway.dialects.openai_chat import OpenAIChat
from polycloud.gateway.faces.anthropic import AnthropicFace
from polycloud.gateway.faces.openai import OpenAIFace

CLOUDS = ("aws", "azure", "gcp", "oci", "onprem")


def model_port(cloud: str) -> ModelPort:
    """The adapter of ``cloud``, loaded on first use. Raises KeyError for a cloud that is not in the table."""
    if cloud not in CLOUDS:
        raise KeyError(f"no adapter for {cloud!r} (known: {', '.join(CLOUDS)})")
    return cast(ModelPort, import_module(f"polycloud.clouds.{cloud}.models").PORT)


def dialects() -> Mapping[str, Dialect]:
    found: tuple[Dialect, ...] = (OpenAIChat(), AnthropicMessages(), BedrockConverse(), Gemini(), OciGeneric())
    return {d.name: d for d in found}


def faces() -> Mapping[bytes, Face]:
    """By the path that callers use."""
    return {b"/v1/chat/completions": OpenAIFace(), b"/v1/messages": AnthropicFace()}
