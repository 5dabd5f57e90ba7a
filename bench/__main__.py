"""All benches in turn, each a program of its own, and a summary: `python -m bench [NAME …] [--quick] [--without TOOL]`.

A bench whose figures are missed fails the run. So does one that needs a tool which is not there, unless told to go
without that tool; then the summary says that it was left out.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True, slots=True)
class Bench:
    """A module of this folder, and the programs of the system that it needs."""

    name: str
    tools: tuple[str, ...] = ()


BENCHES = (
    Bench("intake"),
    Bench("wire", ("openssl",)),
    Bench("idle_poll", ("openssl",)),
    Bench("memory"),
    Bench("fsck"),
    Bench("queries"),
    Bench("fold"),
    Bench("guesses"),
    Bench("bundle"),
    Bench("pages", ("chromium",)),
)


def run(bench: Bench, without: set[str], *, quick: bool) -> tuple[bool, str]:
    """Whether it may pass, and what the summary says of it."""
    missing = [tool for tool in bench.tools if tool in without or shutil.which(tool) is None]
    if missing:
        if set(missing) <= without:
            return True, f"left out: told to go without {', '.join(missing)}"
        return False, f"FAILED: there is no {', '.join(missing)} (--without {missing[0]} leaves this bench out)"
    began = time.monotonic()
    call = [sys.executable, "-m", f"bench.{bench.name}", *(["--quick"] if quick else [])]
    code = subprocess.run(call, cwd=ROOT, env={**os.environ, "PYTHONUNBUFFERED": "1"}, check=False).returncode
    verdict = "ok" if code == 0 else f"FAILED (exit {code})"
    return code == 0, f"{time.monotonic() - began:5.0f} s  {verdict}"


def main() -> int:
    """Exit code 1 when anything failed."""
    names = [bench.name for bench in BENCHES]
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"which ones (default: all): {', '.join(names)}")
    parser.add_argument("--quick", action="store_true", help="smaller, to see that they run; figures mean less")
    parser.add_argument("--without", action="append", default=[], metavar="TOOL", help="leave out what needs it")
    given = parser.parse_args()
    if unknown := set(given.names) - set(names):
        parser.error(f"no bench {', '.join(sorted(unknown))}; there are {', '.join(names)}")
    lines, good = [], True
    for bench in BENCHES:
        if given.names and bench.name not in given.names:
            continue
        print(f"\n==> {bench.name}", flush=True)
        passed, said = run(bench, set(given.without), quick=given.quick)
        good = good and passed
        lines.append(f"{bench.name:<12} {said}")
    print("\n" + "\n".join(lines))
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
