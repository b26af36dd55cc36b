"""What the next round of handing over would do, document by document: what goes, to whom, by which way, what waits.

The same for commands and programs. Nothing is written, and no carrier is asked; so a round may come to less than this.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, Select, select
from sqlalchemy.orm import Session

from app import clock, courtesy_copies, delivering, reminder_letters
from app.config import Config
from billing import delivery_pending, delivery_register
from billing.delivery_pending import Drawn, Facts
from billing.verdicts import INVALID, VALID, Rules
from foundation.language import Text

#: Whether a document goes in the round: it does, it does if the official rules accept it first, or it waits.
GOES, IF_ACCEPTED, WAITS = PROSPECTS = ("goes", "if_accepted", "waits")

#: The way of a reminder that is a letter alone, beside the channels of carriers.
BY_MAIL = "mail"

_AT_A_TIME = 500

_NOW = Text("sendes i næste omgang", "is sent in the next round")
_JUDGED_FIRST = Text(
    "dannes og efterprøves først; sendes i samme omgang, hvis de officielle regler godkender det",
    "is made and validated first; is sent in the same round if the official rules accept it",
)
_TAKEN = Text("er ved at blive sendt af en anden omgang", "is being sent by another round")

#: Why a letter waits where the document itself does not.
_NO_CONTACT = reminder_letters.WHY["no_contact"]


@dataclass(frozen=True, slots=True)
class Prospect:
    """What a round would do with one document. `address` is as carriers know it, or mail addresses."""

    row: Row[Any]
    channel: str
    address: str
    goes: str
    why: Text

    @property
    def next_at(self) -> datetime | None:
        """Give when it is tried again, where it was tried before and waits for that."""
        return delivery_register.next_at(self.row) if self.goes == WAITS else None


@dataclass(frozen=True, slots=True)
class Ground:
    """What every document is held against: the installed rules, what no carrier takes and why, and the hour."""

    config: Config
    known: Rules
    silent: Mapping[str, Text]
    at: datetime


def ground(config: Config) -> Ground:
    """Read what does not depend on documents."""
    return Ground(config, delivering.rules(config), delivering.silent(config), clock.now(config))


def pending(year: int | None = None) -> Select[Any]:
    """Ask for all that has not left, of one year where it is named; the caller narrows and orders."""
    found = delivery_pending.pending()
    asked = select(found)
    return asked if year is None else asked.where(found.c.year == year)


def every(session: Session, stands: Ground, year: int | None = None) -> Iterator[Prospect]:
    """Tell of all that has not left, in the order of the list."""
    rows = session.execute(pending(year).order_by(delivery_pending.pending().c.id)).all()
    for start in range(0, len(rows), _AT_A_TIME):
        yield from of(session, rows[start : start + _AT_A_TIME], stands)


def of(session: Session, rows: Sequence[Row[Any]], stands: Ground) -> list[Prospect]:
    """Tell of some rows of `pending`, in a fixed number of queries."""
    read = delivery_pending.facts(session, rows, stands.known, clock.machine())
    invoices = {read.drawn[row.id].invoice for row in rows if row.is_letter}
    contacts = courtesy_copies.contacts(session, invoices) if invoices else {}
    return [_letter(row, read.drawn[row.id], contacts, stands) if row.is_letter else _carried(row, read, stands)
            for row in rows]  # fmt: skip


def _carried(row: Row[Any], read: Facts, stands: Ground) -> Prospect:
    """Tell of what goes by a carrier."""
    if row.delivery_id is None:
        drawn = read.drawn[row.id]
        channel, place = drawn.channel, drawn.address
        goes, why = _judged(drawn, stands, made_up=delivering.may_be_made_up(stands.config))
    else:
        channel, place = row.channel, row.address
        goes, why = _written_down(row, read, stands)
    if goes != WAITS and channel in stands.silent:
        goes, why = WAITS, stands.silent[channel]
    return Prospect(row, channel, place, goes, why)


def _written_down(row: Row[Any], read: Facts, stands: Ground) -> tuple[str, Text]:
    later = delivery_register.next_at(row)
    if row.id in read.taken:
        return WAITS, _TAKEN
    if later is not None and later > stands.at:
        return WAITS, delivery_register.reason(row)
    return GOES, _NOW


def _letter(row: Row[Any], drawn: Drawn, contacts: Mapping[str, Sequence[str]], stands: Ground) -> Prospect:
    """Tell of a reminder that is a letter alone."""
    mails = contacts.get(drawn.invoice, ())
    goes, why = _judged(drawn, stands, made_up=reminder_letters.may_be_made_up(stands.config))
    if goes != WAITS and not mails:
        goes, why = WAITS, _NO_CONTACT
    return Prospect(row, BY_MAIL, ", ".join(mails), goes, why)


def _judged(drawn: Drawn, stands: Ground, *, made_up: bool) -> tuple[str, Text]:
    """Tell whether a document may leave, by what it says of itself and what the installed rules say."""
    if not drawn.is_real and not made_up:
        return WAITS, delivery_register.WHY[delivery_register.MADE_UP]
    if (lacking := stands.known.lacking.get(drawn.format)) is not None:  # type: ignore[call-overload]
        return WAITS, lacking
    if drawn.outcome == VALID:
        return GOES, _NOW
    if drawn.outcome == INVALID:
        return WAITS, delivery_register.WHY[INVALID]
    return IF_ACCEPTED, _JUDGED_FIRST
