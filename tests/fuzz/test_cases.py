"""Bodies that a stranger signed: the fold, the judge and every word a page says of a case are total over them."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import replace
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from casework.accounts import Account, person_of
from casework.body_parts import SEALED_KEY_BYTES
from casework.catalogue import load_catalogue
from casework.catalogue_format import CatalogueError, item_from_plain, item_to_plain
from casework.changes import INTERNAL, SHAPES, ChangeKind, check_blobs, check_body
from casework.deadlines import clocks, most_urgent
from casework.errors import BadInput
from casework.fold import CaseState, fold
from casework.intake_code import parse as parse_code
from casework.journal import BLOB_PREVIEW, HELD, REFUSED, TENTATIVE
from casework.judge import Admit, Hold, Refuse, judge
from casework.own_rules import case_blobs, check_own
from casework.refusals import Code
from casework.requests import answer_requests
from casework.staff_log import account_from_plain
from casework.view_dates import case_dates
from casework.web.case_words import applicant_rows, clock_rows, extra_rows, form_rows, timeline_rows, troubles
from casework.web.custody_words import custody_words
from casework.web.render import day, moment
from casework.workdays import CalendarError, china_day, load_calendar, year_from_plain, year_to_plain
from hub.held_words import says
from sync_protocol import canonical
from sync_protocol.custody import CaseCustody, Tier
from sync_protocol.errors import BadBytes
from sync_protocol.limits import BODY_BYTES_MAX
from tests.casework.cases import PAGE_1, PAGE_2, RESULT, Blob, Entry, body_of, collect_body, page
from tests.fuzz.liar import TIMES
from tests.fuzz.spoil import RECIPES, spoiled, tree

FUZZ = settings.get_profile("fuzz")
K = ChangeKind
ITEM = load_catalogue().get("elder_allowance")
CALENDAR = load_calendar()
TODAY = china_day(1_790_000_000)
ROUTE = {"first_review": True, "decision": "county", "township_reads": True}
STORY = (
    K.COLLECT, K.CORRECT, K.ASK_SUPPLEMENT, K.SUPPLEMENT, K.TELL, K.ENDORSE, K.NUMBER, K.ACCEPT, K.REVIEW,
    K.SPECIAL_PROCEDURE, K.SPECIAL_RESULT, K.EXTEND, K.SPLIT, K.PART_ANSWER, K.ESCALATE, K.ESCALATE_RESULT,
    K.GRANT, K.ATTACH_RESULT, K.CLOSE, K.ISSUE, K.VERIFY_COMMITMENT, K.DELIVER, K.ARCHIVE,
)  # fmt: skip
OTHERS = (
    K.ACCEPT_LACKING, K.SEND_BACK, K.REASSIGN, K.DEEM_ACCEPTED, K.LAPSE, K.REFUSE_ACCEPTANCE, K.DENY,
    K.REQUEST_WITHDRAW, K.WITHDRAW, K.DECLINE_REQUEST, K.OPINION, K.STAFF_ROW,
)  # fmt: skip
OFFICES = {K.COLLECT: "home", K.CORRECT: "home", K.SUPPLEMENT: "home", K.DELIVER: "home", K.REQUEST_WITHDRAW: "home"}
OFFICES |= {K.ENDORSE: "township", K.ASK_SUPPLEMENT: "township"}
DAYS = (
    "0001-01-01",
    "1899-12-31",
    "1949-10-01",
    "2026-02-29",
    "2999-12-31",
    "9999-12-31",
    "9999-12-27",
    "２０26-01-01",
)


PREVIEW = Blob(b"\x03" * 32, 300, BLOB_PREVIEW)
USED = page(1) | {"key": bytes(SEALED_KEY_BYTES), "preview": 2, "preview_key": bytes(SEALED_KEY_BYTES)}
"""A page that another case brought first, with its preview."""


def body_tree(kind: ChangeKind) -> Any:
    materials = [{"name": "身份证", "seen": True}, {"name": "残疾人证", "pages": [page(0), USED]}]
    body = (
        collect_body() | {"item": ITEM.key, "ref": "r", "materials": materials}
        if kind is K.COLLECT
        else body_of(kind)
        if kind in BODIES
        else {}
    )
    return tree(body)


BODIES = [kind for kind in SHAPES if kind not in INTERNAL]
TREES = {kind: body_tree(kind) for kind in (*STORY, *OTHERS)}


def _plain(samples: list[Any], recipe: bytes) -> Any:
    """What comes out of the wire: canonical, or None."""
    try:
        return canonical.unpack(spoiled(samples, recipe), bytes_max=BODY_BYTES_MAX)
    except BadBytes:
        return None


RIGHT = {kind: _plain([made], b"\0") for kind, made in TREES.items()}


def right(kind: ChangeKind, number: int) -> Entry:
    blobs = (RESULT,) if kind is K.ATTACH_RESULT else (PAGE_1, PAGE_2, PREVIEW)
    return Entry(kind, RIGHT[kind], OFFICES.get(kind, "county"), time=1_790_000_000 + number, blobs=blobs)


def odd(kind: ChangeKind, recipe: bytes, rng: random.Random) -> Entry:
    """One change of this kind with a spoiled body, or with an odd header, or both."""
    change = right(kind, 9)
    body = _plain([TREES[kind]], recipe) if rng.random() < 0.7 else change.body
    if kind is K.COLLECT and isinstance(body, dict) and rng.random() < 0.2:
        body = body | {"received": rng.choice(DAYS)}
    facts: dict[str, Any] = {
        "kind": rng.choice((0, 63, 97, 104, 65_535)),
        "office": rng.choice(("home", "township", "county")),
        "time": rng.choice(TIMES),
        "quality": rng.choice((0, 2, 255)),
        "standing": rng.choice((TENTATIVE, HELD, REFUSED)),
        "blobs": rng.choice(((), (Blob(bytes(32), 2**26, 255),) * 64)),
    }
    chosen = {name: value for name, value in facts.items() if rng.random() < 0.15}
    code = rng.choice(("", "awaits", "bad_body", "of a later version", "\u202e"))
    return replace(change, body=body, code=code, ref=f"up:17/0/{rng.randint(1, 4)}", **chosen)


def _history(seed: int, recipe: bytes) -> list[Entry]:
    """A case's whole story up to some point with one odd change in it, and one more of any kind at the end."""
    rng = random.Random(seed)
    kinds = STORY[: rng.randint(0, len(STORY))]
    place = rng.choice((len(kinds) - 1, rng.randint(0, 12)))
    made = [odd(kind, recipe, rng) if at == place else right(kind, at) for at, kind in enumerate(kinds)]
    return made if rng.random() < 0.5 else [*made, odd(rng.choice((*STORY, *OTHERS)), recipe, rng)]


HISTORIES = st.builds(_history, st.integers(0, 2**32), RECIPES)


seen: Counter[str] = Counter()


@FUZZ
@given(history=HISTORIES)
def test_no_history_stops_the_fold_or_the_judge(history):
    case = CaseState()
    for change in history:
        verdict = judge(case, change, home_tier="village", route_for=lambda item, version: ROUTE)
        match verdict:
            case Refuse() | Hold():
                assert isinstance(verdict.code, Code)
            case _:
                assert verdict == Admit()
        seen[type(verdict).__name__] += 1
        if isinstance(verdict, Admit) and change.kind in set(BODIES):
            check_own(case, K(change.kind), change.body, office=change.office, home_tier="village", blobs=change.blobs)
        assert all(line and len(line) <= 200 for line in says(change.kind, change.body))
        case.apply(change)
    state = fold(history)
    assert state.to_plain() == case.to_plain()
    packed = canonical.pack(state.to_plain())
    assert CaseState.from_plain(canonical.unpack(packed, bytes_max=len(packed))).to_plain() == state.to_plain()
    assert len(state.timeline) == len(history)
    for office in ("home", "township", "county"):
        answer_requests(state, office, state.tier)


def test_the_judge_said_everything_it_can():
    if not seen:
        test_no_history_stops_the_fold_or_the_judge()
    assert set(seen) == {"Admit", "Refuse", "Hold"}, seen


@FUZZ
@given(history=HISTORIES, tier=st.sampled_from(Tier), settled=st.booleans(), blobs=st.integers(0, 3))
def test_every_case_can_be_shown(history, tier, settled, blobs):
    state = fold(history)
    for line in (*timeline_rows(state, {}, {}), *troubles(state)):
        assert line.title
    for reveal in ("full", "masked"):
        applicant_rows(state.applicant, reveal)
    form_rows(ITEM, state.form), form_rows(None, state.form), extra_rows(state.extra), case_blobs(state)
    shown = clocks(case_dates(state), ITEM, CALENDAR, TODAY)
    assert clock_rows(shown) and (most_urgent(shown) is None or most_urgent(shown) in shown)
    for office in ("home", "township", "county"):
        custody_words(CaseCustody(tier, settled, blobs, blobs // 2, 0), state, office)
    for line in state.timeline:
        assert len(day(line.time)) == 10 and moment(line.time).startswith(day(line.time))
    try:
        assert parse_code(state.code).pretty()
    except BadInput:
        pass


def test_the_days_that_people_can_write_are_shown_in_bounded_steps():
    """A year 9999 or 0001 in an intake neither overflows nor counts working days for centuries."""
    for received in DAYS[:-1]:
        case = fold([Entry(K.COLLECT, collect_body() | {"received": received}, blobs=(PAGE_1, PAGE_2))])
        dates = case_dates(case)
        assert 1970 <= dates.received.year < 2100, received
        assert clocks(dates, ITEM, CALENDAR, TODAY)
    for seconds in (*TIMES, -(2**63), 2**63):
        assert 1970 <= china_day(seconds).year < 2100
    assert (moment(2**53 - 1), day(2**53 - 1)) == ("9999-12-31 23:59", "9999-12-31")


# --- what the county says of itself -----------------------------------------------------------------------------------

ACCOUNT = Account(1, "wang", "王", "village_agent", 3, "341882103201", "", "$argon2id$", False, False, 1)
YEAR = CALENDAR.year(2026)
assert YEAR is not None
STAFF = [tree({name: getattr(ACCOUNT, name) for name in Account.__dataclass_fields__})]
ITEMS = [tree({k: v[:2] if isinstance(v, list) else v for k, v in item_to_plain(ITEM).items() if k != "legal_basis"})]
YEARS = [tree(year_to_plain(YEAR))]


@FUZZ
@given(recipe=RECIPES)
def test_a_staff_row_is_an_account_or_nothing(recipe):
    try:
        account = account_from_plain(_plain(STAFF, recipe))
    except (KeyError, ValueError, TypeError):  # what `projector` passes over
        return
    person_of(account)
    assert account_from_plain({name: getattr(account, name) for name in Account.__dataclass_fields__}) == account


@FUZZ
@given(recipe=RECIPES, lenient=st.booleans())
def test_an_item_is_read_or_every_fault_of_it_is_named(recipe, lenient):
    try:
        item = item_from_plain(_plain(ITEMS, recipe), lenient=lenient)
    except CatalogueError:
        return
    assert item_from_plain(item_to_plain(item)) == item


@FUZZ
@given(recipe=RECIPES, lenient=st.booleans())
def test_a_calendar_year_is_read_or_every_fault_of_it_is_named(recipe, lenient):
    try:
        year = year_from_plain(_plain(YEARS, recipe), lenient=lenient)
    except CalendarError:
        return
    assert year_from_plain(year_to_plain(year)) == replace(year)


@FUZZ
@given(recipe=RECIPES, kind=st.sampled_from([*SHAPES, 63, 97, 65_535]))
def test_what_a_body_lacks_is_said_within_bounds(recipe, kind):
    body = _plain([TREES.get(kind, TREES[K.COLLECT])], recipe)
    found = check_body(kind, body)
    assert len(found) <= 20 and all(len(problem.text()) < 300 for problem in found)
    if not found:
        check_blobs(kind, body, (PAGE_1, RESULT))
