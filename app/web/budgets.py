"""Budgets in the browser: the versions, one as a table to edit, two compared, and what two people decide."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from functools import partial
from typing import Any

from flask import Blueprint, redirect, render_template, request
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from app import access, database
from app.schemas import Approval, BudgetCopy, BudgetEntry, Nothing
from app.web import deciding, forms, layout, memory_list
from app.web.costs import fund_of, is_own
from app.web.forms import Sent
from app.web.memory_list import NotAnAmount
from billing.funding import budgets
from billing.funding.budgets import ROUNDED, STATES, BudgetRefused, Draft, Line
from billing.funding.costs import ASSOCIATION
from foundation import proposals
from foundation.language import Text
from foundation.money import Money, total
from foundation.proposals import Proposal

blueprint = Blueprint("budgets", __name__)

_WAITS = Text("Venter på, at en anden vedtager det", "Waits for another to adopt it")
_KEPT = Text("Gemt som ny version", "Kept as a new version")
_LARGEST_PERCENT = 1000


@blueprint.get("/budgets")
@access.needs("cost.read")
def page() -> ResponseReturnValue:
    """Show the versions of a year, and the forms that begin one."""
    return _page({}, {})


def _page(given: Mapping[str, Any], errors: Mapping[str, Text]) -> str:
    asked = request.args.get("year", "")
    year = int(asked) if asked.isascii() and asked.isdigit() and len(asked) == len("2027") else layout.today().year
    with database.reading() as session:
        versions = budgets.listed(session, year=year)
        lines = budgets.lines_of(session, [each.id for each in versions])
        funds = sorted(budgets.accounts(session), key=lambda name: name or "")
    sums = {each.id: total(line.whole for line in lines.get(each.id, ())) for each in versions}
    return render_template(
        "budgets/list.html", versions=versions, sums=sums, states=STATES, year=year, given=given, errors=errors,
        funds=[(name or ASSOCIATION, name or ASSOCIATION) for name in funds], rounded=ROUNDED, association=ASSOCIATION,
    )  # fmt: skip


@blueprint.post("/budgets/copy")
@access.needs("cost.enter")
def copy() -> ResponseReturnValue:
    """Keep last year's adopted budget times an index as a draft."""
    sent = forms.read(BudgetCopy)
    errors: Mapping[str, Text] = sent.errors
    if not errors:
        try:
            with layout.acting() as (session, trail):
                draft = budgets.copied(
                    session, fund_of(sent["product"]), sent["year"], _factor(sent["index"]), sent["rounding"]
                )
                made = budgets.draft(session, draft, trail)
        except BudgetRefused as refused:
            errors = forms.in_order(BudgetCopy, refused.faults)
    if errors:
        return _page(sent.typed, errors), 422
    layout.done(_KEPT)
    return redirect(f"/budgets/{made}", 303)


def _factor(given: str) -> Fraction:
    try:
        percent = Decimal(given.replace(",", "."))
    except InvalidOperation:
        percent = Decimal("NaN")
    if not percent.is_finite() or not 0 <= percent <= _LARGEST_PERCENT:
        raise BudgetRefused({"index": Text("skriv indekset som 103,5", "write the index as 103.5")})
    return Fraction(percent) / 100


@blueprint.get("/budgets/edit/<fund>/<int:year>")
@access.needs("cost.enter")
def edit(fund: str, year: int) -> ResponseReturnValue:
    """Show a fund's accounts with the amounts of its newest version, to make the next one of."""
    return _edit(fund, year, {}, {})


def _edit(fund: str, year: int, typed: Mapping[str, str], errors: Mapping[str, Text]) -> str:
    product = fund_of(fund)
    with database.reading() as session:
        known = _known(session, product)
        versions = budgets.listed(session, product, year)
        standing = {line.account: line for line in (budgets.lines(session, versions[0].id) if versions else ())}
    return render_template(
        "budgets/edit.html", fund=fund, year=year, known=known, standing=standing, typed=typed, errors=errors,
        newest=versions[0] if versions else None,
    )  # fmt: skip


def _known(session: Session, product: str | None) -> budgets.Accounts:
    found = budgets.accounts(session).get(product)
    if found is None:
        raise budgets.NoSuchBudget(Text("fonden findes ikke", "there is no such fund"))
    return found


@blueprint.post("/budgets/edit/<fund>/<int:year>")
@access.needs("cost.enter")
def keep(fund: str, year: int) -> ResponseReturnValue:
    """Keep what was written as the next version: a year's amount for each account, months as before or even."""
    sent = forms.read(BudgetEntry)
    product, errors = fund_of(fund), dict(sent.errors)
    if errors:
        return _edit(fund, year, sent.typed, errors), 422
    with database.reading() as session:
        names = list(_known(session, product).names)
    typed = dict(zip(names, sent["amounts"], strict=False))
    amounts = _amounts(typed, errors)
    if len(sent["amounts"]) != len(names):
        errors["lines"] = Text("kontoplanen er ændret; hent siden igen", "the chart has changed; load the page again")
    if not errors:
        try:
            with layout.acting() as (session, trail):
                lines = _lines(session, product, year, amounts)
                made = budgets.draft(session, Draft(product, year, lines, sent["basis"]), trail)
        except BudgetRefused as refused:
            errors = dict(refused.faults)
    if errors:
        return _edit(fund, year, {**typed, "basis": sent.typed.get("basis", "")}, errors), 422
    layout.done(_KEPT)
    return redirect(f"/budgets/{made}", 303)


def _amounts(typed: Mapping[str, str], errors: dict[str, Text]) -> dict[str, Money]:
    found = {}
    for account, words in typed.items():
        try:
            amount = memory_list.amount(words, layout.spoken())
        except NotAnAmount as refused:
            errors[account] = refused.text
            continue
        if amount is not None:
            found[account] = amount
    return found


def _lines(session: Session, product: str | None, year: int, amounts: Mapping[str, Money]) -> tuple[Line, ...]:
    """Divide amounts over months as the newest version does where the amount is the same, else evenly."""
    versions = budgets.listed(session, product, year)
    before = {line.account: line for line in (budgets.lines(session, versions[0].id) if versions else ())}
    return tuple(
        before[account] if account in before and before[account].whole == amount else Line(account, _months(amount))
        for account, amount in sorted(amounts.items())
    )


def _months(amount: Money) -> tuple[Money, ...]:
    return (amount,) * 12 if amount < Money(0) else budgets.equal(amount)


@blueprint.get("/budgets/<int:budget>")
@access.needs("cost.read")
def one(budget: int) -> ResponseReturnValue:
    """Show a version month by month, beside another of the same fund and year where one is asked for."""
    asked = request.args.get("beside", "")
    with database.reading() as session:
        version = budgets.get(session, budget)
        known = _known(session, version.product)
        others = [each for each in budgets.listed(session, version.product, version.year) if each.id != budget]
        beside = next((each for each in others if str(each.id) == asked), None)
        lines = budgets.lines(session, budget)
        differences = budgets.compare(budgets.lines(session, beside.id), lines) if beside else []
    return render_template(
        "budgets/one.html", version=version, known=known, lines=lines, others=others, beside=beside,
        differences=differences, states=STATES, whole=total, fund=version.product or ASSOCIATION,
    )  # fmt: skip


@blueprint.post("/budgets/<int:budget>/propose")
@access.needs("cost.enter")
def propose(budget: int) -> ResponseReturnValue:
    """Propose a version, for another to adopt."""
    forms.taken(Nothing)
    with layout.acting() as (session, trail):
        made = budgets.propose(session, budget, trail)
    layout.done(_WAITS)
    return redirect(f"/budgets/proposals/{made.id}", 303)


@blueprint.get("/budgets/proposals/<int:proposal>")
@access.needs("cost.read")
def proposal(proposal: int) -> ResponseReturnValue:
    """Show what another person is to adopt."""
    return _proposal(proposal)


def _proposal(id_: int, sent: Sent = forms.UNSENT) -> str:
    with database.reading() as session:
        found = _found(session, id_)
        version = budgets.get(session, budgets.version_of(found))
        known, lines = _known(session, version.product), budgets.lines(session, version.id)
    return render_template(
        "budgets/proposal.html", proposal=found, version=version, known=known, lines=lines, own=is_own(found),
        sent=sent, whole=total, fund=version.product or ASSOCIATION,
    )  # fmt: skip


def _found(session: Session, id_: int) -> Proposal:
    return budgets.proposal_of(session, id_)


@blueprint.post("/budgets/proposals/<int:proposal>/approve")
@access.needs("cost.approve", fresh=True)
def approve(proposal: int) -> ResponseReturnValue:
    """Adopt what another person proposed."""
    digest = forms.taken(Approval).get("digest")
    with layout.acting() as (session, trail):
        proposals.expect(session, proposal, digest)
        budgets.adopt(session, proposal, trail, on=layout.today())
    layout.done(Text("Budgettet er vedtaget", "The budget is adopted"))
    return redirect(f"/budgets/proposals/{proposal}", 303)


@blueprint.post("/budgets/proposals/<int:proposal>/reject")
@access.needs("cost.approve")
def reject(proposal: int) -> ResponseReturnValue:
    """Reject what another person proposed, with a reason."""
    back = f"/budgets/proposals/{proposal}"
    told = Text("Forslaget er afvist", "The proposal was rejected")
    return deciding.reject(partial(_found, id_=proposal), partial(_proposal, proposal), told, back)


@blueprint.post("/budgets/proposals/<int:proposal>/withdraw")
@access.needs("cost.enter")
def withdraw(proposal: int) -> ResponseReturnValue:
    """Take one's own proposal back."""
    told = Text("Forslaget er trukket tilbage", "The proposal was withdrawn")
    return deciding.withdraw(partial(_found, id_=proposal), told, f"/budgets/proposals/{proposal}")
