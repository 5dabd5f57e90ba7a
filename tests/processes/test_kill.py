"""Deaths of everybody at once, cut links, and what a dead process leaves behind. Single deaths: tests/durability."""

from __future__ import annotations

import hashlib
import os
import random
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from casework.case_tables import case_row
from node.station import PARENT_URL
from sync_protocol.errors import BadBytes
from sync_protocol.store import me as identity
from sync_protocol.store import tables as t
from sync_protocol.store.blob_files import BlobFiles
from tests.processes.founding import dial, found_small_county, in_node, opened_hub
from tests.processes.lines import line, scan, write_lines
from tests.processes.proxy import Proxy
from tests.processes.running import report, run, wait_for

VICTIMS = ("village", "township", "hub")
CASES_A_ROUND = 3


class Story:
    """A county under load: refs that an intake acknowledged, and what must be true at the end."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.county = found_small_county(folder / "county", names=("township", "village"))
        self.county.serve("hub", "township", "village")
        report("node", "sync", "--dir", self.village)
        self.acknowledged: set[str] = set()
        self.pages = [scan(folder / "scans", f"page-{n}.jpg", n) for n in range(3)]
        self._serial = 0

    @property
    def village(self) -> Path:
        return self.county.dir("village")

    def cases(self) -> Path:
        """The next file of cases, each with a scan or two."""
        lines = []
        for _ in range(CASES_A_ROUND):
            self._serial += 1
            lines.append(line(self._serial, files=tuple(self.pages[: 1 + self._serial % 2])))
        return write_lines(self.folder / f"cases-{self._serial}.jsonl", lines)

    def refs(self, count: int) -> set[str]:
        return {f"example-elder_allowance-{n}" for n in range(1, count + 1)}

    def intake(self, cases: Path) -> None:
        """An intake that must end well; its cases are acknowledged."""
        done = run("node", "intake", "--dir", self.village, cases, "--materials", self.folder / "scans", "--json")
        assert done.code == 0, done
        self.acknowledged |= self.refs(self._serial)

    def at_hub(self) -> dict[str, bytes]:
        """ref → topic of every case that the county shows; a ref is there once."""
        with opened_hub(self.county.dir("hub")) as hub:
            rows = hub.store.read(lambda conn: conn.execute(sa.select(case_row.c.ref, case_row.c.topic)).all())
        found = {row.ref: row.topic for row in rows}
        assert len(found) == len(rows)
        return found

    def sync(self, *more: str) -> None:
        done = report("node", "sync", "--dir", self.village, "--until", "ordered", "--timeout", "90", *more)
        assert done["held"] == [] and done["refused"] == []

    def all_is_there(self) -> None:
        """Every case that was taken in is ordered, with all its scans whole, and every folder is sound."""
        self.sync()
        taken = self.at_hub()
        assert self.acknowledged <= set(taken) == self.refs(self._serial)
        with opened_hub(self.county.dir("hub")) as hub:
            pages = hub.store.read(lambda conn: conn.execute(sa.select(t.blob.c.hash, t.blob.c.held)).all())
            refs = hub.store.read(
                lambda conn: conn.execute(sa.select(sa.func.count()).select_from(t.blob_ref)).scalar()
            )
            assert all(page.held and hub.replica.blobs.check(page.hash) for page in pages)
        assert refs == 2 * sum(1 + n % 2 for n in range(1, self._serial + 1))  # each page has its preview
        for server in self.county.servers.values():
            server.stop()
            assert report(server.program, "fsck", "--dir", server.folder)["wrong"] == []


@pytest.fixture
def story(tmp_path) -> Iterator[Story]:
    found = Story(tmp_path)
    yield found
    found.county.stop()


def test_what_sync_reported_as_received_survives_the_death_of_everybody(story):
    """`sync` said yes; at that moment every process dies; the county alone still has it all."""
    absent = sa.select(sa.func.count()).select_from(t.blob).where(t.blob.c.held == 0)
    for _ in range(2):
        story.intake(story.cases())
        done = report("node", "sync", "--dir", story.village)
        assert done["held"] == []
        for name in VICTIMS:
            story.county[name].kill()
        assert story.acknowledged <= set(story.at_hub())
        with opened_hub(story.county.dir("hub")) as hub:
            assert hub.store.read(lambda conn: conn.execute(absent).scalar()) == 0
        story.county.serve("hub", "township", "village")
    story.all_is_there()


@pytest.mark.timeout(240)
def test_a_link_that_breaks_at_random_bytes_brings_everything_in_the_end(story):
    """The way from the village to its township is cut again and again, in requests and in answers."""
    rng = random.Random(7)
    story.county["village"].stop()
    # Never as much as one whole message of the size that a good link carries.
    budgets = iter(lambda: rng.choice((900, *(rng.randint(2_000, 600_000) for _ in range(5)))), 0)
    with Proxy(story.county["township"].url, cut_after=lambda: next(budgets)) as p:
        dial(story.village, p.url)
        story.county["village"].start()
        story.intake(story.cases())
        wait_for("everything is received", lambda: _nothing_pending(story), 60)
        story.county["village"].stop()
        story.intake(story.cases())
        story.sync()
        while p.cuts < 4:  # how much went through each connection is the scheduler's business
            story.intake(story.cases())
            story.sync()
        assert p.cuts >= 4
        print(f"\n{p.connections} connections, {p.cuts} cut, {p.up} bytes up, {p.down} down")
        dial(story.village, story.county["township"].url)
    story.county["village"].start()
    story.all_is_there()


def _nothing_pending(story: Story) -> bool:
    status = report("node", "status", "--dir", story.village)
    return status["pending"] == 0 and status["blobs_pending"] == 0


def test_a_closed_way_is_taken_up_again_by_itself(story):
    """The township is unreachable for a while: the village goes on, and nobody has to press anything after."""
    with Proxy(story.county["township"].url) as way:
        story.county["village"].stop()
        dial(story.village, way.url)
        assert in_node(story.village, lambda conn: identity.get(conn, PARENT_URL)) == way.url.encode()
        story.county["village"].start()
        way.block()
        story.intake(story.cases())
        time.sleep(1.5)
        assert report("node", "status", "--dir", story.village)["pending"] == CASES_A_ROUND
        way.unblock()
        wait_for("what was pending is received", lambda: _nothing_pending(story), 60)
        dial(story.village, story.county["township"].url)
    story.county["village"].stop()
    story.county["village"].start()
    story.all_is_there()


def _as_if_killed_before_the_rename(folder: Path, blob: Path) -> Path:
    """A scan lies whole in `partial`, as a kill between its last byte and its new name leaves it."""
    partial = folder / "blobs" / "partial" / blob.name
    shutil.copy(blob, partial)
    return partial


def test_a_scan_that_was_whole_but_not_yet_named_when_the_process_died_is_finished(story):
    """Nobody sends more of it, so whoever holds it must see that nothing is missing: going up and coming down."""
    story.county["village"].stop()
    story.county["hub"].stop()
    story.intake(story.cases())
    blobs = [path for path in (story.village / "blobs").glob("??/*") if path.is_file()]
    left = [_as_if_killed_before_the_rename(story.county.dir("hub"), blob) for blob in blobs]
    story.county.serve("hub")
    story.sync()
    assert not any(path.exists() for path in left)
    lost = blobs[0]
    absent = sa.update(t.blob).where(t.blob.c.hash == bytes.fromhex(lost.name)).values(held=0)
    _as_if_killed_before_the_rename(story.village, lost)
    lost.unlink()
    in_node(story.village, lambda conn: conn.execute(absent))
    story.sync()
    assert lost.exists() and report("node", "fsck", "--dir", story.village)["wrong"] == []
    story.all_is_there()


def test_a_scan_whose_end_the_disk_lost_is_asked_for_again_from_its_start(tmp_path):
    files, data = BlobFiles(tmp_path), b"a scan" * 1000
    hash_ = hashlib.sha256(data).digest()
    (tmp_path / "partial" / hash_.hex()).write_bytes(data[:-1] + b"x")
    with pytest.raises(BadBytes):
        files.extend(hash_, len(data), 0, data[:10])
    assert files.offset(hash_) == 0 and files.extend(hash_, len(data), 0, data) and files.check(hash_)


def test_scans_in_the_clear_do_not_outlive_the_process_that_opened_them(story):
    """The spool of a killed server or command is emptied; that of a command that is at work stays."""
    spool = story.village / "spool"
    for name in ("pages-x", "material-y", "command-99999999", f"command-{os.getpid()}"):
        (spool / name).mkdir()
        (spool / name / "page.jpg").write_bytes(b"in the clear")
    (spool / "upload").write_bytes(b"in the clear")
    new = [story.village / "blobs" / "partial" / f"new-{pid}-1" for pid in (99999999, os.getpid())]
    for path in new:
        path.write_bytes(b"half")
    story.county["village"].kill()
    story.intake(story.cases())
    assert not (spool / "command-99999999").exists()
    story.county["village"].start()
    assert [path.name for path in spool.iterdir()] == [f"command-{os.getpid()}"]
    assert [path.exists() for path in new] == [False, True]
