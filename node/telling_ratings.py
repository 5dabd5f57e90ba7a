"""A rating given at this station, told to the county alone: sealed to its key, about no case."""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import Connection

from casework import rating_codes
from casework.changes import ChangeKind
from casework.ratings import TABLET, Rating, ToldRating, pack_told
from sync_protocol import canonical
from sync_protocol.crypto import seal_to
from sync_protocol.errors import NotEnrolled
from sync_protocol.feeds import HUB, up
from sync_protocol.journal import Writing
from sync_protocol.replica import Replica
from sync_protocol.store import trust


class StationRatings:
    """What the rating pages ask of a station; see `casework.web.case_keys.Ratings`."""

    channel = TABLET

    def __init__(self, replica: Callable[[], Replica]) -> None:
        self._replica = replica

    def given(self, conn: Connection, topic: bytes) -> frozenset[str]:
        return rating_codes.given(conn, topic)

    def give(self, conn: Connection, topic: bytes, stage: str, rating: Rating, now: int) -> None:
        """Raises NotEnrolled where the county's key is not known."""
        certificate = trust.current_certificate(conn, HUB)
        if certificate is None:
            raise NotEnrolled("no certificate of the county is held here", author=HUB)
        plain = pack_told(ToldRating(topic, stage, rating, now, self.channel))
        body = canonical.pack({"sealed": seal_to(certificate.box_key, plain)})
        me, journal = self._replica().me, self._replica().journal
        # Actor 0: nobody of the staff has written it.
        journal.tell(conn, up(me.author), int(ChangeKind.RATING), body, Writing(0, now, 0))
        rating_codes.note_given(conn, topic, stage)
