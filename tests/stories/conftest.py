"""What the stories share: a browser for each module, and the small world, made once and copied for each story."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from app.agreement_demonstration import Way
from tests import browser, world
from tests.browser import Visitor
from tests.command_line import CommandLine

#: Where a story is set: the demonstration, so that every page says that its data are made up.
DEMO = {"OS2TILSLUT_ENV": "demo"}


# Not for the whole session: while it lives, no other test of this process could run an event loop of its own.
@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """A browser, running."""
    with browser.chromium() as running:
        yield running


def _place(folder: Path) -> CommandLine:
    return CommandLine(f"sqlite:///{folder / 'os2tilslut.sqlite'}", folder).with_environ(**DEMO)


@pytest.fixture(scope="session")
def planned_world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the small world, whose year is to be planned."""
    folder = tmp_path_factory.mktemp("planned")
    world.fill(_place(folder))
    return folder


@pytest.fixture
def planned(planned_world: Path, tmp_path: Path) -> CommandLine:
    """The command line on a copy of the small world."""
    shutil.copytree(planned_world, tmp_path, dirs_exist_ok=True)
    return _place(tmp_path)


# Made before a browser runs: while one does, no other event loop can run in this thread, and sealing has one.
@pytest.fixture(scope="session")
def agreed_world(planned_world: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the small world with agreements on their way, and a made-up key to seal with."""
    folder = tmp_path_factory.mktemp("agreed")
    shutil.copytree(planned_world, folder, dirs_exist_ok=True)
    line = _place(folder)
    world.agree(line, Way(world.AALBORG, "OS2valghalla", ("signatory-aalborg",)))
    line.done("signing", "rotate", "--made-up")
    return folder


@pytest.fixture
def issued(planned: CommandLine) -> CommandLine:
    """The command line on a copy of the small world, whose year is issued."""
    world.issue(planned)
    return planned


Visit = Callable[..., Visitor]


@pytest.fixture
def visits(chromium: Browser) -> Iterator[Visit]:
    """Gives browsers of their own to people; no browser may have complained in the end."""
    visitors: list[Visitor] = []

    def visit(base: str, **options: object) -> Visitor:
        visitors.append(browser.visit(chromium, base, **options))  # type: ignore[arg-type]
        return visitors[-1]

    yield visit
    for visitor in visitors:
        visitor.page.context.close()
    assert [complaint for visitor in visitors for complaint in visitor.complaints] == []


@pytest.fixture
def served() -> Iterator[Callable[[CommandLine], str]]:
    """Serves places until the story ends; gives their addresses."""
    with ExitStack() as running:
        yield lambda line: running.enter_context(browser.served(line))
