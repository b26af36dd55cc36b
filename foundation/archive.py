"""What a document says of itself and carries inside: common to all that become PDF/A-3 (`foundation.archive_form`)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Literal

from foundation.language import Language

LOCALES: dict[Language, str] = {"da": "da-DK", "en": "en-GB"}
CREATOR = "os2tilslut"

#: What an attachment is to the document. `Alternative`: it says the same in another form (ISO 19005-3, annex E).
Relationship = Literal["Alternative", "Source", "Data", "Supplement"]


@dataclass(frozen=True, slots=True)
class About:
    """What a document says of itself in its properties. `dated_on` stands as its day of creation."""

    title: str
    author: str
    subject: str
    language: Language
    dated_on: date


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file inside the document."""

    name: str
    content: bytes
    media_type: str
    description: str
    relationship: Relationship
