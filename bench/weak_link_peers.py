"""What a county would otherwise use, on the same link with the same files: rsync's daemon and git's, without TLS.

Each case is a folder with its form as JSON, its pages and their previews; a page that is used again is there again. The
clock runs from the start of the client's command to its end.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from bench.cases import plan
from bench.weak_link_nets import CannotRun, Space, Wire
from bench.weak_link_shape import Profile
from bench.weak_link_work import Page, pages, pages_of_cases

PEERS = ("rsync", "git")
_NETWORK = "10.77.3"
_PORT = 8730
_GIVE_UP_TIMES = 4
_START_SECONDS = 15
_GIT = {
    "GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_AUTHOR_NAME": "bench", "GIT_AUTHOR_EMAIL": "bench@localhost",
    "GIT_COMMITTER_NAME": "bench", "GIT_COMMITTER_EMAIL": "bench@localhost",
}  # fmt: skip


def missing_peers() -> list[str]:
    """Those whose program is not there."""
    return [name for name in PEERS if shutil.which(name) is None]


def write_files(folder: Path, seed: int, cases: int) -> int:
    """The work as plain files; the bytes of what differs among them."""
    rng = random.Random(seed)
    source = pages(rng)
    made: list[Page] = []
    forms = 0
    for case, shown in zip(plan(seed, cases, 1), pages_of_cases(rng, cases), strict=True):
        place = folder / f"case-{case.number:03d}"
        place.mkdir(parents=True)
        form = json.dumps({"applicant": case.intake.applicant, "form": case.intake.form}, ensure_ascii=False).encode()
        (place / "form.json").write_bytes(form)
        forms += len(form)
        while len(made) <= max(shown):
            made.append(next(source))
        for number in shown:
            (place / f"page-{number}.jpg").write_bytes(made[number].jpeg)
            (place / f"page-{number}.webp").write_bytes(made[number].preview)
    return forms + sum(len(page.jpeg) + len(page.preview) for page in made)


def peer_seconds(profile: Profile, seed: int, cases: int, congestion: str) -> Iterator[tuple[str, float, float]]:
    """For each peer its name, its seconds, and these as a ratio to what the link's rate alone needs. A peer that has
    not finished after four times that is given up, and infinite."""
    for name, run in (("rsync", _rsync), ("git", _git)):
        with tempfile.TemporaryDirectory(prefix="lianban-bench-") as folder:
            needed = write_files(Path(folder) / "work", seed, cases) / profile.bytes_per_second
            with _spaces(profile, seed, congestion) as (near, far, address):
                seconds = run(Path(folder), near, far, address, _GIVE_UP_TIMES * needed + 60)
        yield name, seconds, seconds / needed


@contextmanager
def _spaces(profile: Profile, seed: int, congestion: str) -> Iterator[tuple[Space, Space, str]]:
    names = (f"lianban-{os.getpid()}-{end}" for end in ("near", "far"))
    with (
        Space(next(names), congestion) as near,
        Space(next(names), congestion) as far,
        Wire(profile, near, far, _NETWORK, seed) as wire,
    ):
        yield near, far, wire.far_address


def _rsync(folder: Path, near: Space, far: Space, address: str, limit: float) -> float:
    (folder / "there").mkdir()
    config = folder / "rsyncd.conf"
    config.write_text(f"use chroot = no\nuid = 0\ngid = 0\n[cases]\npath = {folder / 'there'}\nread only = no\n")
    daemon = ["rsync", "--daemon", "--no-detach", f"--config={config}", f"--address={address}", f"--port={_PORT}"]
    with _daemon([*far.prefix, *daemon], far, address):
        words = ["rsync", "-az", f"{folder / 'work'}/", f"rsync://{address}:{_PORT}/cases/"]
        seconds = _timed([*near.prefix, *words], limit)
    _check(seconds, lambda: _names(folder / "work") == _names(folder / "there"), "rsync")
    return seconds


def _git(folder: Path, near: Space, far: Space, address: str, limit: float) -> float:
    work, there = folder / "work", folder / "git" / "there.git"
    there.parent.mkdir()
    for words in (
        ["git", "init", "-q", "--bare", str(there)],
        ["git", "-C", str(work), "init", "-q", "-b", "main"],
        ["git", "-C", str(work), "add", "."],
        ["git", "-C", str(work), "commit", "-q", "-m", "work"],
    ):
        subprocess.run(words, check=True, env={**os.environ, **_GIT}, capture_output=True)
    serve = ["git", "daemon", "--export-all", "--enable=receive-pack", f"--base-path={there.parent}"]
    with _daemon([*far.prefix, *serve, f"--listen={address}", f"--port={_PORT}"], far, address):
        words = ["git", "-C", str(work), "push", "-q", f"git://{address}:{_PORT}/there.git", "main"]
        seconds = _timed([*near.prefix, *words], limit)
    heads = [
        subprocess.run(["git", "-C", str(place), "rev-parse", "main"], capture_output=True, check=False).stdout
        for place in (work, there)
    ]
    _check(seconds, lambda: heads[0] == heads[1] != b"", "git")
    return seconds


@contextmanager
def _daemon(words: Sequence[str], space: Space, address: str) -> Iterator[None]:
    process = subprocess.Popen(words, env={**os.environ, **_GIT}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        _wait_listening(space, address)
        yield
    finally:
        process.terminate()
        process.wait()


def _wait_listening(space: Space, address: str) -> None:
    """By looking at the namespace's own table of sockets: a connection would have to cross the link."""
    wanted = f"{socket.inet_aton(address)[::-1].hex().upper()}:{_PORT:04X}"
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline:
        table = subprocess.run([*space.prefix, "cat", "/proc/net/tcp"], capture_output=True, text=True, check=True)
        if wanted in table.stdout:
            return
        time.sleep(0.1)
    raise CannotRun(f"no peer listens at {address}:{_PORT}")


def _timed(words: Sequence[str], limit: float) -> float:
    began = time.monotonic()
    try:
        done = subprocess.run(words, timeout=limit, capture_output=True, env={**os.environ, **_GIT}, check=False)
    except subprocess.TimeoutExpired:
        return float("inf")
    return time.monotonic() - began if done.returncode == 0 else float("inf")


def _check(seconds: float, arrived: Callable[[], bool], name: str) -> None:
    if seconds != float("inf") and not arrived():
        raise RuntimeError(f"{name} ended well, but not everything arrived")


def _names(folder: Path) -> list[tuple[str, int]]:
    return sorted((str(path.relative_to(folder)), path.stat().st_size) for path in folder.rglob("*") if path.is_file())
