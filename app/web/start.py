"""The start page, and the choice of language."""

from __future__ import annotations

from flask import Blueprint, redirect, render_template, session
from flask.typing import ResponseReturnValue

from app import access, database
from app.identity import users
from app.schemas import LanguageChoice
from app.web import forms, layout, overview

blueprint = Blueprint("start", __name__)


@blueprint.get("/")
@access.public
def page() -> ResponseReturnValue:
    """Show what needs doing now, or what this is to who is not signed in."""
    if access.current().user_id is None:
        return render_template("start.html")
    with database.reading() as opened:
        return render_template("start.html", **overview.told(opened))


@blueprint.post("/language")
@access.public
@layout.tokenless  # who is made to read English is not harmed, and a visitor needs no session for a token
def choose_language() -> ResponseReturnValue:
    """Keep the language for this browser, and with who is signed in; go back to where it was chosen."""
    sent = forms.taken(LanguageChoice)
    chosen = sent["language"]
    session["language"] = chosen
    person = access.current()
    if person.user_id is not None and person.language != chosen:
        with database.writing() as opened:
            users.speak(opened, person.user_id, chosen)
    return redirect(layout.own_path(sent["next"]), 303)
