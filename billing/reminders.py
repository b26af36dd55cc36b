"""Reminders: a plan handed over by one person, approved by another, and issued as numbered papers, each once.

What is approved is what is issued: a reminder whose invoice was paid, disputed or changed since is left out and named.
Where the association has decided so, its terms are a standing rule, and what is planned is issued without a plan's own
approval.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from sqlalchemy import Table, select
from sqlalchemy.orm import Session

from billing import closed_periods, invoices, ledger, reminder_document, reminder_plan, reminder_terms, vouchers
from billing import document as documents
from billing.document import InvoiceDocument, PaymentWays
from billing.gathering import INVOICES
from billing.reminder_document import RemindedInvoice, ReminderCharge, ReminderDocument
from billing.reminder_models import ReminderMessage
from billing.reminder_plan import REMINDERS, Item, Plan
from billing.seller import Seller
from billing.vouchers import Entry, Order
from foundation import append_only, plain, proposals
from foundation.audit import Trail, canonical, sha256
from foundation.errors import Conflict, NotFound, Refused
from foundation.language import Text, joined, same
from foundation.money import Money
from foundation.proposals import DECISIONS, PROPOSALS, Proposal

MESSAGES: Table = ReminderMessage.__table__  # type: ignore[assignment]

SUBJECT = "OS2"
ACTION = "reminder.issued"

#: For how long an approved plan may be issued: what was true a week ago may not be so today.
VALID_DAYS = 7

#: Where what a delay costs is earned (public standard chart). It is owed beside what invoices are owed, so no reminder
#: changes an invoice.
FEES_EARNED, INTEREST_EARNED = "1550", "3490"


class NothingToRemind(Refused):
    """The plan has no reminder."""


class PlanChanged(Conflict):
    """The plan is not the one that was read."""


class NoSuchReminder(NotFound):
    """No reminder has that number."""


class Faulty(Refused):
    """A reminder that our own checks refuse."""


@dataclass(frozen=True, slots=True)
class Withheld:
    """A reminder that was approved, and is not issued any more; and why."""

    number: str
    level: int
    why: Text


@dataclass(frozen=True, slots=True)
class Issued:
    """What issuing came to."""

    numbers: tuple[str, ...] = ()
    withheld: tuple[Withheld, ...] = ()


# --- handing over and approving


def plan(session: Session, on: date) -> Plan:
    """Plan the reminders of a day by the terms in force."""
    return reminder_plan.plan(session, on, reminder_terms.current(session))


def hand_over(session: Session, trail: Trail, *, on: date, digest: str | None = None) -> Proposal:
    """Hand the plan of a day over for another person's approval; it takes the place of one that waits.

    Raises NothingToRemind, or PlanChanged where another digest was read.
    """
    made = plan(session, on)
    if digest is not None and digest != made.digest:
        raise _changed(digest, made)
    if not made.items:
        raise NothingToRemind(Text("planen har ingen rykkere", "the plan has no reminders"))
    return proposals.propose_newest(session, "reminders", SUBJECT, made.content, trail)


def approve(session: Session, id_: int, trail: Trail) -> Proposal:
    """Approve a plan that was handed over, another person than who did. Raises what `proposals.decide` raises."""
    return proposals.approve(session, id_, "reminders", trail)


def approve_digest(session: Session, digest: str, trail: Trail) -> Proposal:
    """Approve the plan with that digest that waits. Raises PlanChanged where none does."""
    found = [each for each in proposals.open_for(session, "reminders", SUBJECT) if each.digest == digest]
    if not found:
        raise PlanChanged(
            Text(f"ingen overdraget plan har kontrolsummen {digest[:64]}",
                 f"no plan that was handed over has the digest {digest[:64]}")
        )  # fmt: skip
    return approve(session, found[0].id, trail)


def _changed(digest: str, made: Plan) -> PlanChanged:
    return PlanChanged(
        Text(f"planen har kontrolsummen {made.digest}, ikke {digest[:64]}: læs den igen",
             f"the plan has the digest {made.digest}, not {digest[:64]}: read it again")
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Approved:
    """What an approved plan says: the reminders by invoice and level, with their amounts in øre."""

    on: date
    items: Mapping[tuple[str, int], list[Any]]


def read(content: str) -> Approved:
    """Read what a plan says. Raises KeyError, TypeError or ValueError where the text is none."""
    found = json.loads(content)
    return Approved(date.fromisoformat(found["on"]), {(item[0], item[1]): item for item in found["items"]})


def approved(session: Session, on: date) -> Proposal | None:
    """Give the plan that may be issued on a day: the last that was approved, while it is good."""
    row = session.execute(
        select(PROPOSALS.c.id, PROPOSALS.c.content)
        .join(DECISIONS, DECISIONS.c.proposal_id == PROPOSALS.c.id)
        .where(PROPOSALS.c.kind == "reminders", DECISIONS.c.outcome == "approved")
        .order_by(DECISIONS.c.id.desc())
        .limit(1)
    ).first()
    if row is None or not timedelta() <= on - read(row.content).on <= timedelta(days=VALID_DAYS):
        return None
    return proposals.get(session, row.id)


# --- issuing


def left_to_issue(session: Session, on: date) -> int:
    """Count the reminders that are approved and not issued."""
    proposal = approved(session, on)
    return len(_left(session, read(proposal.content))) if proposal else 0


def issue(session: Session, seller: Seller, trail: Trail, *, on: date, notices: Sequence[Text] = ()) -> Issued:
    """Issue what is approved, or what is planned where a standing rule lets it be; each once. Needs the writer's lock.

    Raises Faulty, or OutOfOrder for a day before the last reminder's; nothing is issued then.
    """
    terms = reminder_terms.current(session)
    if terms.automatic and terms.proposal_id is not None:
        items = reminder_plan.plan(session, on, terms).items
        return Issued(_write(session, items, seller, trail, (on, terms, terms.proposal_id, notices)))
    proposal = approved(session, on)
    if proposal is None or not (wanted := _left(session, said := read(proposal.content))):
        return Issued()
    made = reminder_plan.plan(session, on, terms, interest_to=said.on)
    ready = [item for item in made.items if wanted.get(item.key) == item.content]
    numbers = _write(session, ready, seller, trail, (on, terms, proposal.id, notices))
    return Issued(numbers, _withheld(made, {key for key in wanted if key not in {item.key for item in ready}}))


def _left(session: Session, said: Approved) -> dict[tuple[str, int], list[Any]]:
    """Give what is approved and has no number yet."""
    numbers = {number for number, _ in said.items}
    rows = session.execute(
        select(INVOICES.c.number, REMINDERS.c.level)
        .join(INVOICES, REMINDERS.c.invoice_id == INVOICES.c.id)
        .where(INVOICES.c.number.in_(numbers))
    )
    issued = {(row.number, row.level) for row in rows}
    return {key: item for key, item in said.items.items() if key not in issued}


def _withheld(made: Plan, keys: set[tuple[str, int]]) -> tuple[Withheld, ...]:
    stopped = {item.key: joined([stop.text for stop in item.stops], by="; ") for item in made.stopped}
    planned = {item.key for item in made.items}
    paid = Text("der er ikke længere noget at rykke for", "there is nothing to remind of any more")
    changed = Text("beløbene er ændret siden godkendelsen", "the amounts changed since the approval")
    return tuple(
        Withheld(*key, stopped.get(key) or (changed if key in planned else paid)) for key in sorted(keys)
    )  # fmt: skip


_Terms = tuple[date, reminder_terms.Terms, int, Sequence[Text]]


def _write(session: Session, items: Sequence[Item], seller: Seller, trail: Trail, given: _Terms) -> tuple[str, ...]:
    """Number, keep and book reminders."""
    on, terms, proposal_id, notices = given
    if not items:
        return ()
    series = series_name(on.year)
    sequence = invoices.draw(session, series, len(items), on)
    papers = _invoices(session, [item.owed.invoice_id for item in items])
    first, next_message = append_only.next_id(session, REMINDERS), append_only.next_id(session, MESSAGES)
    rows: list[dict[str, Any]] = []
    messages: list[dict[str, Any]] = []
    for at, item in enumerate(items):
        number = invoices.number(series, sequence + at)
        due_on = on + timedelta(days=terms.payment_days)
        value = _document(item, papers[item.owed.invoice_id], seller, (number, on, due_on, tuple(notices)))
        _refuse_faulty(value)
        text = reminder_document.to_json(value)
        row = {
            "id": first + at, "series": series, "sequence": sequence + at, "number": number,
            "invoice_id": item.owed.invoice_id, "level": item.level, "authority_id": item.owed.authority_id,
            "issued_on": on, "due_on": due_on, "outstanding_ore": item.owed.outstanding.ore, "fee_ore": item.fee.ore,
            "compensation_ore": item.compensation.ore, "interest_ore": item.interest.amount.ore,
            "interest": canonical([plain.written(piece) for piece in item.interest.pieces]),
            "to_pay_ore": item.to_pay.ore, "proposal_id": proposal_id, "document": text,
            "document_sha256": sha256(text), "issued_at": trail.at, "issued_by": trail.actor,
        }  # fmt: skip
        message = {"id": next_message + at, "reminder_id": row["id"], "kind": "deliver", "created_at": trail.at}
        trail.record(
            ACTION, number, {"invoice": item.owed.number, "level": item.level, "to_pay_ore": item.to_pay.ore},
            rows=[(REMINDERS, row), (MESSAGES, message)],
        )  # fmt: skip
        rows.append(row)
        messages.append(message)
    append_only.add(session, REMINDERS, rows)
    append_only.add(session, MESSAGES, messages)
    opens = closed_periods.first_open(session)
    vouchers.book(session, [order for row in rows for order in orders(row, opens)], trail)
    return tuple(row["number"] for row in rows)


def series_name(year: int) -> str:
    """Give the series of the reminders of a calendar year."""
    return f"RY-{year}"


def orders(row: Mapping[str, Any], opens: date = date.min) -> list[Order]:
    """Give what a reminder books: fee and compensation, and interest; nothing where it costs nothing.

    Where its day is closed, that is booked on the first open day.
    """
    on = max(row["issued_on"], opens)
    booked = (
        ("reminder", "Gebyr for rykker", row["fee_ore"] + row["compensation_ore"], FEES_EARNED),
        ("interest", "Rente på rykker", row["interest_ore"], INTEREST_EARNED),
    )
    return [
        Order(kind, row["number"], on, f"{words} {row['number']}", (  # type: ignore[arg-type]
            Entry(ledger.CHARGES_OWED, Money(ore), authority_id=row["authority_id"], invoice_id=row["invoice_id"]),
            Entry(account, Money(-ore)),
        ))
        for kind, words, ore, account in booked
        if ore
    ]  # fmt: skip


def _invoices(session: Session, ids: Sequence[int]) -> dict[int, InvoiceDocument]:
    rows = session.execute(select(INVOICES.c.id, INVOICES.c.document).where(INVOICES.c.id.in_(ids)))
    return {row.id: documents.from_json(row.document) for row in rows}


_Head = tuple[str, date, date, tuple[Text, ...]]


def _document(item: Item, invoice: InvoiceDocument, seller: Seller, head: _Head) -> ReminderDocument:
    """Give the reminder as a value. It is paid by the invoice's own payment id, so the money finds the invoice."""
    number, on, due_on, notices = head
    charges: tuple[ReminderCharge, ...] = (
        ReminderCharge("fee", Text("Rykkergebyr", "Fee for the reminder"), item.fee),
        ReminderCharge("compensation", Text("Kompensationsbeløb efter renteloven § 9 a", "Compensation (interest act, "
                                            "section 9 a)"), item.compensation),
        ReminderCharge("interest", Text("Morarente efter renteloven § 5", "Interest (interest act, section 5)"),
                       item.interest.amount),
        ReminderCharge("earlier", Text("Gebyr og rente fra tidligere rykkere, ikke betalt",
                                       "Fee and interest of earlier reminders, not paid"), item.earlier),
    )  # fmt: skip
    return ReminderDocument(
        number=number, sequence=item.level, issued_on=on, due_on=due_on, seller=seller.party,
        seller_vat_registered=seller.vat_registered, buyer=invoice.buyer, references=invoice.references,
        invoices=(RemindedInvoice(item.owed.number, item.owed.issued_on, item.owed.due_on, item.owed.outstanding),),
        charges=tuple(charge for charge in charges if charge.amount), outstanding=item.owed.outstanding,
        charged=item.charged, to_pay=item.to_pay,
        payment=PaymentWays(
            fik_creditor=seller.fik_creditor, fik_id=invoice.payment.fik_id, registration=seller.registration,
            account=seller.account, iban=seller.iban,
        ),
        notices=notices,
    )  # fmt: skip


def _refuse_faulty(value: ReminderDocument) -> None:
    from billing.einvoice import checks  # late: a plan does not wait for lxml

    if errors := checks.errors(checks.check_reminder(value)):
        raise Faulty(same(f"{value.number}: ") + joined([finding.message for finding in errors], by="; "))
