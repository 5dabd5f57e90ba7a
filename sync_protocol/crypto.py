"""Keys, signatures, seals and hashes: the only module that imports nacl (SPEC section 4).

Suite 1 is SHA-256, Ed25519, X25519 sealed boxes and XChaCha20-Poly1305. Nothing outside this module knows a key's
or a signature's length, so that a suite with SM2, SM3 and SM4 can stand beside it. Randomness is passed in.
"""

from __future__ import annotations

import hashlib
import hmac
import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache

from nacl import bindings, exceptions, public, secret, signing

from sync_protocol.errors import BadSignature

SUITE = 1
HASH_BYTES = 32
SIGNATURE_BYTES = 64
KEY_BYTES = 32
DEPLOYMENT_BYTES = 16
SALT_BYTES = 16

STREAM_CHUNK_BYTES = 64 * 1024
STREAM_HEADER_BYTES = bindings.crypto_secretstream_xchacha20poly1305_HEADERBYTES
_STREAM_EXTRA = bindings.crypto_secretstream_xchacha20poly1305_ABYTES
_TAG_MESSAGE = bindings.crypto_secretstream_xchacha20poly1305_TAG_MESSAGE
_TAG_FINAL = bindings.crypto_secretstream_xchacha20poly1305_TAG_FINAL


@lru_cache(maxsize=64)
def domain(name: str) -> bytes:
    """The prefix that keeps one kind of signed or hashed object from being read as another."""
    return b"lianban/" + name.encode("ascii") + b"/1\x00" + bytes([SUITE])


def digest(name: str, *parts: bytes) -> bytes:
    """SHA-256 over the domain and the parts; every part but the last has a fixed length by its use."""
    return hashlib.sha256(b"".join((domain(name), *parts))).digest()


def sha256(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def mac(name: str, key: bytes, data: bytes) -> bytes:
    return hmac.new(key, domain(name) + data, hashlib.sha256).digest()


def same(left: bytes, right: bytes) -> bool:
    """Comparison in constant time."""
    return hmac.compare_digest(left, right)


@dataclass(frozen=True, slots=True)
class Signer:
    """An Ed25519 key pair made from 32 secret bytes."""

    seed: bytes

    @property
    def public(self) -> bytes:
        return bytes(_signing_key(self.seed).verify_key)

    def sign(self, message: bytes) -> bytes:
        return _signing_key(self.seed).sign(message).signature

    def __repr__(self) -> str:
        return "Signer(...)"


@lru_cache(maxsize=4)
def _signing_key(seed: bytes) -> signing.SigningKey:
    """Made from its seed once: that costs as much as a signature."""
    return signing.SigningKey(seed)


def verify(key: bytes, message: bytes, signature: bytes) -> None:
    """Raises BadSignature unless `signature` over `message` verifies under `key`."""
    try:
        signing.VerifyKey(key).verify(message, signature)
    except (exceptions.BadSignatureError, exceptions.ValueError, exceptions.TypeError, ValueError, TypeError) as error:
        raise BadSignature("signature does not verify") from error


@dataclass(frozen=True, slots=True)
class BoxKey:
    """An X25519 key pair made from 32 secret bytes; opens what was sealed to its public half."""

    seed: bytes

    @property
    def public(self) -> bytes:
        return bytes(public.PrivateKey(self.seed).public_key)

    def open(self, sealed: bytes) -> bytes:
        try:
            return public.SealedBox(public.PrivateKey(self.seed)).decrypt(sealed)
        except (exceptions.CryptoError, exceptions.ValueError, exceptions.TypeError, ValueError) as error:
            raise BadSignature("the seal is not for this key") from error

    def __repr__(self) -> str:
        return "BoxKey(...)"


def seal_to(key: bytes, plain: bytes) -> bytes:
    """`plain` sealed to an X25519 public key (48 bytes longer); the library draws the ephemeral key."""
    try:
        return public.SealedBox(public.PublicKey(key)).encrypt(plain)
    except (exceptions.CryptoError, exceptions.ValueError, exceptions.TypeError, ValueError) as error:
        raise BadSignature("not a key to seal to") from error


def derive(key: bytes, purpose: str, context: bytes) -> bytes:
    """A 32-byte key from `key` for one purpose and context (HMAC-SHA-256 as in HKDF-Expand, one block)."""
    return mac("derive/" + purpose, key, context)


def seal_body(key: bytes, position: bytes, plain: bytes, nonce: bytes) -> bytes:
    """A body sealed under the case's key and bound to its position; `nonce` is 24 fresh random bytes."""
    box = secret.Aead(derive(key, "body", position))
    return bytes(box.encrypt(plain, domain("body") + position, nonce))


def open_body(key: bytes, position: bytes, sealed: bytes) -> bytes:
    """Inverse of `seal_body`; raises BadSignature."""
    try:
        return secret.Aead(derive(key, "body", position)).decrypt(sealed, domain("body") + position)
    except (exceptions.CryptoError, exceptions.ValueError, exceptions.TypeError, ValueError) as error:
        raise BadSignature("the body's seal does not open") from error


def seal_key(case_key: bytes, context: bytes, key: bytes, nonce: bytes) -> bytes:
    """A 32-byte key sealed under the case's key and bound to its context, 72 bytes; `nonce` is 24 random bytes."""
    box = secret.Aead(derive(case_key, "blob-key", context))
    return bytes(box.encrypt(key, domain("blob-key") + context, nonce))


def open_key(case_key: bytes, context: bytes, sealed: bytes) -> bytes:
    """Inverse of `seal_key`; raises BadSignature."""
    try:
        key = secret.Aead(derive(case_key, "blob-key", context)).decrypt(sealed, domain("blob-key") + context)
    except (exceptions.CryptoError, exceptions.ValueError, exceptions.TypeError, ValueError) as error:
        raise BadSignature("the sealed key does not open") from error
    if len(key) != KEY_BYTES:
        raise BadSignature("the sealed key is none")
    return bytes(key)


def seal_stream(key: bytes, context: bytes, chunks: Iterable[bytes]) -> Iterator[bytes]:
    """XChaCha20-Poly1305 stream: its header, then one sealed block per plain chunk, the last one marked final.

    Every chunk but the last must have STREAM_CHUNK_BYTES bytes.
    """
    state = bindings.crypto_secretstream_xchacha20poly1305_state()
    yield bindings.crypto_secretstream_xchacha20poly1305_init_push(state, key)
    held: bytes | None = None
    for chunk in chunks:
        if held is not None:
            yield bindings.crypto_secretstream_xchacha20poly1305_push(state, held, context, _TAG_MESSAGE)
        held = chunk
    yield bindings.crypto_secretstream_xchacha20poly1305_push(state, held or b"", context, _TAG_FINAL)


def open_stream(key: bytes, context: bytes, sealed: Iterable[bytes]) -> Iterator[bytes]:
    """Inverse of `seal_stream`: first the header, then sealed blocks; BadSignature on any change or cut."""
    state = bindings.crypto_secretstream_xchacha20poly1305_state()
    source = iter(sealed)
    final = False
    try:
        bindings.crypto_secretstream_xchacha20poly1305_init_pull(state, next(source, b""), key)
        for block in source:
            if final:
                raise BadSignature("bytes after the final block")
            plain, tag = bindings.crypto_secretstream_xchacha20poly1305_pull(state, block, context)
            final = tag == _TAG_FINAL
            yield plain
    except (RuntimeError, exceptions.CryptoError, exceptions.ValueError, exceptions.TypeError) as error:
        raise BadSignature("the blob's seal does not open") from error
    if not final:
        raise BadSignature("the blob is cut short")


def sealed_block_bytes() -> int:
    """Length of a full sealed block of a stream."""
    return STREAM_CHUNK_BYTES + _STREAM_EXTRA


def u32(value: int) -> bytes:
    return struct.pack(">I", value)


def u64(value: int) -> bytes:
    return struct.pack(">Q", value)
