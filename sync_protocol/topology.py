"""Who stands under whom, and what follows: who holds a feed, which feeds make a home (SPEC section 5)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum

from sync_protocol.feeds import HUB, TO_ALL, FeedId, FeedKind, down, up


class Tier(IntEnum):
    VILLAGE = 1
    TOWNSHIP = 2
    COUNTY = 3


@dataclass(frozen=True, slots=True)
class Station:
    """A place in the tree: its author number, its parent's, its tier and its region code (12 digits)."""

    author: int
    parent: int
    tier: Tier
    region: str


class Topology:
    """The tree of stations; the hub is always in it. Unknown stations have no ancestors and no feeds."""

    def __init__(self, stations: Iterable[Station]) -> None:
        self._stations = {station.author: station for station in stations if station.author != HUB}
        self._children: dict[int, list[int]] = {}
        for author in sorted(self._stations):
            self._children.setdefault(self._stations[author].parent, []).append(author)

    def station(self, author: int) -> Station | None:
        return self._stations.get(author)

    def children(self, author: int) -> list[int]:
        return self._children.get(author, [])

    def ancestors(self, author: int) -> list[int]:
        """From the parent up to the hub; empty for the hub and for strangers."""
        chain: list[int] = []
        station = self._stations.get(author)
        while station is not None and station.parent not in chain:
            chain.append(station.parent)
            station = self._stations.get(station.parent)
        return chain if chain and chain[-1] == HUB else []

    def subtree(self, author: int) -> list[int]:
        """`author` and everything under it, parents before children; the hub itself writes no home."""
        found: dict[int, None] = {}
        pending = [author]
        while pending:
            one = pending.pop()
            if one not in found:  # certificates could name a circle
                found[one] = None
                pending.extend(reversed(self.children(one)))
        return [one for one in found if one != HUB]

    def home_feeds(self, home: int) -> list[FeedId]:
        """The feeds that speak of a home's cases, in slot order: its own, its township's, the hub's.

        Slot 1 stays empty in numbering when the hub is the parent: use `slot`.
        """
        return [up(home), *(down(author, home) for author in self.ancestors(home))]

    def held_feeds(self, holder: int) -> list[FeedId]:
        """Every feed that `holder` may hold, except its own internal one."""
        return [TO_ALL, *(feed for home in self.subtree(holder) for feed in self.home_feeds(home))]

    def may_hold(self, holder: int, feed: FeedId) -> bool:
        if feed.kind is FeedKind.ALL:
            return holder == HUB or holder in self._stations
        if feed.kind is FeedKind.OWN:
            return holder == feed.author
        home = feed.home
        if home is None or home == HUB:
            return False  # the hub is nobody's home
        ancestors = self.ancestors(home)
        if feed.kind is FeedKind.DOWN and feed.author not in ancestors:
            return False  # a stranger has no office over this home
        return holder == home or holder in ancestors


SLOT_HOME, SLOT_TOWNSHIP, SLOT_HUB = 0, 1, 2
OFFICES = ("home", "township", "county")


def slot(feed: FeedId) -> int:
    """The feed's place in `after` and in order records: 0 home, 1 township, 2 hub."""
    if feed.kind is FeedKind.UP:
        return SLOT_HOME
    return SLOT_HUB if feed.author == HUB else SLOT_TOWNSHIP
