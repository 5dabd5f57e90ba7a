"""Getting in, and being kept out: invitations, new machines for old stations, nodes in the wrong place, strangers."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from casework.case_tables import case_row
from sync_protocol.limits import TOKEN_SECONDS
from sync_protocol.store import tables as t
from sync_protocol.store.tables import identity
from tests.processes.founding import (
    COUNTY,
    OTHER_TOWNSHIP,
    OTHER_VILLAGE,
    TOWNSHIP,
    VILLAGE,
    dial,
    in_hub,
    opened_hub,
    opened_node,
)
from tests.processes.lines import line, scan, write_lines
from tests.processes.proxy import Proxy
from tests.processes.running import Done, Server, report, run


class Place:
    """The hub, and a township whose way to the hub can be closed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.hub = Server("hub", folder / "hub")
        report("hub", "init", "--dir", self.hub.folder, "--county", COUNTY)
        self.way = Proxy(self.hub.start().url).__enter__()
        self.township = Server("node", folder / "township")
        assert self.init("township", self.invite(TOWNSHIP, "township"), self.way.url).code == 0
        self.township.start()

    def invite(self, code: str, tier: str = "village") -> str:
        invited = report("hub", "invite", "--dir", self.hub.folder, "--station", code, "--tier", tier)
        assert 0 < invited["expires"] - time.time() - TOKEN_SECONDS + 60 < 120
        return str(invited["token"])

    def init(self, name: str, token: str, parent: str = "") -> Done:
        words = ("--parent", parent or self.township.url, "--token", token)
        return run("node", "init", "--dir", self.folder / name, *words, "--json")

    def fails(self, name: str, token: str, parent: str = "") -> str:
        """What init says when it fails."""
        done = self.init(name, token, parent)
        assert done.code == 1 and done.out == "" and done.err.count("\n") == 1, done
        return done.err

    def refused(self, name: str, token: str, parent: str = "") -> str:
        """What init says when nothing was granted to it; it leaves nothing behind."""
        said = self.fails(name, token, parent)
        assert not (self.folder / name).exists() and not (self.folder / f"{name}.key").exists()
        return said

    def sync(self, name: str, *more: str, code: int = 0) -> dict[str, Any]:
        return report("node", "sync", "--dir", self.folder / name, *more, code=code)

    def intake(self, name: str, serials: range, files: tuple[str, ...] = ()) -> dict[str, Any]:
        cases = write_lines(self.folder / f"{name}.jsonl", [line(n, files=files) for n in serials])
        return report("node", "intake", "--dir", self.folder / name, cases, "--materials", self.folder / "scans")

    def close(self) -> None:
        self.township.kill()
        self.hub.kill()
        self.way.__exit__()


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    found = Place(tmp_path_factory.mktemp("enrolment"))
    yield found
    found.close()


def test_a_village_enrols_through_its_township_and_a_token_serves_one_machine(place):
    token = place.invite(VILLAGE)
    done = place.init("village", token)
    assert done.code == 0 and (done.report["station"], done.report["epoch"]) == (VILLAGE, 0)
    assert "used by another machine" in place.refused("thief", token)
    assert "used by another machine" in place.refused("thief", token, place.hub.url)
    assert place.intake("village", range(50, 51))["taken"] == 1  # the items came with the enrolment
    again = place.init("village", token)
    assert again.code == 1 and "already holds a station" in again.err
    with opened_node(place.folder / "village") as village, opened_node(place.folder / "township") as township:
        assert village.parent_author == township.me.author  # found its place by its region code


def test_a_mistyped_or_foreign_token_is_named(place):
    token = place.invite(OTHER_VILLAGE)
    swapped = token[:30] + ("A" if token[30] != "A" else "B") + token[31:]
    for wrong in (swapped, token[:-4], "LB1-", "hello", ""):
        assert "invitation token" in place.refused("new", wrong)
    spaced = " ".join(token[n : n + 5].lower() for n in range(0, len(token), 5))
    assert place.init("spaced", spaced).code == 0


def test_an_expired_invitation_is_refused(place):
    token = place.invite("341882103203")
    expired = (
        sa.update(t.invitation).where(t.invitation.c.region == "341882103203").values(expires=int(time.time()) - 1)
    )
    in_hub(place.hub.folder, lambda conn: conn.execute(expired))
    assert "expired" in place.refused("late", token)
    assert place.init("late", place.invite("341882103203")).code == 0


def test_with_the_township_or_its_way_up_down_the_error_says_so_and_the_token_stays_good(place):
    token = place.invite("341882103204")
    place.way.block()
    try:
        assert "cannot be reached" in place.fails("new-4", token)
    finally:
        place.way.unblock()
    place.township.stop()
    try:
        assert "cannot be reached" in place.fails("new-4", token)
    finally:
        place.township.start()
    for strange in ("ftp://127.0.0.1", "127.0.0.1:1", "http://"):
        assert "--parent" in place.refused("strange", token, strange)
    assert place.init("new-4", token).code == 0


def test_an_answer_that_is_lost_on_the_way_does_not_cost_the_invitation(place):
    token = place.invite("341882103207")
    budgets = iter([700])  # the request passes, its answer does not
    with Proxy(place.township.url, cut_after=lambda: next(budgets, None)) as proxy:
        proxy.keep()
        done = place.init("cut", token, proxy.url)
        head, body = proxy.sent[0].split(b"\r\n\r\n", 1)
        assert f"Content-Length: {len(body)}\r\n".encode() in head + b"\r\n"
        assert (done.code, proxy.cuts, done.err) == (0, 1, ""), done
    i = t.invitation.c
    used = sa.select(i.used_by).where(i.region == "341882103207")
    with opened_node(place.folder / "cut") as station:
        assert in_hub(place.hub.folder, lambda conn: conn.execute(used).scalar()) == station.me.signer.public
        assert station.me.epoch == 0


def test_when_every_answer_was_lost_the_same_command_goes_on_with_the_same_keys(place):
    token, other = place.invite("341882103208"), place.invite("341882103209")
    with Proxy(place.township.url, cut_after=lambda: 700) as proxy:
        assert "cannot be reached" in place.fails("lost-answer", token, proxy.url)
        assert proxy.cuts == 3
    used = sa.select(t.invitation.c.used_by).where(t.invitation.c.region == "341882103208")
    granted = in_hub(place.hub.folder, lambda conn: conn.execute(used).scalar())
    early = run("node", "serve", "--dir", place.folder / "lost-answer")
    assert early.code == 1 and "belongs to no station yet" in early.err
    assert "used by another machine" in place.refused("thief", token)
    done = place.init("lost-answer", token)
    assert done.code == 0 and (done.report["station"], done.report["epoch"]) == ("341882103208", 0)
    with opened_node(place.folder / "lost-answer") as station:
        names = station.store.read(lambda conn: set(conn.execute(sa.select(identity.c.name)).scalars()))
        assert station.me.signer.public == granted and not [name for name in names if name.startswith("enrol")]
    again = place.init("lost-answer", other)
    assert again.code == 1 and "already holds a station" in again.err


def _cases(folder: Path) -> dict[str, str]:
    """ref → state of every case that a station shows."""
    with opened_node(folder) as station:
        rows = station.store.read(lambda conn: conn.execute(sa.select(case_row.c.ref, case_row.c.state)).all())
    return {row.ref: row.state for row in rows}


def test_a_new_machine_gets_its_past_back_and_the_old_ones_later_entries_wait_for_a_person(place):
    scan(place.folder / "scans", "a.jpg", 7)
    place.init("old", place.invite("341882103205"))
    place.sync("old")
    place.intake("old", range(1, 4), files=("a.jpg",))
    assert place.sync("old", "--until", "ordered")["blobs_sent"] == 6  # with their previews
    place.way.block()
    late = place.intake("old", range(4, 6))
    assert place.sync("old", "--timeout", "2", code=1)["entries_sent"] == 2  # the township has them, the county not
    done = place.init("new", place.invite("341882103205"), place.hub.url)
    assert (done.code, done.report["epoch"]) == (0, 1)
    place.way.unblock()
    # (its township is dialled again: the county was only asked because the way was closed)
    dial(place.folder / "new", place.township.url)
    assert len(place.sync("township", "--timeout", "60", code=3)["held"]) == 2
    back = place.sync("new", "--until", "ordered", code=3)
    assert [(row["code"], row["kind"]) for row in back["held"]] == [("revoked", 64)] * 2
    assert {row["case"] for row in back["held"]} == {case["case"] for case in late["cases"]}
    assert _cases(place.folder / "new") == {f"example-elder_allowance-{n}": "collected" for n in range(1, 4)} | {
        "example-elder_allowance-4": "",
        "example-elder_allowance-5": "",
    }
    with opened_node(place.folder / "new") as station:
        missing = station.store.read(lambda conn: conn.execute(sa.select(t.blob).where(t.blob.c.held == 0)).all())
    assert missing == []  # its scans came back as well
    taken = place.intake("new", range(1, 8))
    assert (taken["taken"], taken["known"]) == (2, 5)
    place.sync("new", "--until", "ordered", code=3)
    _epochs(place, taken)
    assert place.sync("old", "--timeout", "5", code=1)["error"] == "certificate_revoked"
    place.intake("old", range(20, 21))
    assert place.sync("old", "--timeout", "5", code=1)["pending"] >= 1
    for name in ("new", "township", "old"):
        assert report("node", "fsck", "--dir", place.folder / name)["wrong"] == []
    assert report("hub", "fsck", "--dir", place.hub.folder)["wrong"] == []


def _epochs(place: Place, taken: dict[str, Any]) -> None:
    """What the new machine wrote stands in epoch 1 and is admitted."""
    with opened_hub(place.hub.folder) as hub:
        for case in taken["cases"]:
            rows = hub.store.read(
                lambda conn, case=case: conn.execute(
                    sa.select(t.entry.c.epoch, t.entry.c.standing).where(t.entry.c.topic == bytes.fromhex(case["case"]))
                ).all()
            )
            assert [tuple(row) for row in rows] == [(1, 1)]


def test_a_village_that_dials_another_township_is_told_so(place):
    second = Server("node", place.folder / "second")
    assert place.init("second", place.invite(OTHER_TOWNSHIP, "township"), place.hub.url).code == 0
    place.init("lost", place.invite("341882103206"))
    place.sync("lost")
    try:
        dial(place.folder / "lost", second.start().url)
        place.sync("second")
        place.intake("lost", range(30, 31))
        failed = place.sync("lost", "--timeout", "5", code=1)
        assert (failed["error"], failed["entries_sent"], failed["seconds"] < 4) == ("not_your_parent", 0, True)
        dial(place.folder / "lost", place.township.url)
        assert place.sync("lost", "--until", "ordered")["entries_sent"] == 1
    finally:
        second.kill()


def test_a_station_of_another_county_is_refused(place):
    elsewhere = Place(place.folder / "elsewhere")
    try:
        elsewhere.init("stranger", elsewhere.invite(VILLAGE))
        elsewhere.sync("stranger")
        elsewhere.intake("stranger", range(40, 41))
        token = elsewhere.invite(OTHER_VILLAGE)
    finally:
        elsewhere.close()
    assert "not known here" in place.refused("foreign-token", token)
    dial(elsewhere.folder / "stranger", place.township.url)
    failed = elsewhere.sync("stranger", "--timeout", "3", code=1)
    assert failed["error"] in ("bad_signature", "not_enrolled", "unknown_certificate") and failed["pending"] == 1
    assert failed["entries_sent"] == 0 and failed["bytes_down"] == 0
