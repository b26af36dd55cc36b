"""Hours and their rates, recurring costs, openings and transfers: what one person proposes, another approves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app import database
from app.api import answers, ground, pages, writes
from app.api.fee_tables import proposed
from app.api.pages import PageQuery
from app.api.writes import Answer
from app.schemas import FundMoveOrder, HourRateOrder, HoursOrder, RecurringOrder
from app.web import layout
from billing.funding import costs, hours, moves, naming, recurring
from billing.funding.costs import CostRefused
from billing.funding.hours import Worked
from billing.funding.moves import MOVES, Move
from billing.funding.recurring import RECURRING, Plan
from foundation.audit import Trail
from foundation.language import Text
from foundation.money import Money

room = ground.room("fund-acts", "Hours, recurring costs, and moves between the funds")

_MONTHS = {"month": 1, "quarter": 3}


# --- hours


@ground.reads(room, "/hour-rates", "cost.read", answers.HourRates)
def list_rates(query: object) -> Any:
    """List what an hour of the secretariat costs, the newest rate first."""
    with database.reading() as session:
        found = hours.rates(session)
    return {"items": [{"id": each.id, "from": each.from_on, "amount_ore": each.amount.ore} for each in found]}


@ground.writes(room, "/hour-rates", "cost.enter", HourRateOrder, answers.Proposed)
def propose_rate(query: object, sent: Mapping[str, Any]) -> Any:
    """Propose what an hour costs from a day on; another person approves it, in the browser."""

    def act(session: Session, trail: Trail) -> Answer:
        return Answer(proposed(hours.propose_rate(session, sent["from_"], Money(sent["amount_ore"]), trail)))

    return writes.once(act)


@ground.writes(room, "/hours", "cost.enter", HoursOrder, answers.Proposed)
def enter_hours(query: object, sent: Mapping[str, Any]) -> Any:
    """Enter hours of a day at its rate; another person approves them, in the browser. They are read as costs."""
    worked, today = Worked(sent["product"], sent["date"], sent["minutes"], sent["text"]), layout.today()

    def act(session: Session, trail: Trail) -> Answer:
        return Answer(proposed(hours.propose(session, [worked], trail, on=today)[0]))

    return writes.once(act)


# --- recurring costs


@ground.reads(room, "/recurring-costs", "cost.read", answers.page_of(answers.RecurringCost), PageQuery)
def list_recurring(query: Mapping[str, Any]) -> Any:
    """List the recurring costs that were approved, oldest first."""
    with database.reading() as session:
        return pages.read(session, select(RECURRING), RECURRING.c.id, query, _recurring)


def _recurring(row: Any) -> dict[str, Any]:
    return {
        "id": row.id, "product": row.product, "account": row.account, "supplier": row.supplier, "text": row.text,
        "amount_ore": row.amount_ore, "every": next(name for name, months in _MONTHS.items() if months == row.months),
        "first": row.first_on, "last": row.last_on, "proposal": row.proposal_id,
    }  # fmt: skip


@ground.writes(room, "/recurring-costs", "cost.enter", RecurringOrder, answers.Proposed)
def propose_recurring(query: object, sent: Mapping[str, Any]) -> Any:
    """Propose a cost that comes every month or quarter; another person approves it, in the browser."""
    product = naming.product(sent["product"])

    def act(session: Session, trail: Trail) -> Answer:
        account = costs.chart(session).named(product, sent["account"]) or sent["account"]
        plan = Plan(
            product, account, sent["supplier"], sent["text"], Money(sent["amount_ore"]), _MONTHS[sent["every"]],
            sent["first"], sent["last"],
        )  # fmt: skip
        return Answer(proposed(recurring.propose(session, plan, trail)))

    return writes.once(act)


# --- openings and transfers


@ground.reads(room, "/transfers", "cost.read", answers.page_of(answers.FundMove), PageQuery)
def list_moves(query: Mapping[str, Any]) -> Any:
    """List what funds opened with and what was moved between them, oldest first."""
    with database.reading() as session:
        return pages.read(session, select(MOVES), MOVES.c.id, query, _moved)


def _moved(row: Any) -> dict[str, Any]:
    return {
        "id": row.id, "kind": row.kind, "from": row.from_product, "to": row.to_product, "amount_ore": row.amount_ore,
        "date": row.moved_on, "reason": row.reason, "proposal": row.proposal_id,
    }  # fmt: skip


@ground.writes(room, "/transfers", "cost.enter", FundMoveOrder, answers.Proposed)
def propose_move(query: object, sent: Mapping[str, Any]) -> Any:
    """Propose what a fund opens with, or a transfer from one to another; another person approves it, in the browser."""
    source = sent.get("from_")
    if (sent["kind"] == "transfer") != (source is not None):
        raise CostRefused({"from": Text("en overførsel har »from«, en åbningssaldo har det ikke",
                                        "a transfer has `from`, an opening has none")})  # fmt: skip
    move = Move(
        sent["kind"], naming.product(sent["to"]), Money(sent["amount_ore"]), sent["date"], sent["reason"],
        None if source is None else naming.product(source),
    )  # fmt: skip

    def act(session: Session, trail: Trail) -> Answer:
        return Answer(proposed(moves.propose(session, move, trail)))

    return writes.once(act)
