"""Members that do not pay their dues despite a reminder: proposed as withdrawn by one person, decided by another.

Nobody is ever taken off by itself. What is named here are those of whom it may be proposed, and why. A reminder that
has not left reminded nobody (decision 0047).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from authorities import membership
from authorities.membership import MEMBERSHIPS
from authorities.register import AUTHORITIES
from billing import balances, invoices, reminder_sending
from billing.gathering import CREDITED_LINES, INVOICES, LINES
from billing.reminder_plan import REMINDERS
from fee_tables.calculation import Kind
from foundation import proposals, wording
from foundation.audit import Trail, canonical
from foundation.errors import NotFound, Refused
from foundation.language import Text
from foundation.money import Money
from foundation.proposals import Proposal


class NotInArrears(NotFound):
    """The authority owes no dues that it was reminded of in vain."""


class WithdrawalRefused(Refused):
    """A withdrawal that cannot be proposed."""


@dataclass(frozen=True, slots=True)
class Arrears:
    """A member that owes its dues though the time of a reminder is out."""

    authority_id: int
    authority: str
    cvr: str
    invoice: str
    outstanding: Money
    reminder: str  # the last that left
    level: int
    due_on: date  # to which it had time: what that reminder gives, counted from when it left
    proposal_id: int | None  # that waits for a decision


@dataclass(frozen=True, slots=True)
class Withdrawal:
    """What a proposal would do."""

    cvr: str
    authority: str
    left_on: date
    invoice: str
    reminder: str
    reason: str


def candidates(session: Session, on: date) -> list[Arrears]:
    """Give the members that owe dues though the time of the last reminder that left is out, in a few queries."""
    dues = select(LINES.c.invoice_id).where(
        LINES.c.kind == Kind.MEMBERSHIP_DUES.value, LINES.c.id.not_in(select(CREDITED_LINES.c.line_id))
    )
    rows = session.execute(
        select(REMINDERS, INVOICES.c.number.label("invoice"), AUTHORITIES.c.name, AUTHORITIES.c.cvr)
        .join(INVOICES, REMINDERS.c.invoice_id == INVOICES.c.id)
        .join(AUTHORITIES, AUTHORITIES.c.id == REMINDERS.c.authority_id)
        .join(MEMBERSHIPS, MEMBERSHIPS.c.authority_id == AUTHORITIES.c.id)
        .where(REMINDERS.c.invoice_id.in_(dues), MEMBERSHIPS.c.left_on.is_(None))
        .order_by(REMINDERS.c.level)
    ).all()
    left = reminder_sending.days(session) if rows else {}
    last = {row.invoice_id: (row, _until(row.due_on, row.issued_on, left[row.id])) for row in rows if row.id in left}
    if not last:
        return []
    owed = balances.outstanding(session, on, invoice_ids=list(last))
    waiting = {each.subject: each.id for each in proposals.open(session, "withdrawal")}
    return [
        Arrears(
            row.authority_id, row.name, row.cvr, row.invoice, owed[id_].outstanding, row.number, row.level, until,
            waiting.get(row.cvr),
        )
        for id_, (row, until) in sorted(last.items())
        if until < on and id_ in owed and owed[id_].outstanding.ore > 0
    ]  # fmt: skip


def _until(due_on: date, issued_on: date, left_on: date) -> date:
    """Give the last day to pay: the one a reminder names, moved as many days as it left late."""
    return due_on + max(left_on - issued_on, timedelta(0))


def propose(session: Session, cvr: str, left_on: date, reason: str, trail: Trail, *, on: date) -> Proposal:
    """Propose that a member in arrears leaves with a day. Raises NotInArrears or WithdrawalRefused."""
    found = next((each for each in candidates(session, on) if each.cvr == cvr), None)
    if found is None:
        raise NotInArrears(
            Text(
                f"{cvr[:20]} skylder intet kontingent, der er rykket for", f"{cvr[:20]} owes no dues it was reminded of"
            )
        )
    words = wording.composed(reason).strip()
    if not words or wording.fault(words, wording.LONGEST_TEXT):
        raise WithdrawalRefused(Text("skriv en grund, der kan læses", "give a reason that can be read"))
    if left_on < on:
        raise WithdrawalRefused(Text("udmeldelsen kan ikke ligge før i dag", "it cannot leave before today"))
    content = canonical(
        {"cvr": cvr, "authority": found.authority, "left_on": left_on, "invoice": found.invoice,
         "reminder": found.reminder, "reason": words}
    )  # fmt: skip
    return proposals.propose_newest(session, "withdrawal", cvr, content, trail)


def read(proposal: Proposal) -> Withdrawal:
    """Read what a proposal would do."""
    found = json.loads(proposal.content)
    return Withdrawal(**{**found, "left_on": date.fromisoformat(found["left_on"])})


def approve(session: Session, id_: int, trail: Trail, *, on: date) -> Withdrawal:
    """End the membership, another person than who proposed it, where it still owes; the caller commits both or neither.

    Raises what `proposals.decide` and `membership.withdraw` raise, and NotInArrears where it has paid meanwhile.
    """
    proposal = proposals.approve(session, id_, "withdrawal", trail)
    wanted = read(proposal)
    if not any(each.cvr == wanted.cvr for each in candidates(session, on)):
        raise NotInArrears(
            Text(f"{wanted.authority} skylder ikke længere kontingent: afvis forslaget",
                 f"{wanted.authority} owes no dues any more: reject the proposal")
        )  # fmt: skip
    membership.withdraw(
        session, wanted.cvr, wanted.left_on, trail, invoiced=invoices.resting(session).years, because=wanted.reminder
    )
    return wanted
