"""The play can fail: each fault built in on purpose is caught, by a judge that names the promise it breaks."""

from __future__ import annotations

import logging

import pytest

from tests.federation.judges import Judged
from tests.federation.mutations import MUTATIONS
from tests.federation.world import play

TRIES = 40
SAW_IT = {"judge without the home's lock": 9, "ignore after": 10}
"""A seed that saw it once is played first; what it plays changes with the program."""
CAUGHT_BY = {
    "acknowledge before commit": {"nothing acknowledged is missing"},
    "skip the chain check": {"one entry a number", "sound replica"},
    "judge without the home's lock": {"settled once", "after"},
    "ignore after": {"after"},
    "let the fold judge": {"equal state"},
    "accept an unsigned prefix": {"one entry a number", "sound replica"},
    "trust a relay's acknowledgement for custody": {"custody"},
    "commits do not wait for the disk": {"nothing acknowledged is missing"},
    "a scan's name does not wait for the disk": {"nothing acknowledged is missing"},
}


def _caught(name: str, seed: int) -> Judged | None:
    try:
        with MUTATIONS[name]():
            play(seed)
    except Judged as error:
        return error
    return None


@pytest.mark.timeout(900)
@pytest.mark.parametrize("name", MUTATIONS)
def test_a_mutation_is_caught_where_the_product_passes(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    logging.disable(logging.CRITICAL)
    try:
        tried = ((seed, _caught(name, seed)) for seed in (SAW_IT.get(name, 1), *range(1, 1 + TRIES)))
        caught = ((seed, error) for seed, error in tried if error and error.judge in CAUGHT_BY[name])
        seed, found = next(caught, (0, None))
        assert found is not None, f"none of {TRIES} seeds saw «{name}»"
        with capsys.disabled():
            print(f"\n{name}: seed {seed}, caught by «{found.judge}»")
        play(seed)  # the product as it is passes
    finally:
        logging.disable(logging.NOTSET)
