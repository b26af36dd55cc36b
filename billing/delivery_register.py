"""How documents' deliveries stand, for lists and pages: read from the facts, in a fixed number of queries."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, Select, Table, and_, bindparam, case, func, literal, select, true, union_all
from sqlalchemy.orm import Session

from authorities.register import AUTHORITIES
from billing import deliveries, papers
from billing.gathering import CREDIT_NOTES, INVOICES
from billing.papers import PAPERS, REMINDER, Papers
from billing.verdicts import INVALID, VALID
from foundation.language import Text

#: How a document's delivery stands.
WAITS, TO_SEND, HANDED_OVER, ACKNOWLEDGED, REJECTED, GIVEN_UP = (
    "waits", "to_send", "handed_over", "acknowledged", "rejected", "given_up"
)  # fmt: skip
STATES = (WAITS, TO_SEND, HANDED_OVER, ACKNOWLEDGED, REJECTED, GIVEN_UP)

#: What is handed over, as people tell it apart.
BILLS, CREDITS, REMINDERS = PAPER_NAMES = ("invoice", "credit_note", "reminder")

MADE_UP = "made_up"

#: Why a document waits before anything is written down to be sent.
WHY = {
    papers.MISSING: Text("dokumentet er ikke dannet endnu", "the document is not made yet"),
    papers.WAITING: Text(
        "venter på validering: regelpakken mangler, eller dokumentet er ikke valideret endnu",
        "waits for validation: the rule pack is missing, or the document is not validated yet",
    ),
    INVALID: Text("afvist af de officielle regler", "refused by the official rules"),
    VALID: Text("valideret: sendes i næste omgang", "validated: is sent in the next round"),
    MADE_UP: Text(
        "bærer et mærkat om, at den er opdigtet eller en demonstration, og forlader aldrig en demonstration",
        "bears a notice that it is made up or a demonstration, and never leaves a demonstration",
    ),
}


# --- lists


def _arm(of: Papers) -> Select[Any]:
    """Ask for all of one kind with how their delivery stands: what goes by a carrier, never a rehearsal."""
    issued, made, tried, told = of.issued.c, of.deliveries.c, of.attempts.c, of.receipts.c
    joined = _joined(of).join(AUTHORITIES, issued.authority_id == AUTHORITIES.c.id)
    return (
        select(
            literal(of.kind).label("kind"), _paper(of).label("paper"),
            (issued.id * 2 + int(of is REMINDER)).label("id"), issued.number,
            INVOICES.c.year, issued.authority_id, issued.issued_on, AUTHORITIES.c.name.label("authority"),
            AUTHORITIES.c.cvr, made.id.label("delivery_id"), made.channel, made.address, made.position,
            made.message_id, made.made_at, tried.at.label("tried_at"), tried.reason_da, tried.reason_en, told.told,
            told.at.label("told_at"), _tries(of).label("tries"), _state(of).label("state"), _why(of).label("why"),
            of.receivers_format().label("format"),
        )
        .select_from(joined)
        .where(of.goes())
    )  # fmt: skip


def _joined(of: Papers) -> Any:
    """Join what was issued with its newest delivery, its newest try and its newest receipt."""
    made, tried, told = of.deliveries, of.attempts, of.receipts
    joined = (
        of.issued.outerjoin(made, made.c.id == _newest(made, of.of, of.issued.c.id))
        .outerjoin(tried, tried.c.id == _newest(tried, "delivery_id", made.c.id))
        .outerjoin(told, told.c.id == _newest(told, "delivery_id", made.c.id))
    )
    return of.joined(joined)


def _paper(of: Papers) -> ColumnElement[str]:
    """Give what a document is to those who read it: a credit note is no invoice to them."""
    if of is REMINDER:
        return literal(REMINDERS)
    is_note = select(CREDIT_NOTES.c.invoice_id).where(CREDIT_NOTES.c.invoice_id == INVOICES.c.id).exists()
    return case((is_note, CREDITS), else_=literal(BILLS))


def _newest(table: Any, column: str, of: ColumnElement[int]) -> Any:
    other = table.alias(f"newest_{table.name}")
    return select(func.max(other.c.id)).where(other.c[column] == of).scalar_subquery()


def _state(of: Papers) -> ColumnElement[str]:
    outcome = of.receipts.c.outcome
    is_ready = and_(of.validation() == VALID, of.is_real())
    return case(
        (of.deliveries.c.id.is_(None), case((is_ready, TO_SEND), else_=WAITS)),
        (outcome == "acknowledged", ACKNOWLEDGED),
        (outcome == "rejected", REJECTED),
        (_was(of, "handed_over"), HANDED_OVER),
        (_was(of, "failed"), GIVEN_UP),
        else_=TO_SEND,
    )


def _was(of: Papers, outcome: str) -> ColumnElement[bool]:
    tried = of.attempts.alias(f"tried_{outcome}")
    return select(tried.c.id).where(tried.c.delivery_id == of.deliveries.c.id, tried.c.outcome == outcome).exists()


def _why(of: Papers) -> ColumnElement[str]:
    """Give what a document without a delivery waits for, as a key of WHY."""
    return case((~of.is_real(), MADE_UP), else_=of.validation())


def _tries(of: Papers) -> ColumnElement[int]:
    tried = of.attempts.alias("tried")
    found: Any = select(func.count()).where(tried.c.delivery_id == of.deliveries.c.id).scalar_subquery()
    return found  # type: ignore[no-any-return]


#: All that goes by a carrier, a row for each; its `id` is of this list alone.
LISTED = union_all(*(_arm(of) for of in PAPERS)).subquery("handed_over")


@cache
def listing() -> Select[Any]:
    """Ask for all real invoices, credit notes and reminders with how their delivery stands; the caller narrows.

    `told` is what the receiver's side said last, `reason_da` and `reason_en` what the last try came to, `tries` how
    often the newest delivery was tried.
    """
    return select(LISTED)


#: All that people may have handed over themselves: what is listed, and reminders that are letters alone.
NOTABLE = union_all(*(
    select(of.issued.c.number, of.issued.c.authority_id).where(true() if of is REMINDER else of.goes())
    for of in PAPERS
)).subquery("notable")  # fmt: skip


def notable(number: str) -> Select[Any]:
    """Ask for what people may have handed over under a number; the caller narrows."""
    return select(NOTABLE).where(NOTABLE.c.number == number)


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


def counts(session: Session, year: int) -> dict[str, dict[str, int]]:
    """Count how a year's invoices, credit notes and reminders of its invoices stand: by paper, then by state.

    One query; a rehearsal has none.
    """
    found = union_all(*(
        select(_paper(of).label("paper"), _state(of).label("state"))
        .select_from(_joined(of))
        .where(INVOICES.c.year == year, INVOICES.c.book == "real", of.goes())
        for of in PAPERS
    )).subquery()  # fmt: skip
    paper, state = found.c.paper, found.c.state
    counted = {paper_: dict.fromkeys(STATES, 0) for paper_ in PAPER_NAMES}
    for row in session.execute(select(paper, state, func.count().label("number")).group_by(paper, state)):
        counted[row.paper][row.state] = row.number
    return counted


def needing(session: Session) -> int:
    """Count the documents that a person has to look at: given up, or rejected by the receiver's side.

    It is asked on the start page, so it begins with what went wrong, which is little, not with all documents.
    """
    return sum(_needing(session, of) for of in PAPERS)


def _needing(session: Session, of: Papers) -> int:
    failed = select(of.attempts.c.delivery_id).where(of.attempts.c.outcome == "failed")
    rejected = select(of.receipts.c.delivery_id).where(of.receipts.c.outcome == "rejected")
    wrong = select(of.deliveries.c[of.of]).where(of.deliveries.c.id.in_(failed.union(rejected)))
    stands = select(_state(of).label("state")).select_from(_joined(of)).where(of.issued.c.id.in_(wrong)).subquery()
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


def standing(session: Session, of: Papers, issued_id: int) -> Standing | None:
    """Give how a document's delivery stands, in one query.

    None for what no carrier is to have: a rehearsal, or a reminder that is a letter alone.
    """
    row = session.execute(_one(of), {"issued_id": issued_id}).first()
    return Standing(row.state, reason(row), next_at(row)) if row else None


@cache
def _one(of: Papers) -> Select[Any]:
    return _arm(of).where(of.issued.c.id == bindparam("issued_id"))


def story(session: Session, of: Papers, issued_id: int) -> Story | None:
    """Give how a document's delivery stands and went, in four queries; None where it stands nowhere."""
    stands = standing(session, of, issued_id)
    if stands is None:
        return None
    made = of.deliveries.c
    rows = session.execute(select(of.deliveries).where(made[of.of] == issued_id).order_by(made.position.desc())).all()
    events = _events(session, of, [one.id for one in rows])
    sent = tuple(
        Sent(one.id, one.channel, one.address, one.file_name, one.sha256, one.message_id, one.made_at, one.made_by,
             tuple(events[one.id]))
        for one in rows
    )  # fmt: skip
    return Story(stands.state, stands.reason, stands.next_at, sent)


def _events(session: Session, of: Papers, ids: Sequence[int]) -> dict[int, list[Event]]:
    found: dict[int, list[Event]] = {id_: [] for id_ in ids}
    if not ids:
        return found
    for row in session.execute(_of_deliveries(of.attempts, ids)):
        found[row.delivery_id].append(Event(row.at, row.outcome, Text(row.reason_da, row.reason_en)))
    for row in session.execute(_of_deliveries(of.receipts, ids)):
        found[row.delivery_id].append(Event(row.at, row.outcome, Text(row.told, row.told)))
    return {id_: sorted(listed, key=lambda event: event.at) for id_, listed in found.items()}


def _of_deliveries(table: Table, ids: Sequence[int]) -> Select[Any]:
    return select(table).where(table.c.delivery_id.in_(ids)).order_by(table.c.id)
