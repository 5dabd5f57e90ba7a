"""Intake files for `lianban-node intake`: good lines, and the scans they name."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

from casework.catalogue import load_catalogue
from casework.example_intake import example_citizen_id, example_intake_line
from casework.service_item import ServiceItem
from deploy.demo import scans

ITEM = "elder_allowance"
SCANNED = "身份证"


@cache
def item() -> ServiceItem:
    """The item that all lines are for; reading the catalogue takes half a second."""
    return load_catalogue().get(ITEM)


def line(serial: int, *, files: tuple[str, ...] = (), **more: Any) -> dict[str, Any]:
    """A line that is accepted; `files` are pages of one material, `more` replaces top-level keys."""
    found = example_intake_line(item(), serial=serial)
    found["applicant"] |= {"name": f"测试·{serial}", "id": example_citizen_id(serial)}
    if files:
        kept = [entry for entry in found["materials"] if entry["name"] != SCANNED]
        found["materials"] = [*kept, *({"name": SCANNED, "file": name} for name in files)]
    return found | more


def write_lines(path: Path, lines: list[dict[str, Any] | bytes]) -> Path:
    """One line each; bytes are written as they are."""
    path.parent.mkdir(parents=True, exist_ok=True)
    raw = [one if isinstance(one, bytes) else json.dumps(one).encode() for one in lines]
    path.write_bytes(b"".join(one + b"\n" for one in raw))
    return path


def scan(folder: Path, name: str, seed: int) -> str:
    """One A4 page as JPEG of about 170 kB in the folder; its name."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(scans.page(f"第 {seed} 页", ["测试材料"], seed))
    return name
