"""Every Chinese text of the programs is marked for translation, or is of a kind that stays Chinese, with the reason."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
SOURCES = sorted(path for name in ("casework", "node", "hub") for path in (ROOT / name).rglob("*.py"))
CJK = re.compile("[\u3000-\u303f\u4e00-\u9fff\uff00-\uffef]")
MARKS = {"_", "N_", "say"}
"""Their first argument is what the gettext tools extract, so it has to be written out."""

PAPER = "papers are issued in Chinese"
COMMAND = "what a county's administrator reads at the terminal, where no language is chosen"
KEPT = "words that go into the record, as it was written"
STAYS_CHINESE: dict[str, str] = {
    "casework/archive.py": PAPER,
    "casework/paper_decision.py": PAPER,
    "casework/paper_form.py": PAPER,
    "casework/paper_intake.py": PAPER,
    "casework/paper_pdf.py": PAPER,
    "casework/paper_sheet.py": PAPER,
    "casework/web/paper_pages.py": PAPER,
    "casework/web/reason_templates.py": "wordings that become part of papers",
    "casework/message_words.py": "text messages go to applicants, in Chinese",
    "casework/example_intake.py": "made-up data",
    "casework/qr.py": PAPER,
    "casework/catalogue.py": COMMAND,
    "casework/catalogue_format.py": COMMAND,
    "casework/catalogue_rules.py": COMMAND,
    "casework/plain_reader.py": COMMAND,
    "casework/regions.py": COMMAND,
    "casework/scenario_check.py": COMMAND,
    "casework/scenario_format.py": COMMAND,
    "casework/verify_command.py": COMMAND,
    "casework/workdays.py": COMMAND,
    "casework/state_picture.py": "writes pages of docs/",
    "casework/supervised.py": KEPT,
    "casework/supervision.py": KEPT,
    "casework/web/guides/pages.py": "writes pages of docs/",
    "casework/web/listen.py": "said before any page can be shown, so before a language is known",
    "hub/app.py": COMMAND,
    "hub/catalogue_asking.py": COMMAND,
    "hub/catalogue_cli.py": COMMAND,
    "hub/catalogue_publishing.py": COMMAND,
    "hub/catalogue_words.py": COMMAND,
    "hub/cli.py": COMMAND,
    "hub/gateways.py": KEPT,
    "hub/reference_data.py": COMMAND,
    "hub/regions_cli.py": COMMAND,
    "hub/sharing.py": COMMAND,
    "node/cli.py": COMMAND,
    "node/intake_file.py": COMMAND,
}

LITERALS: dict[str, tuple[str, str]] = {
    "casework/clock_table.py": ("_HEAD|_COLUMNS|_limit_cells|_cells|page", "writes docs/clocks.md"),
    "casework/csv_text.py": ("_BEGINS_A_FORMULA", "signs that a spreadsheet obeys"),
    "casework/form_check.py": ("_DATE", "a pattern"),
    "casework/paper_lines.py": ("_NOT_FIRST|_NOT_LAST", "where a line of a paper may not break"),
    "casework/refusals.py": ("page", "writes docs/refusals.md"),
    "casework/scan_text.py": ("_PUNCTUATION", "signs that a scanner gun types"),
    "casework/supervision_rules.py": ("page", "writes docs/supervision.md"),
    "casework/web/looks.py": ("NAMES", "what each language calls itself"),
    "casework/telling.py": ("_.*_words|_reasons", "full stops cut off before the sentence sets its own"),
    "casework/web/help_pages.py": ("_BUTTON", "a pattern"),
    "hub/held.py": ("_opinion", KEPT),
    "hub/county.py": ("read_rules", COMMAND),
    "hub/statistics.py": ("_IN_TEXT|csv_of|csv_name", "the file and the terminal's table are Chinese"),
}
"""File: names of functions and constants whose texts stay Chinese (a pattern), and why."""


def unmarked(source: str, let_be: str = "") -> Iterator[tuple[int, str]]:
    """Line and text of every Chinese literal outside a mark and a docstring; `let_be`: names not looked into."""
    for node in ast.parse(source).body:
        if not (let_be and set(_names(node)) and all(re.fullmatch(let_be, name) for name in _names(node))):
            yield from _walk(node)


def _names(node: ast.stmt) -> Iterator[str]:
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        yield node.name
    targets = node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
    yield from (target.id for target in targets if isinstance(target, ast.Name))


def _walk(node: ast.AST) -> Iterator[tuple[int, str]]:
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
        return  # a docstring
    if isinstance(node, ast.Constant) and isinstance(node.value, str) and CJK.search(node.value):
        yield node.lineno, node.value
    if isinstance(node, ast.JoinedStr):
        yield from ((one.lineno, "N_ in an f-string") for one in ast.walk(node) if _is_mark(one))
    children: list[ast.AST] = list(ast.iter_child_nodes(node))
    if isinstance(node, ast.Call) and _called(node) in MARKS and node.args and isinstance(node.args[0], ast.Constant):
        children.remove(node.args[0])
    for child in children:
        yield from _walk(child)


def _is_mark(node: ast.AST) -> bool:
    """What only marks a text is lost when it is put into another."""
    return isinstance(node, ast.Call) and _called(node) in {"N_", "say", "joined"}


def _called(node: ast.Call) -> str:
    return node.func.id if isinstance(node.func, ast.Name) else ""


def _path(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("path", [path for path in SOURCES if _path(path) not in STAYS_CHINESE], ids=_path)
def test_every_chinese_text_of_a_module_is_marked(path: Path) -> None:
    let_be = LITERALS.get(_path(path), ("", ""))[0]
    assert list(unmarked(path.read_text(encoding="utf-8"), let_be)) == []


def test_the_exceptions_are_needed() -> None:
    for name in [*STAYS_CHINESE, *LITERALS]:
        assert list(unmarked((ROOT / name).read_text(encoding="utf-8"))), name


@pytest.mark.parametrize(
    "source",
    [
        "x = '办件'",
        "x = f'共 {n} 件'",
        "_(f'共 {n} 件')",
        "f(x='办件')",
        "'、'.join(x)",
        "say(N_('办件'), who='县级')",
        "x = f'{N_(\"共\")} {n}'",
    ],
)
def test_the_check_finds_a_bare_text(source: str) -> None:
    assert list(unmarked(source))


@pytest.mark.parametrize(
    "source", ["'''办件'''", "x = N_('办件')", "_('共 {n} 件').format(n=1)", "say('共 {n} 件', n=1)"]
)
def test_the_check_lets_a_marked_text_pass(source: str) -> None:
    assert not list(unmarked(source))
