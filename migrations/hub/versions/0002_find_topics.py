"""an index that finds a case by its topic alone

Pages are given a topic and no home; the primary key begins with the home, so each look went through all cases.

One change per revision. Old code must run on the new schema: add first, remove a release later. Node
migrations run unattended, offline, on a weak PC: no step may need the network or minutes of work.
"""

from __future__ import annotations

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("topic_topic", "topic", ["topic"])
