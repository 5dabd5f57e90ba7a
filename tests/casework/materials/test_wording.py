from __future__ import annotations

import pytest

from casework.materials.rules import MIB, Fault
from casework.materials.wording import problem_for, shown_name


@pytest.mark.parametrize("fault", list(Fault))
def test_every_fault_names_the_file_the_reason_and_the_remedy(fault: Fault) -> None:
    problem = problem_for(fault, name="身份证正面.jpg", field="idcard")
    assert problem.field == "idcard"
    assert problem.message.startswith("「身份证正面.jpg」") and len(problem.message) > 14
    assert problem.remedy
    assert "{" not in problem.text()


def test_the_limit_that_was_passed_is_the_one_named() -> None:
    assert "5 MB" in problem_for(Fault.TOO_BIG, name="a", field="f", limit_bytes=5 * MIB).message


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("C:\\fakepath\\户口本.png", "户口本.png"),
        ("../../etc/passwd", "passwd"),
        ("a\u202egpj.exe", "agpj.exe"),
        ("x\n\x1b[31m.jpg", "x[31m.jpg"),
        ("\ud800.jpg", ".jpg"),
        ("", "未命名文件"),
        ("𠮷·买买提.jpg", "𠮷·买买提.jpg"),
    ],
)
def test_a_client_name_is_made_safe_to_print(name: str, shown: str) -> None:
    assert shown_name(name) == shown


def test_a_long_name_keeps_its_start_and_its_extension() -> None:
    shown = shown_name("长" * 300 + ".jpeg")
    assert len(shown) == 60 and shown.startswith("长长") and shown.endswith("….jpeg".replace("…", "长长"))
