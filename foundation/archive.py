"""The archive form of our documents: PDF/A-3, so that what is kept for years can be read without anything beside it.

A finished document carries what it says of itself (XMP), what its colours mean (an sRGB output intent), the tree of its
tags, and its attachments, each with what it is to the document (ISO 19005-3). It claims level A and PDF/UA-1. The same
input gives the same bytes.
"""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from hashlib import md5
from html import escape
from itertools import accumulate
from typing import Literal

from foundation.language import Language
from foundation.tagged import Tags, literal

LOCALES: dict[Language, str] = {"da": "da-DK", "en": "en-GB"}
CREATOR = "os2tilslut"

#: What an attachment is to the document. `Alternative`: it says the same in another form (ISO 19005-3, annex E).
Relationship = Literal["Alternative", "Source", "Data", "Supplement"]


@dataclass(frozen=True, slots=True)
class About:
    """What a document says of itself in its properties. `dated_on` stands as its day of creation."""

    title: str
    author: str
    subject: str
    language: Language
    dated_on: date


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file inside the document."""

    name: str
    content: bytes
    media_type: str
    description: str
    relationship: Relationship


def finished(
    drawn: bytes, about: About, tags: Tags, pages: Sequence[int], attachments: Sequence[Attachment] = ()
) -> bytes:
    """Give a drawn PDF in its archive form. `pages` are the object numbers of its pages."""
    file = _File(drawn)
    tree = file.add(*tags.objects(file.next, pages))
    intent = file.add_stream(srgb_profile(), "/N 3")
    keys = [
        f"/StructTreeRoot {tree} 0 R/MarkInfo<</Marked true>>",
        f"/Metadata {file.add_stream(_xmp(about), '/Type/Metadata/Subtype/XML', readable=True)} 0 R",
        f"/OutputIntents[<</Type/OutputIntent/S/GTS_PDFA1/OutputConditionIdentifier({_PROFILE_NAME})"
        f"/Info({_PROFILE_NAME})/DestOutputProfile {intent} 0 R>>]",
        _listed(file, attachments, about.dated_on),
    ]
    file.extend_catalog("".join(keys))
    return file.written()


# --- the file --------------------------------------------------------------------------------------------------------

_FIRST, _START = re.compile(rb"/Size (\d+)"), re.compile(rb"startxref\s+(\d+)")
_ROOT, _INFO = re.compile(rb"/Root (\d+) "), re.compile(rb"/Info (\d+) ")
_TAIL, _ROW = 1024, 20


class _File:
    """A drawn PDF that gets more objects: streams behind its own, all others compressed together, one table of all.

    Hundreds of elements are written as text at once. A library that reads the file and writes it anew takes longer than
    drawing it (docs/decisions/0012).
    """

    def __init__(self, drawn: bytes) -> None:
        tail = drawn[-_TAIL:]
        self.next, start = (int(_found(pattern, tail)) for pattern in (_FIRST, _START))
        self._root, self._info = (int(_found(pattern, tail)) for pattern in (_ROOT, _INFO))
        self._out = [drawn[:start]]
        self._size = start
        begin = drawn.index(b"\n", drawn.index(b"\n", start) + 1) + 1  # below "xref" and its range
        rows = (drawn[at : at + 10] for at in range(begin + _ROW, begin + _ROW * self.next, _ROW))
        self._places = [_FREE, *(_PLACE(1, int(row), 0) for row in rows)]
        self._packed: list[tuple[int, str]] = []

    def add(self, *bodies: str) -> int:
        """Add objects under the next numbers; gives the first number."""
        first = self.next
        self._packed += enumerate(bodies, start=first)
        self._places += [_FREE] * len(bodies)
        self.next += len(bodies)
        return first

    def add_stream(self, content: bytes, keys: str, *, readable: bool = False) -> int:
        """Add a stream, compressed but where it has to be found without knowing PDF; gives its number."""
        body = content if readable else zlib.compress(content)
        filter_ = "" if readable else "/Filter/FlateDecode"
        self._places.append(_PLACE(1, self._size, 0))
        head = f"{self.next} 0 obj\n<<{keys}{filter_}/Length {len(body)}>>\nstream\n".encode()
        self._write(head, body, b"\nendstream\nendobj\n")
        self.next += 1
        return self.next - 1

    def extend_catalog(self, keys: str) -> None:
        """Give the catalog more keys; what was written of it before is no object any more."""
        at = self._out[0].index(b"<<", _offset(self._places[self._root]))
        old = self._out[0][at + 2 : self._out[0].index(b"endobj", at)].decode("ascii").rstrip()
        self._packed.append((self._root, f"<<{keys}{old}"))

    def written(self) -> bytes:
        """Write the packed objects, then the table of all (ISO 32000-1, 7.5.7 and 7.5.8)."""
        bodies = [body for _, body in self._packed]
        ends = accumulate((len(body) + 1 for body in bodies), initial=0)
        heads = " ".join(f"{number} {at}" for (number, _), at in zip(self._packed, ends, strict=False))
        packed = " ".join([heads, *bodies]).encode("ascii")
        container = self.add_stream(packed, f"/Type/ObjStm/N {len(bodies)}/First {len(heads) + 1}")
        for at, (number, _) in enumerate(self._packed):
            self._places[number] = _PLACE(2, container, at)
        return self._with_table()

    def _with_table(self) -> bytes:
        start, identity = self._size, self._identity()
        self._places.append(_PLACE(1, start, 0))
        keys = f"/Type/XRef/Size {self.next + 1}/W[1 4 4]/ID[{identity}{identity}]"
        keys += f"/Root {self._root} 0 R/Info {self._info} 0 R"
        body = zlib.compress(b"".join(self._places))
        self._write(
            f"{self.next} 0 obj\n<<{keys}/Filter/FlateDecode/Length {len(body)}>>\nstream\n".encode(),
            body,
            f"\nendstream\nendobj\nstartxref\n{start}\n%%EOF\n".encode(),
        )
        return b"".join(self._out)

    def _identity(self) -> str:
        digest = md5(usedforsecurity=False)
        for piece in self._out:
            digest.update(piece)
        return f"<{digest.hexdigest()}>"

    def _write(self, *pieces: bytes) -> None:
        self._out += pieces
        self._size += sum(map(len, pieces))


#: Where an object is: kind (1 at an offset, 2 in a container), offset or container, place in the container.
_PLACE = struct.Struct(">BII").pack
_FREE = _PLACE(0, 0, 0xFFFF)


def _offset(place: bytes) -> int:
    return int.from_bytes(place[1:5], "big")


def _found(pattern: re.Pattern[bytes], tail: bytes) -> bytes:
    found = pattern.search(tail)
    if found is None:
        raise ValueError(f"the drawn PDF has no {pattern.pattern!r} at its end")
    return found[1]


# --- what it says of itself ------------------------------------------------------------------------------------------


def _xmp(about: About) -> bytes:
    """Say in XMP what the properties say, and which standards are kept. pdfuaid is explained, as PDF/A wants it."""
    said = {
        "title": escape(about.title), "author": escape(about.author), "subject": escape(about.subject),
        "language": LOCALES[about.language], "instant": f"{about.dated_on:%Y-%m-%d}T00:00:00Z", "creator": CREATOR,
    }  # fmt: skip
    return _XMP.format_map(said).encode()


_XMP = """<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:xmp="http://ns.adobe.com/xap/1.0/"
 xmlns:pdf="http://ns.adobe.com/pdf/1.3/" xmlns:pdfaid="http://www.aiim.org/pdfa/ns/id/"
 xmlns:pdfuaid="http://www.aiim.org/pdfua/ns/id/">
<dc:format>application/pdf</dc:format>
<dc:title><rdf:Alt><rdf:li xml:lang="x-default">{title}</rdf:li></rdf:Alt></dc:title>
<dc:creator><rdf:Seq><rdf:li>{author}</rdf:li></rdf:Seq></dc:creator>
<dc:description><rdf:Alt><rdf:li xml:lang="x-default">{subject}</rdf:li></rdf:Alt></dc:description>
<dc:language><rdf:Bag><rdf:li>{language}</rdf:li></rdf:Bag></dc:language>
<xmp:CreateDate>{instant}</xmp:CreateDate>
<xmp:ModifyDate>{instant}</xmp:ModifyDate>
<xmp:CreatorTool>{creator}</xmp:CreatorTool>
<pdf:Producer>{creator}</pdf:Producer>
<pdf:Trapped>False</pdf:Trapped>
<pdfaid:part>3</pdfaid:part>
<pdfaid:conformance>A</pdfaid:conformance>
<pdfuaid:part>1</pdfuaid:part>
</rdf:Description>
<rdf:Description rdf:about="" xmlns:pdfaExtension="http://www.aiim.org/pdfa/ns/extension/"
 xmlns:pdfaSchema="http://www.aiim.org/pdfa/ns/schema#" xmlns:pdfaProperty="http://www.aiim.org/pdfa/ns/property#">
<pdfaExtension:schemas><rdf:Bag><rdf:li rdf:parseType="Resource">
<pdfaSchema:schema>PDF/UA identification</pdfaSchema:schema>
<pdfaSchema:namespaceURI>http://www.aiim.org/pdfua/ns/id/</pdfaSchema:namespaceURI>
<pdfaSchema:prefix>pdfuaid</pdfaSchema:prefix>
<pdfaSchema:property><rdf:Seq><rdf:li rdf:parseType="Resource">
<pdfaProperty:name>part</pdfaProperty:name>
<pdfaProperty:valueType>Integer</pdfaProperty:valueType>
<pdfaProperty:category>internal</pdfaProperty:category>
<pdfaProperty:description>Part of ISO 14289 that is kept</pdfaProperty:description>
</rdf:li></rdf:Seq></pdfaSchema:property>
</rdf:li></rdf:Bag></pdfaExtension:schemas>
</rdf:Description>
</rdf:RDF></x:xmpmeta>
<?xpacket end="r"?>"""


# --- colours ---------------------------------------------------------------------------------------------------------

_PROFILE_NAME = "sRGB IEC61966-2.1"

# Of IEC 61966-2-1, adapted to the white D50 of profiles by Bradford's matrix, in units of 1/65536.
_D50 = (63190, 65536, 54061)
_PRIMARIES = {b"rXYZ": (28576, 14581, 912), b"gXYZ": (25239, 46983, 6361), b"bXYZ": (9375, 3972, 46787)}
_TO_D50 = (68674, 1502, -3290, 1939, 64912, -1119, -605, 988, 49212)
# Exponent and factors of the curve, then the slope of its dark end and where that ends.
_CURVE = (157286, 62119, 3417, 5072, 2651)


@cache
def srgb_profile() -> bytes:
    """Give the profile of sRGB (ISO 15076-1): made here, so that it is the same for ever and nobody's work."""
    curve = b"para" + struct.pack(">4xHxx5i", 3, *_CURVE)
    tags = {
        b"desc": _names(_PROFILE_NAME), b"cprt": _names("CC0"), b"wtpt": _xyz(_D50),
        b"chad": b"sf32" + struct.pack(">4x9i", *_TO_D50),
        **{name: _xyz(colour) for name, colour in _PRIMARIES.items()},
        b"rTRC": curve, b"gTRC": curve, b"bTRC": curve,
    }  # fmt: skip
    table, data, places = struct.pack(">I", len(tags)), b"", dict[bytes, int]()
    begin = 128 + 4 + 12 * len(tags)
    for name, content in tags.items():
        if content not in places:
            places[content] = begin + len(data)
            data += content + b"\0" * (-len(content) % 4)
        table += name + struct.pack(">II", places[content], len(content))
    return _profile_header(begin + len(data)) + table + data


def _profile_header(size: int) -> bytes:
    version, day = 0x04200000, (2026, 1, 1, 0, 0, 0)
    return struct.pack(
        ">I4xI4s4s4s6H4s4xI8xQI3i48x",
        size, version, b"mntr", b"RGB ", b"XYZ ", *day, b"acsp", 0, 0, 0, *_D50,
    )  # fmt: skip


def _names(words: str) -> bytes:
    text = words.encode("utf-16-be")
    return b"mluc" + struct.pack(">4xII2s2sII", 1, 12, b"en", b"US", len(text), 28) + text


def _xyz(colour: tuple[int, int, int]) -> bytes:
    return b"XYZ " + struct.pack(">4x3i", *colour)


# --- attachments -----------------------------------------------------------------------------------------------------


def _listed(file: _File, attachments: Sequence[Attachment], dated_on: date) -> str:
    """List attachments as belonging to the document, and by name; the names of a name tree have to rise."""
    if not attachments:
        return ""
    numbers = {attachment.name: _attached(file, attachment, dated_on) for attachment in attachments}
    named = "".join(f"{literal(name)}{numbers[name]} 0 R" for name in sorted(numbers))
    belonging = " ".join(f"{number} 0 R" for number in numbers.values())
    return f"/AF[{belonging}]/Names<</EmbeddedFiles<</Names[{named}]>>>>"


def _attached(file: _File, attachment: Attachment, dated_on: date) -> int:
    kind, digest = attachment.media_type.replace("/", "#2F"), md5(attachment.content, usedforsecurity=False)
    size_and_day = f"/Size {len(attachment.content)}/ModDate(D:{dated_on:%Y%m%d}000000Z)"
    kept = file.add_stream(
        attachment.content,
        f"/Type/EmbeddedFile/Subtype/{kind}/Params<<{size_and_day}/CheckSum<{digest.hexdigest()}>>>",
    )
    name, description = literal(attachment.name), literal(attachment.description)
    return file.add(
        f"<</Type/Filespec/F{name}/UF{name}/Desc{description}/AFRelationship/{attachment.relationship}"
        f"/EF<</F {kept} 0 R/UF {kept} 0 R>>>>"
    )
