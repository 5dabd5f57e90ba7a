"""Settings of the hub: every one with its unit, default and a help line; read once by the command, passed down."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True)
class HubSettings:
    """What `lianban-hub serve` is told."""

    dir: Path
    """Folder of the county's data."""
    key_file: Path | None = None
    """File with the database key; default: the folder's name + ".key", beside the folder."""
    db: str | None = field(default=None, repr=False)
    """Address of a PostgreSQL database; default: the one the folder was founded with, else a file in the folder."""
    listen: str = "127.0.0.1:8000"
    """Address of the pages and of stations' exchanges, HOST:PORT."""
    admin_listen: str = "127.0.0.1:0"
    """Address of metrics, health and control, HOST:PORT; keep it on this machine."""
    tls_cert: Path | None = None
    """Certificate chain (PEM) for the pages' listener."""
    tls_key: Path | None = None
    """Its private key (PEM)."""
    proxies: tuple[str, ...] = ()
    """IP addresses of the proxies that end TLS before this program; who asks is then what they say."""
    settle_seconds: float = 10.0
    """How long judging a home waits for the rest of an upload that was announced."""
    open_files_at_once: int = 2
    """How many uploaded files are opened (in child processes) at the same time."""
    supervision: Path | None = None
    """YAML file with the county's own thresholds of supervision; default: those of docs/supervision.md."""
    messages_dir: Path | None = None
    """Folder into which text messages are dropped, one JSON file each; default: no messages."""
    messages_url: str = ""
    """Or the address of a gateway that takes them by HTTP POST."""
    messages_token: Path | None = None
    """File with that gateway's bearer token."""
    messages_without: tuple[str, ...] = ()
    """Keys of items about which no message is ever sent."""
