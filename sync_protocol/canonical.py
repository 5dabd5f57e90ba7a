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
_TEXT = frozenset((str,))
_INT_LIMIT = 2**63


def pack(value: Any) -> bytes:
    """Encode `value`; raises NotCanonical for a type that has no canonical form."""
    return _packed(_checked(value, DEPTH_MAX))


def _packed(value: Any) -> bytes:
    packed: bytes = msgpack.packb(value, use_bin_type=True, strict_types=True)
    return packed


def unpack(data: bytes, *, bytes_max: int) -> Any:
    """Decode exactly one canonical value of at most `bytes_max` bytes.

    Raises TooLarge before decoding, NotCanonical for anything that `pack` would not have produced.
    """
    if len(data) > bytes_max:
        raise TooLarge(f"{len(data)} bytes, at most {bytes_max}")
    try:
        value = msgpack.unpackb(
            data,
            raw=False,
            use_list=True,
            strict_map_key=True,
            object_pairs_hook=_ordered_map,
            max_str_len=len(data),
            max_bin_len=len(data),
            max_array_len=len(data),
            max_map_len=len(data),
            max_ext_len=0,
        )
        _check_decoded(value, DEPTH_MAX)
        again = _packed(value)
    except NotCanonical:
        raise
    except (ValueError, TypeError, OverflowError, RecursionError, msgpack.UnpackException) as error:
        raise NotCanonical(type(error).__name__) from error
    if again != data:
        raise NotCanonical("another encoding of the same value")
    return value


def _ordered_map(pairs: list[tuple[Any, Any]]) -> dict[str, Any]:
    """Keys ascend: the order of code points is that of the UTF-8 bytes."""
    keys = [key for key, _ in pairs]
    if not _TEXT.issuperset(map(type, keys)):
        raise NotCanonical("a map key is not text")
    result = dict(pairs)
    if len(result) < len(keys):
        raise NotCanonical("a map key stands twice")
    if keys != sorted(keys):
        raise NotCanonical("map keys are not in order")
    return result


def _check_decoded(value: Any, depth: int) -> None:
    """What the decoder lets pass and `pack` would not: floats, timestamps, integers beyond 64 bits, depth.

    Text is UTF-8 and maps are in order by now; nothing is copied, since most of what a replica reads comes by here.
    """
    kind = type(value)
    if kind is list or kind is dict:
        if depth == 0:
            raise NotCanonical("nested too deeply")
        for item in value if kind is list else value.values():
            inner = type(item)
            if inner is not str and inner is not bytes:
                _check_decoded(item, depth - 1)
    elif kind is int:
        if value >= _INT_LIMIT:
            raise NotCanonical("integer beyond 64 bits")
    elif kind is not str and kind not in _PLAIN:
        raise NotCanonical(f"{kind.__name__} has no canonical form")


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
