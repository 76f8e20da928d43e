"""One SQLite file in WAL mode: how it is opened, migrated and written.

Writers take the lock when they begin (``BEGIN IMMEDIATE``), so that two of them wait for each other
instead of failing halfway; readers never wait. ``synchronous=FULL`` makes a revoked key stay revoked
after a power cut; one fsync per batch of journal lines is cheap.
"""

import pathlib
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

import alembic.command
import alembic.config
import alembic.script
import alembic.util
from alembic.migration import MigrationContext
from sqlalchemy import URL, Connection, Engine, create_engine, event
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import QueuePool

from polycloud.core.errors import StateError
from polycloud.core.ports.state import StoreAway

BUSY_SECONDS = 5.0  # a batch of 5,000 rows takes well under one second; five is a machine in trouble
POOL_SIZE = 4  # the ingesting thread, and a few readers of the admin API
POOL_OVERFLOW = 8
PRAGMAS = (
    "page_size=8192",  # of a new file: a row takes 350 bytes, and larger pages mean fewer splits and frames
    "journal_mode=WAL",
    "synchronous=FULL",
    "foreign_keys=ON",
    "temp_store=MEMORY",
    "cache_size=-16000",  # KiB: a batch of 5,000 rows stays in memory until its commit
    "wal_autocheckpoint=4000",  # pages, 32 MB: a page that several batches touch is copied back once
)
MIGRATIONS = pathlib.Path(__file__).parent / "migrations"


class StoreTooNew(StateError):
    """The store was written by a newer polycloud; this one would not understand it."""

    code = "store_too_new"


def _on_connect(connection: sqlite3.Connection, _record: object) -> None:
    connection.isolation_level = None  # the driver begins nothing by itself: _on_begin does
    cursor = connection.cursor()
    for pragma in PRAGMAS:
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _on_begin(connection: Connection) -> None:
    reads = connection.get_execution_options().get("reads", False)
    connection.exec_driver_sql("BEGIN DEFERRED" if reads else "BEGIN IMMEDIATE")


def open_engine(path: pathlib.Path) -> Engine:
    """The engine of the store at ``path``; the file is made when absent, the schema is not: see ``migrate``."""
    engine = create_engine(
        URL.create("sqlite", database=str(path)),
        poolclass=QueuePool,
        pool_size=POOL_SIZE,
        max_overflow=POOL_OVERFLOW,
        pool_use_lifo=True,  # one connection's cache is kept warm, instead of all of theirs filled in turn
        connect_args={"timeout": BUSY_SECONDS, "check_same_thread": False},
    )
    event.listen(engine, "connect", _on_connect)
    event.listen(engine, "begin", _on_begin)
    return engine


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """A transaction that holds the write lock. Raises StoreAway when the store can not be written."""
    try:
        with engine.begin() as connection:
            yield connection
    except DBAPIError as error:
        if _is_away(error):
            raise StoreAway(f"the store can not be written: {error.orig}; {_advice(error)}") from error
        raise


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """A consistent view of the store. Raises StoreAway when it can not be read."""
    try:
        with engine.connect().execution_options(reads=True) as connection, connection.begin():
            yield connection
    except DBAPIError as error:
        if _is_away(error):
            raise StoreAway(f"the store can not be read: {error.orig}") from error
        raise


def _is_away(error: DBAPIError) -> bool:
    """Operational errors come from the outside (locked, full, gone), and so does a damaged file; all others are
    mistakes of ours."""
    return isinstance(error.orig, sqlite3.OperationalError) or _is_damaged(error)


def _is_damaged(error: DBAPIError) -> bool:
    """Of a file that is malformed or no database, sqlite3 raises the base class itself."""
    return type(error.orig) is sqlite3.DatabaseError


def _advice(error: DBAPIError) -> str:
    if _is_damaged(error):
        return "put a copy of state.db back, or move it away: the journals that are left are then read again"
    return "is the disk full or the file locked?"


def migrate(engine: Engine) -> None:
    """Brings the schema to this program's version. Raises StoreTooNew, StoreAway."""
    config = alembic.config.Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    known = {script.revision for script in alembic.script.ScriptDirectory.from_config(config).walk_revisions()}
    with writing(engine) as connection:
        current = MigrationContext.configure(connection).get_current_revision()
        if current is not None and current not in known:
            raise StoreTooNew(
                f"the store is at schema {current!r}, which this polycloud does not know; start the newer version again"
            )
        config.attributes["connection"] = connection
        alembic.command.upgrade(config, "head")
