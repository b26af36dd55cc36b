"""The list of years tells what was invoiced and given back in each, in two queries."""

from __future__ import annotations

from datetime import date

from billing import years
from billing.years import Listed
from foundation.money import kroner
from tests.command_line import CommandLine
from tests.scenarios import files

FIRST = files.starter()[0]


def test_this_year_and_the_next_are_there_before_anything_is_issued(starter: CommandLine) -> None:
    with starter.session() as session:
        assert years.states(session, date(2027, 1, 15)) == [Listed(2028), Listed(2027)]


def test_a_year_tells_what_was_invoiced_and_what_was_given_back(starter: CommandLine) -> None:
    files.take_agreements(starter, files.agreement(FIRST.cvr, "OS2kitos"))
    starter.issue(2027)
    starter.done("billing", "credit", "2027-0001", "--reason", "Forkert", "--by", "En Forbereder", "--approved-by",
                 "En Godkender")  # fmt: skip

    with starter.session() as session:
        (issued, *_) = years.states(session, date(2026, 1, 15))

    assert (issued.year, issued.is_approved, issued.invoices, issued.credit_notes) == (2027, True, 1, 1)
    assert issued.net == issued.credited_net == kroner(30_000)
    assert issued.gross == issued.net + issued.vat == issued.credited
