"""Every cell of status × change × office, beside a table that was written down by hand from the law.

expected_cells.csv says for each status and each change what comes of it if 收件站点, 乡镇 or 县级 writes it («-»: it
does not count, else the next status), and the article of law or the product's own rule that says so. It is not derived
from `casework.states.TABLE`, and nothing here reads that table. The case's home is a village, the township reviews
first, and the county decides. `case` tells apart what a status alone does not: accepted by silence (deemed) or with
materials to follow (lacking), closed by time (lapsed) or after a refusal (denied).

What a village or a township writes, perhaps without having heard of the county for weeks, the hub's judge admits or
refuses. What the county writes is not judged again, for it knows all: it must also pass `check_own` before.
"""

from __future__ import annotations

import csv
from collections import Counter
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from casework.changes import INTERNAL, SHAPES, ChangeKind
from casework.fold import CaseState, fold
from casework.journal import TENTATIVE
from casework.judge import Admit, judge
from casework.own_rules import check_own
from casework.states import COUNTY, HOME, TOWNSHIP, State
from tests.casework.cases import Entry, body_of, collect_body, entry, route

_K, _S = ChangeKind, State
NONE = "none"
OFFICES = (HOME, TOWNSHIP, COUNTY)
REQUEST = "up:17/0/9"
KINDS = [kind for kind in SHAPES if kind not in INTERNAL]
STATUSES = [NONE, *(state.value for state in State)]
VARIANTS = [
    ("deemed", "accepted"), ("deemed", "review"), ("lacking", "accepted"), ("lacking", "review"),
    ("lapsed", "closed"), ("denied", "closed"),
]  # fmt: skip

Step = tuple[ChangeKind, str]
_COLLECTED: list[Step] = [(_K.COLLECT, HOME)]
_ENDORSED = [*_COLLECTED, (_K.ENDORSE, TOWNSHIP)]
_ASKED = [*_COLLECTED, (_K.ASK_SUPPLEMENT, TOWNSHIP)]
_ACCEPTED = [*_ENDORSED, (_K.ACCEPT, COUNTY)]
_REVIEWED = [*_ACCEPTED, (_K.REVIEW, COUNTY)]
_GRANTED, _DENIED = [*_REVIEWED, (_K.GRANT, COUNTY)], [*_REVIEWED, (_K.DENY, COUNTY)]
_DELIVERED = [*_GRANTED, (_K.CLOSE, COUNTY), (_K.DELIVER, HOME)]
_SILENCE = [*_COLLECTED, (_K.DEEM_ACCEPTED, COUNTY)]
_TOLERATED = [*_ENDORSED, (_K.ACCEPT_LACKING, COUNTY)]
PATHS: dict[tuple[str, str], list[Step]] = {
    ("plain", "none"): [],
    ("plain", "collected"): _COLLECTED,
    ("plain", "first_review"): _ENDORSED,
    ("plain", "supplement_asked"): _ASKED,
    ("plain", "accepted"): _ACCEPTED,
    ("plain", "review"): _REVIEWED,
    ("plain", "granted"): _GRANTED,
    ("plain", "denied"): _DENIED,
    ("plain", "closed"): [*_GRANTED, (_K.CLOSE, COUNTY)],
    ("plain", "delivered"): _DELIVERED,
    ("plain", "refused_acceptance"): [*_ENDORSED, (_K.REFUSE_ACCEPTANCE, COUNTY)],
    ("plain", "withdrawn"): [*_COLLECTED, (_K.WITHDRAW, TOWNSHIP)],
    ("plain", "archived"): [*_DELIVERED, (_K.ARCHIVE, COUNTY)],
    ("deemed", "accepted"): _SILENCE,
    ("deemed", "review"): [*_SILENCE, (_K.REVIEW, COUNTY)],
    ("lacking", "accepted"): _TOLERATED,
    ("lacking", "review"): [*_TOLERATED, (_K.REVIEW, COUNTY)],
    ("lapsed", "closed"): [*_ASKED, (_K.LAPSE, COUNTY)],
    ("denied", "closed"): [*_DENIED, (_K.CLOSE, COUNTY)],
}
"""How a case comes to each status; a draft is never in the log."""

FIRST: dict[ChangeKind, ChangeKind] = {
    _K.SPECIAL_RESULT: _K.SPECIAL_PROCEDURE,
    _K.PART_ANSWER: _K.SPLIT,
    _K.ESCALATE_RESULT: _K.ESCALATE,
}
"""What must have been asked for an answer to have something to answer; the county asks at acceptance."""
_ACCEPTING = (_K.ACCEPT, _K.ACCEPT_LACKING, _K.DEEM_ACCEPTED)


def read() -> list[dict[str, str]]:
    with (Path(__file__).parent / "expected_cells.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


ROWS = read()


def body_for(kind: ChangeKind, case: str, status: str) -> dict[str, Any]:
    """A body that says nothing wrong in this place."""
    match kind:
        case ChangeKind.COLLECT:
            return {**collect_body(), "commitment": True}
        case ChangeKind.CLOSE:
            return {"result": "denied" if status == "denied" or case == "denied" else "completed"}
        case ChangeKind.LAPSE if status in ("accepted", "review"):
            return {**body_of(kind), "rule": "tolerance_lapsed"}
        case ChangeKind.WITHDRAW | ChangeKind.DECLINE_REQUEST:
            return {**body_of(kind), "request": REQUEST}
        case _:
            return body_of(kind)


def case_at(case: str, status: str, kind: ChangeKind) -> CaseState:
    """A case of this sort in this status, on which a change of this kind has something to speak of."""
    if status == "draft":
        return CaseState(state=State.DRAFT, tier="village", route=route())
    said: list[Entry] = []
    for step, office in PATHS[case, status]:
        said.append(entry(step, office, body=body_for(step, case, "denied" if case == "denied" else status)))
        if step is _K.COLLECT and kind is not _K.REQUEST_WITHDRAW:
            said.append(entry(_K.REQUEST_WITHDRAW, HOME, ref=REQUEST))
        if step in _ACCEPTING and kind in FIRST:
            said.append(entry(FIRST[kind], COUNTY))
    state = fold(said)
    assert all(line.applied for line in state.timeline), "the way to this status is none"
    assert (NONE if state.state is None else state.state.value) == status
    return state


def admitted(state: CaseState, change: Entry) -> bool:
    return judge(state, change, home_tier="village", route_for=lambda item, version: route()) == Admit()


def counts(state: CaseState, change: Entry) -> bool:
    """Whether it takes effect: the hub admits it; the county's own must be one that the county's program writes."""
    if not admitted(state, change):
        return False
    own = {"office": change.office, "home_tier": "village", "blobs": change.blobs}
    return change.office != COUNTY or not check_own(state, ChangeKind(change.kind), change.body, **own)


def _name(row: dict[str, str]) -> str:
    return f"{row['case']}-{row['status']}-{row['change']}"


def test_every_cell_is_there_once() -> None:
    pairs = [*product(["plain"], STATUSES), *VARIANTS]
    wanted = Counter((case, status, kind.name.lower()) for case, status in pairs for kind in KINDS)
    assert Counter((row["case"], row["status"], row["change"]) for row in ROWS) == wanted
    for row in ROWS:
        assert len(row) == 7 and len(row["basis"]) > 5, _name(row)
        assert all(row[office] == "-" or row[office] in STATUSES for office in OFFICES), _name(row)


def test_each_variant_is_what_it_is_called() -> None:
    for case, status in VARIANTS:
        state = case_at(case, status, _K.NUMBER)
        said = (bool(state.deemed), bool(state.still_lacking), bool(state.lapsed), state.decision == "denied")
        assert said == tuple(case == name for name in ("deemed", "lacking", "lapsed", "denied"))


@pytest.mark.parametrize("row", ROWS, ids=_name)
def test_each_cell_is_as_the_law_has_it(row: dict[str, str]) -> None:
    kind = ChangeKind[row["change"].upper()]
    for office in OFFICES:
        state = case_at(row["case"], row["status"], kind)
        change = entry(kind, office, body=body_for(kind, row["case"], row["status"]), ref="up:17/0/99")
        expected = row[office]
        assert counts(state, change) is (expected != "-"), (office, row["basis"])
        if expected != "-":
            state.apply(change)
            assert state.timeline[-1].applied and state.state == expected, (office, row["basis"])
        elif not admitted(state, change):
            before = state.state
            state.apply(entry(kind, office, body=change.body, standing=TENTATIVE))
            assert not state.timeline[-1].applied and state.state is before, (office, row["basis"])
