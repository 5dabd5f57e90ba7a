"""Named moments at which a process may die: where in the product's own code each of them lies."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Point:
    """`where` is "module:name" or "module:Class.name"; `waits` says that it is a coroutine function."""

    where: str
    when: Literal["before", "after"]
    waits: bool = False


_SEAM = "sync_protocol.store.seam:SqliteStore."
_FILES = "sync_protocol.store.blob_files:BlobFiles."
_DIALER = "sync_protocol.dialer:Dialer."
_ANSWERER = "sync_protocol.answerer:Answerer."

POINTS: dict[str, Point] = {
    # the store
    "written, not committed": Point(_SEAM + "_still_open", "after"),
    "committed, nobody told": Point(_SEAM + "write_many", "after"),
    "projected, not committed": Point("casework.projector:Projector.__call__", "after"),
    # blobs
    "a blob's bytes synced, not named": Point(_FILES + "_settle", "before"),
    "a blob named, its folder not synced": Point("sync_protocol.store.blob_files:Disk.rename", "after"),
    "a blob put, no entry names it": Point(_FILES + "put", "after"),
    "a blob whole in partial, not checked": Point(_FILES + "_finish", "before"),
    "a blob continued": Point(_FILES + "extend", "after"),
    # the dialling side
    "a message composed, not sent": Point(_DIALER + "compose", "after"),
    "an answer's entries taken, not its blobs": Point(_DIALER + "absorb_chunks", "before"),
    "an answer's blobs taken, not noted": Point(_DIALER + "absorb_states", "before"),
    "an answer taken": Point(_DIALER + "absorb_states", "after"),
    # the answering side
    "a message's entries taken, not signed for": Point(_ANSWERER + "take", "after"),
    "a message's entries signed for, its blobs not taken": Point(_ANSWERER + "chunks", "before"),
    "a message's blobs taken, not noted": Point(_ANSWERER + "chunks", "after"),
    "an answer made, not sent": Point(_ANSWERER + "answer", "after"),
    # judging and deciding
    "judged, the order record not written": Point("sync_protocol.judging:_write", "before"),
    "the order record written, the case not numbered": Point("hub.judge:number", "before"),
    "a case collected, not committed": Point("casework.desk:Desk.collect", "after"),
    "a decision written, not committed": Point("casework.desk:Desk.act", "after"),
    # starting
    "the database open, nothing served": Point(_SEAM + "migrate", "after"),
    "about to say where it serves": Point("sync_protocol.store.data_folder:DataFolder.announce", "before"),
    # founding and enrolling
    "the key's file made, nothing in it": Point("sync_protocol.store.data_folder:os.fdopen", "before"),
    "the key written, not named": Point("sync_protocol.store.data_folder:sync_file", "before"),
    "the key there, no database": Point("sync_protocol.store.data_folder:write_secret", "after"),
    "the tables made, not committed": Point("migrations.upgrade:found", "after"),
    "in the middle of the first schema": Point("sqlalchemy.sql.ddl:SchemaGenerator.visit_table", "after"),
    "the root's secret there, no county": Point("hub.founding:write_secret", "after"),
    "the county founded, nobody told": Point("hub.founding:sync_folder", "before"),
    "an enrolment granted, not answered": Point("sync_protocol.enrolment:Welcome.packed", "before"),
    "an enrolment's answer not passed on": Point("node.app:enrol", "after", waits=True),
    "the station's keys there, nothing asked": Point("node.enrol:prepare", "after"),
    "the welcome there, not settled in": Point("node.enrol:found_station", "before"),
    "settled in, nothing fetched": Point("node.enrol:found_station", "after"),
}
