"""Reminders by mail: each goes once, with the bytes that are kept, to the contacts that the invoice's agreements name.

Where NemHandel takes a reminder the letter is a copy, written once it is handed over; Peppol has no reminders, so there
the letter is all. The outbox row that was written with a reminder is the order; what nobody has written a letter of is
found by that. A letter is sent, put off, given up and sent again like every other.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from typing import TYPE_CHECKING, Any

from sqlalchemy import Row
from sqlalchemy.orm import Session

from app import courtesy_copies
from app.annual_work import Surroundings
from app.config import Config
from billing import balances, reminder_document, reminder_files
from billing.document import USUAL_FORMAT
from billing.reminder_document import ReminderDocument
from billing.reminder_files import LETTER, OIOUBL, PDF
from foundation import letters
from foundation.language import Text, day, kroner
from foundation.letters import Enclosure, Letter
from foundation.money import ZERO

if TYPE_CHECKING:
    from billing.verdicts import Rules

_AT_A_TIME = 100

#: Why nothing of a reminder has left yet.
WHY = {
    "missing": Text("dokumentet er ikke dannet endnu", "the document is not made yet"),
    "made_up": Text(
        "bærer et mærkat om, at den er opdigtet eller en demonstration, og forlader aldrig en demonstration",
        "bears a notice that it is made up or a demonstration, and never leaves a demonstration",
    ),
    "waits": Text(
        "venter på validering: regelpakken mangler, eller dokumentet er ikke valideret endnu",
        "waits for validation: the rule pack is missing, or the document is not validated yet",
    ),
    "refused": Text("afvist af de officielle regler", "refused by the official rules"),
    "no_contact": Text(
        "ingen aftale bag fakturaen har en kontaktmail: skriv den i myndighedens faktureringsoplysninger, eller hent "
        "PDF'en her, send den selv, og notér det",
        "no agreement behind the invoice names a contact by mail: enter it in the authority's billing details, or "
        "fetch the PDF here, send it yourself, and note that",
    ),
    "by_hand": Text("er afleveret uden om tjenesten", "was handed over outside the service"),
    "handed_over_first": Text(
        "en kopi sendes, når rykkeren er afleveret", "a copy is sent once the reminder is handed over"
    ),
    "ready": Text("sendes i næste omgang", "is sent in the next round"),
}


def write_due(surroundings: Surroundings, known: Rules, year: int | None = None) -> list[str]:
    """Write the letters of all reminders that may leave and have none yet; give the numbers of those reminders."""
    pack, config = known.packs.get("oioubl"), surroundings.config
    if pack is None:
        return []
    written: list[str] = []
    with surroundings.reading() as session:
        waiting = reminder_files.unsent(session, pack, year=year, made_up=may_be_made_up(config))
        contacts = courtesy_copies.contacts(session, {row.invoice for row in waiting})
    ready = [row for row in waiting if row.invoice in contacts]
    for at in range(0, len(ready), _AT_A_TIME):
        written += _write(surroundings, ready[at : at + _AT_A_TIME], contacts)
    return written


def may_be_made_up(config: Config) -> bool:
    """Tell whether reminders that say of themselves that they are none may be written: only where no mail leaves."""
    return config.environment == "demo" and not config.mail.server


def _write(surroundings: Surroundings, rows: Sequence[Row[Any]], contacts: dict[str, list[str]]) -> list[str]:
    """Write the letters of some reminders; those that another process wrote meanwhile are left as they are."""
    with surroundings.writing() as (session, trail):
        wanted = [letter for row in rows for letter in _letters(session, row, contacts[row.invoice])]
        letters.write(session, wanted, trail, sender=surroundings.config.mail.sender)
    return [row.number for row in rows]


def _letters(session: Session, row: Row[Any], mails: Sequence[str]) -> Iterator[Letter]:
    document = reminder_document.from_json(row.document)
    kept = ((PDF, "pdf", "application/pdf"), (OIOUBL, "xml", "application/xml"))
    enclosures = tuple(
        Enclosure(f"{row.number}.{ending}", one.content, media_type)
        for format_, ending, media_type in kept
        if (one := reminder_files.one(session, row.id, format_)) is not None
    )
    for mail in mails:
        yield Letter(LETTER, row.number, mail, _title(document), _body(document), enclosures)


def _title(document: ReminderDocument) -> str:
    (invoice,) = document.invoices
    return f"Rykker {document.number} for faktura {invoice.number} fra {document.seller.name}"


def _body(document: ReminderDocument) -> str:
    (invoice,) = document.invoices
    costs = "".join(f", {charge.text.da.lower()} {kroner(charge.amount).da}" for charge in document.charges)
    return (
        "Goddag\n\n"
        f"{document.seller.name} har ikke modtaget hele betalingen for faktura {invoice.number} til "
        f"{document.buyer.name}, som forfaldt {day(invoice.due_on).da}. Der mangler {kroner(document.outstanding).da}"
        f"{costs}. I alt bedes {kroner(document.to_pay).da} betalt senest {day(document.due_on).da}.\n\n"
        f"{_enclosed(document)} Betalingsoplysningerne står på den. "
        "Er beløbet betalt i mellemtiden, kan I se bort fra den.\n\n"
        f"Venlig hilsen\n{document.seller.name}\n"
    )


def _enclosed(document: ReminderDocument) -> str:
    """Say what is enclosed: the reminder, or a copy of what the receiver has as an e-document."""
    if document.references.format != USUAL_FORMAT:
        return "Rykkeren er vedhæftet som PDF og XML."
    place = f"GLN {document.references.gln}" if document.references.endpoint == "gln" else f"CVR {document.buyer.cvr}"
    return f"Rykkeren er sendt gennem NemHandel ({place}); en kopi er vedhæftet som PDF og XML."


def why(session: Session, row: Row[Any]) -> Text:
    """Say what a reminder waits for of which no letter is written, or that it waits for nothing."""
    if reminder_files.is_by_hand(session, row.id):
        return WHY["by_hand"]
    if reminder_files.one(session, row.id, PDF) is None:
        return WHY["missing"]
    if not reminder_files.is_real(row.document):
        return WHY["made_up"]
    told = reminder_files.verdict(session, row.id)
    if told is None or not told.judged.ok:
        return WHY["waits" if told is None else "refused"]
    if not courtesy_copies.contacts(session, {row.invoice}):
        return WHY["no_contact"]
    return WHY["ready" if reminder_files.may_be_written(session, row.id) else "handed_over_first"]


def without_contact(session: Session, on: date) -> list[int]:
    """Give the reminders that nobody can be sent, for no agreement names a contact, while their invoices lack money."""
    waiting = reminder_files.without_letter(session)
    if not waiting:
        return []
    contacts = courtesy_copies.contacts(session, {row.invoice for row in waiting})
    lacking = {invoice for invoice, each in balances.still_open(session, on).items() if each.outstanding > ZERO}
    return [row.id for row in waiting if row.invoice not in contacts and row.invoice_id in lacking]
