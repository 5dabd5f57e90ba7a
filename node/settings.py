"""Settings of a node: every one with its unit, default and a help line; read once by the command, passed down."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from casework.texts import N_


@dataclass(frozen=True, slots=True)
class NodeSettings:
    """What `lianban-node serve` is told."""

    dir: Path
    """Folder of this station's data."""
    key_file: Path | None = None
    """File with the database key; default: the folder's name + ".key", beside the folder."""
    listen: str = "127.0.0.1:8080"
    """Address of the pages and of children's exchanges, HOST:PORT."""
    admin_listen: str = "127.0.0.1:0"
    """Address of metrics, health and control, HOST:PORT; keep it on this machine."""
    tls_cert: Path | None = None
    """Certificate chain (PEM) for the pages' listener."""
    tls_key: Path | None = None
    """Its private key (PEM)."""
    disk_reserve_mib: int = 200
    """Free disk (MiB) below which intake is refused, so that what is saved already can still be sent."""
    open_files_at_once: int = 1
    """How many uploaded files are opened (in child processes) at the same time."""
    metered: bool = False
    """Whether the link is paid by the byte: the parent is asked every 14 minutes in office hours, no poll is held."""


INTAKE_REFUSED = N_("本机磁盘快满了，暂时不能收新件")
INTAKE_REFUSED_REMEDY = N_("已收的件都在，会继续上报；请清理磁盘，或先到别的站点收件")


def has_room(folder: Path, reserve_mib: int) -> bool:
    """Whether the disk under a folder has more than the reserve free."""
    disk = os.statvfs(folder)
    return disk.f_bavail * disk.f_frsize >= reserve_mib * 1024 * 1024
