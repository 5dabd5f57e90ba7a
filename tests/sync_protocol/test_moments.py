"""What had been ordered by a moment is the same whatever is ordered later."""

from __future__ import annotations

from pathlib import Path

import pytest

from sync_protocol import canonical
from sync_protocol.feeds import TO_ALL
from sync_protocol.journal import Writing
from sync_protocol.judging import Verdict, settle
from sync_protocol.moments import ordered_by, told_all_by
from sync_protocol.order import Standing
from tests.sync_protocol.county import County, Place, small_county

DAY = 86_400
CASE, NEXT, ANSWER = 64, 66, 69


class Play:
    def __init__(self, folder: Path) -> None:
        self.county: County
        self.county, self.hub, self.township, self.village = small_county(folder)
        self.topic = self.village.open_case({"n": 1})

    @property
    def now(self) -> int:
        return self.county.clock.now

    def later(self, days: int = 1) -> int:
        self.county.clock.now += days * DAY
        return self.now

    def brought(self, verdict: Verdict | None = None) -> None:
        self.county.sync(self.village, self.township)
        self.county.sync(self.township, self.hub)
        decide = (lambda topic, entry: verdict) if verdict else None
        home = self.village.author
        self.county.judge(home, decide) if decide else self.county.judge(home)

    def kinds(self, moment: int, place: Place | None = None) -> list[int]:
        home, topic = self.village.author, self.topic
        read = (place or self.hub).store.read
        return [one.kind for one in read(lambda conn: ordered_by(conn, home, [topic], moment))[topic]]


@pytest.fixture
def play(tmp_path: Path) -> Play:
    return Play(tmp_path)


def test_a_change_counts_from_the_moment_at_which_the_hub_admitted_it(play: Play) -> None:
    written = play.now
    ordered = play.later()
    play.brought()
    answered = play.later()
    play.hub.write(play.village.author, play.topic, ANSWER, {})
    play.later()
    assert play.kinds(written) == play.kinds(ordered - 1) == []
    assert play.kinds(ordered) == play.kinds(answered - 1) == [CASE]
    assert play.kinds(answered) == play.kinds(play.now) == [CASE, ANSWER]
    play.county.sync(play.township, play.hub)
    play.county.sync(play.village, play.township)
    assert play.kinds(ordered, play.village) == [CASE]  # whoever has the order can say so


def test_what_was_held_counts_from_its_admission_and_what_was_refused_never(play: Play) -> None:
    play.brought(Verdict(Standing.HELD, "unknown_kind"))
    held = play.later()
    home, hub = play.village.author, play.hub
    admitted = Verdict(Standing.ADMITTED)
    hub.store.write(lambda conn: settle(conn, hub.replica.journal, home, (0, 0, 1), admitted, Writing(0, play.now, 1)))
    play.village.write(home, play.topic, NEXT, {})
    play.brought(Verdict(Standing.REFUSED, "wrong_state"))
    assert play.kinds(held - 1) == [] and play.kinds(held) == play.kinds(held + DAY) == [CASE]


def test_a_clock_that_is_put_back_does_not_change_what_was_ordered_earlier(play: Play) -> None:
    play.brought()
    first = play.now
    play.later(3)
    play.hub.write(play.village.author, play.topic, ANSWER, {})
    play.county.clock.now = first + DAY
    play.hub.write(play.village.author, play.topic, NEXT, {})
    assert play.kinds(first + 2 * DAY) == [CASE]  # dated within, but written after something that is not
    assert play.kinds(first + 3 * DAY) == [CASE, ANSWER, NEXT]


def test_what_everybody_was_told_has_its_moment_too(play: Play) -> None:
    def say(number: int) -> None:
        hub, body = play.hub, canonical.pack({"n": number})
        hub.store.write(lambda conn: hub.replica.journal.tell(conn, TO_ALL, 103, body, hub.writing()))

    moments = []
    for number in range(3):
        say(number)
        moments.append(play.now)
        play.later()
    for number, moment in enumerate(moments):
        said = play.hub.store.read(lambda conn, m=moment: told_all_by(conn, [103], m))
        assert [one.body["n"] for one in said] == list(range(number + 1))
    assert play.hub.store.read(lambda conn: told_all_by(conn, [104], play.now)) == []
