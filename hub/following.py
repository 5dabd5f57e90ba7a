"""What the hub's own tables follow, beside those that every program has: cards, ratings, messages to be sent."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from sqlalchemy import Connection

from casework.projector import Projector
from hub.card_rows import follow_cards
from hub.messages import queue
from hub.rating_rows import follow_ratings
from hub.ratings import take_told
from sync_protocol.reading import plain_body
from sync_protocol.replica import Replica
from sync_protocol.topics import Topics


def projector_of(replica: Replica, topics: Topics, now: Callable[[], int]) -> Projector:
    """The hub's projector; `now` gives unix seconds."""

    def follow(conn: Connection, touched: Sequence[tuple[int, bytes]], told: Sequence[int]) -> None:
        follow_cards(conn, touched, told)
        follow_ratings(conn, topics, touched)
        queue(conn, topics, touched, now())

    return Projector(topics, plain_body, now, follow, partial(take_told, replica=replica, log=topics, now=now))
