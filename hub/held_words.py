"""What a change would do, in a few lines for the person who settles it. Safe on any body. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from casework.change_choices import CLOSE_RESULTS, DELIVERY_WAYS
from casework.changes import check_body, known_kind

_LINE_CHARS = 200
_LINES = 12
_TEXTS = {
    "reason": "原因",
    "basis": "依据",
    "opinion": "意见",
    "note": "说明",
    "title": "文书",
    "case_no": "办件编号",
    "to": "领取人",
    "received": "收件日期",
    "code": "收件码",
    "household": "户名",
}


def says(kind: int, body: Any) -> tuple[str, ...]:
    """Short lines in zh-CN; one line says so when nothing can be read. Never raises."""
    if known_kind(kind) is None:
        return ("这类业务要等县级程序升级后才能读懂",)
    if not isinstance(body, dict) or check_body(kind, body):
        return ("内容读不出来，或不完整",)
    lines = [line[:_LINE_CHARS] for line in _lines(body)]
    return tuple(lines[:_LINES]) or ("没有附加内容",)


def _lines(body: dict[str, Any]) -> Iterator[str]:
    applicant = body.get("applicant")
    if applicant:
        yield f"申请人：{applicant['name']}"
    for key, label in _TEXTS.items():
        if body.get(key):
            yield f"{label}：{body[key]}"
    if "how" in body:
        yield f"送达方式：{DELIVERY_WAYS.get(body['how'], body['how'])}"
    if "result" in body:
        yield f"办结结果：{CLOSE_RESULTS.get(body['result'], ('', body['result']))[1]}"
    for defect in body.get("defects", ()):
        yield f"要求补正：{defect['subject']}，{defect['what']}"
    if body.get("materials"):
        yield f"材料：{'、'.join(_material(one) for one in body['materials'])}"
    if "seen" in body:
        yield f"已查看材料 {len(body['seen'])} 页"


def _material(material: dict[str, Any]) -> str:
    pages = material.get("pages")
    return f"{material['name']}（{len(pages)} 页）" if pages else f"{material['name']}（已核对原件）"
