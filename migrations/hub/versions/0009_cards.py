"""cards of supervision

One change per revision. Old code must run on the new schema: add first, remove a release later.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "card",
        sa.Column("epoch", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("topic", sa.LargeBinary, nullable=False),
        sa.Column("rule", sa.String(40), nullable=False),
        sa.Column("since", sa.String(10), nullable=False),
        sa.Column("due", sa.String(10), nullable=False),
        sa.Column("colour", sa.String(16), nullable=False),
        sa.Column("owner", sa.String(16), nullable=False),
        sa.Column("office", sa.String(100), nullable=False),
        sa.Column("words", sa.Text, nullable=False),
        sa.Column("issued", sa.BigInteger, nullable=False),
        sa.Column("plea", sa.Text, nullable=False),
        sa.Column("plea_by", sa.BigInteger, nullable=False),
        sa.Column("plea_at", sa.BigInteger, nullable=False),
        sa.Column("code", sa.String(40), nullable=False),
        sa.Column("note", sa.Text, nullable=False),
        sa.Column("cleared_by", sa.BigInteger, nullable=False),
        sa.Column("cleared_at", sa.BigInteger, nullable=False),
        sa.Column("over", sa.SmallInteger, nullable=False),
    )
    op.create_index("ix_card_topic", "card", ["topic"])
    op.create_index("card_over", "card", ["over", "epoch", "number"])
    op.create_index("card_colour", "card", ["over", "colour", "epoch", "number"])
    op.create_index("card_office", "card", ["over", "office", "epoch", "number"])
    op.create_table(
        "card_look",
        sa.Column("topic", sa.LargeBinary, primary_key=True),
        sa.Column("home", sa.BigInteger, nullable=False),
        sa.Column("day", sa.String(10), nullable=False),
    )
    op.create_index("card_look_day", "card_look", ["day", "topic"])
    op.execute("INSERT INTO card_look (topic, home, day) SELECT topic, home, '' FROM case_row")
