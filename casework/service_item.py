"""What a service item (政务服务事项) is, as values: no reading, no writing, no clock.

Code sets follow GB/T 39046-2020 appendix A. Every fact carries a mark that says where it comes from, because
a county has to confirm typical and judged facts against its own 实施清单 before it relies on them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from casework.texts import N_

STATUSES = ("page", "law", "typical", "judgement")
TIERS = ("village", "township", "county", "external")
ITEM_TYPES: Mapping[str, str] = {
    "01": N_("行政许可"), "02": N_("行政处罚"), "03": N_("行政强制"), "04": N_("行政征收"), "05": N_("行政给付"),
    "06": N_("行政检查"), "07": N_("行政确认"), "08": N_("行政奖励"), "09": N_("行政裁决"),
    "10": N_("其他行政权力"), "20": N_("公共服务"),
}  # fmt: skip
USE_LEVELS = (1, 2, 3, 4, 5, 6, 7)
SERVICE_OBJECTS: Mapping[int, str] = {
    1: N_("自然人"), 2: N_("企业法人"), 3: N_("事业法人"), 4: N_("社会组织法人"), 5: N_("行政机关"), 6: N_("其他组织"),
}  # fmt: skip
PROJECT_TYPES: Mapping[int, str] = {1: N_("即办件"), 2: N_("承诺件"), 9: N_("其他")}
MATERIAL_KINDS = ("original_check", "copy", "form", "photo", "declaration", "plan", "third_party_doc")
FIELD_TYPES = (
    "text", "multiline", "date", "integer", "choice", "phone", "citizen_id", "uscc", "bank_card",
)  # fmt: skip
RECEIPT_EFFECTS = ("authority", "agent")
DAY_UNITS = ("wd", "d")
EXEMPT_WAYS: Mapping[str, str] = {"cancelled": N_("已取消"), "shared": N_("数据共享"), "verified": N_("联网核验")}
INSTEAD_OF_PAPER = ("shared", "verified")
"""The ways in which a material counts as brought though nobody hands it in; one that was cancelled is not asked for."""
"""How a material may be left out (免提交): no longer asked for, got from the organ that issued it (what can be shared
is not asked for, 国务院令第716号第七条), or checked on line."""
TRUST_LEVELS: Mapping[str, str] = {
    "A": N_("签发机关提供"),
    "B": N_("经与原件核对"),
    "C": N_("待与原件核对"),
    "D": N_("申请人自述"),
}
"""国办函〔2016〕108号: A issued by the organ, B checked against the original at a window, C brought but unchecked, D
made by the applicant, who answers for it."""
FACTS: Mapping[str, str] = {"age": N_("申请人年龄"), "applicant_kind": N_("申请人类型")}
"""What a scenario question need not ask, because the applicant says it: age on the day of intake, person or org."""
APPLICANT_KINDS = ("person", "org")
AGE_MAX = 150


@dataclass(frozen=True, slots=True)
class Source:
    """A public page: what it is and its address."""

    what: str
    url: str


@dataclass(frozen=True, slots=True)
class Mark:
    """Where a fact comes from: a STATUSES word, the keys of the cited pages, and a note."""

    status: str
    src: tuple[str, ...] = ()
    note: str = ""


@dataclass(frozen=True, slots=True)
class Days:
    """A limit: n working days (unit wd) or calendar days (unit d); 0 means the same day."""

    n: int
    unit: str
    mark: Mark


@dataclass(frozen=True, slots=True)
class Variant:
    """A 业务办理项: two-digit suffix, name and the condition under which it applies."""

    suffix: str
    name: str
    condition: str = ""


@dataclass(frozen=True, slots=True)
class MaterialRule:
    """One material of the list; `when` says in words when an optional one is needed.

    exempt: one of EXEMPT_WAYS or "" (免提交). tolerable: working days within which it may follow (可容缺), None if it
    may not be missing. trust: its TRUST_LEVELS word as brought. All three are judgements unless the county confirmed
    them.
    """

    name: str
    kind: str
    originals: int
    copies: int
    required: bool
    exempt: str
    tolerable: int | None
    trust: str
    when: str
    mark: Mark

    def trust_when(self, *, seen: bool, exempt: bool = False) -> str:
        """The level once it is here: the clerk's check against the original (已核对原件) makes a C a B; what the organ
        itself gives, shared or verified on line instead of being handed in, is an A (国办函〔2016〕108号)."""
        if exempt:
            return "A"
        return "B" if seen and self.trust == "C" else self.trust


@dataclass(frozen=True, slots=True)
class FormField:
    """One field of the form. least, most: characters of a text, value of an integer, else None."""

    key: str
    label: str
    type: str
    required: bool
    least: int | None
    most: int | None
    choices: tuple[str, ...]
    unit: str
    hint: str
    mark: Mark


@dataclass(frozen=True, slots=True)
class Step:
    """One 环节 as published: tier, stage, what is done, its limit; publicity_days is the 公示 part of it.

    unit: that of `days`. department: who is in charge (责任单位), owner: the post (责任岗位); "" where not published.
    """

    tier: str
    stage: str
    action: str
    days: int | None
    unit: str
    publicity_days: int | None
    offline: bool
    stops_clock: bool
    parallel: tuple[str, ...]
    department: str
    owner: str
    mark: Mark


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the applicant gets: the type, the licences' names, and from when a payment counts."""

    type: str
    licences: tuple[str, ...]
    start: str


@dataclass(frozen=True, slots=True)
class LegalBasis:
    """A named legal text and the mark of the citation."""

    text: str
    mark: Mark


@dataclass(frozen=True, slots=True)
class Commitment:
    """告知承诺 (国办发〔2020〕42号): the materials that the applicant's letter replaces, the stages it spares."""

    replaces: tuple[str, ...]
    omit: tuple[str, ...]
    mark: Mark


@dataclass(frozen=True, slots=True)
class Question:
    """A question that tells situations (情形) apart: its choices, or the fact (FACTS) that answers it unasked."""

    key: str
    text: str
    choices: tuple[str, ...]
    fact: str
    mark: Mark


@dataclass(frozen=True, slots=True)
class Condition:
    """What a question's answer has to be: one of `answers`, or a number in least..most (None: no bound)."""

    question: str
    answers: tuple[str, ...]
    least: int | None
    most: int | None


@dataclass(frozen=True, slots=True)
class ScenarioRule:
    """One row of the decision table: where all of `when` holds, these materials are required, optional (allow) or left
    out (drop), and these stages (omit) are not part of the way."""

    when: tuple[Condition, ...]
    require: tuple[str, ...]
    allow: tuple[str, ...]
    drop: tuple[str, ...]
    omit: tuple[str, ...]
    why: str
    mark: Mark


@dataclass(frozen=True, slots=True)
class ServiceItem:
    """One version of one item.

    decision_tier: who decides. office: the county department in charge (it decides county items and forwards
    external ones). first_review: the township endorses before the county. township_reads: the township may
    open the case. receipt_effect: a village receipt binds the authority, or only the applicant's agent.
    supplement_days: working days in which the applicant has to supplement, None where nothing sets a window.
    questions, rules: the decision table of its situations (casework.scenario).
    marks: item-level fact name -> Mark. sources: the cited pages, so that an item travels alone.
    """

    key: str
    version: int
    name: str
    item_type: str
    use_level: int
    project_type: int
    service_object: tuple[int, ...]
    catalog_code: str | None
    task_code_example: str | None
    variants: tuple[Variant, ...]
    legal_days: Days | None
    promised_days: Days | None
    fee: bool
    fee_text: str
    fee_basis: str
    supplement_days: int | None
    commitment: Commitment | None
    decision_tier: str
    office: str
    first_review: bool
    township_reads: bool
    receipt_effect: str
    conditions: tuple[str, ...]
    materials: tuple[MaterialRule, ...]
    questions: tuple[Question, ...]
    rules: tuple[ScenarioRule, ...]
    form: tuple[FormField, ...]
    steps: tuple[Step, ...]
    result: Outcome
    legal_basis: tuple[LegalBasis, ...]
    note: str
    marks: Mapping[str, Mark]
    sources: Mapping[str, Source]

    def field(self, key: str) -> FormField | None:
        """The form field with this key, or None."""
        return next((f for f in self.form if f.key == key), None)

    def material(self, name: str) -> MaterialRule | None:
        """The material rule with this name, or None."""
        return next((m for m in self.materials if m.name == name), None)

    def question(self, key: str) -> Question | None:
        """The scenario question with this key, or None."""
        return next((q for q in self.questions if q.key == key), None)
