"""Checking and adopting tables: each fault with file, line and reason; adopted is immutable; all or none."""

from __future__ import annotations

import pytest

from tests.command_line import CommandLine
from tests.scenarios import database, files

BANDED = "annual_fee = { small = 1, medium = 2, large = 3, very_large = 4 }"
SIZE_KEY = """
size_key = "En anden"
valid_from = 2026-01-01
decided_on = 2025-05-01
decided_by = "generalforsamlingen"
bands = [
    { band = "small", below = 25000 },
    { band = "medium", from = 25000, up_to = 60000 },
    { band = "large", up_to = 120000 },
    { band = "very_large" },
]
"""

#: A text, the line of the fault (counted from 1), and a word of its reason.
WRONG = [
    (SIZE_KEY.replace("from = 25000", "from = 25001"), 8, "hul"),  # PV-003
    (SIZE_KEY.replace("from = 25000", "from = 24000"), 8, "overlap"),  # PV-019
    (SIZE_KEY.replace('"very_large" }', '"very_large", up_to = 200000 }'), 10, "hul foroven"),  # PV-020
    (SIZE_KEY.replace("below = 25000", "below = 25000.5"), 7, "helt tal"),
    (SIZE_KEY.replace('"large", up_to = 120000', '"medium", up_to = 120000'), 9, "to gange"),
    (SIZE_KEY.replace("up_to = 60000", "upto = 60000"), 8, "upto"),
    (files.fee_table("A", "annual_fee = 100.5"), 6, "kommatal"),
    (files.fee_table("A", "annual_fee = -1"), 6, "negativt"),
    (files.fee_table("A", "annual_fee = 100", "speling = true"), 7, "ukendt nøgle"),
    (files.fee_table("A", "annual_fee = { small = 1, medium = 2, large = 3 }"), 6, "very_large mangler"),
    (files.fee_table("A", BANDED.replace("very_large", "enormous")), 6, "enormous"),
    (files.fee_table("A", "annual_fee = 100", "passive_share = 0.33"), 7, "andelen"),
    (files.fee_table("A", "annual_fee = 100", 'passive_share = "1/0"'), 7, "andelen"),
    (files.fee_table("A", "annual_fee = 100", 'first_year = "weeks"'), 7, "full"),
    (files.fee_table("A", "annual_fee = 100", 'vat = "exempt"'), 7, "vat_exemption"),
    (files.fee_table("A", 'contribution = "yes"', "annual_fee = 100"), 6, "true eller false"),
    (files.fee_table("A", "joining_fee = [ { until = 2020-02-01, fee = 1 } ]"), 6, "until"),
    (
        files.fee_table(
            "A", "joining_fee = [ { until = 2020-02-01, fee = 1 }, { until = 2019-01-01, fee = 2 }, { fee = 3 } ]"
        ),
        6,
        "stigende",
    ),
    (files.fee_table("A", "annual_fee = 100", valid_from='"2023"'), 2, "valid_from"),
    (files.fee_table("A", "annual_fee = "), 6, "TOML"),
    (files.fee_table("A", "annual_fee = 100", "annual_fee = 200"), 7, "TOML"),
    (files.association("dues = 1"), 8, "TOML"),
    (files.association().replace("dues = 25000\n", ""), 1, "beløbet mangler"),
    (files.association().replace('"9 %"', '"109 %"'), 7, "andelen"),
    (files.association().replace('"07-01"', '"13-01"'), 6, "07-01"),
    (files.association('index = { old = "0", new = "128.4" }'), 8, "old"),
    ("valid_from = 2023-01-01\n", 1, "size_key, association, product"),
]


@pytest.mark.parametrize("command", ["check", "adopt"])
def test_a_wrong_table_is_refused_with_file_line_and_reason(command: str, starter: CommandLine) -> None:
    before = database.dump(starter)

    for words, line, reason in WRONG:
        result = starter.run("fee-tables", command, starter.write("wrong.toml", words))

        assert result.code == 1, words
        assert f"wrong.toml, linje {line}: " in result.err, (result.err, words)
        assert reason in result.err, (result.err, words)
        assert result.out == ""
    assert database.dump(starter) == before


def test_checking_says_what_can_be_adopted_and_stores_nothing(starter: CommandLine) -> None:
    file = starter.write("a.toml", files.fee_table("A", BANDED))
    before = database.dump(starter)

    new = starter.done("fee-tables", "check", file)
    unchanged = database.dump(starter) == before
    starter.done("fee-tables", "adopt", file)
    known = starter.done("fee-tables", "check", file)

    assert unchanged
    assert "a.toml: kan vedtages" in new.out
    assert "a.toml: er allerede vedtaget" in known.out


def test_an_adopted_table_is_kept_word_for_word_with_its_digest_and_who_adopted_it(empty: CommandLine) -> None:
    words = files.fee_table("Å", "annual_fee = 100  # som besluttet")

    empty.done("fee-tables", "adopt", empty.write("a.toml", words), "--by", "Sekretariatet")

    assert database.column(empty, "SELECT text FROM adopted_table") == [words]
    assert database.column(empty, "SELECT adopted_by FROM adopted_table") == ["Sekretariatet"]
    empty.done("verify")


def test_the_same_text_again_is_no_change_and_another_for_the_same_day_is_refused(empty: CommandLine) -> None:
    file = empty.write("a.toml", files.fee_table("A", "annual_fee = 100"))
    empty.done("fee-tables", "adopt", file)
    before = database.dump(empty)

    again = empty.done("fee-tables", "adopt", file)
    second = empty.run("fee-tables", "adopt", empty.write("b.toml", files.fee_table("A", "annual_fee = 200")))
    later = files.fee_table("A", "annual_fee = 200", valid_from="2024-01-01")

    assert "var allerede vedtaget" in again.out
    assert second.code == 1
    assert "b.toml, linje 2: to tabeller for samme dag" in second.err
    assert database.dump(empty) == before
    files.adopt(empty, later)
    assert database.count(empty, "adopted_table") == 2


def test_two_new_tables_for_one_day_are_refused_together(empty: CommandLine) -> None:
    one = empty.write("one.toml", files.fee_table("A", "annual_fee = 100"))
    two = empty.write("two.toml", files.fee_table("A", "annual_fee = 200"))

    result = empty.run("fee-tables", "adopt", one, two)

    assert result.code == 1
    assert "two.toml, linje 2" in result.err and "one.toml" in result.err
    assert database.count(empty, "adopted_table") == 0


def test_several_files_are_adopted_all_or_none(empty: CommandLine) -> None:
    right = empty.write("right.toml", files.fee_table("A", "annual_fee = 100"))
    wrong = empty.write("wrong.toml", files.fee_table("B", "annual_fee = 1.5"))

    refused = empty.run("fee-tables", "adopt", right, wrong)
    stored = (database.count(empty, "adopted_table"), database.count(empty, "product"))
    wrong.write_text(files.fee_table("B", "annual_fee = 1"), encoding="utf-8")
    empty.done("fee-tables", "adopt", right, wrong)

    assert refused.code == 1
    assert "wrong.toml, linje 6" in refused.err and "right.toml" not in refused.err
    assert stored == (0, 0)
    assert database.count(empty, "adopted_table") == 2


def test_a_fee_table_is_checked_against_the_bands_of_a_size_key_in_the_same_call(empty: CommandLine) -> None:
    key = empty.write("key.toml", SIZE_KEY.replace("very_large", "enormous"))
    fees = files.fee_table("A", BANDED.replace("very_large", "enormous"), valid_from="2026-06-01")
    table = empty.write("table.toml", fees)

    alone = empty.run("fee-tables", "check", table)
    together = empty.run("fee-tables", "adopt", table, key)

    assert alone.code == 1 and "enormous" in alone.err
    assert together.code == 0, together


def test_adopting_registers_an_unknown_product_without_an_account(empty: CommandLine) -> None:
    result = empty.done("fee-tables", "adopt", empty.write("a.toml", files.fee_table("OS2nyt", "annual_fee = 100")))

    assert "OS2nyt" in result.err
    assert database.dump(empty)["product"] == [(1, "OS2nyt", None, None, None, None, None, None)]
    empty.done("products", "import", empty.write("p.csv", "product,account,level\nOS2nyt,XG-1,2\n"))
    assert database.dump(empty)["product"] == [(1, "OS2nyt", "XG-1", "2", None, None, None, None)]


def test_tables_can_be_checked_before_there_is_a_database(tmp_path: object, empty: CommandLine) -> None:
    elsewhere = CommandLine(f"sqlite:///{empty.folder / 'nothing.sqlite'}", empty.folder)

    result = elsewhere.done("fee-tables", "check", empty.write("a.toml", files.fee_table("A", BANDED)))

    assert "kan vedtages" in result.out
    assert "ikke sat op" in result.err


def test_the_starter_brings_the_real_registers_and_tables_and_twice_is_no_change(starter: CommandLine) -> None:
    before = database.dump(starter)

    again = starter.done("starter", "load")

    assert "0 nye, 0 ændret, 103 uændret" in again.out
    assert "0 vedtaget, 5 var vedtaget" in again.out
    assert database.dump(starter) == before
    counts = {table: len(rows) for table, rows in before.items()}
    assert (counts["authority"], counts["product"], counts["adopted_table"]) == (103, 29, 5)
    starter.done("verify")


def test_upgrading_alone_leaves_everything_empty(empty: CommandLine) -> None:
    assert {table for table, rows in database.dump(empty).items() if rows} == set()
