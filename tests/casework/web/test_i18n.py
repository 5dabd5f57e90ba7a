"""Every text in a template goes through gettext, and a catalogue is used when there is one."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import jinja2
import pytest
from jinja2 import nodes

from casework.web.i18n import load_translations

ROOT = Path(__file__).parents[3]
TEMPLATES = sorted(p for name in ("casework", "node", "hub") for p in (ROOT / name).rglob("templates/**/*.html"))
CJK = re.compile("[\u3000-\u303f\u4e00-\u9fff\uff00-\uffef]")
GETTEXT = {"_", "gettext", "ngettext", "pgettext", "npgettext"}


def untranslated(source: str) -> list[str]:
    """Chinese texts of a template that no gettext call surrounds."""
    env = jinja2.Environment(extensions=["jinja2.ext.i18n"], autoescape=True)
    env.newstyle_gettext = True  # type: ignore[attr-defined]
    return list(_walk(env.parse(source)))


def _walk(node: nodes.Node) -> Iterator[str]:
    if isinstance(node, nodes.Call) and isinstance(node.node, nodes.Name) and node.node.name in GETTEXT:
        return
    text = node.data if isinstance(node, nodes.TemplateData) else None
    if isinstance(node, nodes.Const) and isinstance(node.value, str):
        text = node.value
    if text is not None and CJK.search(text):
        yield text.strip()
    for child in node.iter_child_nodes():
        yield from _walk(child)


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_every_chinese_text_of_a_template_is_inside_gettext(path: Path) -> None:
    assert untranslated(path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    "source",
    [
        "<p>办件</p>",
        "{{ f.text('a', '姓名') }}",
        "{{ x or '无' }}",
        '<a title="返回">x</a>',
        "{% set a = '是' %}",
    ],
)
def test_the_check_finds_a_bare_text(source: str) -> None:
    assert len(untranslated(source)) == 1


@pytest.mark.parametrize(
    "source",
    [
        "{{ _('办件') }}",
        "{% trans %}办件{% endtrans %}",
        "{{ f.text('a', _('姓名 %(n)s', n=1)) }}",
        "{# 注 #}",
    ],
)
def test_the_check_lets_a_marked_text_pass(source: str) -> None:
    assert untranslated(source) == []


def test_a_catalogue_is_compiled_when_read_and_a_missing_one_falls_back(tmp_path: Path) -> None:
    folder = tmp_path / "en" / "LC_MESSAGES"
    folder.mkdir(parents=True)
    (folder / "lianban.po").write_text('msgid "登录"\nmsgstr "Sign in"\n', encoding="utf-8")
    assert load_translations("en", tmp_path).gettext("登录") == "Sign in"
    assert load_translations("en", tmp_path).gettext("退出") == "退出"
    assert load_translations("ug", tmp_path).gettext("登录") == "登录"
    assert load_translations("zh_CN", tmp_path).gettext("登录") == "登录"
