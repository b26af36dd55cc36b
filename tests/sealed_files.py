"""Sealed files for tests: keys made up once a process, and a three-page document sealed with them at both levels."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from datetime import date, timedelta
from functools import cache
from pathlib import Path

from app import clock, config, seals
from app.adapters import sealing, signing_keys
from app.adapters.sealing import Evidence, Sealed
from app.adapters.signing_keys import Key
from app.config import Signing
from foundation.archive import About
from foundation.audit import canonical, sha256
from foundation.letterhead import BODY, LEFT, Paper

#: When a test seals, unless it says another instant: the machine's, for seals carry the machine's time.
NOW = clock.machine()


@cache
def folder() -> Path:
    """Where this process keeps its made-up keys, made at the first call."""
    place = Path(tempfile.mkdtemp(prefix="os2tilslut-seals-"))
    settings = _settings(place)
    signing_keys.make_up(Path(settings.key), "seal", NOW, NOW + timedelta(days=500))
    signing_keys.make_up(settings.local_time, "time", NOW, NOW + timedelta(days=500))
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
    signing_keys.make_up(file, "seal", NOW)
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
