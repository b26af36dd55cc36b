"""Whatever happened, and in whatever order: reports, ledger, invoices, payments and funds say the same, to the øre.

A history is a list of acts over the year. The figures are held against what is added up here, row by row, of the
postings, lines and matches themselves. Nobody is registered for VAT in it, so that every øre is a fund's; how VAT is
left out is asked in test_funds.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st
from sqlalchemy import Row, select
from sqlalchemy.orm import Session

from agreements.connections import AGREEMENTS
from agreements.products import PRODUCTS as RECORDED
from app import register_files
from app.adapters import csv_files
from authorities.register import AUTHORITIES
from billing import (
    annual_run,
    approvals,
    balances,
    bookkeeping,
    credits,
    invoices,
    ledger,
    payments,
    placing,
    settlements,
    verification,
    vouchers,
)
from billing import seller as sellers
from billing.balances import MATCHES
from billing.funding import funds, overview, report, reporting
from billing.funding.report import FundingReport
from billing.gathering import INVOICES, LINES
from billing.invoices import Terms
from billing.matching import Part
from billing.payments import Placing
from billing.placing import Wanted
from billing.settlements import RefundOrder, WriteOffOrder
from foundation import periods
from foundation.errors import DomainError
from foundation.language import Text
from foundation.money import ZERO, Money, total
from foundation.periods import Period
from tests import paying, spending
from tests.command_line import CommandLine
from tests.conftest import FULL, Prepared
from tests.places import with_starter
from tests.scenarios import files

YEAR = 2027
QUARTERS = [periods.named(f"{YEAR}-Q{nth}") for nth in (1, 2, 3, 4)]
AFTER = date(YEAR + 1, 2, 1)
PRODUCTS = ("OS2kitos", "OS2valghalla", "OS2mo")
MUNICIPALITIES = files.starter()[:6]
#: Which of them has what when the year begins.
JOINED = [
    (MUNICIPALITIES[at].cvr, product)
    for at, product in ((0, "OS2kitos"), (0, "OS2valghalla"), (1, "OS2valghalla"), (2, "OS2kitos"), (3, "OS2valghalla"))
]
WHY = Text("valgt i hånden", "chosen by hand")
#: The income accounts as OS2's chart has them: a product's, and the association's.
INCOME = {True: ("00001", "00002", "00003"), False: ("00014", "00015", "00017")}


def begun(line: CommandLine) -> None:
    """Four municipalities, two of them members, with two products; the year is issued. Two have not joined yet."""
    line.done("settings", "import", line.write("seller.toml", files.SELLER.replace("registered = true",
                                                                                   "registered = false")))  # fmt: skip
    files.take_members(line, *(files.member(each.cvr) for each in MUNICIPALITIES[:2]))
    files.take_agreements(line, *(files.agreement(*each) for each in JOINED))
    line.issue(YEAR)


@pytest.fixture
def year(prepared: Prepared) -> CommandLine:
    """A year that has begun."""
    return prepared(with_starter, begun)


class Act(NamedTuple):
    """Something that is to happen; what each number means depends on what it is."""

    kind: str
    month: int
    ore: int
    nth: int
    product: str | None

    @property
    def day(self) -> date:
        """Give the day it is to happen; what lies beyond the month is its last day."""
        month = periods.months(YEAR, self.month, 1)
        return min(month.start + timedelta(days=self.nth), month.last_day or month.start)


KINDS = ("join", "leave", "credit", "pay", "undo", "refund", "write_off", "cost", "accrual", "hours", "opening",
         "transfer", "give", "close")  # fmt: skip
ACTS = st.builds(
    Act,
    st.sampled_from((*KINDS, "pay")),
    st.integers(1, 12),
    st.integers(1, 40_000_00),
    st.integers(0, 30),
    st.sampled_from((*PRODUCTS, None)),
)  # fmt: skip


@dataclass
class History:
    """Lets acts happen in one session; what is refused, as in a closed period, leaves nothing."""

    session: Session
    folder: Path
    happened: Counter[str]

    def let(self, act: Act) -> None:
        """Let something happen, or be refused."""
        point = self.session.begin_nested()
        try:
            if getattr(self, f"_{act.kind}")(act, act.day) is not None:
                self.happened[act.kind] += 1
            point.commit()
        except DomainError:
            point.rollback()

    def _join(self, act: Act, on: date) -> object:
        """Let somebody join a product it has not, and be invoiced."""
        free = [(who.cvr, product) for who in MUNICIPALITIES for product in PRODUCTS if not self._has(who.cvr, product)]
        if not free:
            return None
        days = {"signed_on": f"{on}", "countersigned_on": f"{on}", "in_force_from": f"{on}"}
        self._registered(files.agreement(*free[act.nth * 5 % len(free)], **days))
        return self._issue(on)

    def _leave(self, act: Act, on: date) -> object:
        """Let somebody give notice of what it has had since before the year."""
        days = {"terminated_to": f"{YEAR}-12-31", "notice_given_on": f"{on}"}
        return self._registered(files.agreement(*JOINED[act.nth % len(JOINED)], **days))

    def _has(self, cvr: str, product: str) -> bool:
        found = (
            select(AGREEMENTS.c.id)
            .join(AUTHORITIES, AUTHORITIES.c.id == AGREEMENTS.c.authority_id)
            .join(RECORDED, RECORDED.c.id == AGREEMENTS.c.product_id)
            .where(AUTHORITIES.c.cvr == cvr, RECORDED.c.name == product)
        )
        return self.session.execute(found).first() is not None

    def _registered(self, row: Any) -> object:
        trail = spending.trail(self.session)
        file = self.folder / "agreements.csv"
        file.write_text(files.text(files.AGREEMENTS, [row]), encoding="utf-8")
        into = register_files.REGISTERS["agreements"]
        rows = csv_files.read(file, into.layout)
        taken = register_files.take_in(self.session, into, rows, trail, today=date(YEAR, 1, 15))
        trail.write()
        return taken

    def _issue(self, on: date) -> object:
        """Issue what is new in the plan, on the day or as soon as numbers rise with days again."""
        seller, trail = self._seller(), spending.trail(self.session, spending.OTHER)
        plan = annual_run.plan(self.session, YEAR, seller)
        approvals.approve(self.session, YEAR, plan.digest, seller, trail)
        issued = [row.issued_on for row in self.session.execute(select(INVOICES.c.issued_on))]
        made = invoices.issue_batch(self.session, Terms(YEAR, "real", max(on, *issued), seller), trail)
        trail.write()
        return made or None

    def _seller(self) -> sellers.Seller:
        found = sellers.current(self.session)
        assert found is not None
        return found

    def _one_of_invoices(self, act: Act, *, owing: bool) -> balances.Owed | None:
        listed = list(balances.outstanding(self.session, AFTER).values())
        some = [each for each in listed if each.outstanding > ZERO] if owing else listed
        return some[act.nth % len(some)] if some else None

    def _credit(self, act: Act, on: date) -> object:
        """Take one line of an invoice back, or all that is left of it."""
        owed = self._one_of_invoices(act, owing=False)
        assert owed is not None
        lines = () if act.ore % 2 else (1 + act.ore % 3,)
        order = credits.Order(owed.number, "Opdigtet", spending.ONE, max(on, owed.issued_on), lines, spending.OTHER)
        trail = spending.trail(self.session)
        made = credits.credit(self.session, order, self._seller(), trail)
        trail.write()
        return made

    def _pay(self, act: Act, on: date) -> object:
        """Let some of an invoice be paid, all of it, or too much."""
        if (owed := self._one_of_invoices(act, owing=True)) is None:
            return None
        ore = owed.outstanding.ore if act.ore % 3 == 0 else act.ore
        trail, day = spending.trail(self.session), max(on, owed.issued_on)
        (id_,) = paying.take_in(self.session, trail, [paying.payment(ore, day)])
        to_invoice = Money(min(ore, owed.outstanding.ore))
        rest = Money(ore) - to_invoice
        parts = [Part(to_invoice, owed.authority_id, owed.invoice_id), Part(rest, owed.authority_id)]
        placed = Placing(id_, tuple(part for part in parts if part.amount), "hand", WHY)
        made = payments.place(self.session, [placed], day, trail)
        trail.write()
        return made

    def _give(self, act: Act, on: date) -> object:
        """Let somebody give a product something once: a municipality, or another."""
        giver = MUNICIPALITIES[act.nth % len(MUNICIPALITIES)].cvr if act.ore % 2 else None
        trail = spending.trail(self.session)
        (id_,) = paying.take_in(self.session, trail, [paying.payment(act.ore, on)])
        wanted = Wanted(contributions=[(act.product or PRODUCTS[0], Money(act.ore))], giver=giver)
        placed = Placing(id_, placing.parts(self.session, wanted), "hand", WHY)
        made = payments.place(self.session, [placed], on, trail)
        trail.write()
        return made

    def _undo(self, act: Act, on: date) -> object:
        undone = select(MATCHES.c.undoes).where(MATCHES.c.undoes.is_not(None))
        stand = select(MATCHES.c.id).where(MATCHES.c.undoes.is_(None), MATCHES.c.id.not_in(undone))
        ids = list(self.session.scalars(stand))
        if not ids:
            return None
        trail = spending.trail(self.session)
        made = payments.unmatch(self.session, [ids[act.nth % len(ids)]], "Forkert", on, trail)
        trail.write()
        return made

    def _refund(self, act: Act, on: date) -> object:
        """Decide to pay an authority's credit back."""
        due = {id_: amount for id_, amount in balances.credits_of(self.session, AFTER).items() if amount > ZERO}
        if not due:
            return None
        id_ = sorted(due)[act.nth % len(due)]
        cvr = self.session.scalars(select(AUTHORITIES.c.cvr).where(AUTHORITIES.c.id == id_)).one()
        order = RefundOrder(cvr, due[id_], "Betalt for meget")
        return spending.twice(
            self.session,
            lambda one: settlements.propose_refund(self.session, order, one),
            lambda proposal, other: settlements.approve_refund(self.session, proposal, on, other),
        )

    def _write_off(self, act: Act, on: date) -> object:
        if (owed := self._one_of_invoices(act, owing=True)) is None:
            return None
        order = WriteOffOrder(owed.number, Money(min(act.ore, owed.outstanding.ore)), "Opdigtet", False)
        return spending.twice(
            self.session,
            lambda one: settlements.propose_write_off(self.session, order, one),
            lambda proposal, other: settlements.approve_write_off(
                self.session, proposal, max(on, owed.issued_on), other
            ),
        )

    def _cost(self, act: Act, on: date, spread: Period | None = None) -> object:
        told = {"product": act.product, "incurred_on": on, "reference": f"R-{sum(self.happened.values())}-{act.ore}"}
        suffix = "00013" if act.product is None else "00005"
        draft = spending.draft(self.session, act.ore, suffix=suffix, spread=spread, **told)
        return spending.spend(self.session, draft, on=date(YEAR, 12, 31))

    def _accrual(self, act: Act, on: date) -> object:
        first = on.replace(day=1)
        return self._cost(act, on, periods.through(first, first + timedelta(days=27 + 30 * (act.nth % 12))))

    def _hours(self, act: Act, on: date) -> object:
        spending.rate(self.session, 700_00 + act.nth)
        day = min(on, spending.DAY)
        return spending.work(self.session, 15 + act.ore % 600, day, act.product or PRODUCTS[0])

    def _opening(self, act: Act, on: date) -> object:
        spending.move(self.session, act.ore, act.product, on=on)
        return True

    def _transfer(self, act: Act, on: date) -> object:
        spending.move(self.session, act.ore, act.product, on=on, from_product=PRODUCTS[act.nth % len(PRODUCTS)])
        return True

    def _close(self, act: Act, on: date) -> object:
        """Close the next period; how long it is depends on the act: a month, or the rest of a quarter."""
        first = bookkeeping.next_day(self.session)
        assert first is not None
        quarter = periods.quarter_of(first)
        month = periods.months(first.year, first.month, 1)
        period = Period(first, month.end if act.nth % 2 else quarter.end)
        return spending.twice(
            self.session,
            lambda one: bookkeeping.propose_closing(self.session, period, one, on=AFTER),
            lambda id_, other: bookkeeping.approve_closing(self.session, id_, other, on=AFTER),
        )


# --- what was added up by hand


class Posted(NamedTuple):
    """A posting of the real book."""

    on: date
    kind: str
    account: str
    product: str | None
    authority_id: int | None
    ore: int  # seen from the fund: what it gets stands above zero

    @property
    def is_income(self) -> bool:
        """Tell whether it was earned."""
        return self.account.rpartition("-")[2] in INCOME[self.product is not None] and "-" in self.account


def posted(session: Session) -> list[Posted]:
    """Read everything that was posted to a fund: on accounts of the result, and on the one for moves."""
    entry = vouchers.entries().subquery()
    rows = session.execute(select(entry).where(entry.c.book == "real"))
    return [
        Posted(row.posted_on, row.kind, row.account, row.product, row.authority_id, -row.amount_ore)
        for row in rows
        if len(row.account) != len(ledger.FUND) or row.account < "5000" or row.account == ledger.FUND
    ]


def invoiced(session: Session, period: Period) -> list[Row[Any]]:
    """Read the lines of a period's invoices and credit notes."""
    rows = session.execute(select(LINES, INVOICES.c.issued_on).join(INVOICES, LINES.c.invoice_id == INVOICES.c.id))
    return [row for row in rows if row.issued_on in period]


def summed(rows: Iterable[Posted], by: Callable[[Posted], Any]) -> dict[Any, int]:
    """Add postings up; what comes to nothing is left out."""
    found: Counter[Any] = Counter()
    for row in rows:
        found[by(row)] += row.ore
    return {name: ore for name, ore in found.items() if ore}


def in_ore(amounts: Iterable[tuple[Any, Money]]) -> dict[Any, int]:
    """Give amounts in øre, those of nothing left out."""
    return {name: amount.ore for name, amount in amounts if amount}


def check_report(found: FundingReport, rows: Sequence[Posted]) -> None:
    """Hold a report against the postings, and its own tables against each other."""
    own = [row for row in rows if row.product == found.product]
    within = [row for row in own if row.on in found.period]
    income = [row for row in within if row.is_income]
    costs = [row for row in within if not row.is_income and row.account != ledger.FUND]

    assert found.opening.ore == sum(row.ore for row in own if row.on < found.period.start)
    assert found.closing.ore == found.opening.ore + sum(row.ore for row in within)
    assert in_ore((each.account, each.invoiced) for each in found.income) == summed(income, lambda row: row.account)
    assert in_ore((each.account, -each.spent) for each in found.costs) == summed(costs, lambda row: row.account)
    assert found.transfers.ore == sum(row.ore for row in within if row.account == ledger.FUND)
    for name in ("invoiced", "paid"):
        of_payers = total(getattr(each, name) for each in found.payers)
        assert of_payers == total(getattr(each, name) for each in found.bands)
        assert of_payers == getattr(found.members, name) + getattr(found.others, name)
    assert sum(each.invoiced.ore for each in found.payers) == sum(row.ore for row in income if row.authority_id)
    assert total(each.outstanding for each in found.payers) == found.receivables


def check_whole(session: Session, found: Mapping[str | None, FundingReport], period: Period) -> None:
    """Hold all funds together against the invoices and what was paid of them."""
    last = period.last_day
    assert last is not None
    lines, kept = invoiced(session, period), funds.conservation(session, period)
    got = [*kept.products.items(), (None, kept.association)]
    owed = [each.outstanding for each in balances.outstanding(session, last).values() if each.outstanding > ZERO]
    paid = session.execute(
        select(MATCHES.c.amount_ore, MATCHES.c.matched_on).where(
            MATCHES.c.authority_id.is_not(None), MATCHES.c.invoice_id.is_not(None) | MATCHES.c.account.like("%-00003")
        )
    ).all()

    brought: Counter[str | None] = Counter({None: sum(line.association_ore for line in lines)})
    passed_on: Counter[str | None] = Counter()
    for line in lines:
        brought[line.product] += line.product_ore
        passed_on[line.product] += line.association_ore
    assert in_ore(got) == {name: ore for name, ore in brought.items() if ore}
    assert all(each.passed_on.ore == passed_on[name] for name, each in found.items() if name)
    assert kept.drift == ZERO
    assert total(each.receivables for each in found.values()) == total(owed)
    assert sum(payer.paid.ore for each in found.values() for payer in each.payers) == sum(
        row.amount_ore for row in paid if row.matched_on in period
    )


def check_overview(session: Session, rows: Sequence[Posted]) -> None:
    """Hold all funds beside each other, quarter by quarter, against the postings, and each quarter against the next."""
    found = overview.read(session, QUARTERS)
    alone = [overview.read(session, [quarter]) for quarter in QUARTERS]
    assert found.rows == [row for each in alone for row in each.rows]
    assert found.wholes == [whole for each in alone for whole in each.wholes]
    for row in found.rows:
        own = [each for each in rows if each.product == row.product]
        assert row.opening.ore == sum(each.ore for each in own if each.on < row.period.start)
        assert row.closing.ore == row.opening.ore + sum(each.ore for each in own if each.on in row.period)
    of_fund = [[row for row in found.rows if row.product == name] for name in {row.product for row in found.rows}]
    for quarters in of_fund:
        assert all(one.closing == following.opening for one, following in pairwise(quarters))
    for whole in found.wholes:
        beside = [row for row in found.rows if row.period == whole.period]
        assert whole.conservation == funds.conservation(session, whole.period)
        assert whole.closing == whole.opening + whole.earned - whole.spent + whole.transfers
        assert whole.closing == total(row.closing for row in beside)


#: A year in which everything happens, and something twice.
EVERYTHING = [
    Act("opening", 1, 900_000_00, 0, "OS2kitos"), Act("pay", 2, 3, 0, None), Act("pay", 2, 20_000_01, 1, None),
    Act("cost", 3, 12_345_67, 30, "OS2kitos"), Act("accrual", 3, 1_000_01, 5, "OS2valghalla"),
    Act("transfer", 3, 5_000_00, 1, "OS2kitos"), Act("join", 4, 1, 3, None), Act("close", 1, 1, 0, None),
    Act("give", 4, 25_000_01, 5, "OS2mo"), Act("give", 5, 700_00, 9, "OS2kitos"),
    Act("undo", 5, 1, 1, None), Act("pay", 5, 39_999_98, 1, None), Act("credit", 6, 1, 0, None),
    Act("leave", 6, 1, 0, None), Act("hours", 6, 90, 2, "OS2valghalla"), Act("refund", 7, 1, 0, None),
    Act("write_off", 8, 100_00, 0, None), Act("cost", 8, 7_000_00, 1, None), Act("pay", 9, 1_234_57, 2, None),
]  # fmt: skip


@example(acts=EVERYTHING, days=(60, 100), quarter=QUARTERS[1])
@given(
    acts=st.lists(ACTS, min_size=6, max_size=14),
    days=st.tuples(st.integers(0, 400), st.integers(0, 200)),
    quarter=st.sampled_from(QUARTERS),
)
@settings(
    max_examples=150 if FULL else 8, deadline=None, phases=[Phase.explicit, Phase.generate, Phase.shrink],
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)  # fmt: skip
def test_in_any_history_reports_ledger_invoices_payments_and_funds_agree(
    year: CommandLine, acts: list[Act], days: tuple[int, int], quarter: Period
) -> None:
    start = date(YEAR, 1, 1) - timedelta(days=30) + timedelta(days=days[0])
    period = Period(start, start + timedelta(days=days[1] + 1))
    with year.session() as session:
        history = History(session, year.folder, Counter())
        for act in acts:
            history.let(act)
        rows = posted(session)

        check_overview(session, rows)
        quarters = {row.product: row for row in overview.read(session, QUARTERS).rows if row.period == quarter}
        for of in (period, quarter):
            names: list[str | None] = [None, *PRODUCTS]
            found = {name: reporting.compute(session, name, of) for name in names}
            for each in found.values():
                check_report(each, rows)
            check_whole(session, found, of)
        for name, each in found.items():
            beside = quarters[name]
            assert (each.opening, each.earned, each.spent, each.transfers, each.closing, each.receivables) == (
                beside.opening, beside.earned, beside.spent, beside.transfers, beside.closing, beside.receivables
            )  # fmt: skip
            assert report.from_json(report.to_json(each)) == each
        assert [(each.check, each.subject) for each in verification.verify(session).violations] == []
        assert acts != EVERYTHING or set(history.happened) == set(KINDS)
        session.rollback()
