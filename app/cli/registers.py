"""Taking files into the registers: authorities, inhabitants, placements, products, members, agreements, settings."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import click

from app import register_files
from app.adapters import csv_files, incoming
from app.cli import output, service
from app.config import NotInProduction
from app.register_files import REGISTERS
from billing import seller
from foundation import wording
from foundation.errors import Refused
from foundation.intake import Taken
from foundation.language import Text

# Whether it may be read is seen when it is opened: asking before tells nothing about then.
FILE = click.Path(exists=True, dir_okay=False, readable=False, path_type=Path)


def take_file(path: Path, register: str, forced: Mapping[str, str] | None = None) -> None:
    """Read a register's file, take it in, and say what it did."""
    into, today = REGISTERS[register], service.current().today
    rows = csv_files.read(path, into.layout)
    with service.current().writing() as (session, trail):
        taken = register_files.take_in(session, into, rows, trail, today=today, forced=forced)
    tell(taken)


def tell(taken: Taken) -> None:
    """Say what an intake did."""
    for warning in taken.warnings:
        output.note(Text("Bemærk: ", "Note: ") + warning)
    output.say(
        Text(
            f"{taken.source}: {taken.added} nye, {taken.changed} ændret, {taken.unchanged} uændret",
            f"{taken.source}: {taken.added} new, {taken.changed} changed, {taken.unchanged} unchanged",
        )
    )


@click.group(help="Myndigheder / authorities.")
def authorities() -> None:
    """Hold the commands on authorities."""


@authorities.command("import")
@click.argument("file", type=FILE)
@click.option("--force-cvr", "forced", nargs=2, multiple=True, metavar="CVR GRUND",
              help="Tag et CVR-nummer, der ikke består modulus 11, med grunden til at det er rigtigt.")  # fmt: skip
def import_authorities(file: Path, forced: tuple[tuple[str, str], ...]) -> None:
    """Indlæs myndigheder fra CSV (nøgle: cvr).

    Import authorities.
    """
    reasons = {cvr: wording.composed(reason).strip() for cvr, reason in forced}
    if not all(reason and wording.fault(reason) is None for reason in reasons.values()):
        raise Refused(Text("--force-cvr kræver en læsbar grund", "--force-cvr needs a readable reason"))
    take_file(file, "authorities", reasons)


@click.group(help="Indbyggertal / inhabitants.")
def population() -> None:
    """Hold the commands on inhabitants."""


@population.command("import")
@click.argument("file", type=FILE)
def import_population(file: Path) -> None:
    """Indlæs indbyggertal pr. 1. januar fra CSV (nøgle: kommunekode, year).

    Import inhabitants on 1 January.
    """
    take_file(file, "population")


@click.group(help="Indplaceringer efter skøn / placements by judgement.")
def placements() -> None:
    """Hold the commands on placements."""


@placements.command("import")
@click.argument("file", type=FILE)
def import_placements(file: Path) -> None:
    """Indlæs indplaceringer fra CSV (nøgle: cvr, valid_from).

    Import placements.
    """
    take_file(file, "placements")


@click.group(help="Produkter / products.")
def products() -> None:
    """Hold the commands on products."""


@products.command("import")
@click.argument("file", type=FILE)
def import_products(file: Path) -> None:
    """Indlæs produkter fra CSV (nøgle: product).

    Import products.
    """
    take_file(file, "products")


@click.group(help="Medlemmer af OS2 / members.")
def members() -> None:
    """Hold the commands on members."""


@members.command("import")
@click.argument("file", type=FILE)
def import_members(file: Path) -> None:
    """Indlæs medlemskaber fra CSV (nøgle: cvr, joined_on).

    Import memberships.
    """
    take_file(file, "members")


@click.group(help="Tilslutningsaftaler / connection agreements.")
def agreements() -> None:
    """Hold the commands on agreements."""


@agreements.command(
    "import", help="Indlæs tilslutningsaftaler fra CSV (nøgle: cvr, product, signed_on). / Import agreements."
)
@click.argument("file", type=FILE)
def import_agreements(file: Path) -> None:
    """Take agreements in."""
    take_file(file, "agreements")


@click.group(help="Foreningen som sælger / the association as seller.")
def settings() -> None:
    """Hold the commands on settings."""


@settings.command(
    "import", help="Indlæs foreningens indstillinger som sælger fra TOML. / Import the seller's settings."
)
@click.argument("file", type=FILE)
def import_settings(file: Path) -> None:
    """Take the seller's settings in."""
    surroundings = service.current()
    text = incoming.text(file)
    if surroundings.config.is_production and seller.read(text).made_up:
        raise NotInProduction(
            Text(
                "opdigtede indstillinger er ikke tilladt i produktion", "made-up settings are not allowed in production"
            )
        )
    with surroundings.writing() as (session, trail):
        is_new = seller.store(session, text, trail)
    name = incoming.name_of(file)
    output.say(
        Text(f"{name}: indlæst", f"{name}: imported") if is_new else Text(f"{name}: uændret", f"{name}: unchanged")
    )
