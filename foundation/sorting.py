"""The Danish alphabet, in databases and in memory: æ, ø, å come last, and "aa" is å (Retskrivningsordbogen § 3)."""

from __future__ import annotations

import unicodedata
from functools import lru_cache
from typing import Any

from sqlalchemy import ColumnElement, String
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.visitors import InternalTraversal

# A letter behind ø, and what stands for it. SQLite folds A-Z only, so the Danish capitals are folded here.
_AA = "ɏ"
_KEPT = 4_096
_FOLDS = (("Æ", "æ"), ("Ø", "ø"), ("Å", _AA), ("å", _AA), ("aa", _AA))


class Alphabetical(ColumnElement[str]):
    """Order by a text as a Dane would look it up, whatever the database."""

    inherit_cache = True
    type = String()
    _traverse_internals = [("text", InternalTraversal.dp_clauseelement)]  # noqa: RUF012 - as SQLAlchemy declares it

    def __init__(self, text: ColumnElement[str] | Any) -> None:
        self.text = text


@compiles(Alphabetical)
def _folded(element: Alphabetical, compiler: SQLCompiler, **kwargs: Any) -> str:
    words = f"lower({compiler.process(element.text, **kwargs)})"
    for letter, stands_for in _FOLDS:
        words = f"replace({words}, '{letter}', '{stands_for}')"
    return words


@compiles(Alphabetical, "postgresql")
def _collated(element: Alphabetical, compiler: SQLCompiler, **kwargs: Any) -> str:
    return f'{compiler.process(element.text, **kwargs)} COLLATE "da-x-icu"'


@lru_cache(_KEPT)
def alphabetical(words: str) -> str:
    """Give what sorts words in memory as a Dane would look them up; capitals and accents are not told apart.

    Lists sort the same names again and again, so the last are kept.
    """
    folded = unicodedata.normalize("NFC", words).casefold().replace("aa", "å").translate(_LAST_LETTERS)
    return "".join(sign for sign in unicodedata.normalize("NFD", folded) if not unicodedata.combining(sign))


_LAST_LETTERS = str.maketrans({"æ": "{", "ä": "{", "ø": "|", "ö": "|", "å": "}"})
