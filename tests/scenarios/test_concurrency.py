"""Eight processes at once: issuing, importing, adopting, approving, reading, with one rollback on purpose in ten.

However they meet, the numbers are 1..n and rise with the date, the result is that of one process alone, nobody sees
anything half-done, nothing stays locked, and whoever lost is told so. The seed stands in the test's name.
"""

from __future__ import annotations

import json
import re
import sqlite3
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import NullPool, create_engine, text
from sqlalchemy.orm import Session

from app import database as service_database
from tests.command_line import CommandLine
from tests.conftest import FULL
from tests.postgresql_server import PostgreSQLServer
from tests.scenarios import database, files, rivals

EIGHT = 8
SEEDS = range(10) if FULL else range(1)
FILES = 30 if FULL else 10  # of each importer
SHARE = 0.1  # of writing transactions are rolled back

CHANGED = "Læs planen igen|Læs den igen|er ikke godkendt"
EARLIER_DAY = "en faktura kan ikke dateres"
BUSY = "en anden skriver i databasen: prøv igen om lidt"


# --- eight processes


class Rivals:
    """Eight processes of `rivals.py`. Each takes one job at a time and answers it."""

    def __init__(self) -> None:
        self.processes = [_started() for _ in range(EIGHT)]
        self.pool = ThreadPoolExecutor(EIGHT)

    def start(self, line: CommandLine, jobs: Sequence[dict[str, Any]]) -> list[Any]:
        """Give each process its job; give their answers to be."""
        place = {"url": line.url, "folder": str(line.folder)}
        for process, job in zip(self.processes, jobs, strict=True):
            assert process.stdin is not None
            process.stdin.write(json.dumps(place | job) + "\n")
            process.stdin.flush()
        return [self.pool.submit(self._answer, process) for process in self.processes]

    def _answer(self, process: subprocess.Popen[str]) -> dict[str, Any]:
        assert process.stdout is not None and process.stderr is not None
        answer = process.stdout.readline()
        if not answer:
            raise AssertionError(process.stderr.read())
        found: dict[str, Any] = json.loads(answer)
        return found

    def race(self, line: CommandLine, seed: int, *words: object) -> list[tuple[int, str]]:
        """Let all eight give the same command at once; give each one's exit code and words."""
        spoken = [str(word) for word in words]
        jobs = [job("commands", seed + nth, commands=[spoken]) for nth in range(EIGHT)]
        answers = [answer.result(rivals.PATIENCE) for answer in self.start(line, jobs)]
        return [(code, said) for answer in answers for _, code, said in answer["ends"]]

    def end(self) -> list[int]:
        """Close their input; each ends by itself. Give their exit codes."""
        for process in self.processes:
            assert process.stdin is not None
            process.stdin.close()
        try:
            return [process.wait(timeout=30) for process in self.processes]
        finally:
            for process in self.processes:
                process.kill()


def _started() -> subprocess.Popen[str]:
    command = [sys.executable, "-m", rivals.__name__]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, text=True, stdin=pipe, stdout=pipe, stderr=pipe)


def job(kind: str, seed: int, **more: Any) -> dict[str, Any]:
    """Describe a job for `rivals.py`."""
    return {"kind": kind, "seed": seed, "share": SHARE, **more}


@pytest.fixture(scope="module")
def eight() -> Iterator[Rivals]:
    """Start eight processes for this module's tests; at the end each of them ends by itself."""
    started = Rivals()
    yield started
    assert started.end() == [0] * EIGHT


# --- what holds in the end


def assert_nothing_stays_locked(line: CommandLine, request: pytest.FixtureRequest) -> None:
    """Nobody holds a lock or an open transaction, and there was no deadlock."""
    if line.url.startswith("sqlite"):
        with sqlite3.connect(line.url.removeprefix("sqlite:///"), timeout=0) as connection:
            connection.execute("BEGIN EXCLUSIVE")
            connection.rollback()
        connection.close()
        return
    server: PostgreSQLServer = request.getfixturevalue("postgresql")
    assert "deadlock" not in (server.folder / "log").read_text(encoding="utf-8", errors="replace")
    others = "datname = current_database() AND pid <> pg_backend_pid()"
    assert database.column(line, f"SELECT state FROM pg_stat_activity WHERE {others}") == []
    held = "SELECT mode FROM pg_locks JOIN pg_database ON oid = database WHERE datname = current_database()"
    assert database.column(line, f"{held} AND pid <> pg_backend_pid()") == []


def assert_numbers_are_whole(line: CommandLine, count: int) -> None:
    """The numbers are 1..n, rise with the date, and the counter stands at n."""
    with line.session() as session:
        issued = session.execute(text("SELECT number, issued_on FROM invoice ORDER BY sequence")).all()
        counters = session.execute(text("SELECT last_number, last_on FROM invoice_series")).all()
    days = [str(row.issued_on) for row in issued]
    assert [row.number for row in issued] == [f"2027-{nth:04}" for nth in range(1, count + 1)]
    assert days == sorted(days)
    assert [(row.last_number, str(row.last_on)) for row in counters] == [(count, days[-1])]


def assert_result_is_that_of_one_process(line: CommandLine) -> None:
    """What was issued is what a run on the facts of the end gives; the rehearsal's book, where nothing is issued yet,
    plans just that.
    """
    alone = line.json("billing", "plan", 2027, "--rehearsal")["invoices"]
    with line.session() as session:
        rows = session.execute(
            text(
                "SELECT a.cvr, l.kind, COALESCE(l.product, ''), l.product_ore, l.association_ore, l.vat_ore, l.reason "
                "FROM invoice_line l JOIN authority a ON a.id = l.authority_id WHERE l.book = 'real'"
            )
        ).all()
    issued = sorted((*row[:6], json.dumps(json.loads(row.reason), sort_keys=True)) for row in rows)
    assert issued == sorted(
        (
            invoice["authority"]["cvr"], each["kind"], each["product"] or "", each["parts"]["product_ore"],
            each["parts"]["association_ore"], each["vat_ore"], json.dumps(each["reason"], sort_keys=True),
        )
        for invoice in alone
        for each in invoice["lines"]
    )  # fmt: skip


# --- everything at once


def ground(line: CommandLine) -> None:
    """Make what the importers and adopters work on: products without a table, municipalities without inhabitants."""
    new = [f"Ny{nth}" for nth in range(5)]
    files.take(line, "products", files.PRODUCTS, [{"product": product} for product in new])
    uncounted = files.cvrs(FILES)
    files.take_authorities(line, *(files.municipality(cvr, f"{900 + nth}") for nth, cvr in enumerate(uncounted)))
    files.take_agreements(line, *(files.agreement(cvr) for cvr in uncounted))


def importing(line: CommandLine, register: str, header: Sequence[str], rows: Sequence[files.Row]) -> list[list[str]]:
    """Write one file for each row; give the commands that import them."""
    return [
        [register, "import", str(line.write(f"{register}-{row['cvr' if 'cvr' in row else 'kommunekode']}.csv",
                                            files.text(header, [row])))]
        for row in rows
    ]  # fmt: skip


def adopting(line: CommandLine) -> list[list[str]]:
    """Write tables, of which five price what is agreed already; give the commands that adopt them."""
    tables = [files.fee_table(f"Ny{nth}", f"annual_fee = {1000 + nth}") for nth in range(5)]
    tables += [files.fee_table(f"Senere{nth}", "annual_fee = 1", valid_from="2028-01-01") for nth in range(FILES - 5)]
    return [
        ["fee-tables", "adopt", str(line.write(f"new{nth}.toml", words)), "--by", "Styregruppen"]
        for nth, words in enumerate(tables)
    ]


def everyones_jobs(line: CommandLine, seed: int, quiet: Path) -> list[dict[str, Any]]:
    """Give five processes files to bring in, two the issuing, one the looking."""
    known = files.starter()
    kitos = [files.agreement(each.cvr, "OS2kitos") for each in known[:FILES]]
    new = [files.agreement(each.cvr, f"Ny{nth % 5}") for nth, each in enumerate(known[30 : 30 + FILES])]
    members = [files.member(each.cvr) for each in known[60 : 60 + FILES]]
    counted = [files.inhabitants(f"{900 + nth}", 2026, 24_990 + 4 * nth) for nth in range(FILES)]
    bringing = [
        importing(line, "agreements", files.AGREEMENTS, kitos),
        importing(line, "agreements", files.AGREEMENTS, new),
        importing(line, "members", files.MEMBERS, members),
        importing(line, "population", files.POPULATION, counted),
        adopting(line),
    ]
    return [
        *(job("commands", 100 * seed + nth, commands=brought) for nth, brought in enumerate(bringing)),
        job("issue", 100 * seed + 10, quiet=str(quiet), as_program=False),
        job("issue", 100 * seed + 11, quiet=str(quiet), as_program=FULL),
        job("look", 100 * seed + 12, quiet=str(quiet)),
    ]


@pytest.mark.parametrize("seed", SEEDS)
def test_eight_processes_at_once_leave_one_result(
    seed: int, eight: Rivals, starter: CommandLine, request: pytest.FixtureRequest
) -> None:
    ground(starter)
    quiet = starter.folder / "quiet"

    answers = eight.start(starter, everyones_jobs(starter, seed, quiet))
    brought = [answer.result(rivals.PATIENCE) for answer in answers[:5]]
    quiet.touch()
    rest = [answer.result(rivals.PATIENCE) for answer in answers[5:]]

    for answer in brought:
        assert [(code, said) for _, code, said in answer["ends"] if code] == []
    for answer in rest[:2]:
        lost = [(name, code, said) for name, code, said in answer["ends"] if code]
        assert all(code == 1 and re.search(f"{CHANGED}|{EARLIER_DAY}", said) for _, code, said in lost), lost
    assert [(name, said) for name, code, said in rest[2]["ends"] if code] == []
    forced = sum(answer["forced"] for answer in (*brought, *rest))
    print(f"seed {seed}: {forced} rollbacks, {Counter(n for a in (*brought, *rest) for n, _, _ in a['ends'])}")
    assert forced > 0
    starter.issue(2027, "--on", "2027-02-01")
    assert_numbers_are_whole(starter, 4 * FILES)
    assert_result_is_that_of_one_process(starter)
    assert_nothing_stays_locked(starter, request)
    starter.done("verify")


# --- the same by everyone


def test_eight_that_do_the_same_do_it_once(eight: Rivals, starter: CommandLine, request: pytest.FixtureRequest) -> None:
    table = starter.write("ny.toml", files.fee_table("Ny", "annual_fee = 100"))
    rows = [files.agreement(each.cvr, "Ny") for each in files.starter()[:23]]

    adopted = eight.race(starter, 1, "fee-tables", "adopt", table)
    file = starter.write("agreements.csv", files.text(files.AGREEMENTS, rows))
    imported = eight.race(starter, 2, "agreements", "import", file)
    digest = starter.json("billing", "plan", 2027)["digest"]
    approved = eight.race(starter, 3, "billing", "approve", 2027, "--digest", digest, "--by", "En Godkender")
    issued = eight.race(starter, 4, "billing", "issue", 2027)

    for first, others, ends in (
        ("ny.toml: vedtaget", "var allerede vedtaget", adopted),
        ("23 nye, 0 ændret, 0 uændret", "0 nye, 0 ændret, 23 uændret", imported),
        ("23 fakturaer på", "var allerede godkendt", approved),
    ):
        assert [code for code, _ in ends] == [0] * EIGHT, ends
        assert sum(first in said for _, said in ends) == 1, ends
        assert sum(others in said for _, said in ends) == EIGHT - 1, ends
    assert [code for code, _ in issued] == [0] * EIGHT, issued
    assert database.column(starter, "SELECT count(*) FROM adopted_table WHERE product = 'Ny'") == [1]
    assert database.count(starter, "plan_approval") == 1 and database.count(starter, "approved_invoice") == 23
    assert database.count(starter, "rendering") == 69
    assert_numbers_are_whole(starter, 23)
    assert_result_is_that_of_one_process(starter)
    assert_nothing_stays_locked(starter, request)
    starter.done("verify")


def test_of_eight_tables_for_one_day_one_is_adopted_and_the_others_are_told(
    eight: Rivals, starter: CommandLine, request: pytest.FixtureRequest
) -> None:
    tables = [starter.write(f"{n}.toml", files.fee_table("Ny", f"annual_fee = {n}")) for n in range(1, EIGHT + 1)]
    jobs = [job("commands", nth, commands=[["fee-tables", "adopt", str(table)]]) for nth, table in enumerate(tables)]

    ends = [answer.result(rivals.PATIENCE)["ends"][0] for answer in eight.start(starter, jobs)]

    assert sorted(code for _, code, _ in ends) == [0] + [1] * (EIGHT - 1), ends
    assert sum("to tabeller for samme dag" in said for _, _, said in ends) == EIGHT - 1
    assert_nothing_stays_locked(starter, request)
    starter.done("verify")


# --- who lost


@contextmanager
def writer(line: CommandLine) -> Iterator[Session]:
    """Hold the writer's lock, as a command in the middle of its work does."""
    engine = create_engine(line.url, poolclass=NullPool)
    service_database.prepare(engine)
    with Session(engine) as session:
        session.connection(execution_options={"os2tilslut_writes": True})
        yield session
        session.rollback()
    engine.dispose()


def test_who_waits_too_long_for_another_writer_is_told_and_writes_nothing(
    starter: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service_database, "WRITER_PATIENCE", 1)
    files.take_agreements(starter, files.agreement(files.starter()[0].cvr, "OS2kitos"))
    digest = starter.approve(2027)
    file = starter.write("members.csv", files.text(files.MEMBERS, [files.member(files.starter()[0].cvr)]))
    table = starter.write("ny.toml", files.fee_table("Ny", "annual_fee = 100"))
    before = database.dump(starter)

    with writer(starter):
        ends = [
            starter.run(*words)
            for words in (
                ("members", "import", file),
                ("fee-tables", "adopt", table),
                ("billing", "approve", 2027, "--digest", digest, "--by", "En Godkender"),
                ("billing", "issue", 2027),
            )
        ]

    assert [end.code for end in ends] == [3] * 4, ends
    assert all(BUSY in end.err and "Traceback" not in end.err for end in ends), ends
    assert database.dump(starter) == before
    starter.done("billing", "issue", 2027)


def test_readers_wait_for_no_writer_and_see_nothing_of_its_work(
    starter: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service_database, "WRITER_PATIENCE", 1)
    files.take_agreements(starter, files.agreement(files.starter()[0].cvr, "OS2kitos"))
    before = starter.json("billing", "plan", 2027)
    folder = starter.folder / "documents"

    with writer(starter) as session:
        session.execute(text("UPDATE agreement SET gln = NULL"))
        meanwhile = starter.json("billing", "plan", 2027)
        starter.done("verify")
        starter.done("billing", "export", 2027, folder)
        starter.done("db", "backup", starter.folder / "backup")

    assert meanwhile == before
