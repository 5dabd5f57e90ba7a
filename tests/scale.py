"""How much the randomised and repeated tests do: what CI has time for, or what `make soak` takes hours for."""

from __future__ import annotations

import os

SOAK: bool = bool(os.environ.get("LIANBAN_SOAK"))


def times(in_ci: int, in_soak: int) -> int:
    """How often to do something."""
    return in_soak if SOAK else in_ci
