"""What `lianban-node status` says: read from the folder, and from the program that serves it where there is one."""

from __future__ import annotations

from typing import Any

from node.keeping import kept
from node.keeping_words import Words, words
from node.standing import outstanding
from node.station import Station, ancestor_urls, last_answered, last_contact
from node.sync_status import SyncStatus
from node.watching import Situation, last_measured, report, situation_from
from sync_protocol.store.data_folder import Serving


def status_report(station: Station, serving: Serving | None, told: dict[str, Any] | None) -> dict[str, Any]:
    """The keys of docs/commands.md. `told`: what the running program answered, None where there is none."""
    read, me = station.store.read, station.me.author
    work = read(lambda conn: outstanding(conn, me))
    seen, skew = read(lambda conn: last_contact(conn, me))
    return {
        "author": me,
        "epoch": station.me.epoch,
        "parent": station.parent_url,
        "ancestors": read(lambda conn: ancestor_urls(conn, station)),
        "answered": read(lambda conn: last_answered(conn, station)),
        "serving": serving.url if serving else None,
        "pending": work.pending,
        "oldest_pending": work.oldest_pending or None,
        "blobs_pending": work.blobs,
        "held": work.held,
        "refused": work.refused,
        "last_contact": seen or None,
        "clock_skew_seconds": skew,
    } | report(_situation(station, told))


def status_words(station: Station, told: dict[str, Any] | None, now: int) -> Words:
    """The same for people. `now` in unix seconds."""
    read, me = station.store.read, station.me.author
    seen, _ = read(lambda conn: last_contact(conn, me))
    past_parent = read(lambda conn: last_answered(conn, station)) != station.parent_url
    error = told["error"] if told else ""
    link = SyncStatus(in_step=False, waiting_cases=0, waiting_blobs=0, oldest_waiting_at=0, last_contact=seen,
                      error_code=error, past_parent=past_parent and not error)  # fmt: skip
    return words(_situation(station, told), link, now)


def _situation(station: Station, told: dict[str, Any] | None) -> Situation:
    if told is not None:
        return situation_from(told["situation"])
    found = station.store.read(lambda conn: kept(conn, station.me.author, {}))
    return Situation(found, None, station.store.read(last_measured))
