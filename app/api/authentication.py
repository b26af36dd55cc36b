"""Who stands behind a request of a program: its token says so, and nothing else. A browser's cookie opens nothing here.

So no page of another site can act through a signed-in browser, and the API needs no protection against forged forms.
"""

from __future__ import annotations

from datetime import timedelta

from flask import g, request
from sqlalchemy import update

from app import clock, database
from app.access import ANONYMOUS, Principal
from app.errors import is_api
from app.identity import limits, sessions, tokens
from app.identity.limits import Limit
from app.web import layout

#: Tries with a token that opens nothing, from one address.
WRONG_TOKEN = Limit("api-token", 30, timedelta(minutes=5))


def principal() -> Principal:
    """Give who stands behind the request: of a program by its token, of a browser by its session. Raises TooMany."""
    return _of_token() if is_api() else sessions.principal()


def _of_token() -> Principal:
    kind, _, secret = request.headers.get("Authorization", "").partition(" ")
    if not secret:
        return ANONYMOUS
    config = layout.config()
    on, at = clock.today(config), clock.now(config)
    with database.reading() as session:
        known = tokens.known(session, secret.strip(), on, at) if kind.lower() == "bearer" else None
    if known is None:
        limits.count(WRONG_TOKEN, request.remote_addr or "", config.secret_key, at)
        return ANONYMOUS
    if not known.is_used_today:
        with database.aside() as connection:
            used = update(tokens.TOKENS).where(tokens.TOKENS.c.id == known.token_id)
            connection.execute(used.values(last_used_on=on))
    g.token_id = known.token_id
    return known.principal
