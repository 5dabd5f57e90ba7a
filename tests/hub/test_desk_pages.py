"""The approver's desk through HTTP: the list beside the open case, its parts, standard wordings, what was overtaken."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from casework.changes import ChangeKind
from casework.errors import BadInput
from casework.policy import Person, Role
from casework.story_mark import story_of
from casework.tables import web_session
from casework.web.session_loading import SEEN_STEP_SECONDS, UNATTENDED
from hub.pages.keys import WATCH
from hub.watching import LISTENERS_OF_ONE
from sync_protocol.store.seam import wake
from tests.casework.materials.samples import jpeg, photo
from tests.hub.hall import OFFICE
from tests.programs import Programs, open_programs, sign_up, take_in
from tests.sync_protocol.county import REGION

SCAN = jpeg(photo(400, 500))


@pytest.fixture
async def programs(tmp_path: Path) -> AsyncIterator[Programs]:
    found = open_programs(tmp_path)
    yield found
    await found.close()


async def collected(programs: Programs, count: int) -> list[str]:
    """Addresses of cases that wait for the county's reviewer."""
    agent = await programs.clerk("v.agent")
    cases = [await take_in(agent, [("materials.0.file", "a.jpg", SCAN)], household=f"户{n}") for n in range(count)]
    programs.exchange()
    township = await programs.clerk("t.reviewer")
    for case in cases:
        assert (await township.post(case + "/do/endorse", ("opinion", "属实"))).location == case
    programs.exchange()
    return cases


async def under_review(programs: Programs, count: int = 1) -> list[str]:
    cases = await collected(programs, count)
    officer = await programs.clerk("c.reviewer")
    for case in cases:
        for kind in ("accept", "review"):
            assert (await officer.post(f"{case}/do/{kind}")).location == case
    return cases


def topic(case: str) -> str:
    return case.rsplit("/", maxsplit=1)[-1]


def hidden(text: str, name: str) -> list[str]:
    return re.findall(rf'name="{name}" value="([^"]*)"', text)


def rows(text: str) -> list[str]:
    return re.findall(r'class="queue-row" id="row-([0-9a-f]+)"', text)


def act(programs: Programs, case: str, kind: ChangeKind, body: dict[str, object]) -> None:
    """Somebody else at the county does something to the case."""
    desk, person = programs.hall.desk(programs.hall.hub), Person(9, "别人", Role.COUNTY_REVIEWER, 1, REGION, OFFICE)
    programs.hall.hub.store.write(lambda conn: desk.act(conn, person, bytes.fromhex(topic(case)), kind, body))


async def test_the_first_of_the_list_is_open_and_each_row_is_a_link_to_its_own(programs: Programs) -> None:
    cases = await under_review(programs, 2)
    approver = await programs.clerk("c.approver")
    page = await approver.get("/queue")
    listed = rows(page.text)
    assert sorted(listed) == sorted(map(topic, cases))
    assert f'data-case="{listed[0]}"' in page.text and page.text.count('aria-current="true"') >= 2
    other = await approver.get(f"/queue?case={listed[1]}")
    assert f'data-case="{listed[1]}"' in other.text
    for odd in ("/queue?case=zz", "/queue?case=" + "ab" * 16, "/queue?state=x&view=y&page=-1"):
        assert (await approver.get(odd)).status == 200
    assert "不在您可查看的范围内" in (await approver.get("/queue?case=" + "ab" * 16)).words


async def test_a_page_of_the_list_that_has_emptied_gives_way_to_the_first(programs: Programs) -> None:
    (case,) = await under_review(programs)
    approver = await programs.clerk("c.approver")
    for address in ("/queue?page=2", "/queue/rows?page=50&state=review"):
        page = await approver.get(address)
        assert rows(page.text) == [topic(case)] and "上一页</a>" not in page.text and "没有等您" not in page.text
    assert "没有等您" in (await approver.get("/queue?page=2&state=granted")).words


async def test_a_row_says_word_shape_days_and_clock(programs: Programs) -> None:
    await under_review(programs)
    approver = await programs.clerk("c.approver")
    assert re.search(r"● 正常 承诺期限 剩 \d+ 个工作日", (await approver.get("/queue")).words)
    programs.hall.county.clock.now += 200 * 86_400
    approver = await programs.clerk("c.approver")
    assert re.search(r"■ 超期 承诺期限 超 \d+ 个工作日", (await approver.get("/queue/rows")).words)


async def test_the_open_case_shows_form_story_pages_and_the_keys_of_its_acts(programs: Programs) -> None:
    (case,) = await under_review(programs)
    approver = await programs.clerk("c.approver")
    part = await approver.get(f"/queue/case/{topic(case)}")
    assert part.status == 200 and "<html" not in part.text
    assert re.findall(r'/do/(\w+)" data-act="([ASX])"', part.text) == [
        ("grant", "A"),
        ("send_back", "S"),
        ("deny", "X"),
    ]
    assert part.text.count("data-full=") == part.text.count("data-sheet=") == 1
    assert "办件经过" in part.words and "初审" in part.words
    watcher = await programs.clerk("c.other")
    assert (await watcher.get(f"/queue/case/{topic(case)}")).status == 404


async def test_departments_that_were_asked_stand_in_a_strip_with_their_day(programs: Programs) -> None:
    (case,) = await under_review(programs)
    sign_up(programs, "c.finance", Role.COUNTY_REVIEWER, "", "农业农村局")
    parts = [{"office": "农业农村局", "due": "2030-01-07"}, {"office": "卫生健康委员会", "due": "2030-01-08"}]
    act(programs, case, ChangeKind.SPLIT, {"parts": parts})
    finance = await programs.clerk("c.finance")
    part = await finance.get(f"/queue/case/{topic(case)}")
    assert ("part_answer", "A") in re.findall(r'/do/(\w+)" data-act="([ASX])"', part.text)
    assert part.text.count('class="part-open"') == 2 and "最迟 2030-01-07" in part.words
    done = await finance.post(case + "/do/part_answer", ("outcome", "agree"), ("aside", "同意"))
    assert done.status == 303, done.words
    approver = await programs.clerk("c.approver")
    part = await approver.get(f"/queue/case/{topic(case)}")
    assert part.text.count('class="part-open"') == 1 and part.text.count('class="part-good"') == 1


async def test_the_list_says_how_the_open_case_stands_now(programs: Programs) -> None:
    (case,) = await under_review(programs)
    approver = await programs.clerk("c.approver")
    address = f"/queue/rows?case={topic(case)}"
    before = re.findall(r'data-story="([^"]+)" data-away="(\d+)"', (await approver.get(address)).text)
    blob = hidden((await approver.get(case + "/do/grant")).text, "seen")[0]
    programs.hall.hub.replica.blobs.path(bytes.fromhex(blob)).unlink()
    act(programs, case, ChangeKind.SPLIT, {"parts": [{"office": "农业农村局", "due": "2030-01-07"}]})
    page = await approver.get(address)
    after = re.findall(r'data-story="([^"]+)" data-away="(\d+)"', page.text)
    assert before[0][0] != after[0][0] and (before[0][1], after[0][1]) == ("0", "1")
    assert "并联" in re.findall(r'data-step="([^"]+)"', page.text)[0]
    assert "缺 1/1 页" in page.words


async def test_a_decision_on_what_was_overtaken_is_not_taken(programs: Programs) -> None:
    (case,) = await under_review(programs)
    approver = await programs.clerk("c.approver")
    form = (await approver.get(case + "/do/grant")).text
    sent = [(name, value) for name in ("story", "seen") for value in hidden(form, name)]
    act(programs, case, ChangeKind.SPLIT, {"parts": [{"office": "农业农村局", "due": "2030-01-07"}]})
    refused = await approver.post(case + "/do/grant", *sent)
    assert refused.status == 422 and "又有了新的变化" in refused.words
    assert "已作出准予决定" not in (await approver.get(case)).words


async def test_a_decision_says_what_became_of_it_and_what_comes_next(programs: Programs) -> None:
    (case,) = await under_review(programs)
    approver = await programs.clerk("c.approver")
    form = (await approver.get(case + "/do/grant")).text
    sent = [(name, value) for name in ("story", "seen") for value in hidden(form, name)]
    assert (await approver.post(case + "/do/grant", *sent)).location == case
    assert "已作出准予决定。不能撤回；下一步：上传结果文书。" in (await approver.get(case)).words


async def test_a_case_that_is_handed_over_is_said_to_be_although_it_is_out_of_sight(programs: Programs) -> None:
    (case,) = await under_review(programs)
    approver = await programs.clerk("c.approver")
    done = await approver.post(case + "/do/reassign", ("office", "农业农村局"), ("reason", "由该局主办"))
    assert (done.status, done.location) == (303, "/")
    assert (await approver.get(case)).status == 404
    assert "已转办" in (await approver.get("/")).words


async def test_what_was_overtaken_while_files_were_opened_is_not_taken(programs: Programs) -> None:
    (case,) = await under_review(programs)
    desk, store = programs.hall.desk(programs.hall.hub), programs.hall.hub.store
    person, key = Person(9, "局长", Role.COUNTY_APPROVER, 1, REGION, OFFICE), bytes.fromhex(topic(case))
    body = {"days": 5, "reason": "情况复杂"}

    def read() -> str:
        return store.read(lambda conn: story_of(desk.view(conn, person, key).state))

    def extend(story: str) -> None:
        store.write(lambda conn: desk.act(conn, person, key, ChangeKind.EXTEND, dict(body), story=story))

    before = read()
    act(programs, case, ChangeKind.SPLIT, {"parts": [{"office": "农业农村局", "due": "2030-01-07"}]})
    with pytest.raises(BadInput, match="又有了新的变化"):
        extend(before)
    extend(read())


async def test_a_wording_fills_the_form_and_its_marks_have_to_be_written(programs: Programs) -> None:
    (case,) = await under_review(programs)
    approver = await programs.clerk("c.approver")
    plain = await approver.get(case + "/do/deny")
    numbers = re.findall(r'<option value="(\d+)" data-field-1="reason"', plain.text)
    assert numbers and "经审查" not in re.findall(r"<textarea[^>]*>([^<]*)<", plain.text)[0]
    filled = await approver.get(f"{case}/do/deny?wording={numbers[0]}")
    text = re.findall(r"<textarea[^>]*>([^<]*)<", filled.text)[0].strip()
    assert text.startswith("经审查") and "行政复议" in text and "【" in text
    for number in ("9999", "00009999", "0" * 5000):
        assert (await approver.get(f"{case}/do/deny?wording={number}")).status == 200
    marked = await approver.post(case + "/do/deny", ("reason", text))
    assert marked.status == 422 and "【】里的内容还没有写" in marked.words and text[:20] in marked.text
    done = await approver.post(case + "/do/deny", ("reason", re.sub("【[^】]*】", "年龄不足", text)))
    assert done.location == case


async def test_the_stream_tells_of_a_change_and_ends_with_the_page(programs: Programs) -> None:
    (case,) = await under_review(programs)
    approver = await programs.clerk("c.approver")
    watch = approver.client.app[WATCH]
    async with approver.client.get("/queue/events") as answer:
        assert answer.headers["Content-Type"].startswith("text/event-stream")
        assert "no-" in answer.headers["Cache-Control"]
        assert await _event(answer.content) == "ready"
        assert len(watch) == 1
        act(programs, case, ChangeKind.SPLIT, {"parts": [{"office": "农业农村局", "due": "2030-01-07"}]})
        assert await _event(answer.content) == "changed"
        answer.close()
    programs.hall.hub.store.write(lambda conn: wake(conn, "blobs"))
    async with asyncio.timeout(10):
        while len(watch):  # noqa: ASYNC110 - the server's own, which tells nobody when it forgets
            await asyncio.sleep(0.02)


async def test_a_person_has_so_many_streams_and_then_polls(programs: Programs) -> None:
    await under_review(programs)
    approver = await programs.clerk("c.approver")
    streams = [await approver.client.get("/queue/events") for _ in range(LISTENERS_OF_ONE)]
    assert [one.status for one in streams] == [200] * LISTENERS_OF_ONE
    assert (await approver.get("/queue/events")).status == 204
    for one in streams:
        one.close()


async def test_streams_end_when_the_program_stops(programs: Programs) -> None:
    approver = await programs.clerk("c.approver")
    answer = await approver.client.get("/queue/events")
    assert await _event(answer.content) == "ready"
    await approver.client.app.shutdown()
    async with asyncio.timeout(10):
        assert b"changed" not in await answer.content.read()
    assert len(approver.client.app[WATCH]) == 0
    assert (await approver.get("/queue/events")).status == 204


async def test_nobody_listens_without_signing_in(programs: Programs) -> None:
    approver = await programs.clerk("c.approver")
    approver.client.session.cookie_jar.clear()
    for path in ("/queue/events", "/queue/rows", "/queue/case/" + "ab" * 16):
        answer = await approver.get(path)
        assert (answer.status, answer.location.split("?")[0]) == (303, "/sign-in"), path


async def _event(stream: asyncio.StreamReader) -> str:
    """The name of the next event."""
    async with asyncio.timeout(10):
        while True:
            line = (await stream.readline()).decode().strip()
            if line.startswith("event: "):
                return line.removeprefix("event: ")


async def test_what_a_desk_fetches_by_itself_keeps_no_session_alive(programs: Programs) -> None:
    (case,) = await under_review(programs)
    approver = await programs.clerk("c.approver")
    hub = programs.hall.hub.store

    def last_seen() -> int:
        return int(hub.read(lambda conn: conn.execute(sa.select(sa.func.max(web_session.c.last_seen))).scalar_one()))

    async def used(path: str, headers: dict[str, str]) -> bool:
        before = last_seen()
        programs.hall.county.clock.now += 2 * SEEN_STEP_SECONDS
        answer = await approver.client.get(path, headers=headers)
        assert answer.status == 200
        return last_seen() > before

    assert await used(f"/queue/case/{topic(case)}", {})
    assert not await used(f"/queue/case/{topic(case)}", {UNATTENDED: "1"})
    assert not await used("/queue/rows", {})
