"""The site overlay in the store: one row for each steered target, a version for the whole, and its history."""

from typing import Literal

import msgspec
from sqlalchemy import Connection, Engine, delete, desc, insert, select

from polycloud.core.errors import Conflict
from polycloud.policy.overlay import Overlay, Steer
from polycloud.store import counters
from polycloud.store.engine import reading, writing
from polycloud.store.schema import overlay_entries, overlay_history

COUNTER = "overlay"
Kind = Literal["site", "deployment"]


class Change(msgspec.Struct, frozen=True):
    """One entry of the history; the overlay had ``version`` from then on."""

    version: int
    at_ms: int
    kind: Kind
    target: str
    steer: Steer


class SqlOverlay:
    """Reads and changes the overlay; a change names the version that it was based on."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def read(self) -> Overlay:
        with reading(self._engine) as connection:
            return _read(connection)

    def change(self, kind: Kind, target: str, steer: Steer, now_ms: int, expect_version: int | None = None) -> Overlay:
        """Sets one entry whole; plain ``serving`` clears it. Raises Conflict when the overlay is no longer
        at ``expect_version``; None takes whatever is there."""
        with writing(self._engine) as connection:
            current = counters.read(connection, COUNTER)
            if expect_version is not None and expect_version != current:
                raise Conflict(
                    f"the overlay is at version {current}, not {expect_version}: somebody changed it; read it again"
                )
            version = counters.grow(connection, COUNTER)
            row = {
                "kind": kind,
                "target": target,
                "state": steer.state,
                "share": steer.share,
                "reason": steer.reason,
                "by_whom": steer.by,
                "version": version,
                "at_ms": now_ms,
            }
            connection.execute(
                delete(overlay_entries).where(overlay_entries.c.kind == kind, overlay_entries.c.target == target)
            )
            if steer.state != "serving" or steer.share is not None:
                connection.execute(insert(overlay_entries).values(**row))
            connection.execute(insert(overlay_history).values(**row))
            return _read(connection)

    def history(self, limit: int) -> list[Change]:
        """The newest changes, newest first."""
        with reading(self._engine) as connection:
            found = connection.execute(select(overlay_history).order_by(desc(overlay_history.c.version)).limit(limit))
            return [
                Change(
                    version=row["version"],
                    at_ms=row["at_ms"],
                    kind=row["kind"],
                    target=row["target"],
                    steer=Steer(row["state"], row["share"], row["reason"], row["by_whom"]),
                )
                for row in found.mappings()
            ]


def _read(connection: Connection) -> Overlay:
    sites: dict[str, Steer] = {}
    deployments: dict[str, Steer] = {}
    for row in connection.execute(select(overlay_entries).order_by(overlay_entries.c.target)).mappings():
        into = sites if row["kind"] == "site" else deployments
        into[row["target"]] = Steer(row["state"], row["share"], row["reason"], row["by_whom"])
    return Overlay(counters.read(connection, COUNTER), sites, deployments)
