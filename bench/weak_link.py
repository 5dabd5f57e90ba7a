"""What the product does on links that are hardly there, and what its peers do on the same links in the same run.

Real programs over TLS: a village, over a link with delay, loss, a rate, a bounded queue and outages that tell nobody,
to a township, over a LAN to the county; each in a network namespace of its own. The village holds 50 cases with 75
JPEG pages when the clock starts. On 2G (64 kbit/s, 300 ms one way, 3 % loss) times, bytes and use of the link; on 3G
(512 kbit/s, 150 ms, 1 %) what is sent again after a cut by the link and by SIGKILL, and a link that is up for 20 s and
down for 40 s. Needs Linux, root and /dev/net/tun. Exit code 1 when a figure is missed, 2 where it cannot run.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context

from bench.serving import MissingTool
from bench.weak_link_figures import Figures
from bench.weak_link_nets import THREE_G, TWO_G, CannotRun, check_machine
from bench.weak_link_peers import EAGER, GIVE_UP_TIMES, PEERS, peer_seconds, prepare_peers
from bench.weak_link_quiet import decision_and_month, metered_month
from bench.weak_link_runs import (
    Deciding,
    Upload,
    county,
    cut_by_kill,
    cut_by_link,
    plain,
    upload,
)
from bench.weak_link_shape import Outages
from sync_protocol.limits import BLOB_CHUNK_BYTES_MAX

FLAPPING = Outages(up_seconds=20.0, down_seconds=40.0)
LINKS = {"2g": (TWO_G, None), "3g": (THREE_G, None), "flapping": (THREE_G, FLAPPING)}
_UNDER_WAY_BYTES = 3 * 32 * 1024
_MIB = 1024 * 1024


def two_g(figures: Figures, seed: int, given: argparse.Namespace) -> None:
    """Times, bytes and use of the link on 2G, and a decision that comes down meanwhile."""
    deciding = Deciding()
    with county(TWO_G, seed, given.cases, given.congestion) as watched:
        done = upload(watched, deciding)
    _say("2G", seed, done)
    work, trip = done.work, TWO_G.round_trip_seconds
    share = given.cases / 50
    figures.note(
        "2G: seconds until the township holds all entries",
        done.entries_at_township, 12 * max(1.0, share), alone=done.needs(work.entry_bytes) + TWO_G.delay_seconds,
    )  # fmt: skip
    figures.note("2G: seconds more until the county does", done.entries_at_county - done.entries_at_township, 1.0)
    figures.note("2G: previews / the time their bytes need", done.previews / done.needs(work.preview_bytes), 1.3)
    figures.note("2G: everything / the time its bytes need", done.everything / done.needs(work.bytes), 1.1)
    figures.note("2G: bytes handed to TCP, both ways / those that must cross", done.handed / work.bytes, 1.04)
    figures.note("2G: use of the link while there is work", done.use, 0.9, at_least=True)
    queued = (TWO_G.queue_bytes + _UNDER_WAY_BYTES) / TWO_G.bytes_per_second
    figures.note(
        "2G: seconds until a decision is in the village's row, while uploading",
        deciding.seconds, 2 * trip + 1 + queued, alone=TWO_G.delay_seconds,
    )  # fmt: skip
    figures.note("2G: peak memory of the village's program, MiB", done.peak_bytes / _MIB, 150)


def three_g(figures: Figures, seed: int, given: argparse.Namespace) -> None:
    """What is sent again after the link was cut, or the program killed, at half way."""
    found: dict[str, Upload] = {}
    for name, happens in (("uncut", plain), ("cut by the link", cut_by_link), ("cut by SIGKILL", cut_by_kill)):
        with county(THREE_G, seed, given.cases, given.congestion) as watched:
            found[name] = upload(watched, happens, slower=2)
        _say(f"3G {name}", seed, found[name])
    whole = found.pop("uncut")
    for name, done in found.items():
        again = done.handed_up - whole.handed_up
        figures.note(f"3G: bytes sent again, {name}", again, BLOB_CHUNK_BYTES_MAX + 0.01 * whole.handed_up)


def flapping(figures: Figures, seed: int, given: argparse.Namespace) -> None:
    """A link that is up for 20 s and down for 40 s, and tells nobody."""
    with county(THREE_G, seed, given.cases, given.congestion) as watched:
        watched.wire.is_down = FLAPPING.after(time.monotonic())
        done = upload(watched, slower=FLAPPING.period_seconds / FLAPPING.up_seconds)
    _say("flapping", seed, done)
    allowed = FLAPPING.alone(done.needs(done.work.bytes))
    figures.note("flapping: everything / the time that the up-periods alone allow", done.everything / allowed, 1.1)
    seconds, ratio = peer_seconds(EAGER, THREE_G, FLAPPING, seed, given.cases, given.congestion)
    used = FLAPPING.up_within(done.everything) / done.needs(done.work.bytes)
    figures.say(
        f"flapping, seed {seed}: {used:.3f} of the up-time that the bytes need; {EAGER}: {seconds:.1f} s, {ratio:.3f} "
        "of what the up-periods allow"
    )
    figures.note(f"flapping: everything / what {EAGER} takes", done.everything / seconds, 1.0)


def quiet(figures: Figures, seed: int, given: argparse.Namespace) -> None:
    """A decision on an idle link, and a month with nothing to say."""
    seconds, month = decision_and_month(seed, given.congestion)
    figures.note(
        "2G: seconds until a decision is in the village's row, idle",
        seconds, 2 * TWO_G.round_trip_seconds + 1, alone=TWO_G.delay_seconds,
    )  # fmt: skip
    figures.note("a month connected with nothing to say, MB above TCP", month / 1e6, 60)
    month = metered_month(seed, given.congestion)
    figures.note("the same of a metered station, MB above TCP", month / 1e6, 5)


def peer(figures: Figures, part: str, name: str, given: argparse.Namespace) -> None:
    """The same files on the same link, by one peer, with the first seed."""
    profile, outages = LINKS[part]
    seconds, ratio = peer_seconds(name, profile, outages, 1, given.cases, given.congestion)
    said = f"{seconds:,.1f} s, {ratio:.2f} × the time that its bytes need"
    late = f"did not finish in {GIVE_UP_TIMES} × the time that its bytes need"
    figures.say(f"peer  {part}: {name}: {said if ratio <= GIVE_UP_TIMES else late}")


PARTS = {"2g": two_g, "3g": three_g, "flapping": flapping, "quiet": quiet}


def _say(name: str, seed: int, done: Upload) -> None:
    print(
        f"{name}, seed {seed}: entries {done.entries_at_township:.1f} s, previews {done.previews:.1f} s, everything "
        f"{done.everything:.1f} s ({done.needs(done.work.bytes):.1f} s by the rate alone), use {done.use:.3f}, "
        f"handed to TCP {done.handed_up:,} up and {done.handed_down:,} down for {done.work.bytes:,}",
        flush=True,
    )


def main() -> int:
    """Print what was reached beside the limits."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"which ones (default: all): {', '.join(PARTS)}")
    parser.add_argument("--seeds", type=int, default=5, help="how many; 2G alone takes some 20 minutes each")
    parser.add_argument("--quick", action="store_true", help="one seed")
    parser.add_argument("--cases", type=int, default=50, help="fewer make what happens once weigh more")
    parser.add_argument("--jobs", type=int, default=1, help="how many at once; each needs a tenth of a core")
    parser.add_argument("--congestion", default="reno", help="TCP's congestion control, such as bbr")
    parser.add_argument("--without-peers", action="store_true", help=f"go without {', '.join(PEERS)}")
    given = parser.parse_args()
    if unknown := set(given.parts) - set(PARTS):
        parser.error(f"no part {', '.join(sorted(unknown))}; there are {', '.join(PARTS)}")
    try:
        check_machine()
        if not given.without_peers:
            prepare_peers()
        return _run(given)
    except (CannotRun, MissingTool) as missing_part:
        print(f"FAIL  this bench cannot run here: {missing_part}")
        return 2


def _run(given: argparse.Namespace) -> int:
    """All of it, `given.jobs` at a time; each in a process of its own, whose networks are its own too."""
    parts = [name for name in PARTS if not given.parts or name in given.parts]
    seeds = range(1, 2 if given.quick else given.seeds + 1)
    jobs = [partial(_figures_of, PARTS[name], seed, given) for seed in seeds for name in parts]
    if not given.without_peers:
        jobs += [partial(_figures_of, peer, part, name, given) for part in LINKS if part in parts for name in PEERS]
    figures = Figures()
    with ProcessPoolExecutor(given.jobs, get_context("spawn"), max_tasks_per_child=1) as pool:
        for found in pool.map(_call, jobs):
            figures.add(found)
    print()
    return 0 if figures.show() else 1


def _figures_of(part: Callable[..., None], *given: object) -> Figures:
    """What one part notes. A run that came to nothing is a figure missed, and the others go on."""
    figures = Figures()
    try:
        part(figures, *given)
    except (CannotRun, MissingTool):
        raise
    except Exception as error:  # noqa: BLE001 - hours of other runs are not lost for it
        figures.fail(f"{part.__name__}, {', '.join(str(one) for one in given[:-1])}: {type(error).__name__}: {error}")
    return figures


def _call(job: Callable[[], Figures]) -> Figures:
    return job()


if __name__ == "__main__":
    sys.exit(main())
