"""what statistics count of each case

The program fills it when it is started the next time.

One change per revision. Old code must run on the new schema: add first, remove a release later.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "case_facts",
        sa.Column("topic", sa.LargeBinary, primary_key=True),
        sa.Column("home_region", sa.String(12), nullable=False),
        sa.Column("item", sa.String(64), nullable=False),
        sa.Column("office", sa.Text, nullable=False),
        sa.Column("received", sa.String(10), nullable=False),
        sa.Column("accepted", sa.String(10), nullable=False),
        sa.Column("ended", sa.String(10), nullable=False),
        sa.Column("outcome", sa.String(24), nullable=False),
        sa.Column("close_result", sa.Text, nullable=False),
        sa.Column("decision", sa.String(10), nullable=False),
        sa.Column("due", sa.String(10), nullable=False),
        sa.Column("used", sa.Integer),
        sa.Column("promised", sa.Integer),
        sa.Column("statutory", sa.Integer),
        sa.Column("promise", sa.String(10), nullable=False),
        sa.Column("statute", sa.String(10), nullable=False),
        sa.Column("extended", sa.Integer, nullable=False),
        sa.Column("provisional", sa.SmallInteger, nullable=False),
        sa.Column("reckoned_to", sa.String(10), nullable=False),
    )
    for day in ("received", "accepted", "ended"):
        op.create_index(f"case_facts_{day}", "case_facts", [day])
