"""Canonical msgpack: the only module that imports msgpack (SPEC section 2).

Types: nil, bool, int, str, bin, array, map with str keys. No floats, no extensions. Every value has exactly one
encoding, so equal values are equal bytes, and a reader refuses any other. Text is never Unicode-normalised:
that would change people's names under the signature.
"""

from __future__ import annotations

from typing import Any

import msgpack

from sync_protocol.errors import NotCanonical, TooLarge
from sync_protocol.limits import DEPTH_MAX

_PLAIN = frozenset((type(None), bool, bytes))
_SMALL = frozenset((type(None), bool, bytes, str))
_SMALL_OR_INT = frozenset((*_SMALL, int))
_INT_LIMIT = 2**63
_BUFFER_BYTES = 1024
"""To begin with: most values are short, and the packer's own choice takes longer to make room for than to fill."""
_NO_ROOM_TO_LIE = 512
"""Bytes in which no arrays inside one another can claim more than a megabyte, see `_refuse_deep`."""


def pack(value: Any) -> bytes:
    """Encode `value`; raises NotCanonical for a type that has no canonical form."""
    return _packed(_checked(value, DEPTH_MAX))


def _packed(value: Any) -> bytes:
    packed: bytes = msgpack.Packer(use_bin_type=True, strict_types=True, buf_size=_BUFFER_BYTES).pack(value)
    return packed


def unpack(data: bytes, *, bytes_max: int) -> Any:
    """Decode exactly one canonical value of at most `bytes_max` bytes.

    Raises TooLarge before decoding, NotCanonical for anything that `pack` would not have produced.
    """
    if len(data) > bytes_max:
        raise TooLarge(f"{len(data)} bytes, at most {bytes_max}")
    if len(data) > _NO_ROOM_TO_LIE:
        count = data.count
        if count(b"\xdc") + count(b"\xdd") + count(b"\xde") + count(b"\xdf") > DEPTH_MAX:  # long arrays and maps
            _refuse_deep(data)
    try:
        value = msgpack.unpackb(
            data,
            raw=False,
            use_list=True,
            strict_map_key=True,
            max_str_len=len(data),
            max_bin_len=len(data),
            max_array_len=len(data),
            max_map_len=len(data),
            max_ext_len=0,
        )
        # an integer beyond 63 bits has this head; without it integers need no second look
        _check_decoded(value, DEPTH_MAX, _SMALL if b"\xcf" in data else _SMALL_OR_INT)
        again = _packed(value)
    except NotCanonical:
        raise
    except (ValueError, TypeError, OverflowError, RecursionError, msgpack.UnpackException) as error:
        raise NotCanonical(type(error).__name__) from error
    if again != data:
        raise NotCanonical("another encoding of the same value")
    return value


def _heads() -> list[tuple[int, int, int, int] | None]:
    """By first byte: width of the length that follows, bytes and items per unit of it, the length if none follows."""
    heads: list[tuple[int, int, int, int] | None] = [None] * 256
    for head in (*range(0x80), 0xC0, 0xC2, 0xC3, *range(0xE0, 0x100)):
        heads[head] = (0, 0, 0, 0)
    for count in range(32):
        heads[0x80 | count & 15] = (0, 0, 2, count & 15)
        heads[0x90 | count & 15] = (0, 0, 1, count & 15)
        heads[0xA0 | count] = (0, 1, 0, count)
    for power in range(4):
        heads[0xCC + power] = heads[0xD0 + power] = (0, 1, 0, 1 << power)
    for power in range(3):
        heads[0xC4 + power] = heads[0xD9 + power] = (1 << power, 1, 0, 0)
    for power in (1, 2):
        heads[0xDB + power] = (1 << power, 0, 1, 0)
        heads[0xDD + power] = (1 << power, 0, 2, 0)
    return heads


_HEADS = _heads()


def _refuse_deep(data: bytes) -> None:
    """Raise NotCanonical for what nests deeper than DEPTH_MAX, from the heads alone.

    The decoder makes room for all that an array or map claims to hold before it reads the first item: a thousand
    of them inside one another take 80 MB for 5 kB. What is cut short is left to the decoder.
    """
    left = [1]  # values still to come in each array or map that is open
    at = 0
    while left and at < len(data):
        shape = _HEADS[data[at]]
        if shape is None:
            raise NotCanonical("a type that has no canonical form")
        width, per_unit, items_per_unit, count = shape
        at += 1
        if width:
            count = int.from_bytes(data[at : at + width], "big")
        at += width + per_unit * count
        left[-1] -= 1
        if items_per_unit and count:
            if len(left) > DEPTH_MAX:
                raise NotCanonical("nested too deeply")
            left.append(items_per_unit * count)
        while left and not left[-1]:
            left.pop()


def _check_decoded(value: Any, depth: int, good: frozenset[type]) -> None:
    """What the decoder lets pass and `pack` would not: floats, timestamps, large integers, depth, order of keys.

    `good` are the types of which every value will do. Text is UTF-8 by now; nothing is copied, since most of what a
    replica reads comes by here.
    """
    kind = type(value)
    if kind is dict or kind is list:
        if depth == 0:
            raise NotCanonical("nested too deeply")
        if kind is dict:
            _check_keys(list(value))
            value = value.values()
        for item in value:
            if type(item) not in good:
                _check_decoded(item, depth - 1, good)
    elif kind is int:
        if value >= _INT_LIMIT:
            raise NotCanonical("integer beyond 64 bits")
    elif kind not in good:
        raise NotCanonical(f"{kind.__name__} has no canonical form")


def _check_keys(keys: list[Any]) -> None:
    """Keys ascend, by code points as by UTF-8 bytes. One that stands twice shows when the value is packed again.

    The decoder lets only text and bytes pass, and the two cannot be sorted together: the first speaks for all.
    """
    if keys and type(keys[0]) is not str:
        raise NotCanonical("a map key is not text")
    if keys != sorted(keys):
        raise NotCanonical("map keys are not in order")


def _checked(value: Any, depth: int) -> Any:
    kind = type(value)
    if kind in _PLAIN:
        return value
    if kind is int:
        if not -_INT_LIMIT <= value < _INT_LIMIT:
            raise NotCanonical("integer beyond 64 bits")
        return value
    if kind is str:
        return _text(value)
    if depth == 0:
        raise NotCanonical("nested too deeply")
    if kind is list or kind is tuple:
        return [_checked(item, depth - 1) for item in value]
    if kind is dict:
        if any(type(key) is not str for key in value):
            raise NotCanonical("a map key is not text")
        return {_text(key): _checked(value[key], depth - 1) for key in sorted(value)}
    raise NotCanonical(f"{kind.__name__} has no canonical form")


def _text(text: str) -> str:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise NotCanonical("text is not UTF-8") from error
    return text
