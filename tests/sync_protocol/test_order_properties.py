"""Order, places and frontiers, over made-up histories."""

from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from sync_protocol.entries import mark, unmark
from sync_protocol.feeds import HUB, TO_ALL, down, up
from sync_protocol.frontier import Branch, Tip, clip, frontier_digest, lacking, parse_vector, vector_fields
from sync_protocol.limits import RUNS_PER_RECORD_MAX
from sync_protocol.order import (
    EXCEPTIONS_AT_ONCE,
    RUN_ENTRIES_MAX,
    Run,
    Standing,
    TopicEntry,
    build_runs,
    built_on_refused,
    own_place,
    pack_runs,
    parse_runs,
    place_of,
    placements,
    saw,
    tentative_order,
    unready,
)

# --- runs -------------------------------------------------------------------------------------------------------

STANDINGS = st.sampled_from([Standing.ADMITTED, Standing.ADMITTED, Standing.REFUSED, Standing.HELD])


@st.composite
def verdicts(draw):
    """Lines as the bench writes them: every entry at most once, mostly in stretches."""
    lines, used = [], set()
    for _ in range(draw(st.integers(1, 12))):
        slot, epoch, first = draw(st.integers(0, 1)), draw(st.integers(0, 2)), draw(st.integers(1, 60))
        for number in range(first, first + draw(st.integers(1, 8))):
            if (slot, epoch, number) not in used:
                used.add((slot, epoch, number))
                standing = draw(STANDINGS)
                text = ("", "") if standing is Standing.ADMITTED else ("code", draw(st.sampled_from(["", "field"])))
                lines.append((slot, epoch, number, standing, *text))
    return lines


@given(lines=verdicts(), record=st.integers(1, 2**31))
def test_what_was_judged_is_what_is_placed_in_the_order_judged(lines, record):
    runs = build_runs(lines)
    assert parse_runs(pack_runs(runs)) == runs
    placed = list(placements(record, runs))
    assert [(p.slot, p.epoch, p.number, p.standing, p.code, p.field) for p in placed] == lines
    places = [p.place for p in placed]
    assert places == sorted(set(places))
    assert own_place(record) < places[0] and places[-1] < own_place(record + 1)


@given(lines=verdicts())
def test_runs_are_as_few_as_can_be(lines):
    runs = build_runs(lines)
    for one, two in itertools.pairwise(runs):
        assert (one.slot, one.epoch, one.last + 1) != (two.slot, two.epoch, two.first)


def test_a_long_stretch_is_cut_where_a_run_is_full():
    lines = [(0, 0, n, Standing.ADMITTED, "", "") for n in range(1, 2 * RUN_ENTRIES_MAX + 2)]
    assert [(r.first, r.last) for r in build_runs(lines)] == [(1, 4096), (4097, 8192), (8193, 8193)]
    held = [(0, 0, n, Standing.HELD, "awaits", "") for n in range(1, EXCEPTIONS_AT_ONCE + 2)]
    assert [len(r.exceptions) for r in build_runs(held)] == [EXCEPTIONS_AT_ONCE, 1]
    assert parse_runs(pack_runs(build_runs(held))) == build_runs(held)


def test_the_largest_record_stays_before_the_next_number():
    largest = [Run(0, 0, 1, RUN_ENTRIES_MAX)] * RUNS_PER_RECORD_MAX
    placed = list(placements(7, largest))
    assert own_place(7) < placed[0].place and placed[-1].place < own_place(8)
    assert place_of(7, 0) == own_place(7) + 1


@given(epoch=st.integers(0, 2**31 - 1), number=st.integers(0, 2**32 - 1))
def test_marks_grow_along_a_history(epoch, number):
    assert unmark(mark(epoch, number)) == (epoch, number)
    assert mark(epoch, number) < mark(epoch + 1, 0) < 2**63 + 2**32


# --- the order of what is not ordered yet ----------------------------------------------------------------------


@st.composite
def histories(draw):
    """Three authors write about one topic; each sees some prefix of what the others have written so far."""
    written: list[TopicEntry] = []
    seen = {slot: [0, 0, 0] for slot in range(3)}
    epochs, numbers = [0, 0, 0], [0, 0, 0]
    for _ in range(draw(st.integers(1, 14))):
        slot = draw(st.integers(0, 2))
        if draw(st.integers(0, 9)) == 0:
            epochs[slot] += 1
        numbers[slot] += draw(st.integers(1, 3))
        for other in range(3):
            marks = [e.mark for e in written if e.slot == other]
            if other != slot and marks and draw(st.booleans()):
                seen[slot][other] = max(seen[slot][other], draw(st.sampled_from(marks)))
        after = tuple(0 if other == slot else seen[slot][other] for other in range(3))
        written.append(TopicEntry(slot, epochs[slot], numbers[slot], after, Standing.PENDING, 0, 0))  # type: ignore[arg-type]
    return written


@given(history=histories(), data=st.data())
def test_tentative_order_puts_everything_after_what_its_author_had_seen(history, data):
    order = tentative_order(data.draw(st.permutations(history)))
    assert sorted(order, key=id) == sorted(history, key=id)
    for at, entry in enumerate(order):
        assert not any(saw(entry, later) for later in order[at + 1 :])


@given(history=histories(), data=st.data())
def test_tentative_order_is_the_same_on_every_replica(history, data):
    assert tentative_order(data.draw(st.permutations(history))) == tentative_order(history)


@given(after=st.lists(st.tuples(*[st.integers(0, 4)] * 3), min_size=1, max_size=7))
def test_tentative_order_ends_even_where_authors_lie_in_circles(after):
    lies = [TopicEntry(i % 3, 0, i + 1, seen, Standing.PENDING, 0, 0) for i, seen in enumerate(after)]
    assert len(tentative_order(lies)) == len(lies)


@given(history=histories())
def test_judging_in_readiness_order_leaves_nothing_waiting(history):
    """Whatever arrived whole can be judged to its end, and nothing before what it saw."""
    arrived = {slot: max((e.mark for e in history if e.slot == slot), default=0) for slot in range(3)}
    topic, done = list(history), []
    while len(done) < len(history):
        ready = [e for e in topic if e.standing is Standing.PENDING and not unready(e, topic, arrived)]
        assert ready
        for entry in ready:
            assert not any(
                saw(entry, o) for o in topic if o.slot != 2 and o.standing is Standing.PENDING and o is not entry
            )
        at = topic.index(ready[0])
        topic[at] = TopicEntry(
            ready[0].slot, ready[0].epoch, ready[0].number, ready[0].after, Standing.ADMITTED, 0, len(done) + 1
        )
        done.append(ready[0])


@given(history=histories())
def test_what_has_not_arrived_is_waited_for(history):
    last = history[-1]
    missing = dict.fromkeys(range(3), 0)
    assert unready(last, [last], missing) == any(last.after)


def test_only_those_who_had_not_heard_of_a_refusal_are_refused_with_it():
    first = TopicEntry(0, 0, 1, (0, 0, 0), Standing.REFUSED, 0, 5)
    unaware = TopicEntry(0, 0, 2, (0, 0, mark(0, 4)), Standing.PENDING, 0, 0)
    aware = TopicEntry(0, 0, 3, (0, 0, mark(0, 5)), Standing.PENDING, 0, 0)
    stranger = TopicEntry(1, 0, 1, (0, 0, 0), Standing.PENDING, 0, 0)
    topic = [first, unaware, aware, stranger]
    assert [built_on_refused(e, topic) for e in topic] == [False, True, False, False]


# --- frontiers --------------------------------------------------------------------------------------------------

FEEDS = [up(3), up(2), down(2, 3), down(HUB, 3), down(HUB, 2), TO_ALL]


def head(branch: Branch, number: int) -> bytes:
    """One history per branch: the head follows from the number."""
    return branch.feed.packed() + bytes([branch.epoch, number]) + bytes(21)


@st.composite
def frontiers(draw):
    found = {}
    for feed in draw(st.lists(st.sampled_from(FEEDS), unique=True)):
        for epoch in draw(st.sets(st.integers(0, 1), min_size=1)):
            branch = Branch(feed, epoch)
            number = draw(st.integers(1, 9))
            found[branch] = Tip(number, head(branch, number))
    return found


def numbers(frontier):
    return {branch: tip.number for branch, tip in frontier.items()}


@given(mine=frontiers(), theirs=frontiers())
def test_clip_is_what_both_hold_and_both_sides_name_it_alike(mine, theirs):
    both = clip(mine, theirs)
    assert set(both) == set(mine) & set(theirs)
    assert numbers(both) == {b: min(mine[b].number, theirs[b].number) for b in both}
    assert frontier_digest(both) == frontier_digest(clip(theirs, mine))
    assert clip(mine, mine) == mine and clip(both, mine) == both


@given(mine=frontiers(), theirs=frontiers())
def test_what_is_lacking_is_what_must_be_sent_and_no_more(mine, theirs):
    gaps = dict(lacking(mine, theirs))
    reached = dict(theirs)
    for branch, after in gaps.items():
        assert after == (theirs[branch].number if branch in theirs else 0) < mine[branch].number
        reached[branch] = mine[branch]
    assert lacking(mine, reached) == []
    assert clip(mine, reached) == mine


@given(mine=frontiers())
def test_the_hubs_words_to_all_go_first_and_openings_before_what_builds_on_them(mine):
    order = [branch.feed for branch, _ in lacking(mine, {})]
    assert sorted(order, key=lambda feed: feed.home or 0) == order
    for home in (2, 3):
        kinds = [feed.kind for feed in order if feed.home == home]
        assert kinds == sorted(kinds)


@given(one=frontiers(), two=frontiers())
def test_the_digest_says_whether_frontiers_are_equal(one, two):
    assert (frontier_digest(one) == frontier_digest(two)) == (one == two)
    shuffled = dict(reversed(list(one.items())))
    assert frontier_digest(shuffled) == frontier_digest(one)


@given(one=frontiers())
def test_a_vector_comes_back_as_it_was(one):
    assert parse_vector(vector_fields(one)) == one


def test_an_author_saw_what_its_after_names_and_its_own_earlier_words():
    basis = TopicEntry(0, 1, 5, (0, 0, 0), Standing.PENDING, 0, 0)
    saw_it = TopicEntry(1, 0, 1, (mark(1, 5), 0, 0), Standing.PENDING, 0, 0)
    saw_less = TopicEntry(1, 0, 2, (mark(1, 4), 0, 0), Standing.PENDING, 0, 0)
    older_epoch = TopicEntry(1, 0, 3, (mark(0, 9), 0, 0), Standing.PENDING, 0, 0)
    assert [saw(entry, basis) for entry in (saw_it, saw_less, older_epoch)] == [True, False, False]
    assert saw(saw_less, saw_it) and not saw(saw_it, saw_less)
    assert tentative_order([saw_it, basis]) == [basis, saw_it]
