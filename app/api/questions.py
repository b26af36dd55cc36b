"""Questions on the road: reading threads, asking, answering, and saying who answers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from agreements.products import PRODUCTS
from agreements.road import inquiries
from agreements.road.inquiries import INQUIRIES, Inquiry, InquiryRefused, Kind, Question
from app import access, database, inquiry_letters
from app.api import answers, ground, pages, writes
from app.api.ground import ID, ID_IN_PATH
from app.api.pages import PageQuery
from app.api.writes import Answer
from app.schemas import Asking, Assigning, ThreadWords, Words
from app.web import layout
from authorities.register import AUTHORITIES
from foundation import wording
from foundation.audit import Trail
from foundation.language import Text

room = ground.room("questions", "Questions on the road, from question to answer")

_ONE = f"/questions/{ID_IN_PATH}"


class QuestionQuery(PageQuery):
    """Which threads."""

    product = Words(wording.LONGEST_PRODUCT, metadata={"description": "a product"})


def _scoped(permission: str = "journey.read") -> Select[Any]:
    return access.of_products(inquiries.listing(), AUTHORITIES.c.id, PRODUCTS.c.name, permission)


# --- reading


@ground.reads(room, "/questions", "journey.read", answers.page_of(answers.Thread), QuestionQuery)
def list_questions(query: Mapping[str, Any]) -> Any:
    """List the threads, in the order they began."""
    statement = _scoped()
    if given := query.get("product"):
        statement = statement.where(PRODUCTS.c.name == given)
    with database.reading() as session:
        told = pages.read(session, statement, INQUIRIES.c.id, query, lambda row: row)
        return told | {"items": [_told(each) for each in inquiries.read(session, told["items"])]}


@ground.reads(room, _ONE, "journey.read", answers.WholeThread, parameters={"id_": ID})
def one_question(query: object, id_: int) -> Any:
    """Give one thread with what was written in it; notes are for those who answer, and for who reads everything."""
    with database.reading() as session:
        found = inquiries.get(session, _scoped(), id_)
    told = [
        {name: getattr(message, name) for name in ("kind", "words", "written_by", "written_at")}
        for message in found.messages
        if message.kind != "note" or _reads_notes(found)
    ]
    return _told(found) | {"messages": told}


def _reads_notes(inquiry: Inquiry) -> bool:
    answers_, reads = access.scope("journey.answer"), access.scope("journey.read")
    return answers_.everything or reads.everything or inquiry.product in answers_.products


def _told(inquiry: Inquiry) -> dict[str, Any]:
    assigned = inquiry.assigned
    return {
        "id": inquiry.id, "cvr": inquiry.cvr, "authority": inquiry.authority, "product": inquiry.product,
        "topic": inquiry.topic, "subject": inquiry.subject, "asked_at": inquiry.asked_at, "waits": inquiry.waits,
        "waits_since": inquiry.waits_since, "assigned_to": None if assigned is None else assigned.assigned_to,
        "due_on": None if assigned is None else assigned.due_on,
    }  # fmt: skip


# --- acts


@ground.writes(room, "/questions", "journey.update", Asking, answers.ThreadActed)
def ask(query: object, sent: Mapping[str, Any]) -> Any:
    """Begin a thread, and tell who may answer."""

    def act(session: Session, trail: Trail) -> Answer:
        authority_id = session.execute(select(AUTHORITIES.c.id).where(AUTHORITIES.c.cvr == sent["cvr"])).scalar()
        if authority_id is None or not access.reaches("journey.update", authority_id):
            raise InquiryRefused({"cvr": Text("Vælg en myndighed", "Choose an authority")})
        question = Question(authority_id, sent.get("product", ""), sent["topic"], sent["subject"], sent["words"])
        number = inquiries.ask(session, question, access.current().user_id, trail)
        if trail.recorded(("inquiry.asked",)):
            inquiry_letters.asked(session, inquiries.get(session, _scoped(), number), trail, layout.config())
        return Answer({"question": number, "what": "asked"}, location=f"/api/v1/questions/{number}")

    return writes.once(act)


def _written(id_: int, kind: Kind, permission: str, words: str) -> Any:
    def act(session: Session, trail: Trail) -> Answer:
        found = inquiries.get(session, _scoped(permission), id_)
        if inquiries.write(session, found, kind, words, trail):
            found = inquiries.get(session, _scoped(permission), id_)
            if kind == "question":
                inquiry_letters.asked(session, found, trail, layout.config())
            elif kind == "answer":
                inquiry_letters.answered(session, found, trail, layout.config())
        return Answer({"question": id_, "what": kind})

    return writes.once(act)


@ground.writes(room, f"{_ONE}/further", "journey.update", ThreadWords, answers.ThreadActed)
def ask_further(query: object, sent: Mapping[str, Any], id_: int) -> Any:
    """Ask further in a thread."""
    return _written(id_, "question", "journey.update", sent["words"])


@ground.writes(room, f"{_ONE}/answers", "journey.answer", ThreadWords, answers.ThreadActed)
def answer(query: object, sent: Mapping[str, Any], id_: int) -> Any:
    """Answer, and tell who asked."""
    return _written(id_, "answer", "journey.answer", sent["words"])


@ground.writes(room, f"{_ONE}/notes", "journey.answer", ThreadWords, answers.ThreadActed)
def note(query: object, sent: Mapping[str, Any], id_: int) -> Any:
    """Write a note for those who answer."""
    return _written(id_, "note", "journey.answer", sent["words"])


@ground.writes(room, f"{_ONE}/assignments", "journey.answer", Assigning, answers.ThreadActed)
def assign(query: object, sent: Mapping[str, Any], id_: int) -> Any:
    """Say who is to answer, and by when, and tell them."""

    def act(session: Session, trail: Trail) -> Answer:
        found = inquiries.get(session, _scoped("journey.answer"), id_)
        inquiries.assign(session, found, sent["assigned_to"], sent.get("due_on"), trail)
        found = inquiries.get(session, _scoped("journey.answer"), id_)
        inquiry_letters.assigned(session, found, trail, layout.config())
        return Answer({"question": id_, "what": "assigned"})

    return writes.once(act)
