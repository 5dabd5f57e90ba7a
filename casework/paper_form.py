"""What a paper (文书) is before it is drawn: its parts in words, the same for A4, an 80 mm roll and the archive.

Papers are Chinese in every language of the pages: they are the organ's own documents. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date
from enum import StrEnum
from typing import Any

from casework.deadlines import Clock
from casework.fold import CaseState
from casework.identity import mask_id
from casework.service_item import ServiceItem
from casework.workdays import china_day


class Kind(StrEnum):
    """Which paper; the word stands in addresses."""

    RECEIPT = "receipt"
    TRANSFER = "transfer"
    SUPPLEMENT = "supplement"
    ACCEPTANCE = "acceptance"
    REFUSAL = "refusal"
    TOLERANCE = "tolerance"
    COMMITMENT = "commitment"
    SPECIAL = "special"
    EXTENSION = "extension"
    DECISION = "decision"
    DELIVERY = "delivery"
    ARCHIVE = "archive"


NUMBER_HEAD, HAND_LINE, SEAL_PLACE = "序号", "____________", "（盖章处）"


@dataclass(frozen=True, slots=True)
class Table:
    """A caption, the heads of the columns, rows as wide as the heads."""

    caption: str
    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    @property
    def numbered(self) -> bool:
        """Whether its first column counts the rows."""
        return self.heads[0] == NUMBER_HEAD

    def stacked(self) -> list[tuple[str, list[str]]]:
        """Each row as a heading and lines, for paper too narrow for columns."""
        skip = 2 if self.numbered else 1
        return [
            (
                f"{row[0]}. {row[1]}" if self.numbered else row[0],
                [f"{head}：{cell or HAND_LINE}" for head, cell in list(zip(self.heads, row, strict=True))[skip:]],
            )
            for row in self.rows
        ]


@dataclass(frozen=True, slots=True)
class Paper:
    """One paper. lead: to whom and what it says first; facts: label and value; signatures: who signs, each beside a
    line; seal: the organ whose seal goes on it, "" for none; day: the day it is of, YYYY-MM-DD; tentative: what is said
    at its head where it is printed from what the county has not confirmed, else "".
    """

    kind: Kind
    title: str
    number: str
    lead: str
    facts: tuple[tuple[str, str], ...] = ()
    paragraphs: tuple[str, ...] = ()
    tables: tuple[Table, ...] = ()
    closing: tuple[str, ...] = ()
    signatures: tuple[str, ...] = ()
    seal: str = ""
    day: str = ""
    notices: tuple[str, ...] = ()
    qr: str = ""
    qr_words: str = ""
    tentative: str = ""
    printed: str = ""


def to_plain(paper: Paper) -> dict[str, Any]:
    """For another process."""
    return asdict(paper)


def from_plain(plain: Mapping[str, Any]) -> Paper:
    """Inverse of `to_plain`, also of what JSON has made of it. Raises KeyError or TypeError for what is none."""
    tables = tuple(
        Table(one["caption"], tuple(one["heads"]), tuple(tuple(row) for row in one["rows"])) for one in plain["tables"]
    )
    texts = {name: tuple(plain[name]) for name in ("paragraphs", "closing", "signatures", "notices")}
    pairs = tuple((label, value) for label, value in plain["facts"])
    return Paper(**{**plain, **texts, "kind": Kind(plain["kind"]), "facts": pairs, "tables": tables})


@dataclass(frozen=True, slots=True)
class Facts:
    """All that papers are made from. home_name, township_name, county_name: of the regions above the case's home, ""
    where unknown. authority: the organ that decides. confirmed: whether the county has recorded the case. hall, phone,
    complaints: what the county says of itself, each "" until it has. case_qr, result_qr: the texts of the QR codes.
    to_come: required materials that have not come. custody: how far the case has come, in words.
    now: moment of printing, YYYY-MM-DD HH:MM; station: where.
    """

    state: CaseState
    item: ServiceItem | None
    home_name: str
    township_name: str
    county_name: str
    authority: str
    clocks: tuple[Clock, ...]
    confirmed: bool
    code: str
    now: str
    station: str
    hall: str = ""
    phone: str = ""
    complaints: str = ""
    case_qr: str = ""
    result_qr: str = ""
    to_come: tuple[str, ...] = ()
    custody: str = ""

    @property
    def item_name(self) -> str:
        return self.item.name if self.item else self.state.item

    @property
    def applicant(self) -> str:
        return str(self.state.applicant.get("name", ""))

    @property
    def licensing(self) -> bool:
        """Whether 行政许可法 itself applies, and is not only copied."""
        return self.item is not None and self.item.item_type == "01"


_LETTERS = {
    Kind.RECEIPT: "SJ", Kind.TRANSFER: "LZ", Kind.SUPPLEMENT: "BZ", Kind.ACCEPTANCE: "SL", Kind.REFUSAL: "BS",
    Kind.TOLERANCE: "RQ", Kind.COMMITMENT: "CN", Kind.SPECIAL: "TC", Kind.EXTENSION: "YQ", Kind.DECISION: "JD",
    Kind.DELIVERY: "SD",
}  # fmt: skip
TENTATIVE = "印自待县级确认的内容：所依据的记录尚未经县级登记，以县级登记为准。"


def number_of(kind: Kind, facts: Facts, ordinal: int) -> str:
    """The paper's number: the 收件码, which a case has from its first minute and keeps, the kind's letters, the ordinal
    among papers of the kind. So a paper that is printed again has the number it had."""
    return f"{facts.state.code}-{_LETTERS[kind]}{ordinal}"


def base_facts(facts: Facts) -> tuple[tuple[str, str], ...]:
    """What stands at the head of every paper."""
    state = facts.state
    rows = [
        ("事项", facts.item_name),
        ("申请人", facts.applicant),
        ("证件号码", mask_id(str(state.applicant.get("id", "")))),
        ("收件码", facts.code),
    ]
    if state.case_no:
        rows.append(("办件编号", state.case_no))
    if state.proxy:
        rows.append(("代办人", str(state.proxy.get("name", ""))))
    return tuple(rows)


def day_words(day: str) -> str:
    """2026-03-09 as 2026年3月9日; what is no date stays as it is; "" is a blank to fill in."""
    if not day:
        return "____年____月____日"
    try:
        found = date.fromisoformat(day)
    except ValueError:
        return day
    return f"{found.year}年{found.month}月{found.day}日"


def day_of(seconds: int | None) -> str:
    """The day in China, YYYY-MM-DD, or ""."""
    return china_day(seconds).isoformat() if seconds is not None else ""


def times(state: CaseState, kinds: tuple[int, ...]) -> list[int]:
    """When each change of these kinds was said that counted, unix seconds."""
    return [line.time for line in state.timeline if line.kind in kinds and line.applied]


def ask_words(facts: Facts) -> str:
    """Whom to ask."""
    place = facts.hall or f"{facts.home_name}便民服务站"
    return f"{place}（电话 {facts.phone}）" if facts.phone else place


def privacy_notice(facts: Facts) -> str:
    """个人信息保护法第十七条: who, for what, which, how long, how to use one's rights."""
    complaints = f"投诉电话 {facts.complaints}。" if facts.complaints else ""
    return (
        f"个人信息处理告知（《个人信息保护法》第十七条）：{facts.authority}和{facts.home_name}便民服务站为办理本事项，"
        "处理您的姓名、证件号码、联系方式和所交材料，由工作人员依法审查后存入县级政务服务系统，不作其他用途，"
        "按档案管理规定的期限保存。您可以向"
        f"{ask_words(facts)}查询、复制、更正本人信息，或者提出意见。{complaints}"
    )


def remedy_notice() -> str:
    """行政复议法第二十、二十四条, 行政诉讼法第四十六条."""
    return (
        "如不服本决定，可以自知道本决定之日起六十日内向县（市、区）人民政府申请行政复议"
        "（海关、金融、外汇、税务和国家安全机关作出的，向其上一级主管部门申请），"
        "也可以自知道本决定之日起六个月内依法向人民法院提起行政诉讼。"
    )
