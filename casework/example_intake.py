"""An intake line that is accepted, for any item: what `catalogue show` prints and tests and demos start from.

People in it were born between 1880 and 1899, so that no living person holds the number.
"""

from __future__ import annotations

from datetime import date
from typing import Any

from stdnum.cn.ric import calc_check_digit as citizen_check_digit
from stdnum.cn.uscc import calc_check_digit as uscc_check_digit

from casework.identity import birth_date
from casework.scenario import all_answers, asked, requirements
from casework.service_item import FormField, ServiceItem

SERIALS = 1000 * 20 * 12 * 28
_DAY = date(2026, 1, 5)


def example_citizen_id(serial: int, *, area: str = "341822") -> str:
    """A well-formed citizen number of nobody alive, born 1880 to 1899; serial < SERIALS tells them apart."""
    assert 0 <= serial < SERIALS
    order, turn = serial % 1000, serial // 1000
    year, month, day = (order + turn) % 20, (order + turn // 20) % 12, (order + turn // 240) % 28
    body = f"{area}{1880 + year}{month + 1:02d}{day + 1:02d}{order:03d}"
    return body + citizen_check_digit(body + "0")


def example_uscc(serial: int, *, area: str = "341882") -> str:
    """A well-formed 统一社会信用代码 of no enterprise; another one for each serial < SERIALS."""
    assert 0 <= serial < SERIALS
    body = f"91{area}MA{serial:07d}"
    return body + uscc_check_digit(body)


def example_intake_line(item: ServiceItem, *, serial: int = 7) -> dict[str, Any]:
    """One line for `lianban-node intake`, as a plain object; the first choice answers each scenario question, and every
    material that is then required is «seen»."""
    applicant = _applicant(item, serial)
    answers = {question.key: question.choices[0] for question in asked(item, applicant, _DAY)}
    needs = requirements(item, all_answers(item, answers, applicant, _DAY))
    line = {
        "ref": f"example-{item.key}-{serial}",
        "item": item.key,
        "household": f"示例户-{serial}",
        "applicant": applicant,
        "form": {field.key: _value(field, serial) for field in item.form if field.required},
        "materials": [{"name": name, "seen": True} for name in needs.required],
        "submit": True,
    }
    return line | ({"answers": answers} if answers else {})


def _applicant(item: ServiceItem, serial: int) -> dict[str, Any]:
    shared = {"phone": "13900000000", "address": "示例村一组 1 号"}
    if 1 in item.service_object:
        number = example_citizen_id(serial)
        return {"kind": "person", "id_type": "111", "id": number, "name": "示例·申请人", **shared}
    return {
        "kind": "org",
        "id_type": "001",
        "id": example_uscc(serial),
        "name": "示例农民专业合作社",
        **shared,
    }


def _value(field: FormField, serial: int) -> str | int:
    if field.type == "choice":
        return field.choices[0]
    if field.type == "integer":
        return _integer(field)
    if field.type in ("text", "multiline"):
        return ("示例内容" * 250)[: max(field.least or 0, min(field.most or 4, 4))]
    born = birth_date(example_citizen_id(serial)) if field.key == "birth_date" else None
    fixed = {
        "date": born.isoformat() if born else "2026-01-05",
        "phone": "13900000001",
        "citizen_id": example_citizen_id((serial + 1) % SERIALS),
        "uscc": example_uscc(serial),
        "bank_card": "6200000000000000000",
    }
    return fixed[field.type]


def _integer(field: FormField) -> int:
    """A year in the middle of the range looks odd; the low end, lifted to 2026 where that fits, does not."""
    least, most = field.least or 0, field.most
    return 2026 if field.unit == "年" and least <= 2026 and (most is None or most >= 2026) else least
