"""Opening, migrating and losing the SQLite file."""

import sqlite3

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import select

from polycloud.core.ports.state import NewKey, StoreAway
from polycloud.core.usage import AttemptRecord, Usage
from polycloud.store import Store, StoreTooNew
from polycloud.store import engine as engine_module
from polycloud.store.engine import migrate, open_engine, reading, writing
from polycloud.store.rows import attempt_row, read_attempt
from polycloud.store.schema import attempts, metadata, settings

ATTEMPTS = [column.name for column in attempts.columns]


def test_migrations_lead_to_exactly_the_schema_that_the_code_uses(tmp_path):
    engine = open_engine(tmp_path / "a.db")
    migrate(engine)
    migrate(engine)
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
    engine.dispose()


def test_work_one_after_another_fills_one_cache(tmp_path):
    """Each connection may hold 16 MB; what readers opened at the same time must not take its turn at every write."""
    engine = open_engine(tmp_path / "a.db")
    with engine.connect(), engine.connect(), engine.connect():
        pass
    used = set()
    for _ in range(6):
        with writing(engine) as connection:
            used.add(id(connection.connection.dbapi_connection))
    assert len(used) == 1
    engine.dispose()


def test_a_store_of_before_hours_were_counted_reads_on(tmp_path):
    store = Store(tmp_path / "a.db")
    store.close()
    with sqlite3.connect(tmp_path / "a.db") as raw:  # as the first version left it
        raw.execute("ALTER TABLE attempts DROP COLUMN cache_write_hour_tokens")
        raw.execute("UPDATE alembic_version SET version_num = '0001'")
        names = [row[1] for row in raw.execute("PRAGMA table_info(attempts)")]
        record = AttemptRecord("q", 1, 1, "k", "t", "m", "d", "aws", "aws/x", "m", "ok", usage=Usage(5, 2, 0, 3))
        values = dict(zip(ATTEMPTS, attempt_row(1, True, record), strict=True))
        marks = ", ".join("?" for _ in names)
        raw.execute(f"INSERT INTO attempts ({', '.join(names)}) VALUES ({marks})", [values[name] for name in names])
    raw.close()
    store = Store(tmp_path / "a.db")
    with reading(store._engine) as connection:
        row = connection.execute(select(attempts)).mappings().one()
        kept = {str(name): value for name, value in row.items() if name not in ("id", "chained")}
    assert row["cache_write_hour_tokens"] is None
    assert read_attempt(kept).usage == Usage(5, 2, 0, 3)
    store.close()


def test_a_store_of_a_newer_version_is_left_alone(tmp_path):
    Store(tmp_path / "a.db").close()
    with sqlite3.connect(tmp_path / "a.db") as raw:
        raw.execute("UPDATE alembic_version SET version_num = '9999'")
    raw.close()
    with pytest.raises(StoreTooNew, match="9999"):
        Store(tmp_path / "a.db")


def test_the_file_is_durable_and_readers_do_not_wait(tmp_path):
    store = Store(tmp_path / "a.db")
    with reading(store._engine) as connection:
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 2
    with writing(store._engine):
        assert store.keys.all() == []
    store.close()


def test_a_locked_store_is_away_and_not_broken(tmp_path, monkeypatch):
    monkeypatch.setattr(engine_module, "BUSY_SECONDS", 0.0)
    store = Store(tmp_path / "a.db")
    other = sqlite3.connect(tmp_path / "a.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreAway, match="locked"):
        store.keys.create(NewKey(team="a"), 1)
    other.execute("ROLLBACK")
    other.close()
    assert store.keys.create(NewKey(team="a"), 1)[0].team == "a"
    store.close()


def test_a_full_disk_is_away_and_nothing_is_half_written(tmp_path):
    store = Store(tmp_path / "a.db")
    with reading(store._engine) as connection:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar()
    store.close()
    engine = open_engine(tmp_path / "a.db")
    with engine.connect() as connection:
        connection.exec_driver_sql(f"PRAGMA max_page_count={pages}")
    with pytest.raises(StoreAway, match="full"), writing(engine) as connection:
        connection.execute(settings.insert().values(name="small", value="x"))
        connection.execute(settings.insert().values(name="large", value="x" * 1_000_000))
    with reading(engine) as connection:
        assert connection.execute(settings.select()).all() == []
    engine.dispose()


def test_a_directory_that_can_not_be_opened_is_away(tmp_path):
    (tmp_path / "a.db").mkdir()
    with pytest.raises(StoreAway):
        Store(tmp_path / "a.db")


@pytest.mark.parametrize(("at", "words"), [(0, "not a database"), (4096, "malformed")])
def test_a_damaged_file_is_away_and_says_what_to_do(tmp_path, at, words):
    path = tmp_path / "a.db"
    Store(path).close()
    with path.open("r+b") as file:
        file.seek(at)
        file.write(b"garbage!" * 2048)
    with pytest.raises(StoreAway, match=f"{words}.*put a copy of state.db back"):
        store = Store(path)
        try:
            store.records.set("name", "value")
        finally:
            store.close()
