"""The evidence record of an agreement: what was shown and hashed, who did what when, as one canonical JSON text.

It holds everything a stranger needs to recompute it (promise 11): the document itself, every step in order, and the
hash that links each to the one before. `faults` recomputes it from the record alone, as anybody can.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from agreements import files, offered, rights
from agreements.models import AgreementTemplate
from agreements.offered import Offer
from agreements.steps import STEPS, Step
from foundation.audit import canonical, sha256
from foundation.language import Text

#: What the record is, so that a reader in ten years knows how to read it.
FORMAT = "os2tilslut-evidence-1"

#: The fields a step's hash is taken over, in this order, as a JSON list.
HASHED = (
    "offer_id", "number", "step", "at", "by", "user_id", "signatory_position", "digest", "data", "previous_sha256",
)  # fmt: skip

_OFFLINE = {
    "da": "Kontrolsummen (digest) er SHA-256 af teksten i document, i UTF-8. Hvert trins sha256 er SHA-256 af den "
    "JSON-liste, der har trinnets felter i rækkefølgen hashed_fields, uden mellemrum og med nøgler i alfabetisk orden. "
    "Det første trins previous_sha256 er dokumentets kontrolsum; hvert næstes er det foregåendes sha256.",
    "en": "The digest is the SHA-256 of the text in document, in UTF-8. Each step's sha256 is the SHA-256 of the JSON "
    "list of the step's fields in the order of hashed_fields, without spaces and with keys in alphabetical order. The "
    "first step's previous_sha256 is the document's digest; each next one's is the sha256 of the step before.",
}


def record(session: Session, offer_id: int) -> dict[str, Any]:
    """Give the record of an offer as plain values, in seven queries. Raises NoSuchOffer."""
    offer = offered.get(session, offer_id)
    said = offer.document
    return {
        "format": FORMAT,
        "reference": offer.reference,
        "version": offer.version,
        "template": _template(session, offer),
        "authority": {"name": said.authority.name, "cvr": said.authority.cvr},
        "association": {"name": said.association.name, "cvr": said.association.cvr},
        "document": offer.text,
        "document_sha256": offer.digest,
        "signatories": [_signatory(session, offer, each) for each in offer.signatories],
        "in_order": offer.in_order,
        "stand": offer.stand.value,
        "steps": [_step(row) for row in _rows(session, offer_id)],
        "hashed_fields": list(HASHED),
        "how_to_check": _OFFLINE,
    }


def text(session: Session, offer_id: int) -> str:
    """Give the record as its one canonical JSON text, in UTF-8 the bytes that are attached and kept."""
    return canonical(record(session, offer_id))


def _template(session: Session, offer: Offer) -> dict[str, Any]:
    row = session.execute(
        select(AgreementTemplate.name, AgreementTemplate.version, AgreementTemplate.digest).where(
            AgreementTemplate.id == offer.template_id
        )
    ).one()
    return {"name": row.name, "version": row.version, "sha256": row.digest}


def _signatory(session: Session, offer: Offer, who: offered.Signatory) -> dict[str, Any]:
    right = None if who.right_id is None else rights.get(session, who.right_id, offer.authority_id)
    signed = offer.signed.get(who.position)
    return {
        "position": who.position, "name": who.name, "title": who.title, "mail": who.mail,
        "signed_at": None if signed is None else signed.at, "right": None if right is None else _right(session, right),
    }  # fmt: skip


def _right(session: Session, right: rights.Right) -> dict[str, Any]:
    document = None if right.file_id is None else sha256(files.name_and_content(session, right.file_id)[1])
    return {
        "basis": right.basis, "vouched_by": right.vouched_by, "from_on": right.from_on, "until_on": right.until_on,
        "document_sha256": document,
    }  # fmt: skip


def _rows(session: Session, offer_id: int) -> list[Any]:
    return list(session.execute(select(STEPS).where(STEPS.c.offer_id == offer_id).order_by(STEPS.c.number)))


def _step(row: Any) -> dict[str, Any]:
    return {name: getattr(row, name) for name in (*HASHED, "sha256")}


# --- checking, from the record alone


def faults(text: str) -> Iterator[Text]:
    """Tell what in a record does not add up; nothing where it is whole. Raises ValueError where it is no record."""
    held = _read(text)
    if sha256(held["document"]) != held["document_sha256"]:
        yield Text("dokumentet er ikke det, kontrolsummen siger", "the document is not the digest's")
    previous = held["document_sha256"]
    for number, step in enumerate(held["steps"], start=1):
        link = (step["number"], step["previous_sha256"], step["digest"])
        if link != (number, previous, held["document_sha256"]):
            yield Text(
                f"trin {number} følger ikke af det foregående", f"step {number} does not follow from the one before"
            )
        if sha256(canonical([step[name] for name in HASHED])) != step["sha256"]:
            yield Text(f"trin {number} er ændret", f"step {number} was changed")
        previous = step["sha256"]


def _read(text: str) -> Mapping[str, Any]:
    held = json.loads(text)
    if not isinstance(held, dict) or held.get("format") != FORMAT or canonical(held) != text:
        raise ValueError(f"no record of the format {FORMAT}")
    return held


def signatures(held: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Give who signed and countersigned by a record: each step with what it keeps of the signer."""
    wanted = (Step.SIGNED.value, Step.COUNTERSIGNED.value)
    return [
        {"step": step["step"], "at": step["at"], "by": step["by"]} | json.loads(step["data"])
        for step in held["steps"]
        if step["step"] in wanted
    ]
