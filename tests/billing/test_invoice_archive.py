"""The invoice for the archive and for who cannot see it: structure, standards, typefaces, attachments, size."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import pikepdf
import pytest
from pdfua import validate
from pypdf import PdfReader
from reportlab.pdfbase.ttfonts import TTFontFile

from billing import invoice_pdf
from billing.document import InvoiceDocument
from billing.einvoice import peppol
from foundation.language import LANGUAGES, Language, amount, same
from tests import pdf_structure
from tests.billing import documents
from tests.billing.test_invoice_pdf import SAMPLES, credit_note
from tests.pdf_structure import Node

_FAR = "Łódź, Győr, Ŵrexham, Đặng, Ṽỹ, ™ ‚′″‘ ƒ Ǿ " * 4  # letters beyond those every document carries
EVERY: dict[str, Callable[[], InvoiceDocument]] = {
    **SAMPLES,
    "letters from afar": lambda: documents.invoice([documents.line(text=same(_FAR), why=same(_FAR))]),
    "notices": lambda: replace(documents.many(40), notices=(documents.DEMONSTRATION, documents.REHEARSAL)),
    "nothing to pay": lambda: documents.invoice(
        [documents.line(1, kind="joining_fee"), documents.line(2, kind="exemption", net=-documents.ANNUAL_FEE)]
    ),
}
every_sample = pytest.mark.parametrize("sample", EVERY)


def opened(document: InvoiceDocument, language: Language = "da", xml: bytes | None = None) -> pikepdf.Pdf:
    return pdf_structure.opened(invoice_pdf.render(document, language, xml))


def structure(document: InvoiceDocument, language: Language = "da") -> Node:
    return pdf_structure.tree(opened(document, language))


def cells(row: Node) -> list[str]:
    return [cell.read() for cell in row.kids]


# --- structure -------------------------------------------------------------------------------------------------------


@every_sample
@pytest.mark.parametrize("language", LANGUAGES)
def test_pdfua_finds_nothing_and_looks_at_everything_it_can(sample: str, language: Language, tmp_path: Path) -> None:
    file = tmp_path / "invoice.pdf"
    file.write_bytes(invoice_pdf.render(EVERY[sample](), language, b"<Invoice/>"))

    found = validate(str(file))

    assert found.findings == ()
    assert found.skipped == ()


@every_sample
@pytest.mark.parametrize("language", LANGUAGES)
def test_the_table_of_lines_says_what_the_document_says(sample: str, language: Language) -> None:
    document = EVERY[sample]()

    lines, *_ = structure(document, language).all("Table")

    head, *rows = lines.all("TR")
    assert [cell.role for cell in head.kids] == ["TH"] * 6
    assert {str(cell.attributes["/Scope"]) for cell in head.kids} == {"/Column"}
    assert len(rows) == len(document.lines)
    for row, line in zip(rows, document.lines, strict=True):
        number, description, _, quantity, _, net = cells(row)
        assert [cell.role for cell in row.kids] == ["TD"] * 6
        assert (number, quantity, net) == (str(line.position), "1", amount(line.net, language))
        if sample != "letters from afar":  # printed with the nearest letters
            pointer = f"{'Forklaring' if language == 'da' else 'Explanation'} {document.number}/{line.position}"
            assert description == f"{line.text[language]} {line.why[language]} {pointer}"


@every_sample
def test_the_sums_are_a_table_headed_by_rows(sample: str) -> None:
    document = EVERY[sample]()

    _, sums = structure(document).all("Table")

    pairs = [cells(row) for row in sums.all("TR") if len(row.kids) == 2]
    assert ["I alt uden moms", amount(document.net, "da")] in pairs
    assert pairs[-1] == [
        "Krediteret i alt" if document.credited else "At betale",
        f"DKK {amount(document.gross, 'da')}",
    ]
    for row in sums.all("TR"):
        if len(row.kids) == 2:
            assert [cell.role for cell in row.kids] == ["TH", "TD"]
            assert str(row.kids[0].attributes["/Scope"]) == "/Row"
        else:
            assert int(row.kids[0].attributes["/ColSpan"]) == 2


@every_sample
def test_headings_begin_at_the_first_level_and_skip_none(sample: str) -> None:
    document = EVERY[sample]()

    headings = [node for node in structure(document).walk() if node.role in {"H1", "H2", "H3"}]

    kind = "KREDITNOTA" if document.credited else "FAKTURA"
    assert (headings[0].role, headings[0].words) == ("H1", f"{kind} {document.number}")
    assert {node.role for node in headings[1:]} == {"H2"}


@every_sample
def test_labels_and_values_are_lists_and_nothing_is_empty(sample: str) -> None:
    read = structure(EVERY[sample]())

    for item in read.all("LI"):
        assert [kid.role for kid in item.kids] == ["Lbl", "LBody"]
        assert all(kid.words for kid in item.kids)
    for node in read.walk():
        assert node.read() or node.role == "TD"


@every_sample
def test_what_is_read_in_order_is_what_is_painted_in_order(sample: str) -> None:
    pdf = opened(EVERY[sample]())

    painted = [stroke.words for stroke in pdf_structure.strokes(pdf) if stroke.mark is not None and stroke.words]

    assert pdf_structure.tree(pdf).read() == " ".join(painted)


@every_sample
def test_a_plain_extraction_reads_in_the_order_of_the_structure(sample: str) -> None:
    rendered = invoice_pdf.render(EVERY[sample]())
    read = pdf_structure.tree(pdf_structure.opened(rendered)).read().split()

    extracted = " ".join(page.extract_text() for page in PdfReader(io.BytesIO(rendered)).pages).split()

    # Heads and feet of pages are painted and not read, so what is read is found between them, in its order.
    rest = iter(extracted)
    missing = [word for word in read if word not in rest]
    assert missing == []


@every_sample
def test_running_heads_and_feet_are_not_read_twice(sample: str) -> None:
    document = EVERY[sample]()
    pdf = opened(document)

    read = pdf_structure.tree(pdf).read()

    assert read.count("Beskrivelse") == 1
    assert "fortsat" not in read
    assert "Side 1 af" not in read
    assert all(read.count(notice.da) == 1 for notice in document.notices)
    assert len([stroke for stroke in pdf_structure.strokes(pdf) if stroke.words.startswith("Side ")]) == len(pdf.pages)


# --- the archive -----------------------------------------------------------------------------------------------------


@every_sample
def test_nothing_in_it_acts_hides_refers_or_is_seen_through(sample: str) -> None:
    pdf = opened(EVERY[sample](), xml=b"<Invoice/>")

    assert not pdf.is_encrypted
    forbidden = {
        "/JavaScript", "/JS", "/Launch", "/URI", "/SubmitForm", "/GoToR", "/Movie", "/Sound", "/RichMedia", "/AA",
        "/OpenAction", "/AcroForm", "/XFA", "/OCProperties", "/SMask", "/ca", "/CA", "/BM", "/Group", "/ExtGState",
        "/Annots", "/XObject", "/LZWDecode", "/Crypt", "/FFilter", "/Encrypt",
    }  # fmt: skip
    assert not forbidden & set(names(pdf))


def names(pdf: pikepdf.Pdf) -> list[str]:
    """Every name in the file, as key or value."""
    found: list[str] = []
    for thing in pdf.objects:
        waiting = [thing]
        while waiting:
            each = waiting.pop()
            if isinstance(each, (pikepdf.Dictionary, pikepdf.Stream)):
                found += each.keys()
                waiting += [value for _, value in each.items() if not _is_indirect(value)]
            elif isinstance(each, pikepdf.Array):
                waiting += [value for value in each if not _is_indirect(value)]
            elif isinstance(each, pikepdf.Name):
                found.append(str(each))
    return found


def _is_indirect(value: Any) -> bool:
    return isinstance(value, pikepdf.Object) and value.is_indirect


@every_sample
def test_every_letter_has_its_shape_width_and_meaning_in_the_file(sample: str) -> None:
    pdf = opened(EVERY[sample]())

    fonts = {name: font for page in pdf.pages for name, font in page.Resources.Font.items()}
    used = codes_by_font(pdf)

    assert set(used) <= set(fonts)
    for name, codes in used.items():
        font = fonts[name]
        face = TTFontFile(io.BytesIO(font.FontDescriptor.FontFile2.read_bytes()), validate=0, charInfo=0)
        meanings = pdf_structure.meanings(font)
        assert "/Encoding" not in font  # a symbolic typeface has its own
        assert int(font.FontDescriptor.Flags) & 4
        assert set(codes) <= set(meanings)
        assert not {0, 0xFEFF, 0xFFFE} & set(meanings.values())
        for code in codes:
            assert abs(int(font.Widths[code]) - width_of(face, code)) <= 1


def codes_by_font(pdf: pikepdf.Pdf) -> dict[str, set[int]]:
    found: dict[str, set[int]] = {}
    for page in pdf.pages:
        font = ""
        for operands, operator in pdf_structure.operations(page):
            if str(operator) == "Tf":
                font = str(operands[0])
            elif str(operator) == "Tj":
                found.setdefault(font, set()).update(bytes(operands[0]))
    return found


def width_of(face: Any, code: int) -> Fraction:
    """The width of a code's glyph, by the tables of the embedded typeface itself; it must have a glyph."""
    glyph = cmap(face)[code]
    assert glyph
    face.seek_table("head", 18)
    per_em = face.read_ushort()
    face.seek_table("hhea", 34)
    metrics = face.read_ushort()
    face.seek_table("hmtx", 4 * min(glyph, metrics - 1))
    return Fraction(face.read_ushort() * 1000, per_em)


def cmap(face: Any) -> list[int]:
    """The one table that leads from codes to glyphs: for a Macintosh, in one of the two plain forms."""
    start = face.seek_table("cmap", 2)
    assert face.read_ushort() == 1
    assert (face.read_ushort(), face.read_ushort()) == (1, 0)
    offset = face.read_ulong()
    start = face.seek_table("cmap", offset)
    assert start
    format_, _, _ = face.read_ushort(), face.read_ushort(), face.read_ushort()
    if format_ == 0:
        return [face.read_uint8() for _ in range(256)]
    assert format_ == 6
    first, count = face.read_ushort(), face.read_ushort()
    return [0] * first + [face.read_ushort() for _ in range(count)]


# --- attachments and size --------------------------------------------------------------------------------------------


def test_the_xml_is_inside_and_comes_out_as_it_went_in() -> None:
    document = documents.typical()
    xml = peppol.render(document)

    pdf = opened(document, xml=xml)

    (file,) = pdf.Root.AF
    assert str(file.UF) == "2027-0001.xml"
    assert file.AFRelationship == "/Alternative"
    assert file.EF.F.Subtype == "/text/xml"
    assert file.EF.F.read_bytes() == xml
    assert str(file.Desc) == "Den elektroniske udgave af Faktura 2027-0001"


def test_a_credit_note_carries_its_xml_under_its_own_number() -> None:
    pdf = opened(credit_note(), "en", xml=b"<CreditNote/>")

    (file,) = pdf.Root.AF
    assert str(file.UF) == "K-2027-0001.xml"
    assert str(file.Desc) == "The electronic form of Credit note K-2027-0001"


@pytest.mark.parametrize("sample", ["typical", "sixty lines", "long names"])
def test_with_its_xml_inside_it_is_the_same_bytes_again(sample: str) -> None:
    document = EVERY[sample]()

    first = invoice_pdf.render(document, "da", b"<Invoice/>")

    assert invoice_pdf.render(document, "da", b"<Invoice/>") == first
    assert invoice_pdf.render(document, "da", b"<Other/>") != first


@pytest.mark.parametrize(
    ("sample", "kilobytes", "sent"), [("one line", 40, 60), ("typical", 45, 85), ("sixty lines", 60, 180)]
)
def test_documents_stay_small_inside_and_outside(sample: str, kilobytes: int, sent: int) -> None:
    document = EVERY[sample]()
    bare = peppol.render(document)

    rendered = invoice_pdf.render(document, attached_xml=bare)

    assert len(rendered) <= kilobytes * 1000
    assert len(bare) + len(base64.b64encode(rendered)) <= sent * 1000
