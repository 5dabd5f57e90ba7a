"""Options that several commands of lianban-hub share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

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
AsJson = Annotated[bool, typer.Option("--json", help="Print the report as one JSON object.")]
