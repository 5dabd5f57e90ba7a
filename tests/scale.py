"""How much the randomised and repeated tests do: what CI has time for, or what `make soak` takes hours for."""

from __future__ import annotations

import os

soak: bool = os.environ.get("LIANBAN_SOAK") == "1"


def times(in_ci: int, in_soak: int) -> int:
    """How often to do something."""
    return in_soak if soak else in_ci
