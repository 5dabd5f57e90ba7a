"""The certificate of a result is revoked at the county, and every machine knows it after its next word from there."""

from __future__ import annotations

from typing import Any

import pytest

from casework.errors import BadInput, NotAllowed
from casework.policy import Person, Role
from casework.revoked_results import REASON_CHARS_MAX
from casework.verifying import Verdict
from hub.revoking import revoke_result
from tests.hub.conftest import OpenHub
from tests.hub.hall import OFFICE, Hall
from tests.hub.test_verifying import certificate, decided_by_county, look
from tests.sync_protocol.county import REGION

WHY = "承诺核查：收入与承诺不符"


def approver(office: str = OFFICE, role: Role = Role.COUNTY_APPROVER) -> Person:
    return Person(50, "审批", role, 1, REGION, office)


def revoke(hall: Hall, topic: bytes, person: Person, reason: str = WHY) -> None:
    desk = hall.desk(hall.hub)
    hall.at_hub(lambda conn, journal: revoke_result(conn, journal, desk, person, topic, reason, hall.writing(50)))


def test_it_reaches_every_machine_and_the_first_word_counts(hall: Hall, account: Any) -> None:
    topic, other = decided_by_county(hall, account, "甲"), decided_by_county(hall, account, "乙")
    text, kept = certificate(hall, hall.village, topic), certificate(hall, hall.village, other)
    revoke(hall, topic, approver())
    assert look(hall, hall.hub, text).verdict is Verdict.REVOKED
    assert look(hall, hall.village, text).genuine, "it has not heard of it yet"
    hall.sync()
    for place in (hall.village, hall.township, hall.hub):
        found = look(hall, place, text)
        assert (found.verdict, found.reason) == (Verdict.REVOKED, "result_revoked")
        assert WHY in found.why
        assert look(hall, place, kept).genuine
    with pytest.raises(BadInput, match="已经撤销"):
        revoke(hall, topic, approver(), "再来一次")


def test_only_an_approver_of_the_office_revokes_and_only_with_a_reason(hall: Hall, account: Any) -> None:
    topic = decided_by_county(hall, account)
    with pytest.raises(NotAllowed):
        revoke(hall, topic, approver(role=Role.COUNTY_REVIEWER))
    for reason in ("", " ", "字" * (REASON_CHARS_MAX + 1)):
        with pytest.raises(BadInput):
            revoke(hall, topic, approver(), reason)
    ungranted = hall.collect(account, name="丙")
    hall.sync()
    hall.judge()
    with pytest.raises(BadInput, match="没有结果凭证"):
        revoke(hall, ungranted, approver())
    assert look(hall, hall.hub, certificate(hall, hall.hub, topic)).genuine


async def test_the_page_asks_for_the_reason_and_the_case_shows_it(hall: Hall, account: Any, open_hub: OpenHub) -> None:
    topic = decided_by_county(hall, account)
    hall.add_user("c.approver", Role.COUNTY_APPROVER, office=OFFICE)
    browser = await open_hub("c.approver")
    path = f"/cases/{topic.hex()}/revoke"
    status, page = await browser.get(path)
    assert status == 200 and "撤销不能收回" in page
    status, page = await browser.post(path, reason=" ")
    assert status == 422 and "请填写撤销的理由" in page
    assert await browser.post(path, reason=WHY) == (303, f"/cases/{topic.hex()}")
    assert look(hall, hall.hub, certificate(hall, hall.hub, topic)).verdict is Verdict.REVOKED
    status, _ = await browser.get(path)
    assert status == 403
