"""The tables of identity. Roles and seats are dated facts; a browser and a link are kept as hashes, never as they are.

They may change: what somebody did is in the audit trail, which names the person by name and id.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from sqlalchemy import ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from foundation.base import Base

#: Rows that no backup holds: restored, they would let old browsers in again.
FLEETING: Mapping[str, Any] = {"info": {"fleeting": True}}


class UserAccount(Base):
    """A person who may sign in. The mail address is for letters; it never tells who somebody is."""

    __tablename__ = "user_account"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    mail: Mapped[str] = mapped_column(index=True)
    language: Mapped[str]
    created_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]


class UserIdentity(Base):
    """Who somebody is to a provider of identities: its issuer, and the subject it gives."""

    __tablename__ = "user_identity"
    __table_args__ = (UniqueConstraint("issuer", "subject"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user_account.id"), index=True)
    issuer: Mapped[str]
    subject: Mapped[str]


class RoleGrant(Base):
    """A role somebody has from `from_on` up to, but without, `until_on`."""

    __tablename__ = "role_grant"

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user_account.id"), index=True)
    role: Mapped[str] = mapped_column(index=True)
    from_on: Mapped[date]
    until_on: Mapped[date | None]
    granted_by: Mapped[str]
    granted_at: Mapped[datetime]


class Seat(Base):
    """A place in an authority or in the coordination group of a product: one of the two, for some days."""

    __tablename__ = "seat"

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user_account.id"), index=True)
    authority_id: Mapped[int | None] = mapped_column(ForeignKey("authority.id"))
    product: Mapped[str | None]
    from_on: Mapped[date]
    until_on: Mapped[date | None]
    given_by: Mapped[str]


class Invitation(Base):
    """A link that binds a person to the sign-in that follows it: once, from the browser that took it up first."""

    __tablename__ = "invitation"
    __table_args__ = (UniqueConstraint("token_sha256"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user_account.id"), index=True)
    token_sha256: Mapped[str]
    made_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    browser_sha256: Mapped[str | None]  # the browser that took it up; no other can
    used_at: Mapped[datetime | None]
    made_by: Mapped[str]


class BrowserSession(Base):
    """A browser that is known again by a random cookie, of which this keeps only the hash."""

    __tablename__ = "browser_session"
    __table_args__ = FLEETING

    id_sha256: Mapped[str] = mapped_column(primary_key=True)
    user_id: Mapped[int | None] = mapped_column(ForeignKey("user_account.id"), index=True)
    data: Mapped[str]  # JSON
    created_at: Mapped[datetime]
    seen_at: Mapped[datetime]
    signed_in_at: Mapped[datetime | None]  # the provider's auth_time
    expires_at: Mapped[datetime] = mapped_column(index=True)


class SignInCount(Base):
    """How often something was tried from one place in a window of time, over all workers."""

    __tablename__ = "sign_in_count"
    __table_args__ = FLEETING

    key: Mapped[str] = mapped_column(primary_key=True)
    window_start: Mapped[datetime] = mapped_column(primary_key=True)
    count: Mapped[int]


class ApiToken(Base):
    """A secret by which a program acts for its owner, of which this keeps only the hash. It never exceeds the owner."""

    __tablename__ = "api_token"
    __table_args__ = (UniqueConstraint("token_sha256"), FLEETING)

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user_account.id"), index=True)
    name: Mapped[str]
    token_sha256: Mapped[str]
    permissions: Mapped[str]  # JSON: a sorted list of names of permissions
    made_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    last_used_on: Mapped[date | None]


class IdempotencyKey(Base):
    """What was answered to a write, so that the same write sent again is answered alike and done once."""

    __tablename__ = "idempotency_key"
    __table_args__ = FLEETING

    owner: Mapped[int] = mapped_column(ForeignKey("user_account.id"), primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    fingerprint: Mapped[str]  # SHA-256 of method, path, kind of content and body
    status: Mapped[int]
    answer: Mapped[str]  # JSON
    location: Mapped[str | None]
    made_at: Mapped[datetime] = mapped_column(index=True)
