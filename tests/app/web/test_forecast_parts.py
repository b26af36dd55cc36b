"""What the figures of a forecast are made of, in the browser: each leads to what adds up to it, for who may see it."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator

import pytest

from agreements.road import guide
from app.access import Role
from tests import queries
from tests.app.web.desks import AUDITOR, FINANCE, GROUP, Desk, issue, opened, person
from tests.app.web.test_tracing import plain
from tests.command_line import CommandLine
from tests.conftest import Prepared
from tests.places import with_starter
from tests.scenarios import files
from tests.spending import budget

FUND, ODENSE = "OS2valghalla", files.by_name("Odense").cvr
YEAR = f"/forecast/{FUND}/2027"
STRANGERS = person(6, Role.COORDINATION, products=frozenset({"OS2kitos"}))
FIGURE = re.compile(r'<a class="figure" href="(/forecast/[^"#]+)">([^<]+)</a>')
SUMS = re.compile(r'id="(?:figure|sum-\w+)">([^<]*)<')


def come_and_go(line: CommandLine) -> None:
    """Let somebody be on the way, somebody leave and others have left, and adopt a budget."""
    line.done("funding", "expect", ODENSE, FUND, "--from", "2027-03-01", "--stage", "contact", "--source", "Opdigtet")
    with line.session() as session:
        budget(session, product=FUND)


@pytest.fixture
def seat(prepared: Prepared) -> Iterator[Desk]:
    """A browser on an issued year with a forecast that was kept, and somebody on the way."""
    with opened(prepared(with_starter, issue, come_and_go)) as made:
        made.sit(FINANCE).post(f"{YEAR}/keep")
        yield made


def figures(page: str) -> list[tuple[str, str]]:
    """Give what the figures of a page lead to, and how they are written."""
    return [(html.unescape(link), plain(words)) for link, words in FIGURE.findall(page)]


@pytest.mark.parametrize("path", [YEAR, f"/forecast/{FUND}/2028", f"{YEAR}?band=medium&count=3"])
def test_every_figure_of_a_forecast_leads_to_what_adds_up_to_it(seat: Desk, path: str) -> None:
    found = figures(seat.sit(AUDITOR).html(path))

    for link, words in found:
        page = seat.get(link)
        assert page.status_code == 200, link
        told, *sums = (plain(each) for each in SUMS.findall(page.text))
        assert words in told, link
        assert words in sums or re.search("/(ended|standing)$", link), link
    parts = {re.sub(r"[?].*", "", link.rpartition("/")[2]) for link, _ in found}
    assert {"certain", "before", "pipeline", "ended", "standing"} <= parts
    assert parts & {"agreements", "estimated"}
    assert path == f"/forecast/{FUND}/2028" or {"invoiced"} <= parts


def test_the_figures_of_a_kept_forecast_lead_to_what_was_kept(seat: Desk) -> None:
    kept = [(link, words) for link, words in figures(seat.sit(AUDITOR).html(YEAR)) if "/kept/1/" in link]

    assert {link.rpartition("/")[2].partition(":")[0] for link, _ in kept} >= {"agreements", "pipeline", "difference"}
    for link, words in kept:
        assert words in [plain(each) for each in SUMS.findall(seat.html(link))], link


def test_all_forecasts_lead_to_their_terms_and_to_the_year_before(seat: Desk) -> None:
    page = seat.sit(AUDITOR).html("/forecast?year=2027")

    assert f'href="{YEAR}#terms"' in page and 'id="terms"' in seat.html(YEAR)
    for link, words in figures(page):
        assert words in plain(" ".join(SUMS.findall(seat.html(link)))) or link.endswith("/pipeline"), link
    assert f"{YEAR}/before" in page and f"{YEAR}/pipeline" in page


def test_a_budget_of_the_year_is_the_one_the_report_holds_its_costs_against(seat: Desk) -> None:
    found = re.search(r'href="(/funds/trace/[^"]+/given)">([^<]+)<', seat.sit(AUDITOR).html(YEAR))

    assert found is not None
    assert plain(found[2]) in [plain(each) for each in re.findall(r'id="sum">([^<]*)<', seat.html(found[1]))]


def test_a_part_names_agreements_tables_and_why_and_is_filtered_sorted_and_exported(seat: Desk) -> None:
    page = seat.sit(AUDITOR).html(f"{YEAR}/certain")
    name = re.findall(r'href="/authorities/[0-9]+">([^<]+)<', page)[0]

    assert re.search(r'href="/agreements/[0-9]+"', page) and f'href="/fee-tables/{FUND}/' in page
    assert "takstblad fra" in page
    assert "Sum af det viste udvalg" in seat.html(f"{YEAR}/certain?q={name}")
    assert [seat.get(f"{YEAR}/certain?sort={sort}").status_code for sort in ("-amount", "kind", "authority")] == [
        200
    ] * 3
    head, *rows = seat.get(f"{YEAR}/certain.csv?q={name}").data.decode("utf-8-sig").splitlines()
    assert head.startswith("Myndighed;") and head.endswith("Beløb") and all(name in row for row in rows)
    assert seat.get(f"{YEAR}/kept/1/agreements.xlsx").status_code == 200
    assert "forecast-part.csv" in seat.html("/audit")


def test_what_was_invoiced_leads_the_secretariat_on_to_invoices_and_a_group_to_agreements(seat: Desk) -> None:
    to_staff, to_group = seat.sit(AUDITOR).html(f"{YEAR}/invoiced"), seat.sit(GROUP).html(f"{YEAR}/invoiced")

    assert re.search(r'href="/invoices/2027-\d+"', to_staff)
    main = to_group.partition("<main")[2].partition("</main")[0]
    assert 'href="/agreements/' in main and "/invoices/" not in main and "2027-00" not in main
    assert "2027-00" not in seat.get(f"{YEAR}/invoiced.csv").text


def test_a_group_goes_on_from_every_part_of_its_own_forecast_and_from_no_other(seat: Desk) -> None:
    seat.sit(GROUP)
    for link, _ in figures(seat.html(YEAR)):
        main = seat.html(link).partition("<main")[2].partition("</main")[0]
        ways = set(re.findall(r'href="(/(?:authorities|agreements|pipeline|fee-tables)[^"]*)"', main))
        assert [way for way in ways if seat.get(html.unescape(way)).status_code != 200] == [], link
    seat.sit(STRANGERS)
    own = ("agreements", "before.csv", "kept/1/agreements", "kept/1/agreements.csv", "invoiced", "nothing")
    assert [seat.get(f"{YEAR}/{part}").status_code for part in own] == [404] * len(own)


@pytest.mark.parametrize(
    "part",
    ["nothing", "change:", "change:nothing", "change", "difference:left", "keep", "certain.pdf", "a" * 300, "%00x",
     "certain?sort=x", "certain?page=99", "certain?page=x", "kept/2/agreements", "kept/99999999999999999999/certain",
     "kept/1/before", "kept/1/ended", "kept/1/change:left", "kept/1/%27--"],
)  # fmt: skip
def test_a_part_that_a_forecast_does_not_have_is_not_found(seat: Desk, part: str) -> None:
    assert seat.sit(AUDITOR).get(f"{YEAR}/{part}").status_code in {400, 404}


@pytest.mark.parametrize("year", ["1999", "2050", "0", "99999999999"])
def test_a_year_that_is_not_forecast_has_no_parts(seat: Desk, year: str) -> None:
    assert seat.sit(AUDITOR).get(f"/forecast/{FUND}/{year}/agreements").status_code in {404, 409, 422}
    assert seat.get(f"/forecast/{FUND}/{year}/invoiced").status_code in {200, 404}


def test_the_pipeline_s_figures_lead_to_the_forecasts_they_stand_in(seat: Desk) -> None:
    page = seat.sit(GROUP).html(f"/pipeline?product={FUND}")
    found = re.findall(r'<a href="(/forecast/[^"]+)">([^<]+)</a>', page)

    assert len(found) == 4 and "Sum af det viste udvalg" in page
    for link, words in found:
        assert plain(words) in [plain(each) for each in SUMS.findall(seat.html(html.unescape(link)))], link


def test_a_group_s_figures_on_the_first_page_lead_to_what_was_invoiced(seat: Desk) -> None:
    ((link, words),) = re.findall(r'<a href="(/forecast/[^"]+/invoiced)">([^<]+)</a>', seat.sit(GROUP).html("/"))

    sums = dict(re.findall(r'id="(sum-\w+)">([^<]*)<', seat.html(link)))
    assert plain(sums["sum-whole"]) == plain(words) != plain(sums["sum-amount"])


def test_who_is_on_the_way_by_a_journey_alone_is_found_at_the_journey(seat: Desk) -> None:
    seat.sit(FINANCE).post("/road/guide", text=guide.shipped())
    assert seat.post("/road/new", cvr="29189420", product=FUND).location == "/road/1"

    assert seat.sit(GROUP).get(f"/pipeline/29189420/{FUND}").location == "/pipeline/journeys/1"
    assert seat.sit(STRANGERS).get(f"/pipeline/29189420/{FUND}").status_code == 404
    assert seat.get("/pipeline/29189420/OS2kitos").status_code == 404


def test_a_part_costs_as_many_queries_with_more_agreements(prepared: Prepared) -> None:
    line = prepared(with_starter, issue, come_and_go)
    paths = [f"{YEAR}/{part}" for part in ("certain", "before", "pipeline", "ended", "standing", "invoiced")]
    with opened(line) as seat:
        few = [asked(seat.sit(AUDITOR), path) for path in paths]
        more = [files.agreement(each.cvr, FUND) for each in files.starter()[20:60] if each.cvr != ODENSE]
        files.take_agreements(line, *more)
        line.issue(2028)

        assert [asked(seat, path) for path in paths] == few


def asked(desk: Desk, path: str) -> int:
    assert desk.get(path).status_code == 200
    with queries.heard() as statements:
        desk.get(path)
    return len(statements)
