"""A version as a difference is rebuilt exactly, and a difference that does not fit is refused."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from casework.catalogue import item_to_plain, load_catalogue
from casework.catalogue_delta import difference, digest, is_delta, rebuilt
from casework.errors import BadInput

OLD: dict[str, Any] = json.loads(json.dumps(item_to_plain(load_catalogue().get("elder_card"))))


def newer(**changes: Any) -> dict[str, Any]:
    return copy.deepcopy(OLD) | {"version": 2} | changes


def test_a_changed_limit_travels_as_little_and_comes_back_whole() -> None:
    new = newer(promised_days={**OLD["promised_days"], "n": 20})
    new["materials"][2]["required"] = False
    new["materials"].append({**new["materials"][0], "name": "近期体检表"})
    body = difference(OLD, new)
    assert is_delta(body) and not is_delta(OLD)
    assert rebuilt(OLD, body) == new
    assert len(json.dumps(body, ensure_ascii=False)) * 5 < len(json.dumps(OLD, ensure_ascii=False))
    assert [set(step) for step in body["lists"]["materials"]] == [
        {"from", "count"},
        {"new"},
        {"from", "count"},
        {"new"},
    ]


PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=2), inner, max_size=3),
    max_leaves=12,
)
FORMS = st.dictionaries(st.sampled_from("abcdef"), PLAIN, max_size=6)


@given(FORMS, FORMS)
def test_any_two_forms_give_a_difference_that_rebuilds_the_second(one: dict[str, Any], other: dict[str, Any]) -> None:
    old, new = {"key": "k", "version": 1, **one}, {"key": "k", "version": 2, **other}
    body = json.loads(json.dumps(difference(old, new)))
    again = rebuilt(old, body)
    assert digest(again) == digest(new) and json.dumps(again, sort_keys=True) == json.dumps(new, sort_keys=True)


def test_true_is_not_one() -> None:
    old, new = {"key": "k", "version": 1, "a": [1, 0]}, {"key": "k", "version": 2, "a": [True, False]}
    assert json.dumps(rebuilt(old, difference(old, new))["a"]) == "[true, false]"


@pytest.mark.parametrize(
    "spoil",
    [
        lambda body: body.update(digest="0" * 64),
        lambda body: body.update(base=7),
        lambda body: body.update(key="other"),
        lambda body: body.update(unset=["note"]),
        lambda body: body.update(set={}),
        lambda body: body.update(set=None),
        lambda body: body["lists"].update(materials=[{"from": 0, "count": 99}]),
        lambda body: body["lists"].update(materials=[{"from": -1, "count": 1}]),
        lambda body: body["lists"].update(materials=[{"from": 0, "count": 2}] * 2_000),
        lambda body: body["lists"].update(nothing=[{"from": 0, "count": 1}]),
        lambda body: body["lists"].update(materials=[3]),
        lambda body: body.pop("lists"),
    ],
)
def test_a_difference_that_does_not_fit_is_refused(spoil: Any) -> None:
    body = difference(OLD, newer(office="老龄办", materials=OLD["materials"][1:]))
    spoil(body)
    with pytest.raises(BadInput, match="对不上"):
        rebuilt(OLD, body)
