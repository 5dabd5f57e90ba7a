"""What each kind of change writes into the state of a case, besides moving it.

Each rule gets a body that passed `check_body` and `check_blobs`, so required fields are there.
Moves and holders are not decided here; they come from the state table.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from casework.case_parts import (
    CommitmentCheck,
    Delivery,
    DepartmentPart,
    Escalation,
    Extension,
    Lacking,
    Licence,
    Material,
    Page,
    ResultDocument,
    SpecialProcedure,
    Supplement,
    Told,
)
from casework.changes import ChangeKind
from casework.journal import Change
from casework.workdays import noon_of

if TYPE_CHECKING:
    from casework.fold import CaseState

Body = dict[str, Any]
NOTE_CHARS = 200
_NOTE_FIELDS = ("opinion", "reason", "note", "title", "case_no")


def note_of(body: Body) -> str:
    """Return the free text of a change for the timeline, at most NOTE_CHARS characters."""
    for name in _NOTE_FIELDS:
        text = body.get(name)
        if type(text) is str and text:
            return text[:NOTE_CHARS]
    return ""


def _page(change: Change, page: Body) -> Page:
    blob = change.blobs[page["blob"]]
    index = page.get("preview")
    preview = change.blobs[index] if index is not None else None
    return Page(
        blob=blob.hash,
        length=blob.length,
        plain=page["plain"],
        type=page["type"],
        preview=preview.hash if preview else None,
        preview_length=preview.length if preview else 0,
        ref=change.ref,
        key=page.get("key", b""),
        preview_key=page.get("preview_key", b""),
    )


def _put_materials(case: CaseState, change: Change, given: list[Body]) -> None:
    """Replace same-named materials where they stand and append new ones, in the order given."""
    places = {material.name: index for index, material in enumerate(case.materials)}
    for entry in given:
        pages = tuple(_page(change, page) for page in entry.get("pages", ()))
        material = Material(entry["name"], entry.get("seen") is True, pages, change.ref, entry.get("exempt", ""))
        if material.name in places:
            case.materials[places[material.name]] = material
        else:
            case.materials.append(material)


def _collect(case: CaseState, change: Change, body: Body) -> None:
    case.home = change.author
    case.item, case.version, case.code = body["item"], body["version"], body["code"]
    case.tier, case.received = body["tier"], body["received"]
    case.route = {name: body["route"][name] for name in ("first_review", "decision", "township_reads")}
    case.applicant, case.form, case.extra = body["applicant"], body["form"], body.get("extra", {})
    case.household, case.ref = body.get("household"), body.get("ref")
    case.answers = {entry["question"]: entry["answer"] for entry in body.get("answers", ())}
    case.commitment = body.get("commitment", False)
    case.green, case.first_asked = body.get("green") or "", body.get("first_asked") or ""
    proxy = body.get("proxy") or {}
    case.proxy = {name: proxy[name] for name in ("name", "id_type", "id", "phone", "authorisation") if proxy}
    case.collected_by, case.collected_at = change.actor, change.time
    _put_materials(case, change, body["materials"])


def _correct(case: CaseState, change: Change, body: Body) -> None:
    case.applicant = body.get("applicant", case.applicant)
    case.form = {**case.form, **body.get("form", {})}
    _put_materials(case, change, body.get("materials", []))


def _endorse(case: CaseState, change: Change, body: Body) -> None:
    case.opinion = body["opinion"]


def _ask_supplement(case: CaseState, change: Change, body: Body) -> None:
    case.supplement = Supplement(
        # Known fields only: a defect lies deeper in the state than in the body, and strangers nest what they like.
        defects=[{"subject": defect["subject"], "what": defect["what"]} for defect in body["defects"]],
        note=body.get("note") or "",
        asked_at=change.time,
        office=change.office,
        ref=change.ref,
        answered_at=None,
        until=body.get("until") or "",
    )
    _not_deemed(case)


def _not_deemed(case: CaseState) -> None:
    """The notice was given in time, so that silence has accepted nothing."""
    if case.deemed:
        case.deemed, case.accepted_at = "", None
        for state in ("accepted", "review"):
            case.entered.pop(state, None)


def _supplement(case: CaseState, change: Change, body: Body) -> None:
    case.form = {**case.form, **body.get("form", {})}
    _put_materials(case, change, body["materials"])
    if case.supplement is not None and case.supplement.answered_at is None:
        case.supplement = replace(case.supplement, answered_at=change.time)
    brought = {material["name"] for material in body["materials"]}
    case.lacking = [
        replace(one, filled_at=change.time) if one.filled_at is None and one.name in brought else one
        for one in case.lacking
    ]
    if case.lapsed:
        case.lapsed, case.close_result, case.closed_at = "", "", None
        case.entered.pop("closed", None)


def _accept(case: CaseState, change: Change, body: Body) -> None:
    case.case_no = body.get("case_no") or case.case_no
    if case.accepted_at is not None and not case.deemed:
        return  # said twice: the clocks run from the first day
    case.accepted_at, case.deemed = change.time, ""


def _accept_lacking(case: CaseState, change: Change, body: Body) -> None:
    _accept(case, change, body)
    case.lacking = [Lacking(one["name"], one["due"], None) for one in body["lacking"]]


def _deem_accepted(case: CaseState, change: Change, body: Body) -> None:
    """From the day on which the papers came, whenever the county's program came to write it (行政许可法第三十二条)."""
    case.accepted_at, case.deemed = noon_of(body["since"]), body["due"]
    case.lapses.append(f"deemed_acceptance:{body['due']}")


def _lapse(case: CaseState, change: Change, body: Body) -> None:
    case.lapsed = case.close_result = body["rule"]
    case.closed_at = change.time
    case.lapses.append(f"{body['rule']}:{body['due']}")


def _split(case: CaseState, change: Change, body: Body) -> None:
    """A department that is asked again is asked anew."""
    asked = {part["office"]: part["due"] for part in body["parts"]}
    case.parts = [one for one in case.parts if one.office not in asked]
    case.parts += [DepartmentPart(office, change.time, due, None, "") for office, due in asked.items()]


def _part_answer(case: CaseState, change: Change, body: Body) -> None:
    """The first answer of a department counts until it is asked again."""
    case.parts = [
        replace(one, answered_at=change.time, outcome=body["outcome"])
        if one.office == body["office"] and one.answered_at is None
        else one
        for one in case.parts
    ]


def _reassign(case: CaseState, change: Change, body: Body) -> None:
    case.office = body["office"]


def _escalate(case: CaseState, change: Change, body: Body) -> None:
    case.escalation = Escalation(body["system"], body["reason"], change.time, None, "", "", "")


def _escalate_result(case: CaseState, change: Change, body: Body) -> None:
    if case.escalation is not None:
        case.escalation = replace(
            case.escalation,
            answered_at=change.time,
            outcome=body["outcome"],
            number=body.get("number") or "",
            opinion=body["opinion"],
        )


def _issue(case: CaseState, change: Change, body: Body) -> None:
    case.licences.append(Licence(body["title"], body["number"], body.get("until") or "", change.time))
    case.certificate = body.get("certificate", case.certificate)


def _archive(case: CaseState, change: Change, body: Body) -> None:
    case.archive_no = body.get("number") or ""


def _verify_commitment(case: CaseState, change: Change, body: Body) -> None:
    case.commitment_check = CommitmentCheck(body["kept"], body["opinion"], change.time)


def _refuse_acceptance(case: CaseState, change: Change, body: Body) -> None:
    case.reason, case.basis = body["reason"], body.get("basis") or ""
    _not_deemed(case)


def _move_only(case: CaseState, change: Change, body: Body) -> None:
    """Entering the next state is all; its time stands in `entered`."""


def _special_procedure(case: CaseState, change: Change, body: Body) -> None:
    """One more may begin while another goes on: what they share of the time is given back once."""
    case.procedures.append(
        SpecialProcedure(body["procedure"], body["reason"], body["days"], change.time, None, opinion="")
    )


def _special_result(case: CaseState, change: Change, body: Body) -> None:
    """It is of the one that began last and goes on; of none it says nothing."""
    for index in reversed(range(len(case.procedures))):
        if case.procedures[index].until is None:
            case.procedures[index] = replace(case.procedures[index], until=change.time, opinion=body["opinion"])
            return


def _extend(case: CaseState, change: Change, body: Body) -> None:
    each = [*(case.extension.each if case.extension is not None else ()), [change.time, body["days"]]]
    case.extension = Extension(sum(days for _, days in each), body["reason"], change.time, each)


def _grant(case: CaseState, change: Change, body: Body) -> None:
    case.decision, case.decided_at, case.seen = "granted", change.time, list(body["seen"])
    case.certificate = body.get("certificate", b"")


def _deny(case: CaseState, change: Change, body: Body) -> None:
    case.decision, case.decided_at, case.seen = "denied", change.time, list(body["seen"])
    case.reason = body["reason"]


def _attach_result(case: CaseState, change: Change, body: Body) -> None:
    blob = change.blobs[body["blob"]]
    document = ResultDocument(body["title"], blob.hash, blob.length, body["plain"], body["type"], change.ref)
    case.results.append(document)


def _close(case: CaseState, change: Change, body: Body) -> None:
    case.close_result, case.closed_at = body["result"], change.time


def _deliver(case: CaseState, change: Change, body: Body) -> None:
    receipt = _page(change, body["receipt"]) if body.get("receipt") is not None else None
    note, signed = body.get("note") or "", body.get("signed", "")
    case.delivery = Delivery(body["to"], body["how"], note, change.time, signed, receipt)
    case.open_requests.clear()


def _request_withdraw(case: CaseState, change: Change, body: Body) -> None:
    if change.ref not in case.open_requests:
        case.open_requests.append(change.ref)


def _withdraw(case: CaseState, change: Change, body: Body) -> None:
    case.reason = body["reason"]
    case.open_requests.clear()


def _decline_request(case: CaseState, change: Change, body: Body) -> None:
    if body["request"] in case.open_requests:
        case.open_requests.remove(body["request"])


def _tell(case: CaseState, change: Change, body: Body) -> None:
    day, at, note = (body.get(name) or "" for name in ("day", "at", "note"))
    case.told.append(Told(body["about"], body["of"], body["how"], body["done"], day, at, note, change.time, change.ref))


def _number(case: CaseState, change: Change, body: Body) -> None:
    case.case_no = body["case_no"]


RULES: dict[ChangeKind, Callable[[CaseState, Change, Body], None]] = {
    ChangeKind.COLLECT: _collect,
    ChangeKind.CORRECT: _correct,
    ChangeKind.ENDORSE: _endorse,
    ChangeKind.ASK_SUPPLEMENT: _ask_supplement,
    ChangeKind.SUPPLEMENT: _supplement,
    ChangeKind.ACCEPT: _accept,
    ChangeKind.REFUSE_ACCEPTANCE: _refuse_acceptance,
    ChangeKind.REVIEW: _move_only,
    ChangeKind.GRANT: _grant,
    ChangeKind.DENY: _deny,
    ChangeKind.ATTACH_RESULT: _attach_result,
    ChangeKind.CLOSE: _close,
    ChangeKind.DELIVER: _deliver,
    ChangeKind.REQUEST_WITHDRAW: _request_withdraw,
    ChangeKind.WITHDRAW: _withdraw,
    ChangeKind.DECLINE_REQUEST: _decline_request,
    ChangeKind.NUMBER: _number,
    ChangeKind.SPECIAL_PROCEDURE: _special_procedure,
    ChangeKind.SPECIAL_RESULT: _special_result,
    ChangeKind.EXTEND: _extend,
    ChangeKind.ACCEPT_LACKING: _accept_lacking,
    ChangeKind.SPLIT: _split,
    ChangeKind.PART_ANSWER: _part_answer,
    ChangeKind.SEND_BACK: _move_only,
    ChangeKind.REASSIGN: _reassign,
    ChangeKind.ESCALATE: _escalate,
    ChangeKind.ESCALATE_RESULT: _escalate_result,
    ChangeKind.ISSUE: _issue,
    ChangeKind.ARCHIVE: _archive,
    ChangeKind.DEEM_ACCEPTED: _deem_accepted,
    ChangeKind.LAPSE: _lapse,
    ChangeKind.VERIFY_COMMITMENT: _verify_commitment,
    ChangeKind.TELL: _tell,
}
