"""Folders in memory, where fsync costs nothing."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

_MEMORY = Path("/dev/shm")
_FREE_BYTES_MIN = 2 << 30
"""A container may have 64 MB there."""


def memory_folder(prefix: str) -> Path:
    """A new folder in memory where the system has room for one; otherwise on disk."""
    roomy = _MEMORY.is_dir() and shutil.disk_usage(_MEMORY).free >= _FREE_BYTES_MIN
    return Path(tempfile.mkdtemp(prefix=prefix, dir=_MEMORY if roomy else None))
