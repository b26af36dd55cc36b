"""A year of bank statements for issued invoices, with the truth beside them: what each transaction really pays.

for content, truth in bank_statements.generate(invoices, seed=7):
    content                       a week's statement, camt.053
    truth                         a Truth for each of its transactions, known by the bank's reference
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import Literal

from app import bank_demonstration
from app.bank_demonstration import Moved, Owed
from billing import payment_id
from tests import builders

#: How somebody pays. `fik`: by the form; `number`: with the invoice's number in words; `name`: nothing but who it is
#: and the amount; `mistyped`: a form's id with a wrong digit; `merged`: several invoices at once; `renamed`: the payer
#: calls itself otherwise; `partial`, `rest`: in two parts; `excess`: too much; `twin`: once more by mistake, that day;
#: `stranger`: for nothing of ours; `outgoing`: our own payment.
Way = Literal[
    "fik", "number", "name", "mistyped", "merged", "renamed", "partial", "rest", "excess", "twin", "stranger",
    "outgoing",
]  # fmt: skip

_WAYS: Sequence[tuple[Way, int]] = (
    ("fik", 58), ("number", 12), ("name", 6), ("mistyped", 5), ("renamed", 7), ("partial", 5), ("excess", 4),
    ("twin", 3),
)  # fmt: skip
_OPENING = 123_456_789


@dataclass(frozen=True, slots=True)
class Truth:
    """What a transaction really is: `pays` has the øre that each invoice gets of it, none for what pays nothing."""

    bank_reference: str
    on: date
    ore: int
    way: Way
    pays: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Told:
    moved: Moved
    truth: Truth


def generate(invoices: Sequence[Owed], seed: int = 0) -> list[tuple[bytes, list[Truth]]]:
    """Give a statement for every week in which the invoices are paid, each tied to the one before."""
    told = sorted(_Year(random.Random(seed)).told(invoices), key=lambda each: each.moved.on)
    weeks: dict[date, list[_Told]] = defaultdict(list)
    for each in told:
        weeks[each.moved.on - timedelta(days=each.moved.on.weekday())].append(each)
    made, balance = [], _OPENING
    for nth, monday in enumerate(sorted(weeks), start=1):
        moved = [each.moved for each in weeks[monday]]
        content = bank_demonstration.statement(f"uge-{nth}", balance, moved, monday, monday + timedelta(days=6))
        made.append((content, [each.truth for each in weeks[monday]]))
        balance += sum(each.ore for each in moved)
    return made


def municipalities(year: int = builders.YEAR, *, each: int = 2) -> list[Owed]:
    """Give some invoices for each of the 98 municipalities, spread over a year, without a database."""
    names = [row["name"] for row in builders.register_rows("authorities") if row["type"] == "kommune"]
    made = []
    for sequence, name in enumerate(names * each, start=1):
        issued = date(year, 1, 4) + timedelta(days=sequence * 7 % 300)
        made.append(
            Owed(
                f"{year}-{sequence:04d}", payment_id.for_invoice(year, sequence, rehearsal=False),
                1_000_000 + sequence * 137_500, name, issued, issued + timedelta(days=30),
            )
        )  # fmt: skip
    return made


#: The real invoices of a year, as they stand in a database: `issued(session, year)`.
issued = bank_demonstration.owed


class _Year:
    """Draws how each invoice is paid."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance
        self._references = 0
        self._ways: Mapping[Way, Callable[[Owed, Moved], Iterator[_Told]]] = {
            "fik": self._plain, "number": self._plain, "name": self._plain, "mistyped": self._plain,
            "renamed": self._plain, "partial": self._partial, "excess": self._excess, "twin": self._twin,
        }  # fmt: skip

    def told(self, invoices: Sequence[Owed]) -> Iterator[_Told]:
        """Give all that moves: every invoice paid in its way, strangers and our own payments between."""
        by_payer: dict[str, list[Owed]] = defaultdict(list)
        for invoice in invoices:
            by_payer[invoice.payer].append(invoice)
        for owed in by_payer.values():
            if len(owed) > 1 and self._chance.random() < 0.15:
                yield self._merged(owed)
                continue
            for invoice in owed:
                yield from self._paid(invoice)
        days = [invoice.issued_on for invoice in invoices]
        for _ in range(len(invoices) // 12 + 1):
            yield self._stranger(self._chance.choice(days))
            yield self._outgoing(self._chance.choice(days))

    def _paid(self, invoice: Owed) -> Iterator[_Told]:
        ways, weights = zip(*_WAYS, strict=True)
        way: Way = self._chance.choices(ways, weights)[0]
        for told in self._ways[way](invoice, self._by(way, invoice)):
            yield told if told.truth.way in ("rest", "twin") else replace(told, truth=replace(told.truth, way=way))

    def _by(self, way: Way, invoice: Owed) -> Moved:
        """Give a payment of the whole invoice, as somebody who pays in this way writes it."""
        moved = Moved(self._day(invoice.issued_on), invoice.ore, self._reference())
        if way in ("fik", "twin", "partial", "excess"):
            return replace(moved, fik_id=invoice.fik_id)
        if way == "mistyped":
            return replace(moved, message=(f"+71<{self._mistyped(invoice.fik_id)}+80000000<",), payer=invoice.payer)
        if way == "name":
            return replace(moved, message=("Vederlag OS2",), payer=invoice.payer)
        words = self._chance.choice((f"Faktura {invoice.number}", f"Fakt.nr. {invoice.number} OS2", invoice.number))
        return replace(
            moved, message=(words,), payer=self._renamed(invoice.payer) if way == "renamed" else invoice.payer
        )

    def _plain(self, invoice: Owed, moved: Moved) -> Iterator[_Told]:
        yield _told(moved, "fik", {invoice.number: invoice.ore})

    def _partial(self, invoice: Owed, moved: Moved) -> Iterator[_Told]:
        part = invoice.ore * self._chance.randint(30, 70) // 100
        yield _told(replace(moved, ore=part), "partial", {invoice.number: part})
        later = replace(
            moved, on=moved.on + timedelta(days=20), ore=invoice.ore - part, bank_reference=self._reference()
        )
        yield _told(later, "rest", {invoice.number: later.ore})

    def _excess(self, invoice: Owed, moved: Moved) -> Iterator[_Told]:
        more = invoice.ore + self._chance.randint(1, 500) * 100
        yield _told(replace(moved, ore=more), "excess", {invoice.number: invoice.ore})

    def _twin(self, invoice: Owed, moved: Moved) -> Iterator[_Told]:
        yield _told(moved, "fik", {invoice.number: invoice.ore})
        yield _told(replace(moved, bank_reference=self._reference()), "twin", {})

    def _merged(self, owed: Sequence[Owed]) -> _Told:
        on = self._day(max(invoice.issued_on for invoice in owed))
        numbers = tuple(f"Faktura {invoice.number}" for invoice in owed)
        moved = Moved(on, sum(i.ore for i in owed), self._reference(), message=numbers, payer=owed[0].payer)
        return _told(moved, "merged", {invoice.number: invoice.ore for invoice in owed})

    def _stranger(self, near: date) -> _Told:
        ore = self._chance.randint(1_000, 9_000_000)
        words = self._chance.choice(("Kontingent 4711", "Tak for sidst", "Ordre 998877", "Refusion"))
        moved = Moved(self._day(near), ore, self._reference(), message=(words,), payer="Ukendt Indbetaler")
        return _told(moved, "stranger", {})

    def _outgoing(self, near: date) -> _Told:
        ore = -self._chance.randint(100, 400_000)
        return _told(Moved(self._day(near), ore, self._reference(), message=("Gebyr",)), "outgoing", {})

    def _day(self, after: date) -> date:
        on = after + timedelta(days=self._chance.randint(2, 40))
        return on - timedelta(days=max(0, on.weekday() - 4))  # banks book on weekdays

    def _reference(self) -> str:
        self._references += 1
        return f"REF{self._references:06d}"

    def _mistyped(self, fik_id: str) -> str:
        at = self._chance.randrange(len(fik_id))
        other = (int(fik_id[at]) + self._chance.randint(1, 9)) % 10
        return f"{fik_id[:at]}{other}{fik_id[at + 1 :]}"

    def _renamed(self, name: str) -> str:
        town = name.removesuffix(" Kommune")
        return self._chance.choice((name.upper(), f"{town} Kommune, Økonomi", f"Kommunen i {town}", town))


def _told(moved: Moved, way: Way, pays: Mapping[str, int]) -> _Told:
    return _Told(moved, Truth(moved.bank_reference, moved.on, moved.ore, way, pays))
