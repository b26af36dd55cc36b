"""Every page in a real browser, in both languages and at both widths: axe, headings, labels, width, and no complaint.

The pages are those of `tests/access_table.csv`, as each role that may read them sees them. `make test` looks at each
page once in either language, Danish on a wide screen and English on a narrow one; `make test-full` at all there are.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from app import clock
from billing import work_runs
from tests import access_walk, browser, world
from tests.access_walk import PEOPLE
from tests.browser import NARROW, WIDE, Visitor
from tests.command_line import CommandLine
from tests.conftest import FULL
from tests.stories.conftest import DEMO

#: What a page shows under its address alone is not all: lists that find nothing, other books, versions side by side.
STATES = {
    "finance": (
        "/authorities?q=findes-ikke", "/authorities?sort=-name", "/invoices?q=findes-ikke", "/audit?q=findes-ikke",
        f"/year/{world.YEAR}", f"/year/{world.YEAR}?q=findes-ikke", f"/year/{world.YEAR}/progress",
        f"/year/{world.YEAR}/comparison", f"/year/{world.YEAR + 1}?book=rehearsal", f"/year/{world.YEAR + 1}?least=x",
        "/fee-tables/OS2valghalla", "/fee-tables/OS2valghalla/2023-01-01?with=2023-01-01", "/findes-ikke",
        "/authorities?page=99", "/invoices/2027-9999", "/users", f"/year/{world.YEAR}/problems?q=findes-ikke",
        f"/year/{world.YEAR + 1}/problems?kind=problem", "/tokens", "/deliveries?q=findes-ikke",
        "/deliveries?state=to_mend", "/payments?q=findes-ikke", "/bank?q=findes-ikke",
        "/bank/transactions?q=findes-ikke", "/reminders?q=findes-ikke", "/letters?q=findes-ikke",
        "/costs?q=findes-ikke",
    ),
    "administrator": ("/users?q=findes-ikke", "/invoices"),
    "anonymous": ("/findes-ikke", "/sign-in/callback?state=ukendt", "/invitation/ukendt"),
}  # fmt: skip


#: Forms that are sent as they stand, but for what is filled in here, and come back with faults.
WRONG = {
    "finance": {
        "/settings/change": {"cvr": "1", "payment_days": "99"}, "/settings/propose": {"text": "payment_days = 99"},
        "/fee-tables/draft": {}, "/fee-tables/draft/size-key": {"up_to_1": "mange"},
        "/fee-tables/draft/association": {}, "/fee-tables/draft/text": {"text": "x"},
        "/accounts/mapping/propose": {"text": "x"}, "/imports": {}, "/budgets/import": {}, "/tokens": {"days": "0"},
        "/payments/{payment}": {"account": "6190", "account_amount": "x"}, "/invoices/{invoice}/write-off": {},
        "/invoices/{invoice}/credit": {}, "/authorities/{cvr}/billing/membership/{place}": {"gln": "1"},
    },
    "administrator": {"/users/invite": {"mail": "ingen"}},
    "signatory": {"/colleagues/invite": {"name": " ", "mail": "ny@example.dk"}},
}  # fmt: skip

#: Pages on which something is rejected, sent back or withdrawn with a reason.
DECIDED = {
    "approver": (
        "/settings/proposals/{terms}", "/invoices/credits/{credit}", "/fee-tables/proposals/{draft}",
        "/templates/proposals/{text}", "/agreements/record/{paper}", "/authorities/{cvr}/billing/proposals/{details}",
        f"/year/{world.YEAR + 1}",
    ),
    "finance": ("/agreements/{offer}",),
}  # fmt: skip


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> CommandLine:
    """The command line of an empty place."""
    folder: Path = tmp_path_factory.mktemp("pages")
    return CommandLine(f"sqlite:///{folder / 'os2tilslut.sqlite'}", folder).with_environ(**DEMO)


@pytest.fixture(scope="module")
def workplace(place: CommandLine) -> Iterator[tuple[str, dict[str, dict[str, str]]]]:
    """The small world with an issued year and everything that can wait, served; and the names of its things."""
    line = place
    world.fill(line)
    world.issue(line)
    with world.made(line) as app:
        things = world.things(line, world.wait(line, world.people(app)))
    with browser.served(line) as base:
        yield base, things


@pytest.fixture
def running(place: CommandLine) -> None:
    """A rehearsal that somebody began this moment."""
    with place.session() as session:
        work_runs.start(session, world.YEAR, "rehearsal", date(world.YEAR, 1, 15), "En Forbereder", at=clock.machine())


def addresses(things: dict[str, dict[str, str]], role: str) -> list[str]:
    """Give every page that a role may read, and its states."""
    lines = [line for line in access_walk.read() if line.is_page and line.answer(role) == "200"]
    return [line.template.format_map(things[line.whose]) for line in lines] + list(STATES.get(role, ()))


def signed_in(chromium: Browser, base: str, role: str, language: str, width: int) -> Visitor:
    """Open a browser for somebody of a role who reads a language."""
    visitor = browser.visit(chromium, base, width=width)
    if PEOPLE[role]:
        visitor.sign_in(PEOPLE[role])
    visitor.go("/")
    chosen = {"da": "Dansk", "en": "English"}[language]  # a person's choice is kept, also from one test to the next
    if visitor.page.get_by_role("button", name=chosen).count():
        visitor.press(chosen)
    return visitor


def faults(visitor: Visitor, path: str, language: str, picture: str) -> list[str]:
    """Open a page and give all that is wrong with it."""
    before = len(visitor.complaints)
    visitor.go(path)
    browser.screenshot(visitor.page, picture)
    found = [*browser.shape(visitor.page, language), *browser.axe(visitor.page), *visitor.complaints[before:]]
    return [f"{path}: {fault}" for fault in found]


def wrong(chromium: Browser, base: str, seen: dict[str, list[str]], language: str, width: int) -> list[str]:
    """Let people of every role look at their pages; give all that is wrong."""
    found: list[str] = []
    for role, paths in seen.items():
        visitor = signed_in(chromium, base, role, language, width)
        for path in paths:
            found += [f"{role}: {fault}" for fault in faults(visitor, path, language, f"{path}-{role}-{language}")]
        visitor.page.context.close()
    return found


def once(things: dict[str, dict[str, str]]) -> dict[str, list[str]]:
    """Give every page to one role only, the first that may read it; the start page, which differs, to all."""
    seen: dict[str, list[str]] = {}
    known: set[str] = set()
    for role in ("finance", "approver", "administrator", "signatory", "coordination", "auditor", "anonymous"):
        mine = [path for path in addresses(things, role) if path not in known or path == "/"]
        known.update(mine)
        seen[role] = list(dict.fromkeys(mine))
    return seen


_BAD = """<html><title></title><body><main><h1>A</h1><h1>B</h1><input id="a"><p id="a" style="color:#ccc">pale</p>
<div style="width: 2000px">wide</div></main></body></html>"""


def test_a_bad_page_is_found_out(chromium: Browser) -> None:
    visitor = browser.visit(chromium, "")
    visitor.page.set_content(_BAD)

    told = " ".join([*browser.shape(visitor.page, "da"), *browser.axe(visitor.page)])
    visitor.page.evaluate("console.error('oh')")

    for fault in ("2 first headings", "title", "lang", "without a label", "used twice", "wider", "color-contrast"):
        assert fault in told
    assert len(visitor.complaints) == 1


@pytest.mark.parametrize(("language", "width"), [("da", WIDE), ("en", NARROW)])
def test_every_page_is_for_everybody(
    chromium: Browser, workplace: tuple[str, dict[str, dict[str, str]]], language: str, width: int
) -> None:
    base, things = workplace

    assert wrong(chromium, base, _asked(once(things), width), language, width) == []


def _asked(seen: dict[str, list[str]], width: int) -> dict[str, list[str]]:
    """Give all pages, or where tests are bounded every second one to each width; the start page to both."""
    if FULL:
        return seen
    other = int(width == NARROW)
    return {role: ["/", *[path for path in paths if path != "/"][other::2]] for role, paths in seen.items()}


def sent_wrong(visitor: Visitor, path: str, typed: dict[str, str]) -> list[str]:
    """Send a form with faults; give all that is wrong with how they are told."""
    visitor.go(path)
    for name, words in typed.items():
        visitor.page.fill(f"#field-{name}", words)
    with visitor.page.expect_navigation():
        visitor.page.locator("main form .button-primary").first.click()
    return told_faults(visitor, path)


def without_reason(visitor: Visitor, path: str) -> list[str]:
    """Reject, send back or withdraw without a reason; give all that is wrong with how that is told."""
    visitor.go(path)
    with visitor.page.expect_navigation():
        visitor.page.evaluate("document.querySelector('#field-reason').form.requestSubmit()")
    hidden = [] if visitor.page.is_visible("#field-reason") else [f"{path}: the field is folded away"]
    return hidden + told_faults(visitor, path)


def told_faults(visitor: Visitor, path: str) -> list[str]:
    """Give all that is wrong with a page that tells the faults of its form."""
    browser.screenshot(visitor.page, f"wrong-{path}")
    told = visitor.page.evaluate(_TOLD)
    found = [*browser.shape(visitor.page, "da"), *browser.axe(visitor.page), *told]
    return [f"{path}: {fault}" for fault in found]


#: What a form with faults must have: a summary that has the focus, whose links lead to fields that tell of theirs.
_TOLD = """
() => {
  const links = [...document.querySelectorAll(".alert-error a")];
  const fields = links.map(link => document.querySelector(link.getAttribute("href")));
  const silent = fields.filter(field => field && !field.getAttribute("aria-describedby")?.includes("error-"));
  return [
    ...(links.length ? [] : ["no summary"]),
    ...(document.activeElement.classList.contains("alert-error") ? [] : ["the summary has not the focus"]),
    ...(fields.includes(null) ? ["a link that leads nowhere"] : []),
    ...silent.map(field => "no fault told at " + field.id),
  ];
}
"""


def test_every_form_tells_its_faults_on_top_and_at_the_field(
    chromium: Browser, workplace: tuple[str, dict[str, dict[str, str]]]
) -> None:
    base, things = workplace
    found: list[str] = []

    for role, forms in (WRONG | {"approver": {}}).items():
        visitor = signed_in(chromium, base, role, "da", WIDE)
        for path, typed in forms.items():
            found += sent_wrong(visitor, path.format_map(things["own"]), typed)
        for path in DECIDED.get(role, ()):
            found += without_reason(visitor, path.format_map(things["own"]))
        found += visitor.complaints
        visitor.page.context.close()

    assert found == []


def test_the_progress_of_a_running_issue_is_for_everybody(
    chromium: Browser, workplace: tuple[str, dict[str, dict[str, str]]], running: None
) -> None:
    visitor = signed_in(chromium, workplace[0], "finance", "da", NARROW)

    found = faults(visitor, f"/year/{world.YEAR}/progress?book=rehearsal", "da", "running")
    words = visitor.words
    visitor.page.context.close()

    assert found == []
    assert "I gang" in words


@pytest.mark.full
@pytest.mark.parametrize("language", ["da", "en"])
@pytest.mark.parametrize("width", [WIDE, NARROW])
def test_every_page_of_every_role_is_for_everybody(
    chromium: Browser, workplace: tuple[str, dict[str, dict[str, str]]], language: str, width: int
) -> None:
    base, things = workplace
    everything = {role: addresses(things, role) for role in PEOPLE}

    assert wrong(chromium, base, everything, language, width) == []
