"""Whether a scanned slip or certificate is genuine, in words for who stands at the window. Pure.

Facts come in, a verdict comes out: what the log says of the signature, what the county has said of the certificate,
what this machine itself holds of the case. Every verdict says by what word of the county it was reached.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from casework.case_log import Checked
from casework.scan_text import Scan
from casework.slips import RESULT_KIND, SLIP_KIND, Result, Signer, Slip, Words, parse_result, parse_slip
from casework.texts import N_, say
from casework.workdays import china_day

Said = tuple[tuple[str, str], ...]


class Verdict(StrEnum):
    """What may be believed."""

    GENUINE = "genuine"
    REVOKED = "revoked"
    EXPIRED = "expired"
    UNCONFIRMED = "unconfirmed"


VERDICT_WORDS: dict[Verdict, str] = {
    Verdict.GENUINE: N_("真实有效"),
    Verdict.REVOKED: N_("真实，但已撤销"),
    Verdict.EXPIRED: N_("真实，但已过有效期"),
    Verdict.UNCONFIRMED: N_("不能确认"),
}


@dataclass(frozen=True, slots=True)
class Reason:
    """Why, and what to do next."""

    words: str
    remedy: str = ""


REASONS: dict[str, Reason] = {
    "": Reason(N_("签名由本县的证书签出，内容没有被改动")),
    "later_revoked": Reason(
        N_("签发时证书有效；签发以后，这个站点的证书已注销"), N_("截至签发时真实；如有疑问，请到县级核对这一件")
    ),
    "no_code": Reason(N_("没有读到查询码"), N_("请对准二维码重新扫描；或手工输入回执上的 26 位查询码")),
    "no_statement": Reason(N_("只读到查询码，没有签名，本机不能脱网查验"), N_("请扫描整个二维码，不要只输入查询码")),
    "cut_short": Reason(N_("二维码没有读全，后面缺了一段"), N_("请把纸铺平、擦净，重新扫描整个二维码")),
    "altered": Reason(N_("签名对不上，内容被改动过，或不是本县签发的"), N_("请不要采信；请申请人到原受理窗口核对")),
    "other_code": Reason(N_("这段签名是另一张凭证上的，不属于这个查询码"), N_("请不要采信；请申请人到原受理窗口核对")),
    "foreign": Reason(N_("这不是本县签发的"), N_("请到签发地的政务服务中心核验")),
    "unknown_hub_key": Reason(N_("本机还没有签发时所用的县级密钥"), N_("先联网一次（或导入一次U盘包），再查验")),
    "revoked_before": Reason(N_("签发之前，这个站点的证书已经注销"), N_("请不要采信；请与县级联系")),
    "unknown_kind": Reason(N_("这是本机程序还不认识的一种凭证"), N_("请升级本机程序后再查验，或到县级核验")),
    "unreadable": Reason(N_("签名是真的，但内容读不懂"), N_("请升级本机程序后再查验，或到县级核验")),
    "not_entitled": Reason(N_("签发单位无权决定这个事项"), N_("请不要采信；请与县级联系")),
    "case_differs": Reason(N_("与本机查到的办件对不上"), N_("请不要采信；请打开办件核对，或与县级联系")),
    "not_in_effect": Reason(N_("本机查到这一件目前不是准予状态"), N_("请打开办件核对，或与县级联系")),
    "result_revoked": Reason(N_("这份结果凭证已被县级撤销"), N_("凭证不再有效；请按撤销的理由处理")),
    "expired": Reason(N_("证照的有效期已过"), N_("请申请人办理延续或换证")),
}
_FAULTS = {
    "cut_short": "cut_short",
    "other_context": "other_code",
    "foreign": "foreign",
    "unknown_certificate": "unknown_hub_key",
    "certificate_revoked": "revoked_before",
}
TIER_WORDS = {"village": N_("村站"), "township": N_("乡镇"), "county": N_("县级")}


@dataclass(frozen=True, slots=True)
class KnownCase:
    """What this machine holds of the case itself: its 收件码, state (zh-CN), whether it is granted, its topic."""

    code: str
    state: str
    granted: bool
    topic: bytes


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known here. checked: None where no whole statement was scanned. host: of the county's own address, "" if
    it has said none. revoked: since when and why the certificate counts no more. deciding: who decides the item
    («village», «township», «county», «external») in any version held here, empty where the item is unknown. as_of: of
    when the last word of the county here is (unix s).
    """

    scan: Scan | None
    checked: Checked | None
    today: date
    as_of: int
    host: str = ""
    revoked: tuple[int, str] | None = None
    deciding: frozenset[str] = frozenset()
    item_name: str = ""
    issuer_name: str = ""
    case: KnownCase | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    """The verdict; reason is a key of REASONS. why: of a revocation. says: (label, value) of what was signed."""

    verdict: Verdict
    reason: str
    as_of: int
    kind: str = ""
    issuer: str = ""
    why: str = ""
    says: Said = ()
    case: KnownCase | None = None
    signed_at: int = 0
    author: int = 0

    @property
    def genuine(self) -> bool:
        return self.verdict is Verdict.GENUINE

    def report(self) -> dict[str, object]:
        """For a program; times in unix seconds."""
        reason = REASONS[self.reason]
        return {
            "genuine": self.genuine,
            "verdict": self.verdict.value,
            "words": VERDICT_WORDS[self.verdict],
            "reason": self.reason,
            "why": self.why or reason.words,
            "remedy": reason.remedy,
            "kind": self.kind,
            "issuer": self.issuer,
            "author": self.author,
            "signed_at": self.signed_at,
            "says": dict(self.says),
            "case_state": self.case.state if self.case else "",
            "as_of": self.as_of,
        }


@dataclass(frozen=True, slots=True)
class Payload:
    """What a statement says, as read; both None where it cannot be read."""

    slip: Slip | None = None
    result: Result | None = None

    @property
    def item(self) -> str:
        one = self.slip or self.result
        return one.item if one else ""


def payload_of(checked: Checked) -> Payload:
    """Read what was signed; by a signature that does not verify it is nothing."""
    if checked.fault:
        return Payload()
    if checked.kind == SLIP_KIND:
        signer = Signer(checked.author, checked.region, checked.audience, checked.epoch)
        return Payload(slip=parse_slip(checked.payload, signer))
    return Payload(result=parse_result(checked.payload)) if checked.kind == RESULT_KIND else Payload()


def judge_scan(facts: Facts) -> Finding:
    """The verdict on what was scanned."""
    checked = facts.checked
    if facts.scan is None:
        return _unconfirmed(facts, "no_code")
    if checked is None:
        return _unconfirmed(facts, "no_statement" if facts.scan.whole else "cut_short")
    if checked.fault:
        return _unconfirmed(facts, _fault_reason(facts, checked))
    if checked.kind not in (SLIP_KIND, RESULT_KIND):
        return _unconfirmed(facts, "unknown_kind")
    payload = payload_of(checked)
    if payload.slip is not None:
        return _slip_finding(facts, checked, payload.slip)
    if payload.result is not None:
        return _result_finding(facts, checked, payload.result)
    return _unconfirmed(facts, "unreadable")


def _fault_reason(facts: Facts, checked: Checked) -> str:
    """A signature that fails under another county's address is more likely that county's than a forgery of ours."""
    host = facts.scan.host if facts.scan else ""
    if checked.fault == "bad_signature" and host and facts.host and host != facts.host:
        return "foreign"
    return _FAULTS.get(checked.fault, "altered")


def _unconfirmed(facts: Facts, reason: str) -> Finding:
    return Finding(Verdict.UNCONFIRMED, reason, facts.as_of, case=facts.case)


def _signed(
    facts: Facts, checked: Checked, verdict: Verdict, reason: str, kind: str, says: Said, why: str = ""
) -> Finding:
    issuer = say(
        "{what}（{tier_words}）",
        what=facts.issuer_name or checked.region,
        tier_words=TIER_WORDS.get(checked.tier, checked.tier),
    )
    shown = tuple((label, value) for label, value in says if value)
    if verdict is Verdict.GENUINE and checked.revoked:
        reason = "later_revoked"
    return Finding(verdict, reason, facts.as_of, kind, issuer, why, shown, facts.case, checked.time, checked.author)


def _slip_finding(facts: Facts, checked: Checked, slip: Slip) -> Finding:
    says = (
        (N_("收件码"), slip.code.pretty()),
        (N_("事项"), facts.item_name or slip.item),
        (N_("收件日期"), slip.code.day.isoformat()),
        (N_("打印时"), N_("县级已记录") if slip.recorded else N_("本地收件，县级还没有确认")),
    )
    differs = facts.case is not None and facts.case.code not in ("", slip.code.text)
    verdict = Verdict.UNCONFIRMED if differs else Verdict.GENUINE
    return _signed(facts, checked, verdict, "case_differs" if differs else "", N_("收件回执"), says)


def _result_finding(facts: Facts, checked: Checked, result: Result) -> Finding:
    says = (
        (N_("事项"), facts.item_name or result.item),
        (N_("决定"), N_("准予")),
        (N_("决定日期"), result.decided.isoformat()),
        (N_("持有人"), _shown(result.holder)),
        (N_("证照"), _shown(result.title)),
        (N_("证照编号"), _shown(result.number)),
        (N_("有效期至"), result.until.isoformat() if result.until else ""),
    )
    verdict, reason, why = _standing(facts, checked, result)
    return _signed(facts, checked, verdict, reason, N_("结果凭证"), says, why)


def _standing(facts: Facts, checked: Checked, result: Result) -> tuple[Verdict, str, str]:
    if not _entitled(checked, facts.deciding):
        return Verdict.UNCONFIRMED, "not_entitled", ""
    if facts.revoked is not None:
        since, why = facts.revoked
        return (
            Verdict.REVOKED,
            "result_revoked",
            say("{china_day} 撤销：{why}", china_day=china_day(since).isoformat(), why=why),
        )
    if facts.case is not None and not facts.case.granted:
        return Verdict.UNCONFIRMED, "not_in_effect", ""
    if result.until is not None and result.until < facts.today:
        return Verdict.EXPIRED, "expired", ""
    return Verdict.GENUINE, "", ""


def _entitled(checked: Checked, deciding: frozenset[str]) -> bool:
    """A stolen station's key must not grant what the county alone decides; of an unknown item nobody here can tell.

    A township decides what its own window took in as well; the county enters everything else.
    """
    if checked.tier == "county" or not deciding:
        return True
    if checked.tier == "township":
        return not deciding.isdisjoint(("village", "township"))
    return "village" in deciding


def _shown(words: Words) -> str:
    return words.text + ("…" if words.digest else "")
