"""Promise 22: bank files come in whole or not at all, balances tie, what is known changes nothing, twins are kept."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.adapters import bank_files as adapter
from billing import bank, payments, verification, vouchers
from billing.balances import MATCHES
from billing.bank import BANK, FILES, STATEMENTS, TRANSACTIONS, UNPLACED, BankFileRefused
from billing.gathering import INVOICES
from foundation.audit import Trail
from tests import bank_files, bank_statements
from tests.bank_files import paid, statement, take
from tests.command_line import CommandLine
from tests.conftest import Prepared
from tests.paying import fik_of, gross_of
from tests.places import with_starter
from tests.scenarios import database, files
from tests.scenarios.database import AT

ONE = statement("1", 0, [paid(0, 100, "A"), paid(2, 250, "B")], 0, 6)
TWO = statement("2", 350, [paid(8, 400, "C"), paid(9, -50, "D")], 7, 13)
THREE = statement("3", 700, [paid(15, 1_000, "E")], 14, 20)


def counted(line: CommandLine) -> tuple[int, int, int]:
    """Count the files, statements and transactions that are kept."""
    with line.session() as session:
        tables = (FILES, STATEMENTS, TRANSACTIONS)
        return tuple(session.scalar(select(func.count()).select_from(table)) or 0 for table in tables)  # type: ignore[return-value]


def ledger(line: CommandLine) -> Counter[tuple[object, ...]]:
    """Give what the ledger has of the bank, whatever the vouchers' numbers."""
    entries = vouchers.entries().subquery()
    columns = entries.c.posted_on, entries.c.account, entries.c.amount_ore, entries.c.book, entries.c.kind
    with line.session() as session:
        return Counter(tuple(row) for row in session.execute(select(*columns)))


def test_each_transaction_is_kept_and_booked_against_what_is_unplaced(empty: CommandLine) -> None:
    (taken,) = take(empty, TWO)

    assert taken.text.da == "1.xml: 1 kontoudtog, 2 nye posteringer, 0 kendte"
    assert ledger(empty) == Counter(
        (bank_files.day(nth), account, ore, "real", "bank")
        for nth, amount in ((8, 400), (9, -50))
        for account, ore in ((BANK, amount), (UNPLACED, -amount))
    )
    assert empty.run("verify").code == 0


def test_the_same_file_twice_changes_nothing(empty: CommandLine) -> None:
    take(empty, ONE)
    before = (counted(empty), empty.done("verify"))

    (again,) = take(empty, ONE)
    (both, twice) = take(empty, TWO, TWO)

    assert (again.is_known, again.new) == (True, 0)
    assert (both.new, twice.is_known) == (2, True)
    assert before[0] == (1, 1, 2)
    assert counted(empty) == (2, 2, 4)


def test_a_statement_made_anew_in_another_order_changes_nothing(empty: CommandLine) -> None:
    moved = [paid(0, 100, "A"), paid(0, 100, "A2"), paid(2, 250, "B", "Andet")]
    take(empty, statement("64", 0, moved, 0, 6))
    before = bank_files.rows(empty)

    again = [paid(2, 250, "ny-1", "Andet"), paid(0, 100, "ny-2"), paid(0, 100, "ny-3")]
    (taken,) = take(empty, statement("7", 0, again, 0, 6))

    assert taken.new == 0
    assert bank_files.rows(empty) == before
    assert counted(empty) == (1, 1, 3)


def test_twins_of_one_day_are_two_payments_also_in_two_statements_of_that_day(empty: CommandLine) -> None:
    take(empty, statement("1", 0, [paid(0, 100, "A")], 0, 0))
    take(empty, statement("2", 100, [paid(0, 100, "B")], 0, 0))

    (whole,) = take(empty, statement("3", 0, [paid(0, 100, "B"), paid(0, 100, "A")], 0, 0))

    with empty.session() as session:
        twins = session.execute(select(TRANSACTIONS.c.twin, TRANSACTIONS.c.bank_reference)).all()
    assert sorted(map(tuple, twins)) == [(1, "A"), (2, "B")]
    assert whole.new == 0


def test_a_file_that_reaches_further_brings_what_is_new(empty: CommandLine) -> None:
    take(empty, ONE)

    (taken,) = take(empty, statement("9", 0, [paid(0, 100, "A"), paid(2, 250, "B"), paid(8, 5, "F")], 0, 8))

    assert (taken.new, taken.statements[0].transactions) == (1, 3)
    assert [row[3] for row in bank_files.rows(empty)] == [100, 250, 5]


def test_a_statement_id_used_again_is_another_statement(empty: CommandLine) -> None:
    take(empty, ONE)

    take(empty, statement("1", 350, [paid(370, 1, "A")], 365, 371))

    assert counted(empty) == (2, 2, 3)


def test_a_gap_is_refused_with_days_and_amounts_until_it_is_filled(empty: CommandLine) -> None:
    take(empty, ONE)

    with pytest.raises(BankFileRefused) as refused:
        take(empty, THREE)
    take(empty, THREE, TWO)

    assert "begynder 2027-03-16 med 7,00" in refused.value.text.da
    assert "sluttede 2027-03-07 med 3,50" in refused.value.text.da
    assert "der mangler 3,50" in refused.value.text.da
    assert counted(empty) == (3, 3, 5)


def test_an_overlap_that_tells_otherwise_is_refused_and_named(empty: CommandLine) -> None:
    take(empty, ONE, TWO)
    before = bank_files.rows(empty)

    other = statement("x", 0, [paid(0, 100, "A"), paid(2, 200, "B"), paid(8, 450, "C"), paid(9, -50, "D")], 0, 13)
    with pytest.raises(BankFileRefused) as refused:
        take(empty, other)

    assert "2027-03-03" in refused.value.text.da
    assert "2,00 kr." in refused.value.text.da.replace("\u00a0", " ")
    assert bank_files.rows(empty) == before


def test_balances_that_do_not_come_of_the_entries_are_refused(empty: CommandLine) -> None:
    wrong = ONE.replace(b'<Amt Ccy="DKK">3.50</Amt>', b'<Amt Ccy="DKK">3.51</Amt>')

    with pytest.raises(BankFileRefused, match=r"opening balance DKK.0\.00 and transactions DKK.3\.50"):
        take(empty, wrong)

    assert counted(empty) == (0, 0, 0)


def test_one_wrong_file_among_right_ones_leaves_nothing_behind(empty: CommandLine) -> None:
    with pytest.raises(BankFileRefused):
        take(empty, ONE, TWO.replace(b"</Stmt>", b"</Stnt>"))

    assert counted(empty) == (0, 0, 0)
    assert empty.run("verify").code == 0


def test_a_statement_without_entries_tells_that_nothing_came(empty: CommandLine) -> None:
    take(empty, ONE)

    take(empty, statement("2", 350, [], 7, 13))

    with empty.session() as session:
        assert bank.latest_day(session) == bank_files.day(13)
    with pytest.raises(BankFileRefused):
        take(empty, statement("3", 351, [], 14, 20))


def _owing(line: CommandLine) -> None:
    """Issue three invoices."""
    line.done("settings", "import", line.write("seller.toml", files.SELLER))
    one, two = files.starter()[:2]
    files.take_members(line, files.member(one.cvr), files.member(two.cvr))
    files.take_agreements(line, files.agreement(one.cvr, "OS2kitos", gln=files.gln(1)))
    line.issue(2027)


@pytest.fixture
def owing(prepared: Prepared) -> CommandLine:
    """Three invoices that wait for money."""
    return prepared(with_starter, _owing)


def _tricky(session: Session) -> list[bytes]:
    """Write six files in which one invoice is paid at once, one by halves that look alike, and one twice.

    Twins over two statements of a day, a statement made anew, one that overlaps two, reused ids, one without entries.
    """
    numbers = ("2027-0001", "2027-0002", "2027-0003")
    whole, halved, twice = (gross_of(session, number) for number in numbers)
    half, left = halved // 2, whole + halved // 2 * 2 - 73
    fik = [fik_of(number) for number in numbers]
    a = replace(paid(0, whole, "A"), fik_id=fik[0])
    b, c = paid(1, half, "B", fik[1]), paid(1, half, "C", fik[1])
    d, e = paid(2, -80, "D"), paid(3, 7, "E")
    f, g = (replace(paid(7, twice, reference), fik_id=fik[2]) for reference in "FG")
    return [
        statement("1", 0, [a, b], 0, 1),
        statement("1", whole + half, [c, d], 1, 2),
        statement("neu", 0, [c, a, b], 0, 1),
        statement("over", whole, [b, c, d, e], 1, 3),
        statement("2", left, [], 4, 6),
        statement("1", left, [f, g], 7, 7),
    ]


@pytest.mark.parametrize("kind", ["sqlite"], indirect=True)
def test_every_order_of_tricky_files_gives_the_same_rows_matches_and_ledger(owing: CommandLine) -> None:
    matched: dict[str, Stands] = {}
    with owing.session() as session:
        found = set(_outcomes(session, [], [adapter.taken("en.xml", each) for each in _tricky(session)], matched))
        session.rollback()

    assert len(found) == 1 and len(matched) > 1  # they come in in several orders, and are matched in each
    ((kept, placed, _),) = found
    assert [kept.count(f"'{reference}'") for reference in "ABCDEFG"] == [1] * 7
    assert [(number, rule) for number, rule, *_ in placed] == [
        ("2027-0001", "fik"), ("2027-0002", "fik"), ("2027-0002", "fik"), ("2027-0003", "fik"),
    ]  # fmt: skip


#: What stands at the end: the transactions, what was placed where, and the ledger; whatever the numbers of rows.
Stands = tuple[str, tuple[tuple[object, ...], ...], str]


def _outcomes(
    session: Session, refused: list[adapter.Taken], to_come: list[adapter.Taken], matched: dict[str, Stands]
) -> Iterator[Stands]:
    """Take files in one by one, in every order; what does not tie yet is tried again, as a clerk would.

    Give what stands after each order and matching. Orders that begin alike share their beginning, in a savepoint of
    its own, and those that leave the same transactions in the same places share the matching.
    """
    if not to_come:
        yield _outcome(session, refused, matched)
    for at, file in enumerate(to_come):
        savepoint = session.begin_nested()
        more = [] if _is_taken(session, file) else [file]
        yield from _outcomes(session, [*refused, *more], to_come[:at] + to_come[at + 1 :], matched)
        savepoint.rollback()


def _outcome(session: Session, waiting: list[adapter.Taken], matched: dict[str, Stands]) -> Stands:
    while waiting:
        still = [file for file in waiting if not _is_taken(session, file)]
        assert len(still) < len(waiting)
        waiting = still
    columns, entries = TRANSACTIONS.c, vouchers.entries().subquery().c
    told = (columns.booked_on, columns.amount_ore, columns.bank_reference, columns.raw, columns.fingerprint)
    kept = list(map(tuple, session.execute(select(*told).order_by(columns.id))))
    booked = select(entries.posted_on, entries.account, entries.amount_ore)
    key = repr((kept, sorted(map(tuple, session.execute(booked)))))
    if key not in matched:
        payments.match_certain(session, bank_files.day(8), Trail(session, "En Bogholder", AT))
        placed = session.execute(
            select(INVOICES.c.number, MATCHES.c.rule, MATCHES.c.amount_ore, columns.booked_on)
            .join(INVOICES, MATCHES.c.invoice_id == INVOICES.c.id)
            .join(TRANSACTIONS, MATCHES.c.transaction_id == columns.id)
        )
        ledger_ = sorted(map(tuple, session.execute(booked)))
        matched[key] = repr(sorted(kept)), tuple(sorted(map(tuple, placed))), repr(ledger_)
    return matched[key]


def _is_taken(session: Session, file: adapter.Taken) -> bool:
    try:
        with session.begin_nested():
            bank.take_in(session, [file], Trail(session, "En Bogholder", AT))
    except BankFileRefused:
        return False
    return True


def test_a_generated_year_ties_in_any_order_and_every_transaction_is_there(empty: CommandLine) -> None:
    year = bank_statements.generate(bank_statements.municipalities(), seed=7)

    take(empty, *(content for content, _ in reversed(year)))

    truth = sorted((each.bank_reference, each.on, each.ore) for _, week in year for each in week)
    with empty.session() as session:
        columns = TRANSACTIONS.c
        kept = session.execute(select(columns.bank_reference, columns.booked_on, columns.amount_ore))
        assert sorted(map(tuple, kept)) == truth
        total = session.scalar(select(func.sum(columns.amount_ore)))
    assert ledger(empty)  # balances per entry: vouchers refuse what does not
    assert total == sum(each[2] for each in truth)
    assert empty.run("verify").code == 0


# --- what verification names


OVER = statement("over", 100, [paid(2, 250, "B"), paid(8, 400, "C"), paid(9, -50, "D"), paid(15, 7, "G")], 1, 15)
ONE_DAY = [statement(f"{nth}", 700 + nth, [paid(20, 1, f"d{nth}", f"{nth}")], 20, 20) for nth in range(4)]


def broken(line: CommandLine, check: str) -> list[str]:
    """Give what verification names by one check."""
    with line.session() as session:
        return [each.subject for each in verification.verify(session).violations if each.check == check]


@pytest.mark.parametrize("contents", [
    (ONE,), (ONE, TWO, THREE), (TWO, ONE), (ONE, TWO, OVER), (TWO, *ONE_DAY),
    (statement("leer", 350, [], 0, 6), TWO),
], ids=["one", "three", "backwards", "overlapping", "four of one day", "one without payments"])  # fmt: skip
def test_what_ties_as_it_is_taken_in_ties_when_it_is_verified(empty: CommandLine, contents: tuple[bytes, ...]) -> None:
    for content in contents:
        take(empty, content)

    assert broken(empty, "bank_statements") == broken(empty, "bank_transactions") == []


@pytest.mark.tampers
@pytest.mark.parametrize(
    ("table", "change", "named"),
    [
        ("bank_statement", "UPDATE bank_statement SET opening_ore = 1 WHERE id = 1", "account DK1800000000000000"),
        ("bank_statement", "UPDATE bank_statement SET closing_ore = 701 WHERE id = 2", "account DK1800000000000000"),
        ("bank_statement", "UPDATE bank_statement SET closing_ore = 351 WHERE id = 1", "statement 1"),
        ("bank_statement", "UPDATE bank_statement SET opening_ore = 349 WHERE id = 2", "statement 2"),
        ("bank_transaction", "UPDATE bank_transaction SET amount_ore = 101 WHERE id = 1", "account DK1800000000000000"),
        ("bank_transaction", "DELETE FROM bank_transaction WHERE id = 4", "account DK1800000000000000"),
        ("bank_transaction", "UPDATE bank_transaction SET booked_on = '2027-03-10' WHERE id = 2", "statement 1"),
        ("bank_transaction", "UPDATE bank_transaction SET account = 'DK2' WHERE id = 1", "account DK2"),
    ],
)
def test_statements_that_do_not_tie_are_named(empty: CommandLine, table: str, change: str, named: str) -> None:
    take(empty, ONE, TWO)
    assert broken(empty, "bank_statements") == []

    database.tamper(empty, table, change)

    assert named in broken(empty, "bank_statements")


@pytest.mark.tampers
@pytest.mark.parametrize(
    ("table", "change", "named"),
    [
        ("voucher", "UPDATE voucher SET subject = '77' WHERE id = 1", ["transaction 1", "bank 77"]),
        ("voucher", "UPDATE voucher SET kind = 'cost' WHERE id = 2", ["transaction 2"]),
        ("voucher", "UPDATE voucher SET book = 'rehearsal' WHERE id = 2", ["transaction 2", "bank 2"]),
        ("voucher", "UPDATE voucher SET posted_on = '2027-03-02' WHERE id = 1", ["transaction 1"]),
        ("voucher_posting", "UPDATE voucher_posting SET amount_ore = amount_ore * 2 WHERE voucher_id = 1",
         ["transaction 1"]),
        ("voucher_posting", "UPDATE voucher_posting SET account = '2280' WHERE id = 2", ["transaction 1"]),
        ("voucher_posting", "DELETE FROM voucher_posting WHERE voucher_id = 2", ["transaction 2"]),
        ("bank_transaction", "UPDATE bank_transaction SET booked_on = '2027-03-04' WHERE id = 2", ["transaction 2"]),
        ("bank_transaction", "DELETE FROM bank_transaction WHERE id = 2", ["bank 2"]),
    ],
)  # fmt: skip
def test_a_transaction_that_is_not_booked_once_as_it_was_is_named(
    empty: CommandLine, table: str, change: str, named: list[str]
) -> None:
    take(empty, ONE)
    assert broken(empty, "bank_transactions") == []

    database.tamper(empty, table, change)

    assert broken(empty, "bank_transactions") == named
