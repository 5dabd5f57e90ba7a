"""The built-in catalogue is whole, and a bad one is refused with item, field and remedy."""

from __future__ import annotations

import contextlib
import copy
from collections.abc import Callable
from typing import Any

import msgpack
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from casework.catalogue import (
    BUILT_IN_CATALOGUE,
    CatalogueError,
    item_from_plain,
    item_to_plain,
    load_catalogue,
    parse_catalogue,
)
from casework.errors import NotFound
from casework.service_item import ServiceItem

CATALOGUE = load_catalogue()
ITEMS = list(CATALOGUE)


SOURCE: dict[str, Any] = yaml.safe_load(BUILT_IN_CATALOGUE.read_text(encoding="utf-8"))


def spoiled(change: Callable[[dict[str, Any]], object], item: str = "elder_allowance") -> CatalogueError:
    """The error of the built-in catalogue after `change` was made to one of its items."""
    root = copy.deepcopy(SOURCE)
    root["items"] = [raw for raw in root["items"] if raw["key"] == item]
    change(root["items"][0])
    with pytest.raises(CatalogueError) as caught:
        parse_catalogue(yaml.safe_dump(root, allow_unicode=True))
    return caught.value


def test_all_nineteen_items_are_there_once() -> None:
    assert len(CATALOGUE) == 19
    assert len({item.name for item in ITEMS}) == 19
    assert sum(len(item.materials) for item in ITEMS) == 99
    assert sum(len(item.steps) for item in ITEMS) == 80


def test_who_decides_is_data() -> None:
    tiers = {item.key: item.decision_tier for item in ITEMS if item.decision_tier != "county"}
    assert tiers == {
        "homestead": "township",
        "birth_registration": "township",
        "resident_medical_enrol": "township",
        "household_move": "external",
    }
    assert [item.key for item in ITEMS if not item.township_reads] == ["disability_card", "household_move"]


@pytest.mark.parametrize("item", ITEMS, ids=lambda item: item.key)
def test_plain_form_goes_through_msgpack_and_back(item: ServiceItem) -> None:
    plain = item_to_plain(item)
    packed = msgpack.packb(plain)
    assert len(packed) < 16 * 1024
    assert item_from_plain(msgpack.unpackb(packed)) == item
    assert item_to_plain(item_from_plain(plain)) == plain
    assert no_floats(plain)


def no_floats(value: Any) -> bool:
    if isinstance(value, dict):
        return all(isinstance(k, str) and no_floats(v) for k, v in value.items())
    if isinstance(value, list):
        return all(no_floats(v) for v in value)
    return value is None or isinstance(value, str | int | bool)


@pytest.mark.parametrize("item", ITEMS, ids=lambda item: item.key)
def test_every_fact_says_where_it_comes_from(item: ServiceItem) -> None:
    assert 4 <= len(item.form) + len(item.questions) <= 10
    table = [question.mark for question in item.questions] + [rule.mark for rule in item.rules]
    table += [item.commitment.mark] if item.commitment else []
    assert all(mark.status == "judgement" for mark in table)
    assert all(field.mark.status == "judgement" for field in item.form)
    marks = [m.mark for m in item.materials] + [s.mark for s in item.steps] + list(item.marks.values())
    assert all(mark.src for mark in marks if mark.status == "page")
    assert set(item.sources) == {key for mark in marks for key in mark.src} | {
        key for days in (item.legal_days, item.promised_days) if days for key in days.mark.src
    }


def test_item_carries_the_addresses_of_its_pages() -> None:
    item = CATALOGUE.get("elder_allowance")
    assert item.sources["S05"].url.startswith("http")
    assert "S01" not in item.sources


BAD = {
    "misspelt key": (lambda i: i.update(versoin=1), "elder_allowance.versoin"),
    "missing version": (lambda i: i.pop("version"), "elder_allowance.version"),
    "version is text": (lambda i: i.update(version="1"), "elder_allowance.version"),
    "version is a boolean": (lambda i: i.update(version=True), "elder_allowance.version"),
    "item type is unknown": (lambda i: i.update(item_type="99"), "elder_allowance.item_type"),
    "item type lost its quotes": (lambda i: i.update(item_type=5), "elder_allowance.item_type"),
    "who decides is unknown": (lambda i: i.update(decision_tier="city"), "elder_allowance.decision_tier"),
    "flag is text": (lambda i: i.update(first_review="yes"), "elder_allowance.first_review"),
    "empty service object": (lambda i: i.update(service_object=[]), "elder_allowance.service_object"),
    "days without n": (lambda i: i["legal_days"].pop("n"), "elder_allowance.legal_days.n"),
    "days are a float": (lambda i: i["promised_days"].update(n=2.5), "elder_allowance.promised_days.n"),
    "unknown field type": (lambda i: i["form"][0].update(type="strng"), "elder_allowance.form[0].type"),
    "choice without choices": (
        lambda i: i["form"][1].update(choices=["一个"]),
        "elder_allowance.form[1].choices",
    ),
    "same choice twice": (
        lambda i: i["form"][1].update(choices=["甲", "甲"]),
        "elder_allowance.form[1].choices",
    ),
    "limits the wrong way round": (lambda i: i["form"][2].update(least=300), "elder_allowance.form[2].least"),
    "two fields with one key": (
        lambda i: i["form"][1].update(key="birth_date"),
        "elder_allowance.form",
    ),
    "two materials with one name": (
        lambda i: i["materials"][0].update(name="身份证"),
        "elder_allowance.materials",
    ),
    "unknown material kind": (
        lambda i: i["materials"][2].update(kind="scan"),
        "elder_allowance.materials[2].kind",
    ),
    "page mark without a page": (
        lambda i: i["materials"][2].pop("src"),
        "elder_allowance.materials[2].src",
    ),
    "source that is not listed": (
        lambda i: i["materials"][2].update(src=["S99"]),
        "elder_allowance.sources",
    ),
    "office without a mark": (lambda i: i["marks"].pop("office"), "elder_allowance.marks.office"),
    "blind township reviews": (
        lambda i: i.update(township_reads=False),
        "elder_allowance.township_reads",
    ),
    "township reviews its own decision": (
        lambda i: i.update(decision_tier="township"),
        "elder_allowance.first_review",
    ),
    "no form": (lambda i: i.update(form=[]), "elder_allowance.form"),
    "no result": (lambda i: i.pop("result"), "elder_allowance.result"),
    "too big to travel": (
        lambda i: i.update(conditions=[f"{n}" + "条" * 190 for n in range(40)]),
        "elder_allowance",
    ),
}


@pytest.mark.parametrize(("change", "field"), BAD.values(), ids=BAD.keys())
def test_bad_item_names_item_field_and_remedy(change: Callable[[dict[str, Any]], object], field: str) -> None:
    error = spoiled(change)
    assert field in [problem.field for problem in error.problems]
    assert all("elder_allowance" in problem.message and problem.remedy for problem in error.problems)
    assert "elder_allowance" in str(error)


def test_item_from_a_newer_hub_is_read_leniently() -> None:
    plain = item_to_plain(ITEMS[0])
    plain["new_fact"] = 1
    plain["form"][0]["new_fact"] = {"a": 1}
    plain["marks"]["office"]["new_fact"] = None
    assert item_from_plain(plain, lenient=True) == ITEMS[0]
    with pytest.raises(CatalogueError):
        item_from_plain(plain)


JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.binary(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4) | st.integers(), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=150, deadline=None)
@given(key=st.sampled_from(sorted(item_to_plain(ITEMS[4]))), junk=JUNK)
def test_junk_in_any_place_is_a_catalogue_error_or_a_good_item(key: str, junk: object) -> None:
    with contextlib.suppress(CatalogueError):
        item = item_from_plain({**item_to_plain(ITEMS[4]), key: junk})
        assert item_from_plain(item_to_plain(item)) == item


def test_offices_are_listed_once() -> None:
    offices = CATALOGUE.offices()
    assert len(set(offices)) == len(offices)
    assert "民政局" in offices


def test_all_problems_of_all_items_are_told_at_once() -> None:
    root = copy.deepcopy(SOURCE)
    root["items"][0]["fee"] = "no"
    root["items"][3].pop("office")
    root["items"][5]["key"] = "Not A Key"
    with pytest.raises(CatalogueError) as caught:
        parse_catalogue(yaml.safe_dump(root, allow_unicode=True))
    fields = [problem.field for problem in caught.value.problems]
    assert "resident_pension_enrol.fee" in fields
    assert "resident_medical_enrol.office" in fields
    assert any(field.endswith("Key.key") for field in fields)


def test_same_item_twice_is_refused() -> None:
    root = copy.deepcopy(SOURCE)
    root["items"].append(root["items"][0])
    with pytest.raises(CatalogueError, match=r"resident_pension_enrol.*重复"):
        parse_catalogue(yaml.safe_dump(root, allow_unicode=True))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "format: 2\nitems: []",
        "format: 1",
        "format: 1\nitems: [3]",
        "items: [",
        "- a",
        "format: 1\nitems: {}",
    ],
)
def test_file_that_is_no_catalogue_is_refused(text: str) -> None:
    with pytest.raises(CatalogueError) as caught:
        parse_catalogue(text)
    assert caught.value.problems[0].remedy


def test_unknown_item_is_named() -> None:
    with pytest.raises(NotFound, match="no_such_item"):
        CATALOGUE.get("no_such_item")
