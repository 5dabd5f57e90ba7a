"""What people are told of a stick: each refusal has a remedy, each part that was left out is named."""

from __future__ import annotations

import errno

import pytest

from casework.web.courier_words import Carried, disk_trouble, file_stamp, refused

WHOLE = Carried("石狮村", 1_790_000_000, 12, 3, 5, 2, 0)


def test_the_outcome_names_what_came_and_what_was_left() -> None:
    assert len(WHOLE.lines()) == 3 and "12 条，其中新收 3 条" in WHOLE.lines()[1]
    part = Carried("石狮村", 0, 12, 3, 5, 2, 4, (("gap", "x"), ("gap", "y"), ("fork", "z")))
    said = "\n".join(part.lines())
    assert "4 件材料没有对应的记录" in said and "3 组记录没有收下（gap、fork）" in said and "--everything" in said
    assert "--everything" not in "\n".join(Carried("", 0, 1, 0, 0, 0, 0, (("fork", ""),)).lines())


def test_the_outcome_goes_through_gettext() -> None:
    assert WHOLE.lines(lambda text: "X %(entries)s") == ["X 12"] * 3


@pytest.mark.parametrize(
    "code", ["wrong_deployment", "wrong_reader", "not_your_parent", "too_large", "bad_signature", "?"]
)
def test_every_refusal_has_a_remedy(code: str) -> None:
    (problem,) = refused(code).problems
    assert problem.field == "bundle" and problem.message and problem.remedy


def test_a_stick_for_somebody_else_says_for_whom() -> None:
    assert "石狮村" in refused("wrong_reader", "石狮村").problems[0].message
    assert "换机前" in refused("wrong_reader", "石狮村", earlier_machine=True).problems[0].message


@pytest.mark.parametrize(
    ("error", "writing", "words"),
    [
        (OSError(errno.ENOSPC, "full"), True, "U盘空间不够"),
        (OSError(errno.EIO, "broken"), True, "写不进U盘"),
        (FileExistsError("x"), True, "同名文件"),
        (OSError(errno.ENOSPC, "full"), False, "本机磁盘满了"),
        (OSError(errno.EIO, "broken"), False, "读不出U盘包"),
    ],
)
def test_a_disk_that_fails_is_told_apart(error: OSError, writing: bool, words: str) -> None:
    (problem,) = disk_trouble(error, writing=writing).problems
    assert words in problem.message and problem.remedy


def test_a_files_name_carries_beijing_time_to_the_second() -> None:
    assert file_stamp(1_790_000_001) == "20260921-221321"
