"""Payments find their invoices: what waits, matching what is certain, placing by hand, and undoing what was wrong.

A match is booked as it is written, and never changed: a wrong one is undone by a row that points back to it. Under the
writer's lock no transaction gives more than it has, and no invoice gets more than it owes.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from functools import cache
from typing import Any, NamedTuple

import orjson
from sqlalchemy import ColumnElement, Row, Select, bindparam, func, select
from sqlalchemy.orm import Session

from agreements import products
from authorities.register import AUTHORITIES
from billing import balances, closed_periods, ledger, matching, reminder_charges, vouchers
from billing.balances import CONTRIBUTIONS, MATCHES, REFUNDS, REVERSALS, TRANSACTIONS, WRITE_OFFS
from billing.gathering import CREDIT_NOTES, INVOICES
from billing.matching import Finding, Known, Paid, Part, RefundDue, Rule
from billing.vouchers import Entry, Order
from foundation import append_only, wording
from foundation.audit import Trail, canonical
from foundation.errors import Conflict, NotFound, Refused
from foundation.language import Text, kroner
from foundation.money import ZERO, Money, total

MATCHED_ACTION, UNMATCHED_ACTION = "payment.matched", "payment.unmatched"
REVERSED_ACTION = "payment.write_off_reversed"

AT_A_TIME = 500

#: A day after all others: sums are held against all that was ever matched, however it is dated.
EVER = date.max

_MOST_PARTS = 200


class NoSuchPayment(NotFound):
    """No transaction, or no match, has that number."""


class AlreadyPlaced(Conflict):
    """The money was placed, or the match undone, before."""


class MoreThanOwed(Conflict):
    """An invoice, a credit or a refund has not room for that much."""


class Unplaceable(Refused):
    """What was asked for is no way to place money."""


@dataclass(frozen=True, slots=True)
class Placing:
    """Where the money of a transaction goes, by which rule and why; from an authority's credit where there is none."""

    transaction_id: int | None
    parts: tuple[Part, ...]
    rule: Rule
    why: Text


class Waiting(NamedTuple):
    """A payment that has not found its place, and what is found about it."""

    paid: Paid
    finding: Finding


# --- what waits


def waiting(session: Session, *, at_most: int | None = None) -> list[Paid]:
    """Give the transactions with money that has not found its place, the oldest first, in one query."""
    return [paid_of(row) for row in session.execute(unplaced().limit(at_most))]


def unplaced() -> Select[Any]:
    """Ask for the transactions with money that has not found its place, the oldest first."""
    statement, left = _transactions()
    return statement.where(left != 0).order_by(TRANSACTIONS.c.booked_on, TRANSACTIONS.c.id)


def transaction(session: Session, id_: int) -> Paid:
    """Give a transaction as it stands, in one query. Raises NoSuchPayment."""
    statement, _ = _transactions()
    row = session.execute(statement.where(TRANSACTIONS.c.id == id_)).first() if 0 < id_ < 2**63 else None
    if row is None:
        raise _no_such(id_)
    return paid_of(row)


def _no_such(id_: int) -> NoSuchPayment:
    return NoSuchPayment(Text(f"ingen betaling har nummer {id_}", f"no payment has the number {id_}"))


def _transactions() -> tuple[Select[Any], ColumnElement[int]]:
    columns = TRANSACTIONS.c
    matched = (
        select(MATCHES.c.transaction_id, func.sum(MATCHES.c.amount_ore).label("ore"))
        .where(MATCHES.c.transaction_id.is_not(None))
        .group_by(MATCHES.c.transaction_id)
        .subquery("matched")
    )
    left = columns.amount_ore - func.coalesce(matched.c.ore, 0)
    statement = select(
        columns.id, columns.account, columns.booked_on, columns.amount_ore, left.label("left_ore"), columns.fik_id,
        columns.creditor_reference, columns.message, columns.payer, columns.payer_account,
    ).outerjoin(matched, matched.c.transaction_id == columns.id)  # fmt: skip
    return statement, left


def paid_of(row: Row[Any]) -> Paid:
    """Read a row of `unplaced`."""
    return Paid(
        row.id, row.account, row.booked_on, Money(row.amount_ore), Money(int(row.left_ore)), row.fik_id,
        row.creditor_reference, row.message, row.payer, row.payer_account,
    )  # fmt: skip


def clearing(session: Session) -> tuple[int, Money, date | None]:
    """Count what waits: how many transactions, how much, and since when, in one query."""
    found = unplaced().order_by(None).subquery("waiting")
    row = session.execute(select(func.count(), func.sum(found.c.left_ore), func.min(found.c.booked_on))).one()
    return int(row[0]), Money(int(row[1] or 0)), row[2]


# --- what payments are held against


def known(session: Session, payments: Sequence[Paid]) -> Known:
    """Read what payments are held against: a fixed number of queries, and three for every 500 numbers they name."""
    owed = balances.still_open(session, EVER)
    named = {number for paid in payments for number in matching.numbers_named(paid)}
    owed |= balances.outstanding(session, EVER, invoice_ids=_ids(session, named) - owed.keys())
    charges = reminder_charges.still_owed(session, EVER)
    owed |= balances.outstanding(session, EVER, invoice_ids=charges.keys() - owed.keys())
    names, titles = _names(session)
    paid_amounts: defaultdict[int, set[int]] = defaultdict(set)
    settled = [each.invoice_id for each in owed.values() if each.outstanding.ore <= 0]
    for at in range(0, len(settled), AT_A_TIME):
        rows = session.execute(_AMOUNTS.where(MATCHES.c.invoice_id.in_(settled[at : at + AT_A_TIME])))
        for row in rows:
            paid_amounts[row.invoice_id].add(row.amount_ore)
    return Known(owed, names, _accounts(session), titles, paid_amounts, refunds_due(session), charges)


_AMOUNTS = select(MATCHES.c.invoice_id, TRANSACTIONS.c.amount_ore).join(
    TRANSACTIONS, MATCHES.c.transaction_id == TRANSACTIONS.c.id
)


def named(session: Session, numbers: Collection[str]) -> dict[str, balances.Owed]:
    """Give the real invoices of some numbers that money can go to: that owe something, or were written off."""
    found = balances.outstanding(session, EVER, invoice_ids=_ids(session, numbers)).values()
    return {each.number: each for each in found if each.outstanding.ore > 0 or each.written_off.ore > 0}


def charge_parts(session: Session, amounts: Sequence[tuple[str, Money]]) -> list[Part]:
    """Give the parts that pay what reminders charge, by the reminded invoices' numbers. Raises Unplaceable."""
    asked = reminder_charges.charged(session, EVER).values() if amounts else ()
    by_number = {each.number: each for each in asked}
    for number, _ in amounts:
        if number not in by_number:
            raise Unplaceable(
                Text(f"ingen rykker for {number} koster noget", f"no reminder of {number} charges anything")
            )
    return [
        Part(amount, by_number[number].authority_id, by_number[number].invoice_id, account=ledger.CHARGES_OWED)
        for number, amount in amounts
    ]


def _ids(session: Session, numbers: Collection[str]) -> set[int]:
    listed, found = sorted(numbers), set[int]()
    is_invoice = INVOICES.c.id.not_in(select(CREDIT_NOTES.c.invoice_id))
    for at in range(0, len(listed), AT_A_TIME):
        wanted = select(INVOICES.c.id).where(INVOICES.c.number.in_(listed[at : at + AT_A_TIME]), is_invoice)
        found |= set(session.execute(wanted.where(INVOICES.c.book == "real")).scalars())
    return found


def _names(session: Session) -> tuple[dict[str, int | None], dict[int, str]]:
    names: dict[str, int | None] = {}
    titles = {}
    for row in session.execute(select(AUTHORITIES.c.id, AUTHORITIES.c.name)):
        name = matching.folded(row.name)
        names[name] = None if name in names else row.id
        titles[row.id] = row.name
    return names, titles


def _accounts(session: Session) -> dict[str, int | None]:
    """Give whose each account is that was paid from before; None where several paid from it."""
    undone = select(MATCHES.c.undoes).where(MATCHES.c.undoes.is_not(None))
    found = (
        select(TRANSACTIONS.c.payer_account, MATCHES.c.authority_id)
        .join(MATCHES, MATCHES.c.transaction_id == TRANSACTIONS.c.id)
        .where(TRANSACTIONS.c.payer_account != "", TRANSACTIONS.c.amount_ore > 0, MATCHES.c.authority_id.is_not(None),
               MATCHES.c.undoes.is_(None), MATCHES.c.id.not_in(undone))
        .distinct()
    )  # fmt: skip
    accounts: dict[str, int | None] = {}
    for row in session.execute(found):
        accounts[row.payer_account] = None if row.payer_account in accounts else row.authority_id
    return accounts


def refunds_due(session: Session) -> list[RefundDue]:
    """Give the refunds that are decided and not yet paid out, the oldest first, in one query."""
    paid_out = (
        select(MATCHES.c.refund_id, func.sum(MATCHES.c.amount_ore).label("ore"))
        .where(MATCHES.c.refund_id.is_not(None))
        .group_by(MATCHES.c.refund_id)
        .subquery("paid_out")
    )
    left = REFUNDS.c.amount_ore + func.coalesce(paid_out.c.ore, 0)
    found = (
        select(REFUNDS.c.id, REFUNDS.c.authority_id, left.label("left_ore"))
        .outerjoin(paid_out, paid_out.c.refund_id == REFUNDS.c.id)
        .where(left > 0)
        .order_by(REFUNDS.c.id)
    )
    return [RefundDue(row.id, row.authority_id, Money(int(row.left_ore))) for row in session.execute(found)]


def findings(session: Session, payments: Sequence[Paid]) -> list[Waiting]:
    """Say what each payment was for, as if those before it that are certain were matched."""
    against = known(session, payments)
    found = []
    for paid in payments:
        finding = matching.find(paid, against)
        if finding.is_certain:
            _settle(against, finding.suggestions[0].parts)
        found.append(Waiting(paid, finding))
    return found


def _settle(against: Known, parts: Iterable[Part]) -> None:
    for part in parts:
        if part.is_charge:
            against.charges[part.invoice_id or 0] -= part.amount
        elif part.invoice_id is not None:
            against.settle(part.invoice_id, part.amount)


# --- matching; each needs the writer's lock, and the caller commits


def match_certain(session: Session, on: date, trail: Trail) -> list[Waiting]:
    """Match every payment that is certain, and let what is paid too much stand to credit; give what was found."""
    settle_overpaid(session, on, trail)
    found = findings(session, waiting(session))
    certain = [each for each in found if each.finding.is_certain]
    for at in range(0, len(certain), AT_A_TIME):
        place(session, [_placing(each) for each in certain[at : at + AT_A_TIME]], on, trail)
    return found


def _placing(each: Waiting) -> Placing:
    suggestion = each.finding.suggestions[0]
    return Placing(each.paid.id, suggestion.parts, suggestion.rule, suggestion.why)


def place(
    session: Session, placings: Sequence[Placing], on: date, trail: Trail, *, of_costs: bool = False
) -> list[int]:
    """Place money, and book it; give the matches' ids. Only `of_costs` takes of what is owed to suppliers.

    Raises NoSuchPayment, AlreadyPlaced, MoreThanOwed or Unplaceable; nothing is placed then.
    """
    rows = _rows(session, placings, on, trail)
    _refuse_too_much(session, rows, {ledger.SUPPLIERS} if of_costs else set())
    back = list(_reversals(session, rows))
    written = _write(session, rows, trail)
    _reverse(session, back, trail)
    return written


def settle_overpaid(session: Session, on: date, trail: Trail, invoice_ids: Collection[int] | None = None) -> list[int]:
    """Let what invoices were paid too much, as after a credit note, stand to their authorities' credit."""
    found = balances.still_open(session, EVER) if invoice_ids is None else balances.outstanding(
        session, EVER, invoice_ids=invoice_ids
    )  # fmt: skip
    over = [each for each in found.values() if each.outstanding.ore < 0]
    return place(session, [_released(each) for each in over], on, trail)


def _released(owed: balances.Owed) -> Placing:
    why = Text(
        f"{owed.number} er betalt med mere, end den skylder efter kreditnotaen: resten står til gode",
        f"{owed.number} is paid more than it owes after the credit note: the rest stands to credit",
    )
    return Placing(None, (Part(owed.outstanding, owed.authority_id, owed.invoice_id),), "overpaid", why)


def unmatch(session: Session, ids: Sequence[int], reason: str, on: date, trail: Trail) -> list[int]:
    """Undo matches by rows that point back to them; give those rows' ids.

    Raises NoSuchPayment, AlreadyPlaced where one was undone before, MoreThanOwed where its credit was used since, or
    Unplaceable without a reason.
    """
    told, found = readable_reason(reason), undoable(session, ids)
    first, opens = append_only.next_id(session, MATCHES), closed_periods.first_open(session)
    rows = [
        _opposite(row, first + at, told, max(on, opens, row.matched_on), trail) for at, row in enumerate(found.values())
    ]
    _refuse_used_credit(session, rows)
    return _write(session, rows, trail)


def undoable(session: Session, ids: Sequence[int]) -> dict[int, Row[Any]]:
    """Give matches that can be undone, by id, in two queries. Raises NoSuchPayment, AlreadyPlaced."""
    found = {row.id: row for row in session.execute(with_products().where(MATCHES.c.id.in_(ids)))}
    undone = set(session.execute(select(MATCHES.c.undoes).where(MATCHES.c.undoes.in_(ids))).scalars())
    for id_ in ids:
        if id_ not in found or found[id_].undoes is not None:
            raise _no_such(id_)
        if id_ in undone:
            raise AlreadyPlaced(Text(f"match {id_} er ophævet før", f"match {id_} was undone before"))
    return {id_: found[id_] for id_ in ids}


def with_products() -> Select[Any]:
    """Select matches with the product whose fund got a contribution by them, or got it back."""
    given_by = func.coalesce(MATCHES.c.undoes, MATCHES.c.id)
    return select(MATCHES, CONTRIBUTIONS.c.product).outerjoin(CONTRIBUTIONS, CONTRIBUTIONS.c.match_id == given_by)


def _opposite(row: Row[Any], id_: int, reason: str, on: date, trail: Trail) -> dict[str, Any]:
    return {
        **row._mapping, "id": id_, "amount_ore": -row.amount_ore, "rule": "undone",
        "explanation": canonical({"da": reason, "en": reason}), "matched_on": on, "undoes": row.id,
        "matched_by": trail.actor, "matched_at": trail.at,
    }  # fmt: skip


def readable_reason(given: str) -> str:
    """Give a reason as it is kept. Raises Unplaceable for none, and for one that cannot be read."""
    reason = wording.composed(given).strip()
    if not reason:
        raise Unplaceable(Text("giv en grund", "give a reason"))
    if fault := wording.fault(reason, wording.LONGEST_TEXT):
        raise Unplaceable(Text("grunden ", "the reason ") + fault)
    return reason


# --- rows, checked and written


def _rows(session: Session, placings: Sequence[Placing], on: date, trail: Trail) -> list[dict[str, Any]]:
    days, opens = _days(session, placings), closed_periods.first_open(session)
    first, rows = append_only.next_id(session, MATCHES), list[dict[str, Any]]()
    for placing in placings:
        if not placing.parts or len(placing.parts) > _MOST_PARTS:
            raise Unplaceable(Text("vælg, hvor beløbet hører til", "choose where the money belongs"))
        booked_on = max(opens, days[0].get(placing.transaction_id or 0, on))
        for part in placing.parts:
            rows.append(
                {
                    "id": first + len(rows), "transaction_id": placing.transaction_id,
                    "authority_id": part.authority_id, "invoice_id": part.invoice_id, "refund_id": part.refund_id,
                    "account": part.account, "product": part.product, "amount_ore": part.amount.ore,
                    "rule": placing.rule,
                    "explanation": canonical({"da": placing.why.da, "en": placing.why.en}),
                    "matched_on": max(booked_on, days[1].get(part.invoice_id or 0, booked_on)), "undoes": None,
                    "matched_by": trail.actor, "matched_at": trail.at,
                }
            )  # fmt: skip
    return rows


def _days(session: Session, placings: Sequence[Placing]) -> tuple[dict[int, date], dict[int, date]]:
    """Give when the transactions were booked, and when the invoices were issued: money cannot settle them before."""
    transactions = {placing.transaction_id for placing in placings if placing.transaction_id is not None}
    invoices = {part.invoice_id for placing in placings for part in placing.parts if part.invoice_id is not None}
    booked = _by_id(session, select(TRANSACTIONS.c.id, TRANSACTIONS.c.booked_on), TRANSACTIONS.c.id, transactions)
    issued = _by_id(session, select(INVOICES.c.id, INVOICES.c.issued_on), INVOICES.c.id, invoices)
    for id_ in transactions - booked.keys():
        raise _no_such(id_)
    return booked, issued


def _by_id(session: Session, found: Select[Any], id_: ColumnElement[int], ids: Collection[int]) -> dict[int, Any]:
    listed, values = sorted(ids), dict[int, Any]()
    for at in range(0, len(listed), AT_A_TIME):
        values |= {row[0]: row[1] for row in session.execute(found.where(id_.in_(listed[at : at + AT_A_TIME])))}
    return values


def _refuse_too_much(session: Session, rows: Sequence[Mapping[str, Any]], also: Collection[str]) -> None:
    """Hold what is to be placed against what there is: of transactions, invoices, refunds and credits."""
    if any(not row["amount_ore"] for row in rows):
        raise Unplaceable(Text("et beløb er nul", "an amount is zero"))
    _refuse_spent_transactions(session, rows)
    _refuse_full_invoices(session, [row for row in rows if not _is_of_charge(row)])
    _refuse_paid_charges(session, [row for row in rows if _is_of_charge(row)])
    _refuse_paid_refunds(session, rows)
    _refuse_used_credit(session, rows)
    _refuse_accounts(session, [row for row in rows if row["product"] is None], also)
    _refuse_contributions(session, [row for row in rows if row["product"] is not None])


def _sums(rows: Iterable[Mapping[str, Any]], name: str) -> Counter[int]:
    sums: Counter[int] = Counter()
    for row in rows:
        if row[name] is not None:
            sums[row[name]] += row["amount_ore"]
    return sums


def _refuse_spent_transactions(session: Session, rows: Sequence[Mapping[str, Any]]) -> None:
    wanted = _sums(rows, "transaction_id")
    statement, _ = _transactions()
    left = {id_: paid_of(row).left.ore for id_, row in _whole(session, statement, wanted).items()}
    for id_, ore in wanted.items():
        has = left[id_]
        same_way = all(row["amount_ore"] * has > 0 for row in rows if row["transaction_id"] == id_)
        if not same_way or abs(ore) > abs(has):
            told = kroner(Money(has))
            raise AlreadyPlaced(
                Text(f"betaling {id_} har {told.da} tilbage at placere; se, hvad der gælder nu",
                     f"payment {id_} has {told.en} left to place; look at what holds now")
            )  # fmt: skip


def _whole(session: Session, statement: Select[Any], ids: Collection[int]) -> dict[int, Row[Any]]:
    listed, found = sorted(ids), dict[int, Row[Any]]()
    for at in range(0, len(listed), AT_A_TIME):
        rows = session.execute(statement.where(TRANSACTIONS.c.id.in_(listed[at : at + AT_A_TIME])))
        found |= {row.id: row for row in rows}
    return found


def _refuse_full_invoices(session: Session, rows: Sequence[Mapping[str, Any]]) -> None:
    wanted = _sums(rows, "invoice_id")
    owed = balances.outstanding(session, EVER, invoice_ids=wanted)
    for row in rows:
        if row["invoice_id"] is not None and (
            row["invoice_id"] not in owed or owed[row["invoice_id"]].authority_id != row["authority_id"]
        ):
            raise Unplaceable(Text("fakturaen findes ikke hos den myndighed", "the authority has no such invoice"))
    for id_, ore in wanted.items():
        one = owed[id_]
        is_released = ore < 0 and one.outstanding.ore <= ore and -ore <= one.paid.ore
        room = one.outstanding + one.written_off
        if not is_released and not 0 < ore <= room.ore:
            told = kroner(room)
            raise MoreThanOwed(
                Text(f"{one.number} mangler {told.da}; så meget kan der højst placeres",
                     f"{one.number} owes {told.en}; no more than that can be placed")
            )  # fmt: skip


def _is_of_charge(row: Mapping[str, Any]) -> bool:
    return row["invoice_id"] is not None and row["account"] == ledger.CHARGES_OWED


def _refuse_paid_charges(session: Session, rows: Sequence[Mapping[str, Any]]) -> None:
    wanted = _sums(rows, "invoice_id")
    owed = reminder_charges.charged(session, EVER) if wanted else {}
    for row in rows:
        one = owed.get(row["invoice_id"])
        if one is None or one.authority_id != row["authority_id"]:
            raise Unplaceable(
                Text("der er intet rykkergebyr på fakturaen", "no reminder of the invoice charges anything")
            )
        if row["amount_ore"] <= 0 or wanted[row["invoice_id"]] > one.outstanding.ore:
            told = kroner(one.outstanding)
            raise MoreThanOwed(
                Text(f"der mangler {told.da} i gebyr og rente på {one.number}; så meget kan der højst placeres",
                     f"{told.en} are owed in fee and interest on {one.number}; no more than that can be placed")
            )  # fmt: skip


def _refuse_paid_refunds(session: Session, rows: Sequence[Mapping[str, Any]]) -> None:
    wanted = _sums(rows, "refund_id")
    due = {each.id: each for each in refunds_due(session)} if wanted else {}
    for row in rows:
        if (id_ := row["refund_id"]) is not None and (
            id_ not in due
            or due[id_].authority_id != row["authority_id"]
            or not 0 < -wanted[id_] <= due[id_].amount.ore
        ):
            raise MoreThanOwed(
                Text("tilbagebetalingen er betalt, eller har et andet beløb",
                     "the refund was paid, or has another amount")
            )  # fmt: skip


def _is_of_credit(row: Mapping[str, Any]) -> bool:
    return row["transaction_id"] is None


def _is_to_credit(row: Mapping[str, Any]) -> bool:
    return row["invoice_id"] is None and row["refund_id"] is None and row["account"] is None


def _refuse_used_credit(session: Session, rows: Sequence[Mapping[str, Any]]) -> None:
    """Refuse what would leave an authority's credit below zero."""
    change: Counter[int] = Counter()
    for row in rows:
        if _is_of_credit(row):
            change[row["authority_id"]] -= row["amount_ore"]
        elif _is_to_credit(row):
            if row["authority_id"] is None:
                raise Unplaceable(Text("vælg, hvor beløbet hører til", "choose where the money belongs"))
            change[row["authority_id"]] += row["amount_ore"]
    if not any(ore < 0 for ore in change.values()):
        return
    stands = balances.credits_of(session, EVER)
    for authority_id, ore in change.items():
        if ore < 0 and stands.get(authority_id, ZERO).ore + ore < 0:
            told = kroner(stands.get(authority_id, ZERO))
            raise MoreThanOwed(
                Text(f"myndigheden har {told.da} til gode; mere kan ikke tages af det",
                     f"the authority has a credit of {told.en}; no more can be taken of it")
            )  # fmt: skip


def _refuse_accounts(session: Session, rows: Sequence[Mapping[str, Any]], also: Collection[str]) -> None:
    wanted = {row["account"] for row in rows if row["account"] is not None and not _is_of_charge(row)}
    wanted -= set(also)
    if not wanted:
        return
    own = {ledger.CHARGES_OWED, ledger.RECEIVABLES, ledger.CREDIT, ledger.CLEARING, ledger.REFUNDS_DUE, ledger.BANK}
    known = {number for number in ledger.account_numbers(session) if not ledger.is_of_any_product(number)}
    if wanted & own or wanted - known:
        raise Unplaceable(
            Text("kontoen findes ikke i kontoplanen, eller føres af sig selv",
                 "the account is not in the chart, or is kept by itself")
        )  # fmt: skip


def _refuse_contributions(session: Session, rows: Sequence[Mapping[str, Any]]) -> None:
    numbers = products.accounts_by_name(session) if rows else {}
    for row in rows:
        product = row["product"]
        if product not in numbers or row["account"] != ledger.contribution_account(product, numbers[product]):
            raise Unplaceable(Text("produktet findes ikke i registret", "the register has no such product"))
        if _is_of_credit(row) or row["amount_ore"] <= 0:
            raise Unplaceable(
                Text("et bidrag til en fond er penge, der kom i banken",
                     "a contribution to a fund is money that came to the bank")
            )  # fmt: skip


def _write(session: Session, rows: Sequence[dict[str, Any]], trail: Trail) -> list[int]:
    """Book the rows, each as its own voucher, and write them with their entries in the trail."""
    if not rows:
        return []
    booked = vouchers.book(session, [_order(row) for row in rows], trail)
    contributions = _contributions(session, rows)
    for row, voucher_id in zip(rows, booked, strict=True):
        row["voucher_id"] = voucher_id
        action = UNMATCHED_ACTION if row["undoes"] else MATCHED_ACTION
        told = {
            "transaction": row["transaction_id"], "invoice": row["invoice_id"], "authority": row["authority_id"],
            "ore": row["amount_ore"], "rule": row["rule"], "undoes": row["undoes"], "why": row["explanation"],
        }  # fmt: skip
        given = contributions.get(row["id"])
        with_it = [] if given is None else [(CONTRIBUTIONS, given)]
        trail.record(action, f"match {row['id']}", told, rows=[(MATCHES, row), *with_it])
    append_only.add(session, MATCHES, [{column.name: row[column.name] for column in MATCHES.c} for row in rows])
    append_only.add(session, CONTRIBUTIONS, list(contributions.values()))
    return [row["id"] for row in rows]


def _contributions(session: Session, rows: Sequence[Mapping[str, Any]]) -> dict[int, dict[str, Any]]:
    """Give what is kept of those rows that are contributions to funds, by the match; one undone keeps its own."""
    given = [row for row in rows if row["product"] is not None and not row["undoes"]]
    first = append_only.next_id(session, CONTRIBUTIONS) if given else 0
    return {
        row["id"]: {"id": first + at, "match_id": row["id"], "product": row["product"]} for at, row in enumerate(given)
    }


def _order(row: Mapping[str, Any]) -> Order:
    kind: vouchers.Kind = "unmatch" if row["undoes"] else "credit_used" if _is_of_credit(row) else "match"
    text = str(orjson.loads(row["explanation"])["da"])
    return Order(kind, f"match {row['id']}", row["matched_on"], text, entries_of(row))


def entries_of(row: Mapping[str, Any]) -> tuple[Entry, Entry]:
    """Give what a match books: from the clearing account, or the credit, to where the money belongs."""
    amount, authority_id = Money(row["amount_ore"]), row["authority_id"]
    source = Entry(ledger.CLEARING, amount)
    if _is_of_credit(row):
        source = Entry(ledger.CREDIT, amount, authority_id=authority_id)
    if row["invoice_id"] is not None:
        account = ledger.CHARGES_OWED if _is_of_charge(row) else ledger.RECEIVABLES
        return source, Entry(account, -amount, authority_id=authority_id, invoice_id=row["invoice_id"])
    if row["account"] is not None:
        giver = authority_id if row["product"] is not None else None
        return source, Entry(row["account"], -amount, product=row["product"], authority_id=giver)
    account = ledger.CREDIT if row["refund_id"] is None else ledger.REFUNDS_DUE
    return source, Entry(account, -amount, authority_id=authority_id)


# --- money that comes of what was written off


class Reversal(NamedTuple):
    """How much of a write-off goes back, by which match, on which day."""

    write_off_id: int
    match: Mapping[str, Any]
    amount: Money
    vat: Money
    on: date


def _reversals(session: Session, rows: Sequence[Mapping[str, Any]]) -> Iterator[Reversal]:
    """Give what of write-offs goes back where more comes than an invoice still owes, the oldest first."""
    coming = [row for row in rows if row["invoice_id"] is not None and not _is_of_charge(row) and row["amount_ore"] > 0]
    owed = balances.outstanding(session, EVER, invoice_ids=_sums(coming, "invoice_id"))
    given_up = {id_: each for id_, each in owed.items() if each.written_off}
    if not given_up:
        return
    open_ = {id_: max(each.outstanding, ZERO) for id_, each in given_up.items()}
    losses = _losses(session, given_up)
    for row in coming:
        if (id_ := row["invoice_id"]) in given_up:
            over = max(Money(row["amount_ore"]) - open_[id_], ZERO)
            open_[id_] = max(open_[id_] - Money(row["amount_ore"]), ZERO)
            yield from _taken_back(losses[id_], row, over)


@dataclass(slots=True)
class _Loss:
    """A write-off with what of it has come back so far."""

    id: int
    on: date
    amount: Money
    vat: Money
    back: Money
    vat_back: Money


def _losses(session: Session, invoice_ids: Collection[int]) -> dict[int, list[_Loss]]:
    lost, back = WRITE_OFFS.c, REVERSALS.c
    found = (
        select(lost.id, lost.invoice_id, lost.decided_on, lost.amount_ore, lost.vat_ore,
               func.coalesce(func.sum(back.amount_ore), 0).label("back_ore"),
               func.coalesce(func.sum(back.vat_ore), 0).label("vat_back_ore"))
        .outerjoin(REVERSALS, back.write_off_id == lost.id)
        .where(lost.invoice_id.in_(invoice_ids))
        .group_by(lost.id, lost.invoice_id, lost.decided_on, lost.amount_ore, lost.vat_ore)
        .order_by(lost.id)
    )  # fmt: skip
    losses: defaultdict[int, list[_Loss]] = defaultdict(list)
    for row in session.execute(found):
        amounts = (Money(int(ore)) for ore in (row.amount_ore, row.vat_ore, row.back_ore, row.vat_back_ore))
        losses[row.invoice_id].append(_Loss(row.id, row.decided_on, *amounts))
    return losses


def _taken_back(losses: Sequence[_Loss], row: Mapping[str, Any], over: Money) -> Iterator[Reversal]:
    for loss in losses:
        if amount := min(over, loss.amount - loss.back):
            over, loss.back = over - amount, loss.back + amount
            vat = loss.vat.scaled(Fraction(loss.back.ore, loss.amount.ore)) - loss.vat_back
            loss.vat_back += vat
            yield Reversal(loss.id, row, amount, vat, max(row["matched_on"], loss.on))


def _reverse(session: Session, back: Sequence[Reversal], trail: Trail) -> None:
    """Book and keep what goes back."""
    if not back:
        return
    orders = [
        Order("write_off_back", f"match {each.match['id']}, write-off {each.write_off_id}", each.on,
              f"Betalt efter afskrivning {each.write_off_id}",
              reversal_entries(each.match["authority_id"], each.match["invoice_id"], each.amount, each.vat))
        for each in back
    ]  # fmt: skip
    first, booked = append_only.next_id(session, REVERSALS), vouchers.book(session, orders, trail)
    rows = [
        {"id": first + at, "write_off_id": each.write_off_id, "match_id": each.match["id"],
         "amount_ore": each.amount.ore, "vat_ore": each.vat.ore, "reversed_on": each.on, "voucher_id": voucher_id}
        for at, (each, voucher_id) in enumerate(zip(back, booked, strict=True))
    ]  # fmt: skip
    append_only.add(session, REVERSALS, rows)
    for row in rows:
        told = {"match": row["match_id"], "ore": row["amount_ore"], "vat_ore": row["vat_ore"]}
        trail.record(REVERSED_ACTION, f"write-off {row['write_off_id']}", told, rows=[(REVERSALS, row)])


def reversal_entries(authority_id: int | None, invoice_id: int, amount: Money, vat: Money) -> tuple[Entry, ...]:
    """Give what a reversal books, just against a write-off: the receivable stands again, for the money to settle."""
    rows = (
        Entry(ledger.BAD_DEBTS, vat - amount),
        Entry(ledger.OUTPUT_VAT, -vat),
        Entry(ledger.RECEIVABLES, amount, authority_id=authority_id, invoice_id=invoice_id),
    )
    return tuple(row for row in rows if row.amount)


# --- what is told of them


class Match(NamedTuple):
    """A match as it stands; `undone_by` is the row that undid it."""

    id: int
    transaction_id: int | None
    authority_id: int | None
    number: str | None  # of the invoice
    refund_id: int | None
    account: str | None
    product: str | None  # whose fund got it as a single contribution
    amount: Money
    rule: str
    why: Text
    on: date
    by: str
    undoes: int | None
    undone_by: int | None


_LATER = MATCHES.alias("later")


def matches(session: Session, *, transaction_id: int | None = None, invoice_id: int | None = None) -> list[Match]:
    """Give the matches of a transaction, or of an invoice, in order, in one query."""
    named = {"transaction_id": transaction_id, "invoice_id": invoice_id}
    asked = {name: id_ for name, id_ in named.items() if id_ is not None}
    return [_match(row) for row in session.execute(_matches(*asked), asked)]


@cache
def _matches(*named: str) -> Select[Any]:
    """Ask for matches, of what is named when it is asked."""
    found = (
        with_products()
        .add_columns(INVOICES.c.number, _LATER.c.id.label("undone_by"))
        .outerjoin(INVOICES, MATCHES.c.invoice_id == INVOICES.c.id)
        .outerjoin(_LATER, _LATER.c.undoes == MATCHES.c.id)
        .order_by(MATCHES.c.id)
    )
    return found.where(*(MATCHES.c[name] == bindparam(name) for name in named))


def _match(row: Row[Any]) -> Match:
    return Match(
        row.id, row.transaction_id, row.authority_id, row.number, row.refund_id, row.account, row.product,
        Money(row.amount_ore), row.rule, Text(**orjson.loads(row.explanation)), row.matched_on, row.matched_by,
        row.undoes, row.undone_by,
    )  # fmt: skip


def placed(payments: Iterable[Waiting]) -> Money:
    """Sum what was matched of some payments that were certain."""
    return total(each.paid.left for each in payments if each.finding.is_certain)
