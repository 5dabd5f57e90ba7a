"""How much memory a village's program needs with many cases, and how long it takes to start.

A real `lianban-node serve` on a village of 20,000 cases; an agent signs in, lists, searches, brings a photo of twelve
megapixels and a PDF of ten pages. The serving process may reach 150 MB, each child of it (image, PDF, argon2) 300 MB.
From its start to the first page may take at most three times what importing its libraries takes, in turn with it.
"""

from __future__ import annotations

import argparse
import io
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from PIL import Image

from bench.cases import plan
from bench.filling import filled_county
from bench.measuring import alternate, at_most
from bench.places import AGENT, FIRST_PASSWORD
from bench.serving import ROOT, ChildWatch, Served, peak_bytes
from casework.catalogue import load_catalogue
from casework.example_intake import example_intake_line
from deploy.demo import scans
from deploy.demo.browser import Browser

SERVING_BYTES, CHILD_BYTES, START_RATIO = 150_000_000, 300_000_000, 3.0
OWN_PASSWORD = "bench 自己的 0815"
ITEM = "elder_allowance"
OURS = ("node", "hub", "casework", "sync_protocol", "migrations", "deploy", "bench")
_LISTED = """
import sys, node.cli
from importlib.machinery import PathFinder
ours = {ours!r}
site = [p for p in sys.path if p.rstrip("/").endswith("-packages")]
def foreign(module):
    file = getattr(module, "__file__", None) or ""
    return any(file.startswith(s) for s in site)
def can_be_imported(name):
    return "." in name or PathFinder.find_spec(name) is not None
for name, module in list(sys.modules.items()):
    if name.split(".")[0] not in ours and foreign(module) and can_be_imported(name):
        print(name)
"""


def photo(seed: int) -> bytes:
    """A JPEG of twelve megapixels with the noise of a telephone's camera."""
    rng = random.Random(seed)
    small = Image.frombytes("RGB", (800, 600), rng.randbytes(800 * 600 * 3))
    out = io.BytesIO()
    small.resize((4000, 3000), Image.Resampling.BILINEAR).save(out, "JPEG", quality=88)
    return out.getvalue()


def ten_pages(seed: int) -> bytes:
    """A PDF of ten scanned pages at 150 dpi."""
    pages = [Image.open(io.BytesIO(scans.page("证明材料", [f"第 {n + 1} 页"] * 8, seed + n))) for n in range(10)]
    out = io.BytesIO()
    pages[0].save(out, "PDF", save_all=True, append_images=pages[1:], resolution=150)
    return out.getvalue()


@dataclass(slots=True)
class Visit:
    """An agent's browser; `step` names what is being done, and `seen` what the serving process had reached then."""

    served: Served
    browser: Browser
    seen: list[tuple[str, int]]

    def step(self, name: str, act: Callable[[], object]) -> None:
        act()
        self.seen.append((name, peak_bytes(self.served.pid)))


def visit(served: Served, name: str, files: tuple[bytes, bytes]) -> list[tuple[str, int]]:
    """Everything that the agent does; raises DemoFailed where a page does not answer as it must."""
    browser = Browser(served.url)
    agent = Visit(served, browser, [])
    agent.step("started", lambda: browser.get("/sign-in"))
    agent.step("signed in", lambda: _sign_in(browser))
    agent.step("listed", lambda: [browser.get(path) for path in ("/", "/cases", "/cases?page=1", "/cases?page=99")])
    agent.step("searched", lambda: _search(browser, name))
    draft = browser.post(f"/intake/{ITEM}", [("go", "stay")]).path.partition("/step/")[0]
    agent.step("intake", lambda: browser.post(draft, [("step", ""), *_typed(), ("go", "next")]))
    for label, filename, data in (("photo", "photo.jpg", files[0]), ("ten pages", "pages.pdf", files[1])):
        upload = [(f"materials.{0 if label == 'photo' else 1}.file", (filename, data))]
        where = draft + "/materials"
        agent.step(label, lambda where=where, upload=upload: browser.post(where, [], upload, to=where))  # type: ignore[misc]
    agent.step("listed again", lambda: browser.get("/cases"))
    return agent.seen


def _sign_in(browser: Browser) -> None:
    browser.post("/sign-in", [("login", AGENT), ("password", FIRST_PASSWORD)])
    browser.post("/password", [("current", FIRST_PASSWORD), ("new", OWN_PASSWORD), ("repeat", OWN_PASSWORD)])


def _search(browser: Browser, name: str) -> None:
    for text in (name, "津贴", "没有这个人"):
        found = browser.get(f"/cases?q={quote(text)}")
        assert (name in found.text) or text != name, found.text[:300]


def _typed() -> list[tuple[str, str]]:
    line = example_intake_line(load_catalogue().get(ITEM))
    fields = [(f"applicant.{key}", str(value)) for key, value in line["applicant"].items()]
    return [*fields, *((f"form.{key}", str(value)) for key, value in line["form"].items())]


def first_page_seconds(folder: Path) -> float:
    """From starting the program until its first page has answered."""
    with Served("node", folder) as served:
        Browser(served.url).get("/sign-in")
        return time.perf_counter() - served.started


def foreign_modules() -> list[str]:
    """Every module of the libraries that the node's program imports, in the order in which it does."""
    done = subprocess.run(
        [sys.executable, "-c", _LISTED.format(ours=OURS)], capture_output=True, text=True, check=True, cwd=ROOT
    )
    return done.stdout.split()


def import_seconds(modules: list[str]) -> float:
    """What a bare interpreter takes to import these and end."""
    began = time.perf_counter()
    subprocess.run([sys.executable, "-c", "import " + ", ".join(modules)], check=True, cwd=ROOT)
    return time.perf_counter() - began


def measure_memory(folder: Path, name: str) -> bool:
    """Serve the village, visit it, print what each step cost; whether both limits are kept."""
    files = photo(1), ten_pages(1)
    print(f"photo {len(files[0]) / 1e6:.1f} MB of 12 megapixels, PDF {len(files[1]) / 1e6:.1f} MB of ten pages")
    with Served("node", folder) as served, ChildWatch(served.pid) as watch:
        for step, reached in visit(served, name, files):
            print(f"  {step:<13} {reached / 1e6:6.1f} MB reached so far")
        peak = peak_bytes(served.pid)
    ours = at_most("serving process, peak MB", peak / 1e6, SERVING_BYTES / 1e6)
    return at_most(f"largest of {len(watch.peaks)} children, peak MB", watch.peak / 1e6, CHILD_BYTES / 1e6) and ours


def measure_start(folder: Path, rounds: int) -> bool:
    """Start the program and import its libraries in turn; whether the ratio is kept."""
    modules = foreign_modules()
    runs = [("start", lambda _: first_page_seconds(folder)), ("import", lambda _: import_seconds(modules))]
    found = alternate(rounds, runs)
    print(f"start to first page {found.median('start'):.2f} s, {len(modules)} modules {found.median('import'):.2f} s")
    return at_most("start / import of the libraries", found.ratio("start", "import"), START_RATIO)


def main() -> int:
    """Print peaks and times beside their limits; exit code 1 when one is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--cases", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--quick", action="store_true", help="500 cases, 3 rounds")
    given = parser.parse_args()
    cases, rounds = (500, 3) if given.quick else (given.cases, given.rounds)
    with tempfile.TemporaryDirectory(prefix="lianban-bench-") as name:
        folder = Path(name)
        entries = filled_county(folder, seed=given.seed, cases=cases)
        print(f"a village with {cases} cases, {entries} entries of its own")
        applicant = plan(given.seed, cases, 1)[cases // 2].intake.applicant["name"]
        kept = [measure_memory(folder / "village", applicant), measure_start(folder / "village", rounds)]
    return 0 if all(kept) else 1


if __name__ == "__main__":
    sys.exit(main())
