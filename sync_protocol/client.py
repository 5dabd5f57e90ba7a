"""The dialling side (SPEC section 8).

One parent, one link. While there are entries to say, exchanges follow one another; blobs follow in lanes, which keep
the link full. When both sides are in step, one long poll stays open and brings answers down within a round trip; new
local entries go up beside it in an exchange of their own. What the dialer believes of the parent is volatile and is
asked anew after every failure. A parent that cannot be reached is tried again within seconds after a short outage,
within twenty after a long one. Other failures that may pass are retried with full jitter between one second and a
minute; a refusal (`stop`) is retried once a minute, because it is a person elsewhere who can mend it, and is shown
meanwhile. Local work never waits for any of this. Where bytes are paid for no poll is held: the parent is asked now and
then, and at once when there is something to say.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from sqlalchemy import Connection
from tenacity import RetryCallState, wait_random, wait_random_exponential

from sync_protocol.bell import EVERYTHING, Bell
from sync_protocol.certificates import Certificate
from sync_protocol.dialer import Dialer
from sync_protocol.envelopes import NO_NONCE, SignedReply, parse_reply, sign_request, verify_reply
from sync_protocol.errors import (
    BadBytes,
    BadNonce,
    BadSignature,
    SyncError,
    TransferFailed,
    UnknownCertificate,
)
from sync_protocol.feeds import TO_ALL
from sync_protocol.goodput import Goodput
from sync_protocol.limits import KIB, LONG_POLL_SECONDS_MAX, MESSAGE_BYTES_MAX
from sync_protocol.message_size import LANES
from sync_protocol.messages import pack_message, parse_message
from sync_protocol.replica import Replica
from sync_protocol.segments import Segment
from sync_protocol.server import SYNC_PATH, StoreLike
from sync_protocol.store import trust
from sync_protocol.trailing import with_trail
from sync_protocol.transport import Transport
from sync_protocol.under_way import Progress, Sent

Rest = Callable[[], Awaitable[float]]
"""Seconds from now until the parent is asked again, where no long poll is held open."""
_log = logging.getLogger("lianban.sync")
_PAUSE_AFTER_SECONDS, _PAUSE_SHARE, _PAUSE_SECONDS = 120.0, 0.05, (0.2, 20.0)
"""How long to rest while nobody can be reached: at most so much of the time by which this has outlasted two minutes."""


@dataclass(slots=True)
class LinkState:
    """What pages and commands show of the link; moments in unix seconds, 0 for never."""

    last_contact: int = 0
    in_step: bool = False
    error: str = ""
    error_text: str = ""
    requests: int = 0
    bytes_up: int = 0
    bytes_down: int = 0
    entries_sent: int = 0
    entries_received: int = 0
    blobs_sent: int = 0
    blobs_received: int = 0
    goodput_up: float = 0.0
    goodput_down: float = 0.0
    """Bytes a second, 0 until measured."""
    faults: list[str] = field(default_factory=list)


class Link:
    """The link to whoever answers at the transport's other end; `outcome` hears how each exchange ended, and says
    whether the next one goes to the same station."""

    def __init__(
        self,
        transport: Transport,
        dialer: Dialer,
        replica: Replica,
        store: StoreLike,
        bell: Bell,
        now: Callable[[], int],
        outcome: Callable[[SyncError | None], Awaitable[bool]] | None = None,
    ) -> None:
        self._transport = transport
        self._outcome = outcome
        self._dialer = dialer
        self._replica = replica
        self._store = store
        self._bell = bell
        self._now = now
        self._nonces: list[bytes] = []
        self._turn = asyncio.Lock()
        self._asking = asyncio.Lock()
        self._answers = 0
        self._heard = 0.0
        self._goodput = Goodput(), Goodput()
        self.state = LinkState()

    async def exchange(self, wait_seconds: int = 0) -> Progress:
        """One message and its answer. Raises SyncError; what was taken before a failure stays taken."""
        async with self._turn:
            sent = await self._store.read(lambda conn: self._dialer.compose(conn, self._now(), wait_seconds))
            if sent.alone and not wait_seconds:
                return await self._send(sent)
        return await self._send(sent)

    async def _send(self, sent: Sent) -> Progress:
        try:
            progress = await self._converse(sent)
        except SyncError as error:
            self.state.in_step = False
            self.state.error, self.state.error_text = error.code, str(error)
            await self._failed(sent, error)
            raise
        finally:
            self._dialer.drop(sent)
        if self._outcome is not None:
            await self._outcome(None)
        return progress

    async def _failed(self, sent: Sent, error: SyncError) -> None:
        """Tell whoever chooses the parent, once for a cut that ends several messages, and believe less."""
        merely_cut = isinstance(error, TransferFailed) and not sent.entries
        if merely_cut:
            first = self._dialer.cut(sent, unsent=bool(error.evidence.get("unsent")))
        else:
            first = self._dialer.forget(sent)
        if first and self._outcome is not None and not await self._outcome(error) and merely_cut:
            self._dialer.forget()

    async def say_all(self) -> None:
        """Exchange until nothing more can be said at once. Raises SyncError.

        Entries go first, alone. Then blobs go in lanes, so that the link stays full while one lane waits for an answer;
        an entry that is written meanwhile goes beside them at once.
        """
        again = True
        while again:
            if await self._store.read(self._dialer.has_blobs_only):
                await self._in_lanes()
            again = (await self.exchange()).again

    async def _in_lanes(self) -> None:
        """Returns when no lane finds more to send; raises what the first one that gave up met, once all have ended."""
        over = asyncio.Event()
        beside = asyncio.create_task(self._entries_beside(over))
        try:
            ends = await asyncio.gather(*(self._lane(over) for _ in range(LANES)), return_exceptions=True)
            over.set()
            self._bell.ring(["lanes"])
            ends += await asyncio.gather(beside, return_exceptions=True)
        finally:
            beside.cancel()
        for end in ends:
            if isinstance(end, BaseException):
                raise end

    async def _lane(self, over: asyncio.Event) -> None:
        """A cut is met by each lane in its own time: it tries again by itself, so that with several lanes the next try
        is never far, and the first one that gets through need not wait for those that have not noticed yet."""
        again = True
        while again and not over.is_set():
            try:
                again = (await self.exchange()).again
            except SyncError as error:
                unheard = asyncio.get_running_loop().time() - self._heard
                if over.is_set() or not isinstance(error, TransferFailed) or unheard > _PAUSE_AFTER_SECONDS:
                    over.set()
                    raise
                await self._rest(_pause(unreached_wait(unheard), 1))

    async def _entries_beside(self, over: asyncio.Event) -> None:
        """Send entries as they are written, until it is over."""
        while not over.is_set():
            with self._bell.listen([EVERYTHING]) as waiter:
                async with self._turn:
                    if await self._store.read(self._dialer.has_entries):
                        sent = await self._store.read(lambda conn: self._dialer.compose(conn, self._now(), 0))
                        await self._send(sent)
                if not over.is_set():
                    await waiter.wait(LONG_POLL_SECONDS_MAX)

    async def _converse(self, sent: Sent) -> Progress:
        payload, trail = await self._store.off_loop(lambda: _packed(sent))
        began = asyncio.get_running_loop().time()
        reply = await self._post(payload, trail)
        sent.seconds = asyncio.get_running_loop().time() - began
        self._measure(sent, began, len(payload) + len(trail), len(reply))
        frames = await self._store.off_loop(lambda: parse_message(reply))
        now = self._now()
        progress = await self._store.write(lambda conn: self._dialer.absorb_entries(conn, sent, frames, now))
        whole = await self._store.off_loop(lambda: self._dialer.absorb_chunks(progress))
        await self._store.write(lambda conn: self._dialer.absorb_states(conn, sent, frames, whole, progress, now))
        self._count(progress, now)
        if progress.faults:
            fault = progress.faults[0]
            # What was good of the answer is kept; asking again at once would bring the same bad bytes again.
            raise BadBytes(f"the parent sent what cannot be taken: {fault.code} {fault.detail}", feed=fault.feed)
        return progress

    def _measure(self, sent: Sent, began: float, length_up: int, length_down: int) -> None:
        """A long poll waits for news, not for the link: it measures nothing."""
        if not sent.waits:
            for rate, length in zip(self._goodput, (length_up, length_down), strict=True):
                rate.carried(began, began + sent.seconds, length)
            self.state.goodput_up, self.state.goodput_down = (rate.rate for rate in self._goodput)

    def _count(self, progress: Progress, now: int) -> None:
        state = self.state
        self._answers += 1
        self._heard = asyncio.get_running_loop().time()
        state.last_contact = now
        state.in_step = progress.in_step
        state.error = state.error_text = self._dialer.refusal
        state.entries_sent += progress.entries_sent
        state.entries_received += progress.entries_received
        state.blobs_sent += progress.blobs_sent
        state.blobs_received += progress.blobs_received
        state.faults = [fault.code for fault in (*progress.faults, *progress.refused)]

    async def _post(self, payload: bytes, trail: bytes) -> bytes:
        """Send a signed request; a spent nonce costs one more turn."""
        for _ in range(2):
            while not self._nonces:
                await self._ask_nonces()
            try:
                return await self._post_once(payload, self._nonces.pop(0), trail)
            except BadNonce as error:
                self._nonces = list(error.evidence.get("nonces", ()))
        raise TransferFailed("the parent does not accept our nonces")

    async def _ask_nonces(self) -> None:
        """A refusal brings nonces: an empty message goes ahead for them, so that a long one is not sent in vain."""
        async with self._asking:
            if self._nonces:
                return  # another message asked meanwhile
            try:
                await self._post_once(b"", NO_NONCE)
            except BadNonce as error:
                self._nonces.extend(error.evidence.get("nonces", ()))
            if not self._nonces:
                raise TransferFailed("the parent hands out no nonces")

    async def _post_once(self, payload: bytes, nonce: bytes, trail: bytes = b"") -> bytes:
        me = self._replica.me
        request = sign_request(
            me.deployment,
            me.signer,
            method="POST",
            path=SYNC_PATH,
            author=me.author,
            serial=me.serial,
            nonce=nonce,
            payload=payload,
        ).packed()
        request += trail
        self.state.requests += 1
        self.state.bytes_up += len(request)
        try:
            data = await self._transport(SYNC_PATH, request, MESSAGE_BYTES_MAX + KIB)
        except TransferFailed as error:
            if error.evidence.get("unsent") and nonce != NO_NONCE:
                self._nonces.insert(0, nonce)
            raise
        self.state.bytes_down += len(data)
        reply = parse_reply(data)
        key = await self._signer_of(reply)
        verify_reply(me.deployment, reply, key.sign_key, nonce=nonce)
        self._dialer.speaks_to(key.author)
        self._nonces.extend(reply.nonces)
        return reply.payload

    async def _signer_of(self, reply: SignedReply) -> Certificate:
        """The certificate of the reply's signer. A parent with a new machine is known only by what its own first
        answer brings: the hub's words to all, which are believed for the hub's signature, whoever carries them."""
        try:
            return await self._store.read(lambda conn: self._reply_key(conn, reply.serial))
        except UnknownCertificate:
            frames = await self._store.off_loop(lambda: parse_message(reply.payload))
            told = [frame for frame in frames if isinstance(frame, Segment) and frame.feed == TO_ALL]
            parent, now = self._dialer.parent, self._now()
            await self._store.write(lambda conn: self._replica.take_entries(conn, told, parent, now))
            return await self._store.read(lambda conn: self._reply_key(conn, reply.serial))

    def _reply_key(self, conn: Connection, serial: int) -> Certificate:
        certificate = trust.certificate_of(conn, serial)
        if certificate.author not in trust.topology(conn).ancestors(self._replica.me.author):
            raise BadSignature("answered by a station that is not above this one")
        if trust.is_revoked(conn, serial) is not None:
            raise BadSignature("answered under a certificate that was revoked", serial=serial)
        return certificate

    async def until(self, done: Callable[[Progress], bool]) -> Progress:
        """Exchange until nothing more can be said at once and `done`; raises SyncError on failure."""
        while True:
            progress = await self.exchange()
            if not progress.again and done(progress):
                return progress
            if not progress.again:
                await asyncio.sleep(0)

    async def run(self, rest: Rest | None = None) -> None:
        """Keep in step for ever; `rest` for a link that is paid by the byte."""
        wait = wait_random_exponential(multiplier=1, max=60)
        failures = 0
        loop = asyncio.get_running_loop()
        self._heard = loop.time()
        while True:
            answers = self._answers
            try:
                await (self._keep_in_step() if rest is None else self.ask_once(rest))
                failures, self._heard = 0, loop.time()
            except SyncError as error:
                failures = 1 if self._answers > answers else failures + 1  # what moves on is not made to wait longer
                _log.info("exchange failed", extra={"code": error.code, "detail": str(error)[:200]})
                if isinstance(error, TransferFailed):
                    await self._rest(_pause(unreached_wait(loop.time() - self._heard), failures))
                else:
                    await self._rest(60.0 if error.verdict == "stop" else max(1.0, _pause(wait, failures)))
            except Exception:  # noqa: BLE001 - outermost loop: local work goes on whatever is wrong with the link
                failures += 1
                self._dialer.forget()
                self.state.in_step, self.state.error, self.state.error_text = False, "fault", "see the log"
                _log.exception("the link failed in a way nobody foresaw")
                await self._rest(max(1.0, _pause(wait, failures)))

    async def _rest(self, seconds: float) -> None:
        """Wait before the next try, or until somebody asks for it."""
        with self._bell.listen(["retry"]) as waiter:
            await waiter.wait(seconds)

    async def _keep_in_step(self) -> None:
        """Talk until in step, then hold one long poll open while uploads go beside it; returns when the poll ends.

        With nothing to say the poll is all that is sent: it asks for everything that an exchange asks for.
        """
        self._dialer.retry_refused()
        if await self._store.read(self._dialer.has_news):
            await self.say_all()
        poll = asyncio.create_task(self.exchange(LONG_POLL_SECONDS_MAX))
        try:
            while not poll.done():
                with self._bell.listen([EVERYTHING]) as waiter:
                    if await self._store.read(self._dialer.has_news):
                        await self.say_all()
                    bell = asyncio.create_task(waiter.wait(LONG_POLL_SECONDS_MAX))
                    await asyncio.wait([poll, bell], return_when=asyncio.FIRST_COMPLETED)
                    bell.cancel()
            await poll
        finally:
            poll.cancel()

    async def ask_once(self, rest: Rest) -> None:
        """Say and ask everything, then rest until there is something to say or the rest is over.

        No poll is held open, so the connections end by themselves.
        """
        self._dialer.retry_refused()
        await self.say_all()
        loop = asyncio.get_running_loop()
        until = loop.time() + await rest()
        with self._bell.listen([EVERYTHING]) as waiter:
            while not await self._store.read(self._dialer.has_news) and await waiter.wait(until - loop.time()):
                waiter.clear()


def _packed(sent: Sent) -> tuple[bytes, bytes]:
    frames, trail = with_trail(sent.frames)
    return pack_message(frames), trail


def unreached_wait(seconds: float) -> wait_random:
    """How to wait when nobody was reached for so long: not long after a short outage; full jitter, so that the stations
    of a county that comes back do not all call at once."""
    low, high = _PAUSE_SECONDS
    return wait_random(0, min(max(low, _PAUSE_SHARE * (seconds - _PAUSE_AFTER_SECONDS)), high))


def _pause(wait: wait_random | wait_random_exponential, failures: int) -> float:
    """Seconds before the next try."""
    state = RetryCallState(retry_object=None, fn=None, args=(), kwargs={})  # type: ignore[arg-type]
    state.attempt_number = failures
    return wait(state)
