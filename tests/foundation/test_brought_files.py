"""Files that people bring are told by what they hold; what holds more than it is, or swells, is refused."""

from __future__ import annotations

import io
import struct
import time
import zipfile
import zlib

import pytest
from PIL import Image

from foundation import brought_files
from foundation.brought_files import DOCUMENTS, DOCX, JPEG, ODT, PAPERS, PDF, PNG, HostileFile, Kind, NoSuchKind
from tests import office

LARGEST = 10 * 1024 * 1024


def taken(content: bytes) -> Kind:
    """Tell what a file is and let it in."""
    kind = brought_files.kind_of(content, DOCUMENTS, LARGEST)
    brought_files.refuse_hostile(content, kind)
    return kind


def pdf(inside: bytes = b"", *, tail: bytes = b"%%EOF\n") -> bytes:
    """Make a PDF with something inside."""
    return b"%PDF-1.7\n1 0 obj\n<< /Type /Catalog >>\nendobj\n" + inside + b"\ntrailer << /Root 1 0 R >>\n" + tail


def stream(swollen: bytes, kind: bytes = b"/Length 9") -> bytes:
    """Make a compressed stream of a PDF."""
    return b"2 0 obj\n<< /Filter /FlateDecode " + kind + b" >>\nstream\n" + zlib.compress(swollen) + b"\nendstream"


def picture(form: str, size: tuple[int, int] = (8, 8)) -> bytes:
    """Draw a picture."""
    drawn = io.BytesIO()
    Image.new("1" if form == "PNG" else "L", size).save(drawn, form)
    return drawn.getvalue()


def png_claiming(width: int, height: int) -> bytes:
    """Make a small PNG that says it has so many dots."""
    head = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 6, 0, 0, 0)
    whole = picture("PNG")
    return whole[:12] + head + zlib.crc32(head).to_bytes(4) + whole[33:]


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (pdf(), PDF),
        (pdf(stream(b"BT (Hej) Tj ET")), PDF),
        (picture("PNG"), PNG),
        (picture("JPEG"), JPEG),
        (picture("JPEG") + picture("JPEG"), JPEG),
        (office.docx(), DOCX),
        (office.odt(), ODT),
    ],
    ids=["pdf", "pdf-stream", "png", "jpeg", "jpeg-preview", "docx", "odt"],
)
def test_ordinary_files_are_told_by_what_they_hold(content: bytes, kind: Kind) -> None:
    assert taken(content) is kind


@pytest.mark.parametrize(
    "content",
    [
        b"", b"Hej", b"<html><script>", b'<svg xmlns="http://www.w3.org/2000/svg"/>', b"MZ\x90", b"GIF89a",
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", office.archive({"a.txt": b"Hej"}), office.docx(main="word.template"),
        office.docx(main="ms-word.document.macroEnabled.main+xml"), b" %PDF-1.7 %%EOF",
    ],
)  # fmt: skip
def test_anything_else_is_refused_whatever_it_is_called(content: bytes) -> None:
    with pytest.raises(NoSuchKind, match="must be PDF"):
        taken(content)


def test_a_kind_that_is_not_asked_for_is_refused_and_so_is_what_is_too_large() -> None:
    with pytest.raises(NoSuchKind, match="must be PDF, PNG or JPEG"):
        brought_files.kind_of(office.docx(), PAPERS, LARGEST)
    with pytest.raises(NoSuchKind, match="larger than 1 MB"):
        brought_files.kind_of(pdf(b" " * 1_048_576), PAPERS, 1_048_576)


@pytest.mark.parametrize(
    "content",
    [
        pdf(tail=b"%%EOF") + office.docx(),
        pdf(tail=b"") + office.archive({"a": b"a"}, comment=b"%%EOF"),
        picture("PNG") + office.docx(),
        picture("PNG") + office.archive({"a": b"a"}, comment=picture("PNG")[-12:]),
        picture("JPEG") + office.archive({"a": b"a"}, comment=b"\xff\xd9"),
        picture("PNG") + b"<script>",
        pdf(b"<script>alert(1)</script>"),
        picture("JPEG")[:-2],
        office.docx() + b"<script>",
        office.docx(comment=b"%PDF-1.7"),
        pdf(tail=b""),
    ],
)
def test_what_is_two_kinds_at_once_or_ends_otherwise_than_it_begins_is_refused(content: bytes) -> None:
    with pytest.raises(HostileFile):
        taken(content)


@pytest.mark.parametrize(
    "inside",
    [
        b"<< /S /JavaScript /JS (app.alert\\(1\\)) >>",
        b"<< /S /J#61vaScript >>",
        b"<< /S/Launch/F(cmd.exe) >>",
        b"<< /Type /EmbeddedFile >>",
        b"<< /XFA [] >>",
        b"<< /Encrypt 3 0 R >>",
        stream(b"<< /S /JavaScript >>", b"/Type /ObjStm"),
    ],
)
def test_a_pdf_with_scripts_or_files_or_a_password_is_refused(inside: bytes) -> None:
    with pytest.raises(HostileFile):
        taken(pdf(inside))


def test_what_only_looks_like_a_script_in_compressed_bytes_is_taken() -> None:
    assert taken(pdf(b"2 0 obj\n<< /Length 9 >>\nstream\n\x00/JS \nendstream")) is PDF


def test_what_swells_is_refused_before_it_does() -> None:
    bomb = stream(b"\0" * (8 * 1024 * 1024)) * 17
    assert len(bomb) < 200_000
    with pytest.raises(HostileFile, match="far too large"):
        taken(pdf(bomb))
    with pytest.raises(HostileFile, match="larger than it may be"):
        taken(office.docx({"word/media/a.xml": b"\0" * (33 * 1024 * 1024)}))


@pytest.mark.parametrize("dots", [(30_000, 30_000), (2_000_000_000, 2_000_000_000)])
def test_a_picture_of_too_many_dots_is_refused_without_drawing_it(dots: tuple[int, int]) -> None:
    with pytest.raises(HostileFile):
        taken(png_claiming(*dots))


@pytest.mark.parametrize(
    ("name", "held"),
    [
        ("word/vbaProject.bin", b"x"),
        ("word/embeddings/a.docx", b"x"),
        ("word/activeX/activeX1.xml", b"x"),
        ("word/media/a.zip", b"x"),
        ("word/media/image1.png", office.archive({"a": b"a"})),
        ("word/media/image1.emf", b"MZ\x90"),
        ("word/media/image1.svg", b"<svg/>"),
        ("word/document2.xml", b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>'),
        ("../../etc/passwd", b"x"),
        ("/etc/passwd", b"x"),
        ("C:\\a.xml", b"x"),
    ],
)
def test_an_office_document_with_macros_or_files_or_names_that_lead_out_is_refused(name: str, held: bytes) -> None:
    with pytest.raises(HostileFile):
        taken(office.docx({name: held}))


def test_the_scripts_of_an_open_document_are_refused_too() -> None:
    with pytest.raises(HostileFile):
        taken(office.odt({"Basic/Standard/Module1.xml": b"<a/>"}))
    with pytest.raises(HostileFile):
        taken(office.odt({"Object 1/content.xml": b"<a/>"}))


def test_a_document_of_too_many_members_or_a_broken_one_is_refused() -> None:
    with pytest.raises(HostileFile):
        taken(office.docx({f"word/{number}.xml": b"" for number in range(2_000)}))
    with pytest.raises(HostileFile):
        taken(office.docx()[:40] + office.docx()[60:])


@pytest.mark.parametrize(
    "many", [b"stream\n" * 1_000_000, b"x\x9c" + b"\0\0\0\xff\xff" * 100_000, b"endstream" * 100_000]
)
def test_a_pdf_made_to_keep_the_reader_busy_costs_little(many: bytes) -> None:
    begun = time.process_time()
    try:
        taken(pdf(b"stream\n" * 3 + many))
    except HostileFile as refused:
        assert "far too large" in str(refused)

    assert time.process_time() - begun < 1


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("plan.pdf", "plan.pdf"),
        ("../../etc/passwd", "passwd.pdf"),
        ("C:\\mappe\\plan.html", "plan.html.pdf"),
        ('a"b\r\nc.pdf', "a_b__c.pdf"),
        ("\u202egpj.exe", "_gpj.exe.pdf"),
        ("", "fil.pdf"),
        ("..", "fil.pdf"),
        ("Prøve på æøå.pdf", "Prøve på æøå.pdf"),
        ("x" * 500, "x" * 120 + ".pdf"),
    ],
)
def test_a_name_keeps_no_folder_and_ends_as_what_the_file_is(given: str, kept: str) -> None:
    assert brought_files.name_of(given, PDF) == kept


def test_archives_that_are_made_here_are_archives() -> None:
    assert zipfile.is_zipfile(io.BytesIO(office.docx()))
