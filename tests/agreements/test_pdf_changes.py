"""Where a copy differs from the sealed file is told in words that lead to the place."""

from __future__ import annotations

import re
from datetime import timedelta
from io import BytesIO

from pikepdf import Pdf

from agreements import pdf_changes
from agreements.sealed import Kept
from app.adapters import sealing
from foundation.audit import sha256
from tests import pdf_tampering, sealed_files

MADE = sealed_files.sealed(sealing.B_LTA)
SHOWN = sealed_files.document()
KEPT = Kept(
    1, MADE.content, sha256(MADE.content), sha256(SHOWN), len(SHOWN), MADE.level, MADE.certificate_sha256,
    sealed_files.NOW + timedelta(0),
)  # fmt: skip


def told(copy: bytes) -> list[str]:
    """What is said of a copy."""
    return [place.en for place in pdf_changes.places(copy, KEPT)]


def flipped(at: int) -> bytes:
    """The sealed file with one bit changed."""
    return bytes([*MADE.content[:at], MADE.content[at] ^ 1, *MADE.content[at + 1 :]])


def by_kind(kind: str) -> bytes:
    """One copy, changed in a certain way."""
    copies = pdf_tampering.changed(sealing.B_LTA, 42, 1)
    return next(copy.content for copy in copies if copy.kind == kind)


def test_a_changed_byte_is_told_with_its_object_and_page() -> None:
    with Pdf.open(BytesIO(SHOWN)) as pdf:
        shown = b"\n%d 0 obj" % pdf.pages[1].obj.Contents.objgen[0]

    place, count = told(flipped(MADE.content.index(shown) + 100))

    assert re.fullmatch(r"byte [\d,]+: object \d+ \(page 2\)", place)
    assert count == "1 bytes in all were changed"


def test_a_byte_of_what_is_packed_together_is_told_as_structure() -> None:
    packed = MADE.content.index(b"/Type /ObjStm") + 150

    assert "(the document's structure)" in told(flipped(packed))[0]


def test_a_byte_of_the_seal_is_told_as_such() -> None:
    in_seal = MADE.content.index(b"/Contents <", len(SHOWN)) + 500

    assert "(the seal)" in told(flipped(in_seal))[0]


def test_a_byte_of_the_evidence_is_told_as_such() -> None:
    in_evidence = MADE.content.index(b"/Type /EmbeddedFile", len(SHOWN)) + 150

    assert "(the attached file)" in told(flipped(in_evidence))[0]


def test_the_first_bytes_are_the_files_head() -> None:
    assert told(flipped(3))[0] == "byte 3: the file's head"


def test_what_was_added_is_told_with_what_it_touches() -> None:
    places = told(by_kind("an annotation"))

    assert re.fullmatch(r"[\d,]+ bytes were added behind what was sealed", places[0])
    assert places[1] == "1 revision(s) were added"
    assert re.search(r"object \d+ \(page [123]\)", places[2]) and "(new)" in places[2]


def test_bytes_at_the_end_that_are_no_revision_are_told_as_bytes() -> None:
    assert told(MADE.content + b"   ") == ["3 bytes were added behind what was sealed"]


def test_a_cut_file_and_one_without_its_seal_are_told_apart() -> None:
    whole = f"{len(MADE.content):,}"

    assert told(MADE.content[:-9]) == [f"the file was cut off: {len(MADE.content) - 9:,} of {whole} bytes are left"]
    assert told(SHOWN) == ["the seal was taken off: the file is as it was shown, without seal and evidence"]


def test_a_file_written_anew_is_not_told_in_bytes() -> None:
    assert told(by_kind("written anew")) == [
        "the file was written wholly anew by a program; nothing in it is as it was sealed"
    ]


def test_every_changed_copy_is_told_in_some_way_and_known_by_its_traces_or_as_a_strangers() -> None:
    for copy in pdf_tampering.changed(sealing.B_LTA, 42, 1):
        found = pdf_changes.traces(copy.content)

        assert told(copy.content), copy.kind
        known = MADE.signature_sha256 in found.signatures or MADE.file_id in found.file_ids
        assert known, copy.kind


def test_the_seal_is_known_by_the_same_digest_in_raw_bytes_as_when_it_was_made() -> None:
    found = pdf_changes.traces(MADE.content)

    assert MADE.signature_sha256 in found.signatures
    assert MADE.file_id in found.file_ids


def test_bytes_without_any_trace_have_none() -> None:
    assert pdf_changes.traces(b"Hej /Contents <00> /ID [<abc>]") == pdf_changes.Traces(frozenset(), frozenset())
