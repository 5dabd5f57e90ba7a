"""Signed requests and replies (SPEC section 8.3). Pure.

A request is signed over method, path, the nonce that the server handed out with an earlier reply, and the hash of
its payload; a reply over the request's nonce and its own payload. Device clocks play no part.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from sync_protocol.crypto import SIGNATURE_BYTES, Signer, domain, sha256, u32, verify
from sync_protocol.errors import NotCanonical, TooLarge
from sync_protocol.limits import MESSAGE_BYTES_MAX, NONCES_PER_PEER_MAX

NONCE_BYTES = 16
NO_NONCE = bytes(NONCE_BYTES)
_HEAD = struct.Struct(f">BII{NONCE_BYTES}s{SIGNATURE_BYTES}sI")
REQUEST_HEAD_BYTES = _HEAD.size
VERSION = 1


@dataclass(frozen=True, slots=True)
class SignedRequest:
    """Fixed-layout head (version, author, certificate serial, nonce, signature, the payload's length), then the
    payload."""

    author: int
    serial: int
    nonce: bytes
    signature: bytes
    payload: bytes

    def packed(self) -> bytes:
        length = len(self.payload)
        return _HEAD.pack(VERSION, self.author, self.serial, self.nonce, self.signature, length) + self.payload


def _request_message(
    deployment: bytes, method: str, path: str, author: int, serial: int, nonce: bytes, payload: bytes
) -> bytes:
    target = f"{method} {path}".encode("ascii")
    return domain("sign-request") + deployment + u32(author) + u32(serial) + nonce + sha256(target) + sha256(payload)


def sign_request(
    deployment: bytes, signer: Signer, *, method: str, path: str, author: int, serial: int, nonce: bytes, payload: bytes
) -> SignedRequest:
    message = _request_message(deployment, method, path, author, serial, nonce, payload)
    return SignedRequest(author, serial, nonce, signer.sign(message), payload)


def payload_bytes(head: bytes) -> int:
    """How many bytes of payload follow these REQUEST_HEAD_BYTES. Raises NotCanonical, TooLarge."""
    if len(head) != REQUEST_HEAD_BYTES or head[0] != VERSION:
        raise NotCanonical("request head")
    length: int = _HEAD.unpack(head)[-1]
    if length > MESSAGE_BYTES_MAX:
        raise TooLarge(f"more than {MESSAGE_BYTES_MAX} bytes")
    return length


def parse_request(data: bytes) -> SignedRequest:
    """Raises NotCanonical when it is not whole, or more than that."""
    if payload_bytes(data[:REQUEST_HEAD_BYTES]) != len(data) - REQUEST_HEAD_BYTES:
        raise NotCanonical("request length")
    _, author, serial, nonce, signature, _ = _HEAD.unpack_from(data)
    return SignedRequest(author, serial, nonce, signature, data[REQUEST_HEAD_BYTES:])


def verify_request(deployment: bytes, request: SignedRequest, key: bytes, *, method: str, path: str) -> None:
    """Raises BadSignature."""
    message = _request_message(deployment, method, path, request.author, request.serial, request.nonce, request.payload)
    verify(key, message, request.signature)


@dataclass(frozen=True, slots=True)
class SignedReply:
    """Signature, the signer's certificate serial, fresh nonces for later requests, then the payload."""

    signature: bytes
    serial: int
    nonces: tuple[bytes, ...]
    payload: bytes

    def packed(self) -> bytes:
        head = self.signature + u32(self.serial) + bytes([len(self.nonces)])
        return head + b"".join(self.nonces) + self.payload


def _reply_message(deployment: bytes, nonce: bytes, serial: int, nonces: tuple[bytes, ...], payload: bytes) -> bytes:
    return domain("sign-reply") + deployment + nonce + u32(serial) + sha256(b"".join(nonces)) + sha256(payload)


def sign_reply(
    deployment: bytes, signer: Signer, *, nonce: bytes, serial: int, nonces: tuple[bytes, ...], payload: bytes
) -> SignedReply:
    """`nonce` is the answered request's."""
    message = _reply_message(deployment, nonce, serial, nonces, payload)
    return SignedReply(signer.sign(message), serial, nonces, payload)


def parse_reply(data: bytes) -> SignedReply:
    """Raises NotCanonical when the reply is not whole."""
    fixed = SIGNATURE_BYTES + 5
    if len(data) < fixed:
        raise NotCanonical("reply head")
    count = data[fixed - 1]
    if count > NONCES_PER_PEER_MAX or len(data) < fixed + count * NONCE_BYTES:
        raise NotCanonical("reply nonces")
    end = fixed + count * NONCE_BYTES
    nonces = tuple(data[at : at + NONCE_BYTES] for at in range(fixed, end, NONCE_BYTES))
    serial = int.from_bytes(data[SIGNATURE_BYTES : SIGNATURE_BYTES + 4], "big")
    return SignedReply(data[:SIGNATURE_BYTES], serial, nonces, data[end:])


def verify_reply(deployment: bytes, reply: SignedReply, key: bytes, *, nonce: bytes) -> None:
    """Raises BadSignature."""
    verify(key, _reply_message(deployment, nonce, reply.serial, reply.nonces, reply.payload), reply.signature)
