"""Checking a sealed agreement: anybody drops a PDF and is told whether it is ours and whole. Nothing is kept."""

from __future__ import annotations

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue

from agreements import offered
from app import access, database, verifying
from app.identity import limits
from app.web import layout, signin
from foundation.language import Text

blueprint = Blueprint("verify", __name__)

LARGEST = 15 * 1024 * 1024  # bytes; a request takes little more


@blueprint.get("/verify")
@access.public
def page() -> ResponseReturnValue:
    """Ask for a PDF."""
    return render_template("verify/page.html", verdict=None, words=verifying.WORDS, of=None, error=None)


@blueprint.post("/verify")
@access.public
@layout.tokenless  # nobody is signed in, nothing is changed and nothing kept: there is nothing to forge
def judge() -> ResponseReturnValue:
    """Judge the PDF that was dropped."""
    signin.count(limits.VERIFYING)
    file = request.files.get("file")
    content = file.read(LARGEST + 1) if file is not None else b""
    if not content or len(content) > LARGEST:
        error = Text("Vælg en PDF på højst 15 MB", "Choose a PDF of at most 15 MB")
        return render_template("verify/page.html", verdict=None, words=verifying.WORDS, of=None, error=error), 422
    with database.reading() as session:
        verdict = verifying.verify(session, content)
        of = offered.get(session, verdict.original.offer_id) if verdict.original is not None else None
    return render_template("verify/page.html", verdict=verdict, words=verifying.WORDS, of=of, error=None)
