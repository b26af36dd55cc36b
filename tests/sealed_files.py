"""Sealed files for tests: keys made up once a process, and a three-page document sealed with them at both levels."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from datetime import date, datetime, timedelta
from functools import cache, partial
from pathlib import Path

from sqlalchemy.orm import Session

from agreements.sealed import Certificate, Fresh, note_failure, store, take_into_use, waiting
from app import clock, config, seals
from app.adapters import sealing, signing_keys
from app.adapters.sealing import Evidence, Sealed
from app.adapters.signing_keys import Key
from app.config import Signing
from foundation.archive import About
from foundation.audit import Trail, canonical, sha256
from foundation.language import Text
from foundation.letterhead import BODY, LEFT, Paper
from tests.agreements.signed import AT, CHAIR, DIRECTOR, Way
from tests.command_line import CommandLine

#: When a test seals, unless it says another instant: the machine's, for seals carry the machine's time.
NOW = clock.machine()

#: The days of the made-up keys: they hold now, and when agreements of tests are countersigned.
_FROM, _UNTIL = min(NOW, AT), max(NOW, AT) + timedelta(days=500)


@cache
def folder() -> Path:
    """Where this process keeps its made-up keys, made at the first call."""
    place = Path(tempfile.mkdtemp(prefix="os2tilslut-seals-"))
    settings = _settings(place)
    signing_keys.make_up(Path(settings.key), "seal", _FROM, _UNTIL)
    signing_keys.make_up(settings.local_time, "time", _FROM, _UNTIL)
    return place


def _settings(place: Path) -> Signing:
    return config.read({"OS2TILSLUT_DATA_DIR": str(place)}).signing


def settings() -> Signing:
    """The settings with the made-up keys."""
    return _settings(folder())


@cache
def key() -> Key:
    """The key, with what vouches for it and for the time stamps."""
    return seals.key(config.read({"OS2TILSLUT_DATA_DIR": str(folder())}))


@cache
def other_key() -> Key:
    """Somebody else's key, whose certificate says the same of itself."""
    file = folder() / "other.pem"
    signing_keys.make_up(file, "seal", _FROM, _UNTIL)
    return signing_keys.load(replace(settings(), key=str(file)))


@cache
def document(number: int = 1) -> bytes:
    """Give a document of three pages, as it is shown before it is sealed."""
    paper = Paper(About(f"Aftale A-2026-0000{number}", "OS2", "Tilslutningsaftale", "da", date(2026, 11, 24)))
    for page in range(1, 4):
        paper.text(LEFT, 60, f"Aftale {number}, side {page}: 56.680,00 kr. om året", BODY)
        paper.turn()
    return paper.finish()


def evidence(number: int = 1) -> Evidence:
    """Give evidence as it is attached."""
    pdf = document(number)
    told = {"reference": f"A-2026-0000{number}", "shown_pdf": {"bytes": len(pdf), "sha256": sha256(pdf)}}
    return Evidence(f"A-2026-0000{number}-v1-bevis.json", canonical(told).encode())


@cache
def sealed(level: str = sealing.B_LTA, number: int = 1) -> Sealed:
    """Give the document sealed."""
    return fresh(level, number)


def fresh(level: str = sealing.B_LTA, number: int = 1) -> Sealed:
    """Seal the document anew; no two seals are the same bytes."""
    stamping = sealing.timestamps(settings()) if level == sealing.B_LTA else None
    return sealing.seal(document(number), evidence(number), key(), stamping, NOW)


def as_kept(offer_id: int, number: int = 1, given: Sealed | None = None) -> Fresh:
    """Give a seal as what is to be kept of an offer."""
    made = given or fresh(sealing.B_B, number)
    return Fresh(
        offer_id, made.content, document(number), made.signature_sha256, made.file_id,
        evidence(number).content.decode(), made.level, made.certificate_sha256,
    )  # fmt: skip


def seal_everything(line: CommandLine, cvr: str, at: datetime) -> None:
    """Leave rows in every table of sealing, where one agreement is countersigned: two keys, failures, sealed files."""
    way = Way(line, at, cvr, "OS2valghalla")
    way.countersigned(DIRECTOR, effective_on=date(2028, 1, 1))
    for one in (other_key(), key()):
        way.by(CHAIR, partial(_taken, one=one))
    for number, offer_id in enumerate(way.asked(partial(waiting, at_most=2)), start=1):
        way.by(CHAIR, partial(_failed, offer_id=offer_id))
        way.by(CHAIR, partial(_stored, made=as_kept(offer_id, number, sealed(sealing.B_B, number))))


def _failed(session: Session, trail: Trail, offer_id: int) -> None:
    note_failure(session, offer_id, Text(f"Nej {offer_id}", f"No {offer_id}"), trail)


def _stored(session: Session, trail: Trail, made: Fresh) -> None:
    assert store(session, made, trail)


def _taken(session: Session, trail: Trail, one: Key) -> bool:
    days = one.certificate.not_valid_before, one.certificate.not_valid_after
    certificate = Certificate(one.sha256, one.subject, *days, one.pem, "", trail.at)
    return take_into_use(session, certificate, trail)
