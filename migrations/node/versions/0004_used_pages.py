"""pages that this station has handed in

So that the same page of the same person or household is never sent twice. Empty at first: what was handed in before is
sent once more, if it is used again.

One change per revision. Old code must run on the new schema: add first, remove a release later. Node
migrations run unattended, offline, on a weak PC: no step may need the network or minutes of work.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "used_page",
        sa.Column("topic", sa.LargeBinary(), nullable=False),
        sa.Column("blob", sa.LargeBinary(), nullable=False),
        sa.Column("length", sa.BigInteger(), nullable=False),
        sa.Column("plain", sa.LargeBinary(), nullable=False),
        sa.Column("key", sa.LargeBinary(), nullable=False),
        sa.Column("preview", sa.LargeBinary(), nullable=True),
        sa.Column("preview_length", sa.BigInteger(), nullable=False),
        sa.Column("preview_key", sa.LargeBinary(), nullable=False),
        sa.Column("person", sa.Text(), nullable=False),
        sa.Column("household", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("topic", "blob"),
    )
    op.create_index("used_page_length", "used_page", ["length"])
