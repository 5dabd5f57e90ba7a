"""The aiohttp side of a parent, the same for a township and the county (SPEC section 8).

Two routes: `POST /sync` answers a child's message, `POST /enrol` passes or grants an enrolment. Nothing of a request
is believed before its signature and its nonce are.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import NamedTuple, Protocol, TypeVar

from aiohttp import web
from sqlalchemy import Connection

from sync_protocol import canonical
from sync_protocol.answerer import Answerer
from sync_protocol.bell import Bell
from sync_protocol.body import Body, Incoming, all_of, exactly
from sync_protocol.enrolment import REQUEST_BYTES_MAX
from sync_protocol.envelopes import (
    NO_NONCE,
    REQUEST_HEAD_BYTES,
    SignedRequest,
    parse_request,
    payload_bytes,
    sign_reply,
    verify_request,
)
from sync_protocol.errors import (
    BadNonce,
    BadSignature,
    CertificateRevoked,
    DiskFull,
    NotCanonical,
    NotEnrolled,
    NotYourParent,
    ParentFull,
    SyncError,
    TooLarge,
)
from sync_protocol.feeds import TO_ALL
from sync_protocol.journal import Writing
from sync_protocol.limits import LONG_POLL_SECONDS_MAX, MESSAGE_BYTES_MAX
from sync_protocol.link_times import try_evenly
from sync_protocol.messages import pack_message, parse_message
from sync_protocol.replica import Replica
from sync_protocol.store import peers, trust

T = TypeVar("T")
SYNC_PATH = "/sync"
ENROL_PATH = "/enrol"


class StoreLike(Protocol):
    async def write(self, fn: Callable[[Connection], T]) -> T: ...
    async def read(self, fn: Callable[[Connection], T]) -> T: ...
    async def off_loop(self, fn: Callable[[], T]) -> T: ...


class Followed(NamedTuple):
    """What the application did in the write that took entries in: topics it judged, homes where work is left."""

    homes: Sequence[int]
    topics: int = 0


@dataclass(slots=True)
class Parent:
    """What the routes need. `enrol` answers an enrolment request's bytes; `count` hears (what, number) for metrics."""

    replica: Callable[[], Replica]
    store: StoreLike
    bell: Bell
    now: Callable[[], int]
    random_bytes: Callable[[int], bytes]
    enrol: Callable[[bytes], Awaitable[bytes]]
    count: Callable[[str, int], None]
    clock_trusted: Callable[[], bool] = field(default=lambda: True)
    """Whether this program's own clock is good enough to turn a station away for its certificate's dates."""
    follow: Callable[[Connection, Sequence[int], bool], Followed] = field(
        default=lambda conn, homes, more: Followed(homes)
    )
    """Entries of these homes were written just now; True where the child has announced more of them."""
    after_exchange: Callable[[Followed, bool], None] = field(default=lambda followed, more: None)
    """The same, after the commit."""

    def routes(self) -> list[web.RouteDef]:
        return [web.post(SYNC_PATH, self.sync), web.post(ENROL_PATH, self.enrolment)]

    async def sync(self, request: web.Request) -> web.StreamResponse:
        """Answer one message of a child; every failure is a documented code with a verdict."""
        if request.transport is not None:  # else the child has gone
            try_evenly(request.transport.get_extra_info("socket"))
        try:
            return _bytes_response(await self.exchange(request.path, Body(request, MESSAGE_BYTES_MAX)), 200)
        except SyncError as error:
            self.count(f"refused:{error.code}", 1)
            return _refusal(error)

    async def enrolment(self, request: web.Request) -> web.StreamResponse:
        try:
            data = await all_of(Body(request, REQUEST_BYTES_MAX))
            return _bytes_response(await self.enrol(data), 200)
        except SyncError as error:
            self.count(f"refused:{error.code}", 1)
            return _refusal(error)

    async def exchange(self, path: str, body: Incoming) -> bytes:
        """The signed reply to a signed request. Raises SyncError."""
        try:
            return await self._exchange(path, body)
        except DiskFull as error:
            raise ParentFull("the disk of the place that answers is full") from error

    async def _exchange(self, path: str, body: Incoming) -> bytes:
        head = await exactly(body, REQUEST_HEAD_BYTES)
        signed = parse_request(head + await exactly(body, payload_bytes(head)))
        replica = self.replica()
        nonces = await self.store.write(lambda conn: self._admit(conn, replica, signed, path))
        if isinstance(nonces, BadNonce):
            raise nonces
        frames = await self.store.off_loop(lambda: parse_message(signed.payload, trailed=True))
        answerer = Answerer(replica, signed.author, frames)
        self.count("bytes_received", len(head) + len(signed.payload))
        payload = await self._answer(answerer, body)
        reply = sign_reply(
            replica.me.deployment,
            replica.me.signer,
            nonce=signed.nonce,
            serial=replica.me.serial,
            nonces=nonces,
            payload=payload,
        ).packed()
        self.count("bytes_sent", len(reply))
        return reply

    def _admit(
        self, conn: Connection, replica: Replica, signed: SignedRequest, path: str
    ) -> tuple[bytes, ...] | BadNonce:
        """Who is it, may it speak here, is the request fresh? A stale nonce is answered with a fresh one."""
        certificate = trust.certificate_of(conn, signed.serial)
        if certificate.author != signed.author:
            raise NotEnrolled("the certificate is another station's")
        verify_request(replica.me.deployment, signed, certificate.sign_key, method="POST", path=path)
        if (reason := trust.is_revoked(conn, signed.serial)) is not None:
            raise CertificateRevoked("the certificate was revoked", reason=reason)
        if self.clock_trusted():
            certificate.check_time(self.now())
        if replica.me.author not in trust.topology(conn).ancestors(signed.author):
            raise NotYourParent("the station belongs under another parent")
        try:
            peers.spend_nonce(conn, signed.author, signed.nonce)
        except BadNonce as error:
            least = peers.NONCES_FOR_ONE_WITHOUT if signed.nonce == NO_NONCE else 1
            error.evidence["nonces"] = peers.fresh_nonces(conn, signed.author, self.random_bytes, least=least)
            return error
        return peers.fresh_nonces(conn, signed.author, self.random_bytes)

    async def _answer(self, answerer: Answerer, body: Incoming) -> bytes:
        # What was taken is followed to the end, also when the child has gone meanwhile.
        await asyncio.shield(asyncio.ensure_future(self.take(answerer, body)))
        wait = min(answerer.hello.wait_seconds, LONG_POLL_SECONDS_MAX)
        names = await self.store.read(lambda conn: self._names(conn, answerer))
        deadline = asyncio.get_running_loop().time() + wait
        with self.bell.listen(names) as waiter:
            while True:
                answer = await self.store.write(lambda conn: answerer.answer(conn, self.now()))
                left = deadline - asyncio.get_running_loop().time()
                if answer.news or left <= 0 or not await waiter.wait(left):
                    break
                waiter.clear()
        return pack_message(answer.frames)

    async def take(self, answerer: Answerer, body: Incoming) -> None:
        """Entries with their receipts in one transaction; then the scans' files; then receipts for those.

        Raises SyncError when the body ends before its time; what had come of it is kept.
        """
        now = self.now()
        followed = await self.store.write(lambda conn: self._take_and_follow(conn, answerer, now))
        self.count("entries_received", answerer.taken.entries)
        if answerer.taken.homes:
            self.after_exchange(followed, answerer.more)
        if answerer.has_chunks:
            cut = None
            try:
                await self.store.off_loop(answerer.chunks)
                await self._take_trail(answerer, body)
            except SyncError as error:
                cut = error
            await self.store.write(lambda conn: answerer.settle(conn, Writing(0, now, 1)))
            if cut is not None:
                raise cut
        if await body.some(1):
            raise NotCanonical("something follows the last piece")

    async def _take_trail(self, answerer: Answerer, body: Incoming) -> None:
        """As the pieces come: on a slow link a few at a time, on a fast one many at once."""
        trail = answerer.trail
        while trail.left:
            data = await body.some(trail.left)
            if not data:
                raise NotCanonical("the request ends too soon")
            self.count("bytes_received", len(data))
            await self.store.off_loop(partial(answerer.pieces, trail, data))

    def _take_and_follow(self, conn: Connection, answerer: Answerer, now: int) -> Followed:
        answerer.take(conn, now)
        answerer.settle(conn, Writing(0, now, 1))
        return self.follow(conn, sorted(answerer.taken.homes - {0}), answerer.more)

    def _names(self, conn: Connection, answerer: Answerer) -> list[str]:
        homes = trust.topology(conn).subtree(answerer.child)
        return [str(TO_ALL), *(f"home:{home}" for home in homes)]


_STATUS: dict[type[SyncError], int] = {BadNonce: 401, TooLarge: 413, BadSignature: 403, ParentFull: 507}
_VERDICT_STATUS = {"retry": 409, "quarantine": 400, "stop": 403}


def status_of(error: type[SyncError]) -> int:
    """The HTTP status of a refusal (SPEC section 12)."""
    return _STATUS.get(error, _VERDICT_STATUS[error.verdict])


def refusal_bytes(error: SyncError) -> bytes:
    """An error as it travels: code, English text, nonces if it was only the nonce."""
    return canonical.pack([error.code, str(error)[:256], list(error.evidence.get("nonces", ()))])


def _refusal(error: SyncError) -> web.Response:
    return _bytes_response(refusal_bytes(error), status_of(type(error)))


def _bytes_response(data: bytes, status: int) -> web.Response:
    response = web.Response(body=data, status=status)
    response.content_type = "application/x-lianban"
    return response
