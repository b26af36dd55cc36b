"""The krone's way in the browser: every figure of a report leads to what it is made of, and that adds up to it."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from datetime import date
from fractions import Fraction
from urllib.parse import unquote

import pytest
from sqlalchemy import select

from app.access import Role
from billing.funding import tracing
from billing.gathering import INVOICES, LINES
from foundation.language import amount
from foundation.money import ZERO, Money
from tests import spending
from tests.app.web.desks import AUDITOR, GROUP, Desk, issue, opened, person, signatory
from tests.app.web.test_publications import publish
from tests.command_line import CommandLine
from tests.conftest import Prepared
from tests.places import with_starter
from tests.scenarios import database

FIGURE = re.compile(r'<a class="figure" href="([^"]+)">([^<]+)</a>')
SUM = re.compile(r'id="(?:figure|sum)">([^<]*)<')
FUND = "OS2valghalla"
#: What the association spent on two of its own accounts, in øre.
OWN_COSTS = {"00013": 60_000_00, "00007": 20_000_00}
REPORT, STRANGERS = f"/funds/{FUND}/2027", person(6, Role.COORDINATION, products=frozenset({"OS2kitos"}))


def spend(line: CommandLine) -> None:
    """Take money in, spend, work, move and adopt a budget, for the fund that two invoices brought money."""
    database.keep_payments(line)
    with line.session() as session:
        spending.move(session, 50_000_00, FUND)
        spending.move(session, 7_000_00, FUND, from_product="OS2kitos")
        spending.rate(session)
        spending.work(session, product=FUND)
        spending.spend(session, *(spending.draft(session, 700 * nth, product=FUND) for nth in (1, 2)))
        spending.budget(session, product=FUND)


@pytest.fixture
def seat(prepared: Prepared) -> Iterator[Desk]:
    """A browser on a year with something of everything."""
    with opened(prepared(with_starter, issue, spend)) as made:
        yield made


def plain(words: str) -> str:
    """Give an amount as tables write it."""
    return html.unescape(words).replace("\xa0", " ").removesuffix(" kr.").strip()


@pytest.mark.parametrize(("fund", "period"), [(FUND, "2027"), (FUND, "2027-Q2"), ("OS2", "2027")])
def test_every_figure_of_a_report_leads_to_what_adds_up_to_it(seat: Desk, fund: str, period: str) -> None:
    found = FIGURE.findall(seat.sit(AUDITOR).html(f"/funds/{fund}/{period}"))
    names = {unquote(link).rpartition("/")[2].partition(":")[0] for link, _ in found}

    for link, words in found:
        page = seat.get(html.unescape(link))
        assert page.status_code == 200, link
        told, *sums = (plain(each) for each in SUM.findall(page.text))
        assert told == plain(words), link
        assert sums in ([], [told]) or link.endswith("/top"), link
        assert sums or link.partition("-count")[1] or "connected" in link or told == "0,00", link
    whole = {"opening", "earned", "spent", "result", "transfers", "closing", "receivables", "passed_on", "top"}
    groups = {"members", "others", "members-count", "others-paid", "connected", "payer-owed", "band", "band-paid"}
    assert whole | groups <= names
    assert period == "2027-Q2" or {"income", "paid"} <= names
    assert fund == "OS2" or {"cost", "budget", "deviation"} <= names


def test_staff_go_on_to_invoice_cost_agreement_authority_and_budget(seat: Desk) -> None:
    seat.sit(AUDITOR)
    report, ways = seat.html(REPORT), set()
    for link in {html.unescape(link) for link, _ in FIGURE.findall(report)}:
        main = seat.html(link).partition("<main")[2].partition("</main")[0]
        ways |= set(re.findall(r'href="(/(?:invoices|costs|agreements|authorities|budgets|transfers)[^"]*)"', main))

    assert {way.split("/")[1] for way in ways} == {
        "invoices", "costs", "agreements", "authorities", "budgets", "transfers"
    }  # fmt: skip
    assert [way for way in ways if seat.get(way).status_code != 200] == []


def test_a_group_sees_authorities_and_agreements_and_no_invoice_text_or_paper(seat: Desk) -> None:
    seat.sit(GROUP)
    for link in {html.unescape(link) for link, _ in FIGURE.findall(seat.html(REPORT))}:
        main = seat.html(link).partition("<main")[2].partition("</main")[0]
        assert not re.search(r'href="/(invoices|costs|budgets|transfers)', main), link
        assert "Opdigtet" not in main and "2027-00" not in main, link
    assert seat.sit(STRANGERS).get(f"/funds/trace/{FUND}/2027/earned").status_code == 404


@pytest.mark.parametrize("form", ["csv", "xlsx"])
def test_what_a_figure_is_made_of_is_exported_and_the_trail_tells_of_it(seat: Desk, form: str) -> None:
    answer = seat.sit(AUDITOR).get(f"/funds/trace/{FUND}/2027/earned.{form}")

    assert answer.status_code == 200
    if form == "csv":
        head, *rows = answer.data.decode("utf-8-sig").splitlines()
        assert head == "Dag;Hvad;Konto;Myndighed;Faktura;Tekst;Beløb"
        assert rows
    assert f"funds-figure.{form}" in seat.html("/audit")


NO_FIGURES = (
    "nothing", "income:", "income:9999", "income", "earned:1", "band:x", "band:99999999999", "band:²", "payer:12345678",
    "payer-owed:%27--", "connected:2027-02-30", "budget:XYZ", "deviation:", "earned.pdf", "a" * 300, "earned?sort=x",
    "earned?page=99", "earned?page=x",
)  # fmt: skip


def test_a_figure_that_a_report_does_not_have_is_not_found(desk: Desk) -> None:
    asked = {
        figure: desk.sit(GROUP).get(f"/funds/trace/OS2valghalla/2027/{figure}").status_code for figure in NO_FIGURES
    }

    assert asked == dict.fromkeys(NO_FIGURES, 404)
    assert desk.get("/funds/trace/OS2valghalla/2027/%00").status_code == 400


def test_a_period_from_day_to_day_is_taken_apart_as_well(desk: Desk) -> None:
    assert desk.sit(GROUP).get("/funds/trace/OS2valghalla/2027-01-01..2027-02-15").status_code == 200
    assert desk.get("/funds/trace/OS2valghalla/2027-01-01..2027-02-15/earned").status_code == 200
    assert desk.get("/funds/trace/OS2valghalla/2027-01-01..2027-02-15.csv").status_code == 200


def test_a_line_of_an_invoice_leads_up_to_its_fund_and_what_the_year_s_money_went_to(seat: Desk) -> None:
    invoice = seat.sit(AUDITOR).html("/invoices/2027-0001")
    lines = re.findall(r'href="(/funds/trace/2027-0001/lines/\d+)"', invoice)
    pages = [seat.read(line) for line in lines]
    of_dues = ["foreningens fond. Pengene" in page and "gik til fonden for" not in page for page in pages]

    assert True in of_dues and False in of_dues
    assert all(is_dues or "gik til fonden for" in page for page, is_dues in zip(pages, of_dues, strict=True))
    assert seat.get("/funds/trace/2027-0001/lines/99").status_code == 404


def lines_of(line: CommandLine) -> dict[str | None, tuple[int, int, int]]:
    """Give the first line of each fund on the first invoice: where it stands, its product's part, its association's."""
    with line.session() as session:
        rows = session.execute(
            select(LINES)
            .join(INVOICES, INVOICES.c.id == LINES.c.invoice_id)
            .where(INVOICES.c.number == "2027-0001")
            .order_by(LINES.c.id)
        ).all()
    placed = list(enumerate(rows, start=1))
    return {row.product: (at, row.product_ore, row.association_ore) for at, row in reversed(placed)}


def test_dues_lead_up_to_the_association_s_fund_its_accounts_budget_and_shares(prepared: Prepared) -> None:
    line = prepared(with_starter, issue, spend)
    with line.session() as session:
        given = [spending.draft(session, ore, product=None, suffix=suffix) for suffix, ore in OWN_COSTS.items()]
        spending.spend(session, *given)
        spending.budget(session, 80_000_00, product=None, suffix="00013")
        at, of_product, of_association = lines_of(line)[None]
        found = tracing.upward(session, "2027-0001", at)

    assert (found.product, found.amount, found.contribution) == (None, Money(of_association), ZERO)
    assert of_product == 0 and of_association > 0
    posts = {each.account.rpartition("-")[2]: each for each in found.shares}
    assert {suffix: posts[suffix].spent for suffix in OWN_COSTS} == {
        "00013": Money(60_000_00),
        "00007": Money(20_000_00),
    }
    assert (posts["00013"].budget, posts["00007"].budget) == (Money(80_000_00), ZERO)
    assert all(each.share == Fraction(each.spent.ore, found.spent.ore) for each in found.shares)
    with opened(line) as seat:
        told = seat.sit(AUDITOR).html(f"/funds/trace/2027-0001/lines/{at}")
        assert "80.000,00" in told and ">75</td>" in told and 'href="/funds/OS2/2027"' in told
        told = seat.sit(signatory(line)).html(f"/funds/trace/2027-0001/lines/{at}")
        assert ">75</td>" in told and "/funds/OS2/2027" not in told


def test_a_fee_s_line_tells_what_of_it_the_association_got(prepared: Prepared) -> None:
    line = prepared(with_starter, issue, spend)
    at, of_product, of_association = lines_of(line)[FUND]
    with line.session() as session:
        found = tracing.upward(session, "2027-0001", at)

    assert (found.product, found.amount, found.contribution) == (FUND, Money(of_product), Money(of_association))
    assert of_association > 0
    with opened(line) as seat:
        told = seat.sit(AUDITOR).read(f"/funds/trace/2027-0001/lines/{at}")
    assert f"Desuden gik {amount(found.contribution, 'da')} kr. af linjen til foreningens fond som bidrag" in told


def test_a_published_report_leads_on_until_the_books_have_moved(issued: CommandLine, desk: Desk) -> None:
    version = publish(desk)
    before = desk.sit(GROUP).html(version)

    with issued.session() as session:
        spending.spend(session, spending.draft(session, product=FUND, incurred_on=date(2026, 11, 2)))

    assert FIGURE.search(before)
    assert not FIGURE.search(desk.html(version))
