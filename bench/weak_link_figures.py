"""The figures of the weak-link bench: what was reached per seed beside its limit, printed as median and worst."""

from __future__ import annotations

import statistics
from dataclasses import dataclass, field


@dataclass(slots=True)
class Figure:
    """One figure over all seeds; `alone` is what the link's rate and delay by themselves need, in the same unit."""

    name: str
    limit: float
    at_least: bool
    reached: list[float] = field(default_factory=list)
    alone: list[float] = field(default_factory=list)

    @property
    def worst(self) -> float:
        return min(self.reached) if self.at_least else max(self.reached)

    @property
    def kept(self) -> bool:
        """Whether the worst seed keeps the limit."""
        return self.worst >= self.limit if self.at_least else self.worst <= self.limit

    def text(self) -> str:
        word = "at least" if self.at_least else "at most"
        ratio = ""
        if self.alone:
            ratios = [reached / alone for reached, alone in zip(self.reached, self.alone, strict=True)]
            ratio = f"; {statistics.median(ratios):.2f} × the link alone"
        return (
            f"{'PASS' if self.kept else 'FAIL'}  {self.name}: median {statistics.median(self.reached):,.3f}, "
            f"worst {self.worst:,.3f}, {word} {self.limit:,.3f}{ratio}"
        )


class Figures:
    """In the order in which they were first noted."""

    def __init__(self) -> None:
        self._figures: dict[str, Figure] = {}
        self._said: list[str] = []
        self._failed: list[str] = []

    def note(
        self, name: str, reached: float, limit: float, *, at_least: bool = False, alone: float | None = None
    ) -> None:
        """One seed's figure. What follows from the seed may change the limit; the strictest one counts."""
        figure = self._figures.setdefault(name, Figure(name, limit, at_least))
        figure.limit = max(figure.limit, limit) if at_least else min(figure.limit, limit)
        figure.reached.append(reached)
        if alone is not None:
            figure.alone.append(alone)

    def say(self, line: str) -> None:
        """Something without a limit, to be printed after the figures."""
        self._said.append(line)

    def fail(self, what: str) -> None:
        """A run that came to nothing."""
        self._failed.append(f"FAIL  {what}")

    def add(self, other: Figures) -> None:
        """What another process noted."""
        for figure in other._figures.values():
            for at, reached in enumerate(figure.reached):
                alone = figure.alone[at] if figure.alone else None
                self.note(figure.name, reached, figure.limit, at_least=figure.at_least, alone=alone)
        self._said += other._said
        self._failed += other._failed

    def show(self) -> bool:
        """Print all; whether all were kept."""
        for figure in self._figures.values():
            print(figure.text(), flush=True)
        for line in (*self._said, *self._failed):
            print(line, flush=True)
        return not self._failed and all(figure.kept for figure in self._figures.values())
