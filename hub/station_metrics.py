"""What the hub re-exposes of each station, for alerts: stations stand behind NAT and sleep, so nobody scrapes them."""

from __future__ import annotations

from collections.abc import Iterable

from prometheus_client import CollectorRegistry, Gauge

from hub.station_lines import TIER_KEYS, StationLine

_LABELS = ["node", "tier"]
_GAUGES = {
    "last_contact_timestamp_seconds": "When the station was last heard of, by itself or by its township",
    "head_seq": "Number of the last entry in the station's own feed, by its report",
    "acked_seq": "Number of the last entry of that feed that the county holds",
    "outbox_items": "Entries for which nobody above has signed, by the station's report",
    "outbox_oldest_timestamp_seconds": "When the oldest of them was taken down, 0: none",
    "outbox_bytes": "Bytes of scans that are still to go up, by the station's report",
    "alone_items": "Cases of which something lies nowhere but on the station's machine, by its report",
    "held_items": "Entries of the station that wait for a person at the county",
    "missing_bytes": "Bytes of scans that the station's entries name and that are not at the county",
    "clock_skew_seconds": "The station's clock minus the county's",
    "certificate_not_after_timestamp_seconds": "When the station's certificate expires",
    "report_timestamp_seconds": "When what the station's report says was said, 0: never",
}


class StationMetrics:
    """One value per enrolled station whose certificate is not revoked; `node` is its region code."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._gauges = {
            name: Gauge(f"sync_peer_{name}", text, _LABELS, registry=registry) for name, text in _GAUGES.items()
        }
        versions = [*_LABELS, "program", "protocol", "schema"]
        self._info = Gauge("sync_peer_info", "Versions at the station, by its report", versions, registry=registry)

    def show(self, lines: Iterable[StationLine]) -> None:
        """Set the gauges; stations that are gone leave none behind."""
        for gauge in (*self._gauges.values(), self._info):
            gauge.clear()
        for line in lines:
            if line.enrolled and not line.known.revoked:
                self._show(line)

    def _show(self, line: StationLine) -> None:
        node, tier, said = line.region, TIER_KEYS[line.tier], line.known.said
        report = said.report if said else None
        values = {
            "last_contact_timestamp_seconds": line.known.heard,
            "acked_seq": line.known.here,
            "held_items": line.known.held,
            "missing_bytes": line.known.bytes_missing,
            "clock_skew_seconds": line.known.skew,
            "certificate_not_after_timestamp_seconds": line.not_after,
            "report_timestamp_seconds": said.heard if said else 0,
        }
        if report is not None:
            values |= {
                "head_seq": report.number,
                "outbox_items": report.waiting,
                "outbox_oldest_timestamp_seconds": report.oldest and report.oldest - line.known.skew,
                "outbox_bytes": report.waiting_bytes,
                "alone_items": report.alone,
            }
            self._info.labels(node, tier, report.program, str(report.protocol), report.schema).set(1)
        for name, value in values.items():
            self._gauges[name].labels(node, tier).set(value)
