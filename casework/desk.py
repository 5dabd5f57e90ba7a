"""The desk: what a person at any tier can do with cases. The same at a village, a township and the county.

Every method runs inside the caller's transaction and takes its connection first. Rights are asked of the policy,
what fits is asked of the state table, what is wise is asked of the rules for our own changes; then the change is
written to the log, and the projection follows in the same transaction.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

from sqlalchemy import Connection

from casework import case_lists, case_store, certifying, reference
from casework.applicant import check_applicant
from casework.case_lists import CasePage, CaseQuery
from casework.case_log import CaseLog, Custody
from casework.changes import ChangeKind
from casework.clock_table import ACCEPTANCE_WORKDAYS
from casework.deadlines import Clock, clocks
from casework.errors import BadInput, NotFound, Problem
from casework.fold import CaseState
from casework.form_check import check_form
from casework.identity import compact_number
from casework.intake import (
    HeldMaterial,
    HeldPage,
    HeldPreview,
    Intake,
    Stamp,
    StoredBlob,
    collect_body,
    with_blobs,
)
from casework.intake_code import case_no, mint
from casework.journal import BLOB_PAGE, BLOB_PREVIEW
from casework.material_check import demanded_by
from casework.offers import allowed_kinds, target_of
from casework.own_rules import case_blobs, case_previews, check_own, files_of, receipt_of, resting_blobs
from casework.policy import Act, Person, Target, act_for, case_scope, may, require
from casework.projector import office_of
from casework.service_item import ServiceItem
from casework.states import HOME
from casework.story_mark import check_story
from casework.texts import N_
from casework.used_pages import Bearer, Case, named_once, note
from casework.view_dates import case_dates
from casework.workdays import Calendar, china_day

_EPOCH = date(1970, 1, 1)


@dataclass(frozen=True, slots=True)
class CaseView:
    """A case as one person sees it now.

    state: as shown, tentative included; ordered: what the county has put in order (None if nothing yet).
    missing: blobs of the case that are not on this machine: pages, previews, result documents. readable: whether its
    pages may be opened here. asked: pages that somebody above asked for -> when (unix seconds). blob_holders: page or
    result document -> the tiers that have signed for it (1 township, 2 county). entry_holders: change -> the tiers
    that are proven to hold it (also 0, its home). today, calendar: by which days are counted.
    """

    topic: bytes
    home: int
    home_region: str
    home_name: str
    item: ServiceItem | None
    state: CaseState
    tentative: bool
    custody: Custody
    clocks: tuple[Clock, ...]
    today: date
    calendar: Calendar
    allowed: tuple[ChangeKind, ...]
    office: str
    missing: frozenset[bytes]
    readable: bool
    asked: Mapping[bytes, int] = field(default_factory=dict)
    blob_holders: Mapping[bytes, frozenset[int]] = field(default_factory=dict)
    entry_holders: Mapping[str, frozenset[int]] = field(default_factory=dict)

    @property
    def missing_pages(self) -> list[bytes]:
        """Hashes of the pages that the case rests on now and that are not on this machine, in order."""
        return [blob for blob in case_blobs(self.state) if blob in self.missing]

    def tier_of(self, blob: bytes) -> int:
        """How far a page has provably come: 0 its home, 1 the township, 2 the county."""
        return max(self.blob_holders.get(blob, ()), default=0)


@dataclass(frozen=True, slots=True)
class Machine:
    """What the desk is told of its machine: who we are now (author changes never, epoch may), and the clock."""

    epoch: Callable[[], int]
    now: Callable[[], int]
    quality: Callable[[], int]
    settle: Callable[[Connection, int], None] = lambda conn, home: None
    """Called before anything is written about a home: the county first puts in order what it has received."""


class Desk:
    """Bound to a log and a machine."""

    def __init__(self, log: CaseLog, machine: Machine) -> None:
        self.log = log
        self._machine = machine

    def now(self) -> int:
        """Unix seconds by this machine's clock."""
        return self._machine.now()

    def collect(
        self, conn: Connection, person: Person, topic: bytes, key: bytes, intake: Intake, item_key: str
    ) -> bytes:
        """Take in a case whose pages are sealed under `key`. Raises BadInput, NotAllowed, NotFound."""
        author = self.log.author
        region = self.log.region_of(conn, author)
        require(person, Act.COLLECT, Target(region))
        item = reference.newest_item(conn, item_key)
        now = self._machine.now()
        tier = self.log.tier_of(conn, author)
        bearer = Bearer(compact_number(str(intake.applicant.get("id", ""))), intake.household or "")
        if any(material.pages for material in intake.materials):
            case = Case(author, topic, key)
            intake = replace(intake, materials=named_once(conn, self.log, case, bearer, intake.materials))
        day = china_day(now)
        body, blobs = collect_body(item, intake, Stamp(tier, self._mint(conn, region, now), day.isoformat()))
        required = demanded_by(item, body, day)
        self._check(None, ChangeKind.COLLECT, body, person, "home", tier, blobs, required)
        self.log.open(
            conn,
            topic,
            key,
            (int(ChangeKind.COLLECT), body),
            blobs,
            relays_read=item.township_reads,
            actor=person.account,
            time=now,
            quality=self._machine.quality(),
            urgency=self._urgency(conn, now),
        )
        note(conn, topic, bearer, intake.materials)
        return topic

    def _mint(self, conn: Connection, region: str, now: int) -> str:
        day = china_day(now)
        (number,) = reference.next_serials(conn, f"intake:{self._machine.epoch()}:{day.isoformat()}")
        return mint(region, self.log.author, self._machine.epoch(), day, number)

    def _urgency(self, conn: Connection, now: int) -> int:
        """The day by which somebody must have answered: five working days from intake (行政许可法第三十二条)."""
        due, _ = reference.calendar(conn).add_workdays(china_day(now), ACCEPTANCE_WORKDAYS)
        return (due - _EPOCH).days

    def act(
        self,
        conn: Connection,
        person: Person,
        topic: bytes,
        kind: ChangeKind,
        body: dict[str, Any],
        materials: Sequence[HeldMaterial] = (),
        result: HeldPage | None = None,
        aside: str = "",
        story: str = "",
    ) -> None:
        """Write one further change of a case. Raises BadInput, NotAllowed, NotFound.

        `materials` complete the body of a 更正 or 补正, `result` that of a result document or, with the signed
        receipt, of a 送达. `aside` is for the county alone, which keeps it beside the change. `story`: what was read.
        """
        self._machine.settle(conn, self._load(conn, topic)[0])
        home, state = self._load(conn, topic)
        check_story(state, story)
        item = reference.item(conn, state.item, state.version)
        act = act_for(kind)
        assert act is not None
        require(person, act, target_of(state, self.log.region_of(conn, home), item.office if item else ""))
        office = office_of(self.log, home)
        body = self._completed(conn, person, (home, topic), state, kind, body)
        case = Case(home, topic, self.log.key_of(conn, home, topic) or b"")
        bearer = Bearer(str(state.applicant.get("id", "")), state.household or "")
        again = office == HOME and case.key and any(material.pages for material in materials)
        if again:
            materials = named_once(conn, self.log, case, bearer, materials)
        body, blobs = with_blobs(kind, body, materials, result)
        present = {h for h in case_blobs(state) if self.log.holds(h)}
        self._check(state, kind, body, person, office, state.tier, blobs, (), present)
        self._check_fields(state, item, kind, body)
        now = self._machine.now()
        written = self.log.write(
            conn,
            home,
            topic,
            (int(kind), body),
            blobs,
            actor=person.account,
            time=now,
            quality=self._machine.quality(),
        )
        if again:
            note(conn, topic, bearer, materials)
        if aside:
            said = {"text": aside, "about": written.ref}
            self.log.note(conn, topic, int(ChangeKind.OPINION), said, actor=person.account, time=now)

    def _check(
        self,
        state: CaseState | None,
        kind: ChangeKind,
        body: dict[str, Any],
        person: Person,
        office: str,
        tier: str,
        blobs: Sequence[StoredBlob],
        required: Sequence[str],
        present: set[bytes] | None = None,
    ) -> None:
        problems = check_own(
            state,
            kind,
            body,
            office=office,
            home_tier=tier,
            blobs=blobs,
            required=required,
            present=present,
            account=person.account,
            today=china_day(self._machine.now()),
        )
        if problems:
            raise BadInput(problems)

    def _check_fields(self, state: CaseState, item: ServiceItem | None, kind: ChangeKind, body: dict[str, Any]) -> None:
        """A correction or supplement is held to the same rules as the intake was."""
        if item is None or kind not in (ChangeKind.CORRECT, ChangeKind.SUPPLEMENT):
            return
        problems: list[Problem] = []
        if "applicant" in body:
            body["applicant"], found = check_applicant(body["applicant"], item)
            problems.extend(found)
        if body.get("form"):
            result = check_form(item, body["form"], complete=False)
            body["form"] = result.clean
            problems.extend(result.problems)
        if problems:
            raise BadInput(problems)

    def _completed(
        self,
        conn: Connection,
        person: Person,
        case: tuple[int, bytes],
        state: CaseState,
        kind: ChangeKind,
        body: dict[str, Any],
    ) -> dict[str, Any]:
        """What the program adds by itself: case number, the blobs a decision rests on, its certificate, whose answer
        it is."""
        body = dict(body)
        if kind in (ChangeKind.ACCEPT, ChangeKind.ACCEPT_LACKING) and self.log.author == 1:
            (body["case_no"],) = self.new_case_nos(conn, [state])
        if kind in (ChangeKind.GRANT, ChangeKind.DENY) and "seen" not in body:
            body["seen"] = [h for h in case_blobs(state) if self.log.holds(h)]
        if kind in (ChangeKind.GRANT, ChangeKind.ISSUE):
            body |= certifying.certificate_field(conn, self.log, case, state, kind, body, self.now())
        if kind is ChangeKind.PART_ANSWER:
            body["office"] = person.office
        return body

    def new_case_nos(self, conn: Connection, states: Sequence[CaseState]) -> list[str]:
        """A 办件编号 for each of several cases of one county: its daily counter for the item."""
        day = china_day(self._machine.now())
        counts = Counter(state.item for state in states)
        numbers = {
            item: iter(reference.next_serials(conn, f"case:{item}:{day.isoformat()}", count))
            for item, count in sorted(counts.items())  # in one order, so that two hubs never wait for each other
        }
        return [
            case_no(self.log.region_of(conn, state.home)[:6], state.item, day, next(numbers[state.item]))
            for state in states
        ]

    def _load(self, conn: Connection, topic: bytes) -> tuple[int, CaseState]:
        found = case_store.load(conn, self.log, topic)
        if found is None or (found[1].state is None and not found[1].timeline):
            raise NotFound(N_("没有这个办件，或不在您可查看的范围内"))
        return found

    def view(self, conn: Connection, person: Person, topic: bytes) -> CaseView:
        """Raises NotFound also where the person may not look, so that nobody learns what exists."""
        home, state = self._load(conn, topic)
        item = reference.item(conn, state.item, state.version)
        region = self.log.region_of(conn, home)
        target = target_of(state, region, item.office if item else "")
        if not may(person, Act.VIEW_CASE, target):
            raise NotFound(N_("没有这个办件，或不在您可查看的范围内"))
        office = office_of(self.log, home)
        pages = case_blobs(state)
        receipt = receipt_of(state)
        documents = [document.blob for document in state.results]
        signed = [h for h in (receipt.blob, receipt.preview) if h is not None] if receipt is not None else []
        blobs = [*pages, *case_previews(state), *documents, *signed]
        away = [page for page in pages if not self.log.holds(page)]
        today, calendar = china_day(self._machine.now()), reference.calendar(conn)
        return CaseView(
            topic=topic,
            home=home,
            home_region=region,
            home_name=reference.region_name(conn, region),
            item=item,
            state=state,
            tentative=state.base is not None,
            custody=self.log.custody(conn, home, topic, resting_blobs(state)),
            clocks=clocks(case_dates(state), item, calendar, today) if item else (),
            today=today,
            calendar=calendar,
            allowed=tuple(k for k in allowed_kinds(state, [office], person.role) if self._may(person, k, target)),
            office=office,
            missing=frozenset(h for h in blobs if not self.log.holds(h)),
            readable=self.log.key_of(conn, home, topic) is not None,
            asked=self.log.asked(conn, away) if away else {},
            blob_holders=self.log.blob_holders(conn, home, [*pages, *documents, *signed[:1]]),
            entry_holders=self.log.entry_holders(conn, home, topic),
        )

    def _may(self, person: Person, kind: ChangeKind, target: Target) -> bool:
        act = act_for(kind)
        return act is not None and may(person, act, target)

    def find(self, conn: Connection, person: Person, query: CaseQuery) -> CasePage:
        """Cases that the person may see."""
        return case_lists.find(conn, case_scope(person), query)

    def counts(self, conn: Connection, person: Person) -> dict[str, int]:
        """Number of cases per state that the person may see."""
        return case_lists.count_by_state(conn, case_scope(person))

    def ask(self, conn: Connection, person: Person, topic: bytes, pages: Sequence[bytes]) -> None:
        """Have these pages of a case sent up before all others; for offices above its home. Raises NotFound."""
        view = self.view(conn, person, topic)
        assert view.office != HOME
        wanted = [page for page in view.missing_pages if page in pages]
        if wanted:
            now, quality = self._machine.now(), self._machine.quality()
            self.log.ask(conn, view.home, wanted, actor=person.account, time=now, quality=quality)

    def key_for(self, conn: Connection, person: Person, topic: bytes) -> bytes:
        """The case's key, for sealing further pages. Raises NotFound, NotAllowed."""
        view = self.view(conn, person, topic)
        key = self.log.key_of(conn, view.home, topic)
        if key is None:
            raise NotFound(N_("本机没有这个办件的密钥，不能打开或添加扫描件；请在原收件电脑或县级办理"))
        return key

    def file(self, conn: Connection, person: Person, topic: bytes, hash_: bytes) -> tuple[str, bytes, bytes]:
        """The media type of a page, preview, result document or signed receipt of a case the person may see, and how to
        open it: the case's key, and the blob's own sealed under it, b"" where that follows from the case's.

        Raises NotFound, saying where the bytes are if they are not here yet.
        """
        view = self.view(conn, person, topic)
        files = files_of(view.state)
        if hash_ not in files:
            raise NotFound(N_("该办件没有这一页"))
        if hash_ in view.missing:
            raise NotFound(N_("这一页还没有传到本机，正在传输；请稍后再看"))
        media_type, sealed_key = files[hash_]
        return media_type, self.key_for(conn, person, topic), sealed_key

    def case_qr(self, conn: Connection, person: Person, topic: bytes) -> str:
        """The whole text of the QR on the slip of a case. Raises NotFound."""
        view = self.view(conn, person, topic)
        return certifying.case_qr(conn, self.log, view.home, topic, view.state, self._machine.epoch(), self.now())

    def result_qr(self, conn: Connection, person: Person, topic: bytes) -> str:
        """That of the certificate of its granted decision, "" where it carries none. Raises NotFound."""
        view = self.view(conn, person, topic)
        return certifying.result_qr(conn, self.log, view.home, topic, view.state)

    def bytes_of(self, key: bytes, hash_: bytes, sealed_key: bytes = b"") -> Iterator[bytes]:
        """The plain bytes of a stored file; outside of any transaction."""
        return self.log.read(key, hash_, sealed_key)

    def seal(
        self, key: bytes, plain: bytes, media_type: str, role: int = BLOB_PAGE, *, preview: bytes = b""
    ) -> HeldPage:
        """Encrypt and store one page, with its preview (WebP) if it has one; outside of any transaction, durable
        on return."""
        small = self.log.seal(key, preview, BLOB_PREVIEW) if preview else None
        sealed = self.log.seal(key, plain, role)
        held = HeldPreview(small.ref.hash, small.ref.length) if small else None
        return HeldPage(sealed.ref.hash, sealed.ref.length, sealed.plain, media_type, held)
