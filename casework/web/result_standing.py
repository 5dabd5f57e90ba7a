"""On the page of a case: whether the certificate of its result still counts, and who may end that."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection

from casework.case_tables import case_row
from casework.desk import CaseView
from casework.offers import target_of
from casework.policy import Act, Person, may
from casework.revoked_results import revoked_since
from casework.states import COUNTY


def result_standing(conn: Connection, person: Person, view: CaseView, tier: str) -> dict[str, Any]:
    """revoked_result: since when and why, or None; may_revoke: whether this person may revoke it here."""
    if not view.state.certificate:
        return {"revoked_result": None, "may_revoke": False}
    digest = conn.execute(sa.select(case_row.c.public).where(case_row.c.topic == view.topic)).scalar()
    revoked = revoked_since(conn, digest) if digest else None
    target = target_of(view.state, view.home_region, view.item.office if view.item else "")
    may_revoke = tier == COUNTY and bool(digest) and revoked is None and may(person, Act.REVOKE_RESULT, target)
    return {"revoked_result": revoked, "may_revoke": may_revoke}
