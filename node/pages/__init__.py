"""The node's own pages, beside the case pages that every tier shares."""

from __future__ import annotations

import jinja2

from casework.policy import Act
from casework.web.help_pages import HELP_PAGES
from casework.web.i18n import N_
from casework.web.page_opening import PAGE_UPLOADS
from casework.web.pages import Page
from casework.web.site import NavEntry
from casework.web.verify_pages import VERIFY_NAV, VERIFY_PAGES
from node.pages.choosing import choose_item, list_drafts
from node.pages.filling import begin_draft, resume_draft, save_draft, show_first, show_step
from node.pages.home import show_home
from node.pages.lists import show_outbox, show_status, show_status_now
from node.pages.materials import (
    cut_page,
    save_materials,
    show_draft_file,
    show_materials,
    show_page,
)
from node.pages.page_keys import SITUATION, SYNC_STATUS
from node.pages.review import REVIEW
from node.pages.submitting import discard_draft, show_check, show_taken, submit_draft
from node.pages.telling import show_tell
from node.pages.villages import show_village, show_villages, show_villages_now

__all__ = ["NODE_PAGES", "NODE_TEMPLATES", "SITUATION", "SYNC_STATUS", "nav_for"]

NODE_TEMPLATES: tuple[jinja2.BaseLoader, ...] = (jinja2.PackageLoader("node"),)

NODE_PAGES = [
    Page("GET", "/", show_home),
    Page("GET", "/intake", choose_item, act=Act.COLLECT),
    Page("GET", "/intake/{item}", show_first, act=Act.COLLECT),
    Page("POST", "/intake/{item}", begin_draft, act=Act.COLLECT),
    Page("GET", "/drafts", list_drafts, act=Act.COLLECT),
    Page("GET", "/drafts/{id}", resume_draft, act=Act.COLLECT),
    Page("POST", "/drafts/{id}", save_draft, act=Act.COLLECT),
    Page("GET", "/drafts/{id}/step/{step}", show_step, act=Act.COLLECT),
    Page("GET", "/drafts/{id}/materials", show_materials, act=Act.COLLECT),
    Page("POST", "/drafts/{id}/materials", save_materials, act=Act.COLLECT, upload=PAGE_UPLOADS),
    Page("GET", "/drafts/{id}/file/{hash}", show_draft_file, act=Act.COLLECT),
    Page("GET", "/drafts/{id}/page/{hash}", show_page, act=Act.COLLECT),
    Page("POST", "/drafts/{id}/page/{hash}", cut_page, act=Act.COLLECT),
    Page("GET", "/drafts/{id}/check", show_check, act=Act.COLLECT),
    Page("POST", "/drafts/{id}/submit", submit_draft, act=Act.COLLECT),
    Page("POST", "/drafts/{id}/discard", discard_draft, act=Act.COLLECT),
    Page("GET", "/cases/{topic}/taken", show_taken, act=Act.COLLECT),
    Page("GET", "/review", REVIEW.show, act=Act.ENDORSE),
    Page("GET", "/review/rows", REVIEW.show_rows, act=Act.ENDORSE, polled=True),
    Page("GET", "/review/case/{topic}", REVIEW.show_case, act=Act.ENDORSE),
    Page("GET", "/villages", show_villages, act=Act.VIEW_STATUS),
    Page("GET", "/villages/now", show_villages_now, act=Act.VIEW_STATUS, polled=True),
    Page("GET", "/villages/{author}", show_village, act=Act.VIEW_STATUS),
    Page("GET", "/tell", show_tell, act=Act.DELIVER),
    Page("GET", "/outbox", show_outbox, act=Act.LIST_CASES),
    Page("GET", "/status", show_status, act=Act.VIEW_STATUS),
    Page("GET", "/status/now", show_status_now, act=Act.VIEW_STATUS, polled=True),
    *VERIFY_PAGES,
    *HELP_PAGES,
]


def nav_for(tier: str) -> tuple[NavEntry, ...]:
    """The menu at a "village" or a "township"."""
    review = (NavEntry(N_("初审"), "/review", Act.ENDORSE),) if tier == "township" else ()
    below = (NavEntry(N_("村站"), "/villages", Act.VIEW_STATUS),) if tier == "township" else ()
    return (
        NavEntry(N_("今日"), "/"),
        NavEntry(N_("收件"), "/intake", Act.COLLECT),
        NavEntry(N_("草稿"), "/drafts", Act.COLLECT),
        *review,
        NavEntry(N_("办件"), "/cases", Act.LIST_CASES),
        NavEntry(N_("告知群众"), "/tell", Act.DELIVER),
        VERIFY_NAV,
        *below,
        NavEntry(N_("待上报"), "/outbox", Act.LIST_CASES),
        NavEntry(N_("U盘包"), "/courier", Act.COURIER),
        NavEntry(N_("运行状态"), "/status", Act.VIEW_STATUS),
    )
