"""The parts that bodies of changes are made of: materials and their pages, the applicant, the route, defects."""

from __future__ import annotations

from casework.body_shape import Choice, Day, Field, Flag, Hash32, ListOf, Octets, Record, Text, Whole
from casework.texts import N_

DECISION_TIERS = ("village", "township", "county", "external")

REASON = Text(2_000)
OFFICE = Text(40, least=1)
REF = Text(64, least=1)
SEEN = ListOf(Hash32(), 1_000)


def _one_way(material: dict[str, object]) -> str:
    ways = (material.get("seen") is True) + ("pages" in material) + ("exempt" in material)
    return "" if ways == 1 else N_("应为「已核对原件」、扫描页或免提交，只取其一")


SEALED_KEY_BYTES = 72
"""A blob's key sealed under the case's key: of a page that another case brought first."""
PAGE = Record(
    (
        Field("blob", Whole(999)),
        Field("plain", Hash32()),
        Field("type", Text(60, least=1)),
        Field("key", Octets(SEALED_KEY_BYTES), required=False),
        Field("preview", Whole(999), required=False, null=True),
        Field("preview_key", Octets(SEALED_KEY_BYTES), required=False),
    )
)
_MATERIAL = Record(
    (
        Field("name", Text(200, least=1)),
        Field("seen", Flag(), required=False),
        Field("exempt", Text(20, least=1), required=False),
        Field("pages", ListOf(PAGE, 100, least=1), required=False),
    ),
    rule=_one_way,
)
MATERIALS = ListOf(_MATERIAL, 60, unique="name")
APPLICANT = Record(
    (
        Field("kind", Choice(("person", "org"))),
        Field("id_type", Text(16)),
        Field("id", Text(40)),
        Field("name", Text(200, least=1)),
        Field("phone", Text(40)),
        Field("address", Text(400)),
    )
)
ROUTE = Record(
    (
        Field("first_review", Flag()),
        Field("decision", Choice(DECISION_TIERS)),
        Field("township_reads", Flag()),
    )
)
ANSWERS = ListOf(Record((Field("question", Text(40, least=1)), Field("answer", Text(60)))), 20, unique="question")
PROXY = Record(
    (
        Field("name", Text(100, least=1)),
        Field("id_type", Text(16)),
        Field("id", Text(40)),
        Field("phone", Text(40)),
        Field("authorisation", Text(200, least=1)),
    )
)
DEFECT = Record((Field("subject", Text(200, least=1)), Field("what", Text(1_000))))
CERTIFICATE_BYTES_MAX = 544
"""Of a signed statement (casework.slips): what a QR of moderate size holds."""
CERTIFICATE = Field("certificate", Octets(CERTIFICATE_BYTES_MAX, least=1), required=False)
CASE_NO = Field("case_no", Text(64, least=1), required=False, null=True)
LACKING = Record((Field("name", Text(200, least=1)), Field("due", Day())))
PART = Record((Field("office", OFFICE), Field("due", Day())))

# As the hub notes it about the case; a station tells it sealed and about no case. given: unix seconds.
RATING = Record(
    (
        Field("stage", Text(10, least=1)),
        Field("grade", Whole(5, 1)),
        Field("marks", ListOf(Text(20, least=1), 20)),
        Field("words", Text(300)),
        Field("given", Whole(2**53 - 1)),
        Field("channel", Text(20)),
        Field("region", Text(12)),
        Field("office", Text(100)),
        Field("item", Text(64)),
        Field("due", Day(), required=False, null=True),
    )
)
RECTIFY = Record(
    (
        Field("stage", Text(10, least=1)),
        Field("step", Text(20, least=1)),
        Field("text", REASON),
        Field("verdict", Text(20), required=False, null=True),
    )
)
