"""What the rules of supervision are asked about: one case with its days, and the cards they answer with. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from casework.changes import ChangeKind
from casework.deadlines import CaseDates
from casework.fold import CaseState
from casework.running import Run, Span, past
from casework.service_item import ServiceItem
from casework.stays import Deed, Receipts, Stay, believed, deeds, stays
from casework.supervision_rules import Rule, Rules
from casework.view_dates import case_dates
from casework.workdays import Calendar, china_day

_K = ChangeKind


@dataclass(frozen=True, slots=True)
class Card:
    """One card. owner: the office relative to the case that answers for it; department: the county office in charge.

    since: the day from which it stands; ended: when it no longer did, None while it does (a breach stands until it is
    cleared). due: the last day of the limit, None for a breach. late: the limit was passed, or there was none to keep.
    """

    rule: str
    colour: str
    owner: str
    department: str
    since: date
    ended: date | None
    due: date | None
    late: bool
    warns: bool
    words: str

    @property
    def key(self) -> tuple[str, date]:
        """What tells a card of a case from its others."""
        return self.rule, self.since


@dataclass(frozen=True, slots=True)
class Story:
    """What the rules are asked about: one case, its item, and its days as far as they can be believed."""

    state: CaseState
    item: ServiceItem
    calendar: Calendar
    receipts: Receipts
    rules: Rules
    dates: CaseDates
    done: tuple[Deed, ...]
    stays: tuple[Stay, ...]

    def holder_on(self, day: date) -> str:
        """Who held the case when that day began; who held it first, if it had not begun."""
        held = [stay.holder for stay in self.stays if stay.holder and stay.since <= day]
        return held[-1] if held else next((stay.holder for stay in self.stays), "")

    @property
    def department(self) -> str:
        """The county department in charge of the case."""
        return self.state.office or self.item.office

    def deeds_of(self, *kinds: ChangeKind) -> list[Deed]:
        return [deed for deed in self.done if deed.kind in kinds]


Found = Iterator[Card]


def story_of(state: CaseState, item: ServiceItem, calendar: Calendar, receipts: Receipts, rules: Rules) -> Story | None:
    state = state.base if state.base is not None else state
    if state.state is None:
        return None
    far = rules["clock_behind"].limit
    assert far is not None
    done = deeds(state, receipts, far)
    return Story(
        state, item, calendar, receipts, rules, _believed_dates(state, receipts, done, far), done, stays(state, done)
    )


def _believed_dates(state: CaseState, receipts: Receipts, done: tuple[Deed, ...], far: int) -> CaseDates:
    """The dates by which the shown clocks run, as far as the county's receipts let them be believed."""
    shown = case_dates(state)
    last = {deed.kind: deed.day for deed in done}

    def bound(day: date | None, *kinds: ChangeKind) -> date | None:
        days = [last[kind] for kind in kinds if kind in last]
        return max(days) if day is not None and days else day

    ends = (_K.REFUSE_ACCEPTANCE, _K.WITHDRAW, _K.CLOSE, _K.LAPSE)
    intake = next((line.ref for line in state.timeline if line.kind == _K.COLLECT and line.applied), "")
    received = believed(shown.received, intake, receipts, far)
    return CaseDates(
        received=received,
        accepted=believed(shown.accepted, _accepting(state), receipts, far) if shown.accepted else None,
        decided=bound(shown.decided, _K.GRANT, _K.DENY),
        ended=bound(shown.ended, *ends),
        suspensions=shown.suspensions,
    )


def _accepting(state: CaseState) -> str:
    """The change from which the acceptance counts; "" for silence (第三十二条), whose day is no station's word."""
    accepting = (_K.ACCEPT, _K.ACCEPT_LACKING)
    lines = (line for line in state.timeline if line.applied and line.kind in accepting)
    return next((line.ref for line in lines if line.time == state.accepted_at and not state.deemed), "")


def made(story: Story, rule: Rule, span: Span, owner: str, words: str) -> Card:
    return Card(
        rule.id, rule.colour, owner, story.department, span.since, span.until, span.due, True, rule.warns, words
    )


def breach(story: Story, rule: Rule, day: date, owner: str, words: str) -> Found:
    if rule.used:
        yield Card(rule.id, rule.colour, owner, story.department, day, None, None, True, rule.warns, words)


def limit_words(rule: Rule, run: Run, span: Span) -> str:
    unit = "个工作日" if run.unit == "wd" else "天"
    return f"{rule.name}：自 {run.start.isoformat()} 起 {run.days} {unit}，至 {span.told.isoformat()}"


def link_words(story: Story) -> str:
    """What a person needs who has to tell a late clerk from a link that was gone."""
    intake = next((line for line in story.state.timeline if line.kind == _K.COLLECT and line.applied), None)
    if intake is None or intake.ref not in story.receipts:
        return ""
    came = china_day(story.receipts[intake.ref])
    days = (came - story.dates.received).days
    return f"；收件内容 {came.isoformat()} 才到县级，其间 {days} 天" if days > 0 else ""


def promise_run(story: Story, days: int, unit: str) -> Run | None:
    if story.dates.accepted is None:
        return None
    each = story.state.extension.each if story.state.extension else []
    told = [deed.day for deed in story.deeds_of(_K.EXTEND)]
    longer = tuple((day, more) for day, (_, more) in zip(told, each, strict=False))
    ended = story.dates.decided or story.dates.ended
    return Run(story.dates.accepted, days, unit, ended, story.dates.suspensions, longer)


def promise_past(story: Story) -> list[Span]:
    limit = story.item.promised_days or story.item.legal_days
    run = promise_run(story, limit.n, limit.unit) if limit is not None else None
    return past(run, story.calendar) if run is not None else []
