"""The clocks of a case in one table: what starts each, how long it runs, what halts and ends it, by which law.

`casework.deadlines` runs every clock by its row; docs/clocks.md is drawn from the same rows. Pure.
Moments are fields of `casework.deadlines.CaseDates`, limits of items fields of `casework.service_item.ServiceItem`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

from casework.texts import N_

ACCEPTANCE, PROMISED, STATUTORY = "acceptance", "promised", "statutory"
SUPPLEMENT, LACKING = "supplement", "lacking"
ACCEPTANCE_WORKDAYS = 5
EXTENSION_DAYS_MAX = 10
# «Near»: at most one day left, or at most a fifth of the limit.
NEAR_DAYS = 1
NEAR_PERCENT = 20
UNITS = {"wd": N_("工作日"), "d": N_("自然日"), "": N_("工作日或自然日，以事项目录为准")}

MOMENTS: dict[str, str] = {
    "received": N_("收件"),
    "supplement_asked": N_("补正告知"),
    "supplemented": N_("补正"),
    "accepted": N_("受理"),
    "lacking_since": N_("容缺受理"),
    "decided": N_("准予或不予许可"),
    "ended": N_("不予受理、撤回或办结"),
}
"""When something happened, in words; by the field of a case's dates."""


class Halt(Enum):
    """Which time does not count."""

    SUPPLEMENT = N_("补正告知后停止，补正之日起重新计算")
    SPECIAL = N_("特别程序期间停止，结束后接着计算")
    NOTHING = N_("不停止")


@dataclass(frozen=True, slots=True)
class Fixed:
    """A limit that is the same for all items: n days, unit wd or d."""

    n: int
    unit: str


@dataclass(frozen=True, slots=True)
class OfItem:
    """A limit that stands in the catalogue, in this field of the item; an item without it has no such clock."""

    field: str
    words: str


@dataclass(frozen=True, slots=True)
class LastDay:
    """A last day that somebody set and wrote down, in this field of the case's dates; without it there is no clock."""

    field: str
    words: str


@dataclass(frozen=True, slots=True)
class Law:
    """Where a rule comes from: a law or standard, its articles, and since when it is in force (YYYY-MM-DD, or "" where
    the law is silent and each place has rules of its own)."""

    name: str
    articles: str
    since: str


@dataclass(frozen=True, slots=True)
class ClockRule:
    """One row. starts: the first of these moments that is known. stops: at the first of these it stands for good.
    gone: after any of these it is no longer shown. silent: what follows when the limit has passed.
    """

    kind: str
    label: str
    starts: tuple[str, ...]
    limit: Fixed | OfItem | LastDay
    halt: Halt
    extendable: bool
    stops: tuple[str, ...]
    gone: tuple[str, ...]
    silent: str
    laws: tuple[Law, ...]


_LICENSING_SINCE = "2004-07-01"
_WORKDAYS = Law(N_("行政许可法"), N_("第八十二条（期限以工作日计算，不含法定节假日）"), _LICENSING_SINCE)

CLOCKS: tuple[ClockRule, ...] = (
    ClockRule(
        kind=ACCEPTANCE,
        label=N_("受理期限"),
        starts=("supplemented", "received"),
        limit=Fixed(ACCEPTANCE_WORKDAYS, "wd"),
        halt=Halt.SUPPLEMENT,
        extendable=False,
        stops=("accepted", "ended"),
        gone=("accepted",),
        silent=N_("自收到材料之日起视为受理"),
        laws=(Law(N_("行政许可法"), N_("第三十二条第一款第四项"), _LICENSING_SINCE), _WORKDAYS),
    ),
    ClockRule(
        kind=SUPPLEMENT,
        label=N_("补正期限"),
        starts=("supplement_asked",),
        limit=LastDay("supplement_until", N_("补正告知书写明的最后一日")),
        halt=Halt.NOTHING,
        extendable=False,
        stops=(),
        gone=("supplemented", "decided", "ended"),
        silent=N_("补正不来办结；告知书未写最后一日的，不终止"),
        laws=(Law(N_("行政许可法"), N_("第三十二条（补正的期限法律未规定，由告知书写明）"), _LICENSING_SINCE),),
    ),
    ClockRule(
        kind=LACKING,
        label=N_("容缺期限"),
        starts=("lacking_since",),
        limit=LastDay("lacking_until", N_("容缺受理通知书写明的各材料最后一日，取最早")),
        halt=Halt.NOTHING,
        extendable=False,
        stops=(),
        gone=("decided", "ended"),
        silent=N_("容缺逾期终止"),
        laws=(Law(N_("各地容缺受理办法"), N_("按材料逐项约定时限（法律未规定）"), ""),),
    ),
    ClockRule(
        kind=PROMISED,
        label=N_("承诺期限"),
        starts=("accepted",),
        limit=OfItem("promised_days", N_("承诺办结时限")),
        halt=Halt.SPECIAL,
        extendable=True,
        stops=("decided", "ended"),
        gone=(),
        silent=N_("超期，仍须作出决定"),
        laws=(Law("GB/T 39046-2020", N_("表 4 承诺办结时限"), "2020-10-01"),),
    ),
    ClockRule(
        kind=STATUTORY,
        label=N_("法定期限"),
        starts=("accepted",),
        limit=OfItem("legal_days", N_("法定办结时限")),
        halt=Halt.SPECIAL,
        extendable=True,
        stops=("decided", "ended"),
        gone=(),
        silent=N_("超期，仍须作出决定"),
        laws=(
            Law(
                N_("行政许可法"), N_("第四十二条（二十日，可延长一次，十日）、第四十五条（特别程序）"), _LICENSING_SINCE
            ),
            _WORKDAYS,
            Law(N_("民法典"), N_("第二百零三条（自然日的最后一日是休息日的，顺延）"), "2021-01-01"),
        ),
    ),
)
RULE_OF: dict[str, ClockRule] = {rule.kind: rule for rule in CLOCKS}

_HEAD = f"""# The clocks of a case

Generated from the table in `casework/clock_table.py` by `python -m casework.state_picture`; do not edit.
The day on which a clock starts does not count (民法典第二百零一条). It is 临期 with at most {NEAR_DAYS} day left, or
with at most {NEAR_PERCENT} % of its limit.
"""
_COLUMNS = ("期限", "kind", "起算", "时长", "计算单位", "停止计时", "延长", "终止", "到期无人处理", "依据", "施行日期")


def _limit_cells(rule: ClockRule) -> tuple[str, str]:
    match rule.limit:
        case Fixed(n, unit):
            return str(n), UNITS[unit]
        case OfItem(field, words):
            return f"事项的{words}（`{field}`）", UNITS[""]
        case LastDay(_, words):
            return words, "—"


def _cells(rule: ClockRule) -> Iterator[str]:
    *sooner, base = (MOMENTS[name] for name in rule.starts)
    yield from (rule.label, rule.kind, f"{base}之日" + "".join(f"；有{word}的，自{word}之日" for word in sooner))
    yield from _limit_cells(rule)
    yield rule.halt.value
    yield f"一次，最多 {EXTENSION_DAYS_MAX} 日（延长审批）" if rule.extendable else "不可"
    yield "；".join(MOMENTS[name] for name in rule.stops or rule.gone)
    yield rule.silent
    yield "；".join(f"{law.name} {law.articles}" for law in rule.laws)
    yield "；".join(dict.fromkeys(f"{law.name} {law.since or '—'}" for law in rule.laws))


def page() -> str:
    """Return the text of docs/clocks.md."""
    rows = [f"| {' | '.join(_cells(rule))} |" for rule in CLOCKS]
    return "\n".join([_HEAD, f"| {' | '.join(_COLUMNS)} |", "|---" * len(_COLUMNS) + "|", *rows]) + "\n"
