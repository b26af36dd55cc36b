"""Doing something in somebody's name: the trail of what was done, and the letters that tell of it, in one transaction.

Every transaction that writes facts goes through here, so no act can forget whom it must tell.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.orm import Session

from app import clock
from app.config import Config
from foundation.audit import Trail

#: The acts that somebody is told of by a letter.
TOLD = frozenset({
    "agreement.offered", "agreement.reminded", "agreement.signed", "agreement.declined", "agreement.withdrawn",
    "agreement.expired", "agreement.replaced", "agreement.sealed", "agreement.notice_given",
    "agreement.notice_withdrawn", "right.given",
})  # fmt: skip


@contextmanager
def recorded(session: Session, actor: str, config: Config) -> Iterator[Trail]:
    """Give the trail of what is done on a writing session; at the end its letters and its entries are written."""
    trail = Trail(session, actor, clock.now(config))
    yield trail
    if trail.recorded(TOLD):
        from app import agreement_letters  # late: most commands tell nobody anything

        agreement_letters.write(session, trail, config)
    trail.write()
