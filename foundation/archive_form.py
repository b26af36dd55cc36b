"""The archive form of our documents: PDF/A-3, so that what is kept for years can be read without anything beside it.

reportlab draws, pikepdf finishes (decision 0049): a finished document carries what it says of itself (XMP), what its
colours mean (an sRGB output intent), the tree of its tags, and its attachments, each with what it is to the document
(ISO 19005-3). It claims level A and PDF/UA-1. The same input gives the same bytes.
"""

from __future__ import annotations

import os
import re
import struct
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from functools import cache
from html import escape
from io import BytesIO
from itertools import accumulate

import pikepdf
from pikepdf import Name, Pdf

from foundation.archive import CREATOR, LOCALES, About, Attachment
from foundation.tagged import Tags

#: Of 9: elements are packed in a third of the time of 6, and take 600 bytes more.
pikepdf.settings.set_flate_compression_level(4)


def finished(
    drawn: bytes, about: About, tags: Tags, pages: Sequence[int], attachments: Sequence[Attachment] = ()
) -> bytes:
    """Give a drawn PDF in its archive form. `pages` are the object numbers of its pages."""
    first, content = _with_objects(drawn, lambda free: tags.objects(free, pages))
    with _opened(content) as pdf:
        pdf.Root.StructTreeRoot = pdf.get_object(first, 0)
        pdf.Root.MarkInfo = pikepdf.Dictionary(Marked=True)
        _describe(pdf, about)
        _attach(pdf, attachments, about.dated_on)
        return _saved(pdf)


# --- the file --------------------------------------------------------------------------------------------------------

_FIRST, _START = re.compile(rb"/Size (\d+)"), re.compile(rb"startxref\s+(\d+)")
_ROOT, _INFO = re.compile(rb"/Root (\d+) "), re.compile(rb"/Info (\d+) ")
_TAIL = 1024


def _with_objects(drawn: bytes, write: Callable[[int], Sequence[str]]) -> tuple[int, bytes]:
    """Add objects to a file as a later version of it (ISO 32000-1, 7.5.6); gives the number of the first.

    Hundreds of elements are text that is read at once; made one by one through a library they take many times as long.
    """
    free, before, root, info = (int(_found(pattern, drawn)) for pattern in (_FIRST, _START, _ROOT, _INFO))
    objects = [f"{number} 0 obj\n{body}\nendobj\n" for number, body in enumerate(write(free), start=free)]
    *places, end = accumulate(map(len, objects), initial=len(drawn))
    table = "".join(f"{place:010} 00000 n \n" for place in places)
    added = (
        f"{''.join(objects)}xref\n{free} {len(objects)}\n{table}"
        f"trailer\n<</Size {free + len(objects)}/Prev {before}/Root {root} 0 R/Info {info} 0 R>>\n"
        f"startxref\n{end}\n%%EOF\n"
    )
    return free, drawn + added.encode("ascii")


def _found(pattern: re.Pattern[bytes], drawn: bytes) -> bytes:
    found = pattern.search(drawn, len(drawn) - _TAIL)
    if found is None:
        raise ValueError(f"the drawn PDF has no {pattern.pattern!r} at its end")
    return found[1]


@contextmanager
def _opened(content: bytes) -> Iterator[Pdf]:
    """Open a PDF out of memory as a file, which is read without asking Python for each piece."""
    with os.fdopen(os.memfd_create(CREATOR), "w+b") as file:
        file.write(content)
        file.flush()
        with pikepdf.open(file, access_mode=pikepdf.AccessMode.mmap) as pdf:
            yield pdf


def _saved(pdf: Pdf) -> bytes:
    """Write it: what is compressed stays as it is, all else is packed; the same content gives the same bytes."""
    for page in pdf.pages:
        page.obj.Contents.Filter = Name.FlateDecode  # reportlab lists filters, and a list would be compressed anew
    out = BytesIO()
    pdf.save(
        out,
        object_stream_mode=pikepdf.ObjectStreamMode.generate,
        stream_decode_level=pikepdf.StreamDecodeLevel.none,
        fix_metadata_version=False,
        deterministic_id=True,
    )
    return out.getvalue()


# --- what it says of itself ------------------------------------------------------------------------------------------


def _describe(pdf: Pdf, about: About) -> None:
    """Let it say what it is (XMP), and what its colours mean."""
    pdf.Root.Metadata = pikepdf.Stream(pdf, _xmp(about), Type=Name.Metadata, Subtype=Name.XML)
    profile = pikepdf.Stream(pdf, srgb_profile(), N=3)
    pdf.Root.OutputIntents = [
        pikepdf.Dictionary(
            Type=Name.OutputIntent, S=Name.GTS_PDFA1, OutputConditionIdentifier=_PROFILE_NAME, Info=_PROFILE_NAME,
            DestOutputProfile=profile,
        )
    ]  # fmt: skip


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


def _attach(pdf: Pdf, attachments: Sequence[Attachment], dated_on: date) -> None:
    """Put files into it, listed by name and as belonging to the document."""
    day = f"D:{dated_on:%Y%m%d}000000Z"
    for each in attachments:
        pdf.attachments[each.name] = pikepdf.AttachedFileSpec(
            pdf, each.content, filename=each.name, description=each.description, mime_type=each.media_type,
            relationship=Name(f"/{each.relationship}"), creation_date=day, mod_date=day,
        )  # fmt: skip
    if attachments:
        pdf.Root.AF = [pdf.attachments[each.name].obj for each in attachments]
