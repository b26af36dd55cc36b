"""The workplace by keyboard alone, at both widths: `/` and `?`, focus that is seen, and lists from search to a row."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests import browser, world
from tests.browser import NARROW, WIDE, Visitor
from tests.command_line import CommandLine
from tests.conftest import FULL
from tests.stories.conftest import DEMO

#: Every list of the workplace: who reads it, a search that finds something, a column that it sorts by.
LISTS = {
    "/authorities": ("finance", "aarhus", "cvr"), "/agreements": ("finance", "aarhus", "product"),
    "/fee-tables": ("finance", "kitos", "account"), "/invoices": ("finance", "aarhus", "number"),
    f"/year/{world.YEAR + 1}": ("finance", "aarhus", "net"),
    f"/year/{world.YEAR + 1}/problems": ("finance", "odense", "product"),
    f"/year/{world.YEAR}/comparison": ("finance", "aarhus", "difference"),
    "/audit": ("auditor", "2027", "actor"), "/users": ("administrator", "underskriver", "mail"),
    "/payments": ("finance", "aarhus", "amount"), "/bank": ("finance", "dk", "closing"),
    "/bank/transactions": ("finance", "aarhus", "amount"), "/deliveries": ("finance", "aarhus", "authority"),
    "/reminders": ("finance", "aalborg", "authority"), "/letters": ("finance", "velkommen", "receiver"),
    "/costs": ("finance", "hosting", "amount"), "/questions": ("finance", "aarhus", "subject"),
    "/road": ("finance", "aarhus", "product"), "/pipeline": ("finance", "vejle", "stage"),
}  # fmt: skip
OTHERS = ("/", "/settings", "/imports", "/year", f"/authorities/{world.AARHUS}")

#: What can be reached by Tab and is not seen to be: no outline, and no shadow or border that comes with the focus.
_UNSEEN = """
() => {
  const look = element => { const s = getComputedStyle(element);
    return [s.outlineStyle === "none" ? "" : s.outlineWidth + s.outlineColor, s.boxShadow, s.borderColor].join(); };
  const all = [...document.querySelectorAll("a[href], button, input:not([type=hidden]), select, textarea, summary")];
  document.activeElement?.blur();
  return all.filter(each => each.checkVisibility()).filter(each => {
    const without = look(each);
    each.focus({focusVisible: true});
    const seen = look(each) !== without;
    each.blur();
    return !seen;
  }).map(each => each.outerHTML.slice(0, 120)).slice(0, 5);
}
"""
_FOCUSED = "() => document.activeElement.getAttribute('href') ?? ''"
_MOST_STEPS = 80
#: The first row of a list that leads anywhere: of a table, or of what stands one under another.
_FIRST = ".list-head ~ .table-wrap tbody a, .list-head ~ ol [data-row] a"


@pytest.fixture(scope="module")
def base(planned_world: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where the small world is served, its year issued, for all tests: they read, and change nothing."""
    folder = tmp_path_factory.mktemp("keys")
    shutil.copytree(planned_world, folder, dirs_exist_ok=True)
    line = CommandLine(f"sqlite:///{folder / 'os2tilslut.sqlite'}", folder).with_environ(**DEMO)
    world.issue(line)
    world.begin(line)
    with browser.served(line) as address:
        yield address


@pytest.fixture(
    scope="module", params=[WIDE, NARROW] if FULL else [NARROW], ids=["wide", "narrow"] if FULL else ["narrow"]
)
def people(request: pytest.FixtureRequest, base: str, chromium: Browser) -> dict[str, Visitor]:
    """A browser for each role that reads lists, at one width."""
    found = {}
    for role in ("finance", "auditor", "administrator"):
        found[role] = browser.visit(chromium, base, width=request.param)
        found[role].sign_in(role)
    return found


def press(visitor: Visitor, key: str) -> None:
    """Press a key wherever the focus is."""
    visitor.page.keyboard.press(key)


def tab_to(visitor: Visitor, part: str) -> str:
    """Press Tab until a link with a part in its address has the focus; give the address."""
    for _ in range(_MOST_STEPS):
        press(visitor, "Tab")
        address: str = visitor.page.evaluate(_FOCUSED)
        if part in address:
            return address
    raise AssertionError(f"{visitor.path}: no link with {part} is reached by Tab")


def shows_keys(visitor: Visitor) -> bool:
    """Tell whether the keys are shown."""
    return visitor.page.locator("#keys").is_visible()


def answers_keys(visitor: Visitor, *, searches: bool) -> list[str]:
    """Press `?`, Esc and `/`; give what does not come of it."""
    press(visitor, "?")
    opened = shows_keys(visitor)
    press(visitor, "Escape")
    closed = not shows_keys(visitor)
    press(visitor, "/")
    found = visitor.page.evaluate("document.activeElement.matches('[data-search]')")
    told = {"? shows no keys": opened, "Esc closes none": closed, "/ is wrong": found == searches}
    return [f"{visitor.path}: {words}" for words, is_right in told.items() if not is_right]


def unseen(visitor: Visitor) -> list[str]:
    """Give what is not seen to have the focus."""
    return [f"{visitor.path}: {each}" for each in visitor.page.evaluate(_UNSEEN)]


def search(visitor: Visitor, words: str) -> None:
    """Type what is searched for where the focus is."""
    visitor.page.keyboard.type(words)
    with visitor.page.expect_navigation():
        press(visitor, "Enter")
    assert f"q={words}" in visitor.page.url, visitor.page.url


def sort(visitor: Visitor, column: str) -> None:
    """Sort by a column, from the search on: the way over the main menu is long, and the same on every page."""
    press(visitor, "/")
    sorting = tab_to(visitor, f"sort={column}")
    with visitor.page.expect_navigation():
        press(visitor, "Enter")
    assert visitor.page.url.endswith(sorting), visitor.page.url


def reach_first(visitor: Visitor) -> None:
    """Go from the search to the first row."""
    press(visitor, "/")
    first = visitor.page.locator(_FIRST).first.get_attribute("href") or ""
    assert tab_to(visitor, first) == first, visitor.page.url


def test_every_list_is_searched_sorted_and_opened_by_keyboard_alone_and_shows_its_keys_and_the_focus(
    people: dict[str, Visitor],
) -> None:
    wrong = []

    for path, (role, words, column) in LISTS.items():
        visitor = people[role]
        visitor.go(path)
        wrong += answers_keys(visitor, searches=True)
        search(visitor, words)
        sort(visitor, column)
        reach_first(visitor)
        wrong += unseen(visitor)

    assert wrong == []


def test_pages_without_a_list_show_the_keys_and_the_focus_and_search_nothing(people: dict[str, Visitor]) -> None:
    wrong = []

    for path in OTHERS:
        visitor = people["finance"]
        visitor.go(path)
        wrong += [*answers_keys(visitor, searches=False), *unseen(visitor)]

    assert wrong == []


def test_the_keys_typed_into_a_field_are_letters(people: dict[str, Visitor]) -> None:
    visitor = people["finance"]
    visitor.go("/authorities")
    press(visitor, "/")

    visitor.page.keyboard.type("a/?")

    assert visitor.page.input_value("[data-search]") == "a/?"
    assert not shows_keys(visitor)
