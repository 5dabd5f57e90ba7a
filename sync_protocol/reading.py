"""Reading the log: a topic's changes in order, and what was told (SPEC section 11).

Nothing here writes. Everything runs inside the caller's transaction.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from operator import itemgetter
from typing import Any, NamedTuple

from sqlalchemy import Connection, Row, bindparam, select

from sync_protocol import canonical
from sync_protocol.entries import (
    FIRST_APPLICATION_TYPE,
    OPENING,
    SEALED,
    BlobRef,
    Header,
    mark,
    parse_header,
    parse_opening,
)
from sync_protocol.errors import BadBytes
from sync_protocol.feeds import FeedId
from sync_protocol.limits import BODY_BYTES_MAX
from sync_protocol.order import STANDING_WORDS, Standing, TopicEntry, tentative_order
from sync_protocol.store import tables as t
from sync_protocol.store import trust
from sync_protocol.store.memory import memory
from sync_protocol.topology import OFFICES, slot


class PlacedEntry(NamedTuple):
    """One change of a topic as the application reads it; see `casework.journal.Change` for the meaning."""

    kind: int
    body: Any
    author: int
    office: str
    actor: int
    time: int
    quality: int
    standing: str
    code: str
    field: str
    ref: str
    blobs: tuple[BlobRef, ...]
    received: int


_ARRIVED = select(t.tip.c.feed, t.tip.c.epoch, t.tip.c.number).where(
    t.tip.c.feed.in_(bindparam("feeds", expanding=True))
)


def arrived(conn: Connection, home: int) -> dict[int, int]:
    """Per slot, the highest mark held of the home's feeds."""
    feeds = {feed.packed(): slot(feed) for feed in _home_feeds(conn, home)}
    rows = conn.execute(_ARRIVED, {"feeds": list(feeds)})
    result: dict[int, int] = {}
    for row in rows:
        place = feeds[row.feed]
        result[place] = max(result.get(place, 0), mark(row.epoch, row.number))
    return result


def _home_feeds(conn: Connection, home: int) -> list[FeedId]:
    return trust.topology(conn).home_feeds(home)


def home_of(conn: Connection, topic: bytes) -> int | None:
    """The home of a topic held here."""
    return conn.execute(select(t.topic.c.home).where(t.topic.c.topic == topic)).scalar()


_E = t.entry.c


class Stored(NamedTuple):
    """What is read of an entry's row, in the order of COLUMNS."""

    feed: bytes
    epoch: int
    number: int
    home: int
    topic: bytes
    header: bytes
    body: bytes | None
    standing: int
    place: int
    judged_by: int
    code: str
    field: str
    received: int


Placing = tuple[int, int, int, str, str]
"""What an order record says of an entry: the fields `standing` to `field`."""
_stored = itemgetter(*Stored._fields)
COLUMNS = tuple(_E[name] for name in Stored._fields)
_OF_TOPICS = select(*COLUMNS).where(
    _E.home == bindparam("home"),
    _E.topic.in_(bindparam("topics", expanding=True)),
    _E.type >= FIRST_APPLICATION_TYPE,
)
_TOPICS_AT_ONCE = 200
_STANDINGS = tuple(Standing)
_ADMITTED = int(Standing.ADMITTED)


def topic_rows(conn: Connection, home: int, topics: Sequence[bytes]) -> dict[bytes, list[Stored]]:
    """The stored changes of topics, in the order of their places; remembered until one of them changes."""
    known = memory(conn)
    found = {topic: known[key] for topic in topics if (key := ("changes", home, topic)) in known}
    missing = [topic for topic in dict.fromkeys(topics) if topic not in found]
    for at in range(0, len(missing), _TOPICS_AT_ONCE):
        some: dict[bytes, list[Stored]] = {topic: [] for topic in missing[at : at + _TOPICS_AT_ONCE]}
        rows = conn.execute(_OF_TOPICS, {"home": home, "topics": list(some)})
        where = places(conn, home)
        for row in rows:
            some[row[4]].append(Stored._make(row))
            where[row[:3]] = row[4]
        for topic, its in some.items():
            its.sort(key=_position)
            found[topic] = known["changes", home, topic] = its
    return found


def places(conn: Connection, home: int) -> dict[tuple[bytes, int, int], bytes]:
    """The topics of entries (feed, epoch, number) of a home, as far as a write has come across them."""
    found: dict[tuple[bytes, int, int], bytes] = memory(conn).setdefault(("places", home), {})
    return found


def _position(row: Stored) -> tuple[int, bytes, int, int]:
    return row.place, row.feed, row.epoch, row.number


def note_placed(
    conn: Connection, home: int, topics: Iterable[bytes], placed: Mapping[tuple[bytes, int, int], Placing]
) -> None:
    """Entries (feed, epoch, number) of these topics were put elsewhere: what was read goes on being true."""
    known = memory(conn)
    for topic in topics:
        if rows := known.get(("changes", home, topic)):
            rows = [
                Stored._make((*row[:7], *found, row[-1])) if (found := placed.get(row[:3])) else row for row in rows
            ]
            known["changes", home, topic] = sorted(rows, key=_position)


def note_written(conn: Connection, home: int, rows: Iterable[Mapping[str, Any]]) -> None:
    """Entries were written: what was read of their topics goes on being true with them."""
    known, where = memory(conn), places(conn, home)
    grown: dict[bytes, list[Stored]] = {}
    for row in rows:
        topic = row["topic"]
        where[row["feed"], row["epoch"], row["number"]] = topic
        its = known.get(("changes", home, topic))
        if its is not None and row["type"] >= FIRST_APPLICATION_TYPE:
            its.append(Stored._make(_stored(row)))
            grown[topic] = its
    for its in grown.values():
        its.sort(key=_position)


def forget_changes(conn: Connection, home: int, topics: Iterable[bytes]) -> None:
    """What was read of these topics is no longer true."""
    for topic in topics:
        memory(conn).pop(("changes", home, topic), None)


def note_opened(conn: Connection, home: int, topics: Iterable[bytes]) -> None:
    """Nothing was ever written of these topics: no need to look."""
    memory(conn).update({("changes", home, topic): [] for topic in topics})


def changes(conn: Connection, home: int, topic: bytes) -> list[PlacedEntry]:
    """A topic's changes: settled ones in their place, then tentative ones, each after what it had seen."""
    return changes_of(conn, home, [topic])[topic]


def changes_of(conn: Connection, home: int, topics: Sequence[bytes]) -> dict[bytes, list[PlacedEntry]]:
    """The changes of several topics of one home."""
    known = memory(conn)
    return {topic: _in_order(known, rows) for topic, rows in topic_rows(conn, home, topics).items()}


def ordered(conn: Connection, home: int, topic: bytes) -> list[PlacedEntry]:
    """Of a topic's changes those that the hub has admitted, in their places."""
    rows = topic_rows(conn, home, [topic])[topic]
    known = memory(conn)
    return [read_again(known, row) for row in rows if row.standing == Standing.ADMITTED]


def _in_order(known: dict[Any, Any], rows: Sequence[Stored]) -> list[PlacedEntry]:
    settled = [row for row in rows if row.standing != Standing.PENDING]
    pending = {topic_entry(row): row for row in rows if row.standing == Standing.PENDING}
    waiting = tentative_order(pending) if len(pending) > 1 else pending
    return [read_again(known, row) for row in (*settled, *(pending[entry] for entry in waiting))]


def topic_entry(row: Stored | Row[Any], header: Header | None = None) -> TopicEntry:
    """What the rules of order need to know of a stored entry, whose header may have been read already."""
    after = (header or parse_header(row.header)).after
    standing = _STANDINGS[row.standing]
    return TopicEntry(slot_of(row.feed), row.epoch, row.number, after, standing, row.place, row.judged_by)


@lru_cache(maxsize=4096)
def slot_of(feed: bytes) -> int:
    """The slot of a feed of some home, by its 9 bytes."""
    return slot(FeedId.parse(feed))


def read_again(known: dict[Any, Any], row: Stored) -> PlacedEntry:
    """`read_entry`, decoded once in the write that remembers `known`: what came is judged, what was judged is shown."""
    key = row[:3]
    before: PlacedEntry | None = known.get(key)
    if before is None:
        known[key] = entry = read_entry(row)
        return entry
    word = STANDING_WORDS[_STANDINGS[row.standing]]
    if before.standing == word and before.code == row.code and before.field == row.field:
        return before
    known[key] = again = before._replace(standing=word, code=row.code, field=row.field)
    return again


def read_as_admitted(known: dict[Any, Any], row: Stored) -> PlacedEntry:
    """The same as it will be read once it is admitted."""
    return read_again(known, Stored(*row[:7], _ADMITTED, *row[8:10], "", "", row.received))


def read_entry(row: Stored | Row[Any]) -> PlacedEntry:
    return placed_entry(
        FeedId.parse(row.feed),
        row.epoch,
        row.number,
        parse_header(row.header),
        row.body,
        _STANDINGS[row.standing],
        row.code,
        row.field,
        row.received,
    )


def placed_entry(
    feed: FeedId,
    epoch: int,
    number: int,
    header: Header,
    body: bytes | None,
    standing: Standing,
    code: str,
    field: str,
    received: int,
) -> PlacedEntry:
    return PlacedEntry(
        header.type,
        _plain(header, body),
        feed.author,
        OFFICES[slot(feed)] if feed.home is not None else "county",
        header.actor,
        header.time,
        header.quality,
        STANDING_WORDS[standing],
        code,
        field,
        f"{feed}/{epoch}/{number}",
        header.blobs,
        received,
    )


def _plain(header: Header, body: bytes | None) -> Any:
    """The body's plain value; None when it is erased, sealed or malformed. Nobody changes it in place."""
    if body is None or header.flags & SEALED:
        return None
    opening = bool(header.flags & OPENING)
    return _decoded(body, opening) if len(body) > _REMEMBERED_BYTES else _remembered(body, opening)


def _decoded(body: bytes, opening: bool) -> Any:  # noqa: FBT001
    try:
        inner = parse_opening(body).inner if opening else body
        return canonical.unpack(inner, bytes_max=BODY_BYTES_MAX)
    except BadBytes:
        return None


_REMEMBERED_BYTES = 2048
_remembered = lru_cache(maxsize=4096)(_decoded)
"""A change is read when it comes, when it is judged, when it is shown, and again with each later one of its topic."""


def forget_bodies() -> None:
    """What was erased is not to be kept in memory either."""
    _remembered.cache_clear()


def told(conn: Connection, feed: FeedId, kinds: Sequence[int], *, after: int = 0) -> list[PlacedEntry]:
    """Entries of these kinds in a feed beyond a number, oldest first, over all epochs (at most 1,000)."""
    rows = conn.execute(
        select(*COLUMNS)
        .where(_E.feed == feed.packed(), _E.type.in_(kinds), _E.number > after)
        .order_by(_E.epoch, _E.number)
        .limit(1000)
    )
    return [read_entry(Stored._make(row)) for row in rows]


def plain_body(body: bytes) -> Any:
    """The plain value of an unsealed body, None when it is malformed."""
    try:
        return canonical.unpack(body, bytes_max=BODY_BYTES_MAX)
    except BadBytes:
        return None
