"""The bench's casework is the same for the same seed and all of it is admitted; what judging reads is bounded."""

from __future__ import annotations

import asyncio
import random
from pathlib import Path

import pytest
import sqlalchemy as sa

from bench.cases import ITEMS, plan
from bench.feeds import DAY_SECONDS, START, Feeds, make
from bench.intake import insert_plainly, take_all, taken_in
from bench.measuring import Rounds, alternate
from casework.catalogue import load_catalogue
from hub.county import open_county
from hub.judge import unsettled_homes
from hub.settings import HubSettings
from sync_protocol.judging import waiting_entries
from sync_protocol.store.data_folder import DataFolder


def test_the_same_seed_makes_the_same_cases_and_another_one_others() -> None:
    assert plan(1, 60, 4) == plan(1, 60, 4)
    assert plan(1, 60, 4) != plan(2, 60, 4)


def test_cases_have_eight_changes_and_no_two_share_a_person() -> None:
    cases = plan(1, 2000, 20, load_catalogue())
    assert {len(case.steps) for case in cases} == {8}
    assert {case.item.key for case in cases} == set(ITEMS) and len(ITEMS) == 12
    for field in ("name", "id", "phone", "address"):
        assert len({case.intake.applicant[field] for case in cases}) == len(cases), field


def test_rounds_alternate_and_compare_what_ran_side_by_side() -> None:
    ran: list[str] = []
    figures = {"a": [2.0, 8.0, 6.0], "b": [1.0, 2.0, 1.0]}

    def run(name: str, number: int) -> float:
        ran.append(name)
        return figures[name][number]

    found = alternate(3, [("a", lambda n: run("a", n)), ("b", lambda n: run("b", n))])
    assert "".join(ran) == "abbaab"
    assert (found.median("a"), found.ratio("a", "b")) == (6.0, 4.0)
    assert Rounds({"a": [1.0, 3.0]}).median("a") == 2.0


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Feeds:
    return make(tmp_path_factory.mktemp("bench"), cases=24, villages=4, townships=2, upload_every_days=4)


def test_everything_is_admitted_and_shown_and_the_peer_gets_its_bytes(made: Feeds, tmp_path: Path) -> None:
    now = START + DAY_SECONDS * 30
    made.copy_hub(tmp_path / "hub")
    assert asyncio.run(take_all(HubSettings(tmp_path / "hub"), made, now)) > 0  # asserts inside
    county = open_county(DataFolder(tmp_path / "hub"), random.Random(1).randbytes, lambda: now)
    rows = county.store.read(taken_in)
    assert county.store.read(unsettled_homes) == []
    county.close()
    assert len(rows) == sum(upload.entries for upload in made.uploads) > 24 * 5
    assert insert_plainly(tmp_path / "peer.db", rows) > 0


def test_what_waits_is_found_by_the_index_of_what_is_unsettled(made: Feeds, tmp_path: Path) -> None:
    county = made.open_hub(tmp_path / "hub")

    def plans(conn: sa.Connection) -> str:
        query = waiting_entries(3, ("item_unknown",)).limit(256).offset(0)
        compiled = query.compile(dialect=conn.dialect, compile_kwargs={"render_postcompile": True})
        values = tuple(compiled.params[name] for name in compiled.positiontup or ())
        rows = conn.exec_driver_sql(f"EXPLAIN QUERY PLAN {compiled}", values).all()
        return " ".join(str(row[3]) for row in rows)

    found = county.store.read(plans)
    county.close()
    assert "entry_unsettled (home=? AND standing=?)" in found, found
    assert "TEMP B-TREE" not in found, found
