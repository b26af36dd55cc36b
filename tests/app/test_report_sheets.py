"""The report as a spreadsheet: what it says, that it computes nothing, and that it is the same bytes again."""

from __future__ import annotations

import io
import time
import zipfile
from collections.abc import Callable
from dataclasses import replace

import pytest
from lxml import etree

from app import report_sheets
from billing.funding.report import FundingReport
from billing.funding.report_pdf import Imprint
from foundation.language import LANGUAGES, Language, Text
from tests.billing.funding import reports

_MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"


def opened(content: bytes) -> dict[str, list[list[str]]]:
    """Give the cells of every sheet by its name: words as they are, figures as they are written."""
    with zipfile.ZipFile(io.BytesIO(content)) as book:
        read = {name: etree.fromstring(book.read(name)) for name in book.namelist() if name.endswith(".xml")}
    words = ["".join(map(str, each.itertext())) for each in read["xl/sharedStrings.xml"]]
    names = [each.get("name", "") for each in read["xl/workbook.xml"].iter(f"{_MAIN}sheet")]
    sheets = [read[f"xl/worksheets/sheet{nth}.xml"] for nth in range(1, len(names) + 1)]
    assert not [each for sheet in sheets for each in sheet.iter(f"{_MAIN}f", f"{_MAIN}hyperlink")]
    return {
        name: [[_cell(cell, words) for cell in row] for row in sheet.iter(f"{_MAIN}row")]
        for name, sheet in zip(names, sheets, strict=True)
    }


def _cell(cell: etree._Element, words: list[str]) -> str:
    value = cell.findtext(f"{_MAIN}v") or ""
    return words[int(value)] if cell.get("t") == "s" else value


def test_the_sheets_say_what_the_report_says() -> None:
    report = reports.usual()

    book = opened(report_sheets.render(report))

    assert list(book) == ["Overblik", "Indtægter", "Myndigheder", "Størrelser", "Omkostninger", "Ændringer"]
    said = {row[0]: row[1] for row in book["Overblik"]}
    assert (said["Primo"], said["Ultimo"], said["Version"]) == ("210000", "545350", "Kladde")
    assert book["Omkostninger"][2][2:] == ["41250", "40000", "-1250", "Flere brugere end ventet"]
    assert [row[0] for row in book["Myndigheder"]][1:] == [each.name for each in report.payers]
    assert book["Ændringer"][2][2] == "Opsagt"


def test_remarks_stand_beside_what_they_are_on() -> None:
    report = reports.remarked()

    book = opened(report_sheets.render(report))

    assert book["Indtægter"][1][-1] == "Aarhus er kommet til"
    assert ["Bemærkninger til rapporten", report.remark] in [row[:2] for row in book["Overblik"]]
    assert book["Omkostninger"][-1][-3:] == ["201650", "240000", "38350"]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("make", reports.SAMPLES.values(), ids=reports.SAMPLES)
def test_the_same_report_is_the_same_bytes_at_any_time(make: Callable[[], FundingReport], language: Language) -> None:
    first = report_sheets.render(make(), language)
    time.sleep(0.01)

    assert report_sheets.render(make(), language) == first


def test_nothing_in_it_is_a_formula_or_a_link() -> None:
    report, hostile = reports.usual(), '=HYPERLINK("http://example.org")'
    costs = (replace(report.costs[0], remark=hostile, name=Text(hostile, hostile)), *report.costs[1:])
    payers = tuple(replace(each, name="@SUM(1)") for each in report.payers)

    book = opened(report_sheets.render(replace(report, costs=costs, payers=payers), "da", Imprint(hostile)))

    assert book["Omkostninger"][1][0] == book["Omkostninger"][1][5] == hostile
    assert book["Myndigheder"][1][0] == "@SUM(1)"
