"""House rules that neither ruff nor import-linter can say. Each failure names the file and the line."""

from __future__ import annotations

import ast
import re
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.scheduling import LONGEST_FIRST

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("sync_protocol", "casework", "node", "hub", "migrations", "deploy")
PROGRAM = ("sync_protocol", "casework", "node", "hub")

MAX_FILE_LINES = 400
MAX_FUNCTION_LINES = 70
VAGUE_NAMES = {"util", "utils", "helper", "helpers", "common", "manager", "managers", "misc"}

# The outermost files: they read the clock, the dice and the environment, and pass them down.
OUTERMOST = {"app.py", "cli.py"}
MAY_READ_ENVIRONMENT = OUTERMOST | {"settings.py"}

# Where a whole loop or request must survive anything. Reason beside each; anywhere else a class is named.
CATCHES_EVERYTHING: dict[str, str] = {
    "casework/web/error_pages.py": "a fault becomes the page that says so, and is logged",
    "casework/materials/child.py": "outermost frame of the child that opens files; decoders raise all sorts",
    "sync_protocol/store/seam.py": "the writer thread hands every failure to the caller that waits for it",
    "sync_protocol/client.py": "local work goes on whatever is wrong with the link; it is logged and tried again",
    "sync_protocol/store/async_store.py": "a commit that failed is told to every caller that waits for it",
}

# Pure rules of the two libraries: values in, values or exceptions out.
PURE_MODULES = (
    "sync_protocol/canonical.py",
    "sync_protocol/certificates.py",
    "sync_protocol/compression.py",
    "sync_protocol/crypto.py",
    "sync_protocol/entries.py",
    "sync_protocol/errors.py",
    "sync_protocol/feeds.py",
    "sync_protocol/goodput.py",
    "sync_protocol/frontier.py",
    "sync_protocol/limits.py",
    "sync_protocol/asking.py",
    "sync_protocol/blobs.py",
    "sync_protocol/custody.py",
    "sync_protocol/enrolment.py",
    "sync_protocol/envelopes.py",
    "sync_protocol/epochs.py",
    "sync_protocol/messages.py",
    "sync_protocol/order.py",
    "sync_protocol/topology.py",
    "sync_protocol/segments.py",
    "sync_protocol/sharing.py",
    "sync_protocol/reports.py",
    "sync_protocol/statements.py",
    "casework/accounts.py",
    "casework/case_facts.py",
    "casework/catalogue_delta.py",
    "casework/changes.py",
    "casework/clock_table.py",
    "casework/csv_text.py",
    "casework/deadlines.py",
    "casework/errors.py",
    "casework/fold.py",
    "casework/judge.py",
    "casework/fold_rules.py",
    "casework/issuing.py",
    "casework/running.py",
    "casework/stage_limits.py",
    "casework/stays.py",
    "casework/supervised.py",
    "casework/supervision.py",
    "casework/telling.py",
    "casework/texts.py",
    "casework/message_words.py",
    "casework/supervision_rules.py",
    "casework/own_rules.py",
    "casework/offers.py",
    "casework/paper_decision.py",
    "casework/paper_form.py",
    "casework/paper_intake.py",
    "casework/paper_lines.py",
    "casework/materials/quad.py",
    "casework/papers.py",
    "casework/policy.py",
    "casework/rated_stages.py",
    "casework/ratings.py",
    "casework/requests.py",
    "casework/scenario.py",
    "casework/case_needs.py",
    "casework/material_check.py",
    "casework/proxy.py",
    "casework/qr.py",
    "casework/scenario_check.py",
    "casework/scan_text.py",
    "casework/scenario_format.py",
    "casework/slips.py",
    "casework/standing_papers.py",
    "casework/states.py",
    "casework/story_mark.py",
    "casework/statistics.py",
    "casework/verifying.py",
    "casework/view_dates.py",
    "casework/web/amounts.py",
    "casework/web/custody_words.py",
    "casework/web/how_words.py",
    "casework/web/page_words.py",
    "casework/web/reason_templates.py",
    "casework/web/trail_words.py",
    "hub/catalogue_asking.py",
    "hub/catalogue_words.py",
    "casework/id_facts.py",
    "node/draft_steps.py",
    "node/keeping_words.py",
    "node/pages/material_rows.py",
    "node/sync_status.py",
    "node/transfer.py",
    "casework/web/link_words.py",
    "casework/web/station_lists.py",
    "node/waiting_words.py",
    "casework/web/station_signs.py",
    "node/draft_pages.py",
)
IMPURE_IMPORTS = {
    "aiohttp", "asyncio", "http", "logging", "os", "pathlib", "random", "requests", "secrets", "socket",
    "sqlalchemy", "sqlcipher3", "sqlite3", "ssl", "structlog", "subprocess", "tempfile", "threading", "time",
    "urllib",
}  # fmt: skip
IMPURE_CALLS = {"open", "print", "input"}
CLOCK_AND_DICE = {
    "time.time", "time.time_ns", "time.monotonic", "time.monotonic_ns", "time.localtime",
    "datetime.now", "datetime.utcnow", "datetime.today", "date.today",
    "datetime.datetime.now", "datetime.datetime.utcnow", "datetime.datetime.today", "datetime.date.today",
    "os.urandom", "os.getrandom", "uuid.uuid1", "uuid.uuid4",
    "nacl.utils.random", "nacl.utils.randombytes_deterministic",
}  # fmt: skip
DICE_MODULES = {"random", "secrets"}


def _sources(*packages: str) -> list[Path]:
    return sorted(path for name in packages for path in (ROOT / name).rglob("*.py"))


def _name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


def _dotted(node: ast.AST) -> str:
    """`a.b.c` for a chain of attributes on a name, else the empty string."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        head = _dotted(node.value)
        return f"{head}.{node.attr}" if head else ""
    return ""


def _imports(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """(line, dotted name) of everything imported; `from a.b import c` gives a.b.c."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield from ((node.lineno, f"{node.module}.{alias.name}") for alias in node.names)


def find_clock_and_dice(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Mentions of the wall clock or of randomness, called or only handed on as a default."""
    for line, name in _imports(tree):
        if name.split(".")[0] in DICE_MODULES or name in CLOCK_AND_DICE:
            yield line, f"imports {name}"
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and _dotted(node) in CLOCK_AND_DICE:
            yield node.lineno, f"uses {_dotted(node)}"


def find_impure_imports(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Modules that reach clocks, files, sockets, databases or logs, and the builtin `open`."""
    for line, name in _imports(tree):
        if name.split(".")[0] in IMPURE_IMPORTS and not name.startswith("urllib.parse."):
            yield line, f"imports {name}"
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in {"open", "print"}:
            yield node.lineno, f"calls {node.func.id}"


def find_environment_reads(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Reads of environment variables, by any of the ways the os module has."""
    wanted = {"os.environ", "os.getenv", "os.environb", "os.getenvb"}
    yield from ((line, f"imports {name}") for line, name in _imports(tree) if name in wanted)
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and _dotted(node) in wanted:
            yield node.lineno, f"reads {_dotted(node)}"


def _raises_on(handler: ast.ExceptHandler) -> bool:
    last = handler.body[-1]
    return isinstance(last, ast.Raise) and last.exc is None


def find_catch_all(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """`except:`, `except Exception`, `except BaseException`, unless they clean up and raise on."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.ExceptHandler) or _raises_on(node):
            continue
        caught = node.type.elts if isinstance(node.type, ast.Tuple) else [node.type]
        if any(kind is None or _dotted(kind) in {"Exception", "BaseException"} for kind in caught):
            yield node.lineno, "catches everything"


def find_star_imports(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """`from x import *`."""
    return ((line, f"imports {name}") for line, name in _imports(tree) if name.endswith(".*"))


def find_long_functions(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Functions longer than MAX_FUNCTION_LINES, decorators and docstring not counted."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            doc = node.body[0] if ast.get_docstring(node, clean=False) is not None else None
            doc_lines = (doc.end_lineno or doc.lineno) - doc.lineno + 1 if doc else 0
            lines = (node.end_lineno or node.lineno) - node.lineno + 1 - doc_lines
            if lines > MAX_FUNCTION_LINES:
                yield node.lineno, f"{node.name} has {lines} lines"


def find_nacl_beyond_passwords(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Uses of nacl other than its password hashing and the errors that this raises."""
    for line, name in _imports(tree):
        if name.split(".")[0] == "nacl" and not name.startswith(("nacl.pwhash", "nacl.exceptions")):
            yield line, f"imports {name}"


Rule = Callable[[ast.Module], Iterator[tuple[int, str]]]


def _breaches(rule: Rule, paths: list[Path]) -> list[str]:
    return [f"{_name(path)}:{line} {what}" for path in paths for line, what in rule(_tree(path))]


def test_clock_and_randomness_come_in_from_the_outermost_files() -> None:
    paths = [p for p in _sources(*PROGRAM) if p.name not in OUTERMOST]
    assert _breaches(find_clock_and_dice, paths) == []


def test_pure_rules_reach_nothing_outside() -> None:
    paths = [ROOT / name for name in PURE_MODULES if (ROOT / name).exists()]
    assert _breaches(find_impure_imports, paths) == []


def test_the_environment_is_read_only_at_the_entry_points() -> None:
    paths = [p for p in _sources(*PROGRAM) if p.name not in MAY_READ_ENVIRONMENT]
    assert _breaches(find_environment_reads, paths) == []


def test_only_outermost_loops_catch_everything() -> None:
    paths = [p for p in _sources(*PACKAGES) if _name(p) not in CATCHES_EVERYTHING]
    assert _breaches(find_catch_all, paths) == []


def test_no_star_imports() -> None:
    assert _breaches(find_star_imports, _sources(*PACKAGES, "bench", "tests")) == []


def test_casework_uses_nacl_for_passwords_only() -> None:
    assert _breaches(find_nacl_beyond_passwords, _sources("casework")) == []


def test_no_function_grew_too_long() -> None:
    # A revision lists tables; cutting it up would not make it clearer.
    paths = [p for p in _sources(*PACKAGES, "bench", "tests") if p.parent.name != "versions"]
    assert _breaches(find_long_functions, paths) == []


def test_an_old_revision_does_not_change_with_the_code() -> None:
    for path in (ROOT / "migrations").glob("*/versions/*.py"):
        lines = [line for line in path.read_text("utf-8").splitlines() if _is_import_line(line)]
        imported = {line.split()[1].split(".")[0] for line in lines}
        assert imported <= {"__future__", "alembic", "sqlalchemy"}, path


def _is_import_line(line: str) -> bool:
    return line.startswith(("import ", "from "))


def test_no_file_grew_too_long() -> None:
    lengths = {_name(p): len(p.read_text(encoding="utf-8").splitlines()) for p in _sources(*PACKAGES, "bench")}
    assert {name: lines for name, lines in lengths.items() if lines > MAX_FILE_LINES} == {}


def test_files_are_named_for_the_work_they_do() -> None:
    paths = [path.relative_to(ROOT) for path in _sources(*PACKAGES, "bench", "tests")]
    words = {path: set(re.split(r"[/_.]", path.as_posix())) & VAGUE_NAMES for path in paths}
    assert {path.as_posix(): found for path, found in words.items() if found} == {}


# Written with brackets so that this file does not find itself.
ELSEWHERE = re.compile(
    r"(?<![\w.])/(?:wor[k]|roo[t]|opt/pyp[i]|opt/wheel[s])/"
    r"|pyp[i]\.org|pythonhoste[d]\.org|npmj[s]\.(?:com|org)|npmmirro[r]|(?:deb|security|snapshot)\.debia[n]\.org"
    r"|proxy\.golan[g]\.org"
)


def _tracked_files() -> list[Path]:
    done = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=False)
    if done.returncode:
        pytest.skip("not a git checkout")
    return [ROOT / name for name in done.stdout.decode().split("\0") if name and (ROOT / name).is_file()]


def test_nothing_names_a_workplace_or_a_registry() -> None:
    found = []
    for path in _tracked_files():
        text = path.read_bytes().decode("utf-8", errors="replace")
        found += [f"{_name(path)}: {match.group()}" for match in ELSEWHERE.finditer(text)]
    assert found == []


# The rules themselves are tested on code that breaks them: a rule that finds nothing is no rule.
BROKEN: list[tuple[Rule, str]] = [
    (find_clock_and_dice, "import time\ndef f(clock=time.time): ..."),
    (find_clock_and_dice, "from datetime import datetime\nnow = datetime.now()"),
    (find_clock_and_dice, "from secrets import token_bytes"),
    (find_clock_and_dice, "from os import urandom"),
    (find_impure_imports, "from aiohttp import web"),
    (find_impure_imports, "import os.path"),
    (find_impure_imports, "open('x')"),
    (find_environment_reads, "import os\nos.environ['X']"),
    (find_environment_reads, "from os import getenv"),
    (find_catch_all, "try: pass\nexcept Exception: pass"),
    (find_catch_all, "try: pass\nexcept (ValueError, BaseException): pass"),
    (find_catch_all, "try: pass\nexcept: pass"),
    (find_star_imports, "from os import *"),
    (find_long_functions, "def f():\n" + "    x = 1\n" * MAX_FUNCTION_LINES),
    (find_nacl_beyond_passwords, "from nacl import signing"),
]


@pytest.mark.parametrize(("rule", "code"), BROKEN)
def test_each_rule_finds_what_it_forbids(rule: Rule, code: str) -> None:
    assert list(rule(ast.parse(code)))


ALLOWED: list[tuple[Rule, str]] = [
    (find_clock_and_dice, "import time\ntime.sleep(1)\nnow = clock.time()"),
    (find_environment_reads, "import os\nos.fsync(3)"),
    (find_catch_all, "try: pass\nexcept (ValueError, KeyError): pass"),
    (find_catch_all, "try: pass\nexcept BaseException:\n    x = 1\n    raise"),
    (find_long_functions, "def f():\n" + "    x = 1\n" * (MAX_FUNCTION_LINES - 1)),
    (find_nacl_beyond_passwords, "from nacl import pwhash\nimport nacl.exceptions"),
]


@pytest.mark.parametrize(("rule", "code"), ALLOWED)
def test_each_rule_leaves_good_code_alone(rule: Rule, code: str) -> None:
    assert list(rule(ast.parse(code))) == []


def test_what_begins_first_in_a_whole_run_is_there() -> None:
    assert [part for part in LONGEST_FIRST if not (ROOT / part).exists()] == []
