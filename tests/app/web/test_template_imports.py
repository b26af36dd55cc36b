"""Macros speak by what they are given and by what every template has: so each is made once, not for every page."""

from __future__ import annotations

import re
from pathlib import Path

from flask import Flask
from jinja2 import meta

from app.web import speaking
from tests import world
from tests.app.web.agreed import line_of

TEMPLATES = Path("app/templates")
IMPORTED = sorted({name for file in TEMPLATES.rglob("*.html")
                   for name in re.findall(r'{% import "([^"]+)"', file.read_text(encoding="utf-8"))})  # fmt: skip


def wanting(app: Flask, name: str) -> set[str]:
    """The names a template takes from the page that imports it."""
    environment = app.jinja_env
    source = (TEMPLATES / name).read_text(encoding="utf-8")
    known = {*environment.globals, *speaking.IN["da"]}
    macros_own = set(re.findall(r"{% set (\w+)", source))
    return meta.find_undeclared_variables(environment.parse(source)) - known - macros_own


def test_no_macro_takes_anything_from_the_page_around_it(tmp_path: Path) -> None:
    with world.made(line_of(tmp_path)) as app:
        found = {name: wanting(app, name) for name in IMPORTED}

    assert {name: names for name, names in found.items() if names} == {}
    assert IMPORTED


def test_no_template_is_imported_anew_for_every_page() -> None:
    assert [file.name for file in TEMPLATES.rglob("*.html") if "with context" in file.read_text(encoding="utf-8")] == []
