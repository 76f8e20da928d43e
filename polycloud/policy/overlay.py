"""The site overlay: the small versioned value by which people and engines move traffic."""

from typing import Literal

import msgspec

State = Literal["serving", "draining", "failed"]


class Steer(msgspec.Struct, frozen=True, omit_defaults=True):
    """One entry: ``draining`` takes no new request, retry or probe; ``failed`` also gives up what waits there for its
    first content, when another target is left. ``share`` (0 to 100) overrides the route's share. ``reason`` and ``by``
    say why and who."""

    state: State = "serving"
    share: float | None = None
    reason: str = ""
    by: str = ""


class Overlay(msgspec.Struct, frozen=True):
    """``sites`` by site id, ``deployments`` by deployment id; absent means serving. Versions only grow."""

    version: int = 0
    sites: dict[str, Steer] = {}
    deployments: dict[str, Steer] = {}
