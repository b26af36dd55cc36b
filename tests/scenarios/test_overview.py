"""The start page's facts: what waits, what the next plan lacks, and how each year stands, in few queries."""

from __future__ import annotations

from datetime import date

import pytest

from agreements.connections import AGREEMENTS
from billing import annual_run, handover, overview, seller
from billing.overview import Missing, Overview
from foundation.money import ZERO
from tests.command_line import CommandLine
from tests.conftest import Prepared
from tests.places import with_starter
from tests.scenarios import database, files
from tests.scenarios.acting import PREPARER, by, counted

FIRST, SECOND = files.starter()[:2]
ON = date(2027, 1, 15)
TWO = ("--reason", "Forkert størrelse", "--by", "En Forbereder", "--approved-by", "En Godkender")


def _small(line: CommandLine) -> None:
    files.take_members(line, files.member(FIRST.cvr), files.member(SECOND.cvr))
    files.take_agreements(line, files.agreement(FIRST.cvr), files.agreement(SECOND.cvr))


@pytest.fixture
def small(prepared: Prepared) -> CommandLine:
    """Two members with an agreement each."""
    return prepared(with_starter, _small)


def seen(line: CommandLine, on: date = ON) -> Overview:
    """Read the overview, and see to it that it costs seven queries."""
    with line.session() as session, counted(session) as asked:
        found = overview.of(session, on)
    assert len(asked) == 7, asked
    return found


def test_a_year_is_handed_over_approved_issued_and_credited_before_the_eyes(small: CommandLine) -> None:
    (planned,) = seen(small).years
    with small.session() as session:
        digest = annual_run.plan(session, 2027, seller.made_up()).digest
    handed = by(small, PREPARER, lambda s, t: handover.hand_over(s, 2027, digest, seller.made_up(), t))
    (over,) = seen(small).years
    waiting = seen(small).proposals
    small.approve(2027)
    (approved,) = seen(small).years
    small.done("billing", "issue", 2027)
    small.done("billing", "credit", "2027-0001", *TWO)
    following, issued = seen(small).years

    assert (planned.year, planned.invoices, planned.outstanding, planned.handed_over) == (2027, 0, 0, None)
    assert over.handed_over == handed and waiting["plan"] == [handed] and waiting["credit"] == []
    assert (approved.invoices, approved.outstanding) == (0, 2)
    assert following.year == 2028 and following.gross == ZERO
    assert (issued.invoices, issued.outstanding, issued.credit_notes, issued.waiting) == (2, 0, 1, 3)
    assert issued.gross == issued.net + issued.vat and ZERO < issued.credited < issued.gross
    gross = database.column(small, "SELECT gross_ore FROM invoice WHERE number LIKE '2027%'")
    assert issued.gross.ore == sum(gross)


@pytest.mark.tampers
def test_documents_that_failed_or_are_not_made_are_counted(small: CommandLine) -> None:
    small.issue(2027)
    database.tamper(small, "rendering", "DELETE FROM rendering WHERE invoice_id = 2 AND format = 'oioubl'")

    _, issued = seen(small).years

    assert (issued.waiting, issued.invalid, issued.unmade) == (1, 0, 1)


def test_what_the_next_plan_lacks_is_named(small: CommandLine) -> None:
    now, later = seen(small), seen(small, date(2031, 3, 1))
    with small.session() as session:
        session.execute(AGREEMENTS.update().values(product_id=_product(small, "OS2mo")))
    unpriced = seen(small)

    assert (now.plan_year, now.missing) == (2027, ())
    assert (later.plan_year, later.missing) == (2031, (Missing("population"),))
    assert unpriced.missing == (Missing("fee_table", "OS2mo"),)


def _product(line: CommandLine, name: str) -> int:
    (found,) = database.column(line, f"SELECT id FROM product WHERE name = '{name}'")
    return int(found)


def test_an_empty_database_lacks_everything_and_has_one_year(empty: CommandLine) -> None:
    found = seen(empty)

    assert found.missing == (Missing("size_key"), Missing("association"), Missing("population"))
    assert [state.year for state in found.years] == [2027]
    assert all(waiting == [] for waiting in found.proposals.values())
