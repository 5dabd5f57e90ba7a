"""Typed keys under which the page layer keeps things on the application and on a request."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from aiohttp import web

from casework.accounts import Account
from casework.passwords import Passwords
from casework.policy import Person
from casework.session_store import Session
from casework.web.assets import Assets
from casework.web.site import Hooks, Site, Store

if TYPE_CHECKING:
    from casework.web.forms import Form
    from casework.web.looks import Languages, Look
    from casework.web.pages import PageTable

STORE: web.AppKey[Store] = web.AppKey("store")
SITE: web.AppKey[Site] = web.AppKey("site")
HOOKS: web.AppKey[Hooks] = web.AppKey("hooks")
PASSWORDS: web.AppKey[Passwords] = web.AppKey("passwords")
CLOCK: web.AppKey[Callable[[], int]] = web.AppKey("clock")
RANDOM: web.AppKey[Callable[[int], bytes]] = web.AppKey("random")
ASSETS: web.AppKey[Assets] = web.AppKey("assets")
PAGES: web.AppKey[PageTable] = web.AppKey("pages")
LANGUAGES: web.AppKey[Languages] = web.AppKey("languages")

SESSION: web.RequestKey[Session] = web.RequestKey("session")
ACCOUNT: web.RequestKey[Account] = web.RequestKey("account")
PERSON: web.RequestKey[Person] = web.RequestKey("person")
FORM: web.RequestKey[Form] = web.RequestKey("form")
VISITOR: web.RequestKey[str] = web.RequestKey("visitor")
LOOK: web.RequestKey[Look] = web.RequestKey("look")
