"""What the county says of itself to the public: its name, where its pages are reached, and whom to call.

The hub tells everybody, because a village prints the address into a QR code with no link at all.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection

from casework.case_tables import hall_row
from casework.errors import BadInput, Problem
from casework.reference import checked_url
from casework.slips import HOST_CHARS_MAX
from casework.tables import storable
from casework.texts import N_, say

_TEXT_CHARS_MAX = 60
_LABELS = {"name": N_("大厅名称"), "url": N_("对外网址"), "phone": N_("咨询电话"), "complaints": N_("监督电话")}


@dataclass(frozen=True, slots=True)
class Hall:
    """Each is "" until the county has said it. url: without a slash at its end."""

    name: str = ""
    url: str = ""
    phone: str = ""
    complaints: str = ""

    def to_plain(self) -> dict[str, str]:
        return asdict(self)


def hall_from_plain(plain: Mapping[str, Any]) -> Hall:
    """What was said, held to its bounds. Raises BadInput, which names each field that cannot be used."""
    said = {field.name: plain.get(field.name, "") for field in fields(Hall)}
    problems = [
        Problem(
            name,
            say("{labels}不能使用", labels=_LABELS[name]),
            say("请填写不超过 {text_chars_max} 个字符的一行文字", text_chars_max=_TEXT_CHARS_MAX),
        )
        for name, value in said.items()
        if name != "url" and not _is_line(value)
    ]
    problems += _url_problems(said["url"])
    if problems:
        raise BadInput(problems)
    return Hall(**said | {"url": said["url"].rstrip("/")})


def _is_line(value: object) -> bool:
    return isinstance(value, str) and len(value) <= _TEXT_CHARS_MAX and (value == "" or value.isprintable())


def _url_problems(url: object) -> list[Problem]:
    if not isinstance(url, str):
        return [Problem("url", N_("对外网址不是文字"), N_("请填写如 https://hall.example 的网址"))]
    if not url:
        return []
    try:
        checked = checked_url(url, "url")
    except BadInput as error:
        return list(error.problems)
    host = checked.split("://", 1)[1]
    if not host.isascii() or any(letter in host for letter in "/?#@"):
        return [Problem("url", N_("对外网址只能有主机名和端口"), N_("请去掉路径，例如 https://hall.example:8443"))]
    if len(host) > HOST_CHARS_MAX:
        said = say("主机名和端口共 {n} 个字符，回执上的二维码放不下", n=len(host))
        return [
            Problem("url", said, say("请使用不超过 {host_chars_max} 个字符的主机名", host_chars_max=HOST_CHARS_MAX))
        ]
    return []


def save_hall(conn: Connection, plain: Mapping[str, Any]) -> None:
    """Keep what the county said last. Raises BadInput."""
    said = hall_from_plain(plain)
    conn.execute(sa.delete(hall_row))
    rows = [{"name": name, "value": storable(value)} for name, value in said.to_plain().items() if value]
    if rows:
        conn.execute(sa.insert(hall_row), rows)


def hall(conn: Connection) -> Hall:
    """What is known here of it."""
    rows = conn.execute(sa.select(hall_row))
    return Hall(**{row.name: row.value for row in rows})
