"""Pages of a document are counted once: its bytes never change."""

from __future__ import annotations

import hashlib
import io

from reportlab.pdfgen.canvas import Canvas

from app.adapters import pictures


def test_the_pages_of_a_document_are_counted_once() -> None:
    out, asked = io.BytesIO(), []
    canvas = Canvas(out)
    canvas.showPage()
    canvas.showPage()
    canvas.save()

    def content() -> bytes:
        asked.append(1)
        return out.getvalue()

    sha256 = hashlib.sha256(out.getvalue()).hexdigest()
    counts = [pictures.pages(sha256, content) for _ in range(3)]

    assert counts == [2, 2, 2]
    assert asked == [1]
