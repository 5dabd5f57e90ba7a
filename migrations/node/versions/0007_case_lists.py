"""lists and searches whose cost does not grow with the cases of a year

The program makes the rows anew when it is started the next time.

One change per revision. Old code must run on the new schema: add first, remove a release later. Node
migrations run unattended, offline, on a weak PC: no step may need the network or minutes of work.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_TROUBLED = sa.text("trouble != ''")


def upgrade() -> None:
    op.add_column("case_row", sa.Column("due", sa.String(10), nullable=False, server_default="9999-12-31"))
    op.add_column("catalogue_item", sa.Column("name", sa.Text, nullable=False, server_default=""))
    op.execute("UPDATE catalogue_item SET name = json_extract(plain, '$.name')")
    with op.batch_alter_table("case_row") as rows:
        rows.alter_column("due", existing_type=sa.String(10), server_default=None)
    with op.batch_alter_table("catalogue_item") as rows:
        rows.alter_column("name", existing_type=sa.Text(), server_default=None)
    op.drop_index("case_row_changed", "case_row")
    op.drop_index("case_row_holder", "case_row")
    op.create_index("case_row_changed", "case_row", ["changed", "topic"])
    op.create_index("case_row_state", "case_row", ["state", "holder", "changed", "topic"])
    op.create_index("case_row_due", "case_row", ["state", "holder", "due", "topic", "home_region"])
    op.create_index("case_row_office", "case_row", ["office", "state", "holder", "due", "topic", "home_region"])
    op.create_index("case_row_station", "case_row", ["home_region", "received", "topic"])
    op.create_index("case_row_received", "case_row", ["received", "topic"])
    op.create_index("case_row_item", "case_row", ["item", "received", "topic"])
    op.create_index(
        "case_row_trouble",
        "case_row",
        ["changed", "topic"],
        sqlite_where=_TROUBLED,
        postgresql_where=_TROUBLED,
    )
    op.create_table(
        "case_term",
        sa.Column("term", sa.String(5), primary_key=True),
        sa.Column("received", sa.String(10), primary_key=True),
        sa.Column("topic", sa.LargeBinary, primary_key=True),
        sqlite_with_rowid=False,
    )
