"""Writes the golden vectors: `python -m tests.vectors.make`.

Running it again changes nothing; when it does, the format changed, and every replica in the field must be able to
read both. Bytes are hexadecimal. Plain values carry a tag where JSON has no word: {"bin": hex}, {"map": pairs}.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from sync_protocol import canonical
from sync_protocol.crypto import digest, domain, mac
from sync_protocol.entries import Header, genesis, pack_header
from sync_protocol.frontier import frontier_digest, vector_fields
from sync_protocol.messages import frame_bytes
from tests.vectors import golden as g

FOLDER = Path(__file__).parent

GOOD: list[Any] = [
    None, False, True, 0, 1, 127, 128, 255, 256, 65_535, 65_536, 2**32 - 1, 2**32, 2**53 - 1, 2**63 - 1,
    -1, -32, -33, -128, -129, -32_768, -32_769, -(2**31), -(2**31) - 1, -(2**63),
    "", "a", "x" * 31, "x" * 32, "x" * 255, "x" * 256, "张三", "\u2f00 is not \u4e00", "e\u0301", "\U00020000",
    b"", b"\x00", b"y" * 255, b"y" * 256, [], [1, [2, [3]]], list(range(15)), list(range(16)),
    {}, {"a": 1, "b": [None, True]}, {"b": 1, "bb": 2, "é": 3, "\uffff": 4, "\U00010000": 5},
    [[[[[[[[0]]]]]]]],
]  # fmt: skip

REFUSED: list[tuple[str, str]] = [
    ("", "nothing"),
    ("c1", "never used"),
    ("cc05", "5 in two bytes"),
    ("cd00ff", "255 in three bytes"),
    ("ce0000ffff", "65535 in five bytes"),
    ("cf00000000ffffffff", "2**32 - 1 in nine bytes"),
    ("d005", "5 as a signed byte"),
    ("d0ff", "-1 in two bytes"),
    ("d1ff80", "-128 in three bytes"),
    ("d2ffff8000", "-32768 in five bytes"),
    ("d3ffffffff80000000", "-2**31 in nine bytes"),
    ("cf8000000000000000", "2**63"),
    ("cfffffffffffffffff", "2**64 - 1"),
    ("ca3f800000", "float 1.0"),
    ("cb3ff0000000000000", "double 1.0"),
    ("cb7ff8000000000000", "NaN"),
    ("d90161", "text of one byte with a long length"),
    ("da000161", "text of one byte with a longer length"),
    ("db0000000161", "text of one byte with the longest length"),
    ("c5000179", "binary of one byte with a long length"),
    ("c60000000179", "binary of one byte with the longest length"),
    ("dc000101", "array of one with a long length"),
    ("dd0000000101", "array of one with the longest length"),
    ("de0001a16101", "map of one with a long length"),
    ("df00000001a16101", "map of one with the longest length"),
    ("a1ff", "text that is not UTF-8"),
    ("a3eda080", "text with a surrogate"),
    ("a2c080", "text with an overlong NUL"),
    ("a4f4908080", "text beyond U+10FFFF"),
    ("82a16201a16102", "keys out of order"),
    ("82a16101a16102", "a key twice"),
    ("810101", "a number as key"),
    ("81c4016101", "bytes as key"),
    ("81a1ff01", "a key that is not UTF-8"),
    ("0000", "a second value"),
    ("c400c0", "a second value after bytes"),
    ("91", "array cut short"),
    ("a261", "text cut short"),
    ("c40261", "binary cut short"),
    ("81a161", "map cut short"),
    ("ddffffffff", "array that says it has 2**32 - 1 items"),
    ("dfffffffff", "map that says it has 2**32 - 1 pairs"),
    ("c6ffffffff", "binary that says it has 2**32 - 1 bytes"),
    ("dbffffffff", "text that says it has 2**32 - 1 bytes"),
    ("d40100", "extension"),
    ("d6ff00000000", "extension -1, a timestamp"),
    ("d7ff0000000000000000", "extension -1, a longer timestamp"),
    ("c70001", "extension without bytes"),
    ("c700ff", "timestamp without bytes"),
    ("91" * 9 + "00", "nine arrays deep"),
    ("81a161" * 9 + "00", "nine maps deep"),
    ("91" * 100_000, "arrays all the way down"),
]


def tagged(value: Any) -> Any:
    """A plain value as JSON."""
    if isinstance(value, bytes):
        return {"bin": value.hex()}
    if isinstance(value, list):
        return [tagged(item) for item in value]
    if isinstance(value, dict):
        return {"map": [[key, tagged(item)] for key, item in value.items()]}
    return value


def untagged(value: Any) -> Any:
    """Inverse of `tagged`."""
    if isinstance(value, list):
        return [untagged(item) for item in value]
    if isinstance(value, dict):
        if "bin" in value:
            return bytes.fromhex(value["bin"])
        return {key: untagged(item) for key, item in value["map"]}
    return value


def _canonical() -> Any:
    shortened = [(text if len(text) < 200 else f"{text[:2]}*{len(text) // 2}", why) for text, why in REFUSED]
    return {
        "good": [{"value": tagged(value), "bytes": canonical.pack(value).hex()} for value in GOOD],
        "refused": [{"bytes": text, "why": why} for text, why in shortened],
    }


def _keys() -> Any:
    stations = {
        str(author): {
            "region": g.REGIONS[author],
            "sign_seed": g.SIGNERS[author].seed.hex(),
            "sign_public": g.SIGNERS[author].public.hex(),
            "box_seed": g.BOXES[author].seed.hex(),
            "box_public": g.BOXES[author].public.hex(),
        }
        for author in g.REGIONS
    }
    return {
        "domain of head": domain("head").hex(),
        "digest of head over 00 and 01": digest("head", b"\x00", b"\x01").hex(),
        "mac of enrol under 32 zeros over 00": mac("enrol", bytes(32), b"\x00").hex(),
        "root_seed": g.ROOT.seed.hex(),
        "root_public": g.ROOT.public.hex(),
        "deployment": g.DEPLOYMENT.hex(),
        "fingerprint": g.TOKEN.fingerprint.hex(),
        "stations": stations,
    }


def _header_value(header: Header) -> Any:
    return {
        "type": header.type,
        "topic": header.topic.hex(),
        "actor": header.actor,
        "time": header.time,
        "quality": header.quality,
        "after": list(header.after),
        "blobs": [[ref.hash.hex(), ref.length, ref.role] for ref in header.blobs],
        "urgency": header.urgency,
        "flags": header.flags,
        "origin": list(header.origin) if header.origin else None,
        "rest": tagged(list(header.rest)),
    }


def _entries() -> Any:
    more = (
        Header(1, b"", 0, 0),
        Header(3, b"", 0, 1, origin=(0, 7)),
        Header(65_535, g.TOPIC, 2**32 - 1, 2**53 - 1, 2, (1, 2, 3), (), 20_718, 2, (4, 5)),
    )
    return {
        "feed": g.FEED.packed().hex(),
        "epoch": 0,
        "topic_salt": g.TOPIC_SALT.hex(),
        "genesis": genesis(g.DEPLOYMENT, g.FEED).hex(),
        "opening": {
            "salt": g.OPENING.salt.hex(),
            "wraps": [[reader, wrap.hex()] for reader, wrap in g.OPENING.wraps],
            "inner": g.OPENING.inner.hex(),
            "bytes": g.BODIES[0].hex(),
        },
        "entries": [
            {
                "number": number,
                "header": _header_value(header),
                "header_bytes": pack_header(header).hex(),
                "body": body.hex(),
                "salt": salt.hex(),
                "body_hash": hashed.hex(),
                "leaf": leaf.hex(),
                "head": head.hex(),
            }
            for header, body, (number, salt, hashed, leaf, head) in zip(g.HEADERS, g.BODIES, g.CHAIN, strict=True)
        ],
        "signed": {
            "serial": g.SEGMENT.serial,
            "message": g.HEAD_MESSAGE.hex(),
            "signature": g.SEGMENT.signature.hex(),
        },
        "more headers": [{"header": _header_value(h), "header_bytes": pack_header(h).hex()} for h in more],
        "feeds": {str(feed): feed.packed().hex() for feed in g.EVERY_FEED},
    }


def _messages() -> Any:
    return {
        "frontier": [[tagged(field) for field in item] for item in vector_fields(g.FRONTIER)],
        "digest": frontier_digest(g.FRONTIER).hex(),
        "digest of nothing": frontier_digest({}).hex(),
        "frames": [{"kind": type(frame).__name__.lower(), "bytes": frame_bytes(frame).hex()} for frame in g.FRAMES],
        "message before compression": b"".join(frame_bytes(frame) for frame in g.FRAMES).hex(),
    }


def _bodies() -> Any:
    named = {"order": g.ORDER, "receipt": g.RECEIPT, "grant": g.GRANT, "revocation": g.REVOCATION}
    return {
        name: {"value": tagged(canonical.unpack(body, bytes_max=len(body))), "bytes": body.hex()}
        for name, body in named.items()
    }


def _trust() -> Any:
    certificates = {
        str(author): {
            "value": tagged(canonical.unpack(signed.body, bytes_max=1024)),
            "body": signed.body.hex(),
            "signer": signed.signer,
            "signature": signed.signature.hex(),
            "bytes": signed.packed().hex(),
        }
        for author, signed in g.CERTIFICATES.items()
    }
    token = {
        "secret": g.TOKEN.secret.hex(),
        "fingerprint": g.TOKEN.fingerprint.hex(),
        "station": g.TOKEN.station,
        "tier": g.TOKEN.tier,
        "text": g.TOKEN.text(),
        "id": g.TOKEN.id.hex(),
        "key": g.TOKEN.key.hex(),
    }
    return {
        "certificates": certificates,
        "token": token,
        "enrolment request": g.ENROL_REQUEST.hex(),
        "welcome": g.WELCOME.packed().hex(),
    }


def _envelopes() -> Any:
    return {
        "request": {
            "method": "POST",
            "path": "/sync",
            "author": g.REQUEST.author,
            "serial": g.REQUEST.serial,
            "nonce": g.NONCE.hex(),
            "payload": g.REQUEST.payload.hex(),
            "signature": g.REQUEST.signature.hex(),
            "bytes": g.REQUEST.packed().hex(),
        },
        "reply": {
            "serial": g.REPLY.serial,
            "nonces": [nonce.hex() for nonce in g.FRESH],
            "payload": g.REPLY.payload.hex(),
            "signature": g.REPLY.signature.hex(),
            "bytes": g.REPLY.packed().hex(),
        },
    }


def _export() -> Any:
    return {
        "root_key": g.ROOT.public.hex(),
        "author": g.VILLAGE,
        "parts": [piece.hex() for piece in g.EXPORT_PARTS],
        "signed": {"serial": g.SERIALS[g.VILLAGE], "message": g.EXPORT_MESSAGE.hex()},
        "bytes": g.EXPORT.hex(),
    }


def _bundle() -> Any:
    return {
        "root_key": g.ROOT.public.hex(),
        "writer": g.VILLAGE,
        "reader": g.HUB,
        "key": g.BUNDLE_KEY.hex(),
        "id": g.BUNDLE_ID.hex(),
        "head": g.BUNDLE_HEAD.packed().hex(),
        "messages before compression": [
            b"".join(frame_bytes(frame) for frame in frames).hex() for frames in g.BUNDLE_FRAMES
        ],
        "plain": g.BUNDLE_PLAIN.hex(),
        "signed": {"serial": g.SERIALS[g.VILLAGE], "message": g.BUNDLE_MESSAGE.hex()},
        "bytes": g.BUNDLE.hex(),
    }


def _seals() -> Any:
    return {
        "case_key": g.CASE_KEY.hex(),
        "topic": g.TOPIC.hex(),
        "home": g.VILLAGE,
        "wraps": {str(reader): wrap.hex() for reader, wrap in g.WRAPS},
        "plain": {"repeat": bytes(range(256)).hex(), "times": len(g.PAGE) // 256},
        "plain_salt": g.PLAIN_SALT.hex(),
        "plain_hash": g.PLAIN_HASH.hex(),
        "blob_seed": g.BLOB_SEED.hex(),
        "blob_length": len(g.BLOB),
        "blob_hash": g.BLOB_HASH.hex(),
        "blob_first": g.BLOB[:64].hex(),
        "blob_small_plain": g.SMALL_PLAIN.hex(),
        "blob_small": g.SMALL_BLOB.hex(),
        "blob_small_hash": hashlib.sha256(g.SMALL_BLOB).hexdigest(),
        "sealed_body": {
            "position": g.BODY_POSITION.hex(),
            "plain": g.BODY_PLAIN.hex(),
            "bytes": g.SEALED_BODY.hex(),
        },
    }


def _statements() -> Any:
    return {
        "bound": g.BOUND.hex(),
        "statements": {name: {"bytes": data.hex(), "signed": data[:-64].hex()} for name, data in g.STATEMENTS.items()},
    }


FILES = {
    "canonical.json": _canonical,
    "keys.json": _keys,
    "entries.json": _entries,
    "messages.json": _messages,
    "bodies.json": _bodies,
    "trust.json": _trust,
    "envelopes.json": _envelopes,
    "seals.json": _seals,
    "export.json": _export,
    "bundle.json": _bundle,
    "statements.json": _statements,
}


def build(name: str) -> str:
    """The text of one file of vectors."""
    return json.dumps(FILES[name](), ensure_ascii=False, indent=1) + "\n"


def main() -> None:
    for name in FILES:
        (FOLDER / name).write_text(build(name), encoding="utf-8")


if __name__ == "__main__":
    main()
