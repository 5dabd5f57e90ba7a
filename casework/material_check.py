"""The materials of an intake, held against what this applicant needs: nothing missing, nothing foreign or needless."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import date
from typing import Any

from casework.errors import Problem
from casework.scenario import COMMITTED, Needed, Requirements, all_answers, requirements
from casework.service_item import INSTEAD_OF_PAPER, ServiceItem
from casework.standing_papers import COMMITMENT_LETTER, TOLERANCE_LETTER, paper_list
from casework.texts import N_, joined, say


def lacking(needs: Requirements, given: Collection[str]) -> tuple[Needed, ...]:
    """The required materials that are not among the given names, in the order of the list."""
    return tuple(one for one in needs.materials if one.name in needs.required and one.name not in given)


def demanded(needs: Requirements, given: Collection[str]) -> tuple[str, ...]:
    """Names that must be among the given for the intake to pass.

    容缺受理: with the applicant's letter, a tolerable one may follow within its days. 告知承诺: the letter itself must
    be there, for it stands for what it replaces.
    """
    excused = TOLERANCE_LETTER in given
    late = {one.name for one in lacking(needs, given) if excused and one.rule.tolerable is not None}
    letter = (COMMITMENT_LETTER,) if any(COMMITTED in one.why for one in needs.materials) or _spared(needs) else ()
    return tuple(name for name in needs.required if name not in late) + letter


def demanded_by(item: ServiceItem, body: Mapping[str, Any], day: date) -> tuple[str, ...]:
    """Names of the materials that a 收件 with this body has to bring; day: the day in China."""
    said = {entry["question"]: entry["answer"] for entry in body.get("answers", ())}
    answers = all_answers(item, said, body["applicant"], day)
    needs = requirements(item, answers, commitment=body.get("commitment", False))
    return demanded(needs, {material["name"] for material in body["materials"]})


def _spared(needs: Requirements) -> bool:
    return any(why == COMMITTED for _, why in needs.omitted)


def check_materials(
    item: ServiceItem, materials: object, *, complete: bool = True, needs: Requirements | None = None
) -> tuple[Problem, ...]:
    """Every demanded material is scanned (`pages` or `file`) or seen, once; every name is one that may be handed in.

    A list of {name, seen: true}, {name, exempt: WAY}, {name, pages: [...]} or {name, file}. With complete=False (a
    correction, a supplement) required ones may be absent. needs: what this applicant needs; the published list if not
    given.
    """
    if not isinstance(materials, Sequence) or isinstance(materials, (str, bytes)):
        return (Problem("materials", N_("材料应当是列表"), N_("请写成 [{name, file}] 或 [{name, seen: true}]")),)
    needs = requirements(item, {}) if needs is None else needs
    problems: list[Problem] = []
    given: set[str] = set()
    for number, entry in enumerate(materials, start=1):
        name = entry.get("name") if isinstance(entry, Mapping) else None
        problem = _material_problem(item, needs, number, name, entry, given)
        if problem is not None:
            problems.append(problem)
        elif isinstance(name, str):
            given.add(name)
    if complete:
        problems += [
            _missing(needs, name)
            for name in demanded(needs, given)
            if name not in given and not _blamed(problems, name)
        ]
    return tuple(problems)


def _missing(needs: Requirements, name: str) -> Problem:
    message = say("缺少必备材料「{name}」", name=name)
    one = needs.needed(name)
    if one is not None and one.why:
        message = say("缺少必备材料「{name}」（{why}）", name=name, why=joined(N_("；"), one.why))
    remedy = N_("请扫描上传，或核对原件后勾选「已核验原件」")
    if one is not None and one.rule.tolerable is not None:
        later = N_("{remedy}；暂时没有的，可由申请人签署《{letter}》后补交")
        remedy = say(later, remedy=remedy, letter=TOLERANCE_LETTER)
    return Problem(f"materials.{name}", message, remedy)


def _material_problem(
    item: ServiceItem, needs: Requirements, number: int, name: object, entry: Any, given: set[str]
) -> Problem | None:
    if not isinstance(name, str):
        return Problem(
            "materials", say("第 {number} 份材料没有名称", number=number), N_("请写 name，取自事项的材料清单")
        )
    field = f"materials.{name[:60]}"
    names = [rule.name for rule in paper_list(item)]
    if name not in names:
        return Problem(
            field,
            say("材料清单里没有「{name}」", name=name[:60]),
            say("请改用清单里的名称：{names}", names=joined(N_("、"), names)),
        )
    scanned, seen = bool(entry.get("pages") or entry.get("file")), entry.get("seen") is True
    if exempt := entry.get("exempt"):
        rule = item.material(name)
        if rule is None or rule.exempt != exempt or exempt not in INSTEAD_OF_PAPER:
            return Problem(
                field,
                say("事项目录没有允许「{name}」这样免提交", name=name),
                N_("请扫描上传，或核对原件后勾选「已核验原件」"),
            )
    elif not scanned and not seen:
        return Problem(
            field,
            say("「{name}」既没有扫描件，也没有核验原件", name=name),
            N_("请扫描上传，或核对原件后勾选「已核验原件」"),
        )
    if name in given and not entry.get("file"):
        return Problem(field, say("「{name}」写了两次", name=name), N_("请合并成一份材料"))
    if name in needs.left_out:
        return Problem(
            field,
            say("按所答情形不需要「{name}」", name=name),
            N_("请移去，不得要求申请人多交材料；答错情形的请先改正"),
        )
    return None


def _blamed(problems: Sequence[Problem], name: str) -> bool:
    return any(problem.field == f"materials.{name[:60]}" for problem in problems)
