"""Multipart uploads from a browser, streamed to disk with every size counted before it is taken.

aiohttp's own `client_max_size` does not bind streamed bodies, hence the counting here. Memory stays at a few
chunks whatever is sent. What a client calls a file is kept for messages only and is never part of a path.
"""

from __future__ import annotations

import errno
import os
import tempfile
from collections.abc import AsyncIterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from aiohttp import BodyPartReader, MultipartReader, web
from aiohttp.http_exceptions import BadHttpMessage

from casework.errors import BadInput, Problem
from casework.materials.rules import KIB, MAX_UPLOAD_BYTES, MIB, Fault
from casework.materials.wording import bad_file, megabytes, shown_name
from casework.texts import N_, say

CHUNK_BYTES: Final = 64 * KIB
FIELD_NAME_CHARACTERS: Final = 200

_MALFORMED: Final = (ValueError, RuntimeError, LookupError, AssertionError, BadHttpMessage)
"""What aiohttp's multipart reader raises over a body that is not multipart."""


@dataclass(frozen=True, slots=True)
class FormLimits:
    """Bounds of one form, all checked while reading. Files are counted even when they are empty."""

    fields: int = 300
    field_bytes: int = 64 * KIB
    files: int = 60
    file_bytes: int = MAX_UPLOAD_BYTES
    total_bytes: int = 200 * MIB


FORM_LIMITS: Final = FormLimits()


@dataclass(frozen=True, slots=True)
class Upload:
    """One received file: form field, the client's name for it (for messages), where it lies, its length."""

    field: str
    name: str
    path: Path
    length_bytes: int


@dataclass(slots=True)
class Form:
    """A whole form: texts and files by field name, in the order sent. Empty file inputs are left out."""

    fields: dict[str, list[str]] = field(default_factory=dict)
    files: dict[str, list[Upload]] = field(default_factory=dict)

    def text(self, name: str) -> str:
        """The last text sent under this name, "" when there is none."""
        return self.fields.get(name, [""])[-1]


async def read_upload(part: BodyPartReader, directory: Path, *, limit_bytes: int = MAX_UPLOAD_BYTES) -> Path:
    """Streams one file part into a new file in `directory` and gives its path; the caller owns it.

    Raises BadInput at the first byte above `limit_bytes`, for a malformed body or a full disk, and what the
    connection raises when it breaks; nothing is left in `directory` then. The file is not synced: it is there
    to be opened, not yet a record.
    """
    name, field_name = part.filename or "", part.name or ""
    with ExitStack() as undo:
        handle, path = tempfile.mkstemp(prefix="upload-", dir=directory)
        undo.callback(os.unlink, path)
        undo.callback(os.close, handle)
        taken = 0
        async for chunk in _chunks(part):
            taken += len(chunk)
            if taken > limit_bytes:
                raise bad_file(Fault.TOO_BIG, name=name, field=field_name, limit_bytes=limit_bytes)
            _append(handle, chunk, name=name, field_name=field_name)
        undo.pop_all()
        os.close(handle)
    return Path(path)


async def read_form(request: web.Request, directory: Path, limits: FormLimits = FORM_LIMITS) -> Form:
    """Reads a whole multipart/form-data body: texts into memory, files into `directory`, all within `limits`.

    Texts are strict UTF-8 without NUL. Raises BadInput naming the field or file; every file that was written
    is removed then. After success the caller owns the files.
    """
    _check_request(request, limits)
    with ExitStack() as undo:
        reader = _FormReader(directory, limits, undo)
        async for part in _parts(request):
            await reader.take(part)
        undo.pop_all()
    return reader.form


class _FormReader:
    """One form while it is being read, with what was counted so far."""

    def __init__(self, directory: Path, limits: FormLimits, undo: ExitStack) -> None:
        self.form = Form()
        self._directory, self._limits, self._undo = directory, limits, undo
        self._fields = self._files = self._bytes = 0

    async def take(self, part: BodyPartReader) -> None:
        name = _field_name(part)
        if part.filename is None:
            self._bytes += await self._text(name, part)
        else:
            self._bytes += await self._file(name, part.filename, part)
        if self._bytes > self._limits.total_bytes:
            raise _too_much(N_("本次提交的内容合计"), self._limits.total_bytes, name)

    async def _text(self, name: str, part: BodyPartReader) -> int:
        self._fields += 1
        if self._fields > self._limits.fields:
            raise BadInput(
                [Problem(name, say("表单项超过 {fields} 个", fields=self._limits.fields), N_("请刷新页面后重新填写"))]
            )
        data = bytearray()
        async for chunk in _chunks(part):
            data += chunk
            if len(data) > self._limits.field_bytes:
                raise _too_much(
                    say("表单项「{shown_name}」的文字", shown_name=shown_name(name)), self._limits.field_bytes, name
                )
        self.form.fields.setdefault(name, []).append(_strict_text(name, bytes(data)))
        return len(data)

    async def _file(self, name: str, filename: str, part: BodyPartReader) -> int:
        self._files += 1
        if self._files > self._limits.files:
            raise BadInput(
                [Problem(name, say("一次上传的文件超过 {files} 个", files=self._limits.files), N_("请分几次上传"))]
            )
        path = await read_upload(part, self._directory, limit_bytes=self._limits.file_bytes)
        size = path.stat().st_size
        if not filename and not size:
            path.unlink()  # a file input that was left empty
            return 0
        self._undo.callback(path.unlink)
        self.form.files.setdefault(name, []).append(Upload(name, shown_name(filename), path, size))
        return size


def _check_request(request: web.Request, limits: FormLimits) -> None:
    """What can be refused before a byte of the body is read."""
    if request.content_type != "multipart/form-data":
        raise _malformed("")
    if request.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise _malformed("")
    if (request.content_length or 0) > limits.total_bytes + MIB:
        raise _too_much(N_("本次提交的内容合计"), limits.total_bytes, "")


async def _parts(request: web.Request) -> AsyncIterator[BodyPartReader]:
    try:
        reader = await request.multipart()
        while (part := await reader.next()) is not None:
            if isinstance(part, MultipartReader):
                raise _malformed("")
            yield part
    except _MALFORMED:
        raise _malformed("") from None


async def _chunks(part: BodyPartReader) -> AsyncIterator[bytes]:
    try:
        while chunk := await part.read_chunk(CHUNK_BYTES):
            yield chunk
    except _MALFORMED:
        raise _malformed("") from None


def _append(handle: int, chunk: bytes, *, name: str, field_name: str) -> None:
    """Into the page cache, so short enough for the event loop."""
    try:
        while chunk:
            chunk = chunk[os.write(handle, chunk) :]
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise bad_file(Fault.DISK_FULL, name=name, field=field_name) from None
        raise


def _field_name(part: BodyPartReader) -> str:
    name = part.name or ""
    if not 0 < len(name) <= FIELD_NAME_CHARACTERS or not name.isprintable():
        raise _malformed("")
    return name


def _strict_text(name: str, data: bytes) -> str:
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        text = "\0"
    if "\0" in text:
        said = say("表单项「{shown_name}」含有无法识别的字符", shown_name=shown_name(name))
        raise BadInput([Problem(name, said, N_("请删去该项内容，用键盘重新输入"))])
    return text


def _too_much(what: str, limit_bytes: int, field_name: str) -> BadInput:
    return BadInput(
        [
            Problem(
                field_name,
                say("{what}超过 {megabytes}，未接收", what=what, megabytes=megabytes(limit_bytes)),
                N_("请减少内容或分几次提交"),
            )
        ]
    )


def _malformed(field_name: str) -> BadInput:
    return BadInput([Problem(field_name, N_("浏览器发来的表单不完整或格式不对"), N_("请刷新页面后重新提交"))])
