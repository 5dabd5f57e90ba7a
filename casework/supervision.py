"""Which cards a case has earned, by its own ordered story: 紫, 黄 and 红 (电子监察). Pure.

`cards` tells all that have come due by a day, over or not; `standing` those that stand on it. Both follow from the
order of the case, when the county received its entries, the calendar and the day, never from the order in which things
arrived. What is issued and cleared is history and lies elsewhere (casework.issuing).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date, timedelta

from casework.changes import ChangeKind
from casework.fold import CaseState
from casework.journal import ORDERED
from casework.running import Run, Span, near, past
from casework.service_item import ServiceItem
from casework.stage_limits import first_review_late, stages_used_up
from casework.states import COUNTY, HOME
from casework.stays import Receipts
from casework.supervised import Card, Found, Story, breach, limit_words, link_words, made, promise_run, story_of
from casework.supervision_rules import DEFAULT_RULES, Rules
from casework.view_dates import case_dates
from casework.workdays import Calendar, china_day, possible_day

_K = ChangeKind


def cards(
    state: CaseState,
    item: ServiceItem,
    calendar: Calendar,
    today: date,
    receipts: Receipts,
    rules: Rules = DEFAULT_RULES,
) -> tuple[Card, ...]:
    """All cards that came to stand by today, each once, the oldest first; with a later day also those to come."""
    story = story_of(state, item, calendar, receipts, rules)
    if story is None:
        return ()
    found: dict[tuple[str, date], Card] = {}
    for ask in CHECKS:
        for card in ask(story):
            if card.since <= today:
                found.setdefault(card.key, _as_of(card, today))
    return tuple(sorted(found.values(), key=lambda card: (card.since, card.rule)))


def standing(
    state: CaseState,
    item: ServiceItem,
    calendar: Calendar,
    today: date,
    receipts: Receipts,
    rules: Rules = DEFAULT_RULES,
) -> tuple[Card, ...]:
    """The cards that stand today."""
    return tuple(card for card in cards(state, item, calendar, today, receipts, rules) if card.ended is None)


def _as_of(card: Card, today: date) -> Card:
    """As it is seen on a day: what ends later has not ended yet, and what is due later is not late."""
    ended = card.ended if card.ended is not None and card.ended <= today else None
    late = card.due is None or (ended or today) > card.due
    return replace(card, ended=ended, late=late)


def _acceptance(story: Story) -> Found:
    """黄 and 红: the five working days from the local intake, or from each answered supplement (第三十二条)."""
    warn, over = story.rules["acceptance_near"], story.rules["acceptance_passed"]
    assert over.limit is not None and warn.limit is not None
    for start, ended in _windows(story):
        run = Run(start, over.limit, "wd", ended)
        spans = [(over, span) for span in past(run, story.calendar)]
        spans += [(warn, span) for span in near(run, story.calendar, warn.limit, warn.percent or 0)]
        for rule, span in spans:
            if rule.used:
                words = limit_words(rule, run, span) + link_words(story)
                yield made(story, rule, span, story.holder_on(span.since), words)


_ANSWERED = (_K.ACCEPT, _K.ACCEPT_LACKING, _K.REFUSE_ACCEPTANCE, _K.WITHDRAW, _K.DEEM_ACCEPTED)


def _windows(story: Story) -> Iterator[tuple[date, date | None]]:
    start: date | None = _received(story)
    asked = False
    for deed in story.done:
        if start is not None and deed.kind in (_K.ASK_SUPPLEMENT, *_ANSWERED):
            yield start, max(deed.day, start)
            start = None
        if deed.kind in (_K.ACCEPT, _K.ACCEPT_LACKING):
            return
        if deed.kind is _K.SUPPLEMENT and asked:
            start, asked = deed.day, False
        asked = asked or deed.kind is _K.ASK_SUPPLEMENT
    if start is not None:
        yield start, None


def _received(story: Story) -> date:
    """The authority's receipt: the local one, or the county's where the station is the applicant's agent."""
    refs = [line.ref for line in story.state.timeline if line.kind == _K.COLLECT and line.applied]
    if story.item.receipt_effect == "authority" or not refs or refs[0] not in story.receipts:
        return story.dates.received
    return max(story.dates.received, china_day(story.receipts[refs[0]]))


def _promise(story: Story) -> Found:
    """黄: little of the promise is left (of the legal limit, where nothing was promised); 红: a limit is past."""
    item, warn = story.item, story.rules["promise_near"]
    shortest = item.promised_days or item.legal_days
    limits = [("promise_exceeded", item.promised_days), ("statutory_exceeded", item.legal_days)]
    for name, days in limits:
        run = promise_run(story, days.n, days.unit) if days is not None else None
        if run is None:
            continue
        rule = story.rules[name]
        spans = [(rule, span) for span in past(run, story.calendar)]
        if days is shortest:
            spans += [(warn, span) for span in near(run, story.calendar, warn.limit or 0, warn.percent or 0)]
        for used, span in spans:
            if used.used:
                yield made(story, used, span, story.holder_on(span.since), limit_words(used, run, span))


def _delivery_late(story: Story) -> Found:
    """红: what was decided is handed over within ten days (第四十四条)."""
    rule = story.rules["delivery_late"]
    if not rule.used or rule.limit is None or story.dates.decided is None:
        return
    handed = story.deeds_of(_K.DELIVER)
    run = Run(story.dates.decided, rule.limit, "wd", handed[0].day if handed else None)
    for span in past(run, story.calendar):
        yield made(story, rule, span, story.holder_on(span.since) or HOME, limit_words(rule, run, span))


def _procedures(story: Story) -> Found:
    """红: a special procedure takes longer than the applicant was told (第四十五条)."""
    rule, over = story.rules["procedure_long"], story.dates.decided or story.dates.ended
    for told in story.state.procedures if rule.used else ():
        ends = [day for day in (china_day(told.until) if told.until is not None else None, over) if day is not None]
        start = china_day(told.since)
        run = Run(start, told.days, "wd", max(min(ends), start) if ends else None)
        for span in past(run, story.calendar):
            yield made(story, rule, span, story.holder_on(span.since), limit_words(rule, run, span))


def _extensions(story: Story) -> Found:
    """红: the limit may be lengthened once, by ten days (第四十二条)."""
    long, again = story.rules["extension_long"], story.rules["extension_again"]
    each = story.state.extension.each if story.state.extension else []
    total = 0
    for number, (deed, (_, days)) in enumerate(zip(story.deeds_of(_K.EXTEND), each, strict=False), 1):
        before, total = total, total + days
        if long.limit is not None and before <= long.limit < total:
            yield from breach(story, long, deed.day, deed.office, f"{long.name}：共延长 {total} 日")
        if again.limit is not None and number == again.limit + 1:
            yield from breach(story, again, deed.day, deed.office, again.name)


def _parts(story: Story) -> Found:
    """红: a department that was asked in parallel (并联审批) does not answer within its time."""
    rule, over = story.rules["part_late"], story.dates.decided or story.dates.ended
    for part in story.state.parts if rule.used else ():
        ends = [day for day in (china_day(part.answered_at) if part.answered_at is not None else None, over) if day]
        last = possible_day(date.fromisoformat(part.due))
        span = Span(last + timedelta(days=1), min(ends, default=None), last)
        if span.until is None or span.until >= span.since:
            words = f"{rule.name}：{part.office}，至 {last.isoformat()}"
            yield replace(made(story, rule, span, COUNTY, words), department=part.office)


def _supplements(story: Story) -> Found:
    """红: all defects are told at once (一次性告知，第三十二条)."""
    rule, asked = story.rules["supplement_again"], dict[str, int]()
    for deed in story.deeds_of(_K.ASK_SUPPLEMENT):
        asked[deed.office] = asked.get(deed.office, 0) + 1
        if rule.limit is not None and asked[deed.office] == rule.limit + 1:
            yield from breach(story, rule, deed.day, deed.office, rule.name)


def _reasons(story: Story) -> Found:
    """红: who refuses says why (第三十八条)."""
    rule = story.rules["no_reason"]
    for deed in story.deeds_of(_K.REFUSE_ACCEPTANCE, _K.DENY):
        if not deed.note.strip():
            yield from breach(story, rule, deed.day, deed.office, rule.name)


def _persons(story: Story) -> Found:
    """红: who took a case in does not decide it (受审分离)."""
    rule = story.rules["same_person"]
    for deed in story.deeds_of(_K.GRANT, _K.DENY):
        if deed.actor and deed.actor == story.state.collected_by:
            yield from breach(story, rule, deed.day, deed.office, rule.name)


def _clocks(story: Story) -> Found:
    """黄: the day of the intake cannot be right, or the case lay very long before it was sent."""
    lines = [line for line in story.state.timeline if line.kind == _K.COLLECT and line.applied]
    if not lines or lines[0].standing != ORDERED or lines[0].ref not in story.receipts:
        return
    came, said = china_day(story.receipts[lines[0].ref]), case_dates(story.state).received
    written = china_day(lines[0].time)
    behind, ahead = story.rules["clock_behind"], story.rules["clock_ahead"]
    words = f"收件日期 {said.isoformat()}，县级 {came.isoformat()} 收到"
    if behind.limit is not None and (came - min(said, written)).days > behind.limit:
        yield from breach(story, behind, came, HOME, f"{behind.name}：{words}")
    if ahead.limit is not None and (max(said, written) - came).days > ahead.limit:
        yield from breach(story, ahead, came, HOME, f"{ahead.name}：{words}")


CHECKS: tuple[Callable[[Story], Found], ...] = (
    stages_used_up,
    _acceptance,
    _promise,
    first_review_late,
    _delivery_late,
    _procedures,
    _extensions,
    _parts,
    _supplements,
    _reasons,
    _persons,
    _clocks,
)
"""A new rule is a line of the table in casework.supervision_rules and a check here."""
