"""Metrics of replication, the same in both programs (names end in their unit; labels from closed sets only)."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge

from sync_protocol.errors import SyncError

ENTRIES_RECEIVED = "entries_received"
BYTES_RECEIVED = "bytes_received"
BYTES_SENT = "bytes_sent"
_REFUSED = "refused:"


class SyncMetrics:
    """Counted at the edge: by the routes and the link, never by a rule."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._bytes = Counter("sync_bytes", "Bytes of messages", ["direction"], registry=registry)
        self._entries = Counter("sync_entries_received", "Entries received from children", registry=registry)
        self._refused = Counter("sync_requests_refused", "Requests refused, by code", ["code"], registry=registry)
        self.last_contact = Gauge(
            "sync_parent_last_contact_timestamp_seconds", "Last answer of the parent", registry=registry
        )
        self.in_step = Gauge("sync_parent_in_step", "1 while neither side lacks an entry", registry=registry)
        self.waiting_entries = Gauge("sync_outbox_items", "Own entries not ordered by the county", registry=registry)
        self.oldest_waiting = Gauge(
            "sync_outbox_oldest_timestamp_seconds", "When the oldest such entry was written", registry=registry
        )
        self.held = Gauge("sync_held_items", "Entries held for a person or for others", registry=registry)
        for direction in ("up", "down"):
            self._bytes.labels(direction)
        for code in _codes(SyncError):
            self._refused.labels(code)

    def count(self, what: str, number: int) -> None:
        """Hear what the sync routes count."""
        if what == BYTES_RECEIVED:
            self._bytes.labels("up").inc(number)
        elif what == BYTES_SENT:
            self._bytes.labels("down").inc(number)
        elif what == ENTRIES_RECEIVED:
            self._entries.inc(number)
        elif what.startswith(_REFUSED):
            self._refused.labels(what.removeprefix(_REFUSED)).inc(number)


def _codes(root: type[SyncError]) -> list[str]:
    return [root.code, *(code for cls in root.__subclasses__() for code in _codes(cls))]
