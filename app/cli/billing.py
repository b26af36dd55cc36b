"""The secretariat's year: plan, approve, issue, export."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click
from sqlalchemy.orm import Session

from app import annual_work, plan_json
from app.access import Role
from app.adapters import files, work
from app.cli import judging, mending, output, service
from app.cli.output import Progress
from app.cli.service import Service
from app.schemas import FIRST_YEAR, LAST_YEAR
from billing import annual_run, approvals, credits, explanation, renderings
from billing.annual_run import Plan, Proposal
from billing.charges import Charge, Problem
from billing.credits import Order
from billing.gathering import Book
from billing.renderings import Kept
from foundation.language import Text, day, kroner
from foundation.money import Money

if TYPE_CHECKING:
    from billing.verdicts import Judged, Rules

Command = TypeVar("Command", bound=Callable[..., Any])

YEAR = click.IntRange(FIRST_YEAR, LAST_YEAR)

_rehearsal = click.option("--rehearsal", is_flag=True, help="Prøvekørsel: egen nummerserie, eget regnskab.")


def _book(rehearsal: bool) -> Book:
    return "rehearsal" if rehearsal else "real"


def _on(words: str) -> Callable[[Command], Command]:
    return click.option("--on", "on", type=click.DateTime(["%Y-%m-%d"]), metavar="DATO", help=words)


def _dated(surroundings: Service, on: datetime | None, what: Text) -> date:
    """Give the day that was asked for, or today; one in the future is pointed out."""
    dated = on.date() if on else surroundings.today
    if not FIRST_YEAR <= dated.year <= LAST_YEAR:
        raise click.BadParameter(f"{FIRST_YEAR}-01-01 … {LAST_YEAR}-12-31", param_hint="--on")
    if dated > surroundings.today:
        told = day(dated)
        output.note(Text(f"Bemærk: {what.da} {told.da}, som ligger i fremtiden",
                         f"Note: {what.en} {told.en}, which lies in the future"))  # fmt: skip
    return dated


class _InOrderOfTheYear(click.Group):
    """Lists the commands as the year goes, not by letter."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.commands)


@click.group(cls=_InOrderOfTheYear, help="Planlæg, godkend, udsted og eksportér et år / plan, approve, issue, export.")
def command() -> None:
    """Hold the commands on billing."""


# --- plan


@command.command("plan")
@click.argument("year", type=YEAR)
@_rehearsal
@click.option("--json", "as_json", is_flag=True, help="Ét JSON-dokument på standard output.")
def plan(year: int, rehearsal: bool, as_json: bool) -> None:
    """Hvad der ville blive faktureret, hvorfor, og hvad der er i vejen. Gemmer intet.

    What would be invoiced, why, and what is in the way; stores nothing.
    """
    surroundings, listed = service.current(), output.JsonList()
    each = (lambda proposal: listed.append(plan_json.invoice(proposal))) if as_json else partial(_show_invoice, year)
    with surroundings.reading() as session:
        made = annual_run.plan(session, year, surroundings.seller(session), book=_book(rehearsal), each=each)
    if as_json:
        listed.say_in(plan_json.plan(made, output.language()), "invoices")
    else:
        _show_plan(made)


def _show_invoice(year: int, proposal: Proposal) -> None:
    draft = proposal.draft
    gross = kroner(draft.gross)
    place = draft.details.gln if draft.details.endpoint == "gln" else f"CVR {draft.payer.cvr}"
    output.say(Text(f"{draft.payer.name} ({place}): {gross.da} med moms",
                    f"{draft.payer.name} ({place}): {gross.en} with VAT"))  # fmt: skip
    for line in draft.lines:
        output.say(_line_words(line.charge, year))


def _show_plan(made: Plan) -> None:
    """Print what a person reads below a plan's invoices: totals, then what is in the way."""
    show_totals(made)
    _show_listed(Text("Problemer", "Problems"), made.problems)
    _show_listed(Text("Bemærkninger", "Notes"), made.notes)
    for nothing in made.nothing:
        why = nothing.reason
        output.say(Text(f"Intet at fakturere: {nothing.payer.name}: {why.da}",
                        f"Nothing to invoice: {nothing.payer.name}: {why.en}"))  # fmt: skip
    output.say("")
    output.say(Text(f"Kontrolsum: {made.digest}", f"Digest: {made.digest}"))
    if made.totals.invoices:
        approve = f"os2tilslut billing approve {made.year} --digest {made.digest} --by "
        output.say(Text(f"Godkend med: {approve}NAVN", f"Approve with: {approve}NAME"))


def _line_words(charge: Charge, year: int) -> Text:
    title = explanation.title(charge.kind, charge.product, year)
    why = explanation.why(charge.kind, charge.reason, charge.parts)
    net = kroner(charge.parts.net)
    return Text(f"    {net.da:>18}  {title.da}: {why.da}", f"    {net.en:>18}  {title.en}: {why.en}")


def show_totals(made: Plan) -> None:
    """Print the sums of a plan: invoices, products, association."""
    totals = made.totals
    rows = [
        (Text("Fakturaer", "Invoices"), Text(str(totals.invoices), str(totals.invoices))),
        (Text("Linjer", "Lines"), Text(str(totals.lines), str(totals.lines))),
        (Text("Uden moms", "Net"), kroner(totals.net)),
        (Text("Moms", "VAT"), kroner(totals.vat)),
        (Text("I alt", "Total"), kroner(totals.net + totals.vat)),
        (Text("Kontingent til OS2", "Dues to OS2"), kroner(totals.dues)),
        (Text("Bidrag fra produkter til OS2", "Contribution from products to OS2"), kroner(totals.contribution)),
        (
            Text("Linjer faktureret i forvejen", "Lines invoiced already"),
            Text(str(made.unchanged), str(made.unchanged)),
        ),
    ]
    spoken = output.language()
    output.say("")
    output.table([(name[spoken], value[spoken]) for name, value in rows], right=(1,))
    products = sorted({*totals.annual_fees, *totals.joining_fees}, key=str.casefold)
    if products:
        output.say("")
        head = Text("Produkt", "Product"), Text("Vederlag", "Annual fees"), Text("Tilslutning", "Joining fees")
        sums = [
            (name, *(kroner(Money(fees[name]))[spoken] for fees in (totals.annual_fees, totals.joining_fees)))
            for name in products
        ]
        output.table([[title[spoken] for title in head], *sums], right=(1, 2))


def _show_listed(title: Text, listed: Sequence[Problem]) -> None:
    if not listed:
        return
    count = len(listed)
    output.say("")
    output.say(Text(f"{title.da} ({count}):", f"{title.en} ({count}):"))
    for problem in listed:
        about = f"{problem.named.name}, {problem.product or 'OS2'}, {problem.code.value}: "
        output.say(Text(f"  {about}", f"  {about}") + mending.problem(problem))


# --- approve


@command.command(
    "approve", help="Godkend planen med netop den kontrolsum. / Approve the plan with exactly that digest."
)
@click.argument("year", type=YEAR)
@click.option("--digest", required=True, metavar="D", help="Kontrolsummen, som billing plan viste.")
@click.option("--by", "by", required=True, metavar="NAVN", help="Hvem der godkender.")
@_rehearsal
def approve(year: int, digest: str, by: str, rehearsal: bool) -> None:
    """Approve a plan by its digest."""
    surroundings = service.current()
    with surroundings.approving(by, bindingly=not rehearsal) as (session, trail):
        seller = surroundings.seller(session)
        approval = approvals.approve(session, year, digest.strip(), seller, trail, book=_book(rehearsal))
    for warning in approvals.first_few(approval.warnings):
        output.note(Text("Bemærk: ", "Note: ") + warning)
    output.say(_approved(year, approval))


def _approved(year: int, approval: approvals.Approval) -> Text:
    net = kroner(approval.net)
    if not approval.invoices:
        return Text(f"{year}: intet nyt at fakturere, intet at godkende", f"{year}: nothing new to invoice or approve")
    if not approval.is_new:
        by = approval.approved_by
        return Text(f"{year}: var allerede godkendt af {by}", f"{year}: was approved already by {by}")
    return Text(
        f"{year}: {approval.invoices} fakturaer på {net.da} uden moms er godkendt af {approval.approved_by}",
        f"{year}: {approval.invoices} invoices of {net.en} without VAT are approved by {approval.approved_by}",
    )


# --- issue


@command.command("issue")
@click.argument("year", type=YEAR)
@_on("Fakturadato; i dag, hvis ikke givet.")
@_rehearsal
def issue(year: int, on: datetime | None, rehearsal: bool) -> None:
    """Udsted netop den godkendte plan; fortsætter efter enhver afbrydelse.

    Issue exactly the approved plan; resumes after any interruption.
    """
    surroundings = service.current()
    dated = _dated(surroundings, on, Text("fakturaerne dateres", "the invoices are dated"))
    if rehearsal:
        annual_work.approve_rehearsal(surroundings, year)
    numbers = issue_all(surroundings, year, _book(rehearsal), dated)
    output.say(annual_work.issued_words(year, numbers))
    render_all(surroundings, year, _book(rehearsal))
    validate_all(surroundings, year, _book(rehearsal))


def issue_all(surroundings: Service, year: int, book: Book, on: date) -> list[str]:
    """Issue all that is approved, telling how far it is; give the numbers."""
    return annual_work.issue_all(surroundings, year, book, on, output.begin)


def render_all(surroundings: Service, year: int, book: Book) -> None:
    """Make the documents that are missing, telling how far it is."""
    annual_work.render_all(surroundings, year, book, output.begin)


# --- credit


@command.command("credit")
@click.argument("number")
@click.option("--line", "lines", type=click.IntRange(1), multiple=True, metavar="N",
              help="Kun den linje; kan gives flere gange. / Only that line; may be given again.")  # fmt: skip
@click.option("--reason", required=True, metavar="TEKST", help="Hvorfor; står på kreditnotaen.")
@click.option("--by", "by", default=service.COMMAND_LINE, metavar="NAVN", help="Hvem der forbereder den.")
@click.option("--approved-by", "approved_by", default="", metavar="NAVN", help="Hvem der godkender, over grænsen.")
@click.option("--then-reissue", is_flag=True, help="Næste plan foreslår linjerne igen. / The next plan proposes them.")
@_on("Kreditnotaens dato; i dag, hvis ikke givet. / The day of the credit note.")
def credit(number: str, on: datetime | None, lines: tuple[int, ...], **words: Any) -> None:
    """Kreditér en faktura, eller valgte linjer af den, ved en kreditnota.

    Credit an invoice, or chosen lines of it, by a credit note. The same line twice is refused.
    """
    surroundings = service.current()
    dated = _dated(surroundings, on, Text("kreditnotaen dateres", "the credit note is dated"))
    issued = credit_one(surroundings, Order(
        number.strip(), words["reason"], words["by"], dated, lines, words["approved_by"], words["then_reissue"]
    ))  # fmt: skip
    gross, listed = kroner(issued.gross), ", ".join(map(str, issued.positions))
    output.say(
        Text(
            f"{issued.number}: {gross.da} med moms krediteret på {issued.credits}, linje {listed}",
            f"{issued.number}: {gross.en} with VAT credited on {issued.credits}, line {listed}",
        )
    )
    render_all(surroundings, issued.year, issued.book)
    validate_all(surroundings, issued.year, issued.book)


def credit_one(surroundings: Service, order: Order) -> credits.Issued:
    """Issue one credit note; its documents are made afterwards. A rehearsal's binds nobody, so names are enough."""
    with surroundings.writing() as (session, trail):
        named = order if order.number.startswith("R-") else _with_people(surroundings, session, order)
        trail.actor = service.readable(named.prepared_by)
        return credits.credit(session, named, surroundings.seller(session), trail)


def _with_people(surroundings: Service, session: Session, order: Order) -> Order:
    """Put registered people in the place of names where real people rely on it, so that two names are two people."""
    prepared_by = surroundings.person(session, order.prepared_by, (Role.FINANCE, Role.APPROVER))
    approved_by = order.approved_by and surroundings.person(session, order.approved_by, (Role.APPROVER,))
    return replace(order, prepared_by=prepared_by, approved_by=approved_by)


# --- export


@command.command("export")
@click.argument("year", type=YEAR)
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
@click.option("--format", "format_", type=click.Choice(["receiver", "peppol", "oioubl"]), default="receiver",
              show_default=True, help="receiver: det format, modtageren får.")  # fmt: skip
@click.option("--english", is_flag=True, help="Skriv også en engelsk læseudgave, NUMMER.en.pdf.")
@_rehearsal
def export(year: int, folder: Path, format_: str, english: bool, rehearsal: bool) -> None:
    """Skriv NUMMER.pdf og NUMMER.xml for hver faktura og kreditnota i et år til en mappe.

    Write NUMBER.pdf and NUMBER.xml of a year's invoices and credit notes to a folder.
    """
    export_all(service.current(), year, _book(rehearsal), folder, format_=format_, english=english)


def export_all(
    surroundings: Service, year: int, book: Book, folder: Path, *, format_: str = "receiver", english: bool = False
) -> int:
    """Write every document of a year, and say which are not validated; give their count."""
    render_all(surroundings, year, book)
    known = annual_work.judge_all(surroundings, year, book, output.begin)
    folder.mkdir(parents=True, exist_ok=True)
    with surroundings.reading() as session:
        count = renderings.count_issued(session, year, book)
    progress = Progress(Text("Skriver dokumenter", "Writing documents"), count)
    judged: dict[tuple[str, str], Judged | None] = {}
    with work.workers(count if english else 0) as each:
        for batch, verdicts_of in _kept(surroundings, year, book, known):
            for kept in batch:
                chosen = renderings.receivers_format(kept.document) if format_ == "receiver" else format_
                _place(folder / f"{kept.number}.pdf", kept.content[renderings.PDF])
                _place(folder / f"{kept.number}.xml", kept.content[chosen])
                judged[chosen, kept.number] = verdicts_of.get(kept.ids[chosen])
                progress.step()
            if english:
                for kept, content in zip(batch, each(_in_english, [k.document for k in batch]), strict=True):
                    _place(folder / f"{kept.number}.en.pdf", content)
    with surroundings.reading() as session:
        notes = credits.count(session, year, book)
    output.say(_written(count - notes, notes, folder))
    judging.say(known, judged)
    return count


def _written(count: int, notes: int, folder: Path) -> Text:
    if not notes:
        return Text(f"{count} fakturaer skrevet til {folder}", f"{count} invoices written to {folder}")
    return Text(f"{count} fakturaer og {notes} kreditnotaer skrevet til {folder}",
                f"{count} invoices and {notes} credit notes written to {folder}")  # fmt: skip


def validate_all(surroundings: Service, year: int, book: Book) -> set[bool | None]:
    """Validate what has no verdict yet, and say what waits; give the outcomes: True, False, None where one waits."""
    validated = annual_work.validate_all(surroundings, year, book, output.begin)
    judging.say(validated.known, validated.judged)
    return {None if verdict is None else verdict.ok for verdict in validated.judged.values()}


def _kept(
    surroundings: Service, year: int, book: Book, known: Rules
) -> Iterator[tuple[list[Kept], Mapping[int, Judged]]]:
    from billing import verdicts

    after = 0
    while True:
        with surroundings.reading() as session:
            found = renderings.kept(session, year, book, after=after, at_most=annual_work.DOCUMENTS_AT_A_TIME)
            ids = [id_ for _, kept in found for id_ in kept.ids.values()]
            judged = verdicts.of(session, ids, known)
        if not found:
            return
        after = found[-1][0]
        yield [kept for _, kept in found], judged


def _in_english(document: str) -> bytes:
    from billing import invoice_pdf
    from billing.document import from_json

    return invoice_pdf.render(from_json(document), "en")


def _place(file: Path, content: bytes) -> None:
    with files.whole(file) as unfinished:
        unfinished.write_bytes(content)
