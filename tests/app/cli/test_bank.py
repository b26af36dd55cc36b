"""`os2tilslut bank`: files by name, tried or taken in, and 40 MB within 256 MiB."""

from __future__ import annotations

import json
import resource
from pathlib import Path

import pytest

from app import bank_demonstration
from app.bank_demonstration import Moved
from tests import bank_files, bounded
from tests.bank_files import NORDEA, day, paid, statement
from tests.command_line import CommandLine

MOST_MEMORY = 256 * 1024 * 1024

#: The reading is the same on either database; what is kept is tried on both in tests/billing/test_bank.py.
pytestmark = pytest.mark.parametrize("kind", ["sqlite"], indirect=True)


def file(line: CommandLine, name: str, content: bytes) -> Path:
    """Write a bank file."""
    place = line.folder / name
    place.write_bytes(content)
    return place


@pytest.mark.skipif(not NORDEA.exists(), reason="the bank's example is not here: ../shared")
def test_a_bank_s_example_is_tried_taken_in_and_listed(empty: CommandLine) -> None:
    tried = empty.done("bank", "import", "--try", NORDEA).out
    before = json.loads(empty.done("bank", "list", "--json").out)
    taken = empty.done("bank", "import", NORDEA).out
    again = empty.done("bank", "import", NORDEA).out
    after = json.loads(empty.done("bank", "list", "--json").out)

    assert "8 nye posteringer" in tried and "intet er gemt" in tried
    assert before == {"latest_day": None, "statements": []}
    assert "8 nye posteringer" in taken
    assert "intet nyt" in again
    assert (after["latest_day"], after["statements"][0]["transactions"]) == ("2020-09-24", 8)


def test_five_payments_imported_twice_are_five_payments(empty: CommandLine) -> None:
    """PV-094: five payments of 710,82 in all; the second import adds none."""
    moved = [paid(0, ore, f"{ore}") for ore in (10_000, 20_000, 15_082, 25_000, 1_000)]
    name = file(empty, "betalinger.xml", statement("1", 0, moved, 0, 6))

    first, second = empty.done("bank", "import", name).out, empty.done("bank", "import", name).out

    assert "5 nye posteringer" in first and "ind 710,82 kr." in first.replace("\u00a0", " ")
    assert "er taget ind før; intet nyt" in second


def test_files_in_any_order_are_taken_in_together_or_not_at_all(empty: CommandLine) -> None:
    names = [
        file(empty, f"{nth}.xml", statement(f"{nth}", 100 * nth, [paid(7 * nth, 100, f"{nth}")], 7 * nth, 7 * nth + 6))
        for nth in range(4)
    ]

    gap = empty.run("bank", "import", names[0], names[2])
    all_of_them = empty.run("bank", "import", *reversed(names))

    assert gap.code == 1 and "2.xml: kontoudtog 2" in gap.err and "mangler" in gap.err
    assert all_of_them.code == 0
    assert len(json.loads(empty.done("bank", "list", "--json").out)["statements"]) == 4


def test_a_csv_comes_with_its_mapping(empty: CommandLine) -> None:
    mapping = empty.write("bank.toml", 'account = "1"\n[columns]\nbooked_on = "D"\namount = "B"\nbalance = "S"\n')
    name = file(empty, "bank.csv", b"D;B;S\n01-03-2027;1,00;1,00\n")

    assert empty.run("bank", "import", name).code == 1
    assert "1 nye posteringer" in empty.done("bank", "import", name, "--mapping", mapping).out


@pytest.mark.parametrize("content", [b"", b"<a>", b"\0" * 100, b"<!DOCTYPE a>" * 10])
def test_whatever_is_no_bank_file_is_refused_by_name(empty: CommandLine, content: bytes) -> None:
    refused = empty.run("bank", "import", file(empty, "fil.xml", content))

    assert refused.code == 1
    assert refused.err.startswith("Fejl: fil.xml: ")


def _large(most: int) -> bytes:
    moved = [
        Moved(
            day(nth % 28), 100 + nth, f"R{nth}", message=(f"Faktura 2027-{nth:05d}", "x" * 9_000), payer="Vejle Kommune"
        )
        for nth in range(most // 9_535)
    ]
    return bank_demonstration.statement("stor", 0, moved, day(0), day(30))


@pytest.fixture(scope="session")
def large() -> bytes:
    """A file of almost 40 MB."""
    return _large(40 * 1024 * 1024)


@pytest.fixture
def within(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a process have so much memory, and time on a machine with other work."""
    monkeypatch.setattr(bounded, "PATIENCE", 600)
    monkeypatch.setattr(bounded, "_limit", lambda: resource.setrlimit(resource.RLIMIT_DATA, (MOST_MEMORY,) * 2))


@pytest.mark.usefixtures("within")
def test_forty_megabytes_are_taken_in_within_256(empty: CommandLine, large: bytes) -> None:
    taken = bounded.run(empty, "bank", "import", file(empty, "stor.xml", large))

    count = large.count(b"<Ntry>")
    assert 39 * 1024 * 1024 < len(large) <= 40 * 1024 * 1024
    assert (taken.code, taken.err) == (0, "")
    assert f"{count} nye posteringer" in taken.out
    assert taken.peak < 256, taken.peak
    assert len(bank_files.rows(empty)) == count


@pytest.mark.usefixtures("within")
def test_forty_megabytes_come_by_program_and_in_the_browser_within_256(empty: CommandLine, large: bytes) -> None:
    taken = bounded.run(empty, file(empty, "stor.xml", large), module="tests.bank_uploads")

    assert (taken.code, taken.err) == (0, "")
    (program, answer), (shown, page), (kept, listed) = json.loads(taken.out.splitlines()[-1])
    assert (program, json.loads(answer)["new"]) == (201, large.count(b"<Ntry>"))
    assert (shown, "stor.xml: er taget ind før; intet nyt" in page) == (200, True)
    assert (kept, "stor.xml: er taget ind før; intet nyt" in listed) == (303, True)
    assert taken.peak < 256, taken.peak
