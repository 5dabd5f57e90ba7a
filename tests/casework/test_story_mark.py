"""The mark of what was read of a case: whatever a decision rests on changes it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from casework.case_parts import TimelineItem
from casework.changes import ChangeKind as K
from casework.errors import BadInput
from casework.fold import CaseState
from casework.journal import HELD, ORDERED, REFUSED, TENTATIVE
from casework.story_mark import check_story, last_step, story_of

LINE = TimelineItem("1", int(K.COLLECT), "village", 1, 1, 0, 1, ORDERED, "", "", True)


def state(*lines: TimelineItem) -> CaseState:
    return replace(CaseState(), timeline=list(lines))


def test_every_step_and_how_it_stands_changes_the_mark() -> None:
    second = LINE._replace(ref="2", kind=int(K.CORRECT))
    stories = [
        state(LINE),
        state(LINE, second),
        state(LINE, second._replace(standing=HELD)),
        state(LINE, second._replace(standing=REFUSED)),
        state(LINE, second._replace(ref="3")),
    ]
    assert len({story_of(story) for story in stories}) == len(stories)


def test_that_the_county_has_put_a_step_in_order_does_not() -> None:
    assert story_of(state(LINE._replace(standing=TENTATIVE))) == story_of(state(LINE))


def test_what_is_only_said_does_not() -> None:
    told = state(LINE, LINE._replace(ref="2", kind=int(K.TELL)), LINE._replace(ref="3", kind=int(K.NUMBER)))
    assert story_of(told) == story_of(state(LINE)) and last_step(told) == LINE
    check_story(told, story_of(state(LINE)))
    check_story(told, "")
    with pytest.raises(BadInput, match="又有了新的变化"):
        check_story(told, story_of(state()))
