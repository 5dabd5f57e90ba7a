"""The custody words: one case at each point of its way, and what they must never say."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pytest

from casework.case_parts import TimelineItem
from casework.changes import ChangeKind
from casework.fold import CaseState
from casework.journal import HELD, ORDERED, REFUSED, TENTATIVE
from casework.states import State
from casework.web.case_words import timeline_rows, troubles
from casework.web.custody_words import custody_text, custody_words


@dataclass(frozen=True)
class At:
    """Custody facts; satisfies casework.case_log.Custody."""

    tier: int
    settled: bool = True
    blobs: int = 5
    blobs_township: int = 5
    blobs_county: int = 5


def line(kind: ChangeKind, office: str = "home", standing: str = ORDERED, *, code: str = "", **more: object):
    item = TimelineItem("up:3/0/1", int(kind), office, 3, 7, 1_790_000_000, 1, standing, code, "", standing != REFUSED)
    return item._replace(**more)


def case(state: State, *lines: TimelineItem, tier: str = "village") -> CaseState:
    return CaseState(state=state, tier=tier, timeline=[line(ChangeKind.COLLECT), *lines])


NEW = case(State.COLLECTED)
ACCEPTED = case(State.ACCEPTED, line(ChangeKind.ACCEPT, "county"))
CLOSED = case(State.CLOSED, line(ChangeKind.CLOSE, "county"))


@pytest.mark.parametrize(
    ("custody", "state", "office", "said"),
    [
        (
            At(0, settled=False, blobs_township=0, blobs_county=0),
            NEW,
            "home",
            "已保存在本机，尚未送到上级（材料 0/5 页已到县级）",
        ),
        (At(0, settled=False, blobs=0), NEW, "home", "已保存在本机，尚未送到上级"),
        (
            At(1, settled=False, blobs_township=3, blobs_county=0),
            NEW,
            "home",
            "乡镇已收，尚未到县级（材料 3/5 页已到乡镇）",
        ),
        (At(1, settled=False, blobs_county=0), NEW, "county", "县级正在核对次序（材料 5/5 页已到乡镇）"),
        (At(2, settled=False), NEW, "home", "县级已收，有内容等待县级人工核对（材料 5/5 页已到县级）"),
        (At(2), NEW, "home", "县级已收，等待办理（材料 5/5 页已到县级）"),
        (At(2), ACCEPTED, "home", "县级已收，已答复（材料 5/5 页已到县级）"),
        (At(2), CLOSED, "home", "已办结，县级已确认（材料 5/5 页已到县级）"),
        (At(2, blobs=0), case(State.WITHDRAWN, line(ChangeKind.WITHDRAW, "township")), "home", "已撤回，县级已确认"),
        (
            At(2, blobs=0),
            case(State.REFUSED_ACCEPTANCE, line(ChangeKind.REFUSE_ACCEPTANCE, "county")),
            "home",
            "已答复，县级已确认",
        ),
        (
            At(2, blobs_township=4, blobs_county=3),
            NEW,
            "home",
            "县级已收，等待办理；扫描件还没有到齐：1 页在乡镇，1 页还在本机（材料 3/5 页已到县级）",
        ),
        (
            At(2, blobs_township=3, blobs_county=3),
            NEW,
            "county",
            "县级已收，等待办理；扫描件还没有到齐：2 页还在收件站点（材料 3/5 页已到县级）",
        ),
    ],
)
def test_the_sentence_follows_the_signed_facts(custody: At, state: CaseState, office: str, said: str) -> None:
    assert custody_text(custody, state, office) == said


def test_a_closed_case_is_over_only_when_the_county_has_settled_it() -> None:
    tentative = case(State.CLOSED, line(ChangeKind.CLOSE, "home", TENTATIVE))
    for custody in (At(0, settled=False), At(1, settled=False), At(2, settled=False)):
        words = custody_words(custody, tentative, "home")
        assert "已办结" not in words.sentence
        assert not words.hops[-1].reached


def test_a_supplement_takes_the_answer_back_until_the_next_one() -> None:
    asked = line(ChangeKind.ASK_SUPPLEMENT, "township")
    assert "已答复" in custody_text(At(2), case(State.SUPPLEMENT_ASKED, asked), "home")
    again = case(State.COLLECTED, asked, line(ChangeKind.SUPPLEMENT))
    assert "等待办理" in custody_text(At(2), again, "home")
    latest = replace(again, base=case(State.SUPPLEMENT_ASKED, asked))
    assert custody_text(At(0, settled=False, blobs=0), latest, "home").startswith("最新一步：已保存在本机")


def test_numbering_is_no_answer() -> None:
    assert "等待办理" in custody_text(At(2), case(State.COLLECTED, line(ChangeKind.NUMBER, "county")), "home")


def test_each_hop_is_marked_and_one_with_missing_scans_only_partly() -> None:
    words = custody_words(At(2, blobs_township=4, blobs_county=3), NEW, "home")
    assert [(hop.label, hop.reached, hop.partly) for hop in words.hops] == [
        ("本机已存", True, False),
        ("乡镇已收", True, True),
        ("县级已收", True, True),
        ("已答复", False, False),
    ]
    hall = case(State.COLLECTED, tier="township")
    assert [hop.label for hop in custody_words(At(2), hall, "township").hops] == ["收件站点已存", "县级已收", "已答复"]


def test_of_what_was_refused_only_the_cause_is_to_be_redone() -> None:
    refused = line(ChangeKind.CORRECT, standing=REFUSED, code="wrong_state", applied=False)
    follows = line(ChangeKind.SUPPLEMENT, standing=REFUSED, code="basis_refused", applied=False)
    found = troubles(case(State.ACCEPTED, refused, follows))
    assert [(one.title, one.refused) for one in found] == [("更正", True)]
    assert "办件所处环节已变" in found[0].text and "最新进度" in found[0].remedy
    held = line(ChangeKind.CORRECT, standing=HELD, code="revoked", applied=False)
    assert [one.refused for one in troubles(case(State.COLLECTED, held))] == [False]
    assert troubles(case(State.ACCEPTED, refused, line(ChangeKind.CORRECT))) == []


def test_the_timeline_says_standing_office_and_clock_quality() -> None:
    state = case(
        State.ACCEPTED,
        line(ChangeKind.CORRECT, standing=TENTATIVE, quality=0),
        line(ChangeKind.ENDORSE, "township", author=2, actor=9, quality=2),
        line(ChangeKind.ACCEPT, "county", author=1, actor=0),
        line(ChangeKind.ACCEPT, "county", standing=REFUSED, code="new_code_of_2031", applied=False),
    )
    rows = timeline_rows(state, {2: "邱村镇", 3: "南阳村"}, {7: "王梅"})
    assert rows[0].by == "收件站点 南阳村 王梅"
    assert rows[1].mark == "待县级确认" and rows[1].by.endswith("（时钟未核对）")
    assert rows[2].by == "乡镇 邱村镇（该机时钟不准）"
    assert rows[3].by == "县级 系统自动"
    assert rows[4].mark == "已退回" and rows[4].lines == ("未能处理。请把此提示告诉县级运维",)
