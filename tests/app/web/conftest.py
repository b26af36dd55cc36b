"""Offices for the tests of pages: a year that was issued, and an empty house."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.app.web.office import Office, issue, office
from tests.command_line import CommandLine
from tests.conftest import Prepared
from tests.places import with_starter


@pytest.fixture
def issued(prepared: Prepared) -> CommandLine:
    """The command line on a database with two issued invoices."""
    return prepared(with_starter, issue)


@pytest.fixture
def desk(issued: CommandLine) -> Iterator[Office]:
    """A browser on that database."""
    with office(issued) as made:
        yield made


@pytest.fixture
def bare(empty: CommandLine) -> Iterator[Office]:
    """A browser on an empty house."""
    with office(empty) as made:
        yield made
