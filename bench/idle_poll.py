"""What it costs to ask «is there anything new?» when there is nothing: a signed poll over TLS.

A real township serves over TLS; the village's own link polls it on a connection that stays open, through a proxy that
counts every byte above TCP. At most 400 bytes each way, and the same bytes after 10 cases as after 100,000: nothing in
a poll grows with the history.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from bench.filling import filled_county
from bench.measuring import at_most
from bench.serving import CountingProxy, MissingTool, Served, make_tls
from node import app as node_app
from node.settings import NodeSettings
from node.station import PARENT_URL
from sync_protocol.store import me as identity

EACH_WAY_BYTES = 400
POLLS = 20
_SETTLED_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class Polls:
    """Per poll: bytes up and down above TCP, seconds; and the bytes of connecting and the first poll."""

    up: list[int]
    down: list[int]
    seconds: list[float]
    connecting: tuple[int, int]

    def text(self, cases: int) -> str:
        millis = statistics.median(self.seconds) * 1000
        return (
            f"after {cases:>7,} cases: {statistics.median(self.up):.0f} bytes up, "
            f"{statistics.median(self.down):.0f} down, {millis:.1f} ms a poll "
            f"(connecting and what came first: {self.connecting[0]} up, {self.connecting[1]} down)"
        )


def measure(folder: Path, seed: int, cases: int) -> Polls:
    """Make a county of so many cases, serve its township, let its village poll. Raises MissingTool."""
    folder.mkdir()
    tls = make_tls(folder / "tls")
    filled_county(folder, seed=seed, cases=cases, fold=False, ca=tls.ca)
    with Served("node", folder / "township", tls.options) as township, CountingProxy(township.url) as proxy:
        return asyncio.run(_poll(folder / "village", proxy))


async def _poll(folder: Path, proxy: CountingProxy) -> Polls:
    ups, downs, seconds = [], [], []
    async with node_app.running(NodeSettings(folder)) as parts:
        await parts.store.write(lambda conn: identity.put(conn, PARENT_URL, proxy.url.encode()))
    async with node_app.running(NodeSettings(folder)) as parts:
        while not (progress := await parts.link.exchange()).in_step or progress.again:
            pass
        await asyncio.sleep(_SETTLED_SECONDS)
        first = proxy.up, proxy.down
        for _ in range(POLLS):
            up, down = proxy.up, proxy.down
            began = time.perf_counter()
            progress = await parts.link.exchange()
            seconds.append(time.perf_counter() - began)
            await asyncio.sleep(_SETTLED_SECONDS)
            assert progress.in_step and not progress.again
            ups.append(proxy.up - up)
            downs.append(proxy.down - down)
        assert proxy.connections == 1, "a poll opened another connection"
    return Polls(ups, downs, seconds, first)


def main() -> int:
    """Print bytes and times beside their limits; exit code 1 when one is missed, 2 when a tool is missing."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--few", type=int, default=10)
    parser.add_argument("--many", type=int, default=100_000)
    parser.add_argument("--quick", action="store_true", help="10 and 500 cases")
    given = parser.parse_args()
    sizes = (10, 500) if given.quick else (given.few, given.many)
    try:
        with tempfile.TemporaryDirectory(prefix="lianban-bench-") as name:
            few, many = (measure(Path(name) / str(cases), given.seed, cases) for cases in sizes)
    except MissingTool as missing:
        print(f"FAIL  this bench makes certificates with the {missing} program, and there is none")
        return 2
    for cases, polls in zip(sizes, (few, many), strict=True):
        print(polls.text(cases))
    kept = [
        at_most("bytes up, the largest poll of all", max(*few.up, *many.up), EACH_WAY_BYTES),
        at_most("bytes down, the largest poll of all", max(*few.down, *many.down), EACH_WAY_BYTES),
        at_most("bytes a poll grew by with the history", _growth(few, many), 0),
    ]
    return 0 if all(kept) else 1


def _growth(few: Polls, many: Polls) -> float:
    """Bytes, both ways; digests are of a fixed size, so even one more byte is growth."""
    return max(max(many.up) - max(few.up), max(many.down) - max(few.down))


if __name__ == "__main__":
    sys.exit(main())
