"""Pages of a PDF as pictures, so that a document is seen where it is told about. Drawn once, kept in bounded memory."""

from __future__ import annotations

import io
from collections.abc import Callable
from functools import lru_cache
from threading import Lock

import pypdfium2

#: Pages of a document that are shown as pictures; the whole is in the file.
MOST_PAGES = 10

_SCALE = 1.5  # 108 dots an inch: small letters can be read
_KEPT = 64  # pictures, of some 200 KB each

_COUNTS_KEPT = 4096

# PDFium knows one thread at a time.
_alone = Lock()

# The pages of documents by their SHA-256: their bytes never change, so they are read once to be counted.
_counted: dict[str, int] = {}


def pages(sha256: str, pdf: Callable[[], bytes]) -> int:
    """Count the pages of a document that can be shown; `pdf` gives its bytes where they are not counted yet."""
    found = _counted.get(sha256)
    if found is None:
        if len(_counted) >= _COUNTS_KEPT:
            _counted.clear()
        found = _counted[sha256] = _pages(pdf())
    return found


def _pages(pdf: bytes) -> int:
    with _alone, pypdfium2.PdfDocument(pdf) as document:
        return min(len(document), MOST_PAGES)


@lru_cache(_KEPT)
def page(pdf: bytes, number: int) -> bytes | None:
    """Draw a page, counted from 1, as PNG; None where there is no such page."""
    with _alone, pypdfium2.PdfDocument(pdf) as document:
        if not 1 <= number <= min(len(document), MOST_PAGES):
            return None
        drawn = io.BytesIO()
        document[number - 1].render(scale=_SCALE).to_pil().save(drawn, "PNG")
        return drawn.getvalue()
