"""Hours, recurring costs and moves between funds in the browser; what is proposed here is decided with the costs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from flask import Blueprint, redirect, render_template
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from app import access, database
from app.schemas import FundMoveEntry, HourRateEntry, HoursEntry, RecurringEntry, Strict
from app.web import costs as cost_pages
from app.web import forms, layout, memory_list
from app.web.forms import Sent
from app.web.memory_list import NotAnAmount
from billing.funding import costs, hours, moves, recurring
from billing.funding.costs import ASSOCIATION, COSTS, CostRefused
from billing.funding.hours import Worked
from billing.funding.moves import Move
from billing.funding.recurring import Plan
from foundation import proposals
from foundation.audit import Trail
from foundation.language import Text
from foundation.money import Money
from foundation.proposals import Proposal

blueprint = Blueprint("fund_acts", __name__)

Errors = Mapping[str, Text]
Act = Callable[[Session, Trail, Sent], Proposal]

_WAITS = Text("Venter på, at en anden godkender", "Waits for another to approve")
_SHOWN = 100
_MINUTES = 60
_FIELDS = {"from": "source", "to": "target"}


def _proposed(form: type[Strict], act: Act, show: Callable[[Mapping[str, Any], Errors], str],
              fields: Mapping[str, str]) -> ResponseReturnValue:  # fmt: skip
    """Read a form, let an act propose what it says, and show the proposal; or the form again with its faults."""
    sent = forms.read(form)
    errors: Errors = sent.errors
    if not errors:
        try:
            with layout.acting() as (session, trail):
                made = act(session, trail, sent)
        except CostRefused as refused:
            faults = {fields.get(name, name): words for name, words in refused.faults.items()}
            errors = forms.in_order(form, faults)
        except NotAnAmount as refused:
            errors = {"amount": refused.text}
    if errors:
        return show(sent.typed, errors), 422
    layout.done(_WAITS)
    return redirect(f"/costs/proposals/{made.id}", 303)


def _kroner(sent: Sent) -> Money:
    return memory_list.amount(sent["amount"], layout.spoken()) or Money(0)


# --- hours


@blueprint.get("/hours")
@access.needs("cost.read")
def hours_page() -> ResponseReturnValue:
    """Show the hours entered last, the rates, and the forms."""
    return _hours({}, {})


@blueprint.post("/hours")
@access.needs("cost.enter")
def enter_hours() -> ResponseReturnValue:
    """Enter hours of a day, for another to approve."""

    def act(session: Session, trail: Trail, sent: Sent) -> Proposal:
        worked = Worked(sent["product"], sent["date"], _minutes(sent["hours"]), sent["text"])
        return hours.propose(session, [worked], trail, on=layout.today())[0]

    return _proposed(HoursEntry, act, _hours, {"account": "product"})


def _minutes(given: str) -> int:
    """Read hours with a decimal comma or point; they are whole minutes."""
    try:
        minutes = Decimal(given.replace(",", ".")) * _MINUTES
    except InvalidOperation:
        minutes = Decimal("0.5")
    if not minutes.is_finite() or minutes != int(minutes):
        raise CostRefused({"hours": Text("skriv timer, der går op i minutter, fx 7,5",
                                         "write hours that come to whole minutes, such as 7.5")})  # fmt: skip
    return int(minutes)


@blueprint.post("/hours/rate")
@access.needs("cost.enter")
def enter_rate() -> ResponseReturnValue:
    """Propose what an hour costs from a day on."""
    return _proposed(
        HourRateEntry,
        lambda session, trail, sent: hours.propose_rate(session, sent["start"], _kroner(sent), trail),
        _hours,
        {},
    )


def _hours(given: Mapping[str, Any], errors: Errors) -> str:
    with database.reading() as session:
        rows = session.execute(
            costs.listed().where(COSTS.c.minutes.is_not(None)).order_by(COSTS.c.id.desc()).limit(_SHOWN)
        ).all()
        choices = cost_pages.funds_to_choose(costs.chart(session))[1:]
        return render_template(
            "costs/hours.html", rows=rows, rates=hours.rates(session), funds=choices, given=given, errors=errors,
            money=Money, states=costs.STATES, waiting=proposals.open(session, "hour_rate"), today=layout.today(),
        )  # fmt: skip


# --- recurring costs


@blueprint.get("/costs/recurring")
@access.needs("cost.read")
def recurring_page() -> ResponseReturnValue:
    """Show the recurring costs, and the form of one."""
    return _recurring({}, {})


@blueprint.post("/costs/recurring")
@access.needs("cost.enter")
def enter_recurring() -> ResponseReturnValue:
    """Propose a recurring cost."""

    def act(session: Session, trail: Trail, sent: Sent) -> Proposal:
        fund = cost_pages.fund_of(sent["product"])
        account = costs.chart(session).named(fund, sent["account"]) or sent["account"]
        plan = Plan(
            fund, account, sent["supplier"], sent["text"], _kroner(sent), int(sent["every"]), sent["first"],
            sent["last"],
        )  # fmt: skip
        return recurring.propose(session, plan, trail)

    return _proposed(RecurringEntry, act, _recurring, {"to": "last"})


def _recurring(given: Mapping[str, Any], errors: Errors) -> str:
    year = layout.today().year
    with database.reading() as session:
        rows = recurring.listed(session)
        chart = costs.chart(session)
        estimates = [
            (product or ASSOCIATION, recurring.of_year(session, product, year))
            for product in sorted({row.product for row in rows}, key=lambda name: name or "")
        ]
        return render_template(
            "costs/recurring.html", rows=rows, funds=cost_pages.funds_to_choose(chart), given=given, errors=errors,
            accounts=cost_pages.accounts_to_choose(chart), money=Money, every=recurring.EVERY, estimates=estimates,
            year=year, association=ASSOCIATION, waiting=proposals.open(session, "recurring_cost"),
        )  # fmt: skip


# --- moves between funds


@blueprint.get("/transfers")
@access.needs("cost.read")
def moves_page() -> ResponseReturnValue:
    """Show what funds opened with and what was moved, and the form of a move."""
    return _moves({}, {})


@blueprint.post("/transfers")
@access.needs("cost.enter")
def enter_move() -> ResponseReturnValue:
    """Propose an opening balance, or a transfer between funds."""

    def act(session: Session, trail: Trail, sent: Sent) -> Proposal:
        source = sent.get("source") or ""
        if sent["kind"] == "transfer" and not source:
            raise CostRefused({"from": Text("vælg, hvor pengene kommer fra", "choose where the money comes from")})
        from_ = cost_pages.fund_of(source) if sent["kind"] == "transfer" else None
        move = Move(
            sent["kind"], cost_pages.fund_of(sent["target"]), _kroner(sent), sent["date"], sent["reason"], from_
        )
        return moves.propose(session, move, trail)

    return _proposed(FundMoveEntry, act, _moves, _FIELDS)


def _moves(given: Mapping[str, Any], errors: Errors) -> str:
    with database.reading() as session:
        return render_template(
            "costs/moves.html", rows=moves.listed(session), funds=cost_pages.funds_to_choose(costs.chart(session)),
            given=given, errors=errors, money=Money, titles=moves.TITLES, association=ASSOCIATION,
            waiting=proposals.open(session, "fund_move"), today=layout.today(),
        )  # fmt: skip
