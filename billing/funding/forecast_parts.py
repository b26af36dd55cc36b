"""Each figure of a forecast, taken apart: the lines, the agreements or those on the way that it is made of.

What is listed adds up to the figure, to the øre, for both are read from the same. A part has a name that an address can
hold, such as `agreements` or `change:band`; those of a kept forecast are told from what was kept.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from fractions import Fraction
from functools import cached_property
from typing import Any, NamedTuple

import orjson
from sqlalchemy import select
from sqlalchemy.orm import Session

from agreements import products
from agreements.connections import AGREEMENTS
from agreements.products import PRODUCTS
from authorities.register import AUTHORITIES
from billing import explanation
from billing.funding import forecast
from billing.funding.forecast import Basis, Forecast, Kept, Move, NotKept
from billing.funding.pipeline import Case
from billing.funding.prospect import Charged, Line
from billing.gathering import INVOICES, LINES
from fee_tables import calculation
from fee_tables.calculation import Kind, Parts, Reason
from fee_tables.models import AdoptedTable
from fee_tables.size_key import band_title
from foundation import money
from foundation.errors import NotFound
from foundation.language import Text, day, joined, kroner, share, whole_number
from foundation.money import ZERO, Money, total

ADOPTED: Any = AdoptedTable.__table__

_HUNDRED = 100
_ESTIMATE = Text("skøn: det nyeste kendte indbyggertal", "estimate: the newest inhabitants known")


class NoSuchPart(NotFound):
    """The forecast has no part of that name."""


class TableAt(NamedTuple):
    """An adopted fee table, as its address names it."""

    product: str
    valid_from: date


@dataclass(frozen=True, slots=True)
class Row:
    """One thing that a figure of a forecast is made of; `amount` is None where agreements are counted."""

    cvr: str
    name: str
    amount: Money | None = None
    kind: str = ""  # of the line
    band: str = ""  # of the size key
    table: TableAt | None = None
    why: Text | None = None  # made of facts alone: nothing in it was written by hand
    is_estimated: bool = False
    agreement_id: int | None = None
    ends_on: date | None = None  # notice was given to that day
    on: date | None = None
    before: Money | None = None  # of a difference: `amount` is `after` less `before`
    after: Money | None = None
    why_before: Text | None = None
    #: Of who is on the way what would come, and `amount` is what is counted of it; of an invoice's line all that stands
    #: on it without VAT, and `amount` is what of that is the fund's.
    whole: Money | None = None
    percent: int | None = None
    stage: str = ""
    expected_from: date | None = None
    journey: int | None = None  # None where the case is written by hand
    number: str | None = None  # of the invoice


@dataclass(frozen=True, slots=True)
class Part:
    """A figure of a forecast with all that it is made of; `told` is the figure as the forecast writes it."""

    name: str
    title: Text
    told: Text
    rows: tuple[Row, ...]

    @property
    def sum(self) -> Money | None:
        """Give what the rows come to; None where agreements are counted."""
        return None if self.name in COUNTED else total(row.amount or ZERO for row in self.rows)


#: Parts that count agreements.
COUNTED = frozenset({"ended", "standing"})
#: What comes of one reason, from one year to the next, and from a kept forecast to the outcome.
CHANGE, DIFFERENCE = "change", "difference"
OUTCOME = "invoiced"

_TITLES: Mapping[str, Text] = {
    "certain": Text("Hvad aftalerne giver i året", "What the agreements bring in the year"),
    "before": Text("Hvad aftalerne giver i året før", "What the agreements bring in the year before"),
    "ended": Text("Aftaler, der ophørte i de tre år før", "Agreements that ended in the three years before"),
    "standing": Text("Aftaler i kraft 1. januar i de tre år før",
                     "Agreements in force on 1 January of the three years before"),
    OUTCOME: Text("Faktureret af året, kreditnotaer trukket fra", "Invoiced of the year, credit notes taken off"),
}  # fmt: skip


def take_apart(session: Session, product: str, year: int, on: date, name: str) -> Part:
    """Take a figure of today's forecast apart, in a fixed number of queries.

    Raises NoSuchPart, NoSuchProduct, NoSuchYear.
    """
    if name == OUTCOME:  # of years that are past, too
        return _outcome(session, product, year)
    forecast.check(session, product, year, on)
    ground = _Today(session, forecast.basis(session, year, on, product), product)
    found = _found(ground, name)
    if found is None and name in _TODAY:
        found = _TODAY[name](ground)
    if found is None:
        why = _reason(name, CHANGE)
        moved = [each for each in forecast.moves(ground.before, ground.lines) if each.why == why]
        amount = next((each.amount for each in ground.made.changes if each.why == why), ZERO)
        found = forecast.told(why), kroner(amount), map(ground.moved, moved)
    return _part(name, *found)


def take_kept_apart(session: Session, product: str, year: int, number: int, name: str) -> Part:
    """Take a figure of a kept forecast apart, or what tells it from the outcome, in a fixed number of queries.

    Raises NotKept, NoSuchPart.
    """
    kept = next((each for each in forecast.kept(session, product, year) if each.id == number), None)
    if kept is None:
        raise NotKept(Text("der er ikke gemt sådan en prognose", "no such forecast was kept"))
    ground = _Then(session, kept)
    found = _found(ground, name)
    if found is None:
        why = _reason(name, DIFFERENCE)
        invoiced = [_invoiced(row) for row in _invoice_rows(session, product, year)]
        changes = forecast.differences(kept.forecast, [each.line for each in invoiced])
        amount = next((each.amount for each in changes if each.why == why), ZERO)
        found = forecast.told(why), kroner(amount), _differing(ground, why, invoiced)
    return _part(name, *found)


_Found = tuple[Text, Text, Iterable[Row]]


def _part(name: str, title: Text, told: Text, rows: Iterable[Row]) -> Part:
    return Part(name, title, told, tuple(rows))


def _reason(name: str, kind: str) -> str:
    asked, _, why = name.partition(":")
    if asked != kind or not forecast.is_reason(why):
        shown = repr(name[:60])
        raise NoSuchPart(
            Text(f"prognosen har intet tal, der hedder {shown}", f"the forecast has no figure called {shown}")
        )
    return why


# --- what parts are read from


class _Ground(ABC):
    """A forecast, and how its lines are written as rows."""

    made: Forecast

    def __init__(self, session: Session) -> None:
        self.session = session

    @abstractmethod
    def row(self, line: Line) -> Row:
        """Write one of the forecast's lines."""

    @abstractmethod
    def coming(self) -> Iterator[Row]:
        """Write who is on the way."""

    @cached_property
    def tables(self) -> Mapping[str, TableAt]:
        """Give where each adopted table stands, by its digest, in one query."""
        columns = ADOPTED.c.digest, ADOPTED.c.product, ADOPTED.c.valid_from
        rows = self.session.execute(select(*columns).where(ADOPTED.c.kind == "fee_table"))
        return {row.digest: TableAt(row.product, row.valid_from) for row in rows}


class _Today(_Ground):
    """The forecast as it is today: its lines know their agreements and their whole reason."""

    def __init__(self, session: Session, basis: Basis, product: str) -> None:
        super().__init__(session)
        self.basis, self.product = basis, product
        self.made = forecast.computed(basis, product, {})
        charged = (*basis.now.charged(product), *basis.then.charged(product))
        self._charges = {id(each.line): each for each in charged}  # two lines may say the same of two agreements

    @cached_property
    def lines(self) -> list[Line]:
        return self.basis.now.lines(self.product)

    @cached_property
    def before(self) -> list[Line]:
        return self.basis.then.lines(self.product)

    @cached_property
    def ends(self) -> Mapping[int, date | None]:
        """Give the last day of the product's agreements of which notice was given, in one query."""
        rows = self.session.execute(
            select(AGREEMENTS.c.id, AGREEMENTS.c.terminated_to)
            .join(PRODUCTS, PRODUCTS.c.id == AGREEMENTS.c.product_id)
            .where(PRODUCTS.c.name == self.product)
        )
        return {row.id: row.terminated_to for row in rows}

    def row(self, line: Line) -> Row:
        return self._charged(self._charges[id(line)])

    def _charged(self, each: Charged) -> Row:
        row, charge = _of_line(each.line, self.tables), each.charge
        told = _why(charge.kind, charge.reason, charge.parts, is_estimated=each.line.is_estimated)
        ends_on = None if charge.agreement_id is None else self.ends.get(charge.agreement_id)
        return replace(row, why=told, agreement_id=charge.agreement_id, ends_on=ends_on)

    def coming(self) -> Iterator[Row]:
        for case in self.basis.cases.get(self.product, ()):
            yield from self._of_case(case)

    def _of_case(self, case: Case) -> Iterator[Row]:
        """Give what a case would bring line by line; what is counted of it is parted among them."""
        found, _ = self.basis.now.of_joining(forecast.joining(case))
        counted = total(each.line.amount for each in found).scaled(Fraction(case.percent, _HUNDRED))
        parts = money.apportion(counted, [each.line.amount.ore * case.percent for each in found], _HUNDRED)
        about: dict[str, Any] = {
            "percent": case.percent, "stage": case.stage, "expected_from": case.expected_from,
            "journey": case.journey.id if case.journey else None, "agreement_id": None, "ends_on": None,
        }  # fmt: skip
        for each, part in zip(found, parts, strict=True):
            yield replace(self._charged(each), amount=part, whole=each.line.amount, **about)
        if not found:
            yield Row(case.cvr, case.name, ZERO, whole=ZERO, **about)

    def moved(self, move: Move) -> Row:
        """Write what an authority brings otherwise than the year before."""
        return _moved(move, self.row)


class _Then(_Ground):
    """A forecast as it was kept: its lines know their size, table and share."""

    def __init__(self, session: Session, kept: Kept) -> None:
        super().__init__(session)
        self.made = kept.forecast

    def row(self, line: Line) -> Row:
        return _of_line(line, self.tables)

    def coming(self) -> Iterator[Row]:
        for each in self.made.coming:
            yield Row(each.cvr, each.name, each.counted, whole=each.whole, percent=each.percent, stage=each.stage,
                      expected_from=each.expected_from)  # fmt: skip


# --- parts of any forecast


def _found(ground: _Ground, name: str) -> _Found | None:
    """Give what today's forecast and a kept one are taken apart into alike; None for another name."""
    made = ground.made
    if name in ("agreements", "estimated", "joining-fees", "certain"):
        lines = made.of_term(name)
        return _titled(name), kroner(total(line.amount for line in lines)), map(ground.row, lines)
    if name == "notices":
        return _titled(name), kroner(-made.lost), _lost(ground)
    if name == "pipeline":
        counted, whole = kroner(made.expected - made.certain), kroner(made.high - made.certain)
        told = Text(f"{counted.da} ventet, {whole.da} højst", f"{counted.en} expected, {whole.en} at most")
        return _titled(name), told, ground.coming()
    return None


def _titled(name: str) -> Text:
    return _TITLES[name] if name in _TITLES else forecast.term(name)


def _lost(ground: _Ground) -> Iterator[Row]:
    """Give what of each annual fee notices would take where they come as before; together what the term says."""
    made, annual = ground.made, [line for line in ground.made.lines if line.is_annual]
    if not made.lost:
        return
    parts = money.apportion(made.lost, [line.amount.ore * made.ended for line in annual], made.standing)
    part = Text(f"{made.ended}/{made.standing} af vederlaget", f"{made.ended}/{made.standing} of the annual fee")
    for line, taken in zip(annual, parts, strict=True):
        fee = kroner(line.amount)
        yield replace(ground.row(line), amount=-taken, why=Text(f"{part.da} på {fee.da}", f"{part.en} of {fee.en}"))


# --- parts of today's forecast


def _before(ground: _Today) -> _Found:
    return _titled("before"), kroner(ground.made.before), map(ground.row, ground.before)


def _ended(ground: _Today) -> _Found:
    return _titled("ended"), whole_number(ground.made.ended), _notices(ground, of_ended=True)


def _standing(ground: _Today) -> _Found:
    return _titled("standing"), whole_number(ground.made.standing), _notices(ground, of_ended=False)


_TODAY: Mapping[str, Callable[[_Today], _Found]] = {"before": _before, "ended": _ended, "standing": _standing}


def _notices(ground: _Today, *, of_ended: bool) -> Iterator[Row]:
    found = (
        forecast.notices(ground.product)
        .join(AUTHORITIES, AUTHORITIES.c.id == AGREEMENTS.c.authority_id)
        .add_columns(AGREEMENTS.c.id, AUTHORITIES.c.cvr, AUTHORITIES.c.name)
    )
    for row in ground.session.execute(found):
        for year in forecast.standing_in(row, ground.basis.on):
            if not of_ended:
                yield Row(row.cvr, row.name, agreement_id=row.id, on=date(year, 1, 1))
            elif forecast.ended_in(row, year):
                yield Row(row.cvr, row.name, agreement_id=row.id, on=row.terminated_to)


# --- the outcome


class _Invoiced(NamedTuple):
    line: Line
    row: Row


def _outcome(session: Session, product: str, year: int) -> Part:
    if product not in products.ids_by_name(session) or not date.min.year <= year <= date.max.year:
        raise NoSuchPart(Text("der er intet faktureret af det år", "nothing is invoiced of that year"))
    rows = [_invoiced(row).row for row in _invoice_rows(session, product, year)]
    told = kroner(total(line.amount for line in forecast.invoiced(session, product, year)))
    return Part(OUTCOME, _titled(OUTCOME), told, tuple(rows))


def _invoice_rows(session: Session, product: str, year: int) -> Sequence[Any]:
    more = INVOICES.c.number, INVOICES.c.issued_on, LINES.c.agreement_id
    return session.execute(forecast.invoice_lines(product, year).add_columns(*more)).all()


def _invoiced(row: Any) -> _Invoiced:
    line, reason = forecast.of_invoice(row), calculation.reason_from_json(orjson.loads(row.reason))
    parts = Parts(Money(row.product_ore), Money(row.association_ore))
    table = TableAt(reason.table.product, reason.table.valid_from)
    told = _why(Kind(row.kind), reason, parts, is_estimated=False)
    return _Invoiced(line, Row(line.cvr, line.name, line.amount, line.kind, line.band, table, told,
                               agreement_id=row.agreement_id, on=row.issued_on, whole=parts.net,
                               number=row.number))  # fmt: skip


def _differing(ground: _Then, why: str, invoiced: Sequence[_Invoiced]) -> Iterator[Row]:
    """Give whose outcome is another than was forecast, for one reason."""
    expected = {each.cvr: each for each in ground.made.coming}
    if why == "pipeline":
        for cvr, each in expected.items():
            came = total(found.line.amount for found in invoiced if found.line.cvr == cvr)
            if came != each.counted:
                yield Row(cvr, each.name, came - each.counted, before=each.counted, after=came, percent=each.percent,
                          stage=each.stage, expected_from=each.expected_from)  # fmt: skip
        return
    rows = {id(each.line): each.row for each in invoiced}
    lines = [each.line for each in invoiced if each.line.cvr not in expected]
    for move in forecast.moves(ground.made.lines, lines):
        if move.why == why:
            yield _moved(move, lambda line: rows.get(id(line)) or ground.row(line))


# --- rows


def _of_line(line: Line, tables: Mapping[str, TableAt]) -> Row:
    """Write a line by what it says of itself."""
    table = tables.get(line.table)
    return Row(line.cvr, line.name, line.amount, line.kind, line.band, table, _short(line, table), line.is_estimated)


def _moved(move: Move, row: Callable[[Line], Row]) -> Row:
    before, after = [row(line) for line in move.before], [row(line) for line in move.after]
    newest, kinds = (after or before)[-1], {each.kind for each in (*before, *after)}
    return Row(
        newest.cvr, newest.name, move.amount, newest.kind if len(kinds) == 1 else "",
        newest.band, newest.table, _together(after), any(each.is_estimated for each in after), newest.agreement_id,
        next((each.ends_on for each in (*after, *before) if each.ends_on), None),
        before=total(each.amount or ZERO for each in before), after=total(each.amount or ZERO for each in after),
        why_before=_together(before),
    )  # fmt: skip


def _together(rows: Iterable[Row]) -> Text | None:
    told = list(dict.fromkeys(row.why for row in rows if row.why is not None))
    return joined(told, by=". ") if told else None


def _why(kind: Kind, reason: Reason, parts: Parts, *, is_estimated: bool) -> Text:
    """Tell why a line is what it is, without words that people wrote by hand, which may name somebody."""
    told = explanation.why(kind, reason._replace(exemption=None, rebate_reason=None), parts)
    return joined([told, _ESTIMATE], by="; ") if is_estimated else told


def _short(line: Line, table: TableAt | None) -> Text:
    of_year, passive, sharers = line.share.split(" ")
    phrases = [band_title(line.band)] if line.band else []
    if of_year != "-":
        told = share(Fraction(of_year))
        phrases.append(Text(f"{told.da} af året", f"{told.en} of the year"))
    if passive != "-":
        told = share(Fraction(passive))
        phrases.append(Text(f"passiv: {told.da}", f"passive: {told.en}"))
    if sharers != "-":
        phrases.append(Text(f"udgiften delt af {sharers}", f"the cost shared by {sharers}"))
    if table is not None:
        since = day(table.valid_from)
        phrases.append(Text(f"takstblad fra {since.da}", f"fee table from {since.en}"))
    return joined([*phrases, *([_ESTIMATE] if line.is_estimated else [])], by="; ")
