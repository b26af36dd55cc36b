"""E-invoices from outside as XML, read in bounded time and memory, and which rules they claim to keep.

Whoever sends a file decides what is in it. It may name no file and no address for us to read, expand into nothing
larger than itself, and be no larger than any invoice is: what comes behind (Saxon) would work on it without end.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from lxml import etree

Format = Literal["peppol", "oioubl"]
Kind = Literal["invoice", "credit_note", "reminder"]

FORMATS: tuple[Format, ...] = ("oioubl", "peppol")

#: The UBL document of each kind.
DOCUMENTS: dict[Kind, str] = {"invoice": "Invoice", "credit_note": "CreditNote", "reminder": "Reminder"}

#: Bytes of a document with its attachments; networks that carry e-invoices take less.
LARGEST = 20_000_000

#: Elements begun or ended; an invoice line has some fifty.
MOST_TAGS = 200_000

_MOST_ATTRIBUTES = 200_000
_ENCODINGS = ("utf-8", "utf8", "us-ascii", "iso-8859-1", "windows-1252")
# What people take for an e-invoice, and what to do with it.
_OTHERS = {
    b"PK\x03\x04": "This is a ZIP archive: unpack it, and check the files in it.",
    b"%PDF": "This is a PDF: check the XML that is attached to it, or that came beside it.",
}
_DECLARED = re.compile(rb"<\?xml[^>]{0,200}?encoding\s*=\s*[\"']([^\"']{1,40})[\"']")
_UBL = "urn:oasis:names:specification:ubl:schema:xsd:"
_CUSTOMIZATION = f"{{{_UBL}CommonBasicComponents-2}}CustomizationID"


class Unreadable(Exception):
    """This is not XML that an e-invoice could be; `code` says in one word why."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(reason)
        self.code = code


@dataclass(frozen=True, slots=True)
class Claim:
    """What a document says it is."""

    format: Format
    kind: Kind


def parser() -> etree.XMLParser:
    """Give a parser that reads nothing but what it is given, and stops at depth and size limits."""
    return etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)


def read(xml: bytes) -> etree._Element:
    """Read a document. Raises Unreadable."""
    _refuse_by_bytes(xml)
    try:
        root = etree.fromstring(xml, parser())
    except (etree.XMLSyntaxError, ValueError) as fault:
        raise Unreadable("XML", str(fault)) from None
    if root.getroottree().docinfo.internalDTD is not None:
        raise Unreadable("DOCTYPE", "An e-invoice declares no document type.")
    return root


def _refuse_by_bytes(xml: bytes) -> None:
    """Refuse before parsing what would cost more than it is worth."""
    if len(xml) > LARGEST:
        raise Unreadable("SIZE", f"The document has {len(xml)} bytes; at most {LARGEST} are read.")
    for start, reason in _OTHERS.items():
        if xml.startswith(start):
            raise Unreadable("XML", reason)
    if b"\0" in xml:
        raise Unreadable("NUL", "The document holds NUL bytes; an e-invoice is UTF-8.")
    if not xml.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"<"):
        raise Unreadable("XML", "This is not XML.")
    declared = _DECLARED.search(xml[:300])
    encoding = declared[1].decode("latin-1").lower() if declared else "utf-8"
    if encoding not in _ENCODINGS:
        raise Unreadable("ENCODING", f"The encoding {encoding} is not read; an e-invoice is UTF-8.")
    if b"<!DOCTYPE" in xml:
        raise Unreadable("DOCTYPE", "An e-invoice declares no document type.")
    if xml.count(b"<") > MOST_TAGS or xml.count(b'="') + xml.count(b"='") > _MOST_ATTRIBUTES:
        raise Unreadable("SIZE", f"The document has more than {MOST_TAGS} tags or attributes.")


def split_name(element: etree._Element) -> tuple[str, str]:
    """Give an element's namespace and local name, whatever they are: `etree.QName` fails where a brace is in them."""
    space, _, local = str(element.tag).removeprefix("{").rpartition("}")
    return space, local


def claim(root: etree._Element) -> Claim | None:
    """Tell which format and kind a document says it is; None where it is none of those that are judged here."""
    space, name = split_name(root)
    kind = next((kind for kind, local in DOCUMENTS.items() if name == local), None)
    if kind is None or space != f"{_UBL}{name}-2":
        return None
    customization = (root.findtext(_CUSTOMIZATION) or "").strip()
    if "OIOUBL" in customization.upper():
        return Claim("oioubl", kind)
    if customization.startswith("urn:cen.eu:en16931:2017") and kind != "reminder":
        return Claim("peppol", kind)
    return None
