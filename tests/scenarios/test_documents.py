"""The documents of a year: PDF, XML and ledger say the same, parsed back from the files; and they never change."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pypdf
import pytest
from lxml import etree
from sqlalchemy import text

from tests.command_line import CommandLine
from tests.conftest import Prepared
from tests.places import with_starter
from tests.scenarios import database, files, stories

CBC = "{urn:oasis:names:specification:ubl:schema:xsd:CommonBasicComponents-2}"
CAC = "{urn:oasis:names:specification:ubl:schema:xsd:CommonAggregateComponents-2}"


def _issued(line: CommandLine) -> None:
    stories.everything(line)
    line.done("settings", "import", line.write("seller.toml", files.SELLER))
    line.issue(2027)


@pytest.fixture
def issued(prepared: Prepared) -> CommandLine:
    """A year with every kind of line is issued, by a real seller."""
    return prepared(with_starter, _issued)


def contents(folder: Path) -> dict[str, bytes]:
    """Give every file of a folder."""
    return {file.name: file.read_bytes() for file in sorted(folder.iterdir())}


def danish(ore: int) -> str:
    """Write øre as a Danish reader expects, on paths of its own."""
    whole, rest = divmod(abs(ore), 100)
    digits = f"{whole:,}".replace(",", ".")
    return f"{'-' if ore < 0 else ''}{digits},{rest:02d}"


def ore(element: Any, path: str) -> int:
    """Read an amount of the XML."""
    whole, _, rest = element.findtext(path).partition(".")
    return int(whole + rest.ljust(2, "0"))


def paper(file: Path) -> str:
    """Read all words of a PDF."""
    return "\n".join(page.extract_text() for page in pypdf.PdfReader(file).pages).replace("\u00a0", " ")


# --- agreement to the øre


def test_pdf_xml_ledger_and_plan_agree_to_the_ore(issued: CommandLine) -> None:
    """Promise 3, on every kind of line."""
    folder, other = issued.folder / "out", issued.folder / "oioubl"
    issued.done("billing", "export", 2027, folder, "--format", "peppol")
    issued.done("billing", "export", 2027, other, "--format", "oioubl")
    with issued.session() as session:
        invoices = session.execute(text("SELECT * FROM invoice ORDER BY sequence")).all()
        lines = session.execute(text("SELECT * FROM invoice_line ORDER BY invoice_id, position")).all()
        postings = session.execute(
            text("SELECT e.invoice_id, p.account, p.amount_ore FROM posting p JOIN ledger_entry e ON e.id = p.entry_id")
        ).all()

    assert len(invoices) == 9
    assert {line.kind for line in lines} == {"annual_fee", "joining_fee", "membership_dues", "rebate", "exemption"}
    for invoice in invoices:
        own = [line for line in lines if line.invoice_id == invoice.id]
        posted = Counter[str]()
        for posting in postings:
            if posting.invoice_id == invoice.id:
                posted[posting.account] += posting.amount_ore
        xml = etree.parse(folder / f"{invoice.number}.xml").getroot()
        danish_xml = etree.parse(other / f"{invoice.number}.xml").getroot()
        words = paper(folder / f"{invoice.number}.pdf")

        assert sum(posted.values()) == 0
        assert posted["6190"] == invoice.gross_ore == ore(xml, f"{CAC}LegalMonetaryTotal/{CBC}PayableAmount")
        assert -posted["7680"] == invoice.vat_ore == ore(xml, f"{CAC}TaxTotal/{CBC}TaxAmount")
        assert invoice.net_ore == ore(xml, f"{CAC}LegalMonetaryTotal/{CBC}TaxExclusiveAmount")
        assert -posted["XG-9212045210-00014"] == sum(x.net_ore for x in own if x.kind == "membership_dues")
        assert -posted["XG-9212045210-00017"] == sum(x.association_ore for x in own if x.product)
        for nets in (xml.iter(f"{CAC}InvoiceLine"), danish_xml.iter(f"{CAC}InvoiceLine")):
            assert [ore(x, f"{CBC}LineExtensionAmount") for x in nets] == [x.net_ore for x in own]
        assert ore(danish_xml, f"{CAC}LegalMonetaryTotal/{CBC}PayableAmount") == invoice.gross_ore
        assert ore(danish_xml, f"{CAC}LegalMonetaryTotal/{CBC}TaxExclusiveAmount") == invoice.vat_ore  # F-INV127
        assert danish_xml.findtext(f"{CBC}ID") == xml.findtext(f"{CBC}ID") == invoice.number
        assert xml.findtext(f"{CBC}IssueDate") == str(invoice.issued_on)
        assert xml.findtext(f"{CBC}DueDate") == str(invoice.due_on)
        for subtotal in xml.iter(f"{CAC}TaxSubtotal"):
            assert danish(ore(subtotal, f"{CBC}TaxableAmount")) in words
            vat = ore(subtotal, f"{CBC}TaxAmount")
            assert not vat or danish(vat) in words
        for amount in [invoice.net_ore, invoice.gross_ore, *(line.net_ore for line in own)]:
            assert danish(amount) in words
        assert invoice.number in words
        assert xml.findtext(f"{CAC}PaymentMeans/{CBC}PaymentID", "?").removeprefix("71#") in words


def test_the_ledger_holds_what_the_plan_promised_each_product_and_the_association(starter: CommandLine) -> None:
    """Promise 2: Σ lines = Σ product funds + association."""
    stories.everything(starter)
    plan = starter.json("billing", "plan", 2027)
    starter.issue(2027)

    with starter.session() as session:
        rows = session.execute(text("SELECT account, product, amount_ore FROM posting")).all()

    income = Counter[tuple[str | None, str]]()
    for row in rows:
        income[row.product, row.account.rpartition("-")[2]] -= int(row.amount_ore)
    for product, fees in plan["totals"]["by_product"].items():
        assert income[product, "00002"] == fees["annual_fee_ore"], product
        assert income[product, "00001"] == fees["joining_fee_ore"], product
    assert income[None, "00014"] == plan["totals"]["association"]["dues_ore"]
    assert income[None, "00017"] == plan["totals"]["association"]["contribution_ore"]
    assert income[None, "7680"] == plan["totals"]["vat_ore"]
    assert -income[None, "6190"] == plan["totals"]["gross_ore"]


def test_a_document_carries_the_billing_details_that_the_receiver_demands(issued: CommandLine) -> None:
    issued.done("billing", "export", 2027, issued.folder / "out", "--format", "peppol")

    words = paper(issued.folder / "out" / "2027-0002.pdf")
    xml = etree.parse(issued.folder / "out" / "2027-0002.xml").getroot()

    for detail in ("PO-77", "1234-5678", "Ø. Ægir <oe@example.dk>", "41849983", "64942212"):
        assert detail in words
    assert xml.findtext(f"{CBC}BuyerReference") == "Ø. Ægir <oe@example.dk>"
    assert xml.findtext(f"{CAC}OrderReference/{CBC}ID") == "PO-77"
    assert xml.findtext(f"{CBC}AccountingCost") == "1234-5678"


# --- export


def test_an_export_writes_pdf_and_xml_of_every_invoice_and_says_which_are_not_validated(issued: CommandLine) -> None:
    result = issued.done("billing", "export", 2027, issued.folder / "deep" / "out")

    names = [f"2027-{nth:04d}.{form}" for nth in range(1, 10) for form in ("pdf", "xml")]
    assert sorted(contents(issued.folder / "deep" / "out")) == names
    assert "Ikke validerede: alle 9" in result.err
    assert "9 fakturaer" in result.out


def test_an_export_twice_writes_the_same_bytes(issued: CommandLine) -> None:
    """Promise 8."""
    one, two = issued.folder / "one", issued.folder / "two"
    issued.done("billing", "export", 2027, one)

    issued.at("2029-03-01").done("billing", "export", 2027, two, "--format", "oioubl")
    issued.done("billing", "export", 2027, one)

    assert contents(one) == contents(two)


@pytest.mark.tampers
def test_documents_made_anew_from_what_is_stored_have_the_same_bytes(issued: CommandLine) -> None:
    """Promise 8: rendering has no clock and no chance in it."""
    one, two = issued.folder / "one", issued.folder / "two"
    issued.done("billing", "export", 2027, one)
    database.tamper(issued, "rendering", "DELETE FROM rendering")

    issued.at("2029-03-01").done("billing", "export", 2027, two)

    assert contents(one) == contents(two)


def test_a_later_address_leaves_the_issued_document_as_it_is(starter: CommandLine) -> None:
    """PV-091."""
    number = files.cvrs(1)[0]
    files.take_authorities(starter, files.authority(number))
    files.take_agreements(starter, files.agreement(number, "OS2kitos"))
    starter.issue(2027)
    starter.done("billing", "export", 2027, starter.folder / "before")

    files.take_authorities(starter, files.authority(number, address="Ny vej 99", name="Nyt navn"))
    starter.done("billing", "export", 2027, starter.folder / "after")

    assert contents(starter.folder / "before") == contents(starter.folder / "after")
    assert "Prøvevej 1" in paper(starter.folder / "after" / "2027-0001.pdf")
    assert starter.json("explain", "2027-0001")["authority"]["name"] == f"Styrelsen {number}"
    starter.done("verify")


def test_exporting_a_year_without_invoices_writes_none(starter: CommandLine) -> None:
    result = starter.done("billing", "export", 2027, starter.folder / "out")

    assert contents(starter.folder / "out") == {}
    assert "0 fakturaer" in result.out


def test_a_rehearsal_is_exported_apart_and_marked_on_paper_and_in_xml(starter: CommandLine) -> None:
    files.take_agreements(starter, files.agreement(files.starter()[0].cvr, "OS2kitos"))
    starter.done("billing", "issue", 2027, "--rehearsal")

    starter.done("billing", "export", 2027, starter.folder / "real")
    starter.done("billing", "export", 2027, starter.folder / "out", "--rehearsal")

    assert contents(starter.folder / "real") == {}
    assert sorted(contents(starter.folder / "out")) == ["R-2027-0001.pdf", "R-2027-0001.xml"]
    assert "PRØVEKØRSEL" in paper(starter.folder / "out" / "R-2027-0001.pdf")
    assert "PRØVEKØRSEL" in (starter.folder / "out" / "R-2027-0001.xml").read_text(encoding="utf-8")


def test_every_xml_passes_the_official_rules(kind: str, issued: CommandLine, rules_directory: Path) -> None:
    if kind == "postgresql":
        pytest.skip("the XML is the same bytes on both databases, and the rules take seconds to compile")
    ruled = issued.with_environ(OS2TILSLUT_RULES_DIR=str(rules_directory))

    for format_ in ("receiver", "oioubl", "peppol"):
        result = ruled.done("billing", "export", 2027, issued.folder / format_, "--format", format_)

        assert "9 XML består de officielle regler" in result.out
        assert "Ikke valideret" not in result.err
