"""A decision as facts to read: what it says of every band, share and day, in words; and two decisions side by side."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from fee_tables.size_key import SizeKey, band_title
from fee_tables.table import (
    AnnualFee,
    AssociationTable,
    BandFee,
    DatedFee,
    FeeTable,
    FlatFee,
    Index,
    JoiningFee,
    SharedCost,
    Vat,
)
from fee_tables.text import Decision
from foundation import language
from foundation.language import Text, day, kroner, same, share, whole_number
from foundation.money import ORE_PER_KRONE, Money

_YES_NO = {True: Text("Ja", "Yes"), False: Text("Nej", "No")}
_FIRST_YEARS = {
    "full": Text("Hele året", "The whole year"),
    "months": Text("Påbegyndte måneder", "Started months"),
    "days": Text("Dage", "Days"),
}
_ANNUAL, _JOINING = Text("Årligt vederlag", "Annual fee"), Text("Tilslutningsafgift", "Joining fee")


@dataclass(frozen=True, slots=True)
class Fact:
    """One thing a decision says."""

    key: str
    title: Text
    value: Text


@dataclass(frozen=True, slots=True)
class Pair:
    """The same fact of two decisions; None where one says nothing of it."""

    title: Text
    first: Text | None
    second: Text | None

    @property
    def differs(self) -> Text | None:
        """Say how the second differs from the first; None where it does not."""
        if self.first == self.second:
            return None
        if self.first is None:
            return Text("ny", "new")
        return Text("fjernet", "removed") if self.second is None else Text("ændret", "changed")


def of(decision: Decision) -> list[Fact]:
    """Give what a decision says, in the order to read it."""
    if isinstance(decision, SizeKey):
        return [*_decided(decision), *_bands(decision)]
    if isinstance(decision, AssociationTable):
        return [*_decided(decision.reference), *_association(decision)]
    return [*_decided(decision.reference), *_fee_table(decision)]


def compared(first: Decision, second: Decision) -> list[Pair]:
    """Lay two decisions side by side, fact by fact, in the order of the second and then what only the first has."""
    earlier, later = ({fact.key: fact for fact in of(each)} for each in (first, second))
    keys = [*later, *(key for key in earlier if key not in later)]
    return [
        Pair(
            (later.get(key) or earlier[key]).title,
            earlier[key].value if key in earlier else None,
            later[key].value if key in later else None,
        )
        for key in keys
    ]


def amount_of(fee: AnnualFee | JoiningFee | None) -> Text:
    """Say a fee in short: one amount, or from the least to the most."""
    if fee is None:
        return Text("–", "–")
    if isinstance(fee, FlatFee):
        return _short(fee.amount)
    if isinstance(fee, SharedCost):
        return Text("deles: ", "shared: ") + _short(fee.cost)
    amounts = list(fee.amounts.values()) if isinstance(fee, BandFee) else [amount for _, amount in fee.steps]
    return _short(min(amounts)) + same("–") + _short(max(amounts))


def _short(amount: Money) -> Text:
    """Write an amount without its currency, and without øre where there are none."""
    if amount.ore % ORE_PER_KRONE:
        return Text(language.amount(amount, "da"), language.amount(amount, "en"))
    return whole_number(amount.ore // ORE_PER_KRONE)


def _decided(source: object) -> Iterator[Fact]:
    valid_from, decided_on = source.valid_from, source.decided_on  # type: ignore[attr-defined]
    yield Fact("valid_from", Text("Gælder fra", "Valid from"), day(valid_from))
    yield Fact("decided_on", Text("Besluttet", "Decided on"), day(decided_on))
    yield Fact("decided_by", Text("Besluttet af", "Decided by"), same(source.decided_by))  # type: ignore[attr-defined]
    yield Fact("source", Text("Kilde", "Source"), same(source.source or "–"))  # type: ignore[attr-defined]


def _bands(key: SizeKey) -> Iterator[Fact]:
    for band in key.bands:
        least = whole_number(band.least)
        most = Text(" og op", " and up") if band.most is None else same("–") + whole_number(band.most)
        value = least + most + Text(" indbyggere", " inhabitants")
        yield Fact(f"band {band.name}", band_title(band.name), value)


def _association(table: AssociationTable) -> Iterator[Fact]:
    yield Fact("dues", Text("Kontingent om året", "Dues a year"), kroner(table.dues))
    if table.half_after is not None:
        month, number = table.half_after
        yield Fact("half", Text("Halvt kontingent ved indmeldelse efter", "Half dues when joining after"),
                   Text(f"{number}/{month}", f"{number}/{month}"))  # fmt: skip
    if table.index is not None:
        yield Fact("index", Text("Regulering", "Index"), _index(table.index))
    title = Text("Foreningens bidrag, ", "The association's contribution, ")
    yield Fact("member", title + Text("medlemmer", "members"), share(table.contribution_member))
    yield Fact("non_member", title + Text("andre", "others"), share(table.contribution_non_member))
    yield Fact("vat", Text("Moms af kontingentet", "VAT on the dues"), _vat(table.vat))


def _index(index: Index) -> Text:
    return share(index.new / index.old) + Text(" af beløbet", " of the amount")


def _fee_table(table: FeeTable) -> Iterator[Fact]:
    yield from _fee("annual", _ANNUAL, table.annual_fee)
    yield from _fee("joining", _JOINING, table.joining_fee)
    yield Fact("contribution", Text("Foreningens bidrag lægges til", "The association's contribution is added"),
               _YES_NO[table.contribution])  # fmt: skip
    if table.passive_share is not None:
        yield Fact("passive", Text("Passive betaler", "Passive pay"), share(table.passive_share))
    yield Fact("first_year", Text("Første år", "First year"), _FIRST_YEARS[table.first_year])
    yield Fact("vat", Text("Moms", "VAT"), _vat(table.vat))
    if table.reference.made_up:
        yield Fact("made_up", Text("Opdigtet", "Made up"), _YES_NO[True])


def _fee(key: str, title: Text, fee: AnnualFee | JoiningFee | None) -> Iterator[Fact]:
    if isinstance(fee, FlatFee):
        yield Fact(key, title, kroner(fee.amount))
    elif isinstance(fee, SharedCost):
        yield Fact(f"{key} shared", title + Text(", udgift at dele", ", cost to share"), kroner(fee.cost))
    elif isinstance(fee, BandFee):
        for band, amount in fee.amounts.items():
            yield Fact(f"{key} {band}", title + same(", ") + band_title(band), kroner(amount))
    elif isinstance(fee, DatedFee):
        for until, amount in fee.steps:
            yield Fact(f"{key} {until}", title + same(", ") + step(until), kroner(amount))


def step(until: date | None) -> Text:
    """Say for whom a step of a dated fee counts."""
    if until is None:
        return Text("underskrevet senere", "signed later")
    return Text("underskrevet senest ", "signed by ") + day(until)


def _vat(vat: Vat) -> Text:
    return Text("fritaget: ", "exempt: ") + same(vat.exemption) if vat.exemption else share(vat.rate)
