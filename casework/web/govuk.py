"""The form parts of govuk-frontend as functions of our templates: `govuk_input({...})` gives markup.

Its macros were written for an engine to which a missing option is nothing, so they live in an environment of their own;
ours stays strict.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from itertools import pairwise
from typing import Any, cast

import jinja2
from markupsafe import Markup

_FOLDER = "govuk_frontend_jinja"
_PARTS = (
    "Button",
    "Checkboxes",
    "ErrorMessage",
    "ErrorSummary",
    "FileUpload",
    "Input",
    "NotificationBanner",
    "Radios",
    "Select",
    "ServiceNavigation",
    "SkipLink",
    "Textarea",
)


@cache
def parts() -> dict[str, Callable[[dict[str, Any]], Markup]]:
    """Every part that pages are made of, by the name templates use: govuk_button, govuk_error_summary and so on."""
    env = jinja2.Environment(
        loader=jinja2.PrefixLoader({_FOLDER: jinja2.PackageLoader(_FOLDER)}),
        autoescape=True,
        undefined=jinja2.ChainableUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return {f"govuk_{_joined(name, '_')}": _macro(env, name) for name in _PARTS}


def _macro(env: jinja2.Environment, name: str) -> Callable[[dict[str, Any]], Markup]:
    template = env.get_template(f"{_FOLDER}/components/{_joined(name, '-')}/macro.html")
    macro = cast("Callable[[dict[str, Any]], Markup]", getattr(template.module, f"govuk{name}"))
    return macro if name == "Textarea" else lambda params: _unindented(macro(params))


def _unindented(markup: Markup) -> Markup:
    """Without the templates' own line breaks and indents: they are a third of a form's bytes. Not for what is typed."""
    lines = [line for line in map(str.strip, markup.split("\n")) if line]
    glue = ["" if one.endswith(">") or two.startswith("<") else "\n" for one, two in pairwise(lines)]
    return Markup("".join(part for pair in zip(lines, [*glue, ""], strict=True) for part in pair))  # noqa: S704


def _joined(name: str, mark: str) -> str:
    """ErrorSummary as error-summary or error_summary."""
    return "".join(mark + c.lower() if c.isupper() else c for c in name).removeprefix(mark)
