"""Authorities, inhabitants, placements, memberships, products and agreements: reading them, and taking rows in."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from flask import request
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.exceptions import UnsupportedMediaType

from agreements import lifecycle
from agreements.ending import NoSuchAgreement
from agreements.lifecycle import Facts
from agreements.models import Agreement, Product
from agreements.products import NoSuchProduct
from app import access, database, register_files
from app.adapters import csv_files
from app.api import answers, ground, pages, writes
from app.api.ground import CVR, ID, ID_IN_PATH, NAME, Write
from app.api.pages import PageQuery
from app.api.writes import Answer
from app.errors import Malformed
from app.register_files import REGISTERS, Register
from app.schemas import Formed, Whole, Words
from app.web import layout, lists
from authorities.models import Authority, Membership, Placement, Population
from foundation.errors import NotFound
from foundation.intake import Rows, Taken
from foundation.language import Text

room = ground.room("registers", "The registers: who there is, and what connects them")

_SOURCE = "api"
_NOT_ROWS = Text('skal være {"rows": [...]} og intet ved siden af', 'must be {"rows": [...]} and nothing beside')
_NOT_OBJECTS = Text(f"højst {csv_files.MOST_ROWS} objekter", f"at most {csv_files.MOST_ROWS} objects")
_KRONER, _ORE = "rebate_dkk", "rebate_ore"

#: What of an authority a coordination group does not read, and of an agreement who does not read its invoices.
_WHOLE_ONLY = ("code", "region", "address", "postcode", "city", "succeeded_by_cvr")
_INVOICING = (
    "endpoint", "gln", "person_reference", "order_reference", "accounting_cost", "rebate_ore", "rebate_reason",
    "joining_fee_exempt_reason", "contact_mail",
)  # fmt: skip


class NoSuchAuthority(NotFound):
    """No authority has that CVR number, or it is not for you."""


def cvr_field(**other: Any) -> Formed:
    """Give a parameter for a CVR number."""
    return Formed("[0-9]{8}", **other)


# --- reading


class AuthorityQuery(PageQuery):
    """Which authorities."""

    q = Words(100, metadata={"description": "words of the name"})
    type = Words(40, metadata={"description": "kommune, region, stat …"})


class OfAuthority(PageQuery):
    """Facts of one authority, or of all."""

    cvr = cvr_field()


class PopulationQuery(OfAuthority):
    """Which counts."""

    year = Whole(1900, 2999)


class AgreementQuery(OfAuthority):
    """Which agreements."""

    product = Words(80)


@ground.reads(room, "/authorities", "authority.read", answers.page_of(answers.Authority), AuthorityQuery)
def list_authorities(query: Mapping[str, Any]) -> Any:
    """List the authorities."""
    columns = Authority.__table__.c
    statement = access.authorities(select(*columns))
    if query.get("q"):
        statement = statement.where(lists.contains(columns.name, query["q"]))
    if query.get("type"):
        statement = statement.where(columns.type == query["type"])
    with database.reading() as session:
        return pages.read(session, statement, columns.id, query, _authority)


@ground.reads(room, "/authorities/<cvr>", "authority.read", answers.Authority, parameters={"cvr": CVR})
def one_authority(query: object, cvr: str) -> Any:
    """Give one authority."""
    columns = Authority.__table__.c
    with database.reading() as session:
        row = session.execute(access.authorities(select(*columns).where(columns.cvr == _digits(cvr)))).first()
    if row is None:
        raise NoSuchAuthority(Text("ingen myndighed har det CVR-nummer", "no authority has that CVR number"))
    return _authority(row)


def _digits(cvr: str) -> str:
    """Give a CVR number as it may stand in a query; anything else is nobody's."""
    return cvr if cvr.isascii() and cvr.isdigit() else ""


def _authority(row: Any) -> dict[str, Any]:
    reach = access.scope("authority.read")
    told = dict(row._mapping)
    if not reach.everything and row.id not in reach.authorities:
        told |= dict.fromkeys(_WHOLE_ONLY)
    return told


def _facts(model: Any, query: Mapping[str, Any]) -> Any:
    table = model.__table__
    statement = select(*table.c, Authority.cvr).join(Authority, Authority.id == table.c.authority_id)
    return _of(access.master_data(statement), query)


def _of(statement: Any, query: Mapping[str, Any]) -> Any:
    return statement.where(Authority.cvr == query["cvr"]) if query.get("cvr") else statement


def _page(model: Any, statement: Any, query: Mapping[str, Any]) -> Any:
    with database.reading() as session:
        return pages.read(session, statement, model.__table__.c.id, query, _plain)


def _plain(row: Any) -> dict[str, Any]:
    return dict(row._mapping)


@ground.reads(room, "/population", "authority.read", answers.page_of(answers.Population), PopulationQuery)
def list_population(query: Mapping[str, Any]) -> Any:
    """List inhabitants by authority and year."""
    statement = _facts(Population, query)
    if query.get("year"):
        statement = statement.where(Population.year == query["year"])
    return _page(Population, statement, query)


@ground.reads(room, "/placements", "authority.read", answers.page_of(answers.Placement), OfAuthority)
def list_placements(query: Mapping[str, Any]) -> Any:
    """List the size bands given by judgement."""
    return _page(Placement, _facts(Placement, query), query)


@ground.reads(room, "/memberships", "authority.read", answers.page_of(answers.Membership), OfAuthority)
def list_memberships(query: Mapping[str, Any]) -> Any:
    """List the memberships of the association."""
    return _page(Membership, _facts(Membership, query), query)


@ground.reads(room, "/products", "tables.read", answers.page_of(answers.Product), PageQuery)
def list_products(query: Mapping[str, Any]) -> Any:
    """List the products."""
    return _page(Product, select(*Product.__table__.c), query)


@ground.reads(room, "/products/<name>", "tables.read", answers.Product, parameters={"name": NAME})
def one_product(query: object, name: str) -> Any:
    """Give one product."""
    with database.reading() as session:
        row = session.execute(select(*Product.__table__.c).where(Product.name == name)).first()
    if row is None:
        raise NoSuchProduct(Text("intet produkt hedder det", "no product has that name"))
    return _plain(row)


def _agreements() -> Any:
    """Ask for the agreements in the reader's scope, with authority and product."""
    columns = Agreement.__table__.c
    statement = (
        select(*columns, Authority.cvr, Product.name.label("product"))
        .join(Authority, Authority.id == columns.authority_id)
        .join(Product, Product.id == columns.product_id)
    )
    return access.agreements(statement)


@ground.reads(room, f"/agreements/{ID_IN_PATH}", "agreement.read", answers.Agreement, parameters={"id_": ID})
def one_agreement(query: object, id_: int) -> Any:
    """Give one connection agreement."""
    with database.reading() as session:
        row = session.execute(_agreements().where(Agreement.id == id_)).first()
    if row is None:
        raise NoSuchAgreement(Text("ingen aftale har det nummer", "no agreement has that number"))
    return _agreement(row, layout.today())


@ground.reads(room, "/agreements", "agreement.read", answers.page_of(answers.Agreement), AgreementQuery)
def list_agreements(query: Mapping[str, Any]) -> Any:
    """List the connection agreements."""
    columns = Agreement.__table__.c
    statement = _of(_agreements(), query)
    if query.get("product"):
        statement = statement.where(Product.name == query["product"])
    today = layout.today()
    with database.reading() as session:
        return pages.read(session, statement, columns.id, query, lambda row: _agreement(row, today))


def _agreement(row: Any, today: date) -> dict[str, Any]:
    facts = Facts(
        lifecycle.Kind(row.kind), row.signed_on, row.countersigned_on, row.in_force_from, row.terminated_to,
        row.notice_given_on, row.active_from,
    )  # fmt: skip
    told = dict(row._mapping) | {"status": lifecycle.status(facts, today).value}
    readable = access.scope("invoice.read")
    if not readable.everything and row.authority_id not in readable.authorities:
        told |= dict.fromkeys(_INVOICING)
    return told


# --- taking rows in


def _import(path: str, into: Register) -> None:
    """Declare the intake of a register: rows as JSON, or the contract's CSV; all of them or none."""

    def view(query: object) -> Any:
        return _take(into)

    view.__name__ = f"import_{path}"
    view.__doc__ = f"Take rows into the register of {path}: all of them, or none and every wrong one named."
    ground.writes(
        room, f"/{path}/imports", "authority.change", None, answers.Taken, Write(body=_body(into))
    )(view)  # fmt: skip


def _take(into: Register) -> Any:
    rows = _rows(into)

    def act(session: Session, trail: Any) -> Answer:
        return Answer(_told(register_files.take_in(session, into, rows, trail, today=layout.today())))

    return writes.once(act)


def _rows(into: Register) -> Rows:
    if request.mimetype == "text/csv":
        return csv_files.read_bytes(_SOURCE, request.get_data(), into.layout)
    if request.mimetype != "application/json":
        raise UnsupportedMediaType
    sent = ground.json_body(csv_files.LARGEST_FILE // 2)
    if not isinstance(sent, dict) or set(sent) != {"rows"} or not isinstance(sent["rows"], list):
        raise Malformed(ground.MALFORMED, [("", _NOT_ROWS)])
    if len(sent["rows"]) > csv_files.MOST_ROWS or not all(isinstance(row, dict) for row in sent["rows"]):
        raise Malformed(ground.MALFORMED, [("rows", _NOT_OBJECTS)])
    return csv_files.from_records(_SOURCE, [_in_kroner(row) for row in sent["rows"]], into.layout)


def _in_kroner(row: dict[str, Any]) -> dict[str, Any]:
    """Take an amount as the API writes it, in whole øre, to the column of kroner that the contract's file has."""
    named = {(f"no {_KRONER}" if name == _KRONER else name): value for name, value in row.items() if name != _ORE}
    if _ORE in row:
        ore = row[_ORE]
        is_amount = isinstance(ore, int) and not isinstance(ore, bool) and ore >= 0
        named[_KRONER] = f"{ore // 100}.{ore % 100:02d}" if is_amount else ore and str(ore)
    return named


def _told(taken: Taken) -> dict[str, Any]:
    return {
        "source": taken.source, "added": taken.added, "changed": taken.changed, "unchanged": taken.unchanged,
        "warnings_da": [warning.da for warning in taken.warnings],
        "warnings_en": [warning.en for warning in taken.warnings],
    }  # fmt: skip


def _body(into: Register) -> dict[str, Any]:
    layout_ = into.layout
    must = [*layout_.required, *layout_.optional]
    names = [*must, *layout_.may_be_absent]
    cell = {"type": ["string", "integer", "null"]}
    rows = {
        "type": "object", "required": [_in_ore(name) for name in must], "additionalProperties": False,
        "properties": {_in_ore(name): cell for name in names},
    }  # fmt: skip
    whole = {
        "type": "object", "required": ["rows"], "additionalProperties": False,
        "properties": {"rows": {"type": "array", "items": rows, "maxItems": csv_files.MOST_ROWS}},
    }  # fmt: skip
    return {
        "required": True,
        "content": {"application/json": {"schema": whole}, "text/csv": {"schema": {"type": "string"}}},
    }


def _in_ore(name: str) -> str:
    return _ORE if name == _KRONER else name


for _name, _into in REGISTERS.items():
    _import("memberships" if _name == "members" else _name, _into)
