"""The weak link does to datagrams what its profile says; the figures say what was missed; the work follows its seed."""

from __future__ import annotations

import random
import socket
import struct
import subprocess
import sys
from itertools import islice
from pathlib import Path

import pytest

from bench import weak_link_peers
from bench.weak_link_figures import Figures
from bench.weak_link_nets import CannotRun
from bench.weak_link_peers import prepare_peers
from bench.weak_link_quiet import questions_of_month
from bench.weak_link_shape import OneWay, Outages, Profile, StreamBytes
from bench.weak_link_work import PAGE_BYTES, PREVIEW_BYTES, pages, pages_of_cases

EVEN = Profile("even", 80_000, 0.3, 0.0, 3_000)


def _way(profile: Profile = EVEN, seed: int = 1) -> OneWay:
    return OneWay(profile, random.Random(seed))


def test_a_datagram_lands_after_its_turn_at_the_rate_and_the_delay() -> None:
    way = _way()
    for _ in range(3):
        assert way.offer(10.0, bytes(1000))
    assert way.next_due() == pytest.approx(10.4)
    landed = [len(way.due(moment)) for moment in (10.39, 10.41, 10.51, 10.61)]
    assert landed == [0, 1, 1, 1]
    assert way.busy_seconds == pytest.approx(0.3) and way.next_due() is None


def test_the_queue_is_bounded_and_empties_at_the_rate() -> None:
    way = _way()
    assert [way.offer(0.0, bytes(1000)) for _ in range(4)] == [True, True, True, False]
    assert way.offer(0.11, bytes(1000)) and way.lost == 1


def test_loss_is_what_the_profile_says_and_uses_up_none_of_the_rate() -> None:
    way = _way(Profile("lossy", 80_000, 0.0, 0.03, 3_000))
    kept = sum(way.offer(float(n), bytes(1000)) for n in range(20_000))
    assert 0.025 < way.lost / 20_000 < 0.035
    assert way.busy_seconds == pytest.approx(kept * 0.1)


def test_the_same_seed_loses_the_same_datagrams() -> None:
    lossy = Profile("lossy", 80_000, 0.0, 0.3, 3_000)
    lost = [[way.offer(float(n), bytes(9)) for n in range(200)] for way in (_way(lossy), _way(lossy), _way(lossy, 2))]
    assert lost[0] == lost[1] != lost[2]


def test_an_outage_loses_what_arrives_what_waits_and_what_flies() -> None:
    way = _way()
    way.is_down = Outages(20, 40).after(0.0)
    assert not way.offer(30.0, b"arrives"), "down"
    assert way.offer(19.9, bytes(2000)), "up, but sent at 20.1"
    assert way.offer(60.0, b"up again")
    assert way.due(70.0) == [b"up again"] and way.lost == 2
    assert way.offer(79.8, b"lands at 80.1") and way.due(90.0) == []


def _tcp(sequence: int, payload: int, flags: int = 0x10, port: int = 1) -> bytes:
    ip = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 40 + payload, 0, 0, 64, 6, 0, b"\x0a\0\0\1", b"\x0a\0\0\2")
    return ip + struct.pack(">HHIIBBHHH", port, 2, sequence % 2**32, 0, 0x50, flags, 0, 0, 0) + bytes(payload)


def test_bytes_handed_to_tcp_count_once_however_often_they_are_sent() -> None:
    streams = StreamBytes()
    start = 2**32 - 500
    for datagram in (
        _tcp(start, 0, flags=0x02),
        _tcp(start, 0, flags=0x02),
        _tcp(start + 1, 1000),
        _tcp(start + 1, 1000),
        _tcp(start + 2001, 1000),
        _tcp(start + 1001, 1000),
        _tcp(77, 0, flags=0x02, port=9),
        _tcp(78, 10, port=9),
        b"no datagram",
    ):
        streams.see(datagram)
    assert (streams.handed, streams.connections) == (3010, 2)


def test_time_that_up_periods_alone_allow() -> None:
    assert [Outages(20, 40).alone(seconds) for seconds in (10, 20, 25, 45)] == [10, 60, 65, 125]
    assert [Outages(20, 40).up_within(seconds) for seconds in (10, 20, 45, 60, 65, 145)] == [10, 20, 20, 20, 25, 60]


def test_a_metered_month_counts_every_question_of_its_office_hours_and_nights() -> None:
    in_hours, opening, at_night = 22 * 43, 22, 22 * 3 + 8 * 6
    assert in_hours + 100 < questions_of_month() <= in_hours + opening + at_night


def test_a_figure_is_kept_only_if_the_worst_seed_keeps_it(capsys: pytest.CaptureFixture[str]) -> None:
    figures = Figures()
    for reached in (1.0, 1.2, 1.05):
        figures.note("time", reached, 1.1, alone=1.0)
        figures.note("use", 1 / reached, 0.8, at_least=True)
    assert not figures.show()
    said = capsys.readouterr().out.splitlines()
    assert said[0].startswith("FAIL  time: median 1.050, worst 1.200, at most 1.100; 1.05 ×")
    assert said[1].startswith("PASS  use: median 0.952, worst 0.833")


def test_what_other_processes_noted_is_one_table_and_a_run_that_failed_is_a_miss(
    capsys: pytest.CaptureFixture[str],
) -> None:
    whole = Figures()
    for reached in (1.0, 1.2):
        part = Figures()
        part.note("time", reached, 1.3, alone=2.0)
        whole.add(part)
    assert whole.show()
    assert capsys.readouterr().out.startswith("PASS  time: median 1.100, worst 1.200, at most 1.300; 0.55 ×")
    broken = Figures()
    broken.fail("flapping, 3: TimeoutError")
    whole.add(broken)
    assert not whole.show()
    assert "FAIL  flapping, 3: TimeoutError" in capsys.readouterr().out


def test_pages_follow_from_the_seed_and_keep_their_bounds() -> None:
    some, again = (list(islice(pages(random.Random(5)), 3)) for _ in range(2))
    assert some == again
    for page in some:
        assert page.jpeg[:2] == b"\xff\xd8" and page.preview[:4] == b"RIFF"
        assert len(page.jpeg) <= PAGE_BYTES[1] and len(page.preview) <= PREVIEW_BYTES
    shown = pages_of_cases(random.Random(1), 50)
    count = sum(len(pages) for pages in shown)
    fresh = {page for pages in shown for page in pages}
    assert (count, len(fresh)) == (75, 57) and all(len(set(pages)) == len(pages) for pages in shown)


def _program(folder: Path, name: str, lines: str) -> None:
    (folder / name).write_text(f"#!/bin/sh\n{lines}\n")
    (folder / name).chmod(0o755)


def test_a_peer_that_is_missing_is_named_with_the_remedy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    for name in ("git", "node"):
        _program(tmp_path, name, "exit 0")
    with pytest.raises(CannotRun, match=r"^no rsync, npm: install it, or run with --without-peers$"):
        prepare_peers()
    _program(tmp_path, "rsync", "exit 0")
    _program(tmp_path, "npm", "echo npm warn something >&2; echo npm error code ENOTFOUND >&2; exit 1")
    with pytest.raises(CannotRun, match=r"ENOTFOUND\): look at the network, or run with --without-peers$"):
        prepare_peers()
    _program(tmp_path, "npm", "exit 0")
    prepare_peers()


def test_an_eager_stream_goes_on_where_it_stopped_and_ends_once_all_is_there(tmp_path: Path) -> None:
    whole, there = tmp_path / "whole", tmp_path / "there"
    whole.write_bytes(random.Random(1).randbytes(300_000))
    there.write_bytes(whole.read_bytes()[:120_000])
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = str(free.getsockname()[1])
    script = [sys.executable, "-I", str(Path(weak_link_peers.__file__).parent / "peers" / "eager.py")]
    with subprocess.Popen([*script, "receive", "127.0.0.1", port, str(there)]) as receiving:
        try:
            subprocess.run([*script, "send", "127.0.0.1", port, str(whole)], check=True, timeout=30)
            assert there.read_bytes() == whole.read_bytes()
        finally:
            receiving.kill()
