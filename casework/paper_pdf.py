"""Papers as PDF/A-2b with the font embedded: A4 sheets, or one strip for an 80 mm roll."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from casework.paper_form import SEAL_PLACE, Paper, Table, day_words
from casework.paper_formats import A4, ROLL, Format
from casework.paper_sheet import Sheet
from casework.qr import qr_png

_QR_MM = {A4.name: 46.0, ROLL.name: 72.0}
"""On A4 a module of the largest code is then as wide as five dots of a 300 dpi printer."""
_QR_DOTS = 8
_SEAL_MM = 38.0
_SIGNING_MM = 25.0
"""The least that a name is written on."""


def paper_pdf(papers: Sequence[Paper], title: str, form: Format, made_at: datetime) -> bytes:
    """The papers one after another, each on a page of its own. Takes a hundred megabytes for a while, which is why
    servers let a child do it (casework.paper_drawing)."""
    length = 0.0
    if not form.height:
        trial = Sheet(form, title, made_at)
        _draw_all(trial, papers)
        length = trial.y + form.margin
    sheet = Sheet(form, title, made_at, length=length)
    _draw_all(sheet, papers)
    return sheet.bytes()


def _draw_all(sheet: Sheet, papers: Sequence[Paper]) -> None:
    for number, paper in enumerate(papers):
        draw(sheet, paper, first=number == 0)


def draw(sheet: Sheet, paper: Paper, *, first: bool = False) -> None:
    """Draw one paper, from a new page on unless it is the first of a fresh sheet."""
    sheet.footer = f"{paper.title} {paper.number}".strip() + (f" · {paper.printed}" if paper.printed else "")
    if not first:
        sheet.new_page()
    elif sheet.form.height:
        sheet.put(f"{sheet.footer} · 第 1 页", sheet.form.margin, sheet.form.height - 11, 8.5)
    size = sheet.form.size
    if paper.tentative:
        sheet.row([paper.tentative], [sheet.inner], size=size * 0.9, bold=True)
        sheet.gap(3)
    sheet.text(paper.title, size=size * (1.35 if sheet.form.stacked else 1.6), bold=True, middle=True)
    if paper.number:
        sheet.text(f"编号：{paper.number}", size=size * 0.85, middle=True)
    sheet.gap(2)
    sheet.text(paper.lead, indent=2)
    sheet.gap(2)
    _facts(sheet, paper)
    for line in paper.paragraphs:
        sheet.text(line, indent=2)
    for table in paper.tables:
        _table(sheet, table)
    for line in paper.closing:
        sheet.text(line, indent=2)
    _end(sheet, paper)
    for line in paper.notices:
        sheet.gap(1.5)
        sheet.text(line, size=size * 0.8)
    if paper.printed and not sheet.form.height:
        sheet.gap(1.5)
        sheet.text(paper.printed, size=size * 0.8)


def _facts(sheet: Sheet, paper: Paper) -> None:
    if sheet.form.stacked:
        for label, value in paper.facts:
            sheet.text(f"{label}：{value or '—'}")
    else:
        label_width = 34.0
        for label, value in paper.facts:
            sheet.row([label, value], [label_width, sheet.inner - label_width], size=sheet.form.size * 0.95)
    sheet.gap(3)


def _table(sheet: Sheet, table: Table) -> None:
    size = sheet.form.size
    sheet.need(size * 1.6)
    sheet.text(table.caption, bold=True)
    if sheet.form.stacked:
        _stacked(sheet, table)
    else:
        widths = _widths(sheet, table, size * 0.9)
        sheet.row(table.heads, widths, size=size * 0.9, bold=True)
        for row in table.rows:
            sheet.row(row, widths, size=size * 0.9)
    sheet.gap(3)


def _stacked(sheet: Sheet, table: Table) -> None:
    for heading, lines in table.stacked():
        sheet.rule()
        sheet.gap(0.6)
        sheet.text(heading, bold=not table.numbered)
        for line in lines:
            sheet.text(line, size=sheet.form.size * 0.9)


def _widths(sheet: Sheet, table: Table, size: float) -> list[float]:
    """Of the columns: what each wants, at least its head; the widest gives way."""
    columns = list(zip(table.heads, *table.rows, strict=True))
    wanted = [max(sheet.measure(cell, size) for cell in column) + 4 for column in columns]
    heads = [sheet.measure(column[0], size) * 1.1 + 4 for column in columns]
    over = sum(wanted) - sheet.inner
    while over > 0.01:
        widest = wanted.index(max(wanted))
        second = sorted(wanted)[-2] if len(wanted) > 1 else 0
        floor = max(heads[widest], second, 20.0)
        cut = min(over, wanted[widest] - floor)
        if cut <= 0.01:
            share = sheet.inner / sum(wanted)
            return [width * share for width in wanted]
        wanted[widest] -= cut
        over -= cut
    spare = sheet.inner - sum(wanted)
    blank = [n for n, column in enumerate(columns) if not any(column[1:])] or [wanted.index(max(wanted))]
    return [width + (spare / len(blank) if n in blank else 0) for n, width in enumerate(wanted)]


def _end(sheet: Sheet, paper: Paper) -> None:
    """Signatures, place for the seal, QR: kept together."""
    size = sheet.form.size
    qr_wide = _QR_MM[sheet.form.name] if paper.qr else 0.0
    if sheet.form.stacked:
        sheet.gap(3)
        _signatures(sheet, paper, sheet.form.margin)
        _seal(sheet, paper, sheet.form.margin)
        if paper.qr:
            sheet.gap(2)
            sheet.image(qr_png(paper.qr, _QR_DOTS), sheet.form.margin, qr_wide)
            sheet.gap(qr_wide)
            sheet.text(paper.qr_words, middle=True)
        return
    right = sheet.form.margin + qr_wide + 8 if paper.qr else sheet.form.margin
    signing = len(paper.signatures) * size * 0.9
    sheet.need(max(qr_wide + 8, signing + (_SEAL_MM if paper.seal else 0)) + 3)
    sheet.gap(3)
    top = sheet.y
    if paper.qr:
        sheet.image(qr_png(paper.qr, _QR_DOTS), sheet.form.margin - 2, qr_wide)
        sheet.put(paper.qr_words, sheet.form.margin, top + qr_wide, size * 0.85)
    _signatures(sheet, paper, right)
    _seal(sheet, paper, right)
    sheet.y = max(sheet.y, top + (qr_wide + 7 if paper.qr else 0))


def _signatures(sheet: Sheet, paper: Paper, x: float) -> None:
    step, far = sheet.form.size * 0.9, sheet.form.width - sheet.form.margin
    for who in paper.signatures:
        sheet.need(step)
        sheet.put(f"{who}：", x, sheet.y + 2, sheet.form.size)
        begins = x + sheet.measure(f"{who}：", sheet.form.size) + 1
        if far - begins < _SIGNING_MM:
            sheet.gap(step)
            begins = x
        sheet.pdf.line(begins, sheet.y + step * 0.75, min(begins + 60, far), sheet.y + step * 0.75)
        sheet.gap(step)


def _seal(sheet: Sheet, paper: Paper, x: float) -> None:
    """The organ and the day, with room for a round seal of 42 mm over them."""
    if not paper.seal:
        return
    size = sheet.form.size
    lines = sheet.lines(paper.seal, sheet.form.width - sheet.form.margin - x, size)
    sheet.need(_SEAL_MM)
    sheet.gap(12)
    for line in [*lines, day_words(paper.day)]:
        wide = sheet.measure(line, size)
        sheet.put(line, sheet.form.width - sheet.form.margin - wide, sheet.y, size)
        sheet.gap(size * 0.55)
    sheet.put(
        SEAL_PLACE,
        sheet.form.width - sheet.form.margin - sheet.measure(SEAL_PLACE, size * 0.8),
        sheet.y,
        size * 0.8,
    )
    sheet.gap(14)
