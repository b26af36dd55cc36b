"""Invoices and credit notes: the list, the page of one, its documents as files and as pictures."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, render_template, request
from flask.typing import ResponseReturnValue
from sqlalchemy import select
from sqlalchemy.orm import Session

from agreements.products import PRODUCTS
from app import access, database, delivery_words
from app.adapters import pictures
from app.web import layout, lists
from app.web.lists import Choice, Column, Filter, Listing
from authorities.register import AUTHORITIES
from billing import balances, credit_proposals, delivery_register, invoice_register, ledger, payments, renderings
from billing.gathering import CREDITED_LINES, INVOICES, LINES
from billing.invoice_register import InvoicePage
from billing.papers import INVOICE
from billing.reasons import Explained, NoSuchInvoice
from billing.renderings import OneKept
from foundation import proposals
from foundation.language import Text, same
from foundation.money import Money
from foundation.proposals import Proposal

blueprint = Blueprint("invoices", __name__)

_KINDS = {"invoice": Text("Faktura", "Invoice"), "credit_note": Text("Kreditnota", "Credit note")}
_BOOKS = {"real": Text("Rigtige", "Real"), "rehearsal": Text("Prøvekørsel", "Rehearsal")}

#: How the document that the receiver gets stands, in words.
STATES = {
    invoice_register.VALID: Text("Godkendt af reglerne", "Accepted by the rules"),
    invoice_register.INVALID: Text("Afvist af reglerne", "Refused by the rules"),
    invoice_register.WAITING: Text("Venter på validering", "Waits for validation"),
    invoice_register.MISSING: Text("Dokument mangler", "Document missing"),
}

_TIE = (INVOICES.c.id.desc(),)
_TYPES = {"pdf": "application/pdf", "peppol": "application/xml", "oioubl": "application/xml"}
FORMAT_NAMES = {"pdf": "PDF", "peppol": "Peppol BIS Billing 3.0", "oioubl": "OIOUBL 2.1"}


class NoSuchDocument(NoSuchInvoice):
    """The invoice has no such document, or none yet."""


# --- the list


@blueprint.get("/invoices")
@access.needs("invoice.read")
def page() -> ResponseReturnValue:
    """List invoices and credit notes."""
    with database.reading() as session:
        return render_template("invoices/list.html", page=lists.page(session, _listing(session)))


@blueprint.get("/invoices.<form>")
@access.needs("invoice.read")
def export(form: str) -> Response:
    """Give the list as a file."""
    with database.reading() as session:
        return lists.export(session, _listing(session), form)


def _listing(session: Session) -> Listing:
    return Listing(
        name="invoices",
        caption=Text("Fakturaer og kreditnotaer", "Invoices and credit notes"),
        statement=access.invoices(invoice_register.listing()),
        columns=_COLUMNS,
        filters=_filters(session),
        sort="-issued",
        tie=_TIE,
        id=INVOICES.c.id,
        empty=Text(
            "Ingen fakturaer er udstedt endnu. De kommer, når årets plan er godkendt og udstedt",
            "No invoices were issued yet. They come when the plan of the year is approved and issued",
        ),
        numbers=frozenset({"net", "vat", "gross", "credited"}),
    )


def _address(row: Any) -> str:
    return f"/invoices/{row.number}"


_COLUMNS = (
    Column("number", Text("Nummer", "Number"), lambda row: row.number, INVOICES.c.number, _address),
    Column("kind", Text("Slags", "Kind"), lambda row: _KINDS[row.kind], invoice_register.kind()),
    Column("authority", Text("Myndighed", "Authority"), lambda row: row.authority, AUTHORITIES.c.name),
    Column("issued", Text("Udstedt", "Issued"), lambda row: row.issued_on, INVOICES.c.issued_on),
    Column("due", Text("Forfalder", "Due"), lambda row: row.due_on, INVOICES.c.due_on),
    Column("net", Text("Uden moms", "Without VAT"), lambda row: Money(row.net_ore), INVOICES.c.net_ore),
    Column("vat", Text("Moms", "VAT"), lambda row: Money(row.vat_ore), INVOICES.c.vat_ore),
    Column("gross", Text("Med moms", "With VAT"), lambda row: Money(row.gross_ore), INVOICES.c.gross_ore),
    Column("credited", Text("Krediteret", "Credited"), lambda row: Money(row.credited_ore) or None,
           invoice_register.credited()),
    Column("state", Text("Dokument", "Document"), lambda row: STATES[row.validation], invoice_register.validation()),
)  # fmt: skip


def _filters(session: Session) -> tuple[Filter, ...]:
    columns = INVOICES.c
    years = session.scalars(access.invoices(select(columns.year)).distinct().order_by(columns.year.desc())).all()
    products = session.scalars(_products()).all()
    return (
        Filter("q", Text("Nummer, myndighed eller CVR", "Number, authority or CVR"), _matching),
        Filter("year", Text("År", "Year"), lambda year: columns.year == int(year),
               [Choice(str(year), same(str(year))) for year in years]),
        Filter("kind", Text("Slags", "Kind"), lambda kind: invoice_register.kind() == kind, _choices(_KINDS)),
        Filter("state", Text("Dokument", "Document"), lambda state: invoice_register.validation() == state,
               _choices(STATES)),
        Filter("paid", Text("Betaling", "Payment"), _paid, _choices({"overdue": Text("Forfaldne", "Overdue"),
                                                                     "open": Text("Mangler noget", "Owes something")})),
        Filter("from", Text("Udstedt fra", "Issued from"), lists.since(columns.issued_on), is_day=True),
        Filter("until", Text("Udstedt til og med", "Issued up to"), lists.until(columns.issued_on), is_day=True),
        Filter("product", Text("Produkt", "Product"), _with_product,
               [Choice(product, same(product)) for product in products]),
        Filter("book", Text("Bog", "Book"), lambda book: columns.book == book, _choices(_BOOKS)),
    )  # fmt: skip


def _products() -> Any:
    """Ask for the products to choose from: all, or those on the invoices of who sees only some.

    Whoever sees all would have all lines ever issued looked through for it.
    """
    if access.scope("invoice.read").everything:
        return select(PRODUCTS.c.name).order_by(PRODUCTS.c.name)
    seen = access.invoices(select(INVOICES.c.id))
    of_seen = select(LINES.c.product).where(LINES.c.invoice_id.in_(seen), LINES.c.product.is_not(None))
    return of_seen.distinct().order_by(LINES.c.product)


def _choices(titles: dict[str, Text]) -> list[Choice]:
    return [Choice(value, title) for value, title in titles.items()]


def _matching(words: str) -> Any:
    in_number, in_name = lists.contains(INVOICES.c.number, words), lists.contains(AUTHORITIES.c.name, words)
    return in_number | in_name | (AUTHORITIES.c.cvr == words)


def _paid(which: str) -> Any:
    """Narrow to what owes something, or to what of that is overdue."""
    today = layout.today()
    owes = INVOICES.c.id.in_(balances.open_ids(today))
    return owes & (INVOICES.c.due_on < today) if which == "overdue" else owes


def _with_product(product: str) -> Any:
    return INVOICES.c.id.in_(select(LINES.c.invoice_id).where(LINES.c.product == product))


# --- the page of one


@blueprint.get("/invoices/<number>")
@access.needs("invoice.read")
def one(number: str) -> ResponseReturnValue:
    """Show an invoice or credit note with all that is told of it."""
    with database.reading() as session:
        found = invoice_register.page(session, number, access.invoices)
        return render_template("invoices/page.html", invoice=found, **_beside(session, found))


def _beside(session: Session, found: InvoicePage) -> dict[str, Any]:
    taken = _credited_positions(found.explained)
    receivers = found.document.references.format
    sent = next((each for each in found.documents if each.format == receivers), None)
    owed, today = balances.one(session, payments.EVER, found.id), layout.today()
    return {
        "owed": owed,
        "owed_state": balances.stands(owed, today) if owed else None,
        "payments_": payments.matches(session, invoice_id=found.id) if owed else [],
        "booked": ledger.booked(session, found.id),
        "pictures": _pictures(session, found),
        "sent": sent,
        "delivery": delivery_register.standing(session, INVOICE, found.id),
        "delivery_words": delivery_words,
        "states": STATES,
        "formats": FORMAT_NAMES,
        "taken": taken,
        "waiting": _waiting(session, number=found.explained.number),
        "may_credit": access.current().may("credit.prepare") and len(taken) < len(found.explained.lines),
    }


def _pictures(session: Session, found: InvoicePage) -> int:
    """Count the pictures that show an invoice; none where it is not made yet."""
    pdf = next((each for each in found.documents if each.format == "pdf"), None)
    return pictures.pages(pdf.sha256, lambda: renderings.content(session, pdf.id)) if pdf else 0


def seen(session: Session, number: str) -> int:
    """Give the id of an invoice the person may see; one outside its scope is not there. Raises NoSuchInvoice."""
    found = session.scalar(access.invoices(select(INVOICES.c.id).where(INVOICES.c.number == number)))
    if found is None:
        raise NoSuchInvoice(Text("ingen faktura har det nummer", "no invoice has that number"))
    return int(found)


def _credited_positions(explained: Explained) -> set[int]:
    """Give the positions of the lines of an invoice that its credit notes took back."""
    if explained.is_credit_note:
        return set()
    return {position for told in explained.credits for position in told.positions}


def credited_positions(session: Session, invoice_id: int) -> set[int]:
    """Give the positions of the lines of an invoice that were taken back."""
    found = select(LINES.c.position).join(CREDITED_LINES, CREDITED_LINES.c.line_id == LINES.c.id)
    return set(session.scalars(found.where(LINES.c.invoice_id == invoice_id)))


def _waiting(session: Session, number: str) -> list[tuple[Proposal, list[int]]]:
    """Give the credit notes of an invoice that wait for a decision, for who may prepare any."""
    if not access.current().may("credit.prepare"):
        return []
    found = proposals.open_for(session, "credit", number)
    return [(proposal, list(credit_proposals.order_of(proposal).lines)) for proposal in found]


# --- documents


@blueprint.get("/invoices/<number>/<any(pdf, peppol, oioubl):form>")
@access.needs("invoice.read")
def document(number: str, form: str) -> ResponseReturnValue:
    """Give the kept bytes of a document."""
    with database.reading() as session:
        kept = _kept(session, number, form)
    ending = "pdf" if form == "pdf" else f"{form}.xml"
    response = Response(kept.content, content_type=_TYPES[form])
    response.headers["Content-Disposition"] = f'attachment; filename="{number}.{ending}"'
    return _tagged(response, kept.sha256)


@blueprint.get("/invoices/<number>/page-<int:at>.png")
@access.needs("invoice.read")
def picture(number: str, at: int) -> ResponseReturnValue:
    """Give a page of the PDF as a picture."""
    with database.reading() as session:
        kept = _kept(session, number, "pdf")
    drawn = pictures.page(kept.content, at)
    if drawn is None:
        raise NoSuchDocument(Text("fakturaen har ikke den side", "the invoice has no such page"))
    return _tagged(Response(drawn, content_type="image/png"), f"{kept.sha256}-{at}")


def _kept(session: Session, number: str, form: str) -> OneKept:
    found = renderings.one(session, seen(session, number), form)
    if found is None:
        raise NoSuchDocument(
            Text(
                "dokumentet er ikke lavet endnu: det laves, når årets udstedelse er færdig",
                "the document is not made yet: it is made when the issuing of the year is finished",
            )
        )
    return found


def _tagged(response: Response, tag: str) -> Response:
    """Let a browser keep bytes that never change, and ask each time whether it still may see them."""
    response.set_etag(tag)
    response.headers["Cache-Control"] = "private, no-cache"
    response.make_conditional(request)
    return response
