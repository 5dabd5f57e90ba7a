"""What of a case a page shows, as small values: timeline rows, troubles, clocks, form lines. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from casework.applicant import ID_TYPES
from casework.case_parts import TimelineItem
from casework.change_choices import CLOSE_RESULTS, DELIVERY_WAYS
from casework.changes import kind_name
from casework.deadlines import DUE_TODAY, NEAR, NORMAL, OVERDUE, PAUSED, Clock
from casework.fold import CaseState
from casework.identity import mask_id, mask_phone
from casework.journal import HELD, REFUSED, TENTATIVE
from casework.refusals import Code, explain
from casework.service_item import ServiceItem
from casework.states import COUNTY, OFFICE_NAMES
from casework.texts import N_, joined

Translate = Callable[[str], str]
Names = Mapping[int, str]

# Four words, four shapes, four colours: never colour alone.
CLOCK_SIGNS = {
    NORMAL: ("●", "good"),
    NEAR: ("▲", "warn"),
    DUE_TODAY: ("■", "bad"),
    OVERDUE: ("■", "bad"),
    PAUSED: ("‖", "info"),
}


@dataclass(frozen=True, slots=True)
class TimelineRow:
    """One line of the story, in the shape that the timeline macro of parts.html wants."""

    at: int
    title: str
    by: str
    lines: tuple[str, ...]
    tone: str
    mark: str


@dataclass(frozen=True, slots=True)
class Trouble:
    """A change that is held or was refused: what, why, what to do."""

    title: str
    text: str
    remedy: str
    refused: bool


def timeline_rows(state: CaseState, stations: Names, people: Names, _: Translate = str) -> list[TimelineRow]:
    """Every change with its standing. `people` holds only the names that the reader may know."""
    return [_row(line, stations, people, _) for line in state.timeline]


def _row(line: TimelineItem, stations: Names, people: Names, _: Translate) -> TimelineRow:
    lines = [line.note] if line.note else []
    if line.standing in (HELD, REFUSED):
        said = explain(line.code)
        lines.append(_("{why}。{remedy}").format(why=_(said.text), remedy=_(said.remedy)))
    elif not line.applied:
        lines.append(_("这一步与当时的环节不符，没有产生变化"))
    return TimelineRow(line.time, kind_name(line.kind), _by(line, stations, people, _), tuple(lines), *_marks(line, _))


def _marks(line: TimelineItem, _: Translate) -> tuple[str, str]:
    """Tone and mark."""
    if line.standing == TENTATIVE:
        return "wait", _("待县级确认")
    if line.standing == HELD:
        return "warn", _("待县级核对")
    if line.standing == REFUSED:
        return "bad", _("已退回")
    return ("good" if line.applied else "plain"), ""


def _by(line: TimelineItem, stations: Names, people: Names, _: Translate) -> str:
    office = _(OFFICE_NAMES[line.office]) if line.office in OFFICE_NAMES else line.office
    place = "" if line.office == COUNTY else stations.get(line.author, "")
    parts = [office, place, people.get(line.actor, "") if line.actor else _("系统自动")]
    said = " ".join(part for part in parts if part)
    return said + {0: _("（时钟未核对）"), 2: _("（该机时钟不准）")}.get(line.quality, "")


def troubles(state: CaseState) -> list[Trouble]:
    """What is held or was refused and not mended since; what only followed from it is left out: one thing to redo."""
    found = []
    for line in reversed(state.timeline):
        if line.standing not in (HELD, REFUSED):
            if line.applied:
                break
            continue
        said = explain(line.code)
        follows = line.standing == REFUSED and line.code in (Code.BASIS_REFUSED, Code.DUPLICATE)
        found.append((follows, Trouble(kind_name(line.kind), said.text, said.remedy, line.standing == REFUSED)))
    causes = [trouble for follows, trouble in reversed(found) if not follows]
    return causes or [trouble for _follows, trouble in reversed(found)][:1]


def outcome_words(state: CaseState, kind: int, done: tuple[str, list[str]], _: Translate = str) -> str:
    """What has become of an act just written. done: the sentence of its success, and for an act that cannot be taken
    back what comes next."""
    said, then = done
    line = next((line for line in reversed(state.timeline) if line.kind == kind), None)
    if line is None:
        return said
    if line.standing in (HELD, REFUSED):
        why = explain(line.code)
        start = said + _("暂未生效：") if line.standing == HELD else _("没有生效：")
        return start + _("{why}。{remedy}。").format(why=_(why.text), remedy=_(why.remedy))
    if not line.applied:
        return _("这一步与当时的环节不符，没有产生变化。请看最新进度。")
    if line.standing == TENTATIVE:
        return said + _("待县级确认。")
    return said + "".join(_("不能撤回；下一步：{what}。").format(what=what) for what in then)


@dataclass(frozen=True, slots=True)
class ClockRow:
    """One clock: its sign, word, tone and sentence."""

    sign: str
    word: str
    tone: str
    text: str


def clock_rows(clocks: tuple[Clock, ...]) -> list[ClockRow]:
    return [ClockRow(*_sign(clock), clock.text()) for clock in clocks]


def _sign(clock: Clock) -> tuple[str, str, str]:
    sign, tone = CLOCK_SIGNS.get(clock.word, ("●", "plain"))
    return sign, clock.word, "plain" if clock.done and clock.word == NORMAL else tone


def applicant_rows(applicant: Mapping[str, Any], reveal: str, _: Translate = str) -> list[tuple[str, str]]:
    """Label and value. reveal: "full", or "masked" where the reader has nothing to do with the number."""
    if not applicant:
        return []
    number, phone = str(applicant.get("id", "")), str(applicant.get("phone", ""))
    if reveal != "full":
        number, phone = mask_id(number), mask_phone(phone)
    kind = _("单位") if applicant.get("kind") == "org" else _("自然人")
    id_type = str(applicant.get("id_type", ""))
    return [
        (_("姓名或名称"), str(applicant.get("name", ""))),
        (_("类型"), kind),
        (_(ID_TYPES[id_type]) if id_type in ID_TYPES else _("证件"), number),
        (_("电话"), phone),
        (_("地址"), str(applicant.get("address", ""))),
    ]


def form_rows(item: ServiceItem | None, form: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Values under the item's labels, in its order; keys the item does not know keep their key."""
    fields = item.form if item else ()
    known = {field.key for field in fields}
    rows = [
        (field.label, f"{form[field.key]}{field.unit}") for field in fields if form.get(field.key) not in (None, "")
    ]
    return rows + [(key, str(value)) for key, value in form.items() if key not in known]


def extra_rows(extra: Mapping[str, Any]) -> list[tuple[str, str]]:
    return [(key, joined(N_("、"), map(str, v)) if isinstance(v, list) else str(v)) for key, v in extra.items()]


def close_result_name(code: str) -> str:
    return CLOSE_RESULTS[code][1] if code in CLOSE_RESULTS else code


def delivery_name(how: str) -> str:
    return DELIVERY_WAYS.get(how, how)
