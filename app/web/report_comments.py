"""What is said of a fund's period in the browser: a group asks, the secretariat answers, decisions are recorded."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Blueprint, redirect, render_template
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from app import access, database
from app.schemas import GroupDecision, Question
from app.web import forms, fund_addresses, layout
from billing.funding import comments, publications, summary
from billing.funding.comments import On, Unsayable
from foundation.language import Text

blueprint = Blueprint("report_comments", __name__)

#: Which form of the page was sent, where it comes back with its faults.
_ASKING, _DECIDING = "question", "decision"


@blueprint.get("/funds/<product>/<period>/comments")
@access.needs("funding.read")
def page(product: str, period: str) -> ResponseReturnValue:
    """Show questions with their answers, and decisions."""
    return _page(product, period, "", {}, {})


def _page(fund: str, period: str, form: str, given: Mapping[str, Any], errors: Mapping[str, Text]) -> str:
    with database.reading() as session:
        product, of = fund_addresses.found(session, fund, period)
        said = comments.of_report(session, product, of)
        newest = publications.newest(session, product, of)
    return render_template(
        "publications/comments.html", product=product, period=of, form=form, given=given, errors=errors,
        questions=[each for each in said if each.kind == "question"],
        decisions=[each for each in said if each.kind == "decision"], newest=newest and newest.edition,
        title=summary.title_of(product, of), address=fund_addresses.address(product, of),
        of_edition=fund_addresses.of_edition, today=layout.today(),
    )  # fmt: skip


@blueprint.post("/funds/<product>/<period>/comments")
@access.needs("funding.comment")
def ask(product: str, period: str) -> ResponseReturnValue:
    """Ask about the report."""
    sent = forms.read(Question)
    if sent.errors:
        return _page(product, period, _ASKING, sent.typed, sent.errors), 422
    try:
        with layout.acting() as (session, trail):
            on = _on(session, product, period, "funding.comment")
            number = comments.ask(session, on, sent["text"], trail)
    except Unsayable as refused:
        return _page(product, period, _ASKING, sent.typed, {"text": refused.text}), 422
    layout.done(Text("Spørgsmålet er sendt til sekretariatet", "The question was sent to the secretariat"))
    return redirect(f"{fund_addresses.of_comment(on)}#comment-{number}", 303)


@blueprint.post("/funds/<product>/<period>/comments/<int:question>/answer")
@access.needs("funding.prepare")
def answer(product: str, period: str, question: int) -> ResponseReturnValue:
    """Answer a question."""
    sent = forms.read(Question)
    if sent.errors:
        return _page(product, period, f"answer-{question}", sent.typed, sent.errors), 422
    try:
        with layout.acting() as (session, trail):
            on = _on(session, product, period, "funding.prepare")
            _refuse_strange(comments.question(session, question).on, on)
            comments.answer(session, question, sent["text"], trail)
    except Unsayable as refused:
        return _page(product, period, f"answer-{question}", sent.typed, {"text": refused.text}), 422
    layout.done(Text("Svaret er gemt", "The answer was kept"))
    return redirect(f"{fund_addresses.of_comment(on)}#comment-{question}", 303)


def _refuse_strange(asked: On, on: On) -> None:
    if (asked.product, asked.period) != (on.product, on.period):
        raise comments.NoSuchQuestion(Text("spørgsmålet hører ikke til her", "the question does not belong here"))


@blueprint.post("/funds/<product>/<period>/decisions")
@access.needs("funding.prepare")
def decide(product: str, period: str) -> ResponseReturnValue:
    """Record what was decided."""
    sent = forms.read(GroupDecision)
    if sent.errors:
        return _page(product, period, _DECIDING, sent.typed, sent.errors), 422
    try:
        with layout.acting() as (session, trail):
            on = _on(session, product, period, "funding.prepare")
            number = comments.decide(
                session, on, sent["text"], trail, decided_on=sent["decided_on"], reference=sent["reference"]
            )
    except Unsayable as refused:
        return _page(product, period, _DECIDING, sent.typed, {"decided_on": refused.text}), 422
    layout.done(Text("Beslutningen er noteret", "The decision was recorded"))
    return redirect(f"{fund_addresses.of_comment(on)}#comment-{number}", 303)


def _on(session: Session, fund: str, period: str, permission: str) -> On:
    product, of = fund_addresses.found(session, fund, period, permission)
    newest = publications.newest(session, product, of)
    return On(product, of, newest.edition.version if newest else 0)
