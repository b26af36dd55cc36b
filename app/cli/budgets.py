"""`budgets`: what each fund is to earn and spend in a year, version by version, adopted by two people."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from fractions import Fraction
from pathlib import Path
from typing import Any

import click

from app.access import Role
from app.adapters import csv_files
from app.cli import funds, output, service
from app.cli.registers import FILE
from billing.funding import budget_intake, budgets
from billing.funding.budgets import STATES, Version
from billing.funding.costs import ASSOCIATION
from foundation import proposals
from foundation.errors import Refused
from foundation.language import Text, amount
from foundation.money import total
from foundation.proposals import Proposal

_PREPARERS = (Role.FINANCE, Role.APPROVER)
_BY = click.option("--by", "by", default=service.COMMAND_LINE, metavar="NAVN", help="Hvem der gør det.")
_JSON = click.option("--json", "as_json", is_flag=True, help="Ét JSON-dokument på standard output.")
_YEAR = click.IntRange(2000, 2199)


class NotOneChange(Refused):
    """Index and growth were both given, or neither, or one that is no number."""


@click.group(help="Budgetter: udkast, forslag, vedtagelse / budgets: drafts, proposals, adoption.")
def command() -> None:
    """Hold the commands on budgets."""


def _told(made: Proposal) -> None:
    output.say(
        Text(f"forslag {made.id}: {made.subject}, kontrolsum {made.digest}",
             f"proposal {made.id}: {made.subject}, digest {made.digest}")
    )  # fmt: skip
    output.note(
        Text(f"En anden vedtager det: budgets adopt {made.id} --digest {made.digest} --by NAVN",
             f"Somebody else adopts it: budgets adopt {made.id} --digest {made.digest} --by NAME")
    )  # fmt: skip


@command.command("import")
@click.argument("file", type=FILE)
@_BY
def take_in(file: Path, by: str) -> None:
    """Indlæs budgetter fra CSV, og foreslå dem: alle eller ingen; den samme fil igen ændrer intet.

    Take budgets in and propose them, all or none; the same file again changes nothing.
    """
    surroundings, rows = service.current(), csv_files.read(file, csv_files.BUDGETS)
    with surroundings.writing() as (session, trail):
        trail.actor = surroundings.person(session, by, _PREPARERS)
        taken = budget_intake.take_in(session, rows, trail)
    output.say(taken.text)
    for made in taken.proposals:
        _told(made)


@command.command("copy")
@click.argument("product")
@click.argument("year", type=_YEAR)
@click.option("--index", metavar="PCT", help="Året før × PCT %, fx 103.5.")
@click.option("--growth", metavar="PCT", help="Året før plus PCT %, fx 3.5 eller -2.")
@click.option("--rounding", type=click.Choice([*budgets.ROUNDINGS]), default="krone", show_default=True,
              help="Hvad årsbeløb afrundes til.")  # fmt: skip
@_BY
def copy(product: str, year: int, index: str | None, growth: str | None, rounding: str, by: str) -> None:
    """Foreslå et budget, der er det sidst vedtagne for året før med indeks eller vækst; OS2 er foreningen.

    Propose last year's adopted budget times an index, or with growth.
    """
    surroundings, factor = service.current(), _factor(index, growth)
    with surroundings.writing() as (session, trail):
        trail.actor = surroundings.person(session, by, _PREPARERS)
        draft = budgets.copied(session, funds.product(session, product), year, factor, rounding)
        made = budgets.propose(session, budgets.draft(session, draft, trail), trail)
    output.say(Text(draft.basis, draft.basis))
    _told(made)


def _factor(index: str | None, growth: str | None) -> Fraction:
    given = index if growth is None else growth
    try:
        percent = Decimal((given or "").replace(",", "."))
    except InvalidOperation:
        percent = Decimal("NaN")
    if (index is None) == (growth is None) or not percent.is_finite() or abs(percent) > 1000:
        raise NotOneChange(Text("giv enten --index (fx 103.5) eller --growth (fx 3.5)",
                                "give either --index (such as 103.5) or --growth (such as 3.5)"))  # fmt: skip
    return Fraction(percent if growth is None else 100 + percent) / 100


@command.command("adopt")
@click.argument("proposal", type=int)
@click.option("--digest", required=True, metavar="D", help="Kontrolsummen af det, der blev læst.")
@_BY
def adopt(proposal: int, digest: str, by: str) -> None:
    """Vedtag et foreslået budget.

    Adopt a budget that another person proposed.
    """
    surroundings = service.current()
    with surroundings.approving(by) as (session, trail):
        proposals.expect(session, proposal, digest)
        version = budgets.adopt(session, proposal, trail, on=surroundings.today)
    output.say(Text(f"{version.subject} er vedtaget", f"{version.subject} is adopted"))


@command.command("list")
@click.argument("year", type=_YEAR, required=False)
@click.option("--product", metavar="PRODUKT", help=f"Kun én fond; {ASSOCIATION} er foreningen.")
@_JSON
def listing(year: int | None, product: str | None, as_json: bool) -> None:
    """Vis budgetternes versioner.

    Show the versions of budgets.
    """
    with service.current().reading() as session:
        found = budgets.listed(session, True if product is None else funds.product(session, product), year)
        lines = budgets.lines_of(session, [each.id for each in found])
    if as_json:
        output.say_json({"budgets": [version_json(each, lines.get(each.id, ())) for each in found]})
        return
    spoken = output.language()
    output.table(
        [(str(each.id), each.subject, amount(total(line.whole for line in lines.get(each.id, ())), spoken),
          STATES[each.state][spoken], each.adopted_on.isoformat() if each.adopted_on else "") for each in found],
        right=(2,),
    )  # fmt: skip


def version_json(version: Version, lines: tuple[budgets.Line, ...]) -> dict[str, Any]:
    """Give a version and its lines as JSON."""
    return {
        "id": version.id, "product": version.product, "year": version.year, "version": version.version,
        "state": version.state, "basis": version.basis, "drafted_by": version.drafted_by,
        "drafted_at": version.drafted_at.isoformat(), "proposal": version.proposal, "adopted_by": version.adopted_by,
        "adopted_on": version.adopted_on.isoformat() if version.adopted_on else None,
        "lines": [{"account": line.account, "months_ore": [month.ore for month in line.months]} for line in lines],
    }  # fmt: skip
