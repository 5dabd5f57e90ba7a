"""A bundle that is well sealed and signed, by a station that lies about what is inside."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from dataclasses import replace

import pytest

from sync_protocol.bundles import Counts, Head
from sync_protocol.compression import deflate
from sync_protocol.errors import BadBytes, BadSignature, NotCanonical, SyncError, TooLarge, WrongReader
from sync_protocol.limits import BLOB_CHUNK_BYTES_MAX, MESSAGE_BYTES_MAX
from sync_protocol.messages import BlobState, Chunk, Fault, Hello, Vector, Want, frame_bytes, pack_message
from tests.sync_protocol.county import small_county
from tests.sync_protocol.sticks import forged, take
from tests.vectors import golden as g

HELLO = Hello(1, 0, bytes(16))
FIRST = pack_message([HELLO, Vector({}), Vector({})])
HASH = g.SMALL_BLOB_HASH
WHOLE = Chunk(HASH, len(g.SMALL_BLOB), 0, g.SMALL_BLOB)


@pytest.fixture(scope="module")
def county(tmp_path_factory):
    return small_county(tmp_path_factory.mktemp("hostile"))


def message(*frames) -> bytes:
    return pack_message([HELLO, *frames])


BLOB = len(g.SMALL_BLOB)
HALF = BLOB // 2
INSIDE: list[tuple[str, list[bytes], type[SyncError]]] = [
    ("no message", [], NotCanonical),
    ("no vectors", [message()], NotCanonical),
    ("one vector", [message(Vector({}))], NotCanonical),
    ("vectors again", [FIRST, message(Vector({}))], NotCanonical),
    ("a want", [FIRST, message(Want(((HASH, 0),)))], NotCanonical),
    ("a state", [FIRST, message(BlobState(((HASH, 0),)))], NotCanonical),
    ("a fault", [FIRST, message(Fault("x", b"", ""))], NotCanonical),
    ("hello twice", [FIRST, message(HELLO)], NotCanonical),
    ("entries after blobs", [FIRST, message(WHOLE), message(g.SEGMENT)], NotCanonical),
    ("a blob cut short", [FIRST, message(replace(WHOLE, data=g.SMALL_BLOB[:HALF]))], NotCanonical),
    ("a blob from its middle", [FIRST, message(replace(WHOLE, offset=HALF, data=g.SMALL_BLOB[HALF:]))], NotCanonical),
    ("an empty chunk", [FIRST, message(replace(WHOLE, data=b""))], NotCanonical),
    ("two blobs mixed", [FIRST, message(replace(WHOLE, data=g.SMALL_BLOB[:HALF]), WHOLE)], NotCanonical),
    ("not its hash", [FIRST, message(replace(WHOLE, data=bytes(BLOB)))], BadBytes),
    ("another length", [FIRST, message(replace(WHOLE, length=BLOB + 1))], NotCanonical),
    ("no zstd", [FIRST, b"no zstd"], BadBytes),
    ("an empty message", [FIRST, b""], BadBytes),
    ("no hello", [FIRST, deflate(frame_bytes(Vector({})))], NotCanonical),
    ("bytes after a message", [FIRST + b"\0"], BadBytes),
    ("a bomb", [FIRST, deflate(bytes(200_000_000))], TooLarge),
]


@pytest.mark.parametrize(("inside", "error"), [row[1:] for row in INSIDE], ids=[row[0] for row in INSIDE])
def test_what_does_not_belong_inside_is_refused_whole(county, inside, error):
    hub = county[1]
    bundle = forged(county[3], inside)
    tracemalloc.start()
    with pytest.raises(error):
        take(hub, bundle)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 45_000_000, peak


@pytest.mark.parametrize(
    "counts",
    [Counts(2), Counts(1, 1), Counts(1, 0, 1), Counts(1, 0, 0, 1)],
    ids=["messages", "entries", "blobs", "bytes"],
)
def test_counts_that_are_not_those_inside_are_refused(county, counts):
    with pytest.raises(NotCanonical, match="something else than it says"):
        take(county[1], forged(county[3], [FIRST], counts))


def test_a_length_that_no_message_has_is_refused_before_it_is_gathered(county):
    endless = bytes(BLOB_CHUNK_BYTES_MAX)

    class Endless(bytes):
        def __len__(self) -> int:
            return MESSAGE_BYTES_MAX + 1

    with pytest.raises(TooLarge):
        take(county[1], forged(county[3], [FIRST, Endless(endless)], Counts(2)))


HEADS: list[tuple[str, Callable[[Head], Head], type[SyncError]]] = [
    ("no certificates", lambda head: replace(head, certificates=()), BadSignature),
    ("the reader's is missing", lambda head: replace(head, certificates=head.certificates[1:]), BadSignature),
    ("the writer's is missing", lambda head: replace(head, certificates=head.certificates[:1]), BadSignature),
    ("one twice", lambda head: replace(head, certificates=head.certificates[:1] * 2), NotCanonical),
    ("too many", lambda head: replace(head, certificates=head.certificates * 3), TooLarge),
    ("another writer", lambda head: replace(head, writer=2), BadSignature),
    ("another id", lambda head: replace(head, id=b"x" * 16), BadSignature),
    (
        "another reader",
        lambda head: replace(head, reader=3, reader_serial=head.certificates[1].certificate.serial),
        WrongReader,
    ),
    ("author 0", lambda head: replace(head, writer=0), NotCanonical),
    ("no time", lambda head: replace(head, time=-1), NotCanonical),
    ("a short seal", lambda head: replace(head, seal=head.seal[1:]), NotCanonical),
    ("another's seal", lambda head: replace(head, seal=bytes(96)), BadSignature),
]


@pytest.mark.parametrize(("change", "error"), [row[1:] for row in HEADS], ids=[row[0] for row in HEADS])
def test_a_head_that_lies_is_refused(county, change, error):
    with pytest.raises(error):
        take(county[1], forged(county[3], [FIRST], change=change))


def test_the_forger_makes_good_ones_too(county):
    """So that each of the refusals above is for its own reason."""
    done = take(county[1], forged(county[3], [FIRST, message(WHOLE)], Counts(2, 0, 1, BLOB)))
    assert (done.blobs, done.new_blobs, done.left) == (1, 0, 1)  # named by no entry: not kept
    assert not county[1].replica.blobs.holds(HASH)
