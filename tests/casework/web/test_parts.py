"""The macros that pages are made of, the stylesheet's size, and small filters."""

from __future__ import annotations

import gzip
from types import SimpleNamespace
from typing import Any

import aiohttp_jinja2
import pytest
from jinja2 import Environment

from casework.errors import Problem
from casework.web.assets import OWN_FOLDERS
from casework.web.render import field_id, moment, safe_next
from tests.casework.web.tiny_program import Place, make_app

HEAD = '{% import "fields.html" as f with context %}{% import "parts.html" as p with context %}'


@pytest.fixture
def env(place: Place) -> Environment:
    return aiohttp_jinja2.get_env(make_app(place))


def show(env: Environment, body: str, **context: Any) -> str:
    context = {"problems": [], "values": {}, "csrf": "T"} | context
    return env.from_string(HEAD + body).render(context)


@pytest.mark.parametrize(
    "call",
    [
        'f.text("a.b", "L", hint="H")',
        'f.date("a.b", "L", hint="H")',
        'f.select("a.b", "L", [("1", "one")], hint="H")',
        'f.textarea("a.b", "L", hint="H")',
        'f.file("a.b", "L", hint="H")',
    ],
)
def test_a_field_ties_label_hint_and_error_to_its_input(env: Environment, call: str) -> None:
    text = show(env, "{{ " + call + " }}", problems=[Problem("a.b", "不对", "请改"), Problem("c", "别的")])
    assert '<label class="govuk-label" for="f-a-b">' in text
    assert text.count('id="f-a-b"') == 1
    assert 'aria-describedby="f-a-b-hint f-a-b-error"' in " ".join(text.split())
    assert 'id="f-a-b-hint"' in text and 'id="f-a-b-error"' in text
    assert "不对。请改" in text and "别的" not in text


def test_a_choice_keeps_what_was_chosen_and_the_summary_links_to_its_first_option(env: Environment) -> None:
    body = '{{ f.error_summary() }}{{ f.choice("k", "L", [("person", "甲"), ("org", "乙")]) }}'
    text = show(env, body, values={"k": "org"}, problems=[Problem("k", "请选择")])
    assert 'href="#f-k"' in text and text.count('id="f-k"') == 1
    assert 'value="org" checked' in text and 'value="person" checked' not in text


def test_values_are_escaped_and_passwords_never_filled_in(env: Environment) -> None:
    body = '{{ f.text("n", "L") }}{{ f.text("p", "L", type="password") }}{{ f.textarea("t", "L") }}'
    text = show(env, body, values={"n": '"><i>', "p": "secret", "t": "</textarea><i>"})
    assert "<i>" not in text and "secret" not in text


def test_a_confirmed_act_is_a_form_that_works_without_script(env: Environment) -> None:
    body = '{% call f.confirm("撤回", "/x", "确定吗", fields={"row": 3}) %}<b>in</b>{% endcall %}'
    body += '{{ f.confirm("删", "/y", "?") }}'
    text = show(env, body)
    assert text.count('name="csrf" value="T"') == 2
    assert text.index('name="csrf"') < text.index("<b>in</b>") < text.index('name="row" value="3"')


def test_a_timeline_a_table_and_a_tag(env: Environment) -> None:
    item = SimpleNamespace(at=1_790_000_000, title="受理", by="", lines=None, tone="", mark="待确认")
    text = show(env, "{{ p.timeline([x]) }}", x=item)
    assert "2026-09-21 22:13" in text and "待确认" in text
    assert "没有内容" in show(env, '{% call p.table("表", ["一", ("二", "number")]) %}{% endcall %}')
    heads = show(env, '{% call p.table("表", ["一", ""]) %}{% endcall %}')
    assert '<th scope="col"><span class="hidden">操作</span></th>' in heads, "no head without a word"
    assert "<td>1" in show(env, '{% call p.table("表", ["一"]) %}<tr><td>1</td></tr>{% endcall %}')
    assert "待补正" in show(env, '{{ p.state_tag("supplement_asked", tentative=true) }}')
    assert "new_state" in show(env, '{{ p.state_tag("new_state") }}')


def test_the_stylesheet_stays_small_and_fetches_nothing_from_elsewhere() -> None:
    css = (OWN_FOLDERS[1] / "site.css").read_text(encoding="utf-8")
    # Village pages may carry 12 kB of styles; the sheets of their own kind stand beside this one.
    assert len(gzip.compress(css.encode(), 9)) < 9_000
    assert "--small" not in css and ".govuk-checkboxes__input" in css, "only the variants that pages have"
    assert "url(" not in css and "@import" not in css
    # 19 px and, for older eyes, 130 % of it, as parts of the browser's own 16 px.
    assert "html{font-size:118.75%" in css and "html.elder{font-size:154.375%" in css
    assert "@media print" in css and ":focus" in css and "[hidden]{display:none!important}" in css


def test_the_scripts_of_every_page_stay_small() -> None:
    assert len(gzip.compress((OWN_FOLDERS[1] / "site.js").read_bytes(), 9)) < 20_000


def test_times_are_beijing_times_and_ids_are_safe() -> None:
    assert moment(0) == moment(-(2**53)) == "1970-01-01 08:00"
    assert moment(2**53) == "9999-12-31 23:59"
    assert field_id('applicant.name"[0]') == "f-applicant-name--0-"
    assert safe_next("/cases?q=1&b=2", "/") == "/cases?q=1&b=2"
    assert safe_next("/" + "x" * 500, "/") == "/"
    assert safe_next("//[", "/") == safe_next("/\\[x", "/") == "/"
