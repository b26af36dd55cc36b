"""This year beside last year: what each authority pays, and why it is another amount.

Last year is what was invoiced for it, this year what is invoiced already and what its plan would invoice; amounts are
without VAT, and what a credit note took back counts for nothing. Every difference is split into named causes that add
up to it (`causes`). Whatever book this year is planned in, last year is the real one.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

from sqlalchemy import select
from sqlalchemy.orm import Session

from authorities.register import AUTHORITIES
from billing import causes, line_keys
from billing.causes import ORDER, Cause, Difference, Line
from billing.charges import Charge, Code, Payer
from billing.gathering import CREDIT_NOTES, CREDITED_LINES, LINES, Book
from billing.plan_snapshot import Snapshot
from fee_tables import calculation, catalogue
from fee_tables.calculation import Kind, Parts
from fee_tables.catalogue import Catalogue
from foundation.money import ZERO, Money, total
from foundation.sorting import alphabetical

#: A line on which such a problem stands is not held back: it is invoiced already.
_NOT_HELD_BACK = (Code.INVOICED_DIFFERS,)

#: Who has a problem, and with which product (None: with its dues).
Troubles = frozenset[tuple[int, str | None]]


@dataclass(frozen=True, slots=True)
class Compared:
    """One authority in both years. The differences add up to `this - last`."""

    authority_id: int
    cvr: str
    name: str
    last: Money
    this: Money
    differences: tuple[Difference, ...]

    @property
    def difference(self) -> Money:
        """How much more it is than last year."""
        return self.this - self.last


@dataclass(frozen=True, slots=True)
class Pair:
    """An amount of last year beside this year's."""

    last: Money = ZERO
    this: Money = ZERO

    @property
    def difference(self) -> Money:
        """How much more it is than last year."""
        return self.this - self.last

    def __add__(self, other: Pair) -> Pair:
        return Pair(self.last + other.last, self.this + other.this)


@dataclass(frozen=True)
class Comparison:
    """Two years side by side: authority by authority, product by product, cause by cause."""

    year: int
    rows: tuple[Compared, ...]
    annual_fees: Mapping[str, Pair]  # the products' part, by product
    joining_fees: Mapping[str, Pair]  # net of rebates and exemptions, by product
    dues: Pair
    contribution: Pair
    causes: Mapping[Cause, Money]
    whole: Pair


# --- reading


_kept: WeakKeyDictionary[Snapshot, Comparison] = WeakKeyDictionary()


def of(session: Session, snapshot: Snapshot) -> Comparison:
    """Give the comparison of a plan that is kept, made once: it rests on what the plan rests on.

    The session must see what the plan was made of.
    """
    if snapshot not in _kept:
        _kept[snapshot] = compare(session, snapshot)
    return _kept[snapshot]


def compare(session: Session, snapshot: Snapshot) -> Comparison:
    """Compare a year with the one before. Costs four queries; writes nothing."""
    year = snapshot.plan.year
    last = _invoiced(session, year - 1, "real")
    this = _invoiced(session, year, snapshot.plan.book) | _planned(snapshot)
    columns = [AUTHORITIES.c[name] for name in ("id", "cvr", "name")]
    named = {row.id: (row.cvr, row.name) for row in session.execute(select(*columns))}
    return between(
        year, (tuple(last.values()), tuple(this.values())), troubles(snapshot), catalogue.read(session), named
    )


def _invoiced(session: Session, year: int, book: Book) -> dict[str, Line]:
    """Read a year's invoiced lines by what they are for: of those that followed each other, the newest."""
    columns = LINES.c
    rows = session.execute(
        select(
            columns.key, columns.kind, columns.product, columns.authority_id, columns.product_ore,
            columns.association_ore, columns.reason, CREDIT_NOTES.c.afterwards,
        )
        .outerjoin(CREDITED_LINES, CREDITED_LINES.c.line_id == columns.id)
        .outerjoin(CREDIT_NOTES, CREDITED_LINES.c.credit_note_id == CREDIT_NOTES.c.id)
        .where(columns.book == book, columns.year == year, columns.id.not_in(select(CREDITED_LINES.c.credit_line_id)))
        .order_by(columns.id)
    )  # fmt: skip
    return {line_keys.base_of(row.key): _read(row) for row in rows}


def _read(row: Any) -> Line:
    kind = Kind(row.kind)
    parts = Parts(Money(row.product_ore), Money(row.association_ore))
    reason = calculation.reason_from_json(json.loads(row.reason))
    is_credited = row.afterwards is not None
    return Line(row.authority_id, _name(kind, row.key), kind, row.product, parts, reason, is_credited)


def _planned(snapshot: Snapshot) -> dict[str, Line]:
    """Give the lines to be, also those that come to nothing and make no invoice."""
    drafts = [row.draft for row in snapshot.rows] + [nothing.draft for nothing in snapshot.plan.nothing]
    return {
        line_keys.base_of(line.charge.key): line_of(draft.payer, line.charge)
        for draft in drafts
        for line in draft.lines
    }


def line_of(payer: Payer, charge: Charge) -> Line:
    """Give a charge as a line of this year."""
    return Line(payer.id, _name(charge.kind, charge.key), charge.kind, charge.product, charge.parts, charge.reason)


def _name(kind: Kind, key: str) -> str:
    """Give what a line is for, whatever its year."""
    base = line_keys.base_of(key)
    return base.rpartition("|")[0] if kind in _YEARLY else base


_YEARLY = (Kind.ANNUAL_FEE, Kind.MEMBERSHIP_DUES)


def troubles(snapshot: Snapshot) -> Troubles:
    """Give whose lines a problem keeps back, and of which product."""
    problems = snapshot.plan.problems
    return frozenset((of.named.id, of.product) for of in problems if of.code not in _NOT_HELD_BACK)


# --- comparing


def between(
    year: int,
    lines: tuple[Sequence[Line], Sequence[Line]],
    held_back: Troubles,
    tables: Catalogue,
    named: Mapping[int, tuple[str, str]],
) -> Comparison:
    """Compare the lines of last year with those of this one. Touches nothing."""
    last, this = lines
    split = _split(_Matched(last, this), held_back, year, tables)
    sums, totals = (_owed(last), _owed(this)), _totals(last, this)
    found = [
        Compared(id_, *named[id_], sums[0][id_], sums[1][id_], _in_order(split.get(id_, [])))
        for id_ in {line.authority for line in (*last, *this)}
    ]
    return Comparison(
        year=year,
        rows=tuple(sorted(found, key=lambda row: (alphabetical(row.name), row.cvr))),
        causes=_by_cause(found),
        whole=Pair(total(sums[0].values()), total(sums[1].values())),
        annual_fees=totals.annual_fees,
        joining_fees=totals.joining_fees,
        dues=totals.dues,
        contribution=totals.contribution,
    )


def _owed(lines: Sequence[Line]) -> dict[int, Money]:
    owed: dict[int, Money] = defaultdict(lambda: ZERO)
    for line in lines:
        owed[line.authority] += line.owed
    return owed


def _in_order(differences: Iterable[Difference]) -> tuple[Difference, ...]:
    return tuple(sorted(differences, key=lambda one: (alphabetical(one.product or ""), ORDER[one.cause])))


def _by_cause(rows: Iterable[Compared]) -> dict[Cause, Money]:
    sums: Counter[Cause] = Counter()
    for row in rows:
        for difference in row.differences:
            sums[difference.cause] += difference.amount.ore
    return {cause: Money(sums[cause]) for cause in Cause if cause in sums}


class _Matched:
    """Which line of this year is which of last year's: by what it is for, else by payer and product."""

    def __init__(self, last: Sequence[Line], this: Sequence[Line]) -> None:
        self.pairs: list[tuple[Line, Line]] = []
        self._last = [line for line in last if line.kind in _YEARLY]
        self._this = [line for line in this if line.kind in _YEARLY]
        self._match(lambda line: (line.authority, line.name))
        self._match(lambda line: line.name)
        self._match(lambda line: (line.authority, line.kind, line.product))
        self.gone = self._last + [line for line in last if line.kind not in _YEARLY]
        self.new = self._this + [line for line in this if line.kind not in _YEARLY]

    def _match(self, name: Callable[[Line], object]) -> None:
        waiting: dict[object, list[Line]] = defaultdict(list)
        for line in reversed(self._last):
            waiting[name(line)].append(line)
        alone = []
        for line in self._this:
            if fellows := waiting[name(line)]:
                self.pairs.append((fellows.pop(), line))
            else:
                alone.append(line)
        taken = {id(last) for last, _ in self.pairs}
        self._last, self._this = [line for line in self._last if id(line) not in taken], alone


def _split(matched: _Matched, held_back: Troubles, year: int, tables: Catalogue) -> dict[int, list[Difference]]:
    """Give the named differences of each authority."""
    found: dict[int, list[Difference]] = defaultdict(list)
    for before, after in matched.pairs:
        if before.authority != after.authority:
            gave, took = causes.taken_over(before)
            found[before.authority] += gave
            found[after.authority] += took
        found[after.authority] += causes.between(before, after, year, tables)
    for line in matched.gone:
        found[line.authority] += causes.vanished(line, is_withheld=(line.authority, line.product) in held_back)
    for line in matched.new:
        found[line.authority] += causes.appeared(line)
    # A line of nothing, as one waived and credited, explains nothing.
    return {authority: [one for one in listed if one.amount] for authority, listed in found.items()}


# --- sums


class _Totals:
    """Sums both years up while their lines are told."""

    def __init__(self) -> None:
        self.annual_fees: defaultdict[str, Pair] = defaultdict(Pair)
        self.joining_fees: defaultdict[str, Pair] = defaultdict(Pair)
        self.dues = self.contribution = Pair()

    def add(self, line: Line, pair: Callable[[Money], Pair]) -> None:
        """Count a line in; `pair` puts an amount into its year."""
        if line.is_credited:
            return
        if line.kind is Kind.MEMBERSHIP_DUES:
            self.dues += pair(line.parts.association)
            return
        fees = self.annual_fees if line.kind is Kind.ANNUAL_FEE else self.joining_fees
        fees[line.product or ""] += pair(line.parts.product)
        self.contribution += pair(line.parts.association)


def _totals(last: Sequence[Line], this: Sequence[Line]) -> _Totals:
    totals = _Totals()
    for line in last:
        totals.add(line, lambda amount: Pair(amount, ZERO))
    for line in this:
        totals.add(line, lambda amount: Pair(ZERO, amount))
    return totals
