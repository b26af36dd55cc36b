"""A small world for tests of the workplace: three municipalities, two products, people of every role.

Aarhus is a member and has OS2valghalla; its signatory and the group of OS2valghalla see it. Aalborg and Odense have
OS2kitos. Odense's agreement has no GLN, so its line is held back until somebody mends that.
"""

from __future__ import annotations

from app import clock, config, create_app, database
from app.identity import demonstration
from foundation.audit import Trail
from tests.command_line import CommandLine
from tests.scenarios import files

YEAR = 2027
AARHUS, AALBORG, ODENSE = (files.by_name(name).cvr for name in ("Aarhus", "Aalborg", "Odense"))


def fill(line: CommandLine) -> None:
    """Fill an empty place with the starter, the agreements and the people."""
    line.done("db", "upgrade")
    line.done("starter", "load")
    files.take_members(line, files.member(AARHUS))
    files.take_agreements(
        line,
        files.agreement(AARHUS),
        files.agreement(AALBORG, "OS2kitos"),
        files.agreement(ODENSE, "OS2kitos", gln=""),
    )
    add_people(line)


def issue(line: CommandLine) -> None:
    """Issue the year and make its documents."""
    line.issue(YEAR)
    line.done("billing", "export", YEAR, line.folder / "documents")


def add_people(line: CommandLine) -> None:
    """Add the made-up people, as `serve` does."""
    settings = config.read(line.environment)
    app = create_app(settings)
    with app.app_context(), database.writing() as session:
        trail = Trail(session, "kommandolinjen", clock.now(settings))
        demonstration.make(session, trail, settings.oidc.issuer)
        trail.write()
    with app.app_context():
        database.db.engine.dispose()
