"""`payments` and `accounts statement`: what they print, and what they refuse."""

from __future__ import annotations

from datetime import date

import pytest

from tests.command_line import CommandLine
from tests.conftest import Prepared
from tests.paying import fik_of, payment, pays
from tests.places import with_starter
from tests.scenarios import files

ONE = files.starter()[0]
NUMBER = "2027-0001"
DAY = date(2027, 2, 10)


def _issued(line: CommandLine) -> None:
    line.done("settings", "import", line.write("seller.toml", files.SELLER))
    files.take_members(line, files.member(ONE.cvr))
    line.issue(2027)


@pytest.fixture
def line(prepared: Prepared) -> CommandLine:
    """One invoice of 31.250 kr., paid in part; and a stranger's payment."""
    made = prepared(with_starter, _issued).at("2027-02-20")
    pays(made, payment(1_000_000, DAY, fik_id=fik_of(NUMBER)), payment(5_000, DAY, payer="En Fremmed ApS"))
    return made


def test_a_dry_run_tells_and_writes_nothing_and_a_second_run_finds_nothing(line: CommandLine) -> None:
    dry = line.json("payments", "match", "--dry-run")
    told = line.done("payments", "match", "--by", "En Bogholder").out
    again = line.json("payments", "match")

    assert [each["certain"] for each in dry["payments"]] == [True, False]
    assert dry["payments"][0]["outcome"] == "partial"
    assert "1 betalinger er placeret, 10.000,00" in told
    assert "En Fremmed ApS" in told
    assert [each["outcome"] for each in again["payments"]] == ["unknown"]
    line.done("verify")


def test_a_round_of_what_comes_by_itself_places_what_is_certain(line: CommandLine) -> None:
    assert "Betalinger: 1 placeret, 1 venter" in line.done("work").out
    assert "Betalinger: intet at gøre" in line.done("work").out
    line.done("verify")


def test_the_list_tells_what_stands_on_the_clearing_account(line: CommandLine) -> None:
    listed = line.json("payments", "list")

    assert (listed["clearing_ore"], listed["since"], len(listed["payments"])) == (1_005_000, "2027-02-10", 2)
    assert "10.050,00" in line.done("payments", "list").out


def test_a_statement_of_account_tells_each_day_what_was_owed_on_it(line: CommandLine) -> None:
    line.done("payments", "match")

    before = line.json("accounts", "statement", ONE.cvr, "--on", "2027-02-09")
    after = line.json("accounts", "statement", ONE.cvr)

    assert (before["balance_ore"], after["balance_ore"]) == (3_125_000, 2_125_000)
    assert [(each["kind"], each["invoice"]) for each in after["movements"]] == [("invoice", NUMBER), ("match", NUMBER)]
    assert after["invoices"][0]["state"] == "overdue"
    assert after["invoices"][0]["barred_after"] == "2030-02-14"
    told = line.done("accounts", "statement", ONE.cvr).out
    assert "skylder 21.250,00" in told
    assert "forældes efter 14. februar 2030" in told


def test_a_statement_of_account_is_told_in_the_readers_language_and_names_each_invoice(line: CommandLine) -> None:
    line.done("payments", "match")

    told = line.with_environ(OS2TILSLUT_LANGUAGE="en").done("accounts", "statement", ONE.cvr).out

    issued, paid = (row.split("  ") for row in told.splitlines()[1:3])
    assert [cell.strip() for cell in issued if cell][1:4] == ["Invoice or credit note", NUMBER, f"Invoice {NUMBER}"]
    assert [cell.strip() for cell in paid if cell][1:3] == ["Payment", NUMBER]
    assert f"invoice {NUMBER}" in told and "faktura" not in told


@pytest.mark.parametrize("cvr", ["12345678", "ukendt", "' OR 1=1 --", "\u202e", "9" * 10_000, ""])
def test_a_cvr_number_that_nobody_has_is_refused(line: CommandLine, cvr: str) -> None:
    refused = line.run("accounts", "statement", cvr)

    assert refused.code == 1
    assert refused.err.startswith("Fejl: ")


@pytest.mark.parametrize("words", [("--on", "2027-02-30"), ("--on", "i dag"), ("--by", "x")])
def test_words_that_a_command_does_not_know_are_refused_before_anything_is_read(
    line: CommandLine, words: tuple[str, ...]
) -> None:
    assert line.run("accounts", "statement", ONE.cvr, *words).code == 2


def test_nobody_that_can_be_read_matches_nothing(line: CommandLine) -> None:
    assert line.run("payments", "match", "--by", "\u202e").code == 1
    assert line.json("payments", "list")["clearing_ore"] == 1_005_000
