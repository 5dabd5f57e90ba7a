"""Rules over a whole service item that no field shows alone: repeats, missing parts, routes, citations."""

from __future__ import annotations

import re
from collections.abc import Iterable

from casework.plain_reader import PlainReader
from casework.service_item import ServiceItem

_SOURCE_KEY_PATTERN = r"[A-Za-z][A-Za-z0-9_-]{0,15}"
_JUDGED_FACTS = ("decision_tier", "township_reads", "first_review", "office", "receipt_effect")


def cross_checks(item: ServiceItem, r: PlainReader) -> None:
    """Notes on `r` every rule that the item as a whole breaks."""
    _no_repeats("materials", "材料名称", [m.name for m in item.materials], r)
    _no_repeats("form", "表单键", [f.key for f in item.form], r)
    _no_repeats("variants", "业务办理项后缀", [v.suffix for v in item.variants], r)
    _required_parts(item, r)
    _route_rules(item, r)
    _fee_rules(item, r)
    _known_sources(item, r)


def _no_repeats(key: str, what: str, values: list[str], r: PlainReader) -> None:
    repeated = sorted({v for v in values if values.count(v) > 1})
    if repeated:
        r.fault(key, f"{what}重复：{'、'.join(repeated)}", "请改名或删去一个")


def _required_parts(item: ServiceItem, r: PlainReader) -> None:
    for key, part in (("materials", item.materials), ("form", item.form), ("steps", item.steps)):
        if not part:
            r.fault(key, "不能为空", "请至少写一项")
    if not item.result.type:
        r.fault("result", "缺少办理结果", "请写 result: {type: …}")
    for fact in _JUDGED_FACTS:
        if fact not in item.marks:
            r.fault(f"marks.{fact}", "没有说明这一项的来源", "请写 {status: …}")


def _route_rules(item: ServiceItem, r: PlainReader) -> None:
    if item.first_review and item.decision_tier not in ("county", "external"):
        r.fault("first_review", "村、乡镇决定的事项没有乡镇初审", "请改为 false")
    if not item.township_reads and (item.first_review or item.decision_tier == "township"):
        r.fault("township_reads", "乡镇要初审或决定，却不能阅读", "请改为 true，或改由县级直接办理")


def _fee_rules(item: ServiceItem, r: PlainReader) -> None:
    """A charge without a named basis is a breach by itself (收费依据)."""
    if item.fee and not item.fee_basis:
        r.fault("fee_basis", "收费事项没有写收费依据", "请写收费的文件名称和文号")
    if not item.fee and (item.fee_text or item.fee_basis):
        r.fault("fee", "写了收费标准或依据，fee 却是 false", "请把 fee 改为 true，或删去 fee_text、fee_basis")


def _known_sources(item: ServiceItem, r: PlainReader) -> None:
    for key in item.sources:
        if not re.fullmatch(_SOURCE_KEY_PATTERN, key):
            r.fault(f"sources.{key}", "来源的键写法不对", f"应当符合 {_SOURCE_KEY_PATTERN}")
    for key in sorted(set(cited_sources(item)) - set(item.sources)):
        r.fault("sources", f"引用了没有列出的来源 {key}", "请在 sources 中补上，或改正 src")


def cited_sources(item: ServiceItem) -> Iterable[str]:
    """The keys of all pages that any fact of the item cites."""
    marks = [m.mark for m in item.materials] + [f.mark for f in item.form] + [s.mark for s in item.steps]
    marks += [b.mark for b in item.legal_basis] + list(item.marks.values())
    marks += [q.mark for q in item.questions] + [rule.mark for rule in item.rules]
    marks += [item.commitment.mark] if item.commitment is not None else []
    marks += [d.mark for d in (item.legal_days, item.promised_days) if d is not None]
    return [key for mark in marks for key in mark.src]
