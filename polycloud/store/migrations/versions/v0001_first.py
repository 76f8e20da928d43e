"""The first schema: keys, the site overlay, estates taken, journals, decisions and attempts."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    keys_and_settings()
    overlay_and_estates()
    journals()
    decisions()
    attempts()


def keys_and_settings() -> None:
    op.create_table(
        "counters",
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("value", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_counters"),
    )
    op.create_table(
        "keys",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("team", sa.String(length=200), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("models", sa.Text(), nullable=False),
        sa.Column("classes", sa.Text(), nullable=False),
        sa.Column("requests_per_minute", sa.Integer(), nullable=True),
        sa.Column("region", sa.String(length=100), nullable=False),
        sa.Column("created_ms", sa.BigInteger(), nullable=False),
        sa.Column("expires_ms", sa.BigInteger(), nullable=True),
        sa.Column("revoked_ms", sa.BigInteger(), nullable=True),
        sa.Column("replaced_by", sa.String(length=40), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_keys"),
        sa.UniqueConstraint("digest", name="uq_keys_digest"),
    )
    op.create_table(
        "settings",
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_settings"),
    )


def overlay_and_estates() -> None:
    op.create_table(
        "estates",
        sa.Column("id", ROW_ID, nullable=False),
        sa.Column("version", sa.String(length=80), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.Column("paths_proved", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_estates"),
    )
    op.create_table(
        "overlay_entries",
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("target", sa.String(length=300), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("share", sa.Float(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("by_whom", sa.String(length=200), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("kind", "target", name="pk_overlay_entries"),
    )
    op.create_table(
        "overlay_history",
        sa.Column("version", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("target", sa.String(length=300), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("share", sa.Float(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("by_whom", sa.String(length=200), nullable=False),
        sa.PrimaryKeyConstraint("version", name="pk_overlay_history"),
    )


def journals() -> None:
    op.create_table(
        "journal_files",
        sa.Column("id", ROW_ID, nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("series", sa.String(length=200), nullable=False),
        sa.Column("offset", sa.BigInteger(), nullable=False),
        sa.Column("head", sa.String(length=64), nullable=False),
        sa.Column("lines", sa.BigInteger(), nullable=False),
        sa.Column("torn", sa.Boolean(), nullable=False),
        sa.Column("breaks", sa.Integer(), nullable=False),
        sa.Column("faults", sa.Integer(), nullable=False),
        sa.Column("sealed_ms", sa.BigInteger(), nullable=True),
        sa.Column("closed_ms", sa.BigInteger(), nullable=True),
        sa.Column("deleted_ms", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_journal_files"),
        sa.UniqueConstraint("name", name="uq_journal_files_name"),
    )
    op.create_index("ix_journal_files_series", "journal_files", ["series"], unique=False)
    op.create_table(
        "journal_faults",
        sa.Column("file", ROW_ID, nullable=False),
        sa.Column("offset", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["file"], ["journal_files.id"], name="fk_journal_faults_file"),
        sa.PrimaryKeyConstraint("file", "offset", name="pk_journal_faults"),
    )


def decisions() -> None:
    op.create_table(
        "decisions",
        sa.Column("id", ROW_ID, autoincrement=False, nullable=False),
        sa.Column("chained", sa.Boolean(), nullable=False),
        sa.Column("request", sa.String(length=80), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.Column("key_id", sa.String(length=40), nullable=False),
        sa.Column("team", sa.String(length=200), nullable=False),
        sa.Column("asked", sa.String(length=300), nullable=False),
        sa.Column("route", sa.String(length=200), nullable=False),
        sa.Column("classes", sa.Text(), nullable=False),
        sa.Column("policy", sa.String(length=80), nullable=False),
        sa.Column("overlay", sa.BigInteger(), nullable=False),
        sa.Column("chosen", sa.String(length=300), nullable=False),
        sa.Column("eligible", sa.Text(), nullable=False),
        sa.Column("refused", sa.Text(), nullable=False),
        sa.Column("expected_pico_usd", sa.BigInteger(), nullable=True),
        sa.Column("face", sa.String(length=40), nullable=False),
        sa.Column("code", sa.String(length=40), nullable=False),
        sa.Column("trace", sa.String(length=40), nullable=False),
        sa.Column("v", sa.SmallInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_decisions"),
    )
    op.create_index("ix_decisions_at_ms", "decisions", ["at_ms"], unique=False)
    op.create_index("ix_decisions_request", "decisions", ["request"], unique=False)


def attempts() -> None:
    op.create_table(
        "attempts",
        sa.Column("id", ROW_ID, autoincrement=False, nullable=False),
        sa.Column("chained", sa.Boolean(), nullable=False),
        sa.Column("request", sa.String(length=80), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("key_id", sa.String(length=40), nullable=False),
        sa.Column("team", sa.String(length=200), nullable=False),
        sa.Column("asked", sa.String(length=300), nullable=False),
        sa.Column("deployment", sa.String(length=300), nullable=False),
        sa.Column("cloud", sa.String(length=40), nullable=False),
        sa.Column("site", sa.String(length=100), nullable=False),
        sa.Column("model", sa.String(length=300), nullable=False),
        sa.Column("outcome", sa.String(length=10), nullable=False),
        sa.Column("code", sa.String(length=40), nullable=False),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.Column("latency_ms", sa.Float(), nullable=False),
        sa.Column("first_token_ms", sa.Float(), nullable=True),
        sa.Column("input_tokens", sa.BigInteger(), nullable=True),
        sa.Column("output_tokens", sa.BigInteger(), nullable=True),
        sa.Column("cache_read_tokens", sa.BigInteger(), nullable=True),
        sa.Column("cache_write_tokens", sa.BigInteger(), nullable=True),
        sa.Column("reasoning_tokens", sa.BigInteger(), nullable=True),
        sa.Column("cost_pico_usd", sa.BigInteger(), nullable=True),
        sa.Column("streamed", sa.Boolean(), nullable=False),
        sa.Column("final", sa.Boolean(), nullable=False),
        sa.Column("equivalent", sa.Boolean(), nullable=False),
        sa.Column("degraded", sa.Text(), nullable=False),
        sa.Column("reported_region", sa.String(length=100), nullable=False),
        sa.Column("provider_request", sa.String(length=200), nullable=False),
        sa.Column("policy", sa.String(length=80), nullable=False),
        sa.Column("overhead_us", sa.BigInteger(), nullable=False),
        sa.Column("estimated", sa.Boolean(), nullable=False),
        sa.Column("v", sa.SmallInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_attempts"),
    )
    op.create_index("ix_attempts_at_ms", "attempts", ["at_ms"], unique=False)
    op.create_index("ix_attempts_request", "attempts", ["request"], unique=False)


def downgrade() -> None:
    for table in (
        "attempts",
        "decisions",
        "journal_faults",
        "journal_files",
        "estates",
        "overlay_history",
        "overlay_entries",
        "settings",
        "keys",
        "counters",
    ):
        op.drop_table(table)
