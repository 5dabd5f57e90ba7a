"""Judges a trace: does anything leave the process while what it may rest on is not on disk? Pure.

What must be on disk: every transaction in the write-ahead log, every finished blob with its name and its folder's
name, key files. The database file itself need not be: the log covers it, until the log is begun anew or removed.
Unfinished blobs (`partial/`), the spool, `serve.json` and the lock need never be: nobody is told of what is in them.

Several threads work at once, so «unsynced» alone is no fault: a transaction that is just being committed may be
between its writes and its fsync while the answer to an earlier one leaves. Nobody can rest on it before its own thread
has *told* of it: by a byte into a socket pair, pipe or eventfd (that is how a worker thread wakes the event loop), or,
for the log, by giving up SQLite's write lock. So something leaves too early when it is sent while there is an
unsynced write that was told of, or that the sending thread made itself. What leaves is whatever is written to a TCP
socket or to standard output.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from tests.durability.strace_lines import Call, NotUnderstood, calls

_WRITES = {"write", "pwrite64", "writev", "pwritev", "pwritev2", "fallocate", "ftruncate", "sendfile"}
_SENDS = {"sendto", "sendmsg", "sendmmsg", "write", "writev", "sendfile"}
_SYNCS = {"fsync", "fdatasync"}
_RENAMES = {"rename", "renameat", "renameat2"}
_OTHER = {"openat", "open", "creat", "mkdir", "mkdirat", "unlink", "unlinkat", "fcntl"}
_REFUSED = {"link", "linkat", "sync_file_range", "copy_file_range", "io_uring_enter", "msync", "symlinkat"}
TRACED = sorted(_WRITES | _SENDS | _SYNCS | _RENAMES | _OTHER | _REFUSED)
"""The calls that strace is asked for; one of the refused ones on a file that matters is an error of the test."""

_INWARD = ("UNIX", "pipe:", "anon_inode:[eventfd]")
_BLOB = re.compile(r"/blobs/[0-9a-f]{2}/[0-9a-f]{64}$")
_BLOB_FOLDER = re.compile(r"/blobs(/[0-9a-f]{2})?$")
_SECRET = re.compile(r"\.(key|root-key|root-key\.new)$")
_WRITE_LOCK = re.compile(r"F_SETLK, \{l_type=F_UNLCK, l_whence=SEEK_SET, l_start=120, l_len=1")


@dataclass(slots=True)
class _Unsynced:
    """A write, or a new name, that a crash of the machine may undo."""

    thread: int
    told: bool = False


@dataclass(frozen=True, slots=True)
class Early:
    """Something that happened too early. rule: "left" (sent while something told of was unsynced), "seen" (a
    transaction was shown to other connections before it was on disk), "overwritten" (the log was given up before the
    database had what it held)."""

    rule: str
    path: str
    by: str


@dataclass(slots=True)
class Judgement:
    """What a trace showed; the counts say that there was something to see."""

    early: list[Early] = field(default_factory=list)
    commits: int = 0
    blobs: int = 0
    sent: int = 0
    checkpoints: int = 0

    def rules(self, ending: str = "") -> Counter[str]:
        """How often each rule was broken, over the paths with this ending."""
        return Counter(one.rule for one in self.early if one.path.endswith(ending))


def judge(lines: Iterable[str]) -> Judgement:
    """Judge the lines of one process and its threads. Raises NotUnderstood."""
    judge_ = _Judge()
    for call in calls(lines):
        judge_.take(call)
    return judge_.found


def _folder(path: str) -> str:
    return str(PurePosixPath(path).parent)


class _Judge:
    """`data`: written and not synced, by path. `names`: paths whose entry in their folder is not synced. `written`:
    what somebody could miss; a log once a transaction has ended in it, a folder once a blob is in it."""

    def __init__(self) -> None:
        self.found = Judgement()
        self._data: dict[str, _Unsynced] = {}
        self._names: dict[str, _Unsynced] = {}
        self._framed: set[str] = set()
        self._written: set[str] = set()
        self._known: set[str] = set()
        self._syncing: dict[int, tuple[str, list[_Unsynced]]] = {}

    def take(self, call: Call) -> None:
        if call.name in _SYNCS:
            self._sync(call)
        elif call.name in _RENAMES:
            self._rename(call)
        elif call.name in _WRITES | _SENDS:
            self._write(call)
        elif call.name in _OTHER:
            if call.stage == "end" and not call.failed:
                self._other(call)
        elif call.name in _REFUSED:
            self._refuse(call)
        else:
            raise NotUnderstood(call.name)

    def _refuse(self, call: Call) -> None:
        touched = [*call.paths, *([call.fd[1]] if call.fd else [])]
        if any(_matters(path) for path in touched):
            raise NotUnderstood(f"{call.name} on {touched}")

    def _write(self, call: Call) -> None:
        if call.stage != "begin" or call.fd is None:
            return
        number, target = call.fd
        if target.startswith("TCP") or (number == 1 and call.name in _SENDS):
            self._leaves(call, target)
        elif target.startswith(_INWARD) and number != 2:
            self._tell(call.thread)
        elif _matters(target):
            self._note_write(call, target)

    def _note_write(self, call: Call, path: str) -> None:
        if path.endswith(".db-wal"):
            if call.name == "ftruncate" and call.last_number:
                return  # only old frames behind the last one are cut off
            if call.last_number == 0:
                self._log_given_up(path, call)
        self._data[path] = _Unsynced(call.thread)
        (self._framed if path.endswith(".db-wal") else self._written).add(path)

    def _log_given_up(self, wal: str, call: Call) -> None:
        database = wal.removesuffix("-wal")
        if database in self._data:
            self.found.early.append(Early("overwritten", database, call.name))

    def _sync(self, call: Call) -> None:
        """Clears what was written before it began; what is written while it runs waits for the next one."""
        if call.fd is not None and call.stage == "begin":
            path = call.fd[1]
            inside = [state for name, state in self._names.items() if _folder(name) == path]
            own = [self._data[path]] if path in self._data else []
            self._syncing[call.thread] = (path, [*inside, *own])
        if call.stage == "end":
            path, cleared = self._syncing.pop(call.thread, ("", []))
            if call.failed:
                return
            if path.endswith(".db-wal") and cleared:
                self.found.commits += 1
            if path.endswith(".db") and cleared:
                self.found.checkpoints += 1
            for kept in (self._data, self._names):
                for name in [name for name, state in kept.items() if any(state is one for one in cleared)]:
                    del kept[name]

    def _rename(self, call: Call) -> None:
        if call.stage != "end" or call.failed or len(call.paths) != 2:
            return
        source, target = call.paths
        for kept in (self._data, self._names):
            if source in kept:
                kept[target] = kept.pop(source)
        if source in self._written:
            self._written.discard(source)
            self._written.add(target)
        if _matters(target):
            self._written.add(target)
            self._names[target] = _Unsynced(call.thread)
            if _BLOB.search(target):
                self.found.blobs += 1
                self._written |= {_folder(target), _folder(_folder(target))}

    def _other(self, call: Call) -> None:
        path = call.paths[-1] if call.paths else ""
        if call.name == "fcntl":
            if call.fd and call.fd[1].endswith(".db-shm") and _WRITE_LOCK.search(call.args):
                self._show(call, call.fd[1].removesuffix("-shm") + "-wal")
        elif call.name.startswith("mkdir"):
            if _BLOB_FOLDER.search(path):
                self._names[path] = _Unsynced(call.thread)
        elif call.name.startswith("unlink"):
            if path.endswith(".db-wal"):
                self._log_given_up(path, call)
            for kept in (self._data, self._names):
                kept.pop(path, None)
            for names in (self._known, self._framed, self._written):
                names.discard(path)
        elif "O_CREAT" in call.args and _matters(path) and path not in self._known:
            self._known.add(path)
            self._names.setdefault(path, _Unsynced(call.thread))

    def _show(self, call: Call, wal: str) -> None:
        """The write lock is given up: from now on others read what was committed."""
        state = self._data.get(wal)
        if wal in self._framed:
            self._written.add(wal)
        if state is not None and state.thread == call.thread and not state.told:
            state.told = True
            self.found.early.append(Early("seen", wal, call.name))

    def _tell(self, thread: int) -> None:
        for kept in (self._data, self._names):
            for state in kept.values():
                if state.thread == thread:
                    state.told = True

    def _leaves(self, call: Call, target: str) -> None:
        self.found.sent += 1
        for path in sorted({*self._data, *self._names}):
            if not _must_be_synced(path) or path not in self._written:
                continue
            for kept in (self._data, self._names):
                state = kept.get(path)
                if state is not None and (state.told or state.thread == call.thread):
                    self.found.early.append(Early("left", path, f"{call.name} to {target}"))
                    break


def _must_be_synced(path: str) -> bool:
    return path.endswith(".db-wal") or bool(_BLOB.search(path) or _BLOB_FOLDER.search(path) or _SECRET.search(path))


def _matters(path: str) -> bool:
    return _must_be_synced(path) or path.endswith((".db", ".part")) or "/blobs/partial/" in path
