"""The audit log: who did what when, and whether every promise still holds."""

from __future__ import annotations

import json
import re
import time
from datetime import date, datetime, timedelta
from threading import Lock
from typing import Any

from flask import Blueprint, Response, render_template
from flask.typing import ResponseReturnValue
from sqlalchemy import ColumnElement, or_, select, true
from sqlalchemy.orm import Session

from app import access, database
from app.schemas import Nothing
from app.web import forms, lists
from app.web.lists import Choice, Column, Filter, Listing
from billing import verification
from foundation.audit import ENTRIES
from foundation.errors import NotFound, NotNow
from foundation.language import Text, joined, same
from foundation.periods import BUSINESS_ZONE

blueprint = Blueprint("audit", __name__)

#: What each action is called by people.
ACTIONS = {
    "accounts.imported": Text("Kontoplan indlæst", "Accounts imported"),
    "agreement.accepted": Text("Aftale læst og godtaget", "Agreement read and accepted"),
    "agreement.activated": Text("Tilslutning gjort aktiv", "Connection made active"),
    "agreement.countersigned": Text("Aftale kontrasigneret", "Agreement countersigned"),
    "agreement.declined": Text("Aftale afslået", "Agreement declined"),
    "agreement.drafted": Text("Aftale udarbejdet", "Agreement drafted"),
    "agreement.expired": Text("Tilbud udløbet", "Offer run out"),
    "agreement.kept": Text("Aftale registreret", "Agreement recorded"),
    "agreement.notice_given": Text("Aftale opsagt", "Notice given"),
    "agreement.notice_withdrawn": Text("Opsigelse trukket tilbage", "Notice withdrawn"),
    "agreement.offered": Text("Aftale tilbudt", "Agreement offered"),
    "agreement.opened": Text("Aftale åbnet", "Agreement opened"),
    "agreement.recorded": Text("Tilbud besvaret på papir", "Offer answered on paper"),
    "agreement.refused": Text("Trin afvist", "Step refused"),
    "agreement.reminded": Text("Underskriver mindet om aftalen", "Signatory reminded"),
    "agreement.replaced": Text("Aftale erstattet", "Agreement replaced"),
    "agreement.sealed": Text("Aftale forseglet", "Agreement sealed"),
    "agreement.sealed_file": Text("Forseglet fil gemt", "Sealed file kept"),
    "agreement.sealing_failed": Text("Forsegling mislykkedes", "Sealing failed"),
    "agreement.signed": Text("Aftale underskrevet", "Agreement signed"),
    "agreement.succeeded": Text("Tilslutningsafgift ført videre", "Joining fee carried over"),
    "membership.notice_given": Text("Medlemskab opsagt", "Notice of membership given"),
    "membership.notice_withdrawn": Text("Opsigelse af medlemskab trukket tilbage", "Notice of membership withdrawn"),
    "agreement.withdrawn": Text("Aftale trukket tilbage", "Agreement withdrawn"),
    "agreement.written": Text("Aftaletekst gemt", "Agreement text kept"),
    "agreements.imported": Text("Aftaler indlæst", "Agreements imported"),
    "file.kept": Text("Fil gemt", "File kept"),
    "right.ended": Text("Ret til at underskrive ophørt", "Right to sign ended"),
    "right.given": Text("Ret til at underskrive givet", "Right to sign given"),
    "token.made": Text("API-nøgle lavet", "API token made"),
    "token.ended": Text("API-nøgle ophørt", "API token ended"),
    "authorities.imported": Text("Myndigheder indlæst", "Authorities imported"),
    "bank.imported": Text("Bankfil taget ind", "Bank file taken in"),
    "batch.issued": Text("Fakturaer udstedt (parti)", "Invoices issued (batch)"),
    "billing_details.changed": Text("Faktureringsoplysninger ændret", "Billing details changed"),
    "delivery.again": Text("Dokument sendt igen", "Document sent again"),
    "delivery.by_hand": Text("Afleveret uden om tjenesten", "Handed over outside the service"),
    "delivery.made": Text("Dokumenter klar til afsendelse", "Documents ready to be sent"),
    "delivery.receipt": Text("Kvitteringer modtaget", "Receipts received"),
    "delivery.started": Text("Aflevering sat i gang", "Handing over started"),
    "delivery.tried": Text("Dokumenter forsøgt afleveret", "Documents tried to be handed over"),
    "documents.rendered": Text("Dokumenter lavet", "Documents made"),
    "documents.validated": Text("Dokumenter valideret", "Documents validated"),
    "export.made": Text("Udtræk hentet", "Export taken"),
    "invoice.credited": Text("Faktura krediteret", "Invoice credited"),
    "interest.entered": Text("Referencesatser indtastet", "Reference rates entered"),
    "invoice.disputed": Text("Faktura bestridt", "Invoice disputed"),
    "road.guide_published": Text("Vejens tekst udgivet", "The road's text published"),
    "inquiry.asked": Text("Spørgsmål stillet", "Question asked"),
    "inquiry.question_written": Text("Spurgt videre", "Asked further"),
    "inquiry.answer_written": Text("Spørgsmål besvaret", "Question answered"),
    "inquiry.note_written": Text("Note til et spørgsmål", "Note to a question"),
    "inquiry.assigned": Text("Spørgsmål fordelt", "Question assigned"),
    "inquiry.common_kept": Text("Svar gemt til genbrug", "Answer kept to be used again"),
    "inquiry.common_retired": Text("Svar til genbrug udgået", "Answer used again retired"),
    "journey.opened": Text("Rejse begyndt", "Journey begun"),
    "journey.ended": Text("Rejse afsluttet", "Journey ended"),
    "journey.judged": Text("Rejse vurderet til prognosen", "Journey judged for the forecast"),
    "journey.manner_chosen": Text("Måde at indføre produktet på valgt", "Manner of implementation chosen"),
    "journey.stage_written": Text("Etape på rejsen skrevet", "Stage of a journey written"),
    "journey.risk_written": Text("Risiko på rejsen skrevet", "Risk of a journey written"),
    "journey.task_written": Text("Opgave på rejsen ændret", "Task of a journey changed"),
    "journey.task_added": Text("Opgave på rejsen tilføjet", "Task added to a journey"),
    "journey.file_added": Text("Fil lagt på rejsen", "File laid to a journey"),
    "journey.file_withdrawn": Text("Fil på rejsen trukket tilbage", "File of a journey withdrawn"),
    "journey.asked": Text("Spurgt, om rejsen fortsætter", "Asked whether a journey goes on"),
    "journey.confirmed": Text("Rejsen fortsætter", "Journey goes on"),
    "journey.emptied": Text("Rejsens noter, filer og navne slettet", "Words, files and names of a journey emptied"),
    "inquiry.emptied": Text("Spørgsmål slettet", "Question emptied"),
    "showing.emptied": Text("Fremvisningens tekst slettet", "Words of a showing emptied"),
    "road.reminding_on": Text("Påmindelser på vejen slået til", "Reminders on the road turned on"),
    "road.reminding_off": Text("Påmindelser på vejen slået fra", "Reminders on the road turned off"),
    "showing.offered": Text("Fremvisning tilbudt", "Showing offered"),
    "showing.ended": Text("Tilbud om fremvisning trukket tilbage", "Offer of a showing taken back"),
    "journey.trial_written": Text("Prøve på rejsen skrevet", "Trial of a journey written"),
    "invoice.hold_ended": Text("Indsigelse eller løfte afsluttet", "Dispute or promise ended"),
    "invoice.promised": Text("Betaling lovet", "Payment promised"),
    "member.withdrawn": Text("Medlem udmeldt", "Member withdrawn"),
    "payment.matched": Text("Betaling placeret", "Payment placed"),
    "payment.unmatched": Text("Placering af betaling ophævet", "Placing of a payment undone"),
    "payment.refunded": Text("Tilbagebetaling besluttet", "Refund decided"),
    "payment.write_off_reversed": Text("Afskrivning ført tilbage", "Write-off reversed"),
    "payment.charge_waived": Text("Gebyr og rente eftergivet", "Fee and interest waived"),
    "payment.written_off": Text("Tilgodehavende afskrevet", "Receivable written off"),
    "invoice.issued": Text("Faktura udstedt", "Invoice issued"),
    "letter.deferred": Text("Brev udskudt", "Letter put off"),
    "letter.failed": Text("Brev kunne ikke sendes", "Letter could not be sent"),
    "letter.sent": Text("Brev sendt", "Letter sent"),
    "letter.written": Text("Brev skrevet", "Letter written"),
    "members.imported": Text("Medlemskaber indlæst", "Memberships imported"),
    "placements.imported": Text("Indplaceringer indlæst", "Placements imported"),
    "plan.approved": Text("Plan godkendt", "Plan approved"),
    "plan.invoices": Text("Planens fakturaer gemt", "The plan's invoices kept"),
    "population.imported": Text("Indbyggertal indlæst", "Inhabitants imported"),
    "products.imported": Text("Produkter indlæst", "Products imported"),
    "products.registered": Text("Produkt registreret", "Product registered"),
    "proposal.approved": Text("Forslag godkendt", "Proposal approved"),
    "proposal.made": Text("Forslag stillet", "Proposal made"),
    "proposal.rejected": Text("Forslag afvist", "Proposal rejected"),
    "proposal.withdrawn": Text("Forslag trukket tilbage", "Proposal withdrawn"),
    "reminder.issued": Text("Rykker udstedt", "Reminder issued"),
    "reminders.rendered": Text("Rykkeres dokumenter lavet", "Reminders' documents made"),
    "reminders.validated": Text("Rykkere valideret", "Reminders validated"),
    "role.ended": Text("Rolle ophørt", "Role ended"),
    "role.granted": Text("Rolle givet", "Role granted"),
    "seat.ended": Text("Plads ophørt", "Seat ended"),
    "seat.given": Text("Plads givet", "Seat given"),
    "settings.imported": Text("Indstillinger sat i kraft", "Settings put in force"),
    "signing.rotated": Text("Segl taget i brug", "Seal taken into use"),
    "table.adopted": Text("Takster vedtaget", "Table adopted"),
    "account_mapping.adopted": Text("Kontooversættelse vedtaget", "Account mapping adopted"),
    "budget.adopted": Text("Budget vedtaget", "Budget adopted"),
    "budget.drafted": Text("Budget udarbejdet", "Budget drafted"),
    "deviation.remarked": Text("Bemærkning til økonomirapport", "Remark on a funding report"),
    "cost.entered": Text("Omkostninger indtastet", "Costs entered"),
    "cost.paid": Text("Omkostning betalt", "Cost paid"),
    "cost_file.attached": Text("Bilag vedhæftet omkostning", "Voucher attached to a cost"),
    "cost_file.kept": Text("Bilag gemt", "Voucher kept"),
    "forecast.kept": Text("Prognose gemt", "Forecast kept"),
    "pipeline.chance_set": Text("Sandsynlighed sat", "Probability set"),
    "pipeline.seen": Text("Myndighed på vej vurderet", "Authority on the way judged"),
    "fund.balances_kept": Text("Fondenes saldi gemt", "Balances of funds kept"),
    "fund.moved": Text("Penge flyttet mellem fonde", "Money moved between funds"),
    "hour_rate.decided": Text("Timesats besluttet", "Hourly rate decided"),
    "recurring_cost.booked": Text("Faste omkostninger bogført", "Recurring costs booked"),
    "recurring_cost.decided": Text("Fast omkostning besluttet", "Recurring cost decided"),
    "period.closed": Text("Periode lukket", "Period closed"),
    "report.published": Text("Rapport offentliggjort", "Report published"),
    "report.asked": Text("Spørgsmål til en rapport", "Question on a report"),
    "report.answered": Text("Svar om en rapport", "Answer on a report"),
    "report.decided": Text("Beslutning om en rapport", "Decision on a report"),
    "report.disclosed": Text("Rapport gjort offentlig", "Report made public"),
    "report.closed": Text("Rapport ikke længere offentlig", "Report no longer public"),
    "user.accepted": Text("Invitation taget imod", "Invitation accepted"),
    "user.ended": Text("Bruger ophørt", "User ended"),
    "voucher.booked": Text("Bilag bogført", "Voucher booked"),
    "user.invited": Text("Bruger inviteret", "User invited"),
}

#: What the words for kinds in an entry's subject are called by people; the others are names.
KINDS = {
    "accrual": Text("periodisering", "accrual"),
    "association": Text("forening", "association"),
    "authority": Text("myndighed", "authority"),
    "bank": Text("bankpost", "bank transaction"),
    "budget": Text("budget", "budget"),
    "common": Text("fælles", "common"),
    "answer": Text("svar", "answer"),
    "close_period": Text("lukning af periode", "closing of a period"),
    "connection": Text("tilslutning", "connection"),
    "cost": Text("omkostning", "cost"),
    "disclosure": Text("offentligt", "made public"),
    "fund_move": Text("fondspostering", "fund posting"),
    "funding_report": Text("økonomirapport", "funding report"),
    "hour_rate": Text("timesats", "hourly rate"),
    "inquiry": Text("spørgsmål", "question"),
    "journey": Text("rejse", "journey"),
    "letter": Text("brev", "letter"),
    "match": Text("placering", "match"),
    "membership": Text("medlemskab", "membership"),
    "move": Text("flytning", "move"),
    "opening": Text("primo", "opening"),
    "proposal": Text("forslag", "proposal"),
    "real": Text("rigtig", "real"),
    "rehearsal": Text("prøve", "rehearsal"),
    "recurring": Text("fast omkostning", "recurring cost"),
    "recurring_cost": Text("fast omkostning", "recurring cost"),
    "reminder": Text("rykker", "reminder"),
    "reminder_terms": Text("rykkervilkår", "terms of reminders"),
    "reminders": Text("rykkere", "reminders"),
    "sealed_document": Text("forseglet dokument", "sealed document"),
    "settings": Text("indstillinger", "settings"),
    "showing": Text("fremvisning", "showing"),
    "size_key": Text("fordelingsnøgle", "size key"),
    "statement": Text("kontoudtog", "statement"),
    "template": Text("skabelon", "template"),
    "token": Text("API-nøgle", "API token"),
    "transaction": Text("bankpost", "bank transaction"),
    "transfer": Text("overførsel", "transfer"),
    "user": Text("bruger", "user"),
    "verdict": Text("validering", "validation"),
    "version": Text("version", "version"),
    "write_off_reversal": Text("afskrivning taget tilbage", "write-off taken back"),
}  # fmt: skip

_ROWS_SHOWN = 200  # of what an entry covers; the rest is counted

#: Longest time the page verifies, in seconds; longer histories are verified by the command.
PATIENCE = 60

_RUNNING = Text("en efterregning er i gang: vent på den", "a verification is running: wait for it")

_one_at_a_time = Lock()


class NoSuchEntry(NotFound):
    """The trail has no such entry, or none for this person."""


class VerifyTakesLonger(NotNow):
    """A history too long for a page, or somebody else's verification that runs."""


# --- entries


@blueprint.get("/audit")
@access.needs("audit.read")
def page() -> ResponseReturnValue:
    """List the entries, newest first."""
    with database.reading() as session:
        found = lists.page(session, _listing())
    return render_template("audit/list.html", page=found, sees_all=access.scope("audit.read").everything)


@blueprint.get("/audit.<form>")
@access.needs("audit.read")
def export(form: str) -> Response:
    """Give the list as a file."""
    with database.reading() as session:
        return lists.export(session, _listing(), form)


def about(subject: str) -> Text:
    """Give what an entry is about in people's words: kinds are told, names stand as they are."""
    return joined((KINDS.get(word) or same(word) for word in subject.split(" ")), " ")


def _is_about(given: str) -> ColumnElement[bool]:
    """Tell in SQL whether an entry is about what a person asks for: `omkostning 3` is kept as `cost 3`."""
    meant = [
        re.sub(rf"\b{title}\b", kind, given, flags=re.IGNORECASE)
        for kind, text in KINDS.items()
        for title in {text.da, text.en}
    ]
    return or_(*(lists.contains(ENTRIES.c.subject, each) for each in {given, *meant}))


def _listing() -> Listing:
    columns = ENTRIES.c
    metadata = select(columns.position, columns.at, columns.actor, columns.action, columns.subject)
    return Listing(
        name="audit",
        caption=Text("Revisionsspor", "Audit log"),
        statement=access.entries(metadata),
        columns=(
            Column("position", Text("Post", "Entry"), lambda row: row.position, columns.position,
                   lambda row: f"/audit/{row.position}"),
            Column("at", Text("Tidspunkt", "At"), lambda row: row.at, columns.at),
            Column("actor", Text("Hvem", "Who"), lambda row: row.actor, columns.actor),
            Column("action", Text("Hvad", "What"), lambda row: words(row.action), columns.action),
            Column("subject", Text("Om", "About"), lambda row: about(row.subject), columns.subject),
        ),
        filters=(
            Filter("q", Text("Om", "About"), _is_about),
            Filter("who", Text("Hvem", "Who"), lambda given: lists.contains(columns.actor, given)),
            Filter("action", Text("Hvad", "What"), lambda given: columns.action == given,
                   [Choice(action, title) for action, title in ACTIONS.items()]),
            Filter("from", Text("Fra dag", "From day"), lambda given: _since(given, 0), is_day=True),
            Filter("until", Text("Til og med dag", "Until day, included"), lambda given: ~_since(given, 1),
                   is_day=True),
        ),
        sort="-position",
        empty=Text("Intet er gjort endnu", "Nothing was done yet"),
        numbers=frozenset({"position"}),
    )  # fmt: skip


def words(action: str) -> Text:
    """Name an action for people."""
    return ACTIONS.get(action) or same(action)


def _since(given: str, days: int) -> ColumnElement[bool]:
    """Tell in SQL what came since the beginning of a day, or some days later; what is no day narrows nothing."""
    try:
        day = date.fromisoformat(given) + timedelta(days=days)
    except (ValueError, OverflowError):
        return true() if not days else ~true()
    return ENTRIES.c.at >= datetime(day.year, day.month, day.day, tzinfo=BUSINESS_ZONE)


@blueprint.get("/audit/<int:position>")
@access.needs("audit.read")
def one(position: int) -> ResponseReturnValue:
    """Show an entry; what it says beyond who, when and what about is for some roles only."""
    with database.reading() as session:
        entry = _entry(session, position, "audit.read")
        may_read = access.scope("audit.data").everything or _is_own(session, position)
    covers = json.loads(entry.covers) if may_read else []
    return render_template(
        "audit/entry.html",
        about=about(entry.subject),
        entry=entry,
        title=words(entry.action),
        data=_readable(entry.data) if may_read else None,
        covers=covers[:_ROWS_SHOWN],
        covered=len(covers),
    )


def _entry(session: Session, position: int, permission: str) -> Any:
    row = _found(session, position, permission)
    if row is None:
        raise NoSuchEntry(Text("revisionssporet har ingen sådan post", "the audit log has no such entry"))
    return row


def _found(session: Session, position: int, permission: str) -> Any:
    if position >= 2**63:
        return None
    return session.execute(access.entries(select(ENTRIES), permission).where(ENTRIES.c.position == position)).first()


def _is_own(session: Session, position: int) -> bool:
    return access.scope("audit.data").own and _found(session, position, "audit.data") is not None


def _readable(text: str) -> str:
    return json.dumps(json.loads(text), ensure_ascii=False, indent=2, sort_keys=True)


# --- verifying


@blueprint.post("/audit/verify")
@access.needs("audit.verify")
def verify() -> ResponseReturnValue:
    """Recompute every promise, and show what is broken. Changes nothing."""
    forms.taken(Nothing)
    if not _one_at_a_time.acquire(blocking=False):
        raise VerifyTakesLonger(_RUNNING)
    try:
        with database.reading() as session:
            verdict = verification.verify(session, _until(time.monotonic() + PATIENCE))
    finally:
        _one_at_a_time.release()
    return render_template("audit/verdict.html", verdict=verdict)


def _until(end: float) -> Any:
    def ask(check: str) -> None:
        if time.monotonic() > end:
            raise VerifyTakesLonger(
                Text(
                    f"efterregningen tager for længe til en side (nået til {check}); "
                    "den kan køres på serveren af dem, der driver tjenesten",
                    f"verifying takes too long for a page (came to {check}); "
                    "those who run the service can run it on the server",
                )
            )

    return ask
