"""kill -9 at random moments under load: what was acknowledged is there after, and starting again is all it takes."""

from __future__ import annotations

import http.client
import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from casework.changes import ChangeKind
from deploy.demo.processes import DemoFailed
from tests.durability.staffed import Staffed
from tests.processes.lines import ITEM
from tests.scale import times

SEED = 1121
CYCLES = times(50, 850)
CUT_OFF = (OSError, http.client.HTTPException, DemoFailed)
PLACES = ("village", "township", "hub")


@dataclass
class Load:
    """People and commands at work at all three places, each in a thread, until told to stop."""

    staffed: Staffed
    folder: Path
    seed: int
    ended: threading.Event = field(default_factory=threading.Event)
    threads: list[threading.Thread] = field(default_factory=list)
    cases: list[str] = field(default_factory=list)
    """Taken in through pages and not yet accepted."""
    cut_off: int = 0
    faults: list[str] = field(default_factory=list)

    def __enter__(self) -> Load:
        for number, work in enumerate((self._commands, self._windows, self._decisions)):
            rng = random.Random(self.seed + number)
            thread = threading.Thread(target=self._until_ended, args=(work, rng), daemon=True)
            thread.start()
            self.threads.append(thread)
        return self

    def __exit__(self, *exc: object) -> None:
        self.ended.set()
        for thread in self.threads:
            thread.join(100)

    def _until_ended(self, work: Callable[[random.Random], None], rng: random.Random) -> None:
        while not self.ended.wait(rng.uniform(0.0, 0.2)):
            try:
                work(rng)
            except CUT_OFF as error:
                self.cut_off += not isinstance(error, DemoFailed)  # that one is an answer: «not yet», «no longer»
                if ": 500," in str(error):
                    self.faults.append(str(error))
            except Exception as error:
                self.faults.append(repr(error))
                raise

    def _commands(self, rng: random.Random) -> None:
        """A file is taken in at the village by the command; now and then that dies too, and is run again."""
        cases, refs = self.staffed.lines(1)
        if rng.random() < 0.25:
            dying = self.staffed.begin_intake(cases, self.folder / "dying")
            dying.join(rng.uniform(0.05, 0.8))
            dying.kill()
            dying.join()
        self.staffed.intake(cases, refs, self.folder / "taking")

    def _windows(self, rng: random.Random) -> None:
        """Somebody at the village begins a draft; somebody else has a whole case taken in."""
        story = self.staffed.story
        story.person("village-1", "village_agent").browser.post(f"/intake/{ITEM}", [("go", "leave")])
        self.cases.append(story.collect("随时", scanned=rng.choice((0, 1))))

    def _decisions(self, rng: random.Random) -> None:
        """A first review at the township, or an acceptance at the county, of any case that is there."""
        if not self.cases:
            return
        case = rng.choice(self.cases)
        acts, story = self.staffed.promises.acts, self.staffed.story
        endorse, accept = ("township", case, int(ChangeKind.ENDORSE)), ("hub", case, int(ChangeKind.ACCEPT))
        if endorse not in acts:
            story.person("township", "township_reviewer").do(case, "endorse", [("opinion", "情况属实")])
            acts.add(endorse)
            return
        story.person("hub", "county_reviewer").do(case, "accept", [])
        acts.add(accept)
        self.cases.remove(case)


@pytest.mark.timeout(400 * times(1, 20))
def test_kills_at_random_moments_lose_nothing_that_was_acknowledged(staffed, tmp_path, capsys):
    rng = random.Random(SEED)
    kills = 0
    with Load(staffed, tmp_path, SEED) as load:
        for cycle in range(CYCLES):
            time.sleep(rng.uniform(0.05, 0.7))
            victims = rng.sample(PLACES, 2 if rng.random() < 0.2 else 1)
            for place in victims:
                staffed.county[place].kill()
                kills += 1
            time.sleep(rng.uniform(0.0, 0.2))
            for place in victims:
                staffed.county[place].start()
            for place in victims:
                assert staffed.promises.broken_at(place) == [], f"seed {SEED}, cycle {cycle}: {place}"
            assert load.faults == [], f"seed {SEED}, cycle {cycle}"
    assert load.faults == [] and not any(thread.is_alive() for thread in load.threads), f"seed {SEED}"
    staffed.all_is_well()
    promises = staffed.promises
    assert len(promises.refs) >= 5 and len(promises.saved) >= 5 and len(promises.acts) >= 2 and load.cut_off, promises
    with capsys.disabled():
        kept = (
            f"{len(promises.refs)} cases by command, {len(promises.saved)} drafts and cases, {len(promises.acts)} acts"
        )
        print(f"\nseed {SEED}: {kills} kills, {load.cut_off} answers cut off, {kept} kept", end="")
