"""Reading a posted form within limits: fields in memory, files to unnamed temporary files.

The CSRF token must be the first field, so that nothing of a forged upload is taken in.
"""

from __future__ import annotations

import errno
import re
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO
from urllib.parse import parse_qsl

from aiohttp import BodyPartReader, web
from aiohttp.http_exceptions import BadHttpMessage

from casework.errors import BadInput, NotAllowed, Problem
from casework.texts import N_, say
from casework.web import keys
from casework.web.pages import UploadLimits

CSRF_FIELD = "csrf"
MAX_FIELDS = 500
MAX_FIELD_BYTES = 64 * 1024
MAX_FILENAME_CHARS = 200
_IN_MEMORY_BYTES = 256 * 1024
_CHUNK_BYTES = 64 * 1024
_MALFORMED = (ValueError, RuntimeError, LookupError, AssertionError, BadHttpMessage, web.RequestPayloadError)
"""What aiohttp's multipart reader raises over a body that is not multipart."""
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


@dataclass(frozen=True, slots=True)
class UploadedFile:
    """A file as the browser sent it. Name and media type are the browser's word only."""

    field: str
    name: str
    media_type: str
    length: int
    file: IO[bytes]


@dataclass(slots=True)
class Form:
    """What was posted: fields in order, and files (closed when the request ends)."""

    fields: list[tuple[str, str]] = field(default_factory=list)
    uploads: list[UploadedFile] = field(default_factory=list)

    def get(self, name: str, default: str = "") -> str:
        """The first value of a field, trimmed."""
        return next((value.strip() for key, value in self.fields if key == name), default)

    def raw(self, name: str) -> str:
        """The first value as typed; for passwords."""
        return next((value for key, value in self.fields if key == name), "")

    def all(self, name: str) -> list[str]:
        """Every value of a field, for check boxes and repeated lines."""
        return [value for key, value in self.fields if key == name]

    def files(self, name: str) -> list[UploadedFile]:
        """The files chosen in one file field."""
        return [upload for upload in self.uploads if upload.field == name]

    def values(self) -> dict[str, str]:
        """First values by name, to fill the form again; without the token and without passwords."""
        hidden = (CSRF_FIELD, "password", "current", "new", "repeat")
        return {name: value for name, value in reversed(self.fields) if name not in hidden}

    def close(self) -> None:
        for upload in self.uploads:
            upload.file.close()


def form_of(request: web.Request) -> Form:
    """The form of a POST page, read and checked before the handler ran."""
    return request[keys.FORM]


async def read_form(
    request: web.Request, limits: UploadLimits, token_ok: Callable[[str], bool], spool_dir: Path | None
) -> Form:
    """Read the body. Raises HTTPRequestEntityTooLarge, BadInput (not a form), NotAllowed (wrong token)."""
    if (request.content_length or 0) > limits.total_bytes:
        raise web.HTTPRequestEntityTooLarge(limits.total_bytes, request.content_length or 0)
    if request.content_type == "multipart/form-data":
        return await _Multipart(request, limits, token_ok, spool_dir).read()
    form = Form(_clean_fields(await _read_body(request, limits.total_bytes)))
    _check_token(form.raw(CSRF_FIELD), token_ok)
    return form


class _Multipart:
    def __init__(
        self,
        request: web.Request,
        limits: UploadLimits,
        token_ok: Callable[[str], bool],
        spool_dir: Path | None,
    ) -> None:
        self._request = request
        self._limits = limits
        self._token_ok = token_ok
        self._spool_dir = spool_dir
        self._form = Form()
        self._taken = 0

    async def read(self) -> Form:
        if self._spool_dir and (self._request.content_length or 0) > shutil.disk_usage(self._spool_dir).free:
            raise BadInput([_disk_full("")])
        try:
            await self._read_parts()
        except _MALFORMED as error:
            self._form.close()
            raise BadInput([_broken()]) from error
        except BaseException:
            self._form.close()
            raise
        return self._form

    async def _read_parts(self) -> None:
        reader = await self._request.multipart()
        first = True
        while (part := await reader.next()) is not None:
            if not isinstance(part, BodyPartReader):
                raise BadInput([_broken()])
            await self._take(part)
            if first:
                _check_token(self._form.raw(CSRF_FIELD), self._token_ok)
                first = False
        if first:
            _check_token("", self._token_ok)

    async def _take(self, part: BodyPartReader) -> None:
        name = part.name or ""
        if part.filename is None:
            data = await self._text(part)
            self._form.fields.append((name, _clean(data.decode("utf-8"))))
            if len(self._form.fields) > MAX_FIELDS:
                raise web.HTTPRequestEntityTooLarge(MAX_FIELDS, len(self._form.fields))
        elif part.filename:
            await self._file(name, part)
        else:
            await part.release()

    async def _text(self, part: BodyPartReader) -> bytes:
        data = bytearray()
        while chunk := await part.read_chunk(_CHUNK_BYTES):
            self._count(len(chunk))
            data += chunk
            if len(data) > MAX_FIELD_BYTES:
                raise web.HTTPRequestEntityTooLarge(MAX_FIELD_BYTES, len(data))
        return bytes(data)

    async def _file(self, name: str, part: BodyPartReader) -> None:
        if len(self._form.uploads) >= self._limits.files:
            raise BadInput(
                [Problem(name, say("一次最多上传 {files} 个文件", files=self._limits.files), N_("请分几次上传"))]
            )
        filename = re.split(r"[/\\]", _clean(part.filename or ""))[-1][-MAX_FILENAME_CHARS:]
        folder = str(self._spool_dir) if self._spool_dir else None
        file = tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY_BYTES, dir=folder)  # noqa: SIM115
        media_type = part.headers.get("Content-Type", "application/octet-stream")
        try:
            length = await self._copy(part, file)
        except BaseException:
            file.close()
            raise
        file.seek(0)
        self._form.uploads.append(UploadedFile(name, filename, media_type, length, file))

    async def _copy(self, part: BodyPartReader, file: IO[bytes]) -> int:
        length = 0
        while chunk := await part.read_chunk(_CHUNK_BYTES):
            self._count(len(chunk))
            length += len(chunk)
            if length > self._limits.file_bytes:
                raise web.HTTPRequestEntityTooLarge(self._limits.file_bytes, length)
            _append(file, chunk, part.name or "")
        return length

    def _count(self, more: int) -> None:
        self._taken += more
        if self._taken > self._limits.total_bytes:
            raise web.HTTPRequestEntityTooLarge(self._limits.total_bytes, self._taken)


def _append(file: IO[bytes], chunk: bytes, field: str) -> None:
    try:
        file.write(chunk)
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise BadInput([_disk_full(field)]) from error
        raise


def _disk_full(field: str) -> Problem:
    return Problem(field, N_("本机磁盘空间不够，文件没有接收"), N_("请先清理本机磁盘；已保存的数据不受影响"))


async def _read_body(request: web.Request, limit: int) -> bytes:
    body = bytearray()
    async for chunk in request.content.iter_chunked(_CHUNK_BYTES):
        body += chunk
        if len(body) > limit:
            raise web.HTTPRequestEntityTooLarge(limit, len(body))
    return bytes(body)


def _clean_fields(body: bytes) -> list[tuple[str, str]]:
    try:
        pairs = parse_qsl(body.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=MAX_FIELDS)
    except ValueError as error:
        raise BadInput([_broken()]) from error
    return [(name, _clean(value)) for name, value in pairs]


def _clean(text: str) -> str:
    return _CONTROL.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))


def _check_token(token: str, token_ok: Callable[[str], bool]) -> None:
    if not token_ok(token):
        raise NotAllowed(N_("页面已失效或不是从本系统打开的，提交未被接受。请返回、刷新页面后重新提交"))


def _broken() -> Problem:
    return Problem("", N_("提交的内容不完整或格式不对"), N_("请返回上一页重新提交；网络不稳时请稍等再试"))
