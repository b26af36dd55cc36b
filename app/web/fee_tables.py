"""Products and what they cost: adopted tables for everybody to read; drafts, which another person adopts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from functools import partial
from typing import Any

from flask import Blueprint, Response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import Row, select
from sqlalchemy.orm import Session

from agreements import directory, impact, products, table_proposals
from app import access, database, schemas
from app.schemas import Approval, TableText
from app.web import deciding, fields, forms, layout, lists, memory_list, price_list, table_forms
from app.web.deciding import Find
from app.web.forms import Sent
from app.web.memory_list import MemoryListing
from app.web.price_list import Product
from app.web.table_forms import TableForm
from fee_tables import catalogue, common_drafts, drafts, facts, prices, text
from fee_tables.catalogue import ADOPTED, Catalogue
from fee_tables.reader import TableFault
from fee_tables.size_key import STANDARD_BANDS, band_title
from fee_tables.table import AssociationTable, FeeTable
from fee_tables.text import Decision
from foundation import proposals
from foundation.errors import NotFound
from foundation.language import Text, same
from foundation.proposals import NoSuchProposal, Proposal

blueprint = Blueprint("fee_tables", __name__)

#: What stands in the place of a product's name for what belongs to all products.
SIZE_KEY, ASSOCIATION = "size-key", "association"
_COMMON = {SIZE_KEY: ("size_key", ""), ASSOCIATION: ("association", "")}
_TITLES = {
    SIZE_KEY: Text("Fordelingsnøgle", "Size key"),
    ASSOCIATION: Text("Kontingent og bidrag", "Dues and contribution"),
}
_COMPARED = "with"


class NoSuchTable(NotFound):
    """No such table is adopted."""


@blueprint.get("/fee-tables")
@access.public
def page() -> ResponseReturnValue:
    """List the products with what they cost today and next year."""
    with database.reading() as session:
        today = layout.today()
        known = catalogue.read(session)
        listing, rows = _products(session, known, today)
        return render_template(
            "fee_tables/list.html",
            page=memory_list.page(listing, rows, request.args),
            common=[(place, title, _newest(known, place, today)) for place, title in _TITLES.items()],
            waiting=proposals.open(session, "table") if access.current().may("tables.read_drafts") else [],
        )


@blueprint.get("/fee-tables.<form>")
@access.needs("tables.read")
def export(form: str) -> Response:
    """Give the list of products as shown, as a file."""
    with database.reading() as session:
        listing, rows = _products(session, catalogue.read(session), layout.today())
    return lists.export_rows(listing.name, listing.columns, rows, form)


def _products(session: Session, known: Catalogue, today: date) -> tuple[MemoryListing, list[Product]]:
    """Give the list of products as the address asks for it; who uses which is for those who plan."""
    sees_numbers = access.current().may("run.read")
    connected = impact.connected(session, today) if sees_numbers else None
    listing = price_list.listing(today, sees_numbers=sees_numbers)
    rows = price_list.products(known, products.accounts_by_name(session), connected, today)
    return listing, price_list.chosen(rows, listing, request.args)


def _newest(known: Catalogue, place: str, today: date) -> Decision | None:
    return known.size_key(today) if place == SIZE_KEY else known.association_table(today)


@blueprint.get("/fee-tables/<name>")
@access.public
def product(name: str) -> ResponseReturnValue:
    """Show all versions of a product's table, or of what belongs to all products."""
    with database.reading() as session:
        versions = _versions(session, name)
        if not versions and name not in _COMMON and name not in products.ids_by_name(session):
            raise _no_table()
        return render_template(
            "fee_tables/product.html",
            name=name,
            title=_TITLES.get(name, same(name)),
            versions=[(row, _read(row)) for row in versions],
            amount_of=facts.amount_of,
            waiting=_waiting(session, name),
            today=layout.today(),
            is_product=name not in _COMMON and name in products.ids_by_name(session),
        )


def _versions(session: Session, name: str) -> Sequence[Row[Any]]:
    kind, of_product = _COMMON.get(name, ("fee_table", name))
    found = select(ADOPTED).where(ADOPTED.c.kind == kind, ADOPTED.c.product == of_product)
    return session.execute(found.order_by(ADOPTED.c.valid_from.desc())).all()


def _waiting(session: Session, name: str) -> list[Proposal]:
    if not access.current().may("tables.read_drafts"):
        return []
    subject = _COMMON[name][0] if name in _COMMON else name
    return [each for each in proposals.open(session, "table") if each.subject.rpartition(" ")[0] == subject]


def _read(row: Row[Any]) -> Decision:
    return catalogue.adopted(row.text)


def _no_table() -> NoSuchTable:
    return NoSuchTable(Text("Der er intet sådant takstblad", "There is no such fee table"))


@blueprint.get("/fee-tables/<name>/<day>")
@access.public
def version(name: str, day: str) -> ResponseReturnValue:
    """Show one version; beside another where the address asks for it."""
    with database.reading() as session:
        versions = {row.valid_from.isoformat(): row for row in _versions(session, name)}
        if day not in versions:
            raise _no_table()
        row, decision = versions[day], _read(versions[day])
        other = request.args.get(_COMPARED, "")
        if other and other not in versions:
            raise _no_table()
        return render_template(
            "fee_tables/version.html",
            name=name,
            title=_TITLES.get(name, same(name)),
            row=row,
            facts=facts.of(decision),
            others=[each for each in versions if each != day],
            other=other,
            pairs=facts.compared(_read(versions[other]), decision) if other else None,
            names_shown=access.current().may("tables.read_drafts"),
            **prices_of(decision, catalogue.read(session)),
        )


def prices_of(decision: Decision | None, known: Catalogue) -> dict[str, Any]:
    """Give what a fee table comes to for members and others; nothing for other decisions."""
    if not isinstance(decision, FeeTable):
        return {"annual": [], "joining": [], "association": None}
    association = known.association_table(prices.key_day(decision)) if decision.contribution else None
    return {
        "annual": prices.annual(decision, association),
        "joining": prices.joining(decision),
        "association": association,
    }


# --- drafts


@blueprint.get("/fee-tables/draft")
@access.needs("tables.draft")
def draft() -> ResponseReturnValue:
    """Offer a form for a new table, begun with the product's newest."""
    with database.reading() as session:
        known = catalogue.read(session)
        name = request.args.get("product", "")
        newest = next(iter(known.fee_tables.get(name, ())), None)
        values = drafts.values_of(newest) if newest else {"product": name}
        return _fields(session, known, values, {})


@blueprint.post("/fee-tables/draft")
@access.needs("tables.draft")
def check_fields() -> ResponseReturnValue:
    """Write the fields as a text, and check it; its faults come back at the fields."""
    with database.reading() as session:
        known = catalogue.read(session)
        bands = _bands(known)
        sent = forms.read(schemas.draft_of(drafts.field_names(bands)))
        if sent.errors:
            return _fields(session, known, sent.typed, sent.errors), 422
        values = sent.values
        written = drafts.text_of(values, bands)
        decision, faults = table_proposals.tried(session, written.text)
        if decision is None:
            return _fields(session, known, values, drafts.faults_by_field(written, faults)), 422
        return _checked(session, known, written.text, decision)


def _bands(known: Catalogue) -> tuple[str, ...]:
    newest = next(iter(known.size_keys), None)
    return newest.band_names if newest else STANDARD_BANDS


def _fields(session: Session, known: Catalogue, values: Mapping[str, str], errors: Mapping[str, Text]) -> str:
    return render_template(
        "fee_tables/draft.html",
        values=values,
        errors=errors,
        bands=[(band, band_title(band)) for band in _bands(known)],
        steps=range(1, drafts.STEPS + 1),
        products=directory.product_names(session),
    )


@blueprint.get("/fee-tables/draft/size-key")
@access.needs("tables.draft")
def draft_size_key() -> ResponseReturnValue:
    """Offer a form for a new size key, begun with the newest."""
    return _begun(table_forms.SIZE_KEY)


@blueprint.post("/fee-tables/draft/size-key")
@access.needs("tables.draft")
def check_size_key() -> ResponseReturnValue:
    """Write the fields of a size key as a text, and check it; its faults come back at the fields."""
    return _check(table_forms.SIZE_KEY)


@blueprint.get("/fee-tables/draft/association")
@access.needs("tables.draft")
def draft_association() -> ResponseReturnValue:
    """Offer a form for the association's new table, begun with the newest."""
    return _begun(table_forms.ASSOCIATION)


@blueprint.post("/fee-tables/draft/association")
@access.needs("tables.draft")
def check_association() -> ResponseReturnValue:
    """Write the fields of the association's table as a text, and check it; its faults come back at the fields."""
    return _check(table_forms.ASSOCIATION)


def _begun(form: TableForm) -> str:
    with database.reading() as session:
        return _common(form, form.begun(catalogue.read(session)), {})


def _check(form: TableForm) -> ResponseReturnValue:
    sent = forms.read(schemas.draft_of(form.names))
    if sent.errors:
        return _common(form, sent.typed, sent.errors), 422
    values = sent.values
    if values.get(table_forms.ADD):
        return _common(form, {**values, common_drafts.ROWS: str(common_drafts.rows(values) + 1)}, {})
    written = form.text_of(values)
    with database.reading() as session:
        decision, faults = table_proposals.tried(session, written.text)
        if decision is None:
            return _common(form, values, drafts.faults_by_field(written, faults)), 422
        return _checked(session, catalogue.read(session), written.text, decision)


def _common(form: TableForm, values: Mapping[str, str], errors: Mapping[str, Text]) -> str:
    groups, rows = form.groups(values), common_drafts.rows(values)
    return render_template(
        "fee_tables/common.html", form=form, groups=groups, labels=fields.labels(groups), values=values, errors=errors,
        rows=rows, is_full=rows == common_drafts.BANDS,
    )  # fmt: skip


@blueprint.get("/fee-tables/draft/text")
@access.needs("tables.draft")
def draft_text() -> ResponseReturnValue:
    """Offer a text to write, begun with the newest of its kind."""
    with database.reading() as session:
        versions = _versions(session, request.args.get("product", ""))
        return _text(versions[0].text if versions else "", ())


@blueprint.post("/fee-tables/draft/text")
@access.needs("tables.draft")
def check_text() -> ResponseReturnValue:
    """Check a text; every fault comes back with its line, and the text as it was typed."""
    sent = forms.read(TableText)
    if sent.errors:
        return _refused_text(sent), 422
    written = sent["text"]
    with database.reading() as session:
        decision, faults = table_proposals.tried(session, written)
        if decision is None:
            return _text(written, faults), 422
        return _checked(session, catalogue.read(session), written, decision)


def _refused_text(sent: Sent) -> str:
    return _text(sent.typed.get("text", ""), [TableFault(1, words) for words in sent.errors.values()])


def _text(written: str, faults: Sequence[TableFault]) -> str:
    return render_template("fee_tables/text.html", text=written, faults=faults)


def _checked(session: Session, known: Catalogue, written: str, decision: Decision) -> str:
    return render_template("fee_tables/checked.html", text=written, **_meaning(session, known, decision))


def _meaning(session: Session, known: Catalogue, decision: Decision) -> dict[str, Any]:
    """Tell what a decision says, how it differs from what it comes after, and what that means."""
    before = _before(known, decision)
    told: dict[str, Any] = {
        "facts": facts.of(decision),
        "pairs": facts.compared(before, decision) if before else None,
        "impact": None,
        **prices_of(decision, known),
    }
    if isinstance(decision, FeeTable) and decision.annual_fee is not None:
        old = known.annual_table(decision.reference.product, decision.reference.valid_from)
        told["impact"] = impact.of(session, known, old, decision)
    return told


def _before(known: Catalogue, decision: Decision) -> Decision | None:
    """Give the decision in force when another of its kind takes over."""
    day = catalogue.first_day_of(decision)
    if isinstance(decision, FeeTable):
        listed = known.fee_tables.get(decision.reference.product, ())
        return next((table for table in listed if table.reference.valid_from < day), None)
    if isinstance(decision, AssociationTable):
        return next((table for table in known.association if table.reference.valid_from < day), None)
    return next((key for key in known.size_keys if key.valid_from < day), None)


# --- proposing and adopting


@blueprint.post("/fee-tables/proposals")
@access.needs("tables.draft")
def propose() -> ResponseReturnValue:
    """Propose a text for another person to adopt."""
    sent = forms.read(TableText)
    if sent.errors:
        return _refused_text(sent), 422
    written = sent["text"]
    with layout.acting() as (session, trail):
        decision, faults = table_proposals.tried(session, written)
        if decision is None:
            return _text(written, faults), 422
        proposed = table_proposals.propose(session, written, trail)
    layout.done(Text("Foreslået. En anden skal vedtage det", "Proposed. Somebody else must adopt it"))
    return redirect(url_for("fee_tables.proposal", number=proposed.id), 303)


@blueprint.get("/fee-tables/proposals/<int:number>")
@access.needs("tables.read_drafts")
def proposal(number: int) -> ResponseReturnValue:
    """Show a proposed table: what it says, what it changes, and its digest."""
    return _page(number)


def _page(number: int, sent: Sent = forms.UNSENT) -> str:
    with database.reading() as session:
        found = _proposal(session, number)
        decision = text.read(found.content, bands_on=None)
        return render_template(
            "fee_tables/proposal.html",
            proposal=found,
            own=proposals.is_same_person(found.proposed_by, access.current().actor),
            sent=sent,
            **_meaning(session, catalogue.read(session), decision),
        )


@blueprint.post("/fee-tables/proposals/<int:number>/adopt")
@access.needs("tables.adopt", fresh=True)
def adopt(number: int) -> ResponseReturnValue:
    """Adopt exactly what is proposed."""
    with layout.acting() as (session, trail):
        found = _proposal(session, number)
        proposals.expect(session, found.id, forms.taken(Approval).get("digest"))
        table_proposals.approve(session, found.id, trail)
    layout.done(Text(f"Vedtaget: {found.subject}", f"Adopted: {found.subject}"))
    return redirect(url_for("fee_tables.page"), 303)


@blueprint.post("/fee-tables/proposals/<int:number>/reject")
@access.needs("tables.adopt")
def reject(number: int) -> ResponseReturnValue:
    """Reject what is proposed, with a reason."""
    told = Text("Forslaget er afvist", "The proposal is rejected")
    back = url_for("fee_tables.proposal", number=number)
    return deciding.reject(_finding(number), partial(_page, number), told, back)


@blueprint.post("/fee-tables/proposals/<int:number>/withdraw")
@access.needs("tables.draft")
def withdraw(number: int) -> ResponseReturnValue:
    """Withdraw what one has proposed oneself."""
    told = Text("Forslaget er trukket tilbage", "The proposal is withdrawn")
    return deciding.withdraw(_finding(number), told, url_for("fee_tables.page"))


def _finding(number: int) -> Find:
    return partial(_proposal, number=number)


def _proposal(session: Session, number: int) -> Proposal:
    """Give a proposed table; a proposal of another kind is not there. Raises NoSuchProposal."""
    found = proposals.get(session, number)
    if found.kind != "table":
        raise NoSuchProposal(Text("Der er intet sådant forslag", "There is no such proposal"))
    return found
