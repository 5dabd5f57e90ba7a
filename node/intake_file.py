"""`intake`: cases from a file, one a line; a bad line is reported and does not stop the others."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from casework import case_store, reference
from casework.errors import TOO_LARGE, TOO_LARGE_REMEDY, BadInput, CaseworkError, Problem
from casework.intake import HeldMaterial, HeldPage, Intake, checked
from casework.materials.opening import PageFile, open_material
from casework.policy import Person, Role
from casework.service_item import INSTEAD_OF_PAPER, ServiceItem
from casework.workdays import china_day
from node import drafts
from node.drafts import Draft, DraftMaterial
from node.settings import INTAKE_REFUSED, INTAKE_REFUSED_REMEDY, has_room
from node.station import Station
from sync_protocol.errors import TooLarge

LINE_BYTES_MAX = 1024 * 1024
_KEYS = {"ref", "item", "household", "applicant", "form", "materials", "submit"}
_KEYS |= {"answers", "commitment", "green", "first_asked", "proxy"}
_SHAPES: dict[str, tuple[type, str]] = dict.fromkeys(("applicant", "form", "answers", "proxy"), (dict, "对象"))
_SHAPES |= {"materials": (list, "列表")}


@dataclass(slots=True)
class Outcome:
    """What became of a file's lines. `problems` rows are {line, ref, field, message, remedy}."""

    taken: int = 0
    drafts: int = 0
    known: int = 0
    bad: int = 0
    problems: list[dict[str, Any]] = field(default_factory=list)
    cases: list[dict[str, str]] = field(default_factory=list)


def lines_of(path: Path) -> Iterator[tuple[int, bytes]]:
    """Numbered lines from 1, each at most LINE_BYTES_MAX + 1 bytes; the rest of a longer one is skipped."""
    with path.open("rb") as file:
        number = 0
        while line := file.readline(LINE_BYTES_MAX + 1):
            number += 1
            while len(line) > LINE_BYTES_MAX and not line.endswith(b"\n") and (more := file.readline(LINE_BYTES_MAX)):
                if more.endswith(b"\n"):
                    break
            if line.strip():
                yield number, line


def take_file(station: Station, path: Path, materials: Path, disk_reserve_mib: int) -> Outcome:
    """Take in every line that is good and not known by its ref. Runs beside a server of the same folder."""
    outcome = Outcome()
    author = station.me.author
    tier, region = station.store.read(
        lambda conn: (station.topics.tier_of(conn, author), station.topics.region_of(conn, author))
    )
    role = Role.TOWNSHIP_CLERK if tier == "township" else Role.VILLAGE_AGENT
    person = Person(0, "intake", role, author, region)
    for number, line in lines_of(path):
        ref = ""
        try:
            if not has_room(station.folder.path, disk_reserve_mib):
                raise _bad("line", INTAKE_REFUSED, INTAKE_REFUSED_REMEDY)
            case = _parse(line)
            ref = str(case.get("ref") or "")
            _take(station, person, case, materials, outcome)
        except BadInput as error:
            outcome.bad += 1
            for problem in error.problems:
                outcome.problems.append(_row(number, ref, problem))
        except CaseworkError as error:
            outcome.bad += 1
            problem = Problem("item", str(error), "请先同步，再用 catalogue show 核对事项编号")
            outcome.problems.append(_row(number, ref, problem))
        except TooLarge:
            outcome.bad += 1
            outcome.problems.append(_row(number, ref, Problem("line", TOO_LARGE, TOO_LARGE_REMEDY)))
    return outcome


def _row(number: int, ref: str, problem: Problem) -> dict[str, Any]:
    return {
        "line": number,
        "ref": ref,
        "field": problem.field,
        "message": problem.message,
        "remedy": problem.remedy,
    }


def _parse(line: bytes) -> dict[str, Any]:
    if len(line) > LINE_BYTES_MAX:
        raise _bad("line", f"这一行超过 {LINE_BYTES_MAX} 字节", "请拆分或检查文件是否缺少换行")
    try:
        case = json.loads(line.decode("utf-8"))
        json.dumps(case, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise _bad("line", "这一行含有不成对的代理字符，无法编码", "请用 UTF-8 重新导出这一行") from None
    except (ValueError, RecursionError):
        raise _bad("line", "这一行不是 UTF-8 编码的 JSON", "请每行写一个完整的 JSON 对象") from None
    if not isinstance(case, dict):
        raise _bad("line", "这一行不是 JSON 对象", "请每行写一个 {…} 对象")
    unknown = sorted(set(case) - _KEYS)
    if unknown:
        raise _bad(unknown[0][:60], "不认识的字段", f"可用的字段：{'、'.join(sorted(_KEYS))}")
    _check_types(case)
    if not case.get("ref") or len(case["ref"]) > 200:
        raise _bad("ref", "缺少 ref，或超过 200 字", "请给每一件写一个不重复的 ref，重复运行时据此不会重复收件")
    return case


def _check_types(case: dict[str, Any]) -> None:
    for name, (kind, word) in _SHAPES.items():
        if not isinstance(case.get(name, kind()), kind):
            raise _bad(name, f"「{name}」应为{word}", "请参照 catalogue show 给出的示例")
    for name in ("ref", "item", "household", "green", "first_asked"):
        if not isinstance(case.get(name), str | None):
            raise _bad(name, f"「{name}」应为文字", "请参照 catalogue show 给出的示例")
    for name, usual in (("submit", "true"), ("commitment", "false")):
        if not isinstance(case.get(name, True), bool):
            raise _bad(name, f"「{name}」应为 true 或 false", f"省略即为 {usual}")


def _bad(name: str, message: str, remedy: str) -> BadInput:
    return BadInput([Problem(name, message, remedy)])


def _take(station: Station, person: Person, case: dict[str, Any], folder: Path, outcome: Outcome) -> None:
    author = station.me.author
    if _known(station, author, case["ref"]):
        outcome.known += 1
        return
    item = station.store.read(lambda conn: reference.newest_item(conn, str(case.get("item") or "")))
    intake = _intake(case)
    claimed = _with_materials(intake, _claims(case.get("materials", [])))
    submit = case.get("submit", True)
    checked(item, claimed, day=china_day(station.desk.now()), complete=submit)
    topic, key = station.topics.new()
    whole = _with_materials(intake, _open(station, key, case.get("materials", []), folder))

    def write(conn: Connection) -> bool:
        if _known_in(conn, author, case["ref"]):  # another run of this command was faster
            return False
        if submit:
            station.desk.collect(conn, person, topic, key, whole, item.key)
        else:
            drafts.create(conn, _draft(topic, key, item, whole, station.desk.now()))
        return True

    written = station.store.write(write)
    if submit or not written:
        _discard(station, whole)  # handed in before and named under their first name, or by another run
    if not written:
        outcome.known += 1
    elif submit:
        outcome.taken += 1
        outcome.cases.append({"ref": case["ref"], "case": topic.hex()})
    else:
        outcome.drafts += 1


def _intake(case: dict[str, Any]) -> Intake:
    """What a line says, without its materials."""
    return Intake(
        dict(case.get("applicant", {})),
        dict(case.get("form", {})),
        case.get("household"),
        case["ref"],
        answers=dict(case.get("answers", {})),
        commitment=case.get("commitment", False),
        green=case.get("green") or "",
        first_asked=case.get("first_asked") or "",
        proxy=dict(case.get("proxy", {})),
    )


def _discard(station: Station, intake: Intake) -> None:
    """Remove the files that no entry names."""
    hashes = [hash_ for material in intake.materials for page in material.pages for hash_ in page.hashes]

    def run(conn: Connection) -> None:
        for hash_ in hashes:
            station.topics.discard(conn, hash_)

    if hashes:
        station.store.write(run)


def _draft(topic: bytes, key: bytes, item: ServiceItem, intake: Intake, now: int) -> Draft:
    """A line that is not to be submitted yet waits among the station's drafts, as typed."""
    materials = {m.name: DraftMaterial(m.seen, m.pages) for m in intake.materials}
    applicant = {name: str(value) for name, value in intake.applicant.items()}
    form = {name: str(value) for name, value in intake.form.items()}
    household, ref = intake.household or "", intake.ref or ""
    answers = {name: str(value) for name, value in intake.answers.items()}
    proxy = {name: str(value) for name, value in intake.proxy.items()}
    return Draft(
        topic.hex(),
        key,
        item.key,
        item.version,
        0,
        now,
        now,
        applicant,
        form,
        household,
        ref,
        materials,
        answers,
        intake.commitment,
        intake.green,
        intake.first_asked,
        proxy,
    )


def _known(station: Station, author: int, ref: str) -> bool:
    return station.store.read(lambda conn: _known_in(conn, author, ref))


def _known_in(conn: Connection, author: int, ref: str) -> bool:
    return case_store.by_ref(conn, author, ref) is not None or drafts.by_ref(conn, ref) is not None


def _with_materials(intake: Intake, materials: Sequence[HeldMaterial]) -> Intake:
    return replace(intake, materials=tuple(materials))


def _claims(entries: Sequence[Any]) -> list[HeldMaterial]:
    """What the line claims to bring, before any file is opened."""
    return [HeldMaterial(name, _vouched(group)) for name, group in _grouped(entries).items()]


def _vouched(group: Sequence[dict[str, Any]]) -> str:
    """As in `HeldMaterial`."""
    if any(entry.get("seen") is True for entry in group):
        return "seen"
    return next((str(entry["exempt"]) for entry in group if "exempt" in entry), "")


def _grouped(entries: Sequence[Any]) -> dict[str, list[dict[str, Any]]]:
    groups: dict[str, list[dict[str, Any]]] = {}
    for number, entry in enumerate(entries, start=1):
        if not isinstance(entry, dict) or not isinstance(entry.get("name"), str):
            raise _bad(f"materials.{number}", f"第 {number} 份材料缺少名称", "请写 name，与事项的材料名称一致")
        exempt = entry.get("exempt")
        ways = (entry.get("seen") is True) + isinstance(entry.get("file"), str) + (exempt in INSTEAD_OF_PAPER)
        if ways != 1:
            remedy = '写 "file": 文件名，或已核对原件时写 "seen": true，或免提交时写 "exempt": "shared"（"verified"）'
            raise _bad(f"materials.{entry['name'][:60]}", f"材料「{entry['name'][:60]}」没有文件也没有核对", remedy)
        groups.setdefault(entry["name"], []).append(entry)
    return groups


def _open(station: Station, key: bytes, entries: Sequence[Any], folder: Path) -> list[HeldMaterial]:
    found: list[HeldMaterial] = []
    for name, group in _grouped(entries).items():
        if vouched := _vouched(group):
            found.append(HeldMaterial(name, vouched))
            continue
        pages = [page for entry in group for page in _pages(station, key, name, folder, entry["file"])]
        found.append(HeldMaterial(name, "", tuple(pages)))
    return found


def _pages(station: Station, key: bytes, material: str, folder: Path, name: str) -> list[HeldPage]:
    """The pages of one file; a name may not lead out of the folder."""
    where = f"materials.{material[:60]}"
    source = folder / name
    try:
        source = source.resolve()
        inside, found = source.is_relative_to(folder.resolve()), source.is_file()
    except (OSError, ValueError):  # a name that no file can have
        inside, found = True, False
    if not inside:
        raise _bad(where, f"文件「{name[:80]}」不在材料文件夹内", "请把文件放进 --materials 指定的文件夹")
    if not found:
        raise _bad(where, f"找不到文件「{name[:80]}」", "请核对文件名，或把文件放进 --materials 指定的文件夹")
    with station.folder.room() as room:
        opened = open_material(source, room, name=name, field=where)
        return [_sealed(station, key, page) for page in opened]


def _sealed(station: Station, key: bytes, page: PageFile) -> HeldPage:
    preview = page.preview.read_bytes() if page.preview else b""
    return station.desk.seal(key, page.path.read_bytes(), page.media_type, preview=preview)
