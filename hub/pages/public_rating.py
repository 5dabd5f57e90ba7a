"""Rating by the QR on a slip: whoever holds it may rate the stages that are over, without signing in."""

from __future__ import annotations

from aiohttp import web
from sqlalchemy import Connection

from casework import case_store
from casework.hall import Hall, hall
from casework.ratings import QR, STAGES
from casework.web import keys
from casework.web.case_reading import translator
from casework.web.forms import form_of
from casework.web.i18n import N_
from casework.web.pages import Page, UploadLimits
from casework.web.rating_form import RATING_BYTES_MAX, Asked, now_of, rating_or_page, say_page, show_grades
from casework.web.render import render
from hub.pages.keys import journal_of, log_of
from hub.pages.public import asked_code, not_there, too_many
from hub.ratings import CountyRatings, rating_offer

PATH = "/q/{code}/rate"
_NAME = N_("您的办件")
"""In the place of the item's name, which would tell a stranger what the case is about."""


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
        await say_page(
            request, N_("谢谢您的评价"), N_("被评价的人看不到是谁评的。24 小时内可以再评一次，以后一次为准。")
        )
    )


async def _topic(request: web.Request) -> bytes | web.Response:
    """The case, or the answer of the public page to who asks too often or for what is not there."""
    refusal = too_many(request)
    if refusal is not None:
        return refusal
    code = asked_code(request.match_info["code"])

    def read(conn: Connection) -> tuple[bytes | None, Hall]:
        return case_store.by_public_code(conn, code), hall(conn)

    topic, said = await request.app[keys.STORE].read(read)
    return not_there(request, said) if topic is None else topic


async def _asked(request: web.Request, topic: bytes, stage: str) -> Asked | web.Response:
    """What is to be rated; or the page that asks which stage, or says that there is none."""
    log, now = log_of(request), now_of(request)
    offered = await request.app[keys.STORE].read(lambda conn: rating_offer(conn, log, topic, now))
    path = f"/q/{request.match_info['code']}/rate"
    if not offered:
        return await say_page(
            request, N_("现在没有可以评价的"), N_("这一件的服务已经评价过了，或者还没有办到可以评价的环节。")
        )
    if stage in offered or len(offered) == 1:
        return Asked(path, translator(request)(_NAME), stage if stage in offered else offered[0], token=False)
    stages = [(f"{path}?stage={one}", STAGES[one]) for one in offered]
    return await render(request, "rate_stages.html", {"item_name": translator(request)(_NAME), "stages": stages})


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
