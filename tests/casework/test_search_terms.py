"""Any part of a name, and the end of any number, leads to the case through its terms."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from casework.search_terms import NAME_CHARACTERS, TERM_CHARACTERS, sought, terms_of

NAMES = st.text(st.characters(exclude_categories=("Cs",)), min_size=1, max_size=80)


@given(NAMES, st.data())
def test_any_part_of_a_name_is_found(name: str, data: st.DataObject) -> None:
    plain = " ".join(name.split()).casefold()[:NAME_CHARACTERS].strip()
    if not plain:
        return
    first = data.draw(st.integers(0, len(plain) - 1))
    part = plain[first : data.draw(st.integers(first + 1, len(plain)))]
    if sought(part).name:
        assert sought(part).piece in terms_of(plain, ())


@given(st.text("0123456789X", min_size=4, max_size=18), st.integers(4, 18))
def test_how_a_number_ends_is_found(number: str, length: int) -> None:
    tail = number[-length:]
    if any(char.isdigit() for char in tail):
        assert sought(tail.lower()).number == tail
        assert sought(tail).tail in terms_of("", (number,))


@given(NAMES, st.lists(st.text(max_size=30), max_size=3))
def test_terms_fit_their_column_and_are_few(name: str, numbers: list[str]) -> None:
    terms = terms_of(name, numbers)
    assert all(0 < len(term) <= TERM_CHARACTERS for term in terms)
    assert len(terms) <= 3 * NAME_CHARACTERS + len(numbers)


def test_a_name_of_three_characters_has_six_terms_and_a_number_one() -> None:
    assert terms_of("王小明", ("34252319500101001X", "AB-12 34", "12")) == {
        "王", "小", "明", "王小", "小明", "王小明", "#001X", "#1234",
    }  # fmt: skip


def test_letters_are_no_number_and_spaces_do_not_count() -> None:
    assert sought("张 三").number == sought("张三12345").number == sought("abcd").number == sought("123").number == ""
    assert sought(" 12-3 4x ").number == "1234X"
    assert sought("  Li   Ming ").name == "li ming" == sought("LI MING").name
