"""Authorities: the list, the page of one, and what was changed of it."""

from __future__ import annotations

from datetime import date
from functools import lru_cache
from typing import Any

from flask import Blueprint, Response, render_template
from flask.typing import ResponseReturnValue
from sqlalchemy import Row, func, not_, or_, select
from sqlalchemy.orm import Session

from agreements import directory, history, leaving, lifecycle
from agreements.connections import AGREEMENTS
from agreements.directory import Choices, Directory
from agreements.lifecycle import Facts, Kind
from agreements.products import PRODUCTS
from app import access, association, database
from app.web import charts, layout, lists, plan_list, problem_list, titles
from app.web.lists import Choice, Column, Filter, Listing
from authorities import profile
from authorities.profile import Profile
from authorities.register import AUTHORITIES, COUNTED_TYPES
from billing import outlook, overview
from billing.models import Invoice
from billing.outlook import Forecast
from fee_tables.size_key import SizeBand, SizeKey, band_title
from foundation import proposals
from foundation.language import Text, same, whole_number
from foundation.sorting import Alphabetical

blueprint = Blueprint("authorities", __name__)

_YES_NO = {True: Text("Ja", "Yes"), False: Text("Nej", "No")}
_NO_BAND = "none"
_TIE = (AUTHORITIES.c.id,)


@blueprint.get("/authorities")
@access.needs("authority.read")
def page() -> ResponseReturnValue:
    """List the authorities; who knows them through a product's group alone sees names and states."""
    with database.reading() as session:
        return render_template("authorities/list.html", page=lists.page(session, _listing(session)), of_groups=False)


@blueprint.get("/authorities.<form>")
@access.needs("authority.read")
def export(form: str) -> Response:
    """Give the list as a file."""
    with database.reading() as session:
        return lists.export(session, _listing(session), form)


@blueprint.get("/authorities/groups")
@access.needs("authority.read")
def groups() -> ResponseReturnValue:
    """List who has joined the products in whose groups the person sits."""
    with database.reading() as session:
        return render_template("authorities/list.html", page=lists.page(session, _of_groups()), of_groups=True)


@blueprint.get("/authorities/groups.<form>")
@access.needs("authority.read")
def export_groups(form: str) -> Response:
    """Give the list of the groups as a file."""
    with database.reading() as session:
        return lists.export(session, _of_groups(), form)


# --- the list


def _knows_by_group_only() -> bool:
    reach = access.scope("authority.read")
    return not reach.everything and not reach.authorities


def _listing(session: Session) -> Listing:
    if _knows_by_group_only():
        return _of_groups()
    today = layout.today()
    offered = directory.choices(session, today)
    found = directory.on(today, offered.key)
    return Listing(
        name="authorities",
        caption=Text("Myndigheder", "Authorities"),
        statement=access.authorities(found.statement, wholly=True),
        columns=_columns(found),
        filters=_filters(found, offered),
        sort="name",
        tie=_TIE,
        id=AUTHORITIES.c.id,
        empty=Text(
            "Ingen myndigheder er indlæst endnu. Indlæs dem under Indlæsning.",
            "No authorities were taken in yet. Take them in under Imports.",
        ),
        numbers=frozenset({"inhabitants", "products"}),
    )


@lru_cache(directory.DAYS_KEPT)
def _columns(found: Directory) -> tuple[Column, ...]:
    year = found.on.year
    return (
        Column("name", Text("Navn", "Name"), lambda row: row.name, Alphabetical(AUTHORITIES.c.name), _own_page),
        Column("cvr", Text("CVR", "CVR"), lambda row: row.cvr, AUTHORITIES.c.cvr),
        Column("kind", Text("Slags", "Kind"), lambda row: titles.kind(row.type), AUTHORITIES.c.type),
        Column(
            "inhabitants",
            Text(f"Indbyggere {year - 1}", f"Inhabitants {year - 1}"),
            lambda row: row.inhabitants,
            func.coalesce(found.inhabitants, -1),
        ),
        Column("band", Text(f"Størrelse {year}", f"Size {year}"), _band_cell, found.rank),
        Column("member", Text("Medlem", "Member"), lambda row: _YES_NO[bool(row.is_member)], found.is_member),
        Column("products", Text("Produkter", "Products"), lambda row: row.products, found.products),
    )


def _own_page(row: Any) -> str:
    return f"/authorities/{row.cvr}"


def _band_cell(row: Any) -> Text | None:
    return band_title(row.band) if row.band else None


@lru_cache(directory.DAYS_KEPT)
def _filters(found: Directory, offered: Choices) -> tuple[Filter, ...]:
    bands = [Choice(name, band_title(name)) for name in (offered.key.band_names if offered.key else ())]
    return (
        Filter("q", Text("Søg i navn og CVR", "Search in name and CVR"), _named),
        Filter("kind", Text("Slags", "Kind"), lambda kind: AUTHORITIES.c.type == kind,
               [Choice(kind, titles.kind(kind)) for kind in offered.kinds]),
        Filter("band", Text("Størrelse", "Size"),
               lambda band: found.band.is_(None) if band == _NO_BAND else found.band == band,
               [*bands, Choice(_NO_BAND, Text("Uden størrelse", "Without a size"))]),
        Filter("member", Text("Medlem", "Member"),
               lambda said: found.is_member if said == "yes" else not_(found.is_member),
               [Choice("yes", _YES_NO[True]), Choice("no", _YES_NO[False])]),
        Filter("product", Text("Bruger produktet", "Uses the product"),
               lambda name: directory.uses(name, found.on),
               [Choice(name, same(name)) for name in offered.products]),
    )  # fmt: skip


def _named(words: str) -> Any:
    by_name = lists.contains(AUTHORITIES.c.name, words)
    digits = words.replace(" ", "")
    return or_(by_name, AUTHORITIES.c.cvr.contains(digits, autoescape=True)) if digits.isdigit() else by_name


# --- the list of the groups: names and states


def _of_groups() -> Listing:
    today = layout.today()
    return Listing(
        name="connected-authorities",
        caption=Text("Tilsluttede myndigheder", "Connected authorities"),
        statement=access.agreements(_agreements()),
        columns=(
            Column("name", Text("Navn", "Name"), lambda row: row.name, Alphabetical(AUTHORITIES.c.name), _own_page),
            Column("cvr", Text("CVR", "CVR"), lambda row: row.cvr, AUTHORITIES.c.cvr),
            Column("product", Text("Produkt", "Product"), lambda row: row.product, PRODUCTS.c.name),
            Column("status", Text("Status", "Status"), lambda row: status(row, today)),
        ),
        filters=(Filter("q", Text("Søg i navn og CVR", "Search in name and CVR"), _named),),
        sort="name",
        tie=(PRODUCTS.c.name, AGREEMENTS.c.id),
        empty=Text("Ingen har tilsluttet sig endnu", "Nobody has joined yet"),
    )


def _agreements() -> Any:
    return (
        select(AUTHORITIES.c.name, AUTHORITIES.c.cvr, PRODUCTS.c.name.label("product"), AGREEMENTS)
        .select_from(AGREEMENTS.join(AUTHORITIES).join(PRODUCTS))
    )  # fmt: skip


def facts(row: Any) -> Facts:
    """Give the dated facts of a row of `agreement`."""
    return Facts(
        Kind(row.kind), row.signed_on, row.countersigned_on, row.in_force_from, row.terminated_to,
        row.notice_given_on, row.active_from,
    )  # fmt: skip


def status(row: Any, today: date) -> Text:
    """Tell where an agreement (its row) stands."""
    return titles.STATUSES[lifecycle.status(facts(row), today)]


# --- the page of one


@blueprint.get("/authorities/<cvr>")
@access.needs("authority.read")
def one(cvr: str) -> ResponseReturnValue:
    """Show one authority; those of a product's group see its name and where its agreements stand."""
    with database.reading() as session:
        authority = load(session, cvr)
        today = layout.today()
        agreements = session.execute(
            access.agreements(_agreements())
            .where(AGREEMENTS.c.authority_id == authority.id)
            .order_by(PRODUCTS.c.name, AGREEMENTS.c.signed_on.desc())
        ).all()
        shown: dict[str, Any] = {
            "authority": authority,
            "agreements": [(row, status(row, today), partaking(row)) for row in agreements],
            "whole": False,
        }
        if is_wholly_seen(session, authority.id):
            shown |= _whole(session, authority)
        return render_template("authorities/one.html", **shown)


def load(session: Session, cvr: str, permission: str = "authority.read", *, wholly: bool = False) -> Row[Any]:
    """Give the row of an authority in the person's scope. Raises NoSuchAuthority for any other."""
    narrowed = access.authorities(select(AUTHORITIES), permission, wholly=wholly)
    found = session.execute(narrowed.where(AUTHORITIES.c.cvr == cvr)).first()
    if found is None:
        raise directory.not_there()
    return found


def is_wholly_seen(session: Session, authority_id: int) -> bool:
    """Tell whether the person may see all of an authority, not only its name."""
    narrowed = access.authorities(select(AUTHORITIES.c.id), wholly=True)
    return session.execute(narrowed.where(AUTHORITIES.c.id == authority_id)).first() is not None


def partaking(row: Any) -> Text:
    """Tell whether an agreement is active or passive today."""
    return titles.PARTAKING[lifecycle.is_active(facts(row), layout.today())]


def _whole(session: Session, authority: Row[Any]) -> dict[str, Any]:
    today = layout.today()
    known = profile.read(session, authority)
    key, reaches = directory.size_key(session, today), access.scope("statement.read")
    return {
        "whole": True,
        "kind": titles.kind(authority.type),
        "profile": known,
        "size": size(known, key, today, is_counted=authority.type in COUNTED_TYPES),
        "chart": charts.inhabitants([(row.year, row.inhabitants) for row in known.counts], key),
        "is_member": known.is_member(today),
        "leaves": _leaves(session, authority.id),
        "sees_account": reaches.everything or authority.id in reaches.authorities,
        "invoices": _invoices(session, authority.id),
        "waiting": proposals.open_for(session, "billing_details", authority.cvr),
        "today": today,
        "years": _own_years(session, authority.id, today),
        **_coming(session, authority.id, today),
    }


def _leaves(session: Session, authority_id: int) -> Any:
    """Give the membership that the person may give notice of, or take that back; None where there is none."""
    may = access.reaches("agreement.notice", authority_id)
    return leaving.running(session, authority_id, layout.today()) if may else None


def _own_years(session: Session, authority_id: int, today: date) -> list[Forecast]:
    """Tell what the authority pays this year and next, and why, to who belongs to it."""
    if authority_id not in access.scope("invoice.read").authorities:
        return []
    return [outlook.whole_year(session, authority_id, year) for year in (today.year, today.year + 1)]


def _coming(session: Session, authority_id: int, today: date) -> dict[str, Any]:
    """Tell what the next plan has for an authority, and why; nothing to who may not read plans."""
    terms = association.found(session, layout.config())
    if not access.current().may("run.read") or terms is None:
        return {"coming": None}
    coming = outlook.of(session, authority_id, overview.plan_year(session, today), terms)
    return {
        "coming": coming,
        "told": [(row, plan_list.told(row, coming.year)) for row in coming.rows],
        "mending": problem_list.mending,
    }


def _invoices(session: Session, authority_id: int) -> Any:
    columns = Invoice.__table__.c
    statement: Any = select(columns.number, columns.year, columns.issued_on, columns.due_on, columns.gross_ore)
    return session.execute(
        access.invoices(statement)
        .where(columns.authority_id == authority_id, columns.book == "real")
        .order_by(columns.issued_on.desc(), columns.sequence.desc())
        .limit(lists.ROWS_A_PAGE)
    ).all()


def size(known: Profile, key: SizeKey | None, on: date, *, is_counted: bool) -> tuple[Text, Text]:
    """Tell an authority's size band in a day's year, and what it rests on or how far the next boundary is."""
    count = known.inhabitants(on.year - 1)
    if key is None:
        return Text("Ukendt", "Unknown"), Text("Ingen fordelingsnøgle er vedtaget", "No size key is adopted")
    if count is not None:
        band = key.band_of(count)
        return band_title(band.name), _boundaries(key, band, count)
    placed = known.placement(date(on.year, 1, 1))
    if placed is not None:
        return band_title(placed.band), Text(
            f"Indplaceret efter skøn af {placed.decided_by}: {placed.reason}",
            f"Placed by judgement of {placed.decided_by}: {placed.reason}",
        )
    return Text("Ukendt", "Unknown"), _lacking(on.year, is_counted=is_counted)


def _lacking(year: int, *, is_counted: bool) -> Text:
    if is_counted:
        return Text(f"Indbyggertallet 1. januar {year - 1} mangler", f"The inhabitants on 1 January {year - 1} lack")
    return Text("Indplaceringen mangler", "The placement is missing")


def _boundaries(key: SizeKey, band: SizeBand, count: int) -> Text:
    parts = []
    if band.most is not None:
        above = key.band_of(band.most + 1)
        missing = whole_number(band.most + 1 - count)
        title = band_title(above.name)
        parts.append(
            Text(f"{missing.da} flere indbyggere giver {title.da}", f"{missing.en} more inhabitants give {title.en}")
        )
    if band.least > 0:
        below = key.band_of(band.least - 1)
        spare = whole_number(count - band.least + 1)
        title = band_title(below.name)
        parts.append(
            Text(f"{spare.da} færre indbyggere giver {title.da}", f"{spare.en} fewer inhabitants give {title.en}")
        )
    return Text("; ".join(part.da for part in parts), "; ".join(part.en for part in parts))


@blueprint.get("/authorities/<cvr>/history")
@access.needs("authority.read")
def changes(cvr: str) -> ResponseReturnValue:
    """Tell who changed what of an authority, and when. Who it was is for those who see every authority."""
    with database.reading() as session:
        authority = load(session, cvr, wholly=True)
        told = history.of(session, authority.id, authority.cvr)
        names_shown = access.scope("authority.read").everything
        return render_template(
            "authorities/history.html", authority=authority, told=told, names_shown=names_shown, titles=titles.FACTS
        )
