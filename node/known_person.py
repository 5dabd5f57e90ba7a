"""What this place knows of a person already, from the newest case it may see: offered at the next intake, never taken
silently."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy import Connection

from casework.case_tables import case_row
from casework.desk import Desk
from casework.errors import NotAllowed, NotFound
from casework.identity import compact_number, mask_name, mask_phone
from casework.policy import Person

_C = case_row.c
_LOOKED_AT = 5


@dataclass(frozen=True, slots=True)
class KnownPerson:
    """As they stood in the newest case, received on that day (YYYY-MM-DD)."""

    name: str
    phone: str
    address: str
    household: str
    received: str

    @property
    def shown(self) -> str:
        """Enough to know them by, no more."""
        return " ".join(part for part in (mask_name(self.name), mask_phone(self.phone)) if part)


def known_person(conn: Connection, desk: Desk, person: Person, number: str) -> KnownPerson | None:
    """The person with this identity number as typed, where the one who asks may open a case of theirs."""
    compact = compact_number(number)
    if not compact:
        return None
    query = sa.select(_C.topic).where(_C.id_number == compact).order_by(_C.received.desc(), _C.topic.desc())
    for topic in conn.execute(query.limit(_LOOKED_AT)).scalars():
        try:
            state = desk.view(conn, person, topic).state
        except (NotAllowed, NotFound):
            continue
        given = {key: str(state.applicant.get(key, "")) for key in ("name", "phone", "address")}
        if given["name"]:
            return KnownPerson(given["name"], given["phone"], given["address"], state.household or "", state.received)
    return None
