"""A text with values is Chinese by itself and another language through a catalogue."""

from __future__ import annotations

import copy
import pickle

from casework.errors import BadInput, NotAllowed, Problem
from casework.texts import N_, joined, say, translate

ENGLISH = {
    "还有 {n} 页没有到，{who}": "{n} pages have not come, {who}",
    "请找{names}": "Please ask {names}",
    "、": ", ",
    "乡镇": "the township",
    "县级": "the county",
    "": "header of the catalogue",
}


def english(text: str) -> str:
    return ENGLISH.get(text, text)


def test_a_text_reads_as_chinese_and_is_an_ordinary_string() -> None:
    said = say("还有 {n} 页没有到，{who}", n=3, who="乡镇")
    assert said == "还有 3 页没有到，乡镇"
    assert str(said) == said
    assert type(str(said)) is type(said)
    assert {said: 1}["还有 3 页没有到，乡镇"] == 1


def test_a_text_is_said_in_another_language_with_its_values() -> None:
    said = say("还有 {n} 页没有到，{who}", n=3, who=N_("乡镇"))
    assert translate(said, english) == "3 pages have not come, the township"
    names = say("请找{names}", names=joined("、", ["乡镇", "县级", "王某"]))
    assert names == "请找乡镇、县级、王某"
    assert translate(names, english) == "Please ask the township, the county, 王某"


def test_a_plain_string_is_looked_up_and_nothing_stays_nothing() -> None:
    assert translate("乡镇", english) == "the township"
    assert translate("王家坞", english) == "王家坞"
    assert translate("", english) == ""
    assert translate(joined("、", []), english) == ""


def test_a_text_that_the_catalogue_lacks_stays_chinese() -> None:
    assert translate(say("第 {n} 条", n=1), english) == "第 1 条"


def test_braces_in_a_value_are_only_characters() -> None:
    assert translate(say("请找{names}", names="{n}"), english) == "Please ask {n}"


def test_a_text_survives_an_error_a_copy_and_a_pickle() -> None:
    said = say("请找{names}", names="乡镇")
    assert translate(str(NotAllowed(said)), english) == "Please ask the township"
    whole = Problem("x", said, N_("县级")).text()
    assert whole == "请找乡镇。县级"
    assert str(BadInput([Problem("x", said)])) == "请找乡镇"
    for again in (copy.deepcopy(said), pickle.loads(pickle.dumps(said))):  # noqa: S301 - our own bytes
        assert translate(again, english) == "Please ask the township"
