"""The demonstration: a whole year on real authorities and inhabitants, from an empty database to checked documents."""

from __future__ import annotations

import csv
import shutil
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

import click

from agreements import template_text
from app import (
    agreement_demonstration,
    bank_demonstration,
    books_demonstration,
    create_ground,
    demonstration,
    funding_demonstration,
    posting_files,
    reminder_work,
    road_demonstration,
    seals,
)
from app import config as configuration
from app.adapters import bank_files
from app.cli import billing, bookkeeping, databases, inspection, output, registers, starter, tables, templates
from app.cli.service import Service
from app.config import NotInProduction
from app.identity import demonstration as people
from authorities import population
from billing import annual_run, bank, credits, payments, verification
from billing.annual_run import Plan, Proposal
from billing.charges import Draft
from billing.credits import Order
from fee_tables import catalogue
from fee_tables.calculation import Kind
from fee_tables.size_key import band_title
from foundation import periods
from foundation.audit import Trail
from foundation.language import Text, kroner, whole_number

#: The demonstration's own day, so that it looks the same whenever it is run.
_CLOCK = datetime(demonstration.YEAR, 1, 15, 10, 0, tzinfo=UTC)
_APPROVER = "Demonstrationens godkender"
_PREPARER = "Demonstrationens sekretariat"
_LARGEST = 10

Made = TypeVar("Made")


@dataclass
class _Timings:
    """How long each step took, in seconds."""

    taken: dict[str, float] = field(default_factory=dict)

    def step(self, label: Text, work: Callable[[], Made]) -> Made:
        output.note(Text(f"— {label.da} …", f"— {label.en} …"))
        begun = time.perf_counter()
        result = work()
        self.taken[label[output.language()]] = time.perf_counter() - begun
        return result


@click.command("demo")
@click.pass_context
def command(context: click.Context) -> int:
    """Vis et helt år med rigtige kommuner og indbyggere i en ny database (OS2TILSLUT_ENV=demo).

    Show a whole year in a new database.
    """
    surroundings = _surroundings(context)
    folder = surroundings.config.data_dir
    _clear(folder)
    timings = _Timings()
    timings.step(Text("Sætter databasen op", "Setting the database up"), lambda: context.invoke(databases.upgrade))
    timings.step(Text("Indlæser de rigtige registre og takstblade", "Loading the real registers and tables"),
                 lambda: context.invoke(starter.load))  # fmt: skip
    timings.step(Text("Digter medlemskaber, aftaler og takstblade", "Making up memberships, agreements and tables"),
                 lambda: _make_up(context, folder / "input"))  # fmt: skip
    timings.step(Text("Digter brugere", "Making up users"), lambda: _make_people_up(surroundings))
    timings.step(Text("Laver et opdigtet segl", "Making a seal up"), lambda: seals.rotate(surroundings, made_up=True))
    timings.step(
        Text("Udsteder året før", "Issuing the year before"), lambda: _issue_year_before(context, surroundings)
    )
    made, largest = timings.step(Text("Planlægger året", "Planning the year"), lambda: _plan(surroundings))
    timings.step(Text("Godkender og udsteder", "Approving and issuing"), lambda: _issue(context, made))
    timings.step(Text("Krediterer en linje", "Crediting one line"), lambda: _credit(surroundings, made.year))
    timings.step(Text("Skriver og efterprøver dokumenter", "Writing and checking documents"),
                 lambda: billing.export_all(surroundings, made.year, "real", folder / "documents", english=True),
                 )  # fmt: skip
    timings.step(Text("Digter tilbud og underskrifter, og forsegler", "Making up offers and signatures, and sealing"),
                 lambda: _make_agreements_up(surroundings))  # fmt: skip
    timings.step(Text("Digter et kontoudtog, og placerer betalingerne",
                      "Making a bank statement up, and placing the payments"),
                 lambda: _take_payments(surroundings, folder / "input"))  # fmt: skip
    timings.step(Text("Rykker for det, der er forfaldent", "Reminding of what is overdue"),
                 lambda: _remind(surroundings))  # fmt: skip
    timings.step(Text("Digter rejser mod en tilslutning", "Making up journeys towards a connection"),
                 lambda: _walk_the_road(surroundings))  # fmt: skip
    timings.step(Text("Digter fondenes omkostninger, timer, budgetter og prognoser",
                      "Making up costs, hours, budgets and forecasts of funds"),
                 lambda: _spend(surroundings))  # fmt: skip
    timings.step(Text("Digter offentliggjorte rapporter", "Making up published reports"),
                 lambda: _publish_reports(surroundings))  # fmt: skip
    timings.step(Text("Lukker et kvartal, og skriver dets posteringer", "Closing a quarter, and writing its postings"),
                 lambda: _close(context, surroundings, folder / "bookkeeping"))  # fmt: skip
    verdict = timings.step(Text("Efterregner alt", "Verifying everything"), lambda: _verify(surroundings))
    _summarise(surroundings, (made, largest), verdict, timings)
    return 0 if verdict.ok else 1


def _surroundings(context: click.Context) -> Service:
    settings = configuration.read()
    if settings.environment != "demo" or not settings.database_url.startswith(f"sqlite:///{settings.data_dir}"):
        raise NotInProduction(
            Text(
                "demonstrationen kører kun med OS2TILSLUT_ENV=demo og sin egen SQLite-fil: brug make demo",
                "the demonstration runs only with OS2TILSLUT_ENV=demo and a SQLite file of its own: use make demo",
            )
        )
    settings = replace(settings, clock=settings.clock or _CLOCK)
    made = Service(settings, create_ground(settings))
    context.find_root().obj = made
    context.find_root().call_on_close(made.close)
    return made


def _clear(folder: Path) -> None:
    for name in ("os2tilslut.sqlite", "os2tilslut.sqlite-wal", "os2tilslut.sqlite-shm"):
        (folder / name).unlink(missing_ok=True)
    for name in ("input", "documents", "bookkeeping"):
        shutil.rmtree(folder / name, ignore_errors=True)


def _make_up(context: click.Context, folder: Path) -> None:
    authorities = [
        demonstration.Authority(row["type"], row["code"], row["cvr"])
        for row in _shipped("authorities/data/authorities.csv")
    ]
    known = [
        demonstration.Product(row["product"], row["account"], row["level"])
        for row in _shipped("agreements/data/products.csv")
    ]
    made = demonstration.write(folder, authorities, known)
    context.invoke(tables.adopt, files=tuple(made), by=demonstration.MADE_UP)
    _adopt_templates(context)
    context.invoke(registers.import_products, file=folder / "products.csv")
    context.invoke(registers.import_placements, file=folder / "placements.csv")
    context.invoke(registers.import_members, file=folder / "members.csv")
    context.invoke(registers.import_agreements, file=folder / "agreements.csv")


def _adopt_templates(context: click.Context) -> None:
    """Adopt the agreements' texts, so that an agreement can be offered."""
    for number, name in enumerate(template_text.NAMES, start=1):
        context.invoke(templates.propose, file=None, shipped=name, by=_PREPARER)
        context.invoke(templates.adopt, proposal=number, by=_APPROVER)


def _make_people_up(surroundings: Service) -> None:
    with surroundings.writing(actor=_PREPARER) as (session, trail):
        people.make(session, trail, surroundings.config.oidc.issuer)


def _make_agreements_up(surroundings: Service) -> None:
    """Let agreements stand on every stage of their way, the finished one with its seal."""
    with surroundings.reading() as session:
        wanted = agreement_demonstration.ways(session)
    with surroundings.app.app_context():
        agreement_demonstration.make(surroundings.config, wanted)
    seals.seal_waiting(surroundings)


def _walk_the_road(surroundings: Service) -> None:
    with surroundings.writing(actor=_PREPARER) as (session, trail):
        road_demonstration.make(session, trail)


def _shipped(name: str) -> list[dict[str, str]]:
    file = Path(__file__).resolve().parents[2] / name
    with file.open(encoding="utf-8", newline="") as rows:
        return list(csv.DictReader(rows))


def _plan(surroundings: Service) -> tuple[Plan, list[Draft]]:
    """Make the plan; give it with its largest invoices."""
    largest: list[Draft] = []

    def hear(proposal: Proposal) -> None:
        largest.append(proposal.draft)
        largest.sort(key=lambda draft: -draft.gross.ore)
        del largest[_LARGEST:]

    with surroundings.reading() as session:
        return annual_run.plan(session, demonstration.YEAR, surroundings.seller(session), each=hear), largest


def _issue_year_before(context: click.Context, surroundings: Service) -> None:
    """Let the year have one before it, dated then, so that the two can be compared."""
    year = demonstration.YEAR - 1
    with surroundings.reading() as session:
        made = annual_run.plan(session, year, surroundings.seller(session))
    _issue(context, made, on=_CLOCK.replace(year=year, tzinfo=None))


def _issue(context: click.Context, made: Plan, on: datetime | None = None) -> None:
    context.invoke(billing.approve, year=made.year, digest=made.digest, by=_APPROVER, rehearsal=False)
    context.invoke(billing.issue, year=made.year, on=on, rehearsal=False)


def _credit(surroundings: Service, year: int) -> None:
    """Take one line of the first invoice that has more than dues back, as a secretariat would after a complaint."""
    with surroundings.reading() as session:
        found = credits.first_with(session, year, Kind.ANNUAL_FEE)
    assert found is not None  # the year that is made up has annual fees
    number, position = found
    order = Order(
        number, "Opdigtet: produktet blev ikke taget i brug", _PREPARER, surroundings.today, (position,), _APPROVER
    )
    billing.credit_one(surroundings, order)


def _take_payments(surroundings: Service, folder: Path) -> None:
    """Take in what came on the bank account for the year before, up to the demonstration's own day; it is made up."""
    with surroundings.reading() as session:
        owed = bank_demonstration.owed(session, demonstration.YEAR - 1)
    given = bank_demonstration.given(funding_demonstration.GIVEN_ON, funding_demonstration.GIVEN.ore, "AARHUS KOMMUNE")
    content = bank_demonstration.made_up(owed, surroundings.today, [given])
    assert content is not None  # most of a year ago is paid
    file = folder / "kontoudtog_opdigtet.xml"
    file.write_bytes(content)
    with surroundings.writing() as (session, trail):
        with closing(bank_files.read(file)) as read:
            taken = bank.take_in(session, [read], trail, surroundings.config.bank_account)
        for each in taken:
            output.say(each.text)
        found = payments.match_certain(session, surroundings.today, trail)
        funding_demonstration.contribution(session, given.bank_reference, trail, surroundings.today)
    placed = 1 + sum(each.finding.is_certain for each in found)  # one by hand, as a contribution to a fund
    output.say(
        Text(f"{placed} betalinger er placeret, {len(found) - placed} venter (payments list)",
             f"{placed} payments are placed, {len(found) - placed} wait (payments list)")
    )  # fmt: skip


def _remind(surroundings: Service) -> None:
    """Remind who has not paid the year before, but for one that disputes it, by two people."""
    with surroundings.writing(actor=_PREPARER) as (session, trail):
        books_demonstration.reminded(session, trail, Trail(session, _APPROVER, trail.at), surroundings.today)
    with surroundings.app.app_context():
        issued = reminder_work.issue(surroundings, surroundings.today)
    lies_here, *left = issued.numbers
    with surroundings.writing(actor=_PREPARER) as (session, trail):
        books_demonstration.left(session, left, trail)
    output.say(
        Text(f"{len(left) + 1} rykkere er udstedt og sendt, undtagen {lies_here} (reminders list)",
             f"{len(left) + 1} reminders are issued and sent, but for {lies_here} (reminders list)")
    )  # fmt: skip


def _spend(surroundings: Service) -> None:
    """Let the funds open, spend and be worked for, by two people."""
    with surroundings.writing(actor=_PREPARER) as (session, trail):
        other = Trail(session, _APPROVER, trail.at)
        funding_demonstration.costs_and_hours(session, trail, other, surroundings.today)
        funding_demonstration.budgets_of_two_years(session, trail, other, surroundings.today)
        funding_demonstration.pipeline_and_forecasts(session, trail, surroundings.today)


def _publish_reports(surroundings: Service) -> None:
    """Let reports be published, talked about and made public, by two people."""
    with surroundings.writing(actor=_PREPARER) as (session, trail):
        other = Trail(session, _APPROVER, trail.at)
        funding_demonstration.published(session, trail, other, surroundings.config, surroundings.today)


def _close(context: click.Context, surroundings: Service, folder: Path) -> None:
    """Close the first quarter of the year before, by two people, and write its postings for the bookkeeping system."""
    quarter = periods.named(f"{demonstration.YEAR - 1}-Q1")
    with surroundings.writing(actor=_PREPARER) as (session, trail):
        other = Trail(session, _APPROVER, trail.at)
        books_demonstration.closed(session, trail, other, quarter, surroundings.today)
    folder.mkdir(parents=True)
    for form in posting_files.FORMS:
        file = folder / f"posteringer_{periods.name(quarter)}_opdigtet.{form}"
        context.invoke(bookkeeping.export, period=periods.name(quarter), file=file, columns="", form=form)


def _verify(surroundings: Service) -> verification.Verdict:
    with surroundings.reading() as session:
        return verification.verify(session)


# --- the summary


def _summarise(
    surroundings: Service, planned: tuple[Plan, Sequence[Draft]], verdict: verification.Verdict, timings: _Timings
) -> None:
    made, largest = planned
    year, folder = made.year, surroundings.config.data_dir
    output.say("")
    output.say(Text(f"OS2's år {year} – DEMONSTRATION", f"OS2's year {year} – DEMONSTRATION"))
    output.say(
        Text(
            "Rigtige: myndigheder, indbyggertal, produkter, konti, fordelingsnøgle, kontingent, takstbladene for "
            "OS2valghalla, OS2kitos og OS2mo's tilslutningsafgift. Opdigtet: alt andet.",
            "Real: authorities, inhabitants, products, accounts, size key, dues, the price sheets of OS2valghalla, "
            "OS2kitos and OS2mo's joining fee. Made up: everything else.",
        )
    )
    _show_bands(surroundings, year)
    billing.show_totals(made)
    _show_problems(made)
    _show_largest(largest)
    _show_places(folder)
    output.say("")
    output.table([(label, f"{taken:.1f} s") for label, taken in timings.taken.items()], right=(1,))
    output.say("")
    inspection.show_verdict(verdict)


def _show_bands(surroundings: Service, year: int) -> None:
    with surroundings.reading() as session:
        key = catalogue.read(session).size_key(periods.new_year(year))
        counted = population.inhabitants(session, year - 1)
    assert key is not None  # the starter brings it
    bands = Counter(key.band_of(count).name for count in counted)
    listed = [(band_title(name), whole_number(bands[name])) for name in key.band_names]
    da = ", ".join(f"{count.da} {title.da.lower()}" for title, count in listed)
    en = ", ".join(f"{count.en} {title.en.lower()}" for title, count in listed)
    output.say("")
    output.say(Text(f"Kommuner efter indbyggere 1. januar {year - 1}: {da}",
                    f"Municipalities by inhabitants on 1 January {year - 1}: {en}"))  # fmt: skip


def _show_problems(made: Plan) -> None:
    output.say("")
    count = len(made.problems)
    output.say(Text(f"Problemer ({count}), hver holder kun sin egen linje tilbage:",
                    f"Problems ({count}), each withholds only its own line:"))  # fmt: skip
    grouped: dict[tuple[str, str], list[str]] = {}
    for problem in made.problems:
        grouped.setdefault((problem.code.value, problem.named.name), []).append(problem.product or "OS2")
    output.table([(code, name, ", ".join(products)) for (code, name), products in sorted(grouped.items())])


def _show_largest(largest: Sequence[Draft]) -> None:
    spoken = output.language()
    output.say("")
    output.say(Text(f"De {_LARGEST} største fakturaer, med moms:", f"The {_LARGEST} largest invoices, with VAT:"))
    output.table(
        [
            (draft.payer.name, f"{len(draft.lines)} {Text('linjer', 'lines')[spoken]}", kroner(draft.gross)[spoken])
            for draft in largest
        ],
        right=(1, 2),
    )


def _show_places(folder: Path) -> None:
    output.say("")
    for name, told in (
        (
            "documents",
            Text("fakturaerne: NUMMER.pdf, NUMMER.xml, NUMMER.en.pdf", "the invoices: NUMBER.pdf, .xml, .en.pdf"),
        ),
        (
            "bookkeeping",
            Text("det lukkede kvartals posteringer, opdigtet", "the postings of the closed quarter, made up"),
        ),
        ("input", Text("de opdigtede filer, som blev indlæst", "the made-up files that were imported")),
        ("os2tilslut.sqlite", Text("databasen", "the database")),
    ):
        output.say(Text(f"  {folder / name}  {told.da}", f"  {folder / name}  {told.en}"))
    output.say("")
    output.say(
        Text(
            "Prøv: OS2TILSLUT_ENV=demo OS2TILSLUT_DATA_DIR=var/demo .venv/bin/os2tilslut explain 2027-0001",
            "Try: OS2TILSLUT_ENV=demo OS2TILSLUT_DATA_DIR=var/demo .venv/bin/os2tilslut explain 2027-0001",
        )
    )
