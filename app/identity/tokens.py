"""Tokens of the API: a program acts for its owner by one, within fewer permissions, never beyond the owner's roles.

The secret is shown once and kept as a hash. Roles, seats, the token's own end and its last day are read at every
request, so what is taken away counts at once. No token approves, and none makes another.
"""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import Date, Table, and_, bindparam, insert, select, update
from sqlalchemy.orm import Session

from app.access import NEVER_BY_TOKEN, Principal
from app.identity import users
from app.identity.models import ApiToken, RoleGrant, Seat, UserAccount
from foundation import wording
from foundation.audit import Trail
from foundation.errors import Conflict, NotFound, Refused
from foundation.language import Text

TOKENS: Table = ApiToken.__table__  # type: ignore[assignment]

#: What a token may be given: what the API asks for. Nothing that approves, nor people.
OFFERED = (
    "agreement.read", "authority.read", "authority.change", "tables.read", "tables.draft", "run.read", "run.plan",
    "run.issue", "invoice.read", "credit.prepare", "audit.read", "reminders.read", "reminders.plan",
    "reminders.send", "accounts.read", "accounts.prepare", "payment.read", "payment.match", "refund.prepare",
    "statement.read", "delivery.read", "delivery.send", "letter.read", "bank.read", "bank.import",
    "cost.read", "cost.enter", "funding.read", "funding.comment", "funding.prepare", "journey.read", "journey.update",
    "journey.answer", "settings.read", "settings.propose",
)  # fmt: skip
#: What every token may: ask whose it is.
ALWAYS = "account.use"

#: How long a token may live, in days; longer ones are forgotten.
LONGEST_DAYS = 366
#: How many of one's own may stand at a time.
MOST = 20

_PREFIX = "os2t_"
_SECRET = re.compile(r"os2t_[A-Za-z0-9_-]{43}")  # 256 random bits


class TokenRefused(Refused):
    """A token that cannot be made like that."""


class TooManyTokens(Conflict):
    """Somebody has as many tokens as one may have."""


class NoSuchToken(NotFound):
    """No token of one's own has that number."""


@dataclass(frozen=True, slots=True)
class Token:
    """A token as its owner sees it; the secret is not in it."""

    id: int
    name: str
    permissions: tuple[str, ...]
    made_at: datetime
    expires_at: datetime
    ended_at: datetime | None
    last_used_on: date | None

    def is_alive(self, at: datetime) -> bool:
        """Tell whether it still opens the door."""
        return self.ended_at is None and self.expires_at > at


@dataclass(frozen=True, slots=True)
class Known:
    """Whom a secret belongs to today, and which token it is."""

    principal: Principal
    token_id: int
    is_used_today: bool


# --- questions


def offered_to(principal: Principal) -> list[str]:
    """Give the permissions somebody can give a token: what the API asks for and they have themselves."""
    return [permission for permission in OFFERED if principal.may(permission)]


def of(session: Session, user_id: int) -> list[Token]:
    """Give somebody's tokens, newest first, in one query."""
    rows = session.execute(select(TOKENS).where(TOKENS.c.user_id == user_id).order_by(TOKENS.c.id.desc()))
    return [_token(row) for row in rows]


def known(session: Session, secret: str, on: date, at: datetime) -> Known | None:
    """Give whom a secret belongs to, as of today, in one query; None where it opens nothing."""
    if not _SECRET.fullmatch(secret):
        return None
    rows = session.execute(_FOUND, {"hash": users.hashed(secret), "on": on}).all()
    if not rows or rows[0].ended_at is not None or rows[0].expires_at <= at:
        return None
    person = users.principal_from(rows, rows[0].user_id, None)
    if person is None:
        return None
    held = frozenset(json.loads(rows[0].permissions)) - NEVER_BY_TOKEN | {ALWAYS}
    return Known(replace(person, via="token", permissions=held), rows[0].id, rows[0].last_used_on == on)


def _found() -> Any:
    on = bindparam("on", type_=Date())
    own = (column for column in TOKENS.c if column.name != "name")  # the owner's name is the one that counts
    return (
        select(*own, UserAccount.name, UserAccount.language, RoleGrant.role, Seat.authority_id, Seat.product)
        .join(UserAccount, and_(UserAccount.id == TOKENS.c.user_id, UserAccount.ended_at.is_(None)))
        .outerjoin(RoleGrant, and_(RoleGrant.user_id == UserAccount.id, users.in_force(RoleGrant, on)))
        .outerjoin(Seat, and_(Seat.user_id == UserAccount.id, users.in_force(Seat, on)))
        .where(TOKENS.c.token_sha256 == bindparam("hash"))
    )


_FOUND = _found()


def _token(row: Any) -> Token:
    return Token(
        row.id, row.name, tuple(json.loads(row.permissions)), row.made_at, row.expires_at, row.ended_at,
        row.last_used_on,
    )  # fmt: skip


# --- acts


def make(
    session: Session, principal: Principal, name: str, permissions: Sequence[str], days: int, trail: Trail
) -> tuple[int, str]:
    """Make somebody a token; give its id and its secret, told only here. Raises TokenRefused, TooManyTokens."""
    name = wording.composed(name.strip())
    chosen = sorted(set(permissions))
    _refuse_unfit(principal, name, chosen, days)
    if sum(token.is_alive(trail.at) for token in of(session, principal.user_id or 0)) >= MOST:
        raise TooManyTokens(
            Text(f"højst {MOST} nøgler ad gangen: afslut en først", f"at most {MOST} tokens at a time: end one first")
        )
    secret = _PREFIX + secrets.token_urlsafe(32)
    row = {
        "user_id": principal.user_id, "name": name, "token_sha256": users.hashed(secret),
        "permissions": json.dumps(chosen), "made_at": trail.at, "expires_at": trail.at + timedelta(days=days),
        "ended_at": None, "last_used_on": None,
    }  # fmt: skip
    id_ = int(session.execute(insert(TOKENS).values(row).returning(TOKENS.c.id)).scalar_one())
    trail.record("token.made", f"token {id_}", {"user": principal.user_id, "permissions": chosen, "days": days})
    return id_, secret


def end(session: Session, user_id: int, id_: int, trail: Trail) -> None:
    """End one of somebody's own tokens at once; twice is once. Raises NoSuchToken."""
    own = (TOKENS.c.id == id_, TOKENS.c.user_id == user_id)
    if session.execute(select(TOKENS.c.id).where(*own)).first() is None:
        raise NoSuchToken(Text(f"ingen nøgle har nummer {id_}", f"no token has the number {id_}"))
    ended = update(TOKENS).where(*own, TOKENS.c.ended_at.is_(None)).values(ended_at=trail.at)
    if session.execute(ended.returning(TOKENS.c.id)).first() is not None:
        trail.record("token.ended", f"token {id_}", {"user": user_id})


def _refuse_unfit(principal: Principal, name: str, chosen: Sequence[str], days: int) -> None:
    if fault := wording.fault(name, wording.LONGEST_NAME):
        raise TokenRefused(Text("navnet ", "the name ") + fault)
    if not name:
        raise TokenRefused(Text("giv nøglen et navn, så den kan kendes igen", "give the token a name to know it by"))
    offered = offered_to(principal)
    if not chosen or not set(chosen) <= set(offered):
        listed = ", ".join(offered) or "–"
        raise TokenRefused(
            Text(f"vælg mindst én af dine egne rettigheder: {listed}",
                 f"choose at least one of your own permissions: {listed}")
        )  # fmt: skip
    if not 1 <= days <= LONGEST_DAYS:
        raise TokenRefused(
            Text(f"en nøgle gælder 1 til {LONGEST_DAYS} dage", f"a token lives 1 to {LONGEST_DAYS} days")
        )
