"""Metrics of the hub."""

from __future__ import annotations

from datetime import date

from prometheus_client import CollectorRegistry, Counter, Gauge, Info
from sqlalchemy import Connection, func, select

from casework import reference
from casework.case_tables import case_row
from casework.clock_table import NEAR_DAYS
from casework.states import COUNTY, State
from hub.messages import outbox
from hub.queue import HELD_BY_COUNTY
from hub.station_lines import list_stations
from hub.station_metrics import StationMetrics
from sync_protocol.messages import PROTOCOL_VERSION
from sync_protocol.metrics import SyncMetrics
from sync_protocol.order import Standing
from sync_protocol.store import tables as t

PROGRAM_VERSION = "0.1.0"
OVER, TODAY, NEAR = "over", "today", "near"


class HubMetrics:
    """All of the hub's metrics, in a registry of their own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.sync = SyncMetrics(self.registry)
        self.judged = Counter("hub_topics_judged", "Cases touched by judging", registry=self.registry)
        self._cases = Gauge("cases", "Cases by state", ["state"], registry=self.registry)
        self._blobs = Gauge("hub_blobs_missing", "Blobs named but not here", registry=self.registry)
        self._tries = Counter("hub_message_tries", "Tries to send a text message", ["outcome"], registry=self.registry)
        self._messages = Gauge("hub_messages", "Text messages by state", ["state"], registry=self.registry)
        self._oldest = Gauge(
            "hub_messages_oldest_timestamp_seconds",
            "When the oldest that waits was queued, 0: none",
            registry=self.registry,
        )
        self._due = Gauge("cases_due", "Cases at the county by their next limit", ["when"], registry=self.registry)
        self._workday = Gauge("hub_workday", "1 on a working day of the county's calendar", registry=self.registry)
        self._disk = Gauge("hub_disk_free_bytes", "Free bytes under the hub's folder", registry=self.registry)
        self._stations = StationMetrics(self.registry)
        info = Info("sync_protocol", "Versions of this program", registry=self.registry)
        info.info({"version": str(PROTOCOL_VERSION), "program": PROGRAM_VERSION})
        for state in State:
            self._cases.labels(state.value)

    def message(self, outcome: str) -> None:
        """One try to send a text message: sent, again or failed."""
        self._tries.labels(outcome).inc()

    def show(self, conn: Connection, today: date, disk_free_bytes: int) -> None:
        """Set the gauges; called before each scrape. `today` is China's."""
        self._disk.set(disk_free_bytes)
        calendar = reference.calendar(conn)
        self._workday.set(int(calendar.is_workday(today)))
        for when, count in _due(conn, today, calendar.add_workdays(today, NEAR_DAYS)[0]).items():
            self._due.labels(when).set(count)
        rows = conn.execute(select(case_row.c.state, func.count()).group_by(case_row.c.state))
        counts = {row[0]: int(row[1]) for row in rows}
        for state in State:
            self._cases.labels(state.value).set(counts.get(state.value, 0))
        held = select(func.count()).select_from(t.entry).where(t.entry.c.standing == int(Standing.HELD))
        self.sync.held.set(conn.execute(held).scalar_one())
        missing = select(func.count()).select_from(t.blob).where(t.blob.c.held == 0)
        messages = outbox(conn)
        for name, count in messages.counts.items():
            self._messages.labels(name).set(count)
        self._oldest.set(messages.oldest)
        self._blobs.set(conn.execute(missing).scalar_one())
        self._stations.show(list_stations(conn))


def _due(conn: Connection, today: date, near: date) -> dict[str, int]:
    """Cases that wait at the county, by whether their next limit is past, today, or not after `near`."""
    c, day = case_row.c, today.isoformat()
    waiting = (
        select(c.due, func.count())
        .where(c.state.in_([state.value for state in HELD_BY_COUNTY]), c.holder == COUNTY, c.due <= near.isoformat())
        .group_by(c.due)
    )
    counts = {OVER: 0, TODAY: 0, NEAR: 0}
    for due, count in conn.execute(waiting):
        counts[OVER if due < day else TODAY if due == day else NEAR] += int(count)
    return counts
