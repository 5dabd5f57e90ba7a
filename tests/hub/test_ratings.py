"""Ratings told by a station and given at the county: sealed on the way, counted once, mended in time."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
import sqlalchemy as sa

from casework.accounts import Account
from casework.case_tables import rating
from casework.changes import ChangeKind
from casework.errors import BadInput, NotFound
from casework.policy import Person, Role
from casework.ratings import (
    CALLED,
    CONFIRMED,
    DONE,
    INTAKE,
    MALICIOUS,
    MENDED,
    QR,
    RECTIFY_WORKDAYS,
    RESULT,
    TABLET,
    VERDICT,
    Rating,
    ToldRating,
    marks_of,
    pack_told,
)
from casework.tables import metadata
from casework.workdays import china_day, load_calendar
from hub.rating_rows import look_at_ratings, make_rows
from hub.ratings import FOREIGN, UNKNOWN_CASE, UNREADABLE, ignored, note_rating, rated_stage, rating_offer, rectify
from node.telling_ratings import StationRatings
from sync_protocol import canonical
from sync_protocol.authority import erase
from sync_protocol.crypto import BoxKey, seal_to
from sync_protocol.errors import BadSignature
from sync_protocol.feeds import TO_SELF, up
from sync_protocol.reading import read_entry, told
from sync_protocol.store import tables as t
from sync_protocol.store.seam import Store
from tests.hub.hall import OFFICE, Hall
from tests.sync_protocol.county import REGION, VILLAGE, Place

K = ChangeKind
CALENDAR = load_calendar()
SUPERVISOR = Person(901, "督查员", Role.SUPERVISOR, 1, REGION)
APPROVER = Person(902, "审批员", Role.COUNTY_APPROVER, 1, REGION, OFFICE)
FAR_AWAY = Person(904, "外县", Role.SUPERVISOR, 1, "341802")
WORDS = "窗口让我跑了三趟"
BAD = Rating(5, ("slow", "to_and_fro"), WORDS)
GOOD = Rating(1, ("kind",))


@pytest.fixture
def agent(hall: Hall) -> Account:
    account = hall.add_user("agent", Role.VILLAGE_AGENT, VILLAGE)
    hall.sync()
    return account


def give(hall: Hall, topic: bytes, rating_: Rating, stage: str = INTAKE, place: Place | None = None) -> None:
    """On the tablet of a station."""
    at = place or hall.village
    at.store.write(lambda conn: StationRatings(lambda: at.replica).give(conn, topic, stage, rating_, hall.now()))


def tell(hall: Hall, body: object, place: Place | None = None) -> None:
    at = place or hall.village
    packed = canonical.pack(body)
    at.store.write(lambda conn: at.replica.journal.tell(conn, up(at.author), int(K.RATING), packed, hall.writing()))


def seal_at(hall: Hall, plain: bytes) -> bytes:
    return seal_to(hall.hub.me.box.public, plain)


def rows(hall: Hall) -> list[sa.Row]:
    query = sa.select(rating).order_by(rating.c.topic, rating.c.stage)
    return hall.hub.store.read(lambda conn: list(conn.execute(query)))


def step(hall: Hall, topic: bytes, what: str, verdict: str = "", text: str = "电话回访，说明了情况") -> None:
    hall.at_hub(rectify, SUPERVISOR, topic, INTAKE, what, text, verdict, hall.writing(SUPERVISOR.account))


def test_a_rating_given_while_the_county_is_away_counts_once_it_arrives(hall: Hall, agent: Account) -> None:
    topic = hall.collect(agent)
    give(hall, topic, BAD)
    assert rows(hall) == []
    hall.county.clock.now += 3 * 86_400
    hall.sync()
    (row,) = rows(hall)
    today = china_day(hall.now())
    assert (row.topic, row.stage, row.grade, row.marks, row.words) == (topic, INTAKE, 5, "slow,to_and_fro", WORDS)
    assert (row.home_region, row.office, row.channel, row.counted, row.over) == (VILLAGE, OFFICE, TABLET, 1, 0)
    assert row.day == today.isoformat(), "the limit runs from the day it reached the county"
    assert row.due == CALENDAR.add_workdays(today, RECTIFY_WORKDAYS)[0].isoformat()
    hall.sync()
    assert rows(hall) == [row]


def plain_bytes(store: Store) -> Iterator[bytes]:
    """Everything that lies in a database, cell by cell and decrypted."""

    def read(conn: sa.Connection) -> list[bytes]:
        found = []
        for table in (*metadata.sorted_tables, *t.metadata.sorted_tables):
            if not sa.inspect(conn).has_table(table.name):
                continue
            for row in conn.execute(sa.select(table)):
                found += [cell if isinstance(cell, bytes) else str(cell).encode() for cell in row]
        return found

    yield from store.read(read)


def test_neither_the_rated_station_nor_its_township_can_read_it(hall: Hall, agent: Account) -> None:
    topic = hall.collect(agent)
    give(hall, topic, BAD)
    hall.sync()
    assert [row.grade for row in rows(hall)] == [5]
    for place in (hall.village, hall.township):
        everything = list(plain_bytes(place.store))
        assert len(everything) > 100
        for secret in (WORDS.encode(), b"to_and_fro", b'"grade":5'):
            assert not [cell for cell in everything if secret in cell]
        assert place.store.read(lambda conn: conn.execute(sa.select(rating)).all()) == []
        assert place.store.read(lambda conn: told(conn, TO_SELF, (K.RATING, K.RECTIFY))) == []
    assert [cell for cell in plain_bytes(hall.hub.store) if WORDS.encode() in cell], "the search does find such words"


def test_the_entry_names_no_case_and_nobody_and_has_one_length(hall: Hall, agent: Account) -> None:
    lengths = set()
    for chosen in (BAD, GOOD, Rating(3, tuple(marks_of(3)), "字" * 300)):
        give(hall, hall.collect(agent), chosen)
    mine = sa.select(t.entry).where(t.entry.c.feed == up(hall.village.author).packed(), t.entry.c.type == int(K.RATING))
    entries = hall.village.store.read(lambda conn: list(conn.execute(mine)))
    assert len(entries) == 3 and {entry.topic for entry in entries} == {b""}
    for entry in map(read_entry, entries):
        assert (entry.actor, set(entry.body)) == (0, {"sealed"})
        lengths.add(len(entry.body["sealed"]))
        with pytest.raises(BadSignature):
            hall.village.me.box.open(entry.body["sealed"])
    assert len(lengths) == 1


@pytest.mark.parametrize(
    ("case", "reason"),
    [("shape", UNREADABLE), ("seal", UNREADABLE), ("plain", UNREADABLE), ("grade", UNREADABLE), ("long", UNREADABLE),
     ("unknown", UNKNOWN_CASE), ("foreign", FOREIGN)],
)  # fmt: skip
def test_what_is_no_rating_has_no_effect_and_is_counted(
    hall: Hall, agent: Account, case: str, reason: str, caplog: pytest.LogCaptureFixture
) -> None:
    topic = hall.collect(agent)
    hall.sync()
    good = pack_told(ToldRating(topic, INTAKE, BAD, hall.now(), TABLET))
    place = hall.township if case == "foreign" else hall.village
    body: object = {
        "shape": ["no", "map"],
        "seal": {"sealed": seal_to(BoxKey(b"x" * 32).public, good)},
        "plain": {"sealed": seal_at(hall, b"{}")},
        "grade": {"sealed": seal_at(hall, good.replace(b'"grade":5', b'"grade":9'))},
        "long": {"sealed": b"x" * 5000},
        "unknown": {"sealed": seal_at(hall, pack_told(ToldRating(b"n" * 16, INTAKE, BAD, 1, TABLET)))},
        "foreign": {"sealed": seal_at(hall, good)},
    }[case]
    tell(hall, body, place)
    other = hall.collect(agent)
    hall.sync()
    hall.judge()
    assert rows(hall) == []
    assert hall.hub.store.read(ignored) == {reason: 1}
    assert WORDS not in caplog.text and topic.hex() not in caplog.text
    assert [entry.standing for entry in hall.changes(hall.hub, other)] == ["ordered"], "nothing is held up"


def test_the_end_of_a_case_that_the_county_does_not_know_of_yet_counts_when_it_does(hall: Hall, agent: Account) -> None:
    topic = hall.collect(agent)
    hall.sync()
    hall.judge()
    give(hall, topic, BAD, RESULT)
    hall.sync()
    (row,) = rows(hall)
    assert (row.counted, row.over) == (0, 1)
    assert offer(hall, topic) == [INTAKE]
    hall.township.write(hall.village.author, topic, K.ENDORSE, {"opinion": "属实"})
    hall.sync()
    hall.judge()
    hall.hub.write(hall.village.author, topic, K.REFUSE_ACCEPTANCE, {"reason": "不属于本机关"})
    assert hall.row(hall.hub, topic).state == "refused_acceptance"
    assert [(row.counted, row.over) for row in rows(hall)] == [(1, 0)]
    assert look_at_ratings(hall.hub.store, hall.topics(hall.hub)) == []


def at_county(hall: Hall, topic: bytes, rating_: Rating, stage: str = INTAKE) -> None:
    log, now = hall.topics(hall.hub), hall.now()
    hall.at_hub(lambda conn, journal: note_rating(conn, journal, log, topic, stage, rating_, QR, now, now))


def offer(hall: Hall, topic: bytes) -> list[str]:
    log = hall.topics(hall.hub)
    return hall.hub.store.read(lambda conn: rating_offer(conn, log, topic, hall.now()))


def test_once_per_stage_and_a_second_thought_within_a_day(hall: Hall, agent: Account) -> None:
    topic = hall.collect(agent)
    hall.sync()
    assert offer(hall, topic) == [INTAKE]
    at_county(hall, topic, BAD)
    hall.county.clock.now += 3600
    assert offer(hall, topic) == [INTAKE]
    at_county(hall, topic, GOOD)
    (row,) = rows(hall)
    assert (row.grade, row.due, row.over) == (1, "", 1)
    hall.county.clock.now += 24 * 3600
    assert offer(hall, topic) == []
    at_county(hall, topic, BAD)
    assert rows(hall) == [row]


def test_the_rows_follow_from_the_log_alone(hall: Hall, agent: Account) -> None:
    first, second = hall.collect(agent), hall.collect(agent)
    give(hall, first, BAD)
    hall.sync()
    hall.judge()
    at_county(hall, second, GOOD)
    step(hall, first, CALLED)
    right, log = rows(hall), hall.topics(hall.hub)
    assert len(right) == 2 and look_at_ratings(hall.hub.store, log) == []
    for statement in (sa.update(rating).values(grade=1, words="很好"), sa.delete(rating)):
        hall.hub.store.write(lambda conn, s=statement: conn.execute(s))
        said = look_at_ratings(hall.hub.store, log)
        assert [line.split(":")[0] for line in said] == sorted(f"case {topic.hex()}" for topic in (first, second))
        assert look_at_ratings(hall.hub.store, log, mend=True) == said
        assert rows(hall) == right and look_at_ratings(hall.hub.store, log) == []
    foreign = {**right[0]._mapping, "topic": b"q" * 16}
    hall.hub.store.write(lambda conn: conn.execute(sa.insert(rating).values(foreign)))
    assert len(look_at_ratings(hall.hub.store, log, mend=True)) == 1 and rows(hall) == right
    hall.hub.store.write(lambda conn: make_rows(conn, log, [first, second]))
    assert rows(hall) == right


def test_a_bad_rating_is_called_back_mended_and_done(hall: Hall, agent: Account) -> None:
    topic = hall.collect(agent)
    give(hall, topic, BAD)
    hall.sync()
    step(hall, topic, CALLED)
    with pytest.raises(BadInput, match="核实结论"):
        step(hall, topic, DONE, text="")
    step(hall, topic, VERDICT, CONFIRMED, "属实")
    step(hall, topic, MENDED, text="已增设窗口")
    (row,) = rows(hall)
    assert (row.called, row.verdict, row.mended, row.over) == ("电话回访，说明了情况", CONFIRMED, "已增设窗口", 0)
    step(hall, topic, DONE, text="")
    assert [(row.over, row.counted) for row in rows(hall)] == [(1, 1)]
    history = hall.hub.store.read(lambda conn: rated_stage(conn, SUPERVISOR, topic, INTAKE)).steps
    assert [(one.step, one.by) for one in history] == [(s, 901) for s in (CALLED, VERDICT, MENDED, DONE)]
    with pytest.raises(BadInput, match="不需要整改"):
        step(hall, topic, CALLED)
    hall.sync()
    for place in (hall.village, hall.township):
        assert place.store.read(lambda conn: told(conn, TO_SELF, (K.RECTIFY,))) == [], "it never leaves the county"


def test_of_an_erased_case_no_rating_is_shown(hall: Hall, agent: Account) -> None:
    topic, other = hall.collect(agent), hall.collect(agent)
    for one in (topic, other):
        give(hall, one, BAD)
    hall.sync()
    hall.judge()
    assert len(rows(hall)) == 2
    hall.at_hub(erase, hall.village.author, topic, hall.writing())
    assert [row.topic for row in rows(hall)] == [other]
    assert look_at_ratings(hall.hub.store, hall.topics(hall.hub)) == []


def test_a_malicious_one_does_not_count(hall: Hall, agent: Account) -> None:
    topic = hall.collect(agent)
    give(hall, topic, BAD)
    hall.sync()
    step(hall, topic, CALLED)
    step(hall, topic, VERDICT, MALICIOUS)
    assert [(row.counted, row.over) for row in rows(hall)] == [(0, 0)]


def test_only_a_supervisor_of_the_area_sees_whose_it_is(hall: Hall, agent: Account) -> None:
    topic = hall.collect(agent)
    give(hall, topic, BAD)
    hall.sync()
    for person in (APPROVER, FAR_AWAY, hall.agent(agent)):
        with pytest.raises(NotFound):
            hall.hub.store.read(lambda conn, p=person: rated_stage(conn, p, topic, INTAKE))
        with pytest.raises(NotFound):
            hall.at_hub(rectify, person, topic, INTAKE, CALLED, "x", "", hall.writing(person.account))
    for wrong in (b"n" * 16, topic):
        with pytest.raises(NotFound):
            hall.at_hub(rectify, SUPERVISOR, wrong, RESULT, CALLED, "x", "", hall.writing(901))


def test_what_a_revoked_station_tells_is_taken_as_any_told_entry(hall: Hall, agent: Account) -> None:
    """Told entries are never held: only changes of cases wait for a person."""
    topic = hall.collect(agent)
    hall.sync()
    hall.judge()
    hall.revoke_village()
    give(hall, topic, BAD)
    hall.sync()
    assert [row.grade for row in rows(hall)] == [5]


def test_days_of_a_station_clock_do_not_move_the_limit(hall: Hall, agent: Account) -> None:
    topic = hall.collect(agent)
    plain = pack_told(ToldRating(topic, INTAKE, BAD, hall.now() + 400 * 86_400, TABLET))
    tell(hall, {"sealed": seal_at(hall, plain)})
    hall.sync()
    (row,) = rows(hall)
    assert row.day == china_day(hall.now()).isoformat()
    assert row.due > (china_day(hall.now()) + timedelta(days=RECTIFY_WORKDAYS)).isoformat()
