"""The signed statements that a case's papers carry as a QR: made here, from the case's state and this place's log.

A slip is signed whenever it is printed, with what this machine knows then. A result's certificate is signed once, by
whoever decides, inside the transaction that decides, and travels with the decision.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from sqlalchemy import Connection

from casework.case_log import CaseLog
from casework.changes import ChangeKind
from casework.errors import BadInput
from casework.fold import CaseState
from casework.hall import hall
from casework.intake_code import parse
from casework.journal import ORDERED
from casework.slips import (
    RESULT_KIND,
    SLIP_KIND,
    Result,
    Signer,
    Slip,
    Words,
    qr_text,
    result_payload,
    shortened,
    slip_payload,
)
from casework.workdays import china_day


def case_qr(conn: Connection, log: CaseLog, home: int, topic: bytes, state: CaseState, epoch: int, now: int) -> str:
    """The whole text of a slip's QR, "" where the case's key does not open here. epoch: ours; now: unix seconds.

    Of an intake of which this place can say nothing, as by a code of another kind, it is the bare address.
    """
    code = log.public_code(conn, home, topic)
    if code is None:
        return ""
    statement = _slip(conn, log, home, code, state, epoch, now)
    return qr_text(hall(conn).url, code, statement)


def _slip(conn: Connection, log: CaseLog, home: int, code: bytes, state: CaseState, epoch: int, now: int) -> bytes:
    line = next((one for one in state.timeline if one.kind == ChangeKind.COLLECT and one.applied), None)
    if line is None:
        return b""
    ours = home == log.author
    place_epoch = int(line.ref.split("/")[1]) if ours else epoch
    signer = Signer(log.author, log.region_of(conn, log.author), 0 if ours else home, place_epoch)
    try:
        slip = Slip(parse(state.code), state.item, line.standing == ORDERED)
        payload = slip_payload(slip, signer)
    except (BadInput, ValueError):
        return b""
    about = line.ref if ours else ""
    return log.sign_statement(conn, home, SLIP_KIND, code, payload, time=now, about=about)


def certificate_field(
    conn: Connection,
    log: CaseLog,
    case: tuple[int, bytes],
    state: CaseState,
    kind: ChangeKind,
    body: Mapping[str, Any],
    now: int,
) -> dict[str, bytes]:
    """The field with the certificate of the entry with this body, which this transaction writes next about the home.

    Empty where the case's key does not open here: nobody could then show which case it is of.
    """
    home, topic = case
    code = log.public_code(conn, home, topic)
    if code is None:
        return {}
    holder = shortened(str(state.applicant.get("name", "")))
    try:
        if kind is ChangeKind.ISSUE:
            until = date.fromisoformat(body["until"]) if body.get("until") else None
            title, number = shortened(str(body["title"])), shortened(str(body["number"]))
            decided = china_day(state.decided_at or now)
            payload = result_payload(Result(state.item, decided, holder, title, number, until))
        else:
            payload = result_payload(Result(state.item, china_day(now), holder, Words(""), Words("")))
    except (KeyError, ValueError):
        return {}  # what is wrong with the body says who checks it
    return {"certificate": log.sign_statement(conn, home, RESULT_KIND, code, payload, time=now)}


def result_qr(conn: Connection, log: CaseLog, home: int, topic: bytes, state: CaseState) -> str:
    """The text of the QR of the decision's certificate; "" where the case carries none that verifies here."""
    code = log.public_code(conn, home, topic)
    if code is None or not state.certificate:
        return ""
    checked = log.check_statement(conn, state.certificate, code)
    if checked.fault or checked.kind != RESULT_KIND:
        return ""
    return qr_text(hall(conn).url, code, state.certificate)
