"""Chinese text in lines: breaks anywhere but before closing and after opening marks, and not inside a Latin word.

After GB/T 15834-2011, 5.1 (which marks never begin or end a line). Pure.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator

Measure = Callable[[str], float]
_NOT_FIRST = frozenset("，。、；：！？）》」』】〕”’…—～·％%,.;:!?)]}")
_NOT_LAST = frozenset("（《「『【〔“‘([{")
_WORD = re.compile(r"[!-~]+|.", re.DOTALL)
_BACK = 40
"""So many characters at most go down to the next line for the sake of a mark or a word."""


def drawable(text: str) -> str:
    """The text without what has no shape of its own: control and format characters, variation selectors."""
    return "".join(char for char in text if char == "\n" or not _shapeless(char))


def _shapeless(char: str) -> bool:
    point = ord(char)
    return unicodedata.category(char) in ("Cc", "Cf", "Cs") or 0xFE00 <= point <= 0xFE0F or 0xE0100 <= point <= 0xE01EF


def wrap(text: str, width: float, measure: Measure) -> list[str]:
    """The lines of a text at most `width` wide, as `measure` counts; at least one, each of at least one character."""
    lines = []
    for paragraph in drawable(text).split("\n"):
        lines += list(_lines(paragraph, width, measure))
    return lines


def _lines(text: str, width: float, measure: Measure) -> Iterator[str]:
    line, wide = "", 0.0
    for piece in _pieces(text, width, measure):
        step = measure(piece)
        if line and wide + step > width:
            kept, carried = _cut(line, piece)
            yield kept.rstrip(" ")
            line = carried
            wide = measure(line)
            if not line and piece == " ":
                continue
        line += piece
        wide += step
    yield line


def _pieces(text: str, width: float, measure: Measure) -> Iterator[str]:
    for word in _WORD.findall(text):
        if len(word) > 1 and measure(word) > width:
            yield from word
        else:
            yield word


def _cut(line: str, following: str) -> tuple[str, str]:
    """Where to break before `following`: what stays on the line, and what goes down with it."""
    whole = line + following[0]
    for at in range(len(line), max(0, len(line) - _BACK), -1):
        if not _together(whole[at - 1], whole[at]):
            return line[:at], line[at:]
    return line, ""


def _together(before: str, after: str) -> bool:
    """Whether no line may end between two characters; where a word is longer than a line it is cut anyway."""
    return after in _NOT_FIRST or before in _NOT_LAST or ("!" <= before <= "~" and "!" <= after <= "~")
