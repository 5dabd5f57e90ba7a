"""Spoils good values: at the level of fields, types, lengths and nesting, of their encoding, and of their bytes.

A recipe is a few bytes that hypothesis draws and shrinks: the first picks a sample, each four after it are one
step (what to do, where, with what). An empty recipe is a good value; the less bytes, the less is spoiled.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import msgpack
from hypothesis import strategies as st

from sync_protocol import canonical
from sync_protocol.errors import BadBytes

RECIPES = st.binary(min_size=1, max_size=13)
NODES_MAX = 4_000

Step = tuple[int, int, int]


def steps_of(recipe: bytes) -> list[Step]:
    """The steps of a recipe: (operation, place, material)."""
    return [(recipe[at], recipe[at + 1] << 8 | recipe[at + 2], recipe[at + 3]) for at in range(1, len(recipe) - 3, 4)]


@dataclass(slots=True)
class Raw:
    """Bytes that are put into the encoding as they are, good or not."""

    data: bytes


@dataclass(slots=True)
class Wide:
    """A value whose head takes the longest form there is."""

    inner: Any


@dataclass(slots=True)
class Packed:
    """Bytes that hold an encoding of their own, so that what is inside can be spoiled too."""

    inner: Any


@dataclass(slots=True)
class Pairs:
    """A map as keys and values in turn: keys may repeat, or stand in any order."""

    flat: list[Any]


DEEP_9, DEEP_600 = b"\x91" * 9 + b"\xc0", b"\x91" * 600 + b"\xc0"
NASTY: tuple[Any, ...] = (
    None, True, False, 0, 1, -1, 2, 3, 8, 15, 16, 255, 256, 2**15, 2**16, 2**31 - 1, 2**31, 2**32 - 1, 2**32,
    2**53 - 1, 2**53, 2**63 - 1, -(2**63), Raw(b"\xcf" + b"\xff" * 8),
    b"", b"\x00", bytes(8), bytes(9), bytes(15), bytes(16), bytes(31), bytes(32), bytes(33), b"\xff" * 64, bytes(65),
    bytes(257), bytes(4_097), bytes(49_153), bytes(65_537),
    "", "a", "\x00", "张" * 12, "张" * 13, "x" * 65, "x" * 129, "x" * 257, "x" * 201, "\U0010ffff", "e\u0301", "fork",
    [], [[]], [0], Pairs([]), Pairs(["a", 1]), Pairs(["a", 1, "a", 1]), Pairs(["b", 1, "a", 1]), Pairs([1, 1]),
    Pairs([b"a", 1]), Pairs([None, 1]), Pairs([[], 1]),
    Raw(b""), Raw(b"\xc1"), Raw(b"\xca\x00\x00\x00\x00"), Raw(b"\xcb" + b"\x7f\xf8" + bytes(6)), Raw(DEEP_9),
    Raw(DEEP_600), Raw(b"\x91" * 3_000), Raw(b"\x81\xa1a" * 600 + b"\xc0"),
    Raw(b"\xdd\x00\x00\x0f\xff" * 800), Raw(b"\xde\xff\xff" * 800), Raw(b"\xdc\xff\xff"),
    Raw(b"\xdd\xff\xff\xff\xff"), Raw(b"\xdf\xff\xff\xff\xff"), Raw(b"\xc6\xff\xff\xff\xff"),
    Raw(b"\xdb\xff\xff\xff\xff"),
    Raw(b"\xc9\xff\xff\xff\xff\x01"), Raw(b"\xd4\x05\x00"), Raw(b"\xc7\x00\x05"), Raw(b"\xc7\x00\xff"),
    Raw(b"\xd6\xff" + bytes(4)),
    Raw(b"\xd7\xff" + b"\xff" * 8), Raw(b"\xc7\x0c\xff" + b"\xff" * 12),
    Raw(b"\xa1\xff"), Raw(b"\xa3\xed\xa0\x80"), Raw(b"\xa2\xc0\x80"), Raw(b"\xa4\xf4\x90\x80\x80"), Raw(b"\xd9\x01a"),
    Raw(b"\xc4"), Raw(b"\xd2\x00\x00\x00\x01"), Raw(b"\xd0\x01"), Raw(b"\xd3" + bytes(8)),
)  # fmt: skip
REPEATS = (2, 3, 5, 17, 33, 65, 257, 513, 2_001)


def tree(value: Any, *, depth: int = 4) -> Any:
    """A copy of a plain value that can be spoiled, maps in order; bytes that hold a list are opened."""
    if isinstance(value, list | tuple):
        return [tree(item, depth=depth) for item in value]
    if isinstance(value, dict):
        return Pairs([tree(part, depth=depth) for pair in sorted(value.items()) for part in pair])
    if isinstance(value, bytes) and len(value) > 8 and depth and value[0] >> 4 == 9:
        try:
            return Packed(tree(canonical.unpack(value, bytes_max=len(value)), depth=depth - 1))
        except BadBytes:
            return value
    return value


def copied(node: Any) -> Any:
    if isinstance(node, list):
        return [copied(item) for item in node]
    if isinstance(node, Packed | Wide):
        return type(node)(copied(node.inner))
    return Pairs([copied(item) for item in node.flat]) if isinstance(node, Pairs) else node


def _nasty(what: int) -> Any:
    """A copy: the next step may change it in place, and put it into itself."""
    return copied(NASTY[what % len(NASTY)])


def encode(node: Any) -> bytes:
    """The bytes of a tree: canonical unless it was spoiled."""
    match node:
        case Raw():
            return node.data
        case Wide():
            return _wide(node.inner)
        case Packed():
            return bytes(msgpack.packb(encode(node.inner)))
        case list():
            return _head(len(node), 0x90, b"\xdc", b"\xdd") + b"".join(map(encode, node))
        case Pairs():
            return _head(len(node.flat) // 2, 0x80, b"\xde", b"\xdf") + b"".join(map(encode, node.flat))
        case _:
            return bytes(msgpack.packb(node, unicode_errors="surrogatepass"))


def _head(count: int, small: int, middle: bytes, large: bytes) -> bytes:
    if count < 16:
        return bytes([small + count])
    return middle + count.to_bytes(2, "big") if count < 2**16 else large + count.to_bytes(4, "big")


def _wide(node: Any) -> bytes:
    match node:
        case bool() | None:
            return encode(node)
        case int():
            signed = node < 0 or node % 2
            return (b"\xd3" if signed else b"\xcf") + (node % 2**64).to_bytes(8, "big")
        case str():
            data = node.encode("utf-8", "surrogatepass")
            return b"\xdb" + len(data).to_bytes(4, "big") + data
        case bytes():
            return b"\xc6" + len(node).to_bytes(4, "big") + node
        case Packed():
            return _wide(encode(node.inner))
        case list():
            return b"\xdd" + len(node).to_bytes(4, "big") + b"".join(map(encode, node))
        case Pairs():
            return b"\xdf" + (len(node.flat) // 2).to_bytes(4, "big") + b"".join(map(encode, node.flat))
        case _:
            return encode(node)


Slot = tuple[list[Any], int]


def _slots(node: Any, found: list[Slot], holder: list[Any], index: int) -> None:
    found.append((holder, index))
    if len(found) > NODES_MAX:
        return
    while isinstance(node, Packed | Wide):
        node = node.inner
    items = node.flat if isinstance(node, Pairs) else node if isinstance(node, list) else ()
    for at, item in enumerate(items):
        _slots(item, found, items, at)  # type: ignore[arg-type]


def _nudged(node: Any, what: int) -> Any:
    match node:
        case bool():
            return not node
        case int():
            return max(-(2**63), min(2**64 - 1, (node + 1, node - 1, -node, node * 2, node | 1 << what % 63)[what % 5]))
        case bytes():
            at = what % (len(node) + 1)
            flipped = bytes([node[at - 1] ^ 1 << what % 8]) if at else b""
            return (node[:-1], node + b"\x00", node[:at], node[: max(0, at - 1)] + flipped + node[at:])[what % 4]
        case str():
            return (node[:-1], node + "x", node.upper(), node + "\u3000", node[::-1], node + "\ud800")[what % 6]
        case list():
            return (node[:-1], [*node, None], node[::-1], node[: what % (len(node) + 1)])[what % 4]
        case _:
            return _nasty(what)


def _other_type(node: Any, what: int) -> Any:
    match node:
        case bytes():
            return (node.decode("latin-1"), list(node[:64]), [node], Raw(b"\xd9" + bytes([len(node) % 256]) + node))[
                what % 4
            ]
        case str():
            return (node.encode("utf-8", "surrogatepass"), list(node[:64]), [node], Raw(b"\xa1\xff"))[what % 4]
        case bool():
            return int(node)
        case int():
            return (str(node), node > 0, [node], Raw(b"\xcb" + bytes(8)))[what % 4]
        case list():
            return (
                Pairs([str(at // 2) if at % 2 == 0 else item for at, item in enumerate(node[: len(node) // 2 * 2])]),
                None,
            )[what % 2]
        case Packed():
            return node.inner
        case _:
            return []


def _replace(make: Callable[[Any, int], Any]) -> Callable[[list[Slot], Slot, int], None]:
    def run(slots: list[Slot], slot: Slot, what: int) -> None:
        holder, at = slot
        holder[at] = make(holder[at], what)

    return run


def _delete(slots: list[Slot], slot: Slot, what: int) -> None:
    if slot is not slots[0]:
        del slot[0][slot[1]]


def _insert(slots: list[Slot], slot: Slot, what: int) -> None:
    if slot is not slots[0]:
        slot[0].insert(slot[1], _nasty(what))


def _twice(slots: list[Slot], slot: Slot, what: int) -> None:
    if slot is not slots[0]:
        slot[0].insert(slot[1], copied(slot[0][slot[1]]))


def _swap(slots: list[Slot], slot: Slot, what: int) -> None:
    holder, at = slot
    other = what % len(holder)
    holder[at], holder[other] = holder[other], holder[at]


def _graft(slots: list[Slot], slot: Slot, what: int) -> None:
    holder, at = slots[what % len(slots)]
    slot[0][slot[1]] = copied(holder[at])


def _repeat(slots: list[Slot], slot: Slot, what: int) -> None:
    holder, at = slot
    count, node = REPEATS[what % len(REPEATS)], holder[at]
    if isinstance(node, bytes | str) and len(node) * count < 200_000:
        holder[at] = node * count
    elif len(slots) * count < 2 * NODES_MAX and isinstance(node, list):
        holder[at] = [copied(item) for _ in range(count) for item in node]


OPERATIONS: Sequence[Callable[[list[Slot], Slot, int], None]] = (
    _replace(lambda node, what: _nasty(what)),
    _replace(lambda node, what: _nasty(what)),
    _replace(_nudged),
    _replace(_nudged),
    _replace(_other_type),
    _replace(lambda node, what: Wide(node)),
    _replace(lambda node, what: [node]),
    _delete,
    _insert,
    _twice,
    _swap,
    _graft,
    _repeat,
)


def spoil_tree(node: Any, steps: Sequence[Step]) -> Any:
    """The tree after the steps that speak of values; it is changed in place."""
    root = [node]
    for operation, where, what in steps:
        if operation < 200:
            slots: list[Slot] = []
            _slots(root[0], slots, root, 0)
            OPERATIONS[operation % len(OPERATIONS)](slots, slots[where % len(slots)], what)
    return root[0]


def spoil_bytes(data: bytes, steps: Sequence[Step]) -> bytes:
    """The bytes after the steps that speak of bytes."""
    for operation, where, what in steps:
        if operation >= 200 and data:
            data = _BYTE_OPERATIONS[operation % len(_BYTE_OPERATIONS)](data, where % len(data), what)
    return data


_BYTE_OPERATIONS: Sequence[Callable[[bytes, int, int], bytes]] = (
    lambda data, at, what: data[:at],
    lambda data, at, what: data + bytes([what]) * (1 + at % 9),
    lambda data, at, what: data[:at] + bytes([data[at] ^ 1 << what % 8]) + data[at + 1 :],
    lambda data, at, what: data[:at] + bytes([what]) + data[at + 1 :],
    lambda data, at, what: data[:at] + bytes([what]) + data[at:],
    lambda data, at, what: data[:at] + data[at + 1 + what % 8 :],
    lambda data, at, what: data + data[at:],
    lambda data, at, what: data[at:],
)


def spoiled(samples: Sequence[Any], recipe: bytes) -> bytes:
    """One of the samples (trees), spoiled by the recipe, as bytes."""
    steps = steps_of(recipe)
    node = samples[recipe[0] % len(samples)]
    if any(step[0] < 200 for step in steps):
        node = spoil_tree(copied(node), steps)
    return spoil_bytes(encode(node), steps)


def spoiled_bytes(samples: Sequence[bytes], recipe: bytes) -> bytes:
    """One of the samples, spoiled as bytes only: for layouts that are not msgpack."""
    steps = [(operation | 200, where, what) for operation, where, what in steps_of(recipe)]
    return spoil_bytes(samples[recipe[0] % len(samples)], steps)
