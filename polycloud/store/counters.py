"""Versions that only grow: one row each, moved inside the transaction of what they count."""

from sqlalchemy import Connection, insert, select, update

from polycloud.store.schema import counters


def read(connection: Connection, name: str) -> int:
    return connection.execute(select(counters.c.value).where(counters.c.name == name)).scalar() or 0


def grow(connection: Connection, name: str) -> int:
    """The next version; the caller holds the write lock."""
    moved = connection.execute(update(counters).where(counters.c.name == name).values(value=counters.c.value + 1))
    if moved.rowcount == 0:
        connection.execute(insert(counters).values(name=name, value=1))
    return read(connection, name)
