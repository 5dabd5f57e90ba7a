"""A small vocabulary for the shape of a change's body, and the one checker of it.

Shapes are values; `faults` reads any foreign object against a shape and never raises. Types are exact (True
is not 1); unknown fields are kept and allowed, so that an old program does not refuse what a newer one adds.
Messages never repeat foreign text.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

from casework.errors import Problem
from casework.texts import N_, joined, say

# The root is 0. Below what any canonical encoding allows, so that a state built from bodies can be encoded too.
MAX_DEPTH = 6
MAX_NODES = 4_000
MAX_KEY_CHARS = 200
MAX_PROBLEMS = 20
_INT64 = 2**63
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


@dataclass(frozen=True, slots=True)
class Text:
    """A string of least..most characters."""

    most: int
    least: int = 0


@dataclass(frozen=True, slots=True)
class Choice:
    """One of a closed set of words."""

    words: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Whole:
    """An integer in least..most."""

    most: int
    least: int = 0


@dataclass(frozen=True, slots=True)
class Flag:
    """True or False."""


@dataclass(frozen=True, slots=True)
class Hash32:
    """Exactly 32 bytes."""


@dataclass(frozen=True, slots=True)
class Octets:
    """Exactly so many bytes; with `least`, that many or more up to them."""

    count: int
    least: int | None = None

    def fits(self, value: object) -> bool:
        least = self.count if self.least is None else self.least
        return type(value) is bytes and least <= len(value) <= self.count


@dataclass(frozen=True, slots=True)
class Day:
    """A calendar day as YYYY-MM-DD."""


@dataclass(frozen=True, slots=True)
class Free:
    """A dict with any plain content; only the bounds on the whole body apply."""


@dataclass(frozen=True, slots=True)
class ListOf:
    """A list of least..most items; with `unique`, that field of the items may not repeat."""

    item: Shape
    most: int
    least: int = 0
    unique: str = ""


@dataclass(frozen=True, slots=True)
class Field:
    """One named field; `null` also allows None."""

    name: str
    shape: Shape
    required: bool = True
    null: bool = False


@dataclass(frozen=True, slots=True)
class Record:
    """A dict with known fields; `rule` looks at a record whose fields are all right, "" means fine."""

    fields: tuple[Field, ...]
    rule: Callable[[dict[str, object]], str] | None = None


Shape = Text | Choice | Whole | Flag | Hash32 | Octets | Day | Free | ListOf | Record


def _foreign_scalar(value: object) -> str:
    if type(value) is str:
        try:
            value.encode()
        except UnicodeEncodeError:
            return N_("含有无法编码的文字")
        return ""
    if type(value) is int:
        return "" if -_INT64 <= value < _INT64 else N_("整数超出范围")
    return "" if value is None or type(value) in (bool, bytes) else N_("类型不受支持")


_TOO_MANY = MAX_NODES + 1
_SIMPLE = frozenset((type(None), bool, bytes))


def _nodes(value: Any, depth: int) -> int:
    """Count the nodes of a plain dict or list; _TOO_MANY as soon as anything has to be looked at more closely."""
    kind = type(value)
    if kind is dict:
        keys = "".join(value)  # TypeError when one is no text
        if not keys.isascii() or (len(keys) > MAX_KEY_CHARS and max(map(len, value)) > MAX_KEY_CHARS):
            return _TOO_MANY
    elif kind is not list:
        return _TOO_MANY
    total = 1
    for item in value.values() if kind is dict else value:
        inner = type(item)
        if inner is str:
            item.encode()
        elif inner is dict or inner is list:
            total += _nodes(item, depth + 1) - 1
        elif inner not in _SIMPLE and not (inner is int and -_INT64 <= item < _INT64):
            return _TOO_MANY
        total += 1
    return _TOO_MANY if depth == MAX_DEPTH and total > 1 else total


def is_plain(value: object) -> bool:
    """Tell quickly that `plain_fault` has nothing to say; False only means that it must be asked."""
    try:
        return _nodes(value, 0) <= MAX_NODES
    except (TypeError, UnicodeEncodeError, RecursionError):
        return False


def plain_fault(value: object) -> str:
    """Say what keeps `value` from being a plain object within MAX_DEPTH and MAX_NODES; "" if nothing does."""
    waiting: list[tuple[object, int]] = [(value, 0)]
    nodes = 0
    while waiting:
        current, depth = waiting.pop()
        nodes += 1
        if depth > MAX_DEPTH:
            return N_("层次过深")
        children: list[object] = []
        if type(current) is dict:
            if len(current) > MAX_NODES:
                return N_("内容过多")
            for key in current:
                if type(key) is not str or len(key) > MAX_KEY_CHARS or _foreign_scalar(key):
                    return N_("字段名不合规")
            children = list(current.values())
        elif type(current) is list:
            if len(current) > MAX_NODES:
                return N_("内容过多")
            children = current
        elif fault := _foreign_scalar(current):
            return fault
        if nodes + len(waiting) + len(children) > MAX_NODES:
            return N_("内容过多")
        waiting.extend((child, depth + 1) for child in children)
    return ""


def _real_day(value: str) -> bool:
    if not _DAY.fullmatch(value):
        return False
    try:
        date.fromisoformat(value)
    except ValueError:
        return False
    return True


def _text_fault(shape: Text, value: object) -> str:
    if type(value) is not str:
        return N_("应为文本")
    if len(value) < shape.least:
        return N_("不能为空")
    return say("过长，最多 {most} 个字", most=shape.most) if len(value) > shape.most else ""


def _leaf_fault(shape: Shape, value: object) -> str:
    match shape:
        case Text():
            return _text_fault(shape, value)
        case Choice():
            good = type(value) is str and value in shape.words
            return "" if good else say("应为 {names} 之一", names=joined(N_("、"), shape.words))
        case Whole():
            good = type(value) is int and shape.least <= value <= shape.most
            return "" if good else say("应为 {least} 到 {most} 之间的整数", least=shape.least, most=shape.most)
        case Flag():
            return "" if type(value) is bool else N_("应为是或否")
        case Hash32():
            return "" if type(value) is bytes and len(value) == 32 else N_("应为 32 字节")
        case Octets(count, least):
            most = (
                say("应为 {count} 字节", count=count)
                if least is None
                else say("应为 {least} 到 {count} 字节", least=least, count=count)
            )
            return "" if shape.fits(value) else most
        case Day():
            return "" if type(value) is str and _real_day(value) else N_("应为日期，例如 2026-11-20")
        case _:
            return "" if type(value) is dict else N_("应为字段表")


Fits = Callable[[Any], bool]


def fitting(shape: Shape) -> Fits:
    """A quick test for a shape: True exactly where `faults` finds nothing. Every fold asks it of every change."""
    match shape:
        case Record():
            return _record_fits(shape)
        case ListOf():
            return _list_fits(shape)
        case Text(most, least):
            return lambda value: type(value) is str and least <= len(value) <= most
        case Whole(most, least):
            return lambda value: type(value) is int and least <= value <= most
        case Flag():
            return lambda value: type(value) is bool
        case Choice(words):
            return lambda value: type(value) is str and value in words
        case Hash32():
            return lambda value: type(value) is bytes and len(value) == 32
        case Octets():
            return shape.fits
        case Day():
            return lambda value: type(value) is str and _real_day(value)
        case Free():
            return lambda value: type(value) is dict


def _record_fits(shape: Record) -> Fits:
    parts = tuple((field.name, fitting(field.shape), field.required, field.null) for field in shape.fields)
    rule = shape.rule

    def fits(value: Any) -> bool:
        if type(value) is not dict:
            return False
        for name, inner, required, null in parts:
            given = value.get(name, fits)  # nothing foreign is this function
            if given is fits:
                if required:
                    return False
            elif not (given is None and null) and not inner(given):
                return False
        return rule is None or not rule(value)

    return fits


def _list_fits(shape: ListOf) -> Fits:
    inner, unique = fitting(shape.item), shape.unique

    def fits(value: Any) -> bool:
        if type(value) is not list or not shape.least <= len(value) <= shape.most:
            return False
        for item in value:
            if not inner(item):
                return False
        if not unique:
            return True
        names = [item[unique] for item in value if type(item) is dict and type(item.get(unique)) is str]
        return len(set(names)) == len(names)

    return fits


def _join(path: str, step: str) -> str:
    return f"{path}.{step}" if path else step


def _list_faults(shape: ListOf, value: object, path: str) -> Iterator[Problem]:
    if type(value) is not list:
        yield Problem(path, N_("应为列表"))
        return
    if not shape.least <= len(value) <= shape.most:
        yield Problem(path, say("应有 {least} 到 {most} 项", least=shape.least, most=shape.most))
        return
    names: set[str] = set()
    for index, item in enumerate(value):
        here = _join(path, str(index))
        yield from faults(shape.item, item, here)
        name = item.get(shape.unique) if shape.unique and type(item) is dict else None
        if type(name) is str:
            if name in names:
                yield Problem(_join(here, shape.unique), N_("名称重复"), N_("同名的请合为一项"))
            names.add(name)


def _record_faults(shape: Record, value: object, path: str) -> Iterator[Problem]:
    if type(value) is not dict:
        yield Problem(path, N_("应为字段表"))
        return
    clean = True
    for field in shape.fields:
        here = _join(path, field.name)
        given = value.get(field.name)
        if field.name not in value:
            found = iter([Problem(here, N_("缺少必填项"))] if field.required else [])
        elif given is None and field.null:
            found = iter(())
        else:
            found = faults(field.shape, given, here)
        for problem in found:
            clean = False
            yield problem
    if clean and shape.rule is not None and (message := shape.rule(value)):
        yield Problem(path, message)


def faults(shape: Shape, value: object, path: str = "") -> Iterator[Problem]:
    """Yield what is wrong with `value`; Problem.field is a dotted path such as "materials.2.name"."""
    if isinstance(shape, ListOf):
        yield from _list_faults(shape, value, path)
    elif isinstance(shape, Record):
        yield from _record_faults(shape, value, path)
    elif message := _leaf_fault(shape, value):
        yield Problem(path, message)
