"""Make casework/data/initials.txt anew from pypinyin: `python -m deploy.initials`.

A line is some letters, a space, and every character with exactly those initials, the commonest reading first. Whoever
changes the table changes what cases are found by, and so has to change casework.fsck.ROWS.
"""

from __future__ import annotations

import unicodedata
from pathlib import Path

from pypinyin.pinyin_dict import pinyin_dict

TABLE = Path(__file__).parents[1] / "casework" / "data" / "initials.txt"


def table() -> str:
    """The text of the file."""
    by_letters: dict[str, list[str]] = {}
    for code, said in sorted(pinyin_dict.items()):
        letters = "".join(dict.fromkeys(_initial(reading) for reading in said.split(",")))
        by_letters.setdefault(letters, []).append(chr(code))
    return "".join(f"{letters} {''.join(chars)}\n" for letters, chars in sorted(by_letters.items()))


def _initial(reading: str) -> str:
    plain = "".join(char for char in unicodedata.normalize("NFD", reading.strip()) if not unicodedata.combining(char))
    return plain[0].lower()


if __name__ == "__main__":
    TABLE.write_text(table(), encoding="utf-8")
