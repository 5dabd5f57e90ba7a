"""The words among which the bodies of changes choose, and what each means in zh-CN; on the wire, so never renamed."""

from __future__ import annotations

from casework.texts import N_

# Close results: the word on the wire -> (code used by provincial exchange tables or "", zh-CN name).
CLOSE_RESULTS: dict[str, tuple[str, str]] = {
    "issued": ("0", N_("出证办结")),
    "returned": ("1", N_("退回办结")),
    "voided": ("2", N_("作废办结")),
    "deleted": ("3", N_("删除办结")),
    "escalated": ("4", N_("转报办结")),
    "supplement_lapsed": ("5", N_("补正不来办结")),
    "tolerance_lapsed": ("", N_("容缺逾期终止")),
    "completed": ("6", N_("办结")),
    "denied": ("", N_("不予许可")),
}
LAPSE_RULES = ("supplement_lapsed", "tolerance_lapsed")
"""Close results that only time brings."""
PART_OUTCOMES: dict[str, str] = {"agree": N_("同意"), "disagree": N_("不同意")}
ESCALATION_OUTCOMES: dict[str, str] = {"granted": N_("准予"), "denied": N_("不予许可"), "returned": N_("退回")}
DELIVERY_WAYS: dict[str, str] = {"window": N_("窗口领取"), "courier": N_("寄递"), "proxy_agent": N_("代办员送达")}
SPECIAL_PROCEDURES: dict[str, str] = {
    "hearing": N_("听证"),
    "tender": N_("招标"),
    "auction": N_("拍卖"),
    "inspection": N_("检验"),
    "testing": N_("检测"),
    "quarantine": N_("检疫"),
    "appraisal": N_("鉴定"),
    "expert_review": N_("专家评审"),
}
"""Whose time does not count (行政许可法第四十五条)."""
