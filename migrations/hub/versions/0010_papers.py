"""what citizens hold: the public page's look-up, whom to tell, the hall, revoked results, ratings, messages

The program makes the rows anew when it is started the next time.

One change per revision. Old code must run on the new schema: add first, remove a release later.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

_TELL = sa.text("tell != ''")


def upgrade() -> None:
    op.add_column("case_row", sa.Column("public", sa.LargeBinary, nullable=False, server_default=sa.text("''")))
    op.add_column("case_row", sa.Column("tell", sa.String(60), nullable=False, server_default=""))
    with op.batch_alter_table("case_row") as rows:
        rows.alter_column("public", existing_type=sa.LargeBinary(), server_default=None)
        rows.alter_column("tell", existing_type=sa.String(60), server_default=None)
    op.create_index("case_row_public", "case_row", ["public"])
    op.create_index(
        "case_row_tell", "case_row", ["home", "changed", "topic"], sqlite_where=_TELL, postgresql_where=_TELL
    )
    op.create_table(
        "hall_row",
        sa.Column("name", sa.String(20), primary_key=True),
        sa.Column("value", sa.Text, nullable=False),
    )
    op.create_table(
        "revoked_result",
        sa.Column("id", sa.LargeBinary, primary_key=True),
        sa.Column("since", sa.BigInteger, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
    )
    op.create_table(
        "rating_code",
        sa.Column("code", sa.String(12), primary_key=True),
        sa.Column("topic", sa.LargeBinary, nullable=False),
        sa.Column("stage", sa.String(10), nullable=False),
        sa.Column("expires", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "rating_given",
        sa.Column("topic", sa.LargeBinary, primary_key=True),
        sa.Column("stage", sa.String(10), primary_key=True),
    )
    op.create_table(
        "rating",
        sa.Column("topic", sa.LargeBinary, primary_key=True),
        sa.Column("stage", sa.String(10), primary_key=True),
        sa.Column("home_region", sa.String(12), nullable=False),
        sa.Column("office", sa.Text, nullable=False),
        sa.Column("item", sa.String(64), nullable=False),
        sa.Column("grade", sa.SmallInteger, nullable=False),
        sa.Column("marks", sa.Text, nullable=False),
        sa.Column("words", sa.Text, nullable=False),
        sa.Column("channel", sa.String(20), nullable=False),
        sa.Column("day", sa.String(10), nullable=False),
        sa.Column("due", sa.String(10), nullable=False),
        sa.Column("called", sa.Text, nullable=False),
        sa.Column("verdict", sa.String(20), nullable=False),
        sa.Column("mended", sa.Text, nullable=False),
        sa.Column("over", sa.SmallInteger, nullable=False),
        sa.Column("counted", sa.SmallInteger, nullable=False),
    )
    op.create_index("rating_day", "rating", ["day", "topic"])
    op.create_index("rating_due", "rating", ["over", "due", "topic"])
    op.create_index("rating_office", "rating", ["office", "home_region", "counted"])
    op.create_table(
        "message",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True),
        sa.Column("key", sa.String(80), nullable=False, unique=True),
        sa.Column("topic", sa.LargeBinary, nullable=False),
        sa.Column("about", sa.String(20), nullable=False),
        sa.Column("phone", sa.String(40), nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("state", sa.String(12), nullable=False),
        sa.Column("created", sa.BigInteger, nullable=False),
        sa.Column("tries", sa.Integer, nullable=False),
        sa.Column("next_at", sa.BigInteger, nullable=False),
        sa.Column("error", sa.Text, nullable=False),
    )
    op.create_index("message_next", "message", ["state", "next_at"])
