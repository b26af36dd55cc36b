"""Sealed agreements: what waits for its seal, the one sealed file of each, and the certificates in use.

What waits is read from the facts: countersigned, and no sealed file. So a seal that failed is tried again without any
bound, a process that was killed leaves nothing to mend, and of two that seal at once the first keeps its file.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import RowMapping, Select, Table, func, or_, select
from sqlalchemy.orm import Session

from agreements import offered, steps
from agreements.sealed_models import SealedDocument, SealingFailure, SigningCertificate
from agreements.steps import STEPS, About, Next, Step
from foundation import append_only
from foundation.audit import Broken, Trail, sha256
from foundation.errors import NotFound
from foundation.language import Text

SEALED: Table = SealedDocument.__table__  # type: ignore[assignment]
FAILURES: Table = SealingFailure.__table__  # type: ignore[assignment]
CERTIFICATES: Table = SigningCertificate.__table__  # type: ignore[assignment]

#: What sealing leaves in the audit trail beside its step; none of it decides what is owed.
FILE_ACTION, FAILED_ACTION, ROTATED_ACTION = "agreement.sealed_file", "agreement.sealing_failed", "signing.rotated"
ACTIONS = (FILE_ACTION, FAILED_ACTION, ROTATED_ACTION)

#: The same failure again is noted no more often than this.
_NOTED_EVERY = timedelta(hours=1)


class NotSealedYet(NotFound):
    """The agreement has no sealed file yet."""


@dataclass(frozen=True, slots=True)
class Fresh:
    """A file that was just sealed: what is to be kept of it."""

    offer_id: int
    content: bytes
    unsealed: bytes  # the bytes that were shown
    signature_sha256: str
    file_id: str
    evidence: str
    level: str
    certificate_sha256: str


@dataclass(frozen=True, slots=True)
class Kept:
    """A sealed file as it is kept."""

    offer_id: int
    content: bytes
    sha256: str
    unsealed_sha256: str
    unsealed_length: int
    level: str
    certificate_sha256: str
    sealed_at: datetime


@dataclass(frozen=True, slots=True)
class Failure:
    """The last failure of an agreement that waits for its seal."""

    offer_id: int
    at: datetime
    reason: Text


@dataclass(frozen=True, slots=True)
class Certificate:
    """A certificate that was taken into use."""

    sha256: str
    subject: str
    not_before: datetime
    not_after: datetime
    chain: str
    taken_by: str
    taken_at: datetime


# --- questions -------------------------------------------------------------------------------------------------------


def waiting(session: Session, *, at_most: int, failed: Collection[int] = ()) -> list[int]:
    """Give the next countersigned offers that have no sealed file, but for those that failed, in their order."""
    found = _waiting().where(STEPS.c.offer_id.not_in(failed)).order_by(STEPS.c.offer_id).limit(at_most)
    return list(session.scalars(found))


def count_waiting(session: Session) -> int:
    """Count the countersigned offers that have no sealed file."""
    return session.scalar(select(func.count()).select_from(_waiting().subquery())) or 0


def _waiting() -> Select[tuple[int]]:
    countersigned = select(STEPS.c.offer_id).where(STEPS.c.step == Step.COUNTERSIGNED)
    return countersigned.where(STEPS.c.offer_id.not_in(select(SEALED.c.offer_id)))


def failures(session: Session) -> list[Failure]:
    """Give the last failure of every offer that is still without a sealed file."""
    last = (
        select(func.max(FAILURES.c.id)).where(FAILURES.c.offer_id.not_in(select(SEALED.c.offer_id)))
    ).group_by(FAILURES.c.offer_id)  # fmt: skip
    rows = session.execute(select(FAILURES).where(FAILURES.c.id.in_(last)).order_by(FAILURES.c.offer_id))
    return [Failure(row.offer_id, row.at, Text(**json.loads(row.reason))) for row in rows]


def of_offer(session: Session, offer_id: int) -> Kept:
    """Give an offer's sealed file. Raises NotSealedYet."""
    row = session.execute(select(SEALED).where(SEALED.c.offer_id == offer_id)).first()
    if row is None:
        raise NotSealedYet(Text("aftalen er ikke forseglet endnu", "the agreement is not sealed yet"))
    return _kept(row._mapping)


def by_sha256(session: Session, digest: str) -> Kept | None:
    """Give the sealed file of exactly these bytes."""
    row = session.execute(select(SEALED).where(SEALED.c.sha256 == digest)).first()
    return None if row is None else _kept(row._mapping)


def akin(session: Session, *, digest: str, signatures: Collection[str], file_ids: Collection[str]) -> Kept | None:
    """Give the sealed file of which this seems a changed copy: by its seal, by what was shown, by its identifier."""
    columns = SEALED.c
    known = or_(
        columns.signature_sha256.in_(signatures), columns.unsealed_sha256 == digest, columns.file_id.in_(file_ids)
    )
    rows = session.execute(
        select(SEALED).where(known).order_by(columns.signature_sha256.not_in(signatures), columns.id)
    )
    row = rows.first()
    return None if row is None else _kept(row._mapping)


def _kept(row: RowMapping) -> Kept:
    return Kept(**{name: row[name] for name in Kept.__dataclass_fields__})


def certificates(session: Session) -> list[Certificate]:
    """Give the certificates that were taken into use, the one in use first."""
    rows = session.execute(select(CERTIFICATES).order_by(CERTIFICATES.c.id.desc()))
    names = Certificate.__dataclass_fields__
    return [Certificate(**{name: row._mapping[name] for name in names}) for row in rows]


def faults(session: Session) -> Iterator[Broken]:
    """Name each sealed file that is not what was noted of it: its digest, the bytes shown, the evidence, its step."""
    known = {row.sha256 for row in session.execute(select(CERTIFICATES.c.sha256))}
    for row in session.execute(select(SEALED).order_by(SEALED.c.id).execution_options(yield_per=20)):
        for what in _faults(row._mapping, known, _noted(session, row.offer_id)):
            yield Broken("seals", f"sealed_document {row.id}", what)


def count(session: Session) -> int:
    """Count the sealed files."""
    return session.scalar(select(func.count()).select_from(SEALED)) or 0


def _noted(session: Session, offer_id: int) -> str | None:
    """Give the digest that an offer's own chain of steps holds of its sealed file."""
    step = select(STEPS.c.data).where(STEPS.c.offer_id == offer_id, STEPS.c.step == Step.SEALED)
    data = session.scalar(step)
    return None if data is None else str(json.loads(data).get("sha256"))


def _faults(row: RowMapping, known: Collection[str], noted: str | None) -> Iterator[Text]:
    if sha256(row["content"]) != row["sha256"]:
        yield Text("filen er ikke den, der blev gemt", "the file is not the one that was kept")
    if sha256(row["content"][: row["unsealed_length"]]) != row["unsealed_sha256"]:
        yield Text("filen begynder ikke med det, der blev vist", "the file does not begin with what was shown")
    if noted != row["sha256"]:
        yield Text("aftalens trin nævner en anden fil", "the agreement's steps name another file")
    if row["certificate_sha256"] not in known:
        yield Text("certifikatet var aldrig i brug", "the certificate was never in use")


# --- acts ------------------------------------------------------------------------------------------------------------


def store(session: Session, fresh: Fresh, trail: Trail) -> bool:
    """Keep a sealed file; tell whether it is the first of its agreement, and so the one. Needs the writer's lock.

    Raises NotPermitted where the agreement is not countersigned.
    """
    if session.scalar(select(SEALED.c.id).where(SEALED.c.offer_id == fresh.offer_id)) is not None:
        return False
    offer = offered.get(session, fresh.offer_id)
    steps.check(offer.steps, len(offer.signatories), Step.SEALED)
    row = {
        "id": append_only.next_id(session, SEALED), "offer_id": fresh.offer_id, "content": fresh.content,
        "sha256": sha256(fresh.content), "unsealed_sha256": sha256(fresh.unsealed),
        "unsealed_length": len(fresh.unsealed), "signature_sha256": fresh.signature_sha256, "file_id": fresh.file_id,
        "evidence": fresh.evidence, "level": fresh.level, "certificate_sha256": fresh.certificate_sha256,
        "sealed_at": trail.at,
    }  # fmt: skip
    append_only.add(session, SEALED, [row])
    trail.record(FILE_ACTION, offer.name, {"sha256": row["sha256"]}, rows=[(SEALED, row)])
    told = {"sha256": row["sha256"], "level": fresh.level, "certificate": fresh.certificate_sha256}
    steps.take(session, [Next(offer, offer.steps, Step.SEALED, About(data=told))], trail)
    return True


def note_failure(session: Session, offer_id: int, reason: Text, trail: Trail) -> None:
    """Note why an agreement could not be sealed; the same reason again only after a while."""
    told = json.dumps({"da": reason.da, "en": reason.en}, ensure_ascii=False)
    last = session.execute(
        select(FAILURES).where(FAILURES.c.offer_id == offer_id).order_by(FAILURES.c.id.desc()).limit(1)
    ).first()
    if last is not None and last.reason == told and trail.at - last.at < _NOTED_EVERY:
        return
    row = {"id": append_only.next_id(session, FAILURES), "offer_id": offer_id, "at": trail.at, "reason": told}
    append_only.add(session, FAILURES, [row])
    trail.record(FAILED_ACTION, str(offer_id), {"reason": reason.da}, rows=[(FAILURES, row)])


def take_into_use(session: Session, certificate: Certificate, trail: Trail) -> bool:
    """Take a certificate into use; tell whether that is any change."""
    standing = certificates(session)[:1]
    if standing and (standing[0].sha256, standing[0].chain) == (certificate.sha256, certificate.chain):
        return False
    row = {name: getattr(certificate, name) for name in Certificate.__dataclass_fields__}
    row |= {"id": append_only.next_id(session, CERTIFICATES), "taken_by": trail.actor, "taken_at": trail.at}
    append_only.add(session, CERTIFICATES, [row])
    told = {"sha256": certificate.sha256, "subject": certificate.subject}
    trail.record(ROTATED_ACTION, certificate.sha256, told, rows=[(CERTIFICATES, row)])
    return True
