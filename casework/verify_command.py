"""What the verify commands of both programs share: the text to verify, and the verdict as lines."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from casework.errors import BadInput, Problem
from casework.materials.opening import read_codes
from casework.scan_text import scanned
from casework.verifying import REASONS, VERDICT_WORDS, Finding

_CHINA = timedelta(hours=8)


def text_to_verify(text: str, image: Path | None) -> str:
    """The text that was given, or that of the QR on a picture. Raises BadInput, FileNotFoundError."""
    if image is None:
        return text
    if text:
        raise BadInput([Problem("image", "只给二维码的文字或图片之一", "请去掉文字，或去掉 --image")])
    return ours_first(read_codes(image.resolve(strict=True), name=image.name, field="image"))


def ours_first(codes: list[str]) -> str:
    """Of the codes on a picture the one that may be ours, "" where there is none at all."""
    return next((code for code in codes if scanned(code) is not None), codes[0] if codes else "")


def finding_lines(found: Finding) -> Iterator[str]:
    """For a person at a terminal."""
    reason = REASONS[found.reason]
    yield VERDICT_WORDS[found.verdict]
    yield found.why or reason.words
    if reason.remedy:
        yield reason.remedy
    if found.kind:
        yield f"{found.kind}，签发：{found.issuer}，{_moment(found.signed_at)}"
    yield from (f"{label}：{value}" for label, value in found.says)
    if found.case is not None:
        yield f"本机查到的办件：{found.case.state}"
    yield f"截至 {_moment(found.as_of)} 县级发到本机的消息" if found.as_of else "本机还没有收到过县级的消息"


def _moment(seconds: int) -> str:
    try:
        return f"{datetime.fromtimestamp(seconds, UTC) + _CHINA:%Y-%m-%d %H:%M}"
    except (ValueError, OverflowError, OSError):
        return "（时间不明）"
