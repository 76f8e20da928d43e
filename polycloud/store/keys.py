"""Gateway keys: only digests are kept.

A key carries 160 random bits, so a plain SHA-256 is as safe as a slow hash (there is nothing to
guess) and costs the gateway one microsecond a request.
"""

import hashlib
import secrets

from sqlalchemy import Connection, Engine, RowMapping, insert, select, update

from polycloud.core.errors import Conflict
from polycloud.core.ids import new_key
from polycloud.core.ports.state import KeyRow, NewKey, NoSuchKey
from polycloud.store import counters
from polycloud.store.engine import reading, writing
from polycloud.store.rows import strings, text
from polycloud.store.schema import keys

COUNTER = "keys"
_COLUMNS = [keys.c[name] for name in KeyRow.__struct_fields__]


def digest(plaintext: str) -> bytes:
    return hashlib.sha256(plaintext.encode()).digest()


class SqlKeys:
    """``core.ports.state.Keys`` over SQL."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def create(self, wanted: NewKey, now_ms: int) -> tuple[KeyRow, str]:
        with writing(self._engine) as connection:
            return _insert(connection, wanted, now_ms)

    def rotate(self, id: str, overlap_ms: int, now_ms: int) -> tuple[KeyRow, str]:
        with writing(self._engine) as connection:
            old = _get(connection, id)
            if old.revoked_ms is not None or (old.expires_ms is not None and old.expires_ms <= now_ms):
                raise Conflict(f"key {id} is no longer in force; create a new one")
            if old.replaced_by:
                raise Conflict(f"key {id} was already replaced by {old.replaced_by}; rotate that one")
            wanted = NewKey(
                team=old.team,
                name=old.name,
                models=old.models,
                classes=old.classes,
                requests_per_minute=old.requests_per_minute,
                region=old.region,
                expires_ms=None if old.expires_ms is None else now_ms + (old.expires_ms - old.created_ms),
            )
            row, plaintext = _insert(connection, wanted, now_ms)
            ends = now_ms + overlap_ms if old.expires_ms is None else min(old.expires_ms, now_ms + overlap_ms)
            connection.execute(update(keys).where(keys.c.id == id).values(expires_ms=ends, replaced_by=row.id))
            return row, plaintext

    def revoke(self, id: str, now_ms: int) -> KeyRow:
        with writing(self._engine) as connection:
            _get(connection, id)
            connection.execute(
                update(keys).where(keys.c.id == id, keys.c.revoked_ms.is_(None)).values(revoked_ms=now_ms)
            )
            counters.grow(connection, COUNTER)
            return _get(connection, id)

    def all(self) -> list[KeyRow]:
        with reading(self._engine) as connection:
            found = connection.execute(select(*_COLUMNS).order_by(keys.c.created_ms, keys.c.id))
            return [_row(row) for row in found.mappings()]

    def in_force(self, now_ms: int) -> tuple[int, list[KeyRow]]:
        query = select(*_COLUMNS).where(
            keys.c.revoked_ms.is_(None), keys.c.expires_ms.is_(None) | (keys.c.expires_ms > now_ms)
        )
        with reading(self._engine) as connection:
            version = counters.read(connection, COUNTER)
            return version, [_row(row) for row in connection.execute(query.order_by(keys.c.id)).mappings()]

    def expiring(self, before_ms: int, now_ms: int) -> list[KeyRow]:
        _, found = self.in_force(now_ms)
        return [row for row in found if row.expires_ms is not None and row.expires_ms < before_ms]

    def touch(self) -> int:
        with writing(self._engine) as connection:
            return counters.grow(connection, COUNTER)


def _insert(connection: Connection, wanted: NewKey, now_ms: int) -> tuple[KeyRow, str]:
    plaintext = new_key()
    row = KeyRow(
        id=f"key-{secrets.token_hex(6)}",
        digest=digest(plaintext),
        team=wanted.team,
        name=wanted.name,
        models=wanted.models,
        classes=wanted.classes,
        requests_per_minute=wanted.requests_per_minute,
        region=wanted.region,
        created_ms=now_ms,
        expires_ms=wanted.expires_ms,
    )
    values = {name: getattr(row, name) for name in KeyRow.__struct_fields__}
    values |= {"models": text(row.models), "classes": text(row.classes)}
    connection.execute(insert(keys).values(**values))
    counters.grow(connection, COUNTER)
    return row, plaintext


def _get(connection: Connection, id: str) -> KeyRow:
    found = connection.execute(select(*_COLUMNS).where(keys.c.id == id)).mappings().one_or_none()
    if found is None:
        raise NoSuchKey(f"there is no key {id}; `polycloud keys list` shows them")
    return _row(found)


def _row(row: RowMapping) -> KeyRow:
    return KeyRow(**{**row, "models": strings(row["models"]), "classes": strings(row["classes"])})
