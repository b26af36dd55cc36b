"""The report of a fund and a period, read from the ledger, invoices, payments and agreements as they are now.

What it costs grows with the period's postings and with what is still owed, and not with the history; the number of
statements is always the same.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, NamedTuple

from sqlalchemy import Row, Select, Table, func, select
from sqlalchemy.orm import Session

from agreements import directory
from agreements.connections import AGREEMENTS
from agreements.products import PRODUCTS
from authorities.models import Membership as MembershipRow
from authorities.register import AUTHORITIES
from billing import account_mapping, balances, ledger, vouchers
from billing.account_mapping import AccountNames
from billing.balances import Owed
from billing.funding import budgets, funds, paid, remarks
from billing.funding.paid import Share
from billing.funding.remarks import Remark
from billing.funding.report import Band, Change, Connected, Cost, FundingReport, Income, Membership, Payer
from billing.gathering import CREDIT_NOTES, INVOICES, LINES
from billing.reminders import FEES_EARNED
from fee_tables.size_key import SizeKey
from foundation import money, periods
from foundation.audit import canonical, sha256
from foundation.language import Text
from foundation.money import ZERO, Money, total
from foundation.periods import Period

MEMBERSHIPS: Table = MembershipRow.__table__  # type: ignore[assignment]

_INCOME = "indtægt"  # as the chart of accounts writes it
_IDS_AT_A_TIME = 500
PAID_LATER = ("invoice", "reminder", "interest")  # what books income that is paid by matches


def compute(session: Session, product: str | None, period: Period) -> FundingReport:
    """Give the report of a product's fund, or of the association's own, for a period that has a last day.

    It costs O(postings of the period and since the closing before it, invoices paid in it, invoices that owe).
    """
    last = _last(period)
    opening = funds.balance(session, period.start).get(product, ZERO)
    rows = session.execute(_postings(product, period)).all()
    shares = paid.shares(session, period, product, of_all=False)
    known = chart(session)
    accounts = _by_account(rows)
    charges = paid.charges(session, period) if product is None else ZERO
    budget = budgets.for_report(session, product, period)
    given, said = budget.amounts if budget else None, remarks.of_report(session, product, period)
    income = tuple(_income(known, rows, shares, charges, given, said))
    costs = tuple(_costs(known, accounts, given, said))
    transfers = Money(-accounts.get(ledger.FUND, 0))
    earned, spent = total(each.invoiced for each in income), total(each.spent for each in costs)
    owed = _owed(session, product, last)
    payers = _payers(session, _brought(known, rows, shares), owed, last)
    changes = connections(session, product)
    return FundingReport(
        product=product, period=period, opening=opening, income=income, payers=tuple(payers),
        bands=tuple(_bands(payers)), members=_members(payers, are=True), others=_members(payers, are=False),
        passed_on=_passed_on(session, product, period), costs=costs, transfers=transfers,
        closing=opening + earned - spent + transfers, receivables=total(owed.values()),
        connected=tuple(changes.connected(period)),
        joined=tuple(each.change(each.first_on) for each in changes.joined(period)),
        left=tuple(each.change(each.last_on or last) for each in changes.left(period)),
        under_notice=tuple(each.change(each.noticed_on or last) for each in changes.under_notice(last)),
        budget=budget.name if budget else "", ledger_head=_head(opening, rows, shares),
        remark=_said(said, remarks.WHOLE),
    )  # fmt: skip


def _last(period: Period) -> date:
    if period.last_day is None:
        raise ValueError("a report is of a period that has a last day")
    return period.last_day


# --- postings and accounts


def _postings(product: str | None, period: Period) -> Select[Any]:
    entry = vouchers.entries(period).subquery("entry")
    of_fund = entry.c.product.is_(None) if product is None else entry.c.product == product
    return (
        select(entry.c.posted_on, entry.c.kind, entry.c.subject_id, entry.c.position, entry.c.account,
               entry.c.authority_id, entry.c.amount_ore)
        .where(entry.c.book == "real", of_fund, funds.is_of_fund(entry.c.account))
        .order_by(entry.c.posted_on, entry.c.kind, entry.c.subject_id, entry.c.position)
    )  # fmt: skip


def _by_account(rows: Iterable[Row[Any]]) -> dict[str, int]:
    sums: Counter[str] = Counter()
    for row in rows:
        sums[row.account] += row.amount_ore
    return dict(sorted(sums.items()))


def _head(opening: Money, rows: Iterable[Row[Any]], shares: Iterable[Share]) -> str:
    """Take the digest of all that the money of a report is made of."""
    paid_by = [[share.invoice_id, share.account, share.amount.ore] for share in shares]
    return sha256(canonical([opening.ore, [list(row) for row in rows], paid_by]))


@dataclass(frozen=True, slots=True)
class Chart:
    """What accounts are called, and which of them bring money."""

    names: AccountNames
    kinds: Mapping[str, str]  # by number; `xxx` for every product's

    def is_cost(self, account: str) -> bool:
        """Tell whether what is booked on an account of a fund is spent."""
        return account != ledger.FUND and not self.is_income(account)

    def is_income(self, account: str) -> bool:
        """Tell whether what is booked on an account of a fund is earned."""
        if account in self.kinds:
            return self.kinds[account] == _INCOME
        suffix = account.rpartition("-")[2]
        return self.kinds.get(f"xxx-{suffix}") == _INCOME

    def named(self, account: str) -> Text:
        """Name an account."""
        danish = self.names.named(account, "-").name or account
        return Text(danish, _ENGLISH.get(danish, danish))


#: What the accounts of the association's chart are called in English.
_ENGLISH = {
    "Kontingent (andel til foreningen)": "Dues (the association's share)", "Andre indtægter": "Other income",
    "Bidrag fra OS2-produkter": "Contribution from OS2's products", "Bestyrelsesinternat": "Board seminar",
    "Forretnings- og projektledelse": "Business and project management", "Administration": "Administration",
    "Kontorhold": "Office", "Web (drift og support)": "Web (operation and support)", "Cloud": "Cloud",
    "Generalforsamling": "General assembly", "Konferencedeltagelse": "Conferences", "Markedsføring": "Marketing",
    "Rejser og møder": "Travel and meetings", "Arrangementer": "Events",
    "Konsulent (jura, udbud m.m.)": "Consultants (law, tenders etc.)", "Revision": "Audit",
    "Produktudvikling": "Product development", "Tilslutningsafgift": "Joining fee", "Vederlag (årlig)": "Annual fee",
    "Bidrag (enkeltstående)": "Single contributions", "Tilkobling / onboarding": "Onboarding",
    "Drift (hosting, domæne)": "Operation (hosting, domain)", "Koordinering (frikøb)": "Coordination",
    "Administration (stabstimer)": "Administration (staff hours)", "Udvikling": "Development",
    "Konsulentbistand": "Consultants", "Vedligehold (kode, dokumentation)": "Maintenance (code, documentation)",
    "Tab på tilgodehavender fra salg og tjenesteydelser": "Losses on receivables",
}  # fmt: skip


def chart(session: Session) -> Chart:
    """Give the chart, in three statements."""
    rows = session.execute(select(ledger.ACCOUNTS.c.number, ledger.ACCOUNTS.c.kind)).all()
    kinds = {row.number: row.kind for row in rows}
    kinds |= {f"xxx-{row.number.rpartition('-')[2]}": row.kind for row in rows if ledger.is_of_any_product(row.number)}
    return Chart(account_mapping.current(session), kinds)


def _income(
    chart: Chart, rows: Sequence[Row[Any]], shares: Sequence[Share], charges: Money,
    budget: Mapping[str, Money] | None, said: Mapping[str, Remark],
) -> Iterator[Income]:  # fmt: skip
    """Give each income account. What is booked beside invoices is paid as it is booked, `charges` of reminders apart:

    of those it is known what was paid together, which stands with their fees.
    """
    invoiced = {account: -ore for account, ore in _by_account(rows).items() if chart.is_income(account)}
    paid_of: Counter[str] = Counter()
    for share in shares:
        paid_of[share.account] += share.amount.ore
    for row in rows:
        if row.kind not in PAID_LATER and chart.is_income(row.account):
            paid_of[row.account] -= row.amount_ore
    if charges:
        paid_of[FEES_EARNED] += charges.ore
    planned = {account for account in (*(budget or ()), *said) if account and chart.is_income(account)}
    for account in sorted({*invoiced, *paid_of, *planned}):
        yield Income(
            account, chart.named(account), Money(invoiced.get(account, 0)), Money(paid_of[account]),
            _given(budget, account), _said(said, account),
        )  # fmt: skip


def _costs(
    chart: Chart, spent: Mapping[str, int], budget: Mapping[str, Money] | None, said: Mapping[str, Remark]
) -> Iterator[Cost]:
    """Give each cost account that something was spent on, that a budget gives something, or that is remarked on."""
    for account in sorted(filter(chart.is_cost, {*spent, *(budget or ()), *said} - {remarks.WHOLE})):
        yield Cost(account, chart.named(account), Money(spent.get(account, 0)), _given(budget, account),
                   _said(said, account))  # fmt: skip


def _said(said: Mapping[str, Remark], account: str) -> str:
    return said[account].text if account in said else ""


def _given(budget: Mapping[str, Money] | None, account: str) -> Money | None:
    """Give what a budget gives an account: nothing where it does not name it, None where there is no budget."""
    return None if budget is None else budget.get(account, ZERO)


# --- who brought it


def _brought(chart: Chart, rows: Iterable[Row[Any]], shares: Iterable[Share]) -> dict[int, list[int]]:
    """Give what each authority was invoiced and what it paid, in øre, by its id; what it gave once is both."""
    found: dict[int, list[int]] = defaultdict(lambda: [0, 0])
    for row in rows:
        if row.authority_id is not None and chart.is_income(row.account):
            found[row.authority_id][0] -= row.amount_ore
            if row.kind not in PAID_LATER:
                found[row.authority_id][1] -= row.amount_ore
    for share in shares:
        found[share.authority_id][1] += share.amount.ore
    return found


def _owed(session: Session, product: str | None, last: date) -> dict[int, Money]:
    """Give what each authority owes the fund at the end of a day."""
    owed = next(_owed_to_all(session, [last]))
    return {authority: Money(ore) for (of, authority), ore in owed.items() if of == product and ore}


def receivables(session: Session, days: Sequence[date]) -> list[dict[str | None, Money]]:
    """Give what each fund is owed at the end of each of some days, in their order.

    It costs O(invoices) for the first day, and O(what happened since) for the others, with a statement for every 500
    invoices that owe something.
    """
    found: list[dict[str | None, Money]] = []
    for owed in _owed_to_all(session, days):
        sums: Counter[str | None] = Counter()
        for (product, _), ore in owed.items():
            sums[product] += ore
        found.append({product: Money(ore) for product, ore in sums.items()})
    return found


def _owed_to_all(session: Session, days: Sequence[date]) -> Iterator[Counter[tuple[str | None, int]]]:
    """Give what each authority owes each fund at the end of days, in øre: its share of what is lacking, VAT apart."""
    lacking = list(balances.lacking(session, days))
    booked = _booked(session, sorted({id_ for each in lacking for id_ in each}), days[-1])
    for day, each in zip(days, lacking, strict=True):
        owed: Counter[tuple[str | None, int]] = Counter()
        for id_, (authority, outstanding) in each.items():
            for _, place, share in booked[id_].shares(day, outstanding):
                owed[place, authority] += share
        yield owed


class OwedPart(NamedTuple):
    """What an account of a fund lacks of one invoice."""

    invoice: Owed
    account: str
    product: str | None
    amount: Money


def owed_by_invoice(session: Session, last: date) -> Iterator[OwedPart]:
    """Give what each fund is owed at the end of a day, invoice by invoice: its share of what is lacking, VAT apart.

    It costs O(invoices), with a statement for every 500 that owe something.
    """
    lacking = {id_: each for id_, each in balances.still_open(session, last).items() if each.outstanding > ZERO}
    booked = _booked(session, sorted(lacking), last)
    for id_, each in lacking.items():
        for account, of, share in booked[id_].shares(last, each.outstanding):
            yield OwedPart(each, account, of, Money(share))


class _Booked:
    """What an invoice and its credit notes booked as income and VAT, day by day."""

    def __init__(self) -> None:
        self._rows: list[tuple[date, str, str | None, int]] = []
        self._known: tuple[Any, list[tuple[str, str | None, int]]] = (None, [])

    def add(self, on: date, account: str, product: str | None, ore: int) -> None:
        self._rows.append((on, account, product, ore))

    def shares(self, day: date, whole: Money) -> list[tuple[str, str | None, int]]:
        """Share an amount over what was booked up to a day, by account and whose fund it is of; VAT is left out."""
        rows = [row for row in self._rows if row[0] <= day]
        if self._known[0] != (len(rows), whole):
            self._known = (len(rows), whole), self._shared(rows, whole)
        return self._known[1]

    @staticmethod
    def _shared(rows: Iterable[tuple[date, str, str | None, int]], whole: Money) -> list[tuple[str, str | None, int]]:
        weights: Counter[tuple[str, str | None]] = Counter()
        for _, account, product, ore in rows:
            weights[account, product] -= ore
        over = sum(weights.values())
        if over <= 0:
            return []
        parts = money.apportion(whole, [whole.ore * weight for weight in weights.values()], over)
        return [
            (account, product, part.ore)
            for (account, product), part in zip(weights, parts, strict=True)
            if account != ledger.OUTPUT_VAT
        ]


def _booked(session: Session, ids: Sequence[int], last: date) -> dict[int, _Booked]:
    """Read what invoices booked up to a day, with their credit notes; a statement for every 500 of them."""
    found: dict[int, _Booked] = defaultdict(_Booked)
    for at in range(0, len(ids), _IDS_AT_A_TIME):
        for id_, *row in session.execute(_booked_of(ids[at : at + _IDS_AT_A_TIME], last)).all():
            found[id_].add(*row)
    return found


def _booked_of(ids: Sequence[int], last: date) -> Select[Any]:
    """Ask what invoices, and the credit notes of them, booked as income and VAT up to a day."""
    credits_ = select(CREDIT_NOTES.c.invoice_id).where(CREDIT_NOTES.c.credited_invoice_id.in_(ids))
    return (
        select(func.coalesce(CREDIT_NOTES.c.credited_invoice_id, INVOICES.c.id), INVOICES.c.issued_on,
               ledger.POSTINGS.c.account, ledger.POSTINGS.c.product, ledger.POSTINGS.c.amount_ore)
        .select_from(ledger.POSTINGS)
        .join(ledger.ENTRIES, ledger.POSTINGS.c.entry_id == ledger.ENTRIES.c.id)
        .join(INVOICES, ledger.ENTRIES.c.invoice_id == INVOICES.c.id)
        .outerjoin(CREDIT_NOTES, CREDIT_NOTES.c.invoice_id == INVOICES.c.id)
        .where(INVOICES.c.id.in_(ids) | INVOICES.c.id.in_(credits_), ledger.POSTINGS.c.account != ledger.RECEIVABLES,
               INVOICES.c.issued_on <= last)
        .order_by(INVOICES.c.id, ledger.POSTINGS.c.position)
    )  # fmt: skip


def _payers(
    session: Session, brought: Mapping[int, Sequence[int]], owed: Mapping[int, Money], last: date
) -> list[Payer]:
    """Give the authorities that brought or owe something, who brought most first."""
    key = directory.size_key(session, last)
    ids = sorted({*brought, *owed})
    statement = directory.on(last, key).statement.where(AUTHORITIES.c.id.in_(ids))
    found = [
        Payer(row.cvr, row.name, _rank(key, row.band), bool(row.is_member), Money(brought.get(row.id, (0, 0))[0]),
              Money(brought.get(row.id, (0, 0))[1]), owed.get(row.id, ZERO))
        for row in session.execute(statement)
    ]  # fmt: skip
    return sorted(found, key=lambda payer: (-payer.invoiced.ore, payer.name, payer.cvr))


def _rank(key: SizeKey | None, band: str | None) -> int | None:
    names = key.band_names if key else ()
    return names.index(band) if band in names else None


def _bands(payers: Sequence[Payer]) -> Iterator[Band]:
    for band in sorted({payer.band for payer in payers}, key=lambda each: (each is None, each or 0)):
        yield Band(band, *_together([payer for payer in payers if payer.band == band]))


def _members(payers: Sequence[Payer], *, are: bool) -> Membership:
    return Membership(*_together([payer for payer in payers if payer.is_member == are]))


def _together(payers: Sequence[Payer]) -> tuple[int, Money, Money]:
    return len(payers), total(payer.invoiced for payer in payers), total(payer.paid for payer in payers)


def _passed_on(session: Session, product: str | None, period: Period) -> Money:
    """Give what the association got of the product's lines in the period, credit notes taken off."""
    if product is None:
        return ZERO
    issued = select(INVOICES.c.id).where(
        INVOICES.c.book == "real", INVOICES.c.issued_on >= period.start, INVOICES.c.issued_on < period.end
    )
    found = select(func.sum(LINES.c.association_ore)).where(LINES.c.product == product, LINES.c.invoice_id.in_(issued))
    return Money(int(session.execute(found).scalar() or 0))


# --- who is connected


def _connections(product: str | None) -> Select[Any]:
    """Ask for a product's agreements that both have signed; for the association, for its memberships."""
    if product is None:
        left_on = MEMBERSHIPS.c.left_on
        return (
            select(AUTHORITIES.c.cvr, AUTHORITIES.c.name, MEMBERSHIPS.c.joined_on.label("first_on"),
                   left_on.label("before"))
            .join(AUTHORITIES, AUTHORITIES.c.id == MEMBERSHIPS.c.authority_id)
        )  # fmt: skip
    facts = AGREEMENTS.c
    return (
        select(AUTHORITIES.c.cvr, AUTHORITIES.c.name, facts.id, facts.in_force_from.label("first_on"),
               facts.terminated_to.label("last_on"), facts.notice_given_on.label("noticed_on"))
        .join(AUTHORITIES, AUTHORITIES.c.id == facts.authority_id)
        .join(PRODUCTS, PRODUCTS.c.id == facts.product_id)
        .where(PRODUCTS.c.name == product, facts.countersigned_on.is_not(None), facts.in_force_from.is_not(None))
    )  # fmt: skip


def connections(session: Session, product: str | None) -> Connections:
    """Give all connections of a product there ever were, or all memberships, in one statement."""
    return Connections(session.execute(_connections(product)).all())


@dataclass(frozen=True, slots=True)
class Connection:
    """One time an authority was connected: an agreement that both have signed, or a membership."""

    cvr: str
    name: str
    first_on: date
    last_on: date | None
    noticed_on: date | None
    agreement_id: int | None = None  # None for a membership

    def holds(self, on: date) -> bool:
        """Tell whether it holds at the end of a day."""
        return self.first_on <= on and (self.last_on is None or on <= self.last_on)

    def change(self, on: date) -> Change:
        """Give it as a report tells of it, by the day it changed."""
        return Change(self.cvr, self.name, on, self.last_on)


class Connections:
    """All connections of a fund there ever were, and what of them a period shows."""

    def __init__(self, rows: Iterable[Row[Any]]) -> None:
        self._all = sorted(map(_connection, rows), key=lambda each: (each.name, each.cvr, each.first_on))

    def connected(self, period: Period) -> Iterator[Connected]:
        """Count authorities the day before the period, at the end of each of its quarters, and on its last day."""
        for on in _days(period):
            yield Connected(on, len({each.cvr for each in self.holding(on)}))

    def holding(self, on: date) -> list[Connection]:
        """Give those that hold at the end of a day."""
        return [each for each in self._all if each.holds(on)]

    def joined(self, period: Period) -> Iterator[Connection]:
        """Give the first of each authority that was not connected the day before."""
        for each in self._all:
            if each.first_on in period and not self._held(each, each.first_on - timedelta(days=1)):
                yield each

    def left(self, period: Period) -> Iterator[Connection]:
        """Give the last of each authority that was not connected the day after."""
        for each in self._all:
            last = each.last_on
            if last is not None and last in period and not self._held(each, last + timedelta(days=1)):
                yield each

    def under_notice(self, last: date) -> Iterator[Connection]:
        """Give those that hold at the end of a day, and of which notice was given."""
        for each in self._all:
            noticed, ends = each.noticed_on, each.last_on
            if noticed is not None and noticed <= last and each.holds(last) and ends is not None and ends > last:
                yield each

    def _held(self, one: Connection, on: date) -> bool:
        """Tell whether the authority was connected on a day, by whichever agreement."""
        return any(each.cvr == one.cvr and each.holds(on) for each in self._all)


def _connection(row: Row[Any]) -> Connection:
    if "before" in row._fields:  # a membership ends before its last day, and is given notice of elsewhere
        last = None if row.before is None else row.before - timedelta(days=1)
        return Connection(row.cvr, row.name, row.first_on, last, None)
    return Connection(row.cvr, row.name, row.first_on, row.last_on, row.noticed_on, row.id)


def _days(period: Period) -> Iterator[date]:
    yield period.start - timedelta(days=1)
    last, at = _last(period), period.start
    while at <= last:
        ends = periods.quarter_of(at).end or last
        yield min(ends - timedelta(days=1), last)
        at = ends
