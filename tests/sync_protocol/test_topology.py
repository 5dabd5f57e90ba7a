"""Who may hold a feed, and trees that nobody should have signed."""

from __future__ import annotations

from sync_protocol.feeds import HUB, TO_ALL, TO_SELF, down, up
from sync_protocol.topology import Station, Tier, Topology

TREE = Topology(
    [
        Station(2, HUB, Tier.TOWNSHIP, "341882103000"),
        Station(3, 2, Tier.VILLAGE, "341882103201"),
        Station(4, 2, Tier.VILLAGE, "341882103202"),
        Station(5, HUB, Tier.TOWNSHIP, "341882104000"),
        Station(6, 5, Tier.VILLAGE, "341882104201"),
    ]
)
HOLDERS = {
    up(3): {1, 2, 3},
    down(2, 3): {1, 2, 3},
    down(HUB, 3): {1, 2, 3},
    up(2): {1, 2},
    down(HUB, 2): {1, 2},
    up(HUB): set(),  # the hub is nobody's home
    down(2, HUB): set(),
    TO_ALL: {1, 2, 3, 4, 5, 6},
    TO_SELF: {1},
}


def test_who_holds_what_follows_from_author_audience_and_the_ancestors_of_either():
    for feed, holders in HOLDERS.items():
        assert {author for author in range(1, 8) if TREE.may_hold(author, feed)} == holders


def test_nobody_holds_what_a_stranger_says_about_a_home():
    for author in (3, 4, 5, 6, 99):
        feed = down(author, 3)
        assert not any(TREE.may_hold(holder, feed) for holder in range(1, 100)), feed


def test_what_is_enumerated_is_what_may_be_held():
    for holder in range(1, 7):
        held = TREE.held_feeds(holder)
        assert len(held) == len(set(held))
        assert all(TREE.may_hold(holder, feed) for feed in held)
    assert len(TREE.held_feeds(3)) == 4


def test_a_circle_of_parents_ends():
    circle = Topology(
        [Station(2, 3, Tier.TOWNSHIP, ""), Station(3, 2, Tier.VILLAGE, ""), Station(4, 4, Tier.VILLAGE, "")]
    )
    assert circle.ancestors(2) == circle.ancestors(4) == []
    assert circle.subtree(2) == [2, 3]
    assert circle.subtree(4) == [4]
    assert circle.held_feeds(4) == [TO_ALL, up(4)]


def test_a_subtree_names_parents_before_children():
    assert TREE.subtree(HUB) == [2, 3, 4, 5, 6]
    assert TREE.subtree(2) == [2, 3, 4]
