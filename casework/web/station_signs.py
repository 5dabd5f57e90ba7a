"""How a station stands, from what is known of it: signs, each with its word, tone and remedy, the worst first. Pure.

A station that is cut off is no fault, and what it holds is safe there; what counts is how long nobody has heard of it
while it may hold what nobody else has.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import timedelta
from enum import StrEnum
from typing import Any

from casework.texts import N_
from casework.workdays import Calendar, china_day, noon_of

CERTIFICATE_NEAR_SECONDS = 30 * 86_400
CLOCK_WRONG_SECONDS = 300
OLD_WORKDAYS = 2
"""What waits longer than so many working days for a way up may miss its time limit."""


class Tone(StrEnum):
    GOOD = "good"
    INFO = "info"
    WARN = "warn"
    BAD = "bad"


SHAPES = {Tone.GOOD: "●", Tone.INFO: "◐", Tone.WARN: "▲", Tone.BAD: "■"}
"""So that nobody needs to tell colours apart."""
_RANK = {Tone.GOOD: 0, Tone.INFO: 1, Tone.WARN: 2, Tone.BAD: 3}


class Group(StrEnum):
    """What lists are filtered by, in the order in which somebody should look."""

    TROUBLE = "trouble"
    SILENT = "silent"
    NOTICE = "notice"
    FINE = "fine"
    NOT_YET = "not_yet"


GROUP_WORDS = {
    Group.TROUBLE: N_("需处理"),
    Group.SILENT: N_("久未联系"),
    Group.NOTICE: N_("留意"),
    Group.FINE: N_("运行正常"),
    Group.NOT_YET: N_("未接入"),
}
GROUP_TONES = {
    Group.TROUBLE: Tone.BAD,
    Group.SILENT: Tone.WARN,
    Group.NOTICE: Tone.INFO,
    Group.FINE: Tone.GOOD,
    Group.NOT_YET: Tone.INFO,
}


@dataclass(frozen=True, slots=True)
class StationFacts:
    """One station, as whoever is above it knows it. Moments in unix seconds by the looker's clock, 0 for never.

    heard: the last contact, its own or as its township told; through: that township's word. reported: when the report
    was last said, 0 for none, from which come waiting (entries nobody above has signed for), oldest, alone (cases),
    alone_pages, drafts, the versions and error. gap: entries that lie at the station by its report and not here.
    held: entries that wait here for a person. area: the name of the township it lies in.
    """

    author: int
    region: str
    name: str
    tier: str
    area: str = ""
    enrolled: bool = True
    invited_until: int = 0
    revoked: str = ""
    not_after: int = 0
    machine: int = 1
    heard: int = 0
    through: bool = False
    skew: int = 0
    reported: int = 0
    number: int = 0
    here: int = 0
    waiting: int = 0
    oldest: int = 0
    waiting_pages: int = 0
    waiting_bytes: int = 0
    alone: int = 0
    alone_pages: int = 0
    drafts: int = 0
    held: int = 0
    pages_missing: int = 0
    bytes_missing: int = 0
    near: int = 0
    program: str = ""
    protocol: int = 0
    schema: str = ""
    error: str = ""
    error_at: int = 0
    forked: bool = False

    def invited(self, until: int) -> StationFacts:
        return replace(self, invited_until=until)

    @property
    def gap(self) -> int:
        return max(0, self.number - self.here)

    @property
    def at_risk(self) -> bool:
        """Whether anything would be lost with its machine, as far as it has said."""
        return bool(self.alone or self.alone_pages or self.drafts)


def station_facts(
    known: Any, *, author: int, region: str, name: str, area: str, tier: str, near: int = 0
) -> StationFacts:
    """From what the log knows of a station (`sync_protocol.store.known_stations.Known`)."""
    certificate, said = known.certificate, known.said
    facts = StationFacts(
        author=author,
        region=region,
        name=name,
        tier=tier,
        area=area,
        enrolled=certificate is not None,
        revoked=known.revoked,
        not_after=certificate.not_after if certificate else 0,
        machine=certificate.epoch + 1 if certificate else 0,
        heard=known.heard,
        through=known.heard > known.contact,
        skew=known.skew,
        here=known.here,
        held=known.held,
        pages_missing=known.blobs_missing,
        bytes_missing=known.bytes_missing,
        near=near,
        forked=known.forked,
    )
    return _reported(facts, said.report, said.heard) if said is not None else facts


def _reported(facts: StationFacts, report: Any, heard: int) -> StationFacts:
    """With what the station said of itself; heard: when that came, by the looker's clock."""
    return replace(
        facts,
        reported=heard,
        number=report.number,
        waiting=report.waiting,
        oldest=report.oldest and report.oldest - facts.skew,
        waiting_pages=report.waiting_blobs,
        waiting_bytes=report.waiting_bytes,
        alone=report.alone,
        alone_pages=report.alone_blobs,
        drafts=report.drafts,
        program=report.program,
        protocol=report.protocol,
        schema=report.schema,
        error=report.error,
        error_at=report.error_at and report.error_at - facts.skew,
    )


@dataclass(frozen=True, slots=True)
class Today:
    """What stations are held against: the moment, since when a station in order has been heard of, from when on what
    waits is no longer new, and this program's own versions."""

    now: int
    silent_before: int
    old_before: int
    program: str = ""
    protocol: int = 0


def today_at(now: int, calendar: Calendar, program: str, protocol: int) -> Today:
    """Silent is who was not heard of for a whole working day: over a weekend nobody is missed."""
    return Today(now, _workdays_back(now, calendar, 1), _workdays_back(now, calendar, OLD_WORKDAYS), program, protocol)


def _workdays_back(now: int, calendar: Calendar, count: int) -> int:
    day = china_day(now)
    while count:
        day -= timedelta(days=1)
        count -= calendar.is_workday(day)
    return noon_of(day.isoformat()) - 12 * 3600


@dataclass(frozen=True, slots=True)
class Sign:
    """One thing to know. `word` stands in the grid; `why` and `remedy` on the station's page, both with {n}."""

    key: str
    tone: Tone
    word: str
    why: str = ""
    remedy: str = ""
    n: int = 0


@dataclass(frozen=True, slots=True)
class Look:
    """A station with its signs, the worst first; never none."""

    facts: StationFacts
    signs: tuple[Sign, ...]

    @property
    def worst(self) -> Sign:
        return self.signs[0]

    @property
    def tone(self) -> Tone:
        return self.worst.tone

    @property
    def shape(self) -> str:
        return SHAPES[self.tone] if self.facts.enrolled else "○"

    @property
    def group(self) -> Group:
        if not self.facts.enrolled:
            return Group.NOT_YET
        keys = {sign.key for sign in self.signs if _RANK[sign.tone] >= _RANK[Tone.WARN]}
        if keys - {"silent", "never"}:
            return Group.TROUBLE
        if keys:
            return Group.SILENT
        return Group.FINE if self.tone is Tone.GOOD else Group.NOTICE


_CHECKS: tuple[Callable[[StationFacts, Today], Sign | None], ...]


def look(facts: StationFacts, today: Today) -> Look:
    if not facts.enrolled:
        return Look(facts, (_invited(facts, today),))
    found = [sign for check in _CHECKS if (sign := check(facts, today)) is not None]
    found.sort(key=lambda sign: -_RANK[sign.tone])
    return Look(facts, tuple(found) or (Sign("fine", Tone.GOOD, N_("运行正常")),))


def counts(looks: Iterable[Look]) -> dict[Group, int]:
    found = dict.fromkeys(Group, 0)
    for one in looks:
        found[one.group] += 1
    return found


def _invited(facts: StationFacts, today: Today) -> Sign:
    if facts.invited_until > today.now:
        return Sign(
            "invited", Tone.INFO, N_("已邀请"), N_("邀请码已发出，还没有使用。"), N_("请在站点电脑上完成接入。")
        )
    why, remedy = N_("邀请码已过期，没有使用。"), N_("请重新生成邀请码，72 小时内在站点电脑上完成接入。")
    return Sign("expired_invitation", Tone.WARN, N_("邀请已过期"), why, remedy)


def _forked(facts: StationFacts, today: Today) -> Sign | None:
    if not facts.forked:
        return None
    why = N_("该站签过两份互相矛盾的记录，多半是用旧硬盘恢复过；记录已停在分叉处，双方签名已留证。")
    return Sign("fork", Tone.BAD, N_("记录分叉"), why, N_("请让站点停止收件，由县级运维核对后为它换发新机邀请码。"))


def _certificate(facts: StationFacts, today: Today) -> Sign | None:
    if facts.revoked:
        why = N_("证书已停用，停用之后写的内容要由人核对。")
        return Sign("revoked", Tone.BAD, N_("已停用"), why, N_("站点要继续使用，请重新生成邀请码，在新机上接入。"))
    left = facts.not_after - today.now
    remedy = N_("请重新生成邀请码，在站点电脑上重新接入；已收的件不受影响。")
    if left <= 0:
        return Sign("expired", Tone.BAD, N_("证书已过期"), N_("证书已过期，站点不能再上报。"), remedy)
    if left <= CERTIFICATE_NEAR_SECONDS:
        why = N_("证书还有 {n} 天到期，到期后站点不能上报。")
        return Sign("expiring", Tone.WARN, N_("证书将到期"), why, remedy, left // 86_400)
    return None


def _contact(facts: StationFacts, today: Today) -> Sign | None:
    remedy = N_("请打电话问站点：电脑是否开机、网络是否通。断网也能照常收件；时间长就用U盘包带回。")
    if not facts.heard:
        return Sign("never", Tone.WARN, N_("没有联系过"), N_("接入以后还没有联系过。"), remedy)
    if facts.heard < today.silent_before:
        days = (today.now - facts.heard) // 86_400
        return Sign("silent", Tone.WARN, N_("久未联系"), N_("已有 {n} 天没有联系，超过一个工作日。"), remedy, days)
    return None


def _clock(facts: StationFacts, today: Today) -> Sign | None:
    if abs(facts.skew) < CLOCK_WRONG_SECONDS:
        return None
    fast, slow = N_("站点电脑的时钟快 {n} 分钟。"), N_("站点电脑的时钟慢 {n} 分钟。")
    why = fast if facts.skew > 0 else slow
    remedy = N_("收件时间会记错，先后次序不受影响。请在站点电脑上打开自动对时，或照手机时间改正。")
    return Sign("clock", Tone.WARN, N_("时钟不准"), why, remedy, abs(facts.skew) // 60)


def _behind(facts: StationFacts, today: Today) -> Sign | None:
    waits = max(facts.waiting, facts.gap)
    if not waits:
        return None
    if facts.oldest and facts.oldest < today.old_before:
        why = N_("最早一条已超过两个工作日没有送到，可能误了受理期限。")
        return Sign("old", Tone.BAD, N_("积压"), why, N_("请联系站点接通网络，或今天就用U盘包送来。"), waits)
    why = N_("有 {n} 条记录还没有送到这里，联网后自动续传。")
    return Sign("behind", Tone.INFO, N_("待上报"), why, N_("不用处理；长时间不减少，请联系站点。"), waits)


def _held(facts: StationFacts, today: Today) -> Sign | None:
    if not facts.held:
        return None
    why = N_("有 {n} 条内容程序不能判断，等人核对。")
    return Sign("held", Tone.WARN, N_("有待核"), why, N_("请县级管理员在“待核”里放行或退回。"), facts.held)


def _near(facts: StationFacts, today: Today) -> Sign | None:
    if not facts.near:
        return None
    why = N_("有 {n} 件受理期限将满，还没有送到县级。")
    return Sign("near", Tone.WARN, N_("临近期限"), why, N_("请今天接通网络，或用U盘包送到县级。"), facts.near)


def _pages(facts: StationFacts, today: Today) -> Sign | None:
    if not facts.pages_missing:
        return None
    why = N_("有 {n} 份扫描件的记录已到，文件还在路上；到齐前不能作出决定。")
    return Sign("pages", Tone.INFO, N_("缺扫描件"), why, N_("联网后自动续传；急件请联系站点。"), facts.pages_missing)


def _unreported(facts: StationFacts, today: Today) -> Sign | None:
    if facts.reported or not facts.heard:
        return None
    why = N_("站点联系过，但还没有自报情况，不知道它那里还有多少没有送到。")
    return Sign("unreported", Tone.INFO, N_("未自报"), why, N_("下次联系时会自报；一直没有，请升级站点程序。"))


def _versions(facts: StationFacts, today: Today) -> Sign | None:
    if not facts.reported or not today.program:
        return None
    if facts.protocol == today.protocol and facts.program == today.program:
        return None
    return Sign(
        "version", Tone.INFO, N_("版本不同"), N_("站点程序与本级版本不同。"), N_("请安排升级；升级不影响已收的件。")
    )


_CHECKS = (_forked, _certificate, _behind, _near, _held, _contact, _clock, _pages, _unreported, _versions)
