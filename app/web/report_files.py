"""A report as a file in the browser and the API: in the language that was asked for, and told of in the audit trail."""

from __future__ import annotations

from flask import Response, request

from app import publishing
from app.web import layout
from billing.funding.publications import NoSuchReport
from foundation.language import LANGUAGES, Language, Text

#: The forms a report comes in.
FORMS = ("pdf", "xlsx", "json")


def language() -> Language:
    """Give the language that the address asks for; without one, the reader's own."""
    asked = request.args.get("language")
    return asked if asked in LANGUAGES else layout.spoken()


def refuse_other(form: str) -> None:
    """Refuse a form that no report comes in. Raises NoSuchReport."""
    if form not in FORMS:
        raise NoSuchReport(Text("Rapporten kan hentes som pdf, xlsx eller json",
                                "The report comes as pdf, xlsx or json"))  # fmt: skip


def response(content: bytes, form: str, name: str, digest: str) -> Response:
    """Answer with a file to be saved; the trail tells which, by the report's digest."""
    answer = Response(content, mimetype=publishing.TYPES.get(form, "application/json"))
    answer.headers["Content-Disposition"] = f'attachment; filename="{_plain(name)}"'
    answer.add_etag()
    with layout.acting() as (_, trail):
        trail.record("export.made", name, {"digest": digest})
    return answer


def _plain(name: str) -> str:
    """Give a name that a header may hold."""
    return "".join(letter if letter.isascii() and (letter.isalnum() or letter in "._-") else "_" for letter in name)
