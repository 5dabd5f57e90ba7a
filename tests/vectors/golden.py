"""One small made-up county whose every byte is fixed: what the golden vectors and the hostile tests are made of.

Nothing here is random. Where the library draws randomness itself (the ephemeral key of a seal, the header of a
stream), the same bytes are made here from a fixed seed, so that they can be written down and opened.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import replace

from nacl import bindings

from sync_protocol import canonical
from sync_protocol.blobs import plain_hash
from sync_protocol.bundles import MAGIC as BUNDLE_MAGIC
from sync_protocol.bundles import Head, bundle_message, key_context
from sync_protocol.certificates import Certificate, deployment_id, fingerprint, sign_certificate
from sync_protocol.crypto import (
    STREAM_CHUNK_BYTES,
    SUITE,
    BoxKey,
    Signer,
    derive,
    digest,
    domain,
    seal_body,
    sha256,
    u32,
    u64,
)
from sync_protocol.custody import Receipt, pack_receipt
from sync_protocol.enrolment import EnrolRequest, Token, Welcome, pack_request
from sync_protocol.entries import (
    BlobRef,
    Flag,
    Header,
    Opening,
    body_hash,
    entry_salt,
    genesis,
    head_message,
    leaf,
    mark,
    next_head,
    pack_header,
    pack_opening,
    topic_of,
)
from sync_protocol.envelopes import sign_reply, sign_request
from sync_protocol.epochs import Grant, Revocation, Start, pack_grant, pack_revocation
from sync_protocol.export import MAGIC, export_message, part
from sync_protocol.feeds import HUB, TO_ALL, TO_SELF, down, up
from sync_protocol.frontier import Branch, Tip, frontier_digest
from sync_protocol.messages import (
    BlobState,
    Chunk,
    Fault,
    Frame,
    Hello,
    HelloFlag,
    Pieces,
    Report,
    Vector,
    Want,
    frame_bytes,
)
from sync_protocol.order import Run, RunException, Standing, pack_runs
from sync_protocol.reports import StationReport, pack_report, sign_report
from sync_protocol.segments import Item, Segment, link
from sync_protocol.statements import Place, Said, sign_statement
from sync_protocol.topology import Tier

TOWNSHIP, VILLAGE = 2, 3
REGIONS = {HUB: "341882000000", TOWNSHIP: "341882103000", VILLAGE: "341882103201"}
NOW = 1_790_000_000
DAY = 86_400
YEARS = 3 * 366 * DAY


def seed(name: str, length: int = 32) -> bytes:
    """Fixed bytes for a name: SHA-256 of "lianban vectors " and the name."""
    return hashlib.sha256(b"lianban vectors " + name.encode()).digest()[:length]


ROOT = Signer(seed("root"))
SIGNERS = {author: Signer(seed(f"sign {author}")) for author in REGIONS}
BOXES = {author: BoxKey(seed(f"box {author}")) for author in REGIONS}
DEPLOYMENT = deployment_id(ROOT.public)
OTHER_DEPLOYMENT = deployment_id(Signer(seed("another root")).public)


def seal(reader: bytes, plain: bytes, name: str) -> bytes:
    """A sealed box (libsodium crypto_box_seal) with an ephemeral key made from a fixed seed."""
    public, secret = bindings.crypto_box_seed_keypair(seed(name))
    nonce = hashlib.blake2b(public + reader, digest_size=24).digest()
    return public + bindings.crypto_box(plain, nonce, reader, secret)


def stream(key: bytes, context: bytes, header: bytes, plain: bytes) -> Iterator[bytes]:
    """A secretstream with a fixed header: pulling from it and pushing to it start in the same state."""
    state = bindings.crypto_secretstream_xchacha20poly1305_state()
    bindings.crypto_secretstream_xchacha20poly1305_init_pull(state, header, key)
    yield header
    for at in range(0, max(1, len(plain)), STREAM_CHUNK_BYTES):
        tag = 0 if at + STREAM_CHUNK_BYTES < len(plain) else 3
        part = plain[at : at + STREAM_CHUNK_BYTES]
        yield bindings.crypto_secretstream_xchacha20poly1305_push(state, part, context, tag)


# --- certificates -----------------------------------------------------------------------------------------------


def _certificate(serial: int, author: int, parent: int, tier: Tier) -> Certificate:
    keys = SIGNERS[author].public, BOXES[author].public
    return Certificate(serial, author, parent, tier, REGIONS[author], *keys, NOW - DAY, NOW + YEARS, 0)


CERTIFICATES = {
    HUB: sign_certificate(DEPLOYMENT, _certificate(1, HUB, 0, Tier.COUNTY), ROOT, 0),
    TOWNSHIP: sign_certificate(DEPLOYMENT, _certificate(2, TOWNSHIP, HUB, Tier.TOWNSHIP), SIGNERS[HUB], 1),
    VILLAGE: sign_certificate(DEPLOYMENT, _certificate(3, VILLAGE, TOWNSHIP, Tier.VILLAGE), SIGNERS[HUB], 1),
}
SERIALS = {author: signed.certificate.serial for author, signed in CERTIFICATES.items()}

# --- one case: its key, a page, its opening and two more entries -----------------------------------------------

TOPIC_SALT = seed("topic salt", 16)
TOPIC = topic_of(VILLAGE, TOPIC_SALT)
CASE_KEY = seed("case key")
PAGE = bytes(range(256)) * 260  # two blocks of the stream
PLAIN_SALT = derive(CASE_KEY, "plain-salt", b"")[:16]
BLOB_SEED = seed("blob seed", 16)


def blob(plain: bytes) -> bytes:
    """A blob with the fixed seed; its bytes need not be secret here."""
    key, context = derive(CASE_KEY, "blob", BLOB_SEED), domain("blob") + DEPLOYMENT + BLOB_SEED
    return bytes([SUITE]) + BLOB_SEED + b"".join(stream(key, context, seed("stream header", 24), plain))


BLOB = blob(PAGE)
SMALL_PLAIN = "一页".encode()
SMALL_BLOB = blob(SMALL_PLAIN)
BLOB_HASH = hashlib.sha256(BLOB).digest()
WRAP_CONTEXT = digest("wrap", DEPLOYMENT, VILLAGE.to_bytes(4, "big"), TOPIC)[:16]
WRAPS = tuple((reader, seal(BOXES[reader].public, CASE_KEY + WRAP_CONTEXT, f"wrap {reader}")) for reader in (1, 2))

FEED = up(VILLAGE)
OPENING = Opening(TOPIC_SALT, WRAPS, canonical.pack({"item": "社保卡申领", "name": "张三", "version": 1}))
HEADERS = (
    Header(
        type=64,
        topic=TOPIC,
        actor=7,
        time=NOW,
        quality=1,
        after=(0, 0, mark(0, 4)),
        blobs=(BlobRef(BLOB_HASH, len(BLOB), 0),),
        urgency=NOW // DAY + 5,
        flags=int(Flag.OPENING),
    ),
    Header(type=65, topic=TOPIC, actor=7, time=NOW + 60, quality=1, after=(0, mark(0, 1), mark(0, 4))),
    Header(type=200, topic=b"", actor=0, time=NOW + 61, rest=("a field of a later version",)),
)
BODIES = (pack_opening(OPENING), canonical.pack({"reason": "住址写错"}), b"\x00 not our msgpack \xff")


def chain() -> Iterator[tuple[int, bytes, bytes, bytes, bytes]]:
    """Per entry: number, salt, body hash, leaf, head."""
    head = genesis(DEPLOYMENT, FEED)
    for number, (header, body) in enumerate(zip(HEADERS, BODIES, strict=True), 1):
        salt = entry_salt(TOPIC_SALT, FEED, 0, number) if header.topic else bytes(16)
        hashed = body_hash(salt, body)
        one = leaf(DEPLOYMENT, FEED, 0, number, pack_header(header), hashed)
        head = next_head(head, one)
        yield number, salt, hashed, one, head


CHAIN = tuple(chain())
HEAD = CHAIN[-1][4]
HEAD_MESSAGE = head_message(DEPLOYMENT, FEED, 0, 3, HEAD, SERIALS[VILLAGE])
ITEMS = tuple(Item(pack_header(header), body) for header, body in zip(HEADERS, BODIES, strict=True))
SEGMENT = Segment(FEED, 0, 1, ITEMS, SERIALS[VILLAGE], SIGNERS[VILLAGE].sign(HEAD_MESSAGE))
ERASED = replace(SEGMENT, items=(ITEMS[0], Item(ITEMS[1].header, None, CHAIN[1][2]), ITEMS[2]))

BODY_POSITION = FEED.packed() + u32(0) + u64(2)
BODY_PLAIN = canonical.pack({"note": "乡镇不可见"})
SEALED_BODY = seal_body(CASE_KEY, BODY_POSITION, BODY_PLAIN, seed("body nonce", 24))
PLAIN_HASH = plain_hash(PLAIN_SALT, PAGE)

# --- bodies of the library's own entries ------------------------------------------------------------------------

RUNS = (
    Run(0, 0, 1, 3, (RunException(2, Standing.REFUSED, "no_such_item", "item"),)),
    Run(1, 0, 1, 1),
    Run(0, 1, 4, 5, (RunException(4, Standing.HELD, "awaits"), RunException(5, Standing.HELD, "revoked"))),
)
ORDER = pack_runs(RUNS)
RECEIPT = pack_receipt(Receipt(0, 3, ((1, 0), (2, 63))))
GRANT = pack_grant(Grant(VILLAGE, 1, 4, ((FEED, Start(0, 3, HEAD)),)))
REVOCATION = pack_revocation(Revocation(VILLAGE, 3, "replaced", ((FEED, 0, 3),)))

# --- an exchange ------------------------------------------------------------------------------------------------

FRONTIER = {
    Branch(FEED, 0): Tip(3, HEAD),
    Branch(FEED, 1): Tip(4, seed("head of epoch 1")),
    Branch(down(HUB, VILLAGE), 0): Tip(9, seed("head of hub to village")),
    Branch(TO_ALL, 0): Tip(300, seed("head of hub to all")),
}


def _piece_digests(data: bytes) -> bytes:
    return b"".join(sha256(data[at : at + 4096])[:16] for at in range(0, len(data), 4096))


REPORT = pack_report(
    StationReport(
        author=VILLAGE,
        serial=SERIALS[VILLAGE],
        time=NOW,
        epoch=0,
        number=3,
        waiting=2,
        oldest=NOW - 86_400,
        waiting_blobs=4,
        waiting_bytes=70_000,
        alone=1,
        alone_blobs=2,
        drafts=5,
        protocol=1,
        program="0.1.0",
        schema="0010",
        error="fork",
        error_at=9,
    )
)
FRAMES: tuple[Frame, ...] = (
    Hello(1, NOW, frontier_digest(FRONTIER), int(HelloFlag.MORE), 50),
    Vector(FRONTIER),
    SEGMENT,
    ERASED,
    Want(((BLOB_HASH, 0), (seed("another blob"), 65_536))),
    Chunk(BLOB_HASH, len(BLOB), 0, BLOB[:512]),
    BlobState(((BLOB_HASH, 512), (seed("another blob"), -1))),
    Fault("gap", FEED.packed(), "entries before these are missing"),
    Pieces(BLOB_HASH, len(BLOB), 512, 10_000, _piece_digests(BLOB[512:10_512])),
    Report(REPORT, sign_report(DEPLOYMENT, SIGNERS[VILLAGE], REPORT), 600, -90),
)
NONCE = seed("nonce", 16)
FRESH = (seed("fresh 1", 16), seed("fresh 2", 16))
REQUEST = sign_request(
    DEPLOYMENT,
    SIGNERS[VILLAGE],
    method="POST",
    path="/sync",
    author=VILLAGE,
    serial=SERIALS[VILLAGE],
    nonce=NONCE,
    payload=b"the compressed message",
)
REPLY = sign_reply(
    DEPLOYMENT, SIGNERS[TOWNSHIP], nonce=NONCE, serial=SERIALS[TOWNSHIP], nonces=FRESH, payload=b"the answer"
)

# --- enrolment --------------------------------------------------------------------------------------------------

TOKEN = Token(seed("token", 16), fingerprint(ROOT.public), REGIONS[VILLAGE], int(Tier.VILLAGE))
ENROL = EnrolRequest(TOKEN.id, TOKEN.station, TOKEN.tier, SIGNERS[VILLAGE].public, BOXES[VILLAGE].public)
ENROL_REQUEST = pack_request(ENROL, TOKEN, SIGNERS[VILLAGE])
WELCOME = Welcome(ROOT.public, CERTIFICATES[HUB], CERTIFICATES[VILLAGE], (CERTIFICATES[TOWNSHIP],))

# --- an export ---------------------------------------------------------------------------------------------------

EXPORT_PARTS: tuple[bytes, ...] = (
    part([DEPLOYMENT, ROOT.public, VILLAGE, [CERTIFICATES[author].packed() for author in sorted(CERTIFICATES)]]),
    frame_bytes(Vector({Branch(FEED, 0): Tip(3, HEAD)})),
    frame_bytes(SEGMENT),
    part([1, 3, 0]),
)
EXPORT_BODY = MAGIC + b"".join(EXPORT_PARTS)
EXPORT_MESSAGE = export_message(DEPLOYMENT, SERIALS[VILLAGE], sha256(EXPORT_BODY))
EXPORT = EXPORT_BODY + part([SERIALS[VILLAGE], SIGNERS[VILLAGE].sign(EXPORT_MESSAGE)])

# --- a bundle ----------------------------------------------------------------------------------------------------


def stored(data: bytes) -> bytes:
    """One zstd frame (RFC 8878) that holds the bytes as they are: the library's own may change with its version."""
    blocks = (1 | len(data) << 3).to_bytes(3, "little") + data
    return bytes.fromhex("28b52ffd") + b"\x00\x38" + blocks


BUNDLE_KEY = seed("bundle key")
BUNDLE_ID = seed("bundle id", 16)
BUNDLE_HEAD = Head(
    ROOT.public,
    (CERTIFICATES[HUB], CERTIFICATES[VILLAGE]),
    VILLAGE,
    HUB,
    SERIALS[HUB],
    NOW,
    BUNDLE_ID,
    seal(BOXES[HUB].public, BUNDLE_KEY + key_context(DEPLOYMENT, VILLAGE, HUB, BUNDLE_ID), "bundle seal"),
)
BUNDLE_HOLDS = {Branch(FEED, 0): Tip(3, HEAD)}
SMALL_BLOB_HASH = hashlib.sha256(SMALL_BLOB).digest()
_BUNDLE_HELLO = Hello(1, NOW, frontier_digest(BUNDLE_HOLDS))
BUNDLE_FRAMES: tuple[tuple[Frame, ...], ...] = (
    (_BUNDLE_HELLO, Vector(BUNDLE_HOLDS), Vector({})),
    (_BUNDLE_HELLO, SEGMENT),
    (_BUNDLE_HELLO, Chunk(SMALL_BLOB_HASH, len(SMALL_BLOB), 0, SMALL_BLOB)),
)
BUNDLE_MESSAGES = tuple(stored(b"".join(frame_bytes(frame) for frame in frames)) for frames in BUNDLE_FRAMES)
BUNDLE_PLAIN = b"".join(u32(len(message)) + message for message in BUNDLE_MESSAGES)


def _bundle_body() -> bytes:
    head = BUNDLE_HEAD.packed()
    header, *blocks = stream(
        BUNDLE_KEY, domain("bundle-block") + sha256(head), seed("bundle stream header", 24), BUNDLE_PLAIN
    )
    framed = b"".join(u32(len(block)) + block for block in blocks)
    return BUNDLE_MAGIC + head + header + framed + u32(0) + part([3, 3, 1, len(SMALL_BLOB)])


BUNDLE_BODY = _bundle_body()
BUNDLE_MESSAGE = bundle_message(DEPLOYMENT, SERIALS[VILLAGE], sha256(BUNDLE_BODY))
BUNDLE = BUNDLE_BODY + part([SERIALS[VILLAGE], SIGNERS[VILLAGE].sign(BUNDLE_MESSAGE)])

# --- statements --------------------------------------------------------------------------------------------------

BOUND = seed("bound", 16)
STATEMENTS = {
    "village": sign_statement(
        DEPLOYMENT, SIGNERS[VILLAGE], CERTIFICATES[VILLAGE], Said(1, Place(0, 0, 3), NOW + 60, b"a slip"), BOUND
    ),
    "township": sign_statement(
        DEPLOYMENT,
        SIGNERS[TOWNSHIP],
        CERTIFICATES[TOWNSHIP],
        Said(2, Place(VILLAGE, 1, 300), NOW - DAY - 1, b""),
        BOUND,
    ),
    "hub": sign_statement(
        DEPLOYMENT, SIGNERS[HUB], CERTIFICATES[HUB], Said(2, Place(VILLAGE, 0, 2**32 - 1), NOW, "准予".encode()), BOUND
    ),
}

EVERY_FEED = (FEED, down(TOWNSHIP, VILLAGE), down(HUB, VILLAGE), TO_ALL, TO_SELF)


def heads() -> list[bytes]:
    """The heads of SEGMENT as a receiver chains them."""
    return [item.head for item in link(DEPLOYMENT, SEGMENT, genesis(DEPLOYMENT, FEED), lambda topic: None)]
