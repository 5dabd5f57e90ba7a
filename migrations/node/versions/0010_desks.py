"""what the desks look at: the newest report of each station, and which page began a draft

One change per revision. Old code must run on the new schema: add first, remove a release later. Node
migrations run unattended, offline, on a weak PC: no step may need the network or minutes of work.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "report",
        sa.Column("author", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("packed", sa.LargeBinary, nullable=False),
        sa.Column("signature", sa.LargeBinary, nullable=False),
        sa.Column("heard", sa.BigInteger, nullable=False),
        sa.Column("skew", sa.BigInteger, nullable=False),
    )
    op.add_column("draft", sa.Column("started", sa.String(32), nullable=False, server_default=""))
    op.create_index("ix_draft_started", "draft", ["started"])
