"""No log line carries a citizen number, a phone number or a secret."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from casework.logs import configure_logs, mask_text

CITIZEN = "341882189001011230"
PHONE = "13856301234"


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    before, level = logging.root.handlers[:], logging.root.level
    out = io.StringIO()
    configure_logs(out)
    yield out
    structlog.reset_defaults()
    logging.root.handlers[:] = before
    logging.root.setLevel(level)


def _lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


@pytest.mark.parametrize(
    "text",
    [
        CITIZEN,
        "34188218900101123X",
        "341882900101123",
        PHONE,
        "138 5630 1234",
        "+86-13856301234",
        "0563-6022345",
    ],
)
def test_personal_numbers_are_masked_wherever_they_stand(text: str) -> None:
    assert mask_text(f"申请人{text}，") in ("申请人[id]，", "申请人[phone]，")


@pytest.mark.parametrize("text", ["341882101200", "1790000000", "2026-11-21T10:00:00", "64/0/5"])
def test_region_codes_times_and_entry_numbers_stay(text: str) -> None:
    assert mask_text(text) == text


def test_nested_values_integers_and_tracebacks_are_masked(stream: io.StringIO) -> None:
    log = structlog.stdlib.get_logger("t")
    try:
        raise ValueError(f"bad {CITIZEN}")
    except ValueError:
        log.exception("failed", rows=[{"phone": PHONE}], number=int(CITIZEN), note=f"tel {PHONE}")
    out = stream.getvalue()
    assert CITIZEN not in out
    assert PHONE not in out
    assert "Traceback" in _lines(stream)[0]["exception"]


def test_secrets_and_bodies_are_dropped(stream: io.StringIO) -> None:
    structlog.stdlib.get_logger("t").info("m", password="p1", inner={"Cookie": "p2", "body": b"p3"}, raw=b"p4")
    assert not {"p1", "p2", "p3", "p4"} & set(json.dumps(_lines(stream)[0]).split('"'))
    assert _lines(stream)[0]["raw"] == "[2 bytes]"


def test_the_standard_library_logs_through_the_same_mask(stream: io.StringIO) -> None:
    logging.getLogger("aiohttp.server").error("request for %s failed", PHONE)
    (line,) = _lines(stream)
    assert line["event"] == "request for [phone] failed"
    assert line["level"] == "error"
