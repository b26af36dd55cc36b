"""The books: periods, what each account came to, postings as a file, closing a period, the mapping to the chart."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Response
from sqlalchemy.orm import Session

from app import database, posting_files
from app.api import answers, ground, writes
from app.api.fee_tables import proposed
from app.api.writes import Answer
from app.posting_files import Wanted
from app.schemas import Chosen, ClosingOrder, MappingText, Strict, Words
from app.web import layout, postings
from billing import account_mapping, bookkeeping, closed_periods
from billing.bookkeeping import AccountTotal
from foundation import periods
from foundation.audit import Trail

room = ground.room("accounts", "The books: periods, accounts and postings")


class PeriodQuery(Strict):
    """Which period."""

    period = Words(
        30, required=True, metadata={"description": "2027, 2027-H1, 2027-Q1, 2027-03 or 2027-01-15..2027-03-31"}
    )


class PostingsQuery(PeriodQuery):
    """Which period, and which columns."""

    columns = Words(300, metadata={"description": f"with commas between, of {', '.join(posting_files.COLUMNS)}"})
    form = Chosen(posting_files.FORMS, load_default="csv")


@ground.reads(room, "/accounts", "accounts.read", answers.Periods)
def list_periods(query: object) -> Any:
    """List the closed periods, and the quarters that are open, newest first."""
    with database.reading() as session:
        closed, opened = closed_periods.listed(session), bookkeeping.open_quarters(session, layout.today())
    return {
        "closed": [
            {"period": periods.name(each.period), "postings": each.postings, "digest": each.digest,
             "prepared_by": each.prepared_by, "closed_by": each.closed_by, "closed_at": each.closed_at}
            for each in closed
        ],
        "open": [{"period": periods.name(each.period), "postings": each.postings} for each in opened],
    }  # fmt: skip


@ground.reads(room, "/accounts/totals", "accounts.read", answers.AccountTotals, PeriodQuery)
def totals(query: Mapping[str, Any]) -> Any:
    """Tell what each account came to in a period; together they are zero."""
    period = periods.named(query["period"])
    with database.reading() as session:
        found = bookkeeping.totals(session, period)
    return {"period": periods.name(period), "accounts": [_told(each) for each in found]}


def _told(each: AccountTotal) -> dict[str, Any]:
    return {
        "account": each.named.account, "name": each.named.name, "standard_account": each.named.standard or None,
        "product": each.product, "postings": each.postings, "debit_ore": each.debit.ore, "credit_ore": each.credit.ore,
        "amount_ore": each.amount.ore,
    }  # fmt: skip


@ground.reads(
    room, "/accounts/postings", "accounts.read", None, PostingsQuery,
    kinds=tuple(kind.partition(";")[0] for kind in posting_files.KINDS.values()),
)  # fmt: skip
def list_postings(query: Mapping[str, Any]) -> Response:
    """Give the postings of a period as CSV (semicolons, decimal commas) or XLSX; the ETag is the file's SHA-256."""
    columns = posting_files.columns(query.get("columns", ""))
    return postings.answered(Wanted(periods.named(query["period"]), query["form"], columns, layout.spoken()))


@ground.writes(room, "/accounts/closings", "accounts.prepare", ClosingOrder, answers.Proposed)
def propose_closing(query: object, sent: Mapping[str, Any]) -> Any:
    """Propose to close a period for ever; another person approves it, in the browser."""
    period, today = periods.named(sent["period"]), layout.today()

    def act(session: Session, trail: Trail) -> Answer:
        return Answer(proposed(bookkeeping.propose_closing(session, period, trail, on=today)))

    return writes.once(act)


# --- the mapping to the public chart


@ground.reads(room, "/accounts/mapping", "accounts.read", answers.AccountMapping)
def mapping(query: object) -> Any:
    """Give the mapping of the association's accounts to the public chart, account by account and as text."""
    with database.reading() as session:
        names = account_mapping.current(session).all_named()
        adopted = next(iter(account_mapping.history(session, at_most=1)), None)
    told = {name: getattr(adopted, name, None) for name in ("text", "digest", "adopted_by", "adopted_at")}
    return told | {
        "accounts": [
            {"account": each.account, "name": each.name, "standard_account": each.standard,
             "standard_name": each.standard_name}
            for each in names
        ]
    }  # fmt: skip


@ground.writes(room, "/accounts/mapping/proposals", "accounts.prepare", MappingText, answers.Proposed)
def propose_mapping(query: object, sent: Mapping[str, Any]) -> Any:
    """Propose a mapping; another person adopts it, in the browser."""
    return writes.once(
        lambda session, trail: Answer(proposed(account_mapping.propose(session, sent["text"], trail)))
    )  # fmt: skip
