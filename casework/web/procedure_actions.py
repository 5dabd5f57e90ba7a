"""The acts between acceptance and decision, and after it, as pages offer them. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from casework.case_needs import lacking_of
from casework.changes import ChangeKind
from casework.desk import CaseView
from casework.errors import BadInput, Problem
from casework.texts import say
from casework.web.case_actions import ASIDE, Action, Body, Line
from casework.web.forms import Form
from casework.web.i18n import N_

PART_ROWS = 6


def missing_tolerable(view: CaseView) -> list[tuple[str, str]]:
    """The required materials that the case lacks and that may follow (容缺): name, and the last day that the item lets
    it come (YYYY-MM-DD)."""
    if view.item is None:
        return []
    lacking = [(one.name, one.rule.tolerable) for one in lacking_of(view.item, view.state)]
    return [(name, _in_workdays(view, days)) for name, days in lacking if days is not None]


def _in_workdays(view: CaseView, days: int) -> str:
    return view.calendar.add_workdays(view.today, days)[0].isoformat()


def proposed_days(kind: ChangeKind, view: CaseView) -> dict[str, str]:
    """The last days that a fresh form proposes, by its fields: those of the catalogue."""
    if kind is ChangeKind.ACCEPT_LACKING:
        return {f"lacking.{row}.due": day for row, (_, day) in enumerate(missing_tolerable(view))}
    if kind is ChangeKind.ASK_SUPPLEMENT and view.item is not None and view.item.supplement_days is not None:
        return {"until": _in_workdays(view, view.item.supplement_days)}
    return {}


def lacking_body(form: Form, view: CaseView) -> Body:
    wanted = missing_tolerable(view)
    if not wanted:
        raise BadInput(
            [Problem("", N_("没有可以容缺的材料"), N_("材料齐全的请直接受理；缺少不能容缺的材料，请发补正告知"))]
        )
    lacking, problems = [], []
    for row, (name, last) in enumerate(wanted):
        field, due = f"lacking.{row}.due", form.get(f"lacking.{row}.due")
        if not due:
            problems.append(Problem(field, say("没有填写「{name}」的最后期限", name=name), N_("请选择日期")))
        elif due > last:
            problems.append(
                Problem(
                    field,
                    say("「{name}」的最后期限超过事项目录的规定", name=name),
                    say("请选择 {last} 或之前的日期", last=last),
                )
            )
        lacking.append({"name": name, "due": due})
    if problems:
        raise BadInput(problems)
    return {"lacking": lacking}


def parts_body(form: Form, _view: CaseView) -> Body:
    parts: list[dict[str, str]] = []
    problems: list[Problem] = []
    for row in range(PART_ROWS):
        office, due = form.get(f"parts.{row}.office"), form.get(f"parts.{row}.due")
        if office and not due:
            problems.append(
                Problem(f"parts.{row}.due", say("没有填写{office}答复的最后期限", office=office[:40]), N_("请选择日期"))
            )
        elif due and not office:
            problems.append(
                Problem(f"parts.{row}.office", say("第 {n} 行没有选择部门", n=row + 1), N_("请选择部门，或清空日期"))
            )
        elif office and office in {part["office"] for part in parts}:
            problems.append(
                Problem(f"parts.{row}.office", say("{office}选了两次", office=office[:40]), N_("请去掉重复的一行"))
            )
        elif office:
            parts.append({"office": office, "due": due})
    if not parts and not problems:
        problems = [Problem("parts.0.office", N_("没有选择要分送的部门"), N_("请至少选择一个部门"))]
    if problems:
        raise BadInput(problems)
    return {"parts": parts}


def kept_body(form: Form, _view: CaseView) -> Body:
    found = {"yes": True, "no": False}.get(form.get("kept"))
    if found is None:
        return {}  # said already
    return {"kept": found}


PROCEDURE_ACTIONS: Sequence[Action] = (
    Action(
        ChangeKind.PART_ANSWER,
        N_("答复会办意见"),
        N_("代表本部门答复主办部门。是否同意随办件保存，各级可见；说明只在县级保存。"),
        N_("意见已答复。"),
        "main",
        (Line("outcome", N_("意见"), N_("请选择意见"), rows=0), Line(ASIDE, N_("说明"), N_("请填写意见"), rows=3)),
    ),
    Action(
        ChangeKind.ESCALATE_RESULT,
        N_("登记转报结果"),
        N_("外部系统或上级部门答复后在这里登记。"),
        N_("转报结果已登记。"),
        "main",
        (
            Line("outcome", N_("对方的答复"), N_("请选择对方的答复"), rows=0),
            Line("number", N_("对方的编号"), rows=1),
            Line("opinion", N_("答复内容"), N_("请填写对方的答复"), rows=3),
        ),
    ),
    Action(
        ChangeKind.ISSUE,
        N_("登记制证"),
        N_("证照制作完成后登记名称、编号和有效期。"),
        N_("制证已登记。"),
        "plain",
        (
            Line("title", N_("证照名称"), N_("请填写证照名称"), rows=1),
            Line("number", N_("证照编号"), N_("请填写证照编号"), rows=1),
            Line("until", N_("有效期至"), hint=N_("长期有效的不填。"), rows=1, day=True),
        ),
    ),
    Action(
        ChangeKind.ARCHIVE,
        N_("归档"),
        N_("归档后办件不再变动。"),
        N_("已归档。"),
        "main",
        (Line("number", N_("档号"), rows=1),),
    ),
    Action(
        ChangeKind.ACCEPT_LACKING,
        N_("容缺受理"),
        N_("主要材料齐全、次要材料暂缺，且申请人书面承诺补齐的，先予受理；补齐之前不能准予，逾期未补齐的自动终止。"),
        N_("已容缺受理。"),
        "plain",
        body=lacking_body,
    ),
    Action(
        ChangeKind.SPLIT,
        N_("并联分送"),
        N_("同时请其他部门提出意见；各部门答复或者期限过后才能作出决定。"),
        N_("已分送各部门。"),
        "plain",
        (Line(ASIDE, N_("说明"), hint=N_("只在县级保存，不下发。"), rows=2),),
        parts_body,
    ),
    Action(
        ChangeKind.SEND_BACK,
        N_("退回"),
        N_("退回上一环节重新办理，期限照常计算。"),
        N_("已退回上一环节。"),
        "plain",
        (Line("reason", N_("退回原因"), N_("请填写退回的原因"), rows=3),),
    ),
    Action(
        ChangeKind.REASSIGN,
        N_("转办"),
        N_("转给县级另一部门主办，期限照常计算。转出后本部门不再办理。"),
        N_("已转办。"),
        "plain",
        (
            Line("office", N_("转给"), N_("请选择转办的部门"), rows=0),
            Line("reason", N_("转办原因"), N_("请填写转办的原因"), rows=3),
        ),
    ),
    Action(
        ChangeKind.ESCALATE,
        N_("转报"),
        N_("须由外部业务系统或上级部门办理的，在这里登记；答复登记之前不能作出决定。"),
        N_("已登记转报。"),
        "plain",
        (
            Line("system", N_("转报的系统或部门"), N_("请填写转报的系统或部门"), rows=1),
            Line("reason", N_("转报原因"), N_("请填写转报的原因"), rows=3),
        ),
    ),
    Action(
        ChangeKind.VERIFY_COMMITMENT,
        N_("承诺核查"),
        N_("以告知承诺方式准予的，事后核查申请人的承诺是否属实；不属实的依法撤销决定。"),
        N_("核查结果已登记。"),
        "plain",
        (
            Line("kept", N_("承诺"), N_("请选择核查结果"), rows=0),
            Line("opinion", N_("核查情况"), N_("请填写核查情况"), rows=3),
        ),
        kept_body,
    ),
)
