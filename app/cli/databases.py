"""Setting the database up, and keeping it safe: upgrade, backup, restore."""

from __future__ import annotations

from pathlib import Path

import click

from app.adapters import backups
from app.cli import output, service
from app.database import db
from foundation.language import Text


@click.group(help="Databasen / the database.")
def command() -> None:
    """Hold the commands on the database."""


@command.command("upgrade")
def upgrade() -> None:
    """Sæt databasen op, eller bring den til denne version.

    Set the database up, or bring it to this version.
    """
    from app import migrating

    surroundings = service.current()
    with surroundings.app.app_context():
        migrating.upgrade()
    shown = db_name(surroundings)
    output.say(Text(f"databasen er klar: {shown}", f"the database is ready: {shown}"))


def db_name(surroundings: service.Service) -> str:
    """Name the database without its password."""
    with surroundings.app.app_context():
        return db.engine.url.render_as_string(hide_password=True)


@command.command("backup")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
def backup(file: Path) -> None:
    """Skriv en sikkerhedskopi af alt til en fil.

    Back everything up to a file.
    """
    with service.current().reading() as session:
        rows = backups.write(session, file)
    output.say(Text(f"{file}: {rows} rækker gemt", f"{file}: {rows} rows saved"))


@command.command("restore")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def restore(file: Path) -> None:
    """Læs en sikkerhedskopi ind i en tom database (efter db upgrade).

    Restore a backup into an empty database (after db upgrade).
    """
    with service.current().writing() as (session, _):
        rows = backups.restore(session, file)
    output.say(Text(f"{rows} rækker indlæst; kør os2tilslut verify", f"{rows} rows restored; run os2tilslut verify"))
