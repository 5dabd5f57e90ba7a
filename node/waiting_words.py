"""Why a case is not settled at the county yet, and the one thing to do about it. Pure.

The reason is the nearest one: what was refused, the line to the parent, the township, the county, the scans.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from casework.case_log import Custody
from casework.refusals import Code, explain
from casework.texts import N_, say, translate
from casework.web.link_words import reason_text
from node.sync_status import OFFLINE_SECONDS, SyncStatus

Translate = Callable[[str], str]
TOWNSHIP_SECONDS = 24 * 3600
"""A township that has had a case for so long without passing it on may be cut off itself."""
_WHERE_TO = {
    Code.BAD_BODY: (N_("去更正"), "/do/correct"),
    Code.BAD_BLOB: (N_("去更正"), "/do/correct"),
    Code.NOT_COLLECTED: (N_("重新收件"), "/intake"),
    Code.WRONG_ROUTE: (N_("重新收件"), "/intake"),
}
"""Where what was refused is mended; a path that begins a page of the case, or a page of its own."""


@dataclass(frozen=True, slots=True)
class NextStep:
    """Why it waits (a sentence without its full stop), and the label and address of the one thing to do; both "" where
    it goes on by itself."""

    why: str
    label: str = ""
    address: str = ""


@dataclass(frozen=True, slots=True)
class Waiting:
    """What is known of a case that waits: its trouble's code or "", how far it is, when it changed last, its page."""

    trouble: str
    custody: Custody | None
    changed: int
    path: str


def next_step(one: Waiting, link: SyncStatus, now: int, *, may_carry: bool, _: Translate = str) -> NextStep:
    """`may_carry`: whether this person may write a stick. Words are in the language of `_`."""
    if one.trouble:
        return _of_trouble(one, _)
    stick = NextStep("", _("导出U盘包"), "/courier") if may_carry else NextStep("")
    look = NextStep("", _("看运行状态"), "/status")
    if one.custody is None:
        return NextStep(_("还没有读到这一件的记录"), look.label, look.address)
    if one.custody.tier >= 2 and not one.custody.settled:
        return NextStep(_("县级要人工核对，核对后自动更新"), _("打开办件"), one.path)
    if one.custody.tier == 1:
        slow = now - one.changed > TOWNSHIP_SECONDS
        way = stick if slow else NextStep("")
        return NextStep(
            _("乡镇还没有报到县级，请打电话问乡镇") if slow else _("等乡镇报到县级"), way.label, way.address
        )
    if link.error_code:
        cut = link.error_code in ("transfer_failed", "bad_nonce")
        way = stick if cut and stick.label else look
        return NextStep(reason_text(link.error_code, _), way.label, way.address)
    if link.busy:
        return NextStep(_("正在上报"))
    if now - link.last_contact > max(OFFLINE_SECONDS, link.silence_seconds):
        way = stick if stick.label else look
        return NextStep(_("很久没有联系上上级"), way.label, way.address)
    missing = one.custody.blobs - one.custody.blobs_county
    if one.custody.tier >= 2 and missing > 0:
        return NextStep(translate(say(N_("还有 {n} 页扫描件在路上"), n=missing), _))
    return NextStep(_("排在上报的队里，马上送出"))


def _of_trouble(one: Waiting, _: Translate) -> NextStep:
    said = explain(one.trouble)
    known = one.trouble in {code.value for code in Code}
    label, path = _WHERE_TO.get(Code(one.trouble), ("", "")) if known else ("", "")
    address = path if path == "/intake" else f"{one.path}{path}"
    return NextStep(f"{_(said.text)}{_('。')}{_(said.remedy)}", _(label or N_("打开办件")), address)
