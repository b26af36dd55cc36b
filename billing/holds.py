"""What holds a reminder back: an invoice is disputed, or its payment is promised by a day. Dated facts with a reason.

A hold never changes. It ends with the day that was promised, or by a fact of its own that says why.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any, Literal

from sqlalchemy import Row, Table, select
from sqlalchemy.orm import Session

from billing.gathering import CREDIT_NOTES, INVOICES
from billing.reminder_models import InvoiceHold, InvoiceHoldEnd
from foundation import append_only, wording
from foundation.audit import Trail
from foundation.errors import Conflict, NotFound, Refused
from foundation.language import Text

HOLDS: Table = InvoiceHold.__table__  # type: ignore[assignment]
ENDS: Table = InvoiceHoldEnd.__table__  # type: ignore[assignment]

Kind = Literal["disputed", "promised"]
KINDS: dict[Kind, Text] = {"disputed": Text("Bestridt", "Disputed"), "promised": Text("Betaling lovet", "Promised")}

_LARGEST_ID = 2**63


class NoSuchHold(NotFound):
    """No such dispute or promise, or no invoice of that number."""


class HoldRefused(Refused):
    """A dispute or promise that cannot be kept."""


class HoldEnded(Conflict):
    """It was ended before."""


@dataclass(frozen=True, slots=True)
class Hold:
    """A dispute or a promise, and how it ended."""

    id: int
    invoice_id: int
    kind: Kind
    begins_on: date
    until: date | None
    reason: str
    entered_by: str
    ended_on: date | None
    end_reason: str
    ended_by: str

    def counts(self, on: date) -> bool:
        """Tell whether it holds a reminder back on a day."""
        is_within = self.begins_on <= on and (self.until is None or on <= self.until)
        return is_within and (self.ended_on is None or on < self.ended_on)


def of(session: Session, invoice_id: int) -> list[Hold]:
    """Give all holds of an invoice, newest first, in one query."""
    return [_hold(row) for row in session.execute(_found().where(HOLDS.c.invoice_id == invoice_id))]


def on(session: Session, day: date) -> dict[int, list[Hold]]:
    """Give the holds that count on a day, by invoice, in one query."""
    found: dict[int, list[Hold]] = {}
    for row in session.execute(_found().where(HOLDS.c.begins_on <= day)):
        if (hold := _hold(row)).counts(day):
            found.setdefault(hold.invoice_id, []).append(hold)
    return found


def _found() -> Any:
    ends = (ENDS.c.ended_on, ENDS.c.reason.label("end_reason"), ENDS.c.ended_by)
    return select(HOLDS, *ends).outerjoin(ENDS, ENDS.c.hold_id == HOLDS.c.id).order_by(HOLDS.c.id.desc())


def _hold(row: Row[Any]) -> Hold:
    return Hold(
        row.id, row.invoice_id, row.kind, row.begins_on, row.until, row.reason, row.entered_by, row.ended_on,
        row.end_reason or "", row.ended_by or "",
    )  # fmt: skip


# --- acts; each needs the writer's lock, and the caller commits


def hold(session: Session, number: str, kind: Kind, reason: str, trail: Trail, *, on: date, until: date | None) -> Hold:
    """Enter a dispute, or a promise until a day. Raises NoSuchHold for an unknown invoice, or HoldRefused."""
    invoice_id = _invoice(session, number)
    words = _reason(reason)
    if kind == "promised" and (until is None or until < on):
        raise HoldRefused(Text("skriv den dag, betalingen er lovet til: i dag eller senere",
                               "give the day the payment is promised by: today or later"))  # fmt: skip
    if kind == "disputed" and until is not None:
        raise HoldRefused(Text("en indsigelse har ingen slutdag: den afsluttes for sig",
                               "a dispute has no last day: it is ended by itself"))  # fmt: skip
    row = {
        "id": append_only.next_id(session, HOLDS), "invoice_id": invoice_id, "kind": kind, "begins_on": on,
        "until": until, "reason": words, "entered_by": trail.actor, "entered_at": trail.at,
    }  # fmt: skip
    append_only.add(session, HOLDS, [row])
    trail.record(f"invoice.{kind}", number, {"until": until}, rows=[(HOLDS, row)])
    return of(session, invoice_id)[0]


def end(session: Session, number: str, id_: int, reason: str, trail: Trail, *, on: date) -> Hold:
    """End a dispute or promise of an invoice. Raises NoSuchHold, HoldEnded or HoldRefused."""
    standing = of(session, _invoice(session, number)) if 0 < id_ < _LARGEST_ID else []
    found = next((each for each in standing if each.id == id_), None)
    if found is None:
        raise NoSuchHold(Text(f"{number} har intet sådant forhold", f"{number} has no such thing"))
    if found.ended_on is not None:
        raise HoldEnded(Text(f"er afsluttet af {found.ended_by}", f"was ended by {found.ended_by}"))
    row = {
        "id": append_only.next_id(session, ENDS), "hold_id": id_, "ended_on": max(on, found.begins_on),
        "reason": _reason(reason), "ended_by": trail.actor, "ended_at": trail.at,
    }  # fmt: skip
    append_only.add(session, ENDS, [row])
    trail.record("invoice.hold_ended", number, {"hold": id_}, rows=[(ENDS, row)])
    return next(each for each in of(session, found.invoice_id) if each.id == id_)


def _invoice(session: Session, number: str) -> int:
    is_invoice = INVOICES.c.id.not_in(select(CREDIT_NOTES.c.invoice_id))
    found = select(INVOICES.c.id).where(INVOICES.c.number == number, INVOICES.c.book == "real", is_invoice)
    id_ = session.execute(found).scalar()
    if id_ is None:
        raise NoSuchHold(Text("ingen faktura har det nummer", "no invoice has that number"))
    return int(id_)


def _reason(given: str) -> str:
    reason = wording.composed(given).strip()
    if not reason:
        raise HoldRefused(Text("skriv en grund", "give a reason"))
    if fault := wording.fault(reason, wording.LONGEST_TEXT):
        raise HoldRefused(Text("grunden ", "the reason ") + fault)
    return reason
