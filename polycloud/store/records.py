"""Small facts that the control process keeps: estates taken into force, and named settings."""

from sqlalchemy import Engine, delete, desc, insert, select

from polycloud.store.engine import reading, writing
from polycloud.store.schema import estates, settings


class SqlRecords:
    """Estate versions and settings over SQL."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def took_estate(self, version: str, name: str, paths_proved: int, now_ms: int) -> None:
        """Notes that an estate came into force; the same version twice in a row is noted once."""
        newest = select(estates.c.version).order_by(desc(estates.c.id)).limit(1)
        with writing(self._engine) as connection:
            if connection.execute(newest).scalar() == version:
                return
            connection.execute(
                insert(estates).values(version=version, name=name, at_ms=now_ms, paths_proved=paths_proved)
            )

    def estate_versions(self, limit: int) -> list[tuple[str, int]]:
        """(version, Unix milliseconds), newest first."""
        query = select(estates.c.version, estates.c.at_ms).order_by(desc(estates.c.id)).limit(limit)
        with reading(self._engine) as connection:
            return [(row.version, row.at_ms) for row in connection.execute(query)]

    def setting(self, name: str) -> str:
        """The setting's text, "" when it was never set."""
        with reading(self._engine) as connection:
            return connection.execute(select(settings.c.value).where(settings.c.name == name)).scalar() or ""

    def set(self, name: str, value: str) -> None:
        with writing(self._engine) as connection:
            connection.execute(delete(settings).where(settings.c.name == name))
            connection.execute(insert(settings).values(name=name, value=value))
