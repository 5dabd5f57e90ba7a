"""The page behind the QR code: what it says, what it never says, and that guessing finds nothing."""

from __future__ import annotations

import gzip
import json
import random
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from casework.case_store import by_public_code
from casework.errors import BadInput
from casework.hall import Hall, hall, hall_from_plain
from casework.policy import Role
from casework.public_code import CODE_BYTES, code_text
from casework.slips import HOST_CHARS_MAX
from hub.hall_cli import say_hall
from hub.pages.public import _MISSES, public_case
from tests.hub.hall import Hall as County
from tests.hub.hall import hub_app
from tests.sync_protocol.county import VILLAGE

NAME = "买买提·吐尔逊𠮷"
GZIP_BYTES_MAX = 10_000


@pytest.fixture
def case(hall: County) -> tuple[bytes, str]:
    """A case that the county has put in order, and its code as the village prints it."""
    agent = hall.add_user("agent", Role.VILLAGE_AGENT, VILLAGE)
    hall.sync()
    topic = hall.collect(agent, NAME)
    code = hall.public_code(hall.village, topic)
    hall.sync()
    hall.judge()
    return topic, code


@pytest.fixture
async def citizen(hall: County) -> AsyncIterator[TestClient[web.Request, web.Application]]:
    client = TestClient(TestServer(hub_app(hall)), auto_decompress=False)
    await client.start_server()
    yield client
    await client.close()


async def _get(client: Any, path: str) -> tuple[int, bytes, Any]:
    response = await client.get(path, headers={"Accept-Encoding": "gzip"}, allow_redirects=False)
    body = await response.read()
    return response.status, gzip.decompress(body) if body[:2] == b"\x1f\x8b" else body, response


async def test_a_citizen_reads_where_the_case_stands_and_nothing_of_who(hall: County, case: Any, citizen: Any) -> None:
    topic, code = case
    said = Hall("广德市政务服务中心", "https://hall.example", "0563-1234567", "12345")
    hall.at_hub(lambda conn, journal: say_hall(conn, journal, said, hall.writing()))
    assert len(code) == 26 and hall.public_code(hall.hub, topic) == code
    status, body, response = await _get(citizen, f"/q/{code}")
    text = body.decode()
    assert status == 200
    assert "已收件" in text and "受理期限" in text and "0563-1234567" in text and "12345" in text
    row = hall.row(hall.hub, topic)
    for secret in (NAME, row.id_number, row.id_number[-4:], row.item_name, row.code, topic.hex()):
        assert secret and secret not in text
    assert f'href="/q/{code}/rate"' in text
    assert "<script" not in text and "src=" not in text
    assert len(await response.read()) <= GZIP_BYTES_MAX
    assert "Set-Cookie" not in response.headers and response.headers["Cache-Control"] == "no-store"
    assert "default-src 'none'" in response.headers["Content-Security-Policy"]


async def test_the_page_keeps_its_size_with_everything_on_it(hall: County, case: Any, citizen: Any) -> None:
    hall.at_hub(lambda conn, journal: say_hall(conn, journal, Hall("厅" * 60, "", "1" * 60, "2" * 60), hall.writing()))
    response = await citizen.get(f"/q/{case[1]}", headers={"Accept-Encoding": "gzip"})
    assert response.headers["Content-Encoding"] == "gzip"
    assert len(await response.read()) <= GZIP_BYTES_MAX


async def test_every_code_that_is_not_there_gets_the_same_answer(case: Any, citizen: Any) -> None:
    rng = random.Random(6)
    asked = [code_text(rng.randbytes(CODE_BYTES)) for _ in range(4)]
    asked += [
        "x",
        "-",
        case[1][:-1],
        case[1] + "A",
        "%F0%9F%98%80",
        "A" * 2000,
        "%00",
        "..%2Fstatus",
        code_text(bytes(16)),
    ]
    answers = set()
    for text in asked:
        status, body, response = await _get(citizen, f"/q/{text}")
        kept = {name: value for name, value in response.headers.items() if name not in ("Date", "Content-Length")}
        answers.add((status, body, json.dumps(kept, sort_keys=True)))
    assert len(answers) == 1 and next(iter(answers))[0] == 404


async def test_who_guesses_is_told_to_wait_also_for_what_is_there(hall: County, case: Any, citizen: Any) -> None:
    for number in range(_MISSES):
        assert (await _get(citizen, f"/q/{number}"))[0] == 404
    for path in ("/q/1", f"/q/{case[1]}"):
        status, body, response = await _get(citizen, path)
        assert status == 429 and response.headers["Retry-After"] == "30" and "查询太频繁" in body.decode()
    hall.county.clock.now += 30
    assert (await _get(citizen, f"/q/{case[1]}"))[0] == 200


async def test_who_asks_often_is_told_to_wait(hall: County, case: Any, citizen: Any) -> None:
    asked = [(await _get(citizen, f"/q/{case[1]}"))[0] for _ in range(61)]
    assert asked == [200] * 60 + [429]


async def test_a_code_can_be_typed(case: Any, citizen: Any) -> None:
    assert "查询码" in (await _get(citizen, "/q"))[1].decode()
    spaced = f"{case[1][:13].lower()}-{case[1][13:]}%20"
    status, _body, response = await _get(citizen, f"/q?code={spaced}")
    assert (status, response.headers["Location"].upper()) == (303, f"/Q/{case[1]}")
    status, _body, response = await _get(citizen, "/q?code=https://evil.example/")
    assert (status, response.headers["Location"]) == (303, "/q/-")


def test_guesses_find_nothing(hall: County, case: Any) -> None:
    """As `bench/guesses.py` does a million times."""
    rng, log = random.Random(7), hall.topics(hall.hub)

    def guess(conn: Any) -> int:
        return sum(public_case(conn, log, rng.randbytes(CODE_BYTES), hall.now()) is not None for _ in range(2_000))

    assert hall.hub.store.read(guess) == 0
    code = hall.hub.store.read(lambda conn: log.public_code(conn, hall.village.author, case[0]))
    assert code is not None
    assert hall.hub.store.read(lambda conn: by_public_code(conn, code)) == case[0]


def test_what_the_county_says_of_itself_reaches_every_station(hall: County) -> None:
    said = Hall("广德市政务服务中心", "https://hall.example:8443/", "0563-1234567", "")
    for _ in range(2):
        hall.at_hub(lambda conn, journal: say_hall(conn, journal, said, hall.writing()))
    hall.sync()
    known = hall.village.store.read(hall_of)
    assert known == Hall("广德市政务服务中心", "https://hall.example:8443", "0563-1234567", "")
    hall.at_hub(lambda conn, journal: say_hall(conn, journal, Hall(), hall.writing()))
    hall.sync()
    assert hall.village.store.read(hall_of) == Hall()


def hall_of(conn: Any) -> Hall:
    return hall(conn)


@pytest.mark.parametrize(
    ("plain", "field"),
    [
        ({"url": "ftp://hall.example"}, "url"),
        ({"url": "https://hall.example/path"}, "url"),
        ({"url": "https://user@hall.example"}, "url"),
        ({"url": "https://大厅.example"}, "url"),
        ({"url": "https://" + "h" * (HOST_CHARS_MAX + 1)}, "url"),
        ({"url": 5}, "url"),
        ({"name": "厅" * 61}, "name"),
        ({"phone": "1\n2"}, "phone"),
        ({"complaints": None}, "complaints"),
    ],
)
def test_what_cannot_be_printed_is_refused_by_its_name(plain: dict[str, Any], field: str) -> None:
    with pytest.raises(BadInput) as caught:
        hall_from_plain(plain)
    assert [problem.field for problem in caught.value.problems] == [field]
    assert all(problem.remedy for problem in caught.value.problems)
