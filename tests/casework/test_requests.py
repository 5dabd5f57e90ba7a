from __future__ import annotations

from casework.changes import ChangeKind, check_body
from casework.fold import CaseState, fold
from casework.journal import HELD, REFUSED
from casework.requests import answer_requests, answered
from tests.casework.cases import Entry, collect_body, entry

K = ChangeKind


def asked(tier: str = "village", **course: object) -> list[Entry]:
    return [
        entry(K.COLLECT, body=collect_body(tier, **course)),
        entry(K.REQUEST_WITHDRAW, ref="up:17/0/2"),
        entry(K.REQUEST_WITHDRAW, ref="up:17/0/3"),
    ]


def test_the_holder_withdraws_once_and_nobody_else_answers() -> None:
    case = fold(asked())
    ((kind, body),) = answer_requests(case, "township", "village")
    assert (kind, body["request"]) == (K.WITHDRAW, "up:17/0/2")
    assert check_body(kind, body) == []
    assert answer_requests(case, "county", "village") == []
    assert answer_requests(case, "home", "village") == []


def test_a_township_home_answers_as_the_township() -> None:
    case = fold(asked("township"))
    assert [kind for kind, _ in answer_requests(case, "home", "township")] == [K.WITHDRAW]


def test_a_request_overtaken_by_a_decision_is_declined() -> None:
    case = fold([*asked(first_review=False), *(entry(k, "county") for k in (K.ACCEPT, K.REVIEW, K.GRANT))])
    answers = answer_requests(case, "county", "village")
    assert [(kind, body["request"]) for kind, body in answers] == [
        (K.DECLINE_REQUEST, "up:17/0/2"),
        (K.DECLINE_REQUEST, "up:17/0/3"),
    ]
    assert all(check_body(kind, body) == [] for kind, body in answers)
    answered = fold([entry(kind, "county", body=body) for kind, body in answers], case)
    assert answer_requests(answered, "county", "village") == []


def test_the_home_answers_while_it_holds_the_case() -> None:
    case = fold([*asked(), entry(K.ASK_SUPPLEMENT, "township")])
    assert [kind for kind, _ in answer_requests(case, "home", "village")] == [K.WITHDRAW]


def test_nothing_open_nothing_said() -> None:
    assert answer_requests(fold([entry(K.COLLECT)]), "township", "village") == []
    assert answer_requests(CaseState(), "home", "village") == []


def answer(request: object, standing: str, author: int = 2) -> Entry:
    return entry(K.WITHDRAW, "township", body={"request": request, "reason": "x"}, standing=standing, author=author)


def test_an_answer_that_is_held_is_one_and_a_refused_one_is_given_once_more() -> None:
    assert answered([answer("up:17/0/2", HELD)], 2) == {"up:17/0/2"}
    assert answered([answer("up:17/0/2", REFUSED)], 2) == set()
    assert answered([answer("up:17/0/2", REFUSED)] * 2, 2) == {"up:17/0/2"}


def test_what_is_refused_to_others_keeps_nobody_from_answering() -> None:
    assert answered([answer("up:17/0/2", REFUSED, author=9)] * 5, 2) == set()


def test_a_stranger_names_no_request() -> None:
    for request in ([], {}, None, 7, b"up:17/0/2"):
        assert answered([answer(request, HELD)], 2) == set()
    assert answered([entry(K.WITHDRAW, "township", body=[1])], 2) == set()
