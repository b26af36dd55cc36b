"""Somebody signed in without a provider: rows of a person, its role and its browser, made directly in the database."""

from __future__ import annotations

import secrets
from datetime import date, datetime, timedelta

from sqlalchemy.orm import Session

from app.access import Principal, Role
from app.identity import tokens, users
from app.identity.models import BrowserSession, RoleGrant, UserAccount
from foundation.audit import Trail

_LONG = timedelta(hours=9)


def person(session: Session, role: Role, at: datetime) -> UserAccount:
    """Add a person with one role; the caller commits."""
    found = UserAccount(name="En Bruger", mail="en@example.org", language="da", created_at=at, ended_at=None)
    session.add(found)
    session.flush()
    since = date(2020, 1, 1)
    session.add(
        RoleGrant(user_id=found.id, role=role, from_on=since, until_on=None, granted_by="benchmark", granted_at=at)
    )
    session.flush()
    return found


def browser(session: Session, user: UserAccount, at: datetime) -> str:
    """Add a browser in which a person is signed in; give its cookie's value. The caller commits."""
    token = secrets.token_urlsafe(32)
    session.add(
        BrowserSession(id_sha256=users.hashed(token), user_id=user.id, data="{}", created_at=at, seen_at=at,
                       signed_in_at=at, expires_at=at + _LONG)
    )  # fmt: skip
    session.flush()
    return token


def token(session: Session, user: UserAccount, at: datetime) -> str:
    """Add a token that reads the registers; give its secret. The caller commits."""
    trail = Trail(session, "benchmark", at)
    owner = Principal(user.id, user.name, frozenset({Role.FINANCE}), signed_in_at=at, via="browser")
    _, secret = tokens.make(session, owner, "benchmark", ["authority.read"], 30, trail)
    trail.write()
    return secret
