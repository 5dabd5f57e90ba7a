"""What an applicant is still to be told about a case, and the words in which to say it. Pure.

Told once is enough, but by a person: a text message that went out leaves the telling on the list, because an old
person may never read it. 行政许可法第三十二条 (all that is lacking, at once), 第三十八条 (a refusal with its
reasons and what can be done against it), 第四十四条 (the result handed over). `_` translates; it is passed in because
this module knows no request.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from casework.case_parts import Told
from casework.change_choices import CLOSE_RESULTS
from casework.changes import ChangeKind
from casework.errors import Problem
from casework.fold import CaseState
from casework.states import State
from casework.texts import N_, joined, say

Translate = Callable[[str], str]

TOLD_ABOUT: dict[str, str] = {"supplement": N_("补正"), "result": N_("结果"), "appointment": N_("约定")}
TOLD_BY: dict[str, str] = {"phone": N_("打电话"), "visit": N_("上门"), "message": N_("短信"), "other": N_("其他方式")}
SUPPLEMENT, RESULT, APPOINTMENT = TOLD_ABOUT
MESSAGE = "message"
APPOINTMENT_DAYS_MAX = 366
_ENDING = (ChangeKind.CLOSE, ChangeKind.REFUSE_ACCEPTANCE, ChangeKind.LAPSE)
_WITH_RESULT = (State.CLOSED, State.REFUSED_ACCEPTANCE)
_OVER = (None, State.DRAFT, State.DELIVERED, State.WITHDRAWN, State.ARCHIVED)
_WEEKDAYS = (N_("星期一"), N_("星期二"), N_("星期三"), N_("星期四"), N_("星期五"), N_("星期六"), N_("星期日"))
_MONTHS = (
    N_("1 月"), N_("2 月"), N_("3 月"), N_("4 月"), N_("5 月"), N_("6 月"),
    N_("7 月"), N_("8 月"), N_("9 月"), N_("10 月"), N_("11 月"), N_("12 月"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Telling:
    """One thing to tell: about what, which change says it, since when (unix s), and when a text message about it went
    out, 0 for never. day, at, note: of an appointment."""

    about: str
    of: str
    since: int
    messaged: int = 0
    day: str = ""
    at: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Speaker:
    """Who speaks, and whom to call: the station, the county's hall and its telephone; "" for what is not known."""

    station: str
    hall: str = ""
    phone: str = ""


def may_still_meet(case: CaseState) -> bool:
    """Whether there is anything left for which an applicant could be asked to come."""
    return case.state not in _OVER


def due_tellings(case: CaseState) -> tuple[Telling, ...]:
    """What the applicant is to be told now, the oldest first."""
    told = {(one.about, one.of) for one in case.told if one.done}
    due = [one for one in _all(case) if (one.about, one.of) not in told]
    return tuple(sorted(due, key=lambda one: (one.since, one.about)))


def _all(case: CaseState) -> list[Telling]:
    found = []
    notice = case.supplement
    if case.state is State.SUPPLEMENT_ASKED and notice is not None:
        found.append(_telling(case, SUPPLEMENT, notice.ref, notice.asked_at))
    if case.state in _WITH_RESULT:
        endings = (line for line in reversed(case.timeline) if line.applied and line.kind in _ENDING)
        found += [_telling(case, RESULT, line.ref, line.time) for line in endings][:1]
    meeting = appointment(case)
    if meeting is not None:
        found.append(_telling(case, APPOINTMENT, meeting.ref, meeting.time, meeting))
    return found


def appointment(case: CaseState) -> Told | None:
    """The appointment that counts: the last that was made, while the case goes on."""
    if not may_still_meet(case):
        return None
    made = (one for one in reversed(case.told) if one.about == APPOINTMENT and not one.of and not one.done)
    return next(made, None)


def _telling(case: CaseState, about: str, of: str, since: int, meeting: Told | None = None) -> Telling:
    sent = [one.time for one in case.told if (one.about, one.of, one.how) == (about, of, MESSAGE)]
    said = (meeting.day, meeting.at, meeting.note) if meeting is not None else ("", "", "")
    return Telling(about, of, since, max(sent, default=0), *said)


def tell_column(case: CaseState) -> str:
    """What a case's row says of it, by which lists find it."""
    return ",".join(sorted({one.about for one in due_tellings(case)}))


def telling_faults(case: CaseState, body: dict[str, Any], today: date | None) -> list[Problem]:
    """List what keeps us from writing a telling, or an appointment, now. today: the day in China, None to skip it."""
    if body["about"] not in TOLD_ABOUT:
        return [
            Problem("about", N_("请选择告知的内容"), say("可选：{names}", names=joined(N_("、"), TOLD_ABOUT.values())))
        ]
    if body["of"]:
        return _told_faults(case, body)
    if body["about"] != APPOINTMENT or body["done"]:
        return [Problem("about", N_("没有写明告知的是哪一步"), N_("请从「告知群众」清单里登记"))]
    return _appointment_faults(case, body, today)


def _told_faults(case: CaseState, body: dict[str, Any]) -> list[Problem]:
    if body["how"] not in TOLD_BY:
        return [Problem("how", N_("请选择告知的方式"), say("可选：{names}", names=joined(N_("、"), TOLD_BY.values())))]
    if (body["about"], body["of"]) not in {(one.about, one.of) for one in due_tellings(case)}:
        return [Problem("", N_("这件事已经告知过，或办件又有了新进展"), N_("请刷新清单，按最新的内容告知"))]
    return []


def _appointment_faults(case: CaseState, body: dict[str, Any], today: date | None) -> list[Problem]:
    if not may_still_meet(case):
        return [Problem("", N_("本件已经了结，不用再约申请人来办"), N_("请返回办件"))]
    problems = []
    if not body.get("day"):
        problems.append(Problem("day", N_("请填写约定的日期"), N_("选今天或以后的一天")))
    elif today is not None and body["day"] < today.isoformat():
        problems.append(Problem("day", N_("约定的日期早于今天"), N_("请改为今天或以后的日期")))
    elif today is not None and body["day"] > (today + timedelta(days=APPOINTMENT_DAYS_MAX)).isoformat():
        problems.append(Problem("day", N_("约定的日期在一年以后"), N_("请核对年份，改为一年之内的日期")))
    if not (body.get("at") or "").strip():
        problems.append(Problem("at", N_("请填写几点、在哪里"), N_("例如：上午 9 时，村便民服务站")))
    return problems


def spoken_day(text: str) -> str:
    """A day as one says it: «11 月 30 日，星期一»; anything else as it is."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return text
    return say(
        "{month} {day} 日，{weekday}", month=_MONTHS[day.month - 1], day=day.day, weekday=_WEEKDAYS[day.weekday()]
    )


def words(case: CaseState, telling: Telling, item: str, speaker: Speaker, _: Translate = str) -> tuple[str, ...]:
    """The text ready to read out, in short sentences. item: the item's name."""
    hello = _("您好，这里是{station}便民服务。").format(station=speaker.station)
    match telling.about:
        case "supplement":
            said = _supplement_words(case, item, speaker, _)
        case "result":
            said = _result_words(case, item, speaker, _)
        case _other:
            said = _appointment_words(telling, item, _)
    return hello, *said, _whom_to_call(speaker, _)


def _supplement_words(case: CaseState, item: str, speaker: Speaker, _: Translate) -> list[str]:
    notice = case.supplement
    defects = notice.defects if notice is not None else []
    said = [_("您申请办理「{item}」，还差 {n} 样，补齐了就能接着办。").format(item=item, n=len(defects))]
    said += [
        _("第 {n} 样，{subject}：{what}。").format(n=n, subject=one["subject"], what=str(one["what"]).rstrip("。 "))
        for n, one in enumerate(defects, 1)
    ]
    if notice is not None and notice.note:
        said.append(_("还要跟您说一声：{note}。").format(note=notice.note.rstrip("。 ")))
    if notice is not None and notice.until:
        last = _(spoken_day(notice.until))
        said.append(_("最晚 {day}，请送到{station}。").format(day=last, station=speaker.station))
        said.append(_("过了这一天没有补齐，这一件就自动终止了；以后要办，可以重新申请。"))
    else:
        said.append(_("请您尽早送到{station}。").format(station=speaker.station))
    return [*said, _("来的时候，请带上身份证、收件回执和刚才说的材料。您出门不方便，就跟我说，我们来想办法。")]


def _result_words(case: CaseState, item: str, speaker: Speaker, _: Translate) -> list[str]:
    come = _("请您带上身份证和收件回执，到{station}来领。请人代领的，带上您和他两个人的身份证。").format(
        station=speaker.station
    )
    if case.state is State.REFUSED_ACCEPTANCE:
        said = [_("您申请办理「{item}」，没有受理。").format(item=item), *_reasons(case, _), _appeal(_)]
    elif case.lapsed:
        again = _("您如果还要办，可以重新申请，我们帮您准备材料。")
        said = [_("您申请办理「{item}」，因为到期没有补齐材料，已经终止了。").format(item=item), again]
    elif case.decision == "denied":
        said = [_("您申请办理「{item}」，没有批准。").format(item=item), *_reasons(case, _), _appeal(_)]
    elif case.close_result in ("issued", "completed"):
        said = [_("您申请办理「{item}」，已经办好了。").format(item=item)]
    else:
        _code, name = CLOSE_RESULTS.get(case.close_result, ("", case.close_result))
        said = [_("您申请办理「{item}」，已经办结，结果是：{name}。").format(item=item, name=_(name))]
    titles = joined(N_("、"), (say("《{title}》", title=document.title) for document in case.results))
    return [*said, *([_("要领的有：{titles}。").format(titles=_(titles))] if titles else []), come]


def _reasons(case: CaseState, _: Translate) -> list[str]:
    basis = _("依据是：{basis}。").format(basis=case.basis.rstrip("。 "))
    return [_("理由是：{reason}。").format(reason=case.reason.rstrip("。 ")), *([basis] if case.basis else [])]


def _appeal(_: Translate) -> str:
    return _("您不同意的，有权依法申请行政复议或者提起行政诉讼，书面通知上写着怎么办。")


def _appointment_words(telling: Telling, item: str, _: Translate) -> list[str]:
    said = [_("办理「{item}」，想请您来一趟。").format(item=item)]
    said.append(_("时间是 {day}，{at}。").format(day=_(spoken_day(telling.day)), at=telling.at.rstrip("。 ")))
    if telling.note:
        said.append(_("请带上：{note}。").format(note=telling.note.rstrip("。 ")))
    return [*said, _("这个时间不方便，就跟我说，我们换一个。")]


def _whom_to_call(speaker: Speaker, _: Translate) -> str:
    if not speaker.phone:
        return _("有不明白的，随时来问我们。")
    hall = speaker.hall or _("县政务服务大厅")
    return _("有不明白的，来问我们，或者打{hall}的电话 {phone}。").format(hall=hall, phone=speaker.phone)
