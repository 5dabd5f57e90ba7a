"""The alert rules: promtool's own tests of them, and that they speak of what the hub really shows."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from casework.web.station_signs import CERTIFICATE_NEAR_SECONDS, CLOCK_WRONG_SECONDS
from hub.metrics import HubMetrics
from hub.pages import HUB_NAV
from sync_protocol.errors import SyncError
from tests.deploy.unit_files import FOLDER as UNITS
from tests.deploy.unit_files import settings

FOLDER = Path(__file__).resolve().parents[2] / "deploy" / "prometheus"
_OF_PROMETHEUS = {"up", "ALERTS"}
_WORDS = {
    "abs", "absent", "and", "avg", "by", "count", "hour", "increase", "job", "max", "min", "on", "or", "sum", "time",
    "node", "tier", "code",
}  # fmt: skip


def promtool(*words: str) -> subprocess.CompletedProcess[str]:
    program = shutil.which("promtool")
    assert program, "these tests check alert rules with promtool: apt-get install prometheus"
    return subprocess.run(
        [program, *words], cwd=FOLDER, capture_output=True, text=True, check=False, env={"HOME": "/"}, timeout=60
    )


def _loaded(name: str) -> Any:
    return yaml.safe_load((FOLDER / name).read_text(encoding="utf-8"))


def _rules() -> list[dict[str, Any]]:
    return [rule for group in _loaded("lianban-rules.yml")["groups"] for rule in group["rules"]]


def _named(text: str) -> set[str]:
    """The metrics that an expression names."""
    bare = re.sub(r'"[^"]*"|\{[^}]*\}|\[[^\]]*\]', " ", text)
    return set(re.findall(r"\b[A-Za-z_]\w*", bare)) - _WORDS


def _shown() -> dict[str, set[str]]:
    """What the hub shows: sample names with their labels."""
    metrics, found = HubMetrics(), {}
    for collector, names in metrics.registry._collector_to_names.items():
        for name in names:
            found[name] = set(collector._labelnames)  # type: ignore[attr-defined]
    return found


@pytest.mark.parametrize(
    "words",
    [
        ("check", "config", "prometheus.yml"),
        ("check", "rules", "lianban-rules.yml"),
        ("test", "rules", "rules_test.yml"),
    ],
    ids=" ".join,
)
def test_promtool_is_content(words: tuple[str, ...]) -> None:
    done = promtool(*words)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "FAILED" not in done.stdout and "no rules" not in done.stdout


def test_every_metric_and_label_that_a_rule_names_is_shown_by_the_hub() -> None:
    shown = _shown()
    assert {"cases_due", "sync_peer_held_items", "sync_requests_refused_total"} <= set(shown)
    for rule in _rules():
        named = _named(rule["expr"])
        assert named and named <= set(shown) | _OF_PROMETHEUS, (rule["alert"], named - set(shown))
        for name, labels in re.findall(r"(\w+)\{([^}]*)\}", rule["expr"]):
            if name not in _OF_PROMETHEUS:
                assert set(re.findall(r"(\w+)[=!~]+", labels)) <= shown[name], rule["alert"]
    for series in re.findall(r"series: '(\w+)", (FOLDER / "rules_test.yml").read_text(encoding="utf-8")):
        assert series in shown or series in _OF_PROMETHEUS, series


def test_every_alert_is_shown_to_fire_and_to_stay_silent() -> None:
    fires, silent = set[str](), set[str]()
    for test in _loaded("rules_test.yml")["tests"]:
        for one in test.get("promql_expr_test", ()):
            (name,) = re.findall(r'alertname="(\w+)"', one["expr"])
            (fires if one.get("exp_samples") else silent).add(name)
            others = {series["series"] for series in test["input_series"]}
            if len(others) > 1 and one.get("exp_samples"):
                silent.add(name)  # exact: what else there is does not fire
        for one in test.get("alert_rule_test", ()):
            (fires if one.get("exp_alerts") else silent).add(one["alertname"])
    names = {rule["alert"] for rule in _rules()}
    assert (fires, silent) == (names, names)


def test_every_alert_says_in_chinese_what_happened_what_is_safe_and_what_to_do() -> None:
    pages = {entry.label for entry in HUB_NAV}
    for rule in _rules():
        assert set(rule["annotations"]) == {"summary", "safe", "action"}, rule["alert"]
        assert rule["labels"]["severity"] in ("critical", "warning")
        for text in rule["annotations"].values():
            assert re.search(r"[\u4e00-\u9fff]{4}", text) and text.endswith("。"), text
            assert set(re.findall(r"「(.*?)」页", text)) <= pages | {"今日到期"}, text


def test_limits_are_those_of_the_pages() -> None:
    rules = {rule["alert"]: rule["expr"] for rule in _rules()}
    assert f"> {CLOCK_WRONG_SECONDS}" in rules["ClockSkew"]
    assert f"/ 86400 < {CERTIFICATE_NEAR_SECONDS // 86_400}" in rules["CertExpiry"]
    codes = {cls.code for cls in _all(SyncError)}
    (left_out,) = re.findall(r'code!~"([^"]*)"', rules["RejectSpike"])
    assert set(left_out.split("|")) <= codes


def _all(root: type[SyncError]) -> list[type[SyncError]]:
    return [root, *(one for cls in root.__subclasses__() for one in _all(cls))]


def test_the_hub_is_asked_where_its_unit_lets_it_answer() -> None:
    (command,) = settings("lianban-hub.service")["ExecStart"]
    words = shlex.split(command)
    (job,) = _loaded("prometheus.yml")["scrape_configs"]
    assert job["job_name"] == "lianban-hub" and UNITS.exists()
    assert job["static_configs"][0]["targets"] == [words[words.index("--admin-listen") + 1]]
