"""Verifying a scanned slip or certificate with what this machine holds; nothing is asked of anybody."""

from __future__ import annotations

from urllib.parse import urlsplit

import sqlalchemy as sa
from sqlalchemy import Connection

from casework import case_store, reference
from casework.case_log import HUB_AUTHOR, CaseLog, Checked
from casework.case_tables import catalogue_item
from casework.fold import CaseState
from casework.hall import hall
from casework.public_code import code_digest
from casework.revoked_results import revoked_since
from casework.scan_text import scanned
from casework.states import STATE_NAMES
from casework.verifying import Facts, Finding, KnownCase, judge_scan, payload_of
from casework.workdays import china_day

_VERSIONS_LOOKED_AT = 50


def verify_scan(conn: Connection, log: CaseLog, text: str, now: int) -> Finding:
    """What may be believed of a text that was scanned or typed; now: unix seconds by this machine's clock."""
    scan, today = scanned(text), china_day(now)
    if scan is None:
        return judge_scan(Facts(None, None, today, _as_of(log, log.check_statement(conn, b"", b""), now)))
    checked = log.check_statement(conn, scan.statement or b"", scan.code)
    item = payload_of(checked).item
    return judge_scan(
        Facts(
            scan,
            checked if scan.statement else None,
            today,
            _as_of(log, checked, now),
            urlsplit(hall(conn).url).netloc.lower(),
            revoked_since(conn, code_digest(scan.code)),
            _deciding(conn, item),
            _item_name(conn, item),
            reference.region_name(conn, checked.region) if checked.region else "",
            _known_case(conn, log, scan.code),
        )
    )


def _as_of(log: CaseLog, checked: Checked, now: int) -> int:
    return now if log.author == HUB_AUTHOR else checked.newest


def _deciding(conn: Connection, item: str) -> frozenset[str]:
    c = catalogue_item.c
    newest_first = sa.select(c.version).where(c.key == item).order_by(c.version.desc()).limit(_VERSIONS_LOOKED_AT)
    versions = conn.execute(newest_first).scalars().all() if item else []
    known = [reference.item(conn, item, version) for version in versions]
    return frozenset(one.decision_tier for one in known if one is not None)


def _item_name(conn: Connection, item: str) -> str:
    known = reference.item(conn, item) if item else None
    return known.name if known else ""


def _known_case(conn: Connection, log: CaseLog, code: bytes) -> KnownCase | None:
    topic = case_store.by_public_code(conn, code)
    found = case_store.load(conn, log, topic) if topic is not None else None
    if topic is None or found is None or found[1].state is None:
        return None
    state: CaseState = found[1]
    assert state.state is not None
    return KnownCase(state.code, STATE_NAMES[state.state], state.decision == "granted", topic)
