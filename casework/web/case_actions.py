"""How an act on a case is described, what its inputs are, and the body that it writes. Pure.

The acts themselves are in `action_table`. Files are none of this module's business: the three kinds that bring
files are completed by `action_pages`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from casework.change_choices import CLOSE_RESULTS, DELIVERY_WAYS, ESCALATION_OUTCOMES, PART_OUTCOMES, SPECIAL_PROCEDURES
from casework.changes import ChangeKind
from casework.desk import CaseView
from casework.errors import BadInput, Problem
from casework.own_rules import case_blobs
from casework.service_item import ServiceItem
from casework.states import State
from casework.telling import APPOINTMENT
from casework.texts import say
from casework.web.forms import Form
from casework.web.i18n import N_
from casework.web.intake_fields import changed_values, cleared_problems, given_applicant, given_form

DEFECT_ROWS = 8
_DAYS_MAX = 99
_GRANTED_RESULTS = ("issued", "completed", "escalated", "returned", "voided")

Body = dict[str, Any]

ASIDE = "aside"
"""A line that is kept at the county, beside the change and not in it."""


@dataclass(frozen=True, slots=True)
class Line:
    """One plain input. `needed` is what to say when it is empty; "" means it may be. rows 1 is a single line, 0 a
    choice; `day` a date."""

    name: str
    label: str
    needed: str = ""
    hint: str = ""
    rows: int = 4
    day: bool = False


@dataclass(frozen=True, slots=True)
class Action:
    """How an act looks and what it writes. style: main, plain or danger. asks: the sentence above the form."""

    kind: ChangeKind
    button: str
    asks: str
    done: str
    style: str = "plain"
    lines: tuple[Line, ...] = ()
    body: Callable[[Form, CaseView], Body] | None = None

    @property
    def slug(self) -> str:
        """The last part of the action's address."""
        return self.kind.name.lower()

    def read(self, form: Form, view: CaseView) -> Body:
        """The body without what files add. Raises BadInput for empty lines that are needed."""
        typed = {line.name: form.get(line.name) for line in self.lines}
        problems = [Problem(x.name, x.needed) for x in self.lines if x.needed and not typed[x.name]]
        more: Body = {}
        if self.body is not None:
            try:
                more = self.body(form, view)
            except BadInput as error:
                problems = [*error.problems, *problems]
        if problems:
            raise BadInput(problems)
        optional = {line.name for line in self.lines if not line.needed}
        return {name: text or (None if name in optional else "") for name, text in typed.items()} | more


def correct_body(form: Form, view: CaseView) -> Body:
    if view.item is None:
        raise BadInput([Problem("", N_("本机没有这个事项的目录，不能更正"), N_("请先与上级同步"))])
    body: Body = {}
    applicant = given_applicant(form)
    if changed_values(applicant, view.state.applicant):
        body["applicant"] = applicant
    return body | _changed_form(form, view, view.item)


def supplement_form(form: Form, view: CaseView) -> Body:
    return _changed_form(form, view, view.item) if view.item is not None else {}


def _changed_form(form: Form, view: CaseView, item: ServiceItem) -> Body:
    changed = changed_values(given_form(form, item), view.state.form)
    if problems := cleared_problems(changed, item):
        raise BadInput(problems)
    return {"form": changed} if changed else {}


def defects_body(form: Form, _view: CaseView) -> Body:
    defects, problems = [], []
    for row in range(DEFECT_ROWS):
        subject, what = form.get(f"defects.{row}.subject"), form.get(f"defects.{row}.what")
        if subject and not what:
            problems.append(
                Problem(
                    f"defects.{row}.what",
                    say("没有写明「{subject}」要补正什么", subject=subject[:40]),
                    N_("请写清楚缺什么、怎样才合格"),
                )
            )
        elif what and not subject:
            problems.append(
                Problem(
                    f"defects.{row}.subject",
                    say("第 {n} 条没有选择补正对象", n=row + 1),
                    N_("请选择一份材料或一项内容"),
                )
            )
        elif subject:
            defects.append({"subject": subject, "what": what})
    if not defects and not problems:
        what = N_("须一次告知申请人需要补正的全部内容（行政许可法第三十二条）")
        problems = [Problem("defects.0.subject", N_("没有列出需要补正的内容"), what)]
    if problems:
        raise BadInput(problems)
    return {"defects": defects}


def seen_body(form: Form, _view: CaseView) -> Body:
    """The pages that the decision page showed, as it named them."""
    try:
        return {"seen": [bytes.fromhex(text) for text in form.all("seen")]}
    except ValueError:
        raise BadInput([Problem("seen", N_("页面内容不完整"), N_("请刷新后重新查看材料再作决定"))]) from None


def withdraw_body(_form: Form, _view: CaseView) -> Body:
    return {"request": None}


def days_body(form: Form, _view: CaseView) -> Body:
    typed = form.get("days")
    if not typed:
        return {}  # said already
    if not (typed.isascii() and typed.isdigit() and len(typed) <= 4 and 1 <= int(typed) <= _DAYS_MAX):
        raise BadInput([Problem("days", N_("请填写天数"), say("1 到 {days_max} 的整数", days_max=_DAYS_MAX))])
    return {"days": int(typed)}


def appointment_body(_form: Form, _view: CaseView) -> Body:
    return {"about": APPOINTMENT, "of": "", "how": "", "done": False}


def decline_body(form: Form, view: CaseView) -> Body:
    return {"request": form.get("request") or next(iter(view.state.open_requests), "")}


def line_choices(action: Action, view: CaseView, offices: Sequence[str]) -> dict[str, list[tuple[str, str]]]:
    """Choices of the lines that are chosen, not typed (rows 0). offices: the county's departments."""
    results = ("denied",) if view.state.state is State.DENIED else _GRANTED_RESULTS
    return {
        "result": [(code, CLOSE_RESULTS[code][1]) for code in results],
        "how": list(DELIVERY_WAYS.items()),
        "procedure": list(SPECIAL_PROCEDURES.items()),
        "outcome": list((PART_OUTCOMES if action.kind is ChangeKind.PART_ANSWER else ESCALATION_OUTCOMES).items()),
        "office": [(office, office) for office in offices],
        "kept": [("yes", N_("属实")), ("no", N_("不属实"))],
    }


def defect_subjects(view: CaseView) -> list[str]:
    """What a defect can be about: each material, each form field, the applicant, anything else."""
    item = view.item
    materials = [rule.name for rule in item.materials] if item else []
    labels = [field.label for field in item.form] if item else []
    return list(dict.fromkeys([*materials, N_("申请人信息"), *labels, N_("其他")]))


def asked_subjects(view: CaseView) -> frozenset[str]:
    """What the open notice of defects names, and what was let follow (容缺)."""
    notice = view.state.supplement
    defects = notice.defects if notice is not None and notice.answered_at is None else []
    return frozenset(str(defect["subject"]) for defect in defects) | {one.name for one in view.state.still_lacking}


def first_values(action: Action, view: CaseView) -> dict[str, str]:
    """What the lines of a fresh form hold already."""
    match action.kind:
        case ChangeKind.DELIVER:
            return {"to": str(view.state.applicant.get("name", ""))}
        case ChangeKind.CLOSE if view.state.state is State.DENIED:
            return {"result": "denied"}
        case ChangeKind.CLOSE:
            return {"result": "issued" if view.state.results else "completed"}
        case ChangeKind.ISSUE if view.item is not None and view.item.result.licences:
            return {"title": view.item.result.licences[0]}
        case _:
            return {}


def shown_blobs(view: CaseView) -> list[str]:
    """Hex hashes of the pages that a decision page shows: all that are here."""
    return [blob.hex() for blob in case_blobs(view.state) if blob not in view.missing]
