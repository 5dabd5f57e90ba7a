"""What a citizen number tells by itself: where it was first given, when its holder was born, which sex. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from casework.identity import birth_date, citizen_id_problem, compact_number
from casework.scenario import age_on
from casework.texts import N_

PROVINCES = {
    "11": N_("北京市"), "12": N_("天津市"), "13": N_("河北省"), "14": N_("山西省"), "15": N_("内蒙古自治区"),
    "21": N_("辽宁省"), "22": N_("吉林省"), "23": N_("黑龙江省"), "31": N_("上海市"), "32": N_("江苏省"),
    "33": N_("浙江省"), "34": N_("安徽省"), "35": N_("福建省"), "36": N_("江西省"), "37": N_("山东省"),
    "41": N_("河南省"), "42": N_("湖北省"), "43": N_("湖南省"), "44": N_("广东省"), "45": N_("广西壮族自治区"),
    "46": N_("海南省"), "50": N_("重庆市"), "51": N_("四川省"), "52": N_("贵州省"), "53": N_("云南省"),
    "54": N_("西藏自治区"), "61": N_("陕西省"), "62": N_("甘肃省"), "63": N_("青海省"),
    "64": N_("宁夏回族自治区"), "65": N_("新疆维吾尔自治区"), "71": N_("台湾省"), "81": N_("香港特别行政区"),
    "82": N_("澳门特别行政区"), "83": N_("台湾居民居住证"),
}  # fmt: skip
"""The first two digits of GB/T 2260; 81, 82 and 83 stand also in the residence permits of 2018."""
MAN, WOMAN = N_("男"), N_("女")


@dataclass(frozen=True, slots=True)
class IdFacts:
    """area: the province, "" for digits that no province has; county: the six digits of the area code."""

    area: str
    county: str
    born: date
    age: int | None
    sex: str


def id_facts(number: str, today: date) -> IdFacts | None:
    """What this number, as typed, tells; None unless it is whole and right (GB 11643)."""
    compact = compact_number(number)
    born = birth_date(compact)
    if citizen_id_problem(compact) is not None or born is None:
        return None
    sex = MAN if int(compact[16]) % 2 else WOMAN
    return IdFacts(PROVINCES.get(compact[:2], ""), compact[:6], born, age_on(compact, today), sex)
