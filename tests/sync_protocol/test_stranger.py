"""A second implementation, written from SPEC.md alone: it verifies the golden vectors without the library.

Nothing of sync_protocol is imported here on purpose; only SHA-256, HMAC, libsodium and JSON, and the verifier of
exports, which imports nothing of it either, for its reader of msgpack.
"""

from __future__ import annotations

import hashlib
import hmac
import io
import json
import struct
from pathlib import Path
from typing import Any

import pytest
from nacl import bindings
from nacl.exceptions import BadSignatureError
from nacl.public import PrivateKey, SealedBox
from nacl.signing import VerifyKey

from tests.verifier.verifier import Refused, value_of

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
    """Section 2: one value, the whole of the bytes."""
    stream = io.BytesIO(data)
    value = value_of(stream, 0)
    assert not stream.read()
    return value


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
    whole = io.BytesIO(bytes.fromhex(vector("messages.json")["message before compression"]))
    found = []
    while length := whole.read(4):
        found.append(read(whole.read(int.from_bytes(length, "big"))))
    return found


def plain(value: Any) -> Any:
    """A value of canonical.json without its tags."""
    if isinstance(value, dict):
        return bytes.fromhex(value["bin"]) if "bin" in value else {key: plain(item) for key, item in value["map"]}
    return [plain(item) for item in value] if isinstance(value, list) else value


def test_msgpack_is_read_in_its_one_form():
    for case in vector("canonical.json")["good"]:
        assert read(bytes.fromhex(case["bytes"])) == plain(case["value"])
    for case in vector("canonical.json")["refused"]:
        text, _, times = case["bytes"].partition("*")
        with pytest.raises((AssertionError, IndexError, KeyError, UnicodeDecodeError, Refused)):
            read(bytes.fromhex(text) * int(times or 1))


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
    nonce, signature, length, payload = request[9:25], request[25:89], request[89:93], request[93:]
    assert (version, author, serial, int.from_bytes(length, "big")) == (1, 3, 3, len(payload))
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


def part_of(file: io.BytesIO) -> bytes:
    """Section 17.1: length and that many bytes."""
    return file.read(int.from_bytes(file.read(4), "big"))


def test_the_bundle_verifies_and_opens_with_the_readers_key():
    case = vector("bundle.json")
    whole = bytes.fromhex(case["bytes"])
    file = io.BytesIO(whole)
    assert file.read(18) == domain("bundle")
    packed = part_of(file)
    root_key, certificates, writer, reader, serial, _, id_, seal = read(packed)
    assert (root_key.hex(), writer, reader, serial, len(certificates)) == (KEYS["root_public"], 3, 1, 1, 2)
    box = PrivateKey(bytes.fromhex(KEYS["stations"]["1"]["box_seed"]))
    opened = SealedBox(box).decrypt(seal)
    numbers = struct.pack(">II", writer, reader)
    assert opened[:32].hex() == case["key"] and opened[32:] == digest("bundle-key", DEPLOYMENT, numbers, id_)[:16]
    state = bindings.crypto_secretstream_xchacha20poly1305_state()
    bindings.crypto_secretstream_xchacha20poly1305_init_pull(state, file.read(24), opened[:32])
    head = struct.pack(">I", len(packed)) + packed
    context = domain("bundle-block") + hashlib.sha256(head).digest()
    plain_bytes, tag = b"", 0
    while block := part_of(file):
        piece, tag = bindings.crypto_secretstream_xchacha20poly1305_pull(state, block, context)
        plain_bytes += piece
    assert (plain_bytes.hex(), tag) == (case["plain"], 3)
    assert read(part_of(file)) == [3, 3, 1, 64]
    before = file.tell()
    serial, signature = read(part_of(file))
    message = domain("sign-bundle") + DEPLOYMENT + struct.pack(">I", serial) + hashlib.sha256(whole[:before]).digest()
    assert (serial, message.hex(), file.read()) == (3, case["signed"]["message"], b"")
    verify(KEYS["stations"]["3"]["sign_public"], message, signature)


def varint(file: io.BytesIO) -> int:
    """Section 18."""
    value = shift = 0
    while (byte := file.read(1)[0]) & 0x80:
        value, shift = value | (byte & 0x7F) << shift, shift + 7
    return value | byte << shift


def z(file: io.BytesIO) -> int:
    value = varint(file)
    return value >> 1 if value % 2 == 0 else -((value + 1) >> 1)


def packed_certificate(fields: list[Any]) -> bytes:
    """Sections 2 and 9.1: the ten fields as msgpack, of the sizes that occur here."""
    out = b"\x9a"
    for field in fields:
        if isinstance(field, bytes):
            out += bytes([0xC4, len(field)]) + field
        elif isinstance(field, str):
            out += bytes([0xA0 | len(field)]) + field.encode()
        else:
            out += bytes([field]) if field < 128 else b"\xce" + struct.pack(">I", field)
    return out


@pytest.mark.parametrize("name", ["village", "township", "hub"])
def test_a_statement_verifies_with_the_hub_key_and_the_bound_bytes(name):
    vectors, trust = vector("statements.json"), vector("trust.json")["certificates"]
    whole, bound = bytes.fromhex(vectors["statements"][name]["bytes"]), bytes.fromhex(vectors["bound"])
    file = io.BytesIO(whole)
    form, mark = file.read(2)
    assert mark == hashlib.sha256(bound).digest()[0]
    author, key, since, own_epoch = "1", bytes.fromhex(KEYS["stations"]["1"]["sign_public"]), 0, 0
    if form == 2:
        serial, number, parent = varint(file), varint(file), varint(file)
        where, region = file.read(1)[0], int.from_bytes(file.read(5), "big")
        keys, since = [file.read(32), file.read(32)], varint(file)
        until, own_epoch, signer = since + z(file), varint(file), varint(file)
        body = packed_certificate(
            [serial, number, parent, where >> 4, f"{region:0{where & 15}}", *keys, since, until, own_epoch]
        )
        assert body.hex() == trust[str(number)]["body"] and signer == 1
        verify(key, domain("sign-certificate") + DEPLOYMENT + body, file.read(64))
        author, key = str(number), keys[0]
    else:
        assert varint(file) == trust["1"]["value"][0]
    said = [file.read(1)[0], varint(file), own_epoch + z(file), varint(file), since + z(file)]
    payload = file.read(varint(file))
    expected = {
        "village": ("3", [1, 0, 0, 3, 1_790_000_060], b"a slip"),
        "township": ("2", [2, 3, 1, 300, 1_789_913_599], b""),
        "hub": ("1", [2, 3, 0, 2**32 - 1, 1_790_000_000], "准予".encode()),
    }
    assert (author, said, payload) == expected[name]
    verify(
        key, domain("sign-statement") + DEPLOYMENT + hashlib.sha256(bound).digest() + whole[: file.tell()], file.read()
    )
