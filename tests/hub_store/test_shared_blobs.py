"""The folder of scans that several programs share: one scan may come to two of them at once."""

from __future__ import annotations

import hashlib
import os
import random
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sync_protocol.blobs import seal_blob
from sync_protocol.entries import BlobRef
from sync_protocol.feeds import up
from sync_protocol.journal import Message
from sync_protocol.store import blob_store, feed_store, trust
from sync_protocol.store.blob_files import BlobFiles
from tests.hub_store.places import Twice

AtOnce = Callable[..., list[Any]]
PIECE = 2048


def test_a_scan_that_comes_to_two_programs_at_once_is_whole(tmp_path: Path, at_once: AtOnce) -> None:
    two = [BlobFiles(tmp_path, shared=machine) for machine in ("a", "b")]
    for seed in range(8):
        data = random.Random(seed).randbytes(PIECE * 40)
        hash_ = hashlib.sha256(data).digest()

        def send(files: BlobFiles, data: bytes = data, hash_: bytes = hash_) -> int:
            """As a station does: goes on where the other side says it is. How many pieces it had to send."""
            sent = 0
            while not files.holds(hash_):
                offset = files.offset(hash_)
                files.extend(hash_, len(data), offset, data[offset : offset + PIECE])
                sent += 1
            return sent

        results = at_once(*(lambda f=files: send(f) for files in two * 2))
        assert all(isinstance(one, int) for one in results), (seed, results)
        assert two[0].check(hash_), seed
    assert list((tmp_path / "partial").glob("[0-9a-f]*")) == []


def test_what_another_machine_is_writing_is_left_alone(tmp_path: Path) -> None:
    ended = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, check=True)
    dead = ended.stdout.decode().strip()
    here, there = BlobFiles(tmp_path, shared="my-host"), BlobFiles(tmp_path, shared="other")
    for name in (f"new-{dead}-1-my-host", f"new-{dead}-1-other", f"new-{os.getpid()}-1-my-host", f"new-{dead}-1"):
        (tmp_path / "partial" / name).touch()
    here.sweep()
    left = {path.name for path in (tmp_path / "partial").glob("new-*")}
    assert left == {f"new-{dead}-1-other", f"new-{os.getpid()}-1-my-host", f"new-{dead}-1"}
    BlobFiles(tmp_path).sweep()
    there.sweep()
    assert {path.name for path in (tmp_path / "partial").glob("new-*")} == {f"new-{os.getpid()}-1-my-host"}


def test_a_scan_named_again_while_it_is_being_noted_as_complete_is_signed_for(twice: Twice, at_once: AtOnce) -> None:
    """Whichever of the two is first: after both, the second home's entry finds the scan held."""
    county, (one, other), village, township = twice.county, twice.hubs, twice.village, twice.township
    _, key = village.replica.journal.new()
    page = b"page" * 5000
    hash_, length = one.replica.blobs.put(seal_blob(key, one.me.deployment, bytes(16), page))
    for place in (village, township):
        mine, key = place.replica.journal.new()
        message = Message(64, {}, (BlobRef(hash_, length, 0),))
        place.store.write(
            lambda conn, place=place, mine=mine, key=key, message=message: place.replica.journal.open(
                conn, mine, key, trust.topology(conn).ancestors(place.author), message, place.writing()
            )
        )
    frames = {
        place.author: place.store.read(
            lambda conn, place=place: [
                segment
                for branch in feed_store.frontier(conn, [up(place.author)])
                for segment, _ in feed_store.cut(conn, branch, 0, 2**20)
            ]
        )
        for place in (village, township)
    }
    now = county.clock.now
    one.store.write(lambda conn: one.replica.take_entries(conn, frames[village.author], township.author, now))
    noted, let_go = threading.Event(), threading.Event()

    def note() -> None:
        def fn(conn: Any) -> None:
            blob_store.note_held(conn, hash_, length)
            noted.set()
            let_go.wait(1)

        one.store.write(fn)

    def take() -> list[Any]:
        noted.wait(20)

        def fn(conn: Any) -> list[Any]:
            other.replica.take_entries(conn, frames[township.author], township.author, now)
            let_go.set()
            return blob_store.receiptable(conn, up(township.author), 0, 1, 9)

        return other.store.write(fn)

    assert at_once(note, take) == [None, [(1, 0, hash_)]]
