"""PouchDB with a document for each case and its files as attachments, replicated to a PouchDB served as a CouchDB is.
`peers/package-lock.json` says which, to the byte; npm brings them.
"""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from bench.weak_link_nets import CannotRun
from bench.weak_link_race import PORT, Race

_PEERS = Path(__file__).with_name("peers")
_INSTALL_SECONDS = 600
_BATCH, _BATCH_UNDER_OUTAGES = 100, 1
"""Documents at a time: its own default, which a steady link takes faster; a batch that is cut is sent again whole."""


def install() -> None:
    """Put PouchDB where its script finds it. Raises CannotRun."""
    words = ["npm", "ci", "--ignore-scripts", "--omit=optional", "--prefer-offline", "--no-audit", "--no-fund"]
    try:
        done = subprocess.run(
            words, cwd=_PEERS, capture_output=True, text=True, timeout=_INSTALL_SECONDS, check=False
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise CannotRun(f"npm did not bring PouchDB in {_INSTALL_SECONDS} s: look at the network") from None
    if done.returncode != 0:
        why = next((line for line in done.stderr.splitlines() if line.lower().startswith("npm err")), "no reason given")
        raise CannotRun(f"npm could not bring PouchDB ({why.strip()[:200]}): look at the network")


def pouchdb(race: Race) -> float:
    """Seconds until every case and every file of it is there."""
    here, there = race.folder / "here", race.folder / "there"
    there.mkdir()
    batch = _BATCH_UNDER_OUTAGES if race.outages else _BATCH
    _run("fill", str(here), str(race.work))
    with race.daemon(_words("serve", str(there), race.address, str(PORT))):
        # What the server's database holds can be read only once the server has let go of it.
        push = _words("push", str(here), f"http://{race.address}:{PORT}/cases", str(batch))
        seconds = race.seconds(push, lambda: True)
    if seconds != float("inf") and _run("list", str(here)) != _run("list", str(there / "cases")):
        raise RuntimeError("pouchdb ended well, but not everything arrived")
    return seconds


def _words(*words: str) -> list[str]:
    return [shutil.which("node") or "node", str(_PEERS / "pouchdb.js"), *words]


def _run(*words: str) -> str:
    return subprocess.run(_words(*words), capture_output=True, text=True, check=True).stdout
