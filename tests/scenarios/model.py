"""The rules of the service once more, in plain Python, so that the product can be held against them.

Written from the contract ("Rules of price", "Files") and from docs/reference.md, not from the product: it imports
nothing of it, keeps its facts in dictionaries, and takes every amount as whole øre. Whoever wants to know what the
service does, and cannot wait for its reasons, may read it from top to bottom:

    the world      who is there, what they agreed to, what was decided
    the price      what one payer owes for a year, line by line; or why a line is withheld
    the plan       all payers of a year, what is invoiced already, what is new
    the acts       importing, adopting, approving, issuing: what is refused, and what it leads to
"""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from fractions import Fraction
from typing import Any, TypeVar

Ore = int
Cvr = str
AgreementKey = tuple[Cvr, str, date]  # who signed, which product, when
PAYMENT_DAYS = 30

# --- the world: decisions


@dataclass(frozen=True)
class FeeTable:
    """A product's fee table. An annual fee is flat (øre), by band, or ("shared", øre); a joining fee is flat, by band,
    or dated: (last day of signing or None, øre) in order.
    """

    product: str
    valid_from: date
    annual: Ore | Mapping[str, Ore] | tuple[str, Ore] | None
    joining: Ore | Mapping[str, Ore] | Sequence[tuple[date | None, Ore]] | None
    passive_share: str | None = None
    first_year: str = "full"
    contribution: bool = True
    exempt: bool = False

    @property
    def text(self) -> str:
        """The decision as it is adopted."""
        lines = [
            *_decided("product", self.product, self.valid_from),
            f"contribution = {str(self.contribution).lower()}",
            f'first_year = "{self.first_year}"',
        ]
        if self.annual is not None:
            lines.append(f"annual_fee = {_fee(self.annual)}")
        if self.joining is not None:
            lines.append(f"joining_fee = {_fee(self.joining)}")
        if self.passive_share is not None:
            lines.append(f'passive_share = "{self.passive_share}"')
        return _text([*lines, *_vat(exempt=self.exempt)])


@dataclass(frozen=True)
class Association:
    """The association's table: dues, half of them when joining after (month, day), an index, the contributions."""

    valid_from: date
    dues: Ore
    half_after: tuple[int, int] | None = (7, 1)
    index: tuple[str, str] | None = None  # old, new; rounded to whole kroner
    member: str = "9/100"
    non_member: str = "35/100"
    exempt: bool = False

    @property
    def text(self) -> str:
        """The decision as it is adopted."""
        lines = [*_decided("association", "OS2", self.valid_from), f"dues = {_amount(self.dues)}"]
        if self.half_after is not None:
            lines.append('dues_half_when_joining_after = "{:02}-{:02}"'.format(*self.half_after))
        if self.index is not None:
            lines.append('index = {{ old = "{}", new = "{}" }}'.format(*self.index))
        lines.append(f'contribution = {{ member = "{self.member}", non_member = "{self.non_member}" }}')
        return _text([*lines, *_vat(exempt=self.exempt)])


@dataclass(frozen=True)
class SizeKey:
    """From inhabitants to a band: small below the first limit, medium and large up to and with theirs."""

    valid_from: date
    small_below: int
    medium_up_to: int
    large_up_to: int = 120_000

    @property
    def text(self) -> str:
        """The decision as it is adopted."""
        bands = (
            f'{{ band = "small", below = {self.small_below} }}, '
            f'{{ band = "medium", up_to = {self.medium_up_to} }}, '
            f'{{ band = "large", up_to = {self.large_up_to} }}, {{ band = "very_large" }}'
        )
        return _text([*_decided("size_key", "nøglen", self.valid_from), f"bands = [ {bands} ]"])

    def band(self, inhabitants: int) -> str:
        """Give the band of a number of inhabitants."""
        if inhabitants < self.small_below:
            return "small"
        if inhabitants <= self.medium_up_to:
            return "medium"
        return "large" if inhabitants <= self.large_up_to else "very_large"


Decision = FeeTable | Association | SizeKey
Table = TypeVar("Table", FeeTable, Association, SizeKey)


def _decided(kind: str, name: str, valid_from: date) -> list[str]:
    return [f'{kind} = "{name}"', f"valid_from = {valid_from}", "decided_on = 2024-05-01", 'decided_by = "alle"']


def _amount(ore: Ore) -> str:
    return f'"{ore // 100}.{ore % 100:02}"'


def _fee(fee: Any) -> str:
    if isinstance(fee, int):
        return _amount(fee)
    if isinstance(fee, Mapping):
        return "{ " + ", ".join(f"{band} = {_amount(ore)}" for band, ore in fee.items()) + " }"
    if fee[0] == "shared":
        return f"{{ shared_cost = {_amount(fee[1])} }}"
    steps = [f"{{ {f'until = {until}, ' if until else ''}fee = {_amount(ore)} }}" for until, ore in fee]
    return f"[ {', '.join(steps)} ]"


def _vat(*, exempt: bool) -> list[str]:
    return ['vat = "exempt"', 'vat_exemption = "VATEX-EU-132-1I Fritaget"'] if exempt else ['vat = "25 %"']


def _text(lines: Iterable[str]) -> str:
    return "\n".join(lines) + "\n"


def _table_facts(table: FeeTable | Association) -> dict[str, str]:
    return {
        "product": table.product if isinstance(table, FeeTable) else "OS2",
        "valid_from": str(table.valid_from),
        "decided_on": "2024-05-01",
        "decided_by": "alle",
        "source": "",
        "digest": hashlib.sha256(table.text.encode()).hexdigest(),
    }


# --- the world: who is there, what they agreed to


@dataclass(frozen=True)
class Authority:
    """An authority; `valid_to` is its last day."""

    cvr: Cvr
    type: str
    code: str
    name: str
    valid_to: date | None = None
    successor: Cvr | None = None


@dataclass(frozen=True)
class Member:
    """One membership: the first day outside, and where the dues go (none: with a product)."""

    left_on: date | None = None
    gln: str | None = None


@dataclass(frozen=True)
class Agreement:
    """What was agreed. `active_from` is the day a passive connection became active; `terminated_to` the last day."""

    kind: str  # active or passive, as it began
    countersigned_on: date | None = None
    in_force_from: date | None = None
    terminated_to: date | None = None
    active_from: date | None = None
    gln: str | None = None
    by_cvr: bool = False  # the invoice goes to the CVR number
    rebate: Ore = 0
    exempt: str | None = None
    invoiced_before: date | None = None

    def is_active(self, on: date) -> bool:
        """Tell whether it is active, not passive, on a day."""
        return self.kind == "active" or (self.active_from is not None and self.active_from <= on)

    @property
    def details(self) -> tuple[str, str] | None:
        """Where its invoices go: endpoint and GLN; None where nothing is known."""
        if self.by_cvr:
            return ("cvr", self.gln or "")
        return ("gln", self.gln) if self.gln else None

    def meets(self, other: Agreement) -> bool:
        """Tell whether some day lies in both."""
        if self.in_force_from is None or other.in_force_from is None:
            return False
        ends_before = self.terminated_to is not None and self.terminated_to < other.in_force_from
        begins_after = other.terminated_to is not None and other.terminated_to < self.in_force_from
        return not ends_before and not begins_after


@dataclass(frozen=True)
class Line:
    """A line of an invoice: what it is for (`key`), whose the money is, and why."""

    key: str
    kind: str
    product: str | None
    product_ore: Ore
    association_ore: Ore
    reason: str  # its facts as sorted text
    exempt: bool
    source: AgreementKey | Cvr  # the agreement, or who owes the dues
    details: tuple[str, str]
    first_day: date | None = None
    vat_ore: Ore = 0
    is_taxed: bool = False

    @property
    def net(self) -> Ore:
        """The price without VAT."""
        return self.product_ore + self.association_ore


@dataclass(frozen=True)
class Invoice:
    """All new lines of one payer that go to one place."""

    payer: Cvr
    details: tuple[str, str]
    lines: tuple[Line, ...]

    @property
    def net(self) -> Ore:
        """The sum without VAT."""
        return sum(line.net for line in self.lines)

    @property
    def gross(self) -> Ore:
        """What is to be paid."""
        return self.net + sum(line.vat_ore for line in self.lines)


@dataclass(frozen=True)
class Issued:
    """An invoice with its number."""

    book: str
    year: int
    sequence: int
    on: date
    invoice: Invoice

    @property
    def number(self) -> str:
        """The number as printed."""
        return f"{'R-' if self.book == 'rehearsal' else ''}{self.year}-{self.sequence:04}"


@dataclass(frozen=True)
class Credit:
    """A credit note with its number: lines of an invoice that are taken back, by their places."""

    sequence: int
    on: date
    of: Issued
    places: tuple[int, ...]
    then_reissue: bool

    @property
    def series(self) -> tuple[str, int]:
        """The book and the year of its invoice."""
        return (self.of.book, self.of.year)

    @property
    def number(self) -> str:
        """The number as printed."""
        return f"{'R-' if self.of.book == 'rehearsal' else ''}K-{self.of.year}-{self.sequence:04}"

    @property
    def lines(self) -> list[Line]:
        """What is taken back."""
        return [self.of.invoice.lines[place] for place in self.places]


@dataclass
class Plan:
    """What would be invoiced; problems and notes are counted by (CVR number, product, code)."""

    invoices: list[Invoice] = field(default_factory=list)
    unchanged: int = 0
    problems: Counter[tuple[Cvr, str | None, str]] = field(default_factory=Counter)
    notes: Counter[tuple[Cvr, str | None, str]] = field(default_factory=Counter)
    nothing: Counter[Cvr] = field(default_factory=Counter)


class Withheld(Exception):
    """A problem keeps a line back."""


class NotDue(Exception):
    """No line is due, and a note says so."""


# --- rounding


def rounded(exact: Fraction) -> Ore:
    """Round half up to the øre; a negative amount as its opposite, so that they sum to zero."""
    return int(exact + Fraction(1, 2)) if exact >= 0 else -int(-exact + Fraction(1, 2))


def with_vat(lines: Sequence[Line], *, registered: bool) -> tuple[Line, ...]:
    """Take the VAT of the sum of each rate, rounded once; split it to the lines by largest remainder."""
    given = dict.fromkeys(range(len(lines)), 0)
    taxed = [at for at, line in enumerate(lines) if registered and not line.exempt]
    exact = {at: Fraction(lines[at].net, 4) for at in taxed}
    down = {at: share.numerator // share.denominator for at, share in exact.items()}
    missing = rounded(sum(exact.values(), Fraction(0))) - sum(down.values())
    for nth, at in enumerate(sorted(taxed, key=lambda at: (down[at] - exact[at], at))):
        given[at] = down[at] + (nth < missing)
    return tuple(replace(line, vat_ore=given[at], is_taxed=at in taxed) for at, line in enumerate(lines))


def has_lost_its_vat(lines: Iterable[Line]) -> bool:
    """Tell whether a few øre stand without the VAT that their sum would have: it was rounded on to other lines."""
    taxed = [line for line in lines if line.is_taxed]
    return not sum(line.vat_ore for line in taxed) and rounded(Fraction(sum(line.net for line in taxed), 4)) > 0


def facts(reason: Mapping[str, Any]) -> str:
    """Write a reason's facts in one order; what does not apply is left out."""
    return repr(_sorted({name: value for name, value in reason.items() if value is not None}))


def _sorted(value: Any) -> Any:
    return [(name, _sorted(of)) for name, of in sorted(value.items())] if isinstance(value, Mapping) else value


# --- the world, and everything that is asked of it

_ORDER = ("annual_fee", "joining_fee", "rebate", "exemption", "membership_dues")


@dataclass
class World:
    """All facts, all decisions, everything approved and issued."""

    authorities: dict[Cvr, Authority] = field(default_factory=dict)
    accounts: dict[str, str | None] = field(default_factory=dict)  # by product
    inhabitants: dict[tuple[Cvr, int], int] = field(default_factory=dict)
    placements: dict[tuple[Cvr, date], str] = field(default_factory=dict)
    members: dict[tuple[Cvr, date], Member] = field(default_factory=dict)
    agreements: dict[AgreementKey, Agreement] = field(default_factory=dict)
    fee_tables: dict[tuple[str, date], FeeTable] = field(default_factory=dict)
    associations: dict[date, Association] = field(default_factory=dict)
    size_keys: dict[date, SizeKey] = field(default_factory=dict)
    vat_registered: bool = True
    seller: int = 0  # counts up where the settings change
    approved: dict[tuple[int, str], tuple[int, list[Invoice]]] = field(default_factory=dict)
    issued: list[Issued] = field(default_factory=list)
    credits: list[Credit] = field(default_factory=list)

    # --- what is in force on a day

    def annual_table(self, product: str, on: date) -> FeeTable | None:
        """Give the newest table with an annual fee, valid on or before a day."""
        return _newest(t for (of, day), t in self.fee_tables.items() if of == product and day <= on and t.annual)

    def joining_table(self, product: str, on: date) -> FeeTable | None:
        """Give the newest table with a joining fee, valid on or before a day."""
        return _newest(t for (of, day), t in self.fee_tables.items() if of == product and day <= on and t.joining)

    def association(self, on: date) -> Association:
        """Give the association's table. Raises Withheld where there is none."""
        table = _newest(table for day, table in self.associations.items() if day <= on)
        if table is None:
            raise Withheld("no_table")
        return table

    def is_member(self, of: Iterable[Cvr], on: date) -> bool:
        """Tell whether an authority, or one it stands for, is a member on a day."""
        return any(
            cvr in of and joined <= on and (member.left_on is None or on < member.left_on)
            for (cvr, joined), member in self.members.items()
        )

    def size(self, cvr: Cvr, year: int) -> dict[str, Any]:
        """Give a year's band and its grounds: inhabitants on 1 January of the year before, else the newest placement
        on 1 January. Raises Withheld.
        """
        key = _newest(key for day, key in self.size_keys.items() if day <= date(year, 1, 1))
        if key is None:
            raise Withheld("no_size_key")
        count = self.inhabitants.get((cvr, year - 1))
        if count is not None:
            counted = {"inhabitants_on": f"{year - 1}-01-01", "inhabitants_source": "opdigtet"}
            return {"band": key.band(count), "inhabitants": count, **counted}
        placed = max((day for of, day in self.placements if of == cvr and day <= date(year, 1, 1)), default=None)
        if placed is None:
            raise Withheld("no_inhabitants" if self.authorities[cvr].type == "kommune" else "no_placement")
        band = self.placements[cvr, placed]
        by = {"decided_by": "sekretariatet", "reason": "skøn"}
        return {"band": band, "placement": {"band": band, "valid_from": str(placed), **by}}

    def payer(self, cvr: Cvr, on: date) -> Cvr | None:
        """Give who pays on a day: the authority, or who followed it; None where nobody did."""
        authority = self.authorities[cvr]
        if authority.valid_to is None or authority.valid_to >= on:
            return cvr
        return None if authority.successor is None else self.payer(authority.successor, on)

    def payers(self, year: int) -> dict[tuple[bool, Cvr], list[Cvr]]:
        """Give everyone who may be invoiced (or, with False, has ended without successor), each with those whose
        agreements and memberships count, in the order of the invoices: type, code, CVR number.
        """
        groups: dict[tuple[bool, Cvr], list[Cvr]] = defaultdict(list)
        for authority in sorted(self.authorities.values(), key=lambda a: (a.type, a.code, a.cvr)):
            payer = self.payer(authority.cvr, date(year, 1, 1))
            groups[payer is not None, payer or authority.cvr].append(authority.cvr)
        return groups

    # --- which agreements are billed

    def concerns(self, key: AgreementKey, year: int) -> bool:
        """Tell whether an agreement is signed, and may be in force on a day of the year."""
        agreement = self.agreements[key]
        return (
            key[2] <= date(year, 12, 31)
            and (agreement.in_force_from is None or agreement.in_force_from <= date(year, 12, 31))
            and (agreement.terminated_to is None or agreement.terminated_to >= date(year, 1, 1))
        )

    def is_billed(self, key: AgreementKey, year: int) -> bool:
        """Tell whether an agreement that concerns the year is countersigned in it, and has a first day."""
        agreement = self.agreements[key]
        countersigned = agreement.countersigned_on
        is_countersigned = countersigned is not None and countersigned <= date(year, 12, 31)
        return is_countersigned and agreement.in_force_from is not None

    def refuse_withheld(self, key: AgreementKey, year: int, others: Sequence[AgreementKey], invoiced: set[str]) -> None:
        """Raise what keeps all of an agreement's lines back; of several reasons the first in this order is told."""
        agreement = self.agreements[key]
        if agreement.countersigned_on is None or agreement.countersigned_on > date(year, 12, 31):
            raise Withheld("not_countersigned")
        if agreement.in_force_from is None:
            raise NotDue("no_force_day")
        twins = [o for o in others if o != key and o[1] == key[1] and self.is_billed(o, year)]
        if annual_key(key, year) not in invoiced and any(agreement.meets(self.agreements[o]) for o in twins):
            raise Withheld("duplicate_agreement")
        if agreement.details is None:
            raise Withheld("no_endpoint")

    # --- the price

    def annual_line(self, key: AgreementKey, year: int, payer: Cvr, of: Sequence[Cvr]) -> Line:
        """Price a year of an agreement: base x first year's share x passive share, and the contribution on top."""
        agreement, new_year = self.agreements[key], date(year, 1, 1)
        table = self.annual_table(key[1], new_year)
        if table is None:
            raise Withheld("no_table")
        is_active = agreement.is_active(new_year)
        if not is_active and table.passive_share is None:
            raise Withheld("no_passive_share")
        base, why = self.annual_base(table, key, year, payer, is_active=is_active)
        is_member = self.is_member(of, new_year)
        association = self.association(new_year) if table.contribution else None
        contribution = None if association is None else _share(association, is_member=is_member)
        in_year = first_year_share(table, agreement, year)
        passive = None if is_active else Fraction(table.passive_share or 0)
        product = rounded(base * (in_year or Fraction(1)) * (Fraction(1) if passive is None else passive))
        why |= {
            "table": _table_facts(table), "base_ore": base, "member": is_member,
            "contribution_share": _written(contribution), "year_share": _written(in_year),
            "passive_share": _written(passive),
            "in_force_from": None if in_year is None else str(agreement.in_force_from),
        }  # fmt: skip
        first_day = max(new_year, agreement.in_force_from or new_year)
        return self.line("annual_fee", annual_key(key, year), key, table, product, why, first_day, contribution)

    def annual_base(
        self, table: FeeTable, key: AgreementKey, year: int, payer: Cvr, *, is_active: bool
    ) -> tuple[Ore, dict[str, Any]]:
        """Give the table's amount before any share: flat, by the payer's band, or a part of a shared cost."""
        fee = table.annual
        if isinstance(fee, int):
            return fee, {}
        if isinstance(fee, Mapping):
            size = self.size(payer, year)
            return fee[size["band"]], size
        assert isinstance(fee, tuple)
        cost, sharers = fee[1], self.sharers(key[1], year)
        if not sharers:
            raise Withheld("no_table")
        if is_active and key[0] not in sharers:
            raise NotDue("shares_from_next_year")
        number = sharers.index(key[0]) + 1 if is_active else len(sharers)
        part = cost // len(sharers) + (number <= cost % len(sharers))
        return part, {"shared_cost": {"cost_ore": cost, "sharers": len(sharers), "number": number}}

    def sharers(self, product: str, year: int) -> list[Cvr]:
        """Give who shares a cost: signers with an active agreement in force on 1 January, each once, by CVR number."""
        new_year = date(year, 1, 1)
        return sorted({
            key[0]
            for key, agreement in self.agreements.items()
            if key[1] == product and self.concerns(key, year) and self.is_billed(key, year)
            and agreement.in_force_from is not None and agreement.in_force_from <= new_year
            and agreement.is_active(new_year)
        })  # fmt: skip

    def joining_lines(self, key: AgreementKey, year: int) -> list[Line]:
        """Price the joining fee: the table of the signing day, the signer's size that year; then what relieves it."""
        agreement, signed_on = self.agreements[key], key[2]
        table = self.joining_table(key[1], signed_on)
        if table is None:
            if any(of == key[1] and t.joining for (of, _), t in self.fee_tables.items()):
                raise NotDue("no_joining_fee")
            return []
        fee = table.joining
        why: dict[str, Any] = {"table": _table_facts(table), "signed_on": str(signed_on)}
        if isinstance(fee, Mapping):
            size = self.size(key[0], signed_on.year)
            base, why = fee[size["band"]], why | size
        elif isinstance(fee, int):
            base = fee
        else:
            assert fee is not None
            base = next(ore for until, ore in fee if until is None or signed_on <= until)
        why["base_ore"] = base
        lines = [self.line("joining_fee", joining_key("joining_fee", key), key, table, base, why)]
        if agreement.exempt is not None:
            waived = why | {"exemption": agreement.exempt}
            lines.append(self.line("exemption", joining_key("exemption", key), key, table, -base, waived))
        elif agreement.rebate:
            granted = why | {"rebate_ore": agreement.rebate, "rebate_reason": "medfinansiering"}
            less = -min(agreement.rebate, base)
            lines.append(self.line("rebate", joining_key("rebate", key), key, table, less, granted))
        return lines

    def line(
        self, kind: str, line_key: str, key: AgreementKey, table: FeeTable, product_ore: Ore, why: Mapping[str, Any],
        first_day: date | None = None, contribution: Fraction | None = None,
    ) -> Line:  # fmt: skip
        """Give a line of an agreement; the contribution is taken of the rounded product part."""
        details = self.agreements[key].details
        assert details is not None
        association_ore = rounded(product_ore * (contribution or Fraction(0)))
        return Line(
            line_key, kind, key[1], product_ore, association_ore, facts(why), table.exempt, key, details, first_day
        )

    def dues_line(self, year: int, payer: Cvr, of: Sequence[Cvr], relevant: Sequence[AgreementKey]) -> Line | None:
        """Price the dues: members on 1 January, and who joins in the year (half after the day named); no refund."""
        new_year = date(year, 1, 1)
        owing = sorted(
            (joined, cvr)
            for (cvr, joined), member in self.members.items()
            if cvr in of and (joined.year == year or joined <= new_year < (member.left_on or date.max))
        )
        if not owing:
            return None
        if self.payer(payer, new_year) is None:
            raise Withheld("authority_ended")
        joined_on, cvr = owing[0]
        table = self.association(new_year)
        half = joined_on.year == year and table.half_after and (joined_on.month, joined_on.day) > table.half_after
        full, index = table.dues, None
        if table.index is not None:
            old, new = table.index
            full = rounded(Fraction(table.dues, 100) * Fraction(new) / Fraction(old)) * 100
            index = {"old": old.rstrip("0").rstrip("."), "new": new.rstrip("0").rstrip("."), "round_to_ore": 100}
        why = {
            "table": _table_facts(table), "base_ore": table.dues, "member": True, "year_share": "1/2" if half else None,
            "index": index, "joined_on": str(joined_on),
        }  # fmt: skip
        amount = rounded(Fraction(full, 2)) if half else full
        details = self.dues_receiver((cvr, joined_on), relevant)
        return Line(
            f"membership_dues|{payer}|{year}", "membership_dues", None, 0, amount, facts(why), table.exempt, cvr,
            details, max(new_year, joined_on),
        )  # fmt: skip

    def dues_receiver(self, member: tuple[Cvr, date], relevant: Sequence[AgreementKey]) -> tuple[str, str]:
        """Give where dues go: their own GLN, else with the alphabetically first product that goes anywhere."""
        own = self.members[member].gln
        if own is not None:
            return ("gln", own)
        reachable = [(key[1], *_named(key), self.agreements[key].details) for key in relevant]
        found = min((r for r in reachable if r[-1] is not None), default=None)
        if found is None:
            raise Withheld("no_dues_receiver")
        details: tuple[str, str] = found[-1]  # type: ignore[assignment]
        return details

    # --- the plan

    def plan(self, year: int, book: str = "real") -> Plan:
        """Plan a year: price every payer, leave out what is invoiced, and make invoices of the rest."""
        plan = Plan()
        for (is_paid, payer), of in self.payers(year).items():
            self.plan_payer(plan, year, book, payer, of, is_paid=is_paid)
        for product, account in self.accounts.items():
            charged = [i.payer for i in plan.invoices if any(line.product == product for line in i.lines)]
            if account is None and charged:
                plan.notes[charged[0], product, "no_account"] += 1
        return plan

    def plan_payer(self, plan: Plan, year: int, book: str, payer: Cvr, of: Sequence[Cvr], *, is_paid: bool) -> None:
        """Plan one payer; each problem withholds its own line only."""
        invoiced = self.invoiced(year, book, payer, of)
        due, withheld = self.price(plan, year, payer, of, invoiced, is_paid=is_paid)
        for line in due:
            before = invoiced.get(line.key)
            if before is not None:
                plan.unchanged += 1
                same = (before[1].product_ore, before[1].association_ore) == (line.product_ore, line.association_ore)
                plan.problems[payer, line.product, "invoiced_differs"] += 0 if same else 1
        kept = {line.key for line in due} | withheld
        for of_year, line in invoiced.values():
            if of_year == year and line.key not in kept | self.given_back(book):
                plan.problems[payer, line.product, "invoiced_differs"] += 1
        back = self.given_back(book)
        paid = {line.product for _, line in invoiced.values() if line.kind == "annual_fee" and line.key not in back}
        new = []
        for line in due:
            if line.key in invoiced:
                continue
            if line.kind == "annual_fee" and line.product in paid:
                plan.problems[payer, line.product, "duplicate_agreement"] += 1
                continue
            new.append(line)
        self.make_invoices(plan, payer, new)

    def price(
        self, plan: Plan, year: int, payer: Cvr, of: Sequence[Cvr], invoiced: Mapping[str, tuple[int, Line]], *,
        is_paid: bool,
    ) -> tuple[list[Line], set[str]]:  # fmt: skip
        """Give all lines due for a year, and the keys of those that a problem keeps back."""
        due: list[Line] = []
        withheld: set[str] = set()
        relevant = [key for key in self.agreements if key[0] in of and self.concerns(key, year)]
        billed = []
        for key in relevant:
            with _Told(plan, payer, key[1]) as told:
                if not is_paid:
                    raise Withheld("authority_ended")
                self.refuse_withheld(key, year, relevant, set(invoiced))
                billed.append(key)
            if told.withheld:
                withheld |= {annual_key(key, year), *(joining_key(kind, key) for kind in _ORDER[1:4])}
        for key in billed:
            with _Told(plan, payer, key[1]) as told:
                self.refuse_covered(key, year, billed, set(invoiced))
                due.append(self.annual_line(key, year, payer, of))
            withheld |= {annual_key(key, year)} if told.withheld else set()
            if self.is_joining_due(key, year, invoiced):
                with _Told(plan, payer, key[1]) as told:
                    lines = self.joining_lines(key, year)
                    due += self.without_late_relief(plan, payer, key, lines, invoiced)
                withheld |= {joining_key(kind, key) for kind in _ORDER[1:4]} if told.withheld else set()
        with _Told(plan, payer, None) as told:
            dues = self.dues_line(year, payer, of, relevant)
            due += [dues] if dues else []
        withheld |= {f"membership_dues|{payer}|{year}"} if told.withheld else set()
        return due, withheld

    def refuse_covered(self, key: AgreementKey, year: int, billed: Sequence[AgreementKey], invoiced: set[str]) -> None:
        """Where one agreement follows another on the product within the year, the first of them pays for it."""
        first = self.agreements[key].in_force_from or date.max
        before = [o for o in billed if o[1] == key[1] and (self.agreements[o].in_force_from or date.max) < first]
        if before and annual_key(key, year) not in invoiced:
            raise NotDue("covered_by_earlier")

    def is_joining_due(self, key: AgreementKey, year: int, invoiced: Mapping[str, tuple[int, Line]]) -> bool:
        """Once in an agreement's life, when it is active, unless it was invoiced before this service."""
        agreement = self.agreements[key]
        last_day = min(date(year, 12, 31), agreement.terminated_to or date.max)
        before = invoiced.get(joining_key("joining_fee", key))
        is_free = before is None or before[0] == year
        return agreement.is_active(last_day) and agreement.invoiced_before is None and is_free

    def without_late_relief(
        self, plan: Plan, payer: Cvr, key: AgreementKey, lines: Sequence[Line], invoiced: Mapping[str, tuple[int, Line]]
    ) -> list[Line]:
        """Keep back what relieves a joining fee that is invoiced without it: no invoice may lie below zero."""
        late = [line for line in lines[1:] if lines[0].key in invoiced and line.key not in invoiced]
        plan.problems[payer, key[1], "invoiced_differs"] += len(late)
        return [line for line in lines if line not in late]

    def invoiced(self, year: int, book: str, payer: Cvr, of: Sequence[Cvr]) -> dict[str, tuple[int, Line]]:
        """Give the lines a payer has already, by key: those of the year, and those that come once in a life."""
        return {
            line.key: (issued.year, line)
            for issued in self.issued
            if issued.book == book
            for place, line in enumerate(issued.invoice.lines)
            if self.taken_back(issued, place) is not True
            if (issued.year == year or line.kind in _ORDER[1:4])
            and ({payer, *of} & {issued.invoice.payer, line.source if isinstance(line.source, str) else line.source[0]})
        }

    def make_invoices(self, plan: Plan, payer: Cvr, new: Sequence[Line]) -> None:
        """Make one invoice of all lines that go to one place, dues first, then product by product."""
        by_place: dict[tuple[str, str], list[Line]] = defaultdict(list)
        made = list(self.agreements)
        for line in sorted(new, key=lambda line: _place(line, made)):
            by_place[line.details].append(line)
        for details in sorted(by_place, key=lambda details: (details[1], details[0])):
            invoice = Invoice(payer, details, with_vat(by_place[details], registered=self.vat_registered))
            if invoice.gross:
                plan.invoices.append(invoice)
            else:
                plan.nothing[payer] += 1

    # --- the acts: what issued lines rest on (a rehearsal binds nobody)

    def resting(self, kinds: Sequence[str]) -> Iterator[tuple[Issued, Line]]:
        """Give the real book's issued lines of some kinds."""
        for issued in self.issued:
            if issued.book == "real":
                for place, line in enumerate(issued.invoice.lines):
                    if line.kind in kinds and self.taken_back(issued, place) is None:
                        yield issued, line

    def take_agreement(self, key: AgreementKey, row: Agreement, today: date) -> bool:
        """Take an agreement in; False where it is refused. `row.kind` and `row.active_from` are as in the file."""
        if not _in_order(key[2], row.countersigned_on) or not _in_order(row.in_force_from, row.terminated_to):
            return False
        if row.kind == "passive" and row.active_from:
            return False
        known = self.agreements.get(key)
        years = {issued.year for issued, line in self.resting(["annual_fee"]) if line.source == key}
        joined = any(line.source == key for _, line in self.resting(_ORDER[1:4]))
        new = _activity(row, known, years, today)
        if known is not None and (years or joined) and self._changes_what_rests(known, new, years, joined=joined):
            return False
        self.agreements[key] = new
        return True

    def _changes_what_rests(self, known: Agreement, new: Agreement, years: set[int], *, joined: bool) -> bool:
        if (known.countersigned_on, known.in_force_from) != (new.countersigned_on, new.in_force_from):
            return True
        if joined and (known.rebate, known.exempt, known.invoiced_before) != (
            new.rebate, new.exempt, new.invoiced_before
        ):  # fmt: skip
            return True
        if joined and (known.kind, known.active_from) != (new.kind, new.active_from):
            return True
        if any(known.is_active(date(year, 1, 1)) != new.is_active(date(year, 1, 1)) for year in years):
            return True
        ended = new.terminated_to
        return bool(years) and ended != known.terminated_to and ended is not None and ended < date(max(years), 1, 1)

    def take_member(self, key: tuple[Cvr, date], member: Member) -> bool:
        """Take a membership in; False where it is refused: it ends before it began, overlaps another, or changes who
        was a member on 1 January of a year that is invoiced.
        """
        cvr, joined_on = key
        if member.left_on is not None and member.left_on <= joined_on:
            return False
        own = (joined_on, member.left_on or date.max)
        for (of, start), other in self.members.items():
            if of == cvr and start != joined_on and start < own[1] and joined_on < (other.left_on or date.max):
                return False
        if key in self.members:
            was = (joined_on, self.members[key].left_on or date.max)
            for year in self.priced_years(cvr):
                if (was[0] <= date(year, 1, 1) < was[1]) != (own[0] <= date(year, 1, 1) < own[1]):
                    return False
        self.members[key] = member
        return True

    def priced_years(self, cvr: Cvr) -> set[int]:
        """Give the years of issued lines that rest on whether an authority was a member: it paid, or was stood for."""
        return {
            issued.year
            for issued, _ in self.resting(["annual_fee", "membership_dues"])
            if issued.invoice.payer == cvr or self.payer(cvr, date(issued.year, 1, 1)) == issued.invoice.payer
        }

    def take_inhabitants(self, cvr: Cvr, year: int, count: int) -> bool:
        """Take inhabitants in; False where an issued line rests on another number."""
        before = self.inhabitants.get((cvr, year))
        if before not in (None, count) and self._rests_on(cvr, f"'inhabitants_on', '{year}-01-01'"):
            return False
        self.inhabitants[cvr, year] = count
        return True

    def take_placement(self, cvr: Cvr, valid_from: date, band: str) -> bool:
        """Take a placement in; False where an issued line rests on another band."""
        before = self.placements.get((cvr, valid_from))
        if before not in (None, band) and self._rests_on(cvr, f"('reason', 'skøn'), ('valid_from', '{valid_from}')"):
            return False
        self.placements[cvr, valid_from] = band
        return True

    def _rests_on(self, cvr: Cvr, fact: str) -> bool:
        """Tell whether a fact sized an issued line: an annual fee by its payer's, a joining fee by its signer's."""
        return any(
            fact in line.reason and cvr == (issued.invoice.payer if line.kind == "annual_fee" else line.source[0])
            for issued, line in self.resting(_ORDER[:4])
        )

    def take_successor(self, cvr: Cvr, successor: Cvr | None) -> bool:
        """Register who follows an ended authority; False where an issued line was paid by who follows it now."""
        known = self.authorities[cvr]
        stood_for = any(
            issued.invoice.payer != cvr and cvr in (line.source, line.source[0])
            for issued, line in self.resting(_ORDER)
        )
        if stood_for and successor != known.successor:
            return False
        self.authorities[cvr] = replace(known, successor=successor)
        return True

    # --- the acts: decisions, approvals, numbers

    def adopt(self, decision: Decision) -> bool:
        """Adopt a decision; False where another is adopted for the same day."""
        if isinstance(decision, FeeTable):
            known: Decision = self.fee_tables.setdefault((decision.product, decision.valid_from), decision)
        elif isinstance(decision, Association):
            known = self.associations.setdefault(decision.valid_from, decision)
        else:
            known = self.size_keys.setdefault(decision.valid_from, decision)
        return known == decision

    def approve(self, year: int, book: str = "real") -> None:
        """Approve the plan of a year as it is; an empty plan needs no approval."""
        invoices = self.plan(year, book).invoices
        if invoices:
            self.approved[year, book] = (self.seller, invoices)

    def issue(self, year: int, on: date, book: str = "real") -> bool:
        """Issue exactly what is approved; False where that is refused: nothing is approved, the plan or the seller
        changed since, or the date lies before the last number's.
        """
        now = self.plan(year, book).invoices
        seller, left = self.approved.get((year, book), (self.seller, []))
        if left != now or (left and seller != self.seller):
            return False
        series = [issued for issued in self.issued if (issued.year, issued.book) == (year, book)]
        if left and series and on < series[-1].on:
            return False
        for sequence, invoice in enumerate(left, start=len(series) + 1):
            self.issued.append(Issued(book, year, sequence, on, invoice))
        self.approved[year, book] = (seller, [])
        return True

    # --- credit notes

    def taken_back(self, issued: Issued, place: int) -> bool | None:
        """Tell whether a line was taken back so that another may follow, or for good; None where it stands."""
        return next((c.then_reissue for c in self.credits if c.of is issued and place in c.places), None)

    def given_back(self, book: str) -> set[str]:
        """Give what was taken back for good."""
        return {line.key for c in self.credits if c.of.book == book and not c.then_reissue for line in c.lines}

    def written_key(self, issued: Issued, line: Line) -> str:
        """Give a line's key as it is stored: one that follows another says the how manieth it is."""
        before = self.issued[: next(at for at, other in enumerate(self.issued) if other is issued)]
        times = sum(other.book == issued.book and line.key in (x.key for x in other.invoice.lines) for other in before)
        return f"{line.key}~{times + 1}" if times else line.key

    def credit(self, of: Issued, chosen: Sequence[int], on: date, *, then_reissue: bool) -> bool:
        """Take lines back, all that is left where none is chosen; False where that is refused: it is too early, a line
        was taken back before, a joining fee would be torn from what is taken off it, there is nothing to give back, or
        a few øre would be torn from the line that their VAT was rounded on to.
        """
        lines = of.invoice.lines
        left = [place for place in range(len(lines)) if self.taken_back(of, place) is None]
        places = sorted(chosen or left)
        series = [c for c in self.credits if c.series == (of.book, of.year)]
        joining = {lines[place].source for place in places if lines[place].kind in _ORDER[1:4]}
        together = {at for at, line in enumerate(lines) if line.kind in _ORDER[1:4] and line.source in joining}
        given = sum(lines[place].net + lines[place].vat_ore for place in places)
        torn = any(map(has_lost_its_vat, ([lines[place] for place in places],
                                          [lines[place] for place in left if place not in places])))  # fmt: skip
        early = on < of.on or (bool(series) and on < series[-1].on)
        if early or not set(places) <= set(left) or not together <= set(places) or given <= 0 or torn:
            return False
        self.credits.append(Credit(len(series) + 1, on, of, tuple(places), then_reissue))
        return True

    # --- the ledger

    def balances(self, book: str) -> dict[tuple[str, str | None], Ore]:
        """Give what stands on every account and fund: receivables and VAT, the products' income, the association's."""
        found: Counter[tuple[str, str | None]] = Counter()
        charged = [line for issued in self.issued if issued.book == book for line in issued.invoice.lines]
        given_back = [line for credit in self.credits if credit.of.book == book for line in credit.lines]
        for sign, lines in ((1, charged), (-1, given_back)):
            for line in lines:
                found["6190", None] += sign * (line.net + line.vat_ore)
                found["7680", None] -= sign * line.vat_ore
                dues = line.kind == "membership_dues"
                found["XG-9212045210-00014" if dues else "XG-9212045210-00017", None] -= sign * line.association_ore
                if line.product is not None:
                    account = self.accounts[line.product] or line.product
                    suffix = "00002" if line.kind == "annual_fee" else "00001"
                    found[f"{account}-{suffix}", line.product] -= sign * line.product_ore
        return {place: ore for place, ore in found.items() if ore}


# --- small helpers


@dataclass
class _Told:
    """Takes a step; a refusal becomes a problem or a note of the plan."""

    plan: Plan
    payer: Cvr
    product: str | None
    withheld: bool = False

    def __enter__(self) -> _Told:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> bool:
        if isinstance(error, Withheld):
            self.plan.problems[self.payer, self.product, str(error)] += 1
            self.withheld = True
            return True
        if isinstance(error, NotDue):
            self.plan.notes[self.payer, self.product, str(error)] += 1
            return True
        return False


def annual_key(key: AgreementKey, year: int) -> str:
    """Give what an annual fee is for: nothing is invoiced twice under one key."""
    return f"annual_fee|{'|'.join(_named(key))}|{year}"


def joining_key(kind: str, key: AgreementKey) -> str:
    """Give what a joining fee (or its rebate, or its exemption) is for."""
    return f"{kind}|{'|'.join(_named(key))}"


def first_year_share(table: FeeTable, agreement: Agreement, year: int) -> Fraction | None:
    """Give the share of an agreement's first year: started months of twelve, or days of the year's days."""
    first = agreement.in_force_from
    if first is None or first.year != year or table.first_year == "full":
        return None
    months = Fraction(13 - first.month, 12)
    days = Fraction((date(year + 1, 1, 1) - first).days, (date(year + 1, 1, 1) - date(year, 1, 1)).days)
    share = months if table.first_year == "months" else days
    return None if share == 1 else share


def _activity(row: Agreement, known: Agreement | None, years: set[int], today: date) -> Agreement:
    """Read when an agreement is active from a file's `kind` and `active_from`.

    With `active_from` after its first day in force it began as passive. One that was invoiced as passive and comes as
    active without a day became active today; on 1 January where this year is not invoiced yet; and never inside a year
    that is invoiced ahead.
    """
    if row.kind == "passive":
        return row
    if known is not None and known.kind == "passive" and years:
        last = max(years)
        guessed = date(today.year, 1, 1) if last < today.year else max(today, date(last, 1, 2))
        return replace(row, kind="passive", active_from=row.active_from or known.active_from or guessed)
    if row.active_from is not None and row.active_from > (row.in_force_from or date.min):
        return replace(row, kind="passive")
    return replace(row, active_from=None)


def _share(association: Association, *, is_member: bool) -> Fraction:
    return Fraction(association.member if is_member else association.non_member)


def _written(share: Fraction | None) -> str | None:
    return None if share is None else str(share)


def _named(key: AgreementKey) -> tuple[str, str, str]:
    return key[0], key[1], str(key[2])


def _place(line: Line, made: Sequence[AgreementKey]) -> tuple[Any, ...]:
    at = made.index(line.source) if isinstance(line.source, tuple) else 0
    return (line.kind != "membership_dues", line.product or "", at, _ORDER.index(line.kind))


def _newest(tables: Iterable[Table]) -> Table | None:
    return max(tables, key=lambda table: table.valid_from, default=None)


def _in_order(earlier: date | None, later: date | None) -> bool:
    return earlier is None or later is None or earlier <= later


def due_on(issued_on: date) -> date:
    """Give the last day of paying."""
    return issued_on + timedelta(days=PAYMENT_DAYS)
