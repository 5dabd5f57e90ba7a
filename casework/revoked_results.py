"""Certificates of results that count no more, by the digest of their case's public code, as the county has told."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection

from casework.case_tables import revoked_result
from casework.errors import BadInput, Problem
from casework.tables import storable
from casework.texts import N_, say

ID_BYTES = 16
REASON_CHARS_MAX = 200
_SINCE_MAX = 2**37
"""Unix seconds that still have a date."""
_R = revoked_result.c


def revoked_body(digest: bytes, since: int, reason: str) -> dict[str, Any]:
    """What the county tells everybody. Raises BadInput for a reason that nobody could act on."""
    reason = reason.strip()
    if not reason:
        raise BadInput([Problem("reason", N_("请填写撤销的理由"), N_("写明撤销的事实和依据，查验的人会看到"))])
    if len(reason) > REASON_CHARS_MAX:
        message = say(
            "撤销的理由最多 {reason_chars_max} 个字，现在是 {n} 个", reason_chars_max=REASON_CHARS_MAX, n=len(reason)
        )
        raise BadInput([Problem("reason", message, N_("请写得简短一些，不要写个人信息"))])
    return {"id": digest, "since": since, "reason": reason}


def save_revoked_result(conn: Connection, plain: Mapping[str, Any]) -> None:
    """Keep it; the first word about a case counts. Raises BadInput, KeyError or TypeError for what is none."""
    digest, since, reason = plain["id"], plain["since"], plain["reason"]
    if type(digest) is not bytes or len(digest) != ID_BYTES:
        raise BadInput([Problem("id", N_("不是结果凭证的摘要"))])
    if type(since) is not int or not 0 <= since <= _SINCE_MAX or type(reason) is not str:
        raise BadInput([Problem("since", N_("不是撤销的时间和理由"))])
    body = revoked_body(digest, since, reason)
    if revoked_since(conn, body["id"]) is None:
        conn.execute(sa.insert(revoked_result).values(**body | {"reason": storable(body["reason"])}))


def revoked_since(conn: Connection, digest: bytes) -> tuple[int, str] | None:
    """Since when (unix seconds) and why the certificate of this case counts no more."""
    row = conn.execute(sa.select(_R.since, _R.reason).where(_R.id == digest)).one_or_none()
    return (row.since, row.reason) if row else None
