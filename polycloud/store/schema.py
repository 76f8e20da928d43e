"""The tables, as SQLAlchemy Core values: plain types that SQLite and PostgreSQL both have.

Times are Unix milliseconds. Money is whole pico-dollars in a signed 64-bit column: one attempt can
cost up to 9.2 million dollars. Sums go further than that, so they are never taken in pico: see
``ledger.exact_sum``. Lists are JSON text, as nothing is ever looked up inside them.

Two rows are written for each request, so ``decisions`` and ``attempts`` are kept narrow: their key says
from which line they come, and an index is there only for what is asked (a request, a window of time).
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    String,
    Table,
    Text,
)

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)
# SQLite gives row ids only to INTEGER, PostgreSQL needs BIGINT for more than 2**31 rows.
RowId = BigInteger().with_variant(Integer, "sqlite")

counters = Table(
    "counters",
    metadata,
    Column("name", String(40), primary_key=True),
    Column("value", BigInteger, nullable=False),
)

settings = Table(
    "settings",
    metadata,
    Column("name", String(40), primary_key=True),
    Column("value", Text, nullable=False),
)

keys = Table(
    "keys",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("digest", LargeBinary(32), nullable=False, unique=True),
    Column("team", String(200), nullable=False),
    Column("name", String(200), nullable=False),
    Column("models", Text, nullable=False),
    Column("classes", Text, nullable=False),
    Column("requests_per_minute", Integer),
    Column("region", String(100), nullable=False),
    Column("created_ms", BigInteger, nullable=False),
    Column("expires_ms", BigInteger),
    Column("revoked_ms", BigInteger),
    Column("replaced_by", String(40), nullable=False, server_default=""),
)

overlay_entries = Table(
    "overlay_entries",
    metadata,
    Column("kind", String(10), primary_key=True),  # site | deployment
    Column("target", String(300), primary_key=True),
    Column("state", String(10), nullable=False),
    Column("share", Float),
    Column("reason", Text, nullable=False),
    Column("by_whom", String(200), nullable=False),
    Column("version", BigInteger, nullable=False),
    Column("at_ms", BigInteger, nullable=False),
)

overlay_history = Table(
    "overlay_history",
    metadata,
    Column("version", BigInteger, primary_key=True, autoincrement=False),
    Column("at_ms", BigInteger, nullable=False),
    Column("kind", String(10), nullable=False),
    Column("target", String(300), nullable=False),
    Column("state", String(10), nullable=False),
    Column("share", Float),
    Column("reason", Text, nullable=False),
    Column("by_whom", String(200), nullable=False),
)

estates = Table(
    "estates",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("version", String(80), nullable=False),
    Column("name", String(200), nullable=False),
    Column("at_ms", BigInteger, nullable=False),
    Column("paths_proved", BigInteger, nullable=False),
)

journal_files = Table(
    "journal_files",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("name", String(200), nullable=False, unique=True),
    Column("series", String(200), nullable=False, index=True),
    Column("offset", BigInteger, nullable=False),
    Column("head", String(64), nullable=False),
    Column("lines", BigInteger, nullable=False),
    Column("torn", Boolean, nullable=False),
    Column("breaks", Integer, nullable=False),
    Column("faults", Integer, nullable=False),
    Column("sealed_ms", BigInteger),
    Column("closed_ms", BigInteger),
    Column("deleted_ms", BigInteger),
)

journal_faults = Table(
    "journal_faults",
    metadata,
    Column("file", RowId, ForeignKey("journal_files.id"), primary_key=True),
    Column("offset", BigInteger, primary_key=True, autoincrement=False),
    Column("reason", Text, nullable=False),
)

decisions = Table(
    "decisions",
    metadata,
    Column("id", RowId, primary_key=True, autoincrement=False),  # rows.place: the file and the line's offset
    Column("chained", Boolean, nullable=False),
    Column("request", String(80), nullable=False, index=True),
    Column("at_ms", BigInteger, nullable=False, index=True),
    Column("key_id", String(40), nullable=False),
    Column("team", String(200), nullable=False),
    Column("asked", String(300), nullable=False),
    Column("route", String(200), nullable=False),
    Column("classes", Text, nullable=False),
    Column("policy", String(80), nullable=False),
    Column("overlay", BigInteger, nullable=False),
    Column("chosen", String(300), nullable=False),
    Column("eligible", Text, nullable=False),
    Column("refused", Text, nullable=False),
    Column("expected_pico_usd", BigInteger),
    Column("face", String(40), nullable=False),
    Column("code", String(40), nullable=False),
    Column("trace", String(40), nullable=False),
    Column("v", SmallInteger, nullable=False),
)

attempts = Table(
    "attempts",
    metadata,
    Column("id", RowId, primary_key=True, autoincrement=False),  # negative: a lost one, for the decision -id
    Column("chained", Boolean, nullable=False),
    Column("request", String(80), nullable=False, index=True),
    Column("at_ms", BigInteger, nullable=False, index=True),
    Column("number", Integer, nullable=False),
    Column("key_id", String(40), nullable=False),
    Column("team", String(200), nullable=False),
    Column("asked", String(300), nullable=False),
    Column("deployment", String(300), nullable=False),
    Column("cloud", String(40), nullable=False),
    Column("site", String(100), nullable=False),
    Column("model", String(300), nullable=False),
    Column("outcome", String(10), nullable=False),
    Column("code", String(40), nullable=False),
    Column("status", Integer, nullable=False),
    Column("latency_ms", Float, nullable=False),
    Column("first_token_ms", Float),
    Column("input_tokens", BigInteger),  # None: the provider told no usage
    Column("output_tokens", BigInteger),
    Column("cache_read_tokens", BigInteger),
    Column("cache_write_tokens", BigInteger),
    Column("reasoning_tokens", BigInteger),
    Column("cache_write_hour_tokens", BigInteger),  # None also in rows of before it was counted
    Column("cost_pico_usd", BigInteger),
    Column("streamed", Boolean, nullable=False),
    Column("final", Boolean, nullable=False),
    Column("equivalent", Boolean, nullable=False),
    Column("degraded", Text, nullable=False),
    Column("reported_region", String(100), nullable=False),
    Column("provider_request", String(200), nullable=False),
    Column("policy", String(80), nullable=False),
    Column("overhead_us", BigInteger, nullable=False),
    Column("estimated", Boolean, nullable=False),
    Column("v", SmallInteger, nullable=False),
)
