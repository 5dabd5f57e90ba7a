"""What one write remembers of what it has read, so that the database is not asked the same at every entry.

It begins and ends with the write, and whoever changes what is remembered takes it out. Outside of a write nothing is
remembered: another process may change the database between two reads.
"""

from __future__ import annotations

import gc
from typing import Any

from sqlalchemy import Connection

_KEY = "memory"


def begin(conn: Connection) -> None:
    conn.info[_KEY] = {}
    gc.disable()  # all that is remembered stays in use until the end: to look for cycles in it takes long


def end(conn: Connection) -> None:
    gc.enable()
    if not conn.invalidated:  # a lost connection has nothing to ask, and would hide why it was lost
        conn.info.pop(_KEY, None)


def memory(conn: Connection) -> dict[Any, Any]:
    """By any key; what is put in outside of a write is lost at once."""
    known: dict[Any, Any] = conn.info.get(_KEY, {})
    return known
