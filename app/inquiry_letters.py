"""The letters of questions: who is to answer is told that a question came, who asked is told that an answer has.

A letter leads to the thread and holds nothing of it: whoever opens it signs in as themselves.
"""

from __future__ import annotations

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
from authorities.register import AUTHORITIES
from foundation import letters
from foundation.audit import Trail
from foundation.language import Text
from foundation.letters import Letter
from foundation.periods import BUSINESS_ZONE

KIND = "inquiry"


def asked(session: Session, inquiry: Inquiry, trail: Trail, config: Config) -> None:
    """Tell the secretariat of a question, where its settings name somebody. Needs the writer's lock."""
    told = correspondence.current(session).told
    words = f"{inquiry.authority} har stillet et spørgsmål. Log ind og svar her: {_page(inquiry, config)}\n"
    title = "Et spørgsmål venter på svar"
    _write(session, [Letter(KIND, _about(inquiry), to, title, words) for to in told], trail, config)


def answered(session: Session, inquiry: Inquiry, trail: Trail, config: Config) -> None:
    """Tell who asked that an answer has come, while the account has not ended. Needs the writer's lock."""
    mail = session.execute(
        select(UserAccount.mail).where(UserAccount.id == inquiry.asker_id, UserAccount.ended_at.is_(None))
    ).scalar()
    if mail is None:
        return
    words = f"Dit spørgsmål er besvaret. Log ind og læs svaret her: {_page(inquiry, config)}\n"
    _write(session, [Letter(KIND, _about(inquiry), mail, "Dit spørgsmål er besvaret", words)], trail, config)


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
