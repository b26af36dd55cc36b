"""Reports that everybody may see: figures, pictures and a file of what the group chose, at an address that stays."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence

from flask import Blueprint, Response, render_template
from flask.typing import ResponseReturnValue

from app import access, database
from app.adapters import sheets
from app.web import fund_addresses, layout
from billing.funding import disclosures, naming, summary
from billing.funding.disclosures import COLUMNS, FIGURES, Choice, NotShown
from billing.funding.publications import Published
from billing.funding.report import FundingReport
from foundation import periods
from foundation.language import Text, same, whole_number
from foundation.language import kroner as in_kroner
from foundation.money import Money

blueprint = Blueprint("public_reports", __name__)


@blueprint.get("/public/reports")
@access.public
def listing() -> ResponseReturnValue:
    """List the reports that are public."""
    with database.reading() as session:
        shown = disclosures.listed(session)
    rows = [(fund_addresses.public_address(each.product, each.period), naming.told(each.product), each)
            for each in shown]  # fmt: skip
    return render_template("public/list.html", rows=rows)


@blueprint.get("/public/reports/<product>/<period>")
@access.public
def page(product: str, period: str) -> ResponseReturnValue:
    """Show what is public of a report; an address whose report was withdrawn says so."""
    disclosure, published = _shown(product, period)
    choice, report = disclosure.choice, published.report
    return render_template(
        "public/report.html", disclosure=disclosure, edition=published.edition, choice=choice,
        figures=[(FIGURES[name], value) for name, value in figures(report, choice)], report=report,
        title=summary.title(report), address=fund_addresses.public_address(report.product, report.period),
        told={"accounts": summary.accounts(report), "budget": summary.budget(report),
              "connected": summary.connected(report)},
    )  # fmt: skip


def _shown(fund: str, period: str) -> tuple[disclosures.Disclosure, Published]:
    with database.reading() as session:
        return disclosures.public(session, naming.product(fund), fund_addresses.of_period(period))


def figures(report: FundingReport, choice: Choice) -> Iterator[tuple[str, Text]]:
    """Give the chosen figures in words."""
    for name in choice.figures:
        yield name, _figure(report, name)


def _figure(report: FundingReport, name: str) -> Text:
    if name == "connected":
        return whole_number(report.connected[-1].authorities) if report.connected else same("–")
    amount: Money = getattr(report, name)
    return in_kroner(amount)


@blueprint.get("/public/reports/<product>/<period>.csv")
@access.public
def file(product: str, period: str) -> Response:
    """Give what is public of a report as CSV: UTF-8 with its mark, semicolons, decimal commas."""
    disclosure, published = _shown(product, period)
    if not disclosure.choice.columns:
        raise NotShown(Text("rapporten er ikke offentlig som fil", "the report is not public as a file"))
    words = io.StringIO(newline="")
    writer = csv.writer(words, delimiter=";")
    spoken = layout.spoken()
    writer.writerow(title[spoken] for title in _titles(disclosure.choice))
    for row in rows(published.report, disclosure.choice):
        writer.writerow(sheets.neutral(cell[spoken]) if isinstance(cell, Text) else cell for cell in row)
    name = f"{naming.name(published.report.product)}-{periods.name(published.report.period)}.csv"
    response = Response(words.getvalue().encode("utf-8-sig"), content_type="text/csv; charset=utf-8")
    response.headers["Content-Disposition"] = f'attachment; filename="{name if name.isascii() else "rapport.csv"}"'
    response.add_etag()
    return response


_INCOME, _COST = Text("Indtægt", "Income"), Text("Omkostning", "Cost")


def _titles(choice: Choice) -> Sequence[Text]:
    return (Text("Art", "Kind"), Text("Post", "Item"), *(COLUMNS[name] for name in choice.columns))


def rows(report: FundingReport, choice: Choice) -> Iterator[Sequence[Text | str]]:
    """Give the accounts of the report with the chosen columns, and nothing else."""
    for income in report.income:
        yield _INCOME, income.name, *_cells(choice, account=income.account, amount=income.invoiced, paid=income.paid,
                                            budget=income.budget)  # fmt: skip
    for cost in report.costs:
        yield _COST, cost.name, *_cells(choice, account=cost.account, amount=cost.spent, budget=cost.budget,
                                        deviation=cost.deviation)  # fmt: skip


def _cells(choice: Choice, **known: Money | str | None) -> Iterator[str]:
    for name in choice.columns:
        value = known.get(name)
        yield sheets.decimal(value) if isinstance(value, Money) else sheets.neutral(value or "")
