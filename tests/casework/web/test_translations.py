"""The English catalogue: whole, exact in its placeholders, with nothing left over, and one word for one thing."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache

import pytest
from babel.messages.pofile import read_po

from casework.web.guides import GUIDES
from casework.web.i18n import LOCALE_FOLDER, load_translations
from tests.casework.web.extracted import ROOT, extracted
from tests.casework.web.test_help_pages import texts

CATALOGUE = LOCALE_FOLDER / "en" / "LC_MESSAGES" / "lianban.po"
PLACEHOLDER = re.compile(r"%\(\w+\)[sd]|%%|\{\w*\}")
NAMED = re.compile("「[^「」]+」")
CJK = re.compile("[\u3000-\u303f\u4e00-\u9fff\uff00-\uffef]")
STAYS = re.compile("【】|王家坞 12 号 王某户|{键: 值}|{问题: 回答}|简体中文|中文")
"""Blanks of the standard wordings, an example of what somebody types, and keys that a file really holds."""


@cache
def catalogue() -> Mapping[str, str]:
    """Text: its English, fuzzy and empty ones as they are."""
    with CATALOGUE.open("rb") as source:
        found = read_po(source, locale="en")
    assert not [one.id for one in found if one.id and one.fuzzy]
    assert not found.obsolete, "run: make translations"
    return {str(one.id): str(one.string or "") for one in found if one.id}


def test_every_text_of_the_sources_has_english() -> None:
    english = catalogue()
    assert sorted(text for text in extracted() if not english.get(text)) == [], (
        "run: make translations, then write them"
    )


def test_no_text_is_left_that_the_sources_have_not() -> None:
    assert sorted(set(catalogue()) - set(extracted())) == [], "run: make translations"


def test_placeholders_are_the_same() -> None:
    wrong = {
        text: english
        for text, english in catalogue().items()
        if sorted(PLACEHOLDER.findall(text)) != sorted(PLACEHOLDER.findall(english))
    }
    assert wrong == {}


def test_a_guide_names_the_same_buttons_in_english() -> None:
    english = catalogue()
    for guide in GUIDES.values():
        for text in texts(guide):
            assert sorted(NAMED.findall(text)) == sorted(NAMED.findall(english[text])), text


def test_english_holds_no_chinese() -> None:
    guides = {text for guide in GUIDES.values() for text in texts(guide)}
    left = {
        text: english
        for text, english in catalogue().items()
        if CJK.search(STAYS.sub("", NAMED.sub("", english) if text in guides else english))
    }
    assert left == {}


def glossary() -> list[tuple[str, str]]:
    """The word pairs of docs/translation.md."""
    rows = re.findall(
        r"^\| ([^|]+) \| ([^|]+) \|", (ROOT / "docs/translation.md").read_text(encoding="utf-8"), re.MULTILINE
    )
    return [(chinese, english) for chinese, english in rows if CJK.search(chinese)]


def test_the_glossary_is_not_empty() -> None:
    assert len(glossary()) > 40


@pytest.mark.parametrize(("chinese", "english"), glossary())
def test_a_word_of_the_glossary_is_said_so_wherever_it_stands_alone(chinese: str, english: str) -> None:
    said = catalogue().get(chinese)
    assert said is None or said.casefold() == english.casefold()


def test_the_catalogue_is_read_by_the_programs() -> None:
    assert load_translations("en").gettext("登录") == catalogue()["登录"] == "Sign in"
