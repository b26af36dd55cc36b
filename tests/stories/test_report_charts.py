"""The pictures of reports and forecasts as drawn: on screen, phone and paper no word touches another or a bar."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from app import config, create_app
from app.web import report_charts
from billing.funding import summary
from billing.funding.forecast import Coming, Forecast
from billing.funding.prospect import Line
from billing.funding.report import FundingReport
from foundation.language import Text
from foundation.money import Money
from tests.billing.funding import reports
from tests.browser import HOUSE, NARROW, WIDE, visit

STATIC = HOUSE / "app" / "static"
FONT = STATIC / "vendor/fonts/IBMPlexSans/complete/woff/IBMPlexSans-Regular.woff"
PAPER = 680  # what a sheet of A4 has between its margins
_PAGE = """<!doctype html><html lang="da"><head><title>x</title><style>
@font-face {{ font-family: P; src: url(data:font/woff;base64,{font}) }} html {{ font-size: 10px; font-family: P }}
table {{ width: 100% }} {style}</style></head><body><main class="page">
<nav class="periods">x</nav>{report}<p class="acts">x</p></main></body></html>"""

#: What is wrong with the words of the pictures: one over another, over a bar, or beyond its picture.
_WRONG = """
() => [...document.querySelectorAll("svg.chart")].flatMap(svg => {
  const box = element => element.getBoundingClientRect(), frame = box(svg), found = [];
  const words = [...svg.querySelectorAll("text")], bars = [...svg.querySelectorAll("g > rect, svg > rect")];
  const meet = (a, b) => a.left < b.right - 1 && b.left < a.right - 1 && a.top < b.bottom - 3 && b.top < a.bottom - 3;
  words.forEach((word, at) => {
    const own = box(word), told = word.textContent;
    if (own.left < frame.left - 1 || own.right > frame.right + 1) found.push("beyond: " + told);
    const over = words.slice(at + 1).filter(other => meet(own, box(other)));
    found.push(...over.map(other => told + " / " + other.textContent));
    if (bars.some(bar => meet(own, box(bar)))) found.push("over a bar: " + told);
  });
  const small = words.filter(word => parseFloat(getComputedStyle(word).fontSize) * frame.width / 640 < 10.5);
  return [...found, ...small.map(word => "small: " + word.textContent)];
})
"""


def largest() -> FundingReport:
    """Give a report of ten years with the longest names and amounts that are drawn beside a bar."""
    one, name = reports.large(), Text("Tab på tilgodehavender fra salg og tjenesteydelser", "Losses on receivables")
    costs = tuple(replace(each, name=name, spent=Money(999_999_999_99), budget=Money(1)) for each in one.costs)
    income = tuple(replace(each, name=name, invoiced=Money(999_999_999_99)) for each in one.income)
    return replace(one, costs=costs, income=income, remark="", payers=one.payers[:3], joined=())


def forecast(before: int, low: int, expected: int, high: int) -> Forecast:
    """Give a forecast of whole kroner: what came the year before, and the range."""
    ore = 100
    line = Line(
        "12345678", "Opdigtet", "annual_fee", Money(expected * ore), Money(0), "", "", "- - -", is_estimated=False
    )
    coming = Coming("87654321", "Opdigtet", "test", 0, date(2028, 1, 1), Money((high - expected) * ore), Money(0))
    return Forecast("OS2mo", 2028, date(2027, 1, 20), (line,), (coming,), 0, 0, Money((expected - low) * ore), None, (),
                    Money(before * ore), ())  # fmt: skip


#: As usual, with the longest amounts, of a new product, and where credits outweigh what comes.
FORECASTS = {
    "forecast": forecast(1_590_000, 1_650_000, 1_677_000, 1_680_000),
    "forecast, largest": forecast(999_999_999, 999_999_998, 999_999_999, 999_999_999),
    "forecast, new": forecast(0, 0, 3, 999_999_999),
    "forecast, credited": forecast(-999_999_999, -999_999_999, -5, 40_000),
}


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, str]:
    """A page of each report, with the workplace's own style."""
    made = create_app(config.read({"OS2TILSLUT_DATA_DIR": str(tmp_path_factory.mktemp("charts"))}))
    font = base64.b64encode(FONT.read_bytes()).decode()
    style, found = (STATIC / "style.css").read_text("utf-8"), {}
    with made.test_request_context():
        parts: Any = made.jinja_env.get_or_select_template("publications/parts.html").module
        for name, report in (("usual", reports.usual()), ("largest", largest()), ("credited", reports.credited())):
            drawn = parts.whole(report, summary.paragraph(report), summary.band, report_charts.of(report))
            found[name] = _PAGE.format(font=font, style=style, report=drawn)
        charts: Any = made.jinja_env.get_or_select_template("parts/report_charts.html").module
        for name, of in FORECASTS.items():
            picture = report_charts.of_forecast(of)
            drawn = charts.bars(picture.bars, "forecast", "Fondens indtægter", picture.told, picture.short)
            found[name] = _PAGE.format(font=font, style=style, report=drawn)
    return found


def shown(page: Page, content: str) -> None:
    page.set_content(content)
    page.evaluate("document.fonts.ready")


def test_no_word_of_a_picture_touches_another_or_a_bar_at_any_width_or_on_paper(
    chromium: Browser, pages: Mapping[str, str]
) -> None:
    for width, media in ((WIDE, "screen"), (NARROW, "screen"), (PAPER, "print")):
        page = visit(chromium, "", width=width).page
        page.emulate_media(media="print" if media == "print" else "screen")
        for name, content in pages.items():
            shown(page, content)
            drawn = 1 if name in FORECASTS else 3
            assert (page.locator("svg.chart").count(), page.evaluate(_WRONG)) == (drawn, []), (width, name)
        page.context.close()


def test_on_paper_pictures_and_tables_stay_whole_and_what_is_pressed_is_left_out(
    chromium: Browser, pages: Mapping[str, str]
) -> None:
    page = visit(chromium, "", width=PAPER).page
    page.emulate_media(media="print")
    shown(page, pages["usual"])

    kept = page.evaluate("""() => ["figure.chart-figure", ".table-wrap", "tbody tr"].map(which =>
        [...document.querySelectorAll(which)].every(each => getComputedStyle(each).breakInside === "avoid"))""")

    assert kept == [True, True, True]
    assert not page.locator("nav.periods").is_visible() and not page.locator(".acts").is_visible()
    assert page.evaluate("getComputedStyle(document.querySelector('.table-wrap')).overflowX") == "visible"
    assert page.locator("figure.chart-figure + .table-wrap table").count() == 3
    page.context.close()
