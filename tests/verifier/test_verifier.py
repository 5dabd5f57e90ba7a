"""The stranger's verifier, written from SPEC.md alone, against exports that the library writes."""

from __future__ import annotations

import ast
import io
import json
import struct
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from sync_protocol import authority, canonical, judging
from sync_protocol.crypto import Signer, sha256
from sync_protocol.entries import EntryType, body_hash, entry_salt, head_message, parse_opening
from sync_protocol.export import MAGIC, export_message, write_export
from sync_protocol.feeds import down, up
from sync_protocol.frontier import Branch
from sync_protocol.judging import Verdict
from sync_protocol.order import Standing
from sync_protocol.store import acceptance, feed_store
from sync_protocol.topology import Tier
from tests.sync_protocol.county import OTHER_VILLAGE, VILLAGE, County, Place, small_county
from tests.verifier import verifier
from tests.verifier.verifier import Refused, verify

SCRIPT = Path(verifier.__file__)
VECTORS = Path(__file__).resolve().parent.parent / "vectors"
SLICES = 8


def export(place: Place) -> bytes:
    out = io.BytesIO()
    place.store.read(lambda conn: write_export(conn, place.me, place.replica.blobs, out))
    return out.getvalue()


def settle_all(c: County, home: int, decide: Callable[[bytes, Any], Verdict]) -> None:
    while c.judge(home, decide):
        pass


def in_step(c: County, *villages: Place) -> None:
    """What the villages wrote goes up to the county, and its answers come down."""
    for _ in range(2):
        for village in villages:
            c.sync(village, c.places[2])
        c.sync(c.places[2], c.hub)


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> tuple[County, Place]:
    """One case with a page, an opinion, a receipt and an order record; and a second case without anything."""
    c, hub, township, village = small_county(tmp_path_factory.mktemp("small"))
    topic = village.open_case({"n": 1}, pages=(b"page",))
    c.sync(village, township)
    township.write(village.author, topic, 66, {"o": 1})
    c.sync(township, hub)
    c.judge(village.author)
    village.open_case({"n": 2}, pages=(b"other page",))
    in_step(c, village)
    return c, hub


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> County:
    """A village replaced, with entries that only the old machine had and that arrived late; a case erased; entries
    refused, built on what was refused, held for a person and settled, held for a revocation and settled, waiting."""
    c, hub, township, village = small_county(tmp_path_factory.mktemp("large"))
    other = c.enrol(OTHER_VILLAGE, Tier.VILLAGE, "other")
    in_step(c, village, other)
    topic = village.open_case({"name": "张三"}, pages=(bytes(range(256)) * 600, b"second"))
    gone = other.open_case({"name": "李四"}, pages=(b"x" * 100,))
    other.write(other.author, gone, 65, {"reason": "erased later"})
    no, held = other.open_case({"name": "no"}), other.open_case({"name": "held"})
    other.write(other.author, no, 65, {"reason": "built on what is refused"})
    other.write(other.author, held, 65, {"reason": "waits behind what is held"})

    def decide(about: bytes, entry: Any) -> Verdict:
        if about == no:
            return Verdict(Standing.REFUSED, "no", "name")
        return Verdict(Standing.HELD if about == held else Standing.ADMITTED, "odd" if about == held else "")

    in_step(c, village, other)
    township.write(village.author, topic, 66, {"opinion": "同意"})
    c.sync(township, hub)
    for home in (village.author, other.author):
        settle_all(c, home, decide)
    in_step(c, village, other)
    village.write(village.author, topic, 65, {"reason": "only the old machine has this"})
    again = c.enrol(VILLAGE, Tier.VILLAGE, "again")
    late = village
    in_step(c, other)
    c.sync(again, township)
    again.write(again.author, topic, 65, {"reason": "新机"})
    again.open_case({"name": "王五"}, pages=(b"y" * 70_000,))
    in_step(c, again, other)
    settle_all(c, again.author, decide)
    _hand_over(late, township)
    hub.store.write(lambda conn: authority.erase(conn, hub.replica.journal, other.author, gone, hub.writing()))
    in_step(c, again, other)
    settle_all(c, again.author, decide)
    _settle(c, other.author, (0, 0, 4))
    settle_all(c, other.author, decide)
    _settle(c, again.author, (0, 0, 2))
    in_step(c, again, other)
    return c


def _hand_over(old: Place, township: Place) -> None:
    """Carry the old machine's feed to its township by hand: it may no longer ask for an exchange itself."""
    segments = old.store.read(lambda conn: list(feed_store.cut(conn, Branch(up(old.author), 0), 0, 2**30)))
    for segment, _ in segments:
        township.store.write(lambda conn, s=segment: acceptance.accept(conn, township.me.deployment, s, 0))


def _settle(c: County, home: int, entry: tuple[int, int, int]) -> None:
    hub = c.hub
    admitted = Verdict(Standing.ADMITTED)
    hub.store.write(lambda conn: judging.settle(conn, hub.replica.journal, home, entry, admitted, hub.writing()))


def test_every_replica_of_a_county_verifies(large: County) -> None:
    counts = {author: verify(export(place), large.hub.me.root_key).counts for author, place in large.places.items()}
    assert counts[1] == {
        "author": 1, "segments": 8, "entries": 36, "erased": 2, "admitted": 8, "refused": 2, "held": 1,
        "blobs": 4, "bytes": 153_692 + 70_059 + 47 + 158 + 33,
    }  # fmt: skip
    assert counts[2] == counts[1] | {"author": 2}
    assert counts[3]["entries"] == 24 and counts[4]["erased"] == 2


def test_a_station_whose_key_was_revoked_goes_on_in_the_next_epoch(tmp_path: Path) -> None:
    c, hub, township, village = small_county(tmp_path)
    topic = village.open_case({"n": 1})
    in_step(c, village)
    hub.store.write(lambda conn: authority.revoke(conn, hub.replica.journal, village.me.serial, "lost", hub.writing()))
    again = c.enrol(VILLAGE, Tier.VILLAGE, "again")
    assert again.me.epoch == 1
    c.sync(township, hub)
    c.sync(again, township)
    again.write(again.author, topic, 65, {"n": 2})
    in_step(c, again)
    assert verify(export(hub)).counts["entries"] == verify(export(again)).counts["entries"] == 10


def test_a_townships_malformed_receipt_spoils_nobodys_file_and_the_hubs_is_refused(tmp_path: Path) -> None:
    c, hub, township, village = small_county(tmp_path)
    village.open_case({"n": 1})
    in_step(c, village)
    for writer, writes in ((township, (b"", b"\x90", canonical.pack([0, 1, [[1, 0]]]))), (hub, (b"\x90",))):
        for body in writes:
            writer.store.write(
                lambda conn, w=writer, b=body: w.replica.journal.tell(
                    conn, down(w.author, village.author), EntryType.RECEIPT, b, w.writing()
                )
            )
        c.sync(township, hub)
        if writer is township:
            assert verify(export(hub)).counts["void"] == 3
    assert refused(export(hub)) == "a word of the hub: receipt: not of its shape"


def test_a_scan_that_went_bad_is_left_out_and_counted(tmp_path: Path) -> None:
    c, hub, _, village = small_county(tmp_path)
    village.open_case({"n": 1}, pages=(b"one", b"two", b"three"))
    in_step(c, village)
    for path, data in zip(sorted(c.folder.glob("hub-blobs/*/*")), (b"changed", None), strict=False):
        path.unlink()
        if data:
            path.write_bytes(data)
    out = io.BytesIO()
    done = hub.store.read(lambda conn: write_export(conn, hub.me, hub.replica.blobs, out))
    assert (done.blobs, done.damaged, done.bytes) == (1, 2, len(out.getvalue()))
    assert verify(out.getvalue()).counts["blobs"] == 1


def test_the_golden_export_verifies() -> None:
    golden = json.loads((VECTORS / "export.json").read_text(encoding="utf-8"))
    found = verify(bytes.fromhex(golden["bytes"]), bytes.fromhex(golden["root_key"]))
    assert found.counts == {"author": 3, "segments": 1, "entries": 3, "erased": 0}


@pytest.mark.parametrize("which", range(SLICES))
def test_no_bit_of_an_export_can_be_turned(small: tuple[County, Place], which: int) -> None:
    data = export(small[1])
    verify(data)
    missed = [bit for bit in range(which, len(data) * 8, SLICES) if not refused(turned(data, bit))]
    assert missed == []


def turned(data: bytes, bit: int) -> bytes:
    changed = bytearray(data)
    changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)


def refused(data: bytes, root_key: bytes | None = None) -> str:
    """The reason, or nothing when the file was believed."""
    try:
        verify(data, root_key)
    except Refused as reason:
        return str(reason)
    return ""


def test_no_cut_file_and_nothing_after_the_end(small: tuple[County, Place]) -> None:
    data = export(small[1])
    assert [length for length in range(0, len(data), 5) if not refused(data[:length])] == []
    assert refused(data[:-1]) and refused(data + b"\0") and refused(data + data)


def test_the_root_key_is_the_one_that_was_asked_for(small: tuple[County, Place], large: County) -> None:
    data = export(small[1])
    assert refused(data, Signer(bytes(32)).public) == "another county"
    assert verify(data, small[1].me.root_key).counts["author"] == 1


# Spoiled by the writer itself, who counts anew and signs again: what remains is what the feeds say of themselves.

Part = list[Any]
Change = Callable[[list[Part]], None]


def parts_of(data: bytes) -> Iterator[Part]:
    at = len(MAGIC)
    while at < len(data):
        (size,) = struct.unpack(">I", data[at : at + 4])
        yield canonical.unpack(data[at + 4 : at + 4 + size], bytes_max=size)
        at += 4 + size


def rewritten(place: Place, change: Change) -> bytes:
    """The place's export with its parts changed, the counts made to fit and the file signed again."""
    parts = list(parts_of(export(place)))
    change(parts)
    segments = [part for part in parts if part[0] == 3 and len(part) == 7]
    blobs = {part[1] for part in parts if part[0] == 5 and len(part) == 5}
    parts[-2] = [len(segments), sum(len(segment[4]) // 2 for segment in segments), len(blobs)]
    body = MAGIC + b"".join(packed(part) for part in parts[:-1])
    message = export_message(place.me.deployment, place.me.serial, sha256(body))
    return body + packed([place.me.serial, place.me.signer.sign(message)])


def packed(part: Part) -> bytes:
    data = canonical.pack(part)
    return struct.pack(">I", len(data)) + data


def segments_of(parts: list[Part]) -> list[int]:
    return [at for at, part in enumerate(parts) if part[0] == 3 and len(part) == 7]


def chunks_of(parts: list[Part]) -> list[int]:
    return [at for at, part in enumerate(parts) if part[0] == 5 and len(part) == 5]


def drop_an_entry(parts: list[Part]) -> None:
    del parts[segments_of(parts)[0]][4][2:4]


def drop_the_last_entry(parts: list[Part]) -> None:
    del parts[segments_of(parts)[-1]][4][-2:]


def drop_a_segment(parts: list[Part]) -> None:
    del parts[segments_of(parts)[1]]


def drop_the_last_segment(parts: list[Part]) -> None:
    del parts[segments_of(parts)[-1]]


def drop_a_tip(parts: list[Part]) -> None:
    del parts[1][1][0]


def swap_segments(parts: list[Part]) -> None:
    one, two = segments_of(parts)[:2]
    parts[one], parts[two] = parts[two], parts[one]


def repeat_a_segment(parts: list[Part]) -> None:
    at = segments_of(parts)[0]
    parts.insert(at, parts[at])


def swap_blobs(parts: list[Part]) -> None:
    one, two = chunks_of(parts)[:2]
    parts[one], parts[two] = parts[two], parts[one]


def another_blob_under_its_name(parts: list[Part]) -> None:
    at = chunks_of(parts)[0]
    parts[at] = [*parts[at][:4], bytes(len(parts[at][4]))]


def a_blob_that_nobody_named(parts: list[Part]) -> None:
    data = b"nobody named this"
    chunks = chunks_of(parts)
    name = sha256(data)
    at = next((at for at in chunks if parts[at][1] > name), chunks[-1] + 1)
    parts.insert(at, [5, name, len(data), 0, data])


def half_a_blob(parts: list[Part]) -> None:
    at = chunks_of(parts)[0]
    parts[at][4] = parts[at][4][:-1]


def a_body_left_out(parts: list[Part]) -> None:
    """With its true hash, so that the chain holds: but nobody erased it."""
    opened, spoken = (
        next(parts[at][4] for at in segments_of(parts) if parts[at][1] == feed.packed()) for feed in (up(3), down(2, 3))
    )
    number = next(n for n in range(1, 4) if canonical.unpack(spoken[2 * n - 2], bytes_max=4096)[0] == 66)
    salt = entry_salt(parse_opening(opened[1]).salt, down(2, 3), 0, number)
    spoken[2 * number - 1] = [body_hash(salt, spoken[2 * number - 1])]


def drop_a_certificate(parts: list[Part]) -> None:
    del parts[0][3][-1]


def certificates_in_another_order(parts: list[Part]) -> None:
    parts[0][3].reverse()


@pytest.mark.parametrize(
    "change",
    [
        drop_an_entry, drop_the_last_entry, drop_a_segment, drop_the_last_segment, drop_a_tip, swap_segments,
        repeat_a_segment, swap_blobs, another_blob_under_its_name, a_blob_that_nobody_named, half_a_blob,
        a_body_left_out, drop_a_certificate, certificates_in_another_order,
    ],
)  # fmt: skip
def test_not_even_the_writer_can_change_what_the_feeds_say(small: tuple[County, Place], change: Change) -> None:
    place = small[1]
    assert not refused(rewritten(place, lambda parts: None))
    assert refused(rewritten(place, change))


def test_another_countys_certificate_is_not_taken(small: tuple[County, Place], tmp_path: Path) -> None:
    other = small_county(tmp_path, seed=2)[1]
    theirs = next(parts_of(export(other)))[3]

    def change(parts: list[Part]) -> None:
        parts[0][3][2] = theirs[2]

    assert refused(rewritten(small[1], change)).startswith("BadSignatureError")
    assert not refused(export(other))
    assert refused(export(other), small[1].me.root_key) == "another county"


def test_only_the_writer_signs_and_only_what_it_may_hold(small: tuple[County, Place]) -> None:
    c, hub = small

    def by_the_village(parts: list[Part]) -> None:
        parts[0][2] = 3

    assert "not by a certificate of its author" in refused(rewritten(hub, by_the_village))
    data = export(c.places[3])
    assert not refused(data)
    body = data[: data.rindex(packed(list(parts_of(data))[-1]))]
    message = export_message(hub.me.deployment, hub.me.serial, sha256(body))
    assert refused(body + packed([hub.me.serial, hub.me.signer.sign(message)]))


def test_a_replaced_machines_key_signs_nothing_in_the_next_epoch(tmp_path: Path) -> None:
    c, hub, township, village = small_county(tmp_path)
    topic = village.open_case({"n": 1})
    in_step(c, village)
    again = c.enrol(VILLAGE, Tier.VILLAGE, "again")
    c.sync(township, hub)
    c.sync(again, township)
    again.write(again.author, topic, 65, {"n": 2})
    in_step(c, again)

    def signed_by(place: Place) -> Change:
        def change(parts: list[Part]) -> None:
            at = next(at for at in segments_of(parts) if parts[at][1:3] == [up(3).packed(), 1])
            tip = next(tip for tip in parts[1][1] if tip[:2] == [up(3).packed(), 1])
            message = head_message(hub.me.deployment, up(3), *tip[1:], place.me.serial)
            parts[at][5:] = [place.me.serial, place.me.signer.sign(message)]

        return change

    assert not refused(rewritten(hub, signed_by(again)))
    assert refused(rewritten(hub, signed_by(village))) == "segment: a certificate not for this epoch"


Said = tuple[tuple[int, int, int], Verdict]
A, R, H = Standing.ADMITTED, Standing.REFUSED, Standing.HELD


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ([((0, 0, 1), Verdict(A)), ((0, 0, 2), Verdict(A)), ((0, 0, 3), Verdict(A))], ""),
        ([((0, 0, 9), Verdict(A))], ""),  # ahead of what is held
        ([((0, 0, 1), Verdict(H, "odd")), ((0, 0, 1), Verdict(A)), ((0, 0, 2), Verdict(A))], ""),
        ([((0, 0, 1), Verdict(R, "no")), ((0, 0, 2), Verdict(R, "basis_refused"))], ""),
        ([((0, 0, 1), Verdict(A)), ((0, 0, 1), Verdict(A))], "not to be named"),
        ([((0, 0, 1), Verdict(R, "no")), ((0, 0, 1), Verdict(A))], "not to be named"),
        ([((1, 0, 1), Verdict(A))], "not to be named"),  # a receipt: an entry without a topic
        ([((0, 0, 1), Verdict(H, "revoked"))], "not to be named"),  # nobody was revoked
        ([((0, 0, 1), Verdict(R, "awaits"))], "not to be named"),
        ([((0, 0, 2), Verdict(A))], "the rules"),  # before the first
        ([((0, 0, 1), Verdict(H, "awaits")), ((0, 0, 2), Verdict(A))], "the rules"),
        ([((0, 0, 1), Verdict(R, "no")), ((0, 0, 2), Verdict(A))], "the rules"),  # built on what was refused
        ([((0, 0, 1), Verdict(A)), ((0, 0, 2), Verdict(R, "basis_refused"))], "the rules"),
        ([((0, 0, 1), Verdict(R, "duplicate"))], "the rules"),
    ],
)
def test_order_records_are_held_to_the_rules(tmp_path: Path, said: list[Said], reason: str) -> None:
    c, hub, _, village = small_county(tmp_path)
    topic = village.open_case({"n": 1})
    village.write(village.author, topic, 65, {"n": 2})
    village.open_case({"n": 3})
    in_step(c, village)
    for entry, verdict in said:
        hub.store.write(
            lambda conn, e=entry, v=verdict: judging.settle(
                conn, hub.replica.journal, village.author, e, v, hub.writing()
            )
        )
    found = refused(export(hub))
    assert reason in found and bool(reason) == bool(found)


def test_it_is_short_and_knows_nothing_of_the_library() -> None:
    text = SCRIPT.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 250
    assert max(map(len, text.splitlines())) <= 120
    names = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0 and node.module
            names.add(node.module.split(".")[0])
    assert names - set(sys.stdlib_module_names) == {"nacl"}
    assert not names & {"importlib", "runpy", "ctypes", "subprocess", "pickle"}


def test_it_runs_by_itself(small: tuple[County, Place], tmp_path: Path) -> None:
    path = tmp_path / "hub.export"
    path.write_bytes(export(small[1]))

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        call = [sys.executable, "-I", str(SCRIPT), str(path), *words]
        return subprocess.run(call, capture_output=True, text=True, check=False, cwd=tmp_path)

    done = run(small[1].me.root_key.hex())
    assert (done.returncode, done.stderr) == (0, "") and done.stdout.startswith("verified: author 1, ")
    foreign = run(bytes(32).hex())
    assert foreign.returncode == 1 and foreign.stdout == "" and foreign.stderr.endswith("Refused: another county\n")
