"""What a case can be found by: pieces of its person's name, its initials in pinyin, and how its numbers end. Pure.

A piece is one to three neighbouring characters, so that any part of a name is found through an index, however many
cases there are; what is longer is found by its last piece and then compared. Initials (wxm for 王小明) are two to four
letters; more of them are found by all their pieces. A character with several readings stands there under each.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import product
from typing import NamedTuple

from casework.initials import readings

PIECE_CHARACTERS = 3
INITIALS = range(2, 5)
"""How many letters a piece of initials has."""
TAIL_CHARACTERS = 4
TERM_CHARACTERS = TAIL_CHARACTERS + 1
NAME_CHARACTERS = 60
"""Of a longer name only the beginning is found."""
_TAIL, _INITIALS = "#", "~"


class Sought(NamedTuple):
    """What somebody typed: the terms of which a case has one, and the whole texts to compare where a term is less.

    `number`: how an id number, intake code or case number ends, "" when no number is meant; `name`: a part of a name.
    """

    number: str
    name: str

    @property
    def piece(self) -> str:
        """The term of the name, "" where none is meant."""
        return self.name[-PIECE_CHARACTERS:]

    @property
    def tail(self) -> str:
        """The term of the number, "" where none is meant."""
        return self.number and _TAIL + self.number[-TAIL_CHARACTERS:]

    @property
    def initials(self) -> tuple[str, ...]:
        """The terms, all of which a name with these initials has; none where the text is not of letters alone."""
        letters, most = self.name.replace(" ", ""), INITIALS[-1]
        if not (letters.isascii() and letters.isalpha() and len(letters) >= INITIALS[0]):
            return ()
        starts = [*range(0, len(letters) - most, most), max(0, len(letters) - most)]
        return tuple(_INITIALS + letters[at : at + most] for at in starts)


def terms_of(name: str, numbers: Iterable[str]) -> frozenset[str]:
    """All terms by which a case with this name and these numbers is found."""
    plain = _plain(name)[:NAME_CHARACTERS]
    found = {plain[at : at + n] for n in range(1, PIECE_CHARACTERS + 1) for at in range(len(plain) - n + 1)}
    found |= {_INITIALS + piece for piece in _initial_pieces(readings(plain))}
    tails = (squeezed(number)[-TAIL_CHARACTERS:] for number in numbers)
    return frozenset(found | {_TAIL + tail for tail in tails if len(tail) == TAIL_CHARACTERS})


def _initial_pieces(letters: list[str]) -> Iterator[str]:
    for n in INITIALS:
        for at in range(len(letters) - n + 1):
            yield from map("".join, product(*letters[at : at + n]))


def sought(text: str) -> Sought:
    """What a text may mean; a number is one with at least four characters, all ASCII, of which one is a digit."""
    number = squeezed(text)
    is_number = len(number) >= TAIL_CHARACTERS and number.isascii() and any(char.isdigit() for char in number)
    return Sought(number if is_number else "", _plain(text)[:NAME_CHARACTERS])


def squeezed(number: str) -> str:
    """A number without what people put between its parts."""
    return "".join(number.split()).replace("-", "").upper()


def _plain(name: str) -> str:
    return " ".join(name.split()).casefold()
