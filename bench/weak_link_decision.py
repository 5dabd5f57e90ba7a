"""A decision at the county, and when the village shows it."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial

import sqlalchemy as sa
from sqlalchemy import Connection

from bench.places import now
from casework.case_tables import case_row
from casework.changes import ChangeKind
from hub.county import County

_STEPS = (ChangeKind.ACCEPT, ChangeKind.REVIEW, ChangeKind.GRANT)
_LOOK_SECONDS = 0.05
_GIVE_UP_SECONDS = 120


def decide(hub: County, village_read: Callable[[Callable[[Connection], str]], str]) -> float:
    """Accept, review and grant the first case that is not decided; seconds until the village's own row says so.

    The decision is written into the county's database beside its running program, as a command would.
    Raises TimeoutError.
    """
    home, topic = hub.store.write(_grant_first(hub))
    began = time.monotonic()
    while village_read(partial(_state, topic=topic)) != "granted":
        if time.monotonic() - began > _GIVE_UP_SECONDS:
            raise TimeoutError(f"the decision on a case of {home} did not arrive")
        time.sleep(_LOOK_SECONDS)
    return time.monotonic() - began


def _grant_first(hub: County) -> Callable[[Connection], tuple[int, bytes]]:
    def write(conn: Connection) -> tuple[int, bytes]:
        c = case_row.c
        row = conn.execute(sa.select(c.home, c.topic).where(c.state != "granted").order_by(c.topic).limit(1)).one()
        for kind in _STEPS:
            body: dict[str, list[int]] = {"seen": []} if kind is ChangeKind.GRANT else {}
            hub.topics.write(conn, row.home, row.topic, (int(kind), body), actor=100, time=now(), quality=1)
        return row.home, row.topic

    return write


def _state(conn: Connection, topic: bytes) -> str:
    return str(conn.execute(sa.select(case_row.c.state).where(case_row.c.topic == topic)).scalar() or "")
