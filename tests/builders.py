"""Sample values for tests without a database: decisions, payers, agreements and charges, with defaults that fit.

Each builder gives something a plan for 2027 can be made of; a test names only what it is about.
"""

from __future__ import annotations

import csv
import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from fractions import Fraction
from pathlib import Path
from typing import Any, Literal

import fee_tables
from agreements.lifecycle import Facts
from agreements.lifecycle import Kind as Connected
from billing import seller as sellers
from billing.case import Ground
from billing.charges import (
    Billable,
    Charge,
    Connection,
    Count,
    InvoicedLine,
    Member,
    Payer,
)
from billing.document import References
from billing.gathering import Run
from billing.seller import Seller
from fee_tables import text
from fee_tables.calculation import Kind, Parts, Placement, Reason
from fee_tables.catalogue import Catalogue, catalogue
from fee_tables.size_key import SizeBand, SizeKey
from fee_tables.table import (
    AnnualFee,
    AssociationTable,
    BandFee,
    FeeTable,
    FirstYear,
    FlatFee,
    Index,
    JoiningFee,
    TableReference,
    Vat,
)
from foundation.money import ZERO, Money, kroner
from foundation.periods import Period

TAXED = Vat(Fraction(1, 4))
YEAR = 2027
DUES = kroner(25000)
FEE = kroner(32000)
PRODUCT = "OS2valghalla"

ROOMS = Path(str(fee_tables.__file__)).parents[1]
SHIPPED_TABLES = ROOMS / "fee_tables" / "data"

#: The published amounts of OS2valghalla, and its joining fee.
ANNUAL_BANDS = BandFee(
    {"small": kroner(22000), "medium": kroner(32000), "large": kroner(42000), "very_large": kroner(52000)}
)
JOINING_BANDS = BandFee(
    {"small": kroner(35000), "medium": kroner(70000), "large": kroner(190000), "very_large": kroner(350000)}
)

#: One number of inhabitants of each band.
INHABITANTS = {"small": 20_000, "medium": 45_000, "large": 90_000, "very_large": 300_000}

_ids = itertools.count(1000)


# --- decisions


def reference(
    product: str = PRODUCT, valid_from: date = date(2023, 1, 1), *, made_up: bool = False, source: str = "source"
) -> TableReference:
    """A decision made two months before it counts."""
    return TableReference(
        product=product,
        valid_from=valid_from,
        decided_on=date(2022, 11, 1),
        decided_by=f"styregruppen for {product}",
        source=source,
        digest="d" * 64,
        made_up=made_up,
    )


def fee_table(
    product: str = PRODUCT,
    *,
    valid_from: date = date(2023, 1, 1),
    annual_fee: AnnualFee | None = ANNUAL_BANDS,
    joining_fee: JoiningFee | None = None,
    contribution: bool = True,
    passive_share: Fraction | None = None,
    first_year: FirstYear = "full",
    vat: Vat = TAXED,
) -> FeeTable:
    """A fee table with the annual fees of OS2valghalla and no joining fee."""
    return FeeTable(
        reference=reference(product, valid_from),
        contribution=contribution,
        annual_fee=annual_fee,
        joining_fee=joining_fee,
        passive_share=passive_share,
        first_year=first_year,
        vat=vat,
    )


def flat(product: str, amount: int, **other: Any) -> FeeTable:
    """A fee table with one annual fee for everyone, in whole kroner, and no contribution."""
    return fee_table(product, annual_fee=FlatFee(kroner(amount)), **{"contribution": False, **other})


def association(
    *,
    valid_from: date = date(2023, 1, 1),
    dues: Money = DUES,
    half_after: tuple[int, int] | None = (7, 1),
    index: Index | None = None,
    vat: Vat = TAXED,
) -> AssociationTable:
    """The association's table: 25.000 in dues, half after 1 July, 9 % and 35 %."""
    return AssociationTable(
        reference=reference("OS2", valid_from),
        dues=dues,
        half_after=half_after,
        index=index,
        contribution_member=Fraction(9, 100),
        contribution_non_member=Fraction(35, 100),
        vat=vat,
    )


def size_key(
    bands: Sequence[tuple[str, int, int | None]] = (
        ("small", 0, 24_999),
        ("medium", 25_000, 60_000),
        ("large", 60_001, 120_000),
        ("very_large", 120_001, None),
    ),
    *,
    valid_from: date = date(2022, 1, 1),
) -> SizeKey:
    """OS2's size key, or another one."""
    return SizeKey(
        name="OS2 fordelingsnøgle",
        valid_from=valid_from,
        decided_on=date(2021, 5, 1),
        decided_by="generalforsamlingen",
        source="https://www.os2.eu/takstblade",
        digest="k" * 64,
        bands=tuple(SizeBand(*band) for band in bands),
    )


def shipped(name: str) -> text.Decision:
    """One of the real tables, as shipped."""
    return text.read((SHIPPED_TABLES / f"{name}.toml").read_text(encoding="utf-8"))


def shipped_catalogue() -> Catalogue:
    """All the real tables."""
    return catalogue(shipped(file.stem) for file in sorted(SHIPPED_TABLES.glob("*.toml")))


def register_rows(name: str) -> list[dict[str, str]]:
    """The rows of a shipped register."""
    return csv_rows("authorities", name)


def csv_rows(room: str, name: str) -> list[dict[str, str]]:
    """The rows of a file that ships with a room."""
    with (ROOMS / room / "data" / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def ground(*decisions: text.Decision, year: int = YEAR, sharers: Mapping[str, Sequence[str]] | None = None) -> Ground:
    """The ground of a year: these decisions, and the size key and the association's table where none is among them."""
    listed = list(decisions)
    if not any(isinstance(decision, SizeKey) for decision in listed):
        listed.append(size_key())
    if not any(isinstance(decision, AssociationTable) for decision in listed):
        listed.append(association())
    return Ground(year, catalogue(listed), sharers or {})


def run(*decisions: text.Decision, year: int = YEAR) -> Run:
    """A run of a year on the ground of these decisions."""
    return Run(year, "real", ground(*decisions, year=year), ())


# --- who and what they joined


def payer(
    id_: int = 1, cvr: str = "29189846", name: str = "Vejle Kommune", *, is_counted: bool = True, **other: str
) -> Payer:
    """A municipality."""
    address = {"address": "Skolegade 1", "postcode": "7100", "city": "Vejle", **other}
    return Payer(id=id_, cvr=cvr, name=name, is_counted=is_counted, **address)


def details(
    gln: str = "2996494221206",
    *,
    endpoint: Literal["gln", "cvr"] = "gln",
    person_reference: str = "",
    order_reference: str = "",
    accounting_cost: str = "",
) -> References:
    """Billing details with a GLN and nothing else."""
    return References(endpoint, gln, person_reference, order_reference, accounting_cost)


def facts(
    *,
    kind: Connected = Connected.ACTIVE,
    signed_on: date = date(2024, 3, 1),
    countersigned_on: date | None = date(2024, 3, 15),
    in_force_from: date | None = date(2024, 4, 1),
    terminated_to: date | None = None,
    notice_given_on: date | None = None,
    active_from: date | None = None,
) -> Facts:
    """An active agreement in force since April 2024."""
    return Facts(kind, signed_on, countersigned_on, in_force_from, terminated_to, notice_given_on, active_from)


def connection(
    product: str = PRODUCT,
    *,
    signer: Payer | None = None,
    sent_to: References | None = details(),  # noqa: B008 - a frozen value
    rebate: Money = ZERO,
    rebate_reason: str | None = None,
    exempt_reason: str | None = None,
    invoiced_elsewhere_on: date | None = None,
    **dated: Any,
) -> Connection:
    """An agreement in force since April 2024; `dated` are its facts."""
    return Connection(
        id=next(_ids),
        signer=signer or payer(),
        product=product,
        facts=facts(**dated),
        details=sent_to,
        rebate=rebate,
        rebate_reason=rebate_reason,
        exempt_reason=exempt_reason,
        invoiced_elsewhere_on=invoiced_elsewhere_on,
    )


def member(
    joined_on: date = date(2020, 1, 1), left_on: date | None = None, *, sent_to: References | None = None
) -> Member:
    """A membership since 2020, without billing details of its own."""
    return Member(next(_ids), Period(joined_on, left_on), sent_to)


def billable(
    *connections: Connection,
    members: Iterable[Member] = (),
    pays: Payer | None = payer(),  # noqa: B008 - a frozen value
    named: Payer | None = None,
    inhabitants: int | None = INHABITANTS["medium"],
    counts: Mapping[tuple[int, int], Count] | None = None,
    placements: Mapping[int, Sequence[Placement]] | None = None,
    invoiced: Iterable[InvoicedLine] = (),
) -> Billable:
    """What one payer can be charged: medium-sized in every year unless `inhabitants` or `counts` says otherwise."""
    who = pays or named or payer()
    if counts is None:
        counts = {} if inhabitants is None else {(who.id, y): Count(inhabitants, "FOLK1A") for y in range(2017, 2031)}
    return Billable(
        named=named or who,
        payer=pays,
        connections=connections,
        members=tuple(members),
        counts=counts,
        placements=placements or {},
        invoiced={line.key: line for line in invoiced},
    )


def placement(band: str = "large", valid_from: date = date(2023, 1, 1)) -> Placement:
    """A band by judgement."""
    return Placement(band, valid_from, "sekretariatet", "formål og it-budget")


# --- what it comes to


def reason(base: Money = FEE, **other: Any) -> Reason:
    """A reason with a table and an amount; `other` is what else applies."""
    return Reason(reference(), base)._replace(**other)


def charge(
    product: str | None = PRODUCT,
    ore: int = 3_200_000,
    *,
    kind: Kind = Kind.ANNUAL_FEE,
    sent_to: References | None = None,
    vat: Vat = TAXED,
    parts: Parts | None = None,
    signed_on: date = date(2024, 3, 1),
    agreement_id: int = 1,
) -> Charge:
    """One line to be; its key is of the shape that pricing gives."""
    named = f"29189846|{product}|{signed_on}" if product else "29189846"
    yearly = kind in (Kind.ANNUAL_FEE, Kind.MEMBERSHIP_DUES)
    return Charge(
        key=f"{kind.value}|{named}|{YEAR}" if yearly else f"{kind.value}|{named}",
        kind=kind,
        product=product,
        agreement_id=agreement_id if product else None,
        membership_id=None if product else 1,
        details=sent_to or details(),
        vat=vat,
        reason=reason(Money(abs(ore))),
        parts=parts or Parts(Money(ore), ZERO),
        first_day=date(YEAR, 1, 1),
        last_day=date(YEAR, 12, 31),
    )


def invoiced_as(line: Charge, *, number: str = "2027-0001", year: int = YEAR) -> InvoicedLine:
    """A charge as it stands on an issued invoice."""
    return InvoicedLine(line.key, line.kind, year, line.product, line.parts, number)


def seller(*, vat_registered: bool = True) -> Seller:
    """The association as seller, with its made-up accounts."""
    return replace(sellers.made_up(), vat_registered=vat_registered)
