"""Values for tests of the case rules: changes as a log would hand them over, and bodies that are right."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from casework.changes import ChangeKind
from casework.journal import BLOB_PAGE, BLOB_RESULT, ORDERED


@dataclass(frozen=True)
class Blob:
    hash: bytes
    length: int = 1000
    role: int = BLOB_PAGE


PAGE_1, PAGE_2 = Blob(b"\x01" * 32), Blob(b"\x02" * 32)
RESULT = Blob(b"\x09" * 32, 500, BLOB_RESULT)


@dataclass(frozen=True)
class Entry:
    kind: int
    body: Any
    office: str = "home"
    author: int = 17
    actor: int = 5
    time: int = 1_000
    quality: int = 1
    standing: str = ORDERED
    code: str = ""
    ref: str = "up:17/0/1"
    blobs: Sequence[Blob] = ()


def page(index: int) -> dict[str, Any]:
    return {"blob": index, "plain": b"\x07" * 32, "type": "image/jpeg"}


def applicant(name: str = "王建国") -> dict[str, Any]:
    keys = {"kind": "person", "id_type": "111", "id": "342524188001010011"}
    return {**keys, "name": name, "phone": "", "address": "东亭村"}


def route(*, first_review: bool = True, decision: str = "county", reads: bool = True) -> dict[str, Any]:
    return {"first_review": first_review, "decision": decision, "township_reads": reads}


def collect_body(tier: str = "village", **route_facts: Any) -> dict[str, Any]:
    return {
        "item": "disability-allowance",
        "version": 1,
        "code": "341882101201-1-20261120-0001-7",
        "tier": tier,
        "route": route(**route_facts),
        "applicant": applicant(),
        "form": {"level": "二级"},
        "extra": {},
        "household": None,
        "received": "2026-11-20",
        "ref": None,
        "materials": [{"name": "身份证", "seen": True}, {"name": "残疾人证", "pages": [page(0), page(1)]}],
    }


def body_of(kind: ChangeKind) -> dict[str, Any]:
    """A right body for every kind of the shared case (collect: village, first review, county decides)."""
    bodies: dict[ChangeKind, dict[str, Any]] = {
        ChangeKind.COLLECT: collect_body(),
        ChangeKind.CORRECT: {"applicant": applicant("王建军"), "reason": "姓名录错"},
        ChangeKind.ENDORSE: {"opinion": "情况属实"},
        ChangeKind.ASK_SUPPLEMENT: {"defects": [{"subject": "残疾人证", "what": "第二页不清"}]},
        ChangeKind.SUPPLEMENT: {"materials": [{"name": "残疾人证", "pages": [page(0)]}]},
        ChangeKind.ACCEPT: {"case_no": None},
        ChangeKind.REFUSE_ACCEPTANCE: {"reason": "不属于本机关职权范围"},
        ChangeKind.REVIEW: {},
        ChangeKind.GRANT: {"seen": [PAGE_1.hash, PAGE_2.hash]},
        ChangeKind.DENY: {"reason": "不符合条件", "seen": [PAGE_1.hash]},
        ChangeKind.ATTACH_RESULT: {
            "title": "决定书",
            "blob": 0,
            "plain": b"\x08" * 32,
            "type": "application/pdf",
        },
        ChangeKind.CLOSE: {"result": "issued"},
        ChangeKind.DELIVER: {"to": "王建国", "how": "window"},
        ChangeKind.REQUEST_WITHDRAW: {"reason": "本人要求"},
        ChangeKind.WITHDRAW: {"reason": "本人要求", "request": None},
        ChangeKind.DECLINE_REQUEST: {"request": "up:17/0/1", "reason": "已作出决定"},
        ChangeKind.SPECIAL_PROCEDURE: {"procedure": "hearing", "days": 15, "reason": "申请人要求听证"},
        ChangeKind.SPECIAL_RESULT: {"opinion": "听证笔录已归卷"},
        ChangeKind.EXTEND: {"days": 10, "reason": "案情复杂"},
        ChangeKind.ACCEPT_LACKING: {"lacking": [{"name": "户口簿", "due": "2026-12-04"}], "case_no": None},
        ChangeKind.SPLIT: {"parts": [{"office": "林业局", "due": "2026-12-11"}]},
        ChangeKind.PART_ANSWER: {"office": "林业局", "outcome": "agree"},
        ChangeKind.SEND_BACK: {"reason": "漏审第二页"},
        ChangeKind.REASSIGN: {"office": "林业局", "reason": "由林业局主办"},
        ChangeKind.ESCALATE: {"system": "省户政系统", "reason": "须在省户政系统办理"},
        ChangeKind.ESCALATE_RESULT: {"outcome": "granted", "number": "H-1", "opinion": "准予迁入"},
        ChangeKind.ISSUE: {"title": "残疾人证", "number": "34250119800101", "until": "2036-12-31"},
        ChangeKind.ARCHIVE: {"number": "2026-0001"},
        ChangeKind.DEEM_ACCEPTED: {"since": "2026-11-20", "due": "2026-11-27"},
        ChangeKind.LAPSE: {"rule": "supplement_lapsed", "due": "2026-12-11"},
        ChangeKind.VERIFY_COMMITMENT: {"kept": True, "opinion": "情况属实"},
        ChangeKind.TELL: {
            "about": "appointment",
            "of": "",
            "how": "",
            "done": False,
            "day": "2026-12-04",
            "at": "上午 9 时，村服务站",
        },
        ChangeKind.NUMBER: {"case_no": "11341882X2026112000001"},
    }
    return bodies[kind]


def entry(kind: ChangeKind, office: str = "home", **facts: Any) -> Entry:
    """A right change of a kind; facts replace fields of the Entry."""
    blobs = (RESULT,) if kind is ChangeKind.ATTACH_RESULT else (PAGE_1, PAGE_2)
    return Entry(kind, facts.pop("body", None) or body_of(kind), office, **{"blobs": blobs, **facts})
