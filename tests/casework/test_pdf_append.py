"""Pages added to a PDF: readers that repair nothing find every object where the tables say."""

from __future__ import annotations

import io
import re
from datetime import UTC, datetime
from pathlib import Path

import pypdfium2
import pytest

from casework.paper_formats import A4
from casework.paper_sheet import Sheet
from casework.pdf_append import Picture, append_pictures
from tests.casework.materials.samples import encoded, photo


def base() -> bytes:
    sheet = Sheet(A4, "卷", datetime(2026, 9, 21, tzinfo=UTC))
    sheet.text("封面")
    return sheet.bytes()


def test_every_table_entry_leads_to_its_object(tmp_path: Path) -> None:
    scan = tmp_path / "a.jpg"
    scan.write_bytes(encoded(photo(60, 90), "JPEG"))
    out = io.BytesIO()
    append_pictures(base(), [Picture(scan, 60, 90, grey=False), Picture(scan, 60, 90, grey=False)], out)
    data = out.getvalue()
    assert data.startswith(base())
    start = int(re.findall(rb"startxref\n(\d+)\n%%EOF\n", data)[-1])
    section, trailer = data[start:].split(b"trailer\n")
    lines = section.decode().split("\n")
    assert lines.pop(0) == "xref"
    seen = []
    while lines and lines[0]:
        first, count = map(int, lines.pop(0).split())
        for number in range(first, first + count):
            entry = lines.pop(0)
            assert len(entry) == 19 and entry.endswith(" 00000 n ")
            assert data[int(entry[:10]) :].startswith(f"{number} 0 obj\n".encode())
            seen.append(number)
    size, previous = (int(re.findall(rb"/%b (\d+)" % name, trailer)[0]) for name in (b"Size", b"Prev"))
    assert size == max(seen) + 1 and len(seen) == 7
    assert data[previous:].startswith(b"xref\n")
    for found in re.finditer(rb"/Length (\d+)\n>>\nstream\n", data[len(base()) :]):
        after = len(base()) + found.end() + int(found[1])
        assert data[after:].startswith(b"\nendstream")
    assert len(pypdfium2.PdfDocument(data)) == 3


def test_another_programs_pdf_is_not_touched() -> None:
    with pytest.raises(ValueError, match="fpdf2"):
        append_pictures(b"%PDF-1.7\nnothing", [], io.BytesIO())
