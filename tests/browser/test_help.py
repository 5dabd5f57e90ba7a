"""Each guide prints on one page of A4, in both languages."""

from __future__ import annotations

import pypdfium2
import pytest

from casework.policy import Role


@pytest.mark.parametrize("lang", ["zh-CN", "en"])
def test_a_guide_is_one_page_of_paper(visit, county, lang):
    page = visit("ops", "/help")
    page.context.add_cookies([{"name": "lang", "value": lang, "url": county.url("hub")}])
    for role in Role:
        page.goto(f"{county.url('hub')}/help/{role}")
        assert page.locator("html").get_attribute("lang") == lang
        printed = pypdfium2.PdfDocument(page.pdf(prefer_css_page_size=True))
        assert len(printed) == 1, role
        width, height = printed[0].get_size()
        assert (round(width), round(height)) == (595, 842)
        printed.close()
