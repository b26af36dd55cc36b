"""Years of the funds for measuring, made by the product's own acts: invoiced, paid, spent, budgeted and closed.

A year has some 10,000 postings in 30 products. Every tenth invoice is paid a year late.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path

from sqlalchemy.orm import Session

import billing
from app import annual_work, migrating
from app.adapters import csv_files
from app.cli.service import Service
from benchmarks import registers
from billing import annual_run, approvals, balances, bookkeeping, ledger, payments, seller
from billing.funding import budgets, costs
from billing.funding.costs import Draft
from foundation import periods
from foundation.audit import Trail
from foundation.money import Money, kroner
from foundation.periods import MONTHS_IN_YEAR, Period
from tests import paying

PRODUCTS = 30
AUTHORITIES = 105
LINES_EACH = 20
FIRST = registers.YEAR

_OTHER = "another"
_SPENT = ("00004", "00005", "00005", "00005", "00006", "00007", "00008", "00009", "00010", "00011")  # each month
_OPEN_EVERY = 10


def fill(service: Service, years: int) -> None:
    """Make an empty database, and so many years in it, one after the other."""
    with service.app.app_context():
        migrating.upgrade()
    with service.writing("benchmark") as (session, trail):
        registers.fill(session, AUTHORITIES, products=PRODUCTS, lines=LINES_EACH)
        chart = Path(str(billing.__file__)).parent / "data" / "chart_of_accounts.csv"
        ledger.take_in_accounts(session, csv_files.read(chart, csv_files.ACCOUNTS), trail)
    for year in range(FIRST, FIRST + years):
        _invoice(service, year)
        with service.writing("benchmark") as (session, trail):
            _pay(session, year, trail)
            _plan(session, year, trail)
            _spend(session, year, trail)
            for quarter in range(1, 5):
                _close(session, periods.named(f"{year}-Q{quarter}"), trail)
            registers.count_again(session, AUTHORITIES, year)


def _invoice(service: Service, year: int) -> None:
    association = seller.made_up()
    with service.writing("benchmark") as (session, trail):
        digest = annual_run.plan(session, year, association).digest
        approvals.approve(session, year, digest, association, trail)
    annual_work.issue_all(service, year, "real", date(year, 1, 15))


def _pay(session: Session, year: int, trail: Trail) -> None:
    """Let the year before be paid, and this one but for every tenth invoice."""
    owed = balances.still_open(session, date(year, 6, 30)).values()
    made = [
        paying.payment(each.outstanding.ore, date(year, 1 + nth % 6, 20), fik_id=paying.fik_of(each.number))
        for nth, each in enumerate(owed)
        if nth % _OPEN_EVERY or each.issued_on.year < year
    ]
    paying.take_in(session, trail, made)
    payments.match_certain(session, date(year, 7, 1), trail)


def _plan(session: Session, year: int, trail: Trail) -> None:
    """Adopt a budget of every fund."""
    other, names = _another(session, trail), budgets.accounts(session)
    lines = {product: _lines(names[product].costs) for product in names}
    wanted = [budgets.Draft(product, year, lines[product], "benchmark") for product in names]
    made = budgets.propose_all(session, budgets.keep(session, wanted, trail), trail)
    trail.write()
    for each in made:
        budgets.adopt(session, each.id, other, on=date(year, 1, 10))
    other.write()


def _lines(accounts: frozenset[str]) -> tuple[budgets.Line, ...]:
    return tuple(budgets.Line(account, budgets.equal(kroner(24_000))) for account in sorted(accounts))


def _spend(session: Session, year: int, trail: Trail) -> None:
    """Let every product have ten costs a month."""
    on, other = date(year, 12, 31), _another(session, trail)
    made = costs.propose(session, list(_drafts(session, year)), trail, on=on)
    trail.write()
    costs.approve(session, [each.id for each in made], other, on=on)
    other.write()


def _drafts(session: Session, year: int) -> Iterator[Draft]:
    chart = costs.chart(session)
    for product in filter(None, sorted(chart.by_fund, key=str)):
        for month in range(1, MONTHS_IN_YEAR + 1):
            for nth, suffix in enumerate(_SPENT):
                account = chart.named(product, suffix)
                assert account is not None
                told = f"{product} {year}-{month}-{nth}"
                day = date(year, month, 1 + 2 * nth)
                yield Draft(product, account, "Measured Hosting", told, day, "benchmark", Money(100_000 + 37 * nth))


def _close(session: Session, period: Period, trail: Trail) -> None:
    other, after = _another(session, trail), period.end
    assert after is not None
    made = bookkeeping.propose_closing(session, period, trail, on=after)
    trail.write()
    bookkeeping.approve_closing(session, made.id, other, on=after)
    other.write()


def _another(session: Session, trail: Trail) -> Trail:
    return Trail(session, _OTHER, trail.at)
