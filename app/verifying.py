"""Answering for any file: ours and whole, ours but changed (and where), or not ours.

Whole means all three: the bytes are those we kept, the seal holds by the certificate that was in use, and it covers the
whole file. Whatever is not byte for byte kept here is refused, however valid a seal it carries.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from sqlalchemy.orm import Session

from agreements import pdf_changes, sealed
from agreements.sealed import Kept
from app.adapters import sealing, signing_keys
from foundation.audit import sha256
from foundation.language import Text

Judgement = Literal["whole", "changed", "unknown"]

WORDS: dict[Judgement, Text] = {
    "whole": Text("vores, og hel", "ours, and whole"),
    "changed": Text("vores, men ændret: stol ikke på den", "ours, but changed: do not rely on it"),
    "unknown": Text("ikke vores", "not ours"),
}


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a file is, why, and of which agreement."""

    judgement: Judgement
    sha256: str
    reasons: tuple[Text, ...] = ()
    original: Kept | None = None


def verify(session: Session, content: bytes) -> Verdict:
    """Judge a file."""
    digest = sha256(content)
    kept = sealed.by_sha256(session, digest)
    if kept is not None:
        faults = faults_of(session, kept)
        return Verdict("changed" if faults else "whole", digest, faults, kept)
    found = pdf_changes.traces(content)
    kept = sealed.akin(session, digest=digest, signatures=found.signatures, file_ids=found.file_ids - {""})
    if kept is not None:
        return Verdict("changed", digest, pdf_changes.places(content, kept), kept)
    return Verdict("unknown", digest, _of_stranger(session, content))


def faults_of(session: Session, kept: Kept) -> tuple[Text, ...]:
    """Examine the seal of the bytes we kept, as of the instant they were sealed."""
    known = _chains(session, kept.certificate_sha256)
    found = sealing.looks(kept.content, known, kept.sealed_at)
    if found is None:
        return (Text("seglet kan ikke læses", "the seal cannot be read"),)
    if found.certificate_sha256 != kept.certificate_sha256:
        return (*found.faults, Text("seglet er et andet end det noterede", "the seal is not the one on record"))
    return found.faults


def _chains(session: Session, certificate: str) -> list[signing_keys.Certificate]:
    """Give what vouched for a certificate when it was in use."""
    rows = [one for one in sealed.certificates(session) if one.sha256 == certificate]
    return [one for row in rows for one in signing_keys.from_pem(row.chain)]


def _of_stranger(session: Session, content: bytes) -> tuple[Text, ...]:
    """Tell what else is known of a file that is not here: a right seal of ours may be of a database gone by."""
    if sealing.SEAL.encode() not in content and b"/ByteRange" not in content:
        return ()
    for row in sealed.certificates(session):
        found = sealing.looks(content, signing_keys.from_pem(row.chain), row.taken_at)
        if found is not None and not found.faults and found.certificate_sha256 == row.sha256:
            told = "den bærer et gyldigt segl fra os, men vi har ikke gemt den: spørg sekretariatet"
            return (Text(told, "it carries a valid seal of ours, but we have not kept it: ask the secretariat"),)
    return ()
