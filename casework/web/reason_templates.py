"""Standard wording for what an act has to say: reasons, defects, opinions, by act and item. Pure.

What stands in 【】 has to be written by the person; a form that still holds such a mark is not taken. The texts become
part of legal papers and so stay Chinese
(行政许可法第三十二、三十八、四十二条；行政复议法第二十条；行政诉讼法第四十六条).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from casework.case_needs import lacking_of
from casework.changes import ChangeKind
from casework.desk import CaseView
from casework.service_item import ServiceItem

TO_FILL = "【"
_LICENCE = "01"
_REMEDIES = "您可以自收到本决定之日起六十日内申请行政复议，或者自收到本决定之日起六个月内向人民法院提起行政诉讼。"
_LAW = "《中华人民共和国行政许可法》"


@dataclass(frozen=True, slots=True)
class Reason:
    """One wording. group: what it is about, as the list shows it; label: it in short; fields: input -> text."""

    group: str
    label: str
    fields: Mapping[str, str]


def reasons_for(kind: ChangeKind, view: CaseView) -> tuple[Reason, ...]:
    """The wordings for an act on this case, in the order of the list."""
    match kind:
        case ChangeKind.ASK_SUPPLEMENT:
            return tuple(_defects(view))
        case ChangeKind.DENY:
            return tuple(_denials(view.item))
        case ChangeKind.REFUSE_ACCEPTANCE:
            return tuple(_refusals(view.item))
        case _:
            return _FIXED.get(kind, ())


def still_lacking(view: CaseView) -> list[Reason]:
    """The defects that are known already: required materials that were not handed in."""
    if view.item is None or view.state.state is None:
        return []
    return [
        _defect(one.name, "没有提交", f"没有提交，请补交「{one.name}」。") for one in lacking_of(view.item, view.state)
    ]


def unfilled(values: Mapping[str, str]) -> list[str]:
    """The inputs in which a mark of a wording was left."""
    return [name for name, text in values.items() if TO_FILL in text]


def grouped(reasons: tuple[Reason, ...]) -> list[tuple[str, list[tuple[int, Reason]]]]:
    """For a list: each group once, where it first stands, with its wordings and their numbers."""
    groups: dict[str, list[tuple[int, Reason]]] = {}
    for number, reason in enumerate(reasons):
        groups.setdefault(reason.group, []).append((number, reason))
    return list(groups.items())


def rows_of(reasons: list[Reason], most: int) -> dict[str, str]:
    """The inputs of a form of several defects, filled from the top."""
    return {
        name.replace(".0.", f".{row}."): text
        for row, reason in enumerate(reasons[:most])
        for name, text in reason.fields.items()
    }


def _defect(subject: str, label: str, what: str) -> Reason:
    return Reason(subject, label, {"defects.0.subject": subject, "defects.0.what": what})


def _defects(view: CaseView) -> Iterator[Reason]:
    yield from still_lacking(view)
    for material in view.state.materials:
        if material.pages:
            yield _defect(material.name, "看不清", "扫描件看不清，请重新拍照或扫描，四角和文字要完整清楚。")
            yield _defect(material.name, "缺页", "缺页，请补齐【写明缺哪几页】。")
            yield _defect(material.name, "没有签名或盖章", "没有签名或者盖章，请由【写明谁】签名或者盖章后重新提交。")
            yield _defect(material.name, "过了有效期", "已过有效期，请提交现行有效的材料。")
            yield _defect(
                material.name, "与所填内容不一致", "与所填内容不一致：【写明哪一处】。请核对后改正或者重新提交。"
            )
    yield _defect("申请人信息", "与身份证件不一致", "姓名或者证件号码与身份证件不一致，请核对后改正。")
    for field in view.item.form if view.item else ():
        yield _defect(field.label, "填写有误", f"「{field.label}」填写有误：【写明错在哪里】，请改正。")


def _denials(item: ServiceItem | None) -> Iterator[Reason]:
    end = _ending(item)
    for condition in item.conditions if item else ():
        text = f"经审查，申请人不符合“{condition}”这一条件：【写明查明的事实】。{end}"
        yield Reason("不符合条件", condition, {"reason": text})
    text = f"经审查，申请材料反映的情况与查明的事实不符：【写明不符之处】。{end}"
    yield Reason("材料", "材料与事实不符", {"reason": text})
    yield Reason("其他", "其他法定情形", {"reason": f"经审查，【写明事实和依据的条款】。{end}"})


def _ending(item: ServiceItem | None) -> str:
    if item is not None and item.item_type == _LICENCE:
        return f"根据{_LAW}第三十八条第二款，决定不予行政许可。{_REMEDIES}"
    return f"{_by(item)}决定不予办理。{_REMEDIES}"


def _by(item: ServiceItem | None) -> str:
    basis = item.legal_basis[0].text if item is not None and item.legal_basis else ""
    named = basis if basis.startswith("《") or "〔" in basis else f"《{basis}》"  # a document number stands bare
    return f"根据{named}，" if basis else ""


def _refusals(item: ServiceItem | None) -> Iterator[Reason]:
    licence = item is not None and item.item_type == _LICENCE
    basis = item.legal_basis[0].text if item is not None and item.legal_basis else ""

    def reason(group: str, label: str, text: str, clause: str) -> Reason:
        named = f"{_LAW}第三十二条第一款第{clause}项" if licence else basis
        return Reason(group, label, {"reason": text, "basis": named})

    yield reason("职权", "不属于本机关职权范围", "申请事项依法不属于本机关职权范围，请向【写明机关】申请。", "二")
    needless = "申请事项依法不需要取得行政许可。" if licence else "申请事项依法不需要办理。"
    yield reason("职权", "依法不需要办理", needless, "一")
    yield reason(
        "材料", "补正后仍不合格", "经一次告知补正后，申请材料仍不齐全或者不符合法定形式：【写明哪一份】。", "四"
    )
    for condition in item.conditions if item else ():
        text = f"申请人不符合“{condition}”这一受理条件：【写明查明的事实】。"
        yield reason("不符合条件", condition, text, "四")


_FIXED: Mapping[ChangeKind, tuple[Reason, ...]] = {
    ChangeKind.ENDORSE: (
        Reason("同意", "材料齐全，同意上报", {"opinion": "经核对，材料齐全，符合法定形式，内容与原件一致，同意上报。"}),
        Reason("同意", "已入户核实", {"opinion": "经入户核实，所填内容属实，材料齐全，同意上报。"}),
    ),
    ChangeKind.SEND_BACK: (
        Reason("退回", "审核意见不完整", {"reason": "审核意见不完整，请补充【写明哪一方面】后再送审。"}),
        Reason("退回", "事实没有查清", {"reason": "【写明哪一事实】没有查清，请核实后再送审。"}),
    ),
    ChangeKind.PART_ANSWER: (
        Reason("同意", "符合本部门条件", {"outcome": "agree", "aside": "经审查，符合本部门职责范围内的条件，同意。"}),
        Reason("不同意", "不符合本部门条件", {"outcome": "disagree", "aside": "经审查，【写明理由和依据】，不同意。"}),
    ),
    ChangeKind.EXTEND: (
        Reason(
            "延长",
            "不能按期作出决定",
            {"days": "10", "reason": "因【写明原因】，不能在期限内作出决定，经本机关负责人批准，延长十日。"},
        ),
    ),
}
