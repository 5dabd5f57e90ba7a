"""The materials of an intake, held against the item's list: nothing missing, nothing foreign."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from casework.errors import Problem
from casework.service_item import ServiceItem


def check_materials(item: ServiceItem, materials: object, *, complete: bool = True) -> tuple[Problem, ...]:
    """Every required material is scanned (`pages` or `file`) or seen, once; every name is one of the item's.

    A list of {name, seen: true}, {name, pages: [...]} or {name, file}. With
    complete=False (a correction, a supplement) required ones may be absent.
    """
    if not isinstance(materials, Sequence) or isinstance(materials, (str, bytes)):
        return (Problem("materials", "材料应当是列表", "请写成 [{name, file}] 或 [{name, seen: true}]"),)
    problems: list[Problem] = []
    given: set[str] = set()
    for number, entry in enumerate(materials, start=1):
        name = entry.get("name") if isinstance(entry, Mapping) else None
        problem = _material_problem(item, number, name, entry, given)
        if problem is not None:
            problems.append(problem)
        elif isinstance(name, str):
            given.add(name)
    problems += [
        Problem(
            f"materials.{rule.name}",
            f"缺少必备材料「{rule.name}」",
            "请扫描上传，或核对原件后勾选「已核验原件」",
        )
        for rule in item.materials
        if complete and rule.required and rule.name not in given and not _blamed(problems, rule.name)
    ]
    return tuple(problems)


def _material_problem(item: ServiceItem, number: int, name: object, entry: Any, given: set[str]) -> Problem | None:
    if not isinstance(name, str):
        return Problem("materials", f"第 {number} 份材料没有名称", "请写 name，取自事项的材料清单")
    field = f"materials.{name[:60]}"
    if item.material(name) is None:
        names = "、".join(rule.name for rule in item.materials)
        return Problem(field, f"材料清单里没有「{name[:60]}」", f"请改用清单里的名称：{names}")
    scanned, seen = bool(entry.get("pages") or entry.get("file")), entry.get("seen") is True
    if not scanned and not seen:
        return Problem(field, f"「{name}」既没有扫描件，也没有核验原件", "请扫描上传，或核对原件后勾选「已核验原件」")
    if name in given and not entry.get("file"):
        return Problem(field, f"「{name}」写了两次", "请合并成一份材料")
    return None


def _blamed(problems: Sequence[Problem], name: str) -> bool:
    return any(problem.field == f"materials.{name[:60]}" for problem in problems)
