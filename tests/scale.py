"""How much the randomised tests try: what fits into CI, or what a night has room for."""

from __future__ import annotations

import os

SOAK: bool = bool(os.environ.get("LIANBAN_SOAK"))
