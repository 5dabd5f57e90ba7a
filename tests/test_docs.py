"""What can be set, measured or typed is documented; a new setting or metric without a line in docs fails here."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

import pytest

from hub.metrics import HubMetrics
from hub.settings import HubSettings
from node.metrics import NodeMetrics
from node.settings import NodeSettings

DOCS = Path(__file__).resolve().parents[1] / "docs"
PAGE = (DOCS / "operations.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("settings", [NodeSettings, HubSettings])
def test_every_setting_is_documented_with_its_default(settings) -> None:
    part = PAGE.split("`lianban-hub serve`:")[settings is HubSettings].split("## Health")[0]
    for field in fields(settings):
        row = next((line for line in part.splitlines() if f"`{field.name}`" in line), None)
        assert row is not None, field.name
        if isinstance(field.default, str | int | float):
            shown = f"{field.default:g}" if isinstance(field.default, float) else str(field.default)
            assert shown in row, row


@pytest.mark.parametrize("metrics", [NodeMetrics, HubMetrics])
def test_every_metric_is_documented(metrics) -> None:
    documented = set(re.findall(r"^\| `([a-z_]+)", PAGE, re.MULTILINE))
    for family in metrics().registry.collect():
        for sample in family.samples:
            if not sample.name.endswith("_created"):
                assert sample.name in documented, sample.name


def test_the_readme_names_files_and_commands_that_exist() -> None:
    root = DOCS.parent
    readme = (root / "README.md").read_text(encoding="utf-8")
    for name in re.findall(r"`((?:sync_protocol|casework|node|hub|deploy|docs|store|tests)/[\w/.-]*)", readme):
        path = name if not name.startswith("store/") else f"sync_protocol/{name}"
        assert (root / path).exists(), name
    for name in re.findall(r"`([a-z_]+\.py)[:`]", readme):
        assert list(root.glob(f"*/{name}")), name
