"""What the node's pages ask of the program beside what all case pages ask."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from aiohttp import web

from node.sync_status import SyncStatus
from node.watching import Situation

SYNC_STATUS: web.AppKey[Callable[[], Awaitable[SyncStatus]]] = web.AppKey("sync_status")
SITUATION: web.AppKey[Callable[[], Awaitable[Situation]]] = web.AppKey("situation")
