"""Steps that several stories take."""

from __future__ import annotations

from datetime import date, timedelta

from casework.workdays import china_day
from hub.sweep import Place, lapsed_cases, let_time_act
from tests.casework.materials.samples import jpeg, photo
from tests.programs import Clerk, Programs

SCANS = [("materials.0.file", "身份证.jpg", jpeg(photo(600, 400)))]


async def does(clerk: Clerk, case: str, what: str, *fields: tuple[str, str]) -> None:
    """An act that is taken."""
    done = await clerk.post(f"{case}/do/{what}", *fields)
    assert done.location == case, done.words


async def refused(clerk: Clerk, case: str, what: str, *fields: tuple[str, str]) -> str:
    """What the page says of an act that is not taken."""
    said = await clerk.post(f"{case}/do/{what}", *fields)
    assert said.status in (403, 422), said.words
    return said.words


async def seen(clerk: Clerk, case: str) -> list[tuple[str, str]]:
    """The pages that the decision form shows, as it names them."""
    form = await clerk.get(f"{case}/do/grant")
    return [("seen", part.split('"')[0]) for part in form.text.split('name="seen" value="')[1:]]


async def under_review(programs: Programs, case: str, reviewer: Clerk, officer: Clerk) -> None:
    """From the village's intake to the county's review."""
    programs.exchange()
    await does(reviewer, case, "endorse", ("opinion", "情况属实"))
    programs.exchange()
    await does(officer, case, "accept")
    await does(officer, case, "review")


async def days_pass(programs: Programs, days: int, *clerks: Clerk) -> date:
    """The day it is then; these have signed in again."""
    programs.hall.county.clock.now += days * 86_400
    for clerk in clerks:
        clerk.client.session.cookie_jar.clear()
        await clerk.sign_in()
    return china_day(programs.hall.now())


def in_days(programs: Programs, days: int) -> str:
    return (china_day(programs.hall.now()) + timedelta(days=days)).isoformat()


def time_acts(programs: Programs) -> int:
    """The county's program looks what time alone has caused."""
    hall = programs.hall
    store, journal, log, desk = hall.hub.store, hall.hub.replica.journal, hall.topics(hall.hub), hall.desk(hall.hub)
    homes, _ = store.read(lambda conn: lapsed_cases(conn, china_day(hall.now()), Place()))
    return sum(
        store.write(lambda conn, h=home, c=cases: let_time_act(conn, journal, log, desk, h, c, hall.now()))
        for home, cases in homes.items()
    )
