"""What people hand over as files: catalogues, calendars, regions, intake lines; and password strings of the log."""

from __future__ import annotations

import json
import tempfile
import tracemalloc
from collections import Counter
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from nacl.pwhash import argon2id

from casework.accounts import canonical_login, canonical_password, password_problems
from casework.catalogue import BUILT_IN_CATALOGUE, CatalogueError, load_catalogue, parse_catalogue
from casework.errors import BadInput
from casework.example_intake import example_intake_line
from casework.identity import birth_date, mask_id, mask_name, mask_phone
from casework.intake import Intake, Stamp, checked, collect_body
from casework.intake_code import mint
from casework.intake_code import parse as parse_code
from casework.passwords import hash_password, verify_password
from casework.regions import BUILT_IN_REGIONS, RegionError, load_regions
from casework.workdays import BUILT_IN_CALENDAR, CalendarError, load_calendar
from node.intake_file import LINE_BYTES_MAX, _claims, _parse, lines_of
from sync_protocol import canonical
from tests.fuzz.spoil import RECIPES, spoiled_bytes

FUZZ = settings.get_profile("fuzz")
TENTH = settings.get_profile("fuzz-tenth")
ITEM = load_catalogue().get("elder_allowance")

# --- YAML and CSV -------------------------------------------------------------------------------------------------

ODD = st.sampled_from([
    "2026-13-45", "2026-01-01", "0b_", "0x", "1:99:99", "9" * 5_000, ".inf", ".nan", "~", "yes", "[]", "{}",
    "!!python/object:os.system x", "!!binary x", "&a [*a]", "*nobody", '"\\ud800"', '"\\0"', "'", '"', "|\n  x",
    "? [a]\n: b", "<<: 1", "<<: {a: 1}", "!!set {a}", "[" * 50, "[" * 600, "{a: " * 600, "- " * 600, "\t",
    "%YAML 9.9\n---", "---\n---", "...", "\x85", "\ufeff", "\x7f", "张" * 300, "!!timestamp x", "!!int x", "!!int ''",
    "!!float x", "-1", "1e400", "!!omap [a]", "!!pairs [a]", "2026-02-30T25:61:61Z", "!!null x", "!!bool x",
])  # fmt: skip
_RAW = yaml.safe_load(BUILT_IN_CATALOGUE.read_text("utf-8"))
_SMALL = {k: v[:1] if isinstance(v, list) else v for k, v in _RAW["items"][0].items()}
_CITED = {key: value for key, value in _RAW["sources"].items() if f"{key}" in str(_SMALL)}
CATALOGUE = yaml.safe_dump({"format": 1, "sources": _CITED, "items": [_SMALL]}, allow_unicode=True)
CALENDAR = BUILT_IN_CALENDAR.read_text("utf-8")[:900].rsplit("\n", 1)[0] + "\n"
REGIONS = "\n".join((BUILT_IN_REGIONS / "341882.csv").read_text("utf-8").splitlines()[:6]) + "\n"


@st.composite
def texts(draw: st.DrawFn, good: str) -> str:
    """The file with a word put in the place of another, at the end of a line or in between; or spoiled bytes."""
    at = draw(st.integers(0, 2**16)) % len(good)
    match draw(st.integers(0, 4)):
        case 0:
            return spoiled_bytes([good.encode()], draw(RECIPES)).decode("utf-8", "replace")
        case 1:
            return good[:at] + draw(ODD) + good[at:]
        case 2:
            return draw(ODD)
        case _:
            line = good.find("\n", at)
            colon = good.rfind(":", 0, line) if line > 0 else -1
            return good[: colon + 1] + " " + draw(ODD) + good[line:] if colon > 0 else good


def _file(text: str) -> Path:
    path = Path(tempfile.gettempdir()) / "lianban-fuzz-given"
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    return path


@TENTH
@given(text=texts(CATALOGUE))
def test_a_catalogue_is_read_or_every_problem_of_it_is_named(text):
    try:
        assert len(parse_catalogue(text)) >= 1
    except CatalogueError:
        pass


@TENTH
@given(text=texts(CALENDAR))
def test_a_calendar_is_read_or_every_problem_of_it_is_named(text):
    try:
        assert load_calendar(_file(text)).to_plain() is not None
    except CalendarError:
        pass


@FUZZ
@given(text=texts(REGIONS), wide=st.sampled_from([0] * 40 + [200_000]))
def test_a_region_file_is_read_or_every_problem_of_it_is_named(text, wide):
    try:
        tree = load_regions(_file(text + '"' * bool(wide) + "x" * wide))
    except RegionError:
        return
    assert all(tree.path_name(region.code) for region in tree)


ROOTS = [
    "",
    "a",
    "[]",
    "5",
    "format: 1",
    "format: 1\nyears: 5",
    "format: 1\nyears: {a: 1}",
    "format: 1\nitems: 5",
]
ROOTS += [
    "format: 1\nyears: [2026-13-45]",
    "a: 0b_",
    "[" * 900,
    "a: " + "9" * 5_000,
    "format: 1\nitems: [{note: '\\ud800'}]",
]


@pytest.mark.parametrize("text", ROOTS)
def test_files_that_are_yaml_of_something_else(text):
    with pytest.raises(CatalogueError):
        parse_catalogue(text)
    with pytest.raises(CalendarError):
        load_calendar(_file(text))


def test_texts_that_cannot_be_encoded_are_a_problem_of_the_item():
    for odd in ('"\\ud800"', '"a\\udfffb"'):
        with pytest.raises(CatalogueError):
            parse_catalogue(CATALOGUE.replace("note: ''", f"note: {odd}").replace("office: ", f"office: {odd} #"))


def test_a_field_of_a_region_file_that_no_reader_takes():
    with pytest.raises(RegionError):
        load_regions(_file(REGIONS + '"' + "x" * 200_000))


# --- intake lines -------------------------------------------------------------------------------------------------

LINE = example_intake_line(ITEM)
VALUES = st.one_of(
    st.none(), st.booleans(), st.floats(), st.integers(), st.integers(10**300, 10**301), st.text(max_size=9),
    st.sampled_from(["", "\ud800", "\0", "x" * 5_000, "2026-02-30", "９", "1" * 17, "\u202e", "张" * 101]),
    st.lists(st.integers(), max_size=2), st.dictionaries(st.text(max_size=3), st.integers(), max_size=2),
    st.builds(lambda n: json.loads("[" * n + "]" * n), st.sampled_from([5, 60, 400])),
)  # fmt: skip
PATHS = [(key,) for key in [*LINE, "new"]] + [("applicant", k) for k in [*LINE["applicant"], "new"]]
PATHS += [("form", k) for k in [*LINE["form"], "new", "new2"]] + [("materials", 0), ("materials", 0, "name")]
PATHS += [("materials", 0, "seen"), ("materials", 0, "file")]


@st.composite
def lines(draw: st.DrawFn) -> bytes:
    """A line with some values changed, and perhaps its bytes too."""
    case: dict[str, Any] = json.loads(json.dumps(LINE))
    for _ in range(draw(st.sampled_from([0, 1, 1, 2]))):
        *way, last = PATHS[draw(st.integers(0, len(PATHS) - 1))]
        place: Any = case
        for step in way:
            try:
                place = place[step]
            except (TypeError, KeyError, IndexError):
                break
        if isinstance(place, dict) or (isinstance(place, list) and isinstance(last, int) and last < len(place)):
            place[last] = draw(VALUES)
    data = json.dumps(case, ensure_ascii=draw(st.booleans())).encode("utf-8", "surrogatepass")
    return spoiled_bytes([data], draw(RECIPES)) if draw(st.booleans()) else data


seen: Counter[str] = Counter()


@FUZZ
@given(line=lines())
def test_an_intake_line_is_a_case_or_problems_in_words(line):
    try:
        case = _parse(line)
        claims = _claims(case.get("materials", []))
        intake = Intake(
            case.get("applicant", {}), case.get("form", {}), case.get("household"), case["ref"], tuple(claims)
        )
        checked(ITEM, intake, day=date(2026, 11, 20), complete=False)
        checked(ITEM, intake, day=date(2026, 11, 20), complete=True)
        body, _ = collect_body(ITEM, intake, Stamp("village", "c", "2026-11-20"))
    except BadInput as error:
        problems = error.problems
    else:
        problems = ()
        assert canonical.pack(body)
    seen["refused" if problems else "read"] += 1
    assert all(problem.text().encode() and problem.field.encode() is not None for problem in problems)


def test_lines_of_both_kinds_were_met():
    if not seen:
        test_an_intake_line_is_a_case_or_problems_in_words()
    assert seen["read"] > 10 and seen["refused"] > 10, seen


@pytest.mark.parametrize(
    "text", ["[" * 100_000, '{"a":' * 100_000, "9" * 10_000, "NaN", "-Infinity", '"\\ud800"', "\xff", "{}"]
)
def test_lines_that_are_json_of_something_else(text):
    with pytest.raises(BadInput):
        _parse(text.encode("latin-1"))


@TENTH
@given(
    parts=st.lists(
        st.sampled_from([b"a", b"\n", b"\r", b" \n", b"\0", b"x" * 1_000, b"y" * (LINE_BYTES_MAX + 5)]), max_size=6
    )
)
def test_a_file_is_cut_into_lines_of_bounded_length(parts):
    path = Path(tempfile.gettempdir()) / "lianban-fuzz-lines"
    data = b"".join(parts)
    path.write_bytes(data)
    tracemalloc.start()
    found = []
    for number, line in lines_of(path):
        assert len(line) <= LINE_BYTES_MAX + 1
        found.append((number, line[:LINE_BYTES_MAX]))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    expected = [(n, line + b"\n") for n, line in enumerate(data.split(b"\n"), 1) if line.strip()]
    assert [n for n, _ in found] == [n for n, _ in expected]
    assert all(
        line.rstrip(b"\n") == whole[:LINE_BYTES_MAX].rstrip(b"\n")
        for (_, line), (_, whole) in zip(found, expected, strict=True)
    )
    assert peak < 4 * LINE_BYTES_MAX + 7 * LINE_BYTES_MAX


# --- single texts -------------------------------------------------------------------------------------------------


@FUZZ
@given(text=st.text(max_size=40), login=st.text(max_size=8))
def test_single_texts_are_judged_without_a_fault(text, login):
    for mask in (mask_id, mask_name, mask_phone):
        assert len(mask(text)) <= max(len(text), 6)
    birth_date(text)
    password_problems(text, login)
    assert canonical_login(canonical_login(text)) == canonical_login(canonical_login(canonical_login(text)))
    assert canonical_password(text) is not None
    try:
        parse_code(text)
    except BadInput:
        pass


CODE = mint("341882101201", 17, 0, date(2026, 11, 20), 7)


@FUZZ
@given(recipe=RECIPES)
def test_an_intake_code_with_a_fault_in_it_is_refused_in_words(recipe):
    text = spoiled_bytes([CODE.encode(), parse_code(CODE).pretty().encode()], recipe).decode("latin-1")
    try:
        code = parse_code(text)
    except BadInput:
        return
    assert parse_code(code.text) == code and len(code.text) == 28


SALT_AND_HASH = "c2FsdHNhbHRzYWx0c2FsdA$" + "A" * 43
COSTS = [
    "m=8,t=1,p=1", "m=4194304,t=1,p=1", "m=4294967295,t=4294967295,p=1", "m=8,t=1000000,p=1", "m=8,t=99,p=1",
    "m=65536,t=3,p=4", "m=1,t=0,p=0", "m=00000008,t=1,p=1", "m=262145,t=1,p=1", "m=８,t=1,p=1",
]  # fmt: skip


@TENTH
@given(recipe=RECIPES, cost=st.sampled_from(COSTS))
def test_a_password_string_of_the_log_belongs_to_no_password_unless_it_is_whole(recipe, cost):
    """A station writes the strings of its own people, and the county looks at them when such a name signs in there."""
    whole = f"$argon2id$v=19${cost}${SALT_AND_HASH}".encode()
    asked: list[int] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(argon2id, "verify", lambda stored, password: asked.append(1))
        verify_password("x", spoiled_bytes([whole], recipe).decode("utf-8", "replace"))
    assert not asked or cost in (COSTS[0], COSTS[7]) or recipe[1:]


@pytest.mark.parametrize("cost", COSTS[1:7] + COSTS[8:])
def test_a_string_that_asks_for_gigabytes_or_minutes_is_not_looked_at(cost, monkeypatch):
    monkeypatch.setattr(argon2id, "verify", lambda stored, password: pytest.fail("looked at"))
    assert verify_password("x", f"$argon2id$v=19${cost}${SALT_AND_HASH}") is False


def test_a_password_of_today_and_of_tomorrow_is_looked_at():
    assert verify_password("x", hash_password("x", passes=1, memory_bytes=8192))
    assert not verify_password("y", hash_password("x", passes=4, memory_bytes=16 * 8192))
