"""Budgets of funds: versions of a year, drafted, proposed by one person and adopted by another, held month by month.

A version never changes; another takes its place. Income and costs are both written above zero. What holds for a period
is read from the versions adopted: a month that lies partly in it counts by its days.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from typing import Any, NamedTuple

from sqlalchemy import Row, Select, Table, case, func, select
from sqlalchemy.orm import Session

from agreements import products
from billing import ledger
from billing.funding import stretches
from billing.funding.budget_models import BudgetAdoption, BudgetLine, BudgetVersion
from billing.funding.costs import ASSOCIATION
from foundation import append_only, money, periods, proposals, wording
from foundation.audit import Trail, canonical, sha256
from foundation.errors import Conflict, FieldsRefused, NotFound
from foundation.language import Text
from foundation.money import ZERO, Money, total
from foundation.periods import MONTHS_IN_YEAR, Period
from foundation.proposals import DECISIONS, Proposal

VERSIONS: Table = BudgetVersion.__table__  # type: ignore[assignment]
LINES: Table = BudgetLine.__table__  # type: ignore[assignment]
ADOPTIONS: Table = BudgetAdoption.__table__  # type: ignore[assignment]

DRAFTED_ACTION, ADOPTED_ACTION = "budget.drafted", "budget.adopted"
KIND: proposals.Kind = "budget"

_LARGEST = Money(100_000_000_00)  # in a month
_LARGEST_CHANGE = 10  # times the year before
_YEARS = range(2000, 2200)
_BY_PRODUCT = "xxx-"
_FUND_KINDS = ("indtægt", "udgift")
_AT_A_TIME = 500

#: What amounts of a copy are rounded to, half up, in øre.
ROUNDINGS: Mapping[str, int] = {"krone": 100, "hundred": 100_00, "thousand": 1_000_00}
ROUNDED: Mapping[str, Text] = {
    "krone": Text("hele kroner", "whole kroner"), "hundred": Text("hele hundrede kroner", "whole hundreds of kroner"),
    "thousand": Text("hele tusinde kroner", "whole thousands of kroner"),
}  # fmt: skip


class BudgetRefused(FieldsRefused):
    """A budget that cannot be; each field that is wrong says why."""


class NoSuchBudget(NotFound):
    """No version of a budget has that number."""


class AlreadyAdopted(Conflict):
    """The version was adopted before."""


class State(StrEnum):
    """How a version stands."""

    DRAFT = "draft"
    PROPOSED = "proposed"
    ADOPTED = "adopted"
    REPLACED = "replaced"


STATES: Mapping[State, Text] = {
    State.DRAFT: Text("Udkast", "Draft"),
    State.PROPOSED: Text("Foreslået", "Proposed"),
    State.ADOPTED: Text("Vedtaget", "Adopted"),
    State.REPLACED: Text("Afløst", "Replaced"),
}


@dataclass(frozen=True, slots=True)
class Line:
    """What an account is given, month by month."""

    account: str
    months: tuple[Money, ...]

    @property
    def whole(self) -> Money:
        """Give the amount of the year."""
        return total(self.months)


@dataclass(frozen=True, slots=True)
class Draft:
    """A version to be."""

    product: str | None
    year: int
    lines: tuple[Line, ...]
    basis: str


@dataclass(frozen=True, slots=True)
class Version:
    """A version as it stands; `proposal` waits for another person, or was approved."""

    id: int
    product: str | None
    year: int
    version: int
    basis: str
    drafted_by: str
    drafted_at: datetime
    state: State
    proposal: int | None
    adopted_on: date | None
    adopted_by: str | None

    @property
    def subject(self) -> str:
        """Give what its proposals are about."""
        return f"{self.product or ASSOCIATION} {self.year} v{self.version}"


@dataclass(frozen=True, slots=True)
class Budget:
    """What adopted versions give a fund in a period, by account; `name` says which versions, such as `2027 v2`."""

    product: str | None
    name: str
    amounts: Mapping[str, Money]


@dataclass(frozen=True, slots=True)
class Difference:
    """What an account is given by one version and by another; None where a version does not have it."""

    account: str
    was: Money | None
    becomes: Money | None

    @property
    def more(self) -> Money:
        """Give how much more the other gives."""
        return (self.becomes or ZERO) - (self.was or ZERO)


@dataclass(frozen=True, slots=True)
class Accounts:
    """The accounts a fund earns and spends on, by number, with their names; costs apart."""

    names: Mapping[str, str]
    costs: frozenset[str]

    def named(self, given: str) -> str | None:
        """Give an account's number for its number or its last five digits."""
        if given in self.names:
            return given
        return next((number for number in self.names if number.rpartition("-")[2] == given), None)


# --- the accounts


def accounts(session: Session) -> dict[str | None, Accounts]:
    """Give the income and cost accounts of every fund, in two queries."""
    rows = session.execute(
        select(ledger.ACCOUNTS.c.number, ledger.ACCOUNTS.c.kind, ledger.ACCOUNTS.c.name_da)
        .where(ledger.ACCOUNTS.c.kind.in_(_FUND_KINDS), ledger.ACCOUNTS.c.scope != "standard")
        .order_by(ledger.ACCOUNTS.c.kind, ledger.ACCOUNTS.c.number)
    ).all()
    own: list[tuple[str, Any]] = [(row.number, row) for row in rows if _BY_PRODUCT not in row.number]
    found: dict[str | None, Accounts] = {None: _accounts(own)}
    for name, account in products.accounts_by_name(session).items():
        found[name] = _accounts(
            [(f"{account or name}-{row.number.rpartition('-')[2]}", row) for row in rows if _BY_PRODUCT in row.number]
        )
    return found


def _accounts(numbered: Sequence[tuple[str, Any]]) -> Accounts:
    return Accounts(
        {number: row.name_da for number, row in numbered},
        frozenset(number for number, row in numbered if row.kind == "udgift"),
    )


# --- making lines


def equal(whole: Money) -> tuple[Money, ...]:
    """Divide a year's amount over its months, the first ones an øre more where it does not come out even."""
    return tuple(money.split(whole, [1] * MONTHS_IN_YEAR))


def scaled(lines: Iterable[Line], by: Fraction, rounding: str) -> tuple[Line, ...]:
    """Give lines times a factor: each year's amount is rounded half up, and divided over its months as it was."""
    return tuple(_scaled(line, by, ROUNDINGS[rounding]) for line in lines)


def _scaled(line: Line, by: Fraction, unit: int) -> Line:
    if not line.whole:
        return line
    whole = Money(money.half_up(line.whole.ore * by / unit) * unit)
    return Line(line.account, tuple(money.split(whole, [month.ore for month in line.months])))


def copied(session: Session, product: str | None, year: int, by: Fraction, rounding: str) -> Draft:
    """Give a draft from what was adopted last for the year before, times a factor (103,5 % is 207/200).

    Raises BudgetRefused where nothing was adopted, or the factor or the rounding cannot be.
    """
    wrong: dict[str, Text] = {}
    if not 0 <= by <= _LARGEST_CHANGE:
        wrong["index"] = Text("indekset skal ligge mellem 0 og 1000", "the index lies between 0 and 1000")
    if rounding not in ROUNDINGS:
        wrong["rounding"] = Text("vælg en afrunding", "choose a rounding")
    before = [each for each in listed(session, product, year - 1) if each.state == State.ADOPTED]
    if not before:
        wrong["year"] = Text(f"der er intet vedtaget budget for {year - 1} at kopiere",
                             f"no adopted budget of {year - 1} to copy")  # fmt: skip
    if wrong:
        raise BudgetRefused(wrong)
    percent = f"{(Decimal(by.numerator) * 100 / by.denominator).normalize():f}".replace(".", ",")
    basis = f"{year - 1} v{before[0].version} × {percent} %, afrundet til {ROUNDED[rounding].da}"
    return Draft(product, year, scaled(lines(session, before[0].id), by, rounding), basis)


# --- questions


def listed(session: Session, product: str | bool | None = True, year: int | None = None) -> list[Version]:
    """Give the versions of all funds or of one, the newest first, in two queries; `True` is all funds."""
    found = (
        select(VERSIONS, ADOPTIONS.c.id.label("adoption"), ADOPTIONS.c.adopted_on, ADOPTIONS.c.proposal_id,
               DECISIONS.c.decided_by)
        .outerjoin(ADOPTIONS, ADOPTIONS.c.version_id == VERSIONS.c.id)
        .outerjoin(DECISIONS, DECISIONS.c.proposal_id == ADOPTIONS.c.proposal_id)
        .order_by(VERSIONS.c.year.desc(), func.coalesce(VERSIONS.c.product, ""), VERSIONS.c.version.desc())
    )  # fmt: skip
    if product is not True:
        found = found.where(VERSIONS.c.product.is_not_distinct_from(product))
    if year is not None:
        found = found.where(VERSIONS.c.year == year)
    waiting = {json.loads(each.content)["version"]: each.id for each in proposals.open(session, KIND)}
    rows, holding = session.execute(found).all(), dict[tuple[str | None, int], int]()
    for row in rows:
        if row.adoption is not None:
            key = (row.product, row.year)
            holding[key] = max(holding.get(key, 0), row.adoption)
    return [_version(row, waiting, holding) for row in rows]


def _version(row: Row[Any], waiting: Mapping[int, int], holding: Mapping[tuple[str | None, int], int]) -> Version:
    proposal = row.proposal_id if row.adoption is not None else waiting.get(row.id)
    if row.adoption is not None:
        is_held = holding[row.product, row.year] == row.adoption
        state = State.ADOPTED if is_held else State.REPLACED
    else:
        state = State.DRAFT if proposal is None else State.PROPOSED
    return Version(
        row.id, row.product, row.year, row.version, row.basis, row.drafted_by, row.drafted_at, state, proposal,
        row.adopted_on, row.decided_by,
    )  # fmt: skip


def get(session: Session, id_: int) -> Version:
    """Give a version as it stands. Raises NoSuchBudget."""
    row = None
    if 0 < id_ < 2**63:
        row = session.execute(select(VERSIONS.c.product, VERSIONS.c.year).where(VERSIONS.c.id == id_)).first()
    if row is None:
        raise NoSuchBudget(Text(f"intet budget har nummer {id_}", f"no budget has the number {id_}"))
    return next(each for each in listed(session, row.product, row.year) if each.id == id_)


def lines(session: Session, id_: int) -> tuple[Line, ...]:
    """Give the lines of a version, by account, in one query."""
    return lines_of(session, [id_]).get(id_, ())


def lines_of(session: Session, ids: Sequence[int]) -> dict[int, tuple[Line, ...]]:
    """Give the lines of versions, a query for every 500 of them."""
    found: dict[int, dict[str, list[Money]]] = defaultdict(lambda: defaultdict(list))
    for at in range(0, len(ids), _AT_A_TIME):
        rows = session.execute(
            select(LINES)
            .where(LINES.c.version_id.in_(ids[at : at + _AT_A_TIME]))
            .order_by(LINES.c.version_id, LINES.c.month)
        )
        for row in rows:
            found[row.version_id][row.account].append(Money(row.amount_ore))
    return {
        id_: tuple(Line(account, tuple(months)) for account, months in sorted(of.items())) for id_, of in found.items()
    }  # fmt: skip


def compare(was: Iterable[Line], becomes: Iterable[Line]) -> list[Difference]:
    """Give what two versions give each account, by account."""
    old, new = ({line.account: line.whole for line in given} for given in (was, becomes))
    return [Difference(account, old.get(account), new.get(account)) for account in sorted(old.keys() | new.keys())]


def adopted(session: Session, product: str | None, period: Period, on: date) -> Budget | None:
    """Give what was adopted for a fund and a period as it held at the end of a day, in one query.

    None where a year that the period touches had no adopted budget then.
    """
    return _held(_adopted(session, [period], product), period, on).get(product)


def for_report(session: Session, product: str | None, period: Period) -> Budget | None:
    """Give what a period's figures are held against: what held on its last day; the first adopted where none did."""
    return _held(_adopted(session, [period], product), period, _last(period), or_first=True).get(product)


def of_all(session: Session, asked: Sequence[Period]) -> list[dict[str | None, Budget]]:
    """Give the same of every fund that has one, for each of some periods, in one query."""
    found = _adopted(session, asked)
    return [_held(found, period, _last(period), or_first=True) for period in asked]


def spending(session: Session, year: int) -> dict[str | None, Money]:
    """Give what adopted budgets let each fund spend in a year, in three queries; funds without one are left out."""
    known = accounts(session)
    return {
        of: total(amount for account, amount in held.amounts.items() if account in known[of].costs)
        for of, held in of_all(session, [periods.year(year)])[0].items()
        if of in known
    }


class Month(NamedTuple):
    """What one month of an adopted version gives an account in a period."""

    product: str | None
    version_id: int
    year: int
    version: int
    account: str
    month: int
    amount: Money


def months_for_report(session: Session, product: str | None, period: Period) -> list[Month]:
    """Give what `for_report` adds up, month by month, in one query."""
    rows = session.execute(
        select(VERSIONS.c.product, VERSIONS.c.id, VERSIONS.c.year, VERSIONS.c.version, LINES.c.account, LINES.c.month,
               LINES.c.amount_ore)
        .join(VERSIONS, VERSIONS.c.id == LINES.c.version_id)
        .join(ADOPTIONS, ADOPTIONS.c.version_id == VERSIONS.c.id)
        .where(ADOPTIONS.c.id.in_(_adoptions(period, product)))
        .order_by(VERSIONS.c.year)
    )  # fmt: skip
    return [Month(*row[:-1], _inside(Money(row.amount_ore), row.year, row.month, period)) for row in rows]


def _adoptions(period: Period, product: str | None) -> Select[Any]:
    """Ask which of a fund's adoptions a report holds its figures against, of each year that a period touches."""
    last = _last(period)
    newest = func.max(case((ADOPTIONS.c.adopted_on <= last, ADOPTIONS.c.id)))
    return (
        select(func.coalesce(newest, func.min(ADOPTIONS.c.id)))
        .join(VERSIONS, VERSIONS.c.id == ADOPTIONS.c.version_id)
        .where(VERSIONS.c.year.between(period.start.year, last.year), VERSIONS.c.product.is_not_distinct_from(product))
        .group_by(VERSIONS.c.year)
    )


@dataclass(slots=True)
class _Adopted:
    """An adopted version, and what it gives accounts from one month to another, counted through the years."""

    on: date
    product: str | None
    year: int
    version: int
    lines: list[tuple[str, int, int, Money]]


def _held(found: Sequence[_Adopted], period: Period, on: date, *, or_first: bool = False) -> dict[str | None, Budget]:
    """Give what the versions that held on a day, or else were adopted first, give funds in a period."""
    years = range(period.start.year, _last(period).year + 1)
    chosen: dict[tuple[int, str | None], _Adopted] = {}
    for each in found:
        place = each.year, each.product
        if each.year in years and (each.on <= on or (or_first and place not in chosen)):
            chosen[place] = each
    amounts: dict[str | None, dict[str, Money]] = defaultdict(dict)
    names: dict[str | None, list[str]] = defaultdict(list)
    begins, ends = _month(period.start), _month(_last(period))
    for year, of in sorted(chosen, key=lambda place: place[0]):
        each = chosen[year, of]
        names[of].append(f"{year} v{each.version}")
        for account, first, end, amount in each.lines:
            if first <= ends and begins < end:
                amounts[of][account] = amounts[of].get(account, ZERO) + _within(amount, first, end, period)
    return {of: Budget(of, ", ".join(names[of]), sums) for of, sums in amounts.items() if len(names[of]) == len(years)}


def _adopted(session: Session, asked: Sequence[Period], product: str | bool | None = True) -> list[_Adopted]:
    """Read what was adopted for the months of some periods, as it was adopted; `product` is True for every fund.

    Months are added up where all of the periods hold them together and whole.
    """
    marks = sorted({mark for period in asked for mark in _marks(period)})
    nth = VERSIONS.c.year * MONTHS_IN_YEAR + LINES.c.month
    at = stretches.of(nth, marks).label("at")
    keys = (ADOPTIONS.c.id, ADOPTIONS.c.adopted_on, VERSIONS.c.product, VERSIONS.c.year, VERSIONS.c.version)
    statement = (
        select(*keys, LINES.c.account, at, func.sum(LINES.c.amount_ore).label("ore"))
        .join(VERSIONS, VERSIONS.c.id == ADOPTIONS.c.version_id)
        .join(LINES, LINES.c.version_id == VERSIONS.c.id)
        .where(nth >= marks[0], nth < marks[-1])
        .group_by(*keys, LINES.c.account, "at")
        .order_by(ADOPTIONS.c.id, LINES.c.account)
    )
    if product is not True:
        statement = statement.where(VERSIONS.c.product.is_not_distinct_from(product))
    found: dict[int, _Adopted] = {}
    for id_, on, of, year, version, account, stretch, ore in session.execute(statement).all():
        if id_ not in found:
            found[id_] = _Adopted(on, of, year, version, [])
        found[id_].lines.append((account, marks[stretch], marks[stretch + 1], Money(int(ore))))
    return list(found.values())


def _last(period: Period) -> date:
    assert period.last_day is not None
    return period.last_day


def _month(day: date) -> int:
    return day.year * MONTHS_IN_YEAR + day.month


def _marks(period: Period) -> Iterator[int]:
    """Give the months at which a period begins and ends, and those around a month that it cuts."""
    last = _last(period)
    yield from (_month(period.start), _month(last) + 1)
    if period.start.day > 1:
        yield _month(period.start) + 1
    if period.end != periods.months(last.year, last.month, 1).end:
        yield _month(last)


def _within(amount: Money, first: int, end: int, period: Period) -> Money:
    """Give the part of what months in a period are given that falls to it: all, or that of a month it cuts."""
    if end - first > 1:
        return amount
    year, month = divmod(first - 1, MONTHS_IN_YEAR)
    return _inside(amount, year, month + 1, period)


def _inside(amount: Money, year: int, month: int, period: Period) -> Money:
    """Give the part of a month's amount that falls to the days of a period; the parts around it make it whole."""
    first, end = date(year, month, 1), periods.months(year, month, 1).end
    assert end is not None
    begins, ends = max(first, period.start), min(end, period.end or end)
    if begins >= ends:
        return ZERO
    days = [(begins - first).days, (ends - begins).days, (end - ends).days]
    return money.split(amount, days)[1]


# --- acts; each needs the writer's lock, and the caller commits


def faults(known: Mapping[str | None, Accounts], draft: Draft) -> dict[str, Text]:
    """Tell what is wrong with a draft, by field; an account's fault stands under its number."""
    wrong: dict[str, Text] = {}
    if draft.product not in known:
        return {"product": Text("produktet findes ikke; skriv navnet, som det står i registret",
                                "there is no such product; write its name as the register has it")}  # fmt: skip
    if draft.year not in _YEARS:
        wrong["year"] = Text("året skal ligge mellem 2000 og 2199", "the year lies between 2000 and 2199")
    if not draft.lines:
        wrong["lines"] = Text("mindst én konto skal have et beløb", "at least one account has an amount")
    if not draft.basis.strip():
        wrong["basis"] = Text("skriv, hvad budgettet bygger på", "write what the budget rests on")
    elif long := wording.fault(draft.basis, wording.LONGEST_TEXT):
        wrong["basis"] = long
    for line in draft.lines:
        if (found := fault(known[draft.product], line)) is not None:
            wrong[line.account] = found
    return wrong


def fault(known: Accounts, line: Line) -> Text | None:
    """Tell what is wrong with a line of a fund that has those accounts."""
    if line.account not in known.names:
        return Text("fonden har ingen konto med det nummer; brug kontoplanens, fx 00005",
                    "the fund has no account of that number; use the chart's, such as 00005")  # fmt: skip
    if len(line.months) != MONTHS_IN_YEAR or any(not ZERO <= month <= _LARGEST for month in line.months):
        return Text("beløb skal være nul eller derover og højst 100 mio. kr. om måneden",
                    "amounts are zero or more, and 100 million a month at most")  # fmt: skip
    return None


def draft(session: Session, wanted: Draft, trail: Trail) -> int:
    """Keep a draft as the next version of its fund's year; give its number. Raises BudgetRefused."""
    if wrong := faults(accounts(session), wanted):
        raise BudgetRefused(wrong)
    return keep(session, [wanted], trail)[0]


def keep(session: Session, wanted: Sequence[Draft], trail: Trail) -> list[int]:
    """Keep drafts that were checked, each of another fund or year; a few statements whatever their number."""
    newest = {
        (row.product, row.year): row.version
        for row in session.execute(
            select(VERSIONS.c.product, VERSIONS.c.year, func.max(VERSIONS.c.version).label("version"))
            .where(VERSIONS.c.year.in_({each.year for each in wanted}))
            .group_by(VERSIONS.c.product, VERSIONS.c.year)
        )
    }
    first, line_id = append_only.next_id(session, VERSIONS), append_only.next_id(session, LINES)
    versions, made = list[dict[str, Any]](), list[dict[str, Any]]()
    for at, each in enumerate(wanted):
        version = {
            "id": first + at, "product": each.product, "year": each.year,
            "version": newest.get((each.product, each.year), 0) + 1, "basis": wording.composed(each.basis).strip(),
            "drafted_by": trail.actor, "drafted_at": trail.at,
        }  # fmt: skip
        own = [
            {"id": 0, "version_id": version["id"], "account": line.account, "month": month, "amount_ore": amount.ore}
            for line in each.lines
            for month, amount in enumerate(line.months, 1)
        ]
        for nth, line in enumerate(own):
            line["id"] = line_id + len(made) + nth
        versions.append(version)
        made += own
        told = {"version": version["version"], "ore": sum(line["amount_ore"] for line in own)}
        subject = f"{each.product or ASSOCIATION} {each.year}"
        trail.record(DRAFTED_ACTION, subject, told, rows=[(VERSIONS, version), *((LINES, line) for line in own)])
    append_only.add(session, VERSIONS, versions)
    append_only.add(session, LINES, made)
    return [version["id"] for version in versions]


def propose(session: Session, id_: int, trail: Trail) -> Proposal:
    """Propose a version for adoption by another person. Raises NoSuchBudget or AlreadyAdopted."""
    version = get(session, id_)
    if version.adopted_on is not None:
        raise AlreadyAdopted(Text(f"{version.subject} er vedtaget før; lav en ny version",
                                  f"{version.subject} was adopted before; make a new version"))  # fmt: skip
    return propose_all(session, [id_], trail)[0]


def propose_all(session: Session, ids: Sequence[int], trail: Trail) -> list[Proposal]:
    """Propose versions that are not adopted; a few statements whatever their number."""
    found = {each.id: each for each in listed(session) if each.id in set(ids)}
    of = lines_of(session, ids)
    wanted = [(found[id_].subject, _content(found[id_], of.get(id_, ()))) for id_ in ids]
    return proposals.propose_newest_all(session, KIND, wanted, trail)


def _content(version: Version, found: Sequence[Line]) -> str:
    said = [[line.account, [month.ore for month in line.months]] for line in found]
    return canonical({
        "version": version.id, "product": version.product, "year": version.year, "number": version.version,
        "amount_ore": total(line.whole for line in found).ore, "lines": sha256(canonical(said)),
    })  # fmt: skip


def adopt(session: Session, proposal: int, trail: Trail, *, on: date) -> Version:
    """Adopt what another person proposed, from a day on. Raises what `proposals.decide` raises, or AlreadyAdopted."""
    found = proposal_of(session, proposal)
    version_id = version_of(found)
    if get(session, version_id).adopted_on is not None and found.decision is None:
        raise AlreadyAdopted(Text("versionen er vedtaget før", "the version was adopted before"))
    proposals.approve(session, proposal, KIND, trail)
    row = {
        "id": append_only.next_id(session, ADOPTIONS), "version_id": version_id, "adopted_on": on,
        "proposal_id": proposal,
    }  # fmt: skip
    append_only.add(session, ADOPTIONS, [row])
    trail.record(ADOPTED_ACTION, found.subject, {"proposal": proposal}, rows=[(ADOPTIONS, row)])
    return get(session, version_id)


def proposal_of(session: Session, id_: int) -> Proposal:
    """Give a proposal of a budget. Raises NoSuchProposal."""
    found = proposals.get(session, id_)
    if found.kind != KIND:
        raise proposals.NoSuchProposal(Text("det er et andet slags forslag", "that is another kind of proposal"))
    return found


def version_of(proposal: Proposal) -> int:
    """Read which version a proposal would adopt."""
    return int(json.loads(proposal.content)["version"])
