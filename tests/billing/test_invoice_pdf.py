"""The invoice as people get it: all of it there, legible, and the same bytes for ever."""

import io
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pypdfium2
import pytest
from pypdf import PdfReader

from billing import document as documents_as_text
from billing import invoice_pdf
from billing.document import Credited, InvoiceDocument, PaymentWays, References
from foundation import letterhead
from foundation.errors import NotNow
from foundation.language import LANGUAGES, Language, Text, amount, same
from foundation.money import ZERO, Money, kroner
from tests.billing import documents

HOUSE = Path(__file__).resolve().parents[2]
RENDER_ONE = """
import sys
from reportlab.pdfbase import pdfmetrics, ttfonts
from billing import document, invoice_pdf
from foundation import letterhead
for file in sorted(letterhead.FONTS.glob("*.ttf")):
    pdfmetrics.registerFont(ttfonts.TTFont(file.stem, str(file)))
sys.stdout.buffer.write(invoice_pdf.render(document.from_json(sys.stdin.read())))
"""


def credit_note() -> InvoiceDocument:
    """The exempt and the taxed lines of an invoice taken back."""
    reason = "Aftalen om OS2kitos var opsagt i tide; linjerne tages tilbage efter henvendelse fra økonomiafdelingen."
    return replace(
        documents.mixed(),
        number="K-2027-0001",
        kind="credit_note",
        credited=Credited("2027-0417", date(2027, 1, 11), reason),
    )


SAMPLES: dict[str, Callable[[], InvoiceDocument]] = {
    "one line": documents.invoice,
    "typical": documents.typical,
    "sixty lines": documents.many,
    "long names": documents.long_names,
    "exempt dues beside taxed fees": documents.mixed,
    "seller not registered for VAT": documents.unregistered,
    "credit note": credit_note,
}


def reader(document: InvoiceDocument, language: Language = "da") -> PdfReader:
    return PdfReader(io.BytesIO(invoice_pdf.render(document, language)))


def pages(document: InvoiceDocument, language: Language = "da") -> list[str]:
    """The words of each page, in the order they were written, with single spaces between."""
    return [" ".join(page.extract_text().split()) for page in reader(document, language).pages]


def words(document: InvoiceDocument, language: Language = "da") -> str:
    return " ".join(pages(document, language))


# --- the same bytes --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("sample", SAMPLES)
def test_the_same_document_gives_the_same_bytes_whatever_was_rendered_between(sample: str, language: Language) -> None:
    document = SAMPLES[sample]()
    first = invoice_pdf.render(document, language)

    for other in SAMPLES.values():
        invoice_pdf.render(other())
    invoice_pdf.render(documents.invoice([documents.line(text=same("Őřčňŵÿ Ǿ Ệ Ω"))]))

    assert invoice_pdf.render(document, language) == first


@pytest.mark.parametrize("sample", ["typical", "long names"])
def test_another_process_at_another_place_and_time_gives_the_same_bytes(sample: str, tmp_path: Path) -> None:
    document = SAMPLES[sample]()
    invoice_pdf.render(documents.many())
    elsewhere = {
        **os.environ,
        "PYTHONHASHSEED": "4711",
        "TZ": "Pacific/Auckland",
        "SOURCE_DATE_EPOCH": "1234567890",
        "LC_ALL": "C",
        "RL_useA85": "1",
        "PYTHONPATH": str(HOUSE),
    }

    there = subprocess.run(
        [sys.executable, "-c", RENDER_ONE],
        input=documents_as_text.to_json(document).encode(),
        stdout=subprocess.PIPE,
        env=elsewhere,
        cwd=tmp_path,
        check=True,
    )

    assert there.stdout == invoice_pdf.render(document)


def test_documents_rendered_at_the_same_time_do_not_mix() -> None:
    ordered = [replace(make(), number=f"2027-{at:04d}") for at, make in enumerate(list(SAMPLES.values()) * 4, start=1)]
    one_by_one = [invoice_pdf.render(document) for document in ordered]

    with ThreadPoolExecutor(max_workers=8) as workers:
        at_once = list(workers.map(invoice_pdf.render, ordered))

    assert at_once == one_by_one


# --- what it says ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("sample", SAMPLES)
def test_every_line_and_every_amount_can_be_read(sample: str) -> None:
    document = SAMPLES[sample]()
    amounts = [line.net for line in document.lines] + [row.vat for row in document.vat_totals if row.vat]

    read = words(document)

    for line in document.lines:
        assert line.text.da in read
        assert line.why.da in read
        assert f"Forklaring {document.number}/{line.position}" in read
    for value in [*amounts, document.net, document.gross]:
        assert amount(value, "da") in read


def test_a_finance_office_finds_what_it_looks_for() -> None:
    read = words(documents.invoice())

    for expected in [
        "FAKTURA",
        "Fakturanummer 2027-0001",
        "Fakturadato 15. januar 2027",
        "Forfaldsdato 14. februar 2027",
        "EAN-/GLN-nummer 2996494221206",
        "Personreference Økonomi og udbetaling",
        "Ordre-/rekvisitionsnr. REQ-2027-00417",
        "Kontostreng 1.06.45.51.1.4210",
        "OS2 – Offentligt digitaliseringsfællesskab Hack Kampmanns Plads 2 8000 Aarhus C",
        "CVR 41849983 · GLN 5790002750595",
        "Københavns Kommune Rådhuspladsen 1 1550 København V CVR 64942212",
        "01.01.2027–31.12.2027 1 25 % 34.880,00",
        "I alt uden moms 34.880,00 Moms 25 % af 34.880,00 8.720,00 At betale DKK 43.600,00",
        "os2tilslut explain 2027-0001",
        "Side 1 af 1",
    ]:
        assert expected in read


def test_each_way_to_pay_stands_in_the_payment_box() -> None:
    read = words(documents.invoice())

    assert "Betales senest 14. februar 2027" in read
    assert "+71<000000020211041+80000000<" in read
    assert "Reg.- og kontonummer 0000 – 0000000000" in read
    assert "IBAN DK50 0040 0440 1162 43" in read
    assert "Betalingsreference 2027-0001" in read


def test_ways_to_pay_that_are_not_offered_are_left_out() -> None:
    only_account = PaymentWays("", "", "1234", "0012345678", "")

    read = words(documents.invoice(payment=only_account))

    assert "1234 – 0012345678" in read
    assert "IBAN" not in read
    assert "FIK" not in read


def test_where_nothing_is_due_nothing_is_asked_for() -> None:
    waived = [
        documents.line(1, kind="joining_fee"),
        documents.line(2, kind="exemption", net=-documents.ANNUAL_FEE),
    ]
    document = documents.invoice(waived)

    read = words(document)

    assert document.gross == ZERO
    assert "Der er intet at betale." in read
    assert "-34.880,00" in read
    assert "+71" not in read


def test_exempt_lines_are_shown_and_summed_apart_with_the_reason() -> None:
    read = words(documents.mixed())

    assert "Momsfri 25.887,00" in read
    assert f"Momspligtigt beløb, 25 % 64.880,00 Momsfrit beløb 25.887,00 {documents.EXEMPTION}" in read
    assert "I alt uden moms 90.767,00 Moms 25 % af 64.880,00 16.220,00 At betale DKK 106.987,00" in read


def test_a_seller_who_is_not_registered_says_that_no_vat_is_charged() -> None:
    read = words(documents.unregistered())

    assert "Der opkræves ikke moms: sælger er ikke momsregistreret." in read
    assert "VATEX-EU-O" in read
    assert "25 %" not in read


def test_an_invoice_to_a_cvr_number_says_so_and_leaves_out_what_was_not_given() -> None:
    buyer = replace(documents.BUYER, address="", postcode="", city="", gln="")

    read = words(documents.invoice(buyer=buyer, references=References("cvr", "", "", "", "")))

    assert "Sendes til CVR-nr. 64942212" in read
    assert "Københavns Kommune CVR 64942212" in read
    for label in ("EAN", "Personreference", "rekvisition", "Kontostreng"):
        assert label not in read


@pytest.mark.parametrize("count", [1, 60])
def test_notices_stand_on_top_of_every_page(count: int) -> None:
    document = replace(documents.many(count), notices=(documents.DEMONSTRATION, documents.REHEARSAL))

    read = pages(document)

    for page in read:
        assert page.startswith(f"{documents.DEMONSTRATION.da} {documents.REHEARSAL.da}")


def test_an_english_invoice_is_english() -> None:
    document = replace(documents.typical(), notices=(documents.DEMONSTRATION,))

    read = words(document, "en")

    for expected in [
        documents.DEMONSTRATION.en,
        "INVOICE",
        "Invoice date 15 January 2027",
        "Due date 14 February 2027",
        "Account string",
        "Membership dues of OS2 2027",
        "1 Jan 2027–31 Dec 2027 1 25% 25,887.00",
        "Explanation 2027-0001/1",
        "To be paid by 14 February 2027",
        "Page 1 of 2",
    ]:
        assert expected in read
    for danish in ("Faktura", "Moms", "Betal", "Forklaring", "Side "):
        assert danish not in read


@pytest.mark.parametrize(
    ("given", "printed"),
    [
        ("Łódź, Győr, Þórshöfn, Ŧána, Đặng", "Łódź, Győr, Þórshöfn, Ŧána, Đặng"),
        ("cafe\u0301", "café"),
        ("ƀ Ḃ ɏ", "b B y"),
        ("blød\u00adt\u200b", "blødt"),
        ("to\nlinjer\tog\u2011mere", "to linjer og-mere"),
        ("漢", "?"),
    ],
)
def test_a_letter_the_typeface_lacks_is_printed_as_the_nearest(given: str, printed: str) -> None:
    document = documents.invoice([documents.line(text=same(f"({given})"))])

    read = words(document)

    assert f"({printed})" in read


def test_whatever_character_comes_something_legible_is_printed() -> None:
    everything = "".join(map(chr, range(0x3000)))

    printed = letterhead.printable(everything)

    assert letterhead.width(printed, letterhead.BODY) > 0
    assert letterhead.printable(printed) == printed
    assert "\n" not in printed


def test_a_credit_note_names_the_invoice_and_the_reason_and_asks_for_no_money() -> None:
    document = credit_note()

    read = words(document)

    assert document.credited is not None
    for expected in [
        "KREDITNOTA K-2027-0001",
        "Kreditnota til Københavns Kommune",
        "Kreditnotanr. K-2027-0001 Kreditnotadato 15. januar 2027 Krediterer faktura 2027-0417",
        "Fakturaens dato 11. januar 2027",
        "Krediteret i alt DKK 106.987,00",
        "Krediterer faktura 2027-0417 af 11. januar 2027 Begrundelse " + document.credited.reason,
        "Betaling Intet skal betales.",
        "Kreditnota K-2027-0001 · CVR 41849983",
    ]:
        assert expected in read
    for of_an_invoice in ("+71", "IBAN", "Betales senest", "Forfaldsdato", "At betale", "Fakturanummer", "-34.880"):
        assert of_an_invoice not in read


def test_an_english_credit_note_is_english() -> None:
    read = words(credit_note(), "en")

    for expected in [
        "CREDIT NOTE K-2027-0001",
        "Credit note to",
        "Credits invoice 2027-0417",
        "Credits invoice 2027-0417 of 11 January 2027 Reason",
        "Credited in all DKK 106,987.00",
    ]:
        assert expected in read
    assert "redite" not in read.replace("Credited in all", "")
    assert "reditnota" not in read


def test_a_credit_note_reads_back_from_its_text() -> None:
    document = credit_note()

    stored = documents_as_text.from_json(documents_as_text.to_json(document))

    assert invoice_pdf.render(stored) == invoice_pdf.render(document)


# --- how it flows ----------------------------------------------------------------------------------------------------


def test_sixty_lines_flow_over_numbered_pages_with_repeated_heads() -> None:
    document = documents.many(60)

    read = pages(document)

    assert len(read) == 4
    for number, page in enumerate(read, start=1):
        assert "Nr. Beskrivelse Periode Antal Moms Beløb uden moms" in page
        assert f"Side {number} af 4" in page
        assert ("Faktura 2027-0001, fortsat Københavns Kommune" in page) == (number > 1)


@pytest.mark.parametrize("count", range(1, 45))
def test_sums_and_payment_stay_in_one_piece_with_lines_above_them(count: int) -> None:
    document = documents.many(count)

    read = pages(document)

    assert sum(page.count("Forklaring 2027") for page in read) == count
    assert all("Forklaring 2027" in page for page in read)
    for part in ("I alt uden moms", "At betale", "Betales senest", "Betalingsreference", "explain"):
        assert part in read[-1]


def test_long_names_and_references_are_printed_in_full() -> None:
    document = documents.long_names()

    read = words(document)
    unbroken = read.replace(" ", "")

    assert read.count(documents.LONG_NAME) == 4
    for reference in (document.references.person_reference, document.references.order_reference):
        assert reference in unbroken
    assert document.references.accounting_cost.strip() in read


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("sample", SAMPLES)
def test_no_text_covers_another_or_leaves_the_page(sample: str, language: Language) -> None:
    huge = documents.line(99, net=Money(-99_999_999_999_999))
    document = SAMPLES[sample]()
    document = replace(document, lines=(*document.lines, huge), gross=kroner(9_999_999_999_999))

    for boxes in text_boxes(invoice_pdf.render(document, language)):
        for at, box in enumerate(boxes):
            left, bottom, right, top = box
            assert letterhead.LEFT - 1 < left < right < letterhead.RIGHT + 1
            assert 30 < bottom < top < letterhead.PAGE_HEIGHT - 30
            assert not [other for other in boxes[:at] if overlap(box, other)]


TextBox = tuple[float, float, float, float]


def text_boxes(rendered: bytes) -> Iterator[list[TextBox]]:
    pdf = pypdfium2.PdfDocument(rendered)
    for page in pdf:
        text = page.get_textpage()
        yield [text.get_rect(at) for at in range(text.count_rects())]
        text.close()
        page.close()
    pdf.close()


def overlap(one: TextBox, other: TextBox, tolerance: float = 0.5) -> bool:
    across = min(one[2], other[2]) - max(one[0], other[0])
    down = min(one[3], other[3]) - max(one[1], other[1])
    return across > tolerance and down > tolerance


# --- the file --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("sample", SAMPLES)
def test_every_typeface_is_embedded_as_a_subset(sample: str) -> None:
    fonts: dict[str, Any] = {}

    for page in reader(SAMPLES[sample]()).pages:
        listed: Any = page["/Resources"]
        fonts |= {name: font.get_object() for name, font in listed["/Font"].items()}

    assert len(fonts) == 2
    for font in fonts.values():
        assert "+IBMPlexSans" in font["/BaseFont"]
        assert font["/FontDescriptor"]["/FontFile2"].get_object().get_data()
        assert font["/ToUnicode"].get_object().get_data()


def test_the_file_says_what_it_is() -> None:
    file = reader(documents.invoice())

    assert file.metadata is not None
    assert file.metadata.title == "Faktura 2027-0001"
    assert file.metadata.author == documents.SELLER.name
    assert file.metadata.subject == "Faktureringsår 2027: Københavns Kommune"
    assert file.metadata.creator == "os2tilslut"
    assert file.metadata.creation_date is not None
    assert file.metadata.creation_date.date() == documents.invoice().issued_on
    assert str(file.root_object["/Lang"]) == "da-DK"


def test_pages_are_a4_and_compressed() -> None:
    file = reader(documents.typical())

    for page in file.pages:
        contents: Any = page["/Contents"]
        assert (round(page.mediabox.width), round(page.mediabox.height)) == (595, 842)
        assert contents.get_object()["/Filter"] == "/FlateDecode"


def test_without_typefaces_it_says_what_to_run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(letterhead, "FONTS", tmp_path)

    with pytest.raises(NotNow) as refused:
        invoice_pdf.render(documents.invoice())

    assert "make setup" in refused.value.text.da
    assert "make setup" in refused.value.text.en
    assert str(tmp_path) in refused.value.text.da


def test_notices_may_be_as_long_as_they_must() -> None:
    notice = Text("Prøve. " * 60, "Rehearsal. " * 60)

    read = words(documents.invoice(notices=(notice,)))

    assert read.count("Prøve.") == 60
