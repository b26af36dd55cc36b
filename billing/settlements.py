"""Money that is given back or given up: one person prepares it with a reason, another approves exactly that.

A refund takes of what stands to an authority's credit, and is met by the bank transaction that pays it out. A write-off
takes of what an invoice owes; where the loss is certain, its share of VAT comes off output VAT.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date
from fractions import Fraction

from sqlalchemy import select
from sqlalchemy.orm import Session

from authorities.register import AUTHORITIES
from billing import balances, closed_periods, ledger, reminder_charges, vouchers
from billing.balances import REFUNDS, WRITE_OFFS, Owed
from billing.gathering import INVOICES
from billing.payments import EVER, MoreThanOwed, readable_reason
from billing.reminder_charges import WAIVERS, Charged
from billing.vouchers import Entry, Order
from foundation import append_only, proposals
from foundation.audit import Trail, canonical
from foundation.errors import NotFound
from foundation.language import Text, kroner
from foundation.money import ZERO, Money
from foundation.proposals import Proposal

REFUNDED_ACTION, WRITTEN_OFF_ACTION = "payment.refunded", "payment.written_off"
WAIVED_ACTION = "payment.charge_waived"


#: What two people decide here.
KINDS: tuple[proposals.Kind, ...] = ("refund", "write_off", "charge_waiver")


class NoSuchDebtor(NotFound):
    """No authority has that CVR number, or no invoice that number."""


@dataclass(frozen=True, slots=True)
class RefundOrder:
    """What is to be paid back to an authority, and why."""

    cvr: str
    amount: Money
    reason: str


@dataclass(frozen=True, slots=True)
class WriteOffOrder:
    """What is to be given up of an invoice, and why; `with_vat` where the loss is certain, so that VAT is regained."""

    number: str
    amount: Money
    reason: str
    with_vat: bool


@dataclass(frozen=True, slots=True)
class WaiverOrder:
    """What is to be let go of what the reminders of an invoice charge, and why."""

    number: str
    amount: Money
    reason: str


# --- what waits for another person


def waiting(session: Session) -> list[Proposal]:
    """Give what was prepared and is not decided, newest first of each kind."""
    return [each for kind in KINDS for each in proposals.open(session, kind)]


def get(session: Session, id_: int) -> Proposal:
    """Give one of them. Raises NoSuchProposal, also for a proposal of another kind."""
    found = proposals.get(session, id_)
    if found.kind not in KINDS:
        raise proposals.NoSuchProposal(
            Text("det er hverken en tilbagebetaling, en afskrivning eller en eftergivelse",
                 "that is no refund, no write-off and no waiver")
        )  # fmt: skip
    return found


def order_of(proposal: Proposal) -> RefundOrder | WriteOffOrder | WaiverOrder:
    """Read what a proposal would give back or up."""
    if proposal.kind == "refund":
        return refund_of(proposal)
    return write_off_of(proposal) if proposal.kind == "write_off" else waiver_of(proposal)


def approve(session: Session, proposal: Proposal, on: date, trail: Trail) -> Money:
    """Decide what was prepared, another person than who did, and book it; give its amount.

    Raises what `proposals.decide` raises, or MoreThanOwed where there is no room for it any more.
    """
    if proposal.kind == "refund":
        return approve_refund(session, proposal.id, on, trail)
    if proposal.kind == "write_off":
        return approve_write_off(session, proposal.id, on, trail)
    return approve_waiver(session, proposal.id, on, trail)


def told(kind: proposals.Kind, amount: Money) -> Text:
    """Say what was decided."""
    given = kroner(amount)
    if kind == "refund":
        return Text(f"Tilbagebetalingen på {given.da} er besluttet: betal den fra banken",
                    f"The refund of {given.en} is decided: pay it from the bank")  # fmt: skip
    if kind == "write_off":
        return Text(f"{given.da} er afskrevet", f"{given.en} is written off")
    return Text(f"{given.da} i gebyr og rente er eftergivet", f"{given.en} in fee and interest is waived")


# --- refunds


def propose_refund(session: Session, order: RefundOrder, trail: Trail) -> Proposal:
    """Propose to pay an authority's credit back; the caller commits. Raises NoSuchDebtor, MoreThanOwed, Unplaceable."""
    reason = readable_reason(order.reason)
    _refuse_more_than_credit(session, order)
    content = canonical({"amount_ore": order.amount.ore, "reason": reason})
    return proposals.propose_newest(session, "refund", order.cvr, content, trail)


def approve_refund(session: Session, id_: int, on: date, trail: Trail) -> Money:
    """Decide a proposed refund, another person than who prepared it, and book it; give its amount.

    Raises what `proposals.decide` raises, or MoreThanOwed where the credit was used since.
    """
    proposal = proposals.approve(session, id_, "refund", trail)
    order, on = refund_of(proposal), max(on, closed_periods.first_open(session))
    authority_id = _refuse_more_than_credit(session, order)
    entries = (
        Entry(ledger.CREDIT, order.amount, authority_id=authority_id),
        Entry(ledger.REFUNDS_DUE, -order.amount, authority_id=authority_id),
    )
    words = f"Tilbagebetaling: {order.reason}"
    (voucher_id,) = vouchers.book(session, [Order("refund", f"proposal {id_}", on, words, entries)], trail)
    row = {
        "id": append_only.next_id(session, REFUNDS), "proposal_id": id_, "authority_id": authority_id,
        "amount_ore": order.amount.ore, "reason": order.reason, "decided_on": on, "voucher_id": voucher_id,
    }  # fmt: skip
    append_only.add(session, REFUNDS, [row])
    trail.record(REFUNDED_ACTION, order.cvr, {"proposal": id_, "ore": order.amount.ore}, rows=[(REFUNDS, row)])
    return order.amount


def refund_of(proposal: Proposal) -> RefundOrder:
    """Read what a proposal would pay back."""
    found = json.loads(proposal.content)
    return RefundOrder(proposal.subject, Money(found["amount_ore"]), found["reason"])


def _refuse_more_than_credit(session: Session, order: RefundOrder) -> int:
    authority_id = session.execute(select(AUTHORITIES.c.id).where(AUTHORITIES.c.cvr == order.cvr)).scalar()
    if authority_id is None:
        raise NoSuchDebtor(Text(f"ingen myndighed har CVR {order.cvr}", f"no authority has CVR {order.cvr}"))
    credit = balances.credits_of(session, EVER, authority_id=authority_id).get(authority_id, ZERO)
    if not ZERO < order.amount <= credit:
        told = kroner(credit)
        raise MoreThanOwed(
            Text(f"myndigheden har {told.da} til gode; tilbagebetalingen skal være mellem 0,01 og det beløb",
                 f"the authority has a credit of {told.en}; a refund is between 0.01 and that")
        )  # fmt: skip
    return int(authority_id)


# --- write-offs


def propose_write_off(session: Session, order: WriteOffOrder, trail: Trail) -> Proposal:
    """Propose to give up what an invoice owes; the caller commits. Raises NoSuchDebtor, MoreThanOwed, Unplaceable."""
    reason = readable_reason(order.reason)
    _refuse_more_than_owed(session, order)
    content = canonical({"amount_ore": order.amount.ore, "reason": reason, "with_vat": order.with_vat})
    return proposals.propose_newest(session, "write_off", order.number, content, trail)


def approve_write_off(session: Session, id_: int, on: date, trail: Trail) -> Money:
    """Decide a proposed write-off, another person than who prepared it, and book it; give its amount.

    Raises what `proposals.decide` raises, or MoreThanOwed where the invoice was paid or credited since.
    """
    proposal = proposals.approve(session, id_, "write_off", trail)
    order, on = write_off_of(proposal), max(on, closed_periods.first_open(session))
    owed, vat = _refuse_more_than_owed(session, order)
    words, entries = f"Afskrivning af {order.number}: {order.reason}", write_off_entries(owed, order.amount, vat)
    (voucher_id,) = vouchers.book(session, [Order("write_off", f"proposal {id_}", on, words, entries)], trail)
    row = {
        "id": append_only.next_id(session, WRITE_OFFS), "proposal_id": id_, "invoice_id": owed.invoice_id,
        "amount_ore": order.amount.ore, "vat_ore": vat.ore, "reason": order.reason, "decided_on": on,
        "voucher_id": voucher_id,
    }  # fmt: skip
    append_only.add(session, WRITE_OFFS, [row])
    told = {"proposal": id_, "ore": order.amount.ore, "vat_ore": vat.ore}
    trail.record(WRITTEN_OFF_ACTION, order.number, told, rows=[(WRITE_OFFS, row)])
    return order.amount


def write_off_of(proposal: Proposal) -> WriteOffOrder:
    """Read what a proposal would give up."""
    found = json.loads(proposal.content)
    return WriteOffOrder(proposal.subject, Money(found["amount_ore"]), found["reason"], found["with_vat"])


def write_off_entries(owed: Owed, amount: Money, vat: Money) -> tuple[Entry, ...]:
    """Give what a write-off books: the loss without its VAT, the VAT regained, and the receivable that goes."""
    rows = (
        Entry(ledger.BAD_DEBTS, amount - vat),
        Entry(ledger.OUTPUT_VAT, vat),
        Entry(ledger.RECEIVABLES, -amount, authority_id=owed.authority_id, invoice_id=owed.invoice_id),
    )
    return tuple(row for row in rows if row.amount)


# --- what reminders charge


def propose_waiver(session: Session, order: WaiverOrder, trail: Trail) -> Proposal:
    """Propose to let go of what reminders charge; the caller commits.

    Raises NoSuchDebtor, MoreThanOwed or Unplaceable.
    """
    reason = readable_reason(order.reason)
    _refuse_more_than_charged(session, order)
    content = canonical({"amount_ore": order.amount.ore, "reason": reason})
    return proposals.propose_newest(session, "charge_waiver", order.number, content, trail)


def approve_waiver(session: Session, id_: int, on: date, trail: Trail) -> Money:
    """Decide to let charges go, another person than who prepared it, and book it; give the amount.

    Raises what `proposals.decide` raises, or MoreThanOwed where the charges were paid since.
    """
    proposal = proposals.approve(session, id_, "charge_waiver", trail)
    order, on = waiver_of(proposal), max(on, closed_periods.first_open(session))
    charged = _refuse_more_than_charged(session, order)
    entries = waiver_entries(charged.authority_id, charged.invoice_id, order.amount)
    words = f"Eftergivet af {order.number}: {order.reason}"
    (voucher_id,) = vouchers.book(session, [Order("charge_waived", f"proposal {id_}", on, words, entries)], trail)
    row = {
        "id": append_only.next_id(session, WAIVERS), "proposal_id": id_, "invoice_id": charged.invoice_id,
        "amount_ore": order.amount.ore, "reason": order.reason, "decided_on": on, "voucher_id": voucher_id,
    }  # fmt: skip
    append_only.add(session, WAIVERS, [row])
    trail.record(WAIVED_ACTION, order.number, {"proposal": id_, "ore": order.amount.ore}, rows=[(WAIVERS, row)])
    return order.amount


def waiver_of(proposal: Proposal) -> WaiverOrder:
    """Read what a proposal would let go of."""
    found = json.loads(proposal.content)
    return WaiverOrder(proposal.subject, Money(found["amount_ore"]), found["reason"])


def waiver_entries(authority_id: int | None, invoice_id: int, amount: Money) -> tuple[Entry, Entry]:
    """Give what letting charges go books: the loss, and the claim that goes. Fee and interest bear no VAT."""
    claim = Entry(ledger.CHARGES_OWED, -amount, authority_id=authority_id, invoice_id=invoice_id)
    return Entry(ledger.BAD_DEBTS, amount), claim


def _refuse_more_than_charged(session: Session, order: WaiverOrder) -> Charged:
    """Hold a waiver against what is owed of an invoice's charges; give those."""
    asked = reminder_charges.charged(session, EVER).values()
    found = next((each for each in asked if each.number == order.number), None)
    if found is None:
        raise NoSuchDebtor(
            Text(f"ingen rykker for {order.number} koster noget", f"no reminder of {order.number} charges anything")
        )
    if not ZERO < order.amount <= found.outstanding:
        told = kroner(found.outstanding)
        raise MoreThanOwed(
            Text(f"der mangler {told.da} i gebyr og rente; eftergivelsen skal være mellem 0,01 og det beløb",
                 f"{told.en} are owed in fee and interest; a waiver is between 0.01 and that")
        )  # fmt: skip
    return found


def _refuse_more_than_owed(session: Session, order: WriteOffOrder) -> tuple[Owed, Money]:
    """Hold a write-off against what the invoice owes; give that, and the VAT that the amount holds."""
    found = select(INVOICES.c.id, INVOICES.c.vat_ore).where(INVOICES.c.number == order.number)
    row = session.execute(found).first()
    owed = balances.one(session, EVER, row.id) if row else None
    if row is None or owed is None:
        raise NoSuchDebtor(Text(f"ingen faktura har nummer {order.number}", f"no invoice has number {order.number}"))
    if not ZERO < order.amount <= owed.outstanding:
        told = kroner(owed.outstanding)
        raise MoreThanOwed(
            Text(f"{order.number} mangler {told.da}; afskrivningen skal være mellem 0,01 og det beløb",
                 f"{order.number} owes {told.en}; a write-off is between 0.01 and that")
        )  # fmt: skip
    share = Fraction(row.vat_ore, owed.gross.ore) if order.with_vat else Fraction(0)
    return owed, order.amount.scaled(share)
