"""The acceptance stories of the workplace, by real people's pages in a real browser."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update

from app.identity.models import BrowserSession
from billing.models import Invoice
from tests import browser, world
from tests.browser import Visitor
from tests.command_line import CommandLine
from tests.scenarios import files
from tests.stories.conftest import DEMO, Visit
from tests.world import AALBORG, AARHUS, ODENSE, YEAR

Served = Callable[[CommandLine], str]


def _ten_minutes_pass(line: CommandLine) -> None:
    """Let every sign-in be ten minutes older: the clock of the stories stands."""
    with line.session() as session:
        for one in session.scalars(select(BrowserSession).where(BrowserSession.signed_in_at.is_not(None))):
            assert one.signed_in_at is not None
            earlier = one.signed_in_at - timedelta(minutes=10)
            session.execute(
                update(BrowserSession).where(BrowserSession.id_sha256 == one.id_sha256).values(signed_in_at=earlier)
            )


def _numbers(line: CommandLine) -> list[str]:
    with line.session() as session:
        return list(session.scalars(select(Invoice.number).order_by(Invoice.id)))


def _mends_the_problem(finance: Visitor) -> None:
    """Go from the problem in the plan to where it is mended, mend it, and come back."""
    finance.go(f"/year/{YEAR}")
    finance.follow(re.compile("^Faktureringsoplysninger ?: Odense"))
    finance.follow(re.compile("^Ret OS2kitos"))
    finance.page.get_by_label("EAN/GLN-nummer").fill(files.gln(ODENSE))
    finance.press("Gem")
    finance.go(f"/year/{YEAR}")


def test_finance_mends_a_problem_and_the_plan_has_an_invoice_more(
    planned: CommandLine, served: Served, visits: Visit
) -> None:
    finance = visits(served(planned))

    finance.sign_in("finance")
    finance.go(f"/year/{YEAR}")
    before = finance.words
    _mends_the_problem(finance)

    assert "2 nye fakturaer" in before and "1 problemer holder linjer tilbage" in before
    assert "3 nye fakturaer" in finance.words and "0 problemer" in finance.words
    planned.done("verify")


def test_finance_hands_over_and_an_approver_with_a_fresh_sign_in_approves_and_issues(
    planned: CommandLine, served: Served, visits: Visit
) -> None:
    base = served(planned)
    finance, approver = visits(base), visits(base)

    finance.sign_in("finance")
    finance.go(f"/year/{YEAR}")
    finance.press("Overdrag planen til godkendelse")
    handed_over = finance.words
    approver.sign_in("approver")
    _ten_minutes_pass(planned)
    approver.go(f"/year/{YEAR}")
    approver.press(re.compile("^Godkend"))
    approver.page.get_by_role("main").get_by_role("link", name="Log ind").click()
    approver.prove("approver")
    asked_again = approver.path
    approver.press(re.compile("^Godkend"))
    approved = approver.words
    approver.press(re.compile("^Udsted"))
    approver.page.get_by_text("Færdig.").wait_for(timeout=60_000)
    approver.page.reload()
    survived = approver.words

    assert "er overdraget" in handed_over and "en anden godkender den" in handed_over
    assert asked_again == f"/year/{YEAR}"
    assert "er godkendt og kan udstedes" in approved
    assert "Færdig." in survived and "2 af 2" in survived
    assert _numbers(planned) == [f"{YEAR}-0001", f"{YEAR}-0002"]
    planned.done("verify")


def test_who_prepared_is_told_that_another_approves_and_cannot(
    planned: CommandLine, served: Served, visits: Visit
) -> None:
    approver = visits(served(planned))

    approver.sign_in("approver")
    approver.go(f"/year/{YEAR}")
    approver.press("Overdrag planen til godkendelse")

    assert "en anden godkender den" in approver.words
    assert approver.page.get_by_role("button", name=re.compile("^Godkend")).count() == 0


def test_a_year_is_planned_handed_over_and_approved_without_javascript(
    planned: CommandLine, served: Served, visits: Visit
) -> None:
    base = served(planned)
    finance, approver = (visits(base, javascript=False) for _ in range(2))

    finance.sign_in("finance")
    finance.go(f"/year/{YEAR}")
    finance.page.locator("summary", has_text="Hvorfor dette beløb").first.click()
    finance.follow("Se linjerne og deres begrundelser")
    why = finance.words
    finance.go(f"/year/{YEAR}")
    finance.press("Overdrag planen til godkendelse")
    approver.sign_in("approver")
    approver.go(f"/year/{YEAR}")
    approver.press(re.compile("^Godkend"))
    approver.press(re.compile("^Udsted"))
    for _ in range(60):
        if "Færdig." in approver.words:
            break
        approver.page.wait_for_timeout(500)
        approver.follow("Opdatér")

    assert "9 % bidrag" in why
    assert "Færdig." in approver.words
    assert _numbers(planned) == [f"{YEAR}-0001", f"{YEAR}-0002"]


# --- who reads what


@pytest.fixture(scope="module")
def reading(planned_world: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, CommandLine]]:
    """A workplace whose year is issued, for stories that only read, or change what no other looks at."""
    folder = tmp_path_factory.mktemp("reading")
    shutil.copytree(planned_world, folder, dirs_exist_ok=True)
    line = CommandLine(f"sqlite:///{folder / 'os2tilslut.sqlite'}", folder).with_environ(**DEMO)
    world.issue(line)
    with browser.served(line) as base:
        yield base, line


Reading = tuple[str, CommandLine]


def test_an_auditor_reads_all_and_is_offered_no_act(reading: Reading, visits: Visit) -> None:
    auditor = visits(reading[0])

    auditor.sign_in("auditor")
    acts: dict[str, list[str]] = {}
    for path in ("/", "/authorities", f"/authorities/{AARHUS}", f"/authorities/{AARHUS}/billing", f"/year/{YEAR}",
                 f"/year/{YEAR + 1}", "/invoices", f"/invoices/{YEAR}-0001", "/fee-tables", "/settings"):  # fmt: skip
        assert auditor.go(path).status == 200, path
        forms = auditor.page.locator("main form[method=post] button")
        acts[path] = forms.all_inner_texts()
    refused = auditor.go("/imports").status

    assert {path: found for path, found in acts.items() if found} == {}
    assert refused == 403


def test_a_coordination_member_sees_only_the_groups_authorities_by_name_and_state(
    reading: Reading, visits: Visit
) -> None:
    member = visits(reading[0])

    member.sign_in("group-valghalla")
    member.go("/authorities")
    listed = member.words
    answers = {path: member.go(path).status for path in (
        f"/authorities/{AARHUS}", f"/authorities/{AALBORG}", f"/authorities/{AARHUS}/billing", "/invoices",
        f"/invoices/{YEAR}-0001", f"/year/{YEAR}", "/users",
    )}  # fmt: skip
    member.go(f"/authorities/{AARHUS}")

    assert "Aarhus Kommune" in listed and "Aalborg" not in listed and "Odense" not in listed
    assert list(answers.values()) == [200, 404, 404, 403, 403, 403, 403]
    assert "EAN" not in member.words and f"{YEAR}-0001" not in member.words


def test_a_municipalitys_user_sees_only_its_own_papers(reading: Reading, visits: Visit) -> None:
    user = visits(reading[0])

    user.sign_in("signatory-aarhus")
    start = user.words
    user.go("/invoices")
    listed = user.words
    own = [
        user.go(path).status
        for path in (
            f"/authorities/{AARHUS}",
            f"/invoices/{YEAR}-0001",
        )
    ]
    others = [user.go(path).status for path in (
        f"/authorities/{AALBORG}", f"/authorities/{AALBORG}/billing", f"/invoices/{YEAR}-0002", "/invoices/2027-9999",
    )]  # fmt: skip

    assert f"{YEAR}-0001" in start and f"{YEAR}-0002" not in start
    assert "Aarhus Kommune" in listed and "Aalborg" not in listed
    assert own == [200, 200]
    assert others == [404] * 4


def test_an_administrator_invites_somebody_who_takes_it_up_and_comes_in(reading: Reading, visits: Visit) -> None:
    administrator, invited = visits(reading[0]), visits(reading[0])

    administrator.sign_in("administrator")
    administrator.go("/users/invite")
    administrator.page.get_by_label("Navn").fill("En Ny Revisor")
    administrator.page.get_by_label("Mailadresse").fill("ny@example.dk")
    administrator.page.get_by_label("Rolle").select_option("auditor")
    administrator.press("Lav invitation")
    link = re.search(r"/invitation/[A-Za-z0-9_-]+", administrator.page.content())
    assert link is not None
    invited.go(link[0])
    invited.press("Tag imod invitationen")
    invited.follow("Log ind")
    invited.prove("stranger")
    welcome = invited.page.inner_text("header")
    again = administrator.go(link[0]).status

    assert "En Ny Revisor" in welcome, invited.words
    assert again == 404
    assert invited.go("/invoices").status == 200


def test_the_language_is_chosen_once_and_kept(reading: Reading, visits: Visit) -> None:
    visitor = visits(reading[0])

    visitor.go("/fee-tables")
    visitor.press("English")
    chosen = visitor.path, visitor.page.get_attribute("html", "lang"), visitor.words
    visitor.sign_in("finance")
    visitor.go("/")
    signed_in = visitor.words
    visitor.press("Dansk")

    assert chosen[:2] == ("/fee-tables", "en") and "Products" in chosen[2]
    assert "What waits" in signed_in or "Overview" in signed_in
    assert "Overblik" in visitor.words


# --- by keyboard alone


def test_every_control_is_reached_in_order_and_seen_by_keyboard_alone(reading: Reading, visits: Visit) -> None:
    person = visits(reading[0])

    person.sign_in("finance")
    for path in ("/authorities", f"/year/{YEAR + 1}", f"/invoices/{YEAR}-0001", "/fee-tables/draft", "/imports"):
        person.go(path)
        reached = _tabbed(person)
        wanted = person.page.evaluate(_CONTROLS)
        assert [one["id"] for one in reached] == wanted, path
        assert [one["html"] for one in reached if not one["visible"]] == [], path


def test_the_keys_search_help_and_skip_do_what_they_say(reading: Reading, visits: Visit) -> None:
    person = visits(reading[0])

    person.sign_in("finance")
    person.go("/authorities")
    person.page.keyboard.press("Tab")
    skip = person.page.evaluate("document.activeElement.className")
    person.page.keyboard.press("Enter")
    skipped = person.page.evaluate("document.activeElement.id")
    person.page.keyboard.press("?")
    person.page.get_by_role("dialog").wait_for()
    person.page.keyboard.press("Escape")
    closed = person.page.get_by_role("dialog").count()
    person.page.keyboard.press("/")
    person.page.keyboard.type("Aarhus")
    with person.page.expect_navigation():
        person.page.keyboard.press("Enter")

    assert (skip, skipped, closed) == ("skipnav", "main", 0)
    assert "1–1 af 1" in person.words and "Aarhus Kommune" in person.words


#: Marks what can be reached, and gives the marks in the order of the document.
_CONTROLS = """
() => [...document.querySelectorAll("a[href], button, input:not([type=hidden]), select, textarea, summary, [tabindex]")]
  .filter(each => each.checkVisibility() && each.tabIndex >= 0 && !each.disabled)
  .filter((each, _, all) => each.type !== "radio" || each.checked
    || !all.some(other => other.name === each.name && other.checked))
  .map(each => each.dataset.mark)
"""
_MARK = """
() => document.querySelectorAll("*").forEach((each, at) => { each.dataset.mark = at; })
"""
_FOCUSED = """
() => {
  const one = document.activeElement, style = getComputedStyle(one);
  return {id: one.dataset.mark, html: one.outerHTML.slice(0, 120), body: one === document.body,
    visible: (style.outlineStyle !== "none" && parseFloat(style.outlineWidth) > 0) || style.boxShadow !== "none"};
}
"""


def _tabbed(person: Visitor) -> list[dict[str, Any]]:
    """Press Tab until the page is left; give what was focused on the way."""
    person.page.evaluate(_MARK)
    reached: list[dict[str, Any]] = []
    for _ in range(400):
        person.page.keyboard.press("Tab")
        one: dict[str, Any] = person.page.evaluate(_FOCUSED)
        if one["body"] or (reached and one["id"] == reached[0]["id"]):
            return reached
        reached.append(one)
    raise AssertionError("the keyboard never leaves the page")
