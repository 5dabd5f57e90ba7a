"""Lines of `strace -f -yy -s 0` as calls. Pure: text in, values out."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

_LINE = re.compile(r"^(\d+) +(.*)$")
_RESUMED = re.compile(r"^<\.\.\. (\w+) resumed>(.*)$")
_CALL = re.compile(r"^(\w+)\((.*)$")
_END = re.compile(r"^(.*)\) += (-?\d+|0x[0-9a-f]+|\?)(.*)$")
_UNFINISHED = " <unfinished ...>"
_FD = re.compile(r"^(\d+|AT_FDCWD)<(.*?)>(\(deleted\))?(?=$|, )")
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"(?:\.\.\.)?')


@dataclass(frozen=True, slots=True)
class Call:
    """One system call, seen at its beginning and at its end; `result` is None at the beginning and for "?"."""

    thread: int
    name: str
    args: str
    stage: Literal["begin", "end"]
    result: int | None = None

    @property
    def failed(self) -> bool:
        return self.stage == "end" and (self.result is None or self.result < 0)

    @property
    def fd(self) -> tuple[int, str] | None:
        """(number, what it stands for: a path, "TCP:[…]", "UNIX-STREAM:[…]", "pipe:[…]") of the first argument."""
        found = _FD.match(self.args)
        if found is None or found.group(1) == "AT_FDCWD":
            return None
        return int(found.group(1)), found.group(2)

    @property
    def paths(self) -> list[str]:
        """Every quoted path among the arguments, each made absolute by the folder that stands before it."""
        found = []
        for quoted in _QUOTED.finditer(self.args):
            path = quoted.group(1)
            before = self.args[: quoted.start()]
            folder = re.search(r"<([^<>]*)>, $", before)
            found.append(path if path.startswith("/") or folder is None else f"{folder.group(1)}/{path}")
        return found

    @property
    def last_number(self) -> int | None:
        """The last argument when it is a number: an offset, a length."""
        tail = self.args.rsplit(", ", 1)[-1]
        return int(tail) if tail.isdecimal() else None


class NotUnderstood(Exception):
    """A line that this reader does not know; nothing may be passed over in silence."""


def calls(lines: Iterable[str]) -> Iterator[Call]:
    """Calls in the order in which they began and ended, over all threads. Raises NotUnderstood."""
    open_: dict[int, tuple[str, str]] = {}
    for line in lines:
        found = _LINE.match(line.rstrip("\n"))
        if found is None:
            raise NotUnderstood(line)
        thread, text = int(found.group(1)), found.group(2)
        if text.startswith(("+++", "---")):
            continue
        if resumed := _RESUMED.match(text):
            name, args = open_.pop(thread, (resumed.group(1), ""))
            yield _ended(thread, name, args, resumed.group(2), line)
            continue
        call = _CALL.match(text)
        if call is None:
            raise NotUnderstood(line)
        name, rest = call.groups()
        if rest.endswith(_UNFINISHED):
            args = rest.removesuffix(_UNFINISHED).removesuffix(",").rstrip()
            open_[thread] = (name, args)
            yield Call(thread, name, args, "begin")
            continue
        end = _ended(thread, name, "", rest, line)
        yield Call(thread, name, end.args, "begin")
        yield end


def _ended(thread: int, name: str, begun: str, rest: str, line: str) -> Call:
    found = _END.match(rest)
    if found is None:
        raise NotUnderstood(line)
    more, result = found.group(1).strip(), found.group(2)
    args = f"{begun}, {more.removeprefix(', ')}" if begun and more else begun or more
    return Call(thread, name, args, "end", None if result == "?" else int(result, 0))
