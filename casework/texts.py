"""Texts for people. The source is zh-CN; a text keeps its values apart, so that it can be said in another language.

`N_("…")` marks a text that stands alone. `say("第 {n} 条…", n=3)` makes one out of a marked sentence and values.
Both are ordinary strings and read as Chinese; `translate` says them in the language of a catalogue.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

Gettext = Callable[[str], str]


def N_(text: str) -> str:  # noqa: N802 - the name gettext tools look for
    """Mark a text for extraction where it cannot be translated yet."""
    return text


class Text(str):
    """A finished zh-CN text that remembers what it was made of."""

    __slots__ = ("source", "values")
    source: str
    values: Mapping[str, object]

    def __new__(cls, text: str, source: str = "", values: Mapping[str, object] | None = None) -> Text:
        made = super().__new__(cls, text)
        made.source, made.values = source, values or {}
        return made

    def __str__(self) -> str:
        return self

    def told(self, gettext: Gettext) -> str:
        """The same text in another language; values that are texts themselves are said in it too."""
        spoken = {name: _spoken(value, gettext) for name, value in self.values.items()}
        return gettext(self.source).format(**spoken) if self.source else gettext(self)


class TextList(Text):
    """Texts with a separator between them: `source` is the separator, `values` are the texts by place."""

    __slots__ = ()

    def told(self, gettext: Gettext) -> str:
        return gettext(self.source).join(str(_spoken(value, gettext)) for value in self.values.values())


def say(source: str, /, **values: object) -> Text:
    """A sentence with its values: `source` is a marked text with {names}."""
    return Text(source.format(**values), source, values)


def joined(separator: str, texts: Iterable[str]) -> Text:
    """Texts in a row, e.g. the choices of a remedy, with "、" or "；" between them."""
    parts = list(texts)
    return TextList(separator.join(parts), separator, {str(place): part for place, part in enumerate(parts)})


def translate(text: str, gettext: Gettext) -> str:
    """What a person who reads the language of `gettext` is shown. Nothing stays nothing."""
    if isinstance(text, Text):
        return text.told(gettext)
    return gettext(text) if text else text


def _spoken(value: object, gettext: Gettext) -> object:
    return translate(value, gettext) if isinstance(value, str) else value
