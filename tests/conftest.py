"""The ground of the tests: a migrated database of each kind for every test that asks for one.

A database is made once for each worker and copied for each test: a file on SQLite, a template on PostgreSQL.
"""

from __future__ import annotations

import gc
import os
import random
import shutil
import zlib
from collections.abc import Callable, Collection, Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from tests import compiled_templates, official_rules, shared_routes, shared_statements
from tests.command_line import CommandLine
from tests.official_rules import Rules
from tests.places import Fill, Places, structure, with_starter
from tests.postgresql_server import PostgreSQLServer

FULL = os.environ.get("OS2TILSLUT_TEST_FULL") == "1"

#: What tests draw by chance follows from it: printed at the end, and given again to repeat a run. The controlling
#: process draws it, and its workers find it in their environment.
SEED = int(os.environ.setdefault("OS2TILSLUT_TEST_SEED", str(random.randrange(10**6))))

settings.register_profile("bounded", max_examples=30, deadline=None)
settings.register_profile("full", max_examples=1_000, deadline=None)
settings.load_profile("full" if FULL else "bounded")
compiled_templates.share()
shared_routes.share()
shared_statements.share()


#: A file in memory needs no disk to be synced. Not where little of it is given to us, as in some containers.
_MEMORY = Path("/dev/shm")
_GIB = 1024**3


def _has_memory(room: int) -> bool:
    """Tell whether files may lie in memory that take a good part of so many bytes."""
    return _MEMORY.is_dir() and os.access(_MEMORY, os.W_OK) and shutil.disk_usage(_MEMORY).free > room


if _has_memory(2 * _GIB):  # a run takes less than a tenth
    os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(_MEMORY))

#: Where servers of PostgreSQL lie. A database is nine hundred files, 13 MB in all, and a worker makes some hundred of
#: them: on a disk that takes four times the processor's time.
SERVERS = _MEMORY if _has_memory(8 * _GIB) else Path("/tmp")

#: What takes longest begins first, so that in the end no worker waits for the other.
_LONGEST = ("tests/scenarios/test_state_machine.py", "tests/stories/test_pages.py", "tests/scenarios/test_crash.py")


def pytest_collection_finish() -> None:
    """Look no more for rubbish in what was imported and collected: it stays. `app` says how often to look for more."""
    gc.freeze()


#: Where a case is asked on one database in `make test`, and on both in `make test-full`: one in so many on PostgreSQL,
#: the others on SQLite. They are many of one kind, over rooms whose own tests ask both.
_ON_ONE = {
    "tests/scenarios/test_tampering.py": 5, "tests/scenarios/test_deliveries.py": 3,
    "tests/scenarios/test_reminders.py": 3, "tests/scenarios/test_credits.py": 2,
    "tests/scenarios/test_background.py": 2, "tests/scenarios/test_hostile_files.py": 2,
    "tests/scenarios/test_four_eyes.py": 2, "tests/scenarios/test_heads.py": 2,
    "tests/scenarios/test_payments.py": 2, "tests/scenarios/test_crash.py": 2, "tests/scenarios/test_issue.py": 2,
    "tests/scenarios/test_clock.py": 2, "tests/scenarios/test_problems.py": 2, "tests/scenarios/test_plan.py": 2,
    "tests/scenarios/test_payment_years.py": 2, "tests/scenarios/test_closed_books.py": 2,
    "tests/scenarios/test_signed_agreements.py": 2, "tests/scenarios/test_overview.py": 2,
    "tests/scenarios/test_explain.py": 2, "tests/scenarios/test_documents.py": 2, "tests/scenarios/test_gate.py": 2,
    "tests/scenarios/test_verify.py": 2, "tests/scenarios/test_costs.py": 2, "tests/foundation/": 2,
    "tests/app/test_": 2, "tests/app/web/": 4, "tests/app/cli/": 2, "tests/app/identity/": 2,
    "tests/app/api/test_hostile.py": 3, "tests/app/api/test_access.py": 2,
    "tests/app/api/test_funds.py": 2, "tests/app/adapters/": 2,
    "tests/app/api/test_journeys.py": 2,
    "tests/agreements/": 2,
    "tests/billing/": 2,
}  # fmt: skip


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Begin with what takes longest; leave what is marked `full` to `make test-full`, and say so.

    What is asked on one database only is told as deselected.
    """
    known = {item.nodeid for item in items}
    left = set() if FULL else {item for item in items if _is_left_to_full(item, known)}
    if left:
        items[:] = [item for item in items if item not in left]
        config.hook.pytest_deselected(items=list(left))
    items.sort(key=lambda item: not item.nodeid.startswith(_LONGEST))
    for item in items:
        if not FULL and item.get_closest_marker("full"):
            item.add_marker(pytest.mark.skip(reason="only in make test-full (OS2TILSLUT_TEST_FULL=1)"))


def _is_left_to_full(item: pytest.Item, all_of_them: Collection[str]) -> bool:
    """Tell whether a case is asked on the other database only; one that is of one database alone is always asked."""
    one_in = next((number for path, number in _ON_ONE.items() if item.nodeid.startswith(path)), None)
    of, _, case = item.nodeid.removesuffix("]").partition("[")
    parts = case.split("-")
    at = next((at for at in (0, -1) if parts[at] in ("sqlite", "postgresql")), None)
    if one_in is None or at is None:
        return False
    kind, other = parts[at], "sqlite" if parts[at] == "postgresql" else "postgresql"
    parts[at] = other
    if f"{of}[{'-'.join(parts)}]" not in all_of_them:
        return False
    del parts[at]
    return (kind == "postgresql") != (zlib.crc32(f"{item.name.partition('[')[0]}{parts}".encode()) % one_in == 0)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Tell the seed, so that what failed by chance can fail again, and which rules were not at hand."""
    terminalreporter.write_line(f"OS2TILSLUT_TEST_SEED={SEED}")
    if told := official_rules.notice():
        terminalreporter.write_line(told)


@pytest.fixture(scope="session")
def postgresql() -> Iterator[PostgreSQLServer]:
    """A server of our own for this worker. Its tables are small and short-lived: they need no housekeeping."""
    settings = {"jit": "off", "autovacuum": "off", "max_wal_size": "256MB"}  # its log, too, lies in memory
    with PostgreSQLServer(settings, SERVERS) as server:
        yield server


@pytest.fixture(params=["sqlite", "postgresql"])
def kind(request: pytest.FixtureRequest) -> str:
    """The kind of database a test runs on: each in turn."""
    return str(request.param)


@pytest.fixture(scope="session")
def places(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Places:
    """The databases that this worker has made so far."""
    return Places(tmp_path_factory.mktemp("places"), lambda: request.getfixturevalue("postgresql"))


@pytest.fixture
def copies(places: Places, tmp_path: Path) -> Iterator[list[CommandLine]]:
    """The databases copied for this test. They go when it has ended, and the folder they lie in goes after them."""
    made: list[CommandLine] = []
    yield made
    for line in made:
        places.drop(line)


Prepared = Callable[..., CommandLine]


@pytest.fixture
def prepared(kind: str, places: Places, copies: list[CommandLine], tmp_path: Path) -> Prepared:
    """Gives the command line on a migrated database that went through some fills (tests/places.py)."""

    def copy(*fills: Fill, **environ: str) -> CommandLine:
        assert not copies, "a test has one database, in its own folder"
        copies.append(places.copy(tmp_path, kind, structure, *fills, environ=environ))
        return copies[-1]

    return copy


@pytest.fixture
def empty(prepared: Prepared) -> CommandLine:
    """The command line on a migrated database with nothing in it."""
    return prepared()


@pytest.fixture
def starter(prepared: Prepared) -> CommandLine:
    """The command line on a database with the starter loaded: real authorities, inhabitants, products and tables."""
    return prepared(with_starter)


@pytest.fixture(scope="session")
def rules(tmp_path_factory: pytest.TempPathFactory) -> Rules:
    """The rules of e-invoices that judge in this run: the official ones, or what a package brings of them."""
    return official_rules.rules(tmp_path_factory.mktemp("rules"))


@pytest.fixture(scope="session")
def rules_directory(rules: Rules) -> Path:
    """Where they lie, whole or reduced: for a test to which it does not matter what they find."""
    return rules.directory


@pytest.fixture(scope="session")
def small_rules(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Rules that find nothing and compile at once: for a test of what is done with packs, whatever is in them."""
    folder = tmp_path_factory.mktemp("small_rules")
    official_rules.lay_out(folder, small=True)
    return folder


@pytest.fixture(scope="session")
def whole_rules(rules: Rules) -> Path:
    """The publishers' own rules, every one: for a test that is about them."""
    rules.need("PEPPOL-", "F-")
    return rules.directory
