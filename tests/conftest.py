"""The ground of the tests: a migrated database of each kind for every test that asks for one.

A database is made once for each worker and copied for each test: a file on SQLite, a template on PostgreSQL.
"""

from __future__ import annotations

import itertools
import os
import random
import shutil
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import settings

from tests import official_rules
from tests.command_line import CommandLine
from tests.official_rules import Rules
from tests.postgresql_server import PostgreSQLServer

FULL = os.environ.get("OS2TILSLUT_TEST_FULL") == "1"

#: What tests draw by chance follows from it: printed at the end, and given again to repeat a run. The controlling
#: process draws it, and its workers find it in their environment.
SEED = int(os.environ.setdefault("OS2TILSLUT_TEST_SEED", str(random.randrange(10**6))))

settings.register_profile("bounded", max_examples=50, deadline=None)
settings.register_profile("full", max_examples=1_000, deadline=None)
settings.load_profile("full" if FULL else "bounded")


#: Whose tests ask PostgreSQL one time in four in `make test`: what they call below is asked on both by its own tests.
_SAMPLED = (
    "tests/app/web/",
    "tests/app/api/",
    "tests/app/identity/",
    "tests/agreements/test_signing",
    "tests/app/test_seals",
)
#: Whoever asks for fewer tests than this has named them, and gets them all.
_ASKED_BY_NAME = 1_000


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave the long tests, and most of the second database's for pages and API, to `make test-full`, and say so."""
    if FULL:
        return
    for item in items:
        if item.get_closest_marker("full"):
            item.add_marker(pytest.mark.skip(reason="only in make test-full (OS2TILSLUT_TEST_FULL=1)"))
    left = [item for item in items if _is_left_to_full(item)]
    if left and len(items) > _ASKED_BY_NAME:
        config.hook.pytest_deselected(items=left)
        items[:] = [item for item in items if not _is_left_to_full(item)]


def _is_left_to_full(item: pytest.Item) -> bool:
    on = getattr(item, "callspec", None)
    is_second = on is not None and on.params.get("kind") == "postgresql"
    return is_second and item.nodeid.startswith(_SAMPLED) and zlib.crc32(item.nodeid.encode()) % 4 != 0


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Tell the seed, so that what failed by chance can fail again, which rules were not at hand, and what was left."""
    terminalreporter.write_line(f"OS2TILSLUT_TEST_SEED={SEED}")
    if not FULL:
        terminalreporter.write_line(
            "Pages, sign-in and API were asked on PostgreSQL one time in four; make test-full asks all."
        )
    if told := official_rules.notice():
        terminalreporter.write_line(told)


_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def postgresql() -> Iterator[PostgreSQLServer]:
    """A server of our own for this worker."""
    with PostgreSQLServer() as server:
        yield server


@dataclass(frozen=True)
class Template:
    """A migrated database with nothing in it (`empty`) or with the starter loaded (`starter`)."""

    kind: str
    content: str
    place: str  # a file, or the name of a template database


def _filled(line: CommandLine, content: str) -> None:
    line.done("db", "upgrade")
    if content == "starter":
        line.done("starter", "load")


@pytest.fixture(scope="session")
def templates(
    tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> dict[tuple[str, str], Template]:
    """The templates made so far, by kind and content; each is made when first asked for."""
    return {}


def _template(
    kind: str, content: str, known: dict[tuple[str, str], Template], request: pytest.FixtureRequest, folder: Path
) -> Template:
    if (kind, content) not in known:
        if kind == "sqlite":
            place = str(folder / f"{content}.sqlite")
            _filled(CommandLine(f"sqlite:///{place}", folder), content)
        else:
            place = f"template_{content}"
            server: PostgreSQLServer = request.getfixturevalue("postgresql")
            _filled(CommandLine(server.create(place), folder), content)
        known[kind, content] = Template(kind, content, place)
    return known[kind, content]


@pytest.fixture(params=["sqlite", "postgresql"])
def kind(request: pytest.FixtureRequest) -> str:
    """The kind of database a test runs on: each in turn."""
    return str(request.param)


def _copy(
    content: str,
    kind: str,
    known: dict[tuple[str, str], Template],
    request: pytest.FixtureRequest,
    folder: Path,
    templates_folder: Path,
) -> Iterator[CommandLine]:
    template = _template(kind, content, known, request, templates_folder)
    if kind == "sqlite":
        file = folder / "os2tilslut.sqlite"
        shutil.copy(template.place, file)
        yield CommandLine(f"sqlite:///{file}", folder)
        return
    server: PostgreSQLServer = request.getfixturevalue("postgresql")
    name = f"test_{next(_numbers)}"
    yield CommandLine(server.create(name, template.place), folder)
    server.drop(name)


@pytest.fixture(scope="session")
def templates_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the SQLite templates lie."""
    return tmp_path_factory.mktemp("templates")


@pytest.fixture
def empty(
    kind: str,
    templates: dict[tuple[str, str], Template],
    request: pytest.FixtureRequest,
    tmp_path: Path,
    templates_folder: Path,
) -> Iterator[CommandLine]:
    """The command line on a migrated database with nothing in it."""
    yield from _copy("empty", kind, templates, request, tmp_path, templates_folder)


@pytest.fixture
def starter(
    kind: str,
    templates: dict[tuple[str, str], Template],
    request: pytest.FixtureRequest,
    tmp_path: Path,
    templates_folder: Path,
) -> Iterator[CommandLine]:
    """The command line on a database with the starter loaded: real authorities, inhabitants, products and tables."""
    yield from _copy("starter", kind, templates, request, tmp_path, templates_folder)


@pytest.fixture(scope="session")
def rules(tmp_path_factory: pytest.TempPathFactory) -> Rules:
    """The rules of e-invoices that judge in this run: the official ones, or what a package brings of them."""
    return official_rules.rules(tmp_path_factory.mktemp("rules"))


@pytest.fixture(scope="session")
def rules_directory(rules: Rules) -> Path:
    """Where they lie, whole or reduced: for a test to which it does not matter what they find."""
    return rules.directory


@pytest.fixture(scope="session")
def whole_rules(rules: Rules) -> Path:
    """The publishers' own rules, every one: for a test that is about them."""
    rules.need("PEPPOL-", "F-")
    return rules.directory
