"""The hub's pages through HTTP: each role's way, every form, rubbish."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from casework.policy import Role
from casework.staff_log import row_body
from hub import staff
from sync_protocol import canonical
from sync_protocol.enrolment import Token
from sync_protocol.journal import staff_feed
from sync_protocol.topology import Tier
from tests.hub.conftest import OpenHub
from tests.hub.hall import FIRST, OFFICE, OWN, Hall
from tests.sync_protocol.county import TOWNSHIP, VILLAGE

PATHS = ("/", "/queue", "/held", "/cards", "/stations", "/users", "/status")


@pytest.fixture
def people(hall: Hall) -> Hall:
    hall.add_user("admin", Role.ADMIN)
    hall.add_user("reviewer", Role.COUNTY_REVIEWER, office=OFFICE)
    hall.add_user("approver", Role.COUNTY_APPROVER, office=OFFICE)
    hall.add_user("ops", Role.OPS)
    hall.add_user("watch", Role.SUPERVISOR)
    return hall


@pytest.mark.parametrize(
    ("login", "may"),
    [
        ("admin", {"/", "/held", "/stations", "/users", "/status"}),
        ("reviewer", {"/", "/queue", "/cards"}),
        ("approver", {"/", "/queue", "/cards"}),
        ("ops", {"/", "/status"}),
        ("watch", {"/", "/queue", "/cards", "/status"}),
    ],
)
async def test_each_role_opens_its_pages_and_no_others(
    people: Hall, open_hub: OpenHub, login: str, may: set[str]
) -> None:
    browser = await open_hub(login)
    for path in PATHS:
        status, text = await browser.get(path)
        assert status == (200 if path in may else 403), path
        if path in may:
            assert not re.search(r'<script(?![^>]* src="/static/)', text) and "style=" not in text
            nav = text[text.index("main-nav") : text.index("</nav>")]
            assert all((f'href="{other}"' in nav) == (other in may) for other in PATHS)


async def test_an_admin_adds_somebody_who_gets_a_password_once(people: Hall, open_hub: OpenHub) -> None:
    browser = await open_hub("admin")
    fields = {"login": "Qiucun.Wang", "display": "王·古丽", "role": "village_agent", "station": VILLAGE, "office": ""}
    status, text = await browser.post("/users", **fields)
    assert status == 200
    shown = re.search(r'class="once code">([^<]+)<', text)
    assert shown is not None
    people.sync()
    account = people.village.store.read(staff.list_users)[0]
    assert (account.login, account.display, account.must_change) == ("qiucun.wang", "王·古丽", True)
    assert people.opens(people.village, account.account, shown.group(1))
    assert shown.group(1) not in (await browser.get("/users"))[1]
    assert shown.group(1).encode() not in people.hub.store.path.read_bytes()


async def test_a_wrong_new_user_keeps_what_was_typed_and_names_field_and_remedy(
    people: Hall, open_hub: OpenHub
) -> None:
    browser = await open_hub("admin")
    before = people.hub.store.read(staff.list_users)
    status, text = await browser.post(
        "/users", login="admin", display="李四", role="township_clerk", station=VILLAGE, password="short"
    )
    assert status == 422
    assert "已经有人使用" in text and "村站没有这个岗位" in text
    assert 'value="李四"' in text and "short" not in text
    assert (await browser.post("/users", login="fine.name", display="李四", role="ops", password="short"))[0] == 422
    assert (await browser.post("/users"))[0] == 422
    assert people.hub.store.read(staff.list_users) == before


async def test_reset_lock_and_unlock(people: Hall, open_hub: OpenHub) -> None:
    ops = await open_hub("ops")
    admin = await open_hub("admin")
    number = next(a.account for a in people.hub.store.read(staff.list_users) if a.login == "ops")
    assert (await ops.get("/status"))[0] == 200
    status, text = await admin.post(f"/users/{number}/reset", password="新的 first 2026")
    assert status == 200
    assert "新的 first 2026" not in text
    assert (await ops.get("/status"))[1].startswith("/sign-in")
    assert (await ops.sign_in(OWN, "ops"))[0] == 422
    assert (await ops.sign_in("新的 first 2026", "ops")) == (303, "/")
    assert (await ops.get("/status")) == (303, "/password")
    assert (await admin.post(f"/users/{number}/lock")) == (303, "/users")
    assert "已停用" in (await admin.get("/users"))[1]
    assert (await ops.sign_in("新的 first 2026", "ops"))[0] == 403
    assert (await admin.post(f"/users/{number}/unlock")) == (303, "/users")
    assert (await ops.sign_in("新的 first 2026", "ops"))[0] == 303


@pytest.mark.parametrize("path", ["/users/1/lock", "/users/999/lock", "/users/x/reset", "/users/-1/unlock"])
async def test_accounts_that_cannot_be_touched(people: Hall, open_hub: OpenHub, path: str) -> None:
    browser = await open_hub("admin")
    status, _ = await browser.post(path)
    assert status == (422 if path == "/users/1/lock" else 404)
    assert not any(account.locked for account in people.hub.store.read(staff.list_users))


async def test_an_invitation_is_shown_once_and_works(people: Hall, open_hub: OpenHub) -> None:
    browser = await open_hub("admin")
    status, text = await browser.post("/stations/invite", region="341882103202")
    assert status == 200
    shown = re.search(r'class="once code">([^<]+)<', text)
    assert shown is not None
    token = Token.parse(shown.group(1))
    assert (token.station, token.tier) == ("341882103202", Tier.VILLAGE)
    listed = (await browser.get("/stations"))[1]
    assert "已邀请" in listed and shown.group(1) not in listed
    status, text = await browser.post("/stations/invite", region="341882105000", tier="township")
    assert status == 200
    for bad in ({}, {"region": "1"}, {"region": "341882000000"}, {"region": TOWNSHIP, "tier": "village"}):
        status, text = await browser.post("/stations/invite", **bad)
        assert status in (403, 422), bad
    assert (await browser.post("/stations/invite", region=TOWNSHIP, tier="emperor"))[0] == 422


@pytest.fixture
def held(people: Hall) -> Hall:
    agent = people.add_user("agent", Role.VILLAGE_AGENT, VILLAGE)
    people.sync()
    people.revoke_village()
    people.collect(agent, "张<b>三")
    people.sync()
    people.judge()
    return people


async def test_a_held_entry_is_read_and_admitted(held: Hall, open_hub: OpenHub) -> None:
    browser = await open_hub("admin")
    text = (await browser.get("/held"))[1]
    path = re.search(r'href="(/held/[^"]+)"', text)
    assert path is not None
    status, text = await browser.get(path.group(1))
    assert status == 200
    assert "张&lt;b&gt;三" in text and "授权已停用" in text
    status, text = await browser.post(path.group(1), verdict="", note="核实")
    assert status == 422 and "没有选择放行还是退回" in text
    status, text = await browser.post(path.group(1), verdict="refuse", note="核实过的说明")
    assert status == 422 and "没有选择退回的原因" in text and "核实过的说明" in text
    assert (await browser.post(path.group(1), verdict="admit", note="已电话核实")) == (303, "/held")
    text = (await browser.get("/held"))[1]
    assert "已放行" in text and "没有等人核对的内容" in text
    assert (await browser.get(path.group(1)))[0] == 404
    held.sync()
    assert (await browser.post(path.group(1), verdict="admit", note="再来一次"))[0] == 404


async def test_settling_needs_the_right_the_token_and_an_entry(held: Hall, open_hub: OpenHub) -> None:
    approver = await open_hub("approver")
    path = f"/held/{held.village.author}-0-0-1"
    assert (await approver.post(path, verdict="admit", note="x"))[0] == 403
    admin = await open_hub("admin")
    assert (await admin.post(path, "0" * 64, verdict="admit", note="x"))[0] == 403
    for rubbish in ("/held/x", "/held/9-9-9-9", "/held/%00", f"{path}0"):
        assert (await admin.post(rubbish, verdict="admit", note="x"))[0] == 404, rubbish
        assert (await admin.get(rubbish))[0] == 404


async def test_the_home_page_shows_what_waits_for_whom(held: Hall, open_hub: OpenHub) -> None:
    admin = (await (await open_hub("admin")).get("/"))[1]
    assert '<b>1</b><a href="/held">' in admin
    reviewer = (await (await open_hub("reviewer")).get("/"))[1]
    assert "没有等您办理的办件" in reviewer and "/held" not in reviewer


async def test_the_queue_takes_any_query(people: Hall, open_hub: OpenHub) -> None:
    browser = await open_hub("reviewer")
    for query in ("?state=first_review", "?state=nonsense", "?view=coming", "?view=%00&state=", "?state=review"):
        assert (await browser.get(f"/queue{query}"))[0] == 200


async def test_the_status_page_names_versions_and_stations(people: Hall, open_hub: OpenHub) -> None:
    text = (await (await open_hub("ops")).get("/status"))[1]
    assert "邱村镇" in text and "0.1.0" in text and "sqlite" in text
    assert FIRST not in text


async def test_an_administrator_of_one_township_reaches_no_further(people: Hall, open_hub: OpenHub) -> None:
    account = people.add_user("small.admin", Role.ADMIN)
    body = canonical.pack(row_body(replace(account, region=TOWNSHIP, row=9)))
    people.at_hub(lambda conn, journal: journal.tell(conn, staff_feed(1), 100, body, people.writing()))
    agent = people.add_user("agent", Role.VILLAGE_AGENT, VILLAGE)
    before = people.hub.store.read(staff.list_users)
    browser = await open_hub("small.admin")
    for path in ("reset", "lock", "unlock"):
        assert (await browser.post(f"/users/2/{path}"))[0] == 403
    assert (await browser.post("/users", login="x1", display="x", role="ops"))[0] == 403
    assert (await browser.post("/stations/invite", region="341882105000"))[0] == 403
    text = (await browser.get("/users"))[1]
    assert "agent姓名" in text and "reviewer姓名" not in text
    changed = [a for a in people.hub.store.read(staff.list_users) if a.login != "small.admin"]
    assert changed == [a for a in before if a.login != "small.admin"]
    assert (await browser.post(f"/users/{agent.account}/lock")) == (303, "/users")
    assert (await browser.post("/stations/invite", region="341882103202"))[0] == 200
