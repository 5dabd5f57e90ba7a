"""Files on a medium that may be full or gone: whole or not there."""

from __future__ import annotations

import errno
import resource
from collections.abc import Iterator
from pathlib import Path

import pytest

from sync_protocol.store.whole_file import write_whole


def pieces(count: int) -> Iterator[bytes]:
    for n in range(count):
        yield bytes([n % 256]) * 1000


def test_it_is_there_whole_and_nothing_else(tmp_path: Path):
    write_whole(tmp_path / "a", pieces(300))
    assert (tmp_path / "a").read_bytes() == b"".join(pieces(300))
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_what_is_there_already_is_kept(tmp_path: Path):
    (tmp_path / "a").write_bytes(b"old")
    with pytest.raises(FileExistsError):
        write_whole(tmp_path / "a", pieces(1))
    assert (tmp_path / "a").read_bytes() == b"old"


def test_no_half_file_when_the_medium_takes_no_more(tmp_path: Path):
    """The kernel itself says no, at a limit of 100 kB."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, before[1]))
    try:
        with pytest.raises(OSError, match="too large") as caught:
            write_whole(tmp_path / "a", pieces(300))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert caught.value.errno == errno.EFBIG
    assert list(tmp_path.iterdir()) == []


def test_no_half_file_when_its_bytes_cannot_be_made(tmp_path: Path):
    def broken() -> Iterator[bytes]:
        yield b"x"
        raise ValueError("gone")

    with pytest.raises(ValueError, match="gone"):
        write_whole(tmp_path / "a", broken())
    assert list(tmp_path.iterdir()) == []


def test_it_never_has_its_name_before_it_is_on_the_medium(tmp_path: Path, monkeypatch):
    seen = []

    def fsync(fd: int) -> None:
        seen.append(sorted(path.name for path in tmp_path.iterdir()))

    monkeypatch.setattr("os.fsync", fsync)
    write_whole(tmp_path / "a", pieces(3))
    assert seen == [["a.part"], ["a"]]
