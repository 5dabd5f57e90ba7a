"""The parent's two routes over real HTTP: who is let in, what is refused and how, and that it goes on serving."""

from __future__ import annotations

import asyncio
import gzip
import socket
import time
import tracemalloc
from collections.abc import AsyncIterator, Callable
from dataclasses import replace

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from sync_protocol import authority
from sync_protocol.crypto import BoxKey, Signer
from sync_protocol.dialer import Dialer
from sync_protocol.enrolment import EnrolRequest, Token, pack_request, parse_welcome
from sync_protocol.envelopes import NO_NONCE, parse_request, sign_reply
from sync_protocol.errors import (
    BadBytes,
    BadSignature,
    BadToken,
    CertificateRevoked,
    ParentFull,
    SyncError,
    TransferFailed,
    UnknownCertificate,
)
from sync_protocol.feeds import down, up
from sync_protocol.frontier import frontier_digest
from sync_protocol.limits import KIB, MESSAGE_BYTES_MAX, MIB, NONCES_PER_PEER_MAX, NONCES_REMEMBERED_MAX, PIECE_BYTES
from sync_protocol.link_times import TRY_EVENLY
from sync_protocol.messages import Hello, HelloFlag, Pieces, Segment, Vector, pack_message
from sync_protocol.server import ENROL_PATH, SYNC_PATH
from sync_protocol.store import feed_store
from sync_protocol.store.peers import NONCES_FOR_ONE_WITHOUT
from sync_protocol.store.seam import SqliteStore
from sync_protocol.topology import Tier
from sync_protocol.trailing import piece_digest
from sync_protocol.transport import enrol as ask_parent
from tests.sync_protocol.county import TOWNSHIP, County, Place, small_county
from tests.sync_protocol.wire import Child, Served, link_to, serve

HELLO = pack_message([Hello(1, 0, frontier_digest({}))])
NEW_VILLAGE = "341882103205"


@pytest.fixture
def county(tmp_path) -> tuple[County, Place, Place, Place]:
    return small_county(tmp_path)


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as opened:
        yield opened


@pytest.fixture
async def served(county) -> AsyncIterator[Served]:
    async with serve(county[2]) as township:
        yield township


@pytest.fixture
def child(county, served, session) -> Child:
    return Child(county[3], session, served.url)


async def test_an_answer_that_is_lost_is_sent_again_as_evenly_as_the_request(child, served):
    await child.ask(HELLO, served.place)
    assert [one.getsockopt(socket.IPPROTO_TCP, TRY_EVENLY) for one in served.sockets()] == [1]


async def test_a_signed_request_is_answered_with_a_signed_reply(child, served):
    frames = await child.ask(pack_message([Hello(1, 0, bytes(16))]), served.place)
    assert isinstance(frames[0], Hello) and frames[0].flags & HelloFlag.SEND_VECTOR and len(frames) == 1
    mine = await child.ask(pack_message([Hello(1, 0, frontier_digest({})), Vector({})]), served.place)
    assert any(isinstance(frame, Segment) for frame in mine)
    assert len(child.nonces) == NONCES_PER_PEER_MAX


async def test_a_replayed_request_is_refused_and_a_fresh_nonce_is_offered(child, served):
    data = child.sign(HELLO, await child.nonce())
    assert (await child.post(data))[0] == 200
    for _ in range(3):
        status, code, fresh = await child.refused(data)
        assert (status, code, [len(nonce) for nonce in fresh]) == (401, "bad_nonce", [16])
    child.nonces = fresh
    await child.ask(HELLO, served.place)
    assert served.counts["refused:bad_nonce"] == 4


async def test_what_a_station_holds_is_not_pushed_out_by_what_is_handed_out_beside_it(child, served):
    """Answers that are under way, or were cut off, bring nonces of their own."""
    held = await child.nonce()
    for _ in range(5):
        _, _, other = await child.refused(child.sign(b"", NO_NONCE))
        assert len(other) == NONCES_FOR_ONE_WITHOUT
    assert (await child.post(child.sign(HELLO, held)))[0] == 200
    for _ in range(NONCES_REMEMBERED_MAX):
        _, _, other = await child.refused(child.sign(b"", NO_NONCE))
    assert (await child.refused(child.sign(HELLO, child.nonces[0])))[1] == "bad_nonce", "but for ever it is not kept"
    assert (await child.post(child.sign(HELLO, other[0])))[0] == 200


async def test_a_nonce_is_good_for_its_station_only(county, served, session, child):
    c, hub, township, _ = county
    other = c.enrol(NEW_VILLAGE, Tier.VILLAGE, "other")
    c.sync(township, hub)
    stolen = await child.nonce()
    assert (await Child(other, session, served.url).refused(_as(other, stolen)))[1] == "bad_nonce"
    child.nonces.append(stolen)
    await child.ask(HELLO, served.place)


def _as(place: Place, nonce: bytes) -> bytes:
    return Child(place, None, "").sign(HELLO, nonce)  # type: ignore[arg-type]


async def test_a_stranger_is_not_known(served, session, child):
    unknown = child.sign(HELLO, NO_NONCE, serial=99)
    assert (await child.refused(unknown))[:2] == (409, "unknown_certificate")


async def test_another_stations_certificate_is_refused(county, child):
    assert (await child.refused(child.sign(HELLO, NO_NONCE, serial=county[2].me.serial)))[:2] == (403, "not_enrolled")


async def test_a_request_with_any_flipped_bit_in_its_head_is_refused(child, served):
    good = child.sign(HELLO, await child.nonce())
    for bit in range(0, 8 * 89, 5):
        bad = bytearray(good)
        bad[bit // 8] ^= 1 << bit % 8
        status, code, fresh = await child.refused(bytes(bad))
        assert code in ("not_canonical", "unknown_certificate", "not_enrolled", "bad_signature"), code
        assert status in (400, 403, 409) and fresh == []
    assert (await child.post(good))[0] == 200  # its nonce was not spent by the others


async def test_an_expired_certificate_is_refused(county, child):
    c = county[0]
    c.clock.now += authority.STATION_KEY_DAYS * authority.DAY_SECONDS + 1
    assert (await child.refused(child.sign(HELLO, NO_NONCE)))[:2] == (403, "certificate_expired")


async def test_a_revoked_certificate_is_refused(county, served, child):
    c, hub, township, village = county
    hub.store.write(lambda conn: authority.revoke(conn, hub.replica.journal, village.me.serial, "lost", hub.writing()))
    c.sync(township, hub)
    assert (await child.refused(child.sign(HELLO, NO_NONCE)))[:2] == (403, "certificate_revoked")


async def test_a_village_of_another_township_is_refused(county, served, session):
    c, hub, township, _ = county
    second = c.enrol("341882104000", Tier.TOWNSHIP, "second")
    c.sync(second, hub)
    foreign = c.enrol("341882104201", Tier.VILLAGE, "foreign")
    c.sync(township, hub)
    assert (await Child(foreign, session, served.url).refused(_as(foreign, NO_NONCE)))[:2] == (403, "not_your_parent")
    assert (await Child(second, session, served.url).refused(_as(second, NO_NONCE)))[:2] == (403, "not_your_parent")
    assert (await Child(township, session, served.url).refused(_as(township, NO_NONCE)))[:2] == (403, "not_your_parent")


async def test_the_county_takes_a_village_directly(county, session):
    _, hub, _, village = county
    async with serve(hub) as served:
        frames = await Child(village, session, served.url).ask(HELLO, hub)
        assert isinstance(frames[0], Hello)


@pytest.mark.parametrize("payload", [b"", b"not zstd", pack_message([Vector({})])])
async def test_a_signed_message_that_is_none_is_refused(child, served, payload):
    nonce = await child.nonce()
    status, code, _ = await child.refused(child.sign(payload, nonce))
    assert (status, code) in ((400, "bad_bytes"), (400, "not_canonical"))
    await child.ask(HELLO, served.place)


async def test_a_body_that_is_too_long_is_refused_without_being_held(child, served):
    tracemalloc.start()
    try:
        await _send_too_much(child, 40 * MIB)
        assert tracemalloc.get_traced_memory()[1] < 4 * MESSAGE_BYTES_MAX
    finally:
        tracemalloc.stop()
    await child.ask(HELLO, served.place)


async def _send_too_much(child: Child, length: int) -> None:
    """A request that announces as much as follows it."""
    digest = piece_digest(bytes(PIECE_BYTES))
    told = [Pieces(bytes(32), 64 * MIB, 64 * KIB * at, 64 * KIB, 16 * digest) for at in range(length // (64 * KIB))]
    begin = child.sign(pack_message([Hello(1, 0, bytes(16)), *told]), await child.nonce())

    async def pieces() -> AsyncIterator[bytes]:
        yield begin
        for _ in range(length // MIB):
            yield bytes(MIB)

    try:
        status, code, _ = await child.refused(pieces())  # type: ignore[arg-type]
    except aiohttp.ClientError:
        return  # it hung up while we were still sending
    assert (status, code) == (413, "too_large")


async def test_a_declared_length_that_is_too_long_is_refused_at_once(child, served):
    host, port = served.url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(f"POST {SYNC_PATH} HTTP/1.1\r\nHost: x\r\nContent-Length: {MESSAGE_BYTES_MAX + 1}\r\n\r\n".encode())
    status = await asyncio.wait_for(reader.readline(), 5)
    assert b" 413 " in status
    writer.close()
    await child.ask(HELLO, served.place)


async def test_content_coding_is_refused(child, served):
    bomb = gzip.compress(bytes(20 * MIB))
    for coding in ("gzip", "deflate", "zstd", "identity"):
        try:
            status, code, _ = await child.refused(bomb, headers={"Content-Encoding": coding}, skip_auto_headers=[])
        except aiohttp.ClientError:
            continue  # the server hung up on it
        assert (status, code) in ((413, "too_large"), (400, "bad_bytes")), coding
    await child.ask(HELLO, served.place)


async def test_a_half_sent_body_costs_nobody_else_anything(child, served):
    host, port = served.url.removeprefix("http://").split(":")
    good = child.sign(HELLO, await child.nonce())
    halves = []
    for _ in range(20):
        _, writer = await asyncio.open_connection(host, int(port))
        writer.write(f"POST {SYNC_PATH} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(good)}\r\n\r\n".encode())
        writer.write(good[: len(good) // 2])
        await writer.drain()
        halves.append(writer)
    began = time.perf_counter()
    assert (await child.post(good))[0] == 200
    for writer in halves:
        writer.close()
    child.nonces = []
    await child.ask(HELLO, served.place)
    assert time.perf_counter() - began < 5


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
async def test_other_methods_do_not_exist(served, session, method):
    for path in (SYNC_PATH, ENROL_PATH):
        async with session.request(method, served.url + path) as response:
            assert response.status == 405


async def test_a_long_poll_answers_within_a_moment_after_a_write(county, served, child):
    c, _, township, village = county
    village.open_case({"name": "a"})
    c.sync(village, township)
    dialer = Dialer(village.replica, township.author)
    while c.exchange(dialer, village, township).again:
        pass
    sent = village.store.read(lambda conn: dialer.compose(conn, c.clock.now, 30))
    poll = asyncio.create_task(child.ask(pack_message(sent.frames), served.place))
    await asyncio.sleep(0.3)
    assert not poll.done()
    began = time.perf_counter()
    await served.store.write(
        lambda conn: township.replica.journal.tell(
            conn, down(township.author, village.author), 200, b"\xc0", township.writing()
        )
    )
    frames = await asyncio.wait_for(poll, 5)
    assert time.perf_counter() - began < 2
    assert [len(frame.items) for frame in frames if isinstance(frame, Segment)] == [1]


async def test_a_poll_that_nothing_ends_is_answered_when_its_time_is_over(county, served, child):
    c, _, township, village = county
    dialer = Dialer(village.replica, township.author)
    while c.exchange(dialer, village, township).again:
        pass
    sent = village.store.read(lambda conn: dialer.compose(conn, c.clock.now, 1))
    began = time.perf_counter()
    frames = await child.ask(pack_message(sent.frames), served.place)
    assert 0.9 < time.perf_counter() - began < 5
    assert len(frames) == 1


# --- the dialling side ------------------------------------------------------------------------------------------


async def test_a_link_brings_a_case_up_and_the_receipt_down(county, served):
    _, _, township, village = county
    topic = village.open_case({"name": "张三"}, pages=(bytes(200_000),))
    async with link_to(served.url, village, township) as link:
        while (await link.exchange()).again:
            pass
        assert link.state.in_step and link.state.error == ""
        assert len(township.changes(village.author, topic)) == 1
        assert link.state.blobs_sent == 1


async def test_a_village_finds_its_townships_new_machine_trustworthy(county):
    """Its certificate comes in the very answer that it signs."""
    c, hub, _, village = county
    again = c.enrol(TOWNSHIP, Tier.TOWNSHIP, "again")
    c.sync(again, hub)
    village.open_case({"name": "a"})
    async with serve(again) as served, link_to(served.url, village, again) as link:
        for _ in range(4):
            try:
                await link.exchange()
            except UnknownCertificate:
                assert link.state.requests <= 2
        assert link.state.in_step
        assert len(again.store.read(lambda conn: feed_store.frontier(conn, [up(village.author)]))) == 1


async def test_a_townships_old_machine_is_not_listened_to(county):
    c, hub, township, village = county
    again = c.enrol(TOWNSHIP, Tier.TOWNSHIP, "again")
    c.sync(again, hub)
    c.sync(village, again)
    async with serve(township) as served, link_to(served.url, village, township) as link:
        with pytest.raises(BadSignature):
            await link.exchange()


async def _against(
    answer: Callable[[bytes], tuple[int, bytes]], village: Place, township: Place
) -> tuple[type[SyncError], str]:
    """The error of one exchange with a server that answers whatever `answer` says."""

    async def handler(request: web.Request) -> web.Response:
        status, body = answer(await request.read())
        return web.Response(status=status, body=body)

    app = web.Application()
    app.router.add_post(SYNC_PATH, handler)
    server = TestServer(app)
    await server.start_server()
    try:
        async with link_to(str(server.make_url("")), village, township) as link:
            with pytest.raises(SyncError) as caught:
                await link.exchange()
            assert link.state.error == caught.value.code
            assert not link.state.in_step
            return type(caught.value), caught.value.verdict
    finally:
        await server.close()


def _signed(
    signer: Signer, serial: int, deployment: bytes, payload: bytes = HELLO
) -> Callable[[bytes], tuple[int, bytes]]:
    def answer(data: bytes) -> tuple[int, bytes]:
        nonce = parse_request(data).nonce
        reply = sign_reply(deployment, signer, nonce=nonce, serial=serial, nonces=(b"n" * 16,), payload=payload)
        return 200, reply.packed()

    return answer


RUBBISH: list[tuple[int, bytes, type[SyncError]]] = [
    (200, b"", BadBytes),
    (200, b"<html>portal, please sign in</html>", BadBytes),
    (200, bytes(200), BadBytes),
    (200, bytes(MESSAGE_BYTES_MAX + 2048), TransferFailed),
    (500, b"Internal Server Error", TransferFailed),
    (502, b"<html>bad gateway</html>", TransferFailed),
    (302, b"", TransferFailed),
    (403, b"\x93\xa3abc", TransferFailed),
    (403, b"\x93\xb3certificate_revoked\xa0\x90", CertificateRevoked),
    (401, b"\x93\xa9bad_nonce\xa0\x90", TransferFailed),
    (401, b"\x93\xa9bad_nonce\xa0\x91\xc4\x10" + bytes(16), TransferFailed),
]


@pytest.mark.parametrize(("status", "body", "error"), RUBBISH)
async def test_a_server_that_answers_rubbish(county, status, body, error):
    _, _, township, village = county
    got, _ = await _against(lambda data: (status, body), village, township)
    assert issubclass(got, error)


async def test_a_server_that_signs_wrongly(county):
    c, hub, township, village = county
    deployment = hub.me.deployment
    other = c.enrol(NEW_VILLAGE, Tier.VILLAGE, "other")
    c.sync(township, hub)
    c.sync(village, township)
    cases = [
        (_signed(Signer(bytes(32)), township.me.serial, deployment), BadSignature),
        (_signed(township.me.signer, township.me.serial, bytes(16)), BadSignature),
        (_signed(township.me.signer, hub.me.serial, deployment), BadSignature),
        (_signed(other.me.signer, other.me.serial, deployment), BadSignature),
        (_signed(village.me.signer, village.me.serial, deployment), BadSignature),
        (_signed(township.me.signer, 99, deployment), UnknownCertificate),
        (_signed(township.me.signer, township.me.serial, deployment, b"rubbish"), BadBytes),
        (_answer_to_another_request(township), BadSignature),
    ]
    for answer, error in cases:
        got, verdict = await _against_again(answer, village, township)
        assert issubclass(got, error), (got, verdict)


def _answer_to_another_request(township: Place) -> Callable[[bytes], tuple[int, bytes]]:
    me = township.me
    reply = sign_reply(me.deployment, me.signer, nonce=b"n" * 16, serial=me.serial, nonces=(), payload=HELLO)
    return lambda data: (200, reply.packed())


async def _against_again(answer, village: Place, township: Place) -> tuple[type[SyncError], str]:
    """Each link closes the village's store at its end; open it anew."""
    got = await _against(answer, village, township)
    village.store = SqliteStore(village.store.path, b"k" * 32)
    return got


async def test_nobody_there(county):
    _, _, township, village = county
    async with link_to("http://127.0.0.1:9", village, township) as link:
        with pytest.raises(TransferFailed):
            await link.exchange()
        assert link.state.error == "transfer_failed"


async def test_a_parent_without_room_says_so_and_takes_all_later(county, served):
    """The database may not grow any more; then it may again."""
    _, _, township, village = county
    wide = village.open_case({"name": "x" * 12_000}, pages=(bytes(range(256)) * 400,))
    engine = served.place.store

    def limit(pages: int) -> None:
        engine.write(lambda conn: conn.exec_driver_sql(f"pragma max_page_count = {pages}").scalar())

    limit(engine.write(lambda conn: conn.exec_driver_sql("pragma page_count").scalar()) + 2)
    async with link_to(served.url, village, township) as link:
        with pytest.raises(ParentFull):
            await link.say_all()
        assert link.state.error == "parent_full" and not link.state.in_step
        assert served.counts["refused:parent_full"] == 1
        limit(1_000_000)
        await link.say_all()
        assert link.state.error == ""
    assert township.store.read(lambda conn: list(township.replica.journal.changes(conn, village.author, wide)))


# --- enrolment --------------------------------------------------------------------------------------------------


class Newcomer:
    """A machine with an invitation and keys of its own."""

    def __init__(self, token: str, number: int = 1) -> None:
        self.token = Token.parse(token)
        self.signer, self.box = Signer(bytes([number]) * 32), BoxKey(bytes([number]) * 32)

    def request(self, station: str | None = None, tier: int | None = None) -> bytes:
        return pack_request(
            EnrolRequest(
                self.token.id,
                self.token.station if station is None else station,
                self.token.tier if tier is None else tier,
                self.signer.public,
                self.box.public,
            ),
            self.token,
            self.signer,
        )


@pytest.fixture
async def hub_served(county) -> AsyncIterator[Served]:
    async with serve(county[1]) as served:
        yield served


async def enrol(session: aiohttp.ClientSession, url: str, request: bytes) -> bytes:
    return await ask_parent(session, url, request)


async def invite(served: Served, region: str = NEW_VILLAGE, tier: Tier = Tier.VILLAGE) -> str:
    hub = served.place
    invitation = await served.store.write(
        lambda conn: authority.invite(conn, hub.me, region, tier, hub.replica.random_bytes, hub.clock.now)
    )
    return invitation.token


async def test_the_same_machine_gets_the_same_answer_again_and_another_one_none(hub_served, session):
    token = await invite(hub_served)
    one, two = Newcomer(token), Newcomer(token, 2)
    first = await enrol(session, hub_served.url, one.request())
    welcome = parse_welcome(first, one.token, one.signer.public)
    assert welcome.station.certificate.region == NEW_VILLAGE
    assert await enrol(session, hub_served.url, one.request()) == first
    with pytest.raises(BadToken):
        await enrol(session, hub_served.url, two.request())
    with pytest.raises(BadSignature):
        parse_welcome(first, two.token, two.signer.public)


async def test_an_invitation_expires_unless_it_was_used(hub_served, session):
    early, late = Newcomer(await invite(hub_served)), Newcomer(await invite(hub_served), 2)
    first = await enrol(session, hub_served.url, early.request())
    hub_served.place.clock.now += 72 * 3600 + 1
    with pytest.raises(BadToken):
        await enrol(session, hub_served.url, late.request())
    assert await enrol(session, hub_served.url, early.request()) == first


async def test_an_invitation_is_for_its_station_and_tier(hub_served, session):
    one = Newcomer(await invite(hub_served))
    for request in (one.request(station="341882103206"), one.request(tier=2), one.request(station="")):
        with pytest.raises(BadToken):
            await enrol(session, hub_served.url, request)
    with pytest.raises(BadToken):
        await invite(hub_served, NEW_VILLAGE, Tier.TOWNSHIP)


async def test_an_invitation_that_was_never_given(hub_served, session):
    token = Newcomer(await invite(hub_served)).token
    made_up = Newcomer(replace(token, secret=bytes(16)).text())
    with pytest.raises(BadToken):
        await enrol(session, hub_served.url, made_up.request())
    guessed = made_up.request()
    for bad in (guessed[:-1], b"", bytes(3000)):
        with pytest.raises(BadBytes):
            await enrol(session, hub_served.url, bad)


async def test_keys_that_are_not_the_senders_are_not_enrolled(hub_served, session):
    one, thief = Newcomer(await invite(hub_served)), Signer(b"t" * 32)
    request = EnrolRequest(one.token.id, one.token.station, one.token.tier, one.signer.public, one.box.public)
    with pytest.raises(BadSignature):
        await enrol(session, hub_served.url, pack_request(request, one.token, thief))
    await enrol(session, hub_served.url, one.request())


async def test_a_newcomer_talks_to_its_township_at_once_when_it_has_heard_of_it(county, served, session):
    c, hub, township, _ = county
    newcomer = c.enrol(NEW_VILLAGE, Tier.VILLAGE, "newcomer")
    child = Child(newcomer, session, served.url)
    assert (await child.refused(child.sign(HELLO, NO_NONCE)))[:2] == (409, "unknown_certificate")
    c.sync(township, hub)
    await child.ask(HELLO, township)
