"""How far this place is in step with the one above, in words. Pure.

«In step» needs what the parent signed for, never that a request came back well.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from casework.web.link_words import reason_text
from casework.web.render import moment
from casework.web.site import SyncBar

Translate = Callable[[str], str]

OFFLINE_SECONDS = 15 * 60
"""No contact for so long is worth saying; being offline is a normal state, not a fault."""
_LINK_DOWN = ("transfer_failed", "bad_nonce")


@dataclass(frozen=True, slots=True)
class SyncStatus:
    """Facts about the link. Moments in unix seconds, 0 for never; `busy` is "" unless an exchange is under way."""

    in_step: bool
    waiting_cases: int
    waiting_blobs: int
    oldest_waiting_at: int
    last_contact: int
    error_code: str
    busy: str = ""
    past_parent: bool = False
    """Whether one further up answers because the parent does not."""
    silence_seconds: int = OFFLINE_SECONDS
    """How long no contact is nothing to speak of: longer where the parent is asked now and then only."""


def sync_text(status: SyncStatus, now: int, _: Translate = str) -> str:
    """The whole sentence: how it stands, and when the parent was last reached."""
    return f"{headline(status, _)}{_('；')}{contact_text(status, now, _)}"


def headline(status: SyncStatus, _: Translate = str) -> str:
    """One of the four states: all reported, n waiting, reporting, or stuck with the reason."""
    if _stuck(status):
        return _("上报受阻（{why}）").format(why=reason_text(status.error_code, _)) + _also_waiting(status, _)
    if _waiting(status) and status.busy:
        return _("正在上报") + _also_waiting(status, _)
    if _waiting(status):
        return _waiting_text(status, _)
    return _("已全部上报") if status.in_step else _("没有待上报的内容")


def contact_text(status: SyncStatus, now: int, _: Translate = str) -> str:
    if not status.last_contact:
        return _("还没有与上级联系过")
    if status.past_parent:
        return _("乡镇连不上，已直接与县级联系；乡镇恢复后自动转回")
    if now - status.last_contact < 120:
        return _("刚刚与上级联系过")
    return _("上次联系 {at}（{ago}前）").format(at=moment(status.last_contact), ago=ago(now - status.last_contact, _))


def remedy_text(status: SyncStatus, now: int, _: Translate = str) -> str:
    """What whoever sits here does about it; "" where nothing is to be done. A reason names its own remedy."""
    if _stuck(status) and status.error_code not in _LINK_DOWN:
        return ""
    if _tone(status, now) == "offline":
        return _("请检查网线、路由器和上级是否开机。断网也能照常收件、打印；急件可以用U盘包送。")
    return ""


def sync_bar(status: SyncStatus, now: int, _: Translate = str) -> SyncBar:
    """The line under every page's header."""
    return SyncBar(_tone(status, now), headline(status, _), contact_text(status, now, _), "/status")


def _waiting(status: SyncStatus) -> bool:
    return status.waiting_cases > 0 or status.waiting_blobs > 0


def _stuck(status: SyncStatus) -> bool:
    """A broken line with nothing to report is no obstacle: it shows as the time of the last contact."""
    return status.error_code != "" and (_waiting(status) or status.error_code not in _LINK_DOWN)


def _tone(status: SyncStatus, now: int) -> str:
    if status.error_code and status.error_code not in _LINK_DOWN:
        return "attention"
    if status.error_code or now - status.last_contact > status.silence_seconds:
        return "offline"
    return "busy" if _waiting(status) else "ok"


def _waiting_text(status: SyncStatus, _: Translate) -> str:
    oldest = _("（最早 {at}）").format(at=moment(status.oldest_waiting_at)) if status.oldest_waiting_at else ""
    if not status.waiting_cases:
        return _("有 {m} 页扫描件待上报").format(m=status.waiting_blobs)
    said = _("有 {n} 件待上报").format(n=status.waiting_cases) + oldest
    return said + (_("，{m} 页扫描件").format(m=status.waiting_blobs) if status.waiting_blobs else "")


def _also_waiting(status: SyncStatus, _: Translate) -> str:
    return _("，") + _waiting_text(status, _) if _waiting(status) else ""


def ago(seconds: int, _: Translate = str) -> str:
    """A length of time in the largest unit that fits."""
    if seconds < 2 * 3600:
        return _("{n} 分钟").format(n=max(1, seconds // 60))
    if seconds < 48 * 3600:
        return _("{n} 小时").format(n=seconds // 3600)
    return _("{n} 天").format(n=seconds // 86_400)
