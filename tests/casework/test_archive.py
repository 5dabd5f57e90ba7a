"""A whole case as one PDF: what is in it, in which order, and what it says of what is not."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pypdfium2
import pytest

from casework import archive
from casework.archive import Attachment, build
from casework.paper_pdf import paper_pdf
from casework.web.render import moment
from tests.casework.materials.samples import encoded, jpeg, pdf, photo
from tests.casework.paper_cases import facts, state
from tests.casework.test_papers import AT, CASES


def giving(data: bytes) -> archive.Callable[[], Iterator[bytes]]:
    return lambda: iter([data[:1000], data[1000:]])


def attachments() -> list[Attachment]:
    scans = [encoded(photo(600, 900), "JPEG"), encoded(photo(900, 600), "JPEG")]
    return [
        Attachment("身份证 第 1 页", "image/jpeg", giving(scans[0])),
        Attachment("身份证 第 2 页", "image/jpeg", giving(scans[1])),
        Attachment("户口簿", "image/jpeg", None),
        Attachment("图纸", "image/png", giving(encoded(photo(300, 400), "PNG"))),
        Attachment("坏页", "image/png", giving(b"\x89PNG\r\n\x1a\nnothing")),
        Attachment("结果文书：登记证", "application/pdf", giving(pdf(2))),
    ]


def words(page: pypdfium2.PdfPage) -> str:
    return re.sub(r"\s", "", page.get_textpage().get_text_range())


def test_it_holds_cover_papers_scans_and_results_in_order(tmp_path: Path) -> None:
    path = build(facts(), moment, attachments(), tmp_path, AT)
    document = pypdfium2.PdfDocument(path)
    said = [words(page) for page in document]
    assert "办件全卷" in said[0] and "办件经过" in "".join(said[:2])
    whole = "".join(said)
    for slug, (_, title, _said) in CASES.items():
        if slug != "acceptance":
            assert title in whole
    assert "缺页说明" in said[-6] and "户口簿不在本机" in said[-6] and "坏页打不开" in said[-6]
    assert "有2份扫描件或结果文书没有收入本卷" in said[0]
    scans = list(document)[-5:]
    sizes = [tuple(round(side) for side in page.get_size()) for page in scans]
    assert sizes[:3] == [(595, 842), (842, 595), (595, 842)]
    for page in scans[:3]:  # the sample document's own pages are blank
        image = page.render(scale=0.5).to_pil().convert("L")
        assert image.getextrema()[0] < 200, "a picture, not an empty sheet"
    first = len(said) - 4
    assert f"第{first:04d}页" in whole and f"第{first + 1:04d}页" in whole and f"第{first + 3:04d}页起，共2页" in whole


def test_each_scan_keeps_its_bytes_and_the_same_case_gives_the_same_file(tmp_path: Path) -> None:
    made = []
    for name in "ab":
        folder = tmp_path / name
        folder.mkdir()
        made.append(build(facts(), moment, attachments()[:2], folder, AT, paper_pdf).read_bytes())
    assert made[0] == made[1]
    assert all(encoded(photo(*size), "JPEG") in made[0] for size in ((600, 900), (900, 600)))


def test_a_photo_that_lies_on_its_side_is_turned(tmp_path: Path) -> None:
    turned = Attachment("a", "image/jpeg", giving(jpeg(photo(900, 600), orientation=6)))
    (picture,) = archive._laid(turned, tmp_path, 0).pictures
    assert (picture.width, picture.height) == (600, 900)


def test_a_case_without_scans_and_one_with_nothing_here(tmp_path: Path) -> None:
    for name, given in (("none", []), ("away", [Attachment("户口簿", "image/jpeg", None)])):
        folder = tmp_path / name
        folder.mkdir()
        document = pypdfium2.PdfDocument(build(facts(), moment, given, folder, AT, paper_pdf))
        assert ("缺页说明" in words(document[len(document) - 1])) is bool(given)


def test_it_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "ATTACHMENTS_MAX", 1)
    monkeypatch.setattr(archive, "MAX_UPLOAD_BYTES", 100)
    whole = [Attachment(name, "image/jpeg", giving(jpeg(photo(60, 90)))) for name in "ab"]
    laid = [archive._laid(one, tmp_path, number) for number, one in enumerate(whole)]
    assert [one.why for one in laid] == ["打不开", archive.TOO_MANY]


def test_tentative_state_is_said_on_the_cover(tmp_path: Path) -> None:
    case = state()
    case.base = state()
    document = pypdfium2.PdfDocument(build(facts(case), moment, [], tmp_path, AT, paper_pdf))
    assert "印自待县级确认的内容" in words(document[0])
