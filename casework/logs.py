"""Structured JSON logs on one stream, with personal data masked before a line is written.

Citizen numbers, phone numbers and landlines are masked in every text, tracebacks included; values under
keys that carry secrets or whole bodies are dropped. Names cannot be recognised: do not log them.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from typing import Any, TextIO

import structlog
from aiohttp.http_exceptions import HttpProcessingError
from structlog.typing import EventDict, Processor, WrappedLogger

_CITIZEN_ID = re.compile(r"(?<!\d)(?:\d{17}[\dXx]|\d{15})(?!\d)")
_PHONE = re.compile(r"(?<!\d)(?:\+?86[- ]?)?1[3-9]\d[- ]?\d{4}[- ]?\d{4}(?!\d)")
_LANDLINE = re.compile(r"(?<!\d)0\d{2,3}-\d{7,8}(?!\d)")
_DROPPED = frozenset({"password", "passwd", "token", "csrf", "cookie", "authorization", "body", "form", "hash"})
_MAX_TEXT = 8000


def configure_logs(stream: TextIO, *, level: int = logging.INFO) -> None:
    """Send structlog and the standard library's logging to `stream`, one JSON object a line."""
    shared: list[Processor] = [
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        mask_personal,
    ]
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared,
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
    )
    handler = logging.StreamHandler(stream)
    handler.setFormatter(formatter)
    logging.root.handlers[:] = [handler]
    logging.root.setLevel(level)
    logging.getLogger("alembic").setLevel(logging.WARNING)
    logging.getLogger("aiohttp.server").addFilter(one_line_for_strangers)
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )


def one_line_for_strangers(record: logging.LogRecord) -> bool:
    """A filter: what is no HTTP is logged without the traceback that quotes what was sent; always True."""
    error = record.exc_info[1] if record.exc_info else None
    if isinstance(error, HttpProcessingError):
        record.exc_info = record.exc_text = None
        record.levelno, record.levelname = logging.INFO, "INFO"
        record.msg, record.args = f"{record.getMessage()}: {type(error).__name__}", ()
    return True


def mask_personal(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """A structlog processor; leaves structlog's own underscore keys alone."""
    return {key: value if key.startswith("_") else _clean(key, value) for key, value in event.items()}


def mask_text(text: str) -> str:
    """The text with citizen and phone numbers replaced by their kind; cut at 8,000 characters."""
    text = _CITIZEN_ID.sub("[id]", text[:_MAX_TEXT])
    return _LANDLINE.sub("[phone]", _PHONE.sub("[phone]", text))


def _clean(key: str, value: Any) -> Any:
    if key.lower() in _DROPPED:
        return "[dropped]"
    if isinstance(value, str):
        return mask_text(value)
    if isinstance(value, bool) or value is None or isinstance(value, float):
        return value
    if isinstance(value, int):
        masked = mask_text(str(value))
        return value if masked == str(value) else masked
    if isinstance(value, Mapping):
        return {str(name): _clean(str(name), inner) for name, inner in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_clean("", inner) for inner in value]
    return f"[{len(value)} bytes]" if isinstance(value, bytes) else mask_text(str(value))
