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

_PLAIN = (type(None), bool, bytes)


def pack(value: Any) -> bytes:
    """Encode `value`; raises NotCanonical for a type that has no canonical form."""
    packed: bytes = msgpack.packb(_checked(value, DEPTH_MAX), use_bin_type=True, strict_types=True)
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
        again = pack(value)
    except NotCanonical:
        raise
    except (ValueError, TypeError, OverflowError, RecursionError, msgpack.UnpackException) as error:
        raise NotCanonical(type(error).__name__) from error
    if again != data:
        raise NotCanonical("another encoding of the same value")
    return value


def _ordered_map(pairs: list[tuple[Any, Any]]) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for key, value in pairs:
        if key in result:
            raise NotCanonical("a map key stands twice")
        result[key] = value
    return result


def _checked(value: Any, depth: int) -> Any:
    kind = type(value)
    if kind in _PLAIN:
        return value
    if kind is int:
        if not -(2**63) <= value < 2**63:
            raise NotCanonical("integer beyond 64 bits")
        return value
    if kind is str:
        try:
            value.encode("utf-8")
        except UnicodeEncodeError as error:
            raise NotCanonical("text is not UTF-8") from error
        return value
    if depth == 0:
        raise NotCanonical("nested too deeply")
    if kind is list or kind is tuple:
        return [_checked(item, depth - 1) for item in value]
    if kind is dict:
        if any(type(key) is not str for key in value):
            raise NotCanonical("a map key is not text")
        return {key: _checked(value[key], depth - 1) for key in sorted(value, key=_utf8)}
    raise NotCanonical(f"{kind.__name__} has no canonical form")


def _utf8(text: str) -> bytes:
    try:
        return text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise NotCanonical("a map key is not UTF-8") from error
