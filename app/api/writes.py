"""Writing once: what is sent again with its Idempotency-Key is answered as the first time, and not done again.

The act and its answer are committed together under the writer's lock, so two requests at once are one act, and a
killed process leaves both or neither. A refusal is not kept: what was refused may be sent again. Keys are forgotten
after 30 days; the acts below have natural keys of their own.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import IO, Any

import orjson
from flask import Response, request
from sqlalchemy import Row, Table, delete, insert, select
from sqlalchemy.orm import Session

from app import access
from app.identity.models import IdempotencyKey
from app.web import layout
from foundation.audit import Trail
from foundation.errors import Refused
from foundation.language import Text

KEYS: Table = IdempotencyKey.__table__  # type: ignore[assignment]

KEPT = timedelta(days=30)
_PIECE = 1024 * 1024
_KEY = re.compile(r"[A-Za-z0-9._:-]{1,200}")


class KeyMissing(Refused):
    """A write has no Idempotency-Key, or one that cannot be kept."""


class KeyUsed(Refused):
    """The Idempotency-Key stands for another request."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a write came to."""

    content: Any
    status: int = 201
    location: str | None = None
    afterwards: Callable[[], object] = lambda: None  # done once it is committed, and not when it is sent again


def once(act: Callable[[Session, Trail], Answer], body: IO[bytes] | None = None) -> Response:
    """Do an act in the name of who is signed in, and keep its answer with it; or give the answer kept before.

    `body` is what was sent, where it was read in a way of its own. Raises KeyMissing, KeyUsed and whatever the act
    raises.
    """
    key, print_ = _key(), _fingerprint(body)
    with layout.acting() as (session, trail):
        known = _known(session, key)
        if known is not None:
            return _again(known, print_)
        answer = act(session, trail)
        text = orjson.dumps(answer.content).decode()
        _keep(session, key, print_, answer, text, trail)
    answer.afterwards()
    return _response(text, answer.status, answer.location)


def _key() -> str:
    given = request.headers.get("Idempotency-Key", "")
    if not _KEY.fullmatch(given):
        raise KeyMissing(
            Text("send Idempotency-Key: 1 til 200 tegn af A-Z a-z 0-9 . _ : -",
                 "send Idempotency-Key: 1 to 200 characters of A-Z a-z 0-9 . _ : -")
        )  # fmt: skip
    return given


def _fingerprint(body: IO[bytes] | None) -> str:
    print_ = hashlib.sha256(f"{request.method} {request.full_path} {request.mimetype}\n".encode())
    if body is None:
        print_.update(request.get_data())
        return print_.hexdigest()
    body.seek(0)
    for piece in iter(partial(body.read, _PIECE), b""):
        print_.update(piece)
    return print_.hexdigest()


def _known(session: Session, key: str) -> Row[Any] | None:
    own = (KEYS.c.owner == access.current().user_id, KEYS.c.key == key)
    return session.execute(select(KEYS).where(*own)).first()


def _again(known: Row[Any], print_: str) -> Response:
    if known.fingerprint != print_:
        raise KeyUsed(
            Text("Idempotency-Key står for en anden forespørgsel: brug en ny",
                 "the Idempotency-Key stands for another request: use a new one")
        )  # fmt: skip
    return _response(known.answer, known.status, known.location)


def _keep(session: Session, key: str, print_: str, answer: Answer, text: str, trail: Trail) -> None:
    session.execute(delete(KEYS).where(KEYS.c.made_at < trail.at - KEPT))
    row = {
        "owner": access.current().user_id, "key": key, "fingerprint": print_, "status": answer.status, "answer": text,
        "location": answer.location, "made_at": trail.at,
    }  # fmt: skip
    session.execute(insert(KEYS), [row])


def _response(text: str, status: int, location: str | None) -> Response:
    response = Response(text, status, content_type="application/json")
    if location:
        response.headers["Location"] = location
    return response
