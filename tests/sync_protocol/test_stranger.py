"""A second implementation, written from SPEC.md alone: it verifies the golden vectors without the library.

Nothing of sync_protocol is imported here on purpose; only SHA-256, HMAC, Ed25519 and JSON.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import struct
from pathlib import Path
from typing import Any

import pytest
from nacl.exceptions import BadSignatureError
from nacl.signing import VerifyKey

FOLDER = Path(__file__).resolve().parent.parent / "vectors"


def vector(name: str) -> Any:
    return json.loads((FOLDER / name).read_text(encoding="utf-8"))


def domain(name: str) -> bytes:  # section 4.2
    return b"lianban/" + name.encode() + b"/1\x00\x01"


def digest(name: str, *parts: bytes) -> bytes:
    return hashlib.sha256(domain(name) + b"".join(parts)).digest()


def mac(name: str, key: bytes, data: bytes) -> bytes:
    return hmac.new(key, domain(name) + data, hashlib.sha256).digest()


def read(data: bytes) -> Any:
    """Section 2, as far as the vectors need it: one value, the whole of the bytes."""
    value, rest = _value(data)
    assert not rest
    return value


def _take(data: bytes, count: int) -> tuple[bytes, bytes]:
    assert len(data) >= count
    return data[:count], data[count:]


def _value(data: bytes) -> tuple[Any, bytes]:
    tag, rest = data[0], data[1:]
    if tag < 0x80 or tag >= 0xE0:
        return tag - (256 if tag >= 0xE0 else 0), rest
    if tag in (0xC0, 0xC2, 0xC3):
        return {0xC0: None, 0xC2: False, 0xC3: True}[tag], rest
    if tag in range(0xCC, 0xD4):
        code = ">" + "BHIQbhiq"[tag - 0xCC]
        number, rest = _take(rest, struct.calcsize(code))
        return struct.unpack(code, number)[0], rest
    if 0xA0 <= tag < 0xC0:
        raw, rest = _take(rest, tag & 31)
        return raw.decode(), rest
    if tag in (0xD9, 0xDA, 0xDB, 0xC4, 0xC5, 0xC6):
        width = {0xD9: 1, 0xDA: 2, 0xDB: 4, 0xC4: 1, 0xC5: 2, 0xC6: 4}[tag]
        length, rest = _take(rest, width)
        raw, rest = _take(rest, int.from_bytes(length, "big"))
        return (raw.decode() if tag >= 0xD9 else raw), rest
    if 0x90 <= tag < 0xA0:
        return _items(rest, tag & 15)
    if tag == 0xDC:
        length, rest = _take(rest, 2)
        return _items(rest, int.from_bytes(length, "big"))
    assert 0x80 <= tag < 0x90, hex(tag)
    pairs, rest = _items(rest, 2 * (tag & 15))
    return dict(zip(pairs[::2], pairs[1::2], strict=True)), rest


def _items(rest: bytes, count: int) -> tuple[list[Any], bytes]:
    items = []
    for _ in range(count):
        item, rest = _value(rest)
        items.append(item)
    return items, rest


def verify(key: str | bytes, message: bytes, signature: bytes) -> None:
    VerifyKey(bytes.fromhex(key) if isinstance(key, str) else key).verify(message, signature)


KEYS = vector("keys.json")
DEPLOYMENT = digest("deployment", bytes.fromhex(KEYS["root_public"]))[:16]


def test_the_county_is_named_by_its_root_key():
    assert DEPLOYMENT.hex() == KEYS["deployment"]
    assert digest("fingerprint", bytes.fromhex(KEYS["root_public"]))[:16].hex() == KEYS["fingerprint"]


def heads_of(segment: list[Any]) -> list[bytes]:
    """Sections 6 and 7: every head of a segment that begins a feed in epoch 0."""
    kind, feed, epoch, first, flat, serial, signature = segment
    assert (kind, epoch, first) == (3, 0, 1) and len(feed) == 9
    head = digest("feed", DEPLOYMENT, feed)
    salts: dict[bytes, bytes] = {}
    found = []
    for offset in range(0, len(flat), 2):
        number, header_bytes, body = first + offset // 2, flat[offset], flat[offset + 1]
        header = read(header_bytes)
        topic, flags = header[1], header[8] if len(header) > 8 else 0
        position = feed + struct.pack(">IQ", epoch, number)
        if isinstance(body, list):
            hashed = body[0]
        else:
            if topic and flags & 1:
                salts[topic] = read(body)[0]
            salt = digest("salt", salts[topic], position)[:16] if topic else bytes(16)
            hashed = digest("body-hash", salt, body)
        leaf = digest("leaf", DEPLOYMENT, position, hashlib.sha256(header_bytes).digest(), hashed)
        head = digest("head", head, leaf)
        found.append(head)
    message = domain("sign-head") + DEPLOYMENT + feed + struct.pack(">IQ", epoch, first + len(flat) // 2 - 1)
    key = KEYS["stations"]["3"]["sign_public"]
    verify(key, message + head + struct.pack(">I", serial), signature)
    with pytest.raises(BadSignatureError):
        verify(key, message + found[0] + struct.pack(">I", serial), signature)
    return found


def frames() -> list[list[Any]]:
    whole = bytes.fromhex(vector("messages.json")["message before compression"])
    found = []
    while whole:
        length, whole = _take(whole, 4)
        packed, whole = _take(whole, int.from_bytes(length, "big"))
        found.append(read(packed))
    return found


def test_segments_verify_whole_and_with_an_erased_body():
    expected = [case["head"] for case in vector("entries.json")["entries"]]
    segments = [frame for frame in frames() if frame[0] == 3]
    assert [[head.hex() for head in heads_of(segment)] for segment in segments] == [expected, expected]


def test_the_frontiers_digest():
    messages = frames()
    state = b"".join(feed + struct.pack(">IQ", epoch, number) + head for feed, epoch, number, head in messages[1][1])
    assert messages[0][0] == 1 and messages[1][0] == 2
    assert messages[0][3] == digest("frontier", state)[:16]


def test_certificates_verify_up_to_the_root():
    trust = vector("trust.json")
    for author, case in trust["certificates"].items():
        body, signer, signature = read(bytes.fromhex(case["bytes"]))
        by_root = author == "1"
        assert signer == (0 if by_root else 1)
        key = KEYS["root_public"] if by_root else KEYS["stations"]["1"]["sign_public"]
        verify(key, domain("sign-hub-key" if by_root else "sign-certificate") + DEPLOYMENT + body, signature)
        assert read(body)[1] == int(author)


def test_the_enrolment_request_is_authenticated_by_the_token_and_by_the_key():
    trust = vector("trust.json")
    secret = bytes.fromhex(trust["token"]["secret"])
    body, tag, signature = read(bytes.fromhex(trust["enrolment request"]))
    token_id, station, tier, sign_key, box_key = read(body)
    assert token_id == digest("token-id", secret)[:8]
    assert tag == mac("enrol", digest("token-key", secret), body)
    fingerprint = digest("fingerprint", bytes.fromhex(KEYS["root_public"]))[:16]
    verify(sign_key, domain("sign-enrol") + fingerprint + body, signature)
    assert (station, tier, len(box_key)) == ("341882103201", 1, 32)


def test_envelopes_verify():
    request = bytes.fromhex(vector("envelopes.json")["request"]["bytes"])
    version, author, serial = struct.unpack(">BII", request[:9])
    nonce, signature, payload = request[9:25], request[25:89], request[89:]
    assert (version, author, serial) == (1, 3, 3)
    target, content = hashlib.sha256(b"POST /sync").digest(), hashlib.sha256(payload).digest()
    message = domain("sign-request") + DEPLOYMENT + request[1:9] + nonce + target + content
    verify(KEYS["stations"]["3"]["sign_public"], message, signature)
    reply = bytes.fromhex(vector("envelopes.json")["reply"]["bytes"])
    signature, serial_bytes, count = reply[:64], reply[64:68], reply[68]
    nonces, payload = reply[69 : 69 + 16 * count], reply[69 + 16 * count :]
    hashes = hashlib.sha256(nonces).digest() + hashlib.sha256(payload).digest()
    verify(
        KEYS["stations"]["2"]["sign_public"],
        domain("sign-reply") + DEPLOYMENT + nonce + serial_bytes + hashes,
        signature,
    )
