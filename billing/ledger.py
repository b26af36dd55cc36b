"""The ledger: what an invoice posts, and on which accounts.

Income stands on the accounts of OS2's public account plan (`data/chart_of_accounts.csv`), receivables and output VAT
on those of the public standard chart. Debit is above zero, credit below; every entry sums to zero.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple, Protocol

from sqlalchemy import Table, bindparam, select
from sqlalchemy.orm import Session

from billing.models import Account, LedgerEntry, Posting
from fee_tables.calculation import Kind
from foundation.audit import Trail
from foundation.intake import Intake, Rows, Taken
from foundation.money import Money

ENTRIES: Table = LedgerEntry.__table__  # type: ignore[assignment]
POSTINGS: Table = Posting.__table__  # type: ignore[assignment]
ACCOUNTS: Table = Account.__table__  # type: ignore[assignment]

RECEIVABLES = "6190"  # Tilgodehavender fra salg, standard chart
OUTPUT_VAT = "7680"  # Salgsmoms, standard chart
BANK = "6470"  # Likvide beholdninger, standard chart
CLEARING = "6340"  # Andre tilgodehavender: money from the bank that has not found its place, which is to be zero
CREDIT = "7410"  # Modtagne forudbetalinger fra kunder: what stands to authorities' credit
REFUNDS_DUE = "7350"  # Øvrig kortfristet gæld: refunds that are decided and not yet paid out
CHARGES_OWED = "6330"  # Øvrige tilgodehavender: what reminders charge, beside what invoices are owed
BAD_DEBTS = "2280"  # Tab på tilgodehavender fra salg og tjenesteydelser
SUPPLIERS = "7440"  # Leverandører af varer og tjenesteydelser (kortfristet): costs not yet paid out
PREPAID = "6410"  # Periodeafgrænsningsposter: what a cost that is spread over months has not yet cost
FUND = "6950"  # Overført resultat: what a fund opened with, and what was moved between funds
OPENED = "6935"  # Overført resultat, primo: against what funds opened with; in no fund
OTHER_INCOME = "XG-9212045210-00015"  # Andre indtægter
DUES = "XG-9212045210-00014"  # Kontingent (andel til foreningen)
CONTRIBUTION = "XG-9212045210-00017"  # Bidrag fra OS2-produkter
JOINING_FEE_SUFFIX = "00001"  # Tilslutningsafgift
ANNUAL_FEE_SUFFIX = "00002"  # Vederlag (årlig)
SINGLE_CONTRIBUTION_SUFFIX = "00003"  # Bidrag (enkeltstående)


class Amount(NamedTuple):
    """One posting to be: where, for whose fund (None outside the products'), how much."""

    account: str
    product: str | None
    money: Money


class Earned(Protocol):
    """What a line brings: its kind, its product and whose the money is, in øre. Prepared and issued lines are such."""

    @property
    def kind(self) -> str: ...
    @property
    def product(self) -> str | None: ...
    @property
    def product_ore(self) -> int: ...
    @property
    def association_ore(self) -> int: ...


def product_account(product: str, account: str | None, kind: str) -> str:
    """Give the income account of a product for a kind of line; its name stands in where it has no number yet."""
    suffix = ANNUAL_FEE_SUFFIX if kind == Kind.ANNUAL_FEE else JOINING_FEE_SUFFIX
    return f"{account or product}-{suffix}"


def contribution_account(product: str, account: str | None) -> str:
    """Give the account of what somebody gives a product once, beside fees; its name stands in for a number."""
    return f"{account or product}-{SINGLE_CONTRIBUTION_SUFFIX}"


def is_of_any_product(account: str) -> bool:
    """Tell whether a number of the chart stands for every product's account; nothing is booked on it itself."""
    return "xxx-" in account


def invoice_amounts(lines: Iterable[Earned], vat: Money, accounts: Mapping[str, str | None]) -> list[Amount]:
    """Give the postings of an invoice: the receivable against VAT, each product's income and the association's.

    Amounts on one account are one posting; what sums to zero is not posted.
    """
    income: dict[tuple[str, str | None], int] = {}
    for line in lines:
        if line.product is not None:
            place = (product_account(line.product, accounts.get(line.product), line.kind), line.product)
            income[place] = income.get(place, 0) - line.product_ore
        own = (DUES if line.kind == Kind.MEMBERSHIP_DUES else CONTRIBUTION, None)
        income[own] = income.get(own, 0) - line.association_ore
    income[OUTPUT_VAT, None] = -vat.ore
    postings = [Amount(account, product, Money(ore)) for (account, product), ore in income.items() if ore]
    return [Amount(RECEIVABLES, None, Money(-sum(income.values()))), *postings]


@dataclass(frozen=True, slots=True)
class Booked:
    """An entry as it stands in the ledger."""

    posted_on: date
    text: str
    amounts: tuple[Amount, ...]


def booked(session: Session, invoice_id: int) -> Booked | None:
    """Give what an invoice or credit note posted, in one query."""
    rows = session.execute(_BOOKED, {"invoice_id": invoice_id}).all()
    amounts = tuple(Amount(row.account, row.product, Money(row.amount_ore)) for row in rows)
    return Booked(rows[0].posted_on, rows[0].text, amounts) if rows else None


_BOOKED = (
    select(ENTRIES.c.posted_on, ENTRIES.c.text, POSTINGS.c.account, POSTINGS.c.product, POSTINGS.c.amount_ore)
    .join(POSTINGS, POSTINGS.c.entry_id == ENTRIES.c.id)
    .where(ENTRIES.c.invoice_id == bindparam("invoice_id"))
    .order_by(POSTINGS.c.position)
)


def account_numbers(session: Session) -> set[str]:
    """Give the numbers of the chart's accounts, in one query."""
    return set(session.execute(select(ACCOUNTS.c.number)).scalars())


def take_in_accounts(session: Session, file: Rows, trail: Trail) -> Taken:
    """Take the chart of accounts in, by number."""
    intake = Intake(session, ACCOUNTS, ("number",), file)
    for row in file:
        values = {"number": row["account_suffix"], **row.only("scope", "kind", "name_da")}
        intake.offer(row, values, key_column="account_suffix")
    return intake.finish(trail, "accounts.imported")
