"""Any part of a name, and the end of any number, leads to the case through its terms."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from casework.initials import readings, sought_by
from casework.search_terms import INITIALS, NAME_CHARACTERS, TERM_CHARACTERS, sought, terms_of
from deploy.initials import TABLE, table

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
    pieces_of_initials = sum(3**n for n in INITIALS)
    assert len(terms) <= (3 + pieces_of_initials) * NAME_CHARACTERS + len(numbers)


def test_a_name_of_three_characters_has_six_terms_and_a_number_one() -> None:
    assert terms_of("李小国", ("34252319500101001X", "AB-12 34", "12")) == {
        "李", "小", "国", "李小", "小国", "李小国", "~lx", "~xg", "~lxg", "#001X", "#1234",
    }  # fmt: skip


def test_letters_are_no_number_and_spaces_do_not_count() -> None:
    assert sought("张 三").number == sought("张三12345").number == sought("abcd").number == sought("123").number == ""
    assert sought(" 12-3 4x ").number == "1234X"
    assert sought("  Li   Ming ").name == "li ming" == sought("LI MING").name


HAN = st.text(st.characters(min_codepoint=0x4E00, max_codepoint=0x9FA5), min_size=2, max_size=12)
MIXED = st.text(st.sampled_from("仇单尉迟万俟王小明重阳吐尔逊·𠮷A 1"), min_size=2, max_size=12)


@given(HAN | MIXED, st.data())
def test_any_two_or_more_initials_in_any_reading_lead_to_the_name(name: str, data: st.DataObject) -> None:
    letters = readings(name)
    if len(letters) < 2:
        return
    first = data.draw(st.integers(0, len(letters) - 2))
    last = data.draw(st.integers(first + 2, len(letters)))
    typed = "".join(data.draw(st.sampled_from(one)) for one in letters[first:last])
    wanted = sought(data.draw(st.sampled_from([typed, typed.upper(), " ".join(typed)]))).initials
    assert wanted and set(wanted) <= terms_of(name, ())
    assert sought_by(name, typed)


@given(HAN, st.text("abcdefghijklmnopqrstuvwxyz", min_size=2, max_size=4))
def test_other_letters_do_not(name: str, typed: str) -> None:
    assert (set(sought(typed).initials) <= terms_of(name, ())) == sought_by(name, typed)


def test_surnames_are_found_by_how_they_are_read_and_by_how_everybody_reads_the_character() -> None:
    for name, ways in {
        "仇英": ("qy", "cy"), "单雄信": ("sxx", "dxx"), "解缙": ("xj", "jj"), "区小明": ("oxm", "qxm"),
        "查良镛": ("zly", "cly"), "曾国藩": ("zgf", "cgf"), "翟天": ("zt", "dt"), "乐毅": ("yy", "ly"),
        "尉迟恭": ("ycg", "wcg"), "万俟卨": ("mqx",), "长孙无忌": ("zswj", "cswj"), "欧阳修": ("oyx", "yx"),
        "阿卜杜热合曼·吐尔逊": ("abdrhmtex", "tex", "mt"),
    }.items():  # fmt: skip
        for typed in ways:
            assert set(sought(typed).initials) <= terms_of(name, ()), (name, typed)
    assert not sought("w").initials and not sought("王x").initials and not sought("ab1").initials


def test_the_table_of_initials_is_what_the_library_says() -> None:
    assert TABLE.read_text(encoding="utf-8") == table()
