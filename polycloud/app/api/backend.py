"""What the admin API asks of the control process: one protocol, in values of the layers below."""

from collections.abc import Sequence
from typing import Literal, Protocol

import msgspec

from polycloud.core.ports.state import KeyRow, NewKey, Trail, UsageRow
from polycloud.gateway.explain import Explanation
from polycloud.policy.overlay import Overlay, Steer


class Question(msgspec.Struct, frozen=True):
    """A request to be explained without being sent. ``body`` is a whole body of ``face`` as JSON, b"" when the
    other fields say it; ``key`` is a key's id; ``region`` and ``data_class`` are what the headers would be."""

    model: str
    face: Literal["openai", "anthropic"] = "openai"
    body: bytes = b""
    team: str = ""
    key: str = ""
    data_class: str = ""
    region: str = ""
    needs: tuple[str, ...] = ()
    input_tokens: int = 0
    max_tokens: int | None = None


class Spread(msgspec.Struct, frozen=True):
    """How far a change has come: workers that have it, and by worker what keeps the others."""

    workers: int
    late: dict[str, str]


class Reloaded(msgspec.Struct, frozen=True):
    """``changed`` False: the files say what is in force already."""

    version: str
    changed: bool
    paths_proved: int
    warnings: tuple[str, ...]
    spread: Spread


class Backend(Protocol):
    """Every method may raise PolycloudError; the API tells it as it is."""

    def authorized(self, token: str) -> bool: ...

    def open_metrics(self) -> bool:
        """Whether /metrics needs no token: the gateway can be reached from this machine only."""
        ...

    def unready(self) -> list[str]:
        """Why it can not serve; empty when it can."""
        ...

    def metrics(self) -> bytes: ...

    async def status(self, window_seconds: float) -> dict[str, object]: ...

    async def usage(self, by: Sequence[str], since_ms: int, until_ms: int, where: dict[str, str]) -> list[UsageRow]: ...

    async def keys(self) -> list[KeyRow]: ...

    async def create_key(self, wanted: NewKey) -> tuple[KeyRow, str]: ...

    async def rotate_key(self, id: str, overlap_seconds: float) -> tuple[KeyRow, str]: ...

    async def revoke_key(self, id: str) -> KeyRow: ...

    async def overlay(self) -> tuple[Overlay, list[dict[str, object]]]: ...

    async def steer(
        self, kind: Literal["site", "deployment"], target: str, steer: Steer, expect_version: int | None
    ) -> tuple[Overlay, Spread]: ...

    async def reload(self) -> Reloaded: ...

    def estate(self) -> dict[str, object]: ...

    async def placement(self, seconds: int) -> msgspec.Raw: ...

    async def explain(self, question: Question) -> Explanation: ...

    async def trail(self, request: str) -> Trail | None: ...

    async def recent(self, limit: int) -> list[Trail]: ...

    def now_ms(self) -> int: ...
