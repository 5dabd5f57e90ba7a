"""The quick test of a body says the same as the one that names every fault."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from casework.body_shape import (
    MAX_DEPTH,
    MAX_KEY_CHARS,
    MAX_NODES,
    Choice,
    Day,
    Flag,
    Free,
    Hash32,
    ListOf,
    Octets,
    Shape,
    Text,
    Whole,
    faults,
    fitting,
    is_plain,
    plain_fault,
)
from casework.changes import INTERNAL, SHAPES, ChangeKind
from tests.casework.cases import body_of

_SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(), st.text(max_size=5), st.binary(max_size=33), st.just("\ud800"), st.floats()
)
_VALUES = st.recursive(
    _SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner, max_size=4)
)


def _places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    items = value.items() if type(value) is dict else enumerate(value) if type(value) is list else ()
    return [path, *(place for key, inner in items for place in _places(inner, (*path, key)))]


def _with(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    """`value` with one place in it replaced; removed where `new` is the function itself."""
    if not path:
        return new
    copy = dict(value) if type(value) is dict else list(value)
    if len(path) == 1 and new is _with:
        del copy[path[0]]
    else:
        copy[path[0]] = _with(value[path[0]], path[1:], new)
    return copy


@settings(max_examples=400)
@given(data=st.data(), kind=st.sampled_from([kind for kind in SHAPES if kind not in INTERNAL]))
def test_a_body_fits_exactly_where_no_fault_is_found(data: st.DataObject, kind: ChangeKind) -> None:
    body: Any = body_of(kind)
    path = data.draw(st.sampled_from(_places(body)))
    body = _with(body, path, data.draw(_VALUES | st.just(_with) if path else _VALUES))
    assert fitting(SHAPES[kind])(body) == (next(faults(SHAPES[kind], body), None) is None)


LEAVES: list[tuple[Shape, list[Any], list[Any]]] = [
    (Text(3, least=1), ["a", "联办件"], ["", "abcd", b"a", 1, None]),
    (Choice(("a", "b")), ["a", "b"], ["c", "", "ab", None, 0, b"a"]),
    (Whole(9, 1), [1, 9], [0, 10, True, "1", 1.0, None]),
    (Flag(), [True, False], [0, 1, "", None]),
    (Hash32(), [bytes(32)], [bytes(31), bytes(33), "0" * 32, None]),
    (Octets(72), [bytes(72)], [bytes(71), bytes(73), b"", "0" * 72]),
    (Octets(3, least=1), [b"a", b"abc"], [b"", b"abcd", "a", None]),
    (Day(), ["2026-11-20", "2024-02-29"], ["2026-02-29", "2026-1-1", "20261120", b"2026-11-20", 20_261_120, None]),
    (Free(), [{}, {"a": [1]}], [[], None, ""]),
    (ListOf(Flag(), 2, least=1), [[True], [True, True]], [[], [True] * 3, [0], (True,), None]),
    (ListOf(Free(), 2), [[{"": "a"}, {"": "a"}]], [[{}, 0]]),
    (ListOf(Free(), 2, unique="n"), [[{"n": "a"}, {"n": "b"}], [{}, {}]], [[{"n": "a"}, {"n": "a"}]]),
]


@pytest.mark.parametrize(("shape", "good", "bad"), LEAVES)
def test_the_edge_of_each_shape(shape: Shape, good: list[Any], bad: list[Any]) -> None:
    for fits, values in ((True, good), (False, bad)):
        for value in values:
            assert fitting(shape)(value) is fits, value
            assert (next(faults(shape, value), None) is None) is fits, value


@settings(max_examples=400)
@given(_VALUES)
def test_what_is_quickly_found_plain_has_no_fault(value: Any) -> None:
    if is_plain(value):
        assert plain_fault(value) == ""
    elif type(value) in (dict, list):
        assert plain_fault(value) or any(not key.isascii() for key in _keys(value))


def _keys(value: Any) -> list[str]:
    if type(value) is dict:
        return [*value, *(key for inner in value.values() for key in _keys(inner))]
    return [key for inner in value for key in _keys(inner)] if type(value) is list else []


def _nested(levels: int) -> Any:
    value: Any = []
    for _ in range(levels):
        value = [value]
    return value


@pytest.mark.parametrize(
    ("value", "plain"),
    [
        (_nested(MAX_DEPTH), True),
        (_nested(MAX_DEPTH + 1), False),
        ([[]] * (MAX_NODES - 1), True),
        ([[]] * MAX_NODES, False),
        ([[0] * (MAX_NODES - 2)], True),
        ([[0] * (MAX_NODES - 1)], False),
        ({"k" * MAX_KEY_CHARS: 0, "l" * MAX_KEY_CHARS: 0}, True),
        ({"k" * (MAX_KEY_CHARS + 1): 0}, False),
        ({"k": 0, "l" * (MAX_KEY_CHARS + 1): 0}, False),
        ({"k": 0, "\ud800": 0}, False),
        ({"k": 0, 1: 0}, False),
        ({b"k": 0}, False),
    ],
)
def test_the_bounds_are_the_same(value: Any, plain: bool) -> None:
    assert is_plain(value) == (plain_fault(value) == "") == plain
