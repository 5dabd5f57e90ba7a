"""The kinds of change a case can undergo, and the shape of each one's body.

Numbers are for ever: a number is never used again for something else (1..63 belong to the log itself).
SHAPES is the whole truth about bodies; `check_body` is safe on anything a stranger may have signed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from enum import IntEnum
from itertools import islice
from typing import Any

from casework.body_parts import (
    ANSWERS,
    APPLICANT,
    CASE_NO,
    CERTIFICATE,
    DEFECT,
    LACKING,
    MATERIALS,
    OFFICE,
    PAGE,
    PART,
    PROXY,
    RATING,
    REASON,
    RECTIFY,
    REF,
    ROUTE,
    SEEN,
)
from casework.body_shape import (
    MAX_PROBLEMS,
    Choice,
    Day,
    Field,
    Fits,
    Flag,
    Free,
    Hash32,
    ListOf,
    Record,
    Text,
    Whole,
    faults,
    fitting,
    is_plain,
    plain_fault,
)
from casework.errors import Problem
from casework.journal import BLOB_PAGE, BLOB_PREVIEW, BLOB_RESULT, BlobRef
from casework.texts import N_, say


class ChangeKind(IntEnum):
    """What happened; 64..95 and 107 are changes of the shared case, 96..99, 108 and 109 are internal; the rest of 100..
    is data about no case."""

    COLLECT = 64
    CORRECT = 65
    ENDORSE = 66
    ASK_SUPPLEMENT = 67
    SUPPLEMENT = 68
    ACCEPT = 69
    REFUSE_ACCEPTANCE = 70
    REVIEW = 71
    GRANT = 72
    DENY = 73
    ATTACH_RESULT = 74
    CLOSE = 75
    DELIVER = 76
    REQUEST_WITHDRAW = 77
    WITHDRAW = 78
    DECLINE_REQUEST = 79
    NUMBER = 80
    SPECIAL_PROCEDURE = 81
    SPECIAL_RESULT = 82
    EXTEND = 83
    ACCEPT_LACKING = 84
    SPLIT = 85
    PART_ANSWER = 86
    SEND_BACK = 87
    REASSIGN = 88
    ESCALATE = 89
    ESCALATE_RESULT = 90
    ISSUE = 91
    ARCHIVE = 92
    DEEM_ACCEPTED = 93
    LAPSE = 94
    VERIFY_COMMITMENT = 95
    OPINION = 96
    CARD = 97
    PLEA = 98
    CLEAR_CARD = 99
    STAFF_ROW = 100
    STAFF_PASSWORD = 101
    CATALOGUE_ITEM = 102
    CALENDAR_YEAR = 103
    NOTICE = 104
    REGION_ROWS = 105
    ADDRESS = 106
    TELL = 107
    RATING = 108
    RECTIFY = 109
    RESULT_REVOKED = 110
    HALL = 111


KIND_NAMES: dict[ChangeKind, str] = {
    ChangeKind.COLLECT: N_("收件"),
    ChangeKind.CORRECT: N_("更正"),
    ChangeKind.ENDORSE: N_("初审通过"),
    ChangeKind.ASK_SUPPLEMENT: N_("补正告知"),
    ChangeKind.SUPPLEMENT: N_("补正"),
    ChangeKind.ACCEPT: N_("受理"),
    ChangeKind.REFUSE_ACCEPTANCE: N_("不予受理"),
    ChangeKind.REVIEW: N_("审核"),
    ChangeKind.GRANT: N_("准予"),
    ChangeKind.DENY: N_("不予许可"),
    ChangeKind.ATTACH_RESULT: N_("上传结果"),
    ChangeKind.CLOSE: N_("办结"),
    ChangeKind.DELIVER: N_("送达"),
    ChangeKind.REQUEST_WITHDRAW: N_("申请撤回"),
    ChangeKind.WITHDRAW: N_("撤回"),
    ChangeKind.DECLINE_REQUEST: N_("不同意撤回"),
    ChangeKind.NUMBER: N_("编号"),
    ChangeKind.SPECIAL_PROCEDURE: N_("特别程序"),
    ChangeKind.SPECIAL_RESULT: N_("特别程序结果"),
    ChangeKind.EXTEND: N_("延长审批"),
    ChangeKind.ACCEPT_LACKING: N_("容缺受理"),
    ChangeKind.SPLIT: N_("并联分送"),
    ChangeKind.PART_ANSWER: N_("部门意见"),
    ChangeKind.SEND_BACK: N_("退回"),
    ChangeKind.REASSIGN: N_("转办"),
    ChangeKind.ESCALATE: N_("转报"),
    ChangeKind.ESCALATE_RESULT: N_("转报结果"),
    ChangeKind.ISSUE: N_("制证"),
    ChangeKind.ARCHIVE: N_("归档"),
    ChangeKind.DEEM_ACCEPTED: N_("视为受理"),
    ChangeKind.LAPSE: N_("到期终止"),
    ChangeKind.VERIFY_COMMITMENT: N_("承诺核查"),
    ChangeKind.OPINION: N_("内部意见"),
    ChangeKind.CARD: N_("发牌"),
    ChangeKind.PLEA: N_("申辩"),
    ChangeKind.CLEAR_CARD: N_("消牌"),
    ChangeKind.STAFF_ROW: N_("人员"),
    ChangeKind.STAFF_PASSWORD: N_("口令"),
    ChangeKind.CATALOGUE_ITEM: N_("事项"),
    ChangeKind.CALENDAR_YEAR: N_("工作日历"),
    ChangeKind.NOTICE: N_("通知"),
    ChangeKind.REGION_ROWS: N_("区划"),
    ChangeKind.ADDRESS: N_("网址"),
    ChangeKind.TELL: N_("告知群众"),
    ChangeKind.RATING: N_("评价"),
    ChangeKind.RECTIFY: N_("差评整改"),
    ChangeKind.RESULT_REVOKED: N_("撤销结果凭证"),
    ChangeKind.HALL: N_("大厅信息"),
}

TIERS = ("village", "township")


SHAPES: dict[ChangeKind, Record] = {
    ChangeKind.COLLECT: Record(
        (
            Field("item", Text(64, least=1)),
            Field("version", Whole(2**31 - 1)),
            Field("code", Text(64, least=1)),
            Field("tier", Choice(TIERS)),
            Field("route", ROUTE),
            Field("applicant", APPLICANT),
            Field("form", Free()),
            Field("extra", Free(), required=False),
            Field("household", Text(200), required=False, null=True),
            Field("received", Day()),
            Field("ref", Text(200), required=False, null=True),
            Field("materials", MATERIALS),
            Field("answers", ANSWERS, required=False),
            Field("commitment", Flag(), required=False),
            Field("green", Text(200), required=False, null=True),
            Field("first_asked", Text(100), required=False, null=True),
            Field("proxy", PROXY, required=False, null=True),
        )
    ),
    ChangeKind.CORRECT: Record(
        (
            Field("applicant", APPLICANT, required=False),
            Field("form", Free(), required=False),
            Field("materials", MATERIALS, required=False),
            Field("reason", REASON),
        )
    ),
    ChangeKind.ENDORSE: Record((Field("opinion", REASON),)),
    ChangeKind.ASK_SUPPLEMENT: Record(
        (
            Field("defects", ListOf(DEFECT, 60)),
            Field("until", Day(), required=False, null=True),
            Field("note", REASON, required=False, null=True),
        )
    ),
    ChangeKind.SUPPLEMENT: Record(
        (
            Field("materials", MATERIALS),
            Field("form", Free(), required=False),
            Field("note", REASON, required=False, null=True),
        )
    ),
    ChangeKind.ACCEPT: Record((CASE_NO,)),
    ChangeKind.REFUSE_ACCEPTANCE: Record(
        (
            Field("reason", REASON),
            Field("basis", REASON, required=False, null=True),
        )
    ),
    ChangeKind.REVIEW: Record(()),
    ChangeKind.GRANT: Record((Field("seen", SEEN), CERTIFICATE)),
    ChangeKind.DENY: Record((Field("reason", REASON), Field("seen", SEEN))),
    ChangeKind.ATTACH_RESULT: Record(
        (
            Field("title", Text(200)),
            Field("blob", Whole(999)),
            Field("plain", Hash32()),
            Field("type", Text(60, least=1)),
        )
    ),
    # Open text: a newer program may know more results and ways than this one does.
    ChangeKind.CLOSE: Record((Field("result", Text(40, least=1)),)),
    ChangeKind.DELIVER: Record(
        (
            Field("to", Text(200)),
            Field("how", Text(40)),
            Field("note", REASON, required=False, null=True),
            Field("receipt", PAGE, required=False, null=True),
            Field("signed", Text(20), required=False),
        )
    ),
    ChangeKind.REQUEST_WITHDRAW: Record((Field("reason", REASON),)),
    ChangeKind.WITHDRAW: Record(
        (
            Field("reason", REASON),
            Field("request", REF, required=False, null=True),
        )
    ),
    ChangeKind.DECLINE_REQUEST: Record((Field("request", REF), Field("reason", REASON))),
    # Open text as well; days: how long it will take, as the applicant was told in writing.
    ChangeKind.SPECIAL_PROCEDURE: Record(
        (Field("procedure", Text(40, least=1)), Field("days", Whole(999, 1)), Field("reason", REASON))
    ),
    ChangeKind.SPECIAL_RESULT: Record((Field("opinion", REASON),)),
    ChangeKind.EXTEND: Record((Field("days", Whole(99, 1)), Field("reason", REASON))),
    ChangeKind.ACCEPT_LACKING: Record(
        (Field("lacking", ListOf(LACKING, 60, least=1, unique="name")), CASE_NO),
    ),
    # What departments say in words goes with it as an internal opinion: no station reads it.
    ChangeKind.SPLIT: Record((Field("parts", ListOf(PART, 30, least=1, unique="office")),)),
    ChangeKind.PART_ANSWER: Record((Field("office", OFFICE), Field("outcome", Text(40, least=1)))),
    ChangeKind.SEND_BACK: Record((Field("reason", REASON),)),
    ChangeKind.REASSIGN: Record((Field("office", OFFICE), Field("reason", REASON))),
    ChangeKind.ESCALATE: Record((Field("system", Text(200, least=1)), Field("reason", REASON))),
    ChangeKind.ESCALATE_RESULT: Record(
        (
            Field("outcome", Text(40, least=1)),
            Field("number", Text(64), required=False, null=True),
            Field("opinion", REASON),
        )
    ),
    ChangeKind.ISSUE: Record(
        (
            Field("title", Text(200, least=1)),
            Field("number", Text(64, least=1)),
            Field("until", Day(), required=False, null=True),
            CERTIFICATE,
        )
    ),
    ChangeKind.ARCHIVE: Record((Field("number", Text(64), required=False, null=True),)),
    # What time alone causes; the days are those of the limit, whenever the county's program came to write it.
    ChangeKind.DEEM_ACCEPTED: Record((Field("since", Day()), Field("due", Day()))),
    ChangeKind.LAPSE: Record((Field("rule", Text(40, least=1)), Field("due", Day()))),
    ChangeKind.VERIFY_COMMITMENT: Record((Field("kept", Flag()), Field("opinion", REASON))),
    ChangeKind.NUMBER: Record((Field("case_no", Text(64, least=1)),)),
    # of: the change that is told, "" of an appointment that is only being made. done: a person has said it to
    # somebody; a message that went out has not. Open text, as above.
    ChangeKind.TELL: Record(
        (
            Field("about", Text(40, least=1)),
            Field("of", Text(64)),
            Field("how", Text(40)),
            Field("done", Flag()),
            Field("day", Day(), required=False, null=True),
            Field("at", Text(200), required=False, null=True),
            Field("note", REASON, required=False, null=True),
        )
    ),
    ChangeKind.OPINION: Record((Field("text", REASON), Field("about", Text(64)))),
    # A card of a case is named by its rule and the day since which it stands; colours, offices and codes are open text.
    ChangeKind.CARD: Record(
        (
            Field("rule", Text(40, least=1)),
            Field("since", Day()),
            Field("due", Day(), required=False, null=True),
            Field("colour", Text(16, least=1)),
            Field("owner", Text(16)),
            Field("office", Text(100)),
            Field("words", REASON),
        )
    ),
    ChangeKind.PLEA: Record((Field("rule", Text(40, least=1)), Field("since", Day()), Field("text", REASON))),
    ChangeKind.CLEAR_CARD: Record(
        (
            Field("rule", Text(40, least=1)),
            Field("since", Day()),
            Field("code", Text(40, least=1)),
            Field("note", REASON),
        )
    ),
    ChangeKind.RATING: RATING,
    ChangeKind.RECTIFY: RECTIFY,
}

INTERNAL = frozenset(
    (
        ChangeKind.OPINION,
        ChangeKind.CARD,
        ChangeKind.PLEA,
        ChangeKind.CLEAR_CARD,
        ChangeKind.RATING,
        ChangeKind.RECTIFY,
    )
)
"""The hub's own words about a case, which no station ever holds."""

_KINDS: dict[int, ChangeKind] = {int(kind): kind for kind in ChangeKind}
_FITS: dict[int, Fits] = {int(kind): fitting(shape) for kind, shape in SHAPES.items()}


def known_kind(kind: int) -> ChangeKind | None:
    """Return the kind with this number, or None if this program does not know it."""
    return _KINDS.get(kind)


def kind_name(kind: int) -> str:
    """Return the zh-CN word for a kind; an unknown number is named by its number."""
    known = known_kind(kind)
    return KIND_NAMES[known] if known is not None else say("未知业务（{kind}）", kind=kind)


def check_body(kind: int, body: object) -> list[Problem]:
    """List what is wrong with a body, at most MAX_PROBLEMS; never raises. Unknown fields are allowed."""
    fits = _FITS.get(kind)
    if fits is not None and is_plain(body) and fits(body):
        return []
    known = known_kind(kind)
    shape = SHAPES.get(known) if known is not None else None
    if shape is None:
        return [Problem("kind", N_("不是办件业务"))]
    if fault := plain_fault(body):
        return [Problem("", fault)]
    return list(islice(faults(shape, body), MAX_PROBLEMS))


def _blob_uses(kind: int, body: dict[str, object]) -> Iterator[tuple[str, object, int]]:
    if kind == ChangeKind.ATTACH_RESULT:
        yield "blob", body["blob"], BLOB_RESULT
    if kind == ChangeKind.DELIVER and body.get("receipt") is not None:
        yield from _page_uses("receipt", body["receipt"])
    materials = body.get("materials") if kind in _WITH_MATERIALS else None
    for m, material in enumerate(materials if isinstance(materials, list) else []):
        for p, page in enumerate(material.get("pages", ())):
            yield from _page_uses(f"materials.{m}.pages.{p}", page)


def _page_uses(path: str, page: Any) -> Iterator[tuple[str, object, int]]:
    yield f"{path}.blob", page["blob"], BLOB_PAGE
    if page.get("preview") is not None:
        yield f"{path}.preview", page["preview"], BLOB_PREVIEW


_WITH_MATERIALS = (ChangeKind.COLLECT, ChangeKind.CORRECT, ChangeKind.SUPPLEMENT)
_NAMING = frozenset((ChangeKind.ATTACH_RESULT, ChangeKind.DELIVER, *_WITH_MATERIALS))


def check_blobs(kind: int, body: dict[str, object], blobs: Sequence[BlobRef]) -> list[Problem]:
    """List indexes of a body (one that passed `check_body`) that name no blob, or one of another role."""
    if kind not in _NAMING:
        return []
    found = (
        Problem(path, N_("没有对应的附件"))
        for path, index, role in _blob_uses(kind, body)
        if type(index) is not int or index >= len(blobs) or blobs[index].role != role
    )
    return list(islice(found, MAX_PROBLEMS))
