"""What a change would do, in a few lines for the person who settles it. Safe on any body. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from casework.change_choices import CLOSE_RESULTS, DELIVERY_WAYS
from casework.changes import check_body, known_kind
from casework.texts import N_, joined, say

_LINE_CHARS = 200
_LINES = 12
_TEXTS = {
    "reason": N_("原因"),
    "basis": N_("依据"),
    "opinion": N_("意见"),
    "note": N_("说明"),
    "title": N_("文书"),
    "case_no": N_("办件编号"),
    "to": N_("领取人"),
    "received": N_("收件日期"),
    "code": N_("收件码"),
    "household": N_("户名"),
}


def says(kind: int, body: Any) -> tuple[str, ...]:
    """Short lines in zh-CN; one line says so when nothing can be read. Never raises."""
    if known_kind(kind) is None:
        return (N_("这类业务要等县级程序升级后才能读懂"),)
    if not isinstance(body, dict) or check_body(kind, body):
        return (N_("内容读不出来，或不完整"),)
    lines = [line[:_LINE_CHARS] for line in _lines(body)]
    return tuple(lines[:_LINES]) or (N_("没有附加内容"),)


def _lines(body: dict[str, Any]) -> Iterator[str]:
    applicant = body.get("applicant")
    if applicant:
        yield say("申请人：{name}", name=applicant["name"])
    for key, label in _TEXTS.items():
        if body.get(key):
            yield say("{label}：{body}", label=label, body=body[key])
    if "how" in body:
        yield say("送达方式：{delivery_ways}", delivery_ways=DELIVERY_WAYS.get(body["how"], body["how"]))
    if "result" in body:
        yield say("办结结果：{close_results}", close_results=CLOSE_RESULTS.get(body["result"], ("", body["result"]))[1])
    for defect in body.get("defects", ()):
        yield say("要求补正：{subject}，{what}", subject=defect["subject"], what=defect["what"])
    if body.get("materials"):
        yield say("材料：{names}", names=joined(N_("、"), (_material(one) for one in body["materials"])))
    if "seen" in body:
        yield say("已查看材料 {n} 页", n=len(body["seen"]))


def _material(material: dict[str, Any]) -> str:
    pages = material.get("pages")
    return (
        say("{name}（{n} 页）", name=material["name"], n=len(pages))
        if pages
        else say("{name}（已核对原件）", name=material["name"])
    )
