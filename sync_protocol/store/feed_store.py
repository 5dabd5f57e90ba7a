"""The feeds on disk: append one's own, accept others', cut segments for the next hop."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from sqlalchemy import Connection, bindparam, insert, select, update

from sync_protocol import canonical
from sync_protocol.crypto import Signer
from sync_protocol.entries import (
    FIRST_APPLICATION_TYPE,
    Header,
    Opening,
    genesis,
    head_message,
    mark,
    pack_header,
)
from sync_protocol.epochs import Start
from sync_protocol.errors import BadBytes, Gap, TooLarge
from sync_protocol.feeds import FeedId, FeedKind, up
from sync_protocol.frontier import Branch, Tip
from sync_protocol.limits import BODY_BYTES_MAX, INT_MAX, SEGMENT_ENTRIES_MAX, SEGMENT_PAYLOAD_BYTES_MAX
from sync_protocol.order import Standing, own_place
from sync_protocol.reading import note_opened, note_written
from sync_protocol.segments import ERASED, Item, Link, Segment, link
from sync_protocol.store import effects, trust
from sync_protocol.store import tables as t
from sync_protocol.store.bulk import insert_plain, run_many
from sync_protocol.store.dialect import insert_absent, lock_feeds
from sync_protocol.store.memory import memory
from sync_protocol.store.seam import Told, hear, touch, wake
from sync_protocol.topology import SLOT_HUB, slot

# asked at every message: made once, because to make a statement takes longer than to run it
_TIPS = select(t.tip).where(t.tip.c.feed.in_(bindparam("feeds", expanding=True)), t.tip.c.number > 0)
_TIP = select(t.tip.c.number, t.tip.c.head).where(
    t.tip.c.feed == bindparam("feed"), t.tip.c.epoch == bindparam("epoch")
)


def frontier(conn: Connection, feeds: Iterable[FeedId]) -> dict[Branch, Tip]:
    """The tips held of these feeds, in every epoch."""
    wanted = [feed.packed() for feed in feeds]
    result: dict[Branch, Tip] = {}
    for at in range(0, len(wanted), 500):
        for row in conn.execute(_TIPS, {"feeds": wanted[at : at + 500]}):
            result[Branch(FeedId.parse(row.feed), row.epoch)] = Tip(row.number, row.head)
    return result


def tip_of(conn: Connection, branch: Branch) -> Tip | None:
    row = conn.execute(_TIP, {"feed": branch.feed.packed(), "epoch": branch.epoch}).one_or_none()
    return Tip(row.number, row.head) if row else None


def start_of(conn: Connection, deployment: bytes, branch: Branch) -> Start:
    """Where a branch begins. Raises Gap when the epoch's grant has not arrived."""
    first = Start(0, 0, genesis(deployment, branch.feed))
    if branch.epoch == 0:
        return first
    grant = trust.grant_of(conn, branch.feed.author, branch.epoch)
    if grant is None:
        raise Gap("the epoch's grant has not arrived", feed=str(branch.feed), epoch=branch.epoch)
    return grant.start(branch.feed) or first


def head_at(conn: Connection, deployment: bytes, branch: Branch, number: int) -> bytes | None:
    """The head at a number of the branch, or at the point it starts from."""
    start = start_of(conn, deployment, branch)
    if number == start.number:
        return start.head
    e = t.entry.c
    return conn.execute(
        select(e.head).where(e.feed == branch.feed.packed(), e.epoch == branch.epoch, e.number == number)
    ).scalar()


def serial_of(conn: Connection, feed: FeedId, epoch: int, number: int) -> int:
    """The certificate whose signature covers an entry held here: the first one at or after it."""
    h = t.head_signature.c
    covering = select(h.serial).where(h.feed == feed.packed(), h.epoch == epoch, h.number >= number)
    return int(conn.execute(covering.order_by(h.number).limit(1)).scalar_one())


@dataclass(frozen=True, slots=True)
class Draft:
    """An entry about to be appended to one's own feed."""

    header: Header
    body: bytes


def append(
    conn: Connection, deployment: bytes, signer: Signer, serial: int, branch: Branch, drafts: Sequence[Draft], now: int
) -> list[Link]:
    """Append to a feed of one's own and sign; the caller's transaction makes it durable.

    What was built is linked by the same code that verifies others' segments before it is written down. Raises
    TooLarge for a body that peers would refuse.
    """
    lock_feeds(conn, [branch.feed])
    links: list[Link] = []
    for group in _groups(drafts):
        known = tip_of(conn, branch)
        if known is None:
            start = start_of(conn, deployment, branch)
            known = Tip(start.number, start.head)
        items = tuple(Item(pack_header(draft.header), draft.body) for draft in group)
        segment = Segment(branch.feed, branch.epoch, known.number + 1, items, serial, b"")
        salt_of = salts(conn, branch.feed)
        salt_of.learn(draft.header.topic for draft in group)
        opened: dict[bytes, Opening] = {}
        new = link(deployment, segment, known.head, salt_of, opened)
        message = head_message(deployment, branch.feed, branch.epoch, new[-1].number, new[-1].head, serial)
        write(conn, branch, new, [SignedHead(new[-1].number, serial, signer.sign(message))], opened, now)
        links.extend(new)
    return links


def _groups(drafts: Sequence[Draft]) -> Iterator[list[Draft]]:
    group: list[Draft] = []
    size = 0
    for draft in drafts:
        if len(draft.body) > BODY_BYTES_MAX:
            raise TooLarge("a body that no peer would take")
        more = len(pack_header(draft.header)) + len(draft.body)
        if group and (len(group) == SEGMENT_ENTRIES_MAX or size + more > SEGMENT_PAYLOAD_BYTES_MAX):
            yield group
            group, size = [], 0
        group.append(draft)
        size += more
    if group:
        yield group


class _Salts:
    """Looks the salts of a home's topics up, each once in a write."""

    def __init__(self, conn: Connection, home: int | None) -> None:
        self._conn = conn
        self._home = home
        self._known: dict[bytes, bytes | None] = memory(conn).setdefault(("salts", home), {})
        self.absent: set[bytes] = memory(conn).setdefault(("absent", home), set())
        """Topics that are not written down yet."""

    def learn(self, topics: Iterable[bytes]) -> None:
        """Ask for many at once."""
        new = [topic for topic in set(topics) if topic and topic not in self._known]
        if not new or self._home is None:
            return
        self._known.update(dict.fromkeys(new))
        for at in range(0, len(new), _ASKED_AT_ONCE):
            rows = self._conn.execute(_SALTS, {"home": self._home, "topics": new[at : at + _ASKED_AT_ONCE]})
            self._known.update({row.topic: row.salt for row in rows})
        self.absent.update(topic for topic in new if self._known[topic] is None)

    def __call__(self, topic: bytes) -> bytes | None:
        if topic not in self._known:
            self.learn([topic])
        return self._known.get(topic)

    def open(self, opened: Mapping[bytes, Opening]) -> None:
        """Openings of verified entries that are about to be written."""
        self._known.update({topic: one.salt for topic, one in opened.items() if self._known.get(topic) is None})


_SALTS = select(t.topic.c.topic, t.topic.c.salt).where(
    t.topic.c.home == bindparam("home"), t.topic.c.topic.in_(bindparam("topics", expanding=True))
)


def salts(conn: Connection, feed: FeedId) -> _Salts:
    """Those of the topics of a feed's home."""
    return _Salts(conn, feed.home)


_LOCKED = select(t.blob.c.hash).where(t.blob.c.hash.in_(bindparam("hashes", expanding=True))).with_for_update()
_ASKED_AT_ONCE = 1_000
"""A statement takes only so many parameters, 65,535 on PostgreSQL."""
_INSERT = insert_plain(t.entry)
_SIGN = insert_plain(t.head_signature)
_OPEN = insert(t.topic).values({name: bindparam(name) for name in ("home", "topic", "salt", "wrap")})
_SET_TIP = (
    update(t.tip)
    .where(t.tip.c.feed == bindparam("of_feed"), t.tip.c.epoch == bindparam("of_epoch"))
    .values(number=bindparam("new_number"), head=bindparam("new_head"))
)


class SignedHead(NamedTuple):
    """A number of a branch whose head is signed, under the certificate `serial`."""

    number: int
    serial: int
    signature: bytes


def write(
    conn: Connection,
    branch: Branch,
    links: Sequence[Link],
    signed: Sequence[SignedHead],
    opened: Mapping[bytes, Opening],
    now: int,
) -> None:
    """Write down entries that continue a branch, verified to the last, and what follows from them.

    `opened` are the topics that they open.
    """
    packed = branch.feed.packed()
    home = branch.feed.home or 0
    links = _without_erased(salts(conn, branch.feed), links)
    of_hub = branch.feed.kind in (FeedKind.ALL, FeedKind.OWN) or slot(branch.feed) == SLOT_HUB
    rows = [
        {
            "feed": packed,
            "epoch": branch.epoch,
            "number": item.number,
            "home": home,
            "type": item.header.type,
            "topic": item.header.topic,
            "header": item.header_bytes,
            "body": item.body,
            "body_hash": None if item.body is not None else item.body_hash,
            "head": item.head,
            "standing": int(Standing.ADMITTED if of_hub or not item.header.topic else Standing.PENDING),
            "place": own_place(item.number) if of_hub else 0,
            "judged_by": mark(branch.epoch, item.number) if of_hub else 0,
            "code": "",
            "field": "",
            "received": now,
        }
        for item in links
    ]
    run_many(conn, _INSERT, rows)
    last = links[-1]
    run_many(conn, _SIGN, [{"feed": packed, "epoch": branch.epoch, **head._asdict()} for head in signed])
    _set_tip(conn, branch, Tip(last.number, last.head))
    _open_topics(conn, home, opened)
    note_written(conn, home, rows)
    _name_blobs(conn, branch, home, links)
    effects.apply(conn, branch, links)
    _tell_application(conn, branch, home, links)
    wake(conn, str(branch.feed), f"home:{home}")


def _without_erased(salt_of: _Salts, links: Sequence[Link]) -> list[Link]:
    """A body that arrives after its topic was erased is not written down; its hash is."""
    topics = {item.header.topic for item in links}
    salt_of.learn(topics)
    if not (erased := {topic for topic in topics if salt_of(topic) == ERASED}):
        return list(links)
    return [
        item._replace(body=None) if item.header.type >= FIRST_APPLICATION_TYPE and item.header.topic in erased else item
        for item in links
    ]


def _tell_application(conn: Connection, branch: Branch, home: int, links: Sequence[Link]) -> None:
    feed = branch.feed
    for topic in dict.fromkeys(item.header.topic for item in links):
        if topic:
            touch(conn, home, topic)
    for item in links:
        header = item.header
        if not header.topic and header.type >= FIRST_APPLICATION_TYPE and item.body is not None:
            told = Told(
                str(feed), feed.author, feed.audience, item.number, header.type, header.actor, header.time, item.body
            )
            hear(conn, told)


def _set_tip(conn: Connection, branch: Branch, tip: Tip) -> None:
    packed = branch.feed.packed()
    key = {"of_feed": packed, "of_epoch": branch.epoch}
    if conn.execute(_SET_TIP, {**key, "new_number": tip.number, "new_head": tip.head}).rowcount == 0:
        conn.execute(insert(t.tip).values(feed=packed, epoch=branch.epoch, number=tip.number, head=tip.head))


def _open_topics(conn: Connection, home: int, opened: Mapping[bytes, Opening]) -> None:
    rows = {
        topic: {
            "home": home,
            "topic": topic,
            "salt": opening.salt,
            "wrap": canonical.pack([list(wrap) for wrap in opening.wraps]),
        }
        for topic, opening in opened.items()
    }
    if not rows:
        return
    salt_of = salts(conn, up(home))
    salt_of.learn(rows)
    rows = {topic: row for topic, row in rows.items() if topic in salt_of.absent}
    if rows:
        run_many(conn, _OPEN, list(rows.values()))
        salt_of.open(opened)
        salt_of.absent.difference_update(rows)
        note_opened(conn, home, rows)


def _name_blobs(conn: Connection, branch: Branch, home: int, links: Sequence[Link]) -> None:
    refs = [
        {
            "feed": branch.feed.packed(),
            "epoch": branch.epoch,
            "number": item.number,
            "place": index,
            "hash": ref.hash,
            "home": home,
            "topic": item.header.topic,
            "role": ref.role,
            "urgency": item.header.urgency,
        }
        for item in links
        for index, ref in enumerate(item.header.blobs)
    ]
    if not refs:
        return
    conn.execute(insert(t.blob_ref), refs)
    lengths: dict[bytes, int] = {}
    for item in links:
        for ref in item.header.blobs:
            lengths.setdefault(ref.hash, ref.length)  # the first who names a blob says how long it is
    wanted = sorted(lengths)
    for at in range(0, len(wanted), _ASKED_AT_ONCE):
        # Locked, so that one whose file is just being noted as complete is seen as held from here on.
        for (hash_,) in conn.execute(_LOCKED, {"hashes": wanted[at : at + _ASKED_AT_ONCE]}).all():
            del lengths[hash_]
    insert_absent(conn, t.blob, [{"hash": h, "length": n, "held": 0} for h, n in lengths.items()])


def cut(
    conn: Connection, branch: Branch, after: int, bytes_max: int, upto: int = INT_MAX
) -> Iterator[tuple[Segment, Tip]]:
    """Segments that follow `after`, cut only where signatures stand, until `bytes_max` bytes are reached.

    `upto` is a number that is signed: what came after it while one was reading is left out.
    """
    sent = 0
    while sent < bytes_max:
        segment = _next_segment(conn, branch, after, upto)
        if segment is None:
            return
        yield segment
        after = segment[1].number
        sent += sum(len(item.header) + len(item.body or b"") + 80 for item in segment[0].items)


_H, _E = t.head_signature.c, t.entry.c
_SIGNED = (
    select(_H.number, _H.serial, _H.signature)
    .where(_H.feed == bindparam("of_feed"), _H.epoch == bindparam("of_epoch"))
    .where(_H.number > bindparam("after"), _H.number <= bindparam("upto"))
    .order_by(_H.number)
    .limit(SEGMENT_ENTRIES_MAX)
)
_ITEMS = (
    select(_E.number, _E.header, _E.body, _E.body_hash, _E.head)
    .where(_E.feed == bindparam("of_feed"), _E.epoch == bindparam("of_epoch"))
    .where(_E.number > bindparam("after"), _E.number <= bindparam("upto"))
    .order_by(_E.number)
)


def _next_segment(conn: Connection, branch: Branch, after: int, upto: int) -> tuple[Segment, Tip] | None:
    of = {"of_feed": branch.feed.packed(), "of_epoch": branch.epoch, "after": after}
    ends = conn.execute(_SIGNED, of | {"upto": upto}).all()
    if not ends:
        return None
    rows = conn.execute(_ITEMS, of | {"upto": after + SEGMENT_ENTRIES_MAX}).all()
    end = ends[0]
    sizes: dict[int, int] = {}
    total = 0
    for row in rows:
        total += len(row.header) + len(row.body or b"")
        sizes[row.number] = total
    for candidate in ends[1:]:
        if sizes.get(candidate.number, SEGMENT_PAYLOAD_BYTES_MAX + 1) > SEGMENT_PAYLOAD_BYTES_MAX:
            break
        end = candidate
    picked = [row for row in rows if row.number <= end.number]
    if not picked:
        raise BadBytes("signed entries are missing from the store", feed=str(branch.feed), after=after)
    items = tuple(Item(row.header, row.body, row.body_hash) for row in picked)
    segment = Segment(branch.feed, branch.epoch, picked[0].number, items, end.serial, end.signature)
    return segment, Tip(end.number, picked[-1].head)
