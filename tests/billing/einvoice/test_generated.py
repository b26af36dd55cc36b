"""Documents drawn by chance, with hostile names and amounts: paper, both XML and the ledger say the same to the øre.

They are made as the product makes them: charges become a draft, the draft is prepared, and gets its number.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any, NamedTuple

import pypdfium2
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st
from lxml import etree

from billing import document as documents
from billing import invoice_pdf, ledger, payment_id, preparation
from billing.charges import Charge, Payer, drafted
from billing.document import InvoiceDocument, PaymentWays, References
from billing.einvoice import checks, oioubl, peppol
from billing.einvoice.rule_packs import Format, RulePack
from fee_tables.calculation import Kind, Parts
from fee_tables.table import Vat
from foundation import wording
from foundation.language import amount, day
from foundation.money import Money
from tests import builders
from tests.billing.einvoice import documents as make
from tests.conftest import FULL, SEED

NAMESPACES = {
    "cac": "urn:oasis:names:specification:ubl:schema:xsd:CommonAggregateComponents-2",
    "cbc": "urn:oasis:names:specification:ubl:schema:xsd:CommonBasicComponents-2",
}
RENDER: dict[Format, Callable[[InvoiceDocument], bytes]] = {"peppol": peppol.render, "oioubl": oioubl.render}
EXEMPT = Vat(Fraction(0), "VATEX-EU-132-1L: kontingent, momslovens § 13, stk. 1, nr. 4")

LETTERS = "".join(letter for letter in map(chr, range(0x20, 0x2200)) if wording.fault(letter) is None)
HOSTILE = [
    "<b>Fed</b> & ]]> &amp; <!-- -->", "<![CDATA[x]]>", "=cmd|'/c calc'!A0", "'; DROP TABLE invoice; --", "#AAB# nr.",
    "Région “Ǿst” – afd. 1/2", "{{7*7}} ${x} %s \\n", "W" * 200, "å " * 99 + "å", "0", "-1", "Ệ" * 60, "OS2\u00a0navn",
]  # fmt: skip

names = st.one_of(
    st.sampled_from(HOSTILE),
    st.text(LETTERS, min_size=1, max_size=wording.LONGEST_NAME)
    .map(lambda text: wording.composed(text).strip(" \u00a0")[: wording.LONGEST_NAME])
    .filter(lambda text: bool(text) and wording.fault(text) is None),
)
ore = st.one_of(st.integers(0, 10**10), st.sampled_from([0, 1, 2, 3, 5, 49, 50, 51, 99, 10**8 - 1, 3_488_000]))
vats = st.sampled_from([builders.TAXED, builders.TAXED, EXEMPT])
products = st.one_of(st.sampled_from(["OS2valghalla", "OS2mo"]), names.map(lambda name: name[:80].strip(" \u00a0")))
payments = st.sampled_from([make.BY_FIK, make.BY_ACCOUNT, make.BY_IBAN, make.EVERY_WAY])


class Drawn(NamedTuple):
    """An issued document, and what its lines post."""

    document: InvoiceDocument
    posted: Counter[str]


@st.composite
def charges(draw: st.DrawFn) -> list[Charge]:
    """Fees with their contribution, dues, and a joining fee with what is taken off it."""
    drawn = []
    for at in range(draw(st.integers(0, 6))):
        product, vat = draw(products), draw(vats)
        parts = Parts(Money(draw(ore)), Money(draw(ore)))
        drawn.append(builders.charge(product, parts=parts, vat=vat, agreement_id=at + 1))
        if draw(st.booleans()):
            fee = draw(ore)
            off = draw(st.integers(0, fee))
            kind = Kind.EXEMPTION if off == fee else Kind.REBATE
            shared: dict[str, Any] = {"vat": vat, "agreement_id": at + 1}
            drawn.append(builders.charge(product, fee, kind=Kind.JOINING_FEE, **shared))
            drawn.append(builders.charge(product, -off, kind=kind, **shared))
    if not drawn or draw(st.booleans()):
        dues = Parts(Money(0), Money(draw(ore)))
        drawn.append(builders.charge(None, kind=Kind.MEMBERSHIP_DUES, parts=dues, vat=draw(vats)))
    return drawn


@st.composite
def issued(draw: st.DrawFn) -> Drawn:
    """An invoice as it is issued, with its postings."""
    registered = draw(st.integers(0, 4)) > 0
    payer: Payer = builders.payer(name=draw(names), address=draw(names), city=draw(names))
    details = References(
        draw(st.sampled_from(["gln", "cvr"])), "2996494221206", draw(names), draw(names | st.just("")), draw(names)
    )
    draft = drafted(payer, details, draw(charges()), vat_registered=registered)
    seller = builders.seller(vat_registered=registered)
    prepared = preparation.prepare(draft, 2027, seller)
    sequence = draw(st.integers(1, 99_999))
    ways: PaymentWays = draw(payments)
    if ways.fik_creditor:
        ways = replace(ways, fik_id=payment_id.for_invoice(2027, sequence, rehearsal=False))
    head = {
        "number": f"2027-{sequence:04d}", "issued_on": date(2027, 1, 15), "due_on": date(2027, 2, 14),
        "payment": ways, "notices": (),
    }  # fmt: skip
    document = documents.from_json(documents.completed(prepared.body, head))
    posted: Counter[str] = Counter()
    for posting in ledger.invoice_amounts(preparation.lines(prepared.lines), draft.vat, {}):
        posted[posting.account] += posting.money.ore
    return Drawn(document, posted)


@seed(SEED)
@given(issued())
@settings(max_examples=1_000, deadline=None, suppress_health_check=list(HealthCheck))
def test_paper_both_xml_and_the_ledger_say_the_same_to_the_ore(drawn: Drawn) -> None:
    document, posted = drawn
    paper = squeezed(on_paper(document))

    assert checks.errors(checks.check(document)) == []
    assert sum(posted.values()) == 0
    assert posted[ledger.RECEIVABLES] == document.gross.ore
    assert -posted[ledger.OUTPUT_VAT] == document.vat.ore
    rates = [money for row in document.vat_totals if row.category == "S" for money in (row.net, row.vat)]
    for money in (document.net, document.gross, *rates, *(line.net for line in document.lines)):
        assert squeezed(amount(money, "da")) in paper
    references = document.references
    said = [document.number, document.buyer.name, references.person_reference, references.order_reference]
    days = [day(document.issued_on).da, day(document.due_on).da] if document.due_on else []
    for words in (*said, references.accounting_cost, *days, *(line.text.da for line in document.lines)):
        assert squeezed(words) in paper
    for format, render in RENDER.items():
        for of in (document, make.credit_of(document)):
            assert_says(etree.fromstring(render(of)), of, format)


@seed(SEED)
@given(issued())
@settings(max_examples=1_000 if FULL else 40, deadline=None, suppress_health_check=list(HealthCheck))
def test_whatever_is_drawn_passes_the_official_rules_without_a_word(
    packs: dict[Format, RulePack], drawn: Drawn
) -> None:
    for format, render in RENDER.items():
        for of in (drawn.document, make.credit_of(drawn.document)):
            assert packs[format].validate(render(of)) == []


def assert_says(root: etree._Element, document: InvoiceDocument, format: str) -> None:
    """What a receiver reads is what the document says."""
    totals = root.find("cac:LegalMonetaryTotal", NAMESPACES)
    assert totals is not None
    without_vat = document.net if format == "peppol" else document.vat  # OIOUBL's trap
    line = "cac:InvoiceLine" if document.kind == "invoice" else "cac:CreditNoteLine"
    assert [ore_of(part, "cbc:LineExtensionAmount") for part in root.findall(line, NAMESPACES)] == [
        line.net.ore for line in document.lines
    ]
    assert ore_of(totals, "cbc:LineExtensionAmount") == document.net.ore
    assert ore_of(totals, "cbc:TaxExclusiveAmount") == without_vat.ore
    assert ore_of(totals, "cbc:PayableAmount") == document.gross.ore
    assert ore_of(root, "cac:TaxTotal/cbc:TaxAmount") == document.vat.ore
    assert [
        (ore_of(row, "cbc:TaxableAmount"), ore_of(row, "cbc:TaxAmount"))
        for row in root.findall("cac:TaxTotal/cac:TaxSubtotal", NAMESPACES)
    ] == [(row.net.ore, row.vat.ore) for row in document.vat_totals]
    buyer = "cac:AccountingCustomerParty/cac:Party/cac:PartyLegalEntity/cbc:RegistrationName"
    person = "cbc:BuyerReference" if format == "peppol" else "cac:AccountingCustomerParty/cac:Party/cac:Contact/cbc:ID"
    assert root.findtext("cbc:ID", None, NAMESPACES) == document.number
    assert root.findtext("cbc:IssueDate", None, NAMESPACES) == document.issued_on.isoformat()
    if document.kind == "invoice" and document.due_on:
        due = "cbc:DueDate" if format == "peppol" else "cac:PaymentMeans/cbc:PaymentDueDate"
        assert root.findtext(due, None, NAMESPACES) == document.due_on.isoformat()
    assert root.findtext(buyer, None, NAMESPACES) == document.buyer.name
    assert root.findtext(person, None, NAMESPACES) == document.references.person_reference


def ore_of(part: etree._Element, path: str) -> int:
    exact = Decimal(part.findtext(path, "", NAMESPACES)) * 100
    assert exact == int(exact)
    return int(exact)


def on_paper(document: InvoiceDocument) -> str:
    with closing(pypdfium2.PdfDocument(invoice_pdf.render(document))) as pdf:
        read = "".join(page.get_textpage().get_text_range() for page in pdf)
    return read.replace(_AT_THE_END_OF_A_LINE, "-")


#: What pdfium reads for a hyphen there.
_AT_THE_END_OF_A_LINE = "\ufffe"


def squeezed(words: str) -> str:
    """A text without the blanks that paper breaks lines at."""
    return "".join(words.split())
