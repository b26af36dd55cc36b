"""The report on paper: whole, tagged, the same bytes again, and nothing over anything else."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from pdfua import validate

from billing.funding import report_pdf, summary
from billing.funding.report import FundingReport
from billing.funding.report_pdf import DRAFT, Imprint
from foundation import letterhead
from foundation.language import LANGUAGES, Language, Text, amount
from foundation.money import Money
from tests import pdf_structure
from tests.billing.funding import reports
from tests.billing.funding.reports import SAMPLES
from tests.billing.test_invoice_pdf import overlap, text_boxes
from tests.pdf_structure import Node

FIRST = Imprint("OS2", date(2027, 4, 20), 1, (Text("Opdigtede tal", "Made-up figures"),))
every_sample = pytest.mark.parametrize("make", SAMPLES.values(), ids=SAMPLES)


def tree(report: FundingReport, language: Language = "da", imprint: Imprint = FIRST) -> Node:
    return pdf_structure.tree(pdf_structure.opened(report_pdf.render(report, language, imprint)))


def rows(table: Node) -> list[list[str]]:
    return [[cell.read() for cell in row.kids] for row in table.all("TR")]


@every_sample
@pytest.mark.parametrize("language", LANGUAGES)
def test_pdfua_finds_nothing_and_looks_at_everything_it_can(
    make: Callable[[], FundingReport], language: Language, tmp_path: Path
) -> None:
    file = tmp_path / "report.pdf"
    file.write_bytes(report_pdf.render(make(), language, FIRST))

    found = validate(str(file))

    assert found.findings == ()
    assert found.skipped == ()


@every_sample
def test_the_same_report_is_the_same_bytes_and_another_language_is_not(make: Callable[[], FundingReport]) -> None:
    danish = report_pdf.render(make(), "da", FIRST)

    assert report_pdf.render(make(), "da", FIRST) == danish
    assert report_pdf.render(make(), "en", FIRST) != danish


@every_sample
def test_no_text_covers_another_or_leaves_the_page(make: Callable[[], FundingReport]) -> None:
    for boxes in text_boxes(report_pdf.render(make(), "da", DRAFT)):
        for at, box in enumerate(boxes):
            left, bottom, right, top = box
            assert letterhead.LEFT - 1 < left < right < letterhead.RIGHT + 1
            assert 30 < bottom < top < letterhead.PAGE_HEIGHT - 30
            assert not [other for other in boxes[:at] if overlap(box, other)]


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_picture_says_what_it_shows_and_its_table_stands_below(language: Language) -> None:
    report = reports.usual()

    found = tree(report, language)

    told = [summary.accounts(report), summary.budget(report), summary.connected(report)]
    kinds = [node for node in found.walk() if node.role in {"Figure", "Table"}]
    assert [node.alternative for node in kinds if node.role == "Figure"] == [text[language] for text in told]
    assert [node.role for node in kinds][:6] == ["Figure", "Table"] * 3


def test_the_tables_say_what_the_report_says() -> None:
    report = reports.usual()

    income, costs, connected, members, bands, changes, payers = (rows(table) for table in tree(report).all("Table"))

    assert income[-1] == ["I alt", amount(report.earned, "da"), "480.000,00", ""]
    assert costs[2] == ["Drift (hosting, domæne) (XG-1-00005)", "41.250,00", "40.000,00", "-1.250,00",
                        "Flere brugere end ventet"]  # fmt: skip
    assert costs[-1][1:4] == ["201.650,00", "240.000,00", "38.350,00"]
    assert connected[1:] == [["31. december 2026", "2"], ["31. marts 2027", "3"]]
    assert members[-1][2] == "16.380,00"
    assert [row[0] for row in bands[1:]] == [summary.band(2).da, summary.band(3).da]
    assert changes[2] == ["Odense Kommune", "Opsagt", "3. februar 2027", "31. december 2027"]
    assert payers[3][0::5] == ["Odense Kommune", "52.000,00"]


def test_remarks_stand_at_their_accounts_and_on_top_for_the_whole() -> None:
    found = tree(reports.remarked())
    income = rows(found.all("Table")[0])

    said = found.read()
    assert income[0][-1] == "Bemærkning" and income[1][-1] == "Aarhus er kommet til" and income[2][-1] == ""
    told = ["Kvartalet gik som ventet.", "Udvikling er udskudt.", "Indtægter efter konto"]
    assert sorted(told, key=said.index) == told


def test_what_is_made_up_and_what_is_a_draft_is_said_first() -> None:
    assert tree(reports.usual()).read().startswith("Opdigtede tal")
    assert tree(reports.usual(), imprint=DRAFT).read().startswith("Kladde: rapporten er ikke offentliggjort")


def test_one_table_goes_on_over_pages_and_is_one_table() -> None:
    report = reports.large()

    found = tree(report)

    assert len(rows(found.all("Table")[-1])) == 1 + len(report.payers)


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_sentence_of_the_summary_ends_twice(language: Language) -> None:
    for report in (reports.usual(), reports.empty(), replace(reports.usual(), joined=(), connected=())):
        words = summary.paragraph(report)[language]

        assert ".." not in words
        assert words.endswith(".")


def test_what_a_reader_should_see_in_the_pictures_is_said_in_short() -> None:
    usual, empty = reports.usual(), reports.empty()
    under = replace(usual, costs=usual.costs[:1])
    all_over = replace(usual, costs=tuple(replace(each, budget=Money(0)) for each in usual.costs))

    def shorts(of: FundingReport) -> list[str | None]:
        made = (summary.accounts_in_short, summary.budget_in_short, summary.connected_in_short)
        found = [make(of) for make in made]
        return [None if told is None else told.da.replace("\u00a0", " ") for told in found]

    assert shorts(usual) == [
        "Tilslutningsafgift gav mest: 350.000,00 kr. Udvikling kostede mest: 118.400,00 kr., 58 % af omkostningerne.",
        "Over budget: Drift (hosting, domæne) 1.250,00 kr.",
        "3 myndigheder er tilsluttet mod 2 ved periodens begyndelse.",
    ]  # fmt: skip
    assert shorts(empty) == [None, None, None]
    assert shorts(under)[1] == "Ingen konto er over sit budget."
    assert (shorts(all_over)[1] or "").endswith("Koordinering (frikøb) 30.000,00 kr. og 1 konto mere.")
