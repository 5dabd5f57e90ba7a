"""The papers of the window: receipt, material transfer note, supplement notice, and what goes with 容缺. Pure."""

from __future__ import annotations

from casework.case_parts import Material
from casework.paper_form import Facts, Kind, Paper, Table, ask_words, base_facts, day_of, day_words, privacy_notice
from casework.states import COUNTY, HOME, STATE_NAMES, TOWNSHIP, State, deciding_office, holder_of

LOCAL_RECEIPT = "本地收件回执（待县级确认）"


def receipt(facts: Facts, _: int) -> Paper:
    """收件回执: what was handed in, when, where; before the county's record it says that it is local."""
    state, item = facts.state, facts.item
    closing = ["请妥善保管本回执。扫描二维码可以查看办理进度；电话询问时请报收件码。"]
    if facts.custody:
        closing.append(facts.custody)
    if not facts.confirmed:
        closing.append("本回执由收件站点在本机出具；内容送到县级并确认后，以县级登记为准。")
        if item and item.receipt_effect == "agent":
            closing.append("站点受申请人委托代为递交，受理时间以受理机关收到之日为准。")
    state_name = STATE_NAMES[state.state] if state.state else "内容未能读出"
    return Paper(
        Kind.RECEIPT,
        "收件回执" if facts.confirmed else LOCAL_RECEIPT,
        "",
        f"{facts.applicant}：您申请办理「{facts.item_name}」所交的材料已经收到，清单如下。",
        (
            *base_facts(facts),
            ("收件日期", day_words(state.received)),
            ("收件站点", f"{facts.home_name}（站点 {state.home}）"),
            ("目前进度", state_name),
        ),
        tuple(clock.text() + "。" for clock in facts.clocks),
        (_received(facts),),
        tuple(closing),
        ("收件人（签字或盖章）", "申请人（签字）"),
        facts.home_name,
        state.received,
        (privacy_notice(facts),),
    )


def _received(facts: Facts) -> Table:
    rows = [(str(n), one.name, how_brought(one)) for n, one in enumerate(facts.state.materials, 1)]
    return Table("收到的材料", ("序号", "材料", "收取方式"), tuple(rows) or (("—", "没有材料", "—"),))


def how_brought(one: Material) -> str:
    """In which way a material is there."""
    if one.seen:
        return "已核对原件"
    return "免提交" if one.exempt else f"扫描 {len(one.pages)} 页"


def transfer(facts: Facts, _: int) -> Paper:
    """材料流转单: which papers travel with whom; each hand signs."""
    rows = []
    for n, one in enumerate(facts.state.materials, 1):
        rule = facts.item.material(one.name) if facts.item else None
        if one.exempt:
            originals = copies = "不流转"
        else:
            originals, copies = (_count(rule.originals), _count(rule.copies)) if rule else ("____份", "____份")
        rows.append((str(n), one.name, originals, copies, how_brought(one)))
    return Paper(
        Kind.TRANSFER,
        "材料流转单",
        "",
        f"下列纸质材料由{facts.home_name}便民服务站移送{_receiver(facts)}。请逐份清点，数目不符的划去并写明实数。",
        (*base_facts(facts), ("移出", f"{facts.home_name}便民服务站"), ("移往", _receiver(facts))),
        tables=(
            Table("移送的材料", ("序号", "材料", "原件", "复印件", "收件时"), tuple(rows)),
            Table(
                "交接记录",
                ("环节", "姓名（签字）", "日期和时间", "原件/复印件份数"),
                tuple((step, "", "", "") for step in ("交出", "携带", "接收", "退回申请人")),
            ),
        ),
        closing=(
            "身份证等须当场核对的原件核对后应当当场退还申请人，不得随单移送。本单一式两份，交出方和接收方各存一份。",
        ),
        seal=facts.home_name,
        day=facts.now[:10],
    )


def _count(copies: int) -> str:
    return f"{copies} 份" if copies else "—"


def _receiver(facts: Facts) -> str:
    """Who has the case after the home: the township where it reviews first, else who decides."""
    course = facts.state.course()
    office = facts.state.holder
    if office in ("", HOME):
        first = holder_of(State.COLLECTED, course)
        office = first if first not in ("", HOME) else deciding_office(course)
    if office == TOWNSHIP:
        return f"{facts.township_name}便民服务中心"
    return facts.authority if office == COUNTY else f"{facts.home_name}便民服务站"


def supplement(facts: Facts, _: int) -> Paper:
    """补正告知书: all defects at once (行政许可法第三十二条第一款第四项), until when, and what follows otherwise."""
    asked = facts.state.supplement
    assert asked is not None
    rows = tuple((str(n), str(d["subject"]), str(d["what"])) for n, d in enumerate(asked.defects, 1))
    if asked.until:
        until = (
            f"请于 {day_words(asked.until)}前（含当日）把上列内容一次补齐，交到{facts.home_name}便民服务站。"
            "逾期不补正的，本件按「补正不来」终止办理，您可以重新申请。"
        )
    else:
        until = f"请把上列内容一次补齐，交到{facts.home_name}便民服务站。本次告知没有设定最后期限。"
    paragraphs = (f"另：{asked.note}",) if asked.note else ()
    return Paper(
        Kind.SUPPLEMENT,
        "补正告知书",
        "",
        f"{facts.applicant}：您申请办理「{facts.item_name}」的材料经审查，有下列内容需要补正，现一次性告知您。",
        (*base_facts(facts), ("告知日期", day_words(day_of(asked.asked_at)))),
        paragraphs,
        (Table("需要补正的内容", ("序号", "材料或项目", "问题和要求"), rows),),
        (
            until,
            "补正期间受理期限停止计算，自补齐之日起重新计算。",
            "未在法定期限内一次告知的，自收到申请材料之日起即为受理（《行政许可法》第三十二条）。",
        ),
        ("申请人（签收）", "签收日期"),
        issuer(facts, asked.office),
        day_of(asked.asked_at),
        (f"不清楚怎么补的，请问{ask_words(facts)}。",),
    )


def issuer(facts: Facts, office: str) -> str:
    """The organ behind an office of the case."""
    return {HOME: facts.home_name, TOWNSHIP: facts.township_name}.get(office) or facts.authority


def tolerance(facts: Facts, _: int) -> Paper:
    """容缺受理通知书: name, form and last day of what may follow, and what its absence leads to."""
    state = facts.state
    return Paper(
        Kind.TOLERANCE,
        "容缺受理通知书",
        "",
        f"{facts.applicant}：您申请办理「{facts.item_name}」的主要材料齐全，次要材料暂缺。根据您的承诺，本机关先予受理并开始审查。",
        (*base_facts(facts), ("受理日期", day_words(day_of(state.accepted_at)))),
        tables=(_lacking(facts),),
        closing=(
            f"请按上表期限把所缺材料交到{facts.home_name}便民服务站。材料补齐之前，不作出准予决定，不发放证照。",
            "任何一项逾期没有补齐的，本件按「容缺逾期」终止办理，您可以备齐材料后重新申请。",
            "本通知书一式两份，申请人和受理机关各存一份，与《容缺受理承诺书》一并归档。",
        ),
        signatures=("申请人（签收）", "签收日期"),
        seal=facts.authority,
        day=day_of(state.accepted_at),
        notices=(f"咨询：{ask_words(facts)}。",),
    )


def commitment(facts: Facts, _: int) -> Paper:
    """容缺受理承诺书: the applicant's own promise."""
    return Paper(
        Kind.COMMITMENT,
        "容缺受理承诺书",
        "",
        f"{facts.authority}：本人（本单位）申请办理「{facts.item_name}」，下列材料暂时不能提交，现作出承诺。",
        base_facts(facts),
        tables=(_lacking(facts),),
        closing=(
            "一、已交的材料真实、合法、有效，所缺材料已经具备或者能够按期取得。",
            "二、保证在上表所列期限内补齐，并且补交的材料符合要求。",
            "三、知道材料补齐之前不发放证照；逾期不补齐的，终止办理，由此产生的后果自行承担。",
            "四、如有虚假承诺，愿意承担相应的法律责任。",
        ),
        signatures=("承诺人（签字或盖章）", "联系电话", "日期"),
        day="",
    )


def _lacking(facts: Facts) -> Table:
    rows = []
    for n, one in enumerate(facts.state.lacking, 1):
        form = _form_of(facts, one.name)
        filled = f"已于 {day_of(one.filled_at)} 补交" if one.filled_at is not None else "待补"
        rows.append((str(n), one.name, form, one.due, filled))
    if not rows:
        # The letter is signed before the organ decides whether it lets them follow.
        rows = [
            (str(n), name, _form_of(facts, name), "由受理机关写明", "待补") for n, name in enumerate(facts.to_come, 1)
        ]
    return Table("容缺的材料", ("序号", "材料", "形式", "最后期限", "现况"), tuple(rows))


def _form_of(facts: Facts, name: str) -> str:
    rule = facts.item.material(name) if facts.item else None
    if rule is None:
        return "按材料清单"
    words = [f"原件 {rule.originals} 份"] if rule.originals else []
    words += [f"复印件 {rule.copies} 份"] if rule.copies else []
    return "，".join(words) or "出示原件"
