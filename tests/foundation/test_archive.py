"""The archive form: a PDF/A-3 that needs nothing beside it, the same for ever, with its attachments inside."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from hashlib import md5
from typing import Any

import pikepdf
import pypdfium2
import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree
from PIL import Image, ImageCms
from pypdf import PdfReader

from foundation import archive_form
from foundation.archive import About, Attachment
from foundation.letterhead import BODY, LEFT, Paper
from tests import pdf_structure

ABOUT = About("Faktura 1 & »2«", "OS2 <æøå>", "Faktureringsår 2027", "da", date(2027, 1, 15))
_CONTENT = b"<Invoice>" + "æ".encode() * 5000 + b"</Invoice>"
XML = Attachment("2027-0001.xml", _CONTENT, "text/xml", "Hele fakturaen", "Alternative")
_RDF = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}"
_SPACES = {
    "dc": "http://purl.org/dc/elements/1.1/",
    "xmp": "http://ns.adobe.com/xap/1.0/",
    "pdf": "http://ns.adobe.com/pdf/1.3/",
    "pdfaid": "http://www.aiim.org/pdfa/ns/id/",
    "pdfuaid": "http://www.aiim.org/pdfua/ns/id/",
}


def written(about: About = ABOUT, attachments: Sequence[Attachment] = (), pages: int = 1) -> bytes:
    paper = Paper(about)
    for page in range(pages):
        paper.text(LEFT, 60, f"Side {page + 1}", BODY)
        paper.turn()
    return paper.finish(attachments)


def xmp(pdf: pikepdf.Pdf) -> Any:
    assert "/Filter" not in pdf.Root.Metadata
    return etree.fromstring(pdf.Root.Metadata.read_bytes())


def said(about: Any, name: str) -> str:
    found = about.find(f".//{name}", _SPACES)
    return "".join(found.itertext()).strip()


def test_what_it_says_of_itself_is_the_same_in_both_places() -> None:
    pdf = pdf_structure.opened(written())
    about = xmp(pdf)

    assert said(about, "dc:title") == str(pdf.docinfo.Title) == ABOUT.title
    assert said(about, "dc:creator") == str(pdf.docinfo.Author) == ABOUT.author
    assert said(about, "dc:description") == str(pdf.docinfo.Subject) == ABOUT.subject
    assert said(about, "xmp:CreatorTool") == str(pdf.docinfo.Creator) == "os2tilslut"
    assert said(about, "pdf:Producer") == str(pdf.docinfo.Producer) == "os2tilslut"
    assert said(about, "xmp:CreateDate") == "2027-01-15T00:00:00Z"
    assert str(pdf.docinfo.CreationDate) == str(pdf.docinfo.ModDate) == "D:20270115000000Z"


def test_it_claims_the_standards_it_keeps_and_explains_the_claim() -> None:
    about = xmp(pdf_structure.opened(written()))

    claims = [said(about, name) for name in ("pdfaid:part", "pdfaid:conformance", "pdfuaid:part")]
    explained = about.find(".//{http://www.aiim.org/pdfa/ns/schema#}namespaceURI")

    assert claims == ["3", "A", "1"]
    assert explained.text == _SPACES["pdfuaid"]
    assert about.find(f".//{_RDF}Description") is not None


@pytest.mark.parametrize(("language", "locale"), [("da", "da-DK"), ("en", "en-GB")])
def test_the_catalogue_says_how_to_read_it(language: Any, locale: str) -> None:
    pdf = pdf_structure.opened(written(replace(ABOUT, language=language)))

    assert str(pdf.Root.Lang) == said(xmp(pdf), "dc:language") == locale
    assert bool(pdf.Root.MarkInfo.Marked)
    assert bool(pdf.Root.ViewerPreferences.DisplayDocTitle)
    assert all(page.obj.Tabs == "/S" for page in pdf.pages)


def test_its_colours_are_srgb() -> None:
    pdf = pdf_structure.opened(written())
    (intent,) = pdf.Root.OutputIntents

    assert intent.S == "/GTS_PDFA1"
    assert intent.DestOutputProfile.N == 3
    assert intent.DestOutputProfile.read_bytes() == archive_form.srgb_profile()


def test_the_profile_is_that_of_srgb() -> None:
    profile = archive_form.srgb_profile()
    ours = ImageCms.getOpenProfile(io.BytesIO(profile))
    reference = ImageCms.createProfile("sRGB")
    colours = Image.new("RGB", (4096, 1))
    colours.putdata([(at % 16 * 17, at // 16 % 16 * 17, at // 256 * 17) for at in range(4096)])

    seen = ImageCms.profileToProfile(colours, ours, reference, renderingIntent=ImageCms.Intent.RELATIVE_COLORIMETRIC)

    assert seen is not None
    assert int.from_bytes(profile[:4], "big") == len(profile)
    assert ImageCms.getProfileDescription(ours).strip() == "sRGB IEC61966-2.1"
    differences = {abs(a - b) for a, b in zip(seen.tobytes(), colours.tobytes(), strict=True)}
    assert max(differences) <= 1


def test_an_attachment_is_listed_with_what_it_is_to_the_document() -> None:
    pdf = pdf_structure.opened(written(attachments=[XML]))
    (file,) = pdf.Root.AF
    name, named = pdf.Root.Names.EmbeddedFiles.Names

    assert named.objgen == file.objgen
    assert str(name) == str(file.F) == str(file.UF) == "2027-0001.xml"
    assert file.AFRelationship == "/Alternative"
    assert str(file.Desc) == "Hele fakturaen"
    assert file.EF.F.Subtype == "/text/xml"
    assert file.EF.F.Params.Size == len(XML.content)
    assert bytes(file.EF.F.Params.CheckSum) == md5(XML.content, usedforsecurity=False).digest()
    assert str(file.EF.F.Params.ModDate) == "D:20270115000000Z"
    assert file.EF.F.read_bytes() == XML.content
    assert len(file.EF.F.read_raw_bytes()) < len(XML.content) / 10


def test_several_attachments_keep_their_order_and_are_found_by_name() -> None:
    names = ["b.xml", "æ.xml", "a.xml"]
    file = written(attachments=[replace(XML, name=name, content=name.encode()) for name in names])
    pdf = pdf_structure.opened(file)

    listed = [str(part) for part in list(pdf.Root.Names.EmbeddedFiles.Names)[::2]]

    assert [str(each.UF) for each in pdf.Root.AF] == names
    assert listed == sorted(names)
    assert {name: content[0] for name, content in PdfReader(io.BytesIO(file)).attachments.items()} == {
        name: name.encode() for name in names
    }


def test_without_attachments_nothing_is_listed() -> None:
    pdf = pdf_structure.opened(written())

    assert "/AF" not in pdf.Root
    assert "/Names" not in pdf.Root


def test_another_content_has_another_identity_and_the_same_the_same() -> None:
    one, same, other = (
        pikepdf.Pdf.open(io.BytesIO(written(replace(ABOUT, title=title)))).trailer.ID for title in ("a", "a", "b")
    )

    assert bytes(one[0]) == bytes(one[1]) == bytes(same[0])
    assert bytes(one[0]) != bytes(other[0])
    assert len(bytes(one[0])) == 16


def test_what_was_drawn_must_end_like_a_pdf() -> None:
    with pytest.raises(ValueError, match="at its end"):
        archive_form.finished(b"no PDF", ABOUT, Paper(ABOUT)._tags, [])


@given(
    title=st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), max_size=60),
    content=st.binary(max_size=3000),
    pages=st.integers(1, 4),
)
def test_whatever_it_says_and_carries_three_readers_can_read_it(title: str, content: bytes, pages: int) -> None:
    file = written(replace(ABOUT, title=title), [replace(XML, content=content)], pages)

    pdf = pdf_structure.opened(file)
    pdfium = pypdfium2.PdfDocument(file)

    assert len(pdf.pages) == len(pdfium) == len(PdfReader(io.BytesIO(file)).pages) == pages
    assert pdf.Root.AF[0].EF.F.read_bytes() == content
    assert pdf_structure.tree(pdf).read() == " ".join(f"Side {page}" for page in range(1, pages + 1))
    pdfium.close()
