"""The county judges in the write that takes a message in; whatever it cannot do there is left to its worker."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import OperationalError

from bench.feeds import DAY_SECONDS, START, Feeds, Upload, make
from bench.intake import check
from hub import running as hub_running
from hub.app import parent_of, running
from hub.running import Running
from hub.settings import HubSettings
from sync_protocol import judging
from sync_protocol.answerer import Answerer
from sync_protocol.body import HeldBody
from sync_protocol.entries import NO_TOPIC, EntryType
from sync_protocol.messages import parse_message
from sync_protocol.order import Standing
from sync_protocol.segments import Segment
from sync_protocol.store import tables as t

NOW = START + DAY_SECONDS * 30


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Feeds:
    return make(tmp_path_factory.mktemp("feeds"), cases=16, villages=2, townships=1)


@pytest.fixture
def with_hub(made: Feeds, tmp_path: Path) -> Callable[[Callable[[Running], Coroutine[Any, Any, None]]], None]:
    """Run something with a county that has heard nothing of any case."""

    async def run(play: Callable[[Running], Coroutine[Any, Any, None]]) -> None:
        made.copy_hub(tmp_path / "hub")
        async with running(HubSettings(tmp_path / "hub")) as parts:
            await play(parts)

    return lambda play: asyncio.run(run(play))


async def take(parts: Running, upload: Upload) -> Answerer:
    frames = await parts.store.off_loop(partial(parse_message, upload.message))
    answerer = Answerer(parts.county.replica, upload.child, frames)
    await parent_of(parts).take(answerer, HeldBody(b""))
    return answerer


def standings(conn: sa.Connection) -> set[int]:
    """Of what came from below about cases."""
    e = t.entry.c
    from_hub = sa.func.substr(e.feed, 2, 4) == (1).to_bytes(4, "big")
    rows = conn.execute(sa.select(e.standing).where(~from_hub, e.topic != NO_TOPIC, e.type >= 64).distinct())
    return set(rows.scalars())


def test_what_came_is_judged_and_shown_when_the_write_is_over_and_told_in_the_reply(made, with_hub) -> None:
    async def play(parts: Running) -> None:
        for upload in made.uploads:
            answerer = await take(parts, upload)
        await parts.store.read(lambda conn: check(conn, made))
        assert parts.waiting == {}  # nothing is left to the worker
        answer = await parts.store.write(lambda conn: answerer.answer(conn, NOW))
        told = [item for frame in answer.frames if isinstance(frame, Segment) for item in frame.items]
        from sync_protocol.entries import parse_header

        assert sum(parse_header(item.header).type == EntryType.ORDER for item in told) >= len(made.homes)
        shown = parts.metrics.registry.get_sample_value("hub_topics_judged_total")
        assert shown == len(made.topics)

    with_hub(play)


def test_a_fault_in_judging_keeps_nothing_from_being_taken_in_and_the_worker_does_it_later(
    made, with_hub, monkeypatch
) -> None:
    def broken(*_: Any, **__: Any) -> None:
        raise ValueError("a rule of tomorrow")

    async def play(parts: Running) -> None:
        with monkeypatch.context() as patch:
            patch.setattr(hub_running, "judge_arrived", broken)
            for upload in made.uploads:
                assert not (await take(parts, upload)).taken.faults
        assert await parts.store.read(standings) == {int(Standing.PENDING)}
        assert set(parts.waiting) == set(made.homes)
        for home in parts.waiting:
            await parts.judge(home)
        await parts.store.read(lambda conn: check(conn, made))

    with_hub(play)


def test_a_fault_behind_some_verdicts_leaves_none_of_them(made, with_hub, monkeypatch) -> None:
    honest, count = judging._write, []

    def broken(*given: Any) -> None:
        honest(*given)
        count.append(given)
        raise ValueError("after the record was written")

    async def play(parts: Running) -> None:
        with monkeypatch.context() as patch:
            patch.setattr(judging, "_write", broken)
            for upload in made.uploads:
                await take(parts, upload)
        assert count
        assert await parts.store.read(standings) == {int(Standing.PENDING)}
        for home in list(parts.waiting):
            await parts.judge(home)
        await parts.store.read(lambda conn: check(conn, made))

    with_hub(play)


def test_a_database_that_fails_while_judging_fails_the_whole_write(made, with_hub, monkeypatch) -> None:
    def broken(*_: Any, **__: Any) -> None:
        raise OperationalError("insert", {}, Exception("no such table: gone"))

    async def play(parts: Running) -> None:
        monkeypatch.setattr(hub_running, "judge_arrived", broken)
        last = made.uploads[-1]
        for upload in made.uploads[:-1]:
            if not upload.entries:
                await take(parts, upload)
        with pytest.raises(Exception, match="no such table: gone"):
            await take(parts, last)
        assert await parts.store.read(standings) == set()

    with_hub(play)


@pytest.mark.parametrize("announced", [True, False])
def test_what_is_not_ready_is_held_unless_more_is_announced_and_judged_as_ever_later(
    made, with_hub, monkeypatch, announced: bool
) -> None:
    """The township's own feeds come behind the villages'; here they come in a message of their own."""
    (bulk,) = [upload for upload in made.uploads if upload.entries > 100]

    def halves(upload: Upload) -> list[list[Any]]:
        hello, *segments = parse_message(upload.message)
        ups = [one for one in segments if one.feed.author in made.homes]
        return [[hello, *ups], [hello, *(one for one in segments if one not in ups)]]

    async def play(parts: Running) -> None:
        for upload in made.uploads:
            if upload is not bulk:
                await take(parts, upload)
        first, second = halves(bulk)
        waits = Standing.PENDING if announced else Standing.HELD
        parent = parent_of(parts)
        with monkeypatch.context() as patch:
            patch.setattr(Answerer, "more", property(lambda self: announced))
            await parent.take(Answerer(parts.county.replica, bulk.child, first), HeldBody(b""))
        assert await parts.store.read(standings) == {int(Standing.ADMITTED), int(waits)}
        assert set(parts.waiting) <= set(made.homes) and parts.waiting
        await parent.take(Answerer(parts.county.replica, bulk.child, second), HeldBody(b""))
        await parts.store.read(lambda conn: check(conn, made))
        records = sa.select(sa.func.count()).where(t.entry.c.type == EntryType.ORDER)
        assert await parts.store.read(lambda conn: conn.execute(records).scalar_one()) == 2 * len(made.homes)

    with_hub(play)
