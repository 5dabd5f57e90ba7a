"""Order records, and the rule of who may be judged when (SPEC section 11). Pure.

The hub writes order records into hub→home. Inside a record the runs stand in order, inside a run the numbers;
the hub's own entries take the place where they stand in hub→home. Every entry of the home therefore has one place.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from itertools import pairwise
from typing import Any, NamedTuple

from sync_protocol import canonical
from sync_protocol.entries import mark
from sync_protocol.errors import NotCanonical, TooLarge
from sync_protocol.limits import BODY_BYTES_MAX, EPOCH_MAX, RUN_EXCEPTIONS_MAX, RUNS_PER_RECORD_MAX
from sync_protocol.topology import SLOT_HUB


class Standing(IntEnum):
    """What the hub's record says of an entry; PENDING while it says nothing."""

    PENDING = 0
    ADMITTED = 1
    REFUSED = 2
    HELD = 3


STANDING_WORDS = {
    Standing.PENDING: "tentative",
    Standing.ADMITTED: "ordered",
    Standing.REFUSED: "refused",
    Standing.HELD: "held",
}

AWAITS = "awaits"
"""Held until something that its author had seen has been judged."""
BASIS_REFUSED = "basis_refused"
"""Refused because what it was built on was refused."""
DUPLICATE = "duplicate"
"""Said again in a later epoch, and the other copy was judged first."""
REVOKED = "revoked"
"""Held because it lies past the cut of its author's revocation."""


@dataclass(frozen=True, slots=True)
class RunException:
    """One number of a run that is not admitted, with a code and, for a refusal, the field it concerns."""

    number: int
    standing: Standing
    code: str
    field: str = ""


@dataclass(frozen=True, slots=True)
class Run:
    """Consecutive numbers of the home's or the township's feed (by slot) in one epoch."""

    slot: int
    epoch: int
    first: int
    last: int
    exceptions: tuple[RunException, ...] = ()


class Placed(NamedTuple):
    """What a record says of one entry: its place among all entries of the home, and its standing."""

    slot: int
    epoch: int
    number: int
    place: int
    standing: Standing
    code: str
    field: str


_INDEX_BITS = 20


def own_place(number: int) -> int:
    """The place of the hub's own entry `number` of hub→home."""
    return number << _INDEX_BITS


def place_of(record_number: int, index: int) -> int:
    """The place of the `index`-th (from 0) entry named by the order record at `record_number`."""
    assert index < 2**_INDEX_BITS - 1
    return (record_number << _INDEX_BITS) + index + 1


def placements(record_number: int, runs: Sequence[Run]) -> Iterator[Placed]:
    """Every entry a record speaks of, in order."""
    index = 0
    for run in runs:
        exceptions = {item.number: item for item in run.exceptions}
        for number in range(run.first, run.last + 1):
            place = place_of(record_number, index)
            index += 1
            item = exceptions.get(number)
            if item is None:
                yield Placed(run.slot, run.epoch, number, place, Standing.ADMITTED, "", "")
            else:
                yield Placed(run.slot, run.epoch, number, place, item.standing, item.code, item.field)


def pack_runs(runs: Sequence[Run]) -> bytes:
    return canonical.pack([_run_fields(run) for run in runs])


def _run_fields(run: Run) -> list[Any]:
    exceptions = [[e.number, int(e.standing), e.code, e.field] for e in run.exceptions]
    return [run.slot, run.epoch, run.first, run.last, exceptions]


def pack_records(runs: Sequence[Run]) -> Iterator[bytes]:
    """Bodies of as few order records as hold these runs within the bounds of `parse_runs`."""
    group: list[Run] = []
    entries = size = 0
    for run in runs:
        more, its_size = run.last - run.first + 1, len(canonical.pack(_run_fields(run)))
        full = len(group) == RUNS_PER_RECORD_MAX or entries + more > RUN_ENTRIES_MAX
        if group and (full or size + its_size > BODY_BYTES_MAX - _ARRAY_HEAD):
            yield pack_runs(group)
            group, entries, size = [], 0, 0
        group.append(run)
        entries, size = entries + more, size + its_size
    if group:
        yield pack_runs(group)


_ARRAY_HEAD = 3
"""Bytes before the first run, at most."""


RUN_ENTRIES_MAX = 4096
"""Of a run, and of all runs of a record together: every number that is named costs a row."""


def parse_runs(body: bytes) -> list[Run]:
    """Raises BadBytes unless `body` is an order record's."""
    value = canonical.unpack(body, bytes_max=BODY_BYTES_MAX)
    if not isinstance(value, list) or not 0 < len(value) <= RUNS_PER_RECORD_MAX:
        raise NotCanonical("runs")
    runs = [_run(item) for item in value]
    if sum(run.last - run.first + 1 for run in runs) > RUN_ENTRIES_MAX:
        raise TooLarge("entries in a record")
    return runs


def _run(item: Any) -> Run:
    if not isinstance(item, list) or len(item) != 5:
        raise NotCanonical("run")
    slot, epoch, first, last, exceptions = item
    if any(type(number) is not int for number in (slot, epoch, first, last)):
        raise NotCanonical("run numbers")
    if not 0 <= slot < SLOT_HUB or not 0 <= epoch <= EPOCH_MAX or not 1 <= first <= last < 2**32:
        raise NotCanonical("run range")
    if last - first >= RUN_ENTRIES_MAX or not isinstance(exceptions, list) or len(exceptions) > RUN_EXCEPTIONS_MAX:
        raise TooLarge("run")
    parsed = tuple(_exception(e, first, last) for e in exceptions)
    if any(a.number >= b.number for a, b in pairwise(parsed)):
        raise NotCanonical("exceptions are not in order")
    return Run(slot, epoch, first, last, parsed)


def _exception(item: Any, first: int, last: int) -> RunException:
    if not isinstance(item, list) or len(item) != 4:
        raise NotCanonical("exception")
    number, standing, code, field = item
    if type(number) is not int or not first <= number <= last or standing not in (2, 3):
        raise NotCanonical("exception")
    if not isinstance(code, str) or not 0 < len(code) <= 64 or not isinstance(field, str) or len(field) > 128:
        raise NotCanonical("exception code")
    return RunException(number, Standing(standing), code, field)


EXCEPTIONS_AT_ONCE = 100
"""So many have room in one body, however long their codes and fields are."""


def build_runs(verdicts: Sequence[tuple[int, int, int, Standing, str, str]]) -> list[Run]:
    """Join (slot, epoch, number, standing, code, field), in the order judged, into as few runs as possible."""
    runs: list[Run] = []
    for slot, epoch, number, standing, code, field in verdicts:
        extra = () if standing is Standing.ADMITTED else (RunException(number, standing, code, field),)
        last = runs[-1] if runs else None
        if (
            last is not None
            and (last.slot, last.epoch, last.last + 1) == (slot, epoch, number)
            and number - last.first < RUN_ENTRIES_MAX
            and len(last.exceptions) + len(extra) <= EXCEPTIONS_AT_ONCE
        ):
            runs[-1] = Run(slot, epoch, last.first, number, last.exceptions + extra)
        else:
            runs.append(Run(slot, epoch, number, number, extra))
    return runs


class TopicEntry(NamedTuple):
    """What the rules below need to know of one entry of a topic."""

    slot: int
    epoch: int
    number: int
    after: tuple[int, int, int]
    standing: Standing
    place: int
    judged_by: int
    """Mark (epoch and number in hub→home) of the record that settled it, 0 while pending."""

    @property
    def mark(self) -> int:
        return mark(self.epoch, self.number)

    @property
    def unsettled(self) -> bool:
        """Whether others that saw it must wait for it; the hub's own entries never do that."""
        return (self.standing is Standing.PENDING or self.standing is Standing.HELD) and self.slot != SLOT_HUB

    def judged(self, standing: Standing, by: int) -> TopicEntry:
        """The same with another standing."""
        return TopicEntry(self.slot, self.epoch, self.number, self.after, standing, self.place, by)


def saw(entry: TopicEntry, other: TopicEntry) -> bool:
    """Whether `entry`'s author had seen `other` when writing."""
    if entry.slot == other.slot:
        return other.mark < entry.mark
    return other.mark <= entry.after[other.slot]


def unready(entry: TopicEntry, topic: Collection[TopicEntry], arrived: Mapping[int, int]) -> bool:
    """Whether `entry` must wait: something its author had seen has not arrived, or is not settled.

    `arrived` maps slot to the highest mark held of that slot's feed.
    """
    for slot, seen in enumerate(entry.after):
        if seen and slot != entry.slot and seen > arrived.get(slot, 0):
            return True
    return any(other.unsettled and other is not entry and saw(entry, other) for other in topic)


def built_on_refused(entry: TopicEntry, topic: Collection[TopicEntry]) -> bool:
    """Whether the author had seen an entry of the topic that was refused, but not yet its refusal."""
    known = entry.after[SLOT_HUB]
    return any(other.standing is Standing.REFUSED and other.judged_by > known and saw(entry, other) for other in topic)


def tentative_order(entries: Collection[TopicEntry]) -> list[TopicEntry]:
    """Entries that are not ordered yet, so that each stands after all it had seen; ties by slot, then number.

    Inside a slot everybody saw what stands before, so only the first one of each slot can be next.
    """
    queues: list[deque[TopicEntry]] = [deque(), deque(), deque()]
    for entry in sorted(entries, key=lambda e: e.mark):
        queues[entry.slot].append(entry)
    result: list[TopicEntry] = []
    while heads := [queue[0] for queue in queues if queue]:
        ready = next((e for e in heads if not any(saw(e, o) for o in heads if o is not e)), heads[0])
        result.append(queues[ready.slot].popleft())
    return result
