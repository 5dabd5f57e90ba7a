"""What the child that opens a file may use up, set by itself before it looks at a byte of the file."""

from __future__ import annotations

import resource
import signal

from casework.materials.rules import (
    ADDRESS_SPACE_BYTES,
    MANY_PAGES_CPU_SECONDS,
    MAX_UPLOAD_BYTES,
    MIB,
    ONE_PICTURE_CPU_SECONDS,
    OPEN_FILES,
    WALL_SECONDS,
    Kind,
)


def confine() -> None:
    """Hard limits for the whole life of this process; nothing can lift them again without privileges.

    Memory is bounded as address space (RSS limits do nothing on Linux). No new process or thread: the kernel
    does not hold root to that one. The alarm ends a child whose parent died before its own time limit.
    """
    hard = {
        resource.RLIMIT_AS: ADDRESS_SPACE_BYTES,
        resource.RLIMIT_CPU: MANY_PAGES_CPU_SECONDS,
        resource.RLIMIT_FSIZE: MAX_UPLOAD_BYTES + MIB,
        resource.RLIMIT_NOFILE: OPEN_FILES,
        resource.RLIMIT_NPROC: 0,
        resource.RLIMIT_CORE: 0,
    }
    for name, value in hard.items():
        resource.setrlimit(name, (value, value))
    signal.alarm(WALL_SECONDS)


def allow_cpu(kind: Kind) -> None:
    """The processor time that this kind of file gets: files of many pages get more than one picture."""
    many = kind in (Kind.PDF, Kind.TIFF)
    seconds = MANY_PAGES_CPU_SECONDS if many else ONE_PICTURE_CPU_SECONDS
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, MANY_PAGES_CPU_SECONDS))
