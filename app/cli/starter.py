"""Loading the starter: the real authorities, inhabitants, products, accounts and tables that ship with the service."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import click
from sqlalchemy.orm import Session

import agreements
import authorities
import billing
import fee_tables
from agreements import products
from app.adapters import csv_files
from app.cli import output, service
from app.cli.registers import tell
from authorities import population, register
from billing import invoices, ledger
from fee_tables import catalogue
from fee_tables import text as table_text
from foundation.intake import Row, Rows, Taken
from foundation.language import Text

#: Who is recorded for what ships with the service.
STARTER = "starter"


@click.group(help="De medfølgende registre og rigtige tabeller / the shipped registers and real tables.")
def command() -> None:
    """Hold the commands on the starter."""


@command.command("load")
def load() -> None:
    """Indlæs kommuner, regioner, indbyggere, produkter, konti og de offentlige takstblade.

    Load the shipped registers and real tables.
    """
    with service.current().writing(actor=STARTER) as (session, trail):
        resting = invoices.resting(session)
        taken = [
            _take(
                _read(authorities, "authorities.csv", csv_files.AUTHORITIES),
                known=register.ids_by_cvr(session),
                key=lambda row: row["cvr"],
                take=lambda rows: register.take_in(
                    session, rows, trail, forced={}, invoiced=resting.last_year, succeeded=resting.succeeded
                ),
            ),
            _take(
                _read(authorities, "population.csv", csv_files.POPULATION),
                known=population.known(session),
                key=lambda row: (row["kommunekode"], row["year"]),
                take=lambda rows: population.take_in_population(session, rows, trail, counted=resting.counted),
            ),
            _take(
                _read(agreements, "products.csv", csv_files.PRODUCTS),
                known=products.ids_by_name(session),
                key=lambda row: row["product"],
                take=lambda rows: products.take_in(session, rows, trail, posted=resting.products),
            ),
            _take(
                _read(billing, "chart_of_accounts.csv", csv_files.ACCOUNTS),
                known=ledger.account_numbers(session),
                key=lambda row: row["account_suffix"],
                take=lambda rows: ledger.take_in_accounts(session, rows, trail),
            ),
        ]
        tables = {path.name: path.read_text(encoding="utf-8") for path in shipped_tables()}
        adopted = catalogue.adopt(session, _not_decided_otherwise(session, tables), trail)
    for each in taken:
        tell(each)
    output.say(
        Text(
            f"tabeller: {len(adopted)} vedtaget, {len(tables) - len(adopted)} var vedtaget i forvejen",
            f"tables: {len(adopted)} adopted, {len(tables) - len(adopted)} were adopted already",
        )
    )


def shipped_tables() -> Iterable[Path]:
    """Give the files of the real tables, by name."""
    return sorted(_folder(fee_tables).glob("*.toml"))


def _take(
    file: Rows, *, known: Container[object], key: Callable[[Row], object], take: Callable[[Rows], Taken]
) -> Taken:
    """Take in what is not known yet: what someone corrected since stays corrected."""
    new = [row for row in file if key(row) not in known]
    taken = take(replace(file, rows=new))
    return replace(taken, unchanged=len(file.rows) - len(new))


def _not_decided_otherwise(session: Session, tables: Mapping[str, str]) -> dict[str, str]:
    """Leave out tables for whose day someone has adopted another text."""
    adopted = catalogue.adopted_digests(session)
    decisions = {name: table_text.read(words) for name, words in tables.items()}
    return {
        name: tables[name]
        for name, decision in decisions.items()
        if (catalogue.line_of(decision), catalogue.first_day_of(decision)) not in adopted
    }


def _read(room: ModuleType, name: str, layout: csv_files.Layout) -> Rows:
    return csv_files.read(_folder(room) / name, layout)


def _folder(room: ModuleType) -> Path:
    return Path(str(room.__file__)).parent / "data"
