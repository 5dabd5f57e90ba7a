"""Who says a report, and who passes one on (SPEC section 19).

A station looks at itself now and then, not at every message, and says what it saw when that has changed or when what
it said last is old. A township passes on in the same way what its villages said to it, and when it last heard them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from sqlalchemy import Connection

from sync_protocol.errors import BadBytes, NotYet
from sync_protocol.limits import INT_MAX, REPORTS_PER_MESSAGE_MAX
from sync_protocol.messages import Frame, Report
from sync_protocol.reports import StationReport, pack_report, parse_report, sign_report, verify_report
from sync_protocol.store import peers, report_store, trust
from sync_protocol.store.me import Me

LOOK_SECONDS = 60
_BELOW_SECONDS = 10
SAY_AGAIN_SECONDS = 1800
"""So old may be what is known of a station that is in contact all the time and of which nothing changes."""

Look = Callable[[Connection, StationReport], StationReport]
"""Fills in what this station's program knows of itself."""


@dataclass(slots=True)
class _Said:
    """What was said of an author last: the report without its time, when, and as of which contact."""

    what: object
    at: int
    heard: int


class Reporter:
    """The reports that go with a child's messages."""

    def __init__(self, me: Me, look: Look) -> None:
        self._me = me
        self._look = look
        self._seen: StationReport | None = None
        self._looked = 0
        self._looked_below = 0
        self._said: dict[int, _Said] = {}
        self._error: tuple[str, int] = ("", 0)

    def failed(self, code: str, now: int) -> None:
        """An exchange failed; the next one that does not will say so."""
        self._error = code[:32], now

    def frames(self, conn: Connection, now: int) -> list[Report]:
        """What there is to say with the message that is composed now; it counts as said unless `unsay` hears else."""
        found = self._own(conn, now)
        return [*found, *self._from_below(conn, now, REPORTS_PER_MESSAGE_MAX - len(found))]

    def unsay(self, frames: Iterable[Frame]) -> None:
        """The message with these frames was not answered."""
        for frame in frames:
            if isinstance(frame, Report):
                self._said.pop(parse_report(frame.packed).author, None)
                self._looked_below = 0

    def _own(self, conn: Connection, now: int) -> list[Report]:
        if self._seen is None or not 0 <= now - self._looked < LOOK_SECONDS:
            blank = StationReport(self._me.author, self._me.serial, 0, self._me.epoch, 0)
            self._seen, self._looked = self._look(conn, blank), now
        seen = replace(self._seen, error=self._error[0], error_at=self._error[1])
        if not self._is_news(self._me.author, seen, now, now):
            return []
        packed = pack_report(replace(seen, time=now))
        return [Report(packed, sign_report(self._me.deployment, self._me.signer, packed), 0, 0)]

    def _from_below(self, conn: Connection, now: int, most: int) -> list[Report]:
        if 0 <= now - self._looked_below < _BELOW_SECONDS:
            return []
        self._looked_below = now
        below = [author for author in trust.topology(conn).subtree(self._me.author) if author != self._me.author]
        if not below:
            return []
        contacts, found = peers.contacts(conn), list[Report]()
        for author, kept in sorted(report_store.kept_reports(conn, below).items()):
            if len(found) == most:
                self._looked_below = 0  # the others go with the next message
                break
            seen, skew = contacts.get(author, (0, 0))
            heard, skew = (seen, skew) if seen > kept.heard else (kept.heard, kept.skew)
            if self._is_news(author, kept.packed, heard, now):
                found.append(Report(kept.packed, kept.signature, max(0, now - heard), skew))
        return found

    def _is_news(self, author: int, what: object, heard: int, now: int) -> bool:
        """Also notes it as said."""
        said = self._said.get(author)
        if said is not None and said.what == what:
            is_old = not 0 <= now - said.at < SAY_AGAIN_SECONDS
            if not is_old or heard <= said.heard:
                return False
        self._said[author] = _Said(what, now, heard)
        return True


def take_reports(conn: Connection, me: Me, peer: int, frames: Sequence[Frame], now: int, peer_skew: int) -> None:
    """Keep what a child says of itself and of those below it. What does not verify, or is older than what is known,
    is left: nothing else of the message depends on it."""
    reports = [frame for frame in frames if isinstance(frame, Report)]
    below = set(trust.topology(conn).subtree(peer)) if reports else set()
    for frame in reports:
        try:
            report = parse_report(frame.packed)
            if report.author not in below or trust.is_revoked(conn, report.serial) is not None:
                continue
            holder = trust.certificate_of(conn, report.serial)
            verify_report(me.deployment, report, frame.packed, frame.signature, holder)
        except (BadBytes, NotYet):
            continue
        heard, skew = max(0, now - frame.ago), _bounded(peer_skew + frame.skew)
        known = report_store.kept_reports(conn, [report.author]).get(report.author)
        if known is None or known.heard > now or heard >= known.heard:
            packed, signature = frame.packed, frame.signature
            if (
                known is not None
                and report.author != peer
                and _said_at(report, skew) < _said_at(known.report, known.skew) <= now
            ):
                packed, signature = known.packed, known.signature  # it has told us more by another way
            report_store.keep(conn, report.author, packed, signature, heard, skew)


def _bounded(skew: int) -> int:
    """It has to fit into the message that passes it on."""
    return max(-INT_MAX, min(skew, INT_MAX))


def _said_at(report: StationReport, skew: int) -> int:
    """By our clock."""
    return report.time - skew
