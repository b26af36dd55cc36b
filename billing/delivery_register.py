"""How documents' deliveries stand, for lists and pages: read from the facts, in a fixed number of queries."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, bindparam, case, func, select
from sqlalchemy.orm import Session

from authorities.register import AUTHORITIES
from billing import deliveries, invoice_register
from billing.deliveries import ATTEMPTS, DELIVERIES, RECEIPTS
from billing.gathering import INVOICES, Book
from foundation.language import Text

#: How a document's delivery stands.
WAITS, TO_SEND, HANDED_OVER, ACKNOWLEDGED, REJECTED, GIVEN_UP = (
    "waits", "to_send", "handed_over", "acknowledged", "rejected", "given_up"
)  # fmt: skip
STATES = (WAITS, TO_SEND, HANDED_OVER, ACKNOWLEDGED, REJECTED, GIVEN_UP)

_MADE_UP = "made_up"

#: Why a document waits before anything is written down to be sent.
WHY = {
    invoice_register.MISSING: Text("dokumentet er ikke dannet endnu", "the document is not made yet"),
    invoice_register.WAITING: Text(
        "venter på validering: regelpakken mangler, eller dokumentet er ikke valideret endnu",
        "waits for validation: the rule pack is missing, or the document is not validated yet",
    ),
    invoice_register.INVALID: Text("afvist af de officielle regler", "refused by the official rules"),
    invoice_register.VALID: Text("valideret: sendes i næste omgang", "validated: is sent in the next round"),
    _MADE_UP: Text(
        "bærer et mærkat om, at den er opdigtet eller en demonstration, og sendes ikke",
        "bears a notice that it is made up or a demonstration, and is not sent",
    ),
}


# --- lists


@cache
def listing() -> Select[Any]:
    """Ask for all real invoices and credit notes with how their delivery stands; the caller narrows and pages.

    `told` is what the receiver's side said last, `reason_da` and `reason_en` what the last try came to.
    """
    columns = INVOICES.c
    return (
        select(
            columns.id, columns.number, columns.year, columns.authority_id, columns.issued_on,
            AUTHORITIES.c.name.label("authority"), AUTHORITIES.c.cvr,
            DELIVERIES.c.id.label("delivery_id"), DELIVERIES.c.channel, DELIVERIES.c.address, DELIVERIES.c.position,
            DELIVERIES.c.message_id, DELIVERIES.c.made_at, ATTEMPTS.c.at.label("tried_at"), ATTEMPTS.c.reason_da,
            ATTEMPTS.c.reason_en, RECEIPTS.c.told, RECEIPTS.c.at.label("told_at"), tries().label("tries"),
            state().label("state"), why().label("why"), invoice_register.receivers_format().label("format"),
        )
        .select_from(_joined())
        .join(AUTHORITIES, columns.authority_id == AUTHORITIES.c.id)
        .where(columns.book == "real")
    )  # fmt: skip


def _joined() -> Any:
    """Join invoices with their newest delivery, its newest try and its newest receipt."""
    newest = _newest(DELIVERIES, "invoice_id", INVOICES.c.id)
    tried = _newest(ATTEMPTS, "delivery_id", DELIVERIES.c.id)
    told = _newest(RECEIPTS, "delivery_id", DELIVERIES.c.id)
    return (
        INVOICES.outerjoin(DELIVERIES, DELIVERIES.c.id == newest)
        .outerjoin(ATTEMPTS, ATTEMPTS.c.id == tried)
        .outerjoin(RECEIPTS, RECEIPTS.c.id == told)
    )


def _newest(table: Any, column: str, of: ColumnElement[int]) -> Any:
    other = table.alias(f"newest_{table.name}")
    return select(func.max(other.c.id)).where(other.c[column] == of).scalar_subquery()


@cache
def state() -> ColumnElement[str]:
    """Give how a row of `listing` stands."""
    return case(
        (DELIVERIES.c.id.is_(None), case((_is_ready(), TO_SEND), else_=WAITS)),
        (RECEIPTS.c.outcome == "acknowledged", ACKNOWLEDGED),
        (RECEIPTS.c.outcome == "rejected", REJECTED),
        (_was("handed_over"), HANDED_OVER),
        (_was("failed"), GIVEN_UP),
        else_=TO_SEND,
    )


def _was(outcome: str) -> ColumnElement[bool]:
    tried = ATTEMPTS.alias(f"tried_{outcome}")
    return select(tried.c.id).where(tried.c.delivery_id == DELIVERIES.c.id, tried.c.outcome == outcome).exists()


def _is_ready() -> ColumnElement[bool]:
    return and_(invoice_register.validation() == invoice_register.VALID, deliveries.is_real())


@cache
def why() -> ColumnElement[str]:
    """Give what a row of `listing` without a delivery waits for, as a key of WHY."""
    return case((~deliveries.is_real(), _MADE_UP), else_=invoice_register.validation())


@cache
def tries() -> ColumnElement[int]:
    """Give how often a row's newest delivery was tried."""
    tried = ATTEMPTS.alias("tried")
    found: Any = select(func.count()).where(tried.c.delivery_id == DELIVERIES.c.id).scalar_subquery()
    return found  # type: ignore[no-any-return]


def reason(row: Any) -> Text:
    """Say why a row of `listing` stands as it does."""
    if row.delivery_id is None:
        return WHY[row.why]
    if row.told is not None:
        return Text(row.told, row.told)
    if row.reason_da is not None:
        return Text(row.reason_da, row.reason_en)
    return Text("sendes i næste omgang", "is sent in the next round")


def next_at(row: Any) -> datetime | None:
    """Give when a row of `listing` is tried again; None where it is not, or at once."""
    if row.state != TO_SEND or not row.tries:
        return None
    later: timedelta = deliveries.wait(row.tries)
    found: datetime = row.tried_at + later
    return found


# --- counts


def counts(session: Session, year: int, book: Book) -> dict[str, int]:
    """Count how a year's deliveries stand, by state; a rehearsal has none. One query."""
    found = select(state().label("state")).select_from(_joined())
    stands = found.where(INVOICES.c.year == year, INVOICES.c.book == book, INVOICES.c.book == "real").subquery()
    rows = session.execute(select(stands.c.state, func.count().label("number")).group_by(stands.c.state))
    counted: dict[str, int] = {row.state: row.number for row in rows}
    return {state: counted.get(state, 0) for state in STATES}


def needing(session: Session) -> int:
    """Count the documents that a person has to look at: given up, or rejected by the receiver's side.

    It is asked on the start page, so it begins with what went wrong, which is little, not with all documents.
    """
    failed = select(ATTEMPTS.c.delivery_id).where(ATTEMPTS.c.outcome == "failed")
    rejected = select(RECEIPTS.c.delivery_id).where(RECEIPTS.c.outcome == "rejected")
    wrong = select(DELIVERIES.c.invoice_id).where(DELIVERIES.c.id.in_(failed.union(rejected)))
    stands = select(state().label("state")).select_from(_joined()).where(INVOICES.c.id.in_(wrong)).subquery()
    found = select(func.count()).where(stands.c.state.in_((GIVEN_UP, REJECTED)))
    return session.execute(found).scalar() or 0


# --- one document


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened with a delivery: a try, or a receipt."""

    at: datetime
    outcome: str
    reason: Text


@dataclass(frozen=True, slots=True)
class Sent:
    """One delivery with all that happened, oldest first."""

    id: int
    channel: str
    address: str
    file_name: str
    sha256: str
    message_id: str
    made_at: datetime
    made_by: str
    events: tuple[Event, ...]


@dataclass(frozen=True, slots=True)
class Standing:
    """How a document's delivery stands, why, and when it is tried again."""

    state: str
    reason: Text
    next_at: datetime | None


@dataclass(frozen=True, slots=True)
class Story(Standing):
    """How a document's delivery stands, and everything that happened, newest first."""

    sent: tuple[Sent, ...]


def standing(session: Session, invoice_id: int) -> Standing | None:
    """Give how an invoice's delivery stands, in one query; None for a rehearsal, which is not sent."""
    row = session.execute(_one(), {"invoice_id": invoice_id}).first()
    return Standing(row.state, reason(row), next_at(row)) if row else None


@cache
def _one() -> Select[Any]:
    return listing().where(INVOICES.c.id == bindparam("invoice_id"))


def story(session: Session, invoice_id: int) -> Story | None:
    """Give how an invoice's delivery stands and went, in four queries; None for a rehearsal, which is not sent."""
    stands = standing(session, invoice_id)
    if stands is None:
        return None
    found = select(DELIVERIES).where(DELIVERIES.c.invoice_id == invoice_id).order_by(DELIVERIES.c.position.desc())
    rows = session.execute(found).all()
    events = _events(session, [one.id for one in rows])
    sent = tuple(
        Sent(one.id, one.channel, one.address, one.file_name, one.sha256, one.message_id, one.made_at, one.made_by,
             tuple(events[one.id]))
        for one in rows
    )  # fmt: skip
    return Story(stands.state, stands.reason, stands.next_at, sent)


def _events(session: Session, ids: Sequence[int]) -> dict[int, list[Event]]:
    found: dict[int, list[Event]] = {id_: [] for id_ in ids}
    if not ids:
        return found
    for row in session.execute(select(ATTEMPTS).where(ATTEMPTS.c.delivery_id.in_(ids)).order_by(ATTEMPTS.c.id)):
        found[row.delivery_id].append(Event(row.at, row.outcome, Text(row.reason_da, row.reason_en)))
    for row in session.execute(select(RECEIPTS).where(RECEIPTS.c.delivery_id.in_(ids)).order_by(RECEIPTS.c.id)):
        found[row.delivery_id].append(Event(row.at, row.outcome, Text(row.told, row.told)))
    return {id_: sorted(listed, key=lambda event: event.at) for id_, listed in found.items()}
