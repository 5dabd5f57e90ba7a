"""The region tree of one county: its township-level and village-level divisions by 12-digit code.

Codes are GB/T 2260 (6 digits, county) + GB/T 10114 (3 digits, township level) + 3 digits (village level),
padded with zeros to 12. Names repeat inside a county, so only the code is a key. The file is CSV with the
columns code, level, parent, name and, where a division was abolished, until (its last day) and successor (the code that
took its place). Codes are abolished and used again in mergers, and cases and stations keep the one they began with:
a row that was published stays. A faulty file is one RegionError that names every bad line and field.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from casework.errors import BadInput, NotFound, Problem

COLUMNS = ("code", "level", "parent", "name")
MORE_COLUMNS = ("until", "successor")
LEVELS = ("county", "township", "village")
NAME_MAX_CHARS = 60
BUILT_IN_REGIONS = Path(__file__).parent / "data" / "regions"
_CODE_SHAPES = {
    "county": re.compile(r"[1-9][0-9]{3}(?!00)[0-9]{2}0{6}"),
    "township": re.compile(r"[1-9][0-9]{5}(?!000)[0-9]{3}0{3}"),
    "village": re.compile(r"[1-9][0-9]{5}(?!000)[0-9]{3}(?!000)[0-9]{3}"),
}


class RegionError(BadInput):
    """The region file is not usable; every problem names the line and the field."""


@dataclass(frozen=True, slots=True)
class Region:
    """One division; parent is "" for the county, the root. until: YYYY-MM-DD, its last day, "" while it exists;
    successor: the code of the one that took its place, or ""."""

    code: str
    level: str
    parent: str
    name: str
    until: str = ""
    successor: str = ""

    @property
    def row(self) -> list[str]:
        """As it travels: code, level, parent, name, and the rest only where there is any."""
        whole = [self.code, self.level, self.parent, self.name, self.until, self.successor]
        return whole if self.until or self.successor else whole[:4]

    @property
    def shown_name(self) -> str:
        """The name, and that it is no more."""
        return f"{self.name}（{self.until} 撤销）" if self.until else self.name


class RegionTree:
    """One county with everything below it, in code order."""

    def __init__(self, regions: Iterable[Region]) -> None:
        self._by_code = {region.code: region for region in sorted(regions, key=lambda r: r.code)}
        self._children: dict[str, list[Region]] = {}
        for region in self._by_code.values():
            self._children.setdefault(region.parent, []).append(region)
        (self.county,) = self._children[""]

    @classmethod
    def from_rows(cls, rows: Iterable[Mapping[str, str]], *, first_line: int = 2) -> RegionTree:
        """A tree from rows with COLUMNS; RegionError names line and field of every problem."""
        problems: list[Problem] = []
        regions: dict[str, Region] = {}
        lines: dict[str, int] = {}
        for line, row in enumerate(rows, start=first_line):
            region = _region(row, line, problems)
            if region.code in regions:
                problems.append(_problem(line, "code", f"代码 {region.code} 重复", "请删去重复的行"))
            regions[region.code], lines[region.code] = region, line
        for code, region in regions.items():
            problems += _parent_problems(region, lines[code], regions)
            problems += _successor_problems(region, lines[code], regions)
        roots = [region for region in regions.values() if region.level == "county"]
        if len(roots) != 1:
            problems.append(_problem(1, "level", f"县级应当正好一行，现在有 {len(roots)} 行", "一个文件只放一个县"))
        if problems:
            raise RegionError(problems)
        return cls(regions.values())

    def get(self, code: str) -> Region:
        """The region with this code; NotFound names it."""
        if code not in self._by_code:
            raise NotFound(f"本县没有区划代码 {code[:20]}，请核对 12 位代码")
        return self._by_code[code]

    def children(self, code: str) -> tuple[Region, ...]:
        """The regions directly below, in code order; empty for a village."""
        return tuple(self._children.get(self.get(code).code, ()))

    def township_of(self, code: str) -> Region | None:
        """The township of a village, a township itself, None for the county."""
        return next((region for region in self.path(code) if region.level == "township"), None)

    def path(self, code: str) -> tuple[Region, ...]:
        """From the county down to the region itself."""
        region = self.get(code)
        return (*self.path(region.parent), region) if region.parent else (region,)

    def path_name(self, code: str, *, separator: str = "") -> str:
        """The names from the county down, joined: 广德市邱村镇…"""
        return separator.join(region.name for region in self.path(code))

    def contains(self, ancestor: str, code: str) -> bool:
        """Whether `code` is `ancestor` or lies below it; both must exist."""
        self.get(ancestor)
        return any(region.code == ancestor for region in self.path(code))

    def __iter__(self) -> Iterator[Region]:
        return iter(self._by_code.values())

    def __len__(self) -> int:
        return len(self._by_code)


def load_regions(path: Path) -> RegionTree:
    """Reads a region CSV (UTF-8, BOM or not); RegionError names line and field of every problem."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        message = f"区划文件 {path} 读不出来：{error}"
        raise RegionError([Problem("regions", message, "请检查路径和权限，并存为 UTF-8")]) from error
    reader = csv.DictReader(io.StringIO(text))
    try:
        if tuple(reader.fieldnames or ()) not in (COLUMNS, COLUMNS + MORE_COLUMNS):
            wanted = f"第一行应当是 {','.join(COLUMNS)}，有撤销的区划时后面加上 {','.join(MORE_COLUMNS)}"
            raise RegionError([_problem(1, "表头", "列名不对", wanted)])
        return RegionTree.from_rows(reader)
    except csv.Error as error:
        fault = _problem(reader.line_num, "引号", f"这一行读不出来：{error}", "请核对引号是否成对、有没有多余的内容")
        raise RegionError([fault]) from error


def built_in_regions(county: str) -> RegionTree:
    """The tree that travels with the program for a 6-digit county code; NotFound says what to pass."""
    path = BUILT_IN_REGIONS / f"{county}.csv"
    if not re.fullmatch(r"[0-9]{6}", county) or not path.is_file():
        raise NotFound(f"程序没有自带 {county[:12]} 的区划，请用 --regions 给出区划文件")
    return load_regions(path)


def _problem(line: int, field: str, message: str, remedy: str) -> Problem:
    return Problem(f"regions.{line}.{field}", f"区划文件第 {line} 行的 {field}：{message}", remedy)


def _region(row: Mapping[str, str], line: int, problems: list[Problem]) -> Region:
    region = Region(*((row.get(column) or "").strip() for column in COLUMNS + MORE_COLUMNS))
    shape = _CODE_SHAPES.get(region.level)
    if shape is None:
        problems.append(_problem(line, "level", f"级别「{region.level[:20]}」不对", f"请写 {'、'.join(LEVELS)} 之一"))
    elif not shape.fullmatch(region.code):
        remedy = "应当是 12 位数字，县级后 6 位为 0，乡级后 3 位为 0，村级后 3 位不全为 0"
        problems.append(_problem(line, "code", f"代码「{region.code[:20]}」与级别不符", remedy))
    if not 1 <= len(region.name) <= NAME_MAX_CHARS or not region.name.isprintable():
        problems.append(_problem(line, "name", "名称为空、太长或有控制字符", f"请写 1 到 {NAME_MAX_CHARS} 个字"))
    _end_problems(region, line, problems)
    return region


def _end_problems(region: Region, line: int, problems: list[Problem]) -> None:
    try:
        known = not region.until or date.fromisoformat(region.until).isoformat() == region.until
    except ValueError:
        known = False
    if not known:
        problems.append(
            _problem(line, "until", f"「{region.until[:20]}」不是日期", "请写撤销前的最后一天，如 2026-12-31")
        )
    if region.successor and not region.until:
        problems.append(_problem(line, "until", "写了 successor 却没有写 until", "请补上撤销前的最后一天"))


def _successor_problems(region: Region, line: int, regions: Mapping[str, Region]) -> list[Problem]:
    if not region.successor:
        return []
    found = regions.get(region.successor)
    if found is None or found.level != region.level or found.until:
        message = f"并入的 {region.successor[:20]} 不在文件里、级别不同，或已撤销"
        return [_problem(line, "successor", message, "请写同级的、现行的区划代码")]
    return []


def _parent_problems(region: Region, line: int, regions: Mapping[str, Region]) -> list[Problem]:
    expected = {"township": region.code[:6] + "0" * 6, "village": region.code[:9] + "0" * 3}.get(region.level, "")
    if region.parent != expected:
        return [_problem(line, "parent", f"上级「{region.parent[:20]}」不对", f"按代码应当是「{expected}」")]
    if expected and expected not in regions:
        return [_problem(line, "parent", f"文件里没有上级 {expected}", "请补上这一行")]
    return []
