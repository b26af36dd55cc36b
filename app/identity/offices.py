"""The chair's office: who signs for the association, from which day to which.

It is a right to sign like an authority's, kept in the same register with no authority, so there is one list of who may
bind whom. The administrator gives and ends it like a seat; the role of an approver comes beside it.
"""

from __future__ import annotations

from datetime import date, timedelta

from sqlalchemy import ColumnElement, delete, exists, func, or_, select
from sqlalchemy.orm import Session

from agreements import rights
from agreements.models import RightToSign, RightToSignEnd
from agreements.rights import Ground, Person, Right
from app.identity.models import BrowserSession, UserAccount
from foundation.audit import Trail
from foundation.errors import Refused
from foundation.language import Text


class OwnOffice(Refused):
    """Nobody gives or ends their own office."""


class NoOffice(Refused):
    """The person holds no office on that day."""


def is_chair(user_id: ColumnElement[int] | object, on: date | ColumnElement[date]) -> ColumnElement[bool]:
    """Tell in SQL whether somebody may sign for the association on a day."""
    ended = select(func.min(RightToSignEnd.until_on)).where(RightToSignEnd.right_id == RightToSign.id)
    cut = ended.correlate(RightToSign).scalar_subquery()
    return exists().where(
        RightToSign.authority_id.is_(None),
        RightToSign.user_id == user_id,
        RightToSign.from_on <= on,
        or_(RightToSign.until_on.is_(None), RightToSign.until_on >= on),
        or_(cut.is_(None), cut >= on),
    )


def of_user(session: Session, user_id: int) -> list[Right]:
    """Give the offices somebody holds or held, newest first."""
    return [right for right in rights.register(session, None) if right.person.user_id == user_id]


def held(session: Session) -> list[Right]:
    """Give the offices that were ever given, newest first: by whom, from which day to which."""
    return rights.register(session, None)


def give(session: Session, user: UserAccount, title: str, until_on: date | None, trail: Trail, *, on: date) -> Right:
    """Give somebody the office from a day, to a last day where one is known. Raises OwnOffice, rights.RightRefused.

    Who holds it on that day already goes on holding it as before.
    """
    _refuse_own(user, trail)
    held = rights.of_person(session, None, user.id, on)
    if held is not None:
        return held
    person = Person(user.name, user.mail, title, user.id)
    given = rights.give(session, None, person, Ground("position", on, until_on), trail)
    _end_sessions(session, user.id)
    return given


def end(session: Session, user: UserAccount, trail: Trail, *, on: date) -> None:
    """End somebody's office; `on` is the first day without. Raises OwnOffice, NoOffice."""
    _refuse_own(user, trail)
    held = rights.of_person(session, None, user.id, on)
    if held is None:
        raise NoOffice(Text(f"{user.name} har ikke hvervet", f"{user.name} does not hold the office"))
    rights.end(session, held.id, None, on - timedelta(days=1), trail)
    _end_sessions(session, user.id)


def _refuse_own(user: UserAccount, trail: Trail) -> None:
    if trail.actor.endswith(f" #{user.id}"):
        raise OwnOffice(Text("ingen giver sig selv hvervet: bed en anden", "nobody gives themselves the office"))


def _end_sessions(session: Session, user_id: int) -> None:
    """Let the person sign in anew, as every change of what somebody may do does."""
    session.flush()
    session.execute(delete(BrowserSession).where(BrowserSession.user_id == user_id))
