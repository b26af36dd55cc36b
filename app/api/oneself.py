"""Whose token this is: its owner, what it may do today, and the owner's tokens."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from app import access, database
from app.api import answers, ground
from app.identity import tokens
from authorities.models import Authority

room = ground.room("me", "Oneself")


@ground.reads(room, "/me", "account.use", answers.Me)
def me(query: object) -> Any:
    """Tell whose token this is, and what it may do today."""
    person = access.current()
    with database.reading() as session:
        own = select(Authority.cvr).where(Authority.id.in_(sorted(person.authorities))).order_by(Authority.cvr)
        cvrs = list(session.scalars(own))
    return {
        "name": person.name, "language": person.language, "roles": sorted(person.roles), "cvrs": cvrs,
        "products": sorted(person.products), "permissions": tokens.offered_to(person),
    }  # fmt: skip


@ground.reads(room, "/me/tokens", "account.use", answers.Tokens)
def own_tokens(query: object) -> Any:
    """List one's own tokens; they are made and ended on a page, in person."""
    with database.reading() as session:
        return {"items": tokens.of(session, access.current().user_id or 0)}
