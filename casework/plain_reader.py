"""Typed values out of one plain mapping; gathers every fault with its place, not only the first.

Used by the file formats of this package (catalogue, calendar). It knows no format: it says what is wrong at
which place, and the remedy.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from casework.errors import Problem

_REQUIRED: Any = object()


class PlainReader:
    """Reads one mapping; `whole` names the thing («事项 dibao»), `place` the spot inside it («form[2]»).

    Every getter returns a value of the right type even after a fault, so that reading goes on; the caller
    must look at `problems` before it uses what was read. `lenient` lets unknown keys pass: a node that runs
    an older program than the hub must still read what the hub sends.
    """

    def __init__(self, raw: object, whole: str, place: str, problems: list[Problem], *, lenient: bool = False) -> None:
        self._raw: dict[Any, Any] = raw if isinstance(raw, dict) else {}
        self._whole, self._place, self._problems = whole, place, problems
        self._taken: set[str] = set()
        self._lenient = lenient
        if not isinstance(raw, dict):
            self.fault("", "这里应当是一组键值", "请写成「键: 值」的形式")

    def fault(self, key: str, message: str, remedy: str) -> None:
        """Notes a problem at `key`; the text names the whole, the spot and the remedy."""
        spot = ".".join(p for p in (self._place, key) if p)
        field = ".".join(p for p in (self._whole.split(" ")[-1], spot) if p)
        self._problems.append(Problem(field, f"{self._whole} 的 {spot or '内容'}：{message}", remedy))

    def _take(self, key: str, default: Any) -> Any:
        self._taken.add(key)
        if key in self._raw:
            return self._raw[key]
        if default is _REQUIRED:
            self.fault(key, "缺少这一项", "请补上")
            return None
        return default

    def text(self, key: str, *, most: int = 200, pattern: str = "", default: str = _REQUIRED) -> str:
        """A text of 1..most characters (0 allowed when it has a default), matching `pattern` if given."""
        value = self._take(key, default)
        if value is None and key not in self._raw:
            return ""
        least = 0 if default is not _REQUIRED else 1
        if not isinstance(value, str) or not least <= len(value) <= most:
            self.fault(key, f"应当是 {least} 到 {most} 个字的文字", "请改正，数字形式的代码要加引号")
            return ""
        if value and pattern and not re.fullmatch(pattern, value):
            self.fault(key, f"「{value[:40]}」的写法不对", f"应当符合 {pattern}")
        return value

    def text_or_none(self, key: str, *, pattern: str) -> str | None:
        """A text or null; missing is null."""
        return None if self._take(key, None) is None else self.text(key, pattern=pattern)

    def flag(self, key: str, *, default: bool = _REQUIRED) -> bool:
        """A boolean, true or false."""
        value = self._take(key, default)
        if isinstance(value, bool):
            return value
        if key in self._raw:
            self.fault(key, "应当是 true 或 false", "请改成 true 或 false")
        return False

    def whole(self, key: str, least: int, most: int, *, default: int | None = _REQUIRED) -> int | None:
        """An integer in least..most, or None where the default is None."""
        value = self._take(key, default)
        if value is None and (default is None or key not in self._raw):
            return None
        if isinstance(value, int) and not isinstance(value, bool) and least <= value <= most:
            return value
        self.fault(key, f"应当是 {least} 到 {most} 之间的整数", "请改正")
        return None

    def choice(self, key: str, allowed: Sequence[Any], *, default: Any = _REQUIRED) -> Any:
        """One of `allowed` (same type)."""
        value = self._take(key, default)
        if any(value == a and type(value) is type(a) for a in allowed):
            return value
        if key in self._raw:
            self.fault(key, f"「{value!s:.40}」不在允许的范围内", f"请改为以下之一：{'、'.join(map(str, allowed))}")
        return allowed[0]

    def texts(self, key: str, *, most: int = 200, items: int = 60) -> tuple[str, ...]:
        """A list of distinct texts; missing is empty."""
        return tuple(v for v in self._list(key, items) if self._is_text(key, v, most))

    def _is_text(self, key: str, value: object, most: int) -> bool:
        if isinstance(value, str) and 1 <= len(value) <= most:
            return True
        self.fault(key, f"每一项应当是 1 到 {most} 个字的文字", "请改正")
        return False

    def _list(self, key: str, items: int) -> list[Any]:
        value = self._take(key, ())
        if not isinstance(value, (list, tuple)) or len(value) > items:
            self.fault(key, f"应当是不超过 {items} 项的列表", "请改成列表")
            return []
        if len({repr(v) for v in value}) != len(value):
            self.fault(key, "有重复的项", "请删去重复的项")
        return list(value)

    def wholes(self, key: str, allowed: Sequence[int]) -> tuple[int, ...]:
        """A non-empty list of integers out of `allowed`."""
        values = self._list(key, len(allowed))
        if not values or any(type(v) is not int or v not in allowed for v in values):
            self.fault(key, "应当是非空的整数列表", f"每一项取自：{'、'.join(map(str, allowed))}")
            return ()
        return tuple(values)

    def rows(self, key: str, *, items: int = 60) -> list[PlainReader]:
        """A list of mappings, each as a reader that knows its place."""
        return [self._inside(f"{key}[{n}]", raw) for n, raw in enumerate(self._list(key, items))]

    def named(self, key: str, *, items: int = 60) -> dict[str, PlainReader]:
        """A mapping of mappings, each as a reader that knows its place; missing is empty."""
        value = self._take(key, {})
        if not isinstance(value, dict) or len(value) > items or any(not isinstance(k, str) for k in value):
            self.fault(key, f"应当是不超过 {items} 项的键值，键为文字", "请改正")
            return {}
        return {k: self._inside(f"{key}.{k}", raw) for k, raw in value.items()}

    def row(self, key: str) -> PlainReader | None:
        """A mapping as a reader, or None when it is null or missing."""
        value = self._take(key, None)
        return None if value is None else self._inside(key, value)

    def _inside(self, spot: str, raw: object) -> PlainReader:
        place = f"{self._place}.{spot}" if self._place else spot
        return PlainReader(raw, self._whole, place, self._problems, lenient=self._lenient)

    def done(self) -> None:
        """Call last: keys that nobody asked for are faults, most often a misspelling."""
        for key in self._raw:
            if key not in self._taken and not self._lenient:
                self.fault(str(key)[:40], "不认识这个键", "请检查拼写，或删去")
