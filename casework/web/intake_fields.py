"""Names of the inputs for applicant, item form and materials, and the way between them and plain values.

Inputs are called applicant.KEY, form.KEY, answers.KEY, proxy.KEY, materials.N.file,
materials.N.cut (one to a file, in order), materials.N.seen and materials.N.exempt (N
counts the item's papers from 0, see casework.standing_papers), so that a problem's
field is the name of an input.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from casework.applicant import APPLICANT_KEYS, CITIZEN_ID_TYPE, USCC_TYPE
from casework.errors import Problem
from casework.proxy import PROXY_KEYS
from casework.service_item import INSTEAD_OF_PAPER, MaterialRule, ServiceItem
from casework.standing_papers import paper_list
from casework.texts import N_, say
from casework.web.forms import Form, UploadedFile

CUT_CHARS = 100


@dataclass(frozen=True, slots=True)
class GivenMaterial:
    """What a form says about the material at `index` of the item's list."""

    index: int
    name: str
    seen: str
    """As in `HeldMaterial`."""
    files: tuple[UploadedFile, ...]
    cuts: tuple[str, ...] = ()
    """For each file, how its page is cut out of it (casework.materials.quad.Cut.text); "" or left out: not at all."""

    def cut_of(self, number: int) -> str:
        return self.cuts[number] if number < len(self.cuts) else ""

    @property
    def field(self) -> str:
        return f"materials.{self.index}"


def given_applicant(form: Form) -> dict[str, str]:
    """All keys of an applicant; the document type follows from the kind where only one makes sense."""
    given = {key: form.get(f"applicant.{key}") for key in APPLICANT_KEYS}
    if not given["id_type"]:
        given["id_type"] = USCC_TYPE if given["kind"] == "org" else CITIZEN_ID_TYPE
    return given


def given_form(form: Form, item: ServiceItem) -> dict[str, str]:
    """Those of the item's form fields that the page carried, as typed."""
    sent = {name for name, _value in form.fields}
    return {f.key: form.get(f"form.{f.key}") for f in item.form if f"form.{f.key}" in sent}


def given_answers(form: Form, item: ServiceItem) -> dict[str, str]:
    """Those of the item's scenario questions that the page carried; one that was not shown is left as it was."""
    sent = {name for name, _value in form.fields}
    shown = {key for key in form.get("asked").split(",") if key}  # radio buttons that nobody chose send nothing
    keys = [question.key for question in item.questions]
    return {key: form.get(f"answers.{key}") for key in keys if key in shown or f"answers.{key}" in sent}


def given_proxy(form: Form) -> dict[str, str]:
    """Who acts for the applicant; empty where neither name, number nor telephone is given."""
    given = {key: form.get(f"proxy.{key}") for key in PROXY_KEYS}
    return given if given["name"] or given["id"] or given["phone"] else {}


def _vouched(form: Form, index: int, rule: MaterialRule) -> str:
    if form.get(f"materials.{index}.seen"):
        return "seen"
    return rule.exempt if form.get(f"materials.{index}.exempt") and rule.exempt in INSTEAD_OF_PAPER else ""


def given_materials(form: Form, item: ServiceItem) -> list[GivenMaterial]:
    """Materials with files, or ticked as seen or as not to be handed in; the others are left out."""
    found = []
    for index, rule in enumerate(paper_list(item)):
        seen, files = _vouched(form, index, rule), tuple(form.files(f"materials.{index}.file"))
        if seen or files:
            cuts = tuple(cut.strip()[:CUT_CHARS] for cut in form.all(f"materials.{index}.cut"))
            found.append(GivenMaterial(index, rule.name, seen, files, cuts))
    return found


def input_values(applicant: Mapping[str, Any], form: Mapping[str, Any], household: str | None = None) -> dict[str, str]:
    """Values by input name, to fill a page."""
    values = {f"applicant.{key}": str(value) for key, value in applicant.items()}
    values |= {f"form.{key}": str(value) for key, value in form.items()}
    return values | ({"household": household} if household else {})


def on_inputs(problems: Iterable[Problem], item: ServiceItem) -> list[Problem]:
    """The same problems, those of materials under the names of their inputs."""
    places = {f"materials.{rule.name[:60]}": f"materials.{index}" for index, rule in enumerate(paper_list(item))}
    return [Problem(places.get(p.field, p.field), p.message, p.remedy) for p in problems]


def changed_values(given: Mapping[str, str], known: Mapping[str, Any]) -> dict[str, str]:
    """Those of the given values that differ from what is known."""
    return {key: value for key, value in given.items() if value != str(known.get(key, ""))}


def cleared_problems(changed: Mapping[str, str], item: ServiceItem) -> list[Problem]:
    """A change of a case can replace a value but not take it away: say so instead of losing it silently."""
    return [
        Problem(
            f"form.{key}",
            say("不能把已填的「{label}」清空", label=_label(item, key)),
            N_("请改填正确的内容，确实没有的填“无”"),
        )
        for key, value in changed.items()
        if not value
    ]


def _label(item: ServiceItem, key: str) -> str:
    field = item.field(key)
    return field.label if field else key


def applicant_kinds(item: ServiceItem) -> Sequence[tuple[str, str]]:
    """Who may apply for the item, as choices."""
    served = set(item.service_object)
    kinds = [("person", N_("自然人"))] if 1 in served else []
    return kinds + ([("org", N_("单位"))] if served - {1} else [])
