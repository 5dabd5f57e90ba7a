"""Metrics of a node."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Gauge, Info

from node.standing import Outstanding
from sync_protocol.client import LinkState
from sync_protocol.messages import PROTOCOL_VERSION
from sync_protocol.metrics import SyncMetrics

PROGRAM_VERSION = "0.1.0"


class NodeMetrics:
    """All of a node's metrics, in a registry of their own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.sync = SyncMetrics(self.registry)
        self._blobs = Gauge("sync_outbox_blobs", "Scans the county has not signed for", registry=self.registry)
        info = Info("sync_protocol", "Versions of this program", registry=self.registry)
        info.info({"version": str(PROTOCOL_VERSION), "program": PROGRAM_VERSION})

    def show(self, work: Outstanding, link: LinkState) -> None:
        """Set the gauges; called before each scrape."""
        self.sync.waiting_entries.set(work.pending)
        self.sync.oldest_waiting.set(work.oldest_pending)
        self.sync.held.set(len(work.held))
        self.sync.last_contact.set(link.last_contact)
        self.sync.in_step.set(int(link.in_step))
        self._blobs.set(work.blobs)
