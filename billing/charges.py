"""The values between reading and writing: what can be billed, what it costs, what it becomes on an invoice."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from fractions import Fraction
from typing import Any, NamedTuple

from agreements.lifecycle import Facts
from billing.document import USUAL_FORMAT, References, VatCategory
from fee_tables.calculation import Kind, Parts, Placement, Reason, facts_json
from fee_tables.table import Vat
from foundation.audit import canonical, sha256
from foundation.language import Text
from foundation.money import Money, apportion, total
from foundation.periods import Period


class Code(StrEnum):
    """Why a line is withheld, or what the plan wants to say (the codes of the contract, and the notes')."""

    NO_SIZE_KEY = "no_size_key"
    NO_INHABITANTS = "no_inhabitants"
    NO_PLACEMENT = "no_placement"
    NO_TABLE = "no_table"
    NO_PASSIVE_SHARE = "no_passive_share"
    NO_ENDPOINT = "no_endpoint"
    NOT_COUNTERSIGNED = "not_countersigned"
    DUPLICATE_AGREEMENT = "duplicate_agreement"
    AUTHORITY_ENDED = "authority_ended"
    NO_DUES_RECEIVER = "no_dues_receiver"
    INVOICED_DIFFERS = "invoiced_differs"
    # notes: nothing is withheld, but someone may wonder
    NO_JOINING_FEE = "no_joining_fee"
    NO_FORCE_DAY = "no_force_day"
    SHARES_FROM_NEXT_YEAR = "shares_from_next_year"
    NO_ACCOUNT = "no_account"
    COVERED_BY_EARLIER = "covered_by_earlier"


class Payer(NamedTuple):
    """Who pays: an authority as it stands in the register."""

    id: int
    cvr: str
    name: str
    is_counted: bool  # inhabitants decide its size; otherwise a placement does
    address: str
    postcode: str
    city: str


# What stands once for every line is a tuple: a year of ten thousand payers makes a million of them.


class Connection(NamedTuple):
    """An agreement with what billing needs of it; `signer` is the authority that signed."""

    id: int
    signer: Payer
    product: str
    facts: Facts
    details: References | None  # None where there is no endpoint to send to
    rebate: Money
    rebate_reason: str | None
    exempt_reason: str | None
    invoiced_elsewhere_on: date | None

    @property
    def name(self) -> str:
        """What stands for it in keys: CVR number, product, day of signing."""
        return f"{self.signer.cvr}|{self.product}|{self.facts.signed_on}"


class Member(NamedTuple):
    """One membership; `details` are None where the dues go with a product."""

    id: int
    period: Period
    details: References | None


class Count(NamedTuple):
    """Inhabitants of a payer on a 1 January."""

    inhabitants: int
    source: str


class InvoicedLine(NamedTuple):
    """A line that was issued already. `is_credited`: it was taken back; `is_free`: another may follow it."""

    key: str
    kind: Kind
    year: int
    product: str | None
    parts: Parts
    number: str
    is_credited: bool = False
    is_free: bool = False


@dataclass(frozen=True, slots=True)
class Billable:
    """Everything that decides what one payer is charged in a year. `payer` is None where an ended authority has
    no successor; `named` is who the plan speaks of then.
    """

    named: Payer
    payer: Payer | None
    connections: tuple[Connection, ...]
    members: tuple[Member, ...]
    counts: Mapping[tuple[int, int], Count]  # by authority id and year
    placements: Mapping[int, Sequence[Placement]]  # by authority id, newest first
    invoiced: Mapping[str, InvoicedLine]  # by key, the newest of those that followed each other
    again: Mapping[str, str] = field(default_factory=dict)  # where one may follow: from key to the next one's


@dataclass(frozen=True, slots=True)
class Problem:
    """What stands in the way of a line, or a note about it; `at_risk` is what is withheld without VAT, where known."""

    named: Payer
    product: str | None
    code: Code
    message: Text
    at_risk: Money | None = None


class Charge(NamedTuple):
    """One line to be: for what (`key`), how much, why, and where it is sent."""

    key: str
    kind: Kind
    product: str | None
    agreement_id: int | None
    membership_id: int | None
    details: References
    vat: Vat
    reason: Reason
    parts: Parts
    first_day: date | None = None
    last_day: date | None = None


@dataclass(frozen=True, slots=True)
class VatShare:
    """The VAT of one rate on an invoice: taken of the sum of its lines, rounded once."""

    category: VatCategory
    rate: Fraction
    exemption: str
    net: Money
    vat: Money


class DraftLine(NamedTuple):
    """A charge with its place in the VAT: category, rate, and its part of the VAT of that rate."""

    charge: Charge
    category: VatCategory
    rate: Fraction
    vat: Money


@dataclass(frozen=True, slots=True)
class Draft:
    """An invoice to be."""

    payer: Payer
    details: References
    lines: tuple[DraftLine, ...]
    vat_shares: tuple[VatShare, ...]
    net: Money = field(init=False)  # the sum of the lines without VAT
    vat: Money = field(init=False)  # of all rates
    gross: Money = field(init=False)  # what is to be paid

    def __post_init__(self) -> None:
        net, vat = (total(getattr(share, of) for share in self.vat_shares) for of in ("net", "vat"))
        for name, amount in (("net", net), ("vat", vat), ("gross", net + vat)):
            object.__setattr__(self, name, amount)

    def content(self) -> dict[str, Any]:
        """Give everything that decides the invoice, as plain values."""
        payer, details = self.payer, self.details
        return {
            "payer": [payer.cvr, payer.name, payer.address, payer.postcode, payer.city],
            "details": [
                details.endpoint, details.gln, details.person_reference, details.order_reference,
                details.accounting_cost, *([] if details.format == USUAL_FORMAT else [details.format]),
            ],
            "lines": [_line_content(line) for line in self.lines],
        }  # fmt: skip


def _line_content(line: DraftLine) -> dict[str, Any]:
    charge = line.charge
    return {
        "key": charge.key,
        "kind": charge.kind.value,
        "product": charge.product,
        "product_ore": charge.parts.product.ore,
        "association_ore": charge.parts.association.ore,
        "vat_ore": line.vat.ore,
        "vat": [line.category, line.rate.numerator, line.rate.denominator, charge.vat.exemption],
        "period": [day and day.isoformat() for day in (charge.first_day, charge.last_day)],
        # The digest of the adopted text stands for everything the table says.
        "table": [charge.reason.table.written["valid_from"], charge.reason.table.digest],
        "reason": facts_json(charge.reason),
    }


def content_digest(content: str) -> str:
    """Give the digest of an invoice's content, as it is approved."""
    return sha256(content)


def content_text(draft: Draft) -> str:
    """Give an invoice's content as its one canonical text."""
    return canonical(draft.content())


def drafted(payer: Payer, details: References, charges: Sequence[Charge], *, vat_registered: bool) -> Draft:
    """Make one invoice of charges with equal details: VAT per rate on their sum, split to the lines."""
    ordered = sorted(charges, key=_place_on_invoice)
    groups: dict[tuple[VatCategory, int, int], list[int]] = {}
    for at, charge in enumerate(ordered):
        groups.setdefault(_vat_group(charge.vat, vat_registered=vat_registered), []).append(at)
    shares: list[VatShare] = []
    lines: dict[int, DraftLine] = {}
    for (category, numerator, denominator), places in groups.items():
        rate = Fraction(numerator, denominator)
        nets = [ordered[at].parts.net.ore for at in places]
        net = Money(sum(nets))
        vat = net.scaled(rate)
        shares.append(VatShare(category, rate, _exemption(category, [ordered[at] for at in places]), net, vat))
        parts = apportion(vat, [ore * numerator for ore in nets], denominator)
        lines |= {at: DraftLine(ordered[at], category, rate, part) for at, part in zip(places, parts, strict=True)}
    return Draft(payer, details, tuple(lines[at] for at in range(len(ordered))), tuple(shares))


#: The reason code for a seller that is not registered for VAT (VATEX code list).
NOT_REGISTERED = "VATEX-EU-O sælgeren er ikke momsregistreret"


def _vat_group(vat: Vat, *, vat_registered: bool) -> tuple[VatCategory, int, int]:
    """Give category and rate, as numerator and denominator."""
    if not vat_registered:
        return ("O", 0, 1)
    if vat.exemption:
        return ("E", 0, 1)
    return ("S" if vat.rate else "Z", vat.rate.numerator, vat.rate.denominator)


def _exemption(category: VatCategory, charges: Sequence[Charge]) -> str:
    """Give why a rate is without VAT; tables with different reasons are summed in one rate and named together."""
    if category == "O":
        return NOT_REGISTERED
    return "; ".join(dict.fromkeys(charge.vat.exemption for charge in charges if charge.vat.exemption))


_ORDER = {kind: at for at, kind in enumerate(
    (Kind.ANNUAL_FEE, Kind.JOINING_FEE, Kind.REBATE, Kind.EXEMPTION, Kind.MEMBERSHIP_DUES)
)}  # fmt: skip


def _place_on_invoice(charge: Charge) -> tuple[bool, str, int, int]:
    """Dues first, then product by product; a joining fee behind its annual fee, what it is relieved of behind it."""
    product = charge.product or ""
    return (
        charge.kind is not Kind.MEMBERSHIP_DUES,
        product.casefold(),
        charge.agreement_id or 0,
        _ORDER[charge.kind],
    )
