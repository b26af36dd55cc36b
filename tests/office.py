"""Documents of an office suite, as small as they can be, and what hostile people put into them."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping


def archive(members: Mapping[str, bytes], *, comment: bytes = b"") -> bytes:
    """Make a ZIP archive."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in members.items():
            file.writestr(name, content)
        file.comment = comment
    return made.getvalue()


def docx(
    more: Mapping[str, bytes] | None = None,
    *,
    main: str = "openxmlformats-officedocument.wordprocessingml.document.main+xml",
    comment: bytes = b"",
) -> bytes:
    """Make a DOCX with more members."""
    types = f'<Types><Override PartName="/word/document.xml" ContentType="application/vnd.{main}"/></Types>'
    whole = {"[Content_Types].xml": types.encode(), "word/document.xml": b"<w:document/>", **(more or {})}
    return archive(whole, comment=comment)


def odt(more: Mapping[str, bytes] | None = None) -> bytes:
    """Make an ODT with more members."""
    kind = b"application/vnd.oasis.opendocument.text"
    return archive({"mimetype": kind, "content.xml": b"<office:document-content/>", **(more or {})})
