"""A period's postings as an answer: written to a file first, sent piece by piece, and told in the audit trail."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterator
from typing import IO

from flask import Response

from app import database, posting_files
from app.posting_files import Wanted
from app.web import layout

_PIECE = 64 * 1024  # bytes


def answered(wanted: Wanted) -> Response:
    """Answer with a file of postings, whose ETag is its SHA-256; the audit trail tells who took it."""
    held: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - closed when the answer is sent
    with database.reading() as session:
        posting_files.write(session, wanted, held)
    kind = posting_files.KINDS[wanted.form]
    response = Response(_pieces(held), mimetype=kind.partition(";")[0], content_type=kind)
    response.headers["Content-Disposition"] = f'attachment; filename="{wanted.name}"'
    response.call_on_close(held.close)
    response.set_etag(_sha256(held))
    with layout.acting() as (_, trail):
        trail.record("export.made", wanted.name, {"columns": list(wanted.columns)})
    return response


def _sha256(held: IO[bytes]) -> str:
    held.seek(0)
    found = hashlib.sha256()
    for piece in _read(held):
        found.update(piece)
    return found.hexdigest()


def _pieces(held: IO[bytes]) -> Iterator[bytes]:
    held.seek(0)
    yield from _read(held)


def _read(held: IO[bytes]) -> Iterator[bytes]:
    while piece := held.read(_PIECE):
        yield piece
