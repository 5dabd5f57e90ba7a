"""SPEC.md says what the code does, as far as a test can hold it to that."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from sync_protocol import limits
from sync_protocol.crypto import domain
from sync_protocol.errors import SyncError, by_code
from sync_protocol.order import AWAITS, BASIS_REFUSED, DUPLICATE, REVOKED
from sync_protocol.server import status_of
from tests.sync_protocol.spec_tables import SPEC, UNITS, classes, filled, values

TEXT = SPEC.read_text(encoding="utf-8")
SOURCES = sorted(Path(limits.__file__).parent.rglob("*.py"))
PREFIXES = {"domain": "", "digest": "", "mac": "", "derive": "derive/"}


def test_the_tables_are_those_of_the_code():
    assert filled(TEXT) == TEXT, "run: python -m tests.sync_protocol.spec_tables"


def test_every_bound_has_a_meaning_and_every_meaning_a_bound():
    assert set(UNITS) == set(values())


def _row(first: str) -> list[str]:
    rows = [line for line in TEXT.splitlines() if line.startswith(f"| `{first}` |")]
    assert len(rows) == 1, first
    return [cell.strip() for cell in rows[0].strip("|").split("|")]


@pytest.mark.parametrize("cls", list(classes()), ids=lambda cls: cls.code)
def test_every_error_is_documented_with_its_verdict(cls):
    assert _row(cls.code)[1:4] == [cls.verdict, str(status_of(cls)), cls.__name__]


def test_codes_are_unique_and_lead_back_to_their_class():
    codes = [cls.code for cls in classes()]
    assert len(codes) == len(set(codes))
    assert all(by_code(cls.code) is cls for cls in classes())
    assert by_code("of a later version").code == "refused"
    assert issubclass(by_code("of a later version"), SyncError)


def test_the_hubs_words_are_documented():
    section = TEXT.split("## 12.")[1].split("## 13.")[0]
    for word in (AWAITS, BASIS_REFUSED, DUPLICATE, REVOKED, "not_for_us"):
        assert f"`{word}`" in section


def _names(path: Path) -> set[str]:
    """The domains that a module uses: first text argument of domain(), digest(), mac(), second of derive()."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in PREFIXES:
            arguments = node.args[1 if node.func.id == "derive" else 0 :]
            if arguments and isinstance(arguments[0], ast.Constant) and isinstance(arguments[0].value, str):
                found.add(PREFIXES[node.func.id] + arguments[0].value)
    return found


def test_every_domain_is_documented_once_and_every_documented_one_is_used():
    used = set().union(*(_names(path) for path in SOURCES)) | {"sign-hub-key", "sign-certificate"}
    section = TEXT.split("### 4.2")[1].split("### 4.3")[0]
    documented = re.findall(r"^\| `([a-z/-]+)` \|", section, re.MULTILINE)
    assert len(documented) == len(set(documented))
    assert set(documented) == used


def test_no_domain_begins_another():
    section = TEXT.split("### 4.2")[1].split("### 4.3")[0]
    whole = [domain(name) for name in re.findall(r"^\| `([a-z/-]+)` \|", section, re.MULTILINE)]
    assert not any(one != two and two.startswith(one) for one in whole for two in whole)
    assert domain("export").hex() in TEXT


def test_every_section_that_code_cites_exists():
    headings = set(re.findall(r"^#{2,3} (\d+(?:\.\d+)?)", TEXT, re.MULTILINE))
    for path in SOURCES:
        for cited in re.findall(r"SPEC(?:\.md)?(?: section)? (\d+(?:\.\d+)?)", path.read_text(encoding="utf-8")):
            assert cited in headings, (path.name, cited)
    for cited in re.findall(r"\((\d+\.\d+)\)", TEXT):
        assert cited in headings, cited


def test_every_bound_that_is_named_exists():
    named = set(re.findall(r"`([A-Z]+_[A-Z_]+)`", TEXT))
    assert named <= set(values())
