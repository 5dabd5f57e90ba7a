"""${message}

One change per revision. Old code must run on the new schema: add first, remove a release later. Node
migrations run unattended, offline, on a weak PC: no step may need the network or minutes of work.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
${imports if imports else ""}
revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}
branch_labels = None
depends_on = None


def upgrade() -> None:
    ${upgrades if upgrades else "pass"}
