"""Taking the registers' files in from the browser: the same intake as the command line, tried first where one likes."""

from __future__ import annotations

from collections.abc import Mapping

from flask import Blueprint, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from werkzeug.datastructures import FileStorage

from app import access, clock, database, register_files
from app.adapters import csv_files
from app.register_files import REGISTERS
from app.schemas import Intake
from app.web import forms, layout
from foundation import wording
from foundation.audit import Trail
from foundation.errors import NotFound
from foundation.intake import Rows, Taken
from foundation.language import Text

blueprint = Blueprint("imports", __name__)


class NoSuchRegister(NotFound):
    """No register of that name comes as a file."""


@blueprint.get("/imports")
@access.needs("authority.change")
def page() -> ResponseReturnValue:
    """Offer the registers that come as files."""
    return _page()


@blueprint.post("/imports/<name>")
@access.needs("authority.change")
def take_in(name: str) -> ResponseReturnValue:
    """Take a file in, or only tell what it would change."""
    if name not in REGISTERS:
        raise NoSuchRegister(Text("Der er intet sådant register", "There is no such register"))
    sent = forms.read(Intake)
    if sent.errors:
        return _page(name, errors=sent.errors), 422
    rows, is_trial = _rows(name, sent["file"]), sent.get("trial") == "yes"
    taken = _tried(name, rows) if is_trial else _taken(name, rows)
    if is_trial:
        return _page(name, taken)
    layout.done(told(taken))
    return redirect(url_for("imports.page"), 303)


def _page(name: str = "", tried: Taken | None = None, errors: Mapping[str, Text] | None = None) -> str:
    return render_template(
        "imports/page.html", registers=REGISTERS, tried_name=name, tried=tried, told=told(tried) if tried else None,
        errors=errors or {},
    )  # fmt: skip


def _rows(name: str, file: FileStorage) -> Rows:
    return csv_files.read_stream(file.stream, wording.legible(file.filename or ""), REGISTERS[name].layout)


def _taken(name: str, rows: Rows) -> Taken:
    with layout.acting() as (session, trail):
        return register_files.take_in(session, REGISTERS[name], rows, trail, today=layout.today())


def _tried(name: str, rows: Rows) -> Taken:
    """Take a file in and forget it again, so that what is told is exactly what would happen."""
    with database.writing() as session:
        trail = Trail(session, access.current().actor, clock.now(layout.config()))
        taken = register_files.take_in(session, REGISTERS[name], rows, trail, today=layout.today())
        session.rollback()
    return taken


def told(taken: Taken) -> Text:
    """Say what an intake did."""
    return Text(
        f"{taken.source}: {taken.added} nye, {taken.changed} ændret, {taken.unchanged} uændret",
        f"{taken.source}: {taken.added} new, {taken.changed} changed, {taken.unchanged} unchanged",
    )
