"""Bank statements: taking files in, and which days are told of."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import click
from sqlalchemy import func, select

from app import database
from app.adapters import bank_files, incoming
from app.adapters.bank_files import Taken
from app.cli import output, service
from app.cli.registers import FILE
from billing import bank
from billing.bank import STATEMENTS, TRANSACTIONS, FileTaken
from foundation.audit import Trail
from foundation.language import Text, kroner
from foundation.money import Money


@click.group(help="Kontoudtog fra banken / bank statements.")
def command() -> None:
    """Hold the commands on bank statements."""


@command.command("import")
@click.argument("files", type=FILE, nargs=-1, required=True)
@click.option("--mapping", type=FILE, help="TOML, der siger, hvordan en CSV læses / how a CSV is read.")
@click.option("--try", "trial", is_flag=True, help="Vis kun, hvad der ville blive taget ind / only show.")
def import_files(files: tuple[Path, ...], mapping: Path | None, *, trial: bool) -> None:
    """Tag kontoudtog ind: camt.053, eller CSV med --mapping. Alle filer eller ingen.

    Take statements in: all files or none.
    """
    text = None if mapping is None else incoming.text(mapping)
    with ExitStack() as copies:
        read = [copies.enter_context(closing(bank_files.read(path, text))) for path in files]
        told = _tried(read) if trial else _taken(read)
    for each in told:
        tell(each)
    if trial:
        output.say(Text("Prøvet: intet er gemt", "Tried: nothing is stored"))


def _taken(files: Sequence[Taken]) -> list[FileTaken]:
    with service.current().writing() as (session, trail):
        return bank.take_in(session, files, trail, service.current().config.bank_account)


def _tried(files: Sequence[Taken]) -> list[FileTaken]:
    """Take files in and forget it again, so that what is told is exactly what would happen."""
    surroundings = service.current()
    with surroundings.app.app_context(), database.writing() as session:
        trail = Trail(session, service.COMMAND_LINE, surroundings.now)
        taken = bank.take_in(session, files, trail, surroundings.config.bank_account)
        session.rollback()
    return taken


def tell(taken: FileTaken) -> None:
    """Say what came of a file."""
    output.say(taken.text)
    for statement in taken.statements:
        amounts = [kroner(money)[output.language()] for money in (statement.money_in, -statement.money_out)]
        days = f"{statement.opening_on} – {statement.closing_on}"
        output.say(
            Text(f"  {statement.account} {days}: ind {amounts[0]}, ud {amounts[1]}",
                 f"  {statement.account} {days}: in {amounts[0]}, out {amounts[1]}")
        )  # fmt: skip


@command.command("list")
@click.option("--json", "as_json", is_flag=True, help="Kun JSON på standard output / JSON only.")
def list_statements(*, as_json: bool) -> None:
    """Vis de kontoudtog, der er taget ind.

    List the statements that were taken in.
    """
    with service.current().reading() as session:
        rows = session.execute(
            select(*STATEMENTS.c, func.count(TRANSACTIONS.c.id).label("transactions"))
            .outerjoin(TRANSACTIONS, TRANSACTIONS.c.statement_id == STATEMENTS.c.id)
            .group_by(*STATEMENTS.c)
            .order_by(STATEMENTS.c.account, STATEMENTS.c.closing_on, STATEMENTS.c.id)
        ).all()
        latest = bank.latest_day(session)
    if as_json:
        output.say_json({"latest_day": latest and latest.isoformat(), "statements": [_told(row) for row in rows]})
        return
    if not rows:
        output.say(Text("Ingen kontoudtog endnu: os2tilslut bank import FIL",
                        "No statements yet: os2tilslut bank import FILE"))  # fmt: skip
        return
    spoken = output.language()
    output.table(
        [
            (row.account, row.bank_id, f"{row.opening_on}", f"{row.closing_on}", kroner(Money(row.opening_ore))[spoken],
             kroner(Money(row.closing_ore))[spoken], f"{row.transactions}")
            for row in rows
        ],
        right=(4, 5, 6),
    )  # fmt: skip


def _told(row: Any) -> dict[str, Any]:
    told = dict(row._mapping)
    return told | {name: f"{told[name]}" for name in ("opening_on", "closing_on")}
