"""Every word of a template has its Danish and its English, and none of them holds a script or a style."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import app

ROOM = Path(app.__file__).parent
TEMPLATES = sorted((ROOM / "templates").rglob("*.html"))

#: Words that are the same in both languages.
SAME = frozenset({"OS2", "os2tilslut", "CSV", "XLSX", "PDF", "GLN", "CVR", "IBAN", "KB", "Esc", "English", "Dansk",
                  "TOML", "XML", "JSON", "SHA-256", "FIK", "ZIP", "Peppol", "OIOUBL"})  # fmt: skip

#: Attributes that a person reads or hears.
READ_OUT = re.compile(r'\b(?:aria-label|alt|title|placeholder|summary)="([^"]*)"')

SCRIPTS = re.compile(
    r"<script(?![^>]*\bsrc=)|<style|<[^>]*\sstyle=|<[^>]*\son[a-z]+=|javascript:|\bhx-on\b|hx-vals=.js:", re.IGNORECASE
)


def bare_words(text: str) -> list[str]:
    """Give the words of a template that stand outside what is written in both languages."""
    without = re.sub(r"{#.*?#}|<!--.*?-->", " ", text, flags=re.DOTALL)
    without = re.sub(r"<(script|style|title).*?</\1>", " ", without, flags=re.DOTALL) if "{%" not in text else without
    without = re.sub(r"{{.*?}}|{%.*?%}", " ", without, flags=re.DOTALL)
    spoken = [*READ_OUT.findall(without), re.sub(r"<[^>]*>", " ", without)]
    found = re.findall(r"[A-Za-zÆØÅæøå][\wÆØÅæøå.-]*", re.sub(r"&\w+;", " ", " ".join(spoken)))
    return [word for word in found if word.strip(".-") not in SAME and len(word) > 1]


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda file: file.relative_to(ROOM / "templates").as_posix())
def test_every_word_of_a_template_is_said_in_both_languages(template: Path) -> None:
    assert bare_words(template.read_text(encoding="utf-8")) == []


def test_a_bare_word_is_found() -> None:
    assert bare_words('<p>{{ t("Hej", "Hello") }} Farvel</p><img alt="Et billede">') == ["Et", "billede", "Farvel"]


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda file: file.relative_to(ROOM / "templates").as_posix())
def test_no_template_holds_script_or_style(template: Path) -> None:
    assert SCRIPTS.findall(template.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    "inline", ["<p style='x'>", '<a onclick="x">', "<script>x</script>", '<a href="javascript:x">']
)
def test_script_and_style_are_found(inline: str) -> None:
    assert SCRIPTS.search(inline)


def test_no_script_of_ours_makes_code_or_markup_of_text() -> None:
    for script in (ROOM / "static").glob("*.js"):
        assert not re.search(r"\beval\(|new Function|innerHTML|\.write\(|setAttribute\(.on", script.read_text("utf-8"))
