"""Budgets of funds: reading their versions, drafting, proposing and taking files in. Adopting is done in person."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app import database
from app.adapters import csv_files
from app.api import answers, ground, intake, pages, writes
from app.api.fee_tables import proposed
from app.api.ground import ID, ID_IN_PATH, Write
from app.api.pages import PageQuery
from app.api.writes import Answer
from app.schemas import BudgetOrder, Nothing, Whole, Words
from billing.funding import budget_intake, budgets, naming
from billing.funding.budgets import VERSIONS, BudgetRefused, Draft, Line, Version
from billing.funding.costs import ASSOCIATION
from foundation import wording
from foundation.audit import Trail
from foundation.language import Text
from foundation.money import Money

room = ground.room("budgets", "Budgets of the funds, version by version")


class BudgetQuery(PageQuery):
    """Which versions."""

    product = Words(
        wording.LONGEST_PRODUCT, metadata={"description": f"whose fund; `{ASSOCIATION}` is the association's"}
    )
    year = Whole(2000, 2199)


@ground.reads(room, "/budgets", "cost.read", answers.page_of(answers.Budget), BudgetQuery)
def list_budgets(query: Mapping[str, Any]) -> Any:
    """List the versions of budgets, in the order they were drafted."""
    statement = select(VERSIONS.c.id)
    product: str | bool | None = True
    if query.get("product"):
        product = naming.product(query["product"])
        statement = statement.where(VERSIONS.c.product.is_not_distinct_from(product))
    if query.get("year"):
        statement = statement.where(VERSIONS.c.year == query["year"])
    with database.reading() as session:
        known = {each.id: each for each in budgets.listed(session, product, query.get("year"))}
        return pages.read(session, statement, VERSIONS.c.id, query, lambda row: _told(known[row.id]))


@ground.reads(room, f"/budgets/{ID_IN_PATH}", "cost.read", answers.BudgetWhole, parameters={"id_": ID})
def one_budget(query: object, id_: int) -> Any:
    """Give a version with what each account is given, month by month."""
    with database.reading() as session:
        version, lines = budgets.get(session, id_), budgets.lines(session, id_)
    return _told(version) | {
        "lines": [
            {"account": line.account, "amount_ore": line.whole.ore, "months_ore": [month.ore for month in line.months]}
            for line in lines
        ]
    }


def _told(version: Version) -> dict[str, Any]:
    return {
        "id": version.id, "product": version.product, "year": version.year, "version": version.version,
        "state": version.state.value, "basis": version.basis, "drafted_by": version.drafted_by,
        "drafted_at": version.drafted_at, "proposal": version.proposal, "adopted_on": version.adopted_on,
        "adopted_by": version.adopted_by,
    }  # fmt: skip


@ground.writes(room, "/budgets", "cost.enter", BudgetOrder, answers.BudgetDrafted)
def draft_budget(query: object, sent: Mapping[str, Any]) -> Any:
    """Keep a draft as the next version of its fund's year."""
    product = naming.product(sent["product"])

    def act(session: Session, trail: Trail) -> Answer:
        draft = Draft(product, sent["year"], _lines(session, product, sent["lines"]), sent["basis"])
        made = budgets.get(session, budgets.draft(session, draft, trail))
        return Answer({"id": made.id, "version": made.version})

    return writes.once(act)


def _lines(session: Session, product: str | None, sent: list[Mapping[str, Any]]) -> tuple[Line, ...]:
    """Read lines. Raises BudgetRefused where one gives a year and months, or neither, or an account stands twice."""
    known, found = budgets.accounts(session).get(product), dict[str, Line]()
    for each in sent:
        account = (known.named(each["account"]) if known else None) or each["account"]
        if ("amount_ore" in each) == ("months_ore" in each):
            raise BudgetRefused({account: Text("angiv enten årets beløb eller alle tolv måneder",
                                               "give either the amount of the year or all twelve months")})  # fmt: skip
        if account in found:
            raise BudgetRefused({account: Text("kontoen står to gange", "the account stands twice")})
        months = tuple(map(Money, each.get("months_ore", ()))) or budgets.equal(Money(each.get("amount_ore", 0)))
        found[account] = Line(account, months)
    return tuple(found[account] for account in sorted(found))


@ground.writes(
    room, f"/budgets/{ID_IN_PATH}/proposals", "cost.enter", Nothing, answers.Proposed, Write(parameters={"id_": ID})
)
def propose_budget(query: object, sent: object, id_: int) -> Any:
    """Propose a version; another person adopts it, in the browser."""

    def act(session: Session, trail: Trail) -> Answer:
        return Answer(proposed(budgets.propose(session, id_, trail)))

    return writes.once(act)


@ground.writes(room, "/budgets/imports", "cost.enter", None, answers.TakenCosts, Write(body=intake.CSV))
def import_budgets(query: object) -> Any:
    """Take budgets in from CSV and propose them, all or none; the same file again changes nothing."""
    rows = intake.rows(csv_files.BUDGETS)

    def act(session: Session, trail: Trail) -> Answer:
        return Answer(intake.told(budget_intake.take_in(session, rows, trail)))

    return writes.once(act)
