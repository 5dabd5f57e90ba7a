"""Blobs: pages encrypted once and named by the hash of their ciphertext (SPEC section 13). Pure.

Layout: suite byte, 16-byte seed, stream header, sealed blocks of 64 KiB. The blob's key derives from the case's key
and the seed, so a blob says itself how to open it, to whoever holds the case's key.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from sync_protocol.crypto import (
    KEY_BYTES,
    SALT_BYTES,
    STREAM_CHUNK_BYTES,
    STREAM_HEADER_BYTES,
    SUITE,
    BoxKey,
    derive,
    digest,
    domain,
    open_key,
    open_stream,
    same,
    seal_key,
    seal_stream,
    seal_to,
    sealed_block_bytes,
)
from sync_protocol.errors import BadSignature

SEED_BYTES = 16
PREFIX_BYTES = 1 + SEED_BYTES
KEY_NONCE_BYTES = 24


def _context(deployment: bytes, seed: bytes) -> bytes:
    return domain("blob") + deployment + seed


def seal_blob(case_key: bytes, deployment: bytes, seed: bytes, plain: bytes) -> Iterator[bytes]:
    """The blob's bytes, piece by piece; `seed` is 16 fresh random bytes."""
    chunks = [plain[at : at + STREAM_CHUNK_BYTES] for at in range(0, len(plain), STREAM_CHUNK_BYTES)]
    yield bytes([SUITE]) + seed
    yield from seal_stream(derive(case_key, "blob", seed), _context(deployment, seed), chunks)


def open_blob(
    case_key: bytes, deployment: bytes, sealed: Iterable[bytes], own_key: bytes | None = None
) -> Iterator[bytes]:
    """The plain bytes, piece by piece; raises BadSignature on any change or cut.

    `own_key`: the blob's key where it was sealed under another case's key (`open_blob_key`).
    """
    pieces = _reframed(sealed)
    seed = _seed(next(pieces, b""))
    key = derive(case_key, "blob", seed) if own_key is None else own_key
    yield from open_stream(key, _context(deployment, seed), pieces)


def _seed(prefix: bytes) -> bytes:
    if len(prefix) != PREFIX_BYTES or prefix[0] != SUITE:
        raise BadSignature("not a blob")
    return prefix[1:]


def blob_key(case_key: bytes, prefix: bytes) -> bytes:
    """The key of a blob sealed under this case's key; `prefix`: its first PREFIX_BYTES bytes. Raises BadSignature."""
    return derive(case_key, "blob", _seed(prefix))


def seal_blob_key(case_key: bytes, deployment: bytes, hash_: bytes, key: bytes, nonce: bytes) -> bytes:
    """A blob's key for the readers of another case, which names the blob again; 72 bytes."""
    return seal_key(case_key, deployment + hash_, key, nonce)


def open_blob_key(case_key: bytes, deployment: bytes, hash_: bytes, sealed: bytes) -> bytes:
    """Inverse of `seal_blob_key`; raises BadSignature."""
    return open_key(case_key, deployment + hash_, sealed)


def _reframed(source: Iterable[bytes]) -> Iterator[bytes]:
    """Cut an arbitrary chunking into prefix, stream header and sealed blocks."""
    buffer = b""
    sizes = _sizes()
    size = next(sizes)
    for part in source:
        buffer += part
        while len(buffer) >= size:
            yield buffer[:size]
            buffer = buffer[size:]
            size = next(sizes)
    if buffer:
        yield buffer


def _sizes() -> Iterator[int]:
    yield PREFIX_BYTES
    yield STREAM_HEADER_BYTES
    while True:
        yield sealed_block_bytes()


def plain_hash(salt: bytes, plain: bytes) -> bytes:
    """Salted hash of a page's plain bytes, signed inside the body: one blob cannot show two pictures."""
    return digest("plain", salt, plain)


def wrap_key(case_key: bytes, reader_box_key: bytes, deployment: bytes, home: int, topic: bytes) -> bytes:
    """The case key sealed to one reader and bound to its case."""
    return seal_to(reader_box_key, case_key + _wrap_context(deployment, home, topic))


def unwrap_key(sealed: bytes, reader: BoxKey, deployment: bytes, home: int, topic: bytes) -> bytes:
    """Raises BadSignature when the wrap is not for this reader and case."""
    plain = reader.open(sealed)
    if len(plain) != KEY_BYTES + SALT_BYTES or not same(plain[KEY_BYTES:], _wrap_context(deployment, home, topic)):
        raise BadSignature("the wrapped key belongs to another case")
    return plain[:KEY_BYTES]


def _wrap_context(deployment: bytes, home: int, topic: bytes) -> bytes:
    return digest("wrap", deployment, home.to_bytes(4, "big"), topic)[:SALT_BYTES]
