"""where stations are reached

One change per revision. Old code must run on the new schema: add first, remove a release later. Node
migrations run unattended, offline, on a weak PC: no step may need the network or minutes of work.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "station_address",
        sa.Column("author", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("url", sa.String(300), nullable=False),
    )
