"""A sheet that papers are drawn on with fpdf2: text in lines, tables, boxes, pictures, one below the other.

Measures are in mm, sizes of type in points. What the font lacks is set as a picture in its place.
"""

from __future__ import annotations

import hashlib
import io
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import groupby

from fpdf import FPDF

from casework.paper_formats import Format
from casework.paper_glyphs import FONT, is_drawn, picture
from casework.paper_lines import wrap

_MM = 25.4 / 72
_LEADING = 1.5
_BOLD = 0.035
"""Stroke of bold type, as a part of its size: one file of ten megabytes is enough."""


_LONGEST = 5000
_CHANGED_AT = re.compile(rb'(xmp:(?:Modify|Metadata)Date=")[^"]{25}"')
_FILE_ID = re.compile(rb"/ID \[<[0-9A-F]{32}><[0-9A-F]{32}>\]")
_HAND_MM = 9.5
"""A row with an empty cell is written in by hand."""


class Sheet:
    """Draws downwards from the top; begins a new page where something does not fit. Deterministic: same calls, same
    bytes."""

    def __init__(self, form: Format, title: str, made_at: datetime, *, length: float = 0) -> None:
        self.form = form
        self.height = form.height or length or _LONGEST
        self.pdf = FPDF(format=(form.width, self.height), enforce_compliance="PDF/A-2B")
        self._made_at = made_at
        self.pdf.set_creation_date(made_at)
        self.pdf.set_title(title)
        self.pdf.set_lang("zh-CN")
        self.pdf.set_auto_page_break(auto=False)
        self.pdf.add_font("papers", fname=FONT)
        self.pdf.set_line_width(0.2)
        self.footer = ""
        self._widths: dict[str, float] = {}
        self.new_page()

    @property
    def inner(self) -> float:
        """The width that can be written on."""
        return self.form.width - 2 * self.form.margin

    def new_page(self) -> None:
        self.pdf.add_page()
        self.y = self.form.margin
        if self.footer and self.form.height:
            self.put(f"{self.footer} · 第 {self.pdf.page} 页", self.form.margin, self.form.height - 11, 8.5)

    def need(self, height: float) -> None:
        """Begin a new page unless so much fits."""
        if self.y + height > self.height - self.form.margin and self.y > self.form.margin:
            self.new_page()

    def gap(self, height: float) -> None:
        self.y += height

    def measure(self, text: str, size: float) -> float:
        """How wide a text is; what the font lacks is as wide as it is high."""
        self.pdf.set_font("papers", size=size)
        return sum(self._width(char) for char in text) * size

    def _width(self, char: str) -> float:
        """Of one character, in mm at one point."""
        if char not in self._widths:
            wide = self.pdf.get_string_width(char) / self.pdf.font_size_pt if is_drawn(char) else _MM
            self._widths[char] = wide
        return self._widths[char]

    def lines(self, text: str, width: float, size: float) -> list[str]:
        return wrap(text, width, lambda piece: self.measure(piece, size))

    def put(self, line: str, x: float, y: float, size: float, *, bold: bool = False) -> None:
        """One line with its upper edge at y."""
        self.pdf.set_font("papers", size=size)
        for drawn, run in groupby(line, is_drawn):
            text = "".join(run)
            if drawn:
                self._type(text, x, y + size * _MM * 0.95, size, bold=bold)
                x += self.measure(text, size)
                continue
            for char in text:
                self.pdf.image(io.BytesIO(picture(char)), x, y + size * _MM * 0.1, size * _MM, size * _MM)
                x += size * _MM

    def _type(self, text: str, x: float, baseline: float, size: float, *, bold: bool) -> None:
        if not bold:
            self.pdf.text(x, baseline, text)
            return
        with self.pdf.local_context(text_mode="FILL_STROKE", line_width=size * _MM * _BOLD):
            self.pdf.text(x, baseline, text)

    def text(self, text: str, *, size: float = 0, bold: bool = False, middle: bool = False, indent: int = 0) -> None:
        """A paragraph over the whole width. indent: of its first line, in characters."""
        size = size or self.form.size
        step = size * _MM * _LEADING
        shift = indent * size * _MM
        for number, line in enumerate(self.lines("\u3000" * indent + text, self.inner, size)):
            self.need(step)
            x = self.form.margin
            if middle:
                x += (self.inner - self.measure(line, size)) / 2
            elif number == 0:
                x += shift
            self.put(line.lstrip("\u3000"), x, self.y, size, bold=bold)
            self.y += step

    def row(self, cells: Sequence[str], widths: Sequence[float], *, size: float, bold: bool = False) -> None:
        """One row of a table with lines around its cells; a row never breaks over two pages unless it is higher."""
        pad, step = 0.8, size * _MM * 1.3
        broken = [self.lines(cell, width - 2 * pad, size) for cell, width in zip(cells, widths, strict=True)]
        most = max(1, int((self.height - 2 * self.form.margin - 2 * pad) / step))
        while any(broken):
            part, broken = [lines[:most] for lines in broken], [lines[most:] for lines in broken]
            self._part(part, widths, pad=pad, step=step, size=size, bold=bold)

    def _part(
        self, cells: list[list[str]], widths: Sequence[float], *, pad: float, step: float, size: float, bold: bool
    ) -> None:
        height = max(len(lines) for lines in cells) * step + 2 * pad
        if [""] in cells:
            height = max(height, _HAND_MM)
        self.need(height)
        x = self.form.margin
        for lines, width in zip(cells, widths, strict=True):
            self.pdf.rect(x, self.y, width, height)
            for number, line in enumerate(lines):
                self.put(line, x + pad, self.y + pad + number * step, size, bold=bold)
            x += width
        self.y += height

    def rule(self) -> None:
        """A line across."""
        self.pdf.line(self.form.margin, self.y, self.form.width - self.form.margin, self.y)

    def image(self, png: bytes, x: float, width: float) -> None:
        """A square picture at the present height; y stays."""
        self.pdf.image(io.BytesIO(png), x, self.y, width, width)

    def bytes(self) -> bytes:
        return _settled(bytes(self.pdf.output()), self._made_at)


def _settled(data: bytes, made_at: datetime) -> bytes:
    """With the day of making where fpdf2 says the present moment, and an identifier that follows from the content."""
    moment = made_at.astimezone(UTC).isoformat(timespec="seconds").encode()
    data = _CHANGED_AT.sub(lambda found: found[1] + moment + b'"', data)
    mark = hashlib.sha256(_FILE_ID.sub(b"", data)).hexdigest()[:32].upper().encode()
    return _FILE_ID.sub(b"/ID [<%b><%b>]" % (mark, mark), data)
