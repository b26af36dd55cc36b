"""The letters of questions: who is to answer is told that a question came, who asked is told that an answer has.

A letter leads to the thread and holds nothing of it: whoever opens it signs in as themselves.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row, select
from sqlalchemy.orm import Session

from agreements import correspondence
from agreements.road.inquiries import Inquiry
from app.access import Role
from app.agreement_letters import base_url
from app.config import Config
from app.identity import users
from app.identity.models import UserAccount
from app.identity.users import Person
from authorities.register import AUTHORITIES
from foundation import letters
from foundation.audit import Trail
from foundation.language import Language, Text
from foundation.letters import Letter
from foundation.periods import BUSINESS_ZONE

KIND = "inquiry"


#: Who answers questions; of a product's coordination group it is the questions about that product.
_STAFF = frozenset({Role.FINANCE, Role.APPROVER})


def asked(session: Session, inquiry: Inquiry, trail: Trail, config: Config) -> None:
    """Tell who may answer of a question. Needs the writer's lock.

    That is the secretariat, where its settings name somebody, who coordinates the product, and whoever it is assigned
    to; not who wrote it.
    """
    told = Text(
        f"{inquiry.authority} har stillet et spørgsmål. Log ind og svar her:",
        f"{inquiry.authority} has asked a question. Sign in and answer here:",
    )
    title = Text("Et spørgsmål venter på svar", "A question waits for an answer")
    answering = _answering(session, inquiry, trail)
    receivers: dict[str, Language] = dict.fromkeys(correspondence.current(session).told, "da")
    receivers |= {
        person.mail: users.spoken_by(person)
        for person in answering
        if person.mail in receivers or _coordinates(person, inquiry) or person is _assignee(answering, inquiry)
        if users.actor(person) != trail.actor
    }
    wanted = [
        Letter(KIND, _about(inquiry), to, title[spoken], f"{told[spoken]} {_page(inquiry, config)}\n")
        for to, spoken in receivers.items()
    ]
    _write(session, wanted, trail, config)


def assigned(session: Session, inquiry: Inquiry, trail: Trail, config: Config) -> None:
    """Tell whoever a waiting question was assigned to, where that is one account that may answer it.

    Needs the writer's lock.
    """
    person = _assignee(_answering(session, inquiry, trail), inquiry)
    if person is None or inquiry.assigned is None or not inquiry.waits or users.actor(person) == trail.actor:
        return
    spoken = users.spoken_by(person)
    told = Text(
        f"Et spørgsmål fra {inquiry.authority} er givet til dig. Log ind og svar her:",
        f"A question from {inquiry.authority} is given to you. Sign in and answer here:",
    )
    title = Text("Du skal besvare et spørgsmål", "You are to answer a question")
    about = f"{_about(inquiry)} assigned {inquiry.assigned.id}"
    wanted = [Letter(KIND, about, person.mail, title[spoken], f"{told[spoken]} {_page(inquiry, config)}\n")]
    _write(session, wanted, trail, config)


def _answering(session: Session, inquiry: Inquiry, trail: Trail) -> list[Person]:
    """Give those who may answer a thread today: staff, and the coordination group of its product."""
    today = trail.at.astimezone(BUSINESS_ZONE).date()
    return [
        person
        for person in users.people(session, today)
        if _STAFF & frozenset(person.roles) or _coordinates(person, inquiry)
    ]


def _coordinates(person: Person, inquiry: Inquiry) -> bool:
    return (
        inquiry.product is not None
        and Role.COORDINATION in person.roles
        and any(seat.product == inquiry.product for seat in person.seats)
    )


def _assignee(answering: Sequence[Person], inquiry: Inquiry) -> Person | None:
    """Give whose name, mail address or number a thread is assigned to; None where it is nobody's or several ones'."""
    if inquiry.assigned is None:
        return None
    words = inquiry.assigned.assigned_to.casefold()
    named = [
        person
        for person in answering
        if words in (person.name.casefold(), person.mail.casefold(), users.actor(person).casefold())
    ]
    return named[0] if len(named) == 1 else None


def answered(session: Session, inquiry: Inquiry, trail: Trail, config: Config) -> None:
    """Tell who asked that an answer has come, while the account has not ended. Needs the writer's lock."""
    person = session.scalar(
        select(UserAccount).where(UserAccount.id == inquiry.asker_id, UserAccount.ended_at.is_(None))
    )
    if person is None:
        return
    spoken = users.spoken_by(person)
    told = Text(
        "Dit spørgsmål er besvaret. Log ind og læs svaret her:",
        "Your question is answered. Sign in and read the answer here:",
    )
    title = Text("Dit spørgsmål er besvaret", "Your question is answered")
    wanted = [Letter(KIND, _about(inquiry), person.mail, title[spoken], f"{told[spoken]} {_page(inquiry, config)}\n")]
    _write(session, wanted, trail, config)


def wished(session: Session, inquiry: Inquiry, showing: Row[Any], trail: Trail, config: Config) -> None:
    """Tell an authority's people that somebody would like to see what they offer to show. Needs the writer's lock."""
    cvr = session.execute(select(AUTHORITIES.c.cvr).where(AUTHORITIES.c.id == showing.authority_id)).scalar()
    people = users.people(session, trail.at.astimezone(BUSINESS_ZONE).date()) if cvr else []
    told = Text(
        f"{inquiry.authority} vil gerne se {inquiry.product} hos jer, som I har tilbudt. De skriver til den funktion, "
        "I har nævnt, eller sekretariatet gør. Se eller træk tilbuddet tilbage her:",
        f"{inquiry.authority} would like to see {inquiry.product} with you, as you offered. They write to the function "
        "that you named, or the secretariat does. See the offer or take it back here:",
    )
    title = Text("Nogen vil gerne se et produkt hos jer", "Somebody would like to see a product with you")
    place = f"{base_url(config)}/showings/{showing.id}"
    wanted = [
        Letter(KIND, f"showing {showing.id}/{inquiry.id}", person.mail, title[spoken], f"{told[spoken]} {place}\n")
        for person in people
        if Role.SIGNATORY in person.roles and any(seat.cvr == cvr for seat in person.seats)
        for spoken in (users.spoken_by(person),)
    ]
    _write(session, wanted, trail, config)


def _about(inquiry: Inquiry) -> str:
    """Name a thread as it stands, so that each further word has a letter of its own."""
    return f"inquiry {inquiry.id}/{len(inquiry.messages)}"


def _page(inquiry: Inquiry, config: Config) -> str:
    return f"{base_url(config)}/questions/{inquiry.id}"


def _write(session: Session, wanted: list[Letter], trail: Trail, config: Config) -> None:
    if wanted:
        letters.write(session, wanted, trail, sender=config.mail.sender)
