"""Bank statements and transactions to look at: the questions that pages, the API and the command line ask."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, Select, func, select
from sqlalchemy.orm import Session

from billing.bank import FILES, STATEMENTS, TRANSACTIONS
from foundation.errors import NotFound
from foundation.language import Text


class NoSuchTransaction(NotFound):
    """No transaction has that number."""


def count() -> ColumnElement[int]:
    """Count the transactions that a statement brought."""
    brought = select(func.count()).where(TRANSACTIONS.c.statement_id == STATEMENTS.c.id)
    return brought.correlate(STATEMENTS).scalar_subquery()


def statements() -> Select[Any]:
    """Ask for the statements, each with its file and how many transactions it brought."""
    file = FILES.c
    return select(
        *STATEMENTS.c, file.name.label("file"), file.format, file.taken_by, file.taken_at, count().label("transactions")
    ).join(FILES, file.id == STATEMENTS.c.file_id)


def transactions() -> Select[Any]:
    """Ask for the transactions, without their raw text."""
    columns = (column for column in TRANSACTIONS.c if column.name not in ("raw", "fingerprint", "twin"))
    return select(*columns, STATEMENTS.c.bank_id).join(STATEMENTS, STATEMENTS.c.id == TRANSACTIONS.c.statement_id)


def transaction(session: Session, id_: int) -> Any:
    """Give one transaction with its raw text, its statement and its file. Raises NoSuchTransaction."""
    file, statement = FILES.c, STATEMENTS.c
    found = session.execute(
        select(
            *TRANSACTIONS.c, statement.bank_id, statement.opening_on, statement.closing_on, file.name.label("file"),
            file.taken_by, file.taken_at,
        )
        .join(STATEMENTS, statement.id == TRANSACTIONS.c.statement_id)
        .join(FILES, file.id == statement.file_id)
        .where(TRANSACTIONS.c.id == id_)
    ).first()  # fmt: skip
    if found is None:
        raise NoSuchTransaction(Text("ingen postering har det nummer", "no transaction has that number"))
    return found
