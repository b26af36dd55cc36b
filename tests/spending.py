"""Costs, hours, recurring costs and moves between funds as tests make them: proposed by one, approved by another."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

from sqlalchemy.orm import Session

from billing import payments, placing
from billing.funding import budgets, cost_files, costs, hours, moves, recurring, remarks
from billing.funding.costs import Draft
from billing.funding.hours import Worked
from billing.funding.moves import Move
from billing.funding.recurring import Plan
from billing.payments import Placing
from billing.placing import Wanted
from foundation import periods
from foundation.audit import Trail
from foundation.language import same
from foundation.money import Money
from foundation.proposals import Proposal
from tests import paying
from tests.command_line import CommandLine
from tests.scenarios.database import AT

ONE, OTHER = "En Indtaster #1", "En Godkender #2"
DAY = date(2027, 6, 15)
PRODUCT = "OS2kitos"


def trail(session: Session, actor: str = ONE) -> Trail:
    """Give a trail in somebody's name."""
    return Trail(session, actor, AT)


def draft(session: Session, ore: int = 12_000_00, *, suffix: str = "00005", **other: Any) -> Draft:
    """Give a cost of a product, ready to be entered."""
    product = other.pop("product", PRODUCT)
    told: dict[str, Any] = {
        "supplier": "Opdigtet Hosting", "reference": f"R-{ore}", "incurred_on": date(2027, 2, 10), "text": "Drift",
    }  # fmt: skip
    account = costs.chart(session).named(product, suffix) or suffix
    return Draft(product=product, account=account, amount=Money(ore), **{**told, **other})


def twice(session: Session, propose: Callable[[Trail], Any], approve: Callable[[int, Trail], Any]) -> Any:
    """Let one person propose, and another approve; give what approving gave."""
    one, other = trail(session), trail(session, OTHER)
    made = propose(one)
    one.write()
    listed: list[Proposal] = made if isinstance(made, list) else [made]
    found = [approve(each.id, other) for each in listed]
    other.write()
    return found[0] if len(found) == 1 else found


def spend(session: Session, *drafts: Draft, on: date = DAY) -> list[int]:
    """Enter and approve costs; give their ids."""
    found = twice(
        session,
        lambda one: costs.propose(session, drafts, one, on=on),
        lambda id_, other: costs.approve(session, [id_], other, on=on),
    )
    ids: list[int] = found
    return ids


def move(session: Session, ore: int, to: str | None = PRODUCT, **other: Any) -> None:
    """Open a fund, or move money to it."""
    kind: moves.Kind = "transfer" if "from_product" in other else "opening"
    wanted = Move(kind, to, Money(ore), other.pop("on", date(2027, 1, 1)), "Besluttet af bestyrelsen", **other)
    twice(
        session,
        lambda one: moves.propose(session, wanted, one),
        lambda id_, other: moves.approve(session, id_, other),
    )


def rate(session: Session, ore: int = 750_00, from_on: date = date(2027, 1, 1)) -> None:
    """Set what an hour costs."""
    twice(
        session,
        lambda one: hours.propose_rate(session, from_on, Money(ore), one),
        lambda id_, other: hours.approve_rate(session, id_, other),
    )


def work(session: Session, minutes: int = 90, on: date = date(2027, 3, 2), product: str = PRODUCT) -> list[int]:
    """Enter and approve hours."""
    found: list[int] = twice(
        session,
        lambda one: hours.propose(session, [Worked(product, on, minutes, "Møde i styregruppen")], one, on=DAY),
        lambda id_, other: costs.approve(session, [id_], other, on=DAY),
    )
    return found


def recur(session: Session, ore: int = 1_000_00, on: date = DAY, **other: Any) -> int:
    """Let a cost recur."""
    product = other.pop("product", PRODUCT)
    account = costs.chart(session).named(product, "00005") or ""
    told: dict[str, Any] = {"months": 1, "first_on": date(2027, 1, 31), "last_on": date(2027, 12, 31)}
    plan = Plan(product, account, "Opdigtet Hosting", "Servere", Money(ore), **{**told, **other})
    found: int = twice(
        session,
        lambda one: recurring.propose(session, plan, one),
        lambda id_, other: recurring.approve(session, id_, other, on=on),
    )
    return found


def give(session: Session, ore: int = 50_000_00, giver: str | None = None, on: date = DAY, **other: Any) -> int:
    """Let somebody give a product something once, by the bank; give the match's id."""
    made = trail(session)
    (id_,) = paying.take_in(session, made, [paying.payment(ore, on, payer="Opdigtet Fond")])
    wanted = Wanted(contributions=[(other.pop("product", PRODUCT), Money(ore))], giver=giver)
    placed = Placing(id_, placing.parts(session, wanted), "hand", same("Tilsagn fra styregruppen"))
    (match,) = payments.place(session, [placed], on, made)
    made.write()
    return match


def keep(line: CommandLine) -> None:
    """Leave two rows of everything."""
    with line.session() as session:
        made = trail(session)
        sent = paying.take_in(session, made, [paying.payment(-100_00 * nth, AT.date()) for nth in (1, 2)])
        made.write()
        for nth in (1, 2):
            rate(session, 700_00 + nth, date(2027, 1, nth))
            (id_,) = spend(session, draft(session, nth * 100_00, file_id=a_file(session, nth)))
            costs.pay(session, id_, sent[nth - 1], made, on=AT.date())
            made.write()
            (bare,) = spend(session, draft(session, nth * 10_00))
            cost_files.attach(session, bare, f"bilag-{nth}.pdf", f"%PDF-1.7\nbilag {nth}".encode(), made)
            made.write()
            work(session, nth * 60)
            recur(session, nth * 10_00)
            move(session, nth * 1000_00)
            give(session, nth * 100_00, on=AT.date())
            budget(session, nth * 12_000_00)
            remark(session, nth)
        session.commit()


def budget(session: Session, ore: int = 12_000_00, year: int = 2027, on: date = date(2027, 1, 10), **other: Any) -> int:
    """Let two people adopt what one account is given in a year; give the version's number."""
    product = other.pop("product", PRODUCT)
    account = budgets.accounts(session)[product].named(other.pop("suffix", "00005")) or ""
    one = trail(session)
    wanted = budgets.Draft(product, year, (budgets.Line(account, budgets.equal(Money(ore))),), "Styregruppens oplæg")
    id_ = budgets.draft(session, wanted, one)
    one.write()
    twice(
        session,
        lambda one: budgets.propose(session, id_, one),
        lambda proposal, other: budgets.adopt(session, proposal, other, on=on),
    )
    return id_


def remark(session: Session, nth: int = 1, product: str | None = PRODUCT) -> None:
    """Write why hosting went otherwise than its budget in a quarter."""
    made, account = trail(session), budgets.accounts(session)[product].named("00005") or ""
    remarks.write(session, product, periods.named("2027-Q1"), account, f"Dyrere servere, {nth}", made)
    made.write()


def a_file(session: Session, nth: int) -> int:
    """Keep a supplier's file."""
    made = trail(session)
    kept = cost_files.keep(session, f"faktura-{nth}.pdf", f"%PDF-1.7\n{nth}".encode(), made)
    made.write()
    return kept.id
