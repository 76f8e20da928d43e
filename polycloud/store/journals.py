"""How far each worker's journal was read; rows and offset move together, in one transaction.

That is what makes ingestion exactly once: a kill between read and commit leaves offset and rows as
they were, and the same lines are read again.
"""

import msgspec
from sqlalchemy import ColumnElement, Connection, Engine, RowMapping, Select, exists, func, insert, select, update

from polycloud.core.errors import Conflict
from polycloud.core.ports.state import Batch, Fault, JournalFile
from polycloud.core.usage import AttemptRecord, DecisionRecord
from polycloud.store import rows
from polycloud.store.engine import reading, writing
from polycloud.store.schema import attempts, decisions, journal_faults, journal_files

GENESIS = "0" * 64
LOST_CODE = "worker_lost"

_MOVED = ("offset", "head", "lines", "breaks", "faults")  # by a batch
_COLUMNS = [journal_files.c[name] for name in JournalFile.__struct_fields__]


def _file(row: RowMapping) -> JournalFile:
    return JournalFile(**row)


class SqlJournals:
    """``core.ports.state.Journals`` over SQL."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def open(self, name: str, series: str) -> JournalFile:
        find = select(*_COLUMNS).where(journal_files.c.name == name)
        with writing(self._engine) as connection:
            found = connection.execute(find).mappings().one_or_none()
            if found is None:
                connection.execute(
                    insert(journal_files).values(
                        name=name, series=series, offset=0, head=GENESIS, lines=0, torn=False, breaks=0, faults=0
                    )
                )
                found = connection.execute(find).mappings().one()
        return _file(found)

    def unsealed(self) -> list[JournalFile]:
        query = select(*_COLUMNS).where(journal_files.c.sealed_ms.is_(None)).order_by(journal_files.c.name)
        with reading(self._engine) as connection:
            return [_file(row) for row in connection.execute(query).mappings()]

    def append(self, batch: Batch) -> JournalFile:
        try:
            return self._append(batch, checked=False)
        except OverflowError:
            return self._append(batch, checked=True)

    def _append(self, batch: Batch, checked: bool) -> JournalFile:
        file, faults = batch.file, list(batch.faults)
        decided: list[rows.Row] = []
        attempted: list[rows.Row] = []
        first, breaks = rows.place(file.id, 0), 0
        for entry in batch.entries:
            record = entry.record
            if not entry.chained:
                breaks += 1
            if isinstance(record, DecisionRecord):
                row, target = rows.decision_row(first + entry.offset, entry.chained, record), decided
            else:
                row, target = rows.attempt_row(first + entry.offset, entry.chained, record), attempted
            if not checked or rows.fits(row):
                target.append(row)
            else:
                faults.append(Fault(entry.offset, "a number does not fit 64 bits"))
        faulty = {fault.offset: fault.reason for fault in faults}
        after = msgspec.structs.replace(
            file,
            offset=batch.end,
            head=batch.head,
            lines=file.lines + batch.lines,
            breaks=file.breaks + breaks,
            faults=file.faults + len(faulty),
        )
        with writing(self._engine) as connection:
            _move(connection, file, **{name: getattr(after, name) for name in _MOVED})
            # Straight to the driver: SQLAlchemy's own binding of a row costs more than SQLite's work on it.
            for statement, found in ((rows.INSERT_DECISION, decided), (rows.INSERT_ATTEMPT, attempted)):
                if found:
                    connection.exec_driver_sql(statement, found)
            if faulty:
                connection.execute(
                    insert(journal_faults), [{"file": file.id, "offset": o, "reason": r} for o, r in faulty.items()]
                )
        return after

    def seal(self, file: JournalFile, torn: bool, now_ms: int) -> None:
        with writing(self._engine) as connection:
            _move(connection, file, sealed_ms=now_ms, torn=torn)

    def close_series(self, series: str, now_ms: int) -> int:
        # Found outside the write lock: a day's decisions can be millions, the lost ones are a handful.
        with reading(self._engine) as connection:
            lost = connection.execute(_unfinished(series)).mappings().all()
        with writing(self._engine) as connection:
            written = 0
            for row in lost:
                written += _write_lost(connection, row, now_ms)
            connection.execute(
                update(journal_files)
                .where(journal_files.c.series == series, journal_files.c.closed_ms.is_(None))
                .values(closed_ms=now_ms)
            )
        return written

    def unclosed(self) -> list[str]:
        query = select(journal_files.c.series).where(journal_files.c.closed_ms.is_(None)).distinct()
        with reading(self._engine) as connection:
            return list(connection.execute(query).scalars())

    def sealed_before(self, before_ms: int) -> list[JournalFile]:
        query = select(*_COLUMNS).where(journal_files.c.sealed_ms < before_ms, journal_files.c.deleted_ms.is_(None))
        with reading(self._engine) as connection:
            return [_file(row) for row in connection.execute(query).mappings()]

    def forget(self, file: JournalFile, now_ms: int) -> None:
        with writing(self._engine) as connection:
            connection.execute(update(journal_files).where(journal_files.c.id == file.id).values(deleted_ms=now_ms))


def _move(connection: Connection, file: JournalFile, **values: object) -> None:
    """Changes the file's row if nobody has read on since ``file`` was read; else raises Conflict."""
    moved = connection.execute(
        update(journal_files)
        .where(
            journal_files.c.id == file.id,
            journal_files.c.offset == file.offset,
            journal_files.c.sealed_ms.is_(None),
        )
        .values(**values)
    )
    if moved.rowcount != 1:
        raise Conflict(f"journal {file.name} was read on by another process; is a second control process running?")


def _final(request: object) -> ColumnElement[bool]:
    return exists().where(attempts.c.request == request, attempts.c.final.is_(True))


def _unfinished(series: str) -> Select[tuple[object, ...]]:
    """Decisions of a series that chose a deployment and have no final attempt."""
    first, end = journal_files.c.id * rows.place(1, 0), (journal_files.c.id + 1) * rows.place(1, 0)
    return (
        select(decisions)
        .join(journal_files, (decisions.c.id >= first) & (decisions.c.id < end))
        .where(journal_files.c.series == series, decisions.c.chosen != "", ~_final(decisions.c.request))
    )


def _write_lost(connection: Connection, decision: RowMapping, now_ms: int) -> int:
    """One ``lost`` attempt, unless the request got a final one meanwhile; its key forbids a second."""
    request = str(decision["request"])
    if connection.execute(select(_final(request))).scalar():
        return 0
    before = connection.execute(select(func.count()).where(attempts.c.request == request)).scalar_one()
    # After a failed first attempt nobody knows which target was being tried.
    deployment = str(decision["chosen"]) if before == 0 else ""
    cloud, _, rest = deployment.partition("/")
    region, _, model = rest.partition("/")
    record = AttemptRecord(
        request=request,
        at_ms=now_ms,
        number=before + 1,
        key=str(decision["key_id"]),
        team=str(decision["team"]),
        asked=str(decision["asked"]),
        deployment=deployment,
        cloud=cloud,
        site=f"{cloud}/{region}" if cloud else "",
        model=model.partition("#")[0],
        outcome="lost",
        code=LOST_CODE,
        final=True,
        policy=str(decision["policy"]),
    )
    row = rows.attempt_row(-int(decision["id"]), bool(decision["chained"]), record)
    connection.exec_driver_sql(rows.INSERT_ATTEMPT, row)
    return 1
