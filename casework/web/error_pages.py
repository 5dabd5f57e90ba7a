"""The outermost middlewares: headers on every answer, and a page for every error.

An error page says what happened, what is safe, and what to do next. What we did not foresee gets an incident
number, which is logged with the traceback; the traceback itself is never shown.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from urllib.parse import quote

import structlog
from aiohttp import web
from aiohttp.typedefs import Handler

from casework.errors import BadInput, NotAllowed, NotFound, Problem
from casework.texts import say
from casework.web import keys
from casework.web.guard import SIGN_IN_PATH, SignInNeeded
from casework.web.i18n import N_
from casework.web.render import render
from casework.web.session_loading import is_machine

_CSP = (
    "default-src 'self'; img-src 'self' blob:; object-src 'none'; base-uri 'none'; "
    "form-action 'self'; frame-ancestors 'none'"
)
_HEADERS = {
    "Content-Security-Policy": _CSP,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
_log = structlog.stdlib.get_logger("casework.web")


@dataclass(frozen=True, slots=True)
class ErrorText:
    """The words of an error page."""

    title: str
    what: str
    safe: str
    next: str


_NOTHING_LOST = N_("本次操作没有保存任何内容，之前已保存的数据不受影响。")
_DRAFT_KEPT = N_("登录已过期。之前各步和已自动保存的内容都在草稿里；只有刚才这一页最后的改动没有提交。")
_TEXTS = {
    401: ErrorText(
        N_("登录已过期"),
        N_("提交时您已不在登录状态，刚才填写的内容没有提交。"),
        _NOTHING_LOST,
        N_("请重新登录后再填写提交。"),
    ),
    403: ErrorText(N_("不能进行这项操作"), "", _NOTHING_LOST, N_("如果您认为应当有此权限，请联系本站管理员。")),
    404: ErrorText(
        N_("没有找到"),
        N_("您要看的页面或办件不存在，或者不在您的查看范围内。"),
        N_("这不影响任何已保存的数据。"),
        N_("请核对网址或编号，或从首页重新进入。"),
    ),
    405: ErrorText(
        N_("不能这样打开"),
        N_("这个地址不能用这种方式访问。"),
        N_("这不影响任何已保存的数据。"),
        N_("请从首页重新进入。"),
    ),
    413: ErrorText(
        N_("提交的内容太大"),
        N_("上传的文件或填写的内容超过了允许的大小，已停止接收。"),
        _NOTHING_LOST,
        N_("请减少一次上传的文件数量，或调低扫描分辨率（200 dpi 已足够清晰）后重试。"),
    ),
    422: ErrorText(
        N_("提交的内容需要修改"),
        N_("下列内容有问题："),
        _NOTHING_LOST,
        N_("请返回上一页，按提示修改后重新提交。"),
    ),
    500: ErrorText(
        N_("系统出错了"),
        N_("程序遇到了没有预料到的问题，不是您操作有误。"),
        N_("已保存的办件和材料不受影响；刚才这一步可能没有完成。"),
        N_("请返回查看刚才的内容是否已保存，再重试一次。仍然出错时，请把事故编号告诉管理员。"),
    ),
    507: ErrorText(
        N_("磁盘满了"),
        N_("运行本系统的电脑磁盘没有空间，这一步没有保存。"),
        _NOTHING_LOST,
        N_("请清理那台电脑的磁盘（或请管理员清理），然后返回重新提交；已存草稿的内容还在。"),
    ),
}


@web.middleware
async def secure_headers(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Strict headers on every page; pages are never cached, because they show personal data."""
    response = await handler(request)
    if not is_machine(request) and not response.prepared:
        for name, value in _HEADERS.items():
            response.headers.setdefault(name, value)
        response.headers.setdefault("Cache-Control", "no-store")
    return response


@web.middleware
async def log_request(request: web.Request, handler: Handler) -> web.StreamResponse:
    """One line per page, naming the route and never the address as typed: a search may hold a name."""
    started = asyncio.get_running_loop().time()
    response = await handler(request)
    if not is_machine(request):
        resource = request.match_info.route.resource
        millis = round((asyncio.get_running_loop().time() - started) * 1000)
        route = resource.canonical if resource is not None else "-"
        who = request[keys.ACCOUNT].account if keys.ACCOUNT in request else 0
        _log.info("page", method=request.method, route=route, status=response.status, ms=millis, account=who)
    return response


@web.middleware
async def error_pages(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turn whatever comes out of a page into an answer for a person."""
    if is_machine(request):
        return await handler(request)
    try:
        return await handler(request)
    except web.HTTPException as error:
        return await _http_error(request, error)
    except BadInput as error:
        return await error_page(request, 422, problems=error.problems)
    except NotAllowed as error:
        return await error_page(request, 403, what=str(error))
    except NotFound as error:
        return await error_page(request, 404, what=str(error))
    except SignInNeeded:
        return await error_page(request, 401, what=_what_is_kept(request), again=_where_again(request))
    except ConnectionError:
        raise  # the browser has gone: nobody is left to read a page
    except Exception:  # noqa: BLE001 - the outermost frame of a page
        return await _unforeseen(request)


def _where_again(request: web.Request) -> str:
    """The page from which a form came whose session had run out, where that can be opened by its address."""
    resource = request.match_info.route.resource
    shown = resource is not None and request.app[keys.PAGES].has("GET", resource.canonical)
    return f"{SIGN_IN_PATH}?next={quote(request.path, safe='')}" if shown else SIGN_IN_PATH


def _what_is_kept(request: web.Request) -> str:
    """A draft's pages are saved one by one, and while they are typed."""
    return _DRAFT_KEPT if request.path.startswith("/drafts/") else ""


async def error_page(
    request: web.Request,
    status: int,
    *,
    what: str = "",
    problems: Sequence[Problem] = (),
    incident: str = "",
    again: str = SIGN_IN_PATH,
) -> web.Response:
    """The page for one status; `what` replaces the general sentence on what happened, `again` is where to sign in."""
    text = _TEXTS[status]
    context = {"error": text, "what": what or text.what, "incident": incident, "status": status, "again": again}
    return await render(request, "error.html", context, problems=problems, status=status)


async def _http_error(request: web.Request, error: web.HTTPException) -> web.StreamResponse:
    if error.status in _TEXTS:
        return await error_page(request, error.status)
    if error.status < 400:
        return web.Response(status=error.status, headers={"Location": error.headers.get("Location", "/")})
    return web.Response(status=error.status, text=error.reason)


async def _unforeseen(request: web.Request) -> web.Response:
    incident = request.app[keys.RANDOM](4).hex().upper()
    _log.exception("unforeseen error on a page", incident=incident, method=request.method)
    try:
        return await error_page(request, 500, incident=incident)
    except Exception:  # noqa: BLE001 - the last answer must not fail
        # The page frame itself may be what is broken (database gone, template missing).
        _log.exception("the error page failed too", incident=incident)
        return _bare_page(incident)


def _bare_page(incident: str) -> web.Response:
    text = _TEXTS[500]
    lines = (text.what, text.safe, text.next, say("事故编号：{incident}", incident=incident))
    head = f'<!doctype html><html lang="zh-CN"><meta charset="utf-8"><title>{text.title}</title>'
    page = head + f"<h1>{text.title}</h1>" + "".join(f"<p>{escape(line)}</p>" for line in lines)
    return web.Response(status=500, text=page, content_type="text/html")
