"""The rules of supervision (电子监察) as a table: what each is about, its colour, its law, its thresholds.

No public definition of the purple card (紫牌) was found; it stands here for one 环节 that has used its own limit while
the case is still inside its promise. Colours, limits and whether a rule counts at all are a county's to set:
`configured` reads them from a YAML text (docs/supervision.md).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from casework.clock_table import ACCEPTANCE_WORKDAYS, EXTENSION_DAYS_MAX, NEAR_DAYS, NEAR_PERCENT
from casework.errors import BadInput, Problem
from casework.plain_reader import PlainReader
from casework.texts import N_, say
from casework.yaml_text import NotYaml, plain_of

PURPLE, YELLOW, RED = "purple", "yellow", "red"
COLOURS: Mapping[str, str] = {PURPLE: N_("紫牌"), YELLOW: N_("黄牌"), RED: N_("红牌")}
RECTIFIED, PLEA_UPHELD, LINK_LOST, UNFOUNDED = "rectified", "plea_upheld", "link_lost", "unfounded"
IN_TIME, RAISED = "in_time", "raised"
CLEARINGS: Mapping[str, str] = {
    RECTIFIED: N_("已整改"),
    PLEA_UPHELD: N_("申辩成立"),
    LINK_LOST: N_("断网免责"),
    UNFOUNDED: N_("不成立"),
    IN_TIME: N_("期限内已办理"),
    RAISED: N_("已转为红牌"),
}
"""Why a card is over. A code is never renamed or used for something else."""
BY_PERSON = (RECTIFIED, PLEA_UPHELD, LINK_LOST, UNFOUNDED)
"""What a supervisor may choose; 不成立 the program says too, of what later entries show never to have been so."""
LIMIT_MAX, PERCENT_MAX = 999, 100
CONFIG_CHARS_MAX = 20_000


@dataclass(frozen=True, slots=True)
class Rule:
    """limit: in working days, or None where the item or the law's own clock gives it; percent: of the limit, for what
    is near. used: whether the county uses it (YAML 1.1 reads «on» as a boolean). warns: the card says that something
    is near, not that it went wrong."""

    id: str
    colour: str
    name: str
    law: str
    limit: int | None = None
    percent: int | None = None
    used: bool = True
    warns: bool = False


_ITEM = N_("事项目录的环节时限（GB/T 39046-2020 办理流程）")
_DEFAULTS = (
    Rule("stage_first_review", PURPLE, N_("初审环节用完本环节时限"), _ITEM),
    Rule("stage_acceptance", PURPLE, N_("受理环节用完本环节时限"), _ITEM),
    Rule("stage_review", PURPLE, N_("审核环节用完本环节时限"), _ITEM),
    Rule("stage_decision", PURPLE, N_("审批环节用完本环节时限"), _ITEM),
    Rule("stage_delivery", PURPLE, N_("送达环节用完本环节时限"), _ITEM),
    Rule("acceptance_near", YELLOW, N_("受理期限临近"), N_("行政许可法第三十二条"), NEAR_DAYS, 0, warns=True),
    Rule("acceptance_passed", RED, N_("受理期限已过而未作处理"), N_("行政许可法第三十二条"), ACCEPTANCE_WORKDAYS),
    Rule("promise_near", YELLOW, N_("承诺期限临近"), N_("办结承诺"), NEAR_DAYS, NEAR_PERCENT, warns=True),
    Rule("promise_exceeded", RED, N_("超过承诺期限"), N_("办结承诺")),
    Rule("statutory_exceeded", RED, N_("超过法定期限"), N_("行政许可法第四十二条")),
    Rule("first_review_late", RED, N_("初审未在法定期限内报送"), N_("行政许可法第四十三条"), 20),
    Rule("delivery_late", RED, N_("决定后未在法定期限内送达"), N_("行政许可法第四十四条"), 10),
    Rule("procedure_long", RED, N_("特别程序超过告知的时间"), N_("行政许可法第四十五条")),
    Rule("extension_long", RED, N_("延长审批超过法定天数"), N_("行政许可法第四十二条"), EXTENSION_DAYS_MAX),
    Rule("extension_again", RED, N_("延长审批超过一次"), N_("行政许可法第四十二条"), 1),
    Rule("part_late", RED, N_("并联审批中部门未按时答复"), N_("行政许可法第四十二条第二款")),
    Rule("supplement_again", RED, N_("同一单位多次要求补正，未一次性告知"), N_("行政许可法第三十二条"), 1),
    Rule("no_reason", RED, N_("不予受理或不予许可未说明理由"), N_("行政许可法第三十八条")),
    Rule("same_person", RED, N_("收件人与决定人为同一人（受审分离）"), N_("受审分离")),
    Rule("clock_behind", YELLOW, N_("收件日期远早于县级收到之日，请核对站点时钟"), N_("收件时间核对"), 60),
    Rule("clock_ahead", YELLOW, N_("收件时间晚于县级收到之时，请核对站点时钟"), N_("收件时间核对"), 2),
)


class Rules:
    """The table in force. Immutable."""

    def __init__(self, rules: tuple[Rule, ...] = _DEFAULTS) -> None:
        self._by_id = {rule.id: rule for rule in rules}

    def __getitem__(self, name: str) -> Rule:
        return self._by_id[name]

    def __iter__(self) -> Iterator[Rule]:
        return iter(self._by_id.values())

    def name(self, rule: str) -> str:
        """A rule's name; of one that this program does not know its id."""
        found = self._by_id.get(rule)
        return found.name if found is not None else rule

    def law(self, rule: str) -> str:
        """What a rule rests on, or ""."""
        found = self._by_id.get(rule)
        return found.law if found is not None else ""


DEFAULT_RULES = Rules()


def configured(text: str) -> Rules:
    """The table as a county has set it; what it does not name stays. Raises BadInput with every problem.

    A YAML mapping from rule ids to any of colour (purple, yellow, red), limit, percent and used.
    """
    try:
        plain = plain_of(text) if len(text) <= CONFIG_CHARS_MAX else None
    except NotYaml as error:
        raise BadInput(
            [Problem("supervision", say("监察规则读不出来：{error}", error=error), N_("请检查写法"))]
        ) from error
    if not isinstance(plain, dict):
        raise BadInput(
            [Problem("supervision", N_("监察规则不是「规则编号: 设置」的列表"), N_("请参照 docs/supervision.md"))]
        )
    problems: list[Problem] = []
    rules = {rule.id: rule for rule in _DEFAULTS}
    for name, given in plain.items():
        if name not in rules:
            problems.append(
                Problem(
                    str(name)[:60],
                    say("没有「{str}」这条监察规则", str=str(name)[:60]),
                    N_("请参照 docs/supervision.md"),
                )
            )
            continue
        rules[name] = _set(rules[name], given, problems)
    if problems:
        raise BadInput(problems)
    return Rules(tuple(rules.values()))


def _set(rule: Rule, given: object, problems: list[Problem]) -> Rule:
    r = PlainReader(given, say("规则 {id}", id=rule.id), "", problems)
    if not isinstance(given, dict):
        return rule
    if "colour" in given:
        rule = replace(rule, colour=r.choice("colour", tuple(COLOURS)) or rule.colour)
    if "limit" in given:
        if rule.limit is None:
            r.fault("limit", N_("这条规则的时限来自事项或法律，不能另设"), N_("请删去这一行"))
        rule = replace(rule, limit=r.whole("limit", 0, LIMIT_MAX))
    if "percent" in given:
        rule = replace(rule, percent=r.whole("percent", 0, PERCENT_MAX))
    if "used" in given:
        rule = replace(rule, used=r.flag("used"))
    r.done()
    return rule


def cleared_by(code: str) -> list[str]:
    """Who gives a code."""
    return [N_("督查员")] * (code in BY_PERSON) + [N_("系统自动")] * (code in (UNFOUNDED, IN_TIME, RAISED))


def page() -> str:
    """The text of docs/supervision.md."""
    lines = [
        "# Supervision: the rules that raise cards (电子监察)",
        "",
        "Generated from `casework/supervision_rules.py` by `python -m casework.state_picture`; do not edit.",
        "",
        "A card is issued once for (case, rule, day since) and is never unmade. What was done in time after a warning,",
        "what turned into a red card, and what was never so by what arrived later, the program clears by itself;",
        "all else a supervisor clears. 断网免责 is for a person to decide. Limits are working days.",
        "",
        "`lianban-hub serve --supervision FILE` reads a county's own settings: a YAML mapping of rules to any of",
        "colour (purple, yellow, red), limit, percent and used, such as `promise_near: {limit: 2, percent: 25}` or",
        "`clock_behind: {used: false}`.",
        "",
        "## Cards end with a code",
        "",
        "| code | 消牌原因 | 由谁 |",
        "|---|---|---|",
        *(f"| `{code}` | {name} | {'、'.join(cleared_by(code))} |" for code, name in CLEARINGS.items()),
        "",
        "## Rules",
        "",
        "| rule | 颜色 | 情形 | 依据 | limit | percent |",
        "|---|---|---|---|---|---|",
    ]
    for rule in DEFAULT_RULES:
        limit, percent = (str(n) if n is not None else "–" for n in (rule.limit, rule.percent))
        lines.append(f"| `{rule.id}` | {COLOURS[rule.colour]} | {rule.name} | {rule.law} | {limit} | {percent} |")
    return "\n".join(lines) + "\n"
