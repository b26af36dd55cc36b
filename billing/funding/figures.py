"""Each figure of a funding report, taken apart: the postings, invoices, agreements or other figures that make it.

What is listed adds up to the figure, for both are read from the same rows. A figure has a name that an address can
hold, such as `earned`, `income:XG-1-00001` or `payer:29189420`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property
from typing import Any

from sqlalchemy import Row, extract, func, select
from sqlalchemy.orm import Session

from authorities.register import AUTHORITIES
from billing import ledger
from billing.balances import MATCHES
from billing.funding import budgets, paid, reporting, summary, tracing
from billing.funding.paid import Share
from billing.funding.report import FundingReport, Payer
from billing.funding.reporting import Chart, Connection
from billing.funding.tracing import ENTRY
from billing.gathering import INVOICES, LINES
from billing.reminders import FEES_EARNED
from foundation import periods
from foundation.errors import NotFound
from foundation.language import Text, day, kroner, month, same, whole_number
from foundation.money import ZERO, Money, total
from foundation.periods import Period

_NO_BAND = "none"


class NoSuchFigure(NotFound):
    """The report has no figure of that name."""


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that a figure is made of: a posting, a part of an invoice, an agreement, or another figure."""

    amount: Money | None = None  # None where authorities are counted
    on: date | None = None
    kind: str = ""
    account: str = ""
    cvr: str | None = None
    name: str | None = None
    invoice_id: int | None = None
    number: str | None = None  # of the invoice
    subject: str | None = None  # of the voucher, such as `cost 12`
    text: str | None = None
    agreement_id: int | None = None
    budget_id: int | None = None
    title: Text | None = None  # of another figure
    below: tuple[Period, str] | None = None  # where that is taken apart; without a name it is the fund's whole period


@dataclass(frozen=True, slots=True)
class Trace:
    """A figure with all that it is made of. `told` is the figure as the report writes it; of a share, `out_of` what."""

    figure: str
    title: Text
    steps: tuple[Step, ...]
    told: Text
    out_of: Money | None = None

    @property
    def whole(self) -> Money:
        """Give the sum of the steps."""
        return total(step.amount for step in self.steps if step.amount is not None)


def trace(session: Session, product: str | None, period: Period, figure: str) -> Trace:
    """Take a figure of a fund's report apart, in a fixed number of queries. Raises NoSuchFigure."""
    name, _, of = figure.partition(":")
    if name not in _FIGURES:
        raise _no_such(figure)
    title, find = _FIGURES[name]
    ground = _Ground(session, product, period)
    named, steps = title(ground, of), tuple(find(ground, of))
    out_of = total(payer.invoiced for payer in ground.report.payers) if name == "top" else None
    return Trace(figure, named, steps, _told(ground, name, steps), out_of)


def agreements_of(session: Session, product: str | None, invoice_ids: Iterable[int]) -> dict[int, int]:
    """Give the agreement that the lines of some invoices rest on, by invoice, in one query."""
    ids = sorted(set(invoice_ids))
    if not ids or product is None:
        return {}
    rows = session.execute(
        select(LINES.c.invoice_id, func.min(LINES.c.agreement_id).label("agreement_id"))
        .where(LINES.c.invoice_id.in_(ids), LINES.c.product == product, LINES.c.agreement_id.is_not(None))
        .group_by(LINES.c.invoice_id)
    )
    return {row.invoice_id: row.agreement_id for row in rows}


def _no_such(figure: str) -> NoSuchFigure:
    shown = repr(figure[:60])
    return NoSuchFigure(
        Text(f"rapporten har intet tal, der hedder {shown}", f"the report has no figure called {shown}")
    )


def _told(ground: _Ground, name: str, steps: Sequence[Step]) -> Text:
    if name == "top":
        return summary.percent(ground.report.top_share(summary.TOP))
    if name in _COUNTED:
        return whole_number(len({step.cvr for step in steps}) if name == "connected" else len(steps))
    return kroner(total(step.amount for step in steps if step.amount is not None))


# --- what figures are read from


class _Ground:
    """A fund's period: its report, and the rows the report is made of, each read once and only where asked for."""

    def __init__(self, session: Session, product: str | None, period: Period) -> None:
        self.session, self.product, self.period = session, product, period

    @cached_property
    def report(self) -> FundingReport:
        return reporting.compute(self.session, self.product, self.period)

    @cached_property
    def chart(self) -> Chart:
        return reporting.chart(self.session)

    @cached_property
    def postings(self) -> Sequence[Row[Any]]:
        found = tracing.postings(self.product, self.period)
        ordered = found.order_by(ENTRY.c.posted_on, ENTRY.c.kind, ENTRY.c.subject_id, ENTRY.c.position)
        return self.session.execute(ordered).all()

    @cached_property
    def shares(self) -> list[Share]:
        return paid.shares(self.session, self.period, self.product, of_all=False)

    @cached_property
    def last(self) -> date:
        last = self.period.last_day
        if last is None:
            raise ValueError("a figure is of a period that has a last day")
        return last

    def payers(self, chosen: Callable[[Payer], bool]) -> list[Payer]:
        return [payer for payer in self.report.payers if chosen(payer)]

    def payer(self, cvr: str) -> Payer:
        found = self.payers(lambda payer: payer.cvr == cvr)
        if not found:
            raise _no_such(cvr)
        return found[0]


# --- postings


def _booked(ground: _Ground, chosen: Callable[[Row[Any]], bool], sign: int = 1) -> Iterator[Step]:
    for row in ground.postings:
        if chosen(row):
            yield Step(
                Money(sign * int(row.ore)), row.posted_on, row.kind, row.account, row.cvr, row.name, row.invoice_id,
                row.number, row.subject, row.text,
            )  # fmt: skip


def _earned(ground: _Ground, of: str) -> Iterator[Step]:
    return _booked(ground, lambda row: ground.chart.is_income(row.account))


def _spent(ground: _Ground, of: str) -> Iterator[Step]:
    return _booked(ground, lambda row: ground.chart.is_cost(row.account), -1)


def _transfers(ground: _Ground, of: str) -> Iterator[Step]:
    return _booked(ground, lambda row: row.account == ledger.FUND)


def _income(ground: _Ground, account: str) -> Iterator[Step]:
    return _booked(ground, lambda row: row.account == account)


def _cost(ground: _Ground, account: str) -> Iterator[Step]:
    return _booked(ground, lambda row: row.account == account, -1)


def _payer(ground: _Ground, cvr: str) -> Iterator[Step]:
    return _booked(ground, lambda row: row.cvr == cvr and ground.chart.is_income(row.account))


# --- figures that are made of others


def _opening(ground: _Ground, of: str) -> Iterator[Step]:
    """Give what came to the fund in each year before the period; each year is taken apart at its own address."""
    before = Period(date.min, ground.period.start)
    in_year = extract("year", ENTRY.c.posted_on)
    rows = ground.session.execute(
        select(in_year.label("year"), func.sum(-ENTRY.c.amount_ore).label("ore"))
        .where(*tracing.within(ground.product, before))
        .group_by(in_year)
        .order_by(in_year)
    )
    for row in rows:
        whole = periods.year(int(row.year))
        until = Period(whole.start, min(whole.end or ground.period.start, ground.period.start))
        yield Step(Money(int(row.ore)), title=periods.told(until), below=(until, ""))


def _others(*names: tuple[str, int]) -> Callable[[_Ground, str], Iterator[Step]]:
    """Give other figures of the same report, each with its sign."""

    def find(ground: _Ground, of: str) -> Iterator[Step]:
        for name, sign in names:
            value: Money = getattr(ground.report, name)
            yield Step(Money(sign * value.ore), title=_TITLES[name], below=(ground.period, name))

    return find


def _deviation(ground: _Ground, account: str) -> Iterator[Step]:
    for name, find, sign in (("budget", _budget, 1), ("cost", _cost, -1)):
        whole = total(step.amount or ZERO for step in find(ground, account))
        yield Step(Money(sign * whole.ore), account=account, title=_TITLES[name],
                   below=(ground.period, f"{name}:{account}"))  # fmt: skip


def _budget(ground: _Ground, account: str) -> Iterator[Step]:
    for each in budgets.months_for_report(ground.session, ground.product, ground.period):
        if each.account == account and each.amount:
            yield Step(
                each.amount, account=account, budget_id=each.version_id,
                title=month(date(each.year, each.month, 1)) + same(f", v{each.version}"),
            )  # fmt: skip


def _all_paid(ground: _Ground, of: str) -> Iterator[Step]:
    for each in ground.report.income:
        yield Step(each.paid, account=each.account, title=each.name, below=(ground.period, f"paid:{each.account}"))


def _given(ground: _Ground, of: str) -> Iterator[Step]:
    for each in ground.report.costs:
        if each.budget is not None:
            below = ground.period, f"budget:{each.account}"
            yield Step(each.budget, account=each.account, title=each.name, below=below)


# --- who brought it


def _together(ground: _Ground, payers: Iterable[Payer], figure: str) -> Iterator[Step]:
    """Give what authorities brought, each of which is taken apart at its own address."""
    value: Callable[[Payer], Money] = _OF_PAYER[figure]
    for payer in payers:
        yield Step(value(payer), cvr=payer.cvr, name=payer.name, title=same(payer.name),
                   below=(ground.period, f"{figure}:{payer.cvr}"))  # fmt: skip


_OF_PAYER: Mapping[str, Callable[[Payer], Money]] = {
    "payer": lambda payer: payer.invoiced,
    "payer-paid": lambda payer: payer.paid,
}


def _members(figure: str, *, are: bool) -> Callable[[_Ground, str], Iterator[Step]]:
    return lambda ground, of: _together(ground, ground.payers(lambda payer: payer.is_member == are), figure)


def _band(figure: str) -> Callable[[_Ground, str], Iterator[Step]]:
    return lambda ground, of: _together(ground, ground.payers(lambda payer: payer.band == _band_of(of)), figure)


def _band_of(given: str) -> int | None:
    if given == _NO_BAND:
        return None
    if not (given.isascii() and given.isdigit() and len(given) < 3):
        raise _no_such(given)
    return int(given)


def band_name(band: int | None) -> str:
    """Write a band as the name of a figure has it."""
    return _NO_BAND if band is None else str(band)


def _counted(find: Callable[[_Ground, str], Iterator[Step]]) -> Callable[[_Ground, str], Iterator[Step]]:
    return lambda ground, of: (replace(step, amount=None) for step in find(ground, of))


def _top(ground: _Ground, of: str) -> Iterator[Step]:
    return _together(ground, ground.report.payers[: summary.TOP], "payer")


# --- what was paid, and what is owed


def _paid(ground: _Ground, account: str) -> Iterator[Step]:
    """Give what payments brought an account; what is booked as income beside invoices is paid as it is booked."""
    yield from _of_shares(ground, [share for share in ground.shares if share.account == account])
    if ground.chart.is_income(account):
        yield from _booked(ground, lambda row: row.account == account and row.kind not in reporting.PAID_LATER)
    if ground.product is None and account == FEES_EARNED:
        yield from _charges(ground)


def _payer_paid(ground: _Ground, cvr: str) -> Iterator[Step]:
    ground.payer(cvr)
    yield from (step for step in _of_shares(ground, ground.shares) if step.cvr == cvr)
    is_of_payer = ground.chart.is_income
    yield from _booked(
        ground, lambda row: row.cvr == cvr and row.kind not in reporting.PAID_LATER and is_of_payer(row.account)
    )


def _of_shares(ground: _Ground, shares: Sequence[Share]) -> Iterator[Step]:
    known = _invoices(ground.session, {share.invoice_id for share in shares})
    for share in shares:
        invoice = known[share.invoice_id]
        yield Step(share.amount, kind="paid", account=share.account, cvr=invoice.cvr, name=invoice.name,
                   invoice_id=share.invoice_id, number=invoice.number)  # fmt: skip


def _invoices(session: Session, ids: Iterable[int]) -> dict[int, Any]:
    """Give numbers of invoices and whose they are, in one query whatever their number."""
    listed = sorted(ids)
    if not listed:
        return {}
    rows = session.execute(
        select(INVOICES.c.id, INVOICES.c.number, AUTHORITIES.c.cvr, AUTHORITIES.c.name)
        .join(AUTHORITIES, AUTHORITIES.c.id == INVOICES.c.authority_id)
        .where(INVOICES.c.id.between(listed[0], listed[-1]), INVOICES.c.book == "real")
    )
    return {row.id: row for row in rows.all()}


def _charges(ground: _Ground) -> Iterator[Step]:
    rows = ground.session.execute(
        select(MATCHES.c.amount_ore, MATCHES.c.matched_on, MATCHES.c.invoice_id)
        .where(*paid.of_charges(ground.period))
        .order_by(MATCHES.c.id)
    ).all()
    known = _invoices(ground.session, {row.invoice_id for row in rows if row.invoice_id is not None})
    for row in rows:
        invoice = known.get(row.invoice_id)
        yield Step(
            Money(row.amount_ore), row.matched_on, "paid", FEES_EARNED, invoice.cvr if invoice else None,
            invoice.name if invoice else None, row.invoice_id, invoice.number if invoice else None,
        )  # fmt: skip


def _receivables(ground: _Ground, of: str) -> Iterator[Step]:
    found = [each for each in reporting.owed_by_invoice(ground.session, ground.last) if each.product == ground.product]
    known = _invoices(ground.session, {each.invoice.invoice_id for each in found})
    for each in found:
        invoice = known[each.invoice.invoice_id]
        yield Step(each.amount, each.invoice.due_on, "owed", each.account, invoice.cvr, invoice.name,
                   each.invoice.invoice_id, invoice.number)  # fmt: skip


def _payer_owed(ground: _Ground, cvr: str) -> Iterator[Step]:
    ground.payer(cvr)
    return (step for step in _receivables(ground, "") if step.cvr == cvr)


def _passed_on(ground: _Ground, of: str) -> Iterator[Step]:
    """Give each line's contribution to the association, credit notes taken off."""
    if ground.product is None:
        return
    rows = ground.session.execute(
        select(LINES.c.association_ore, LINES.c.agreement_id, INVOICES.c.id, INVOICES.c.number, INVOICES.c.issued_on,
               AUTHORITIES.c.cvr, AUTHORITIES.c.name)
        .join(INVOICES, LINES.c.invoice_id == INVOICES.c.id)
        .join(AUTHORITIES, AUTHORITIES.c.id == INVOICES.c.authority_id)
        .where(LINES.c.product == ground.product, LINES.c.association_ore != 0, INVOICES.c.book == "real",
               INVOICES.c.issued_on >= ground.period.start, INVOICES.c.issued_on < ground.period.end)
        .order_by(LINES.c.id)
    )  # fmt: skip
    for row in rows:
        yield Step(Money(row.association_ore), row.issued_on, "invoice", "", row.cvr, row.name, row.id, row.number,
                   agreement_id=row.agreement_id)  # fmt: skip


# --- who is connected


def _connected(ground: _Ground, given: str) -> Iterator[Step]:
    days = {each.on.isoformat(): each.on for each in ground.report.connected}
    if given not in days:
        raise _no_such(given)
    holding = reporting.connections(ground.session, ground.product).holding(days[given])
    return (_connection(each, each.first_on) for each in holding)


def _changed(
    find: Callable[[reporting.Connections, _Ground], Iterable[Connection]], on: Callable[[Connection], date | None]
) -> Callable[[_Ground, str], Iterator[Step]]:
    def steps(ground: _Ground, of: str) -> Iterator[Step]:
        for each in find(reporting.connections(ground.session, ground.product), ground):
            yield _connection(each, on(each))

    return steps


def _connection(each: Connection, on: date | None) -> Step:
    return Step(None, on, cvr=each.cvr, name=each.name, agreement_id=each.agreement_id)


# --- the figures by name


_TITLES: Mapping[str, Text] = {
    "opening": Text("Primo", "Opening balance"), "earned": Text("Indtægter", "Income"),
    "spent": Text("Omkostninger", "Costs"), "result": Text("Resultat", "Result"),
    "transfers": Text("Overførsler", "Transfers"), "closing": Text("Ultimo", "Closing balance"),
    "receivables": Text("Udestående fakturaer", "Invoices outstanding"),
    "passed_on": Text("Bidrag givet videre til foreningen", "Contribution passed on to the association"),
    "top": Text("De tre største betaleres andel", "Share of the three largest payers"),
    "income": Text("Indtægter", "Income"), "paid": Text("Betalt", "Paid"), "cost": Text("Omkostninger", "Costs"),
    "budget": Text("Budget", "Budget"), "deviation": Text("Afvigelse", "Deviation"),
    "given": Text("Budget for omkostninger", "Budget of costs"),
    "left-over": Text("Afvigelse i alt", "Deviation in all"),
    "all-paid": Text("Betalt i alt", "Paid in all"),
    "payer": Text("Faktureret", "Invoiced"), "payer-paid": Text("Betalt", "Paid"),
    "payer-owed": Text("Udestående", "Outstanding"),
    "members": Text("Medlemmer af OS2", "Members of OS2"), "others": Text("Ikke medlemmer", "Not members"),
    "band": Text("Størrelse", "Size"), "connected": Text("Tilsluttede myndigheder", "Connected authorities"),
    "joined": Text("Tilsluttet", "Joined"), "left": Text("Udtrådt", "Left"),
    "under-notice": Text("Opsagt", "Under notice"),
}  # fmt: skip

_THAT_PAID, _COUNT = Text(", betalt", ", paid"), Text(", antal", ", number")

_Title = Callable[["_Ground", str], Text]
_Find = Callable[["_Ground", str], Iterable[Step]]


def _plain(name: str) -> _Title:
    def title(ground: _Ground, of: str) -> Text:
        if of:
            raise _no_such(f"{name}:{of}")
        return _TITLES[name]

    return title


def _budgeted(name: str) -> _Title:
    plain = _plain(name)

    def title(ground: _Ground, of: str) -> Text:
        if ground.report.given is None:
            raise _no_such(name)
        return plain(ground, of)

    return title


def _of_account(name: str, *, costs: bool) -> _Title:
    def title(ground: _Ground, account: str) -> Text:
        known = {each.account: each.name for each in (ground.report.costs if costs else ground.report.income)}
        if name == "budget":
            known |= {each.account: each.name for each in ground.report.costs}
        if account not in known or (name in ("budget", "deviation") and not ground.report.budget):
            raise _no_such(f"{name}:{account}")
        return _TITLES[name] + same(f": {account} ") + known[account]

    return title


def _of_payer(name: str) -> _Title:
    return lambda ground, cvr: _TITLES[name] + same(f": {ground.payer(cvr).name}")


def _of_band(more: Text) -> _Title:
    return lambda ground, band: _TITLES["band"] + same(": ") + summary.band(_band_of(band)) + more


def _more(name: str, more: Text) -> _Title:
    of_name = _plain(name)
    return lambda ground, of: of_name(ground, of) + more


def _of_day(ground: _Ground, given: str) -> Text:
    days = {each.on.isoformat(): each.on for each in ground.report.connected}
    if given not in days:
        raise _no_such(given)
    return _TITLES["connected"] + same(", ") + day(days[given])


_FIGURES: Mapping[str, tuple[_Title, _Find]] = {
    "opening": (_plain("opening"), _opening),
    "earned": (_plain("earned"), _earned),
    "spent": (_plain("spent"), _spent),
    "result": (_plain("result"), _others(("earned", 1), ("spent", -1))),
    "transfers": (_plain("transfers"), _transfers),
    "closing": (_plain("closing"), _others(("opening", 1), ("earned", 1), ("spent", -1), ("transfers", 1))),
    "receivables": (_plain("receivables"), _receivables),
    "passed_on": (_plain("passed_on"), _passed_on),
    "top": (_plain("top"), _top),
    "income": (_of_account("income", costs=False), _income),
    "paid": (_of_account("paid", costs=False), _paid),
    "cost": (_of_account("cost", costs=True), _cost),
    "budget": (_of_account("budget", costs=False), _budget),
    "deviation": (_of_account("deviation", costs=True), _deviation),
    "all-paid": (_plain("all-paid"), _all_paid),
    "given": (_budgeted("given"), _given),
    "left-over": (_budgeted("left-over"), _others(("given", 1), ("spent", -1))),
    "payer": (_of_payer("payer"), _payer),
    "payer-paid": (_of_payer("payer-paid"), _payer_paid),
    "payer-owed": (_of_payer("payer-owed"), _payer_owed),
    "members": (_plain("members"), _members("payer", are=True)),
    "members-paid": (_more("members", _THAT_PAID), _members("payer-paid", are=True)),
    "members-count": (_more("members", _COUNT), _counted(_members("payer", are=True))),
    "others": (_plain("others"), _members("payer", are=False)),
    "others-paid": (_more("others", _THAT_PAID), _members("payer-paid", are=False)),
    "others-count": (_more("others", _COUNT), _counted(_members("payer", are=False))),
    "band": (_of_band(same("")), _band("payer")),
    "band-paid": (_of_band(_THAT_PAID), _band("payer-paid")),
    "band-count": (_of_band(_COUNT), _counted(_band("payer"))),
    "connected": (_of_day, _connected),
    "joined": (_plain("joined"), _changed(lambda all_, ground: all_.joined(ground.period), lambda each: each.first_on)),
    "left": (_plain("left"), _changed(lambda all_, ground: all_.left(ground.period), lambda each: each.last_on)),
    "under-notice": (_plain("under-notice"),
                     _changed(lambda all_, ground: all_.under_notice(ground.last), lambda each: each.noticed_on)),
}  # fmt: skip

#: Figures that count: what is told is how many there are.
_COUNTED = frozenset(
    {"members-count", "others-count", "band-count", "connected", "joined", "left", "under-notice"}
)  # fmt: skip
