"""Text messages: queued with what causes them, sent at least once under one key, tried again, given up."""

from __future__ import annotations

import asyncio
import json
import stat
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import aiohttp
import pytest
import sqlalchemy as sa
from aiohttp import web
from aiohttp.test_utils import TestServer

from casework.accounts import Account
from casework.case_tables import message
from casework.changes import ChangeKind
from casework.policy import Role
from casework.telling import Telling
from hub import messages
from hub.county import County
from hub.gateways import FileGateway, Gateway, HttpGateway, check_gateway, judged, open_gateway
from hub.message_sending import send_due
from hub.messages import (
    FAILED,
    LEASE_SECONDS,
    NEEDLESS,
    SENT,
    TRIES_MAX,
    WAITING,
    Claimed,
    Verdict,
    backoff,
    note_gateway,
)
from hub.settings import HubSettings
from sync_protocol.authority import erase
from sync_protocol.store.data_folder import DataFolder, FolderError
from sync_protocol.store.postgres_store import PostgresStore
from tests.hub.conftest import OpenHub
from tests.hub.hall import Hall, InlineStore
from tests.sync_protocol.county import REGION, TOWNSHIP, VILLAGE

K = ChangeKind
PHONE = "13800000000"
DEFECTS = [{"subject": "残疾人证", "what": "第二页不清"}]


@dataclass
class Answers:
    """A gateway that says what it is told to, and remembers what it was given."""

    verdicts: list[Verdict] = field(default_factory=list)
    given: list[Claimed] = field(default_factory=list)

    async def send(self, one: Claimed) -> Verdict:
        self.given.append(one)
        return self.verdicts.pop(0) if self.verdicts else Verdict(sent=True)


@pytest.fixture
def agent(hall: Hall) -> Account:
    account = hall.add_user("agent", Role.VILLAGE_AGENT, VILLAGE)
    hall.add_user("reviewer", Role.TOWNSHIP_REVIEWER, TOWNSHIP)
    hall.sync()
    hall.at_hub(lambda conn, _journal: note_gateway(conn, ()))
    return account


@pytest.fixture
def case(hall: Hall, agent: Account) -> bytes:
    topic = hall.collect(agent)
    hall.sync()
    hall.judge()
    return topic


def ask(hall: Hall, topic: bytes, until: str | None = "2099-12-31") -> None:
    """The township asks for a supplement, and the county hears of it."""
    body = {"defects": DEFECTS, "until": until, "note": None}
    write(hall, topic, K.ASK_SUPPLEMENT, body, hall.township)
    hall.sync()
    hall.judge()
    hall.judge(hall.township.author)


def write(hall: Hall, topic: bytes, kind: ChangeKind, body: dict[str, Any], place: Any) -> None:
    log, at = hall.topics(place), hall.now()
    place.store.write(
        lambda conn: log.write(conn, hall.village.author, topic, (int(kind), body), actor=0, time=at, quality=1)
    )


def rows(hall: Hall) -> list[Any]:
    return hall.hub.store.read(lambda conn: list(conn.execute(sa.select(message).order_by(message.c.id))))


def county_of(hall: Hall) -> County:
    folder = cast("DataFolder", None)
    return County(folder, hall.hub.store, hall.hub.replica, hall.topics(hall.hub), hall.desk(hall.hub), REGION)


def send(hall: Hall, gateway: Gateway, lot: float = 0.5) -> int:
    return asyncio.run(sending(hall, gateway, lot))


async def sending(hall: Hall, gateway: Gateway, lot: float = 0.5) -> int:
    return await send_due(county_of(hall), InlineStore(hall.hub.store), gateway, lambda: lot, lambda outcome: None)


def told(hall: Hall, place: Any, topic: bytes) -> list[dict[str, Any]]:
    return [one.body for one in hall.changes(place, topic) if one.kind == K.TELL]


def test_a_telling_is_queued_once_with_its_cause_and_says_no_more_than_it_must(hall: Hall, case: bytes) -> None:
    assert rows(hall) == []
    ask(hall, case)
    (row,) = rows(hall)
    assert (row.state, row.about, row.tries, row.topic) == (WAITING, "supplement", 0, case)
    assert row.phone.isdigit() and len(row.phone) == 11
    assert (
        "需要补充材料" in row.text and "12 月 31 日" in row.text and "便民服务站" in row.text and "二维码" in row.text
    )
    state = hall.row(hall.hub, case)
    for secret in (state.name, state.id_number, state.item_name, "残疾", "补贴", row.phone, DEFECTS[0]["what"]):
        assert secret not in row.text, secret
    write(hall, case, K.NUMBER, {"case_no": "X-1"}, hall.hub)
    assert len(rows(hall)) == 1, "what moves nothing queues nothing"


def test_nothing_is_queued_without_a_gateway_of_a_withheld_item_or_without_a_mobile_number(
    hall: Hall, case: bytes, agent: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    hall.at_hub(lambda conn, _journal: note_gateway(conn, None))
    ask(hall, case)
    assert rows(hall) == []
    hall.at_hub(lambda conn, _journal: note_gateway(conn, [hall.row(hall.hub, case).item]))
    write(hall, case, K.NUMBER, {"case_no": "X-1"}, hall.hub)
    assert rows(hall) == []
    hall.at_hub(lambda conn, _journal: note_gateway(conn, ["another_item"]))
    monkeypatch.setattr(messages, "mobile_of", lambda state: "")
    write(hall, case, K.NUMBER, {"case_no": "X-1"}, hall.hub)
    assert rows(hall) == []
    monkeypatch.undo()
    write(hall, case, K.NUMBER, {"case_no": "X-1"}, hall.hub)
    assert len(rows(hall)) == 1


def test_what_was_sent_is_known_at_the_station_and_stays_on_its_list(hall: Hall, case: bytes) -> None:
    ask(hall, case)
    gateway = Answers()
    assert send(hall, gateway) == 1 and send(hall, gateway) == 0
    (row,) = rows(hall)
    assert row.state == SENT and "****" in row.phone and row.text == ""
    assert gateway.given[0].phone != row.phone and gateway.given[0].key == row.key
    (said,) = told(hall, hall.hub, case)
    assert (said["about"], said["how"], said["done"]) == ("supplement", "message", False)
    hall.sync()
    assert told(hall, hall.village, case) == [said]
    assert hall.row(hall.village, case).tell == "supplement"
    write(hall, case, K.NUMBER, {"case_no": "X-1"}, hall.hub)
    assert send(hall, gateway) == 0 and len(rows(hall)) == 1


def test_what_the_station_has_said_meanwhile_is_not_sent(hall: Hall, case: bytes) -> None:
    ask(hall, case)
    hall.sync()
    of = next(one for one in hall.changes(hall.village, case) if one.kind == K.ASK_SUPPLEMENT).ref
    write(hall, case, K.TELL, {"about": "supplement", "of": of, "how": "phone", "done": True}, hall.village)
    hall.sync()
    hall.judge()
    gateway = Answers()
    assert send(hall, gateway) == 0 and gateway.given == []
    (row,) = rows(hall)
    assert row.state == NEEDLESS and "****" in row.phone and row.text == ""


def test_a_program_that_dies_between_sending_and_marking_sends_again_under_the_same_key(
    hall: Hall, case: bytes, tmp_path: Path
) -> None:
    ask(hall, case)
    folder = tmp_path / "sms"
    folder.mkdir()
    gateway = FileGateway(folder)

    def dies(fn: Callable[..., Any]) -> Any:
        raise KeyboardInterrupt

    county, store = county_of(hall), InlineStore(hall.hub.store)

    class Dying(InlineStore):
        writes = 0

        async def write(self, fn: Callable[[sa.Connection], Any]) -> Any:
            self.writes += 1
            return dies(fn) if self.writes > 1 else await super().write(fn)

    with pytest.raises(KeyboardInterrupt):
        asyncio.run(send_due(county, Dying(hall.hub.store), gateway, lambda: 0.5, lambda outcome: None))
    (file,) = folder.iterdir()
    first = file.read_text("utf-8")
    assert rows(hall)[0].state == WAITING
    assert asyncio.run(send_due(county, store, gateway, lambda: 0.5, lambda outcome: None)) == 0, "the lease goes on"
    hall.county.clock.now += LEASE_SECONDS + 1
    assert asyncio.run(send_due(county, store, gateway, lambda: 0.5, lambda outcome: None)) == 1
    assert [one.name for one in folder.iterdir()] == [file.name] == [rows(hall)[0].key + ".json"]
    assert file.read_text("utf-8") == first and json.loads(first)["key"] == rows(hall)[0].key
    assert rows(hall)[0].state == SENT and len(told(hall, hall.hub, case)) == 1


def test_a_fault_that_may_pass_is_tried_again_later_and_given_up_in_the_end(hall: Hall, case: bytes) -> None:
    ask(hall, case)
    gateway = Answers([Verdict(sent=False, again=True, reason="网关答复 HTTP 503")] * TRIES_MAX)
    waits = []
    for n in range(1, TRIES_MAX + 1):
        assert send(hall, gateway) == 1, n
        (row,) = rows(hall)
        assert row.tries == n and row.error == "网关答复 HTTP 503"
        assert send(hall, gateway) == 0, "not before its time"
        waits.append(row.next_at - hall.now())
        hall.county.clock.now = max(row.next_at, hall.now())
    assert rows(hall)[0].state == FAILED and len(gateway.given) == TRIES_MAX
    assert waits[:3] == [31, 61, 121] and max(waits) <= messages.BACKOFF_MAX_SECONDS + 1
    assert told(hall, hall.hub, case) == []


def test_of_an_erased_case_no_number_and_no_text_is_kept(hall: Hall, case: bytes) -> None:
    ask(hall, case)
    send(hall, Answers([Verdict(sent=False, reason="网关答复 HTTP 400")]))
    (row,) = rows(hall)
    assert (row.state, len(row.phone)) == (FAILED, len(PHONE))
    hall.at_hub(erase, hall.village.author, case, hall.writing())
    assert rows(hall) == []


def test_the_pause_is_anywhere_up_to_its_bound() -> None:
    assert [backoff(3, lambda lot=lot: lot) for lot in (0.0, 0.5, 1.0)] == [1, 121, 241]
    assert backoff(10**6, lambda: 1.0) == messages.BACKOFF_MAX_SECONDS + 1


async def test_what_was_refused_for_good_waits_for_a_person(hall: Hall, case: bytes, open_hub: OpenHub) -> None:
    ask(hall, case)
    phone, text = rows(hall)[0].phone, rows(hall)[0].text
    hall.add_user("ops", Role.OPS)
    ops = await open_hub("ops")
    assert "没有发不出的短信" in (await ops.get("/messages"))[1]
    gateway = Answers([Verdict(sent=False, reason="网关答复 HTTP 400")])
    assert await sending(hall, gateway) == 1 and await sending(hall, gateway) == 0
    assert rows(hall)[0].state == FAILED
    _, page = await ops.get("/messages")
    assert "HTTP 400" in page and "****" in page and "重新发送" in page
    assert phone not in page and text[:12] not in page and hall.row(hall.hub, case).name not in page
    assert (await ops.post(f"/messages/{rows(hall)[0].id}/again"))[0] == 303
    assert "已重新排队" in (await ops.get("/messages"))[1]
    assert await sending(hall, gateway) == 1 and rows(hall)[0].state == SENT
    assert (await ops.post(f"/messages/{rows(hall)[0].id}/again"))[0] == 303
    assert rows(hall)[0].state == SENT, "what was sent is not sent again"
    assert (await ops.post("/messages/x/again"))[0] == 404


@pytest.mark.parametrize(("login", "role"), [("watch", Role.SUPERVISOR), ("reviewer2", Role.COUNTY_REVIEWER)])
async def test_nobody_else_sees_the_outbox(hall: Hall, open_hub: OpenHub, login: str, role: Role) -> None:
    hall.add_user(login, role, office="民政局" if role is Role.COUNTY_REVIEWER else "")
    somebody = await open_hub(login)
    assert (await somebody.get("/messages"))[0] == 403
    assert (await somebody.post("/messages/1/again"))[0] == 403


def test_two_senders_never_take_the_same_message(hall: Hall, agent: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    topics = [hall.collect(agent, name=f"示例{n}") for n in range(6)]
    hall.sync()
    hall.judge()
    for topic in topics:
        ask(hall, topic)
    assert len(rows(hall)) == len(topics)
    monkeypatch.setattr(messages, "AT_ONCE", 2)
    log, now = hall.topics(hall.hub), hall.now()

    def take(_: int) -> Sequence[Claimed]:
        return hall.hub.store.write(lambda conn: messages.claim(conn, log, now))

    if isinstance(hall.hub.store, PostgresStore):
        with ThreadPoolExecutor(6) as pool:
            taken = [*pool.map(take, range(6)), take(0), take(0), take(0)]
    else:
        taken = [take(n) for n in range(6)]
    ids = [one.id for some in taken for one in some]
    assert sorted(ids) == [row.id for row in rows(hall)]
    assert all(row.next_at == now + LEASE_SECONDS and row.tries == 1 for row in rows(hall))


def test_who_comes_late_marks_nothing_but_what_was_sent(hall: Hall, case: bytes) -> None:
    """A lease that has ended: another program is at it, and its try counts."""
    ask(hall, case)
    log = hall.topics(hall.hub)
    claim = lambda: hall.hub.store.write(lambda conn: messages.claim(conn, log, hall.now()))  # noqa: E731
    (late,) = claim()
    hall.county.clock.now += LEASE_SECONDS + 1
    (now,) = claim()

    def mark(one: Claimed, verdict: Verdict) -> None:
        hall.hub.store.write(
            lambda conn: messages.settle(conn, lambda conn, home: None, log, one, verdict, hall.now(), 0.5)
        )

    mark(late, Verdict(sent=False, reason="网关答复 HTTP 400"))
    assert rows(hall)[0].state == WAITING
    mark(late, Verdict(sent=True))
    mark(now, Verdict(sent=True))
    assert rows(hall)[0].state == SENT and len(told(hall, hall.hub, case)) == 1


ONE = Claimed(1, "aa-supplement-bb", b"t", PHONE, "【示例】您有一件办件需要补充材料。", 1)


async def test_the_gateway_is_asked_with_the_key_and_the_token_and_answers_by_class(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    seen: list[tuple[dict[str, str], Any]] = []
    answers = [200, 503, 429, 400, 302, 204]

    async def take(request: web.Request) -> web.Response:
        seen.append((dict(request.headers), await request.json()))
        return web.Response(status=answers.pop(0), text="x" * 100_000, headers={"Location": "/elsewhere"})

    async def elsewhere(request: web.Request) -> web.Response:
        return web.Response()

    app = web.Application()
    app.router.add_post("/sms", take)
    app.router.add_get("/elsewhere", elsewhere)
    server = TestServer(app)
    await server.start_server()
    token = tmp_path / "token"
    token.write_text("s3cret\n")
    url = str(server.make_url("/sms"))
    settings = HubSettings(tmp_path, messages_url=url, messages_token=token)
    assert check_gateway(settings)
    async with open_gateway(settings) as gateway:
        verdicts = [await gateway.send(ONE) for _ in range(6)]
        await server.close()
        verdicts.append(await gateway.send(ONE))
    said = [(one.sent, one.again) for one in verdicts]
    assert said == [(True, False), (False, True), (False, True), (False, False), (False, False), (True, False),
                    (False, True)]  # fmt: skip
    assert {headers["Idempotency-Key"] for headers, _ in seen} == {ONE.key}
    assert {headers["Authorization"] for headers, _ in seen} == {"Bearer s3cret"}
    assert seen[0][1] == {"key": ONE.key, "phone": PHONE, "text": ONE.text}
    for one in verdicts:
        assert PHONE not in one.reason and url not in one.reason and "s3cret" not in one.reason
    assert PHONE not in caplog.text and "s3cret" not in caplog.text


async def test_a_gateway_that_does_not_answer_in_time_is_tried_again() -> None:
    async def sleepy(request: web.Request) -> web.Response:
        await asyncio.sleep(30)
        return web.Response()

    app = web.Application()
    app.router.add_post("/sms", sleepy)
    server = TestServer(app)
    await server.start_server()
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=0.2)) as session:
        verdict = await HttpGateway(session, str(server.make_url("/sms")), "t").send(ONE)
    await server.close()
    assert (verdict.sent, verdict.again) == (False, True) and "Timeout" in verdict.reason


@pytest.mark.parametrize(("status", "again"), [(408, True), (500, True), (401, False), (404, False), (301, False)])
def test_verdicts_by_status(status: int, again: bool) -> None:
    assert (judged(status).sent, judged(status).again) == (False, again)


def test_a_folder_that_is_full_or_gone_is_tried_again(tmp_path: Path) -> None:
    verdict = asyncio.run(FileGateway(tmp_path / "gone").send(ONE))
    assert (verdict.sent, verdict.again) == (False, True)
    assert asyncio.run(FileGateway(tmp_path).send(ONE)).sent
    (file,) = tmp_path.iterdir()
    assert json.loads(file.read_text("utf-8")) == {"key": ONE.key, "phone": PHONE, "text": ONE.text}
    assert stat.S_ISREG(file.stat().st_mode)


def test_settings_that_cannot_work_are_refused_in_words(tmp_path: Path) -> None:
    token = tmp_path / "token"
    assert not check_gateway(HubSettings(tmp_path))
    assert check_gateway(HubSettings(tmp_path, messages_dir=tmp_path))
    url = "http://127.0.0.1:9/sms"
    for wrong in (
        HubSettings(tmp_path, messages_dir=tmp_path, messages_url=url, messages_token=token),
        HubSettings(tmp_path, messages_dir=tmp_path / "none"),
        HubSettings(tmp_path, messages_url=url),
        HubSettings(tmp_path, messages_url=url, messages_token=token),
    ):
        with pytest.raises(FolderError):
            check_gateway(wrong)
    for content in (b"", b"two words", b"\xff\xfe", b"a" * 5_000):
        token.write_bytes(content)
        with pytest.raises(FolderError):
            check_gateway(HubSettings(tmp_path, messages_url=url, messages_token=token))
    token.write_text("good\n")
    with pytest.raises(FolderError):
        check_gateway(HubSettings(tmp_path, messages_url="ftp://x", messages_token=token))


def test_keys_are_one_for_each_telling_and_good_names_of_files() -> None:
    tellings = [
        Telling("supplement", "up:2>3/0/2", 1),
        Telling("supplement", "up:2>3/0/3", 1),
        Telling("result", "up:2>3/0/2", 1),
    ]
    found = {messages.message_key(b"\x01" * 16, one) for one in tellings}
    assert len(found) == 3
    assert all(len(key) <= 80 and set(key) <= set("0123456789abcdefghijklmnopqrstuvwxyz-") for key in found)
