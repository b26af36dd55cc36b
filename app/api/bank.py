"""Bank statements and transactions: taking a file in, and reading what came."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from typing import Any

from flask import request
from sqlalchemy.orm import Session
from werkzeug.exceptions import UnsupportedMediaType

from app import database
from app.adapters import bank_csv, bank_files
from app.adapters.bank_files import Taken
from app.api import answers, ground, pages, writes
from app.api.ground import ID, ID_IN_PATH, Write
from app.api.pages import PageQuery
from app.api.writes import Answer
from app.errors import Malformed
from app.schemas import Whole
from app.web import layout
from billing import bank, bank_register
from billing.bank import STATEMENTS, TRANSACTIONS, FileTaken
from foundation.audit import Trail
from foundation.language import Text

room = ground.room("bank", "Bank statements and their transactions")

_SOURCE = "API"
_LARGEST_JSON = bank_csv.LARGEST + 4 * 1024 * 1024  # bytes; its line ends and quotes are two characters each
_XML = ("application/xml", "text/xml")
_NOT_CSV = Text("skal være objektet {csv, mapping} af to tekster", "must be the object {csv, mapping} of two texts")
_BODY = {
    "required": True,
    "content": {
        "application/xml": {"schema": {"type": "string", "description": "camt.053"}},
        "application/json": {
            "schema": {
                "type": "object", "required": ["csv", "mapping"], "additionalProperties": False,
                "properties": {"csv": {"type": "string"}, "mapping": {"type": "string", "description": "TOML"}},
            }
        },
    },
}  # fmt: skip


class TransactionQuery(PageQuery):
    """Which transactions."""

    statement = Whole(1, 999_999_999, metadata={"description": "the id of a statement"})


@ground.reads(room, "/bank-statements", "bank.read", answers.page_of(answers.BankStatement), PageQuery)
def list_bank_statements(query: Mapping[str, Any]) -> Any:
    """List the bank statements that were taken in."""
    with database.reading() as session:
        return pages.read(session, bank_register.statements(), STATEMENTS.c.id, query, lambda row: dict(row._mapping))


@ground.reads(room, "/bank-transactions", "bank.read", answers.page_of(answers.BankTransaction), TransactionQuery)
def list_bank_transactions(query: Mapping[str, Any]) -> Any:
    """List the transactions of the bank statements."""
    statement = bank_register.transactions()
    if query.get("statement"):
        statement = statement.where(TRANSACTIONS.c.statement_id == query["statement"])
    with database.reading() as session:
        return pages.read(session, statement, TRANSACTIONS.c.id, query, lambda row: dict(row._mapping))


@ground.reads(
    room, f"/bank-transactions/{ID_IN_PATH}", "bank.read", answers.BankTransactionWhole, parameters={"id_": ID}
)  # fmt: skip
def one_bank_transaction(query: object, id_: int) -> Any:
    """Give a transaction with the text that the bank wrote of it."""
    with database.reading() as session:
        return dict(bank_register.transaction(session, id_)._mapping)


@ground.writes(room, "/bank-statements/imports", "bank.import", None, answers.BankFileTaken, Write(body=_BODY))
def import_bank_file(query: object) -> Any:
    """Take a bank file in, all of it or nothing: camt.053, or CSV with its mapping. What is known changes nothing."""
    is_xml = request.mimetype in _XML
    file = bank_files.taken(_SOURCE, ground.large_body(bank_files.LARGEST_REQUEST)) if is_xml else _csv()

    def act(session: Session, trail: Trail) -> Answer:
        return Answer(_told(bank.take_in(session, [file], trail, layout.config().bank_account)[0]))

    with closing(file):
        return writes.once(act, file.content if is_xml else None)


def _csv() -> Taken:
    if request.mimetype != "application/json":
        raise UnsupportedMediaType
    sent = ground.json_body(_LARGEST_JSON)
    is_csv = isinstance(sent, dict) and set(sent) == {"csv", "mapping"}
    if not is_csv or not all(isinstance(text, str) for text in sent.values()):
        raise Malformed(ground.MALFORMED, [("", _NOT_CSV)])
    try:
        return bank_files.taken(_SOURCE, sent["csv"].encode(), sent["mapping"])
    except UnicodeEncodeError:
        raise Malformed(ground.MALFORMED, [("csv", _NOT_CSV)]) from None


def _told(taken: FileTaken) -> dict[str, Any]:
    return {
        "is_known": taken.is_known,
        "new": taken.new,
        "statements": [
            {
                "account": each.account, "bank_id": each.bank_id, "opening_on": each.opening_on.isoformat(),
                "opening_ore": each.opening.ore, "closing_on": each.closing_on.isoformat(),
                "closing_ore": each.closing.ore, "transactions": each.transactions, "new": each.new,
                "in_ore": each.money_in.ore, "out_ore": each.money_out.ore,
            }
            for each in taken.statements
        ],
    }  # fmt: skip
