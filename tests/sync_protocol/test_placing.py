"""What an order record says is written down run by run: each entry has the place and the words meant for it alone."""

from __future__ import annotations

import random
from itertools import pairwise

import pytest
import sqlalchemy as sa

from sync_protocol.feeds import up
from sync_protocol.order import Placed, Standing, build_runs, placements
from sync_protocol.reading import topic_rows
from sync_protocol.store import effects
from sync_protocol.store import tables as t
from tests.sync_protocol.county import Place, small_county

HELD, RECORD = 40, 7
UNPLACED = (0, 0, 0, "", "")
Line = tuple[int, int, int, Standing, str, str]


@pytest.fixture(scope="module")
def village(tmp_path_factory: pytest.TempPathFactory) -> Place:
    """Forty entries lie here; of its township's none does."""
    *_, village = small_county(tmp_path_factory.mktemp("county"))
    topic = village.open_case({"n": 0})
    for number in range(1, HELD):
        village.write(village.author, topic, 68, {"n": number})
    return village


def some_record(dice: random.Random) -> list[Placed]:
    """Long stretches in order, cut up, in any order, with others' entries between them and all kinds of words."""
    cuts = sorted({0, HELD, *(dice.randrange(HELD) for _ in range(dice.randrange(8)))})
    pieces = [list(range(low + 1, high + 1)) for low, high in pairwise(cuts)]
    if dice.random() < 0.5:
        dice.shuffle(pieces)
    lines: list[Line] = []
    for piece in pieces:
        for number in piece:
            odd = dice.random()
            if odd < 0.2:
                lines.append((1, 0, len(lines) + 1, Standing.ADMITTED, "", ""))
            if odd < 0.1:
                continue  # of this entry the record says nothing, and another's has the place it would have had
            if odd < 0.7:
                lines.append((0, 0, number, Standing.ADMITTED, "", ""))
            else:
                lines.append((0, 0, number, Standing.REFUSED, dice.choice("ab"), dice.choice("fg")))
    return list(placements(RECORD, build_runs(lines)))


@pytest.mark.parametrize("seed", range(20))
def test_each_entry_stands_where_its_record_says(village: Place, seed: int) -> None:
    placed = some_record(random.Random(seed))
    wanted = dict.fromkeys(range(1, HELD + 1), UNPLACED)
    wanted |= {p.number: (int(p.standing), p.place, RECORD, p.code, p.field) for p in placed if p.slot == 0}
    ahead = {(p.number, int(p.standing), p.place) for p in placed if p.slot == 1}
    e, a = t.entry.c, t.placement_ahead.c

    def run(conn: sa.Connection) -> None:
        [(topic,)] = conn.execute(sa.select(e.topic).where(e.feed == up(village.author).packed()).distinct())
        conn.execute(sa.update(t.entry).values(standing=0, place=0, judged_by=0, code="", field=""))
        topic_rows(conn, village.author, [topic])  # what is remembered of it must go on being true
        conn.execute(sa.delete(t.placement_ahead))
        effects.place(conn, village.author, RECORD, placed)
        words = (e.number, e.standing, e.place, e.judged_by, e.code, e.field)
        rows = conn.execute(sa.select(*words).where(e.feed == up(village.author).packed()))
        assert {row.number: tuple(row[1:]) for row in rows} == wanted
        assert {tuple(row) for row in conn.execute(sa.select(a.number, a.standing, a.place))} == ahead
        remembered = topic_rows(conn, village.author, [topic])[topic]
        assert {row.number: tuple(row[7:12]) for row in remembered} == wanted
        assert [row.place for row in remembered] == sorted(row.place for row in remembered)

    village.store.write(run)
