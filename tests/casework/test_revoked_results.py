"""What the county tells of certificates that count no more: the first word counts, and nonsense has no effect."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa

from casework.case_tables import revoked_result
from casework.errors import BadInput
from casework.revoked_results import revoked_body, revoked_since, save_revoked_result

DIGEST = bytes(range(16))
GOOD = revoked_body(DIGEST, 1_790_000_000, " 承诺不实 ")


@pytest.fixture
def conn() -> Any:
    engine = sa.create_engine("sqlite://")
    with engine.begin() as opened:
        revoked_result.create(opened)
        yield opened
    engine.dispose()


def test_the_first_word_counts(conn: sa.Connection) -> None:
    assert revoked_since(conn, DIGEST) is None
    save_revoked_result(conn, GOOD)
    save_revoked_result(conn, GOOD | {"since": 5, "reason": "另一个理由"})
    assert revoked_since(conn, DIGEST) == (1_790_000_000, "承诺不实")
    assert revoked_since(conn, bytes(16)) is None


@pytest.mark.parametrize(
    "change",
    [
        {"id": bytes(15)},
        {"id": 2**40},
        {"id": "0" * 16},
        {"since": -1},
        {"since": 2**53},
        {"since": "1"},
        {"since": True},
        {"reason": ""},
        {"reason": "字" * 201},
        {"reason": 5},
    ],
)
def test_nonsense_is_refused(conn: sa.Connection, change: dict[str, Any]) -> None:
    with pytest.raises(BadInput):
        save_revoked_result(conn, GOOD | change)
    assert revoked_since(conn, DIGEST) is None
