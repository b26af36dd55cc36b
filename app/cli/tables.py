"""Checking and adopting decisions: size key, the association's table, the products' fee tables."""

from __future__ import annotations

from pathlib import Path

import click
from sqlalchemy.exc import DBAPIError

from agreements import table_proposals
from app.adapters import incoming
from app.cli import output, service
from app.cli.registers import FILE
from fee_tables import catalogue
from fee_tables.catalogue import Catalogue
from fee_tables.text import Decision
from foundation import wording
from foundation.errors import Refused
from foundation.language import Text, day


@click.group(help="Fordelingsnøgle, foreningens tabel og takstblade / size key and fee tables.")
def command() -> None:
    """Hold the commands on tables."""


@command.command("check")
@click.argument("files", type=FILE, nargs=-1, required=True)
def check(files: tuple[Path, ...]) -> None:
    """Læs tabeller og sig, hvad der er galt, med linje og grund. Gemmer intet.

    Check tables; stores nothing.
    """
    texts = _texts(files)
    try:
        with service.current().reading() as session:
            adopted, known = catalogue.adopted_digests(session), catalogue.read(session)
    except DBAPIError:
        adopted, known = {}, Catalogue()
        output.note(Text("Databasen er ikke sat op: tabellerne er kun holdt op mod hinanden.",
                         "The database is not set up: the tables were only held against each other."))  # fmt: skip
    new = catalogue.check(texts, adopted, known)
    for name in texts:
        state = (
            Text("kan vedtages", "can be adopted")
            if name in new
            else Text("er allerede vedtaget", "is adopted already")
        )
        output.say(Text(f"{name}: ", f"{name}: ") + state)


@command.command("adopt")
@click.argument("files", type=FILE, nargs=-1, required=True)
@click.option("--by", "by", default=service.COMMAND_LINE, metavar="NAVN", help="Hvem der vedtager.")
def adopt(files: tuple[Path, ...], by: str) -> None:
    """Vedtag tabeller; derefter kan de ikke ændres.

    Adopt tables; they never change again.
    """
    surroundings = service.current()
    texts = _texts(files)
    with surroundings.approving(by) as (session, trail):
        adopted = table_proposals.adopt(session, texts, trail)
    for name in texts:
        output.say(_adopted(name, adopted.decisions.get(name)))
    for product in adopted.products:
        output.note(
            Text(f"Bemærk: {product} er registreret som produkt uden kontonummer",
                 f"Note: {product} is registered as a product without account number")
        )  # fmt: skip


def _adopted(name: str, decision: Decision | None) -> Text:
    if decision is None:
        return Text(f"{name}: var allerede vedtaget", f"{name}: was adopted already")
    since = day(catalogue.first_day_of(decision))
    return Text(f"{name}: vedtaget, gælder fra {since.da}", f"{name}: adopted, valid from {since.en}")


def _texts(files: tuple[Path, ...]) -> dict[str, str]:
    texts: dict[str, str] = {}
    for file in files:
        name = incoming.name_of(file)
        if name in texts:
            name = wording.legible(str(file))
        if name in texts:
            raise Refused(Text(f"{name} er givet to gange", f"{name} is given twice"))
        texts[name] = incoming.text(file)
    return texts
