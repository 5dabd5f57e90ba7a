"""Texts for people. The source strings are zh-CN; other languages are catalogues under `locale/`."""

from __future__ import annotations

import gettext
import io
from functools import lru_cache
from pathlib import Path

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

from casework.texts import N_

__all__ = ["N_", "load_translations"]

SOURCE_LANGUAGE = "zh_CN"
DOMAIN = "lianban"
LOCALE_FOLDER = Path(__file__).parent / "locale"


def load_translations(language: str, folder: Path = LOCALE_FOLDER) -> gettext.NullTranslations:
    """The catalogue of a language, compiled from its .po file; the source language needs none.

    A language without a catalogue is shown in the source language.
    """
    path = folder / language / "LC_MESSAGES" / f"{DOMAIN}.po"
    if language == SOURCE_LANGUAGE or not path.is_file():
        return gettext.NullTranslations()
    return gettext.GNUTranslations(io.BytesIO(_compiled(path.read_bytes(), language)))


@lru_cache(maxsize=4)
def _compiled(source: bytes, language: str) -> bytes:
    compiled = io.BytesIO()
    write_mo(compiled, read_po(io.BytesIO(source), locale=language))
    return compiled.getvalue()
