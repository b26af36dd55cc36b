"""Published reports in the ledger's house: tied to the ledger of then, and found out where they were changed."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from billing import verification
from billing.funding import publications, reporting
from billing.funding.publications import Edition, ReportMoved
from billing.funding.report import FundingReport
from foundation import append_only, periods
from foundation.audit import sha256
from foundation.base import Base
from foundation.money import Money
from tests import spending
from tests.billing.funding.test_reporting import a_year
from tests.command_line import CommandLine
from tests.conftest import Prepared
from tests.places import with_starter
from tests.scenarios import database

Q1 = periods.named("2027-Q1")


@pytest.fixture
def spent(prepared: Prepared) -> CommandLine:
    """A year with income, costs, a move and payments."""
    return prepared(with_starter, a_year)


def publish(session: Session, report: FundingReport | None = None) -> Edition:
    """Publish the first quarter by two people."""
    now = report or reporting.compute(session, "OS2kitos", Q1)
    one, other = spending.trail(session), spending.trail(session, spending.OTHER)
    made = publications.propose(session, now, one, on=spending.DAY)
    one.write()
    edition = publications.approve(session, made.id, now, database.report_files, other, on=spending.DAY)
    other.write()
    return edition


def faults(session: Session) -> list[str]:
    """Give what is told of published reports."""
    return [fault.en for _, fault in publications.faults(session)]


def test_a_report_ties_to_the_ledger_of_then_also_when_the_books_have_moved(spent: CommandLine) -> None:
    with spent.session() as session:
        first = publish(session)
        spending.spend(session, spending.draft(session, 99_00, reference="Ny"))
        now = reporting.compute(session, "OS2kitos", Q1)
        kept = publications.get(session, "OS2kitos", Q1, 1)
        second = publish(session)

        assert (first.version, second.version, second.newest) == (1, 2, 2)
        assert publications.has_moved(kept, now)
        assert faults(session) == []
        assert verification.verify(session).violations == []


def test_a_figure_that_the_ledger_does_not_have_is_named(spent: CommandLine) -> None:
    with spent.session() as session:
        true = reporting.compute(session, "OS2kitos", Q1)
        publish(session, replace(true, opening=true.opening + Money(1), closing=true.closing + Money(1)))

        assert faults(session) == ["the figures are not the ledger's: primo"]


@pytest.mark.parametrize(
    ("sql", "told"),
    [
        ("UPDATE published_report SET digest = 'x'", "the report is not the one that was published"),
        ("UPDATE published_report SET prepared_by = published_by", "was published by who proposed it"),
        ("UPDATE published_report SET version = 2", "does not point at the version before"),
        ("UPDATE report_file SET sha256 = 'x'", "a file is not the one that was published"),
        ("DELETE FROM report_file WHERE language = 'en'", "one of the report's files is missing"),
    ],
)
def test_what_was_changed_behind_the_guards_is_told(spent: CommandLine, sql: str, told: str) -> None:
    with spent.session() as session:
        publish(session)
        if session.get_bind().dialect.name == "postgresql":
            session.execute(text("SET session_replication_role = replica"))
        else:
            for table in append_only.tables(Base.metadata):
                for event in ("update", "delete"):
                    session.execute(text(f'DROP TRIGGER IF EXISTS "{table.name}_no_{event}"'))
        session.execute(text(sql))

        assert told in faults(session)
        session.rollback()


def test_nothing_is_published_where_the_books_moved_after_the_proposal(spent: CommandLine) -> None:
    with spent.session() as session:
        before = reporting.compute(session, "OS2kitos", Q1)
        one, other = spending.trail(session), spending.trail(session, spending.OTHER)
        made = publications.propose(session, before, one, on=spending.DAY)
        one.write()
        spending.spend(session, spending.draft(session, 99_00, reference="Ny"))
        after = reporting.compute(session, "OS2kitos", Q1)

        with pytest.raises(ReportMoved):
            publications.approve(session, made.id, after, database.report_files, other, on=spending.DAY)


def test_a_report_is_published_listed_and_written_by_command(spent: CommandLine) -> None:
    spent = spent.at("2027-06-15")
    proposed = spent.done("funding", "publish", "OS2kitos", "2027-Q1", "--by", "En Forbereder").out
    digest = proposed.split()[-1]

    same = spent.run("funding", "publish", "OS2kitos", "2027-Q1", "--digest", digest, "--by", "En Forbereder")
    spent.done("funding", "publish", "OS2kitos", "2027-Q1", "--digest", digest, "--by", "En Godkender")
    for form in ("json", "pdf", "xlsx"):
        spent.done("funding", "published-file", "OS2kitos", "2027-Q1", spent.folder / f"r.{form}")

    (told,) = spent.json("funding", "published")["reports"]
    assert same.code == 1
    assert (told["product"], told["period"], told["version"]) == ("OS2kitos", "2027-Q1", 1)
    assert sha256((spent.folder / "r.json").read_bytes()) == told["digest"]
    assert (spent.folder / "r.pdf").read_bytes().startswith(b"%PDF")
    for wrong in (("OS2ukendt", "2027-Q1"), ("OS2kitos", "2027-Q9"), ("OS2kitos", "2027-Q2")):
        assert spent.run("funding", "publish", *wrong).code == 1
    assert spent.run("funding", "published-file", "OS2kitos", "2026", spent.folder / "x.pdf").code == 1
    assert not (spent.folder / "x.pdf").exists()
