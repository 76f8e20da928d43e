"""What a sandbox serves: its sites, their models, and how fast they answer."""

from typing import Literal

import msgspec

Cloud = Literal["aws", "azure", "gcp", "oci", "onprem"]


class SiteSpec(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One listener: a cloud's model endpoint in one region.

    ``models`` are the names that callers of this cloud use: model ids, Azure deployment names, OCI
    endpoint ids. ``port`` 0 takes any free one. ``delay_ms`` is waited before the first byte (round
    trip and queue); ``tokens_per_second`` 0 answers at once. ``context_tokens`` 0 accepts any length.
    ``cache_minimum_tokens`` is the shortest prefix that the prompt cache keeps (1,024 at OpenAI,
    Google and most Claude models). ``key_required`` False opens an on-premises server to everyone.
    ``project``: the only Google project served; empty serves any.
    """

    site: str
    cloud: Cloud
    region: str
    models: tuple[str, ...]
    port: int = 0
    delay_ms: float = 0.0
    tokens_per_second: float = 0.0
    context_tokens: int = 0
    cache_minimum_tokens: int = 1024
    key_required: bool = True
    project: str = ""


class SandboxSpec(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """``seed`` decides every answer; ``control_port`` 0 takes any free one."""

    sites: tuple[SiteSpec, ...]
    seed: int = 0
    control_port: int = 0

    def __post_init__(self) -> None:
        names = [s.site for s in self.sites]
        twice = sorted({n for n in names if names.count(n) > 1})
        if twice:
            raise ValueError(f"a site is listed twice: {', '.join(twice)}")
