"""Rating by the QR on a slip: whoever holds it may rate the stages that are over, without signing in."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

from aiohttp import web
from sqlalchemy import Connection, select

from casework import case_store
from casework.case_tables import case_row
from casework.errors import NotFound
from casework.public_code import CODE_BYTES, code_bytes
from casework.ratings import QR, STAGES
from casework.web import keys
from casework.web.attempts import address_of
from casework.web.forms import form_of
from casework.web.i18n import N_
from casework.web.pages import Page, UploadLimits
from casework.web.rating_form import RATING_BYTES_MAX, Asked, now_of, rating_or_page, say, show_grades
from casework.web.render import render
from hub.pages.keys import journal_of, log_of
from hub.ratings import CountyRatings, rating_offer

PATH = "/q/{code}/rate"
_WINDOW_SECONDS = 60
_ADDRESSES_MAX = 10_000
_NOBODY = bytes(CODE_BYTES)


class Limits(Protocol):
    """Says whether one more from this key is looked at."""

    def allow(self, key: str, now: float) -> bool: ...


LIMITER: web.AppKey[Limits] = web.AppKey("rating_limiter")


@dataclass(slots=True)
class FewPerMinute:
    """So many a minute from each address; what it remembers is bounded."""

    most: int = 30
    _since: float = 0.0
    _seen: dict[str, int] = field(default_factory=dict)

    def allow(self, key: str, now: float) -> bool:
        if not 0 <= now - self._since < _WINDOW_SECONDS or len(self._seen) >= _ADDRESSES_MAX:
            self._since = now
            self._seen.clear()
        self._seen[key] = self._seen.get(key, 0) + 1
        return self._seen[key] <= self.most


async def show_public_rating(request: web.Request) -> web.Response:
    """GET /q/{code}/rate?stage=STAGE."""
    topic = await _topic(request)
    found = topic if isinstance(topic, web.Response) else await _asked(request, topic, request.query.get("stage", ""))
    return _kept(found if isinstance(found, web.Response) else await show_grades(request, found))


async def do_public_rating(request: web.Request) -> web.Response:
    """POST /q/{code}/rate: stage, grade; then marks, words and go=send."""
    topic = await _topic(request)
    if isinstance(topic, web.Response):
        return _kept(topic)
    asked = await _asked(request, topic, form_of(request).get("stage"))
    if isinstance(asked, web.Response):
        return _kept(asked)
    rating = await rating_or_page(request, asked)
    if isinstance(rating, web.Response):
        return _kept(rating)
    ratings, now = CountyRatings(lambda: journal_of(request), log_of(request), QR), now_of(request)
    await request.app[keys.STORE].write(lambda conn: ratings.give(conn, topic, asked.stage, rating, now))
    return _kept(
        await say(request, N_("谢谢您的评价"), N_("被评价的人看不到是谁评的。24 小时内可以再评一次，以后一次为准。"))
    )


async def _topic(request: web.Request) -> bytes | web.Response:
    """Raises NotFound for a code of no case, however it is written, after the same look-up."""
    if not request.app[LIMITER].allow(address_of(request), now_of(request)):
        response = await say(request, N_("请稍后再试"), N_("访问太频繁，请过一分钟再打开。"), status=429)
        response.headers["Retry-After"] = str(_WINDOW_SECONDS)
        return response
    code = code_bytes(request.match_info["code"]) or _NOBODY
    topic = await request.app[keys.STORE].read(lambda conn: case_store.by_public_code(conn, code))
    if topic is None:
        raise NotFound
    return topic


async def _asked(request: web.Request, topic: bytes, stage: str) -> Asked | web.Response:
    """What is to be rated; or the page that asks which stage, or says that there is none."""
    log, now = log_of(request), now_of(request)

    def read(conn: Connection) -> tuple[list[str], str]:
        name = conn.execute(select(case_row.c.item_name).where(case_row.c.topic == topic)).scalar() or ""
        return rating_offer(conn, log, topic, now), name

    offered, name = await request.app[keys.STORE].read(read)
    path = f"/q/{request.match_info['code']}/rate"
    if not offered:
        return await say(
            request, N_("现在没有可以评价的"), N_("这一件的服务已经评价过了，或者还没有办到可以评价的环节。")
        )
    if stage in offered or len(offered) == 1:
        return Asked(path, name, stage if stage in offered else offered[0], token=False)
    stages = [(f"{path}?stage={one}", STAGES[one]) for one in offered]
    return await render(request, "rate_stages.html", {"item_name": name, "stages": stages})


def _kept(response: web.Response) -> web.Response:
    """Nobody keeps it, and no visitor's mark is set: nothing here needs one."""
    response.headers["Cache-Control"] = "no-store"
    return response


PUBLIC_RATING_PAGES = (
    Page("GET", PATH, show_public_rating, public=True),
    Page(
        "POST",
        PATH,
        do_public_rating,
        public=True,
        open_form=True,
        upload=UploadLimits(total_bytes=RATING_BYTES_MAX),
    ),
)
