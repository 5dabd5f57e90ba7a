"""Metrics of the hub."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Info
from sqlalchemy import Connection, func, select

from casework.case_tables import case_row
from casework.states import State
from hub.messages import outbox
from hub.station_lines import list_stations
from hub.station_metrics import StationMetrics
from sync_protocol.messages import PROTOCOL_VERSION
from sync_protocol.metrics import SyncMetrics
from sync_protocol.order import Standing
from sync_protocol.store import tables as t

PROGRAM_VERSION = "0.1.0"


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
        self._stations = StationMetrics(self.registry)
        info = Info("sync_protocol", "Versions of this program", registry=self.registry)
        info.info({"version": str(PROTOCOL_VERSION), "program": PROGRAM_VERSION})
        for state in State:
            self._cases.labels(state.value)

    def message(self, outcome: str) -> None:
        """One try to send a text message: sent, again or failed."""
        self._tries.labels(outcome).inc()

    def show(self, conn: Connection) -> None:
        """Set the gauges; called before each scrape."""
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
