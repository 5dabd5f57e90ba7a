"""What the signed statements behind a QR say, to the byte: the SLIP of an intake and the RESULT of a granted decision.

The log signs the bytes, binds them to the case's public code and says who signed (casework.case_log). They are short
because a slip has to fit into a QR that old scanners read from 80 mm paper: what the signer's certificate and the
statement's place say already stands in neither. Numbers are unsigned and big-endian. Pure.

    item      packed key: its characters as digits of a number to the base 38, a = 1 … z = 26, 0 = 27 … 9 = 36, _ = 37
    day       u16: days since 2000-01-01
    words     u8 length n, UTF-8 of n bytes; n + 128 where they were shortened, then the first 8 bytes of the
              SHA-256 of the whole

    SLIP      u8 flags: 1 recorded by the county, 2 epoch given, 4 far region · [u16 epoch of the 收件码, else that of
              the place] · [of another's case: u16, far u24: region of its home minus that of the signer] · day ·
              u16 counter · packed item
    RESULT    u8 flags: 1 licence, 2 until · day decided · u8 length, packed item · words holder ·
              [words title · words number] · [day until]
"""

from __future__ import annotations

import hashlib
import string
from dataclasses import dataclass
from datetime import date, timedelta

from casework.intake_code import COUNTER_MAX, EPOCH_MAX, IntakeCode, mint
from casework.public_code import code_text
from casework.scan_text import statement_text

SLIP_KIND, RESULT_KIND = 1, 2
QR_CHARS_MAX = 500
"""Of a slip's whole text, with an address of HOST_CHARS_MAX."""
HOST_CHARS_MAX = 45
WORDS_BYTES_MAX = 60
_RECORDED, _EPOCH, _FAR = 1, 2, 4
_LICENCE, _UNTIL = 1, 2
_SHORTENED = 0x80
_DIGEST_BYTES = 8
_FIRST_DAY = date(2000, 1, 1)
_KEY_LETTERS = string.ascii_lowercase + string.digits + "_"
_KEY_CHARS_MAX = 64
_KEY_BYTES_MAX = 43
_BASE = len(_KEY_LETTERS) + 1


@dataclass(frozen=True, slots=True)
class Signer:
    """Who signed, and where in its log: author, region (12 digits), audience (0: its own case), epoch of the place."""

    author: int
    region: str
    audience: int
    epoch: int


@dataclass(frozen=True, slots=True)
class Slip:
    """An intake: its 收件码, its item, and whether the county had recorded it when the slip was printed."""

    code: IntakeCode
    item: str
    recorded: bool


@dataclass(frozen=True, slots=True)
class Words:
    """A name as it fits on a certificate; digest: 8 bytes of the whole one's SHA-256 where it was shortened."""

    text: str
    digest: bytes = b""

    def means(self, whole: str) -> bool:
        """Whether this is the name, or the beginning of it."""
        return shortened(whole) == self


@dataclass(frozen=True, slots=True)
class Result:
    """A granted decision: item, day, who holds it; the licence made out for it, "" for none; until: its last day."""

    item: str
    decided: date
    holder: Words
    title: Words = Words("")
    number: Words = Words("")
    until: date | None = None


def qr_text(url: str, code: bytes, statement: bytes) -> str:
    """The text of a QR; without the county's address its path alone, which the staff's own pages understand."""
    behind = f"#{statement_text(statement)}" if statement else ""
    return f"{url.rstrip('/')}/q/{code_text(code)}{behind}".lstrip("/")


def slip_payload(slip: Slip, signer: Signer) -> bytes:
    """ValueError for an intake of which this signer can say nothing: of another home in its own name, say."""
    code, flags, home = slip.code, _RECORDED * slip.recorded, b""
    if signer.audience:
        beyond = int(code.region) - int(signer.region)
        if not 0 <= beyond < 1 << 24:
            raise ValueError("a home outside of the signer's region")
        far = beyond >= 1 << 16
        flags |= _FAR * far
        home = beyond.to_bytes(3 if far else 2, "big")
    if (signer.audience or signer.author) != code.station or (not home and signer.region != code.region):
        raise ValueError("the intake of another home")
    epoch = b""
    if code.epoch != signer.epoch:
        flags |= _EPOCH
        epoch = code.epoch.to_bytes(2, "big")
    numbers = _packed_day(code.day) + code.counter.to_bytes(2, "big")
    return bytes([flags]) + epoch + home + numbers + _packed_key(slip.item)


def parse_slip(payload: bytes, signer: Signer) -> Slip | None:
    """None for bytes that `slip_payload` does not write for this signer."""
    try:
        reader = _Reader(payload)
        flags = reader.number(1)
        epoch = reader.number(2) if flags & _EPOCH else signer.epoch
        region = signer.region
        if signer.audience:
            region = f"{int(region) + reader.number(3 if flags & _FAR else 2):012}"
        day, counter = reader.day(), reader.number(2)
        item = _read_key(reader.rest())
        if epoch > EPOCH_MAX or counter > COUNTER_MAX:
            return None
        station = signer.audience or signer.author
        code = IntakeCode(mint(region, station, epoch, day, counter), region, station, epoch, day, counter)
        slip = Slip(code, item, bool(flags & _RECORDED))
        return slip if slip_payload(slip, signer) == payload else None
    except (ValueError, OverflowError):
        return None


def result_payload(result: Result) -> bytes:
    """ValueError for an item key or a day that has no form."""
    key = _packed_key(result.item)
    licence = bool(result.title.text or result.number.text)
    flags = _LICENCE * licence | _UNTIL * (result.until is not None)
    parts = [bytes([flags]), _packed_day(result.decided), bytes([len(key)]), key, _packed_words(result.holder)]
    if licence:
        parts += [_packed_words(result.title), _packed_words(result.number)]
    if result.until is not None:
        parts.append(_packed_day(result.until))
    return b"".join(parts)


def parse_result(payload: bytes) -> Result | None:
    """None for bytes that `result_payload` does not write."""
    try:
        reader = _Reader(payload)
        flags, decided = reader.number(1), reader.day()
        item, holder = _read_key(reader.take(reader.number(1))), reader.words()
        title, number = (reader.words(), reader.words()) if flags & _LICENCE else (Words(""), Words(""))
        until = reader.day() if flags & _UNTIL else None
        result = Result(item, decided, holder, title, number, until)
        return result if result_payload(result) == payload else None
    except (ValueError, OverflowError):
        return None


def shortened(text: str) -> Words:
    """As much of a text as fits, at most WORDS_BYTES_MAX bytes of whole characters."""
    data = text.encode()
    if len(data) <= WORDS_BYTES_MAX:
        return Words(text)
    return Words(data[:WORDS_BYTES_MAX].decode(errors="ignore"), hashlib.sha256(data).digest()[:_DIGEST_BYTES])


def _packed_words(words: Words) -> bytes:
    data = words.text.encode()
    if len(data) > WORDS_BYTES_MAX or len(words.digest) not in (0, _DIGEST_BYTES):
        raise ValueError("words that are too long")
    return bytes([len(data) | (_SHORTENED if words.digest else 0)]) + data + words.digest


def _packed_day(day: date) -> bytes:
    number = (day - _FIRST_DAY).days
    if not 0 <= number < 1 << 16:
        raise ValueError(f"{day} has no number")
    return number.to_bytes(2, "big")


def _packed_key(key: str) -> bytes:
    if not 1 <= len(key) <= _KEY_CHARS_MAX:
        raise ValueError("an item key of impossible length")
    number = 0
    for letter in key:
        number = number * _BASE + _KEY_LETTERS.index(letter) + 1
    return number.to_bytes((number.bit_length() + 7) // 8, "big")


def _read_key(data: bytes) -> str:
    number, key = int.from_bytes(data, "big"), ""
    if not data or len(data) > _KEY_BYTES_MAX or not data[0]:
        raise ValueError("no item key")
    while number:
        number, digit = divmod(number, _BASE)
        if not digit:
            raise ValueError("no item key")
        key = _KEY_LETTERS[digit - 1] + key
    return key


class _Reader:
    """Takes bytes from the front; ValueError where there are none."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def take(self, count: int) -> bytes:
        if len(self._data) < count:
            raise ValueError("cut short")
        taken, self._data = self._data[:count], self._data[count:]
        return taken

    def rest(self) -> bytes:
        return self.take(len(self._data))

    def number(self, width: int) -> int:
        return int.from_bytes(self.take(width), "big")

    def day(self) -> date:
        return _FIRST_DAY + timedelta(days=self.number(2))

    def words(self) -> Words:
        length = self.number(1)
        text = self.take(length & ~_SHORTENED).decode()
        return Words(text, self.take(_DIGEST_BYTES) if length & _SHORTENED else b"")
