"""Verifies an export (SPEC.md, section 15), written from the specification alone: python verifier.py FILE [ROOT_KEY]

Numbers in parentheses are sections. Shapes: a range of integers; [a shape for each item]; (type, lengths[, a shape for
all items[, True if they ascend by the first field]]); or a test of bytes. A place is (home, slot, mark)."""

from __future__ import annotations

import hashlib
import io
import re
import sys
from collections import Counter, defaultdict
from dataclasses import dataclass
from struct import pack, unpack
from typing import Any, BinaryIO

from nacl.exceptions import CryptoError
from nacl.signing import VerifyKey

UP, DOWN, ALL, ADMITTED, REFUSED, HELD, SIMPLE = 1, 2, 3, 1, 2, 3, {0xC0: None, 0xC2: False, 0xC3: True}
RESERVED = {"awaits": HELD, "revoked": HELD, "duplicate": REFUSED, "basis_refused": REFUSED}
# msgpack: what begins with c4 … df, and how wide its number is; the least number of a form, where not 2**(4 * width).
FORMS = dict(enumerate("b1 b2 b4 - - - - - u1 u2 u4 u8 i1 i2 i4 i8 - - - - - t1 t2 t4 a2 a4 m2 m4".split(), 0xC4))
LEAST = {"b1": 0, "u1": 128, "i1": 33, "i2": 129, "i4": 2**15 + 1, "i8": 2**31 + 1, "t1": 32, "a2": 16, "m2": 16}
ID, U32, EPOCH, TIME, MARK, U8 = range(1, 2**32), range(2**32), range(2**31), range(2**53), range(2**63), range(256)
HASH, KEY16, TAG, SIZE, BODY = (bytes, {32}), (bytes, {16}), (bytes, {64}), range(1, 2**26 + 1), (bytes, range(49153))
FEED = re.compile(b"(?s:\1(?!\0\0\0[\0\1])....\0{4}|\2(?!\0{4})....(?!\0{4})....|[\3\4]\0\0\0\1\0{4})").fullmatch
CERTIFICATE, FIELD = [ID, ID, U32, range(1, 4), (str, range(13)), HASH, HASH, TIME, TIME, EPOCH], (str, range(129))
HEAD, TIPS = [KEY16, HASH, ID, (list, U32, (bytes, range(1025)))], (list, range(2001), [FEED, EPOCH, ID, HASH])
SEGMENT, WORDS = [range(3, 4), FEED, EPOCH, ID, (list, range(2, 65, 2)), ID, TAG], ("", "admitted", "refused", "held")
CHUNK, CODE = [range(5, 6), HASH, SIZE, range(2**26), (bytes, range(1, 65537))], (str, range(1, 65))
BLOBS, DEFAULTS = (list, range(65), [HASH, SIZE, U8]), [0, [0, 0, 0], [], 0, 0, None]  # of header fields 5 to 10
HEADER = [range(1, 65536), (bytes, {0, 16}), U32, TIME, U8, [MARK] * 3, BLOBS, range(2**31 + 1), U8]
RUNS = (list, range(1, 65), [range(2), EPOCH, ID, ID, (list, range(257), [ID, range(2, 4), CODE, FIELD], True)])


class Refused(Exception):
    """The file is not a whole and genuine export; the text says why."""


@dataclass
class Report:
    counts: dict[str, int]


def need(good: Any, reason: str) -> None:
    if not good:
        raise Refused(reason)


def value_of(stream: io.BytesIO, depth: int) -> Any:
    first = stream.read(1)[0]
    if first < 0x80 or first >= 0xE0 or first in SIMPLE:
        return SIMPLE.get(first, (first + 32) % 256 - 32)
    form, number = "matt"[first >> 4 & 3], first & (15 if first < 0xA0 else 31)
    if first >= 0xC0:
        form, width = FORMS[first][0], int(FORMS[first][1:] or 0)
        number = int.from_bytes(raw := stream.read(width), "big", signed=form == "i")
        size, least = -number if form == "i" else number, LEAST.get(FORMS[first], 2 ** (4 * width))
        need(len(raw) == width > 0 and least <= size <= 2**63 - (form == "u"), "msgpack: not canonical, or cut")
    if form in "ui":
        return number
    if form in "bt":
        need(len(raw := stream.read(number)) == number, "msgpack: cut")
        return raw if form == "b" else raw.decode()
    need(depth < 8, "msgpack: too deep")
    values = [value_of(stream, depth + 1) for _ in range(number if form == "a" else 2 * number)]
    keys = values[::2] if form == "m" else []
    need(all(type(key) is str for key in keys) and keys == sorted(set(keys)), "msgpack: keys")
    return values if form == "a" else dict(zip(keys, values[1::2], strict=True))


def fits(value: Any, shape: Any) -> bool:
    if isinstance(shape, range):
        return type(value) is int and value in shape
    if isinstance(shape, list):
        return type(value) is list and len(value) == len(shape) and all(map(fits, value, shape))
    if isinstance(shape, tuple):
        good = type(value) is shape[0] and len(value) in shape[1] and all(fits(v, s) for s in shape[2:3] for v in value)
        return good and (len(shape) < 4 or [v[0] for v in value] == sorted({v[0] for v in value}))
    return type(value) is bytes and bool(shape(value))


def read(data: bytes, shape: Any, what: str) -> Any:
    stream = io.BytesIO(data)
    need(fits(value := value_of(stream, 0), shape) and not stream.read(1), f"{what}: not of its shape")
    return value


def digest(name: bytes, *parts: bytes) -> bytes:
    return hashlib.sha256(b"lianban/" + name + b"/1\0\1" + b"".join(parts)).digest()


class Verifier:
    def part(self, most=131072):
        size = self.file.read(4)
        data = size + self.file.read(min(most, int.from_bytes(size, "big")))
        self.sha.update(data)
        need(len(data) == 4 + int.from_bytes(size, "big"), "part: cut, or too large")
        return read(data[4:], (list, range(16)), "part")

    def check(self, name, serial, author, data, tag):
        need(self.certificates.get(serial, [0, 0])[1] == author, f"{name.decode()}: not by a certificate of its author")
        VerifyKey(self.certificates[serial][5]).verify(b"lianban/" + name + b"/1\0\1" + self.deployment + data, tag)

    def trust(self, root, signed):  # the certificates (9.1), and the tree that follows from them (5.2)
        parts = [read(data, [BODY, U32, TAG], "certificate") for data in signed]
        rows = [read(body, CERTIFICATE, "certificate") for body, _, _ in parts]
        need(fits(rows, (list, U32, CERTIFICATE, True)), "certificates: not in order")
        self.signed, self.above, parents = signed, {}, {row[1]: row[2] for row in rows}
        self.certificates = {0: [0, 1, 0, 0, 0, root]} | {row[0]: row for row in rows}
        for (body, signer, tag), (_, author, parent, tier, *_) in zip(parts, rows, strict=True):
            need((author == 1) == (parent == 0) == (tier == 3) == (signer == 0), "certificate: tier, parent or signer")
            self.check(b"sign-certificate" if signer else b"sign-hub-key", signer, 1, body, tag)
        for author in parents:
            path = [author]
            while (parent := parents.get(path[-1])) and parent not in path:
                path.append(parent)
            self.above[author] = path[1:] if path[-1] == 1 else []

    def run(self, file, root_key):
        self.file, self.sha, self.counts, self.turn, self.runs = file, hashlib.sha256(file.read(18)), Counter(), (), []
        self.grants, self.cuts, self.salts, self.erased, self.named, self.settled = {}, [], {}, set(), set(), {}
        self.chains, self.last, self.entries, self.topics = defaultdict(dict), Counter(), {}, defaultdict(list)
        need(self.sha.digest() == digest(b"export") and fits(head := self.part(2**24), HEAD), "not an export")
        self.deployment, root, self.author, signed = head
        need(root == (root_key or root) and digest(b"deployment", root)[:16] == self.deployment, "another county")
        self.trust(root, signed)
        frame, vector, last = self.part(), None, b""
        while fits(frame, [range(2, 3), TIPS]):
            vector, frame = [*(vector or []), *frame[1]], self.part()
        while fits(frame, SEGMENT):
            frame = self.segment(*frame[1:]) or self.part()
        need(vector == [[*branch, *max(self.chains[branch].items())] for branch in sorted(self.chains)], "other tips")
        for run in self.runs:
            self.settle(*run)
        self.counts.update(WORDS[how[0]] for place, how in self.settled.items() if place in self.entries)
        while fits(frame, CHUNK):
            (_, name, size, at, _), hashed = frame, hashlib.sha256()
            need(last < name and at == 0 and (name, size) in self.named, "blob: not in order, or of no entry")
            while at < size and fits(frame, CHUNK) and frame[1:4] == [name, size, at]:
                hashed.update(frame[4])
                last, at, frame = name, at + len(frame[4]), self.part()
            need(at == size and hashed.digest() == name, "blob: not whole, or not of its name")
            self.counts.update(blobs=1, bytes=size)
        need(fits(frame, [U32] * 3) and frame == [self.counts[n] for n in ("segments", "entries", "blobs")], "counts")
        before, end = self.sha.digest(), self.part()
        need(fits(end, [ID, TAG]) and not self.file.read(1), "end: not of its shape, or not the end")
        self.check(b"sign-export", end[0], self.author, pack(">I", end[0]) + before, end[1])
        return Report({"author": self.author, **self.counts})

    def segment(self, feed, epoch, first, items, serial, signature):
        kind, author, audience = unpack(">BII", feed)
        slot, home = (0, author) if kind == UP else (2 if author == 1 else 1, audience)
        chain, above, turn = self.chains[feed, epoch], self.above.get(home, []), (home, kind, epoch, feed)
        holders = [home, *above] if kind <= DOWN else self.above if kind == ALL else [1]
        need(self.author in holders and (kind != DOWN or author in above), "segment: of a feed not for the writer")
        by, starts = self.grants.get((author, epoch), (0, {}))
        if not chain:
            earlier, number, head = starts.get(feed, (0, 0, digest(b"feed", self.deployment, feed)))
            need((by or not epoch) and self.chains.get((feed, earlier), {}).get(number, head) == head, "grant")
            chain[number] = head
        number, pairs = max(chain), list(zip(items[::2], items[1::2], strict=True))
        need(self.turn <= turn and first == number + 1 and first + len(pairs) <= 2**32, "segment: not in order")
        need(all(fits(h, (bytes, range(4097))) and (fits(b, BODY) or fits(b, [HASH])) for h, b in pairs), "items")
        need(sum(len(item) for item in items if type(item) is bytes) <= 65536, "segment: too large")
        for number, (header, body) in enumerate(pairs, first):
            position, place = feed + pack(">IQ", epoch, number), (home, slot, epoch << 32 | number)
            leaf = self.entry(kind, place, position, header, body, serial)
            chain[number] = digest(b"head", chain[number - 1], leaf)
        self.check(b"sign-head", serial, author, position + chain[number] + pack(">I", serial), signature)
        need(by == serial or self.certificates[serial][9] == epoch, "segment: a certificate not for this epoch")
        self.turn, self.counts["segments"] = turn, self.counts["segments"] + 1

    def entry(self, kind, place, position, header, body, serial):  # one entry (6, 14): its leaf
        given, whole = read(header, (list, range(4, 21)), "header"), type(body) is bytes
        *fields, origin = (given + DEFAULTS[len(given) - 4 :])[:10]
        good = fits(fields, HEADER) and (origin is None or fits(origin, [EPOCH, ID]))
        need(good and given[-1:] != DEFAULTS[max(0, len(given) - 5) : len(given) - 4], "header: not of its shape")
        sort, topic, _, _, _, after, blobs, _, flags = fields
        case = (place[0], topic) if sort >= 64 and topic and kind <= DOWN else None
        need((topic or not flags & 1) and (case in self.erased) != whole, "entry: opens nothing, or a body not there")
        if case and whole and flags & 1:
            self.salts[case] = read(body, [KEY16, (list, range(5), [ID, (bytes, range(257))]), BODY], "opening")[0]
            need(kind == UP and digest(b"topic", pack(">I", place[0]), self.salts[case])[:16] == topic, "opening")
        need(not case or not whole or case in self.salts, "entry: its topic was not opened")
        salt = digest(b"salt", self.salts[case], position)[:16] if case and whole else bytes(16)
        if kind <= DOWN:
            cut = any(by == serial and place[2] > cuts.get(position[:9], 0) for by, cuts in self.cuts)
            self.last[*place[:2], place[2] >> 32] = place[2]
            self.entries[place] = case, after, origin and origin[0] << 32 | origin[1], len(blobs), cut
            self.topics[case].append(place)
        self.named.update((name, size) for name, size, _ in blobs)
        self.counts.update(entries=1, erased=not whole)
        try:
            self.word(kind, place, 0 if flags & 2 else sort, body)
        except (Refused, UnicodeDecodeError, IndexError, KeyError) as error:
            need(place[1] == 1, f"a word of the hub: {error}")
            self.counts["void"] += 1  # a township's, without effect
        hashed = digest(b"body-hash", salt, body) if whole else body[0]
        return digest(b"leaf", self.deployment, position, hashlib.sha256(header).digest(), hashed)

    def word(self, kind, place, sort, body):  # what the library's own entries say (6.4, 9, 11, 14)
        if (kind, sort, place[1]) == (DOWN, 1, 2):
            for slot, epoch, low, high, exceptions in read(body, RUNS, "order record"):
                odd = {number: (standing, code) for number, standing, code, _ in exceptions}
                need(low <= high < low + 4096 and all(low <= number <= high for number in odd), "order record: run")
                for n in range(low, high + 1):
                    self.runs.append(((place[0], slot, epoch << 32 | n), place[2], *odd.get(n, (ADMITTED, ""))))
        elif (kind, sort) == (DOWN, 2):
            epoch, _, blobs = read(body, [EPOCH, U32, (list, range(257), [ID, U8])], "receipt")
            for number, index in blobs:
                need(index < self.entries.get((place[0], 0, epoch << 32 | number), [256] * 4)[3], "receipt: of no blob")
        elif (kind, sort) == (ALL, 3):
            author, epoch, serial, tips = read(body, [ID, EPOCH[1:], ID, (list, range(513), TIPS[2], True)], "grant")
            need(all(unpack(">BII", t[0])[1] == author and t[1] < epoch for t in tips), "grant: of other feeds")
            self.grants.setdefault((author, epoch), (serial, {tip[0]: tip[1:] for tip in tips}))
        elif (kind, sort) == (ALL, 5):
            said = read(body, [ID, ID, (str, range(201)), (list, range(513), [FEED, EPOCH, U32], True)], "revocation")
            self.cuts.append((said[1], {feed: epoch << 32 | number for feed, epoch, number in said[3]}))
        elif (kind, sort) == (ALL, 7):
            self.erased.add(tuple(read(body, [ID, KEY16], "erasure")))
        need(kind != ALL or sort not in (4, 6) or body in self.signed, "all: a certificate that the head lacks")

    def settle(self, place, record, standing, code):  # one entry that an order record names (11)
        (home, slot, mark), (before, _, why) = place, self.settled.get(place, (HELD, 0, "awaits"))
        case, after, origin, _, cut = self.entries.get(place, ((home, b""), [0, 0, 0], None, 0, True))
        ahead, self.settled[place] = place not in self.entries, (standing, record, code)
        good = before == HELD and case and (not ahead or mark > self.last[home, slot, mark >> 32])
        need(good and RESERVED.get(code, standing) == standing and (cut or code != "revoked"), "order: not to be named")
        if not ahead and standing != HELD and why == "awaits":  # else a person settled it
            kin = {p: self.settled.get(p, (HELD, 0)) for p in self.topics[case] if p != place and p[1] < 2}
            seen = [p for p in kin if p[2] < (mark if p[1] == slot else after[p[1]] + 1)]
            late = any(kin[p][0] == HELD and not self.last[home, p[1], (p[2] >> 32) + 1] for p in seen)
            blind = any(kin[p][0] == REFUSED and kin[p][1] > after[2] for p in seen)
            twin = any(p[2] == origin or self.entries[p][2] == mark for p in kin if p[1] == slot and kin[p][0] != HELD)
            good = {"duplicate": twin, "basis_refused": blind}.get(code, standing == REFUSED or not (twin or blind))
            need(good and not late and after[2] < record, "order: against what its author had seen, or the rules")


def verify(data: bytes | BinaryIO, root_key: bytes | None = None) -> Report:
    try:
        return Verifier().run(io.BytesIO(data) if isinstance(data, bytes) else data, root_key)
    except (CryptoError, UnicodeDecodeError, IndexError, KeyError) as error:
        raise Refused(f"{type(error).__name__}: {error}") from None


if __name__ == "__main__":
    report = verify(io.BufferedReader(io.FileIO(sys.argv[1])), *map(bytes.fromhex, sys.argv[2:]))
    print("verified:", ", ".join(f"{name} {number}" for name, number in report.counts.items()))
