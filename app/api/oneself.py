"""Whose token this is: its owner, what it may do today, and the owner's tokens."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from flask import g
from sqlalchemy import select
from sqlalchemy.orm import Session

from app import access, database
from app.api import answers, ground, writes
from app.api.ground import ID, Write
from app.api.writes import Answer
from app.identity import tokens
from app.identity.tokens import Token
from authorities.models import Authority
from foundation.audit import Trail

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
    """List one's own tokens; they are made on a page, in person."""
    with database.reading() as session:
        return {"items": [_told(token) for token in tokens.of(session, access.current().user_id or 0)]}


@ground.writes(
    room, f"/me/tokens/{ground.ID_IN_PATH}/end", "account.use", None, answers.Token,
    Write(200, parameters={"id_": ID}),
)  # fmt: skip
def end_token(query: object, id_: int) -> Any:
    """End one of one's own tokens at once, which may be the one that asks. Ending gives nobody anything."""
    owner = access.current().user_id or 0

    def act(session: Session, trail: Trail) -> Answer:
        tokens.end(session, owner, id_, trail)
        ended = next(token for token in tokens.of(session, owner) if token.id == id_)
        return Answer(answers.Token().dump(_told(ended)), 200)

    return writes.once(act)


def _told(token: Token) -> dict[str, Any]:
    return asdict(token) | {"is_this": token.id == g.get("token_id")}
