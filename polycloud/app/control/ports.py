"""What the control process asks of a store, beyond the ports of the core: values of the policy."""

from collections.abc import Sequence
from typing import Literal, Protocol

from polycloud.core.ports.state import Journals, Keys, Ledger
from polycloud.policy.overlay import Overlay, Steer

Kind = Literal["site", "deployment"]


class Change(Protocol):
    """One entry of the overlay's history."""

    @property
    def version(self) -> int: ...

    @property
    def at_ms(self) -> int: ...

    @property
    def kind(self) -> Kind: ...

    @property
    def target(self) -> str: ...

    @property
    def steer(self) -> Steer: ...


class Overlays(Protocol):
    """The site overlay, kept with its history."""

    def read(self) -> Overlay: ...

    def change(self, kind: Kind, target: str, steer: Steer, now_ms: int, expect_version: int | None = None) -> Overlay:
        """Raises Conflict when the overlay is no longer at ``expect_version``."""
        ...

    def history(self, limit: int) -> Sequence[Change]: ...


class Records(Protocol):
    """Small facts: estates taken into force, named settings."""

    def took_estate(self, version: str, name: str, paths_proved: int, now_ms: int) -> None: ...

    def estate_versions(self, limit: int) -> list[tuple[str, int]]: ...

    def setting(self, name: str) -> str: ...

    def set(self, name: str, value: str) -> None: ...


class Store(Protocol):
    """Everything kept. All methods block and may raise StoreAway."""

    @property
    def keys(self) -> Keys: ...

    @property
    def overlay(self) -> Overlays: ...

    @property
    def journals(self) -> Journals: ...

    @property
    def ledger(self) -> Ledger: ...

    @property
    def records(self) -> Records: ...

    def close(self) -> None: ...
