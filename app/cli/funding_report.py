"""The report of a fund and a period as it is now, by command: read here, or written as a file."""

from __future__ import annotations

from pathlib import Path

import click

from app import report_sheets
from app.adapters import files
from app.cli import funds, output, service
from billing.funding import report_pdf, reporting, summary
from billing.funding.report import FundingReport, to_json
from foundation import periods
from foundation.errors import Refused
from foundation.language import Language, Text, amount


class NoFile(Refused):
    """What is no text is written to a file."""


_HEADS = (
    Text("Konto", "Account"), Text("Navn", "Name"), Text("Faktureret eller brugt, kr.", "Invoiced or spent, DKK"),
    Text("Budget, kr.", "Budget, DKK"), Text("Bemærkning", "Remark"),
)  # fmt: skip


@click.command("report")
@click.argument("product")
@click.argument("period")
@click.option("--format", "form", type=click.Choice(["text", "json", "pdf", "xlsx"]), default="text", show_default=True)
@click.option("--lang", type=click.Choice(["da", "en"]), help="Sprog i PDF og XLSX; ellers beskedernes.")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="Filen; skal med ved pdf og xlsx.")
def report(product: str, period: str, form: str, lang: Language | None, out: Path | None) -> None:
    """Vis en fonds rapport for en periode, som tallene er nu; OS2 er foreningen.

    Show the report of a fund and a period as the figures are now.
    """
    wanted, spoken = periods.named(period), lang or output.language()
    if out is None and form in ("pdf", "xlsx"):
        raise NoFile(Text("angiv en fil med --out", "name a file with --out"))
    with service.current().reading() as session:
        found = reporting.compute(session, funds.product(session, product), wanted)
    if out is None:
        click.echo(to_json(found)) if form == "json" else _tell(found, spoken)
        return
    with files.whole(out) as path:
        path.write_bytes(_bytes(found, form, spoken))
    output.say(Text(f"{out.name} er skrevet", f"{out.name} is written"))


def _bytes(found: FundingReport, form: str, spoken: Language) -> bytes:
    if form == "pdf":
        return report_pdf.render(found, spoken)
    if form == "xlsx":
        return report_sheets.render(found, spoken)
    return (to_json(found) if form == "json" else f"{summary.paragraph(found)[spoken]}\n").encode()


def _tell(found: FundingReport, spoken: Language) -> None:
    click.echo(summary.title(found)[spoken])
    click.echo(summary.paragraph(found)[spoken])
    if found.remark:
        click.echo(found.remark)
    rows = [(each.account, each.name, each.invoiced, each.budget, each.remark) for each in found.income]
    rows += [(each.account, each.name, each.spent, each.budget, each.remark) for each in found.costs]
    heads = tuple(head[spoken] for head in _HEADS)
    told = [(account, name[spoken], amount(money, spoken), "" if budget is None else amount(budget, spoken), remark)
            for account, name, money, budget, remark in rows]  # fmt: skip
    output.table([heads, *told], right=(2, 3))


COMMANDS: tuple[click.Command, ...] = (report,)
