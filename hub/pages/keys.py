"""The key under which the hub's program hands its parts to these pages, and what the pages share."""

from __future__ import annotations

from aiohttp import web

from casework.web import keys
from hub.county import County
from hub.watching import Watch
from sync_protocol.journal import Journal, Writing
from sync_protocol.topics import Topics

COUNTY: web.AppKey[County] = web.AppKey("county")
WATCH: web.AppKey[Watch] = web.AppKey("watch")


def journal_of(request: web.Request) -> Journal:
    """The hub's pen."""
    return request.app[COUNTY].replica.journal


def log_of(request: web.Request) -> Topics:
    """The log as the desk sees it."""
    return request.app[COUNTY].topics


def writing_of(request: web.Request) -> Writing:
    """The signed-in person, now. The hub's own clock is kept in step, so its quality is 1."""
    return Writing(request[keys.PERSON].account, request.app[keys.CLOCK](), 1)
