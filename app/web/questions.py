"""Questions on the road in the browser: asking, the inbox, answering in one thread, and answers that are used again."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from functools import partial
from typing import Any

from flask import Blueprint, Response, redirect, render_template, request
from flask.typing import ResponseReturnValue
from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from agreements.products import PRODUCTS
from agreements.road import inquiries
from agreements.road.inquiries import TOPICS, Inquiry, InquiryRefused, Kind, Question
from app import access, database, inquiry_letters
from app.schemas import Asking, Assigning, CommonAnswerWords, Nothing, ThreadWords
from app.web import filling, forms, layout, lists, memory_list
from app.web.forms import Sent
from app.web.lists import Choice, Column
from app.web.memory_list import Field, MemoryListing
from authorities.register import AUTHORITIES
from foundation.audit import Trail
from foundation.language import Text, same
from foundation.sorting import alphabetical

blueprint = Blueprint("questions", __name__)

_STATES = {"waits": Text("Venter på svar", "Waits for an answer"), "answered": Text("Besvaret", "Answered")}

_DONE: Mapping[Kind, Text] = {
    "question": Text("Spørgsmålet er sendt", "The question is sent"),
    "answer": Text("Svaret er sendt", "The answer is sent"), "note": Text("Noten er gemt", "The note is kept"),
}  # fmt: skip


def _scoped(permission: str = "journey.read") -> Select[Any]:
    return access.of_products(inquiries.listing(), AUTHORITIES.c.id, PRODUCTS.c.name, permission)


def _seen(session: Session, number: int, permission: str = "journey.read") -> Inquiry:
    return inquiries.get(session, _scoped(permission), number)


#: What a link to the form may say beforehand.
_GIVEN = ("cvr", "product", "topic", "subject")


# --- the inbox -----------------------------------------------------------------------------------------------------


@blueprint.get("/questions")
@access.needs("journey.read")
def page() -> ResponseReturnValue:
    """List the questions: those that wait longest first."""
    with database.reading() as session:
        rows, listing = _found(session)
    may_ask = access.current().may("journey.update")
    return render_template("road/questions.html", page=memory_list.page(listing, rows, request.args), may_ask=may_ask)


@blueprint.get("/questions.<form>")
@access.needs("export.use")
def export(form: str) -> Response:
    """Give the list as shown, as a file."""
    with database.reading() as session:
        rows, listing = _found(session)
    return lists.export_rows(listing.name, listing.columns, rows, form)


def _found(session: Session) -> tuple[list[Inquiry], MemoryListing]:
    today = layout.today()
    found = inquiries.read(session, session.execute(_scoped()).all())
    listing = _listing(found, today)
    given, (sort, descending) = memory_list.values(listing, request.args), memory_list.sorting(listing, request.args)
    shown = [row for row in found if _fits(row, given)]
    return sorted(shown, key=_orders(today)[sort], reverse=descending), listing


def _listing(found: Sequence[Inquiry], on: date) -> MemoryListing:
    products = sorted({each.product for each in found if each.product}, key=alphabetical)
    return MemoryListing(
        name="questions",
        caption=Text("Spørgsmål", "Questions"),
        columns=(
            Column("subject", Text("Spørgsmål", "Question"), lambda row: row.subject,
                   link=lambda row: f"/questions/{row.id}"),
            Column("authority", Text("Myndighed", "Authority"), lambda row: row.authority),
            Column("product", Text("Produkt", "Product"), lambda row: row.product or "–"),
            Column("topic", Text("Emne", "Topic"), lambda row: TOPICS[row.topic]),
            Column("state", Text("Tilstand", "State"), lambda row: _STATES["waits" if row.waits else "answered"]),
            Column("days", Text("Dage", "Days"), lambda row: _days(row, on)),
            Column("assigned", Text("Svarer", "Answers"),
                   lambda row: row.assigned.assigned_to if row.assigned else "–"),
            Column("due_on", Text("Senest", "By"), lambda row: row.assigned.due_on if row.assigned else None),
        ),
        filters=(
            Field("q", Text("Søg", "Search")),
            Field("state", Text("Tilstand", "State"), [Choice(key, title) for key, title in _STATES.items()]),
            Field("topic", Text("Emne", "Topic"), [Choice(key, title) for key, title in TOPICS.items()]),
            Field("product", Text("Produkt", "Product"), [Choice(name, same(name)) for name in products]),
        ),
        sort="-days",
        sortable=frozenset(_orders(on)),
        numbers=frozenset({"days"}),
        empty=Text("Ingen spørgsmål endnu. Stil et, når I vil vide noget om et produkt eller en tilslutning.",
                   "No questions yet. Ask one when you want to know something of a product or a connection."),
    )  # fmt: skip


def _days(row: Inquiry, on: date) -> int | None:
    return None if row.waits_since is None else (on - row.waits_since).days


def _orders(on: date) -> Mapping[str, Callable[[Inquiry], Any]]:
    return {
        "days": lambda row: (-1 if (days := _days(row, on)) is None else days, row.id),
        "authority": lambda row: (alphabetical(row.authority), row.id),
        "subject": lambda row: (row.subject.casefold(), row.id),
        "due_on": lambda row: (row.assigned.due_on if row.assigned and row.assigned.due_on else date.max, row.id),
    }


def _fits(row: Inquiry, given: Mapping[str, str]) -> bool:
    words = f"{row.subject} {row.authority} {row.cvr}".casefold()
    return (
        all(word in words for word in given["q"].casefold().split())
        and given["state"] in ("", "waits" if row.waits else "answered")
        and given["topic"] in ("", row.topic)
        and given["product"] in ("", row.product)
    )


# --- asking --------------------------------------------------------------------------------------------------------


@blueprint.get("/questions/new")
@access.needs("journey.update")
def asking() -> ResponseReturnValue:
    """Offer the form of a question."""
    typed = {name: request.args[name] for name in _GIVEN if name in request.args}
    with database.reading() as session:
        return _asking(session, typed, {})


def _asking(session: Session, typed: Mapping[str, Any], errors: Mapping[str, Text]) -> str:
    reach = access.scope("journey.update")
    rows = session.execute(select(AUTHORITIES.c.id, AUTHORITIES.c.cvr, AUTHORITIES.c.name)).all()
    names = sorted(session.scalars(select(PRODUCTS.c.name)), key=alphabetical)
    own = [row for row in rows if reach.everything or row.id in reach.authorities]
    return render_template(
        "road/ask.html", typed=typed, errors=errors, topics=TOPICS, products=[(name, name) for name in names],
        authorities=[(row.cvr, row.name) for row in sorted(own, key=lambda row: alphabetical(row.name))],
    )  # fmt: skip


@blueprint.post("/questions/new")
@access.needs("journey.update")
def ask() -> ResponseReturnValue:
    """Begin a thread, and tell who may answer."""

    def act(session: Session, trail: Trail, sent: Sent) -> str:
        authority_id = session.execute(select(AUTHORITIES.c.id).where(AUTHORITIES.c.cvr == sent["cvr"])).scalar()
        if authority_id is None or not access.reaches("journey.update", authority_id):
            raise InquiryRefused({"cvr": Text("Vælg en myndighed", "Choose an authority")})
        question = Question(authority_id, sent.get("product", ""), sent["topic"], sent["subject"], sent["words"])
        number = inquiries.ask(session, question, access.current().user_id, trail)
        if trail.recorded(("inquiry.asked",)):
            inquiry_letters.asked(session, _seen(session, number), trail, layout.config())
        return f"/questions/{number}"

    return filling.filled(
        Asking, act, lambda session, sent: _asking(session, sent.typed, sent.errors), _DONE["question"]
    )


# --- one thread ----------------------------------------------------------------------------------------------------


@blueprint.get("/questions/<int:inquiry>")
@access.needs("journey.read")
def one(inquiry: int) -> ResponseReturnValue:
    """Show a thread from question to answer."""
    with database.reading() as session:
        return _one(session, inquiry, {}, {})


def _one(session: Session, number: int, typed: Mapping[str, Any], errors: Mapping[str, Text]) -> str:
    found = _seen(session, number)
    answers = _may_answer(found)
    shown = [message for message in found.messages if message.kind != "note" or answers or _is_reader()]
    return render_template(
        "road/question.html", inquiry=found, messages=shown, topics=TOPICS, typed=typed, errors=errors,
        may_answer=answers, may_ask=access.reaches("journey.update", found.authority_id), today=layout.today(),
        common=inquiries.common(session) if answers else [],
        kept_until=layout.config().road.kept_until(found.spoken_on),
    )  # fmt: skip


def _may_answer(inquiry: Inquiry) -> bool:
    reach = access.scope("journey.answer")
    return reach.everything or inquiry.product in reach.products


def _is_reader() -> bool:
    """Tell whether the person reads everything: the notes, too."""
    return access.scope("journey.read").everything


@blueprint.post("/questions/<int:inquiry>/ask")
@access.needs("journey.update")
def further(inquiry: int) -> ResponseReturnValue:
    """Ask further."""
    return _write(inquiry, "question", "journey.update")


@blueprint.post("/questions/<int:inquiry>/answer")
@access.needs("journey.answer")
def answer(inquiry: int) -> ResponseReturnValue:
    """Answer, and tell who asked."""
    return _write(inquiry, "answer", "journey.answer")


@blueprint.post("/questions/<int:inquiry>/note")
@access.needs("journey.answer")
def note(inquiry: int) -> ResponseReturnValue:
    """Write a note for those who answer."""
    return _write(inquiry, "note", "journey.answer")


def _write(number: int, kind: Kind, permission: str) -> ResponseReturnValue:
    def act(session: Session, trail: Trail, sent: Sent) -> str:
        if not inquiries.write(session, _seen(session, number, permission), kind, sent["words"], trail):
            return f"/questions/{number}"
        written = _seen(session, number, permission)
        if kind == "question":
            inquiry_letters.asked(session, written, trail, layout.config())
        elif kind == "answer":
            inquiry_letters.answered(session, written, trail, layout.config())
        return f"/questions/{number}"

    return filling.filled(ThreadWords, act, partial(_one_again, number, kind), _DONE[kind])


def _one_again(number: int, kind: str, session: Session, sent: Sent) -> str:
    """Show the thread again; `kind` is the form that has the faults."""
    return _one(session, number, {**sent.typed, "kind": kind}, sent.errors)


@blueprint.post("/questions/<int:inquiry>/assign")
@access.needs("journey.answer")
def assign(inquiry: int) -> ResponseReturnValue:
    """Say who is to answer, and by when, and tell them."""

    def act(session: Session, trail: Trail, sent: Sent) -> str:
        found = _seen(session, inquiry, "journey.answer")
        inquiries.assign(session, found, sent["assigned_to"], sent.get("due_on"), trail)
        inquiry_letters.assigned(session, _seen(session, inquiry, "journey.answer"), trail, layout.config())
        return f"/questions/{inquiry}"

    return filling.filled(Assigning, act, partial(_one_again, inquiry, "assign"), Text("Gemt", "Kept"))


# --- answers that are used again -----------------------------------------------------------------------------------


@blueprint.get("/questions/answers")
@access.needs("road.edit")
def common() -> ResponseReturnValue:
    """Show the answers that are used again, and a form for another."""
    with database.reading() as session:
        return _common(session, {}, {})


def _common(session: Session, typed: Mapping[str, Any], errors: Mapping[str, Text]) -> str:
    rows = inquiries.common(session)
    return render_template("road/answers.html", rows=rows, topics=TOPICS, typed=typed, errors=errors)


@blueprint.post("/questions/answers")
@access.needs("road.edit")
def keep() -> ResponseReturnValue:
    """Keep an answer to be used again."""

    def act(session: Session, trail: Trail, sent: Sent) -> str:
        inquiries.keep(session, sent["topic"], sent["title"], sent["words"], trail)
        return "/questions/answers"

    told = Text("Svaret er gemt", "The answer is kept")
    return filling.filled(CommonAnswerWords, act, lambda session, sent: _common(session, sent.typed, sent.errors), told)


@blueprint.post("/questions/answers/<int:answer>/retire")
@access.needs("road.edit")
def retire(answer: int) -> ResponseReturnValue:
    """Offer an answer no more."""
    forms.taken(Nothing)
    with layout.acting() as (session, trail):
        inquiries.retire(session, answer, trail)
    layout.done(Text("Svaret tilbydes ikke mere", "The answer is offered no more"))
    return redirect("/questions/answers", 303)
