"""What must hold of funds and costs, recomputed from the database; `verification` runs it with its own checks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import date
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from billing import closed_periods, ledger
from billing.balances import MATCHES
from billing.funding import costs, funds, hours, moves
from billing.funding.cost_files import ATTACHED, FILES
from billing.funding.costs import COSTS, PAYMENTS
from billing.funding.hours import RATES
from billing.funding.moves import MOVES
from billing.funding.recurring import RECURRING
from billing.payment_checks import Check, bounded
from billing.vouchers import POSTINGS, VOUCHERS, Entry, Order
from foundation.audit import Broken, sha256
from foundation.language import Text
from foundation.money import Money
from foundation.proposals import DECISIONS, PROPOSALS, is_same_person

_OURS = ("cost", "accrual", "transfer")


def _broken(check: str, subject: str, da: str, en: str) -> Broken:
    return Broken(check, subject, Text(da, en))


def balances(session: Session, checked: Counter[str]) -> Iterator[Broken]:
    """Kept balances are those of the postings; Σ lines − credits = Σ funds + association, in every month."""
    checked["funds"] += session.execute(select(func.count()).select_from(funds.KEPT)).scalar() or 0
    for subject, fault in funds.faults(session):
        yield Broken("funds", subject, fault)


def booked(session: Session, checked: Counter[str]) -> Iterator[Broken]:
    """Every approved cost and move is booked once, as it says; nothing else is; two people stand behind each."""
    lasts, found = closed_periods.last_days(session), _vouchers(session)
    originals = {row.id: row for row in session.execute(select(COSTS))}
    rates = {row.id: Money(row.amount_ore) for row in session.execute(select(RATES))}
    for row in session.execute(costs.listed().where(costs.is_booked()).order_by(COSTS.c.id)):
        checked["costs"] += 1
        wanted = [costs.order(row, row.incurred_on)]
        if row.from_on:
            wanted += [each for each in costs.accruals(row) if (each.kind, each.subject) in found]
        for order in wanted:
            yield from _as_ordered(order, found.pop((order.kind, order.subject), None), lasts)
        yield from _cost(row, originals, rates)
    yield from _moves(session, found, lasts)
    for kind, subject in found:
        yield _broken("costs", f"{kind} {subject}", "hviler på intet, der er godkendt", "rests on nothing approved")
    yield from _two_people(session)


def _vouchers(session: Session) -> dict[tuple[str, str], tuple[date, list[Entry]]]:
    """Give what was booked of costs and moves, by kind and subject, in one query."""
    rows = session.execute(
        select(VOUCHERS.c.kind, VOUCHERS.c.subject, VOUCHERS.c.posted_on, POSTINGS.c.account, POSTINGS.c.amount_ore,
               POSTINGS.c.product)
        .join(POSTINGS, POSTINGS.c.voucher_id == VOUCHERS.c.id)
        .where(VOUCHERS.c.kind.in_(_OURS) | ((VOUCHERS.c.kind == "opening") & VOUCHERS.c.subject.like("move %")))
        .order_by(VOUCHERS.c.id, POSTINGS.c.position)
    )  # fmt: skip
    found: dict[tuple[str, str], tuple[date, list[Entry]]] = {}
    for row in rows:
        entries = found.setdefault((row.kind, row.subject), (row.posted_on, []))[1]
        entries.append(Entry(row.account, Money(row.amount_ore), row.product))
    return found


def _as_ordered(order: Order, stands: tuple[date, list[Entry]] | None, lasts: list[date]) -> Iterator[Broken]:
    subject = f"{order.kind} {order.subject}"
    if stands is None:
        yield _broken("costs", subject, "er godkendt, men ikke bogført", "is approved, but not booked")
    elif stands[1] != list(order.entries) or not closed_periods.is_day_of(lasts, order.on, stands[0]):
        yield _broken("costs", subject, "er ikke bogført, som det blev godkendt", "is not booked as approved")


def _cost(row: Any, originals: dict[int, Any], rates: dict[int, Money]) -> Iterator[Broken]:
    subject = f"cost {row.id}"
    if row.reverses is not None:
        was = originals.get(row.reverses)
        same = ("product", "account", "minutes", "rate_id", "from_on", "to_on")
        is_opposite = was is not None and was.amount_ore == -row.amount_ore
        if not is_opposite or any(getattr(was, name) != getattr(row, name) for name in same):
            yield _broken("costs", subject, "fører ikke netop én omkostning tilbage", "does not take one cost back")
    elif row.minutes is not None:
        rate = rates.get(row.rate_id)
        if rate is None or hours.cost_of(rate, row.minutes).ore != row.amount_ore:
            yield _broken("costs", subject, "er ikke timer gange sats", "is not hours times rate")


def _moves(session: Session, found: dict[tuple[str, str], Any], lasts: list[date]) -> Iterator[Broken]:
    for row in session.execute(select(MOVES).order_by(MOVES.c.id)):
        checked = Order(row.kind, f"move {row.proposal_id}", row.moved_on, "", moves.entries_of(row))
        yield from _as_ordered(checked, found.pop((row.kind, checked.subject), None), lasts)


def _two_people(session: Session) -> Iterator[Broken]:
    """Hold each row that took two people against its proposal."""
    for kind, table in (("cost", COSTS), ("hour_rate", RATES), ("recurring_cost", RECURRING), ("fund_move", MOVES)):
        rows = session.execute(
            select(table.c.id, PROPOSALS.c.kind, PROPOSALS.c.proposed_by, DECISIONS.c.outcome, DECISIONS.c.decided_by)
            .outerjoin(PROPOSALS, table.c.proposal_id == PROPOSALS.c.id)
            .outerjoin(DECISIONS, DECISIONS.c.proposal_id == PROPOSALS.c.id)
            .where(table.c.proposal_id.is_not(None))
            .order_by(table.c.id)
        )
        for row in rows:
            is_decided = row.outcome == "approved" and not is_same_person(row.proposed_by or "", row.decided_by or "")
            may_wait = kind == "cost" and row.outcome != "approved"
            if row.kind != kind or not (is_decided or may_wait):
                yield _broken(
                    "costs", f"{kind} {row.id}", "er ikke godkendt af en anden", "was not approved by another"
                )


def files(session: Session, checked: Counter[str]) -> Iterator[Broken]:
    """Every supplier's file is the bytes that were kept, and no cost has one it came with and one given later."""
    for row in session.execute(select(FILES).order_by(FILES.c.id).execution_options(yield_per=20)):
        checked["cost_files"] += 1
        if sha256(bytes(row.content)) != row.sha256:
            yield _broken("cost_files", f"file {row.id}", "filens kontrolsum passer ikke", "the file's digest differs")
    twice = select(COSTS.c.id).join(ATTACHED, ATTACHED.c.cost_id == COSTS.c.id).where(COSTS.c.file_id.is_not(None))
    for id_ in session.execute(twice.order_by(COSTS.c.id)).scalars():
        yield _broken("cost_files", f"cost {id_}", "har to bilag", "has two vouchers")


def paid(session: Session, checked: Counter[str]) -> Iterator[Broken]:
    """What went out to suppliers is of a cost each, and no cost is paid more than it came to."""
    rows = session.execute(
        select(MATCHES.c.id, MATCHES.c.account, MATCHES.c.undoes, PAYMENTS.c.cost_id)
        .outerjoin(PAYMENTS, PAYMENTS.c.match_id == MATCHES.c.id)
        .where((MATCHES.c.account == ledger.SUPPLIERS) | PAYMENTS.c.id.is_not(None))
        .order_by(MATCHES.c.id)
    )
    for row in rows:
        checked["cost_payments"] += 1
        is_own = row.account == ledger.SUPPLIERS and (row.cost_id is None) == (row.undoes is not None)
        if not is_own:
            yield _broken("cost_payments", f"match {row.id}", "hører til ingen omkostning", "belongs to no cost")
    for row in session.execute(costs.listed().where(costs.paid() > COSTS.c.amount_ore, costs.paid() > 0)):
        yield _broken("cost_payments", f"cost {row.id}", "er betalt med for meget", "is paid too much")


CHECKS: dict[str, Check] = {
    name: bounded(name, check)
    for name, check in {
        "funds": balances,
        "costs": booked,
        "cost_files": files,
        "cost_payments": paid,
    }.items()
}
