"""`python -m deploy.demo [--dir D] [--once]`: see the package."""

from __future__ import annotations

import argparse
import signal
import sys
import threading
from pathlib import Path

from deploy.demo.county import PORTS, DemoCounty, open_county
from deploy.demo.processes import DemoFailed, environment_is_quiet
from deploy.demo.story import Story

_TITLES = {
    "hub": "县中枢 county hub",
    "township": "乡镇厅 township hall",
    "village-1": "村站一 village station",
    "village-2": "村站二 village station",
}


def say(line: str) -> None:
    """One line of progress, at once."""
    print(line, flush=True)


def main() -> int:
    """Exit code 0 when all went well."""
    parser = argparse.ArgumentParser(prog="make demo", description="A real small county on this machine.")
    parser.add_argument("--dir", type=Path, default=Path("demo-data"), help="where the county's data stay")
    parser.add_argument("--once", action="store_true", help="play the story through the pages, check, and end")
    asked = parser.parse_args()
    environment_is_quiet()
    try:
        ports = dict.fromkeys(PORTS, 0) if asked.once else PORTS
        county = open_county(asked.dir.resolve(), lambda text: say(f"==> {text}"), ports)
    except DemoFailed as error:
        say(f"demo: {error}")
        return 1
    try:
        return _once(county) if asked.once else _stay(county)
    finally:
        county.stop()


def _once(county: DemoCounty) -> int:
    story = Story(county, say)
    try:
        story.play()
        county.save()
        say("\n== 核对")
        story.bytes_on_the_wire()
        county.stop()
        story.check()
        story.audit()
    except DemoFailed as error:
        say(f"demo failed: {error}")
        return 1
    say(f"all went well; the data are in {county.folder}")
    return 0


def _stay(county: DemoCounty) -> int:
    say("")
    for place, server in county.servers.items():
        say(f"{_TITLES[place]}: {server.url}")
        for worker in (w for w in county.people if w.place == place):
            password = f"密码 {worker.own_password}" if worker.own_password else f"初始密码 {worker.first_password}"
            say(f"    {worker.display:<10} 登录名 {worker.login:<10} {password}")
    say(
        "\nThe first password must be changed at the first sign-in. Ctrl-C stops everything; data stay in "
        f"{county.folder}"
    )
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    while not stop.wait(1.0):
        dead = [place for place, server in county.servers.items() if not server.alive()]
        if dead:
            say(f"{', '.join(dead)} ended by itself; its log is beside its folder in {county.folder}")
            return 1
    say("stopping")
    return 0


if __name__ == "__main__":
    sys.exit(main())
