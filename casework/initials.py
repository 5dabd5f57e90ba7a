"""By which letters people look for a Chinese name: the first letter of each character's pinyin. Pure but for one file.

The table was derived from pypinyin's characters (`python -m deploy.initials`), because the library itself costs every
process 50 MB; and because what cases are found by must not change with a library's version.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

_TABLE = Path(__file__).parent / "data" / "initials.txt"
_SURNAME_READINGS = 3
"""仇 is read qiú as a name, and chóu, which comes first, by everybody else: whoever types either finds the case."""
_READINGS = 2


@lru_cache(maxsize=1)
def _letters() -> dict[str, str]:
    """The letters of each character, the commonest reading first."""
    lines = _TABLE.read_text(encoding="utf-8").splitlines()
    return {char: letters for letters, chars in (line.split(" ") for line in lines) for char in chars}


def readings(text: str) -> list[str]:
    """For each Chinese character of a text the letters by which it may be sought; other characters are passed over."""
    table = _letters()
    known = [table[char] for char in text if char in table]
    return [letters[: _READINGS if at else _SURNAME_READINGS] for at, letters in enumerate(known)]


def sought_by(text: str, letters: str) -> bool:
    """Whether these letters, in lower case, are the initials of neighbouring characters of the text."""
    found = readings(text)
    return any(
        all(letter in found[at + n] for n, letter in enumerate(letters)) for at in range(len(found) - len(letters) + 1)
    )
