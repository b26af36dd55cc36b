"""Costs of funds: reading them, entering and taking them back, for another person to approve."""

from __future__ import annotations

import binascii
from base64 import b64decode
from collections.abc import Mapping
from typing import Any

from flask import request
from sqlalchemy.orm import Session
from werkzeug.exceptions import UnsupportedMediaType

from app import database
from app.adapters import csv_files
from app.api import answers, ground, intake, pages, writes
from app.api.fee_tables import proposed
from app.api.ground import ID, ID_IN_PATH, Write
from app.api.pages import PageQuery
from app.api.writes import Answer
from app.errors import Malformed
from app.schemas import CostOrder, ReversalOrder, Words
from app.web import layout
from billing.funding import cost_files, cost_intake, costs
from billing.funding.costs import ASSOCIATION, COSTS, CostRefused, Draft
from foundation import periods
from foundation.audit import Trail
from foundation.language import Text
from foundation.money import Money
from foundation.periods import Period

room = ground.room("costs", "Costs of the funds")


class CostQuery(PageQuery):
    """Which costs."""

    product = Words(100, metadata={"description": f"whose fund; `{ASSOCIATION}` is the association's"})
    period = Words(30, metadata={"description": "2027, 2027-H1, 2027-Q1, 2027-03 or 2027-01-15..2027-03-31"})


@ground.reads(room, "/costs", "cost.read", answers.page_of(answers.Cost), CostQuery)
def list_costs(query: Mapping[str, Any]) -> Any:
    """List the costs, in the order they were entered."""
    statement = costs.listed()
    if given := query.get("product"):
        statement = statement.where(COSTS.c.product.is_(None) if given == ASSOCIATION else COSTS.c.product == given)
    if given := query.get("period"):
        period = periods.named(given)
        statement = statement.where(COSTS.c.incurred_on.between(period.start, period.last_day))
    with database.reading() as session:
        return pages.read(session, statement, COSTS.c.id, query, _told)


@ground.reads(room, f"/costs/{ID_IN_PATH}", "cost.read", answers.Cost, parameters={"id_": ID})
def one_cost(query: object, id_: int) -> Any:
    """Give one cost as it stands."""
    with database.reading() as session:
        return _told(costs.get(session, id_))


def _told(row: Any) -> dict[str, Any]:
    return {
        "id": row.id, "product": row.product, "account": row.account, "date": row.incurred_on,
        "supplier": row.supplier, "reference": row.reference, "text": row.text, "amount_ore": row.amount_ore,
        "state": row.state, "paid_ore": int(row.paid_ore), "minutes": row.minutes, "from": row.from_on,
        "to": row.to_on, "reverses": row.reverses, "proposal": row.proposal_id, "entered_by": row.entered_by,
        "entered_at": row.entered_at,
    }  # fmt: skip


@ground.writes(room, "/costs", "cost.enter", CostOrder, answers.Proposed)
def enter_cost(query: object, sent: Mapping[str, Any]) -> Any:
    """Enter a cost; another person approves it, in the browser, and then it is booked."""
    product, today = (None if sent["product"] == ASSOCIATION else sent["product"]), layout.today()

    def act(session: Session, trail: Trail) -> Answer:
        account = costs.chart(session).named(product, sent["account"]) or sent["account"]
        draft = Draft(
            product, account, sent["supplier"], sent["reference"], sent["date"], sent["text"],
            Money(sent["amount_ore"]), _spread(sent),
        )  # fmt: skip
        return Answer(proposed(costs.propose(session, [draft], trail, on=today)[0]))

    return writes.once(act)


def _spread(sent: Mapping[str, Any]) -> Period | None:
    """Read over which months a cost is spread. Raises CostRefused where one of the days is missing."""
    first, last = sent.get("from_"), sent.get("to")
    if (first is None) != (last is None):
        raise CostRefused({"to": Text("skriv både »from« og »to«, eller ingen af dem",
                                      "write both `from` and `to`, or neither")})  # fmt: skip
    return None if first is None else periods.through(first, last)


@ground.writes(room, "/costs/imports", "cost.enter", None, answers.TakenCosts, Write(body=intake.CSV))
def import_costs(query: object) -> Any:
    """Take costs in from CSV, all or none, for another person to approve; the same file again changes nothing."""
    rows, today = intake.rows(csv_files.COSTS), layout.today()

    def act(session: Session, trail: Trail) -> Answer:
        return Answer(intake.told(cost_intake.take_in(session, rows, trail, on=today)))

    return writes.once(act)


@ground.writes(
    room, f"/costs/{ID_IN_PATH}/reversals", "cost.enter", ReversalOrder, answers.Proposed, Write(parameters={"id_": ID})
)
def reverse_cost(query: object, sent: Mapping[str, Any], id_: int) -> Any:
    """Propose to take a booked cost back by its opposite; another person approves it, in the browser."""
    today = layout.today()

    def act(session: Session, trail: Trail) -> Answer:
        return Answer(proposed(costs.propose_reversal(session, id_, sent["reason"], trail, on=today)))

    return writes.once(act)


# --- a voucher that comes later

_FILE = "application/json"
_LARGEST_FILE = cost_files.LARGEST * 4 // 3 + 4096  # bytes, as base64 with its name
_NO_FILE = Text("skal være objektet {name, content} af to tekster, content i base64",
                "must be the object {name, content} of two texts, content in base64")  # fmt: skip
_FILE_BODY = {
    "required": True,
    "content": {
        _FILE: {
            "schema": {
                "type": "object", "required": ["name", "content"], "additionalProperties": False,
                "properties": {
                    "name": {"type": "string", "minLength": 1, "maxLength": 200},
                    "content": {"type": "string", "minLength": 1, "description": "PDF, PNG or JPEG in base64"},
                },
            }
        }
    },
}  # fmt: skip


@ground.writes(
    room, f"/costs/{ID_IN_PATH}/voucher", "cost.enter", None, answers.CostVoucher,
    Write(parameters={"id_": ID}, body=_FILE_BODY),
)  # fmt: skip
def attach_voucher(query: object, id_: int) -> Any:
    """Give a cost that came without its voucher the supplier's file, once."""
    name, content = _file()

    def act(session: Session, trail: Trail) -> Answer:
        kept = cost_files.attach(session, id_, name, content, trail)
        return Answer({"cost": id_, "name": kept.name, "media_type": kept.media_type, "sha256": kept.sha256})

    return writes.once(act)


def _file() -> tuple[str, bytes]:
    """Read the body as a named file. Raises Malformed, or 415 and 413."""
    if request.mimetype != _FILE:
        raise UnsupportedMediaType
    sent = ground.json_body(_LARGEST_FILE)
    is_file = isinstance(sent, dict) and set(sent) == {"name", "content"}
    if not is_file or not all(isinstance(text, str) and text for text in sent.values()) or len(sent["name"]) > 200:
        raise Malformed(ground.MALFORMED, [("", _NO_FILE)])
    try:
        return sent["name"], b64decode(sent["content"], validate=True)
    except (binascii.Error, ValueError):
        raise Malformed(ground.MALFORMED, [("content", _NO_FILE)]) from None
