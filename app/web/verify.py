"""Checking a sealed agreement: anybody drops a PDF and is told whether it is ours and whole. Nothing is kept."""

from __future__ import annotations

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue

from agreements import offered
from app import access, database
from app.identity import limits
from app.schemas import Checking
from app.web import forms, layout, signin
from foundation.language import Text

blueprint = Blueprint("verify", __name__)

LARGEST = 15 * 1024 * 1024  # bytes; a request takes little more


@blueprint.get("/verify")
@access.public
def page() -> ResponseReturnValue:
    """Ask for a PDF."""
    return render_template("verify/page.html", verdict=None, words={}, of=None, error=None)


@blueprint.post("/verify")
@access.public
@layout.tokenless  # nobody is signed in, nothing is changed and nothing kept: there is nothing to forge
def judge() -> ResponseReturnValue:
    """Judge the PDF that was dropped."""
    signin.count(limits.VERIFYING)
    sent = forms.read(Checking)
    for error in sent.errors.values():
        return _refused(error)
    content = sent["file"].read(LARGEST + 1)
    if not content or len(content) > LARGEST:
        return _refused(Text("Vælg en PDF på højst 15 MB", "Choose a PDF of at most 15 MB"))
    from app import verifying  # late: a server starts without what reads seals

    with database.reading() as session:
        verdict = verifying.verify(session, content)
        of = offered.get(session, verdict.original.offer_id) if verdict.original is not None else None
    return render_template("verify/page.html", verdict=verdict, words=verifying.WORDS, of=of, error=None)


def _refused(error: Text) -> ResponseReturnValue:
    return render_template("verify/page.html", verdict=None, words={}, of=None, error=error), 422
