"""SQLite files that forget at a power cut what was not synced: a layer around the library's own file system.

Registered once per process as SQLite's default VFS. Files below a `TornDatabase`'s folder are shadowed: every write
since the last sync is remembered beside what the sync made last. Reads, locks and shared memory stay the library's
own. (https://sqlite.org/vfs.html)
"""

from __future__ import annotations

import ctypes
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import sqlcipher3._sqlite3 as binding

SECTOR = 512
_IO_ERROR = 10 | (3 << 8)
_FULL = 13
_POINTER, _INT, _INT64 = ctypes.c_void_p, ctypes.c_int, ctypes.c_int64
_WRITE = ctypes.CFUNCTYPE(_INT, _POINTER, _POINTER, _INT, _INT64)
_TRUNCATE = ctypes.CFUNCTYPE(_INT, _POINTER, _INT64)
_SYNC = ctypes.CFUNCTYPE(_INT, _POINTER, _INT)
_CLOSE = ctypes.CFUNCTYPE(_INT, _POINTER)
_OPEN = ctypes.CFUNCTYPE(_INT, _POINTER, _POINTER, _POINTER, _INT, _POINTER)  # keeps the name's address
_DELETE = ctypes.CFUNCTYPE(_INT, _POINTER, _POINTER, _INT)
_SHADOWED = (".db", ".db-wal")


class _Methods(ctypes.Structure):
    """sqlite3_io_methods, version 3."""

    _fields_ = [
        ("version", _INT),
        ("close", _CLOSE),
        ("read", _POINTER),
        ("write", _WRITE),
        ("truncate", _TRUNCATE),
        ("sync", _SYNC),
        *((f"other{n}", _POINTER) for n in range(13)),
    ]


class _Vfs(ctypes.Structure):
    """sqlite3_vfs up to xDelete; the rest is copied as it is."""

    _fields_ = [
        ("version", _INT),
        ("file_bytes", _INT),
        ("path_max", _INT),
        ("next", _POINTER),
        ("name", ctypes.c_char_p),
        ("data", _POINTER),
        ("open", _OPEN),
        ("delete", _DELETE),
        *((f"other{n}", _POINTER) for n in range(14)),
    ]


Write = tuple[int, bytes | None]
"""Offset and bytes; None for a truncation to that length."""


def _applied(content: bytearray, offset: int, data: bytes | None) -> None:
    if data is None:
        del content[offset:]
        return
    if len(content) < offset:
        content.extend(bytes(offset - len(content)))
    content[offset : offset + len(data)] = data


@dataclass
class _Shadow:
    """What of one file lasts, and what was written to it since."""

    lasting: bytearray
    unsynced: list[Write] = field(default_factory=list)

    def settle(self) -> None:
        for offset, data in self.unsynced:
            _applied(self.lasting, offset, data)
        self.unsynced.clear()

    def image(self, pick: Callable[[list[Write]], list[Write]]) -> bytes:
        content = bytearray(self.lasting)
        for offset, data in pick(self.unsynced):
            _applied(content, offset, data)
        return bytes(content)


class TornDatabase:
    """The database files of one folder. `step` is called before each write and sync; it may `cut`."""

    def __init__(self, folder: Path, step: Callable[[], None]) -> None:
        self.folder = folder
        self.step = step
        self.dead = False
        self.full = False
        """No file grows; what lies there already can be written over."""
        self._shadows: dict[str, _Shadow] = {}
        self._images: dict[str, bytes] = {}
        self.unsynced_at_cut = 0
        _VFS.folders[str(folder)] = self

    def shadow(self, path: str) -> _Shadow:
        if path not in self._shadows:
            file = Path(path)
            self._shadows[path] = _Shadow(bytearray(file.read_bytes()) if file.exists() else bytearray())
        return self._shadows[path]

    def cut(self, rng: random.Random, *, power: bool) -> None:
        """From now on nothing reaches the files; what they will hold after a restart is settled here.

        Without `power` the kernel goes on and keeps every write.
        """
        if self.dead:
            return
        self.dead = True
        for path, shadow in sorted(self._shadows.items()):
            self.unsynced_at_cut += len(shadow.unsynced)
            self._images[path] = shadow.image(_torn(rng) if power else list)

    def restore(self) -> None:
        """Put the images in the files' place; every connection must be closed."""
        for path, image in self._images.items():
            Path(path).write_bytes(image)
            Path(path.removesuffix("-wal") + "-shm").unlink(missing_ok=True)
        self.forget()

    def forget(self) -> None:
        _VFS.folders.pop(str(self.folder), None)


def _torn(rng: random.Random) -> Callable[[list[Write]], list[Write]]:
    way = rng.choice(("none", "first", "some", "some"))

    def pick(writes: list[Write]) -> list[Write]:
        if way == "none":
            return []
        if way == "first":
            return writes[: rng.randrange(len(writes) + 1)]
        return [_tear(rng, *write) for write in writes if rng.random() < 0.6]

    return pick


def _tear(rng: random.Random, offset: int, data: bytes | None) -> Write:
    if data is None or len(data) <= SECTOR or rng.random() < 0.6:
        return offset, data
    return offset, data[: SECTOR * rng.randrange(1, len(data) // SECTOR + 1)]


class _TornVfs:
    """The one registered VFS; knows which open file belongs to which TornDatabase."""

    def __init__(self) -> None:
        self.folders: dict[str, TornDatabase] = {}
        self._files: dict[int, tuple[TornDatabase, str, _Methods]] = {}
        self._copies: dict[int, _Methods] = {}
        self._library = ctypes.CDLL(binding.__file__)
        find = self._library.sqlite3_vfs_find
        find.restype, find.argtypes = ctypes.POINTER(_Vfs), [ctypes.c_char_p]
        self._original = find(None).contents
        self._vfs = _Vfs()
        ctypes.memmove(ctypes.byref(self._vfs), ctypes.byref(self._original), ctypes.sizeof(_Vfs))
        self._vfs.name = b"torn"
        self._hooks: tuple[Any, ...] = (_OPEN(self._open), _WRITE(self._write), _TRUNCATE(self._truncate))
        self._hooks += (_SYNC(self._sync), _CLOSE(self._close), _DELETE(self._delete))
        self._vfs.open, self._vfs.delete = self._hooks[0], self._hooks[5]
        register = self._library.sqlite3_vfs_register
        register.argtypes = [ctypes.POINTER(_Vfs), _INT]
        assert register(ctypes.byref(self._vfs), 1) == 0

    def _disk(self, name: str) -> TornDatabase | None:
        return self.folders.get(name.rpartition("/")[0]) if name.endswith(_SHADOWED) else None

    def _open(self, vfs: int, name: int | None, file: int, flags: int, out: int) -> int:
        code = int(self._original.open(vfs, name, file, flags, out))
        path = ctypes.string_at(name).decode() if name else ""
        disk = self._disk(path)
        if code or disk is None:
            return code
        table = ctypes.cast(file, ctypes.POINTER(_POINTER))
        original = int(table[0] or 0)
        methods = _Methods.from_address(original)
        if original not in self._copies:
            copy = _Methods()
            ctypes.memmove(ctypes.byref(copy), original, ctypes.sizeof(_Methods))
            copy.write, copy.truncate, copy.sync, copy.close = self._hooks[1:5]
            self._copies[original] = copy
        table[0] = ctypes.addressof(self._copies[original])
        disk.shadow(path)
        self._files[file] = (disk, path, methods)
        return 0

    def _write(self, file: int, data: int, count: int, offset: int) -> int:
        disk, path, methods = self._files[file]
        if not disk.dead:
            disk.step()
        if disk.dead:
            return _IO_ERROR
        if disk.full and offset + count > Path(path).stat().st_size:
            return _FULL
        disk.shadow(path).unsynced.append((offset, ctypes.string_at(data, count)))
        return int(methods.write(file, data, count, offset))

    def _truncate(self, file: int, size: int) -> int:
        disk, path, methods = self._files[file]
        if disk.dead:
            return _IO_ERROR
        disk.shadow(path).unsynced.append((size, None))
        return int(methods.truncate(file, size))

    def _sync(self, file: int, flags: int) -> int:
        disk, path, _ = self._files[file]
        if not disk.dead:
            disk.step()
        if disk.dead:
            return _IO_ERROR
        disk.shadow(path).settle()
        return 0  # the files lie in memory: there is nothing to wait for

    def _close(self, file: int) -> int:
        _, _, methods = self._files.pop(file)
        return int(methods.close(file))

    def _delete(self, vfs: int, name: int, sync_folder: int) -> int:
        path = ctypes.string_at(name).decode()
        disk = self._disk(path)
        if disk is not None and not disk.dead:
            disk.shadow(path).unsynced.append((0, None))
            disk.shadow(path).settle()
        return int(self._original.delete(vfs, name, sync_folder))


_VFS = _TornVfs()
