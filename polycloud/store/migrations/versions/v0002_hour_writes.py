"""Cache writes that are kept for an hour have a price of their own, and so a count."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("attempts", sa.Column("cache_write_hour_tokens", sa.BigInteger(), nullable=True))
