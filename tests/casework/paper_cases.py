"""A case with everything that papers may have to say, and names that are hard to set."""

from __future__ import annotations

from typing import Any

from casework.case_parts import (
    Delivery,
    Extension,
    Lacking,
    Licence,
    Material,
    Page,
    ResultDocument,
    SpecialProcedure,
    Supplement,
    TimelineItem,
)
from casework.catalogue import load_catalogue
from casework.changes import ChangeKind
from casework.deadlines import CaseDates, clocks
from casework.fold import CaseState
from casework.paper_form import Facts
from casework.service_item import ServiceItem
from casework.states import State
from casework.workdays import Calendar, china_day
from tests.casework.test_qr import CASE as QR

NAME = "买买提·吐尔逊買買提𠮷𬭎"
LONG_NAME = "阿卜杜热合曼·阿卜杜克热木江·吐尔逊托合提" * 3
LONG_VILLAGE = "双江拉祜族佤族布朗族傣族自治县沙河乡允俸村民委员会第十二村民小组站"
RESULT_QR = QR.replace("/q/", "/r/")
NOON = 1_790_000_000
assert len(LONG_NAME) > 50
assert len(LONG_VILLAGE) == 33


def item() -> ServiceItem:
    return next(one for one in load_catalogue() if one.item_type == "01")


def page(n: int) -> Page:
    return Page(bytes([n]) * 32, 1000, b"\x07" * 32, "image/jpeg", None, 0, "r", b"", b"")


def told(kind: ChangeKind, n: int) -> TimelineItem:
    return TimelineItem(f"r{n}", int(kind), "county", 1, 1, NOON + n, 1, "ordered", "", "", True)


def state(**changed: Any) -> CaseState:
    """As at its end: everything has happened to it."""
    rules = item().materials
    whole = CaseState(
        state=State.DELIVERED,
        home=3,
        item=item().key,
        version=item().version,
        code="34188210120100300126092100AX",
        case_no="341882-FOOD-20260921-0001",
        tier="village",
        route={"first_review": True, "decision": "county", "township_reads": True},
        applicant={"kind": "person", "id_type": "111", "id": "342524188001010011", "name": NAME, "phone": ""},
        received="2026-09-21",
        proxy={"name": "𠮷田", "id": "342524188001010011"},
        materials=[
            Material(rules[0].name, True, (), "r"),
            Material(rules[1].name, False, (page(1), page(2)), "r"),
            Material("居民户口簿", False, (), "r", "shared"),
        ],
        supplement=Supplement(
            [{"subject": "营业执照", "what": "第 2 页不清楚，请重新扫描"}, {"subject": "平面图", "what": "没有签字"}],
            "一次补齐即可", NOON, "township", "r", None, "2026-10-30",
        ),
        accepted_at=NOON,
        lacking=[Lacking(rules[1].name, "2026-10-10", None)],
        procedures=[
            SpecialProcedure("expert_review", "涉及卫生安全", 15, NOON, NOON + 86_400, "通过"),
            SpecialProcedure("testing", "需要抽样", 7, NOON, None, ""),
        ],
        extension=Extension(5, "案情复杂", NOON, [[NOON, 5]]),
        decided_at=NOON,
        decision="granted",
        reason="场所面积不足，与申请内容不符",
        basis="《食品安全法》第三十五条",
        results=[ResultDocument("食品小作坊登记证", b"\x09" * 32, 100, b"", "application/pdf", "r")],
        licences=[Licence("食品小作坊登记证", "皖食坊 341882000001", "2031-09-21", NOON)],
        delivery=Delivery(NAME, "window", "本人到场", NOON),
        entered={"refused_acceptance": NOON},
        timeline=[told(ChangeKind.ASK_SUPPLEMENT, 1), told(ChangeKind.ASK_SUPPLEMENT, 2)],
    )  # fmt: skip
    for name, value in changed.items():
        assert hasattr(whole, name)
        setattr(whole, name, value)
    return whole


def facts(case: CaseState | None = None, **changed: Any) -> Facts:
    case = case or state()
    day = china_day(NOON)
    given: dict[str, Any] = {
        "state": case,
        "item": item(),
        "home_name": "东亭村",
        "township_name": "东亭乡",
        "county_name": "广德市",
        "authority": "广德市市场监督管理局",
        "clocks": clocks(CaseDates(received=day, accepted=day), item(), Calendar({}), day),
        "confirmed": True,
        "code": "3418 8210 1201 0030 0126 0921 00AX",
        "now": "2026-09-21 12:00",
        "station": "东亭村便民服务站",
        "hall": "广德市政务服务中心",
        "phone": "0563-6022345",
        "complaints": "12345",
        "case_qr": QR,
        "result_qr": RESULT_QR,
    }
    return Facts(**(given | changed))
