"""A browser without a screen: signs in, follows forms with their CSRF token, over the routes the pages use."""

from __future__ import annotations

import html
import http.cookiejar
import re
import urllib.error
import urllib.parse
import urllib.request
import uuid
from dataclasses import dataclass, field
from typing import Any

from deploy.demo.processes import DemoFailed

File = tuple[str, bytes]
"""File name and bytes."""
_CSRF = re.compile(r'name="csrf"[^>]*value="([^"]+)"|value="([^"]+)"[^>]*name="csrf"')
_HIDDEN = re.compile(r'<input[^>]*type="hidden"[^>]*>')
_NAME, _VALUE = re.compile(r'name="([^"]*)"'), re.compile(r'value="([^"]*)"')
_TAGS = re.compile(r"<(script|style)\b.*?</\1>|<[^>]+>", re.DOTALL)


@dataclass
class Page:
    """What came back: where we ended, the status, the bytes."""

    url: str
    status: int
    body: bytes
    kind: str

    @property
    def html(self) -> str:
        return self.body.decode("utf-8", "replace")

    @property
    def text(self) -> str:
        """The page's words on one line each."""
        return re.sub(r"\s+", " ", html.unescape(_TAGS.sub(" ", self.html)))

    @property
    def path(self) -> str:
        return urllib.parse.urlsplit(self.url).path


@dataclass
class Browser:
    """One person's browser at one place."""

    base: str
    jar: http.cookiejar.CookieJar = field(default_factory=http.cookiejar.CookieJar, repr=False)
    received: int = 0

    def __post_init__(self) -> None:
        self._opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({}), urllib.request.HTTPCookieProcessor(self.jar)
        )

    def get(self, path: str, *, expect: int = 200) -> Page:
        return self._open(urllib.request.Request(urllib.parse.urljoin(self.base, path)), expect)

    def post(
        self,
        form_path: str,
        fields: list[tuple[str, str]],
        files: list[tuple[str, File]] | None = None,
        *,
        to: str = "",
        expect: int = 200,
    ) -> Page:
        """Load the page with the form, take its token, send the form as a browser would."""
        page = self.get(form_path)
        everything = [("csrf", self._token(page)), *self._hidden(page, fields), *fields]
        body, kind = _multipart(everything, files) if files else _plain(everything)
        request = urllib.request.Request(
            urllib.parse.urljoin(self.base, to or form_path),
            data=body,
            headers={"Content-Type": kind, "Origin": self.base},
        )
        return self._open(request, expect)

    def _hidden(self, page: Page, fields: list[tuple[str, str]]) -> list[tuple[str, str]]:
        """The form's own hidden inputs, as a browser sends them."""
        given = {name for name, _ in fields} | {"csrf", "username", "next"}
        found = []
        for tag in _HIDDEN.findall(page.html):
            name, value = _NAME.search(tag), _VALUE.search(tag)
            if name and value and name.group(1) not in given:
                found.append((html.unescape(name.group(1)), html.unescape(value.group(1))))
        return found

    def _token(self, page: Page) -> str:
        found = _CSRF.search(page.html)
        if not found:
            raise DemoFailed(f"no form on {page.path}: {page.text[:200]}")
        return html.unescape(found.group(1) or found.group(2))

    def _open(self, request: urllib.request.Request, expect: int) -> Page:
        try:
            answer: Any = self._opener.open(request, timeout=120)
        except urllib.error.HTTPError as error:
            answer = error
        with answer:
            body = answer.read()
            page = Page(answer.geturl(), answer.status, body, answer.headers.get("Content-Type", ""))
        self.received += len(body)
        if expect and page.status != expect:
            raise DemoFailed(f"{request.get_method()} {request.full_url}: {page.status}, {page.text[:600]}")
        return page


def _plain(fields: list[tuple[str, str]]) -> tuple[bytes, str]:
    return urllib.parse.urlencode(fields).encode(), "application/x-www-form-urlencoded"


def _multipart(fields: list[tuple[str, str]], files: list[tuple[str, File]]) -> tuple[bytes, str]:
    boundary = uuid.uuid4().hex
    parts: list[bytes] = []
    for name, value in fields:
        head = f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n'
        parts += [head.encode(), value.encode(), b"\r\n"]
    for name, (filename, data) in files:
        head = (
            f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"; filename="{filename}"\r\n'
            "Content-Type: application/octet-stream\r\n\r\n"
        )
        parts += [head.encode(), data, b"\r\n"]
    parts.append(f"--{boundary}--\r\n".encode())
    return b"".join(parts), f"multipart/form-data; boundary={boundary}"
