"""Places for the tests of pages: a year that was issued, an empty house, agreements on their way."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests import world
from tests.app.identity.conftest import people
from tests.app.identity.provider import Local, served
from tests.app.web.agreed import Place, line_of
from tests.app.web.desks import Desk, issue, opened
from tests.command_line import CommandLine
from tests.conftest import Prepared
from tests.places import with_starter


@pytest.fixture
def issued(prepared: Prepared) -> CommandLine:
    """The command line on a database with two issued invoices."""
    return prepared(with_starter, issue)


@pytest.fixture
def desk(issued: CommandLine) -> Iterator[Desk]:
    """A browser on that database."""
    with opened(issued) as made:
        yield made


@pytest.fixture
def bare(empty: CommandLine) -> Iterator[Desk]:
    """A browser on an empty house."""
    with opened(empty) as made:
        yield made


@pytest.fixture(scope="session")
def made_world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the small world with its offers."""
    folder = tmp_path_factory.mktemp("agreements")
    line = line_of(folder)
    world.fill(line)
    world.agree(line)
    return folder


@pytest.fixture
def place(made_world: Path, tmp_path: Path) -> Iterator[Place]:
    """A copy of that world, with a provider of identities that knows its people."""
    shutil.copytree(made_world, tmp_path, dirs_exist_ok=True)
    provider = Local()
    with ExitStack() as running:
        running.enter_context(served(provider.make))
        line = line_of(tmp_path).with_environ(**provider.environ)
        people(line)
        yield Place(line, running.enter_context(world.made(line)))
