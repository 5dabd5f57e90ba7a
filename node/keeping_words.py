"""What is saved, what waits and what would be lost, in words for whoever sits at the window. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from casework.texts import say
from casework.web.amounts import size_text
from casework.web.i18n import N_
from casework.web.render import moment
from node.keeping import Count, Kept
from node.sync_status import SyncStatus, ago, contact_text
from node.transfer import Transfer
from node.watching import Measured, Situation

Translate = Callable[[str], str]
NOTHING_LOST = N_("如果本机现在坏了，已收的件都不会丢：上级都已签收")
_STALE_SECONDS = 120


@dataclass(frozen=True, slots=True)
class Words:
    """`rows`: label and sentence. `loss`: what would be lost if the machine broke now; `at_risk` when that is anything.
    `progress`: one sentence on the transfer under way, "" for none, with `done` and `whole` for a bar.
    """

    rows: tuple[tuple[str, str], ...]
    loss: str
    remedy: str
    at_risk: bool
    progress: str
    done: int
    whole: int

    def lines(self) -> list[str]:
        """The same as lines of text."""
        said = [say("{label}：{text}", label=label, text=text) for label, text in self.rows]
        return [
            *said,
            *([self.progress] if self.progress else []),
            self.loss + (say("。{remedy}", remedy=self.remedy) if self.remedy else ""),
        ]


def words(situation: Situation, status: SyncStatus, now: int, _: Translate = str) -> Words:
    """`now` in unix seconds."""
    found, transfer = situation.kept, situation.transfer
    rows = [
        (_("本机已存"), _things(0, found.saved, _)),
        (_("尚未送到上级"), _waiting(found, now, _)),
        (_("最近联系"), contact_text(status, now, _)),
        (_("实测网速"), goodput_text(situation.goodput, now, _)),
    ]
    if found.coming:
        text = _("{n} 份，{size}").format(n=found.coming, size=size_text(found.coming_bytes, _))
        rows.append((_("等待从上级取回"), text))
    lost = _loss(found, _)
    return Words(
        rows=tuple(rows),
        loss=_("如果本机现在坏了，会丢失：{what}").format(what=lost)
        if lost
        else _("如果本机现在坏了，已收的件都不会丢：上级都已签收"),
        remedy=_remedy(found, _),
        at_risk=bool(lost),
        progress=transfer_text(transfer, status.error_code, _) if transfer else "",
        done=transfer.bytes_done if transfer else 0,
        whole=transfer.bytes_all if transfer else 0,
    )


def _things(entries: int, count: Count, _: Translate) -> str:
    """What of a count is there, in words; "" for nothing but cases of nought."""
    parts = [_("{n} 条记录（{m} 件办件）").format(n=entries, m=count.cases)] if entries else []
    if not entries:
        parts = [_("{n} 件办件").format(n=count.cases)]
    if count.pages:
        parts.append(_("{n} 页扫描件").format(n=count.pages))
    return _("，").join(parts)


def _unsigned(count: Count, _: Translate) -> str:
    if count.entries:
        return _things(count.entries, count, _)
    return _("{n} 页扫描件").format(n=count.pages) if count.pages else ""


def _waiting(found: Kept, now: int, _: Translate) -> str:
    what = _unsigned(found.waiting, _)
    if not what:
        return _("没有") if not found.blobs_left else _("只剩预览图")
    if not found.waiting.oldest:
        return what
    waited = ago(max(0, now - found.waiting.oldest), _)
    return _("{what}；最早一条已等 {ago}").format(what=what, ago=waited)


def _loss(found: Kept, _: Translate) -> str:
    parts = [_unsigned(found.alone, _)]
    if found.drafts:
        with_pages = _("（{n} 页扫描件）").format(n=found.draft_pages) if found.draft_pages else ""
        parts.append(_("{n} 份没有提交的草稿").format(n=found.drafts) + with_pages)
    return _("，").join(part for part in parts if part)


def _remedy(found: Kept, _: Translate) -> str:
    said = []
    if _unsigned(found.alone, _):
        said.append(_("请尽快接通网络，或导出U盘包带到上级"))
    if found.drafts:
        said.append(_("草稿提交后才会上报"))
    return _("；").join(said)


def goodput_text(measured: Measured, now: int, _: Translate = str) -> str:
    """Both directions as far as they were measured."""
    parts = []
    if measured.up:
        parts.append(_("上行 {rate}").format(rate=rate_text(measured.up, _)))
    if measured.down:
        parts.append(_("下行 {rate}").format(rate=rate_text(measured.down, _)))
    if not parts:
        return _("还没有测得（传过扫描件才知道）")
    at = _("（{at} 测得）").format(at=moment(measured.at)) if now - measured.at > _STALE_SECONDS else ""
    return _("，").join(parts) + at


def progress_line(situation: Situation, error: str) -> str:
    """One line for a terminal, "" while no scan is on its way. error: the link's, "" while it answers."""
    return transfer_text(situation.transfer, error) if situation.transfer else ""


def transfer_text(transfer: Transfer, error: str, _: Translate = str) -> str:
    """How far it is, and how long still."""
    done = _("正在上报扫描件：已传 {n}/{m} 页，{done}/{whole}").format(
        n=transfer.pages_done,
        m=transfer.pages_all,
        done=size_text(transfer.bytes_done, _),
        whole=size_text(transfer.bytes_all, _),
    )
    if error:
        return done + _("；现在没有连上，恢复后接着传")
    if transfer.seconds_left is None:
        return done + _("；还估不出要多久")
    return done + _("；还要大约 {time}").format(time=time_text(transfer.seconds_left, _))


def time_text(seconds: int, _: Translate = str) -> str:
    """Rounded as a person would say it."""
    if seconds < 60:
        return _("不到 1 分钟")
    return ago(seconds, _)


def rate_text(rate: float, _: Translate = str) -> str:
    return _("{size}/秒").format(size=size_text(round(rate), _))
