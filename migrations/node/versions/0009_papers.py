"""what citizens hold: the public page's look-up, whom to tell, the hall, revoked results, ratings

The program makes the rows anew when it is started the next time.

One change per revision. Old code must run on the new schema: add first, remove a release later. Node
migrations run unattended, offline, on a weak PC: no step may need the network or minutes of work.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_TELL = sa.text("tell != ''")


def upgrade() -> None:
    op.add_column("case_row", sa.Column("public", sa.LargeBinary, nullable=False, server_default=sa.text("x''")))
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
