"""What a courier's stick can be told to people: why a bundle was refused, and what to do next.

Known by the codes under which the log refuses; the sentences name the remedy, since whoever reads them stands at a
window with a stick in hand.
"""

from __future__ import annotations

import errno
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from casework.errors import BadInput, Problem
from casework.texts import joined, say
from casework.web.i18n import N_
from casework.web.render import moment

FIELD = "bundle"

_ASK_AGAIN = N_("请不要使用这个文件，请对方重新导出一份再带来")
_REFUSED: dict[str, tuple[str, str]] = {
    "wrong_deployment": (N_("这个U盘包是别的县的"), N_("请核对U盘，换成本县导出的包")),
    "wrong_reader": (N_("这个U盘包不是给本站的"), N_("请交给它写明的单位导入；带错了请重新导出给本站的包")),
    "wrong_machine": (N_("这个U盘包是给本站换机前的电脑的，新机打不开"), N_("请对方重新导出一份")),
    "not_your_parent": (
        N_("导出这个U盘包的站点既不是本站的上级，也不是本站的下级"),
        N_("请核对是哪个站点导出的，改由它的上级导入"),
    ),
    "not_enrolled": (N_("没有这个收件单位"), N_("请填写上级（parent）、县级（county），或下级站点的 12 位区划代码")),
    "too_large": (N_("文件内容超出了U盘包允许的大小"), _ASK_AGAIN),
}
_DAMAGED = (N_("U盘包不完整或已损坏，没有导入任何内容"), _ASK_AGAIN)

GAPS = N_("有内容接不上：对方以为本站已有的，本站没有。请对方重新导出，选「全部内容」（命令行加 --everything）")


def refused(code: str, reader: str = "", *, earlier_machine: bool = False) -> BadInput:
    """The error for a bundle that was refused under a code. reader: name or region of the place it is for, if known."""
    message, remedy = _REFUSED.get("wrong_machine" if earlier_machine else code, _DAMAGED)
    if code == "wrong_reader" and reader and not earlier_machine:
        message = say("{message}，是给「{reader}」的", message=message, reader=reader)
    return BadInput([Problem(FIELD, message, remedy)])


def disk_trouble(error: OSError, *, writing: bool) -> BadInput:
    """The error for a disk or stick that failed while a bundle was written to it or taken in from it."""
    if isinstance(error, FileExistsError):
        return BadInput([Problem("to", N_("U盘上已有同名文件"), N_("请先移走旧文件，或换一个文件名"))])
    full = error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
    if writing:
        message = (
            N_("U盘空间不够，没有写成，也没有留下半个文件")
            if full
            else say("写不进U盘（{strerror}），没有写成", strerror=error.strerror)
        )
        return BadInput([Problem("to", message, N_("请换一个空间足够的U盘，重新导出；本机数据不受影响"))])
    if full:
        message = N_("本机磁盘满了，U盘包没有导入完；已导入的部分有效")
        return BadInput([Problem(FIELD, message, N_("请清理本机磁盘后，用同一个U盘包再导入一次"))])
    return BadInput(
        [
            Problem(
                FIELD,
                say("读不出U盘包（{strerror}）", strerror=error.strerror),
                N_("请重新插好U盘再试；仍不行请对方重新导出"),
            )
        ]
    )


@dataclass(frozen=True, slots=True)
class Carried:
    """What came of a bundle that was taken in. place: who wrote it; at: unix seconds; refused: codes and what the log
    said; homes: stations of which something new came."""

    place: str
    at: int
    entries: int
    new_entries: int
    blobs: int
    new_blobs: int
    left: int
    refused: tuple[tuple[str, str], ...] = ()
    homes: tuple[int, ...] = ()

    @property
    def gaps(self) -> bool:
        """Whether a bundle with everything in it would help."""
        return any(code == "gap" for code, _ in self.refused)

    def report(self) -> dict[str, object]:
        """All of it by name, as a command prints it."""
        refused = [{"code": code, "detail": detail} for code, detail in self.refused]
        return {name: getattr(self, name) for name in self.__slots__} | {"refused": refused}

    def lines(self, _: Callable[[str], str] = str) -> list[str]:
        """The outcome in sentences; `_` translates."""
        facts = {
            "place": self.place,
            "at": moment(self.at),
            "entries": self.entries,
            "new_entries": self.new_entries,
            "blobs": self.blobs,
            "new_blobs": self.new_blobs,
            "left": self.left,
            "refused": len(self.refused),
            "codes": joined(N_("、"), dict.fromkeys((code for code, _detail in self.refused))),
        }
        said = [
            N_("来自「%(place)s」，导出于 %(at)s"),
            N_("记录 %(entries)s 条，其中新收 %(new_entries)s 条"),
            N_("扫描件（含预览）%(blobs)s 份，其中新收 %(new_blobs)s 份"),
        ]
        if self.left:
            said.append(N_("有 %(left)s 件材料没有对应的记录，未收下；所属记录到了以后再导入一次即可"))
        if self.refused:
            said.append(N_("有 %(refused)s 组记录没有收下（%(codes)s），其余都已收下"))
        if self.gaps:
            said.append(GAPS)
        return [_(line) % facts for line in said]


def file_stamp(seconds: int) -> str:
    """Unix seconds as Beijing digits for a file's name, YYYYMMDD-HHMMSS."""
    return moment(seconds).replace("-", "").replace(":", "").replace(" ", "-") + f"{seconds % 60:02}"


class StickWords:
    """The words above for one place; `name_of` is the name of a region by its code."""

    def __init__(self, name_of: Callable[[str], str]) -> None:
        self.name_of = name_of

    def refused(self, code: str, region: str, *, earlier_machine: bool) -> BadInput:
        return refused(code, self.name_of(region) if region else "", earlier_machine=earlier_machine)

    def disk_trouble(self, error: OSError, *, writing: bool) -> BadInput:
        return disk_trouble(error, writing=writing)

    def file_stamp(self, seconds: int) -> str:
        return file_stamp(seconds)

    def carried(self, done: Any) -> Carried:
        """What came of a bundle; `done` is what the log's import says."""
        return Carried(
            self.name_of(done.region),
            done.time,
            done.entries,
            done.new_entries,
            done.blobs,
            done.new_blobs,
            done.left,
            tuple((fault.code, fault.detail) for fault in done.refused),
            tuple(sorted(done.homes)),
        )
