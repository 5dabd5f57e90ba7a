"""Two real replicas with the real HTTP in between: a served parent, a child that signs its requests."""

from __future__ import annotations

import asyncio
from asyncio.trsock import TransportSocket
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import aiohttp
from aiohttp import web
from aiohttp.test_utils import TestServer

from sync_protocol import authority, canonical
from sync_protocol.bell import Bell
from sync_protocol.client import Link
from sync_protocol.dialer import Dialer
from sync_protocol.enrolment import parse_request
from sync_protocol.envelopes import NO_NONCE, SignedReply, parse_reply, sign_request, verify_reply
from sync_protocol.messages import Frame, parse_message
from sync_protocol.server import SYNC_PATH, Parent
from sync_protocol.store.async_store import AsyncStore
from sync_protocol.transport import HttpTransport
from tests.sync_protocol.county import Place


@dataclass
class Served:
    """A place behind HTTP on a loopback port."""

    place: Place
    url: str
    store: AsyncStore
    bell: Bell
    counts: Counter[str] = field(default_factory=Counter)
    sockets: Callable[[], list[TransportSocket]] = list
    """Of the connections that are open."""


@dataclass
class Child:
    """Requests of one place, signed; remembers the nonces it was given."""

    place: Place
    session: aiohttp.ClientSession
    url: str
    nonces: list[bytes] = field(default_factory=list)

    def sign(self, payload: bytes, nonce: bytes, serial: int | None = None) -> bytes:
        me = self.place.me
        return sign_request(
            me.deployment,
            me.signer,
            method="POST",
            path=SYNC_PATH,
            author=me.author,
            serial=me.serial if serial is None else serial,
            nonce=nonce,
            payload=payload,
        ).packed()

    async def post(self, data: bytes, **options) -> tuple[int, bytes]:
        async with self.session.post(self.url + SYNC_PATH, data=data, **options) as response:
            return response.status, await response.read()

    async def refused(self, data: bytes, **options) -> tuple[int, str, list[bytes]]:
        status, body = await self.post(data, **options)
        code, text, nonces = canonical.unpack(body, bytes_max=4096)
        assert isinstance(text, str)
        return status, code, nonces

    async def nonce(self) -> bytes:
        if not self.nonces:
            status, code, self.nonces = await self.refused(self.sign(b"", NO_NONCE))
            assert (status, code) == (401, "bad_nonce")
        return self.nonces.pop()

    async def ask(self, payload: bytes, parent: Place) -> list[Frame]:
        """A good request, its reply verified."""
        nonce = await self.nonce()
        status, body = await self.post(self.sign(payload, nonce))
        assert status == 200, body
        reply: SignedReply = parse_reply(body)
        verify_reply(parent.me.deployment, reply, parent.me.signer.public, nonce=nonce)
        self.nonces.extend(reply.nonces)
        return parse_message(reply.payload)


@asynccontextmanager
async def serve(place: Place) -> AsyncIterator[Served]:
    """`place` as a parent; at the hub, enrolment is granted, elsewhere nobody asks for it here."""
    store = AsyncStore(place.store)
    bell = Bell(asyncio.get_running_loop())
    place.store.listen(bell.ring)

    async def enrol(data: bytes) -> bytes:
        sealed = parse_request(data)
        journal = place.replica.journal
        return (await store.write(lambda conn: authority.redeem(conn, journal, sealed, place.clock.now))).packed()

    counts: Counter[str] = Counter()
    parent = Parent(
        replica=lambda: place.replica,
        store=store,
        bell=bell,
        now=lambda: place.clock.now,
        random_bytes=place.replica.random_bytes,
        enrol=enrol,
        count=lambda what, number: counts.update({what: number}),
    )
    app = web.Application()
    app.add_routes(parent.routes())
    server = TestServer(app)
    await server.start_server()
    try:
        yield Served(
            place,
            str(server.make_url("")).rstrip("/"),
            store,
            bell,
            counts,
            lambda: [one.transport.get_extra_info("socket") for one in server.runner.server.connections],
        )
    finally:
        await server.close()
        await store.close()


@asynccontextmanager
async def link_to(url: str, child: Place, parent: Place) -> AsyncIterator[Link]:
    """The child's link over real HTTP."""
    store = AsyncStore(child.store)
    bell = Bell(asyncio.get_running_loop())
    child.store.listen(bell.ring)
    dialer = Dialer(child.replica, parent.author)
    async with aiohttp.ClientSession() as session:
        yield Link(HttpTransport(session, url), dialer, child.replica, store, bell, lambda: child.clock.now)
    await store.close()
