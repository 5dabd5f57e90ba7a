"""Cases whose five working days run out while the county has not yet signed for them (行政许可法第三十二条).

The window runs from the local intake, so it is this station that must notice: nobody above can know of the case.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection

from casework.case_tables import case_row
from casework.clock_table import NEAR_DAYS
from casework.policy import CaseScope
from casework.states import COUNTY, HOME, TOWNSHIP, State
from casework.workdays import Calendar

SHOWN_MAX = 20
_C = case_row.c


def near_window(conn: Connection, scope: CaseScope | None, calendar: Calendar, today: date) -> Sequence[sa.Row[Any]]:
    """Their rows, the one due first on top, at most SHOWN_MAX; read through the index by state, holder and due day."""
    if scope is None:
        return []
    until = calendar.add_workdays(today, NEAR_DAYS)[0].isoformat()
    some = [
        sa.select(case_row)
        .where(_C.state == State.COLLECTED.value, _C.holder == holder, _C.due <= until, _C.unsettled == 1)
        .where(_C.home_region.startswith(scope.region_prefix, autoescape=True))
        .order_by(_C.due, _C.topic)
        .limit(SHOWN_MAX)
        for holder in (HOME, TOWNSHIP, COUNTY)
    ]
    rows = [row for query in some for row in conn.execute(query)]
    return sorted(rows, key=lambda row: (row.due, row.topic))[:SHOWN_MAX]
