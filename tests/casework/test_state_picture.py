from __future__ import annotations

from pathlib import Path

import pytest

from casework.refusals import EXPLANATIONS, Code, explain
from casework.state_picture import PAGES, main
from casework.states import TABLE, State

DOCS = Path(__file__).resolve().parents[2] / "docs"


@pytest.mark.parametrize("name", list(PAGES))
def test_the_page_in_the_repository_is_current(name: str) -> None:
    assert (DOCS / name).read_text(encoding="utf-8") == PAGES[name](), "run: python -m casework.state_picture"


def test_every_move_is_an_arrow() -> None:
    page = PAGES["states.md"]()
    for row in TABLE:
        if isinstance(row.target, State):
            for source in row.sources:
                assert f"    {source or '[*]'} --> {row.target}: " in page


def test_main_writes_all_pages(tmp_path: Path) -> None:
    main(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(PAGES)


def test_every_code_is_explained_with_a_remedy() -> None:
    assert set(EXPLANATIONS) == set(Code)
    assert all(said.text and said.remedy for said in EXPLANATIONS.values())
    assert all(f"`{code}`" in PAGES["refusals.md"]() for code in Code)


def test_a_code_from_the_future_still_gets_words() -> None:
    assert explain("from_the_future").text
    assert explain("wrong_state") == EXPLANATIONS[Code.WRONG_STATE]
