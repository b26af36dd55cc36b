"""Payments that wait, matching what is certain, and authorities' accounts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app import access, database
from app.api import answers, ground, pages, writes
from app.api.fee_tables import proposed
from app.api.ground import CVR, ID, ID_IN_PATH
from app.api.pages import PageQuery
from app.api.registers import NoSuchAuthority
from app.api.writes import Answer
from app.schemas import Day, Nothing, PlacementOf, RefundOf, Strict, UndoingOf, WaiverOf, WriteOffOf
from app.web import layout
from authorities.models import Authority
from billing import balances, payments, placing, settlements
from billing.balances import TRANSACTIONS
from billing.payments import Placing, Unplaceable, Waiting
from billing.placing import Wanted
from billing.settlements import RefundOrder, WaiverOrder, WriteOffOrder
from foundation.audit import Trail
from foundation.language import Text, same
from foundation.money import Money

room = ground.room("payments", "Payments that wait, matching, and authorities' accounts")


class AccountQuery(Strict):
    """On which day."""

    on = Day()


@ground.reads(room, "/payments", "payment.read", answers.page_of(answers.Payment), PageQuery)
def list_payments(query: Mapping[str, Any]) -> Any:
    """List the payments that have not found their place, with what they may be for."""
    with database.reading() as session:
        statement = payments.unplaced().order_by(None)
        told = pages.read(session, statement, TRANSACTIONS.c.id, query, payments.paid_of)
        return told | {"items": [_told(each) for each in payments.findings(session, told["items"])]}


def _told(each: Waiting) -> dict[str, Any]:
    paid, finding = each
    spoken = layout.spoken()
    return {
        "id": paid.id, "booked_on": paid.booked_on, "amount_ore": paid.amount.ore, "left_ore": paid.left.ore,
        "payer": paid.payer, "message": paid.message, "fik_id": paid.fik_id, "outcome": finding.outcome.value,
        "certain": finding.is_certain, "next_step": finding.next_step[spoken],
        "suggestions": [
            {
                "rule": made.rule,
                "why": made.why[spoken],
                "parts": [
                    {"amount_ore": part.amount.ore, "invoice_id": part.invoice_id, "authority_id": part.authority_id,
                     "refund_id": part.refund_id}
                    for part in made.parts
                ],
            }
            for made in finding.suggestions
        ],
    }  # fmt: skip


@ground.writes(room, "/payments/matches", "payment.match", Nothing, answers.Matched)
def match_payments(query: object, sent: Mapping[str, Any]) -> Any:
    """Match every payment that is certain; the others wait."""

    def act(session: Session, trail: Trail) -> Answer:
        found = payments.match_certain(session, layout.today(), trail)
        certain = sum(each.finding.is_certain for each in found)
        told = {"matched": certain, "matched_ore": payments.placed(found).ore, "waiting": len(found) - certain}
        return Answer(told)

    return writes.once(act)


@ground.reads(
    room, f"/payments/{ID_IN_PATH}/matches", "payment.read", answers.PlacedList, parameters={"id_": ID}
)  # fmt: skip
def matches_of(query: object, id_: int) -> Any:
    """List where a payment went, and what was undone."""
    with database.reading() as session:
        paid = payments.transaction(session, id_)
        found = payments.matches(session, transaction_id=paid.id)
    return {
        "items": [
            {"id": each.id, "amount_ore": each.amount.ore, "number": each.number, "account": each.account,
             "product": each.product, "refund_id": each.refund_id, "rule": each.rule, "on": each.on, "by": each.by,
             "undoes": each.undoes, "undone_by": each.undone_by}
            for each in found
        ]
    }  # fmt: skip


@ground.writes(room, "/payments/placements", "payment.match", PlacementOf, answers.Placed)
def place(query: object, sent: Mapping[str, Any]) -> Any:
    """Place some of a payment by hand, at one place."""

    def act(session: Session, trail: Trail) -> Answer:
        parts = placing.parts(session, _wanted(sent))
        wanted = Placing(sent["transaction"], parts, "hand", same(sent["why"]))
        (placed,) = payments.place(session, [wanted], layout.today(), trail)
        return Answer({"id": placed})

    return writes.once(act)


def _wanted(sent: Mapping[str, Any]) -> Wanted:
    """Read the one place that is named. Raises Unplaceable."""
    if sum(1 for name in ("number", "cvr", "account", "product", "refund") if sent.get(name)) != 1:
        raise Unplaceable(Text("nævn netop ét sted", "name just one place"))
    if sent.get("giver") and not sent.get("product"):
        raise Unplaceable(Text("kun et bidrag har en giver", "only a contribution has a giver"))
    amount = Money(sent["amount_ore"])
    if number := sent.get("number"):
        return Wanted(charges=[(number, amount)]) if sent["charges"] else Wanted([(number, amount)])
    if cvr := sent.get("cvr"):
        return Wanted(credits=[(cvr, amount)])
    if account_ := sent.get("account"):
        return Wanted(accounts=[(account_, amount)])
    if product := sent.get("product"):
        return Wanted(contributions=[(product, amount)], giver=sent.get("giver"))
    return Wanted(refunds=[(sent["refund"], amount)])


@ground.writes(room, "/payments/undoings", "payment.match", UndoingOf, answers.Placed)
def undo(query: object, sent: Mapping[str, Any]) -> Any:
    """Undo a match, with a reason; it stays, and a new one stands against it."""

    def act(session: Session, trail: Trail) -> Answer:
        (undone,) = payments.unmatch(session, [sent["match"]], sent["reason"], layout.today(), trail)
        return Answer({"id": undone})

    return writes.once(act)


# --- prepared here, approved by another person in the browser


@ground.writes(room, "/payments/refunds", "refund.prepare", RefundOf, answers.Proposed)
def propose_refund(query: object, sent: Mapping[str, Any]) -> Any:
    """Propose to pay an authority's credit back; another person approves it, in the browser."""
    order = RefundOrder(sent["cvr"], Money(sent["amount_ore"]), sent["reason"])
    return writes.once(lambda session, trail: Answer(proposed(settlements.propose_refund(session, order, trail))))


@ground.writes(room, "/payments/write-offs", "refund.prepare", WriteOffOf, answers.Proposed)
def propose_write_off(query: object, sent: Mapping[str, Any]) -> Any:
    """Propose to give up what an invoice owes; another person approves it, in the browser."""
    order = WriteOffOrder(sent["number"], Money(sent["amount_ore"]), sent["reason"], sent["with_vat"])
    return writes.once(lambda session, trail: Answer(proposed(settlements.propose_write_off(session, order, trail))))


@ground.writes(room, "/payments/waivers", "refund.prepare", WaiverOf, answers.Proposed)
def propose_waiver(query: object, sent: Mapping[str, Any]) -> Any:
    """Propose to let go of what an invoice's reminders charge; another person approves it, in the browser."""
    order = WaiverOrder(sent["number"], Money(sent["amount_ore"]), sent["reason"])
    return writes.once(lambda session, trail: Answer(proposed(settlements.propose_waiver(session, order, trail))))


# --- accounts


@ground.reads(
    room, "/authorities/<cvr>/account", "statement.read", answers.Account, AccountQuery, parameters={"cvr": CVR}
)
def account(query: Mapping[str, Any], cvr: str) -> Any:
    """Give an authority's account on a day; today where none is given."""
    columns = Authority.__table__.c
    on = query.get("on") or layout.today()
    with database.reading() as session:
        known = access.authorities(select(columns.id).where(columns.cvr == _digits(cvr)), "statement.read")
        id_ = session.scalar(known)
        if id_ is None:
            raise NoSuchAuthority(Text("ingen myndighed har det CVR-nummer", "no authority has that CVR number"))
        found = balances.statement(session, id_, on)
    return {
        "cvr": cvr, "on": on, "balance_ore": found.balance.ore, "credit_ore": found.credit.ore,
        "barred_ore": found.barred.ore, "charges_ore": found.charged.ore,
        "movements": [
            {"on": each.on, "kind": each.kind, "invoice": each.invoice or None, "text": each.text,
             "amount_ore": each.amount.ore, "balance_ore": each.balance.ore}
            for each in found.movements
        ],
        "invoices": [
            {"number": each.number, "issued_on": each.issued_on, "due_on": each.due_on,
             "state": balances.state(each, on).value, "gross_ore": each.gross.ore,
             "outstanding_ore": each.outstanding.ore, "barred_after": balances.limitation_day(each.due_on)}
            for each in found.owed
        ],
    }  # fmt: skip


def _digits(cvr: str) -> str:
    return cvr if cvr.isascii() and cvr.isdigit() else ""
