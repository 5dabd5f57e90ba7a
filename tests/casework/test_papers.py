"""The papers of a case: which it offers, what each says, and how they come out on A4 and on an 80 mm roll."""

from __future__ import annotations

import io
import re
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pypdfium2
import pytest
import zxingcpp
from PIL import Image

from casework import paper_drawing, paper_glyphs
from casework.errors import NotFound
from casework.fold import CaseState
from casework.paper_drawing import DrawingFailed, draw_papers
from casework.paper_form import Kind
from casework.paper_formats import FORMATS
from casework.paper_glyphs import FONT, is_drawn, picture
from casework.paper_lines import wrap
from casework.paper_pdf import paper_pdf
from casework.papers import offers, paper
from casework.states import State
from tests.casework.paper_cases import LONG_NAME, LONG_VILLAGE, QR, RESULT_QR, facts, state

AT = datetime(2026, 9, 21, 4, tzinfo=UTC)
DEEMED = {"lacking": [], "deemed": "2026-09-28"}
DENIED = {"decision": "denied", "licences": [], "results": []}
CASES: dict[str, tuple[dict[str, Any], str, str]] = {
    "receipt": ({}, "收件回执", "已核对原件"),
    "transfer": ({}, "材料流转单", "东亭乡便民服务中心"),
    "supplement": ({}, "补正告知书", "第2页不清楚，请重新扫描"),
    "acceptance": ({"lacking": []}, "受理通知书", "承诺的最后办结日是"),
    "refusal": ({}, "不予受理通知书", "六十日内"),
    "tolerance": ({}, "容缺受理通知书", "2026-10-10"),
    "commitment": ({}, "容缺受理承诺书", "如有虚假承诺"),
    "special-1": ({}, "特别程序告知书", "专家评审"),
    "special-2": ({}, "特别程序告知书", "检测"),
    "extension": ({}, "延长审批告知书", "案情复杂"),
    "decision": ({}, "准予行政许可决定书", "皖食坊"),
    "delivery": ({}, "送达回证", "窗口领取"),
}


def drawn(pdf: bytes, dots: float = 203) -> list[Image.Image]:
    document = pypdfium2.PdfDocument(pdf)
    return [page.render(scale=dots / 72).to_pil().convert("L") for page in document]


def text_of(pdf: bytes) -> str:
    document = pypdfium2.PdfDocument(pdf)
    return re.sub(r"\s", "", "".join(page.get_textpage().get_text_range() for page in document))


def codes(images: list[Image.Image]) -> set[str]:
    return {one.text for image in images for one in zxingcpp.read_barcodes(image)} & {QR, RESULT_QR}


@pytest.mark.parametrize("size", ["a4", "80"])
@pytest.mark.parametrize("slug", CASES)
def test_each_paper_is_drawn_with_its_words_and_a_code_that_scanners_read(slug: str, size: str) -> None:
    changed, title, said = CASES[slug]
    pdf = paper_pdf([paper(facts(state(**changed)), slug)], "文书", FORMATS[size], AT)
    text, images = text_of(pdf), drawn(pdf)
    for words in (title, said, "买买提·吐尔逊買買提", "食品小作坊登记证核发", "342***********0011", "东亭村便民服务站"):
        assert words in text, words
    assert "342524188001010011" not in text
    assert codes(images) == {RESULT_QR if slug == "decision" else QR}
    if size == "80":
        (image,) = images
        assert abs(image.width - 80 / 25.4 * 203) < 2
    else:
        assert all(abs(image.width / image.height - 210 / 297) < 0.002 for image in images)


@pytest.mark.parametrize("size", ["a4", "80"])
def test_nothing_sticks_out_of_the_sheet_or_lies_over_something(size: str) -> None:
    """With the longest names, everything has its place inside the margins; ink at the edge would be cut off."""
    case = state(applicant={"id": "342524188001010011", "name": LONG_NAME}, **DENIED)
    for slug in ("receipt", "transfer"):
        pdf = paper_pdf([paper(facts(case, home_name=LONG_VILLAGE, confirmed=False), slug)], "文书", FORMATS[size], AT)
        assert LONG_NAME in text_of(pdf) and LONG_VILLAGE in text_of(pdf)
        for image in drawn(pdf, 100):
            edge = round(3 / 25.4 * 100)
            inside = Image.new("L", image.size, 255)
            inside.paste(image.crop((edge, 0, image.width - edge, image.height)), (edge, 0))
            assert inside.tobytes() == image.tobytes()


def test_the_same_paper_is_the_same_bytes_with_title_language_and_embedded_font() -> None:
    made = [paper_pdf([paper(facts(), "receipt")], "收件回执", FORMATS["a4"], AT) for _ in range(2)]
    assert made[0] == made[1]
    assert b"/FontFile2" in made[0] and b"zh-CN" in made[0] and b"<pdfaid:part>2</pdfaid:part>" in made[0]
    assert '<rdf:li xml:lang="x-default">收件回执' in made[0].decode("utf-8", "replace")


def test_a_local_receipt_says_so_until_the_county_has_recorded_it() -> None:
    local = paper(facts(confirmed=False), "receipt")
    assert local.title == "本地收件回执（待县级确认）" and "以县级登记为准" in "".join(local.closing)
    assert paper(facts(), "receipt").title == "收件回执"


@pytest.mark.parametrize("slug", CASES)
def test_what_is_printed_from_tentative_state_says_so(slug: str) -> None:
    changed = CASES[slug][0]
    case = state(**changed)
    assert paper(facts(case), slug).tentative == ""
    case.base = state(**changed)
    made = paper(facts(case), slug)
    assert made.tentative.startswith("印自待县级确认的内容")
    if slug == "extension":
        assert "印自待县级确认的内容" in text_of(paper_pdf([made], "文书", FORMATS["80"], AT))


def test_numbers_are_stable_and_tell_the_papers_apart() -> None:
    first = [paper(facts(), one.slug).number for one in offers(state()) if not one.why]
    again = [paper(facts(state(case_no="")), one.slug).number for one in offers(state()) if not one.why]
    assert first == again and len(set(first)) == len(first)
    assert paper(facts(), "supplement").number.endswith("-BZ2"), "the second notice of the case"
    assert paper(facts(), "special-2").number.endswith("-TC2")


def test_a_fresh_case_offers_receipt_and_transfer_note_and_tells_why_not_the_rest() -> None:
    fresh = CaseState(state=State.COLLECTED, code="X", holder="township", received="2026-09-21")
    assert [one.slug for one in offers(fresh) if not one.why] == ["receipt", "transfer"]
    assert {one.kind for one in offers(fresh)} == set(Kind) - {Kind.ARCHIVE}
    assert [one.slug for one in offers(fresh, ["营业执照"]) if not one.why] == ["receipt", "transfer", "commitment"]
    letter = paper(facts(fresh, to_come=("营业执照",)), "commitment")
    assert letter.tables[0].rows[0][1] == "营业执照"
    for one in offers(CaseState()):
        assert one.why
    for slug in ("decision", "special", "special-1", "x", ""):
        with pytest.raises(NotFound):
            paper(facts(fresh), slug)


def test_silence_that_accepted_is_told_with_its_day() -> None:
    made = paper(facts(state(**DEEMED)), "acceptance")
    assert made.title == "受理通知书（视为受理）" and "2026年9月28日" in made.lead and "视为受理" in made.lead


def test_a_denial_gives_reasons_and_says_where_to_turn() -> None:
    made = paper(facts(state(**DENIED)), "decision")
    assert made.title == "不予行政许可决定书" and "第三十八条第二款" in made.lead
    assert "场所面积不足" in made.paragraphs[0] and "行政复议" in made.closing[0] and "行政诉讼" in made.closing[0]
    assert made.qr == QR


def test_privacy_notice_names_who_what_how_long_and_whom_to_ask() -> None:
    (notice,) = paper(facts(), "receipt").notices
    for words in ("第十七条", "广德市市场监督管理局", "姓名、证件号码", "期限保存", "0563-6022345", "投诉电话 12345"):
        assert words in notice


def test_what_the_font_lacks_is_a_picture_of_its_own_shape() -> None:
    assert not is_drawn("𠮷") and is_drawn("𬭎") and is_drawn("·") and is_drawn("買")
    assert picture("𠮷") != picture("𪚥") != picture("𠮶")
    ink = Image.open(io.BytesIO(picture("𠮷"))).convert("L")
    assert sum(ink.histogram()[:128]) > 500, "not an empty square"
    names = [
        paper_pdf([paper(facts(state(applicant={"name": name})), "receipt")], "文书", FORMATS["a4"], AT)
        for name in "𠮷𠮶"
    ]
    assert drawn(names[0])[0].tobytes() != drawn(names[1])[0].tobytes()


def test_where_no_font_knows_a_character_its_code_point_stands_in_a_box() -> None:
    unknown = [picture(char, ()) for char in ("𠮷", "𰻝", "\ue000")]
    assert len(set(unknown)) == 3
    strange = "\ue000\ufe00\u200d\U0003134a\U0010ffff᠊\t\x00😀"
    pdf = paper_pdf([paper(facts(state(applicant={"name": strange, "id": ""})), "receipt")], "文书", FORMATS["80"], AT)
    assert codes(drawn(pdf)) == {QR}


def test_the_font_is_a_full_one() -> None:
    known = paper_glyphs._characters(FONT)
    assert sum(point in known for point in range(0x4E00, 0x9FA6)) == 20_902
    assert all(is_drawn(char) for char in "，。、；：？！「」《》〔〕（）·—…％①②③№℃㎡")


def test_lines_break_where_chinese_is_broken() -> None:
    def wide(text: str) -> float:
        return sum(1 if char > "ÿ" else 0.5 for char in text)

    for text in (
        "依据《行政许可法》第三十二条，自收到之日起。",
        "电话 0563-6022345）。现在",
        LONG_NAME,
        "a" * 50,
        "",
        "，" * 30,
    ):
        for width in (4, 5, 6, 7, 10, 30):
            lines = wrap(text, width, wide)
            assert "".join(lines).replace(" ", "") == text.replace(" ", "")
            assert all(wide(line) <= width or set(line[1:]) <= set("，。、）") for line in lines)
    assert all(
        not line.startswith(tuple("，。》）")) for line in wrap("依据《行政许可法》第三十二条，自收到。" * 3, 10, wide)
    )
    assert "0563-6022345" in wrap("请打电话 0563-6022345）。", 8, wide)[1]


def test_the_code_in_the_qr_can_be_read_and_typed() -> None:
    code = QR.split("/q/")[1].split("#")[0]
    rows = dict(paper(facts(), "receipt").facts)
    assert rows["查询码"].replace("-", "") == code
    assert "查询码" not in dict(paper(replace(facts(), case_qr=""), "receipt").facts)


@pytest.mark.parametrize("size", ["a4", "80"])
def test_a_child_draws_the_same_and_leaves_nothing_behind(size: str) -> None:
    made = [paper(facts(), offer.slug) for offer in offers(facts().state) if not offer.why]
    assert draw_papers(made, "文书", FORMATS[size], AT) == paper_pdf(made, "文书", FORMATS[size], AT)


def test_a_server_that_shows_papers_has_not_loaded_what_draws_them() -> None:
    loaded = "import sys, casework.web.paper_pages; print([m for m in ('fpdf', 'fontTools') if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", loaded], capture_output=True, text=True, check=True).stdout == "[]\n"


def test_a_child_that_fails_is_no_paper(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paper_drawing.sys, "executable", "/bin/false")
    with pytest.raises(DrawingFailed):
        draw_papers([paper(facts(), "receipt")], "文书", FORMATS["a4"], AT)
