"""Tables of cases and reference data, shared by both programs; all but drafts can be rebuilt from the log."""

from __future__ import annotations

import sqlalchemy as sa

from casework.search_terms import TERM_CHARACTERS
from casework.tables import metadata

case_row = sa.Table(
    "case_row",
    metadata,
    sa.Column("topic", sa.LargeBinary, primary_key=True),
    sa.Column("home", sa.BigInteger, nullable=False),
    sa.Column("home_region", sa.String(12), nullable=False),
    sa.Column("item", sa.String(64), nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("item_name", sa.Text, nullable=False),
    sa.Column("office", sa.Text, nullable=False),
    sa.Column("state", sa.String(24), nullable=False),
    sa.Column("holder", sa.String(12), nullable=False),
    sa.Column("deciding", sa.String(12), nullable=False),
    sa.Column("unsettled", sa.SmallInteger, nullable=False),
    sa.Column("trouble", sa.String(64), nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("id_number", sa.Text, nullable=False),
    sa.Column("code", sa.String(64), nullable=False),
    sa.Column("case_no", sa.String(64), nullable=False),
    sa.Column("received", sa.String(10), nullable=False),
    sa.Column("ref", sa.Text, nullable=False),
    sa.Column("changed", sa.BigInteger, nullable=False),
    sa.Column("accepted", sa.BigInteger, nullable=False),
    sa.Column("due", sa.String(10), nullable=False),
    sa.Column("lapse_day", sa.String(10), nullable=False),
    sa.Column("asked", sa.Text, nullable=False),
    sa.Column("public", sa.LargeBinary, nullable=False),
    sa.Column("tell", sa.String(60), nullable=False),
)
_C = case_row.c
sa.Index("case_row_changed", _C.changed, _C.topic)
sa.Index("case_row_state", _C.state, _C.holder, _C.changed, _C.topic)
sa.Index("case_row_due", _C.state, _C.holder, _C.due, _C.topic, _C.home_region)
sa.Index("case_row_office", _C.office, _C.state, _C.holder, _C.due, _C.topic, _C.home_region)
sa.Index("case_row_station", _C.home_region, _C.received, _C.topic)
sa.Index("case_row_received", _C.received, _C.topic)
sa.Index("case_row_item", _C.item, _C.received, _C.topic)
_troubled = _C.trouble != ""
sa.Index("case_row_trouble", _C.changed, _C.topic, sqlite_where=_troubled, postgresql_where=_troubled)
_lapses = _C.lapse_day != "9999-12-31"
sa.Index("case_row_lapse", _C.lapse_day, _C.topic, sqlite_where=_lapses, postgresql_where=_lapses)
_asked = _C.asked != ""
sa.Index("case_row_asked", _C.due, _C.topic, sqlite_where=_asked, postgresql_where=_asked)
sa.Index("case_row_person", _C.id_number, _C.item)
sa.Index("case_row_public", _C.public)
_to_tell = _C.tell != ""
sa.Index("case_row_tell", _C.home, _C.changed, _C.topic, sqlite_where=_to_tell, postgresql_where=_to_tell)
sa.Index("case_row_code", _C.code)
sa.Index("case_row_case_no", _C.case_no)
sa.Index("case_row_ref", _C.home, _C.ref)
"""Each serves a list or a look-up of casework.case_lists, so that none of them reads more of a year's cases than it
shows; `bench/queries.py` holds them to it."""

case_term = sa.Table(
    "case_term",
    metadata,
    sa.Column("term", sa.String(TERM_CHARACTERS), primary_key=True),
    sa.Column("received", sa.String(10), primary_key=True),
    sa.Column("topic", sa.LargeBinary, primary_key=True),
    sqlite_with_rowid=False,
)
"""What cases are found by, the newest intake last (casework.search_terms); it follows from the rows."""

case_facts = sa.Table(
    "case_facts",
    metadata,
    sa.Column("topic", sa.LargeBinary, primary_key=True),
    sa.Column("home_region", sa.String(12), nullable=False),
    sa.Column("item", sa.String(64), nullable=False),
    sa.Column("office", sa.Text, nullable=False),
    sa.Column("received", sa.String(10), nullable=False),
    sa.Column("accepted", sa.String(10), nullable=False),
    sa.Column("ended", sa.String(10), nullable=False),
    sa.Column("outcome", sa.String(24), nullable=False),
    sa.Column("close_result", sa.Text, nullable=False),
    sa.Column("decision", sa.String(10), nullable=False),
    sa.Column("due", sa.String(10), nullable=False),
    sa.Column("used", sa.Integer),
    sa.Column("promised", sa.Integer),
    sa.Column("statutory", sa.Integer),
    sa.Column("promise", sa.String(10), nullable=False),
    sa.Column("statute", sa.String(10), nullable=False),
    sa.Column("extended", sa.Integer, nullable=False),
    sa.Column("provisional", sa.SmallInteger, nullable=False),
    sa.Column("reckoned_to", sa.String(10), nullable=False),
)
_F = case_facts.c
sa.Index("case_facts_received", _F.received)
sa.Index("case_facts_accepted", _F.accepted)
sa.Index("case_facts_ended", _F.ended)
"""What statistics count of each case that the hub has ordered (casework.case_facts); only the hub has it. A period
reads no more of a year than it is long."""

catalogue_item = sa.Table(
    "catalogue_item",
    metadata,
    sa.Column("key", sa.String(64), primary_key=True),
    sa.Column("version", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("plain", sa.Text, nullable=False),
)

calendar_year = sa.Table(
    "calendar_year",
    metadata,
    sa.Column("year", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("plain", sa.Text, nullable=False),
)

region_row = sa.Table(
    "region_row",
    metadata,
    sa.Column("code", sa.String(12), primary_key=True),
    sa.Column("level", sa.String(12), nullable=False),
    sa.Column("parent", sa.String(12), nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("until", sa.String(10), nullable=False),
    sa.Column("successor", sa.String(12), nullable=False),
)

station_address = sa.Table(
    "station_address",
    metadata,
    sa.Column("author", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("url", sa.String(300), nullable=False),
)

hall_row = sa.Table(
    "hall_row",
    metadata,
    sa.Column("name", sa.String(20), primary_key=True),
    sa.Column("value", sa.Text, nullable=False),
)
"""What the county says of itself to the public (casework.hall)."""

revoked_result = sa.Table(
    "revoked_result",
    metadata,
    sa.Column("id", sa.LargeBinary, primary_key=True),
    sa.Column("since", sa.BigInteger, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
)
"""Certificates of results that count no more, as the county has told everybody."""

rating_code = sa.Table(
    "rating_code",
    metadata,
    sa.Column("code", sa.String(12), primary_key=True),
    sa.Column("topic", sa.LargeBinary, nullable=False),
    sa.Column("stage", sa.String(10), nullable=False),
    sa.Column("expires", sa.BigInteger, nullable=False),
)
"""One-time codes by which an applicant rates at this place; gone once used."""

rating_given = sa.Table(
    "rating_given",
    metadata,
    sa.Column("topic", sa.LargeBinary, primary_key=True),
    sa.Column("stage", sa.String(10), primary_key=True),
)
"""Of which case and stage somebody has rated at this place; never what."""

rating = sa.Table(
    "rating",
    metadata,
    sa.Column("topic", sa.LargeBinary, primary_key=True),
    sa.Column("stage", sa.String(10), primary_key=True),
    sa.Column("home_region", sa.String(12), nullable=False),
    sa.Column("office", sa.Text, nullable=False),
    sa.Column("item", sa.String(64), nullable=False),
    sa.Column("grade", sa.SmallInteger, nullable=False),
    sa.Column("marks", sa.Text, nullable=False),
    sa.Column("words", sa.Text, nullable=False),
    sa.Column("channel", sa.String(20), nullable=False),
    sa.Column("day", sa.String(10), nullable=False),
    sa.Column("due", sa.String(10), nullable=False),
    sa.Column("called", sa.Text, nullable=False),
    sa.Column("verdict", sa.String(20), nullable=False),
    sa.Column("mended", sa.Text, nullable=False),
    sa.Column("over", sa.SmallInteger, nullable=False),
    sa.Column("counted", sa.SmallInteger, nullable=False),
)
sa.Index("rating_day", rating.c.day, rating.c.topic)
sa.Index("rating_due", rating.c.over, rating.c.due, rating.c.topic)
sa.Index("rating_office", rating.c.office, rating.c.home_region, rating.c.counted)
"""What applicants said (好差评), and what was done about it; only the hub has it. day: when it reached the county.
over: 1 where nothing is left to do; counted: 0 for what was found mistaken or malicious, and for a rating of an end
that the county does not know of yet."""

message = sa.Table(
    "message",
    metadata,
    sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True),
    sa.Column("key", sa.String(80), nullable=False, unique=True),
    sa.Column("topic", sa.LargeBinary, nullable=False),
    sa.Column("about", sa.String(20), nullable=False),
    sa.Column("phone", sa.String(40), nullable=False),
    sa.Column("text", sa.Text, nullable=False),
    sa.Column("state", sa.String(12), nullable=False),
    sa.Column("created", sa.BigInteger, nullable=False),
    sa.Column("tries", sa.Integer, nullable=False),
    sa.Column("next_at", sa.BigInteger, nullable=False),
    sa.Column("error", sa.Text, nullable=False),
)
sa.Index("message_next", message.c.state, message.c.next_at)
"""Text messages on their way to a gateway; only the hub has it."""

serial = sa.Table(
    "serial",
    metadata,
    sa.Column("name", sa.String(100), primary_key=True),
    sa.Column("last", sa.BigInteger, nullable=False),
)
"""Counters: intake codes per day at a node, case numbers per item and day at the hub."""

used_page = sa.Table(
    "used_page",
    metadata,
    sa.Column("topic", sa.LargeBinary, primary_key=True),
    sa.Column("blob", sa.LargeBinary, primary_key=True),
    sa.Column("length", sa.BigInteger, nullable=False),
    sa.Column("plain", sa.LargeBinary, nullable=False),
    sa.Column("key", sa.LargeBinary, nullable=False),
    sa.Column("preview", sa.LargeBinary),
    sa.Column("preview_length", sa.BigInteger, nullable=False),
    sa.Column("preview_key", sa.LargeBinary, nullable=False),
    sa.Column("person", sa.Text, nullable=False),
    sa.Column("household", sa.Text, nullable=False),
)
sa.Index("used_page_length", used_page.c.length)
"""Pages that this station has handed in and whose they were, so that none is sent twice; local to one station."""

draft = sa.Table(
    "draft",
    metadata,
    sa.Column("id", sa.String(32), primary_key=True),
    sa.Column("key", sa.LargeBinary, nullable=False),
    sa.Column("item", sa.String(64), nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("account", sa.BigInteger, nullable=False),
    sa.Column("ref", sa.Text, nullable=False, index=True),
    sa.Column("content", sa.Text, nullable=False),
    sa.Column("created", sa.BigInteger, nullable=False),
    sa.Column("saved", sa.BigInteger, nullable=False),
    sa.Column("started", sa.String(32), nullable=False, server_default="", index=True),
)
"""Intake not yet submitted; local to one station. `id` is the topic the case will have, in hex; `started` names the
page on which its first letter was typed, so that what is sent twice begins one draft."""

card = sa.Table(
    "card",
    metadata,
    sa.Column("epoch", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("topic", sa.LargeBinary, nullable=False, index=True),
    sa.Column("rule", sa.String(40), nullable=False),
    sa.Column("since", sa.String(10), nullable=False),
    sa.Column("due", sa.String(10), nullable=False),
    sa.Column("colour", sa.String(16), nullable=False),
    sa.Column("owner", sa.String(16), nullable=False),
    sa.Column("office", sa.String(100), nullable=False),
    sa.Column("words", sa.Text, nullable=False),
    sa.Column("issued", sa.BigInteger, nullable=False),
    sa.Column("plea", sa.Text, nullable=False),
    sa.Column("plea_by", sa.BigInteger, nullable=False),
    sa.Column("plea_at", sa.BigInteger, nullable=False),
    sa.Column("code", sa.String(40), nullable=False),
    sa.Column("note", sa.Text, nullable=False),
    sa.Column("cleared_by", sa.BigInteger, nullable=False),
    sa.Column("cleared_at", sa.BigInteger, nullable=False),
    sa.Column("over", sa.SmallInteger, nullable=False),
)
_D = card.c
sa.Index("card_over", _D.over, _D.epoch, _D.number)
sa.Index("card_colour", _D.over, _D.colour, _D.epoch, _D.number)
sa.Index("card_office", _D.over, _D.office, _D.epoch, _D.number)
"""Cards of supervision at the hub, as its internal entries tell them. over: 1 once cleared."""

card_look = sa.Table(
    "card_look",
    metadata,
    sa.Column("topic", sa.LargeBinary, primary_key=True),
    sa.Column("home", sa.BigInteger, nullable=False),
    sa.Column("day", sa.String(10), nullable=False),
)
sa.Index("card_look_day", card_look.c.day, card_look.c.topic)
"""At the hub: from which day on a case is to be looked at for cards. "" at once: something of it has changed."""
