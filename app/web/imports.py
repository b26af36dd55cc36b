"""Taking the registers' files in from the browser: the same intake as the command line, tried first where one likes."""

from __future__ import annotations

from flask import Blueprint, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from werkzeug.datastructures import FileStorage

from app import access, clock, database, register_files
from app.adapters import csv_files
from app.register_files import REGISTERS
from app.schemas import Intake
from app.web import forms, layout, titles
from foundation import wording
from foundation.audit import Trail
from foundation.errors import NotFound, Refused, RowsRefused
from foundation.intake import Rows, Taken
from foundation.language import Text, joined

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
    """Take a file in, or only tell what it would change; what is wrong comes back beside the field, row by row."""
    if name not in REGISTERS:
        raise NoSuchRegister(Text("Der er intet sådant register", "There is no such register"))
    sent = forms.read(Intake)
    if sent.errors:
        return _page(name, fault=joined(sent.errors.values(), by=", ")), 422
    is_trial = sent.get("trial") == "yes"
    try:
        rows = _rows(name, sent["file"])
        taken = _tried(name, rows) if is_trial else _taken(name, rows)
    except RowsRefused as refused:
        return _page(name, refused=refused, fault=refused.head), 422
    except Refused as refused:
        return _page(name, fault=refused.text), 422
    if is_trial:
        return _page(name, taken)
    layout.done(told(taken))
    return redirect(url_for("imports.page"), 303)


def _page(
    name: str = "", tried: Taken | None = None, refused: RowsRefused | None = None, fault: Text | None = None
) -> str:
    return render_template(
        "imports/page.html", registers=REGISTERS, chosen=name, tried=tried, told=told(tried) if tried else None,
        refused=refused, errors={f"file-{name}": fault} if fault else {}, titles=titles.FACTS,
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
