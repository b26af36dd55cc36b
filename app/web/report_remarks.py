"""Remarks on a report in the browser: on what each account came to, and on the whole, with all that was written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from flask import Blueprint, redirect, render_template
from flask.typing import ResponseReturnValue

from app import access, database
from app.schemas import Remarks
from app.web import forms, fund_addresses, layout
from app.web.forms import Sent
from billing.funding import publications, remarks, reporting, summary
from billing.funding.remarks import RemarkRefused, RemarksMoved
from billing.funding.report import FundingReport
from foundation.language import Text
from foundation.money import Money

blueprint = Blueprint("report_remarks", __name__)

_OTHERS = Text("kontoerne er ændret; hent siden igen", "the accounts have changed; load the page again")
_WHOLE = Text("Rapporten som helhed", "The report as a whole")


@dataclass(frozen=True, slots=True)
class _Line:
    """An account that may be remarked on: what it came to beside its budget; the whole has neither."""

    id: str  # of its field
    account: str
    name: Text
    amount: Money | None
    budget: Money | None
    deviation: Money | None


def _lines(report: FundingReport) -> list[_Line]:
    found: list[tuple[str, Text, Money | None, Money | None, Money | None]] = [
        (remarks.WHOLE, _WHOLE, None, None, None),
        *((each.account, each.name, each.invoiced, each.budget, each.deviation) for each in report.income),
        *((each.account, each.name, each.spent, each.budget, each.deviation) for each in report.costs),
    ]
    return [_Line(f"remark-{at}", *about) for at, about in enumerate(found)]


@blueprint.get("/funds/<product>/<period>/remarks")
@access.needs("funding.read")
def page(product: str, period: str) -> ResponseReturnValue:
    """Show the remarks that hold, to be written anew by whom that is for, and all that were written before."""
    return _page(product, period, {}, {})


def _page(fund: str, period: str, typed: Mapping[str, str], errors: Mapping[str, Text]) -> str:
    """Show the page; `typed` and `errors` stand by account."""
    with database.reading() as session:
        product, of = fund_addresses.found(session, fund, period)
        report = reporting.compute(session, product, of)
        written = remarks.history(session, product, of)
        newest = publications.newest(session, product, of)
    lines = _lines(report)
    return render_template(
        "funds/remarks.html", lines=lines, names={each.account: each.name for each in lines},
        standing=remarks.holding(written), written=written[::-1], seen=remarks.last(written), typed=typed,
        errors=errors, faults=_by_field(lines, errors), longest=remarks.LONGEST,
        longest_of_whole=remarks.LONGEST_OF_WHOLE, title=summary.title(report),
        address=fund_addresses.address(product, of), newest=newest and newest.edition,
        of_edition=fund_addresses.of_edition, reaches=access.may_fund("funding.comment", product),
    )  # fmt: skip


def _by_field(lines: Sequence[_Line], errors: Mapping[str, Text]) -> dict[str, Text]:
    """Give faults by the field they are told at; one of the form as such leads to its first field."""
    ids = {each.account: each.id for each in lines}
    return {ids.get(account, lines[0].id): words for account, words in errors.items()}


@blueprint.post("/funds/<product>/<period>/remarks")
@access.needs("funding.comment")
def write(product: str, period: str) -> ResponseReturnValue:
    """Keep the remarks that were changed; what is wrong is told at its field, and nothing is kept then."""
    sent = forms.read(Remarks)
    with database.reading() as session:
        fund, of = fund_addresses.found(session, product, period, "funding.comment")
        asked = [each.account for each in _lines(reporting.compute(session, fund, of))]
    typed, errors = _typed(sent, asked)
    if not errors:
        try:
            with layout.acting() as (session, trail):
                count = remarks.write_all(session, fund, of, typed, trail, seen=sent["seen"])
        except RemarkRefused as refused:
            errors = dict(refused.faults)
        except RemarksMoved as moved:
            errors = {_ON_TOP: moved.text}
    if errors:
        return _page(product, period, typed, errors), 422
    layout.done(_told(count))
    return redirect(f"{fund_addresses.address(fund, of)}/remarks", 303)


#: What a fault of no field stands under; no account is called so.
_ON_TOP = "-"


def _typed(sent: Sent, asked: Sequence[str]) -> tuple[dict[str, str], dict[str, Text]]:
    """Give what was typed by account, and what is wrong with the form as such."""
    accounts, texts = sent.typed.get("accounts", []), sent.typed.get("texts", [])
    typed = dict(zip(accounts, texts, strict=False))
    if sent.errors:
        return typed, {_ON_TOP: next(iter(sent.errors.values()))}
    is_whole = len(accounts) == len(texts) and set(accounts) <= set(asked) and len(typed) == len(accounts)
    return typed, {} if is_whole else {_ON_TOP: _OTHERS}


def _told(count: int) -> Text:
    if not count:
        return Text("Intet er ændret", "Nothing was changed")
    if count == 1:
        return Text("1 bemærkning er gemt", "1 remark was kept")
    return Text(f"{count} bemærkninger er gemt", f"{count} remarks were kept")
