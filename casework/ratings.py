"""What an applicant may say of a service (好差评), and what follows from it. Pure.

Five grades, 1 is best (GB/T 39734-2020, GB/T 39735-2020); 不满意 and 非常不满意 are bad ratings (差评): each is called
back and mended. Rating is voluntary, nothing is suggested, and the rated do not learn who rated (国办发〔2019〕51号).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from casework.changes import ChangeKind
from casework.errors import BadInput, Problem
from casework.texts import N_, say

GRADES: Mapping[int, str] = {1: N_("非常满意"), 2: N_("满意"), 3: N_("基本满意"), 4: N_("不满意"), 5: N_("非常不满意")}
BAD_GRADES = (4, 5)
SATISFIED_GRADES = (1, 2, 3)
INTAKE, RESULT = "intake", "result"
STAGES: Mapping[str, str] = {INTAKE: N_("收件受理"), RESULT: N_("办结")}
TABLET, WINDOW, QR = "tablet", "window", "qr"
CHANNELS: Mapping[str, str] = {TABLET: N_("站点平板"), WINDOW: N_("大厅平板"), QR: N_("扫二维码")}

_GOOD = {
    "fast": N_("服务效率高"),
    "skilled": N_("服务水平高"),
    "kind": N_("服务态度好"),
    "told_once": N_("材料一次告知"),
    "few_steps": N_("环节少、跑腿少"),
    "near": N_("就近就能办"),
}
_FAIR = {
    "fast_fair": N_("服务效率可以再提高"),
    "skilled_fair": N_("服务水平可以再提高"),
    "kind_fair": N_("服务态度可以再改进"),
    "told_fair": N_("材料告知可以再清楚"),
    "steps_fair": N_("环节可以再减少"),
}
_BAD = {
    "slow": N_("服务效率低"),
    "unskilled": N_("业务不熟"),
    "unkind": N_("服务态度差"),
    "not_told_once": N_("材料没有一次告知"),
    "extra_papers": N_("要了规定以外的材料"),
    "to_and_fro": N_("来回跑、多头找"),
    "overdue": N_("超过承诺时间"),
    "charged": N_("不该收费而收费"),
}
MARKS: Mapping[str, str] = {**_GOOD, **_FAIR, **_BAD}
"""Every mark that can be ticked; a code is never renamed or used for something else."""

WORDS_MAX_CHARS = 300
PLAIN_BYTES = 1536
"""Every rating is as long as the longest before it is sealed, so that its length says nothing of it."""
REPLACE_SECONDS = 24 * 3600
"""So long after the first one a later rating of the same stage takes its place."""
RECTIFY_WORKDAYS = 15
"""国办发〔2019〕51号 leaves the limit to the places; 15 working days is the rule of a city in Sichuan."""
ANONYMITY_LEAST = 5
"""Of fewer ratings the rated see no single grades."""

CONFIRMED, MISTAKEN, MALICIOUS = "confirmed", "mistaken", "malicious"
VERDICTS: Mapping[str, str] = {CONFIRMED: N_("属实"), MISTAKEN: N_("误评"), MALICIOUS: N_("恶意差评")}
NOT_COUNTED = (MISTAKEN, MALICIOUS)
CALLED, VERDICT, MENDED, DONE = "called", "verdict", "mended", "done"
STEPS: Mapping[str, str] = {CALLED: N_("回访"), VERDICT: N_("核实"), MENDED: N_("整改"), DONE: N_("办结整改")}
STEP_TEXT_MAX_CHARS = 1000

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
_ENDING = (ChangeKind.CLOSE, ChangeKind.LAPSE, ChangeKind.REFUSE_ACCEPTANCE, ChangeKind.DELIVER)


@dataclass(frozen=True, slots=True)
class Rating:
    """What was chosen: a grade of GRADES, marks of its group, free words."""

    grade: int
    marks: tuple[str, ...] = ()
    words: str = ""

    @property
    def bad(self) -> bool:
        return self.grade in BAD_GRADES


@dataclass(frozen=True, slots=True)
class ToldRating:
    """A rating as a station tells it to the county; time: unix seconds by the station's clock."""

    topic: bytes
    stage: str
    rating: Rating
    time: int
    channel: str


def marks_of(grade: int) -> Mapping[str, str]:
    """The marks that go with a grade, code -> words."""
    if grade in BAD_GRADES:
        return _BAD
    return _FAIR if grade == 3 else _GOOD


def grade_of(text: str) -> int | None:
    """The grade that a form names, None for none of the five."""
    return int(text) if text in {str(grade) for grade in GRADES} else None


def read_rating(grade: str, marks: Sequence[str], words: str) -> Rating:
    """A rating from a form. Raises BadInput that names the field, what is wrong and the remedy."""
    chosen = grade_of(grade)
    if chosen is None:
        raise BadInput([Problem("grade", N_("没有选择满意程度"), N_("请从五个选项中选一个"))])
    problems = []
    fitting = tuple(code for code in marks_of(chosen) if code in marks)
    if len(fitting) != len(set(marks)):
        problems.append(Problem("marks", N_("所选的内容与满意程度不符"), N_("请重新勾选，也可以都不选")))
    said = _CONTROL.sub("", words).strip()
    if len(said) > WORDS_MAX_CHARS:
        problems.append(
            Problem(
                "words",
                say("想说的话超过 {words_max_chars} 字", words_max_chars=WORDS_MAX_CHARS),
                say("请缩短到 {words_max_chars} 字以内", words_max_chars=WORDS_MAX_CHARS),
            )
        )
    if problems:
        raise BadInput(problems)
    return Rating(chosen, fitting, said)


def stages_of(timeline: Iterable[Any]) -> tuple[str, ...]:
    """Which stages of a case may be rated, by what has been applied to it: 收件 once it was taken in, 办结 once it was
    closed, refused, ended by time or delivered."""
    applied = {line.kind for line in timeline if line.applied}
    stages = (INTAKE,) if ChangeKind.COLLECT in applied else ()
    return (*stages, RESULT) if stages and not applied.isdisjoint(_ENDING) else stages


def pack_told(told: ToldRating) -> bytes:
    """JSON in UTF-8, filled with spaces up to PLAIN_BYTES whatever it says."""
    plain = {
        "topic": told.topic.hex(),
        "stage": told.stage,
        "grade": told.rating.grade,
        "marks": list(told.rating.marks),
        "words": told.rating.words,
        "time": told.time,
        "channel": told.channel,
    }
    packed = json.dumps(plain, ensure_ascii=False, separators=(",", ":")).encode()
    assert len(packed) <= PLAIN_BYTES
    return packed.ljust(PLAIN_BYTES)


def unpack_told(data: bytes) -> ToldRating | None:
    """Inverse of `pack_told`; None for whatever a stranger may have sealed instead."""
    if len(data) != PLAIN_BYTES:
        return None
    try:
        plain = json.loads(data)
        topic, stage, grade = bytes.fromhex(plain["topic"]), plain["stage"], plain["grade"]
        marks, words, time, channel = plain["marks"], plain["words"], plain["time"], plain["channel"]
        if type(grade) is not int or type(time) is not int or not 0 <= time < 2**53:
            return None
        if stage not in STAGES or channel not in CHANNELS or type(words) is not str or type(marks) is not list:
            return None
        words.encode()
        return ToldRating(topic, stage, read_rating(str(grade), marks, words), time, channel)
    except (BadInput, ValueError, KeyError, TypeError, RecursionError):
        return None


@dataclass(frozen=True, slots=True)
class Satisfaction:
    """The counted ratings of one group: how many of each grade, from 1 to 5."""

    grades: tuple[int, int, int, int, int] = (0, 0, 0, 0, 0)

    @property
    def counted(self) -> int:
        return sum(self.grades)

    @property
    def rate(self) -> str:
        """满意度: grades 1 to 3 of all that count, in per cent to one place; "" when there are none."""
        satisfied = sum(self.grades[grade - 1] for grade in SATISFIED_GRADES)
        return f"{satisfied * 100 / self.counted:.1f}%" if self.counted else ""

    @property
    def enough(self) -> bool:
        """Whether the rated may see its single grades."""
        return self.counted >= ANONYMITY_LEAST

    def plus(self, grade: int, count: int) -> Satisfaction:
        one, two, three, four, five = (known + count * (at == grade) for at, known in enumerate(self.grades, 1))
        return Satisfaction((one, two, three, four, five))


def marks_in_words(marks: Sequence[str]) -> list[str]:
    """Marks in words; those of a newer program by their code."""
    return [MARKS.get(code, code) for code in marks]
