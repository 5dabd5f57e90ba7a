"""Writes the guides into docs/: `python -m casework.web.guides.pages [FOLDER]`."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from casework.policy import ROLE_NAMES
from casework.web.guides import GUIDES, Guide


def file_name(guide: Guide) -> str:
    """Name of a guide's page in docs/."""
    return f"help-{guide.role.value.replace('_', '-')}.md"


def page(guide: Guide) -> str:
    """The guide as Markdown, in zh-CN."""
    return "\n".join(_lines(guide)) + "\n"


def _lines(guide: Guide) -> Iterator[str]:
    yield f"# {ROLE_NAMES[guide.role]}"
    yield ""
    yield "Generated from `casework/web/guides` by `python -m casework.web.guides.pages`; do not edit."
    yield ""
    yield guide.purpose
    yield from ("", "## 每天做什么", "")
    yield from (f"{place}. **{step.title}**：{step.how}" for place, step in enumerate(guide.day, 1))
    if guide.keys:
        yield from ("", "## 按键", "", "| 按键 | 作用 |", "|---|---|")
        yield from (f"| `{key}` | {what} |" for key, what in guide.keys)
    yield from ("", "## 遇到这些情况", "")
    yield from (f"- **{trouble.when}**：{trouble.do}" for trouble in guide.troubles)
    yield from ("", "## 找谁", "")
    yield from (f"- {line}" for line in guide.call)


def main(folder: Path) -> None:
    """Write all guides into `folder`."""
    for guide in GUIDES.values():
        (folder / file_name(guide)).write_text(page(guide), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "docs"))
