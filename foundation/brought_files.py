"""Files that people bring: told by what they hold and never by their name, and refused where they hold more than that.

Nothing here opens one of them as a reader would. What is taken is a PDF, a picture, or a document of an office suite;
scripts, macros, files inside files, and what swells when it is opened are refused, and so is what is two kinds at once:
a file must end as it begins. They are given back as attachments.
"""

from __future__ import annotations

import io
import re
import zipfile
import zlib
from collections.abc import Callable, Collection, Iterator, Mapping
from pathlib import PurePosixPath
from typing import NamedTuple

from PIL import Image, UnidentifiedImageError

from foundation import wording, zips
from foundation.errors import Refused, Unreadable
from foundation.language import Text, same
from foundation.zips import Bounds, HostileArchive

_MEGABYTE = 1024 * 1024
#: What a file may swell to when it is opened, in bytes; and the pixels of a picture: an A3 sheet at 600 dots an inch.
MOST_SWOLLEN, MOST_PIXELS = 128 * _MEGABYTE, 70_000_000
_OFFICE = Bounds(members=2_000, file=32 * _MEGABYTE, whole=64 * _MEGABYTE)
_PIECE = 65_536
_LONGEST_NAME = 120


class Kind(NamedTuple):
    """What a file is: its media type, how its name ends, and what people call it."""

    media_type: str
    ending: str
    title: str


PDF = Kind("application/pdf", "pdf", "PDF")
PNG, JPEG = Kind("image/png", "png", "PNG"), Kind("image/jpeg", "jpg", "JPEG")
DOCX = Kind("application/vnd.openxmlformats-officedocument.wordprocessingml.document", "docx", "DOCX")
XLSX = Kind("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "xlsx", "XLSX")
PPTX = Kind("application/vnd.openxmlformats-officedocument.presentationml.presentation", "pptx", "PPTX")
ODT = Kind("application/vnd.oasis.opendocument.text", "odt", "ODT")
ODS = Kind("application/vnd.oasis.opendocument.spreadsheet", "ods", "ODS")
ODP = Kind("application/vnd.oasis.opendocument.presentation", "odp", "ODP")

#: What an invoice or a scanned paper comes as.
PAPERS = (PDF, PNG, JPEG)
#: What people write and show each other.
DOCUMENTS = (*PAPERS, DOCX, XLSX, PPTX, ODT, ODS, ODP)

_ZIP = b"PK\x03\x04"
_BEGINNINGS: Mapping[bytes, Kind] = {b"%PDF-": PDF, b"\x89PNG\r\n\x1a\n": PNG, b"\xff\xd8\xff": JPEG}

#: What would make another reader take a PDF or a picture for something else, and how far such a reader looks.
_LOOKS_ELSE = re.compile(rb"%PDF-|<(?:html|script|svg|iframe|!doctype)", re.IGNORECASE)
_LOOKED_AT = 1_024


class HostileFile(Refused):
    """A file that holds more than what it is: scripts, other files, or far more than it seems."""


class NoSuchKind(Refused):
    """A file that is empty, too large, or none of the kinds that are taken."""


def told(kinds: Collection[Kind]) -> Text:
    """Name kinds as a message does."""
    names = [kind.title for kind in kinds]
    first, last = ", ".join(names[:-1]), names[-1]
    return Text(f"{first} eller {last}", f"{first} or {last}")


def kind_of(content: bytes, kinds: Collection[Kind], most_bytes: int) -> Kind:
    """Tell what a file is by its first bytes. Raises NoSuchKind for all else than those kinds."""
    if len(content) > most_bytes:
        most = most_bytes // _MEGABYTE
        raise NoSuchKind(Text(f"filen er over {most} MB", f"the file is larger than {most} MB"))
    for begins, kind in _BEGINNINGS.items():
        if content.startswith(begins) and kind in kinds:
            return kind
    if content.startswith(_ZIP):
        found = _office_kind(content)
        if found is not None and found in kinds:
            return found
    raise NoSuchKind(Text("filen skal være ", "the file must be ") + told(kinds))


def refuse_hostile(content: bytes, kind: Kind) -> None:
    """Refuse a file that is not wholly and only what it is. Raises HostileFile."""
    if kind not in PAPERS:
        return _refuse_office(content)
    if _LOOKS_ELSE.search(content[5:_LOOKED_AT]) or zipfile.is_zipfile(io.BytesIO(content)):
        raise HostileFile(Text("filen er to slags på én gang", "the file is of two kinds at once"))
    return _refuse_pdf(content) if kind is PDF else _refuse_picture(content, kind)


def name_of(given: str, kind: Kind) -> str:
    """Give a file's name as it is kept: no folders, nothing that disturbs a reader, and the ending of what it is."""
    bare = PurePosixPath(given.replace("\\", "/")).name
    shown = re.sub(r'[<>:"/\\|?*]', "_", wording.legible(bare)).strip(" .")
    stem = shown.removesuffix(f".{kind.ending}")[:_LONGEST_NAME].rstrip(" .") or "fil"
    return f"{stem}.{kind.ending}"


# --- PDF


def _spelled(name: str) -> bytes:
    """Give the pattern of a name in a PDF, whose letters may be written as numbers."""
    letters = (f"(?:{letter}|#(?i:{ord(letter):02x}))" for letter in name)
    return "".join(letters).encode()


_ACTIVE = re.compile(
    b"/(?:" + b"|".join(map(_spelled, ("JavaScript", "JS", "Launch", "EmbeddedFile", "EmbeddedFiles", "RichMedia",
                                       "XFA", "ImportData", "SubmitForm"))) + rb")(?=[\s/<>\[\]()%]|$)"
)  # fmt: skip
_ENCRYPTED = re.compile(b"/" + _spelled("Encrypt") + rb"(?=[\s/<>\[\]()%]|$)")
_STREAM = re.compile(rb"(?<!end)stream\r?\n")
_DICTIONARY = 2_048  # bytes before a stream in which it says what it is
_MOST_STREAMS, _MOST_PIECES = 20_000, 30_000


def _refuse_pdf(content: bytes) -> None:
    if not re.search(rb"%%EOF[\s\0]*\Z", content[-1_024:]):
        raise HostileFile(Text("PDF'en slutter ikke, som den skal", "the PDF does not end as it must"))
    _refuse_active(_outside(content))
    left, pieces = MOST_SWOLLEN, _MOST_PIECES
    for count, at in enumerate(_STREAM.finditer(content), start=1):
        if count > _MOST_STREAMS:
            raise _swells()
        head = content[max(0, at.start() - _DICTIONARY) : at.start()]
        holds_objects, objects = b"/ObjStm" in head[head.rfind(b" obj") + 1 :], bytearray()
        for piece in _inflated(content, at.end()):
            left, pieces = left - len(piece), pieces - 1
            if left < 0 or pieces < 0:
                raise _swells()
            if holds_objects:
                objects += piece
        _refuse_active(objects)


def _outside(content: bytes) -> bytes:
    """Give a PDF without its streams, in whose bytes anything may look like a name."""
    kept, at = [], 0
    while (begins := content.find(b"stream", at)) >= 0 and (ends := content.find(b"endstream", begins)) >= 0:
        kept.append(content[at:begins])
        at = ends + len(b"endstream")
    return b"".join([*kept, content[at:]])


def _refuse_active(words: bytes | bytearray) -> None:
    if _ENCRYPTED.search(words):
        raise HostileFile(Text("PDF'en er krypteret; gem den uden adgangskode",
                               "the PDF is encrypted; save it without a password"))  # fmt: skip
    if _ACTIVE.search(words):
        raise HostileFile(
            Text("PDF'en har scripts, en formular der sender, eller filer i sig; print den som en ny PDF",
                 "the PDF has scripts, a form that sends, or files within; print it as a new PDF")
        )  # fmt: skip


def _inflated(content: bytes, start: int) -> Iterator[bytes]:
    """Give what a stream swells to, piece by piece; nothing of one that is not compressed so."""
    reader, at, whole = zlib.decompressobj(), start, memoryview(content)
    fed: bytes | memoryview = b""
    try:
        while not reader.eof:
            if not fed:
                fed, at = whole[at : at + _PIECE], at + _PIECE
            if not fed:
                return
            yield reader.decompress(fed, _PIECE)
            fed = reader.unconsumed_tail
    except zlib.error:
        return


def _swells() -> HostileFile:
    return HostileFile(Text("filen fylder alt for meget, når den åbnes", "the file is far too large when it is opened"))


# --- pictures


def _refuse_picture(content: bytes, kind: Kind) -> None:
    end = _end_of_png(content) if kind is PNG else _end_of_jpeg(content)
    if end != len(content):
        raise HostileFile(Text("billedet slutter ikke, som det skal", "the picture does not end as it must"))
    try:
        with Image.open(io.BytesIO(content), formats=[kind.title]) as picture:
            width, height = picture.size
            if width * height * getattr(picture, "n_frames", 1) > MOST_PIXELS:
                raise _swells()
            picture.verify()
    except Image.DecompressionBombError:
        raise _swells() from None
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError):
        raise HostileFile(Text("billedet kan ikke læses", "the picture cannot be read")) from None


def _end_of_png(content: bytes) -> int:
    """Give where a PNG ends by its own account; more than its length where it never does."""
    at = 8
    while at < len(content):
        length, name = int.from_bytes(content[at : at + 4]), content[at + 4 : at + 8]
        at += 12 + length
        if name == b"IEND":
            return at
    return len(content) + 1


def _end_of_jpeg(content: bytes) -> int:
    """Give where a JPEG ends by its own account, with those that stand behind it; cameras put previews there."""
    at = 2
    while at + 2 <= len(content) and content[at] == 0xFF:
        mark = content[at + 1]
        if mark == 0xD9:
            at += 2
            if not content.startswith(b"\xff\xd8\xff", at):
                return at
            at += 2
        elif mark == 0xFF:
            at += 1
        else:
            at += 2 + int.from_bytes(content[at + 2 : at + 4])
            if mark == 0xDA:
                at = _after_scan(content, at)
    return len(content) + 1


def _after_scan(content: bytes, at: int) -> int:
    """Give where the next mark stands behind the dots of a picture, in which 0xFF is followed by 0 or a restart."""
    found = _MARK.search(content, at)
    return found.start() if found else len(content)


_MARK = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")


# --- documents of an office suite

_OOXML = {
    b"application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml": DOCX,
    b"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml": XLSX,
    b"application/vnd.openxmlformats-officedocument.presentationml.presentation.main+xml": PPTX,
}
_ODF = {kind.media_type.encode(): kind for kind in (ODT, ODS, ODP)}
_TYPES, _MIMETYPE = "[Content_Types].xml", "mimetype"
#: Members that hold scripts, macros, controls, or files of their own.
_HELD = re.compile(
    r"(^|/)(vbaproject|vbadata|basic|scripts|activex|embeddings|macrosheets|dialogsheets|externallinks|object \d+)"
    r"(\.[a-z]+)?(/|$)|\.(bin|exe|js|vbs|docm|xlsm|pptm|html?|svg|zip|jar)$",
    re.IGNORECASE,
)
_PRINTER = re.compile(r"^(xl|word|ppt)/printerSettings/printerSettings\d+\.bin$")
#: How files inside files begin: archives, programs, older office documents, PDF.
_WITHIN = (_ZIP, b"Rar!", b"7z\xbc\xaf\x27\x1c", b"\x1f\x8b", b"MZ", b"\x7fELF", b"\xd0\xcf\x11\xe0", b"%PDF-")
_END = b"PK\x05\x06"
_END_BYTES = 22
_DECLARES = re.compile(rb"<!(doctype|entity)", re.IGNORECASE)


def _office_kind(content: bytes) -> Kind | None:
    """Tell which document an archive is; None for any other, and for one that cannot be read."""
    try:
        for name, held in _members(content, lambda member: member in (_TYPES, _MIMETYPE)):
            if name == _MIMETYPE:
                return _ODF.get(held.strip())
            return next((kind for words, kind in _OOXML.items() if words in held), None)
    except (HostileArchive, Unreadable) as refused:
        raise HostileFile(refused.text) from None
    return None


def _refuse_office(content: bytes) -> None:
    end = content.rfind(_END)
    if end != len(content) - _END_BYTES:
        raise HostileFile(Text("dokumentet slutter ikke, som det skal", "the document does not end as it must"))
    try:
        for name, held in _members(content, lambda member: True):
            _refuse_member(name, held)
    except (HostileArchive, Unreadable) as refused:
        raise HostileFile(refused.text) from None


def _refuse_member(name: str, held: bytes) -> None:
    if (_HELD.search(name) and not _PRINTER.match(name)) or held.startswith(_WITHIN):
        shown = same(wording.legible(name))
        within = Text(
            "dokumentet har makroer, scripts eller filer i sig: ", "the document has macros, scripts or files within: "
        )
        raise HostileFile(within + shown)
    if name.endswith((".xml", ".rels")) and (_DECLARES.search(held) or b"macroEnabled" in held):
        raise HostileFile(Text("dokumentet erklærer andet end indhold", "the document declares more than content"))


def _members(content: bytes, is_wanted: Callable[[str], bool]) -> Iterator[tuple[str, bytes]]:
    return zips.contents("dokument", io.BytesIO(content), _OFFICE, is_wanted)
