"""The product's own form of a service item: plain values to ServiceItem and back, exactly.

The plain form holds only str-keyed maps, lists, text, integers, booleans and null, so it can be written as
YAML by people and as canonical msgpack by the hub, one entry per item version. Reading checks everything and
raises one CatalogueError with all problems, each naming the item, the field and the remedy.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from typing import Any

from casework.catalogue_rules import cross_checks
from casework.errors import BadInput, Problem
from casework.plain_reader import PlainReader
from casework.scenario_check import scenario_checks
from casework.scenario_format import read_commitment, read_questions, read_rules
from casework.service_item import (
    DAY_UNITS,
    EXEMPT_WAYS,
    FIELD_TYPES,
    ITEM_TYPES,
    MATERIAL_KINDS,
    PROJECT_TYPES,
    RECEIPT_EFFECTS,
    SERVICE_OBJECTS,
    STATUSES,
    TIERS,
    TRUST_LEVELS,
    USE_LEVELS,
    Days,
    FormField,
    LegalBasis,
    Mark,
    MaterialRule,
    Outcome,
    ServiceItem,
    Source,
    Step,
    Variant,
)

ITEM_PLAIN_MAX_BYTES = 16 * 1024
ITEM_KEY_PATTERN = r"[a-z][a-z0-9_]{1,27}"
_FIELD_KEY_PATTERN = r"[a-z][a-z0-9_]{0,39}"


class CatalogueError(BadInput):
    """The catalogue is not usable; every problem names the item, the field and the remedy."""


def item_to_plain(item: ServiceItem) -> dict[str, Any]:
    """The plain form with every key written out; `item_from_plain` gives back an equal item."""
    plain = _plain(item)
    assert isinstance(plain, dict)
    return plain


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value):
        return {f.name: _plain(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, tuple):
        return [_plain(v) for v in value]
    if isinstance(value, Mapping):
        return {k: _plain(v) for k, v in value.items()}
    return value


def item_from_plain(plain: object, *, lenient: bool = False) -> ServiceItem:
    """A checked item from its plain form; CatalogueError with all problems if anything is wrong.

    lenient, for items that came from the hub: keys that this program does not know are passed over.
    """
    problems: list[Problem] = []
    key = plain.get("key") if isinstance(plain, dict) else None
    name = key if isinstance(key, str) and key else "(无 key)"
    reader = PlainReader(plain, f"事项 {name}", "", problems, lenient=lenient)
    item = _item(reader)
    if not problems:
        cross_checks(item, reader)
        scenario_checks(item, reader)
        _size_check(item, reader)
    if problems:
        raise CatalogueError(problems)
    return item


def _item(r: PlainReader) -> ServiceItem:
    item = ServiceItem(
        key=r.text("key", pattern=ITEM_KEY_PATTERN),
        version=r.whole("version", 1, 2**31) or 0,
        name=r.text("name", most=100),
        item_type=r.choice("item_type", tuple(ITEM_TYPES)),
        use_level=r.choice("use_level", USE_LEVELS),
        project_type=r.choice("project_type", tuple(PROJECT_TYPES)),
        service_object=r.wholes("service_object", tuple(SERVICE_OBJECTS)),
        catalog_code=r.text_or_none("catalog_code", pattern=r"[0-9A-Z]{10,14}"),
        task_code_example=r.text_or_none("task_code_example", pattern=r"[0-9A-Z]{24,36}"),
        variants=tuple(_variant(v) for v in r.rows("variants")),
        legal_days=_days(r.row("legal_days")),
        promised_days=_days(r.row("promised_days")),
        fee=r.flag("fee"),
        fee_text=r.text("fee_text", default=""),
        fee_basis=r.text("fee_basis", default=""),
        supplement_days=r.whole("supplement_days", 1, 365, default=None),
        commitment=read_commitment(r.row("commitment"), read_mark),
        decision_tier=r.choice("decision_tier", TIERS),
        office=r.text("office", most=40),
        first_review=r.flag("first_review"),
        township_reads=r.flag("township_reads"),
        receipt_effect=r.choice("receipt_effect", RECEIPT_EFFECTS),
        conditions=r.texts("conditions"),
        materials=tuple(_material(m) for m in r.rows("materials")),
        questions=read_questions(r, read_mark),
        rules=read_rules(r, read_mark),
        form=tuple(_field(f) for f in r.rows("form", items=100)),
        steps=tuple(_step(s) for s in r.rows("steps")),
        result=_outcome(r.row("result")),
        legal_basis=tuple(_basis(b) for b in r.rows("legal_basis")),
        note=r.text("note", most=500, default=""),
        marks={k: _mark(m) for k, m in r.named("marks").items()},
        sources={k: _source(s) for k, s in r.named("sources").items()},
    )
    r.done()
    return item


def read_mark(r: PlainReader) -> Mark:
    """YAML writers put status, src and note beside the fact; the plain form holds them under `mark`."""
    own = r.row("mark")
    if own is not None:
        return _mark(own)
    return _mark_keys(r)


def _mark(r: PlainReader) -> Mark:
    mark = _mark_keys(r)
    r.done()
    return mark


def _mark_keys(r: PlainReader) -> Mark:
    mark = Mark(
        status=r.choice("status", STATUSES, default="page"),
        src=r.texts("src", most=16),
        note=r.text("note", most=300, default=""),
    )
    if mark.status == "page" and not mark.src:
        r.fault("src", "标为 page 却没有写来源", "请写来源的键，或把 status 改为 law、typical、judgement")
    return mark


def _days(r: PlainReader | None) -> Days | None:
    if r is None:
        return None
    days = Days(r.whole("n", 0, 1000) or 0, r.choice("unit", DAY_UNITS), read_mark(r))
    r.done()
    return days


def _variant(r: PlainReader) -> Variant:
    variant = Variant(r.text("suffix", pattern=r"[0-9]{2}"), r.text("name"), r.text("condition", default=""))
    r.done()
    return variant


def _material(r: PlainReader) -> MaterialRule:
    rule = MaterialRule(
        name=r.text("name", most=100),
        kind=r.choice("kind", MATERIAL_KINDS),
        originals=r.whole("originals", 0, 99) or 0,
        copies=r.whole("copies", 0, 99) or 0,
        required=r.flag("required"),
        exempt=r.choice("exempt", ("", *EXEMPT_WAYS)),
        tolerable=r.whole("tolerable", 1, 365, default=None),
        trust=r.choice("trust", tuple(TRUST_LEVELS)),
        when=r.text("when", default=""),
        mark=read_mark(r),
    )
    r.done()
    if rule.originals + rule.copies == 0:
        r.fault("originals", "原件和复印件份数都是 0", "请至少把其中一个改为 1")
    return rule


def _field(r: PlainReader) -> FormField:
    field = FormField(
        key=r.text("key", pattern=_FIELD_KEY_PATTERN),
        label=r.text("label", most=60),
        type=r.choice("type", FIELD_TYPES),
        required=r.flag("required"),
        least=r.whole("least", -(2**53), 2**53, default=None),
        most=r.whole("most", -(2**53), 2**53, default=None),
        choices=r.texts("choices", most=60, items=200),
        unit=r.text("unit", most=20, default=""),
        hint=r.text("hint", default=""),
        mark=read_mark(r),
    )
    r.done()
    _field_rules(field, r)
    return field


def _field_rules(field: FormField, r: PlainReader) -> None:
    if field.type == "choice" and len(field.choices) < 2:
        r.fault("choices", "选择项至少要有两个选项", "请补上选项，或把 type 改为 text")
    if field.type != "choice" and field.choices:
        r.fault("choices", f"类型 {field.type} 不能有选项", "请删去 choices，或把 type 改为 choice")
    bounded = field.type in ("text", "multiline", "integer")
    if not bounded and (field.least is not None or field.most is not None):
        r.fault("most", f"类型 {field.type} 不能有 least、most", "请删去")
    if field.least is not None and field.most is not None and field.least > field.most:
        r.fault("least", "least 大于 most", "请改正这两个数")
    if field.type in ("text", "multiline") and not 1 <= (field.most or 1) <= 4000:
        r.fault("most", "文字的长度上限应当在 1 到 4000 之间", "请改正")


def _step(r: PlainReader) -> Step:
    step = Step(
        tier=r.choice("tier", TIERS),
        stage=r.text("stage", most=40),
        action=r.text("action"),
        days=r.whole("days", 0, 1000, default=None),
        unit=r.choice("unit", DAY_UNITS, default="wd"),
        publicity_days=r.whole("publicity_days", 1, 365, default=None),
        offline=r.flag("offline"),
        stops_clock=r.flag("stops_clock", default=False),
        parallel=r.texts("parallel"),
        department=r.text("department", most=40, default=""),
        owner=r.text("owner", most=40, default=""),
        mark=read_mark(r),
    )
    r.done()
    return step


def _outcome(r: PlainReader | None) -> Outcome:
    if r is None:
        return Outcome("", (), "")
    outcome = Outcome(r.text("type", most=40), r.texts("licences"), r.text("start", default=""))
    r.done()
    return outcome


def _basis(r: PlainReader) -> LegalBasis:
    basis = LegalBasis(r.text("text"), read_mark(r))
    r.done()
    return basis


def _source(r: PlainReader) -> Source:
    source = Source(r.text("what"), r.text("url", most=400, pattern=r"https?://[\x21-\x7e]+"))
    r.done()
    return source


def _size_check(item: ServiceItem, r: PlainReader) -> None:
    size = len(json.dumps(item_to_plain(item), ensure_ascii=False, separators=(",", ":")).encode())
    if size > ITEM_PLAIN_MAX_BYTES:
        r.fault("", f"内容共 {size} 字节，超过 {ITEM_PLAIN_MAX_BYTES} 字节", "请缩短说明文字")
