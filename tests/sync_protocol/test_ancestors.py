"""Which ancestor is talked to: the parent, past a dead parent the county, and back."""

from __future__ import annotations

import pytest

from sync_protocol.ancestors import PATIENCE, PATIENCE_SECONDS, Ancestors
from sync_protocol.errors import CertificateRevoked, DiskFull, NotCanonical, SyncError, TransferFailed

HALL, COUNTY = "https://hall.example", "https://county.example"


class World:
    """Two ancestors that are up or down, a clock, and what was told."""

    def __init__(self, first: str = HALL) -> None:
        self.up = {HALL, COUNTY}
        self.refuses: set[str] = set()
        self.known = [HALL, COUNTY]
        self.time = 0.0
        self.try_seconds = PATIENCE_SECONDS / 2
        self.told: list[str] = []
        self.asked: list[str] = []
        self.ancestors = Ancestors(self.known, self._addresses, self._carrier, lambda: self.time, self._told, first)

    async def _addresses(self) -> list[str]:
        return self.known

    async def _told(self, url: str) -> None:
        self.told.append(url)

    def _carrier(self, url: str):
        async def carry(path: str, data: bytes, bytes_max: int) -> bytes:
            self.asked.append(url)
            if url not in self.up:
                raise TransferFailed("down")
            if not data:
                raise NotCanonical("request head")
            if url in self.refuses:
                raise CertificateRevoked("no")
            return url.encode()

        return carry

    async def exchange(self) -> str:
        """Who answered; "" for nobody."""
        try:
            answered = (await self.ancestors("/sync", b"x", 100)).decode()
        except SyncError as error:
            await self.ancestors.outcome(error)
            self.time += self.try_seconds
            return ""
        await self.ancestors.outcome(None)
        return answered


async def test_the_parent_is_asked_as_long_as_it_answers():
    world = World()
    assert [await world.exchange() for _ in range(5)] == [HALL] * 5
    assert world.told == []


async def test_past_a_dead_parent_the_county_is_reached_and_remembered():
    world = World()
    world.up = {COUNTY}
    answers = [await world.exchange() for _ in range(PATIENCE + 2)]
    assert answers == [""] * PATIENCE + [COUNTY] * 2
    assert world.told == [COUNTY]
    assert not world.ancestors.at_parent


async def test_short_tries_do_not_pass_a_parent_for_an_outage_of_seconds():
    world = World()
    world.up, world.try_seconds = {COUNTY}, PATIENCE_SECONDS / 10
    answers = [await world.exchange() for _ in range(12)]
    assert answers == [""] * 11 + [COUNTY]


async def test_whether_the_next_exchange_goes_to_the_same_station_is_said():
    world = World()
    world.ancestors._failures, world.up = PATIENCE - 2, {COUNTY}
    said = []
    for seconds in (0, 1, PATIENCE_SECONDS):
        world.time += seconds
        said.append(await world.ancestors.outcome(TransferFailed("down")))
    assert said == [True, True, False] and world.ancestors.url == COUNTY
    assert await world.ancestors.outcome(None)


async def test_a_parent_that_refuses_is_passed_too():
    world = World()
    world.try_seconds = 0
    world.refuses = {HALL}
    answers = [await world.exchange() for _ in range(PATIENCE + 1)]
    assert answers[-1] == COUNTY


async def test_a_full_disk_of_ones_own_is_no_fault_of_the_parent():
    world = World()
    await world.exchange()
    for _ in range(3 * PATIENCE):
        assert await world.ancestors.outcome(DiskFull("no room"))
        world.time += world.try_seconds
    assert await world.exchange() == HALL


async def test_one_failure_changes_nothing():
    world = World()
    world.up = {COUNTY}
    await world.exchange()
    world.up = {HALL, COUNTY}
    assert [await world.exchange() for _ in range(3)] == [HALL] * 3


async def test_the_station_goes_back_when_its_parent_answers_again():
    world = World()
    world.up = {COUNTY}
    for _ in range(PATIENCE + 1):
        await world.exchange()
    world.up = {HALL, COUNTY}
    assert await world.exchange() == COUNTY  # not asked yet
    world.time += 31
    assert [await world.exchange() for _ in range(2)] == ["", HALL]  # one failure: what was believed is forgotten
    assert world.told == [COUNTY, HALL]


async def test_a_parent_that_answers_but_fails_is_not_gone_back_to_all_the_time():
    world = World()
    world.refuses = {HALL}
    for _ in range(PATIENCE + 1):
        await world.exchange()
    world.asked.clear()
    for _ in range(4 * 60):
        world.time += 60
        await world.exchange()
    assert world.asked.count(HALL) < 60  # a quarter of an hour between looks: some two requests each
    assert await world.exchange() == COUNTY


async def test_without_any_link_the_parent_is_asked_most():
    world = World()
    world.up = set()
    for _ in range(40):
        world.time += 1
        await world.exchange()
    assert world.asked.count(HALL) > 2 * world.asked.count(COUNTY) > 0


async def test_what_answered_last_is_begun_with_and_the_parent_looked_at_once():
    world = World(first=COUNTY)
    world.up = {COUNTY}
    assert await world.exchange() == COUNTY
    assert world.asked == [HALL, COUNTY]


@pytest.mark.parametrize("known", [[HALL], ["https://elsewhere.example"]])
async def test_an_address_that_was_taken_back_is_left(known: list[str]):
    world = World(first=COUNTY)
    world.up = {*known}
    world.known = known
    world.time = 1
    world.ancestors._look_back = 10**6
    assert await world.exchange() == ""
    assert await world.exchange() == known[0]
