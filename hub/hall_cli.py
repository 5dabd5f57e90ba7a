"""`lianban-hub hall`: what the county says of itself on slips and on the public page."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

import typer
from sqlalchemy import Connection

from casework.changes import ChangeKind
from casework.hall import Hall, hall, hall_from_plain
from hub import app as program
from hub.cli_options import AsJson, Db, Dir, KeyFile, show
from sync_protocol import canonical
from sync_protocol.feeds import TO_ALL
from sync_protocol.journal import Journal, Writing
from sync_protocol.store.data_folder import DataFolder
from sync_protocol.store.dialect import lock_feeds

_Said = str | None


def say_hall(conn: Connection, journal: Journal, said: Hall, writing: Writing) -> None:
    """Tell everybody. Saying it again writes nothing. Raises BadInput."""
    said = hall_from_plain(said.to_plain())
    lock_feeds(conn, [TO_ALL])
    if hall(conn) != said:
        journal.tell(conn, TO_ALL, int(ChangeKind.HALL), canonical.pack(said.to_plain()), writing)


def hall_command(
    folder: Dir,
    name: Annotated[_Said, typer.Option("--name", help="The hall's name on papers.")] = None,
    url: Annotated[_Said, typer.Option("--url", help="Where citizens reach this hub: https://HOST[:PORT].")] = None,
    phone: Annotated[_Said, typer.Option("--phone", help="Whom a citizen may call.")] = None,
    complaints: Annotated[_Said, typer.Option("--complaints", help="The line for complaints.")] = None,
    key_file: KeyFile = None,
    db: Db = None,
    as_json: AsJson = False,
) -> None:
    """Say what slips and the public page name; "" takes a thing back, without options all is shown."""
    given = {"name": name, "url": url, "phone": phone, "complaints": complaints}
    new = {key: value.strip() for key, value in given.items() if value is not None}
    county = program.opened(DataFolder(folder, key_file, db))
    try:
        if new:
            journal, writing = county.replica.journal, Writing(0, program.now(), 1)
            county.store.write(lambda conn: say_hall(conn, journal, replace(hall(conn), **new), writing))
        known = county.store.read(hall)
    finally:
        county.close()
    show(known.to_plain(), as_json, "\n".join(f"{key}: {value or '-'}" for key, value in known.to_plain().items()))
