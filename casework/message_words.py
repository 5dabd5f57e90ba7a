"""What a text message may say: that there is something, and where to ask; never of what, nor about whom. Pure.

A message is read by whoever holds the telephone and by the networks between: no name, no number of an identity card,
no item (which may be a benefit or an illness), no words that somebody typed (个人信息保护法第六条: no more than is
needed).
"""

from __future__ import annotations

import hashlib
import re

from casework.fold import CaseState
from casework.telling import Speaker, Telling, spoken_day

_MOBILE = re.compile(r"(?:\+?86)?(1[3-9][0-9]{9})")
_SPACES = re.compile(r"[\s\-()（）]+")


def mobile_of(case: CaseState) -> str:
    """The applicant's mobile number, else that of who acts for them: 11 digits, or "" where neither has left one."""
    for somebody in (case.applicant, case.proxy):
        found = _MOBILE.fullmatch(_SPACES.sub("", str(somebody.get("phone", ""))))
        if found:
            return found.group(1)
    return ""


def masked(phone: str) -> str:
    """A number as pages and rows that are done show it: 138****5678."""
    return f"{phone[:3]}****{phone[-4:]}" if len(phone) > 8 else "****"


def message_key(topic: bytes, telling: Telling) -> str:
    """One for each telling of a case, for ever, safe as the name of a file: a gateway that sees it twice sends once."""
    return f"{topic.hex()}-{telling.about}-{hashlib.sha256(telling.of.encode()).hexdigest()[:16]}"


def message_text(telling: Telling, speaker: Speaker, until: str = "") -> str:
    """until: the last day of a supplement, YYYY-MM-DD, "" for none."""
    where = f"{speaker.station}便民服务站"
    match telling.about:
        case "supplement":
            last = f"于{spoken_day(until)}前" if until else "尽快"
            what = f"您有一件办件需要补充材料，请{last}联系{where}。"
        case "result":
            what = f"您有一件办件已有结果，请联系{where}领取。"
        case _other:
            what = f"您有一件办件约在{spoken_day(telling.day)}办理，请联系{where}，确认时间和要带的东西。"
    ask = f"咨询电话：{speaker.phone}。" if speaker.phone else ""
    return f"【{speaker.hall or '政务服务'}】{what}{ask}详情请看回执上的二维码。"
