"""TLS between real programs: one CA of the county, pinned; everybody else is refused; an idle poll stays small."""

from __future__ import annotations

import asyncio
import re
import statistics
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from node import app as node_app
from node.settings import NodeSettings
from tests.certificates import make_ca, server_cert
from tests.processes.founding import COUNTY, TOWNSHIP, VILLAGE, dial
from tests.processes.lines import line, write_lines
from tests.processes.proxy import Proxy
from tests.processes.running import Server, fetch, report, run

CEILING_BYTES = 1000


@dataclass
class Tls:
    """A hub and a township behind TLS, a village enrolled through them; `ca` is the county's, `foreign` another."""

    folder: Path
    hub: Server
    township: Server
    village: Path
    ca: Path
    foreign: Path


def _invite(hub: Server, code: str, tier: str) -> str:
    invited = report("hub", "invite", "--dir", hub.folder, "--station", code, "--tier", tier)
    return str(invited["token"])


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tls]:
    folder = tmp_path_factory.mktemp("tls")
    ca, foreign = make_ca(folder, "county-ca"), make_ca(folder, "foreign-ca")
    hub = Server("hub", folder / "hub", server_cert(folder, "hub-cert", ca))
    township = Server("node", folder / "township", server_cert(folder, "township-cert", ca))
    village = folder / "village"
    report("hub", "init", "--dir", hub.folder, "--county", COUNTY)
    try:
        hub.start()
        token = _invite(hub, TOWNSHIP, "township")
        report("node", "init", "--dir", township.folder, "--parent", hub.url, "--token", token, "--ca", ca[0])
        township.start()
        token = _invite(hub, VILLAGE, "village")
        report("node", "init", "--dir", village, "--parent", township.url, "--token", token, "--ca", ca[0])
        report("node", "sync", "--dir", village, "--until", "ordered")
        yield Tls(folder, hub, township, village, ca[0], foreign[0])
    finally:
        township.kill()
        hub.kill()


def _take_and_sync(tls: Tls, folder: Path, serials: range) -> None:
    cases = write_lines(folder / "cases.jsonl", [line(n) for n in serials])
    taken = report("node", "intake", "--dir", tls.village, cases, "--materials", folder)
    assert taken["taken"] == len(serials)
    assert report("node", "sync", "--dir", tls.village, "--until", "ordered")["held"] == []


def test_everything_goes_over_tls_where_the_countys_ca_is_pinned(tls, tmp_path):
    assert tls.hub.url.startswith("https://") and tls.township.url.startswith("https://")
    _take_and_sync(tls, tmp_path, range(900, 902))
    health = fetch(tls.hub.admin_url + "/healthz")
    assert health[0] == 200 and tls.hub.admin_url.startswith("http://127.0.0.1:")


@pytest.mark.parametrize("trusted", ["system", "another"])
def test_who_does_not_trust_the_countys_ca_does_not_enrol_and_is_told_why(tls, tmp_path, trusted):
    token = _invite(tls.hub, "341882103202", "village")
    words = ["init", "--dir", tmp_path / "new", "--parent", tls.township.url, "--token", token]
    refused = run("node", *words, *([] if trusted == "system" else ["--ca", tls.foreign]))
    assert refused.code == 1 and refused.err.count("\n") == 1
    assert re.search(r"^lianban-node: .*certificate.*--ca", refused.err), refused.err
    assert run("node", *words, "--ca", tls.ca).code == 0  # the invitation was not spent


def test_a_ca_file_that_is_none_is_refused_before_anything_is_sent(tls, tmp_path):
    wrong = tmp_path / "ca.pem"
    wrong.write_text("no certificate", encoding="ascii")
    words = ("init", "--dir", tmp_path / "new", "--parent", tls.township.url, "--token", "LB1-X", "--ca")
    for path in (wrong, tmp_path / "missing.pem"):
        refused = run("node", *words, path)
        assert refused.code == 1 and str(path) in refused.err and refused.err.count("\n") == 1, refused.err


def test_a_parent_that_shows_another_certificate_is_not_spoken_to(tls, tmp_path):
    """A server in the middle with a certificate of its own learns nothing and gets nothing."""
    more = server_cert(tmp_path, "middle", (tls.foreign, tls.foreign.with_suffix(".key")))
    middle = Server("hub", tmp_path / "middle-hub", more)
    report("hub", "init", "--dir", middle.folder, "--county", COUNTY)
    dial(tls.village, middle.start().url)
    try:
        failed = report("node", "sync", "--dir", tls.village, "--timeout", "3", code=1)
        assert failed["error"] == "transfer_failed" and failed["bytes_down"] == 0
        metrics = fetch(middle.admin_url + "/metrics")[1]
        assert not re.search(r"^sync_requests_refused_total\{.*\} [1-9]", metrics, re.MULTILINE)
    finally:
        dial(tls.village, tls.township.url)
        middle.kill()


def test_half_a_pair_of_certificate_and_key_does_not_start(tls):
    for words, named in ((("--tls-cert", tls.ca), "--tls-key"), (("--tls-cert", tls.ca, "--tls-key", tls.ca), "a.pem")):
        refused = run("node", "serve", "--dir", tls.village, *words)
        assert refused.code == 1 and named in refused.err and refused.err.count("\n") == 1


async def _idle_polls(folder: Path, proxy: Proxy, count: int = 5) -> tuple[list[int], list[int]]:
    """TCP payload bytes up and down of each of some idle polls on one connection that stays open."""
    ups, downs = [], []
    async with node_app.running(NodeSettings(folder)) as parts:
        while (await parts.link.exchange()).again:
            pass
        assert parts.link.state.in_step
        for _ in range(count):
            await asyncio.sleep(0.1)
            up, down = proxy.up, proxy.down
            progress = await parts.link.exchange()
            await asyncio.sleep(0.1)
            assert progress.in_step and not progress.again
            ups.append(proxy.up - up)
            downs.append(proxy.down - down)
    return ups, downs


def test_an_idle_signed_poll_costs_the_same_whatever_the_history(tls, tmp_path, capsys):
    with Proxy(tls.township.url) as proxy:
        dial(tls.village, proxy.url)
        try:
            _take_and_sync(tls, tmp_path, range(1, 4))
            few = asyncio.run(_idle_polls(tls.village, proxy))
            _take_and_sync(tls, tmp_path, range(4, 61))
            many = asyncio.run(_idle_polls(tls.village, proxy))
        finally:
            dial(tls.village, tls.township.url)
        assert proxy.connections >= 2
    with capsys.disabled():
        print(f"\nidle signed poll over TLS, bytes of TCP payload after 3 cases {few}, after 60 {many} (up, down)")
    for before, after in zip(few, many, strict=True):
        assert statistics.median(before) == statistics.median(after)
        assert max(*before, *after) <= CEILING_BYTES
