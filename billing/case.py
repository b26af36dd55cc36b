"""One payer in one year: the ground that all payers share, what is looked up once for this one, what it comes to.

The rules of price (`pricing`, `annual_fees`, `joining_fees`, `dues`) work on a `Case`. Whatever they need more than
once is kept here, so that a year of ten thousand payers costs what its lines cost.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cached_property
from typing import Any

from billing.charges import Billable, Charge, Code, Connection, Member, Payer, Problem
from fee_tables.calculation import Kind, Parts, Reason, Size, parts_of
from fee_tables.catalogue import Catalogue
from fee_tables.size_key import SizeKey
from fee_tables.table import AssociationTable, BandFee, FeeTable
from foundation import periods
from foundation.language import Text, day
from foundation.money import Money


class Withheld(Exception):
    """A line cannot be priced; becomes a problem of the plan, with the sum that is at risk where that is known."""

    def __init__(self, code: Code, message: Text, at_risk: Money | None = None) -> None:
        super().__init__(message.en)
        self.code = code
        self.message = message
        self.at_risk = at_risk


class NothingDue(Exception):
    """No line is due, and the plan says why; becomes a note."""

    def __init__(self, code: Code, message: Text) -> None:
        super().__init__(message.en)
        self.code = code
        self.message = message


@dataclass(frozen=True)
class Ground:
    """What is the same for every payer of a year: the decisions, and who shares a shared cost (in order)."""

    year: int
    catalogue: Catalogue
    sharers: Mapping[str, Sequence[str]]  # CVR numbers of the signing authorities, by product
    # What was looked up already: the same for every payer.
    _annual_tables: dict[str, FeeTable | None] = field(default_factory=dict, init=False, compare=False, repr=False)
    _first_joining_days: dict[str, date | None] = field(default_factory=dict, init=False, compare=False, repr=False)
    _size_keys: dict[int, SizeKey | None] = field(default_factory=dict, init=False, compare=False, repr=False)
    _parts: dict[tuple[Any, ...], Parts] = field(default_factory=dict, init=False, compare=False, repr=False)

    @cached_property
    def key_day(self) -> date:
        """1 January: membership, newest tables and placements are read on it."""
        return periods.new_year(self.year)

    @cached_property
    def last_day(self) -> date:
        """31 December."""
        return date(self.year, 12, 31)

    @cached_property
    def association(self) -> AssociationTable | None:
        """The association's table in force on the key day."""
        return self.catalogue.association_table(self.key_day)

    def annual_table(self, product: str) -> FeeTable | None:
        """Give the table that decides a product's annual fee of the year."""
        if product not in self._annual_tables:
            self._annual_tables[product] = self.catalogue.annual_table(product, self.key_day)
        return self._annual_tables[product]

    def first_joining_day(self, product: str) -> date | None:
        """Give the first day on which a product has a joining fee."""
        if product not in self._first_joining_days:
            self._first_joining_days[product] = self.catalogue.first_day(product, "joining_fee")
        return self._first_joining_days[product]

    def size_key(self, year: int) -> SizeKey | None:
        """Give the size key of an invoicing year."""
        if year not in self._size_keys:
            self._size_keys[year] = self.catalogue.size_key(periods.new_year(year))
        return self._size_keys[year]

    def shared_with(self, product: str, cvr: str) -> Ground:
        """Give the ground on which an authority is among those who share a product's common cost."""
        sharers = sorted({*self.sharers.get(product, ()), cvr})
        return replace(self, sharers={**self.sharers, product: tuple(sharers)})

    def parts(self, kind: Kind, reason: Reason) -> Parts:
        """Compute a line's parts; once for all payers with the same amount and shares."""
        if reason.rebate is not None or reason.regulation is not None:
            return parts_of(kind, reason)
        shares = (reason.contribution_share, reason.passive_share, reason.year_share)
        alike = (kind, reason.base.ore, *[None if share is None else share.as_integer_ratio() for share in shares])
        if alike not in self._parts:
            self._parts[alike] = parts_of(kind, reason)
        return self._parts[alike]


@dataclass
class Priced:
    """What a billable comes to. `withheld` are the keys of lines that a problem keeps back."""

    charges: list[Charge] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    notes: list[Problem] = field(default_factory=list)
    withheld: set[str] = field(default_factory=set)


class Case:
    """One payer's year while it is priced."""

    def __init__(self, ground: Ground, billable: Billable, relevant: Sequence[Connection]) -> None:
        """Begin; `relevant` are the agreements that concern the year."""
        self.ground = ground
        self.billable = billable
        self.relevant = relevant
        self.billed: Sequence[Connection] = ()
        self.priced = Priced()
        self.is_member = is_member(billable.members, ground.key_day)
        self._sizes: dict[tuple[int, int], Size] = {}
        self._by_product: dict[str, list[Connection]] = defaultdict(list)
        for connection in relevant:
            self._by_product[connection.product].append(connection)

    def attempt(
        self, product: str | None, keys: Callable[..., Iterable[str]], step: Callable[..., None], *about: Any
    ) -> bool:
        """Take a step; turn a refusal into a problem that withholds the keys, or a note. Tells whether it was taken."""
        try:
            step(self, *about)
        except Withheld as refusal:
            named = self.billable.named
            self.priced.problems.append(Problem(named, product, refusal.code, refusal.message, refusal.at_risk))
            self.priced.withheld.update(keys(self, *about))
            return False
        except NothingDue as refusal:
            self.priced.notes.append(Problem(self.billable.named, product, refusal.code, refusal.message))
            return False
        return True

    def others(self, connection: Connection) -> list[Connection]:
        """Give the payer's other agreements on the same product that concern the year."""
        alike = self._by_product[connection.product]
        return [] if len(alike) == 1 else [other for other in alike if other.id != connection.id]

    def is_billed(self, connection: Connection) -> bool:
        """Tell whether an agreement is billed in the year."""
        return any(billed.id == connection.id for billed in self.billed)

    def size(self, authority: Payer, year: int) -> Size:
        """Give an authority's size for an invoicing year. Raises Withheld where it is not known."""
        asked = (authority.id, year)
        if asked not in self._sizes:
            self._sizes[asked] = size_of(self.ground, self.billable, authority, year)
        return self._sizes[asked]

    def refuse_ended(self) -> None:
        """Withhold what an ended authority without a successor would pay."""
        if self.billable.payer is None:
            name, year = self.billable.named.name, self.ground.year
            raise Withheld(
                Code.AUTHORITY_ENDED,
                Text(
                    f"{name} er ophørt før {year} og har ingen efterfølger i registret; "
                    "registrér den, eller afslut aftalen",
                    f"{name} ended before {year} and has no successor in the register; "
                    "register it, or end the agreement",
                ),
            )


def is_member(members: Sequence[Member], on: date) -> bool:
    """Tell whether a payer is a member on a day; who joins later in the year is one from the next."""
    return any(on in member.period for member in members)


def association_table(ground: Ground) -> AssociationTable:
    """Give the association's table of the year. Raises Withheld where there is none."""
    if ground.association is None:
        raise Withheld(Code.NO_TABLE, _no_association_table(ground))
    return ground.association


def _no_association_table(ground: Ground) -> Text:
    first = min((t.reference.valid_from for t in ground.catalogue.association), default=None)
    missing = Text(
        f"foreningens tabel (kontingent og bidrag) mangler for {ground.year}",
        f"the association's table (dues and contribution) is missing for {ground.year}",
    )
    if first is None:
        return missing
    return missing + Text(f"; den første gælder fra {day(first).da}", f"; the first is valid from {day(first).en}")


def charge(
    case: Case,
    kind: Kind,
    key: str,
    connection: Connection,
    table: FeeTable,
    reason: Reason,
    *,
    first_day: date | None = None,
    last_day: date | None = None,
) -> None:
    """Add a line of an agreement to what the payer owes."""
    assert connection.details is not None  # an agreement without an endpoint is not billed
    parts = case.ground.parts(kind, reason)
    case.priced.charges.append(
        Charge(
            key, kind, connection.product, connection.id, None, connection.details, table.vat, reason, parts,
            first_day, last_day,
        )
    )  # fmt: skip


# --- size


def size_of(ground: Ground, billable: Billable, authority: Payer, year: int) -> Size:
    """Give an authority's size for an invoicing year: inhabitants on 1 January of the year before, else its newest
    placement on 1 January. Raises Withheld where neither is known.
    """
    key = ground.size_key(year)
    if key is None:
        raise Withheld(Code.NO_SIZE_KEY, _no_size_key(ground.catalogue, year))
    count = billable.counts.get((authority.id, year - 1))
    if count is not None:
        counted_on = periods.new_year(year - 1)
        return Size(key.band_of(count.inhabitants).name, count.inhabitants, counted_on, count.source)
    key_day = periods.new_year(year)
    placements = billable.placements.get(authority.id, ())
    placement = next((p for p in placements if p.valid_from <= key_day), None)
    if placement is not None:
        return Size(placement.band, placement=placement)
    if authority.is_counted:
        raise Withheld(Code.NO_INHABITANTS, _no_inhabitants(authority, periods.new_year(year - 1)))
    raise Withheld(Code.NO_PLACEMENT, _no_placement(authority, key_day))


def of_band(fee: BandFee, size: Size, table: FeeTable) -> Money:
    """Give a table's amount for a size. Raises Withheld where the table does not know the band."""
    if size.band not in fee.amounts:
        product = table.reference.product
        raise Withheld(
            Code.NO_TABLE,
            Text(
                f"takstbladet for {product} har intet beløb for båndet {size.band}",
                f"the fee table of {product} has no amount for the band {size.band}",
            ),
        )
    return fee.amounts[size.band]


def _no_size_key(catalogue: Catalogue, year: int) -> Text:
    first = min((key.valid_from for key in catalogue.size_keys), default=None)
    if first is None:
        return Text("ingen fordelingsnøgle er vedtaget", "no size key is adopted")
    return Text(
        f"ingen fordelingsnøgle gælder for {year}; den første gælder fra {day(first).da}",
        f"no size key is in force for {year}; the first is valid from {day(first).en}",
    )


def _no_inhabitants(authority: Payer, counted_on: date) -> Text:
    on = day(counted_on)
    return Text(
        f"indbyggertallet for {authority.name} {on.da} mangler",
        f"the inhabitants of {authority.name} on {on.en} are missing",
    )


def _no_placement(authority: Payer, key_day: date) -> Text:
    on = day(key_day)
    return Text(
        f"{authority.name} har ingen indbyggere at tælle og ingen indplacering {on.da}",
        f"{authority.name} has no inhabitants to count and no placement on {on.en}",
    )
