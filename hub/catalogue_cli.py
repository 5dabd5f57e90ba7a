"""`lianban-hub catalogue …`: look at items, check a file, compare it with what is out, ask it, publish it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from casework import reference
from casework.catalogue import Catalogue, load_catalogue
from casework.catalogue_format import CatalogueError
from casework.errors import Problem
from casework.example_intake import example_intake_line
from casework.service_item import ServiceItem
from hub import app as program
from hub.catalogue_asking import Applicant, asked_report, asked_text
from hub.catalogue_publishing import CHANGED, DROPPED, NEW, SAME, Look, look, publish_catalogue
from hub.cli_options import AsJson, Db, Dir, KeyFile, show
from sync_protocol.journal import Writing
from sync_protocol.store.data_folder import DataFolder

catalogue = typer.Typer(help="Service items.", no_args_is_help=True)

CatalogueFile = Annotated[Path, typer.Argument(help="The catalogue file (YAML).")]
_WORDS = {NEW: "新增", CHANGED: "更新", DROPPED: "文件里没有", SAME: "不变"}


@catalogue.command("show")
def catalogue_show(
    item: Annotated[str, typer.Argument(help="Item key; without it all items are listed.")] = "",
    folder: Annotated[
        Path | None, typer.Option("--dir", help="Folder of the county's data; default: as shipped.")
    ] = None,
    key_file: KeyFile = None,
    db: Db = None,
    as_json: AsJson = False,
) -> None:
    """Item keys; for one item its form keys and types, material names and an intake line that is accepted."""
    items = _items(folder, key_file, db)
    if not item:
        report: dict[str, Any] = {"items": [{"key": i.key, "name": i.name, "version": i.version} for i in items]}
        show(report, as_json, "\n".join(f"{i.key}\t{i.name}" for i in items))
        return
    found = next((candidate for candidate in items if candidate.key == item), None)
    if found is None:
        raise ValueError(f"no item {item}; `lianban-hub catalogue show` lists them")
    report = _describe(found)
    show(report, as_json, json.dumps(report, ensure_ascii=False, indent=2))


def _items(folder: Path | None, key_file: Path | None, db: str | None) -> list[ServiceItem]:
    if folder is None:
        return list(load_catalogue())
    county = program.opened(DataFolder(folder, key_file, db))
    try:
        return county.store.read(reference.items)
    finally:
        county.close()


def _describe(item: ServiceItem) -> dict[str, Any]:
    return {
        "key": item.key,
        "name": item.name,
        "version": item.version,
        "decision_tier": item.decision_tier,
        "office": item.office,
        "questions": [{"key": q.key, "text": q.text, "choices": list(q.choices)} for q in item.questions],
        "form": [
            {"key": f.key, "label": f.label, "type": f.type, "required": f.required, "choices": list(f.choices)}
            for f in item.form
        ],
        "materials": [{"name": m.name, "required": m.required} for m in item.materials],
        "example": example_intake_line(item),
    }


@catalogue.command("check")
def catalogue_check(file: CatalogueFile, as_json: AsJson = False) -> None:
    """Every problem of a catalogue file, with the remedy. Writes nothing, needs no county. Exit 1: it has problems."""
    try:
        items, problems = len(load_catalogue(file)), []
    except CatalogueError as error:
        items, problems = 0, list(error.problems)
    show({"items": items, "problems": _rows(problems)}, as_json, _checked_text(items, problems))
    raise typer.Exit(1 if problems else 0)


def _rows(problems: list[Problem]) -> list[dict[str, str]]:
    return [{"field": p.field, "message": p.message, "remedy": p.remedy} for p in problems]


def _checked_text(items: int, problems: list[Problem]) -> str:
    if not problems:
        return f"{items} 个事项，没有问题"
    return "\n".join([f"{len(problems)} 个问题：", *(f"- {problem.text()}" for problem in problems)])


@catalogue.command("diff")
def catalogue_diff(
    file: CatalogueFile, folder: Dir, key_file: KeyFile = None, db: Db = None, as_json: AsJson = False
) -> None:
    """What publishing a file would change, in words, and the cases that go on under older versions. Writes nothing.
    Exit 1: it contradicts what is out."""
    items = load_catalogue(file)
    county = program.opened(DataFolder(folder, key_file, db))
    try:
        found = county.store.read(lambda conn: look(conn, items))
    finally:
        county.close()
    show(_report(found), as_json, _text(found))
    raise typer.Exit(1 if found.problems else 0)


@catalogue.command("publish")
def catalogue_publish(
    file: CatalogueFile,
    folder: Dir,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be done, and do nothing.")] = False,
    key_file: KeyFile = None,
    db: Db = None,
    as_json: AsJson = False,
) -> None:
    """Sign the item versions that are new and send them to all stations; again does nothing. Works beside a server.
    Exit 1, with nothing written: the file has problems or contradicts what is out."""
    items = load_catalogue(file)
    county = program.opened(DataFolder(folder, key_file, db))
    try:
        found = county.store.read(lambda conn: look(conn, items))
        if not dry_run and not found.problems:
            writing = Writing(0, program.now(), 1)
            journal = county.replica.journal
            found = county.store.write(lambda conn: publish_catalogue(conn, journal, items, writing))
    finally:
        county.close()
    written = 0 if dry_run or found.problems else sum(one.what in (NEW, CHANGED) for one in found.changes)
    text = _text(found) + ("\n（试运行，没有下发）" if dry_run else f"\n已下发 {written} 个事项版本")
    show(_report(found) | {"published": written}, as_json, text)
    raise typer.Exit(1 if found.problems else 0)


def _report(found: Look) -> dict[str, Any]:
    changes = [
        {
            "key": one.key,
            "name": one.name,
            "what": one.what,
            "before": one.before,
            "after": one.after,
            "lines": one.lines,
            "open_cases": [{"version": version, "cases": count} for version, count in one.open_cases.items()],
        }
        for one in found.changes
        if one.what != SAME
    ]
    return {"changes": changes, "problems": _rows(found.problems), "warnings": found.warnings}


def _text(found: Look) -> str:
    lines = []
    for one in found.changes:
        if one.what == SAME:
            continue
        versions = " → ".join(f"第 {version} 版" for version in (one.before, one.after) if version is not None)
        lines.append(f"{_WORDS[one.what]} {one.key} {one.name}（{versions}）")
        lines += [f"  {line}" for line in one.lines]
        for version, count in one.open_cases.items():
            lines.append(f"  第 {version} 版有 {count} 件在办，仍按第 {version} 版办完")
    same = sum(one.what == SAME for one in found.changes)
    lines.append(f"不变 {same} 个事项")
    lines += [f"注意：{said}" for said in found.warnings]
    return "\n".join([*lines, *(f"不能下发：{problem.text()}" for problem in found.problems)])


@catalogue.command("ask")
def catalogue_ask(
    file: CatalogueFile,
    item: Annotated[str, typer.Argument(help="Item key.")],
    age: Annotated[int | None, typer.Option("--age", help="The applicant's age in full years.")] = None,
    kind: Annotated[str, typer.Option("--kind", help="person or org.")] = "person",
    answer: Annotated[list[str] | None, typer.Option("--answer", help="KEY=VALUE, once for each question.")] = None,
    commitment: Annotated[bool, typer.Option("--commitment", help="The applicant signs 告知承诺.")] = False,
    as_json: AsJson = False,
) -> None:
    """What an applicant would need: the materials and the way that follow from age and answers."""
    found = _one(load_catalogue(file), item)
    report = asked_report(found, Applicant(age, kind, tuple(answer or ()), commitment))
    show(report, as_json, asked_text(found, report))


def _one(items: Catalogue, key: str) -> ServiceItem:
    if key not in items:
        raise ValueError(f"no item {key}; `lianban-hub catalogue show` lists them")
    return items.get(key)
