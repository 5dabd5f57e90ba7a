"""The shipped nginx site before the real hub: a station brings its cases, a browser gets cookies for https alone."""

from __future__ import annotations

import re
import ssl
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from http.client import HTTPSConnection
from pathlib import Path

import pytest

from tests.deploy.nginx_site import NginxSite
from tests.processes.founding import COUNTY, VILLAGE
from tests.processes.lines import SCANNED, line, scan, write_lines
from tests.processes.running import Server, report, run

pytestmark = pytest.mark.processes


@dataclass
class Door:
    """The hub, what stands before it, and a station's folder."""

    hub: Server
    site: NginxSite
    village: Path


@pytest.fixture(scope="module")
def door(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Door]:
    folder = tmp_path_factory.mktemp("door")
    hub = Server("hub", folder / "hub", ("--proxy", "127.0.0.1"))
    report("hub", "init", "--dir", hub.folder, "--county", COUNTY)
    hub.start()
    try:
        with NginxSite(folder / "nginx", int(hub.url.rsplit(":", 1)[1])) as site:
            yield Door(hub, site, folder / "village")
    finally:
        hub.kill()


def _get(door: Door, path: str, local: str = "127.0.0.1") -> tuple[int, str, list[tuple[str, str]]]:
    trust = ssl.create_default_context(cafile=door.site.ca[0])
    one = HTTPSConnection("127.0.0.1", door.site.https, timeout=30, context=trust, source_address=(local, 0))
    with closing(one):
        one.request("GET", path)
        answer = one.getresponse()
        return answer.status, answer.read().decode(), answer.getheaders()


def test_a_station_enrols_and_brings_cases_with_scans_through_it(door: Door, tmp_path: Path) -> None:
    token = report("hub", "invite", "--dir", door.hub.folder, "--station", VILLAGE, "--tier", "village")["token"]
    words = ("init", "--dir", door.village, "--parent", door.site.url, "--token", token, "--ca", door.site.ca[0])
    report("node", *words)
    names = tuple(scan(tmp_path, f"{n}.jpg", n) for n in range(3))
    cases = write_lines(tmp_path / "cases.jsonl", [line(n, files=names) for n in range(1, 4)])
    report("node", "intake", "--dir", door.village, cases, "--materials", tmp_path)
    done = report("node", "sync", "--dir", door.village, "--until", "ordered")
    assert done["held"] == [] and done["blobs_sent"] >= len(names), (done, SCANNED)
    assert '"place":"/sync"' in door.site.logged()


def test_cookies_are_for_https_alone_and_headers_are_said_once(door: Door) -> None:
    status, text, headers = _get(door, "/sign-in")
    assert status == 200 and 'name="password"' in text
    said = [name.lower() for name, _ in headers]
    assert [name for name in set(said) if said.count(name) > 1] == []
    assert {"content-security-policy", "strict-transport-security", "x-content-type-options"} <= set(said)
    (cookie,) = [value for name, value in headers if name.lower() == "set-cookie"]
    assert cookie.startswith("__Host-lianban-hub-visitor=") and "Secure" in cookie


def test_who_asks_in_vain_is_slowed_down_and_not_who_asks_from_elsewhere(door: Door) -> None:
    """The hub counts by the visitor's address: without --proxy the whole county would be one visitor."""
    statuses = [_get(door, "/q/AAAAAAAAAAAAAAAA")[0] for _ in range(22)]
    assert statuses[:20] == [404] * 20 and statuses[-1] == 429
    assert _get(door, "/q/AAAAAAAAAAAAAAAA", local="127.0.0.5")[0] == 404
    assert "AAAA" not in door.site.written() + door.hub.written()


def test_what_is_no_address_of_a_proxy_does_not_start(tmp_path: Path) -> None:
    refused = run("hub", "serve", "--dir", tmp_path / "hub", "--proxy", "localhost")
    assert refused.code == 1 and re.fullmatch(r"lianban-hub: --proxy is the IP address .*\n", refused.err), refused.err
