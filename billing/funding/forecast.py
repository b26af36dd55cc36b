"""What a product's fund is expected to get in a year: a range with its reasons, kept when made, and scored afterwards.

Expected is what the agreements bring by the annual run's own rules, and each case of the pipeline by its probability.
Low is without the pipeline, less what notices take where they come as often as in the three years before; high is with
every case of the pipeline. The reasons of each add up to it, to the øre.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from fractions import Fraction
from typing import Any, NamedTuple

from sqlalchemy import Select, Table, select
from sqlalchemy.orm import Session

from agreements import products
from agreements.connections import AGREEMENTS
from agreements.products import PRODUCTS, NoSuchProduct
from authorities.register import AUTHORITIES
from billing.funding import budgets, pipeline, prospect
from billing.funding.forecast_models import KeptForecast
from billing.funding.pipeline import Case
from billing.funding.prospect import Joining, Line, World
from billing.gathering import INVOICES, LINES
from fee_tables import calculation
from foundation import append_only, wording
from foundation.audit import Trail, canonical, sha256
from foundation.errors import NotFound, Refused
from foundation.language import Text
from foundation.money import ZERO, Money, total

FORECASTS: Table = KeptForecast.__table__  # type: ignore[assignment]

KEPT_ACTION = "forecast.kept"
_HUNDRED = 100
_YEARS_OF_NOTICES = 3
#: So many years from this one can be forecast.
FURTHEST = 5


class NoSuchYear(Refused):
    """A year that is not forecast: it is long past, or too far away."""


class NotKept(NotFound):
    """No forecast with that number was kept."""


@dataclass(frozen=True, slots=True)
class Coming:
    """An authority that may join: what it would bring the fund, and what of that is counted by its probability."""

    cvr: str
    name: str
    stage: str
    percent: int
    expected_from: date
    whole: Money
    counted: Money


@dataclass(frozen=True, slots=True)
class Reason:
    """One term of the range; by its name it is taken apart."""

    name: str
    text: Text
    low: Money
    expected: Money
    high: Money


@dataclass(frozen=True, slots=True)
class Change:
    """What one reason, named `why`, moves a sum by, from one year to the next, or from forecast to outcome."""

    text: Text
    authorities: int
    amount: Money
    why: str = ""  # not known of forecasts that were kept before reasons had names


class Move(NamedTuple):
    """What an authority brings by its annual fee, or by all else, in one year and in another, and why that differs."""

    why: str
    before: tuple[Line, ...]
    after: tuple[Line, ...]

    @property
    def amount(self) -> Money:
        """Give what comes more."""
        return total(line.amount for line in self.after) - total(line.amount for line in self.before)


@dataclass(frozen=True, slots=True)
class Forecast:
    """A year of a product's fund, as seen on a day. `lost` is what notices would take; `costs` are the budget's."""

    product: str
    year: int
    made_on: date
    lines: tuple[Line, ...]
    coming: tuple[Coming, ...]
    ended: int  # agreements that ended in the three years before
    standing: int  # agreements in force on each 1 January of them, together
    lost: Money
    costs: Money | None
    changes: tuple[Change, ...]  # from the year before
    before: Money  # what the agreements bring in the year before
    problems: tuple[Text, ...]

    @property
    def certain(self) -> Money:
        """Give what the agreements bring."""
        return total(line.amount for line in self.lines)

    @property
    def low(self) -> Money:
        """Give what comes at least, where notices come as before and nobody joins."""
        return self.certain - self.lost

    @property
    def expected(self) -> Money:
        """Give what is expected."""
        return self.certain + total(each.counted for each in self.coming)

    @property
    def high(self) -> Money:
        """Give what comes where everybody joins who may."""
        return self.certain + total(each.whole for each in self.coming)

    @property
    def reasons(self) -> tuple[Reason, ...]:
        """Give the terms that low, expected and high are made of."""
        of_lines = [(name, total(line.amount for line in self.of_term(name))) for name in _TERMS]
        coming = total(each.counted for each in self.coming), total(each.whole for each in self.coming)
        terms = [
            *((name, amount, amount, amount) for name, amount in of_lines),
            ("notices", -self.lost, ZERO, ZERO),
            ("pipeline", ZERO, *coming),
        ]
        return tuple(Reason(name, term(name), *amounts) for name, *amounts in terms if any(amounts))

    def of_term(self, name: str) -> tuple[Line, ...]:
        """Give the lines of a term: `agreements`, `estimated` or `joining-fees`; of any other name all of them."""
        wanted = _TERMS.get(name)
        return tuple(line for line in self.lines if wanted is None or (line.is_annual, line.is_estimated) in wanted)

    @property
    def result(self) -> Money | None:
        """Give expected income less budgeted costs; None without a budget."""
        return None if self.costs is None else self.expected - self.costs


#: Which lines a term is made of: whether they come each year, and whether their inhabitants are carried.
_TERMS: Mapping[str, frozenset[tuple[bool, bool]]] = {
    "agreements": frozenset({(True, False)}),
    "estimated": frozenset({(True, True)}),
    "joining-fees": frozenset({(False, False), (False, True)}),
}
_TERMS_TELL: Mapping[str, Text] = {
    "agreements": Text("Vederlag af aftaler i kraft", "Annual fees of agreements in force"),
    "estimated": Text("Vederlag, hvor årets indbyggertal endnu ikke kendes",
                      "Annual fees where the year's inhabitants are not known yet"),
    "joining-fees": Text("Tilslutningsafgifter af aftaler, der er indgået", "Joining fees of agreements made"),
    "notices": Text("Opsigelser, hvis de kommer som i de seneste tre år",
                    "Notices, as often as in the last three years"),
    "pipeline": Text("Myndigheder på vej, efter sandsynlighed", "Authorities on their way, by probability"),
}  # fmt: skip


def term(name: str) -> Text:
    """Say which term of the range a name stands for."""
    return _TERMS_TELL[name]


# --- computing


@dataclass(frozen=True, slots=True)
class Basis:
    """What forecasts of a year are computed from: the year, the one before, who is on the way, who left.

    `notices` counts, by product, the agreements that ended in the three years before, and those in force as each began.
    """

    year: int
    on: date
    now: World
    then: World
    cases: Mapping[str, list[Case]]
    notices: Mapping[str, tuple[int, int]]


def basis(session: Session, year: int, on: date, only: str | None = None) -> Basis:
    """Read what forecasts of a year are computed from, of one product or of all, in a fixed number of queries."""
    cases: dict[str, list[Case]] = defaultdict(list)
    for case in pipeline.expected(session, year, on, only):
        cases[case.product].append(case)
    also = [case.authority_id for found in cases.values() for case in found]
    now, then = prospect.read(session, year, only, also), prospect.read(session, year - 1, only)
    return Basis(year, on, now, then, cases, _notices(session, on, only))


def compute(session: Session, product: str, year: int, on: date, costs: Money | None = None) -> Forecast:
    """Forecast a year of a product's fund, in a fixed number of queries. Raises NoSuchProduct, NoSuchYear."""
    check(session, product, year, on)
    known: Mapping[str | None, Money] = {product: costs} if costs is not None else budgets.spending(session, year)
    return computed(basis(session, year, on, product), product, known)


def compute_all(session: Session, year: int, on: date) -> list[Forecast]:
    """Forecast a year of every product's fund, by name; costs are the budgets'.

    In a fixed number of queries, and O(agreements + what is invoiced of the year, and once only).
    """
    known, found = budgets.spending(session, year), basis(session, year, on)
    return [computed(found, product, known) for product in sorted(products.ids_by_name(session))]


def check(session: Session, product: str, year: int, on: date) -> None:
    """Raise NoSuchProduct or NoSuchYear where there is nothing to forecast."""
    if product not in products.ids_by_name(session):
        shown = wording.quoted(product)
        raise NoSuchProduct(Text(f"{shown} er ikke i registret", f"{shown} is not in the register"))
    check_year(year, on)


def check_year(year: int, on: date) -> None:
    """Raise NoSuchYear where a year is not this one or one of the next five."""
    if not on.year <= year <= on.year + FURTHEST:
        raise NoSuchYear(
            Text(f"der kan laves en prognose for {on.year} til {on.year + FURTHEST}",
                 f"a forecast can be made of {on.year} to {on.year + FURTHEST}")
        )  # fmt: skip


def computed(of: Basis, product: str, costs: Mapping[str | None, Money]) -> Forecast:
    """Forecast a product's fund from what was read; `costs` are the budgets'."""
    (lines, withheld), before = of.now.told(product), of.then.lines(product)
    coming, problems = _coming(of.now, of.cases.get(product, ()))
    ended, standing = of.notices.get(product, (0, 0))
    return Forecast(
        product, of.year, of.on, tuple(lines), coming, ended, standing,
        _lost(lines, ended, standing, is_shared=of.now.is_shared(product)), costs.get(product),
        changes(before, lines), total(line.amount for line in before), (*withheld, *problems),
    )  # fmt: skip


def _coming(world: World, cases: Iterable[Case]) -> tuple[tuple[Coming, ...], list[Text]]:
    coming: list[Coming] = []
    problems: list[Text] = []
    for case in cases:
        found, wrong = world.of_joining(joining(case))
        problems += wrong
        whole = total(each.line.amount for each in found)
        counted = whole.scaled(Fraction(case.percent, _HUNDRED))
        coming.append(Coming(case.cvr, case.name, case.stage, case.percent, case.expected_from, whole, counted))
    return tuple(coming), problems


def joining(case: Case) -> Joining:
    """Give a case as somebody who is thought to join."""
    return Joining(case.authority_id, case.product, case.expected_from)


def _lost(lines: Iterable[Line], ended: int, standing: int, *, is_shared: bool) -> Money:
    """Give what notices would take; where a cost is shared, those who stay pay it."""
    if not ended or is_shared:
        return ZERO
    return total(line.amount for line in lines if line.is_annual).scaled(Fraction(ended, standing))


def _notices(session: Session, on: date, product: str | None) -> dict[str, tuple[int, int]]:
    """Count, for each product, who left in the three years before and who was in force as each began."""
    ended: Counter[str] = Counter()
    standing: Counter[str] = Counter()
    for row in session.execute(notices(product)):
        for year in standing_in(row, on):
            standing[row.product] += 1
            ended[row.product] += ended_in(row, year)
    return {name: (ended[name], standing[name]) for name in standing}


def notices(product: str | None) -> Select[Any]:
    """Select the agreements by which notices are counted, of one product or of all."""
    facts = AGREEMENTS.c
    found = (
        select(PRODUCTS.c.name.label("product"), facts.in_force_from, facts.terminated_to)
        .join(PRODUCTS, PRODUCTS.c.id == facts.product_id)
        .where(facts.countersigned_on.is_not(None), facts.in_force_from.is_not(None))
    )
    return found if product is None else found.where(PRODUCTS.c.name == product)


def standing_in(row: Any, on: date) -> list[int]:
    """Give those of the three years before a day in which an agreement of `notices` was in force on 1 January."""
    years = range(on.year - _YEARS_OF_NOTICES, on.year)
    first, last = row.in_force_from, row.terminated_to or date.max
    return [year for year in years if first <= date(year, 1, 1) <= last]


def ended_in(row: Any, year: int) -> bool:
    """Tell whether an agreement of `notices` ended in a year."""
    return row.terminated_to is not None and row.terminated_to.year == year


# --- reasons of a difference

_TELLS: Mapping[str, Text] = {
    "left": Text("Ophørt", "Ended"),
    "joined": Text("Nye aftaler", "New agreements"),
    "band": Text("Ny størrelse efter indbyggertal", "Another size by inhabitants"),
    "table": Text("Ny takst", "Another fee table"),
    "share": Text("Helt år, passiv eller aktiv, eller flere eller færre om en delt udgift",
                  "A whole year, passive or active, or more or fewer sharing a cost"),
    "several": Text("Både størrelse og takst, eller flere grunde på én gang", "Several of these at once"),
    "once": Text("Tilslutningsafgifter, rabatter og fritagelser", "Joining fees, rebates and exemptions"),
    "other": Text("Andet, fx krediteret eller ændret rabat", "Other, such as credited"),
    "pipeline": Text("Myndigheder, der var på vej", "Authorities that were on their way"),
}  # fmt: skip


def changes(before: Iterable[Line], after: Iterable[Line]) -> tuple[Change, ...]:
    """Tell what moves the sum of some lines to that of others, by reason; they add up to the difference."""
    return _told(moves(before, after))


def told(why: str) -> Text:
    """Say a reason of a difference."""
    return _TELLS[why]


def is_reason(why: str) -> bool:
    """Tell whether a difference can have a reason of that name."""
    return why in _TELLS


def moves(before: Iterable[Line], after: Iterable[Line]) -> list[Move]:
    """Tell whose lines differ, and why: its annual fee by itself, all else together, by CVR number."""
    earlier, later = _by_authority(before), _by_authority(after)
    found: list[Move] = []
    for cvr, annual in sorted({*earlier, *later}):
        first, second = earlier.get((cvr, annual), []), later.get((cvr, annual), [])
        moved = Move(_why(first, second) if annual else "once", tuple(first), tuple(second))
        if moved.amount:
            found.append(moved)
    return found


def _by_authority(lines: Iterable[Line]) -> dict[tuple[str, bool], list[Line]]:
    found: dict[tuple[str, bool], list[Line]] = defaultdict(list)
    for line in lines:
        found[line.cvr, line.is_annual].append(line)
    return found


def _why(first: Sequence[Line], second: Sequence[Line]) -> str:
    if not second:
        return "left"
    if not first:
        return "joined"
    differing = [
        name
        for name in ("band", "table", "share")
        if {getattr(line, name) for line in first} != {getattr(line, name) for line in second}
    ]
    return "other" if not differing else differing[0] if len(differing) == 1 else "several"


def _told(found: Sequence[Move]) -> tuple[Change, ...]:
    by_reason: dict[str, list[Money]] = defaultdict(list)
    for each in found:
        by_reason[each.why].append(each.amount)
    return tuple(_change(why, by_reason[why]) for why in _TELLS if why in by_reason)


def _change(why: str, amounts: Sequence[Money]) -> Change:
    return Change(_TELLS[why], len(amounts), total(amounts), why)


# --- kept forecasts


@dataclass(frozen=True, slots=True)
class Kept:
    """A forecast as it was kept."""

    id: int
    forecast: Forecast
    digest: str
    by: str


@dataclass(frozen=True, slots=True)
class Score:
    """A kept forecast beside what was invoiced of its year; the reasons add up to the difference from expected."""

    kept: Kept
    outcome: Money
    reasons: tuple[Change, ...]

    @property
    def difference(self) -> Money:
        """Give outcome less expected."""
        return self.outcome - self.kept.forecast.expected

    @property
    def is_within(self) -> bool:
        """Tell whether the outcome lies in the range."""
        return self.kept.forecast.low <= self.outcome <= self.kept.forecast.high


def keep(session: Session, made: Forecast, trail: Trail) -> int:
    """Keep a forecast as it stands, and give its number; the same again on the same day is kept once."""
    document = to_json(made)
    digest = sha256(document)
    before = session.execute(select(FORECASTS.c.id).where(FORECASTS.c.digest == digest)).scalar()
    if before is not None:
        return int(before)
    row: dict[str, Any] = {
        "id": append_only.next_id(session, FORECASTS), "product": made.product, "year": made.year,
        "made_on": made.made_on, "document": document, "digest": digest, "kept_by": trail.actor, "kept_at": trail.at,
    }  # fmt: skip
    append_only.add(session, FORECASTS, [row])
    trail.record(KEPT_ACTION, f"{made.product} {made.year}", {"digest": digest}, rows=[(FORECASTS, row)])
    return int(row["id"])


def kept(session: Session, product: str, year: int) -> list[Kept]:
    """Give the forecasts kept of a product's year, the newest first, in one query; none of a year that never is."""
    if not date.min.year <= year <= date.max.year:
        return []
    rows = session.execute(
        select(FORECASTS)
        .where(FORECASTS.c.product == product, FORECASTS.c.year == year)
        .order_by(FORECASTS.c.id.desc())
    )
    return [Kept(row.id, from_json(row.document), row.digest, row.kept_by) for row in rows]


def scores(session: Session, found: Sequence[Kept]) -> list[Score]:
    """Hold forecasts kept of one year against what is invoiced of it, credits taken off, in one query."""
    if not found:
        return []
    lines = invoiced(session, found[0].forecast.product, found[0].forecast.year)
    return [_score(each, lines) for each in found]


def _score(found: Kept, lines: Sequence[Line]) -> Score:
    return Score(found, total(line.amount for line in lines), differences(found.forecast, lines))


def differences(of: Forecast, lines: Sequence[Line]) -> tuple[Change, ...]:
    """Tell what moves a forecast to the lines that came, by reason; who was on the way is held against its step."""
    coming = {each.cvr: each.counted for each in of.coming}
    reasons = _told(moves(of.lines, [line for line in lines if line.cvr not in coming]))
    came = {cvr: total(line.amount for line in lines if line.cvr == cvr) for cvr in coming}
    moved = [came[cvr] - counted for cvr, counted in coming.items() if came[cvr] != counted]
    return (*reasons, _change("pipeline", moved)) if moved else reasons


def invoiced(session: Session, product: str, year: int) -> list[Line]:
    """Give what a fund got of the invoices of a year, line by line; what is taken back stands below zero."""
    return [of_invoice(row) for row in session.execute(invoice_lines(product, year))]


def invoice_lines(product: str, year: int) -> Select[Any]:
    """Select the lines of invoices and credit notes that brought a fund money of a year."""
    return (
        select(AUTHORITIES.c.cvr, AUTHORITIES.c.name, LINES.c.kind, LINES.c.product_ore, LINES.c.association_ore,
               LINES.c.reason)
        .join(INVOICES, INVOICES.c.id == LINES.c.invoice_id)
        .join(AUTHORITIES, AUTHORITIES.c.id == LINES.c.authority_id)
        .where(LINES.c.book == "real", LINES.c.product == product, LINES.c.year == year)
        .order_by(LINES.c.id)
    )  # fmt: skip


def of_invoice(row: Any) -> Line:
    """Read a row of `invoice_lines`."""
    decided_by = prospect.decided_by(calculation.reason_from_json(json.loads(row.reason)))
    amounts = Money(row.product_ore), Money(row.association_ore)
    return Line(row.cvr, row.name, row.kind, *amounts, *decided_by, is_estimated=False)


def to_json(made: Forecast) -> str:
    """Write a forecast as canonical JSON, which its digest is taken of: amounts in øre, days as ISO."""
    return canonical(_plain(asdict(made)))


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return value["ore"] if set(value) == {"ore"} else {name: _plain(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    return value.isoformat() if isinstance(value, date) else value


def from_json(document: str) -> Forecast:
    """Read what `to_json` wrote."""
    said = json.loads(document)
    lines = [{**line, "amount": Money(line["amount"]), "passed_on": Money(line["passed_on"])} for line in said["lines"]]
    coming = [
        {**each, "expected_from": date.fromisoformat(each["expected_from"]), "whole": Money(each["whole"]),
         "counted": Money(each["counted"])}
        for each in said["coming"]
    ]  # fmt: skip
    moved = [
        Change(Text(**each["text"]), each["authorities"], Money(each["amount"]), each.get("why", ""))
        for each in said["changes"]
    ]
    return Forecast(
        said["product"], said["year"], date.fromisoformat(said["made_on"]), tuple(Line(**line) for line in lines),
        tuple(Coming(**each) for each in coming), said["ended"], said["standing"], Money(said["lost"]),
        None if said["costs"] is None else Money(said["costs"]), tuple(moved), Money(said["before"]),
        tuple(Text(**each) for each in said["problems"]),
    )  # fmt: skip
