"""A stranger verifies a whole export from SPEC.md section 15, without the library; the library only writes it."""

from __future__ import annotations

import hashlib
import io
import struct
from collections.abc import Iterator
from typing import Any

import pytest
from nacl.exceptions import BadSignatureError

from sync_protocol.export import write_export
from sync_protocol.topology import Tier
from tests.sync_protocol.county import VILLAGE, Place, small_county
from tests.sync_protocol.test_stranger import digest, domain, read, verify


class Verifier:
    """Reads an export part by part; any assert or BadSignatureError means that it is not to be believed."""

    def __init__(self, data: bytes) -> None:
        magic = domain("export")
        assert data.startswith(magic)
        self.parts = list(self._parts(data[len(magic) :]))
        self.certificates: dict[int, list[Any]] = {}
        self.grants: dict[tuple[int, int], list[Any]] = {}
        self.salts: dict[tuple[int, bytes], bytes] = {}
        self.tips: dict[tuple[bytes, int], tuple[int, bytes]] = {}
        self.bodies: list[Any] = []
        self.entries = self.segments = 0
        self.blobs: dict[bytes, bytes] = {}

    @staticmethod
    def _parts(rest: bytes) -> Iterator[Any]:
        while rest:
            (length,) = struct.unpack(">I", rest[:4])
            assert len(rest) >= 4 + length, "cut"
            yield read(rest[4 : 4 + length])
            rest = rest[4 + length :]

    def run(self) -> None:
        head, vector, *frames, counts = self.parts
        self.deployment, root, _, certificates = head
        assert self.deployment == digest("deployment", root)[:16]
        self._trust(root, certificates)
        assert vector[0] == 2
        for frame in frames:
            if frame[0] == 3:
                self._segment(*frame[1:])
            else:
                self._chunk(*frame[1:])
        assert self.tips == {(feed, epoch): (number, tip) for feed, epoch, number, tip in vector[1]}
        assert all(hashlib.sha256(data).digest() == name for name, data in self.blobs.items())
        assert counts == [self.segments, self.entries, len(self.blobs)]

    def _trust(self, root: bytes, certificates: list[bytes]) -> None:
        parsed = [(*read(packed), read(read(packed)[0])) for packed in certificates]
        for by_root in (True, False):
            for body, signer, signature, fields in parsed:
                if (fields[1] == 1) == by_root:
                    assert (signer == 0) == by_root
                    key = root if by_root else self.certificates[signer][5]
                    assert by_root or self.certificates[signer][1] == 1
                    kind = "sign-hub-key" if by_root else "sign-certificate"
                    verify(key, domain(kind) + self.deployment + body, signature)
                    self.certificates[fields[0]] = fields

    def _start(self, feed: bytes, epoch: int) -> tuple[int, bytes]:
        author = int.from_bytes(feed[1:5], "big")
        if epoch:
            for named, _, number, head in self.grants[(author, epoch)][3]:
                if named == feed:
                    return number, head
        return 0, digest("feed", self.deployment, feed)

    def _segment(self, feed: bytes, epoch: int, first: int, flat: list[Any], serial: int, signature: bytes) -> None:
        number, head = self.tips.get((feed, epoch)) or self._start(feed, epoch)
        assert first == number + 1
        kind, author, audience = struct.unpack(">BII", feed)
        home = {1: author, 2: audience}.get(kind)
        for header_bytes, body in zip(flat[::2], flat[1::2], strict=True):
            number += 1
            header = read(header_bytes)
            hashed = self._body_hash(feed + struct.pack(">IQ", epoch, number), home, header, body)
            leaf = digest(
                "leaf",
                self.deployment,
                feed + struct.pack(">IQ", epoch, number),
                hashlib.sha256(header_bytes).digest(),
                hashed,
            )
            head = digest("head", head, leaf)
            if kind == 3 and header[0] == 3:
                grant = read(body)
                self.grants.setdefault((grant[0], grant[1]), grant)
            self.bodies.append((kind, header[0], body))
        certificate = self.certificates[serial]
        assert certificate[1] == author
        assert certificate[9] == epoch or self.grants[(author, epoch)][2] == serial
        message = self.deployment + feed + struct.pack(">IQ", epoch, number) + head + struct.pack(">I", serial)
        verify(certificate[5], domain("sign-head") + message, signature)
        self.tips[(feed, epoch)] = number, head
        self.segments += 1
        self.entries += len(flat) // 2

    def _body_hash(self, position: bytes, home: int | None, header: list[Any], body: Any) -> bytes:
        if isinstance(body, list):
            return bytes(body[0])
        salt = bytes(16)
        if header[1] and home is not None:
            if len(header) > 8 and header[8] & 1:
                assert self.salts.setdefault((home, header[1]), read(body)[0]) == read(body)[0]
            salt = digest("salt", self.salts[(home, header[1])], position)[:16]
        return digest("body-hash", salt, body)

    def _chunk(self, name: bytes, length: int, offset: int, data: bytes) -> None:
        held = self.blobs.setdefault(name, b"")
        assert len(held) == offset and offset + len(data) <= length
        self.blobs[name] = held + data


def export(place: Place) -> bytes:
    out = io.BytesIO()
    place.store.read(lambda conn: write_export(conn, place.me, place.replica.blobs, out))
    return out.getvalue()


@pytest.fixture(scope="module")
def exported(tmp_path_factory) -> bytes:
    """A county whose village was replaced, with a case, a page, receipts and an order record."""
    c, hub, township, village = small_county(tmp_path_factory.mktemp("county"))
    topic = village.open_case({"name": "张三"}, pages=(bytes(range(256)) * 600,))
    c.sync(village, township)
    township.write(village.author, topic, 66, {"opinion": "同意"})
    c.sync(township, hub)
    c.judge(village.author)
    again = c.enrol(VILLAGE, Tier.VILLAGE, "again")
    c.sync(township, hub)
    c.sync(again, township)
    again.write(again.author, topic, 65, {"reason": "新机"})
    c.sync(again, township)
    c.sync(township, hub)
    c.judge(village.author)
    return export(hub)


def test_the_whole_of_a_countys_log_verifies(exported):
    verifier = Verifier(exported)
    verifier.run()
    assert {(kind, type_) for kind, type_, _ in verifier.bodies} >= {
        (3, 3),
        (3, 4),
        (3, 5),
        (3, 6),
        (2, 1),
        (2, 2),
        (1, 64),
    }
    assert {epoch for _, epoch in verifier.tips} == {0, 1}
    assert [len(data) for data in verifier.blobs.values()] == [1 + 16 + 24 + 256 * 600 + 3 * 17]


def test_no_spoiled_export_verifies(exported):
    for at in range(len(domain("export")), len(exported), max(1, len(exported) // 400)):
        spoiled = exported[:at] + bytes([exported[at] ^ 1]) + exported[at + 1 :]
        if spoiled == exported:
            continue
        with pytest.raises(
            (AssertionError, BadSignatureError, KeyError, IndexError, ValueError, TypeError, struct.error)
        ):
            verify_or_differ(spoiled, exported)


def verify_or_differ(spoiled: bytes, exported: bytes) -> None:
    verifier = Verifier(spoiled)
    verifier.run()
    # who wrote the file down is the one thing nobody signed
    differing = [
        i for i, (one, two) in enumerate(zip(verifier.parts, Verifier(exported).parts, strict=True)) if one != two
    ]
    assert differing != [0]


def test_an_export_that_was_cut_does_not_verify(exported):
    for length in (len(exported) - 1, len(exported) // 2, 40, len(exported) - 4):
        with pytest.raises((AssertionError, IndexError, ValueError, struct.error)):
            Verifier(exported[:length]).run()
