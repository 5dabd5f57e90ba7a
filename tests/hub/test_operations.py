"""The operations page: each way in which a station may stand has its word, and 200 stations cost no more than two."""

from __future__ import annotations

import gzip
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest
import sqlalchemy as sa

from casework.policy import Role
from casework.workdays import china_day
from hub.metrics import HubMetrics
from hub.station_lines import TIER_KEYS, list_stations
from hub.station_page import station_page
from sync_protocol.certificates import SignedCertificate, sign_certificate
from sync_protocol.feeds import up
from sync_protocol.order import Standing
from sync_protocol.store import tables as t
from tests.hub.conftest import OpenHub
from tests.hub.hall import Hall
from tests.hub.many_stations import DAY, says, settle_many
from tests.sync_protocol.county import VILLAGE

KB = 1000
HTML_BUDGET = 20 * KB


@pytest.fixture
def stations(hall: Hall) -> list[int]:
    hall.add_user("ops", Role.OPS)
    hall.add_user("admin", Role.ADMIN)
    return settle_many(hall, 8)


@contextmanager
def counted() -> Iterator[list[str]]:
    """The statements that are run inside."""
    seen: list[str] = []

    def note(conn: object, cursor: object, statement: str, *rest: object) -> None:
        seen.append(statement)

    sa.event.listen(sa.Engine, "before_cursor_execute", note)
    yield seen
    sa.event.remove(sa.Engine, "before_cursor_execute", note)


def cell(text: str, author: int) -> str:
    """What the grid says of a station, without tags."""
    found = re.search(rf'href="/stations/{author}">(.*?)</a>', text, re.DOTALL)
    assert found is not None, author
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", found.group(1)))


async def test_each_way_to_stand_has_its_word_and_its_shape(hall: Hall, stations: list[int], open_hub: OpenHub) -> None:
    fine, silent, behind, old, clock, other, held, never = stations
    says(hall, fine)
    says(hall, silent, ago=9 * DAY)
    says(hall, behind, number=43, waiting=3, oldest=hall.now() - 600)
    says(hall, old, number=45, waiting=5, oldest=hall.now() - 9 * DAY)
    says(hall, clock, skew=-4000)
    says(hall, other)
    says(hall, held)

    def change(conn: sa.Connection) -> None:
        entry = {"feed": up(held).packed(), "epoch": 0, "number": 40, "home": held, "type": 64, "topic": bytes(16)}
        entry |= {"header": b"", "head": bytes(32), "standing": int(Standing.HELD), "place": 0, "judged_by": 0}
        conn.execute(sa.insert(t.entry).values(**entry, code="unreadable", field="", received=hall.now()))

    hall.hub.store.write(change)
    text = (await (await open_hub("ops")).get("/status"))[1]
    said = {name: cell(text, author) for name, author in zip(
        ("fine", "silent", "behind", "old", "clock", "held", "never"),
        (fine, silent, behind, old, clock, held, never), strict=True)}  # fmt: skip
    assert "●" in said["fine"] and "正常" in said["fine"] and "缺口" not in said["fine"]
    assert "▲" in said["silent"] and "久未联系" in said["silent"] and "9 天前" in said["silent"]
    assert "◐" in said["behind"] and "待上报" in said["behind"] and "缺口 3 条" in said["behind"]
    assert "■" in said["old"] and "积压" in said["old"]
    assert "▲" in said["clock"] and "时钟不准" in said["clock"]
    assert "▲" in said["held"] and "有待核" in said["held"] and "待核 1 条" in said["held"]
    assert "▲" in said["never"] and "没有联系过" in said["never"]


async def test_one_wild_clock_takes_the_page_from_nobody(hall: Hall, stations: list[int], open_hub: OpenHub) -> None:
    for author, skew in zip(stations, (2**53 - 1, -(2**53 - 1)), strict=False):
        says(hall, author, skew=skew, time=hall.now(), waiting=1, oldest=1, error="fork", error_at=1)
    ops = await open_hub("ops")
    for path in ("/status", *(f"/stations/{author}" for author in stations[:2])):
        assert (await ops.get(path))[0] == 200


async def test_a_certificate_that_ends_is_said_in_time(hall: Hall, stations: list[int], open_hub: OpenHub) -> None:
    author = stations[0]
    browser = await open_hub("ops")
    for days, word in ((31, "正常"), (30, "证书将到期"), (0, "证书已过期")):
        now = hall.now()
        hall.hub.store.write(lambda conn, end=now + days * DAY: _ends(hall, conn, author, end))
        says(hall, author)
        assert word in cell((await browser.get("/status"))[1], author), days
    assert "请重新生成邀请码" in (await browser.get(f"/stations/{author}"))[1]


def _ends(hall: Hall, conn: sa.Connection, author: int, end: int) -> None:
    c = t.certificate.c
    packed = conn.execute(sa.select(c.packed).where(c.author == author)).scalar_one()
    certificate = replace(SignedCertificate.parse(packed).certificate, not_after=end)
    me = hall.hub.me
    signed = sign_certificate(me.deployment, certificate, me.signer, me.serial).packed()
    conn.execute(sa.update(t.certificate).where(c.author == author).values(packed=signed))


async def test_filters_leave_those_that_were_asked_for(hall: Hall, stations: list[int], open_hub: OpenHub) -> None:
    for author in stations[1:]:
        says(hall, author)
    says(hall, stations[0], skew=900)
    browser = await open_hub("ops")

    async def shown(query: str) -> set[int]:
        text = (await browser.get(f"/status?{query}"))[1]
        return {int(found) for found in re.findall(r'href="/stations/(\d+)"', text)} & set(stations)

    assert await shown("") == set(stations)
    assert await shown("only=trouble") == await shown("only=amiss&view=table") == {stations[0]}
    assert await shown("only=fine") == set(stations[1:])
    assert await shown("only=rubbish&sort=rubbish&page=99999999999999999999&view=x") == set(stations)
    assert await shown("page=2&view=table") == set()
    line = next(one for one in hall.hub.store.read(list_stations) if one.author == stations[3])
    assert await shown(f"find={line.region}") == {stations[3]}
    assert await shown("find=%3Cb%3E%25") == set()
    text = (await browser.get("/status?view=table&sort=skew"))[1]
    assert next(int(n) for n in re.findall(r'href="/stations/(\d+)"', text)) == stations[0]
    assert 'aria-sort="descending"' in text and "data-label" in text


async def test_two_hundred_stations_cost_as_many_queries_as_eight(
    hall: Hall, stations: list[int], open_hub: OpenHub
) -> None:
    with counted() as few:
        hall.hub.store.read(list_stations)
    assert len(few) < 16
    more = settle_many(hall, 200, first=1000)
    for n, author in enumerate(more):
        says(hall, author, ago=60 + 3600 * n, number=40 + n % 7, waiting=n % 7, oldest=hall.now() - 3600 * n,
             alone=n % 5, skew=n * 37 % 900)  # fmt: skip
    with counted() as many:
        assert len(hall.hub.store.read(list_stations)) == 210
    assert len(many) == len(few)
    browser = await open_hub("ops")
    for path in ("/status", "/status?view=table", "/status?only=amiss", "/status/now"):
        status, text = await browser.get(path)
        assert status == 200
        assert len(gzip.compress(text.encode(), 9)) <= HTML_BUDGET, path
    text = (await browser.get("/status"))[1]
    assert all(f'href="/stations/{author}"' in text for author in more)


async def test_a_stations_page_says_why_and_what_to_do(hall: Hall, stations: list[int], open_hub: OpenHub) -> None:
    author = stations[1]
    says(
        hall, author, number=47, waiting=7, oldest=hall.now() - 9 * DAY, alone=3, alone_blobs=12, drafts=1,
        waiting_blobs=14, waiting_bytes=2_500_000, error="parent_full", error_at=hall.now() - 300,
    )  # fmt: skip
    text = (await (await open_hub("admin")).get(f"/stations/{author}"))[1]
    words = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", text))
    for said in ("积压", "请联系站点接通网络，或今天就用U盘包送来", "7 条", "3 件办件的内容，12 页扫描件，1 份草稿",
                 "2.5 MB", "上级的磁盘满了", "parent_full", "有效", "没有发过邀请"):  # fmt: skip
        assert said in words, said
    ops = await open_hub("ops")
    assert (await ops.get(f"/stations/{author}"))[0] == 200
    for rubbish in ("0", "999999", "99999999999", "x", "-1", "1e3", "%00", "１"):
        assert (await ops.get(f"/stations/{rubbish}"))[0] == 404, rubbish


async def test_a_real_villages_page_has_its_feeds_history_and_township(hall: Hall, open_hub: OpenHub) -> None:
    agent = hall.add_user("agent", Role.VILLAGE_AGENT, VILLAGE)
    hall.add_user("ops", Role.OPS)
    hall.sync()
    hall.collect(agent)
    hall.sync()
    page = hall.hub.store.read(lambda conn: station_page(conn, hall.village.author, hall.now()))
    assert page.history[-1][1] == page.feeds[0].here == page.line.known.here > 0
    assert [feed.slot for feed in page.feeds] == [0, 1, 2]
    browser = await open_hub("ops")
    assert "<svg" in (await browser.get(f"/stations/{hall.village.author}"))[1]
    township = (await browser.get(f"/stations/{hall.township.author}"))[1]
    assert f'href="/stations/{hall.village.author}"' in township


def test_what_a_report_says_is_a_metric(hall: Hall, stations: list[int]) -> None:
    author = stations[0]
    says(hall, author, number=43, waiting=3, oldest=hall.now() - 500, alone=2, skew=70)
    metrics = HubMetrics()
    hall.hub.store.read(lambda conn: metrics.show(conn, china_day(hall.now()), 10**12))
    line = next(one for one in hall.hub.store.read(list_stations) if one.author == author)
    labels = {"node": line.region, "tier": TIER_KEYS[line.tier]}

    def value(name: str, **more: str) -> float | None:
        return metrics.registry.get_sample_value(f"sync_peer_{name}", labels | more)

    assert (value("head_seq"), value("acked_seq"), value("outbox_items")) == (43, 40, 3)
    assert value("outbox_oldest_timestamp_seconds") == hall.now() - 570
    assert (value("alone_items"), value("clock_skew_seconds")) == (2, 70)
    assert value("last_contact_timestamp_seconds") == hall.now() - 60
    assert value("certificate_not_after_timestamp_seconds") == hall.now() + 700 * DAY
    assert value("info", program="0.1.0", protocol="1", schema="0010") == 1
    silent = next(one for one in hall.hub.store.read(list_stations) if one.author == stations[1])
    labels |= {"node": silent.region, "tier": TIER_KEYS[silent.tier]}
    assert value("head_seq") is None and value("acked_seq") == 40
    hall.revoke(author)
    hall.hub.store.read(lambda conn: metrics.show(conn, china_day(hall.now()), 10**12))
    labels |= {"node": line.region, "tier": TIER_KEYS[line.tier]}
    assert value("acked_seq") is None
