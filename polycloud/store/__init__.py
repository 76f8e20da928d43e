"""The embedded store: one SQLite file with keys, overlay, journals' progress and the ledger."""

import pathlib

from polycloud.store.engine import StoreTooNew, migrate, open_engine
from polycloud.store.journals import SqlJournals
from polycloud.store.keys import SqlKeys
from polycloud.store.ledger import SqlLedger
from polycloud.store.overlay import Change, SqlOverlay
from polycloud.store.records import SqlRecords


class Store:
    """Everything kept, one attribute for each aggregate. Methods block: call them from a thread."""

    def __init__(self, path: pathlib.Path) -> None:
        """Opens or makes the file. Raises StoreTooNew, StoreAway."""
        self.path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        self._engine = open_engine(path)
        migrate(self._engine)
        self.keys = SqlKeys(self._engine)
        self.overlay = SqlOverlay(self._engine)
        self.journals = SqlJournals(self._engine)
        self.ledger = SqlLedger(self._engine)
        self.records = SqlRecords(self._engine)

    def close(self) -> None:
        self._engine.dispose()


__all__ = ["Change", "Store", "StoreTooNew"]
