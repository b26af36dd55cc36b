"""Where a copy differs from the file that was sealed: told by bytes, objects and pages, with nothing of it believed.

A changed copy may be hostile or broken, so it is never opened as a PDF here: it is laid beside the sealed file byte by
byte, and only the sealed file, which is ours, is read as one and asked what stood in the place.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO

from pikepdf import Pdf, Stream

from agreements.sealed import Kept
from foundation.audit import sha256
from foundation.language import Text, joined, whole_number

_SIGNATURE = re.compile(rb"/Contents\s*<([0-9A-Fa-f]{200,}+)>")
_IDENTIFIER = re.compile(rb"/ID\s*\[\s*<([0-9A-Fa-f]{32})>")
_OBJECT = re.compile(rb"(?<![0-9])([0-9]{1,7}) ([0-9]{1,5}) obj\b")
_PIECE = 4096
#: Less in common than this, and the file was written anew rather than changed.
_LITTLE = 1024
_MOST_TOLD = 12


@dataclass(frozen=True, slots=True)
class Traces:
    """What a file carries by which its original may be found."""

    signatures: frozenset[str]
    file_ids: frozenset[str]


def traces(content: bytes) -> Traces:
    """Look for seals and identifiers in any bytes, however broken."""
    return Traces(
        frozenset(signature_sha256(found[1]) for found in _SIGNATURE.finditer(content)),
        frozenset(found[1].decode().lower() for found in _IDENTIFIER.finditer(content)),
    )


def signature_sha256(hexadecimal: bytes) -> str:
    """Give the digest by which a seal is known: of its bytes without the zeros that fill its room."""
    even = hexadecimal[: len(hexadecimal) // 2 * 2]
    return sha256(bytes.fromhex(even.decode()).rstrip(b"\0"))


def places(copy: bytes, kept: Kept) -> tuple[Text, ...]:
    """Tell where a copy differs from the sealed file."""
    original = kept.content
    if sha256(copy) == kept.unsealed_sha256:
        return (Text("seglet er taget af: filen er, som den blev vist, uden segl og bevis",
                     "the seal was taken off: the file is as it was shown, without seal and evidence"),)  # fmt: skip
    at = _common(copy, original)
    if at == len(original):
        return tuple(_added(copy[at:], original, "efter", "behind"))
    if at == len(copy):
        return (_cut(at, len(original)),)
    if at < _LITTLE and len(original) > 2 * _LITTLE and copy[-64:] != original[-64:]:
        return (Text("filen er skrevet helt på ny af et program; intet i den er, som det blev forseglet",
                     "the file was written wholly anew by a program; nothing in it is as it was sealed"),)  # fmt: skip
    return tuple(_replaced(at, copy, original))


def _common(copy: bytes, original: bytes) -> int:
    """Give how many bytes both begin with."""
    most = min(len(copy), len(original))
    at = 0
    while at < most and copy[at : at + _PIECE] == original[at : at + _PIECE]:
        at += _PIECE
    while at < most and copy[at] == original[at]:
        at += 1
    return min(at, most)


def _cut(at: int, whole: int) -> Text:
    kept, all_ = whole_number(at), whole_number(whole)
    return Text(
        f"filen er skåret af: {kept.da} af {all_.da} byte er tilbage",
        f"the file was cut off: {kept.en} of {all_.en} bytes are left",
    )


def _replaced(at: int, copy: bytes, original: bytes) -> Iterator[Text]:
    """Tell the first place that differs, and what was added at the end."""
    place = whole_number(at)
    what = _Sealed(original).what(_number_at(original, at))
    yield Text(f"byte {place.da}: ", f"byte {place.en}: ") + what
    if len(copy) == len(original):
        differing = whole_number(sum(one != other for one, other in zip(copy, original, strict=True)))
        yield Text(f"{differing.da} byte i alt er ændret", f"{differing.en} bytes in all were changed")
    else:
        more = whole_number(abs(len(copy) - len(original)))
        longer = len(copy) > len(original)
        yield Text(
            f"filen er {more.da} byte {'længere' if longer else 'kortere'}",
            f"the file is {more.en} bytes {'longer' if longer else 'shorter'}",
        )


def _added(more: bytes, original: bytes, da: str, en: str) -> Iterator[Text]:
    """Tell what stands behind the sealed file: in which revisions, over which objects."""
    size = whole_number(len(more))
    yield Text(f"{size.da} byte er tilføjet {da} det forseglede", f"{size.en} bytes were added {en} what was sealed")
    revisions = more.count(b"startxref")
    if revisions:
        yield Text(f"{revisions} revision(er) er tilføjet", f"{revisions} revision(s) were added")
    numbers = list(dict.fromkeys(int(found[1]) for found in _OBJECT.finditer(more)))
    sealed = _Sealed(original)
    told = [sealed.what(number) for number in numbers[:_MOST_TOLD]]
    if told:
        yield Text("de rører ved: ", "they touch: ") + joined(told, by="; ")


def _number_at(original: bytes, at: int) -> int | None:
    """Give the number of the object that a byte of the sealed file belongs to."""
    found = None
    for found in _OBJECT.finditer(original, 0, at):  # noqa: B007 - the last one counts
        pass
    return None if found is None else int(found[1])


# --- what an object of ours is ---------------------------------------------------------------------------------------

_KINDS = (
    (rb"/DocTimeStamp", Text("tidsstemplet", "the time stamp")),
    (rb"/ByteRange", Text("seglet", "the seal")),
    (rb"/EmbeddedFile\b", Text("den vedhæftede fil", "the attached file")),
    (rb"/Filespec", Text("den vedhæftede fil", "the attached file")),
    (rb"/FT\s*/Sig", Text("seglets felt", "the field of the seal")),
    (rb"/Type\s*/Catalog", Text("dokumentets indgang (katalog)", "the document's entry (catalog)")),
    (rb"/Type\s*/XRef", Text("filens tabel", "the table of the file")),
    (rb"/Type\s*/Metadata", Text("dokumentets egenskaber", "the document's properties")),
    (rb"/Type\s*/Font", Text("en skrifttype", "a typeface")),
    (rb"/ObjStm", Text("dokumentets struktur", "the document's structure")),
)


class _Sealed:
    """The sealed file as a reader of PDFs sees it: which objects it has, and what each of them is."""

    def __init__(self, content: bytes) -> None:
        self._pdf = Pdf.open(BytesIO(content))
        self._pages = {
            number: page
            for page, each in enumerate(self._pdf.pages, start=1)
            for number in (each.obj.objgen[0], each.obj.Contents.objgen[0])
        }

    def what(self, number: int | None) -> Text:
        """Say what an object is: a page or what it shows, the seal, the evidence …"""
        if number is None:
            return Text("filens hoved", "the file's head")
        named = Text(f"objekt {number}", f"object {number}")
        found = self._pdf.get_object(number, 0)
        if found is None:
            return named + Text(" (nyt)", " (new)")
        if number in self._pages:
            page = self._pages[number]
            return named + Text(f" (side {page})", f" (page {page})")
        body = found.stream_dict.unparse() if isinstance(found, Stream) else found.unparse(resolved=True)
        kind = next((words for pattern, words in _KINDS if re.search(pattern, body)), None)
        return named if kind is None else named + Text(f" ({kind.da})", f" ({kind.en})")
