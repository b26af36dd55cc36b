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


@pytest.fixture(scope="module")
def base(planned_world: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where the small world is served, its year issued, for all tests: they read, and change nothing."""
    folder = tmp_path_factory.mktemp("keys")
    shutil.copytree(planned_world, folder, dirs_exist_ok=True)
    line = CommandLine(f"sqlite:///{folder / 'os2tilslut.sqlite'}", folder).with_environ(**DEMO)
    world.issue(line)
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


def test_the_keys_are_shown_and_closed_on_every_page_and_search_gets_the_focus_where_there_is_one(
    people: dict[str, Visitor],
) -> None:
    wrong = []

    for path, role in [*((path, told[0]) for path, told in LISTS.items()), *((path, "finance") for path in OTHERS)]:
        visitor = people[role]
        visitor.go(path)
        press(visitor, "?")
        opened = shows_keys(visitor)
        press(visitor, "Escape")
        closed = not shows_keys(visitor)
        press(visitor, "/")
        searches = visitor.page.evaluate("document.activeElement.matches('[data-search]')")
        if (opened, closed, searches) != (True, True, path in LISTS):
            wrong.append((path, opened, closed, searches))

    assert wrong == []


def test_the_keys_typed_into_a_field_are_letters(people: dict[str, Visitor]) -> None:
    visitor = people["finance"]
    visitor.go("/authorities")
    press(visitor, "/")

    visitor.page.keyboard.type("a/?")

    assert visitor.page.input_value("[data-search]") == "a/?"
    assert not shows_keys(visitor)


def test_every_list_is_searched_sorted_and_opened_by_keyboard_alone(people: dict[str, Visitor]) -> None:
    for path, (role, words, column) in LISTS.items():
        visitor = people[role]
        visitor.go(path)
        press(visitor, "/")
        visitor.page.keyboard.type(words)
        with visitor.page.expect_navigation():
            press(visitor, "Enter")
        assert f"q={words}" in visitor.page.url, path

        sorting = tab_to(visitor, f"sort={column}")
        with visitor.page.expect_navigation():
            press(visitor, "Enter")
        assert visitor.page.url.endswith(sorting), path

        press(visitor, "/")
        first = visitor.page.locator(".table-wrap tbody a").first.get_attribute("href") or ""
        assert tab_to(visitor, first) == first, path


def test_whatever_has_the_focus_is_seen_to_have_it(people: dict[str, Visitor]) -> None:
    unseen = {}

    for path, role in [*((path, told[0]) for path, told in LISTS.items()), *((path, "finance") for path in OTHERS)]:
        people[role].go(path)
        if found := people[role].page.evaluate(_UNSEEN):
            unseen[path] = found

    assert unseen == {}
