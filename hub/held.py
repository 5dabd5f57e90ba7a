"""Held entries: what waits for a person, in words, and how a person settles one.

Held for a person means: the rules cannot say whether it counts (authority revoked, item version unknown). What is
held because it awaits something else is settled by the judge as soon as that has come, never by a person.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, func, select

from casework import accounts_store, reference
from casework.case_log import CaseLog
from casework.case_tables import case_row
from casework.changes import ChangeKind, check_body, kind_name
from casework.errors import BadInput, NotFound, Problem
from casework.fold import fold
from casework.judge import Admit, Hold, Refuse
from casework.judge import judge as judge_change
from casework.policy import Act, Person, Target, may, require
from casework.refusals import Code, explain
from casework.texts import N_, say
from hub.held_words import says
from sync_protocol import judging
from sync_protocol.entries import FIRST_APPLICATION_TYPE
from sync_protocol.feeds import FeedId
from sync_protocol.journal import Journal, Message, Writing
from sync_protocol.judging import Verdict
from sync_protocol.order import AWAITS, Standing, TopicEntry, saw
from sync_protocol.reading import PlacedEntry, arrived, read_entry, topic_entry
from sync_protocol.store import tables as t
from sync_protocol.store.dialect import lock_homes
from sync_protocol.topology import slot

JudgeAgain = Callable[[Connection, int, bytes], object]
"""Judges a home once more, in the same transaction, as the judging worker does; told the topic just settled."""

LIST_MAX = 200
NOTE_MAX_CHARS = 500
REASONS = (Code.NOT_CONFIRMED, Code.DUPLICATE, Code.WRONG_STATE, Code.WRONG_ROUTE, Code.ITEM_UNKNOWN, Code.UNREADABLE)
"""The codes with which a person may refuse; the code travels to the origin, the note stays at the county."""

_E = t.entry.c
_KEY = re.compile(r"([1-9][0-9]{0,9})-([01])-(0|[1-9][0-9]{0,9})-([1-9][0-9]{0,9})")
_SLOT_NAMES = (N_("收件站点"), N_("乡镇"), N_("县级"))


@dataclass(frozen=True, slots=True)
class EntryKey:
    """Which entry: its home, slot (0 the home's own feed, 1 its township's), epoch and number."""

    home: int
    slot: int
    epoch: int
    number: int

    def __str__(self) -> str:
        return f"{self.home}-{self.slot}-{self.epoch}-{self.number}"

    @classmethod
    def parse(cls, text: str) -> EntryKey:
        """Raises NotFound for what names no entry."""
        match = _KEY.fullmatch(text)
        if match is None:
            raise NotFound(N_("没有这条待核内容"))
        return cls(*(int(part) for part in match.groups()))


@dataclass(frozen=True, slots=True)
class HeldLine:
    """One held entry. `says` are lines of what it would do; `why_waits` is "" when a person may settle it."""

    key: EntryKey
    code: str
    text: str
    remedy: str
    topic: bytes
    kind: str
    says: tuple[str, ...]
    writer: str
    time: int
    received: int
    home_region: str
    home_name: str
    case_name: str
    item_name: str
    case_code: str
    why_waits: str


def list_held(conn: Connection, log: CaseLog, person: Person) -> list[HeldLine]:
    """What is held inside the person's reach, the oldest first: what a person must settle before what waits."""
    rows = conn.execute(
        select(t.entry)
        .where(_E.standing == int(Standing.HELD), _E.type >= FIRST_APPLICATION_TYPE)
        .order_by(_E.code == AWAITS, _E.received, _E.feed, _E.epoch, _E.number)
        .limit(LIST_MAX)
    ).all()
    regions = _Regions(conn, log)
    mine = (row for row in rows if may(person, Act.SETTLE_HELD, Target(regions.of(row.home))))
    return [_line(conn, regions, row) for row in mine]


def held_line(conn: Connection, log: CaseLog, person: Person, key: EntryKey) -> HeldLine:
    """Raises NotFound when it is not held (any more) or not within the person's reach."""
    row = _row(conn, key)
    regions = _Regions(conn, log)
    if (
        row is None
        or row.standing != int(Standing.HELD)
        or not may(person, Act.SETTLE_HELD, Target(regions.of(key.home)))
    ):
        raise NotFound(N_("这条内容不在待核之列，可能已经处理过"))
    return _line(conn, regions, row)


@dataclass(frozen=True, slots=True)
class Choice:
    """What a person decides: admit, or refuse with one of REASONS; and why, for the county's own eyes."""

    admit: bool
    note: str
    code: str = ""


def settle(
    conn: Connection,
    log: CaseLog,
    journal: Journal,
    person: Person,
    key: EntryKey,
    choice: Choice,
    writing: Writing,
    judge_again: JudgeAgain,
) -> None:
    """Settle one entry, note who did it and why (hub→hub), and judge what waited behind it.

    Raises NotAllowed, NotFound, BadInput: settled before, waiting for something else, or of no effect if admitted.
    """
    lock_homes(conn, [key.home])
    row = _row(conn, key)
    if row is None:
        raise NotFound(N_("没有这条待核内容"))
    require(person, Act.SETTLE_HELD, Target(log.region_of(conn, key.home)))
    _check_held(conn, row)
    _check_choice(choice)
    if choice.admit:
        _check_effect(conn, log, key, row)
    verdict = Verdict(Standing.ADMITTED) if choice.admit else Verdict(Standing.REFUSED, choice.code)
    judging.settle(conn, journal, key.home, (key.slot, key.epoch, key.number), verdict, writing)
    journal.note(conn, row.topic, Message(int(ChangeKind.OPINION), _opinion(person, row, choice)), writing)
    judge_again(conn, key.home, row.topic)


def _check_held(conn: Connection, row: Row[Any]) -> None:
    if row.standing != int(Standing.HELD):
        raise BadInput([Problem("", N_("这条内容已经处理过"), N_("请返回待核列表"))])
    if row.code == AWAITS:
        raise BadInput([Problem("", _why_waits(conn, row), N_("无需人工处理，到齐后自动核定"))])


def _check_choice(choice: Choice) -> None:
    problems = []
    if not choice.admit and choice.code not in REASONS:
        problems.append(Problem("code", N_("没有选择退回的原因"), N_("请选择一个原因，它会显示给收件站点")))
    if not choice.note.strip():
        problems.append(Problem("note", N_("没有写明核实情况"), N_("请写明向谁核实、依据什么作出处理")))
    if len(choice.note) > NOTE_MAX_CHARS:
        problems.append(
            Problem("note", say("核实情况超过 {note_max_chars} 字", note_max_chars=NOTE_MAX_CHARS), N_("请缩短"))
        )
    if problems:
        raise BadInput(problems)


def _check_effect(conn: Connection, log: CaseLog, key: EntryKey, row: Row[Any]) -> None:
    """Admitting what the fold then passes over would tell its origin that it counts when it does not."""
    state = fold(log.changes(conn, key.home, row.topic))
    now = judge_change(
        state.base or state,
        read_entry(row),
        home_tier=log.tier_of(conn, key.home),
        route_for=lambda item, version: reference.route(conn, item, version),
    )
    match now:
        case Refuse(code=code):
            said = explain(code)
            raise BadInput([Problem("verdict", say("放行也不会生效：{text}", text=said.text), N_("请改为退回"))])
        case Hold(code=Code.UNKNOWN_KIND | Code.UNREADABLE as code):
            why = say("现在还不能放行：{text}", text=explain(code).text)
            raise BadInput([Problem("verdict", why, N_("请改为退回，或升级后再处理"))])
        case Admit() | Hold():
            return


def _opinion(person: Person, row: Row[Any], choice: Choice) -> dict[str, object]:
    done = "放行" if choice.admit else f"退回（{explain(choice.code).text}）"
    ref = read_entry(row).ref
    text = f"{person.name}（账号 {person.account}）核实后{done}「{kind_name(row.type)}」{ref}：{choice.note.strip()}"
    return {"text": text, "about": ref}


def _row(conn: Connection, key: EntryKey) -> Row[Any] | None:
    rows = conn.execute(
        select(t.entry).where(
            _E.home == key.home,
            _E.epoch == key.epoch,
            _E.number == key.number,
            _E.type >= FIRST_APPLICATION_TYPE,
            _E.topic != b"",
        )
    )
    return next((row for row in rows if slot(FeedId.parse(row.feed)) == key.slot), None)


class _Regions:
    """Region codes of authors, each looked up once: the log reads every certificate to answer."""

    def __init__(self, conn: Connection, log: CaseLog) -> None:
        self._conn = conn
        self._log = log
        self._known: dict[int, str] = {}

    def of(self, author: int) -> str:
        if author not in self._known:
            self._known[author] = self._log.region_of(self._conn, author)
        return self._known[author]


def _line(conn: Connection, regions: _Regions, row: Row[Any]) -> HeldLine:
    entry = read_entry(row)
    region, said = regions.of(row.home), explain(row.code)
    case_name, item_name, case_code = _case_words(conn, row.topic, entry)
    key = EntryKey(row.home, slot(FeedId.parse(row.feed)), row.epoch, row.number)
    return HeldLine(
        key=key,
        code=row.code,
        text=said.text,
        remedy=said.remedy,
        topic=row.topic,
        kind=kind_name(row.type),
        says=says(entry.kind, entry.body),
        writer=_writer(conn, regions, entry),
        time=entry.time,
        received=entry.received,
        home_region=region,
        home_name=reference.region_name(conn, region),
        case_name=case_name,
        item_name=item_name,
        case_code=case_code,
        why_waits=_why_waits(conn, row) if row.code == AWAITS else "",
    )


def _case_words(conn: Connection, topic: bytes, entry: PlacedEntry) -> tuple[str, str, str]:
    """Applicant, item and intake code; of an intake that is itself held, as it says them."""
    case = conn.execute(select(case_row).where(case_row.c.topic == topic)).one_or_none()
    if case is not None and case.state:
        return case.name, case.item_name, case.code
    if entry.kind != ChangeKind.COLLECT or check_body(entry.kind, entry.body):
        return "", "", ""
    item = reference.item(conn, entry.body["item"], entry.body["version"])
    return entry.body["applicant"]["name"], item.name if item else entry.body["item"], entry.body["code"]


def _writer(conn: Connection, regions: _Regions, entry: PlacedEntry) -> str:
    place = reference.region_name(conn, regions.of(entry.author))
    account = accounts_store.get(conn, entry.actor) if entry.actor else None
    return f"{place} {account.display}" if account else place


def _why_waits(conn: Connection, row: Row[Any]) -> str:
    """Which earlier thing has not come, or is not settled."""
    mine, come = topic_entry(row), arrived(conn, row.home)
    for other_slot, seen in enumerate(mine.after):
        if other_slot != mine.slot and seen > come.get(other_slot, 0):
            return say("写这条内容时已经看到的{slot_names}内容还没有传到县级", slot_names=_SLOT_NAMES[other_slot])
    earlier = _unsettled_before(conn, row, mine)
    if earlier:
        return say("同一办件前面的「{kind_name}」还没有核定", kind_name=kind_name(earlier.type))
    return N_("此前的内容还没有核定")


def _unsettled_before(conn: Connection, row: Row[Any], mine: TopicEntry) -> Row[Any] | None:
    open_ = (int(Standing.PENDING), int(Standing.HELD))
    others = conn.execute(
        select(t.entry)
        .where(_E.home == row.home, _E.topic == row.topic, _E.standing.in_(open_), _E.type >= FIRST_APPLICATION_TYPE)
        .order_by(_E.feed, _E.epoch, _E.number)
    )
    return next((other for other in others if saw(mine, topic_entry(other))), None)


def count_held(conn: Connection, log: CaseLog, person: Person) -> int:
    """How many wait for this person."""
    homes = conn.execute(
        select(_E.home, func.count())
        .where(_E.standing == int(Standing.HELD), _E.code != AWAITS, _E.type >= FIRST_APPLICATION_TYPE)
        .group_by(_E.home)
    )
    regions = _Regions(conn, log)
    return sum(int(row[1]) for row in homes if may(person, Act.SETTLE_HELD, Target(regions.of(row[0]))))
