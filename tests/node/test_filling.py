"""Filling in an intake page by page: begun by the first letter, saved as it is typed, given back when asked for."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from casework.catalogue import load_catalogue
from casework.example_intake import example_citizen_id, example_uscc
from casework.policy import Role
from casework.workdays import china_day
from node import drafts
from node.draft_steps import APPLICANT, FORM, HOW, MATERIALS, SITUATION, after, before, steps_of
from node.drafts import ANOTHER_WINDOW, COLLEAGUE, HELD_SECONDS, Draft, Seat, held_by
from tests.programs import ITEM, PASSWORD, Clerk, Programs, begun, new_draft, sign_up, take_in, typed
from tests.sync_protocol.county import VILLAGE

CARD = "elder_card"
ONE, TWO = "1" * 32, "2" * 32


def of_step(step: str, item_key: str = ITEM, **more: str) -> list[tuple[str, str]]:
    """What is typed on one page."""
    item = load_catalogue().get(item_key)
    pages = {page.key: page for page in steps_of(item, {}, china_day(1_790_000_000))}
    return [pair for pair in typed(item_key, **more) if pages[step].asks(pair[0])] + [("step", step)]


async def turn_of(agent: Clerk, draft: str) -> tuple[str, str]:
    """What the page of a draft says of how old it is."""
    found = re.search(r'name="turn" value="(\d+)"', (await agent.get(draft + "/step/applicant")).text)
    assert found is not None
    return "turn", found[1]


async def test_one_page_follows_another_and_the_last_look_leads_back_to_each(agent: Clerk) -> None:
    first = await agent.get(f"/intake/{CARD}")
    assert "先问清情形" in first.words and "开始填写后自动保存在本机" in first.words
    page = await agent.post(f"/intake/{CARD}", *of_step("situation", CARD), ("go", "next"))
    draft = page.location.partition("/step/")[0]
    assert page.location == f"{draft}/step/applicant"
    page = await agent.post(draft, *of_step("applicant", CARD), ("go", "next"))
    assert page.location == f"{draft}/step/form"
    page = await agent.post(draft, *of_step("form", CARD), ("go", "next"))
    assert page.location == f"{draft}/materials"
    check = await agent.get(f"{draft}/check")
    for step in ("situation", "applicant", "form", "how"):
        assert f'href="{draft}/step/{step}?change=1"' in check.text
    back = await agent.post(
        draft, *of_step("applicant", CARD, applicant__name="改了名"), ("change", "1"), ("go", "next")
    )
    assert back.location == f"{draft}/check" and "改了名" in (await agent.get(back.location)).words


async def test_looking_at_a_page_keeps_nothing_and_the_first_letter_begins_one_draft(agent: Clerk) -> None:
    page = await agent.get(f"/intake/{ITEM}")
    assert "没有草稿" in (await agent.get("/drafts")).words
    started = re.search(r'name="started" value="([0-9a-f]{32})"', page.text)
    assert started is not None
    typing = [("step", "applicant"), ("started", started[1]), ("applicant.id", "3"), ("go", "auto")]
    answers = [json.loads((await agent.post(f"/intake/{ITEM}", *typing)).text) for _ in range(2)]
    assert answers[0]["path"] == answers[1]["path"] and answers[0]["turn"] < answers[1]["turn"]
    assert "共 1 份" in (await agent.get("/drafts")).words
    other = (await agent.get(f"/intake/{ITEM}")).text
    assert started[1] not in other


async def test_what_is_typed_is_checked_at_once_but_not_what_is_still_empty(agent: Clerk) -> None:
    draft = await begun(agent)
    right = example_citizen_id(7)
    wrong = right[:-1] + ("1" if right[-1] != "1" else "2")

    turn = await turn_of(agent, draft)

    async def auto(*fields: tuple[str, str]) -> dict[str, Any]:
        page = [("step", "applicant"), ("applicant.kind", "person"), turn]
        answer = await agent.post(draft, *page, *fields, ("go", "auto"))
        assert answer.headers["Content-Type"].startswith("application/json")
        found: dict[str, Any] = json.loads(answer.text)
        return found

    said = await auto(("applicant.id_type", "111"), ("applicant.id", wrong), ("applicant.name", ""))
    assert [one["id"] for one in said["wrong"]] == ["f-applicant-id"] and "校验位不对" in said["wrong"][0]["text"]
    assert said["person"].strip() == ""
    said = await auto(("applicant.id_type", "111"), ("applicant.id", right))
    assert said["wrong"] == [] and "号码校验正确" in said["person"] and "安徽省" in said["person"]
    assert f"{right[6:10]}-{right[10:12]}-{right[12:14]}" in said["person"]
    form = await agent.get(draft + "/step/form")
    assert f'value="{right[6:10]}-{right[10:12]}-{right[12:14]}"' in form.text  # nobody types a birthday twice


async def test_whom_the_station_knows_is_offered_and_taken_over_only_on_request(agent: Clerk) -> None:
    await take_in(agent, applicant__name="王小明", applicant__phone="13912345678")
    draft = await begun(agent)
    number = dict(typed())["applicant.id"]
    page = [("step", "applicant"), ("applicant.kind", "person"), ("applicant.id_type", "111"), ("applicant.id", number)]
    said = json.loads((await agent.post(draft, *page, await turn_of(agent, draft), ("go", "auto"))).text)["person"]
    assert "王*明" in said and "139****5678" in said and "王小明" not in said
    assert 'value="王小明"' not in (await agent.get(draft + "/step/applicant")).text
    filled = await agent.post(draft, *page, ("go", "fill"))
    shown = await agent.get(filled.location)
    for value in ("王小明", "13912345678", "示例村一组 1 号", "示例户-7"):
        assert f'value="{value}"' in shown.text
    assert "填入姓名" not in shown.words


async def test_a_person_of_another_station_is_nobody_here(programs: Programs, agent: Clerk) -> None:
    clerk = await programs.clerk("t.clerk")
    await take_in(clerk, applicant__name="王小明")
    programs.exchange()
    draft = await new_draft(agent)
    assert "收过此人的件" not in (await agent.get(draft + "/step/applicant")).words


async def test_a_second_window_is_told_and_may_take_the_draft_over(agent: Clerk) -> None:
    draft = await begun(agent)
    page = [("step", "applicant"), ("applicant.kind", "person"), await turn_of(agent, draft)]
    assert (await agent.post(draft, *page, ("applicant.name", "甲"), ("tab", ONE), ("go", "auto"))).status == 200
    for go in ("open", "auto"):
        told = await agent.post(draft, *page, ("applicant.name", "乙"), ("tab", TWO), ("go", go))
        assert told.status == 409 and json.loads(told.text)["by"] == ANOTHER_WINDOW
    stopped = await agent.post(draft, *page, ("applicant.name", "乙"), ("tab", TWO), ("go", "next"))
    assert stopped.status == 409 and "正在另一个窗口里填写" in stopped.words and 'value="乙"' in stopped.text
    assert 'value="甲"' in (await agent.get(draft + "/step/applicant")).text
    took = await agent.post(draft, *page, ("applicant.name", "乙"), ("tab", TWO), ("go", "take"))
    assert took.status == 303 and 'value="乙"' in (await agent.get(took.location)).text
    assert (await agent.post(draft, *page, ("tab", ONE), ("go", "auto"))).status == 409


async def test_a_colleague_who_has_saved_meanwhile_is_not_written_over(programs: Programs, agent: Clerk) -> None:
    sign_up(programs, "v.second", Role.VILLAGE_AGENT, VILLAGE, "")
    colleague = await programs.clerk("v.second")
    draft = await begun(agent)
    turn = await turn_of(agent, draft)
    page = [("step", "applicant"), ("applicant.kind", "person")]
    newer = await colleague.post(draft, *page, ("applicant.name", "同事填的"), turn, ("go", "take"))
    assert newer.status == 303
    stale = await agent.post(draft, *page, ("applicant.name", "旧页填的"), turn, ("go", "next"))
    assert stale.status == 409 and "同事刚才" in stale.words and 'value="旧页填的"' in stale.text
    assert 'value="同事填的"' in (await agent.get(draft + "/step/applicant")).text


async def test_what_a_page_sent_while_it_was_typed_never_undoes_what_was_sent_on_leaving_it(agent: Clerk) -> None:
    started = re.search(r'name="started" value="([0-9a-f]{32})"', (await agent.get(f"/intake/{ITEM}")).text)
    assert started is not None
    page = [*of_step("applicant"), ("started", started[1]), ("tab", ONE), ("turn", "0")]
    number = [("step", "applicant"), ("started", started[1]), ("tab", ONE), ("turn", "0"), ("applicant.name", "")]
    gone_on = await agent.post(f"/intake/{ITEM}", *page, ("go", "next"))
    assert gone_on.location.endswith("/step/form")
    late = await agent.post(f"/intake/{ITEM}", *number, ("go", "auto"))
    assert late.status == 200 and json.loads(late.text) == {"late": True}
    draft = gone_on.location.removesuffix("/step/form")
    assert f'value="{dict(typed())["applicant.name"]}"' in (await agent.get(draft + "/step/applicant")).text
    # Gone back, the page that the browser had kept asks for its turn, and is heard again.
    back = json.loads((await agent.post(draft, *number, ("go", "open"))).text)
    again = await agent.post(draft, *of_step("applicant"), ("tab", ONE), ("turn", str(back["turn"])), ("go", "auto"))
    assert again.status == 200


def test_a_window_that_is_silent_gives_its_draft_up() -> None:
    draft = Draft("0" * 32, b"", ITEM, 1, 1, 0, 1000, by=1, tab=ONE, tab_at=1000, turn=5)
    assert held_by(draft, Seat(1, TWO, 5), 1000) == ANOTHER_WINDOW
    assert held_by(draft, Seat(1, TWO, 5), 1000 + HELD_SECONDS) == ""
    assert held_by(draft, Seat(1, ONE, 0), 1000) == held_by(draft, Seat(1, "", 0), 1000) == ""
    assert held_by(draft, Seat(2, "", 4), 1000) == COLLEAGUE and held_by(draft, Seat(2, "", 5), 1000) == ""
    assert held_by(draft, Seat(1, TWO, 5), 999) == ""  # the clock was set back


def test_a_page_that_is_older_than_what_was_saved_elsewhere_never_writes_over_it() -> None:
    draft = Draft("0" * 32, b"", ITEM, 1, 1, 0, 1000, by=1, tab=ONE, tab_at=1000, turn=5)
    for later in (1000 + HELD_SECONDS, 1000 + 86_400):
        assert held_by(draft, Seat(1, TWO, 4), later) == ANOTHER_WINDOW
        assert held_by(draft, Seat(2, "", 4), later) == held_by(draft, Seat(2, TWO, 4), later) == COLLEAGUE
        assert held_by(draft, Seat(1, ONE, 4), later) == held_by(draft, Seat(2, TWO, 5), later) == ""


async def test_an_unfinished_intake_is_offered_with_time_and_step_and_never_opened_by_itself(
    programs: Programs, agent: Clerk
) -> None:
    draft = await begun(agent)
    await agent.post(draft, *of_step("applicant", applicant__name="半途"), ("go", "next"))
    again = await programs.clerk("v.agent")
    for path in ("/", "/intake"):
        page = await again.get(path)
        assert "您有一份没填完的“高龄津贴" in page.words and "（半途）" in page.words and "填到“表单”" in page.words
        assert f'href="{draft}"' in page.text and f'action="{draft}/discard"' in page.text
    assert (await again.get(draft)).location == draft + "/step/form"
    await again.post(draft + "/discard")
    assert "没填完" not in (await again.get("/intake")).words


async def test_after_a_sign_in_one_is_back_at_the_same_page(programs: Programs, agent: Clerk) -> None:
    draft = await begun(agent)
    await agent.post(draft, *of_step("applicant"), ("go", "next"))
    agent.client.session.cookie_jar.clear()
    out = await agent.get(draft + "/step/form")
    assert out.status == 303 and out.location.startswith("/sign-in?next=")
    page = await agent.get(out.location)
    token = page.text.split('name="csrf" value="')[1].split('"')[0]
    form = page.text.split('action="/sign-in"')[1]  # the choice of language has a way back of its own
    target = re.findall(r'name="next" value="([^"]+)"', form)[0]
    back = await agent.post("/sign-in", ("login", "v.agent"), ("password", PASSWORD), ("next", target), token=token)
    assert back.location == draft + "/step/form"


async def test_a_form_posted_after_the_session_says_that_the_draft_is_kept(agent: Clerk) -> None:
    draft = await begun(agent)
    agent.client.session.cookie_jar.clear()
    page = await agent.post(draft, *of_step("applicant"), ("go", "next"))
    assert page.status == 401 and "草稿" in page.words
    assert f'href="/sign-in?next={draft.replace("/", "%2F")}"' in page.text


@pytest.mark.parametrize("key", [item.key for item in load_catalogue()])
def test_every_input_of_every_item_stands_on_one_page(key: str) -> None:
    item = load_catalogue().get(key)
    person = {"kind": "person", "id_type": "414", "id": "E1234567"}
    steps = steps_of(item, person, china_day(1_790_000_000))
    names = ["applicant.id", "applicant.kind", "household", "green", "first_asked", "commitment", "proxy.name"]
    names += [f"form.{field.key}" for field in item.form]
    names += [f"answers.{question.key}" for question in item.questions if question.fact != "applicant_kind"]
    assert all(sum(step.asks(name) for step in steps) == 1 for name in names)
    assert len({step.key for step in steps}) == len(steps)
    way = [steps[0].key]
    while way[-1] != MATERIALS:
        way.append(after(steps, way[-1], special=False))
    assert way[:-1] == [step.key for step in steps if step.key != HOW]
    assert before(steps, way[-2], special=False) == way[-3] and before(steps, way[0], special=False) == ""
    assert after(steps, APPLICANT, special=True) == HOW and after(steps, HOW, special=False).startswith(FORM)
    assert {step.part for step in steps} <= {SITUATION, APPLICANT, HOW, FORM}


async def test_who_acts_is_asked_of_those_who_say_so(agent: Clerk) -> None:
    draft = await begun(agent)
    page = await agent.post(draft, *of_step("applicant"), ("special", "1"), ("go", "next"))
    assert page.location == draft + "/step/how"
    assert "代办人姓名" in (await agent.get(page.location)).words
    went = await agent.post(draft, ("step", "how"), ("first_asked", "李首问"), ("go", "next"))
    assert went.location == draft + "/step/form"
    plain = await agent.post(draft, *of_step("applicant"), ("go", "next"))
    assert plain.location == draft + "/step/how"  # there is something on it


async def test_an_age_that_no_number_tells_is_asked_before_the_materials(agent: Clerk) -> None:
    draft = await begun(agent, CARD)
    foreign = {"applicant__id_type": "414", "applicant__id": "E12345678"}
    await agent.post(draft, *of_step("situation", CARD), ("go", "next"))
    await agent.post(draft, *of_step("applicant", CARD, **foreign), ("go", "next"))
    page = await agent.post(draft, *of_step("form", CARD), ("go", "next"))
    assert page.location == draft + "/step/situation?wrong=1"
    shown = await agent.get(page.location)
    assert "没有回答「申请人年龄」" in shown.words and shown.status == 200


async def test_the_rows_of_a_draft_keep_who_has_it(programs: Programs, agent: Clerk) -> None:
    draft = await begun(agent)
    page = [("step", "applicant"), ("applicant.name", "甲"), await turn_of(agent, draft)]
    await agent.post(draft, *page, ("tab", ONE), ("go", "auto"))
    id_ = draft.rsplit("/", 1)[1]
    kept = programs.hall.village.store.read(lambda conn: drafts.load(conn, id_))
    assert (kept.tab, kept.by, kept.step, kept.tab_at) == (ONE, 1, "applicant", programs.hall.now())
    assert 0 < kept.left < kept.turn


async def test_an_organisation_is_not_asked_twice_for_the_kind_of_its_number(agent: Clerk) -> None:
    draft = await begun(agent, "food_workshop")
    firm = typed("food_workshop", applicant__kind="org", applicant__id=example_uscc(5), applicant__id_type="111")
    page = [pair for pair in firm if pair[0].startswith(("applicant.", "household"))]
    went = await agent.post(draft, *page, ("step", "applicant"), ("go", "next"))
    assert went.location == draft + "/step/form", went.words
    assert "统一社会信用代码" in (await agent.get(draft + "/check")).words
