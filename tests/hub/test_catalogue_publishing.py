"""Publishing a catalogue file: only what is new, never against open cases, and everybody rebuilds the same item."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
import yaml

from casework import reference
from casework.case_tables import catalogue_item
from casework.catalogue import BUILT_IN_CATALOGUE, Catalogue, item_to_plain, load_catalogue
from casework.catalogue_format import CatalogueError
from casework.policy import Role
from casework.service_item import Days, Mark, ServiceItem
from hub.catalogue_asking import Applicant, asked_report
from hub.catalogue_publishing import CHANGED, DROPPED, NEW, SAME, Look, look, publish_catalogue
from node.outgoing import unread_items
from sync_protocol import canonical
from sync_protocol.feeds import TO_ALL
from sync_protocol.limits import BODY_BYTES_MAX
from sync_protocol.store import tables as t
from tests.hub.hall import ITEM, Hall
from tests.sync_protocol.county import VILLAGE

OLD = load_catalogue().get(ITEM)


def catalogue(*items: ServiceItem) -> Catalogue:
    """The shipped catalogue with these items instead of, or beside, its own."""
    return Catalogue({item.key: item for item in [*load_catalogue(), *items]})


def newer(**facts: Any) -> ServiceItem:
    return replace(OLD, version=OLD.version + 1, **facts)


def put(hall: Hall, *items: ServiceItem) -> Look:
    return hall.at_hub(publish_catalogue, catalogue(*items), hall.writing())


def seen(hall: Hall, *items: ServiceItem) -> Look:
    return hall.hub.store.read(lambda conn: look(conn, catalogue(*items)))


def bodies(hall: Hall) -> list[dict[str, Any]]:
    """What was told of items, oldest first."""
    e = t.entry.c
    found = sa.select(e.body).where(e.feed == TO_ALL.packed(), e.type == 102).order_by(e.number)
    rows = hall.hub.store.read(lambda conn: list(conn.execute(found).scalars()))
    return [canonical.unpack(body, bytes_max=BODY_BYTES_MAX) for body in rows]


def test_the_same_file_again_changes_nothing(hall: Hall) -> None:
    before = len(bodies(hall))
    found = put(hall)
    assert {one.what for one in found.changes} == {SAME} and not found.warnings
    assert len(bodies(hall)) == before


def test_a_new_version_travels_as_a_difference_and_is_the_same_item_everywhere(hall: Hall) -> None:
    item = newer(promised_days=Days(15, "wd", Mark("judgement")), office="残疾人联合会")
    found = put(hall, item)
    (change,) = [one for one in found.changes if one.what == CHANGED]
    assert (change.before, change.after) == (1, 2)
    assert any(line.startswith("责任部门：民政局 → 残疾人联合会") for line in change.lines)
    body = bodies(hall)[-1]
    assert body["base"] == 1 and len(canonical.pack(body)) * 5 < len(canonical.pack(item_to_plain(item)))
    hall.sync()
    for place in (hall.hub, hall.township, hall.village):
        assert place.store.read(lambda conn: reference.item(conn, ITEM, 2)) == item
        assert place.store.read(lambda conn: reference.item(conn, ITEM, 1)) == OLD
    assert hall.village.store.read(unread_items) == 0
    put(hall, replace(item, version=5, name="第五版"))
    assert bodies(hall)[-1]["base"] == 2, "from the newest that is out"
    hall.sync()
    assert hall.village.store.read(lambda conn: reference.newest_item(conn, ITEM)).name == "第五版"


def test_a_new_item_travels_whole(hall: Hall) -> None:
    found = put(hall, replace(OLD, key="another_item", name="另一个事项"))
    assert [one.key for one in found.changes if one.what == NEW] == ["another_item"]
    assert "base" not in bodies(hall)[-1]


def test_open_cases_go_on_under_their_version_and_are_counted(hall: Hall) -> None:
    agent = hall.add_user("agent", Role.VILLAGE_AGENT, VILLAGE)
    hall.sync()
    topic = hall.collect(agent)
    hall.sync()
    found = put(hall, newer(name="残疾人两项补贴（新）"))
    (change,) = [one for one in found.changes if one.what == CHANGED]
    assert change.open_cases == {1: 1}
    hall.sync()
    view = hall.village.store.read(lambda conn: hall.desk(hall.village).view(conn, hall.agent(agent), topic))
    assert (view.state.version, view.item) == (1, OLD)


def test_who_decides_cannot_change_under_a_version_that_is_out(hall: Hall) -> None:
    agent = hall.add_user("agent", Role.VILLAGE_AGENT, VILLAGE)
    hall.sync()
    hall.collect(agent)
    hall.sync()
    before = len(bodies(hall))
    with pytest.raises(CatalogueError) as caught:
        put(hall, replace(OLD, decision_tier="township", first_review=False))
    (problem,) = caught.value.problems
    assert problem.field == f"{ITEM}.version" and "有 1 件按这一版在办" in problem.message
    assert "流转路线" in problem.message and "决定层级、乡镇初审" in problem.message and "改为 2" in problem.remedy
    assert len(bodies(hall)) == before


def test_a_version_below_the_published_one_is_refused(hall: Hall) -> None:
    put(hall, replace(OLD, version=3, name="第三版"))
    for item in (OLD, newer(name="第二版")):
        (problem,) = seen(hall, item).problems
        assert "低于已下发的第 3 版" in problem.message and "改为 4" in problem.remedy


def test_an_item_that_the_file_lost_is_a_warning_with_its_open_cases(hall: Hall) -> None:
    agent = hall.add_user("agent", Role.VILLAGE_AGENT, VILLAGE)
    hall.sync()
    hall.collect(agent)
    hall.sync()
    rest = [item for item in load_catalogue() if item.key != ITEM]
    found = hall.hub.store.read(lambda conn: look(conn, rest))
    assert [one.key for one in found.changes if one.what == DROPPED] == [ITEM] and not found.problems
    (warning,) = found.warnings
    assert "现有 1 件在办" in warning and "继续有效" in warning


def test_where_the_base_is_not_held_the_station_says_that_it_could_not_read_the_version(hall: Hall) -> None:
    c = catalogue_item.c
    hall.village.store.write(lambda conn: conn.execute(sa.delete(catalogue_item).where(c.key == ITEM)))
    put(hall, newer(name="残疾人两项补贴（新）"))
    hall.sync()
    assert hall.village.store.read(lambda conn: reference.item(conn, ITEM)) is None
    assert hall.village.store.read(unread_items) == 2
    assert hall.township.store.read(unread_items) == 0


def test_asking_says_what_a_seventy_year_old_needs() -> None:
    card = load_catalogue().get("elder_card")
    report = asked_report(card, Applicant(70, "person", ("residency=本地户籍", "card_kind=换证"), commitment=False))
    need = {one["name"]: one["need"] for one in report["materials"]}
    assert need["户口本"] == "left_out" and need["一寸免冠近照"] == "required" and not report["open"]
    assert asked_report(card, Applicant(70, "person", (), commitment=False))["open"] == ["residency", "card_kind"]


def test_the_shipped_file_is_what_the_words_are_made_for(tmp_path: Path) -> None:
    """Every top-level key of an item has a word."""
    from hub.catalogue_words import FIELD_WORDS

    plain = item_to_plain(OLD)
    assert set(plain) - {"key", "version"} <= set(FIELD_WORDS)
    assert yaml.safe_load(BUILT_IN_CATALOGUE.read_text(encoding="utf-8"))["format"] == 1
    assert json.loads(json.dumps(plain)) == plain
