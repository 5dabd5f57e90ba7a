"""Writes the pages of docs/ that are made from the code's own tables: `python -m casework.state_picture [FOLDER]`."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from casework import clock_table, refusals, supervision_rules
from casework.changes import kind_name
from casework.states import STATE_NAMES, TABLE, Move, Row, State

_HEAD = """# The life of a case

Generated from the table in `casework/states.py` by `python -m casework.state_picture`; do not edit.
Offices are relative to the case: a township hall that took a case in itself acts for 收件站点 and 乡镇.
"""


def _source_name(state: State | None) -> str:
    return "（无）" if state is None else STATE_NAMES[state]


def _target_name(row: Row) -> str:
    return row.target.value if isinstance(row.target, Move) else STATE_NAMES[row.target]


def _arrows() -> Iterator[str]:
    for row in TABLE:
        label = kind_name(row.kind) + (f"（{row.route.value}）" if row.route.value else "")
        if isinstance(row.target, State):
            for source in row.sources:
                yield f"    {source.value if source else '[*]'} --> {row.target.value}: {label}"
        elif row.target is Move.RESUME:
            for back in _resumed():
                yield f"    {row.sources[0]} --> {back.value}: {label}"


def _resumed() -> list[State]:
    asking = [row for row in TABLE if row.target is State.SUPPLEMENT_ASKED]
    return [source for row in asking for source in row.sources if source is not None]


def _ends() -> list[State]:
    moving = {source for row in TABLE if row.target is not Move.STAY for source in row.sources}
    return [state for state in State if state not in moving and state is not State.DRAFT]


def _picture() -> Iterator[str]:
    yield "```mermaid"
    yield "stateDiagram-v2"
    for state, name in STATE_NAMES.items():
        if state is not State.DRAFT:
            yield f"    {state.value}: {name}"
    yield from _arrows()
    yield from (f"    {state.value} --> [*]" for state in _ends())
    yield "```"


def _rows() -> Iterator[str]:
    yield "| 业务 | kind | 之前 | 由谁 | 之后 | 路径 |"
    yield "|---|---|---|---|---|---|"
    for row in TABLE:
        sources = "、".join(_source_name(source) for source in row.sources)
        number = f"{row.kind.value} {row.kind.name.lower()}"
        cells = (kind_name(row.kind), number, sources, row.rule.value, _target_name(row), row.route.value)
        yield f"| {' | '.join(cells)} |"


def page() -> str:
    """Return the text of docs/states.md."""
    return "\n".join([_HEAD, *_picture(), "", *_rows()]) + "\n"


PAGES = {
    "states.md": page,
    "clocks.md": clock_table.page,
    "refusals.md": refusals.page,
    "supervision.md": supervision_rules.page,
}


def main(folder: Path) -> None:
    """Write all pages into `folder`."""
    for name, text in PAGES.items():
        (folder / name).write_text(text(), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "docs"))
