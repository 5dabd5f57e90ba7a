"""Revoking the certificate of a granted decision: the county tells everybody, and every machine then knows it offline.

The decision itself stays in the log as it is; what a certificate says about it counts no more.
"""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy import Connection

from casework.case_tables import case_row
from casework.changes import ChangeKind
from casework.desk import Desk
from casework.errors import BadInput, Problem
from casework.offers import target_of
from casework.policy import Act, Person, require
from casework.revoked_results import revoked_body, revoked_since
from casework.texts import N_
from sync_protocol import canonical
from sync_protocol.feeds import TO_ALL
from sync_protocol.journal import Journal, Writing
from sync_protocol.store.dialect import lock_feeds


def revoke_result(
    conn: Connection, journal: Journal, desk: Desk, person: Person, topic: bytes, reason: str, writing: Writing
) -> None:
    """Raises NotFound, NotAllowed; BadInput where nothing is to be revoked, or without a reason."""
    view = desk.view(conn, person, topic)
    target = target_of(view.state, view.home_region, view.item.office if view.item else "")
    require(person, Act.REVOKE_RESULT, target)
    lock_feeds(conn, [TO_ALL])  # two people at once: the second finds it revoked
    digest = conn.execute(sa.select(case_row.c.public).where(case_row.c.topic == topic)).scalar()
    if not view.state.certificate or not digest:
        raise BadInput([Problem("", N_("这一件没有结果凭证"), N_("只有准予后签发了结果凭证的办件才能撤销"))])
    if revoked_since(conn, digest) is not None:
        raise BadInput([Problem("", N_("这份结果凭证已经撤销"), N_("不必再次撤销；请刷新页面查看"))])
    body = revoked_body(digest, writing.time, reason)
    journal.tell(conn, TO_ALL, int(ChangeKind.RESULT_REVOKED), canonical.pack(body), writing)
