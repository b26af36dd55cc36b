"""How often one place may try to sign in, counted in the database so that it holds over all workers.

Addresses are kept as keyed hashes, for a day.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import bindparam, text

from app import database
from app.errors import TooMany
from foundation.base import Instant
from foundation.language import Text


@dataclass(frozen=True, slots=True)
class Limit:
    """So many tries in a window of time."""

    name: str
    tries: int
    window: timedelta


#: Beginning a sign-in, and coming back from one, from one address: an office shares one.
SIGN_IN = Limit("sign-in", 60, timedelta(minutes=5))
#: Looking at or taking up a link, from one address.
INVITATION = Limit("invitation", 20, timedelta(minutes=5))
#: Having a file judged, from one address: each takes a moment of a processor.
VERIFYING = Limit("verify", 60, timedelta(minutes=5))

_COUNTED = text(
    "INSERT INTO sign_in_count (key, window_start, count) VALUES (:key, :start, 1) "
    "ON CONFLICT (key, window_start) DO UPDATE SET count = sign_in_count.count + 1 RETURNING count"
).bindparams(bindparam("start", type_=Instant()))


def count(limit: Limit, place: str, secret: str, now: datetime) -> None:
    """Count a try from a place. Raises TooMany."""
    seconds = int(limit.window.total_seconds())
    begun = int(now.timestamp()) // seconds * seconds
    place_hash = hmac.new(secret.encode(), place.encode(), hashlib.sha256).hexdigest()[:32]
    values = {"key": f"{limit.name} {place_hash}", "start": datetime.fromtimestamp(begun, UTC)}
    with database.aside() as connection:
        tried = connection.execute(_COUNTED, values).scalar_one()
    if tried > limit.tries:
        left = begun + seconds - int(now.timestamp())
        raise TooMany(
            Text(f"for mange forsøg: prøv igen om {left} sekunder", f"too many tries: try again in {left} seconds"),
            left,
        )
