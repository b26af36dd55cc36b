"""Budgets that come as a file: all or nothing, every wrong row named; the same file again changes nothing."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from sqlalchemy.orm import Session

from billing.funding import budgets
from billing.funding.budgets import Accounts, Difference, Draft, Line
from billing.funding.costs import ASSOCIATION
from foundation.audit import Trail
from foundation.errors import FAULTS_TOLD, RowFault, RowsRefused
from foundation.intake import Row, Rows
from foundation.language import Text
from foundation.money import Money
from foundation.periods import MONTHS_IN_YEAR
from foundation.proposals import Proposal

_MONTHS = [f"month_{nth}" for nth in range(1, MONTHS_IN_YEAR + 1)]


@dataclass(frozen=True, slots=True)
class Coming:
    """A new version of a fund's year, beside the newest one before it, which may be none."""

    subject: str
    product: str | None
    lines: tuple[Line, ...]
    was: tuple[Line, ...]

    @property
    def differences(self) -> list[Difference]:
        """Give what each account was given, and becomes."""
        return budgets.compare(self.was, self.lines)


@dataclass(frozen=True, slots=True)
class TakenBudgets:
    """What a file of budgets brought: new versions, those that stood before, and what waits for another person."""

    source: str
    added: int
    unchanged: int
    proposals: tuple[Proposal, ...]
    coming: tuple[Coming, ...]

    @property
    def text(self) -> Text:
        """Give what it came to as a line to read."""
        waiting = len(self.proposals)
        return Text(
            f"{self.source}: {self.added} nye versioner, {self.unchanged} kendte; {waiting} venter på en anden",
            f"{self.source}: {self.added} new versions, {self.unchanged} known; {waiting} wait for another",
        )


def take_in(session: Session, file: Rows, trail: Trail) -> TakenBudgets:
    """Keep and propose a file's budgets, a version for each fund and year. Raises RowsRefused with every wrong row.

    A budget that is the newest version of its fund's year already is left as it is. The caller commits.
    """
    known, faults = budgets.accounts(session), list(file.faults)
    found: dict[tuple[str | None, int], dict[str, Line]] = defaultdict(dict)
    for row in file:
        product = None if row["product"] == ASSOCIATION else row["product"]
        line, wrong = _line(row, known.get(product))
        if line is not None and line.account in found[product, row["year"]]:
            wrong = {"account": Text("kontoen står før for samme fond og år", "the account stands before, same year")}
        faults += [RowFault(row.number, name, words) for name, words in wrong.items()]
        if line is not None:
            found[product, row["year"]][line.account] = line
    if faults:
        listed = sorted(faults, key=lambda fault: (fault.row, fault.column))
        raise RowsRefused(file.source, listed[:FAULTS_TOLD], file.untold + len(listed[FAULTS_TOLD:]))
    return _taken(session, file.source, found, trail)


def _line(row: Row, known: Accounts | None) -> tuple[Line | None, dict[str, Text]]:
    if known is None:
        return None, {"product": Text("produktet findes ikke; skriv navnet, som det står i registret",
                                      "there is no such product; write its name as the register has it")}  # fmt: skip
    whole, months = row.get("amount_dkk"), [row.get(name) for name in _MONTHS]
    given = [month for month in months if month is not None]
    if (whole is None) == (not given) or (given and len(given) < MONTHS_IN_YEAR):
        return None, {"amount_dkk": Text("angiv enten årets beløb eller alle tolv måneder",
                                         "give either the amount of the year or all twelve months")}  # fmt: skip
    amounts = tuple(Money(ore) for ore in given) if whole is None else budgets.equal(Money(whole))
    line = Line(known.named(row["account"]) or row["account"], amounts)
    fault = budgets.fault(known, line)
    if fault is None:
        return line, {}
    return None, {("account" if line.account not in known.names else "amount_dkk"): fault}


def _taken(
    session: Session, source: str, found: dict[tuple[str | None, int], dict[str, Line]], trail: Trail
) -> TakenBudgets:
    drafts = [
        Draft(product, year, tuple(lines[account] for account in sorted(lines)), f"Indlæst fra {source}")
        for (product, year), lines in found.items()
    ]
    years = {draft.year for draft in drafts}
    newest: dict[tuple[str | None, int], int] = {}
    for version in budgets.listed(session):
        if version.year in years:
            newest.setdefault((version.product, version.year), version.id)
    standing = budgets.lines_of(session, list(newest.values()))
    before = [standing.get(newest.get((draft.product, draft.year), 0), ()) for draft in drafts]
    new = [(draft, was) for draft, was in zip(drafts, before, strict=True) if was != draft.lines]
    made = budgets.keep(session, [draft for draft, _ in new], trail) if new else []
    waiting = budgets.propose_all(session, made, trail)
    coming = tuple(
        Coming(proposal.subject, draft.product, draft.lines, was)
        for proposal, (draft, was) in zip(waiting, new, strict=True)
    )
    return TakenBudgets(source, len(new), len(drafts) - len(new), tuple(waiting), coming)
