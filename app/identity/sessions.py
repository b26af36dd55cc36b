"""Sessions on the server: a browser is known again by a random cookie, of which the database keeps only the hash.

A row is read when a request first asks for it, in one query together with who the person is today. It is written only
when something in it changed, and its `seen_at` at most once a minute; whoever is not signed in and keeps nothing has
none. A row that was taken away meanwhile (sign-out, change of roles) is never written again.
"""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, cast

from flask import Flask, Request, Response, g
from flask import session as browser
from flask.sessions import SessionInterface, SessionMixin
from sqlalchemy import Date, Row, Table, and_, bindparam, delete, insert, or_, select, update
from sqlalchemy.orm import Session

from app import clock, database
from app.access import ANONYMOUS, Principal
from app.config import Config
from app.identity import offices, users
from app.identity.models import BrowserSession, RoleGrant, Seat, SignInCount, UserAccount

SESSIONS: Table = BrowserSession.__table__  # type: ignore[assignment]
COUNTS: Table = SignInCount.__table__  # type: ignore[assignment]

#: `seen_at` is written when it is older than this.
SEEN_EVERY = timedelta(minutes=1)
#: How long a browser that nobody signed in with is known.
NOBODYS = timedelta(days=1)

_TOKEN = re.compile(r"[A-Za-z0-9_-]{43}")  # 256 random bits
_CLEANED_AT_A_TIME = 500


@dataclass(frozen=True, slots=True)
class _Known:
    """What the database knows of a browser, as read."""

    id: str
    user_id: int | None
    data: str
    seen_at: datetime
    signed_in_at: datetime | None
    person: Principal | None


class ServerSession(SessionMixin):
    """One browser's session; reads its row when it is first asked for anything."""

    def __init__(self, config: Config, token: str) -> None:
        self._config = config
        self._given = token if _TOKEN.fullmatch(token) else ""
        self._had_cookie = bool(token)
        self._known: _Known | None = None
        self._values: dict[str, Any] | None = None
        self._new_token = ""
        self._is_over = False
        self.modified = False
        self.accessed = False

    # --- what Flask and views use as a dictionary

    def __getitem__(self, key: str) -> Any:
        return self._loaded()[key]

    def __setitem__(self, key: str, value: Any) -> None:
        self._loaded()[key] = value
        self.modified = True

    def __delitem__(self, key: str) -> None:
        del self._loaded()[key]
        self.modified = True

    def __iter__(self) -> Iterator[str]:
        return iter(self._loaded())

    def __len__(self) -> int:
        return len(self._loaded())

    # --- what the house uses

    @property
    def principal(self) -> Principal:
        """Who this browser's person is today; nobody where nobody is signed in."""
        values = self._loaded()
        if self._known is None or self._known.person is None:
            return replace(ANONYMOUS, language="en" if values.get("language") == "en" else "da")
        return self._known.person

    @property
    def hash(self) -> str:
        """The hash by which this browser is kept. A browser without a row gets one, kept with the answer."""
        values = self._loaded()
        if self._known is not None:
            return self._known.id
        if not self._new_token:
            self._new_token = secrets.token_urlsafe(32)
            self.modified = True
        values.setdefault("begun", True)
        return users.hashed(self._new_token)

    def sign_in(self, session: Session, user_id: int, signed_in_at: datetime | None, keep: dict[str, Any]) -> None:
        """Make this the session of somebody: under a new secret, with nothing of before but `keep`."""
        self.end(session)
        now = clock.now(self._config)
        self._new_token, self._is_over = secrets.token_urlsafe(32), False
        self._values = dict(keep)
        row = _row(users.hashed(self._new_token), self._values, now, self._config.session_limit)
        row |= {"user_id": user_id, "signed_in_at": signed_in_at}
        session.execute(insert(SESSIONS), row)
        self._known = _Known(row["id_sha256"], user_id, row["data"], now, signed_in_at, None)

    def end(self, session: Session) -> None:
        """End this session on the server, whatever cookies still name it."""
        self._loaded()
        if self._known is not None:
            session.execute(delete(SESSIONS).where(SESSIONS.c.id_sha256 == self._known.id))
        self._known, self._values, self._new_token = None, {}, ""
        self.modified, self._is_over = False, True
        for told in ("principal", "language"):  # what this request was told of whoever it was
            g.pop(told, None)

    # --- reading and writing its row

    def _loaded(self) -> dict[str, Any]:
        self.accessed = True
        if self._values is None:
            self._known = _read(self._config, users.hashed(self._given)) if self._given else None
            self._values = json.loads(self._known.data) if self._known else {}
        return self._values

    def keep(self) -> str | None:
        """Write what changed; give the cookie to set, "" to take it away, None to leave it."""
        now = clock.now(self._config)
        if self._known is not None:
            self._update(self._known, now)
            return self._new_token or None
        if self.modified and self._values:
            return self._begin(self._values, now)
        return "" if self._is_over or (self.accessed and self._had_cookie) else None

    def _begin(self, values: dict[str, Any], now: datetime) -> str:
        token = self._new_token or secrets.token_urlsafe(32)
        with database.aside() as connection:
            connection.execute(insert(SESSIONS), _row(users.hashed(token), values, now, NOBODYS))
        return token

    def _update(self, known: _Known, now: datetime) -> None:
        changes: dict[str, Any] = {"data": _text(self._values or {})} if self.modified else {}
        if changes or now - known.seen_at >= SEEN_EVERY:
            with database.aside() as connection:
                found = update(SESSIONS).where(SESSIONS.c.id_sha256 == known.id)
                connection.execute(found.values(seen_at=now, **changes))


class DatabaseSessions(SessionInterface):
    """Gives every request its browser's session, and keeps what changed with the answer."""

    def __init__(self, config: Config) -> None:
        self._config = config

    def open_session(self, app: Flask, request: Request) -> ServerSession:
        """Take the cookie; nothing is read yet."""
        return ServerSession(self._config, request.cookies.get(self._config.session_cookie, ""))

    def save_session(self, app: Flask, session: SessionMixin, response: Response) -> None:
        """Write what changed, and set or take away the cookie."""
        ours = cast(ServerSession, session)
        if ours.accessed:
            response.vary.add("Cookie")
        cookie = ours.keep()
        if cookie is None:
            return
        attributes: dict[str, Any] = {
            "path": "/", "secure": self._config.is_https, "httponly": True, "samesite": "Lax"
        }  # fmt: skip
        if cookie:
            response.set_cookie(self._config.session_cookie, cookie, **attributes)
        else:
            response.delete_cookie(self._config.session_cookie, **attributes)


def here() -> ServerSession:
    """Give this request's session."""
    return cast(ServerSession, browser)


def principal() -> Principal:
    """Give the person behind this request, as of today: one query a request, and none without a cookie."""
    return here().principal


def _read(config: Config, id_: str) -> _Known | None:
    """Read a session and its person, on a connection of its own: the view's transaction is not touched."""
    with database.glancing() as connection:
        rows = connection.execute(_FOUND, {"id": id_, "on": clock.today(config)}).all()
    return _alive(rows, config, clock.now(config))


def _alive(rows: Sequence[Row[Any]], config: Config, now: datetime) -> _Known | None:
    """Make a known browser of its rows; None where it is unknown, too old, or its person has ended."""
    if not rows:
        return None
    first = rows[0]
    if first.expires_at <= now or first.seen_at + config.session_idle <= now:
        return None
    person = None
    if first.user_id is not None:
        if first.name is None or first.ended_at is not None:
            return None
        person = users.principal_from(rows, first.user_id, first.signed_in_at)
    return _Known(first.id_sha256, first.user_id, first.data, first.seen_at, first.signed_in_at, person)


def _found() -> Any:
    on = bindparam("on", type_=Date())
    roles = and_(RoleGrant.user_id == UserAccount.id, users.in_force(RoleGrant, on))
    seats = and_(Seat.user_id == UserAccount.id, users.in_force(Seat, on))
    return (
        select(SESSIONS, UserAccount.name, UserAccount.language, UserAccount.ended_at,
               RoleGrant.role, Seat.authority_id, Seat.product, offices.is_chair(UserAccount.id, on).label("is_chair"))
        .outerjoin(UserAccount, UserAccount.id == SESSIONS.c.user_id)
        .outerjoin(RoleGrant, roles)
        .outerjoin(Seat, seats)
        .where(SESSIONS.c.id_sha256 == bindparam("id"))
    )  # fmt: skip


_FOUND = _found()


def _row(id_: str, values: dict[str, Any], now: datetime, limit: timedelta) -> dict[str, Any]:
    return {
        "id_sha256": id_, "user_id": None, "data": _text(values), "created_at": now, "seen_at": now,
        "signed_in_at": None, "expires_at": now + limit,
    }  # fmt: skip


def _text(values: dict[str, Any]) -> str:
    return json.dumps(values, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def clean(session: Session, config: Config, now: datetime) -> int:
    """Take away sessions that are over and old counts, some at a time; give how many sessions. Found by state."""
    over = or_(SESSIONS.c.expires_at <= now, SESSIONS.c.seen_at <= now - config.session_idle)
    old = select(SESSIONS.c.id_sha256).where(over).limit(_CLEANED_AT_A_TIME)
    gone = session.execute(delete(SESSIONS).where(SESSIONS.c.id_sha256.in_(old)).returning(SESSIONS.c.id_sha256)).all()
    session.execute(delete(COUNTS).where(COUNTS.c.window_start <= now - timedelta(days=1)))
    return len(gone)
