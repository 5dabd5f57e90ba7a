"""Who works in the county that the browser tests visit, and whose cases it holds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from casework.catalogue import load_catalogue
from casework.example_intake import example_citizen_id, example_intake_line
from casework.policy import Role
from tests.processes.founding import OTHER_VILLAGE, TOWNSHIP, VILLAGE

PASSWORD = "联办-浏览器-测试-2026"
OFFICE = "民政局"


@dataclass(frozen=True, slots=True)
class Worker:
    """A member of staff: at which place they sign in, as whom, for what."""

    key: str
    place: str
    login: str
    display: str
    role: Role
    station: str = ""
    office: str = ""


STAFF = {
    worker.key: worker
    for worker in (
        Worker("agent", "village", "daiban1", "代办员 李梅", Role.VILLAGE_AGENT, VILLAGE),
        Worker("other_agent", "other", "daiban2", "代办员 王强", Role.VILLAGE_AGENT, OTHER_VILLAGE),
        Worker("clerk", "township", "chuangkou", "窗口 吴娟", Role.TOWNSHIP_CLERK, TOWNSHIP),
        Worker("township", "township", "chushen", "初审员 钱进", Role.TOWNSHIP_REVIEWER, TOWNSHIP),
        Worker("reviewer", "hub", "shenhe", "审核员 孙敏", Role.COUNTY_REVIEWER, "", OFFICE),
        Worker("approver", "hub", "shenpi", "审批员 周岩", Role.COUNTY_APPROVER, "", OFFICE),
        Worker("supervisor", "hub", "ducha", "督查员 郑岚", Role.SUPERVISOR),
        Worker("admin", "hub", "admin", "管理员", Role.ADMIN),
        Worker("ops", "hub", "yunwei", "运维员 何川", Role.OPS),
    )
}
"""By the key that `visit` is given."""

_SURNAMES = (
    "赵钱孙李周吴郑王冯陈褚卫蒋沈韩杨朱秦尤许何吕施张孔曹严华金魏陶姜戚谢邹喻柏水窦章云苏潘葛奚范彭郎鲁韦昌马苗凤"
)
_GIVEN = "秀英 玉兰 桂芳 素珍 凤英 金花 德福 建国 永春 生水 志强 长根 月娥 来发 水莲 荣华 福祥 春梅 树林".split()
RARE_NAME = "买买提·吐尔逊𠮷"
"""The dot of names and a character beyond the basic plane."""


def applicant_name(number: int) -> str:
    """Another name for each number below 1,000; every twentieth is one that is hard on pages."""
    if number % 20 == 19:
        return RARE_NAME + str(number)
    return _SURNAMES[number % len(_SURNAMES)] + _GIVEN[number * 7 % len(_GIVEN)]


_CATALOGUE = load_catalogue()


def intake_line(number: int, item_key: str, files: tuple[str, ...] = ()) -> dict[str, Any]:
    """A line for `lianban-node intake`; `files` are the scans of the first materials, the others were seen."""
    line = example_intake_line(_CATALOGUE.get(item_key), serial=number)
    name = applicant_name(number)
    line["ref"] = f"browser-{item_key}-{number}"
    line["household"] = f"{name}户"
    line["applicant"] |= {
        "name": name,
        "phone": f"1390563{number:04d}",
        "address": f"第 {number % 9 + 1} 村民组 {number} 号",
    }
    if line["applicant"]["kind"] == "person":
        line["applicant"]["id"] = example_citizen_id(number)
    names = [entry["name"] for entry in line["materials"]]
    scanned = [{"name": name, "file": file} for name, file in zip(names, files, strict=False)]
    line["materials"] = scanned + line["materials"][len(scanned) :]
    return line
