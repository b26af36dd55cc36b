"""What the funds of the demonstration spent and moved, made up; every text says so.

Products that earned most get costs by month, a recurring cost, one spread over the year, hours, and an opening balance;
the association has costs of its own.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import date
from fractions import Fraction
from functools import partial

from sqlalchemy import select
from sqlalchemy.orm import Session

from agreements.road import journeys
from app import publishing
from app.config import Config
from app.demonstration import YEAR
from billing import bank, payments, placing
from billing.funding import (
    budgets,
    comments,
    costs,
    disclosures,
    forecast,
    funds,
    hours,
    judgements,
    moves,
    pipeline,
    prospect,
    publications,
    recurring,
    remarks,
    reporting,
)
from billing.funding.comments import On
from billing.funding.costs import Chart, Draft
from billing.funding.hours import Worked
from billing.funding.moves import Move
from billing.funding.pipeline import Seen
from billing.funding.recurring import Plan
from billing.payments import Placing
from foundation import periods
from foundation.audit import Trail
from foundation.language import Text
from foundation.money import ORE_PER_KRONE, ZERO, Money, kroner
from foundation.periods import Period
from foundation.proposals import Proposal

MADE_UP = "Opdigtet"
#: What Aarhus gives a fund once, beside its fees, and when.
GIVEN, GIVEN_ON, GIVEN_TO, GIVER = kroner(75_000), date(YEAR - 1, 11, 12), "OS2kitos", "55133018"
PRODUCTS = 8
#: So many of them have published reports, of the last two quarters.
PUBLISHED = 6
_MONTHS = 12
#: What of a product's income goes where in a year, by account; the rest stays in the fund.
_SHARES = (
    ("00004", Fraction(4, 100), "tilkobling af nye myndigheder", (3, 9)),
    ("00006", Fraction(12, 100), "frikøb af koordinator", (3, 6, 9, 12)),
    ("00008", Fraction(30, 100), "udviklingssprint", (2, 4, 5, 8, 10, 11)),
    ("00009", Fraction(8, 100), "rådgivning", (5, 11)),
    ("00010", Fraction(3, 100), "brugerdag", (9,)),
    ("00011", Fraction(10, 100), "vedligehold af kode og vejledning", (1, 4, 7, 10)),
)
_HOSTING = Fraction(1, 100)  # a month
_LICENCE = Fraction(2, 100)  # a year
_GROWTH = Fraction(103, 100)
_OWN = (
    ("00013", 65_000, "revision", 3), ("00007", 48_000, "generalforsamling", 4), ("00001", 30_000, "internat", 10),
    ("00004", 24_000, "kontorhold", 6),
)  # fmt: skip
_RATES = ((0, 725), (1, 750))  # years after the first, kroner


@dataclass(frozen=True, slots=True)
class Team:
    """Who proposes and who approves, with the day it is; the trail tells of each act in its turn."""

    session: Session
    one: Trail
    other: Trail
    today: date

    def decide(self, propose: Callable[[Trail], Proposal | list[Proposal]], approve: Callable[[int], object]) -> None:
        """Let one propose, and the other approve each proposal."""
        made = propose(self.one)
        self.one.write()
        for each in made if isinstance(made, list) else [made]:
            approve(each.id)
        self.other.write()

    def spend(self, propose: Callable[[Trail], list[Proposal]]) -> None:
        """Let one propose costs, and the other approve them."""
        self.decide(propose, lambda id_: costs.approve(self.session, [id_], self.other, on=self.today))

    def move(self, wanted: Move) -> None:
        """Let a fund open, or money move."""
        self.decide(
            lambda one: moves.propose(self.session, wanted, one),
            lambda id_: moves.approve(self.session, id_, self.other),
        )


def costs_and_hours(session: Session, one: Trail, other: Trail, today: date) -> None:
    """Make up what the funds spent from the beginning of the year before up to today; the caller commits."""
    team, year = Team(session, one, other, today), today.year - 1
    chosen = _earning(session, year, PRODUCTS)
    _open(team, chosen, year)
    _rate_and_hours(team, list(chosen), year)
    _recur(team, chosen, year)
    _spend(team, chosen, year)


def _earning(session: Session, year: int, most: int) -> dict[str, Money]:
    """Give the products that earned most in a year, with what they earned."""
    earned: Counter[str] = Counter()
    for each in funds.moved(session, periods.year(year)):
        if each.kind == "invoice" and each.product is not None:
            earned[each.product] += each.amount.ore
    return {product: Money(ore) for product, ore in earned.most_common(most) if ore > 0}


def _open(team: Team, chosen: dict[str, Money], year: int) -> None:
    opened: list[tuple[str | None, Money]] = [
        (name, _round(each.scaled(Fraction(1, 4)))) for name, each in chosen.items()
    ]
    for product, amount in [*opened, (None, kroner(850_000))]:
        team.move(Move("opening", product, amount, periods.new_year(year), f"{MADE_UP}: saldo fra året før"))
    first, second = list(chosen)[:2]
    words = f"{MADE_UP}: fælles udvikling, besluttet af begge styregrupper"
    team.move(Move("transfer", second, kroner(20_000), date(year, 5, 12), words, first))


def _rate_and_hours(team: Team, chosen: list[str], year: int) -> None:
    for after, rate in _RATES:
        from_on, amount = periods.new_year(year + after), kroner(rate)
        team.decide(
            partial(hours.propose_rate, team.session, from_on, amount),
            lambda id_: hours.approve_rate(team.session, id_, team.other),
        )
    worked = [
        Worked(product, date(year, month, 20), 60 * (12 + 3 * at) + 30, f"{MADE_UP}: møder og regnskab")
        for at, product in enumerate(chosen)
        for month in (3, 6, 9, 12)
    ]
    team.spend(partial(hours.propose, team.session, worked, on=team.today))


def _recur(team: Team, chosen: dict[str, Money], year: int) -> None:
    chart = costs.chart(team.session)
    for product, income in chosen.items():
        plan = Plan(
            product, _account(chart, product, "00005"), f"{MADE_UP} Hosting", f"{MADE_UP}: servere og domæne",
            _round(income.scaled(_HOSTING)), 1, date(year, 1, 1), date(year + 1, 12, 31),
        )  # fmt: skip
        team.decide(
            partial(recurring.propose, team.session, plan),
            lambda id_: recurring.approve(team.session, id_, team.other, on=team.today),
        )


def _spend(team: Team, chosen: dict[str, Money], year: int) -> None:
    chart = costs.chart(team.session)
    drafts = [*_of_products(chart, chosen, year), *_of_association(chart, year)]
    team.spend(partial(costs.propose, team.session, drafts, on=team.today))


def _of_products(chart: Chart, chosen: dict[str, Money], year: int) -> Iterator[Draft]:
    for product, income in chosen.items():
        for suffix, share, words, months in _SHARES:
            part = _round(income.scaled(share / len(months)))
            for month in months:
                yield Draft(
                    product, _account(chart, product, suffix), f"{MADE_UP} Leverandør {suffix[-2:]}",
                    f"{product}-{year}-{month:02d}", date(year, month, 18), f"{MADE_UP}: {words}", part,
                )  # fmt: skip
        yield Draft(
            product, _account(chart, product, "00005"), f"{MADE_UP} Licens", f"{product}-{year}", date(year, 1, 15),
            f"{MADE_UP}: årslicens", _round(income.scaled(_LICENCE)), periods.year(year),
        )  # fmt: skip


def _of_association(chart: Chart, year: int) -> Iterator[Draft]:
    for suffix, amount, words, month in _OWN:
        yield Draft(
            None, _account(chart, None, suffix), f"{MADE_UP} Leverandør", f"OS2-{year}-{suffix}", date(year, month, 10),
            f"{MADE_UP}: {words}", kroner(amount),
        )  # fmt: skip


def _account(chart: Chart, product: str | None, suffix: str) -> str:
    found = chart.named(product, suffix)
    assert found is not None  # the shipped chart has every one of them
    return found


def _round(amount: Money) -> Money:
    """Give whole hundreds of kroner, as budgets are spoken of; one hundred at least."""
    return kroner(max(1, amount.ore // (100 * ORE_PER_KRONE)) * 100)


def contribution(session: Session, bank_reference: str, trail: Trail, on: date) -> None:
    """Place what was given in its fund, as a person would who knows what it is for."""
    found = select(bank.TRANSACTIONS.c.id).where(bank.TRANSACTIONS.c.bank_reference == bank_reference)
    wanted = placing.Wanted(contributions=[(GIVEN_TO, GIVEN)], giver=GIVER)
    why = Text(f"{MADE_UP}: tilsagn om medfinansiering", f"{MADE_UP}: promised co-funding")
    placed = Placing(session.execute(found).scalar_one(), placing.parts(session, wanted), "hand", why)
    payments.place(session, [placed], on, trail)


# --- budgets and forecasts


def budgets_of_two_years(session: Session, one: Trail, other: Trail, today: date) -> None:
    """Adopt budgets of the year before and of this one for every fund that spends: the second is the first, grown."""
    team, year = Team(session, one, other, today), today.year - 1
    known = budgets.accounts(session)
    drafts = [
        _budget(known[product], product, income, year) for product, income in _earning(session, year, PRODUCTS).items()
    ]
    _adopt(team, drafts)
    grown = [budgets.copied(session, draft.product, year + 1, _GROWTH, "hundred") for draft in drafts]
    _adopt(team, [replace(draft, basis=f"{MADE_UP}: {draft.basis}") for draft in grown])


def _budget(known: budgets.Accounts, product: str, income: Money, year: int) -> budgets.Draft:
    shares = [*((suffix, share) for suffix, share, _, _ in _SHARES), ("00005", _HOSTING * _MONTHS + _LICENCE)]
    given = [("00002", income), *((suffix, income.scaled(share)) for suffix, share in shares)]
    lines = tuple(
        budgets.Line(known.named(suffix) or suffix, budgets.equal(_round(amount))) for suffix, amount in given
    )
    return budgets.Draft(product, year, lines, f"{MADE_UP}: erfaring fra året før")


def _adopt(team: Team, drafts: list[budgets.Draft]) -> None:
    kept = budgets.keep(team.session, drafts, team.one)
    team.decide(
        lambda one: budgets.propose_all(team.session, kept, one),
        lambda id_: budgets.adopt(team.session, id_, team.other, on=team.today),
    )


def pipeline_and_forecasts(session: Session, one: Trail, today: date) -> None:
    """Judge one who walks the road, expect one who does not, and keep forecasts of this year as of last summer."""
    first, *_ = journeys.read(session, session.execute(journeys.listing().order_by(journeys.JOURNEYS.c.id)).all())
    judgements.judge(session, first, 60, date(today.year + 1, 1, 1), f"{MADE_UP}: budgettet er vedtaget", one)
    _, cvr, _ = prospect.unconnected(session, first.product, today.year)[-1]
    pipeline.see(session, Seen(cvr, first.product, date(today.year + 1, 1, 1), "contact", f"{MADE_UP}: et møde"), one)
    for product in _earning(session, today.year - 1, PUBLISHED):
        forecast.keep(session, forecast.compute(session, product, today.year, date(today.year - 1, 6, 15)), one)


# --- published reports


def published(session: Session, one: Trail, other: Trail, config: Config, today: date) -> None:
    """Publish two quarters of those that earned most, each talked about and decided on; the last is public in part."""
    team, year = Team(session, one, other, today), today.year - 1
    for product in _earning(session, year, PUBLISHED):
        for quarter in (3, 4):
            on = _publish(team, product, periods.named(f"{year}-Q{quarter}"), config)
            _talk(team, on)
        _disclose(team, on)


def _publish(team: Team, product: str, period: Period, config: Config) -> On:
    _remark(team, product, period)
    team.decide(
        lambda one: publishing.propose(team.session, product, period, one, on=team.today),
        lambda id_: publishing.approve(team.session, id_, team.other, config, on=team.today),
    )
    return On(product, period, 1)


def _remark(team: Team, product: str, period: Period) -> None:
    """Let somebody remark on the quarter, and on the account that went furthest over its budget."""
    told = periods.told(period).da
    words = {remarks.WHOLE: f"{MADE_UP}: Tallene for {told} er gennemgået med gruppen.\nDe følges igen næste kvartal."}
    over = sorted(
        (cost.deviation, cost.account)
        for cost in reporting.compute(team.session, product, period).costs
        if cost.deviation is not None and cost.deviation < ZERO
    )
    words |= {account: f"{MADE_UP}: mere arbejde end ventet" for _, account in over[:1]}
    for account, text in words.items():
        remarks.write(team.session, product, period, account, text, team.one)
    team.one.write()


def _talk(team: Team, on: On) -> None:
    """Let the group ask, the secretariat answer, and the steering group decide."""
    quarter = periods.told(on.period).da
    asked = comments.ask(team.session, on, f"{MADE_UP}: Hvad dækker driften i {quarter}?", team.one)
    team.one.write()
    comments.answer(team.session, asked, f"{MADE_UP}: Servere, domæne og årets licens.", team.other)
    comments.decide(
        team.session, on, f"{MADE_UP}: Rapporten for {quarter} er godkendt.", team.other, decided_on=team.today,
        reference=f"{MADE_UP}: styregruppens møde, punkt 3",
    )  # fmt: skip
    team.other.write()


def _disclose(team: Team, on: On) -> None:
    report = publications.get(team.session, on.product, on.period, on.version)
    chosen = disclosures.choice(disclosures.FIGURES, disclosures.CHARTS, ("amount", "budget"))
    team.decide(
        lambda one: disclosures.propose(team.session, report, chosen, one),
        lambda id_: disclosures.approve(team.session, id_, team.other),
    )
