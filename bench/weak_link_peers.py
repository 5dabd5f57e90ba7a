"""What a county would otherwise use, on the same link with the same files: rsync's daemon, git's, and PouchDB with a
server of its own kind, all without TLS. And the least that could do: one stream that resumes by offset and tries again
soon, with nothing behind it.

Each case is a folder with its form as JSON, its pages and their previews; a page that is used again is there again. The
clock runs from the start of the client's command to its end; a client that gives up is started again, as cron would do.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from bench.cases import plan
from bench.weak_link_nets import CannotRun
from bench.weak_link_pouchdb import install, pouchdb
from bench.weak_link_race import PORT, Race, race
from bench.weak_link_shape import Outages, Profile
from bench.weak_link_work import Page, pages, pages_of_cases

GIVE_UP_TIMES = 4
EAGER = "an eager stream"
_PROGRAMS = ("rsync", "git", "node", "npm")
_GIT = {
    "GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_AUTHOR_NAME": "bench", "GIT_AUTHOR_EMAIL": "bench@localhost",
    "GIT_COMMITTER_NAME": "bench", "GIT_COMMITTER_EMAIL": "bench@localhost",
}  # fmt: skip


def prepare_peers() -> None:
    """See that every peer is there. Raises CannotRun, with what to do."""
    try:
        if missing := [name for name in _PROGRAMS if shutil.which(name) is None]:
            raise CannotRun(f"no {', '.join(missing)}: install it")
        install()
    except CannotRun as lacking:
        raise CannotRun(f"{lacking}, or run with --without-peers") from None


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


def peer_seconds(
    name: str, profile: Profile, outages: Outages | None, seed: int, cases: int, congestion: str
) -> tuple[float, float]:
    """A peer's seconds, and these as a ratio to what the link's rate alone needs while it is up. One that has not
    finished after GIVE_UP_TIMES that is given up, and infinite."""
    with race(profile, outages, seed, congestion) as its:
        needed = write_files(its.work, seed, cases) / profile.bytes_per_second
        alone = outages.alone(needed) if outages else needed
        its.limit = GIVE_UP_TIMES * alone
        seconds = PEERS[name](its)
    return seconds, seconds / alone


def _rsync(race: Race) -> float:
    there = race.folder / "there"
    there.mkdir()
    config = race.folder / "rsyncd.conf"
    config.write_text(f"use chroot = no\nuid = 0\ngid = 0\n[cases]\npath = {there}\nread only = no\n")
    daemon = ["rsync", "--daemon", "--no-detach", f"--config={config}", f"--address={race.address}", f"--port={PORT}"]
    with race.daemon(daemon):
        words = ["rsync", "-az", "--partial", f"{race.work}/", f"rsync://{race.address}:{PORT}/cases/"]
        return race.seconds(words, lambda: _names(race.work) == _names(there))


def _git(race: Race) -> float:
    work, there = race.work, race.folder / "git" / "there.git"
    there.parent.mkdir()
    race.environment = _GIT
    for words in (
        ["git", "init", "-q", "--bare", str(there)],
        ["git", "-C", str(work), "init", "-q", "-b", "main"],
        ["git", "-C", str(work), "add", "."],
        ["git", "-C", str(work), "commit", "-q", "-m", "work"],
    ):
        subprocess.run(words, check=True, env={**os.environ, **_GIT}, capture_output=True)
    serve = ["git", "daemon", "--export-all", "--enable=receive-pack", f"--base-path={there.parent}"]
    with race.daemon([*serve, f"--listen={race.address}", f"--port={PORT}"]):
        words = ["git", "-C", str(work), "push", "-q", f"git://{race.address}:{PORT}/there.git", "main"]
        return race.seconds(words, lambda: _head(work) == _head(there) != b"")


def _eager(race: Race) -> float:
    whole, there = race.folder / "whole", race.folder / "there"
    made = {path.read_bytes() for path in race.work.rglob("*") if path.is_file()}
    whole.write_bytes(b"".join(sorted(made)))
    script = [sys.executable, "-I", str(Path(__file__).parent / "peers" / "eager.py")]
    with race.daemon([*script, "receive", race.address, str(PORT), str(there)]):
        words = [*script, "send", race.address, str(PORT), str(whole)]
        return race.seconds(words, lambda: whole.read_bytes() == there.read_bytes())


PEERS: dict[str, Callable[[Race], float]] = {
    "rsync": _rsync, "git": _git, "PouchDB": pouchdb, EAGER: _eager,
}  # fmt: skip


def _head(repository: Path) -> bytes:
    words = ["git", "-C", str(repository), "rev-parse", "main"]
    return subprocess.run(words, capture_output=True, check=False, env={**os.environ, **_GIT}).stdout


def _names(folder: Path) -> list[tuple[str, int]]:
    return sorted((str(path.relative_to(folder)), path.stat().st_size) for path in folder.rglob("*") if path.is_file())
