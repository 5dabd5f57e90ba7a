"""The lives that are folded follow from the seed, are as long as a county's are, and all of them is in its place."""

from __future__ import annotations

from collections import Counter

import pytest

from bench.fold import Sums, decode, fold_all, take
from bench.lives import Life, lives
from casework.changes import ChangeKind, check_blobs, check_body
from casework.fold import fold
from casework.states import State
from sync_protocol import canonical


@pytest.fixture(scope="module")
def some() -> list[Life]:
    return list(lives(1, 0, 1_500))


def test_a_life_depends_on_the_seed_and_its_number_alone(some: list[Life]) -> None:
    assert list(lives(1, 700, 3)) == some[700:703]
    assert [life.bodies for life in lives(2, 0, 3)] != [life.bodies for life in some[:3]]


def test_a_year_of_180000_cases_has_some_1600000_changes(some: list[Life]) -> None:
    assert 1_550_000 < 180_000 * sum(len(life.changes) for life in some) / len(some) < 1_650_000


def test_every_change_is_right_and_has_its_place(some: list[Life]) -> None:
    for life in some:
        assert [canonical.unpack(body, bytes_max=2**20) for body in life.bodies] == [c.body for c in life.changes]
        for change in life.changes:
            assert not check_body(change.kind, change.body) and not check_blobs(change.kind, change.body, change.blobs)
        assert all(line.applied for line in fold(life.changes).timeline)


def test_there_is_something_of_everything(some: list[Life]) -> None:
    kinds = Counter(change.kind for life in some for change in life.changes)
    ends = Counter(fold(life.changes).state for life in some)
    wanted = {
        ChangeKind.COLLECT, ChangeKind.CORRECT, ChangeKind.ENDORSE, ChangeKind.ASK_SUPPLEMENT, ChangeKind.SUPPLEMENT,
        ChangeKind.ACCEPT, ChangeKind.REFUSE_ACCEPTANCE, ChangeKind.REVIEW, ChangeKind.GRANT, ChangeKind.DENY,
        ChangeKind.ATTACH_RESULT, ChangeKind.CLOSE, ChangeKind.DELIVER, ChangeKind.REQUEST_WITHDRAW,
        ChangeKind.WITHDRAW, ChangeKind.DECLINE_REQUEST, ChangeKind.NUMBER, ChangeKind.SPECIAL_PROCEDURE,
        ChangeKind.SPECIAL_RESULT, ChangeKind.EXTEND,
    }  # fmt: skip
    assert wanted <= set(kinds)
    assert set(ends) == {State.DELIVERED, State.WITHDRAWN}


def test_what_does_not_fit_fails_the_bench(some: list[Life]) -> None:
    first = some[0]
    headless = Life(first.changes[1:], first.bodies[1:])
    sums = Sums()
    take(sums, some[:3], [("decode", decode), ("fold", fold_all)])
    assert sums.changes == sum(len(life.changes) for life in some[:3]) and set(sums.seconds) == {"decode", "fold"}
    with pytest.raises(AssertionError, match="did not fit"):
        take(sums, [headless], [("fold", fold_all)])
