"""Bank statements: taking a file in after seeing what it would bring, and every transaction as it came."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from flask import Blueprint, Response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import ColumnElement, cast
from sqlalchemy import Text as Words

from app import access, clock, database
from app.adapters import bank_csv, bank_files, kept_uploads
from app.adapters.bank_files import Taken
from app.adapters.kept_uploads import Upload
from app.schemas import BankIntake
from app.web import forms, layout, lists
from app.web.lists import Choice, Column, Filter, Listing
from billing import bank, bank_register
from billing.bank import STATEMENTS, TRANSACTIONS, FileTaken
from foundation.audit import Trail
from foundation.errors import Refused
from foundation.language import Text
from foundation.money import Money

blueprint = Blueprint("bank", __name__)

_LARGEST_MAPPING = 100_000  # bytes
_CHOOSE = Text("Vælg bankens fil, og send igen", "Choose the bank's file, and send again")
_GONE = Text(
    "Filen fra forhåndsvisningen er ikke længere gemt. Vælg den igen",
    "The file of the preview is no longer kept. Choose it again",
)
_IN_OR_OUT = {"in": Text("Ind", "In"), "out": Text("Ud", "Out")}
_EMPTY = Text(
    "Ingen kontoudtog endnu. Hent en camt.053-fil i netbanken, og tag den ind her",
    "No statements yet. Get a camt.053 file from your bank, and take it in here",
)


# --- statements


@blueprint.get("/bank")
@access.needs("bank.read")
def page() -> ResponseReturnValue:
    """List the statements, the newest first, and how far they reach."""
    with database.reading() as session:
        found, latest = lists.page(session, _statements()), bank.latest_day(session)
    return render_template("bank/list.html", page=found, latest=latest)


@blueprint.get("/bank.<form>")
@access.needs("bank.read")
def export(form: str) -> Response:
    """Give the list of statements as a file."""
    with database.reading() as session:
        return lists.export(session, _statements(), form)


def _statements() -> Listing:
    columns = STATEMENTS.c
    return Listing(
        name="bank",
        caption=Text("Kontoudtog", "Bank statements"),
        statement=bank_register.statements(),
        columns=(
            Column("closing_on", Text("Til og med", "Until"), lambda row: row.closing_on, columns.closing_on),
            Column("opening_on", Text("Fra", "From"), lambda row: row.opening_on, columns.opening_on),
            Column("account", Text("Konto", "Account"), lambda row: row.account, columns.account),
            Column("bank_id", Text("Bankens navn", "The bank's name"), lambda row: row.bank_id, columns.bank_id),
            Column("opening", Text("Åbningssaldo", "Opening balance"), lambda row: Money(row.opening_ore),
                   columns.opening_ore),
            Column("closing", Text("Slutsaldo", "Closing balance"), lambda row: Money(row.closing_ore),
                   columns.closing_ore),
            Column("transactions", Text("Nye posteringer", "New transactions"), lambda row: row.transactions,
                   bank_register.count(), lambda row: f"/bank/transactions?statement={row.id}"),
            Column("file", Text("Fil", "File"), lambda row: row.file),
            Column("taken", Text("Taget ind", "Taken in"), lambda row: row.taken_at),
        ),
        filters=(Filter("q", Text("Konto eller bankens navn", "Account or the bank's name"), _of_statement),),
        sort="-closing_on",
        tie=(columns.id.desc(),),
        empty=_EMPTY,
        numbers=frozenset({"opening", "closing", "transactions"}),
    )  # fmt: skip


def _of_statement(words: str) -> ColumnElement[bool]:
    return lists.contains(STATEMENTS.c.account, words) | lists.contains(STATEMENTS.c.bank_id, words)


# --- transactions


@blueprint.get("/bank/transactions")
@access.needs("bank.read")
def transactions() -> ResponseReturnValue:
    """List the transactions, the newest first."""
    with database.reading() as session:
        found = lists.page(session, _transactions())
    return render_template("bank/transactions.html", page=found, statement=request.args.get("statement", ""))


@blueprint.get("/bank/transactions.<form>")
@access.needs("bank.read")
def export_transactions(form: str) -> Response:
    """Give the list of transactions as a file."""
    with database.reading() as session:
        return lists.export(session, _transactions(), form)


def _transactions() -> Listing:
    columns = TRANSACTIONS.c
    return Listing(
        name="transactions",
        caption=Text("Posteringer", "Transactions"),
        statement=bank_register.transactions(),
        columns=(
            Column("booked_on", Text("Bogført", "Booked"), lambda row: row.booked_on, columns.booked_on,
                   lambda row: f"/bank/transactions/{row.id}"),
            Column("amount", Text("Beløb", "Amount"), lambda row: Money(row.amount_ore), columns.amount_ore),
            Column("payer", Text("Modpart", "Other party"), lambda row: row.payer, columns.payer),
            Column("reference", Text("Betalings-id", "Payment id"), lambda row: row.fik_id or row.creditor_reference,
                   columns.fik_id),
            Column("message", Text("Tekst", "Text"), lambda row: row.message.replace("\n", " ")[:200]),
            Column("account", Text("Konto", "Account"), lambda row: row.account, columns.account),
        ),
        filters=(
            Filter("q", Text("Modpart, tekst, id eller beløb", "Party, text, id or amount"), _matching),
            Filter("way", Text("Ind eller ud", "In or out"), _moving,
                   [Choice(way, title) for way, title in _IN_OR_OUT.items()]),
            Filter("from", Text("Fra dag", "From day"), lists.since(columns.booked_on), is_day=True),
            Filter("until", Text("Til og med dag", "Until day, included"), lists.until(columns.booked_on), is_day=True),
            Filter("statement", Text("Kontoudtog nr.", "Statement no."), _in_statement),
        ),
        sort="-booked_on",
        tie=(columns.id.desc(),),
        empty=_EMPTY,
        numbers=frozenset({"amount"}),
        id=columns.id,
    )  # fmt: skip


def _matching(words: str) -> ColumnElement[bool]:
    columns, ore = TRANSACTIONS.c, _ore(words)
    found = lists.contains(columns.payer, words) | lists.contains(columns.message, words)
    found = found | (columns.fik_id == words) | (columns.creditor_reference == words.replace(" ", ""))
    return found if ore is None else found | (columns.amount_ore.in_((ore, -ore)))


def _ore(words: str) -> int | None:
    """Read an amount as people write it, whole or with two decimals; None for what is none."""
    whole, _, rest = words.replace(".", "").replace("-", "").partition(",")
    is_amount = (whole + rest).isascii() and whole.isdigit() and len(whole) <= 13 and (rest == "" or len(rest) == 2)
    return int(whole) * 100 + int(rest or 0) if is_amount and (rest or "0").isdigit() else None


def _moving(way: str) -> ColumnElement[bool]:
    return TRANSACTIONS.c.amount_ore < 0 if way == "out" else TRANSACTIONS.c.amount_ore >= 0


def _in_statement(given: str) -> ColumnElement[bool]:
    return cast(TRANSACTIONS.c.statement_id, Words) == given


@blueprint.get("/bank/transactions/<int:id_>")
@access.needs("bank.read")
def transaction(id_: int) -> ResponseReturnValue:
    """Show a transaction with everything the bank said of it."""
    with database.reading() as session:
        found = bank_register.transaction(session, id_ if id_ < 2**63 else 0)
    return render_template("bank/transaction.html", transaction=found, amount=Money(found.amount_ore))


# --- taking a file in


@blueprint.get("/bank/import")
@access.needs("bank.import")
def new() -> ResponseReturnValue:
    """Ask for a file."""
    kept_uploads.sweep(_folder(), clock.now(layout.config()))
    return _form()


@blueprint.post("/bank/import")
@layout.takes(bank_files.LARGEST_REQUEST)
@access.needs("bank.import")
def take_in() -> ResponseReturnValue:
    """Show what a file would bring, or take it in, also the one just shown; what is wrong comes back at the field."""
    sent = forms.read(BankIntake)
    if sent.errors:
        return _form(errors=sent.errors), 422
    is_trial = sent.get("trial") == "yes"
    try:
        with _upload(sent) as upload:
            if upload is None:
                return _form(errors={"file": _GONE if sent.get("kept") else _CHOOSE}), 422
            with closing(bank_files.taken(upload.name, upload.content, upload.mapping)) as file:
                taken = _tried(file) if is_trial else _taken(file)
                kept = _keep(file, upload.mapping) if is_trial else ""
    except bank_csv.MappingRefused as refused:
        return _form(errors={"mapping": refused.text}), 422
    except Refused as refused:
        return _form(errors={"file": refused.text}), 422
    if is_trial:
        return _form(tried=taken, kept=kept)
    kept_uploads.forget(_folder(), _owner())
    layout.done(taken.text)
    return redirect(url_for("bank.page"), 303)


def _form(tried: FileTaken | None = None, kept: str = "", errors: Any = None) -> str:
    return render_template("bank/import.html", tried=tried, kept=kept, errors=errors or {})


def _folder() -> Path:
    return layout.config().data_dir / "uploads"


def _owner() -> int:
    return access.current().user_id or 0


@contextmanager
def _upload(sent: forms.Sent) -> Iterator[Upload | None]:
    """Open the file that was sent, or the one whose preview was looked at."""
    file = sent.get("file")
    if file is None:
        with kept_uploads.kept(_folder(), _owner(), sent.get("kept") or "", clock.now(layout.config())) as found:
            yield found
        return
    yield Upload(file.filename or "", file.stream, _mapping(sent.get("mapping")))


def _mapping(mapping: Any) -> str | None:
    """Read the text of a mapping that was sent. Raises MappingRefused."""
    text = None
    if mapping is not None:
        content = mapping.read(_LARGEST_MAPPING + 1)
        try:
            text = content[:_LARGEST_MAPPING].decode("utf-8-sig")
        except UnicodeDecodeError:
            raise bank_csv.wrong(Text("er ikke UTF-8", "is not UTF-8")) from None
    return text


def _keep(file: Taken, mapping: str | None) -> str:
    """Keep a file while its preview is looked at; where the disk has no room, it is chosen again."""
    file.content.seek(0)
    try:
        return kept_uploads.keep(
            _folder(), _owner(), Upload(file.name, file.content, mapping), clock.now(layout.config())
        )
    except OSError:
        return ""


def _taken(file: Taken) -> FileTaken:
    with layout.acting() as (session, trail):
        return bank.take_in(session, [file], trail, layout.config().bank_account)[0]


def _tried(file: Taken) -> FileTaken:
    """Take a file in and forget it again, so that what is told is exactly what would happen."""
    with database.writing() as session:
        trail = Trail(session, access.current().actor, clock.now(layout.config()))
        taken = bank.take_in(session, [file], trail, layout.config().bank_account)[0]
        session.rollback()
    return taken
