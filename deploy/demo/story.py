"""The story: six cases through the pages of four processes, each hop printed with time, custody words and bytes."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from casework.catalogue import load_catalogue
from casework.example_intake import example_citizen_id, example_intake_line
from casework.service_item import ServiceItem
from deploy.demo import scans
from deploy.demo.browser import Browser, Page
from deploy.demo.county import DemoCounty, Worker
from deploy.demo.processes import DemoFailed, Server, command, verify_export, wait_for
from sync_protocol.crypto import Signer

ITEM = "elder_allowance"
_CASE = re.compile(r"/cases/([0-9a-f]{32})")
_CUSTODY = re.compile(r'class="custody-text"[^>]*>(.*?)</p>', re.DOTALL)
_STATE = re.compile(r'class="big-state"[^>]*>(.*?)</p>', re.DOTALL)
_PLACES = (("village-1", "village_agent"), ("township", "township_reviewer"), ("hub", "county_reviewer"))


@dataclass
class Person:
    """A signed-in member of staff at one place."""

    worker: Worker
    browser: Browser

    def sign_in(self) -> None:
        """Sign in with the first password and set one's own, as the pages demand; later with one's own."""
        own = self.worker.own_password or self.worker.first_password + "-own"
        fields = [("login", self.worker.login)]
        page = self.browser.post("/sign-in", [*fields, ("password", self.worker.first_password)], expect=0)
        if page.status != 200 or page.path == "/sign-in":
            self.browser.post("/sign-in", [*fields, ("password", own)])
            return
        if page.path == "/password":
            first = self.worker.first_password
            self.browser.post("/password", [("current", first), ("new", own), ("repeat", own)])
            self.worker.own_password = own

    def do(self, case: str, kind: str, fields: list[tuple[str, str]], files: Any = None) -> Page:
        """One act on a case through its page."""
        page = self.browser.post(f"/cases/{case}/do/{kind}", fields, files)
        if page.path != f"/cases/{case}":
            raise DemoFailed(f"{kind} was not done: {page.text[:400]}")
        return page


@dataclass
class Story:
    """Plays the cases; `say` prints a line."""

    county: DemoCounty
    say: Callable[[str], None]
    people: dict[tuple[str, str], Person] = field(default_factory=dict)
    wire: dict[str, tuple[int, int]] = field(default_factory=dict)
    began: float = field(default_factory=time.monotonic)
    serial: int = field(default_factory=lambda: int(time.time()) % 5_000_000)

    def person(self, place: str, role: str) -> Person:
        """Signed in on first use; a staff row may still be on its way to the station."""
        if (place, role) not in self.people:
            worker = self.county.worker(place, role)
            person = Person(worker, Browser(self.county.servers[place].url))
            wait_for(f"{worker.login} can sign in at {place}", lambda: _signed_in(person), 60)
            self.people[place, role] = person
        return self.people[place, role]

    def hop(self, case: str, what: str) -> None:
        """Print what just happened, and how each place that can see the case describes it."""
        self.say(f"[{time.monotonic() - self.began:6.1f} s] {what}{self._wire()}")
        for place, role in _PLACES:
            if self.county.servers[place].alive():
                page = self.person(place, role).browser.get(f"/cases/{case}", expect=0)
                said = f"{_words(_STATE, page)} · {_words(_CUSTODY, page)}" if page.status == 200 else "（尚未到此）"
                self.say(f"             {place:<10} {said}")

    def _wire(self) -> str:
        """Bytes of messages on each hop since the last time this was asked."""
        parts = []
        for place, hop in (("township", "村→镇"), ("hub", "镇→县")):
            server = self.county.servers[place]
            now = _wire_bytes(server) if server.alive() else self.wire.get(place, (0, 0))
            before = self.wire.get(place, (0, 0))
            self.wire[place] = now
            # A restarted process counts from zero.
            up, down = (n - b if n >= b else n for n, b in zip(now, before, strict=True))
            parts.append(f"{hop} ↑{up} ↓{down}")
        return f"  ({'，'.join(parts)} 字节)"

    def wait_state(self, place: str, role: str, case: str, word: str, *, settled: str = "") -> None:
        """Until a place shows the case in a state (and, if asked, as confirmed by the county)."""
        person = self.person(place, role)

        def look() -> bool:
            page = person.browser.get(f"/cases/{case}", expect=0)
            shown = _words(_STATE, page)
            return page.status == 200 and word in shown and not (settled and "待县级确认" in shown)

        wait_for(f"{place} shows {word}", look)

    def collect(self, name: str, *, scanned: int = 0) -> str:
        """A village agent takes in one case: form, scans, check, submit. Returns the case's id."""
        item = load_catalogue().get(ITEM)
        self.serial += 1
        line = example_intake_line(item, serial=self.serial)
        line["applicant"] |= {"name": name, "id": example_citizen_id(self.serial)}
        browser = self.person("village-1", "village_agent").browser
        page = browser.post(f"/intake/{ITEM}", [("step", ""), *_fields(line), ("go", "next")])
        draft = page.path.removesuffix("/materials")
        files, seen = _material_inputs(item, name, scanned)
        for index, file in files:
            browser.post(draft + "/materials", [], [(f"materials.{index}.file", file)], to=draft + "/materials")
        browser.post(draft + "/materials", seen)
        page = browser.post(draft + "/check", [], to=draft + "/submit")
        found = _CASE.search(page.path)
        if not found:
            raise DemoFailed(f"the intake was not taken: {page.path} {page.text[:600]}")
        return found.group(1)

    def approve(self, case: str) -> None:
        """The county accepts, reviews, grants, attaches the document and closes."""
        reviewer, approver = self.person("hub", "county_reviewer"), self.person("hub", "county_approver")
        self.wait_state("hub", "county_reviewer", case, "已初审")
        reviewer.do(case, "accept", [])
        self.hop(case, "县级受理")
        reviewer.do(case, "review", [])
        self._wait_pages(case)
        approver.do(case, "grant", [])
        self.hop(case, "县级准予")
        document = scans.document("准予决定书", ["经审查，符合规定条件，准予发放高龄津贴。", "广德市民政局"])
        approver.do(case, "attach_result", [("title", "准予决定书")], [("file", ("decision.pdf", document))])
        approver.do(case, "close", [("result", "issued")])
        self.hop(case, "上传结果文书并办结")

    def _wait_pages(self, case: str) -> None:
        browser = self.person("hub", "county_approver").browser
        wait_for("all pages are at the county", lambda: "还有" not in browser.get(f"/cases/{case}/do/grant").text)

    def endorse(self, case: str) -> None:
        self.wait_state("township", "township_reviewer", case, "已收件")
        self.person("township", "township_reviewer").do(
            case, "endorse", [("opinion", "经核对原件，情况属实，同意上报。")]
        )

    def deliver(self, case: str) -> None:
        """The village sees the answer, prints the document and records its delivery."""
        self.wait_state("village-1", "village_agent", case, "已办结", settled="yes")
        agent = self.person("village-1", "village_agent")
        page = agent.browser.get(f"/cases/{case}")
        link = wait_for("the document is here", lambda: _document(agent.browser.get(f"/cases/{case}")))
        agent.browser.get(link)
        pdf = agent.browser.get(link.replace("/result/", "/file/"))
        if not pdf.body.startswith(b"%PDF"):
            raise DemoFailed(f"the result document is not what the county attached: {page.path}")
        agent.do(case, "deliver", [("to", "本人"), ("how", "window"), ("note", "")])
        self.hop(case, "村站打印结果文书并登记送达")

    def play(self) -> None:
        """All six cases."""
        for act in (
            self.granted,
            self.supplemented,
            self.not_accepted,
            self.denied,
            self.withdrawn,
            self.county_away,
        ):
            self.say(f"\n== {(act.__doc__ or '').strip()}")
            act()

    def granted(self) -> None:
        """准予：收件、初审、受理、审核、准予、办结、送达"""
        case = self.collect("赵秀英", scanned=3)
        self.hop(case, "村站收件（三页扫描）并提交")
        self.endorse(case)
        self.hop(case, "乡镇初审通过")
        self.approve(case)
        self.deliver(case)
        self.wait_state("hub", "county_reviewer", case, "已送达")

    def supplemented(self) -> None:
        """补正：乡镇一次告知，村站补正后办结"""
        case = self.collect("钱玉兰", scanned=1)
        self.wait_state("township", "township_reviewer", case, "已收件")
        reviewer = self.person("township", "township_reviewer")
        subject = load_catalogue().get(ITEM).materials[2].name
        defects = [("defects.0.subject", subject), ("defects.0.what", "照片模糊，请重新扫描"), ("note", "")]
        reviewer.do(case, "ask_supplement", defects)
        self.hop(case, "乡镇一次性告知补正")
        self.wait_state("village-1", "village_agent", case, "待补正")
        file = ("id.jpg", scans.page("居民身份证", ["（重新扫描）"], self.serial))
        agent = self.person("village-1", "village_agent")
        agent.do(case, "supplement", [("note", "已重新扫描")], [("materials.2.file", file)])
        self.hop(case, "村站提交补正")
        self.wait_state("township", "township_reviewer", case, "已收件")
        self.endorse(case)
        self.approve(case)
        self.deliver(case)

    def not_accepted(self) -> None:
        """不予受理"""
        case = self.collect("孙桂芳")
        self.endorse(case)
        self.wait_state("hub", "county_reviewer", case, "已初审")
        fields = [("reason", "户籍不在本县，不属于本机关职权范围。"), ("basis", "行政许可法第三十二条")]
        self.person("hub", "county_reviewer").do(case, "refuse_acceptance", fields)
        self.wait_state("village-1", "village_agent", case, "不予受理", settled="yes")
        self.hop(case, "县级不予受理，村站已收到")

    def denied(self) -> None:
        """不予许可"""
        case = self.collect("李素珍")
        self.endorse(case)
        self.wait_state("hub", "county_reviewer", case, "已初审")
        reviewer, approver = self.person("hub", "county_reviewer"), self.person("hub", "county_approver")
        reviewer.do(case, "accept", [])
        reviewer.do(case, "review", [])
        approver.do(case, "deny", [("reason", "未满八十周岁。可在六十日内申请行政复议或六个月内提起行政诉讼。")])
        approver.do(case, "close", [("result", "denied")])
        self.wait_state("village-1", "village_agent", case, "已办结", settled="yes")
        self.hop(case, "县级不予许可并办结，村站已收到")

    def withdrawn(self) -> None:
        """撤回：申请人要求，承办方的程序按规则同意"""
        case = self.collect("周凤英")
        self.endorse(case)
        self.wait_state("village-1", "village_agent", case, "已初审", settled="yes")
        self.person("village-1", "village_agent").do(case, "request_withdraw", [("reason", "申请人不再需要")])
        self.wait_state("village-1", "village_agent", case, "已撤回", settled="yes")
        self.hop(case, "已撤回")

    def county_away(self) -> None:
        """断网：县级停机期间照常收件和初审，恢复后办结"""
        self.person("hub", "county_reviewer")
        self.county.servers["hub"].stop()
        self.say(f"[{time.monotonic() - self.began:6.1f} s] 县级程序已停止")
        case = self.collect("吴金花", scanned=2)
        self.endorse(case)
        self.wait_state("village-1", "village_agent", case, "已初审")
        self.hop(case, "县级停机期间：村站收件，乡镇初审")
        self.county.servers["hub"].start()
        self.say(f"[{time.monotonic() - self.began:6.1f} s] 县级程序已恢复")
        self.approve(case)
        self.deliver(case)
        self.wait_state("hub", "county_reviewer", case, "已送达")

    def bytes_on_the_wire(self) -> None:
        """What each place has exchanged with the one above."""
        for place in ("village-1", "village-2", "township"):
            folder = str(self.county.folder / place)
            done = command("node", "sync", "--dir", folder, "--until-idle", "--until", "ordered", codes=(0, 3))
            self.say(f"{place:<10} in step: held {len(done['held'])}, refused {len(done['refused'])}")

    def check(self) -> None:
        """Check all four folders; raises DemoFailed when anything is wrong."""
        for place, server in self.county.servers.items():
            report = command(server.program, "fsck", "--dir", str(server.folder), codes=(0, 1))
            counts = ", ".join(f"{report[name]} {name}" for name in ("entries", "signatures", "blobs", "cases"))
            self.say(f"fsck {place:<10} {counts}: {'ok' if not report['wrong'] else report['wrong']}")
            if report["wrong"]:
                raise DemoFailed(f"fsck of {place} found {len(report['wrong'])} faults")

    def audit(self) -> None:
        """Hand the county's export and a village's to a stranger, who knows the county's root key by another way."""
        secret = (self.county.folder / "hub.root-key").read_text("ascii")
        root_key = Signer(bytes.fromhex(secret)).public
        for place in ("hub", "village-1"):
            server, file = self.county.servers[place], self.county.folder / f"{place}.export"
            file.unlink(missing_ok=True)  # of an earlier demo in this folder
            command(server.program, "export", "--dir", str(server.folder), "--to", str(file))
            self.say(f"export {place:<10} {verify_export(file, root_key)}")


def _wire_bytes(server: Server) -> tuple[int, int]:
    """Bytes of messages received from and sent to children, as the server's own metrics count them."""
    text = Browser(server.admin_url).get("/metrics").html
    found = dict(re.findall(r'^sync_bytes_total{direction="(up|down)"} ([0-9.e+]+)', text, re.MULTILINE))
    return int(float(found.get("up", 0))), int(float(found.get("down", 0)))


def _signed_in(person: Person) -> bool:
    try:
        person.sign_in()
    except DemoFailed:
        return False
    return person.browser.get("/", expect=0).path == "/"


def _words(pattern: re.Pattern[str], page: Page) -> str:
    found = pattern.search(page.html)
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", found.group(1))).strip() if found else ""


def _document(page: Page) -> str:
    found = re.search(r'href="(/cases/[0-9a-f]{32}/result/[0-9a-f]{64})"', page.html)
    return found.group(1) if found else ""


def _fields(line: dict[str, Any]) -> list[tuple[str, str]]:
    fields = [(f"applicant.{key}", str(value)) for key, value in line["applicant"].items()]
    fields += [(f"form.{key}", str(value)) for key, value in line["form"].items()]
    fields += [(f"answers.{key}", value) for key, value in line.get("answers", {}).items()]
    return [*fields, ("household", line["household"])]


def _material_inputs(
    item: ServiceItem, name: str, scanned: int
) -> tuple[list[tuple[int, tuple[str, bytes]]], list[tuple[str, str]]]:
    """Files for the first required materials, ticks for the others."""
    needed = {material["name"] for material in example_intake_line(item)["materials"]}
    files: list[tuple[int, tuple[str, bytes]]] = []
    seen: list[tuple[str, str]] = []
    for index, rule in enumerate(item.materials):
        if rule.name not in needed:
            continue
        if len(files) < scanned:
            picture = scans.page(rule.name[:18], [f"申请人：{name}", f"第 {index + 1} 份材料"], index)
            files.append((index, (f"scan-{index}.jpg", picture)))
        else:
            seen.append((f"materials.{index}.seen", "1"))
    return files, seen
