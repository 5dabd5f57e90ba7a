"""The limits of single stages (环节), which an item's steps publish, and how long a case was in each. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from casework.deadlines import Suspension
from casework.running import Run, past, used_up
from casework.service_item import Step
from casework.states import COUNTY, HOME, TOWNSHIP, State, deciding_office
from casework.supervised import Found, Story, limit_words, link_words, made, promise_past
from casework.texts import N_

_S = State


@dataclass(frozen=True, slots=True)
class Stage:
    """One 环节: the states in which it goes on, whose tier it is and by which words an item's steps name it."""

    id: str
    tier: str
    words: tuple[str, ...]


FIRST_REVIEW = Stage("stage_first_review", TOWNSHIP, (N_("初审"), N_("审核"), N_("复核")))
ACCEPTANCE = Stage("stage_acceptance", "", (N_("受理"),))
REVIEW = Stage("stage_review", "", (N_("审核"), N_("复审")))
DECISION = Stage(
    "stage_decision", "", (N_("审批"), N_("审核确认"), N_("审批制证"), N_("受理办结"), N_("备案"), N_("决定"))
)
DELIVERY = Stage("stage_delivery", "village", (N_("送达"), N_("办结送达")))


def stages_used_up(story: Story) -> Found:
    """紫: a stage has used its own limit, or will today, while the promise is kept."""
    broken = min((span.since for span in promise_past(story)), default=None)
    for stage, states in _stages_of(story):
        rule = story.rules[stage.id]
        limit = _stage_limit(story, stage)
        run = _stage_run(story, states, limit.days or 0, limit.unit) if rule.used and limit is not None else None
        if run is None:
            continue
        for span in used_up(run, story.calendar):
            inside = broken is None or span.since < broken
            if inside:
                until = span.until if broken is None or (span.until and span.until < broken) else broken
                owner = story.holder_on(span.since) or HOME
                words = limit_words(rule, run, span) + (link_words(story) if stage is FIRST_REVIEW else "")
                yield made(story, rule, span._replace(until=until), owner, words)


def _stages_of(story: Story) -> Iterator[tuple[Stage, tuple[State, ...]]]:
    if story.state.course().first_review:
        yield FIRST_REVIEW, (_S.COLLECTED,)
        yield ACCEPTANCE, (_S.FIRST_REVIEW,)
    else:
        yield ACCEPTANCE, (_S.COLLECTED,)
    reviewed, decided = (_stage_limit(story, stage) is not None for stage in (REVIEW, DECISION))
    yield REVIEW, (_S.ACCEPTED,) if decided else (_S.ACCEPTED, _S.REVIEW)
    yield DECISION, (_S.REVIEW,) if reviewed else (_S.ACCEPTED, _S.REVIEW)
    yield DELIVERY, (_S.CLOSED,)


def _stage_limit(story: Story, stage: Stage) -> Step | None:
    """The step of the item that gives a stage its limit."""
    deciding = {HOME: "village", TOWNSHIP: TOWNSHIP, COUNTY: COUNTY}[deciding_office(story.state.course())]
    tier = stage.tier or deciding
    steps = (step for step in story.item.steps if step.tier == tier and step.stage in stage.words)
    return next((step for step in steps if step.days is not None), None)


def _stage_run(story: Story, states: tuple[State, ...], days: int, unit: str) -> Run | None:
    """From when the case first came there until it had left for good; a supplement and a special procedure do not
    count."""
    own = [index for index, stay in enumerate(story.stays) if stay.state in states]
    if not own:
        return None
    last = story.stays[own[-1]]
    after = story.stays[own[-1] + 1] if own[-1] + 1 < len(story.stays) else None
    pauses = [
        Suspension(before.until, later.since)
        for before, later in pairwise(story.stays[index] for index in own)
        if before.until is not None and before.until < later.since
    ]
    ended = last.until
    if after is not None and after.state is _S.SUPPLEMENT_ASKED:
        pauses.append(Suspension(after.since, after.until))
        ended = after.until
    return Run(story.stays[own[0]].since, days, unit, ended, (*pauses, *story.dates.suspensions))


def first_review_late(story: Story) -> Found:
    """红: the lower office forwards its opinion and all papers within the limit (第四十三条)."""
    rule = story.rules["first_review_late"]
    if not (rule.used and rule.limit is not None and story.state.course().first_review):
        return
    run = _stage_run(story, (_S.COLLECTED,), rule.limit, "wd")
    if run is None:
        return
    for span in past(run, story.calendar):
        yield made(story, rule, span, TOWNSHIP, limit_words(rule, run, span) + link_words(story))
