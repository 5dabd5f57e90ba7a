"""The words among which the bodies of changes choose, and what each means in zh-CN; on the wire, so never renamed."""

from __future__ import annotations

# Close results: the word on the wire -> (code used by provincial exchange tables or "", zh-CN name).
CLOSE_RESULTS: dict[str, tuple[str, str]] = {
    "issued": ("0", "出证办结"),
    "returned": ("1", "退回办结"),
    "voided": ("2", "作废办结"),
    "deleted": ("3", "删除办结"),
    "escalated": ("4", "转报办结"),
    "supplement_lapsed": ("5", "补正不来办结"),
    "tolerance_lapsed": ("", "容缺逾期终止"),
    "completed": ("6", "办结"),
    "denied": ("", "不予许可"),
}
LAPSE_RULES = ("supplement_lapsed", "tolerance_lapsed")
"""Close results that only time brings."""
PART_OUTCOMES: dict[str, str] = {"agree": "同意", "disagree": "不同意"}
ESCALATION_OUTCOMES: dict[str, str] = {"granted": "准予", "denied": "不予许可", "returned": "退回"}
DELIVERY_WAYS: dict[str, str] = {"window": "窗口领取", "courier": "寄递", "proxy_agent": "代办员送达"}
SPECIAL_PROCEDURES: dict[str, str] = {
    "hearing": "听证",
    "tender": "招标",
    "auction": "拍卖",
    "inspection": "检验",
    "testing": "检测",
    "quarantine": "检疫",
    "appraisal": "鉴定",
    "expert_review": "专家评审",
}
"""Whose time does not count (行政许可法第四十五条)."""
