"""Loading the starter: the real authorities, inhabitants, products, accounts and tables that ship with the service."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import click

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
            register.take_in(
                session,
                csv_files.read(_data(authorities, "authorities.csv"), csv_files.AUTHORITIES),
                trail,
                forced={},
                invoiced=resting.last_year,
            ),
            population.take_in_population(
                session,
                csv_files.read(_data(authorities, "population.csv"), csv_files.POPULATION),
                trail,
                counted=resting.counted,
            ),
            products.take_in(
                session,
                csv_files.read(_data(agreements, "products.csv"), csv_files.PRODUCTS),
                trail,
                posted=resting.products,
            ),
            ledger.take_in_accounts(
                session, csv_files.read(_data(billing, "chart_of_accounts.csv"), csv_files.ACCOUNTS), trail
            ),
        ]
        tables = {path.name: path.read_text(encoding="utf-8") for path in shipped_tables()}
        adopted = catalogue.adopt(session, tables, trail)
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


def _data(room: object, name: str) -> Path:
    return _folder(room) / name


def _folder(room: object) -> Path:
    return Path(str(room.__file__)).parent / "data"  # type: ignore[attr-defined]
