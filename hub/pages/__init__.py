"""The county's own pages: home, queue, held entries, stations, users, status. Case pages are shared."""

from __future__ import annotations

from jinja2 import PackageLoader

from casework.policy import Act
from casework.web.help_pages import HELP_PAGES
from casework.web.i18n import N_
from casework.web.pages import Page
from casework.web.site import NavEntry
from casework.web.verify_pages import VERIFY_NAV, VERIFY_PAGES
from hub.pages import (
    cards,
    desk_stream,
    held,
    home,
    messages,
    public,
    queue,
    ratings,
    revoking,
    stations,
    statistics,
    status,
    users,
)
from hub.pages.public_rating import PUBLIC_RATING_PAGES

HUB_PAGES = (
    Page("GET", "/", home.show_home),
    Page("GET", "/queue", queue.QUEUE.show, Act.LIST_CASES),
    Page("GET", "/queue/rows", queue.QUEUE.show_rows, Act.LIST_CASES, polled=True),
    Page("GET", "/queue/events", desk_stream.stream_changes, Act.LIST_CASES, polled=True),
    Page("GET", "/queue/case/{topic}", queue.QUEUE.show_case, Act.VIEW_CASE),
    Page("GET", "/held", held.show_list, Act.SETTLE_HELD),
    Page("GET", "/held/{entry}", held.show_entry, Act.SETTLE_HELD),
    Page("POST", "/held/{entry}", held.settle_entry, Act.SETTLE_HELD),
    Page("GET", statistics.PATH, statistics.show_statistics, Act.VIEW_STATISTICS),
    Page("GET", statistics.PATH + ".csv", statistics.download_statistics, Act.VIEW_STATISTICS),
    Page("GET", "/cards", cards.show_cards, Act.VIEW_CARDS),
    Page("GET", "/cards/{card}", cards.show_card, Act.VIEW_CARDS),
    Page("POST", "/cards/{card}/plead", cards.plead_card, Act.PLEAD_CARD),
    Page("POST", "/cards/{card}/clear", cards.clear_card, Act.CLEAR_CARD),
    Page("GET", ratings.PATH, ratings.show_ratings, Act.VIEW_RATINGS),
    Page("GET", ratings.PATH + "/{topic}/{stage}", ratings.show_rating, Act.MEND_RATING),
    Page("POST", ratings.PATH + "/{topic}/{stage}", ratings.record_step, Act.MEND_RATING),
    *PUBLIC_RATING_PAGES,
    Page("GET", "/stations", stations.show_stations, Act.INVITE),
    Page("GET", "/stations/{author}", status.show_station, Act.VIEW_STATUS),
    Page("POST", "/stations/invite", stations.invite_station, Act.INVITE),
    Page("GET", "/users", users.show_users, Act.MANAGE_USERS),
    Page("POST", "/users", users.add, Act.MANAGE_USERS),
    Page("POST", "/users/{account}/reset", users.reset, Act.MANAGE_USERS),
    Page("POST", "/users/{account}/lock", users.lock, Act.MANAGE_USERS),
    Page("POST", "/users/{account}/unlock", users.unlock, Act.MANAGE_USERS),
    Page("GET", "/messages", messages.show_messages, Act.MANAGE_MESSAGES),
    Page("POST", "/messages/{id}/again", messages.try_again, Act.MANAGE_MESSAGES),
    Page("GET", "/status", status.show_status, Act.VIEW_STATUS),
    Page("GET", "/status/now", status.show_status_now, Act.VIEW_STATUS, polled=True),
    Page("GET", "/q", public.ask_code, public=True),
    Page("GET", "/q/{code}", public.show_public, public=True),
    Page("GET", "/cases/{topic}/revoke", revoking.show_revoke, Act.REVOKE_RESULT),
    Page("POST", "/cases/{topic}/revoke", revoking.revoke, Act.REVOKE_RESULT),
    *VERIFY_PAGES,
    *HELP_PAGES,
)

HUB_NAV = (
    NavEntry(N_("首页"), "/"),
    NavEntry(N_("待办"), "/queue", Act.LIST_CASES),
    NavEntry(N_("办件"), "/cases", Act.LIST_CASES),
    VERIFY_NAV,
    NavEntry(N_("待核"), "/held", Act.SETTLE_HELD),
    NavEntry(N_("统计"), statistics.PATH, Act.VIEW_STATISTICS),
    NavEntry(N_("监察"), "/cards", Act.VIEW_CARDS),
    NavEntry(N_("评价"), ratings.PATH, Act.VIEW_RATINGS),
    NavEntry(N_("站点"), "/stations", Act.INVITE),
    NavEntry(N_("人员"), "/users", Act.MANAGE_USERS),
    NavEntry(N_("短信"), "/messages", Act.MANAGE_MESSAGES),
    NavEntry(N_("U盘包"), "/courier", Act.COURIER),
    NavEntry(N_("运行状态"), "/status", Act.VIEW_STATUS),
)

HUB_TEMPLATES = (PackageLoader("hub"),)
"""For `Site.nav` and `Site.templates`."""
