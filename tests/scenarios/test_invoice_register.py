"""The register of invoices: what lists and pages tell is what was issued, with a fixed number of queries."""

from __future__ import annotations

from typing import Any

import pytest

from billing import invoice_register
from billing.gathering import INVOICES
from billing.reasons import NoSuchInvoice
from tests.command_line import CommandLine
from tests.conftest import Prepared
from tests.places import with_starter
from tests.scenarios import database, files
from tests.scenarios.acting import counted

FIRST, SECOND, THIRD = files.starter()[:3]
TWO = ("--reason", "Forkert størrelse", "--by", "En Forbereder", "--approved-by", "En Godkender")


def _issued(line: CommandLine) -> None:
    peppol = {"format": "peppol"}
    files.take_members(line, files.member(FIRST.cvr, **peppol), *map(files.member, (SECOND.cvr, THIRD.cvr)))
    files.take_agreements(line, files.agreement(FIRST.cvr, **peppol), files.agreement(SECOND.cvr))
    line.issue(2027)
    line.done("billing", "credit", "2027-0001", "--line", 1, *TWO)
    database.judge(line)


@pytest.fixture
def issued(prepared: Prepared) -> CommandLine:
    """Three invoices, one of them in Peppol and with a credited line; two XML are judged."""
    return prepared(with_starter, _issued)


def listed(line: CommandLine) -> dict[str, Any]:
    """Give the list by number."""
    with line.session() as session:
        return {row.number: row for row in session.execute(invoice_register.listing().order_by(INVOICES.c.id))}


def test_the_list_tells_kind_amounts_and_what_was_given_back(issued: CommandLine) -> None:
    rows = listed(issued)

    first, note = rows["2027-0001"], rows["K-2027-0001"]
    assert [row.kind for row in rows.values()] == ["invoice"] * (len(rows) - 1) + ["credit_note"]
    assert (first.cvr, first.authority, first.credits) == (FIRST.cvr, FIRST.name, None)
    assert first.net_ore + first.vat_ore == first.gross_ore > first.credited_ore > 0
    assert (note.credits, note.gross_ore, note.credited_ore) == ("2027-0001", -first.credited_ore, 0)
    assert all(row.credited_ore == 0 for number, row in rows.items() if number != "2027-0001")


@pytest.mark.tampers
def test_the_list_tells_the_receivers_format_and_how_its_document_stands(issued: CommandLine) -> None:
    """The second verdict is on a format that its receiver does not take, so that one waits."""
    before = standing(issued)
    database.tamper(issued, "verdict", "UPDATE verdict SET outcome = 'invalid' WHERE id = 1")
    database.tamper(issued, "rendering", "DELETE FROM rendering WHERE invoice_id = 3 AND format = 'oioubl'")

    after = standing(issued)

    assert before == {
        "2027-0001": ("peppol", "valid"), "2027-0002": ("oioubl", "waiting"), "2027-0003": ("oioubl", "waiting"),
        "K-2027-0001": ("peppol", "waiting"),
    }  # fmt: skip
    assert after == before | {"2027-0001": ("peppol", "invalid"), "2027-0003": ("oioubl", "missing")}


def standing(line: CommandLine) -> dict[str, tuple[str, str]]:
    """Give format and validation by number."""
    return {number: (row.format, row.validation) for number, row in listed(line).items()}


def test_a_narrowed_list_has_only_what_was_asked_for(issued: CommandLine) -> None:
    with issued.session() as session:
        own = invoice_register.listing().where(INVOICES.c.authority_id.in_([0]))
        assert session.execute(own).all() == []
        one = invoice_register.listing().where(INVOICES.c.number == "2027-0002")
        assert [row.number for row in session.execute(one)] == ["2027-0002"]


def test_a_page_tells_lines_reasons_documents_verdicts_and_credits_in_four_queries(issued: CommandLine) -> None:
    with issued.session() as session:
        session.connection()
        with counted(session) as asked:
            page = invoice_register.page(session, "2027-0001")
        note = invoice_register.page(session, "K-2027-0001")

    assert len(asked) == 4, asked
    assert page.document.number == page.explained.number == "2027-0001"
    assert [line.position for line in page.explained.lines] == [line.position for line in page.document.lines]
    assert [kept.format for kept in page.documents] == ["pdf", "peppol", "oioubl"]
    assert all(kept.bytes > 1000 for kept in page.documents)
    (verdict,) = page.documents[1].verdicts
    assert (verdict.outcome, verdict.version, verdict.failures[0].id) == ("valid", "3.0.21", "UBL-DT-28")
    assert page.documents[0].verdicts == ()
    assert [told.number for told in page.explained.credits] == ["K-2027-0001"]
    assert page.credited == note.document.gross and note.explained.is_credit_note
    assert (page.approved_by, note.approved_by) == ("En Godkender", "En Godkender")


def test_an_unknown_number_has_no_page(issued: CommandLine) -> None:
    with issued.session() as session, pytest.raises(NoSuchInvoice):
        invoice_register.page(session, "2027-9999")
