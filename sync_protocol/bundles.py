"""Bundles: what one side has to say to another, as a file that a courier carries (SPEC section 17). No database.

A bundle is sealed to its one reader and signed by its writer. Who reads it believes nothing of it before the last
byte: `BundleFile.messages` raises at the end if the whole is not what was signed, so a first pass only checks.
Memory does not grow with the file.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO

from sync_protocol import canonical
from sync_protocol.certificates import Certificate, SignedCertificate, deployment_id, verify_certificate
from sync_protocol.crypto import (
    KEY_BYTES,
    SIGNATURE_BYTES,
    STREAM_CHUNK_BYTES,
    STREAM_HEADER_BYTES,
    BoxKey,
    Signer,
    digest,
    domain,
    open_stream,
    seal_stream,
    sealed_block_bytes,
    sha256,
    u32,
    verify,
)
from sync_protocol.errors import BadBytes, BadSignature, NotCanonical, TooLarge, WrongDeployment, WrongReader
from sync_protocol.export import part
from sync_protocol.feeds import HUB
from sync_protocol.frontier import Frontier
from sync_protocol.limits import (
    AUTHOR_MAX,
    BUNDLE_CERTIFICATES_MAX,
    BUNDLE_HEAD_BYTES_MAX,
    CERTIFICATE_BYTES_MAX,
    INT_MAX,
    MESSAGE_BYTES_MAX,
    SERIAL_MAX,
)
from sync_protocol.messages import Chunk, Frame, Hello, Vector, parse_message
from sync_protocol.segments import Segment

MAGIC = domain("bundle")
ID_BYTES = 16
_CONTEXT_BYTES = 16
_SEAL_BYTES = KEY_BYTES + _CONTEXT_BYTES + 48
_TAIL_BYTES_MAX = 128
_LENGTH = struct.Struct(">I")


@dataclass(frozen=True, slots=True)
class Head:
    """What stands in the clear: county, certificates of both sides, writer, reader, unix seconds, the sealed key."""

    root_key: bytes
    certificates: tuple[SignedCertificate, ...]
    writer: int
    reader: int
    reader_serial: int
    time: int
    id: bytes
    seal: bytes

    @property
    def deployment(self) -> bytes:
        return deployment_id(self.root_key)

    def packed(self) -> bytes:
        certificates = [signed.packed() for signed in self.certificates]
        numbers = [self.writer, self.reader, self.reader_serial, self.time]
        return part([self.root_key, certificates, *numbers, self.id, self.seal])


@dataclass(slots=True)
class Counts:
    """What is inside; stands in the clear behind the sealed part."""

    messages: int = 0
    entries: int = 0
    blobs: int = 0
    blob_bytes: int = 0

    def fields(self) -> list[int]:
        return [self.messages, self.entries, self.blobs, self.blob_bytes]


def key_context(deployment: bytes, writer: int, reader: int, id_: bytes) -> bytes:
    """What is sealed behind a bundle's key, so that it opens no other bundle."""
    return digest("bundle-key", deployment, u32(writer), u32(reader), id_)[:_CONTEXT_BYTES]


def bundle_message(deployment: bytes, serial: int, written: bytes) -> bytes:
    """What the writer signs: `written` is the SHA-256 of all bytes before the last part."""
    return domain("sign-bundle") + deployment + u32(serial) + written


def _block_context(head: bytes) -> bytes:
    return domain("bundle-block") + sha256(head)


def bundle_pieces(
    head: Head, key: bytes, messages: Iterable[bytes], counts: Counts, signer: Signer, serial: int
) -> Iterator[bytes]:
    """The file, piece by piece. `counts` is complete once `messages` has come to its end."""
    written = hashlib.sha256()
    for piece in _pieces_before_seal(head, key, messages, counts):
        written.update(piece)
        yield piece
    yield part([serial, signer.sign(bundle_message(head.deployment, serial, written.digest()))])


def _pieces_before_seal(head: Head, key: bytes, messages: Iterable[bytes], counts: Counts) -> Iterator[bytes]:
    packed = head.packed()
    assert len(packed) <= BUNDLE_HEAD_BYTES_MAX + _LENGTH.size
    yield MAGIC + packed
    sealed = seal_stream(key, _block_context(packed), _even(messages))
    yield next(sealed)
    for block in sealed:
        yield _LENGTH.pack(len(block)) + block
    yield _LENGTH.pack(0)
    yield part(counts.fields())


def _even(messages: Iterable[bytes]) -> Iterator[bytes]:
    """Messages with their lengths, cut anew into the chunks of a sealed stream."""
    buffer = bytearray()
    for message in messages:
        buffer += _LENGTH.pack(len(message)) + message
        while len(buffer) > STREAM_CHUNK_BYTES:
            yield bytes(buffer[:STREAM_CHUNK_BYTES])
            del buffer[:STREAM_CHUNK_BYTES]
    yield bytes(buffer)


class BundleFile:
    """A bundle being read from where `file` stands. Reads its head; raises BadBytes when it is no bundle."""

    def __init__(self, file: BinaryIO, read: Callable[[int], None] = lambda length: None) -> None:
        """`read` hears how many bytes were read, for showing progress."""
        self._file = file
        self._heard = read
        self._hash = hashlib.sha256()
        if self._take(len(MAGIC)) != MAGIC:
            raise BadBytes("not a bundle")
        raw = self._part(BUNDLE_HEAD_BYTES_MAX)
        self.head = _parse_head(raw)
        self._context = _block_context(_LENGTH.pack(len(raw)) + raw)
        self.counts = Counts()
        """What the writer says is inside; known once the file was read to its end."""
        self.serial = 0
        """The certificate under which it is signed; known then, too."""

    def certificates(self, root_key: bytes) -> dict[int, Certificate]:
        """By serial, each verified up to this root. Raises WrongDeployment, BadSignature."""
        if self.head.root_key != root_key:
            raise WrongDeployment("a bundle of another county")
        deployment, found = self.head.deployment, dict[int, Certificate]()
        for signed in sorted(self.head.certificates, key=lambda one: one.signer != 0):
            hub = found.get(signed.signer)
            if signed.signer and (hub is None or hub.author != HUB):
                raise BadSignature("the hub's certificate is missing from the bundle", signer=signed.signer)
            certificate = verify_certificate(deployment, signed, hub.sign_key if hub else root_key)
            found[certificate.serial] = certificate
        reader = found.get(self.head.reader_serial)
        if reader is None or reader.author != self.head.reader:
            raise BadSignature("the reader's certificate is missing from the bundle")
        if not any(one.author == self.head.writer for one in found.values()):
            raise BadSignature("the writer's certificate is missing from the bundle")
        return found

    def messages(self, root_key: bytes, reader: int, box: BoxKey) -> Iterator[list[Frame]]:
        """The frames, message by message, for the reader with this key; to be believed only after the last one.

        Raises WrongDeployment, WrongReader, BadBytes: anything that is not as the writer signed it.
        """
        certificates = self.certificates(root_key)
        head = self.head
        if head.reader != reader:
            raise WrongReader("sealed for another reader", reader=head.reader)
        if certificates[head.reader_serial].box_key != box.public:
            raise WrongReader("sealed for an earlier machine of this reader", reader=head.reader, machine=True)
        plain = open_stream(_open_key(head, box), self._context, self._blocks())
        contents = _Contents()
        for message in _messages(plain):
            frames = parse_message(message)
            contents.take(frames)
            yield frames
        contents.end()
        self._check_tail(certificates, contents.counts)

    def skim(self) -> dict[int, Certificate]:
        """Read to the end without opening anything; the certificates. Raises BadBytes unless the signature stands
        under the root key that the bundle itself names."""
        certificates = self.certificates(self.head.root_key)
        for _ in self._blocks():
            pass
        self._check_tail(certificates, None)
        return certificates

    def _take(self, length: int) -> bytes:
        data = self._file.read(length)
        if len(data) != length:
            raise BadBytes("the bundle is cut short")
        self._hash.update(data)
        self._heard(length)
        return data

    def _part(self, bytes_max: int) -> bytes:
        (length,) = _LENGTH.unpack(self._take(_LENGTH.size))
        if length > bytes_max:
            raise TooLarge("a part of the bundle")
        return self._take(length)

    def _blocks(self) -> Iterator[bytes]:
        yield self._take(STREAM_HEADER_BYTES)
        while block := self._part(sealed_block_bytes()):
            yield block

    def _check_tail(self, certificates: dict[int, Certificate], counted: Counts | None) -> None:
        self.counts = _parse_counts(self._part(_TAIL_BYTES_MAX))
        if counted is not None and counted != self.counts:
            raise NotCanonical("the bundle holds something else than it says")
        written = self._hash.digest()
        self.serial, signature = _parse_end(self._part(_TAIL_BYTES_MAX))
        certificate = certificates.get(self.serial)
        if certificate is None or certificate.author != self.head.writer:
            raise BadSignature("signed under another certificate than the writer's", serial=self.serial)
        verify(certificate.sign_key, bundle_message(self.head.deployment, self.serial, written), signature)
        if self._file.read(1):
            raise BadBytes("bytes after the bundle")


def _open_key(head: Head, box: BoxKey) -> bytes:
    plain = box.open(head.seal)
    key, context = plain[:KEY_BYTES], plain[KEY_BYTES:]
    if context != key_context(head.deployment, head.writer, head.reader, head.id):
        raise BadSignature("the seal is another bundle's")
    return key


def _messages(plain: Iterable[bytes]) -> Iterator[bytes]:
    """The messages of the opened stream, each bounded before it is gathered."""
    buffer = bytearray()
    for piece in plain:
        buffer += piece
        while len(buffer) >= _LENGTH.size:
            (length,) = _LENGTH.unpack_from(buffer)
            if length > MESSAGE_BYTES_MAX:
                raise TooLarge("message")
            end = _LENGTH.size + length
            if len(buffer) < end:
                break
            yield bytes(buffer[_LENGTH.size : end])
            del buffer[:end]
    if buffer:
        raise NotCanonical("the last message is cut")


class _Contents:
    """Holds the messages to their order: two vectors, then segments, then whole blobs; and counts them."""

    def __init__(self) -> None:
        self.counts = Counts()
        self._blob: tuple[bytes, int] | None = None
        self._offset = 0
        self._state = hashlib.sha256()
        self._blobs_begun = False

    def take(self, frames: Sequence[Frame]) -> None:
        first, rest = not self.counts.messages, frames[1:]
        self.counts.messages += 1
        assert isinstance(frames[0], Hello)
        if first:
            if len(rest) != 2 or not all(isinstance(frame, Vector) for frame in rest):
                raise NotCanonical("a bundle begins with two vectors")
            return
        for frame in rest:
            if isinstance(frame, Chunk):
                self._blobs_begun = True
                self._chunk(frame)
            elif isinstance(frame, Segment) and not self._blobs_begun:
                self.counts.entries += len(frame.items)
            else:
                raise NotCanonical("a frame that does not belong there in a bundle")

    def _chunk(self, chunk: Chunk) -> None:
        if self._blob is None:
            self._blob, self._offset, self._state = (chunk.hash, chunk.length), 0, hashlib.sha256()
        if self._blob != (chunk.hash, chunk.length) or chunk.offset != self._offset or not chunk.data:
            raise NotCanonical("a blob does not stand whole and in order")
        self._state.update(chunk.data)
        self._offset += len(chunk.data)
        if self._offset < chunk.length:
            return
        if self._state.digest() != chunk.hash:
            raise BadBytes("the blob does not have its hash", blob=chunk.hash.hex())
        self.counts.blobs += 1
        self.counts.blob_bytes += chunk.length
        self._blob = None

    def end(self) -> None:
        if self._blob is not None or not self.counts.messages:
            raise NotCanonical("the bundle ends too early")


def vectors(frames: Sequence[Frame]) -> tuple[Frontier, Frontier]:
    """Of a bundle's first message: what the writer holds, and from where it took its reader to lack something."""
    held, start = frames[1:]
    assert isinstance(held, Vector) and isinstance(start, Vector)
    return held.frontier, start.frontier


def _parse_head(raw: bytes) -> Head:
    value = canonical.unpack(raw, bytes_max=BUNDLE_HEAD_BYTES_MAX)
    if not isinstance(value, list) or len(value) != 8:
        raise NotCanonical("head of a bundle")
    root_key, certificates, writer, reader, serial, time, id_, seal = value
    lengths = ((root_key, KEY_BYTES), (id_, ID_BYTES), (seal, _SEAL_BYTES))
    if any(not isinstance(field, bytes) or len(field) != length for field, length in lengths):
        raise NotCanonical("head of a bundle")
    numbers = ((writer, 1, AUTHOR_MAX), (reader, 1, AUTHOR_MAX), (serial, 1, SERIAL_MAX), (time, 0, INT_MAX))
    if any(type(number) is not int or not low <= number <= high for number, low, high in numbers):
        raise NotCanonical("head of a bundle")
    if not isinstance(certificates, list) or not all(isinstance(one, bytes) for one in certificates):
        raise NotCanonical("certificates of a bundle")
    if len(certificates) > BUNDLE_CERTIFICATES_MAX:
        raise TooLarge("certificates of a bundle")
    parsed = tuple(SignedCertificate.parse(one) for one in certificates)
    serials = [signed.certificate.serial for signed in parsed]
    if serials != sorted(set(serials)):
        raise NotCanonical("certificates of a bundle are not in order")
    return Head(root_key, parsed, writer, reader, serial, time, id_, seal)


def _parse_counts(raw: bytes) -> Counts:
    value: Any = canonical.unpack(raw, bytes_max=_TAIL_BYTES_MAX)
    if not isinstance(value, list) or len(value) != 4:
        raise NotCanonical("counts of a bundle")
    if any(type(number) is not int or not 0 <= number <= INT_MAX for number in value):
        raise NotCanonical("counts of a bundle")
    return Counts(*value)


def _parse_end(raw: bytes) -> tuple[int, bytes]:
    value: Any = canonical.unpack(raw, bytes_max=_TAIL_BYTES_MAX)
    if not isinstance(value, list) or len(value) != 2:
        raise NotCanonical("end of a bundle")
    serial, signature = value
    if type(serial) is not int or not 1 <= serial <= SERIAL_MAX:
        raise NotCanonical("end of a bundle")
    if not isinstance(signature, bytes) or len(signature) != SIGNATURE_BYTES:
        raise NotCanonical("end of a bundle")
    return serial, signature


assert BUNDLE_HEAD_BYTES_MAX > BUNDLE_CERTIFICATES_MAX * CERTIFICATE_BYTES_MAX + 512
