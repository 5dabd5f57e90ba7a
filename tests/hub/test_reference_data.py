"""Publishing items, calendar and regions: once, to all, in bounded pieces."""

from __future__ import annotations

from dataclasses import replace

import pytest
import sqlalchemy as sa

from casework import reference
from casework.catalogue import Catalogue, load_catalogue
from casework.catalogue_format import CatalogueError
from casework.errors import BadInput
from casework.policy import Role
from casework.regions import Region, RegionError, RegionTree, built_in_regions
from casework.workdays import Calendar, load_calendar
from hub.reference_data import REGION_ROWS_MAX, Published, publish, publish_regions
from hub.stations import invite
from sync_protocol import canonical
from sync_protocol.limits import BODY_BYTES_MAX
from sync_protocol.store import tables as t
from tests.hub.hall import Hall
from tests.sync_protocol.county import TOWNSHIP, VILLAGE


def entries(hall: Hall) -> int:
    return hall.hub.store.read(lambda conn: conn.execute(sa.select(sa.func.count()).select_from(t.entry)).scalar_one())


def again(hall: Hall, catalogue=None, calendar=None, tree=None) -> Published:
    return hall.at_hub(
        publish,
        load_catalogue() if catalogue is None else catalogue,
        calendar or load_calendar(),
        tree or built_in_regions("341882"),
        hall.writing(),
    )


def test_every_station_gets_items_calendar_and_regions(hall: Hall) -> None:
    for place in (hall.hub, hall.township, hall.village):
        items, calendar, tree = place.store.read(
            lambda conn: (reference.items(conn), reference.calendar(conn), reference.regions(conn))
        )
        assert sorted(items, key=lambda i: i.key) == sorted(load_catalogue(), key=lambda i: i.key)
        assert calendar == load_calendar()
        assert list(tree) == list(built_in_regions("341882"))


def test_the_same_again_writes_nothing(hall: Hall) -> None:
    before = entries(hall)
    assert again(hall) == Published(0, 0, 0)
    assert entries(hall) == before


def test_a_new_version_and_a_new_calendar_and_a_renamed_village_travel_alone(hall: Hall) -> None:
    catalogue = load_catalogue()
    item = catalogue.get("disabled_subsidy")
    newer = Catalogue({"disabled_subsidy": replace(item, version=item.version + 1, name="残疾人两项补贴（新）")})
    year = load_calendar().year(2027)
    assert year is not None
    official = Calendar({2027: replace(year, version=year.version + 1, official=True)})
    tree = built_in_regions("341882")
    renamed = [replace(r, name="改名村") if r.code == "341882103201" else r for r in tree]
    assert again(hall, newer, official, RegionTree(renamed)) == Published(1, 1, 1)
    hall.sync()
    new = hall.village.store.read(lambda conn: reference.newest_item(conn, "disabled_subsidy"))
    assert (new.version, new.name) == (item.version + 1, "残疾人两项补贴（新）")
    assert hall.village.store.read(lambda conn: reference.region_name(conn, "341882103201")) == "改名村"
    assert not hall.village.store.read(reference.calendar).is_provisional(2027)


def test_a_changed_item_under_an_old_version_is_refused_and_nothing_is_written(hall: Hall) -> None:
    item = load_catalogue().get("disabled_subsidy")
    before = entries(hall)
    with pytest.raises(CatalogueError) as caught:
        again(hall, Catalogue({item.key: replace(item, name="悄悄改名")}))
    assert [p.field for p in caught.value.problems] == ["disabled_subsidy.version"]
    assert "version" in caught.value.problems[0].remedy
    assert entries(hall) == before


def test_an_item_too_large_for_an_entry_is_refused_by_name(hall: Hall) -> None:
    item = load_catalogue().get("disabled_subsidy")
    huge = replace(item, key="huge_item", conditions=("长" * 1000,) * 20)
    with pytest.raises(CatalogueError, match="太长"):
        again(hall, [huge])


@pytest.mark.parametrize("name", ["村", "很长的村名" * 12])
def test_a_large_county_goes_in_bounded_pieces(hall: Hall, name: str) -> None:
    county = Region("370481000000", "county", "", "大县")
    town = Region("370481001000", "township", county.code, "镇")
    villages = [Region(f"370481001{n:03}", "village", town.code, name) for n in range(1, 900)]
    assert again(hall, tree=RegionTree([county, town, *villages])).regions == 901
    e = t.entry.c
    bodies = hall.hub.store.read(lambda conn: list(conn.execute(sa.select(e.body).where(e.type == 105)).scalars()))
    rows = [len(canonical.unpack(body, bytes_max=BODY_BYTES_MAX)["rows"]) for body in bodies]
    assert max(rows) <= REGION_ROWS_MAX
    assert sum(rows) == len(built_in_regions("341882")) + 901
    assert len(rows) <= 2 + 901 * 240 // BODY_BYTES_MAX + 1


def _told(hall: Hall, tree: RegionTree) -> list[Region]:
    return hall.at_hub(publish_regions, tree, hall.writing())


def test_an_abolished_village_keeps_its_cases_and_is_known_as_such_everywhere(hall: Hall) -> None:
    """区划代码撤销后，原站点照常办理；新站点不能再用它登记。"""
    account = hall.add_user("agent", Role.VILLAGE_AGENT, VILLAGE)
    hall.sync()
    before = hall.collect(account)
    tree = built_in_regions("341882")
    successor = next(r.code for r in tree if r.level == "village" and r.code != VILLAGE and r.parent == TOWNSHIP)
    ended = [replace(r, until="2026-12-31", successor=successor) if r.code == VILLAGE else r for r in tree]
    assert [region.code for region in _told(hall, RegionTree(ended))] == [VILLAGE]
    assert _told(hall, RegionTree(ended)) == []
    after = hall.collect(account, "后来的人")
    hall.sync()
    hall.judge()
    assert {hall.row(hall.hub, topic).state for topic in (before, after)} == {"collected"}
    for place in (hall.hub, hall.township, hall.village):
        name = place.store.read(lambda conn: reference.region_name(conn, VILLAGE))
        assert name == f"{tree.get(VILLAGE).name}（2026-12-31 撤销）"
    with pytest.raises(BadInput) as caught:
        hall.hub.store.write(
            lambda conn: invite(conn, hall.hub.me, VILLAGE, "village", hall.hub.replica.random_bytes, hall.now())
        )
    assert f"已撤销，已并入 {successor}" in caught.value.problems[0].message


def test_what_is_out_does_not_vanish_from_the_tree(hall: Hall) -> None:
    tree, before = built_in_regions("341882"), entries(hall)
    with pytest.raises(RegionError) as caught:
        _told(hall, RegionTree([region for region in tree if region.code != VILLAGE]))
    assert [problem.field for problem in caught.value.problems] == [f"regions.{VILLAGE}"]
    assert "until" in caught.value.problems[0].remedy
    assert entries(hall) == before
