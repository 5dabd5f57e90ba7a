"""The one-page guides, by role: shown under /help and written into docs/ by `python -m casework.web.guides.pages`."""

from __future__ import annotations

from casework.policy import Role
from casework.web.guides.county import COUNTY_APPROVER, COUNTY_REVIEWER
from casework.web.guides.guide import Guide
from casework.web.guides.township import TOWNSHIP_CLERK, TOWNSHIP_REVIEWER
from casework.web.guides.village import VILLAGE_AGENT
from casework.web.guides.watching import ADMIN, OPS, SUPERVISOR

__all__ = ["GUIDES", "Guide"]

GUIDES: dict[Role, Guide] = {
    guide.role: guide
    for guide in (
        VILLAGE_AGENT,
        TOWNSHIP_CLERK,
        TOWNSHIP_REVIEWER,
        COUNTY_REVIEWER,
        COUNTY_APPROVER,
        SUPERVISOR,
        ADMIN,
        OPS,
    )
}
