"""Signing in, signing out, changing one's password."""

from __future__ import annotations

from aiohttp import web
from sqlalchemy import Connection

from casework import session_store
from casework.accounts import MAX_LOGIN_CHARS, MAX_PASSWORD_CHARS, Account, password_problems, person_of
from casework.errors import Problem
from casework.texts import N_, say
from casework.web import cookies, keys
from casework.web.attempts import Attempt, address_of, check_password
from casework.web.forms import Form, form_of
from casework.web.guard import PASSWORD_PATH, SIGN_IN_PATH
from casework.web.pages import Page
from casework.web.render import flash, redirect, render, safe_next


async def show_sign_in(request: web.Request) -> web.Response:
    """GET /sign-in?next=PATH."""
    home = request.app[keys.SITE].home
    target = safe_next(request.query.get("next", home), home)
    if keys.ACCOUNT in request:
        return redirect(target)
    return await render(request, "sign_in.html", {"next": target, "signed_out": "out" in request.query})


async def sign_in(request: web.Request) -> web.Response:
    """POST /sign-in: login, password, next."""
    form = form_of(request)
    home = request.app[keys.SITE].home
    target = safe_next(form.get("next", home), home)
    login, password = form.get("login"), form.raw("password")
    if missing := _missing(form):
        return await _sign_in_again(request, target, missing)
    attempt = await check_password(request, login, password)
    if attempt.account is None or not _usable(attempt.account, request.app[keys.SITE].author):
        return await _refused(request, target, attempt)
    response = redirect(target)
    await _start_session(request, response, attempt.account)
    await request.app[keys.HOOKS].signed_in(attempt.account, address_of(request))
    return response


async def sign_out(request: web.Request) -> web.Response:
    """POST /sign-out."""
    session = request[keys.SESSION]
    await request.app[keys.STORE].write(lambda connection: session_store.end_session(connection, session))
    response = redirect(f"{SIGN_IN_PATH}?out")
    cookies.clear_session(response, request.app[keys.SITE])
    return response


async def show_password(request: web.Request) -> web.Response:
    """GET /password."""
    return await render(request, "password.html")


async def change_password(request: web.Request) -> web.Response:
    """POST /password: current, new, repeat. Signs this person out everywhere else."""
    form, account = form_of(request), request[keys.ACCOUNT]
    problems = _new_password_problems(form, account)
    if not problems:
        problems = _current_problems(await check_password(request, account.login, form.raw("current")))
    if problems:
        return await render(request, "password.html", problems=problems)
    new_hash = await request.app[keys.PASSWORDS].hash(form.raw("new"))
    await request.app[keys.HOOKS].password_change(account, new_hash)
    response = redirect(request.app[keys.SITE].home)
    await _restart_sessions(request, response, account)
    return response


SIGN_IN_PAGES = (
    Page("GET", SIGN_IN_PATH, show_sign_in, public=True),
    Page("POST", SIGN_IN_PATH, sign_in, public=True),
    Page("POST", "/sign-out", sign_out, before_first_password=True),
    Page("GET", PASSWORD_PATH, show_password, before_first_password=True),
    Page("POST", PASSWORD_PATH, change_password, before_first_password=True),
)


def _usable(account: Account, author: int) -> bool:
    """The hub's table holds everybody's rows; each place lets its own staff in."""
    return not account.locked and person_of(account) is not None and author in (0, account.author)


def _missing(form: Form) -> list[Problem]:
    problems = []
    if not 0 < len(form.get("login")) <= MAX_LOGIN_CHARS:
        problems.append(Problem("login", N_("没有填写登录名"), N_("请填写管理员给您的登录名")))
    if not 0 < len(form.raw("password")) <= MAX_PASSWORD_CHARS:
        problems.append(Problem("password", N_("没有填写密码"), N_("忘记密码请联系本站管理员重置")))
    return problems


async def _refused(request: web.Request, target: str, attempt: Attempt) -> web.Response:
    if attempt.wait:
        remedy = say("请在 {spoken} 后再试；忘记密码请联系管理员重置", spoken=_spoken(attempt.wait))
        problem = Problem("password", N_("尝试次数过多"), remedy)
        response = await _sign_in_again(request, target, [problem], status=429)
        response.headers["Retry-After"] = str(attempt.wait)
        return response
    if attempt.account is not None:
        what = N_("这个账号已停用、不属于本站，或者本站程序还不认识它的岗位")
        problem = Problem("login", what, N_("请在自己的站点登录，或联系管理员"))
        return await _sign_in_again(request, target, [problem], status=403)
    problem = Problem("login", N_("登录名或密码不正确"), N_("请检查后重试，注意大小写和输入法"))
    return await _sign_in_again(request, target, [problem])


async def _sign_in_again(
    request: web.Request, target: str, problems: list[Problem], *, status: int = 422
) -> web.Response:
    context = {"next": target, "signed_out": False}
    values = {"login": form_of(request).get("login")}
    return await render(request, "sign_in.html", context, problems=problems, values=values, status=status)


async def _start_session(request: web.Request, response: web.Response, account: Account) -> None:
    """A new session under a new token; whatever session the browser brought along ends."""
    now, site = request.app[keys.CLOCK](), request.app[keys.SITE]
    token, csrf = cookies.new_token(request), cookies.new_token(request)
    brought = request.get(keys.SESSION)

    def start(connection: Connection) -> session_store.Session:
        if brought is not None:
            session_store.end_session(connection, brought)
        session_store.drop_old_sessions(connection, now, site.limits)
        return session_store.new_session(connection, token=token, csrf=csrf, account=account.account, now=now)

    request[keys.SESSION] = await request.app[keys.STORE].write(start)
    cookies.set_session(response, site, token)


async def _restart_sessions(request: web.Request, response: web.Response, account: Account) -> None:
    number = account.account
    await request.app[keys.STORE].write(lambda c: session_store.end_sessions_of(c, number))
    await _start_session(request, response, account)
    flash(request, N_("密码已修改。其他设备上的登录已全部退出。"))


def _new_password_problems(form: Form, account: Account) -> list[Problem]:
    if not form.raw("current"):
        return [Problem("current", N_("没有填写当前密码"), N_("请填写您现在使用的密码"))]
    problems = password_problems(form.raw("new"), account.login, field="new")
    if not problems and form.raw("new") == form.raw("current"):
        problems = [Problem("new", N_("新密码与当前密码相同"), N_("请换一个没有用过的密码"))]
    if not problems and form.raw("new") != form.raw("repeat"):
        problems = [Problem("repeat", N_("两次填写的新密码不一致"), N_("请把新密码再填一遍"))]
    return problems


def _current_problems(attempt: Attempt) -> list[Problem]:
    if attempt.wait:
        return [Problem("current", N_("尝试次数过多"), say("请在 {spoken} 后再试", spoken=_spoken(attempt.wait)))]
    if attempt.account is None:
        return [Problem("current", N_("当前密码不正确"), N_("请检查后重试，注意大小写和输入法"))]
    return []


def _spoken(seconds: int) -> str:
    return say("{seconds} 秒", seconds=seconds) if seconds < 120 else say("{n} 分钟", n=(seconds + 59) // 60)
