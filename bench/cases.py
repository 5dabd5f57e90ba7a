"""Made-up casework, the same for the same seed: cases of one county's villages, and their changes in real bodies.

A case has eight changes. Where the township decides all eight come from below; where the county decides the first five
do, and the last three are the county's own. No two cases share a name, a number, a telephone, an address or a text.
`python -m bench.cases --seed 1 --cases 100` prints what would be made; `bench.feeds` makes signed feeds of it.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import random
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from casework.catalogue import Catalogue, load_catalogue
from casework.changes import ChangeKind
from casework.example_intake import example_citizen_id, example_intake_line
from casework.identity import birth_date
from casework.intake import HeldMaterial, Intake
from casework.service_item import FormField, ServiceItem
from casework.states import COUNTY, HOME, TOWNSHIP

# How many of a hundred cases concern each item.
ITEMS = {
    "resident_medical_enrol": 16, "resident_pension_enrol": 14, "elder_allowance": 10, "dibao": 9, "temp_relief": 8,
    "disabled_subsidy": 9, "birth_registration": 8, "homestead": 6, "elder_card": 6, "tekun": 4,
    "resident_pension_death_grant": 6, "timber_felling": 4,
}  # fmt: skip

_K = ChangeKind
COUNTY_DECIDES = (
    (_K.COLLECT, HOME), (_K.CORRECT, HOME), (_K.ASK_SUPPLEMENT, TOWNSHIP), (_K.SUPPLEMENT, HOME),
    (_K.ENDORSE, TOWNSHIP), (_K.ACCEPT, COUNTY), (_K.REVIEW, COUNTY), (_K.GRANT, COUNTY),
)  # fmt: skip
TOWNSHIP_DECIDES = (
    (_K.COLLECT, HOME), (_K.ASK_SUPPLEMENT, TOWNSHIP), (_K.SUPPLEMENT, HOME), (_K.ACCEPT, TOWNSHIP),
    (_K.REVIEW, TOWNSHIP), (_K.GRANT, TOWNSHIP), (_K.CLOSE, TOWNSHIP), (_K.DELIVER, HOME),
)  # fmt: skip

_SURNAMES = "王李张刘陈杨黄赵吴周徐孙马朱胡郭何高林罗郑梁谢宋唐许韩冯邓曹彭曾肖田董袁潘于蒋蔡余杜叶程苏魏吕丁任沈"
_GIVEN = "伟芳娜敏静丽强磊军洋勇艳杰娟涛明超秀霞平刚桂英华玉兰建国文辉红梅志永春荣云龙生水根金银凤莲德福祥林海"
_WORDS = "家中劳力不足去年收成受灾房屋漏雨子女在外务工本人常年患病需要长期服药经村民小组评议情况属实邻里无异议".strip()
CASES_PER_DAY_AND_VILLAGE = 25


@dataclass(frozen=True, slots=True)
class Step:
    """One change: who writes it (an office), on which day (from 0), with which body; a 收件's comes of `intake`."""

    kind: ChangeKind
    office: str
    day: int
    body: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Case:
    """`village` counts from 0. The first step is the 收件."""

    number: int
    village: int
    item: ServiceItem
    intake: Intake
    steps: tuple[Step, ...]


def plan(seed: int, cases: int, villages: int, catalogue: Catalogue | None = None) -> list[Case]:
    """The cases, spread evenly over villages and, from day 0 on, over days."""
    rng = random.Random(seed)
    known = catalogue or load_catalogue()
    keys = rng.choices(list(ITEMS), weights=list(ITEMS.values()), k=cases)
    offset = rng.randrange(1000)
    return [_case(rng, n, n % villages, n // villages, known.get(key), offset) for n, key in enumerate(keys)]


def _case(rng: random.Random, number: int, village: int, order: int, item: ServiceItem, offset: int) -> Case:
    person = Person(rng, number, offset)
    course = TOWNSHIP_DECIDES if item.decision_tier == TOWNSHIP else COUNTY_DECIDES
    start = order // CASES_PER_DAY_AND_VILLAGE
    line = example_intake_line(item)
    materials = tuple(HeldMaterial(material["name"], seen="1") for material in line["materials"])
    form = {field.key: person.value(field) for field in item.form if field.required}
    intake = Intake(person.applicant(), form, f"{person.name}户", f"bench-{number}", materials, line.get("answers", {}))
    steps = tuple(
        Step(kind, office, start + day, _body(person, item, kind)) for day, (kind, office) in enumerate(course)
    )
    return Case(number, village, item, intake, steps)


class Person:
    """Everything of one applicant; `number` tells all of it apart from everybody else's."""

    def __init__(self, rng: random.Random, number: int, offset: int) -> None:
        self._rng = rng
        self._number = number
        self._serial = 4 * number + offset
        order, self.name = number, ""
        for letters in (_SURNAMES, _GIVEN, _GIVEN):
            order, at = divmod(order, len(letters))
            self.name += letters[at]
        self.phone = f"13{self._unlike(1)}"

    def _unlike(self, kind: int) -> str:
        """Nine digits of their own for each person and kind."""
        return f"{(self._number * 10 + kind) * 7919 % 1_000_000_000:09d}"

    def applicant(self) -> dict[str, Any]:
        return {
            "kind": "person",
            "id_type": "111",
            "id": example_citizen_id(self._serial),
            "name": self.name,
            "phone": self.phone,
            "address": f"第{self._number % 31 + 1}村民组 {self._number + 1} 号",
        }

    def sentence(self, chars: int) -> str:
        at = [self._rng.randrange(len(_WORDS) // 2) * 2 for _ in range(chars // 2)]
        return f"{self._number}号：" + "".join(_WORDS[i : i + 2] for i in at)

    def value(self, field: FormField) -> str | int:
        rng = self._rng
        if field.type == "choice":
            return rng.choice(field.choices)
        if field.type == "integer":
            return self._integer(field)
        if field.type in ("text", "multiline"):
            least, most = field.least or 0, field.most or 40
            text = self.sentence(rng.randrange(40, 80) if field.type == "multiline" else 6)
            return text.ljust(least, "。")[:most]
        born = birth_date(example_citizen_id(self._serial))
        assert born is not None
        fixed = {
            "date": born.isoformat() if field.key == "birth_date" else f"2026-{rng.randrange(1, 9):02d}-15",
            "phone": f"15{self._unlike(2)}",
            "citizen_id": example_citizen_id(self._serial + 1),
            "bank_card": f"6228{self._unlike(3)}{self._unlike(4)[:6]}",
        }
        return fixed[field.type]

    def _integer(self, field: FormField) -> int:
        least = field.least or 0
        most = field.most if field.most is not None else least + 1000
        if field.unit == "年" and least <= 2026 <= most:
            return 2026
        return self._rng.randint(least, min(most, least + 1000))


def _body(person: Person, item: ServiceItem, kind: ChangeKind) -> dict[str, Any]:
    match kind:
        case ChangeKind.CORRECT:
            applicant = {**person.applicant(), "phone": f"18{person.phone[2:]}"}
            return {"applicant": applicant, "reason": f"更正{person.name}的联系电话"}
        case ChangeKind.ASK_SUPPLEMENT:
            subject = item.materials[0].name
            return {
                "defects": [{"subject": subject, "what": person.sentence(30)}],
                "note": f"请{person.name}携原件核对",
            }
        case ChangeKind.SUPPLEMENT:
            return {"materials": [{"name": item.materials[0].name, "seen": True}], "note": person.sentence(20)}
        case ChangeKind.ENDORSE:
            return {"opinion": person.sentence(40)}
        case ChangeKind.GRANT:
            return {"seen": []}
        case ChangeKind.CLOSE:
            return {"result": "completed"}
        case ChangeKind.DELIVER:
            return {"to": person.name, "how": "window"}
        case _:
            return {}


def by_day(cases: Sequence[Case]) -> Iterator[list[tuple[Case, Step]]]:
    """For each day, in order, what is written on it."""
    days: dict[int, list[tuple[Case, Step]]] = {}
    for case in cases:
        for step in case.steps:
            days.setdefault(step.day, []).append((case, step))
    for day in sorted(days):
        yield days[day]


def main() -> None:
    """Print how many changes of which kind, and a digest that is equal wherever the seed is."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--cases", type=int, default=10_000)
    parser.add_argument("--villages", type=int, default=20)
    given = parser.parse_args()
    cases = plan(given.seed, given.cases, given.villages)
    plain = [(c.village, c.item.key, c.intake.applicant, c.intake.form, [s.body for s in c.steps]) for c in cases]
    digest = hashlib.sha256(json.dumps(plain, ensure_ascii=False, sort_keys=True).encode()).hexdigest()
    kinds = Counter((step.office, step.kind.name) for case in cases for step in case.steps)
    print(f"{len(cases)} cases of {len({c.item.key for c in cases})} items, {sum(kinds.values())} changes, {digest}")
    for (office, kind), count in sorted(kinds.items()):
        print(f"{office:9} {kind:15} {count}")


if __name__ == "__main__":
    main()
