"""The demo's county: one hub, one township hall, two village stations of 广德市, and who works there."""

from __future__ import annotations

import json
import secrets
import socket
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from deploy.demo.processes import DemoFailed, Server, command

COUNTY = "341882"
TOWNSHIP = "341882103000"
VILLAGES = ("341882103201", "341882103202")
OFFICES = ("民政局",)
_NOTES_FILE = "demo.json"
PORTS = {"hub": 8100, "township": 8101, "village-1": 8102, "village-2": 8103}
"""Taken when the demo stays; where one of them is in use, and for `--once`, free ones are taken instead."""


@dataclass
class Worker:
    """A member of staff of the demo: where they sign in, as whom, with which password at first."""

    place: str
    login: str
    display: str
    role: str
    first_password: str
    station: str = ""
    office: str = ""
    own_password: str = ""
    """Set once the story has changed the first one, as everybody must."""


@dataclass
class DemoCounty:
    """The four servers, in the order in which they start, and the staff."""

    folder: Path
    servers: dict[str, Server] = field(default_factory=dict)
    ports: dict[str, int] = field(default_factory=dict)
    people: list[Worker] = field(default_factory=list)

    def stop(self) -> None:
        """From the villages up, so that nobody retries in vain."""
        for server in reversed(self.servers.values()):
            server.stop()

    def save(self) -> None:
        """Write down the ports and who signs in with what, for the next start."""
        notes = self.folder / _NOTES_FILE
        kept = {"ports": self.ports, "people": [vars(worker) for worker in self.people]}
        notes.touch(mode=0o600)
        notes.write_text(json.dumps(kept, ensure_ascii=False, indent=1), "utf-8")

    def worker(self, place: str, role: str) -> Worker:
        return next(w for w in self.people if (w.place, w.role) == (place, role))


def _workers() -> list[Worker]:
    def first() -> str:
        return "-".join(secrets.token_hex(2) for _ in range(4))

    return [
        Worker("hub", "admin", "管理员", "admin", first()),
        Worker("hub", "shenhe", "审核员 孙敏", "county_reviewer", first(), office=OFFICES[0]),
        Worker("hub", "shenpi", "审批员 周岩", "county_approver", first(), office=OFFICES[0]),
        Worker("hub", "ducha", "督查员 郑岚", "supervisor", first()),
        Worker("township", "chushen", "初审员 钱进", "township_reviewer", first(), TOWNSHIP),
        Worker("township", "chuangkou", "窗口 吴娟", "township_clerk", first(), TOWNSHIP),
        Worker("village-1", "daiban1", "代办员 李梅", "village_agent", first(), VILLAGES[0]),
        Worker("village-2", "daiban2", "代办员 王强", "village_agent", first(), VILLAGES[1]),
    ]


def open_county(folder: Path, say: Callable[[str], None], ports: dict[str, int]) -> DemoCounty:
    """Found the county in `folder` on these ports, or take up the one that is there on the ports it was founded on.

    Everything is started on return.
    """
    county = DemoCounty(folder)
    notes = folder / _NOTES_FILE
    fresh = not notes.exists()
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        if fresh:
            county.ports = {place: _free(port) for place, port in ports.items()}
            _found(county, say)
            county.save()
        else:
            kept = json.loads(notes.read_text("utf-8"))
            county.ports = kept["ports"]
            county.people = [Worker(**row) for row in kept["people"]]
            for place in PORTS:
                say(f"starting {place}")
                _serve(county, place)
    except BaseException:
        county.stop()
        raise
    return county


def _free(port: int) -> int:
    """This port if nobody listens there, else any free one."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return _free(0)
        return int(probe.getsockname()[1])


def _serve(county: DemoCounty, place: str) -> Server:
    listen = f"127.0.0.1:{county.ports[place]}"
    server = Server("hub" if place == "hub" else "node", county.folder / place, listen)
    county.servers[place] = server
    server.start()
    return server


HALL = ("--name", "广德市政务服务中心（演示）", "--phone", "0563-0000000", "--complaints", "12345")
"""What papers and the public page name; no real telephone of a hall belongs into a demo."""


def _found(county: DemoCounty, say: Callable[[str], None]) -> None:
    if any((county.folder / place).exists() for place in PORTS):
        raise DemoFailed(f"{county.folder} holds a demo that was not finished: remove the folder and start again")
    hub = str(county.folder / "hub")
    say(f"founding the county {COUNTY}: regions, items, calendar, keys")
    report = command("hub", "init", "--dir", hub, "--county", COUNTY)
    say(f"{report['name']}: {report['regions']} regions, {report['items']} items")
    url = _serve(county, "hub").url
    say(f"telling all stations that the county is reached at {url}")
    command("hub", "address", "--dir", hub, "--url", url)
    command("hub", "hall", "--dir", hub, "--url", url, *HALL)
    _enrol(county, "township", TOWNSHIP, url, say)
    url = _serve(county, "township").url
    for place, code in zip(("village-1", "village-2"), VILLAGES, strict=True):
        _enrol(county, place, code, url, say)
        _serve(county, place)
    county.people = _workers()
    for worker in county.people:
        say(f"adding {worker.display} ({worker.role})")
        words = [
            "user",
            "add",
            "--dir",
            hub,
            "--name",
            worker.login,
            "--display",
            worker.display,
            "--role",
            worker.role,
        ]
        words += ["--station", worker.station] if worker.station else []
        words += ["--office", worker.office] if worker.office else []
        command("hub", *words, "--password-stdin", stdin=worker.first_password + "\n")


def _enrol(county: DemoCounty, place: str, code: str, parent: str, say: Callable[[str], None]) -> None:
    say(f"inviting and enrolling {place} ({code}) through {parent}")
    tier = "township" if place == "township" else "village"
    invited = command("hub", "invite", "--dir", str(county.folder / "hub"), "--station", code, "--tier", tier)
    command("node", "init", "--dir", str(county.folder / place), "--parent", parent, "--token", invited["token"])
