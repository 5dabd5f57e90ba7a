"""the day whose end lets time act on a case, departments that have not answered, divisions that were abolished

The program makes the rows anew when it is started the next time.

One change per revision. Old code must run on the new schema: add first, remove a release later. Node
migrations run unattended, offline, on a weak PC: no step may need the network or minutes of work.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_LAPSES = sa.text("lapse_day != '9999-12-31'")
_ASKED = sa.text("asked != ''")


def upgrade() -> None:
    op.add_column("case_row", sa.Column("lapse_day", sa.String(10), nullable=False, server_default="9999-12-31"))
    op.add_column("case_row", sa.Column("asked", sa.Text, nullable=False, server_default=""))
    with op.batch_alter_table("case_row") as rows:
        rows.alter_column("lapse_day", existing_type=sa.String(10), server_default=None)
        rows.alter_column("asked", existing_type=sa.Text(), server_default=None)
    op.add_column("region_row", sa.Column("until", sa.String(10), nullable=False, server_default=""))
    op.add_column("region_row", sa.Column("successor", sa.String(12), nullable=False, server_default=""))
    with op.batch_alter_table("region_row") as rows:
        rows.alter_column("until", existing_type=sa.String(10), server_default=None)
        rows.alter_column("successor", existing_type=sa.String(12), server_default=None)
    op.create_index(
        "case_row_lapse", "case_row", ["lapse_day", "topic"], sqlite_where=_LAPSES, postgresql_where=_LAPSES
    )
    op.create_index("case_row_asked", "case_row", ["due", "topic"], sqlite_where=_ASKED, postgresql_where=_ASKED)
