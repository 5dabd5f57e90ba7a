"""Whoever chose English is shown English wherever the program speaks; what people wrote, and papers, stay Chinese."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from urllib.parse import urljoin, urlsplit

from tests.casework.web.extracted import said_in_chinese
from tests.node.test_story import SCANS
from tests.programs import Clerk, Programs, take_in

SITE_NAME = "联办"
STAYS_CHINESE = re.compile(r"/paper/|/static/|\.pdf|\.csv|/file|/export|/sign-out")


async def pages(clerk: Clerk) -> AsyncIterator[tuple[str, str]]:
    """(path, page) of one page of each kind that links lead to."""
    todo, seen = ["/", "/help", "/nowhere", "/sign-in"], set[str]()
    while todo:
        path = todo.pop(0)
        kind = re.sub(r"[0-9a-f]{32,}|\d+", "*", urlsplit(path).path) + ("?" if "?" in path else "")
        if kind in seen or not path.startswith("/") or STAYS_CHINESE.search(path):
            continue
        seen.add(kind)
        answer = await clerk.get(path)
        if answer.status == 303:
            todo.append(answer.location)
        elif "html" in answer.headers.get("Content-Type", ""):
            assert answer.status < 500, path
            yield path, answer.text
            todo += [urljoin(path, link).split("#")[0] for link in re.findall(r'href="([^"]+)"', answer.text)]


async def test_pages_in_english_say_nothing_of_their_own_in_chinese(programs: Programs) -> None:
    agent = await programs.clerk("v.agent")
    case = await take_in(agent, SCANS)
    programs.exchange()
    reviewer = await programs.clerk("t.reviewer")
    assert (await reviewer.post(case + "/do/endorse", ("opinion", "经核对原件，情况属实。"))).location == case
    programs.exchange()
    left, walked = set(), 0
    for clerk in (agent, reviewer, await programs.clerk("c.reviewer")):
        clerk.client.session.cookie_jar.update_cookies({"lang": "en"}, clerk.client.make_url("/"))
        async for path, page in pages(clerk):
            walked += 1
            left |= {(text, path) for text in said_in_chinese(page) if text != SITE_NAME}
    assert left == set()
    assert walked > 50
