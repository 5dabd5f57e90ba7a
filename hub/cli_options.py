"""Options that several commands of lianban-hub share, and how a report is printed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

Dir = Annotated[Path, typer.Option("--dir", help="Folder of the county's data.")]
KeyFile = Annotated[Path | None, typer.Option("--key-file", help="File with the database key (default: DIR.key).")]
Db = Annotated[
    str | None,
    typer.Option(
        "--db",
        envvar="LIANBAN_HUB_DB",
        show_default=False,
        help="postgresql+psycopg://USER@HOST/DATABASE; passwords belong in PGPASSWORD, ~/.pgpass or this variable.",
    ),
]
Image = Annotated[Path | None, typer.Option("--image", help="Photo or scan (or PDF) on which the QR is.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print the report as one JSON object.")]


def show(report: dict[str, Any], as_json: bool, text: str) -> None:  # noqa: FBT001 - an option's value
    """The report for a program, or the text for a person."""
    print(json.dumps(report, ensure_ascii=False) if as_json else text)  # noqa: T201
