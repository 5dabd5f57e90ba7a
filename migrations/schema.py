"""Which tables each program's database has; revisions are checked against this."""

from __future__ import annotations

from sqlalchemy import MetaData

from casework import case_tables
from casework.tables import metadata as casework_metadata
from sync_protocol.store import tables as sync_tables

_TABLES = (
    case_tables.card,
    case_tables.card_look,
    case_tables.case_facts,
    case_tables.message,
    case_tables.rating,
)
_HUB_ONLY = {"station", "invitation", *(table.name for table in _TABLES)}
_NODE_ONLY = {case_tables.draft.name, case_tables.used_page.name}


def schema_of(program: str) -> MetaData:
    """The tables of "node" or "hub"."""
    left_out = _HUB_ONLY if program == "node" else _NODE_ONLY
    joined = MetaData()
    for metadata in (sync_tables.metadata, casework_metadata):
        for table in metadata.sorted_tables:
            if table.name not in left_out:
                table.to_metadata(joined)
    return joined
