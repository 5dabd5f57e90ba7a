"""What we ask of our own changes before they are written, beyond what the protocol asks of anybody's.

These rules speak to the person who acts (zh-CN, with a remedy) and may change with every release.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import date
from typing import Any

from casework.case_parts import SIGNED_ON, Page
from casework.change_choices import CLOSE_RESULTS, DELIVERY_WAYS
from casework.changes import ChangeKind, check_blobs, check_body, kind_name
from casework.errors import Problem
from casework.fold import CaseState
from casework.journal import BlobRef
from casework.judge import request_misfit, table_misfit
from casework.procedure_rules import procedure_faults
from casework.proxy import proxy_problems
from casework.refusals import explain
from casework.states import OFFICE_NAMES, STATE_NAMES, State
from casework.telling import telling_faults
from casework.texts import N_, joined, say

# Fields that the wire lets be empty, but nobody here may leave so.
_MUST_SAY: dict[ChangeKind, dict[str, str]] = {
    ChangeKind.CORRECT: {"reason": N_("请填写更正原因")},
    ChangeKind.ENDORSE: {"opinion": N_("请填写初审意见")},
    ChangeKind.REFUSE_ACCEPTANCE: {"reason": N_("请填写不予受理的理由")},
    ChangeKind.DENY: {"reason": N_("请填写不予许可的理由")},
    ChangeKind.ATTACH_RESULT: {"title": N_("请填写结果文书名称")},
    ChangeKind.DELIVER: {"to": N_("请填写领取人")},
    ChangeKind.REQUEST_WITHDRAW: {"reason": N_("请填写撤回原因")},
    ChangeKind.WITHDRAW: {"reason": N_("请填写撤回原因")},
    ChangeKind.DECLINE_REQUEST: {"reason": N_("请填写不同意的理由")},
    ChangeKind.SPECIAL_PROCEDURE: {"reason": N_("请填写需要特别程序的原因")},
    ChangeKind.SPECIAL_RESULT: {"opinion": N_("请填写特别程序的结果")},
    ChangeKind.EXTEND: {"reason": N_("请填写延长的理由")},
    ChangeKind.SEND_BACK: {"reason": N_("请填写退回的原因")},
    ChangeKind.REASSIGN: {"office": N_("请选择转办的部门"), "reason": N_("请填写转办的原因")},
    ChangeKind.ESCALATE: {"system": N_("请填写转报的系统或部门"), "reason": N_("请填写转报的原因")},
    ChangeKind.ESCALATE_RESULT: {"opinion": N_("请填写对方的答复")},
    ChangeKind.ISSUE: {"title": N_("请填写证照名称"), "number": N_("请填写证照编号")},
    ChangeKind.VERIFY_COMMITMENT: {"opinion": N_("请填写核查情况")},
}

_SAME_PERSON = Problem(
    "", N_("本件由您收件，收件和决定不得是同一人（受审分离）"), N_("请由另一位有权决定的工作人员作出决定")
)

PREVIEW_TYPE = "image/webp"


_BEFORE_ACCEPTANCE = (
    ChangeKind.CORRECT,
    ChangeKind.ENDORSE,
    ChangeKind.ASK_SUPPLEMENT,
    ChangeKind.ACCEPT,
    ChangeKind.REFUSE_ACCEPTANCE,
)
_DEEMED = Problem("", N_("本件逾期未答复，已视为受理"), N_("请按已受理继续办理（行政许可法第三十二条）"))
_LAPSED = Problem("", N_("本件已逾期终止，不能再补充材料"), N_("请重新收件，或与县级联系"))


def case_blobs(state: CaseState) -> list[bytes]:
    """Return the hashes of all pages the case rests on now, in order, each once: what approvers must see."""
    return list(dict.fromkeys(page.blob for material in state.materials for page in material.pages))


def resting_blobs(state: CaseState) -> list[bytes] | None:
    """Return the pages, result documents and signed receipt the case rests on now, without what was replaced since;
    None where what the case says cannot be read here.
    """
    if state.state is None:
        return None
    receipt = receipt_of(state)
    signed = [receipt.blob] if receipt is not None else []
    return [*case_blobs(state), *(document.blob for document in state.results), *signed]


def receipt_of(state: CaseState) -> Page | None:
    """Return the page on which somebody has signed for the result; nobody decides by it."""
    return state.delivery.receipt if state.delivery is not None else None


def files_of(state: CaseState) -> dict[bytes, tuple[str, bytes]]:
    """Return each page, preview, result document and signed receipt: its media type, and its key sealed under the
    case's, b"" where that follows from the case's."""
    receipt = receipt_of(state)
    pages = [page for material in state.materials for page in material.pages]
    pages += [receipt] if receipt is not None else []
    files = {page.preview: (PREVIEW_TYPE, page.preview_key) for page in pages if page.preview}
    files |= {page.blob: (page.type, page.key) for page in pages}
    return files | {document.blob: (document.type, b"") for document in state.results}


def case_previews(state: CaseState) -> list[bytes]:
    """Return the hashes of the previews of those pages, each once."""
    pages = (page for material in state.materials for page in material.pages)
    return list(dict.fromkeys(page.preview for page in pages if page.preview is not None))


def check_own(
    state: CaseState | None,
    kind: ChangeKind,
    body: dict[str, Any],
    *,
    office: str,
    home_tier: str,
    blobs: Sequence[BlobRef] = (),
    required: Sequence[str] = (),
    present: Collection[bytes] | None = None,
    account: int = 0,
    today: date | None = None,
) -> list[Problem]:
    """List what keeps us from writing this change; empty when it may be written.

    state: as shown, tentative included. office: ours, relative to the case. required: names of the materials
    that the item demands (收件 only). present: hashes of the blobs on this machine, None to skip the look.
    account: who acts, 0 for the program. today: the day in China, None to skip what depends on it.
    """
    if problems := check_body(kind, body) or check_blobs(kind, body, blobs):
        return problems
    case = state or CaseState()
    if misfit := table_misfit(case, kind, office, home_tier):
        return [_misfit_problem(case, kind, misfit)]
    if kind is ChangeKind.SUPPLEMENT and case.lapsed:
        return [_LAPSED]
    if case.deemed and kind in _BEFORE_ACCEPTANCE:
        return [_DEEMED]
    if request_misfit(case, kind, office, body):
        return [_misfit_problem(case, kind, "no_such_request")]
    if kind in (ChangeKind.GRANT, ChangeKind.DENY) and account and account == case.collected_by:
        return [_SAME_PERSON]
    problems = [Problem(name, message) for name, message in _MUST_SAY.get(kind, {}).items() if not body[name].strip()]
    if kind is ChangeKind.TELL:
        return telling_faults(case, body, today)
    return problems + _own_faults(case, kind, body, required, present) + procedure_faults(case, kind, body, today)


def _misfit_problem(case: CaseState, kind: ChangeKind, code: str) -> Problem:
    said = explain(code)
    if case.state is None or code not in ("wrong_state", "wrong_office"):
        return Problem("", said.text, said.remedy)
    where = say(
        "办件当前为「{state_names}」，承办方为{office_names}",
        state_names=STATE_NAMES[case.state],
        office_names=OFFICE_NAMES[case.holder],
    )
    return Problem("", say("{where}，不能「{kind_name}」", where=where, kind_name=kind_name(kind)), said.remedy)


def _own_faults(
    case: CaseState,
    kind: ChangeKind,
    body: dict[str, Any],
    required: Sequence[str],
    present: Collection[bytes] | None,
) -> list[Problem]:
    match kind:
        case ChangeKind.COLLECT:
            return _missing_materials(body, required) + _proxy_faults(body)
        case ChangeKind.CORRECT if not any(body.get(name) for name in ("applicant", "form", "materials")):
            return [Problem("", N_("没有任何更正"), N_("请先修改要更正的内容"))]
        case ChangeKind.SUPPLEMENT if not (body["materials"] or body.get("form")):
            return [Problem("materials", N_("没有补充任何内容"), N_("请按补正告知补充材料"))]
        case ChangeKind.ASK_SUPPLEMENT:
            return _defect_faults(body["defects"])
        case ChangeKind.GRANT | ChangeKind.DENY:
            return _seen_faults(case, kind, body["seen"], present)
        case ChangeKind.CLOSE:
            return _close_faults(case, body["result"])
        case ChangeKind.DELIVER if body["how"] not in DELIVERY_WAYS:
            return [
                Problem(
                    "how", N_("请选择送达方式"), say("可选：{names}", names=joined(N_("、"), DELIVERY_WAYS.values()))
                )
            ]
        case ChangeKind.DELIVER:
            return _signature_faults(body)
        case _:
            return []


def _missing_materials(body: dict[str, Any], required: Sequence[str]) -> list[Problem]:
    given = {material["name"] for material in body["materials"]}
    return [
        Problem("materials", say("缺少必备材料「{name}」", name=name), N_("请扫描，或勾选「已核对原件」"))
        for name in required
        if name not in given
    ]


def _proxy_faults(body: dict[str, Any]) -> list[Problem]:
    given = [material["name"] for material in body["materials"]]
    return proxy_problems(body["proxy"], body["applicant"], given) if body.get("proxy") else []


def _defect_faults(defects: list[dict[str, Any]]) -> list[Problem]:
    if not defects:
        return [
            Problem(
                "defects", N_("没有列出需要补正的内容"), N_("须一次性告知全部需要补正的内容（行政许可法第三十二条）")
            )
        ]
    return [
        Problem(f"defects.{index}.what", N_("请写明要补正什么"))
        for index, defect in enumerate(defects)
        if not defect["what"].strip()
    ]


def _seen_faults(
    case: CaseState, kind: ChangeKind, seen: list[bytes], present: Collection[bytes] | None
) -> list[Problem]:
    """A decision names what was seen; 准予 only on all pages of the case, and all of them here."""
    wanted = case_blobs(case)
    if any(blob not in wanted for blob in seen) or len(set(seen)) < len(seen):
        return [Problem("seen", N_("所看材料与办件现有材料不一致"), N_("请刷新办件后重新查看"))]
    if kind is not ChangeKind.GRANT:
        return []
    away = [blob for blob in wanted if present is not None and blob not in present]
    if away:
        return [Problem("seen", say("还有 {n} 页材料未传到", n=len(away)), N_("请等材料到齐后再作决定"))]
    if len(seen) < len(wanted):
        return [
            Problem("seen", say("还有 {n} 页材料未查看", n=len(wanted) - len(seen)), N_("请看完全部材料后再作决定"))
        ]
    return []


def _signature_faults(body: dict[str, Any]) -> list[Problem]:
    """A page that shows a signature says where it was signed; on paper it may stay in the file."""
    signed = body.get("signed", "")
    if signed not in ("", *SIGNED_ON):
        return [
            Problem("signed", N_("请选择签收的方式"), say("可选：{names}", names=joined(N_("、"), SIGNED_ON.values())))
        ]
    brought = body.get("receipt") is not None
    if (brought and not signed) or (signed == "screen" and not brought):
        return [Problem("file", N_("签收的内容没有收到"), N_("请重新签名，或重新选择送达回证的照片"))]
    return []


def _close_faults(case: CaseState, result: str) -> list[Problem]:
    if result not in CLOSE_RESULTS:
        return [Problem("result", N_("请选择办结结果"))]
    if (result == "denied") != (case.state is State.DENIED):
        return [Problem("result", N_("办结结果与决定不一致"), N_("请选择与决定相符的办结结果"))]
    if result == "issued" and not case.results:
        return [Problem("result", N_("出证办结前须有结果文书"), N_("请先上传结果文书"))]
    return []
