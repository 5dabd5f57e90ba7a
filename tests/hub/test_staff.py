"""Staff: from the county to where people work, and passwords that cross on the way."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from casework import accounts_store, session_store
from casework.accounts import password_problems
from casework.errors import BadInput, NotFound
from casework.policy import Role
from casework.tables import web_session
from hub import staff
from sync_protocol import canonical
from sync_protocol.feeds import up
from sync_protocol.reading import told
from tests.hub.hall import FIRST, OFFICE, Hall, cheap_hash
from tests.sync_protocol.county import TOWNSHIP, VILLAGE


def test_an_account_reaches_its_station_and_signs_in_there_offline_but_nowhere_else(hall: Hall) -> None:
    account = hall.add_user("Shishi.Wang", Role.VILLAGE_AGENT, VILLAGE)
    hall.sync()
    there = hall.village.store.read(lambda conn: accounts_store.find_by_login(conn, "shishi.wang"))
    assert there == account
    assert there is not None
    assert there.must_change
    assert hall.opens(hall.village, account.account, FIRST)
    assert hall.township.store.read(lambda conn: accounts_store.get(conn, account.account)) is None


def test_the_countys_own_people_stay_at_the_county(hall: Hall) -> None:
    account = hall.add_user("approver", Role.COUNTY_APPROVER, office=OFFICE)
    hall.sync()
    assert hall.account(hall.hub, account.account).author == hall.hub.author
    for place in (hall.township, hall.village):
        assert place.store.read(accounts_store.staff_rows) == []
        assert b"approver" not in place.store.path.read_bytes()


def test_a_password_chosen_at_a_station_is_known_at_the_county(hall: Hall) -> None:
    account = hall.add_user("agent", Role.VILLAGE_AGENT, VILLAGE)
    hall.sync()
    hall.change_password(hall.village, account.account, "第一次 pass 99")
    hall.change_password(hall.village, account.account, "第二次 pass 99")
    assert hall.opens(hall.village, account.account, "第二次 pass 99")
    hall.sync()
    at_hub = hall.account(hall.hub, account.account)
    assert hall.opens(hall.hub, account.account, "第二次 pass 99")
    assert not at_hub.must_change


def test_a_reset_beats_a_change_made_before_it_was_seen_in_whichever_order_they_arrive(hall: Hall) -> None:
    account = hall.add_user("agent", Role.VILLAGE_AGENT, VILLAGE)
    hall.sync()
    hall.change_password(hall.village, account.account, "断网时 改的 pass")
    hall.at_hub(staff.reset_password, account.account, cheap_hash("重置 again 12"), hall.writing())
    hall.sync()
    for place in (hall.hub, hall.village):
        assert hall.opens(place, account.account, "重置 again 12")
        assert hall.account(place, account.account).must_change
    # what the hub says next must not carry the old password back
    hall.at_hub(staff.lock, account.account, hall.writing())
    hall.at_hub(staff.unlock, account.account, hall.writing())
    hall.sync()
    assert hall.opens(hall.village, account.account, "重置 again 12")
    # and after the reset the owner chooses anew, everywhere
    hall.change_password(hall.village, account.account, "又改 chosen 34")
    hall.sync()
    assert hall.opens(hall.hub, account.account, "又改 chosen 34")


def test_a_lock_that_crosses_a_password_change_keeps_the_new_password(hall: Hall) -> None:
    account = hall.add_user("agent", Role.VILLAGE_AGENT, VILLAGE)
    hall.sync()
    hall.change_password(hall.village, account.account, "断网时 改的 pass")
    hall.at_hub(staff.lock, account.account, hall.writing())
    hall.sync()
    for place in (hall.hub, hall.village):
        assert hall.account(place, account.account).locked
        assert hall.opens(place, account.account, "断网时 改的 pass")


@pytest.mark.parametrize("how", ["reset", "lock"])
def test_a_reset_and_a_lock_end_sessions_at_the_station_and_others_stay(hall: Hall, how: str) -> None:
    account = hall.add_user("agent", Role.VILLAGE_AGENT, VILLAGE)
    other = hall.add_user("agent.two", Role.VILLAGE_AGENT, VILLAGE)
    hall.sync()
    for number in (account.account, other.account):
        hall.village.store.write(
            lambda conn, n=number: session_store.new_session(conn, token=f"t{n}", csrf="c", account=n, now=hall.now())
        )
    if how == "reset":
        hall.at_hub(staff.reset_password, account.account, cheap_hash("重置 again 12"), hall.writing())
    else:
        hall.at_hub(staff.lock, account.account, hall.writing())
    hall.sync()
    left = hall.village.store.read(lambda conn: list(conn.execute(sa.select(web_session.c.account)).scalars()))
    assert left == [other.account]


def test_a_station_cannot_set_the_password_of_somebody_elses_people(hall: Hall) -> None:
    clerk = hall.add_user("clerk", Role.TOWNSHIP_CLERK, TOWNSHIP)
    hall.sync()
    before = hall.account(hall.hub, clerk.account)
    known = hall.hub.store.read(lambda conn: accounts_store.password_marks(conn, clerk.account))
    for body in (
        {"account": clerk.account, "hash": cheap_hash("偷来的 pass 1"), "over": known},
        {"account": clerk.account},
        {"account": "x", "hash": 1, "over": 5},
        {"account": 2**63 - 1, "hash": "", "over": []},
        ["rubbish"],
    ):
        packed = canonical.pack(body)
        hall.village.store.write(
            lambda conn, b=packed: hall.village.replica.journal.tell(
                conn, up(hall.village.author), 101, b, hall.writing(9)
            )
        )
    hall.sync()
    assert hall.account(hall.hub, clerk.account) == before
    assert len(hall.hub.store.read(lambda conn: told(conn, up(hall.village.author), [101]))) == 5


NEW = ("new.user", "新同事")
BAD = [
    (("new.user", "", "village_agent", VILLAGE), "display"),
    (("x", "新同事", "village_agent", VILLAGE), "login"),
    (("has space", "新同事", "village_agent", VILLAGE), "login"),
    (("a~12", "新同事", "village_agent", VILLAGE), "login"),
    (("TAKEN", "新同事", "village_agent", VILLAGE), "login"),
    (("长" * 65, "新同事", "village_agent", VILLAGE), "login"),
    ((*NEW, "village_agent", "341882103299"), "station"),
    ((*NEW, "", VILLAGE), "role"),
    ((*NEW, "emperor", VILLAGE), "role"),
    ((*NEW, "township_clerk", VILLAGE), "role"),
    ((*NEW, "village_agent", TOWNSHIP), "role"),
    ((*NEW, "village_agent", ""), "role"),
    ((*NEW, "admin", VILLAGE), "role"),
    ((*NEW, "county_approver", "", ""), "office"),
    ((*NEW, "county_approver", "", "没有的局"), "office"),
    ((*NEW, "ops", "", OFFICE), "office"),
]


@pytest.mark.parametrize(("said", "field"), BAD)
def test_a_wrong_account_is_refused_with_field_and_remedy(hall: Hall, said: tuple[str, ...], field: str) -> None:
    hall.add_user("taken", Role.VILLAGE_AGENT, VILLAGE)
    with pytest.raises(BadInput) as caught:
        hall.at_hub(staff.add_user, staff.NewUser(*said), "hash", hall.writing())
    assert [problem.field for problem in caught.value.problems] == [field]
    assert all(problem.remedy for problem in caught.value.problems)
    assert len(hall.hub.store.read(staff.list_users)) == 1


def test_rare_names_are_kept_as_written_and_numbers_are_never_reused(hall: Hall) -> None:
    name = "𠮷·阿卜杜热合曼" + "龘" * 40
    first = hall.at_hub(staff.add_user, staff.NewUser("a1", name, "ops"), "h", hall.writing())
    second = hall.at_hub(staff.add_user, staff.NewUser("a2", "b", "ops"), "h", hall.writing())
    assert hall.account(hall.hub, first.account).display == name
    assert second.account > first.account


def test_one_cannot_lock_oneself_or_touch_who_does_not_exist(hall: Hall) -> None:
    admin = hall.add_user("admin", Role.ADMIN)
    with pytest.raises(BadInput):
        hall.at_hub(staff.lock, admin.account, hall.writing(admin.account))
    for change in (staff.lock, staff.unlock):
        with pytest.raises(NotFound):
            hall.at_hub(change, 999, hall.writing())
    with pytest.raises(NotFound):
        hall.at_hub(staff.reset_password, 2**80, "h", hall.writing())


def test_locking_twice_says_it_once(hall: Hall) -> None:
    account = hall.add_user("agent", Role.VILLAGE_AGENT, VILLAGE)
    assert hall.at_hub(staff.lock, account.account, hall.writing()).row == 2
    assert hall.at_hub(staff.lock, account.account, hall.writing()).row == 2
    assert hall.at_hub(staff.unlock, account.account, hall.writing()).row == 3


def test_a_drawn_password_is_a_good_one_and_each_is_another(hall: Hall) -> None:
    drawn = {staff.first_password(hall.hub.replica.random_bytes) for _ in range(50)}
    assert len(drawn) == 50
    assert all(password_problems(one, "agent") == [] for one in drawn)
