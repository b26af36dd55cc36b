"""The agreement on paper: all of it there, on every page which one it is, and the same bytes for ever."""

from __future__ import annotations

import io
import itertools
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pypdfium2
import pytest
from pdfua import validate
from pypdf import PdfReader

from agreements import document_pdf
from agreements.clauses import Clause, Section
from agreements.document import AgreementDocument, Billing, Grants, Signatory, Subject, from_canonical
from foundation import archive, letterhead
from foundation.audit import sha256
from foundation.language import LANGUAGES, Language, Text, amount, same
from foundation.money import Money
from tests import pdf_structure
from tests.agreements.documents import agreement, annex, composed
from tests.pdf_structure import Node

HOUSE = Path(__file__).resolve().parents[2]
RENDER_ONE = """
import sys
from agreements import document, document_pdf
sys.stdout.buffer.write(document_pdf.render(document.from_canonical(sys.stdin.read())))
"""
_LONG = "Myndigheden og foreningen er enige om, at dette er en ganske lang bestemmelse med mange ord. " * 25


def many_pages() -> AgreementDocument:
    sections = tuple(
        Section(
            Text(f"Afsnit {at}", f"Section {at}"),
            tuple(Clause(f"c-{at}-{nth}", Text(f"{at}.{nth}: {_LONG}", _LONG)) for nth in range(3)),
        )
        for at in range(12)
    )
    return agreement(sections=sections, in_order=False)


def many_signatories() -> AgreementDocument:
    people = tuple(
        Signatory(at, f"En Underskriver nummer {at}", "Direktør", f"underskriver{at}@kommune.example")
        for at in range(1, 15)
    )
    return composed(signatories=people)


def passive() -> AgreementDocument:
    annual, _, joining = annex().lines
    later = annex(lines=(annual,), total_ore=annual.amount_ore, later=(joining,), notes=(same("En bemærkning"),))
    return composed(kind="passive", annex=later, grants=Grants(100_000, "Medfinansierer"))


def long_names() -> AgreementDocument:
    party = agreement().authority
    endless = "Interkommunaltfællesskabforoffentligdigitaliseringogdatadeling " * 3
    return composed(
        authority=replace(party, name=endless[:195].strip(), address=endless[:120]),
        subject=Subject("OS2" + "valghalla" * 8, same(endless[:180])),
        billing=Billing("cvr", person_reference=endless[:90], accounting_cost="4711-" * 18, format="peppol"),
    )


SAMPLES: dict[str, Callable[[], AgreementDocument]] = {
    "one clause": agreement,
    "connection": composed,
    "membership": lambda: composed("membership", subject=Subject("", same(""))),
    "passive": passive,
    "many pages": many_pages,
    "many signatories": many_signatories,
    "long names": long_names,
    "demonstration": lambda: agreement(notices=(Text("Opdigtet til demonstration", "Made up"),), draft=None),
}
every_sample = pytest.mark.parametrize("sample", SAMPLES)


def reader(document: AgreementDocument, language: Language = "da") -> PdfReader:
    return PdfReader(io.BytesIO(document_pdf.render(document, language)))


def pages(document: AgreementDocument, language: Language = "da") -> list[str]:
    return [" ".join(page.extract_text().split()) for page in reader(document, language).pages]


def structure(document: AgreementDocument, language: Language = "da") -> Node:
    return pdf_structure.tree(pdf_structure.opened(document_pdf.render(document, language)))


def flat(words: str) -> str:
    return "".join(words.split())


# --- the same bytes --------------------------------------------------------------------------------------------------


@every_sample
def test_the_same_document_gives_the_same_bytes_whatever_was_rendered_between(sample: str) -> None:
    document = SAMPLES[sample]()
    first = document_pdf.render(document)

    document_pdf.render(agreement(title=same("Őřčňŵÿ Ǿ Ệ Ω")))
    document_pdf.render(document, "en")

    assert document_pdf.render(from_canonical(document.canonical())) == first


def test_another_process_at_another_place_and_time_gives_the_same_bytes(tmp_path: Path) -> None:
    document = composed()
    elsewhere = {**os.environ, "PYTHONHASHSEED": "4711", "TZ": "Pacific/Auckland", "SOURCE_DATE_EPOCH": "1234567890",
                 "LC_ALL": "C", "PYTHONPATH": str(HOUSE)}  # fmt: skip

    there = subprocess.run(
        [sys.executable, "-c", RENDER_ONE], input=document.canonical().encode(), stdout=subprocess.PIPE, env=elsewhere,
        cwd=tmp_path, check=True,
    )  # fmt: skip

    assert there.stdout == document_pdf.render(document)


# --- what it says ----------------------------------------------------------------------------------------------------


@every_sample
@pytest.mark.parametrize("language", LANGUAGES)
def test_every_page_says_which_agreement_it_is_of_and_its_digest(sample: str, language: Language) -> None:
    document = SAMPLES[sample]()

    read = pages(document, language)

    for number, page in enumerate(read, start=1):
        assert f"{document.reference} · version {document.version}" in page
        assert f"SHA-256 {document.digest()}" in page
        assert f"{number} {'af' if language == 'da' else 'of'} {len(read)}" in page
        for notice in (*document.notices, *([document.draft] if document.draft else [])):
            assert notice[language] in page


@every_sample
@pytest.mark.parametrize("language", LANGUAGES)
def test_every_clause_and_every_amount_can_be_read(sample: str, language: Language) -> None:
    document = SAMPLES[sample]()

    read = flat(structure(document, language).read())

    for number, section in enumerate(document.sections, start=1):
        assert flat(f"{number}. {section.heading[language]}") in read
        for nth, clause in enumerate(section.clauses, start=1):
            assert flat(f"{number}.{nth} {clause.text[language]}") in read
    assert flat(document.personal_data[language]) in read
    fees = document.annex
    for ore in (fees.total_ore, *(line.amount_ore for line in (*fees.lines, *fees.later))):
        assert amount(Money(ore), language) in read
    for line in fees.lines:
        assert flat(line.text[language]) in read
        assert all(flat(sentence[language]) in read for sentence in line.told)
    for sheet in fees.sheets:
        assert sheet.digest in read


@every_sample
def test_the_last_page_names_who_is_to_sign(sample: str) -> None:
    document = SAMPLES[sample]()

    read = flat(structure(document).read())
    read = read[read.rindex("Underskrifterne") :]

    assert document.digest() in read
    for one in document.signatories:
        assert flat(f"Navn {one.name} Titel {one.title} Mail {one.mail}") in read
    assert flat(f"CVR {document.association.cvr}") in read
    assert flat(document.countersignatory.title) in read
    assert (flat("i den rækkefølge, de står her") in read) == document.in_order


def test_the_billing_details_and_the_terms_can_be_found() -> None:
    read = flat(structure(composed()).read())

    for expected in (
        "EAN-/GLN-nummer 2995513301806", "Personreference Digitalisering", "Format OIOUBL 2.1",
        "I kraft fra 1. januar 2027", "Opsigelse 6 måneders varsel til udgangen af et kalenderår",
        "Myndigheden er meget stor: 378.415 indbyggere 1. januar 2026", "regnes som medlem af OS2 i 2027",
    ):  # fmt: skip
        assert flat(expected) in read


def test_a_passive_connection_says_what_falls_due_later() -> None:
    read = structure(passive()).read()

    assert "Når tilslutningen bliver aktiv" in read
    assert "350.000,00" in read
    assert "En bemærkning." in read


def test_the_english_paper_says_that_it_is_a_help() -> None:
    assert "the Danish text is what is signed" in pages(composed(), "en")[0]
    assert "the Danish text is what is signed" not in pages(composed())[0]


# --- what it carries -------------------------------------------------------------------------------------------------


def test_the_canonical_text_is_attached_and_its_digest_is_the_one_on_the_foot() -> None:
    document = composed()
    evidence = archive.Attachment("evidence.json", b"{}", "application/json", "Evidence", "Supplement")

    attached = PdfReader(io.BytesIO(document_pdf.render(document, attachments=[evidence]))).attachments

    assert [*attached] == ["A-2026-00001-v1.json", "evidence.json"]
    (content,) = attached["A-2026-00001-v1.json"]
    assert sha256(content) == document.digest()
    assert from_canonical(content.decode()) == document


# --- for who cannot see it -------------------------------------------------------------------------------------------


@every_sample
def test_pdfua_finds_nothing_and_looks_at_everything_it_can(sample: str, tmp_path: Path) -> None:
    file = tmp_path / "agreement.pdf"
    file.write_bytes(document_pdf.render(SAMPLES[sample]()))

    found = validate(str(file))

    assert (found.findings, found.skipped) == ((), ())


@every_sample
def test_headings_begin_at_the_first_level_and_skip_none(sample: str) -> None:
    document = SAMPLES[sample]()

    headings = [node for node in structure(document).walk() if node.role in {"H1", "H2", "H3"}]

    assert headings[0].role == "H1"
    assert flat(headings[0].words) == flat(f"{document.title.da} {document.reference}")
    assert {node.role for node in headings[1:]} == {"H2", "H3"}
    assert headings[1].role == "H2"


@every_sample
def test_a_clause_is_one_paragraph_also_over_two_pages(sample: str) -> None:
    document = SAMPLES[sample]()

    paragraphs = [flat(node.words) for node in structure(document).all("P")]

    for number, section in enumerate(document.sections, start=1):
        for nth, clause in enumerate(section.clauses, start=1):
            assert flat(f"{number}.{nth} {clause.text.da}") in paragraphs


@every_sample
def test_tables_have_a_head_for_every_column_and_row(sample: str) -> None:
    fees, *sheets = structure(SAMPLES[sample]()).all("Table")

    head, *rows = fees.all("TR")
    assert [cell.role for cell in head.kids] == ["TH", "TH"]
    assert {len(row.kids) for row in rows} == {2}
    for sheet in (each for each in sheets if len(each.all("TR")[0].kids) == 3):
        assert [[cell.role for cell in row.kids] for row in sheet.all("TR")[1:]] == [["TH", "TD", "TD"]] * 4


Box = tuple[float, float, float, float]  # left, bottom, right, top


def boxes(page: pypdfium2.PdfPage) -> list[Box]:
    text = page.get_textpage()
    return [text.get_rect(at) for at in range(text.count_rects())]


def covers(one: Box, other: Box) -> bool:
    """Tell whether two texts stand on each other by more than the tails of letters."""
    wide = min(one[2], other[2]) - max(one[0], other[0])
    high = min(one[3], other[3]) - max(one[1], other[1])
    return wide > 1 and high > 3


@every_sample
@pytest.mark.parametrize("language", LANGUAGES)
def test_nothing_stands_outside_the_page_and_no_text_on_another(sample: str, language: Language) -> None:
    pdf = pypdfium2.PdfDocument(document_pdf.render(SAMPLES[sample](), language))

    for page in pdf:
        found = boxes(page)
        assert min(box[0] for box in found) >= letterhead.LEFT - 1
        assert max(box[2] for box in found) <= letterhead.RIGHT + 1
        assert min(box[1] for box in found) >= 15
        body = [box for box in found if box[1] > letterhead.PAGE_HEIGHT - letterhead.FOOTER + 6]
        assert min(box[1] for box in body) >= letterhead.PAGE_HEIGHT - letterhead.BOTTOM - 3
        assert [(one, other) for one, other in itertools.combinations(found, 2) if covers(one, other)] == []


def test_a_heading_never_stands_alone_at_the_foot_of_a_page() -> None:
    stood_on = set()
    for number in range(26, 37):
        filler = Clause("filler", Text("Linje. " + "ord " * 22 * number, "x"))
        after = Section(Text("Overskriften", "Heading"), (Clause("after", Text("Teksten efter " + "ord " * 60, "x")),))
        document = agreement(sections=(Section(Text("Først", "First"), (filler,)), after))

        read = pages(document)

        (on,) = [at for at, page in enumerate(read) if "Overskriften" in page]
        assert "Teksten efter" in read[on]
        stood_on.add(on)
    assert stood_on == {0, 1}
