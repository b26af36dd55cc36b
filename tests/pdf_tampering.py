"""Ways to change a sealed file, as somebody would who wants it to say something else and still look sealed.

Each kind gives as many different copies as are asked for. `seen_by_pdfsig` tells whether poppler's pdfsig can see it.
It looks at what a signature covers and whether it holds, so it sees neither a change in the last signature's own
container that leaves it valid, nor who signed, nor that a time stamp is another than ours, or gone.
"""

from __future__ import annotations

import random
import re
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cache, partial
from io import BytesIO
from typing import Any

import pikepdf
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.generic import pdf_name
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign.fields import SigFieldSpec, SigSeedSubFilter
from pyhanko.sign.signers import PdfSignatureMetadata, PdfSigner
from pyhanko.sign.signers.pdf_signer import PdfTimeStamper

from app.adapters import local_timestamps, sealing, signing_keys
from tests import sealed_files
from tests.conftest import FULL

#: Copies at each of two levels; so every kind comes at least once, and more than 300 in all where tests are full.
COUNT = 200 if FULL else 21

RANGE = re.compile(rb"/ByteRange \[0 (\d+) (\d+) (\d+)\]")


@dataclass(frozen=True)
class Changed:
    """A changed copy, and how it was changed."""

    kind: str
    content: bytes
    seen_by_pdfsig: bool = True


@cache
def changed(level: str, count: int, seed: int) -> tuple[Changed, ...]:
    """Give so many changed copies of the sealed document, of every kind in turn."""
    return tuple(_changed(level, count, random.Random(f"{seed} {level}")))


def _changed(level: str, count: int, chance: random.Random) -> Iterator[Changed]:
    kinds = [*_KINDS, *(_STAMPED_KINDS if level == sealing.B_LTA else ())]
    original = sealed_files.sealed(level).content
    for nth in range(count):
        kind, make, seen = kinds[nth % len(kinds)]
        yield Changed(kind, make(original, level, chance), seen)


# --- bytes


def _flip_covered(original: bytes, level: str, chance: random.Random) -> bytes:
    (begins, resumes, _), *_ = _ranges(original)
    at = chance.choice([chance.randrange(begins), chance.randrange(resumes, len(original) - 64)])
    return _flipped(original, at, chance) if not _in_last(original, at) else _flipped(original, at % begins, chance)


def _in_last(original: bytes, at: int) -> bool:
    begins, resumes, _ = _ranges(original)[-1]
    return begins <= at < resumes


def _flip_container(original: bytes, level: str, chance: random.Random) -> bytes:
    """Change a byte inside of the last signature's container, written as it should be."""
    begins, resumes, _ = _ranges(original)[-1]
    used = len(original[begins + 1 : resumes - 1].rstrip(b"0")) // 2
    at = begins + 1 + 2 * chance.randrange(used)
    value = int(original[at : at + 2], 16) ^ (1 << chance.randrange(8))
    return original[:at] + b"%02X" % value + original[at + 2 :]


def _fill_room(original: bytes, level: str, chance: random.Random) -> bytes:
    """Write something into the zeros that fill the last signature's room."""
    _, resumes, _ = _ranges(original)[-1]
    at = resumes - 1 - 2 * chance.randrange(1, 100)
    return original[:at] + b"%02X" % chance.randrange(1, 256) + original[at + 2 :]


def _flipped(original: bytes, at: int, chance: random.Random) -> bytes:
    return original[:at] + bytes([original[at] ^ (1 << chance.randrange(8))]) + original[at + 1 :]


def _append(original: bytes, level: str, chance: random.Random) -> bytes:
    return original + chance.choice(
        [b"\n", b" ", b"%%EOF\n", b"% note\n", b"\0" * 8, original[-200:]]
    ) * chance.randint(1, 3)


def _prepend(original: bytes, level: str, chance: random.Random) -> bytes:
    return chance.choice([b"\n", b"%PDF-1.4\n", b"%!PS\n"]) + original


def _cut(original: bytes, level: str, chance: random.Random) -> bytes:
    return original[: -chance.randint(1, 4000)]


def _ranges(content: bytes) -> list[tuple[int, int, int]]:
    found = [tuple(map(int, one.groups())) for one in RANGE.finditer(content)]
    return [(begins, resumes, more) for begins, resumes, more in found]


# --- incremental updates


def _updated(change: Callable[[IncrementalPdfFileWriter, random.Random], None]) -> Callable[..., bytes]:
    def made(original: bytes, level: str, chance: random.Random) -> bytes:
        writer = IncrementalPdfFileWriter(BytesIO(original), strict=False)
        change(writer, chance)
        output = BytesIO()
        writer.write(output)
        return output.getvalue()

    return made


def _text(writer: IncrementalPdfFileWriter, chance: random.Random) -> None:
    page = _page(writer, chance)
    words = b"BT /F1 24 Tf 72 %d Td (5.668,00 kr.) Tj ET" % chance.randint(100, 700)
    page["/Contents"] = writer.add_object(generic.StreamObject(stream_data=words))
    writer.update_container(page)


def _annotation(writer: IncrementalPdfFileWriter, chance: random.Random) -> None:
    page, corner = _page(writer, chance), chance.randint(50, 500)
    note = generic.DictionaryObject(
        {
            pdf_name("/Type"): pdf_name("/Annot"),
            pdf_name("/Subtype"): pdf_name(chance.choice(["/FreeText", "/Text", "/Stamp"])),
            pdf_name("/Rect"): generic.ArrayObject(
                map(generic.NumberObject, (corner, corner, corner + 99, corner + 20))
            ),
            pdf_name("/Contents"): generic.pdf_string("5.668,00 kr."),
        }
    )
    page["/Annots"] = generic.ArrayObject([*page.get("/Annots", ()), writer.add_object(note)])
    writer.update_container(page)


def _form(writer: IncrementalPdfFileWriter, chance: random.Random) -> None:
    field = generic.DictionaryObject(
        {
            pdf_name("/FT"): pdf_name("/Tx"),
            pdf_name("/T"): generic.pdf_string(f"felt{chance.randrange(1000)}"),
            pdf_name("/V"): generic.pdf_string("5.668,00 kr."),
        }
    )
    form = writer.root["/AcroForm"]
    form["/Fields"] = generic.ArrayObject([*form["/Fields"], writer.add_object(field)])
    writer.update_container(form)


def _layer(writer: IncrementalPdfFileWriter, chance: random.Random) -> None:
    group = writer.add_object(
        generic.DictionaryObject(
            {
                pdf_name("/Type"): pdf_name("/OCG"),
                pdf_name("/Name"): generic.pdf_string(f"lag {chance.randrange(1000)}"),
            }
        )
    )
    off = generic.DictionaryObject({pdf_name("/OFF"): generic.ArrayObject([group])})
    writer.root["/OCProperties"] = generic.DictionaryObject(
        {pdf_name("/OCGs"): generic.ArrayObject([group]), pdf_name("/D"): off}
    )
    writer.update_root()


def _catalog(writer: IncrementalPdfFileWriter, chance: random.Random) -> None:
    writer.root["/Lang"] = generic.pdf_string(chance.choice(["en-GB", "de-DE", "sv-SE"]))
    writer.update_root()


def _unused(writer: IncrementalPdfFileWriter, chance: random.Random) -> None:
    writer.add_object(generic.pdf_string(f"intet {chance.randrange(1000)}"))


def _page(writer: IncrementalPdfFileWriter, chance: random.Random) -> Any:
    return writer.find_page_for_modification(chance.randrange(3))[0].get_object()


# --- signatures


def _second(original: bytes, level: str, chance: random.Random) -> bytes:
    """Sign over the sealed file with somebody else's key, so that a signature does cover the whole of it."""
    writer = IncrementalPdfFileWriter(BytesIO(original), strict=False)
    name = f"Sig{chance.randrange(1000)}"
    described = PdfSignatureMetadata(field_name=name, subfilter=SigSeedSubFilter.PADES, md_algorithm="sha256")
    signer = _Unasked(described, sealed_files.other_key().signer, new_field_spec=SigFieldSpec(name))
    return bytes(signer.sign_pdf(writer).getvalue())


class _Unasked(PdfSigner):
    """Signs whatever the certification forbids."""

    def _enforce_certification_constraints(self, reader: Any) -> None:
        pass


def _foreign(original: bytes, level: str, chance: random.Random) -> bytes:
    """Seal the shown bytes with somebody else's key, and everything else as we do it."""
    stamping = sealing.timestamps(sealed_files.settings()) if level == sealing.B_LTA else None
    key = sealed_files.other_key()
    key = replace(key, chain=(*key.chain, *sealed_files.key().chain))
    return sealing.seal(sealed_files.document(), sealed_files.evidence(), key, stamping, sealed_files.NOW).content


def _strip(original: bytes, level: str, chance: random.Random) -> bytes:
    """Take the seal off: cut back to what was shown, or write the file anew without it."""
    if chance.random() < 0.3:
        return original[: len(sealed_files.document())]
    with pikepdf.open(BytesIO(original)) as pdf, warnings.catch_warnings(action="ignore"):  # fields without a form
        del pdf.Root.AcroForm, pdf.Root.Perms
        pdf.docinfo["/Note"] = str(chance.randrange(1000))
        output = BytesIO()
        pdf.save(output)
    return output.getvalue()


def _rewrite(original: bytes, level: str, chance: random.Random) -> bytes:
    """Write the file anew with the seal kept as it is."""
    with pikepdf.open(BytesIO(original)) as pdf:
        pdf.docinfo["/Note"] = str(chance.randrange(1000))
        output = BytesIO()
        pdf.save(output)
    return output.getvalue()


def _graft(original: bytes, level: str, chance: random.Random) -> bytes:
    """Put another agreement's seal into the place of this one's."""
    other = sealed_files.sealed(level, 2).content
    (begins, resumes, _), (from_, until, _) = _ranges(original)[0], _ranges(other)[0]
    room, digits = resumes - begins - 2, other[from_ + 1 : until - 1].rstrip(b"0")
    return original[: begins + 1] + digits.ljust(room, b"0")[:room] + original[resumes - 1 :]


def _widen(original: bytes, level: str, chance: random.Random) -> bytes:
    """Let the seal's range skip more than the seal, and write into the gap."""
    begins, resumes, more = _ranges(original)[0]
    old = b"/ByteRange [0 %d %d %d]" % (begins, resumes, more)
    new = b"/ByteRange [0 %d %d %d]" % (begins, resumes + chance.randint(1, 9), more)
    return original.replace(old, new.ljust(len(old)), 1)


# --- the time stamp


def _unstamped(original: bytes) -> bytes:
    _, resumes, more = _ranges(original)[0]
    return original[: resumes + more]


def _take_stamp(original: bytes, level: str, chance: random.Random) -> bytes:
    return _unstamped(original) if chance.random() < 0.5 else _unstamped(sealed_files.fresh(level).content)


def _restamp(original: bytes, level: str, chance: random.Random, *, change: bool) -> bytes:
    """Take our time stamp off, change something where asked, and have it stamped by somebody else."""
    content = _unstamped(original)
    if change:
        content = chance.choice([_updated(_text), _updated(_annotation), _updated(_catalog)])(content, level, chance)
    output = BytesIO()
    writer = IncrementalPdfFileWriter(BytesIO(content), strict=False)
    PdfTimeStamper(_strangers_time(), field_name=sealing.TIME).timestamp_pdf(writer, "sha256", output=output)
    return output.getvalue()


def _strangers_time() -> Any:
    file = sealed_files.folder() / "strangers-time.pem"
    if not file.exists():
        signing_keys.make_up(file, "time", sealed_files.NOW)
    return local_timestamps.service(file)


_KINDS: tuple[tuple[str, Callable[..., bytes], bool], ...] = (
    ("a flipped bit", _flip_covered, True),
    ("a text instead of a page", _updated(_text), True),
    ("an annotation", _updated(_annotation), True),
    ("a form field", _updated(_form), True),
    ("a layer", _updated(_layer), True),
    ("appended bytes", _append, True),
    ("a second signature", _second, True),
    ("the seal taken off", _strip, True),
    ("another agreement's seal", _graft, True),
    ("a bit in the last container", _flip_container, False),
    ("somebody else's seal", _foreign, False),
    ("another language", _updated(_catalog), True),
    ("an object nobody refers to", _updated(_unused), True),
    ("written anew", _rewrite, True),
    ("the range widened", _widen, True),
    ("something in the room of the last signature", _fill_room, False),
    ("bytes in front", _prepend, True),
    ("cut off", _cut, True),
)
_STAMPED_KINDS: tuple[tuple[str, Callable[..., bytes], bool], ...] = (
    ("the time stamp taken off", _take_stamp, False),
    ("stamped by somebody else", partial(_restamp, change=False), False),
    ("changed and stamped by somebody else", partial(_restamp, change=True), False),
)
KINDS = frozenset(name for name, _, _ in (*_KINDS, *_STAMPED_KINDS))
