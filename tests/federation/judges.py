"""What must hold in the county, asked of the real stores after each step and at the end.

Every judge says what is wrong by raising `Judged` with its own name. They know the whole county at once, which no
place does, and believe nothing that the product computes but what it is asked about.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sqlalchemy import Connection, bindparam, select

from casework.fsck import look_at_cases
from sync_protocol import canonical
from sync_protocol.entries import EntryType, mark, parse_header
from sync_protocol.feeds import HUB, FeedId, FeedKind
from sync_protocol.frontier import Branch, Tip
from sync_protocol.fsck import check_replica
from sync_protocol.order import AWAITS, Standing, parse_runs
from sync_protocol.reading import PlacedEntry
from sync_protocol.store import tables as t
from sync_protocol.store import trust
from sync_protocol.topology import SLOT_HUB, slot

if TYPE_CHECKING:
    from tests.federation.places import Machine

_E = t.entry.c
_TIPS = select(t.tip.c.feed, t.tip.c.epoch, t.tip.c.number, t.tip.c.head).where(t.tip.c.number > 0)
_AFTER = (
    select(_E.number, _E.head, _E.type, _E.body, _E.topic)
    .where(_E.feed == bindparam("of_feed"), _E.epoch == bindparam("of_epoch"), _E.number > bindparam("after"))
    .order_by(_E.number)
)
_OF_HOME = select(t.entry).where(_E.home == bindparam("of_home"), _E.type >= 64, _E.topic != b"")
Position = tuple[bytes, int, int]
"""Feed, epoch, number."""


class Judged(AssertionError):
    """A promise was broken; `judge` names who saw it."""

    def __init__(self, judge: str, text: str) -> None:
        super().__init__(judge, text)
        self.judge = judge

    def __str__(self) -> str:
        return ": ".join(self.args)


@dataclass
class Seen:
    """What of one machine was looked at already."""

    tips: dict[Branch, Tip] = field(default_factory=dict)
    blobs: set[bytes] = field(default_factory=set)


@dataclass
class Judges:
    """`entries` are all that any place ever accepted; `acknowledged` what each author was told is safe, per machine."""

    entries: dict[Position, bytes] = field(default_factory=dict)
    states: dict[bytes, bytes] = field(default_factory=dict)
    settled: dict[tuple[int, int, int, int], int] = field(default_factory=dict)
    acknowledged: dict[int, dict[Branch, Tip]] = field(default_factory=dict)
    acknowledged_blobs: dict[int, set[bytes]] = field(default_factory=dict)
    seen: dict[int, Seen] = field(default_factory=dict)
    counts: Counter[str] = field(default_factory=Counter)

    def of(self, machine: Machine) -> Seen:
        return self.seen.setdefault(id(machine.key), Seen())

    # ---- after each write

    def look(self, conn: Connection, machine: Machine) -> None:
        """After every transaction of a machine that changed something."""
        seen = self.of(machine)
        if "blobs" in machine.woken:
            seen.blobs = _held(conn)
        machine.woken.clear()
        for branch, tip in _tips(conn).items():
            known = seen.tips.get(branch)
            if known != tip:
                self._entries(conn, machine, branch, known.number if known else 0, tip)
                seen.tips[branch] = tip
        if machine.touched:
            topology = trust.topology(conn)
            for home, topic in machine.touched:
                changes = machine.topics.changes(conn, home, topic)
                self._state(conn, machine, home, topic, changes)
                self._custody(conn, machine, home, topic, topology.ancestors(home), changes)
            machine.touched.clear()

    def _entries(self, conn: Connection, machine: Machine, branch: Branch, after: int, tip: Tip) -> None:
        """No two accepted entries share a number; and no place's chain ever goes back."""
        if tip.number < after:
            raise Judged("one entry a number", f"{machine.name} {branch} went back from {after} to {tip.number}")
        packed = branch.feed.packed()
        rows = conn.execute(_AFTER, {"of_feed": packed, "of_epoch": branch.epoch, "after": after}).all()
        if not rows or rows[-1].head != tip.head:
            raise Judged("one entry a number", f"{machine.name} {branch}: the tip is not the last entry's head")
        for row in rows:
            position = (packed, branch.epoch, row.number)
            if self.entries.setdefault(position, row.head) != row.head:
                raise Judged("one entry a number", f"{machine.name} {branch}/{row.number} differs from another's")
            if machine.author == HUB and branch.feed.kind is FeedKind.DOWN and row.type == EntryType.ORDER:
                self._order(conn, branch, row.number, row.body)

    def _order(self, conn: Connection, branch: Branch, number: int, body: bytes) -> None:
        """Every entry is settled once, and after everything of its case that its author had seen."""
        home = branch.feed.audience
        for run in parse_runs(body):
            exceptions = {e.number: e for e in run.exceptions}
            for at in range(run.first, run.last + 1):
                standing = exceptions[at].standing if at in exceptions else Standing.ADMITTED
                if at in exceptions:
                    self.counts[f"judged {exceptions[at].code}"] += 1
                if standing is Standing.HELD:
                    continue
                key = (home, run.slot, run.epoch, at)
                if self.settled.setdefault(key, number) != number:
                    raise Judged("settled once", f"{key} by records {self.settled[key]} and {number}")
                self._after(conn, home, run.slot, run.epoch, at)

    def _after(self, conn: Connection, home: int, in_slot: int, epoch: int, number: int) -> None:
        rows = conn.execute(_OF_HOME, {"of_home": home}).all()
        mine = next(
            (r for r in rows if (slot(FeedId.parse(r.feed)), r.epoch, r.number) == (in_slot, epoch, number)), None
        )
        if mine is None:
            return
        after = parse_header(mine.header).after
        for row in rows:
            other = slot(FeedId.parse(row.feed))
            if row.topic != mine.topic or other == SLOT_HUB or row is mine:
                continue
            at = mark(row.epoch, row.number)
            saw = at < mark(epoch, number) if other == in_slot else at <= after[other]
            if saw and (
                row.standing in (Standing.PENDING, Standing.HELD) or (row.place, row.number) > (mine.place, mine.number)
            ):
                text = f"{home}/{in_slot}/{epoch}/{number} before {other}/{row.epoch}/{row.number}, which it had seen"
                raise Judged("after", text)

    def _state(self, conn: Connection, machine: Machine, home: int, topic: bytes, changes: list[PlacedEntry]) -> None:
        """Equal ordered prefix of a case, equal state bytes, everywhere; the row beside it says the same."""
        ordered = [change for change in changes if change.standing == "ordered"]
        erased = all(change.body is None for change in changes)
        prefix = canonical.pack([home, topic, erased, [change.ref for change in ordered]])
        state = hashlib.sha256(canonical.pack(machine.state_of(changes).to_plain())).digest()
        if not ordered or any(change.body is None for change in ordered) != erased:
            return
        if self.states.setdefault(hashlib.sha256(prefix).digest(), state) != state:
            raise Judged("equal state", f"{machine.name} of case {topic.hex()[:8]} after {len(ordered)} changes")

    def _custody(
        self,
        conn: Connection,
        machine: Machine,
        home: int,
        topic: bytes,
        ancestors: list[int],
        changes: list[PlacedEntry],
    ) -> None:
        """What is shown is never ahead of what the other places hold on their disks."""
        shown = machine.topics.custody(conn, home, topic)
        own = [change for change in changes if change.author != HUB]
        claims = [(HUB, shown.tier >= 2, own, shown.blobs_county)]
        if len(ancestors) > 1:
            from_home = [change for change in own if change.author == home]
            claims.append((ancestors[0], shown.tier >= 1, from_home, shown.blobs_township))
        for author, claimed, entries, blobs in claims:
            there = machine.world.machine(author)
            if there.lying or trust.newest_epoch(conn, author) < there.replica.me.epoch:
                continue  # it has not heard yet that the machine it was told of is gone
            above = [self.of(there), self.of(machine.world.machine(HUB))]  # the county is no worse than the township
            if claimed:
                for change in entries:
                    feed, epoch, number = position_of(change.ref)
                    if all(seen.tips.get(Branch(feed, epoch), Tip(0, b"")).number < number for seen in above):
                        raise Judged("custody", f"{machine.name} shows {change.ref} at {there.name}, which lacks it")
            named = [blob.hash for change in own for blob in change.blobs]
            held_above = above[0].blobs | above[1].blobs
            if blobs > sum(hash_ in held_above for hash_ in named):
                raise Judged("custody", f"{machine.name} shows {blobs} blobs at {there.name}, which has fewer")

    # ---- acknowledgements

    def acknowledge(self, author: int, tips: dict[Branch, Tip], blobs: set[bytes]) -> None:
        """Somebody may now believe that the author's machine keeps these."""
        known = self.acknowledged.setdefault(author, {})
        for branch, tip in tips.items():
            if branch not in known or known[branch].number < tip.number:
                known[branch] = tip
        self.acknowledged_blobs.setdefault(author, set()).update(blobs)

    def replaced(self, author: int) -> None:
        """The machine is gone with its disk: what only it held is gone with it."""
        self.acknowledged.pop(author, None)
        self.acknowledged_blobs.pop(author, None)

    def after_restart(self, conn: Connection, machine: Machine) -> None:
        """Nothing acknowledged is missing, whatever the restart was."""
        tips = _tips(conn)
        for branch, tip in self.acknowledged.get(machine.author, {}).items():
            held = tips.get(branch)
            if held is None or held.number < tip.number:
                text = f"{machine.name} {branch}: {tip.number} was acknowledged, {held.number if held else 0} are held"
                raise Judged("nothing acknowledged is missing", text)
        rows = set(conn.execute(select(t.blob.c.hash).where(t.blob.c.held == 1)).scalars())
        for hash_ in sorted(rows | self.acknowledged_blobs.get(machine.author, set())):
            if not machine.replica.blobs.check(hash_):
                raise Judged("nothing acknowledged is missing", f"{machine.name} lost blob {hash_.hex()[:8]}")
        for branch, tip in self.of(machine).tips.items():
            held = tips.get(branch)
            if held is None or held.number < tip.number:
                raise Judged("nothing acknowledged is missing", f"{machine.name} {branch} lost a committed entry")

    # ---- at the end

    def at_rest(self, machines: list[Machine]) -> None:
        """After faults have stopped: all equal, all settled, all blobs where they belong."""
        hub = machines[0]
        frontiers = {machine.author: machine.sync.read(_tips) for machine in machines}
        for machine in machines[1:]:
            with_hub = trust_feeds(machine)
            mine = {b: tip for b, tip in frontiers[machine.author].items() if b.feed in with_hub}
            theirs = {b: tip for b, tip in frontiers[HUB].items() if b.feed in with_hub}
            if mine != theirs:
                different = sorted(str(b) for b in mine.keys() | theirs.keys() if mine.get(b) != theirs.get(b))
                raise Judged("all equal", f"{machine.name} and the county differ in {different}")
        hub.sync.read(self._all_settled)
        held = {machine.author: machine.sync.read(_held) for machine in machines}
        everywhere = set().union(*held.values())
        hub.sync.read(lambda conn: self._blobs_arrived(conn, held, everywhere))

    def _all_settled(self, conn: Connection) -> None:
        """What waits still waits for a person, who has not settled something before it in its case."""
        e = t.entry.c
        query = select(e.home, e.feed, e.number, e.topic, e.standing, e.code).where(
            e.type >= 64, e.topic != b"", e.standing.in_([int(Standing.PENDING), int(Standing.HELD)])
        )
        rows = conn.execute(query).all()
        for_a_person = {row.topic for row in rows if row.standing == Standing.HELD and row.code != AWAITS}
        for row in rows:
            if row.standing == Standing.PENDING or (row.code == AWAITS and row.topic not in for_a_person):
                raise Judged("all settled", f"{FeedId.parse(row.feed)}/{row.number} is still waiting {row.code}")

    def sound(self, machines: list[Machine]) -> None:
        """Every chain, signature, standing, blob and row of every replica, by the product's own check."""
        for machine in machines:
            self._sound(machine)

    def _sound(self, machine: Machine) -> None:
        found = machine.sync.read(lambda conn: check_replica(conn, machine.replica.me, machine.replica.blobs))
        wrong = [*found.wrong, *look_at_cases(machine.sync, machine.topics).wrong]
        if wrong:
            raise Judged("sound replica", f"{machine.name}: {wrong[:3]}")

    def _blobs_arrived(self, conn: Connection, held: dict[int, set[bytes]], everywhere: set[bytes]) -> None:
        topology = trust.topology(conn)
        for row in conn.execute(select(t.blob_ref.c.feed, t.blob_ref.c.hash)):
            feed = FeedId.parse(row.feed)
            wanted = [feed.home or HUB, *topology.ancestors(feed.home or HUB)]
            if feed.kind is FeedKind.DOWN and feed.author != HUB:
                continue
            for author in wanted:
                if row.hash in everywhere and row.hash not in held[author]:
                    raise Judged("all equal", f"blob of {feed} did not come to {author}")


def _tips(conn: Connection) -> dict[Branch, Tip]:
    return {Branch(FeedId.parse(row.feed), row.epoch): Tip(row.number, row.head) for row in conn.execute(_TIPS)}


def _held(conn: Connection) -> set[bytes]:
    return set(conn.execute(select(t.blob.c.hash).where(t.blob.c.held == 1)).scalars())


def trust_feeds(machine: Machine) -> set[FeedId]:
    return set(machine.sync.read(lambda conn: trust.topology(conn).held_feeds(machine.author)))


def position_of(ref: str) -> tuple[FeedId, int, int]:
    name, epoch, number = ref.split("/")
    kind, _, rest = name.partition(":")
    author, _, audience = rest.partition(">")
    kinds = {"up": FeedKind.UP, "down": FeedKind.DOWN, "all": FeedKind.ALL, "own": FeedKind.OWN}
    return FeedId(kinds[kind], int(author), int(audience or 0)), int(epoch), int(number)
