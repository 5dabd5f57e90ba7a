"""Sends what waits in the outbox of text messages, for as long as the hub runs; several hubs may do it side by side."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from functools import partial
from typing import Protocol, TypeVar

from sqlalchemy import Connection

from hub.county import County
from hub.gateways import Gateway, open_gateway
from hub.judge import judge_one_home
from hub.messages import claim, settle
from hub.settings import HubSettings
from sync_protocol.store.seam import StoreUnavailable

T = TypeVar("T")
_log = logging.getLogger("lianban.hub")
_PAUSE_SECONDS = 5.0


class Store(Protocol):
    """What is needed of a store: see sync_protocol.store.async_store."""

    async def write(self, fn: Callable[[Connection], T]) -> T: ...


async def send_for_ever(
    county: County, store: Store, settings: HubSettings, chance: Callable[[], float], count: Callable[[str], None]
) -> None:
    """`chance` gives 0 to 1; `count` is told of each try: sent, again or failed."""
    async with open_gateway(settings) as gateway:
        while True:
            try:
                while await send_due(county, store, gateway, chance, count):
                    pass
            except StoreUnavailable as error:
                _log.warning("messages wait for the database", extra={"reason": str(error)})
            await asyncio.sleep(_PAUSE_SECONDS)


async def send_due(
    county: County, store: Store, gateway: Gateway, chance: Callable[[], float], count: Callable[[str], None]
) -> int:
    """Send some of what is due, one after the other, no transaction being open meanwhile; how many were tried."""
    claimed = await store.write(lambda conn: claim(conn, county.topics, county.desk.now()))
    for one in claimed:
        verdict = await gateway.send(one)
        count("sent" if verdict.sent else "again" if verdict.again else "failed")
        now, lot = county.desk.now(), chance()
        await store.write(
            partial(settle, prepare=_prepare(county), log=county.topics, one=one, verdict=verdict, now=now, random=lot)
        )
    return len(claimed)


def _prepare(county: County) -> Callable[[Connection, int], None]:
    def prepare(conn: Connection, home: int) -> None:
        """Nothing of the county's own takes a place before what it has already received."""
        county.topics.lock(conn, [home])
        now = county.desk.now()
        while judge_one_home(conn, county.replica.journal, county.topics, county.desk, home, now).topics:
            pass

    return prepare
