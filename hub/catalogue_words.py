"""What differs between two versions of an item, in words for the person who publishes it. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

FIELD_WORDS: Mapping[str, str] = {
    "name": "名称", "item_type": "事项类型", "use_level": "行使层级", "project_type": "办件类型",
    "service_object": "服务对象", "catalog_code": "基本编码", "task_code_example": "编码示例", "variants": "业务项",
    "legal_days": "法定时限", "promised_days": "承诺时限", "fee": "是否收费", "fee_text": "收费标准",
    "fee_basis": "收费依据", "supplement_days": "补正期限", "commitment": "告知承诺", "decision_tier": "决定层级",
    "office": "责任部门", "first_review": "乡镇初审", "township_reads": "乡镇可阅读", "receipt_effect": "收件效力",
    "conditions": "受理条件", "materials": "材料", "questions": "情形问题", "rules": "情形规则", "form": "表单",
    "steps": "办理环节", "result": "办理结果", "legal_basis": "设定依据", "note": "说明", "marks": "来源标注",
    "sources": "来源", "required": "必备", "exempt": "免提交方式", "tolerable": "容缺期限", "trust": "可信等级",
    "originals": "原件份数", "copies": "复印件份数", "kind": "材料类型", "when": "适用情形", "mark": "来源标注",
    "label": "标签", "type": "类型", "choices": "选项", "days": "时限", "owner": "责任岗位", "department": "责任单位",
}  # fmt: skip
ROUTE = ("decision_tier", "first_review", "township_reads")
_NAMED_BY = {"materials": "name", "form": "key", "questions": "key", "steps": "stage", "variants": "suffix"}
_SHOWN_CHARS = 60


def changed_fields(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """Top-level keys whose value differs, without the version itself, in the order of the new form."""
    keys = [*new, *(key for key in old if key not in new)]
    return [key for key in keys if key != "version" and _text(old.get(key)) != _text(new.get(key))]


def change_lines(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """One line a change; entries of a list are told by their names where each has its own."""
    lines: list[str] = []
    for key in changed_fields(old, new):
        word = FIELD_WORDS.get(key, key)
        found = _entry_lines(key, word, old.get(key), new.get(key))
        lines += found or [f"{word}：{_short(old.get(key))} → {_short(new.get(key))}"]
    return lines


def _entry_lines(key: str, word: str, old: Any, new: Any) -> list[str]:
    before, after = _by_name(key, old), _by_name(key, new)
    if before is None or after is None:
        return []
    lines = [f"{word}：新增「{name}」" for name in after if name not in before]
    lines += [f"{word}：删去「{name}」" for name in before if name not in after]
    for name in after:
        for field in changed_fields(before[name], after[name]) if name in before else ():
            said = f"{_short(before[name].get(field))} → {_short(after[name].get(field))}"
            lines.append(f"{word}「{name}」的{FIELD_WORDS.get(field, field)}：{said}")
    return lines or [f"{word}：次序不同"]


def _by_name(key: str, rows: Any) -> dict[str, Mapping[str, Any]] | None:
    """Entries by name; None where they have none of their own (two stages may be called the same)."""
    field = _NAMED_BY.get(key)
    if field is None or not isinstance(rows, list):
        return None
    found = {str(row[field]): row for row in rows}
    return found if len(found) == len(rows) else None


def _text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True)


def _short(value: Any) -> str:
    text = {None: "无", True: "是", False: "否"}.get(value) if value is None or type(value) is bool else None
    text = text or (value if isinstance(value, str) and value else _text(value))
    return text if len(text) <= _SHOWN_CHARS else text[: _SHOWN_CHARS - 1] + "…"
