"""Hypothesis strategies: foreign rubbish, and changes that mix right bodies with damaged ones."""

from __future__ import annotations

import copy
from typing import Any

from hypothesis import strategies as st

from casework.changes import INTERNAL, SHAPES, ChangeKind
from casework.journal import HELD, ORDERED, REFUSED, TENTATIVE
from tests.casework.cases import PAGE_1, PAGE_2, RESULT, Entry, body_of, collect_body

CASE_KINDS = [kind for kind in SHAPES if kind not in INTERNAL]
FIELD_NAMES = sorted({field.name for shape in SHAPES.values() for field in shape.fields} | {"pages", "blob", "seen"})

leaves = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(st.characters(), max_size=8),  # surrogates included
    st.binary(max_size=40),
    st.builds(object),
    st.frozensets(st.integers(), max_size=2),
)
keys = st.one_of(st.sampled_from(FIELD_NAMES), st.text(max_size=5), st.integers())
rubbish = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4), st.dictionaries(keys, inner, max_size=5), st.tuples(inner, inner)
    ),
    max_leaves=12,
)
refs = st.sampled_from([f"up:17/0/{n}" for n in range(1, 7)])


@st.composite
def bodies(draw: st.DrawFn, kind: int) -> Any:
    """A right body for the kind, one with a field damaged, or rubbish."""
    choice = draw(st.integers(0, 9))
    if choice == 0 or kind not in set(CASE_KINDS):
        return draw(rubbish)
    body = copy.deepcopy(body_of(ChangeKind(kind)))
    if kind == ChangeKind.COLLECT:
        decision = draw(st.sampled_from(["village", "township", "county", "external"]))
        tier = draw(st.sampled_from(["village", "township"]))
        body = collect_body(tier, first_review=draw(st.booleans()), decision=decision)
    if "request" in body:
        body["request"] = draw(refs)
    if choice == 1 and body:
        body[draw(st.sampled_from(sorted(body)))] = draw(rubbish)
    if choice == 2:
        body[draw(st.text(min_size=1, max_size=4))] = draw(st.integers(-5, 5))
    return body


@st.composite
def changes(draw: st.DrawFn) -> Entry:
    """One change of any kind, office and standing; ordered ones prevail so that cases get far."""
    kind = draw(st.one_of(st.sampled_from([int(k) for k in CASE_KINDS]), st.integers(0, 110)))
    right = (RESULT,) if kind == ChangeKind.ATTACH_RESULT else (PAGE_1, PAGE_2)
    return Entry(
        kind=kind,
        body=draw(bodies(kind)),
        office=draw(st.sampled_from(["home", "township", "county", "?"])),
        actor=draw(st.integers(0, 9)),
        time=draw(st.integers(-(2**40), 2**40)),
        standing=draw(st.sampled_from([ORDERED, ORDERED, ORDERED, TENTATIVE, HELD, REFUSED])),
        ref=draw(refs),
        blobs=draw(st.sampled_from([right, right, right, (), (PAGE_1,)])),
    )


def histories(max_size: int = 14) -> st.SearchStrategy[list[Entry]]:
    """Changes in any order, mostly starting with a right 收件."""
    first = st.builds(
        lambda review, decision: Entry(
            ChangeKind.COLLECT,
            collect_body(first_review=review, decision=decision),
            blobs=(PAGE_1, PAGE_2),
        ),
        st.booleans(),
        st.sampled_from(["village", "township", "county"]),
    )
    tail = st.lists(changes(), max_size=max_size)
    return st.one_of(tail, st.builds(lambda head, rest: [head, *rest], first, tail))
