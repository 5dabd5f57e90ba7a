"""A metered village that rests for seconds where the schedule says minutes: `python -m bench.weak_link_metered DIR`.

Says one line when a round is over; runs until it is killed.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from node.app import running
from node.settings import NodeSettings

_REST_SECONDS = 25.0
"""Longer than an idle connection is kept, so that each round needs one of its own."""


async def _ask(folder: Path) -> None:
    async with running(NodeSettings(folder, metered=True)) as parts:

        async def rest() -> float:
            print("asked", flush=True)
            return _REST_SECONDS

        await parts.link.run(rest)


if __name__ == "__main__":
    asyncio.run(_ask(Path(sys.argv[1])))
