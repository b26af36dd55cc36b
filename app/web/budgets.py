"""Budgets in the browser: versions, one as a table to edit, two compared, files of them, and what two people decide."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import Any

from flask import Blueprint, redirect, render_template, request
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from app import access, clock, database
from app.adapters import csv_files, kept_uploads
from app.adapters.kept_uploads import Upload
from app.schemas import Approval, BudgetCopy, BudgetEntry, BudgetFile, Nothing
from app.web import deciding, forms, layout, memory_list
from app.web.costs import fund_of, is_own
from app.web.forms import Sent
from app.web.memory_list import NotAnAmount
from billing.funding import budget_intake, budgets
from billing.funding.budget_intake import TakenBudgets
from billing.funding.budgets import ROUNDED, STATES, BudgetRefused, Draft, Line
from billing.funding.costs import ASSOCIATION
from foundation import proposals, wording
from foundation.audit import Trail
from foundation.errors import Refused, RowsRefused
from foundation.intake import Rows
from foundation.language import Text, kroner, month_name, same
from foundation.language import amount as in_figures
from foundation.money import ZERO, Money, total
from foundation.periods import MONTHS_IN_YEAR
from foundation.proposals import Proposal

blueprint = Blueprint("budgets", __name__)

_WAITS = Text("Venter på, at en anden vedtager det", "Waits for another to adopt it")
_KEPT = Text("Gemt som ny version", "Kept as a new version")
_LARGEST_PERCENT = 1000
_MONTHS = [month_name(nth) for nth in range(1, MONTHS_IN_YEAR + 1)]


@blueprint.get("/budgets")
@access.needs("cost.read")
def page() -> ResponseReturnValue:
    """Show the versions of a year, and the forms that begin one."""
    return _page({}, {})


def _page(given: Mapping[str, Any], errors: Mapping[str, Text]) -> str:
    asked = request.args.get("year", "")
    year = int(asked) if asked.isascii() and asked.isdigit() and len(asked) == len("2027") else layout.today().year
    with database.reading() as session:
        versions = budgets.listed(session, year=year)
        lines = budgets.lines_of(session, [each.id for each in versions])
        funds = sorted(budgets.accounts(session), key=lambda name: name or "")
    sums = {each.id: total(line.whole for line in lines.get(each.id, ())) for each in versions}
    return render_template(
        "budgets/list.html", versions=versions, sums=sums, states=STATES, year=year, given=given, errors=errors,
        funds=[(name or ASSOCIATION, name or ASSOCIATION) for name in funds], rounded=ROUNDED, association=ASSOCIATION,
    )  # fmt: skip


@blueprint.post("/budgets/copy")
@access.needs("cost.enter")
def copy() -> ResponseReturnValue:
    """Keep last year's adopted budget times an index as a draft."""
    sent = forms.read(BudgetCopy)
    errors: Mapping[str, Text] = sent.errors
    if not errors:
        try:
            with layout.acting() as (session, trail):
                draft = budgets.copied(
                    session, fund_of(sent["product"]), sent["year"], _factor(sent["index"]), sent["rounding"]
                )
                made = budgets.draft(session, draft, trail)
        except BudgetRefused as refused:
            errors = forms.in_order(BudgetCopy, refused.faults)
    if errors:
        return _page(sent.typed, errors), 422
    layout.done(_KEPT)
    return redirect(f"/budgets/{made}", 303)


def _factor(given: str) -> Fraction:
    try:
        percent = Decimal(given.replace(",", "."))
    except InvalidOperation:
        percent = Decimal("NaN")
    if not percent.is_finite() or not 0 <= percent <= _LARGEST_PERCENT:
        raise BudgetRefused({"index": Text("skriv indekset som 103,5", "write the index as 103.5")})
    return Fraction(percent) / 100


@blueprint.get("/budgets/edit/<fund>/<int:year>")
@access.needs("cost.enter")
def edit(fund: str, year: int) -> ResponseReturnValue:
    """Show a fund's accounts with the amounts of its newest version, to make the next one of."""
    return _edit(fund, year, {}, {})


def _edit(fund: str, year: int, typed: Mapping[str, str], errors: Mapping[str, Text]) -> str:
    product = fund_of(fund)
    with database.reading() as session:
        known = _known(session, product)
        versions = budgets.listed(session, product, year)
        standing = _standing(session, product, year)
    return render_template(
        "budgets/edit.html", fund=fund, year=year, known=known, standing=standing, typed=typed, errors=errors,
        newest=versions[0] if versions else None, months=_MONTHS, plain=_plain, labels=_labels(known),
    )  # fmt: skip


def _plain(amount: Money) -> str:
    """Write an amount as its field takes it."""
    return in_figures(amount, layout.spoken())


def _labels(known: budgets.Accounts) -> dict[str, Text]:
    """Name every field of a fund's budget, for the summary of faults."""
    found = {"basis": Text("Grundlag", "Basis")}
    for account, name in known.names.items():
        found[account] = same(name)
        found |= {f"{account}-{nth}": same(f"{name}, ") + told for nth, told in enumerate(_MONTHS, 1)}
    return found


def _standing(session: Session, product: str | None, year: int) -> dict[str, Line]:
    """Give the lines of the newest version, by account."""
    versions = budgets.listed(session, product, year)
    return {line.account: line for line in (budgets.lines(session, versions[0].id) if versions else ())}


def _known(session: Session, product: str | None) -> budgets.Accounts:
    found = budgets.accounts(session).get(product)
    if found is None:
        raise budgets.NoSuchBudget(Text("fonden findes ikke", "there is no such fund"))
    return found


@blueprint.post("/budgets/edit/<fund>/<int:year>")
@access.needs("cost.enter")
def keep(fund: str, year: int) -> ResponseReturnValue:
    """Keep what was written as the next version: a year's amount for each account, or its months."""
    sent = forms.read(BudgetEntry)
    product, errors = fund_of(fund), dict(sent.errors)
    with database.reading() as session:
        names = list(_known(session, product).names)
    typed = _typed(names, sent.typed.get("amounts", ()), sent.typed.get("months", ()))
    if errors:
        return _edit(fund, year, {**typed, "basis": sent.typed.get("basis", "")}, errors), 422
    amounts = _amounts(typed, errors)
    if len(sent["amounts"]) != len(names) or len(sent["months"]) not in (0, MONTHS_IN_YEAR * len(names)):
        errors["lines"] = Text("kontoplanen er ændret; hent siden igen", "the chart has changed; load the page again")
    if not errors:
        try:
            with layout.acting() as (session, trail):
                lines = _lines(names, amounts, _standing(session, product, year), has_months=bool(sent["months"]))
                made = budgets.draft(session, Draft(product, year, lines, sent["basis"]), trail)
        except BudgetRefused as refused:
            errors = dict(refused.faults)
    if errors:
        return _edit(fund, year, {**typed, "basis": sent.typed.get("basis", "")}, errors), 422
    layout.done(_KEPT)
    return redirect(f"/budgets/{made}", 303)


def _typed(names: Sequence[str], amounts: Sequence[str], months: Sequence[str]) -> dict[str, str]:
    """Give what was typed by field: a year under its account, a month under account and number."""
    of_months = [f"{account}-{nth}" for account in names for nth in range(1, MONTHS_IN_YEAR + 1)]
    return dict(zip(names, amounts, strict=False)) | dict(zip(of_months, months, strict=False))


def _amounts(typed: Mapping[str, str], errors: dict[str, Text]) -> dict[str, Money]:
    found = {}
    for field, words in typed.items():
        try:
            amount = memory_list.amount(words, layout.spoken())
        except NotAnAmount as refused:
            errors[field] = refused.text
            continue
        if amount is not None:
            found[field] = amount
    return found


def _lines(
    names: Sequence[str], amounts: Mapping[str, Money], standing: Mapping[str, Line], *, has_months: bool
) -> tuple[Line, ...]:
    """Give the lines of what was written. Raises BudgetRefused where a year is another than its months."""
    found, wrong = [], dict[str, Text]()
    for account in sorted(names):
        given = [amounts.get(f"{account}-{nth}") for nth in range(1, MONTHS_IN_YEAR + 1)]
        months = tuple(each or ZERO for each in given) if any(each is not None for each in given) else None
        before = standing.get(account)
        are_same = not has_months or months == (before.months if before else None)
        whole = amounts.get(account)
        if are_same or months is None:
            found += _of_year(account, whole, before if are_same else None)
        elif whole in (None, before.whole if before else None, total(months)):
            found.append(Line(account, months))
        else:
            sum_ = kroner(total(months))
            wrong[account] = Text(f"månederne giver {sum_.da}: ret året, eller tøm månederne",
                                  f"the months come to {sum_.en}: mend the year, or empty the months")  # fmt: skip
    if wrong:
        raise BudgetRefused(wrong)
    return tuple(found)


def _of_year(account: str, whole: Money | None, before: Line | None) -> list[Line]:
    """Give the line of a year's amount: as it was where it is the same, else even; none without an amount."""
    if whole is None:
        return []
    return [before if before is not None and before.whole == whole else Line(account, _months(whole))]


def _months(amount: Money) -> tuple[Money, ...]:
    return (amount,) * MONTHS_IN_YEAR if amount < ZERO else budgets.equal(amount)


# --- a file of them


@blueprint.get("/budgets/import")
@access.needs("cost.enter")
def import_form() -> ResponseReturnValue:
    """Ask for a file of budgets."""
    kept_uploads.sweep(_folder(), clock.now(layout.config()))
    return _import_form()


@blueprint.post("/budgets/import")
@access.needs("cost.enter")
def take_in() -> ResponseReturnValue:
    """Show the rows of a file as they would be kept, or keep and propose them, whole or not at all."""
    sent = forms.read(BudgetFile)
    if sent.errors:
        return _import_form(fault=next(iter(sent.errors.values()))), 422
    is_trial = sent.get("trial") == "yes"
    try:
        with _upload(sent) as upload:
            if upload is None:
                return _import_form(fault=_GONE if sent.get("kept") else _CHOOSE), 422
            rows = csv_files.read_bytes(wording.legible(upload.name), upload.content.read(), csv_files.BUDGETS)
            taken = _tried(rows) if is_trial else _taken(rows)
            kept = _keep(upload) if is_trial else ""
    except RowsRefused as refused:
        return _import_form(refused=refused, fault=refused.head), 422
    except Refused as refused:
        return _import_form(fault=refused.text), 422
    if is_trial:
        return _import_form(tried=taken, kept=kept)
    kept_uploads.forget(_folder(), _owner())
    layout.done(taken.text)
    years = sorted({row["year"] for row in rows})
    return redirect(f"/budgets?year={years[0]}" if years else "/budgets", 303)


_CHOOSE = Text("Vælg filen", "Choose the file")
_GONE = Text("Filen er her ikke længere; vælg den igen", "The file is no longer here; choose it again")


def _import_form(
    tried: TakenBudgets | None = None, kept: str = "", refused: RowsRefused | None = None, fault: Text | None = None
) -> str:
    names = {}
    if tried:
        with database.reading() as session:
            names = {product: of.names for product, of in budgets.accounts(session).items()}
    return render_template(
        "budgets/import.html", tried=tried, kept=kept, refused=refused, errors={"file": fault} if fault else {},
        names=names, shown=_SHOWN, months=_MONTHS, whole=total,
    )  # fmt: skip


_SHOWN = 50  # budgets of a file


def _folder() -> Path:
    return layout.config().data_dir / "uploads"


def _owner() -> int:
    return access.current().user_id or 0


@contextmanager
def _upload(sent: Sent) -> Iterator[Upload | None]:
    """Open the file that was sent, or the one whose rows were looked at."""
    file = sent.get("file")
    if file is None:
        with kept_uploads.kept(_folder(), _owner(), sent.get("kept") or "", clock.now(layout.config())) as found:
            yield found
        return
    yield Upload(file.filename or "", file.stream)


def _keep(upload: Upload) -> str:
    """Keep a file while its rows are looked at; where the disk has no room, it is chosen again."""
    upload.content.seek(0)
    try:
        return kept_uploads.keep(_folder(), _owner(), upload, clock.now(layout.config()))
    except OSError:
        return ""


def _taken(rows: Rows) -> TakenBudgets:
    with layout.acting() as (session, trail):
        return budget_intake.take_in(session, rows, trail)


def _tried(rows: Rows) -> TakenBudgets:
    """Take a file in and forget it again, so that what is shown is exactly what would be kept."""
    with database.writing() as session:
        trail = Trail(session, access.current().actor, clock.now(layout.config()))
        taken = budget_intake.take_in(session, rows, trail)
        session.rollback()
    return taken


@blueprint.get("/budgets/<int:budget>")
@access.needs("cost.read")
def one(budget: int) -> ResponseReturnValue:
    """Show a version month by month, beside another of the same fund and year where one is asked for."""
    asked = request.args.get("beside", "")
    with database.reading() as session:
        version = budgets.get(session, budget)
        known = _known(session, version.product)
        others = [each for each in budgets.listed(session, version.product, version.year) if each.id != budget]
        beside = next((each for each in others if str(each.id) == asked), None)
        lines = budgets.lines(session, budget)
        differences = budgets.compare(budgets.lines(session, beside.id), lines) if beside else []
    return render_template(
        "budgets/one.html", version=version, known=known, lines=lines, others=others, beside=beside,
        differences=differences, states=STATES, whole=total, fund=version.product or ASSOCIATION, months=_MONTHS,
    )  # fmt: skip


@blueprint.post("/budgets/<int:budget>/propose")
@access.needs("cost.enter")
def propose(budget: int) -> ResponseReturnValue:
    """Propose a version, for another to adopt."""
    forms.taken(Nothing)
    with layout.acting() as (session, trail):
        made = budgets.propose(session, budget, trail)
    layout.done(_WAITS)
    return redirect(f"/budgets/proposals/{made.id}", 303)


@blueprint.get("/budgets/proposals/<int:proposal>")
@access.needs("cost.read")
def proposal(proposal: int) -> ResponseReturnValue:
    """Show what another person is to adopt."""
    return _proposal(proposal)


def _proposal(id_: int, sent: Sent = forms.UNSENT) -> str:
    with database.reading() as session:
        found = _found(session, id_)
        version = budgets.get(session, budgets.version_of(found))
        known, lines = _known(session, version.product), budgets.lines(session, version.id)
    return render_template(
        "budgets/proposal.html", proposal=found, version=version, known=known, lines=lines, own=is_own(found),
        sent=sent, whole=total, fund=version.product or ASSOCIATION, months=_MONTHS,
    )  # fmt: skip


def _found(session: Session, id_: int) -> Proposal:
    return budgets.proposal_of(session, id_)


@blueprint.post("/budgets/proposals/<int:proposal>/approve")
@access.needs("cost.approve", fresh=True)
def approve(proposal: int) -> ResponseReturnValue:
    """Adopt what another person proposed."""
    digest = forms.taken(Approval).get("digest")
    with layout.acting() as (session, trail):
        proposals.expect(session, proposal, digest)
        budgets.adopt(session, proposal, trail, on=layout.today())
    layout.done(Text("Budgettet er vedtaget", "The budget is adopted"))
    return redirect(f"/budgets/proposals/{proposal}", 303)


@blueprint.post("/budgets/proposals/<int:proposal>/reject")
@access.needs("cost.approve")
def reject(proposal: int) -> ResponseReturnValue:
    """Reject what another person proposed, with a reason."""
    back = f"/budgets/proposals/{proposal}"
    told = Text("Forslaget er afvist", "The proposal was rejected")
    return deciding.reject(partial(_found, id_=proposal), partial(_proposal, proposal), told, back)


@blueprint.post("/budgets/proposals/<int:proposal>/withdraw")
@access.needs("cost.enter")
def withdraw(proposal: int) -> ResponseReturnValue:
    """Take one's own proposal back."""
    told = Text("Forslaget er trukket tilbage", "The proposal was withdrawn")
    return deciding.withdraw(partial(_found, id_=proposal), told, f"/budgets/proposals/{proposal}")
