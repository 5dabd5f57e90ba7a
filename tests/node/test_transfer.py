"""Progress of a long transfer: from nothing left to nothing left, whatever is added meanwhile."""

from __future__ import annotations

from node.transfer import Backlog, Transfer


def test_progress_counts_from_the_beginning_of_the_transfer() -> None:
    backlog = Backlog()
    assert backlog.look(0, 0, 0.0) is None
    assert backlog.look(4, 400_000, 0.0) == Transfer(0, 4, 0, 400_000, 0.0)
    now = backlog.look(3, 250_000, 5_000.0)
    assert now == Transfer(1, 4, 150_000, 400_000, 5_000.0)
    assert now.seconds_left == 50


def test_what_is_added_on_the_way_makes_it_longer_and_never_goes_backwards() -> None:
    backlog = Backlog()
    backlog.look(2, 200_000, 0.0)
    backlog.look(1, 100_000, 0.0)
    more = backlog.look(3, 300_000, 0.0)
    assert more == Transfer(1, 4, 100_000, 400_000, 0.0)
    assert more.seconds_left is None


def test_the_next_transfer_begins_at_nought() -> None:
    backlog = Backlog()
    backlog.look(2, 200_000, 0.0)
    assert backlog.look(0, 0, 9.0) is None
    assert backlog.look(1, 50_000, 0.0) == Transfer(0, 1, 0, 50_000, 0.0)
