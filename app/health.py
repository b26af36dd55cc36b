"""Two answers for whoever watches the service: alive, and ready to work."""

from __future__ import annotations

from flask import Blueprint
from flask.typing import ResponseReturnValue
from sqlalchemy.exc import DBAPIError

from app import access
from app.database import ping, reading
from foundation.errors import NotNow

blueprint = Blueprint("health", __name__)

_HEADERS = {"Cache-Control": "no-store"}


@blueprint.get("/healthz")
@access.public
def healthz() -> ResponseReturnValue:
    """Answer as long as the process runs."""
    return {"status": "ok"}, 200, _HEADERS


@blueprint.get("/readyz")
@access.public
def readyz() -> ResponseReturnValue:
    """Answer 200 when the database is there and set up, 503 otherwise; no detail leaves the house."""
    try:
        with reading() as session:
            ping(session)
    except (DBAPIError, NotNow):
        return {"status": "not ready"}, 503, _HEADERS
    return {"status": "ready"}, 200, _HEADERS
