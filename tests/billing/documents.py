"""Sample invoice documents: whole values as issued, with sums that add up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from fractions import Fraction

from billing.document import DocumentLine, InvoiceDocument, Party, PaymentWays, References, VatCategory, VatTotal
from foundation.language import Text, same
from foundation.money import ZERO, Money, kroner, total

QUARTER = Fraction(1, 4)
ANNUAL_FEE = kroner(34880)
LONG_NAME = (
    "Fællesskabet af kommuner, regioner og statslige myndigheder på Ærø, Læsø, Samsø og Fanø om udvikling, drift "
    "og vedligeholdelse af fælles offentlig digital infrastruktur og åben kildekode i hele Danmark"
).ljust(199, "å") + "."
EXEMPTION = "VATEX-EU-132-1L: kontingent til forening, momslovens § 13, stk. 1, nr. 4"
DEMONSTRATION = Text(
    "Demonstrationsdata: sælgers konto er opdigtet. Betal ikke denne faktura.",
    "Demonstration data: the seller's account is made up. Do not pay this invoice.",
)
REHEARSAL = Text("Prøve – ikke en faktura", "Rehearsal – not an invoice")

SELLER = Party(
    "OS2 – Offentligt digitaliseringsfællesskab",
    "41849983",
    "Hack Kampmanns Plads 2",
    "8000",
    "Aarhus C",
    "5790002750595",
)
BUYER = Party("Københavns Kommune", "64942212", "Rådhuspladsen 1", "1550", "København V", "2996494221206")
REFERENCES = References("gln", "2996494221206", "Økonomi og udbetaling", "REQ-2027-00417", "1.06.45.51.1.4210")
PAYMENT = PaymentWays("80000000", "000000020211041", "0000", "0000000000", "DK5000400440116243")


def line(
    position: int = 1,
    *,
    kind: str = "annual_fee",
    product: str = "OS2valghalla",
    text: Text | None = None,
    why: Text | None = None,
    net: Money = ANNUAL_FEE,
    category: VatCategory = "S",
) -> DocumentLine:
    """One line for 2027: the annual fee of a medium member of OS2valghalla, where nothing else is said."""
    rate = QUARTER if category == "S" else Fraction(0)
    return DocumentLine(
        position=position,
        kind=kind,
        product=product,
        text=text or Text(f"{product}, årligt vederlag 2027", f"{product}, annual fee 2027"),
        why=why
        or Text(
            "Mellem (47.218 indbyggere pr. 1. januar 2026): 32.000,00 kr. + 9 % bidrag til OS2 som medlem.",
            "Medium (47,218 inhabitants on 1 January 2026): DKK 32,000.00 + 9% contribution to OS2 as a member.",
        ),
        first_day=date(2027, 1, 1),
        last_day=date(2027, 12, 31),
        net=net,
        vat_category=category,
        vat_rate=rate,
        vat=net.scaled(rate),
    )


def invoice(lines: Sequence[DocumentLine] | None = None, **other: object) -> InvoiceDocument:
    """A whole invoice of these lines; `other` replaces what it says otherwise."""
    lines = tuple(lines or (line(),))
    totals = vat_totals(lines)
    net, vat = total(row.net for row in totals), total(row.vat for row in totals)
    document = InvoiceDocument(
        number="2027-0001",
        year=2027,
        issued_on=date(2027, 1, 15),
        due_on=date(2027, 2, 14),
        seller=SELLER,
        seller_vat_registered=True,
        buyer=BUYER,
        references=REFERENCES,
        lines=lines,
        vat_totals=totals,
        net=net,
        vat=vat,
        gross=net + vat,
        payment=PAYMENT,
        notices=(),
    )
    return replace(document, **other)  # type: ignore[arg-type]


def vat_totals(lines: Sequence[DocumentLine]) -> tuple[VatTotal, ...]:
    """Net and VAT for each category and rate the lines have, taxed ones first."""
    rates = dict.fromkeys((row.vat_category, row.vat_rate) for row in lines)
    return tuple(
        _vat_total([row for row in lines if (row.vat_category, row.vat_rate) == rate])
        for rate in sorted(rates, key=lambda rate: rate[1], reverse=True)
    )


def _vat_total(lines: Sequence[DocumentLine]) -> VatTotal:
    category, rate = lines[0].vat_category, lines[0].vat_rate
    net = total(row.net for row in lines)
    reasons = {"E": EXEMPTION, "O": "VATEX-EU-O: sælger er ikke momsregistreret"}
    return VatTotal(category, rate, reasons.get(category, ""), net, net.scaled(rate) if rate else ZERO)


def dues(position: int = 1, *, category: VatCategory = "S") -> DocumentLine:
    """Membership dues of 2027."""
    return line(
        position,
        kind="membership_dues",
        product="",
        text=Text("Kontingent til OS2 2027", "Membership dues of OS2 2027"),
        why=Text(
            "25.000,00 kr. reguleret med pris- og lønskønnet 128,4/124,0, rundet til hele kroner.",
            "DKK 25,000.00 regulated by the price and wage estimate 128.4/124.0, rounded to whole kroner.",
        ),
        net=kroner(25887),
        category=category,
    )


def typical() -> InvoiceDocument:
    """Dues, eight products, a joining fee that is waived and one with a rebate."""
    names = ("OS2borgerPC", "OS2faktor", "OS2forms", "OS2iot", "OS2kitos", "OS2mo", "OS2rollekatalog", "OS2valghalla")
    fees = [line(at, product=name, net=kroner(21800 + 1090 * at)) for at, name in enumerate(names, start=2)]
    return invoice(
        [
            dues(),
            *fees,
            line(10, kind="joining_fee", product="OS2mo", net=kroner(240000),
                 text=Text("OS2mo, tilslutningsafgift", "OS2mo, joining fee"),
                 why=Text("Takstblad gældende fra 1. januar 2021, underskrevet 3. november 2026.",
                          "Fee table valid from 1 January 2021, signed 3 November 2026.")),
            line(11, kind="rebate", product="OS2mo", net=kroner(-60000),
                 text=Text("OS2mo, rabat på tilslutningsafgift", "OS2mo, rebate on the joining fee"),
                 why=Text("Medfinansierede produktets udvikling.", "Co-funded the product's development.")),
            line(12, kind="joining_fee", product="OS2valghalla", net=kroner(70000),
                 text=Text("OS2valghalla, tilslutningsafgift", "OS2valghalla, joining fee")),
            line(13, kind="exemption", product="OS2valghalla", net=kroner(-70000),
                 text=Text("OS2valghalla, fritagelse for tilslutningsafgift",
                           "OS2valghalla, exemption from the joining fee"),
                 why=Text("Var med til at betale udviklingen.", "Was among those who paid the development.")),
        ]
    )  # fmt: skip


def many(count: int = 60) -> InvoiceDocument:
    """So many lines that they need several pages."""
    return invoice(
        [line(at, product=f"OS2produkt{at:03d}", net=Money(1_000_000 + 137 * at)) for at in range(1, count + 1)]
    )


def long_names() -> InvoiceDocument:
    """Names of 200 letters and references nobody would type."""
    text = same(LONG_NAME)
    return invoice(
        [line(1, text=text, why=text), line(2, net=kroner(-123456789)), line(3, net=kroner(987654321))],
        seller=replace(SELLER, name=LONG_NAME),
        buyer=replace(BUYER, name=LONG_NAME, address="Den meget lange vej ved det gamle rådhus " * 3),
        references=References("gln", "2996494221206", "P" * 200, "REQ/" * 50, "1.06.45.51.1.4210 " * 11),
    )


def mixed() -> InvoiceDocument:
    """Dues exempt from VAT beside fees that are taxed."""
    return invoice([dues(1, category="E"), line(2), line(3, product="OS2kitos", net=kroner(30000))])


def unregistered() -> InvoiceDocument:
    """A seller who is not registered for VAT."""
    return invoice([dues(1, category="O"), line(2, category="O")], seller_vat_registered=False)
