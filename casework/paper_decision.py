"""The papers of the organ that decides: acceptance, refusal, special procedure, extension, decision, delivery. Pure."""

from __future__ import annotations

from casework.change_choices import DELIVERY_WAYS, SPECIAL_PROCEDURES
from casework.clock_table import PROMISED, STATUTORY
from casework.deadlines import Clock
from casework.paper_form import (
    Facts,
    Kind,
    Paper,
    Table,
    ask_words,
    base_facts,
    day_of,
    day_words,
    privacy_notice,
    remedy_notice,
)
from casework.states import State


def acceptance(facts: Facts, _: int) -> Paper:
    """受理通知书, with seal and date (行政许可法第三十二条第二款); 视为受理 says from which day and why."""
    state = facts.state
    since = day_of(state.accepted_at)
    if state.deemed:
        lead = (
            f"{facts.applicant}：您申请办理「{facts.item_name}」，本机关没有在五个工作日内"
            f"（至 {day_words(state.deemed)}）告知需要补正的内容。"
            f"根据《行政许可法》第三十二条，自收到申请材料之日（{day_words(since)}）起视为受理。"
        )
    else:
        lead = (
            f"{facts.applicant}：您申请办理「{facts.item_name}」，材料齐全、符合法定形式，"
            f"本机关自 {day_words(since)}起受理。"
        )
    return Paper(
        Kind.ACCEPTANCE,
        "受理通知书（视为受理）" if state.deemed else "受理通知书",
        "",
        lead,
        (*base_facts(facts), ("受理日期", day_words(since))),
        tuple(_limits(facts)),
        closing=(
            "听证、招标、拍卖、检验、检测、检疫、鉴定和专家评审所需时间不计算在期限内，本机关会另行书面告知。",
            "扫描二维码可以查看办理进度。",
        ),
        signatures=("申请人（签收）", "签收日期"),
        seal=facts.authority,
        day=since,
        notices=(f"咨询：{ask_words(facts)}。", privacy_notice(facts)),
    )


def _limits(facts: Facts) -> list[str]:
    """The limits of the decision, as they run now."""
    words = {PROMISED: "承诺", STATUTORY: "法律规定"}
    shown = [clock for clock in facts.clocks if clock.kind in words]
    return [_limit(words[clock.kind], clock) for clock in shown] or ["本事项没有公布办结期限，本机关将尽快办理。"]


def _limit(who: str, clock: Clock) -> str:
    if clock.due is None:
        return f"{who}的期限因特别程序正在停止计算，结束后接着计算。"
    guess = "（其中有尚未公布放假安排的年份，为预估）" if clock.provisional else ""
    return f"{who}的最后办结日是 {day_words(clock.due.isoformat())}{guess}。"


def refusal(facts: Facts, _: int) -> Paper:
    """不予受理通知书: why, on which basis, where to turn."""
    state = facts.state
    when = day_of(state.entered.get(State.REFUSED_ACCEPTANCE.value))
    basis = f"依据：{state.basis}。" if state.basis else "依据：《行政许可法》第三十二条。" if facts.licensing else ""
    return Paper(
        Kind.REFUSAL,
        "不予受理通知书",
        "",
        f"{facts.applicant}：您申请办理「{facts.item_name}」，经审查，本机关决定不予受理。",
        (*base_facts(facts), ("决定日期", day_words(when))),
        tuple(line for line in (f"理由：{state.reason}", basis) if line),
        closing=(
            "不属于本机关职权的，可以向有关行政机关申请；条件具备后可以重新申请。",
            remedy_notice(),
        ),
        signatures=("申请人（签收）", "签收日期"),
        seal=facts.authority,
        day=when,
        notices=(f"咨询：{ask_words(facts)}。",),
    )


def special(facts: Facts, ordinal: int) -> Paper:
    """特别程序告知书: which, why, how long; its time does not count (行政许可法第四十五条)."""
    one = facts.state.procedures[ordinal - 1]
    name = SPECIAL_PROCEDURES.get(one.procedure, one.procedure)
    ended = (f"该程序已于 {day_words(day_of(one.until))}结束：{one.opinion}",) if one.until is not None else ()
    return Paper(
        Kind.SPECIAL,
        "特别程序告知书",
        "",
        f"{facts.applicant}：您申请办理的「{facts.item_name}」需要依法进行{name}。",
        (
            *base_facts(facts),
            ("特别程序", name),
            ("开始日期", day_words(day_of(one.since))),
            ("预计所需时间", f"{one.days} 日"),
        ),
        (f"原因：{one.reason}", *ended),
        closing=(
            "根据《行政许可法》第四十五条，上述时间不计算在办结期限内。",
            "程序结束后，办结期限接着计算，最后办结日相应顺延，扫描二维码可以查看。",
        ),
        signatures=("申请人（签收）", "签收日期"),
        seal=facts.authority,
        day=day_of(one.since),
        notices=(f"咨询：{ask_words(facts)}。",),
    )


def extension(facts: Facts, _: int) -> Paper:
    """延长审批告知书: by how much and why (行政许可法第四十二条)."""
    extended = facts.state.extension
    assert extended is not None
    return Paper(
        Kind.EXTENSION,
        "延长审批告知书",
        "",
        f"{facts.applicant}：您申请办理的「{facts.item_name}」不能在原定期限内作出决定，经本机关负责人批准，延长期限。",
        (
            *base_facts(facts),
            ("延长", f"{extended.days} 日（按原期限的计算单位）"),
            ("批准日期", day_words(day_of(extended.time))),
        ),
        (f"理由：{extended.reason}", *_limits(facts)),
        closing=("根据《行政许可法》第四十二条，延长期限经本行政机关负责人批准，并应当将理由告知申请人。",),
        signatures=("申请人（签收）", "签收日期"),
        seal=facts.authority,
        day=day_of(extended.time),
        notices=(f"咨询：{ask_words(facts)}。",),
    )


def decision_title(facts: Facts) -> str:
    """准予 or 不予; 行政许可 only where the item is one."""
    word = "准予" if facts.state.decision == "granted" else "不予"
    return f"{word}行政许可决定书" if facts.licensing else f"{word}办理决定书"


def decision(facts: Facts, _: int) -> Paper:
    """准予/不予决定书 (行政许可法第三十八条): a denial gives reasons and says where to turn."""
    state = facts.state
    granted = state.decision == "granted"
    when = day_of(state.decided_at)
    subject = "行政许可申请" if facts.licensing else "申请"
    if granted:
        by = "，根据《行政许可法》第三十八条第一款" if facts.licensing else ""
        lead = f"{facts.applicant}：您提出的「{facts.item_name}」{subject}，经审查，符合规定的条件{by}，决定准予。"
        paragraphs: tuple[str, ...] = ()
        closing: tuple[str, ...] = (_handed_over(facts),)
    else:
        by = "，根据《行政许可法》第三十八条第二款" if facts.licensing else ""
        lead = (
            f"{facts.applicant}：您提出的「{facts.item_name}」{subject}，经审查，不符合规定的条件{by}，决定不予批准。"
        )
        paragraphs = (f"理由：{state.reason}",)
        closing = (remedy_notice(),)
    qr = facts.result_qr if granted and facts.result_qr else ""
    return Paper(
        Kind.DECISION,
        decision_title(facts),
        "",
        lead,
        (*base_facts(facts), ("决定日期", day_words(when))),
        paragraphs,
        (_licences(facts),) if granted and state.licences else (),
        closing,
        ("申请人（签收）", "签收日期"),
        facts.authority,
        when,
        (f"咨询：{ask_words(facts)}。",),
        qr,
        "扫码核验本决定，没有网络也能验" if qr else "",
    )


def _handed_over(facts: Facts) -> str:
    """第四十四条: a licence is issued within ten working days."""
    if not facts.licensing:
        return f"结果请到{facts.home_name}便民服务站领取，也可以由代办员送达或者寄递。"
    return (
        "需要颁发证照的，自决定之日起十个工作日内颁发、送达（《行政许可法》第四十四条），"
        f"请到{facts.home_name}便民服务站领取。"
    )


def _licences(facts: Facts) -> Table:
    rows = tuple((one.title, one.number, one.until or "长期") for one in facts.state.licences)
    return Table("证照", ("名称", "编号", "有效期至"), rows)


def delivery(facts: Facts, _: int) -> Paper:
    """送达回证: what was handed over to whom, when and how; blank where that is still to be written by hand."""
    state = facts.state
    given = state.delivery
    way = DELIVERY_WAYS.get(given.how, given.how) if given else "□ 窗口领取　□ 代办员送达　□ 寄递"
    when = day_words(day_of(given.time) if given else "")
    return Paper(
        Kind.DELIVERY,
        "送达回证",
        "",
        f"下列文书送达{facts.applicant}，由受送达人或者代收人签收。",
        (
            *base_facts(facts),
            ("送达机关", facts.authority),
            ("送达地点", f"{facts.home_name}便民服务站" if given is None or given.how == "window" else ""),
            ("送达方式", way),
            ("收件人", given.to if given else ""),
            ("送达日期", when),
        ),
        (f"备注：{given.note}",) if given and given.note else (),
        (Table("送达的文书", ("序号", "文书", "份数"), tuple(_handed(facts))),),
        (
            "代收的，写明代收人与受送达人的关系和代收理由：____________________",
            "拒收的，写明事由和日期，由见证人签字：____________________",
        ),
        ("受送达人（签字或按指印）", "代收人（签字）", "送达人（签字）"),
        facts.authority,
        day_of(given.time) if given else "",
    )


def _handed(facts: Facts) -> list[tuple[str, str, str]]:
    state = facts.state
    titles = [one.title for one in state.results] + [f"{one.title}（{one.number}）" for one in state.licences]
    if not titles:
        titles = ["不予受理通知书" if not state.decision else decision_title(facts)]
    return [(str(n), title, "1") for n, title in enumerate(titles, 1)]
