"""The books of a period: every posting once, in one order; closed for ever by two people; refused by the database."""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from app import posting_files
from app.posting_files import COLUMNS, NoSuchColumn, Wanted
from billing import account_mapping, bookkeeping, closed_periods, verification, vouchers
from billing.account_mapping import MappingRefused
from billing.bookkeeping import BooksMoved, NotClosable
from billing.closed_periods import PeriodClosed
from billing.vouchers import Entry, Order
from foundation import periods
from foundation.audit import Trail
from foundation.money import Money, total
from foundation.proposals import SamePerson
from tests import queries
from tests.command_line import CommandLine
from tests.conftest import Prepared
from tests.places import with_starter
from tests.scenarios import database, files, stories

Q1, Q2 = periods.named("2027-Q1"), periods.named("2027-Q2")
ON = date(2027, 7, 2)
AT = datetime(2027, 7, 2, 12, tzinfo=UTC)
ONE, OTHER = "En Bogholder #1", "En Godkender #2"


def a_year(line: CommandLine) -> None:
    """Issue a year with every kind of line and a credit note, and a rehearsal beside it; book payments."""
    stories.everything(line)
    line.done("settings", "import", line.write("seller.toml", files.SELLER))
    line.done("billing", "issue", 2027, "--rehearsal")
    line.issue(2027)
    line.at("2027-04-03").done(
        "billing", "credit", "2027-0002", "--reason", "Forkert", "--by", "En Anden", "--approved-by", "En Godkender"
    )
    database.keep_payments(line)


@pytest.fixture
def booked(prepared: Prepared) -> CommandLine:
    """A year with postings in two quarters."""
    return prepared(with_starter, a_year)


def trail(session: Session, actor: str = ONE) -> Trail:
    """Give a trail in somebody's name."""
    return Trail(session, actor, AT)


def close(session: Session, period: periods.Period = Q1) -> None:
    """Close a period by two people."""
    one, other = trail(session), trail(session, OTHER)
    made = bookkeeping.propose_closing(session, period, one, on=ON)
    one.write()
    bookkeeping.approve_closing(session, made.id, other, on=ON)
    other.write()


def payment(on: date, subject: str = "x", **other: Any) -> Order:
    """Give a payment on a day."""
    return Order("opening", subject, on, "Primo", (Entry("6480", Money(500)), Entry("6935", Money(-500))), **other)


def book(session: Session, *orders: Order) -> None:
    """Book vouchers."""
    made = trail(session)
    vouchers.book(session, orders, made)
    made.write()


def file(session: Session, wanted: Wanted) -> bytes:
    """Write a file of postings."""
    held = io.BytesIO()
    posting_files.write(session, wanted, held)
    return held.getvalue()


# --- postings and totals


def test_every_posting_of_the_real_book_is_in_exactly_one_period(booked: CommandLine) -> None:
    with booked.session() as session:
        whole = [*bookkeeping.postings(session, periods.named("2027"))]
        parts = [
            posting
            for quarter in range(1, 5)
            for posting in bookkeeping.postings(session, periods.named(f"2027-Q{quarter}"))
        ]
        count = session.execute(
            text(
                "SELECT (SELECT count(*) FROM posting p JOIN ledger_entry e ON e.id = p.entry_id WHERE e.book = 'real')"
                " + (SELECT count(*) FROM voucher_posting)"
            )
        ).scalar_one()

    assert whole == parts
    assert len(whole) == count
    assert len({(posting.voucher, posting.line) for posting in whole}) == count
    assert {posting.kind for posting in whole} >= {"invoice", "bank"}


def test_the_totals_are_those_of_the_postings_and_zero_in_all(booked: CommandLine) -> None:
    with booked.session() as session:
        for name in ("2027", "2027-Q1", "2027-04", "2027-01-15..2027-01-15", "2026"):
            period = periods.named(name)
            found, rows = bookkeeping.totals(session, period), [*bookkeeping.postings(session, period)]

            assert total(each.amount for each in found) == Money(0)
            assert {(each.named.account, each.product): each.amount for each in found} == {
                (account, product): total(
                    row.amount for row in rows if (row.account, row.product) == (account, product)
                )
                for account, product in {(row.account, row.product) for row in rows}
            }
            assert sum(each.postings for each in found) == len(rows)
        assert verification.verify(session).violations == []


def test_reading_a_period_asks_one_question_however_many_postings_there_are(booked: CommandLine) -> None:
    with booked.session() as session, queries.heard() as asked:
        assert len([*bookkeeping.postings(session, periods.named("2027"))]) > 50

    assert len(asked) == 1


# --- the mapping


def test_an_account_of_any_product_has_the_number_of_every_products_and_none_is_left_out(booked: CommandLine) -> None:
    with booked.session() as session:
        made, adopted = trail(session), trail(session, OTHER)
        proposal = account_mapping.propose(session, account_mapping.EXAMPLE, made)
        made.write()
        account_mapping.approve(session, proposal.id, adopted)
        adopted.write()
        found = bookkeeping.totals(session, periods.named("2027"))

    numbers = {each.named.account: each.named.standard for each in found}
    assert bookkeeping.unmapped(found) == []
    assert numbers["6190"] == "6190" and numbers["XG-9212045210-00014"] == "1010"
    assert {numbers[account] for account in numbers if account.endswith("-00002")} == {"1010"}


def test_every_account_of_the_shipped_chart_stands_in_the_shipped_mapping(starter: CommandLine) -> None:
    with starter.session() as session:
        names = account_mapping.AccountNames(
            account_mapping.current(session).names, account_mapping.read(account_mapping.EXAMPLE)
        )

    assert [name for name in names.names if not names.named(name, None).standard] == []


@pytest.mark.parametrize(
    "written",
    ["", "x", "[accounts]", "accounts = 1", '[accounts]\n"a" = 1010', '[accounts]\n"a" = "1011"',
     '[accounts]\n"" = "1010"',
     '[accounts]\na = "1010"\n[more]\n', '[accounts]\n"\u202e" = "1010"', "[accounts]\na = 1.5", "[" * 5_000,
     f'[accounts]\n"{"x" * 900}" = "1010"', "[accounts]\na = [[[]]]", '[accounts]\n"a" = "1010"\n"a" = "1010"'],
)  # fmt: skip
def test_a_hostile_or_wrong_mapping_is_refused_in_words(written: str) -> None:
    with pytest.raises(MappingRefused):
        account_mapping.read(written)


# --- files


def test_a_csv_file_holds_every_posting_with_decimal_commas_and_sums_to_zero(booked: CommandLine) -> None:
    with booked.session() as session:
        content = file(session, Wanted(periods.named("2027")))
        count = len([*bookkeeping.postings(session, periods.named("2027"))])

    rows = [*csv.DictReader(io.StringIO(content.decode("utf-8-sig")), delimiter=";")]
    assert len(rows) == count
    assert sum(int(row["Beløb"].replace(",", "")) for row in rows) == 0
    assert all(row["Beløb"][-3] == "," for row in rows)


def test_the_columns_are_those_that_were_chosen_in_their_order() -> None:
    assert posting_files.columns("") == posting_files.USUAL
    assert posting_files.columns("amount, date") == ("amount", "date")
    assert set(posting_files.columns(",".join(COLUMNS))) == set(COLUMNS)
    for words in ("amount,amount", "saldo", "amount,", "'; DROP TABLE posting"):
        with pytest.raises(NoSuchColumn):
            posting_files.columns(words)


def test_a_text_that_a_spreadsheet_would_compute_is_written_as_a_text(booked: CommandLine) -> None:
    with booked.session() as session:
        book(session, replace(payment(date(2027, 5, 1)), text='=HYPERLINK("x")'))
        content = file(session, Wanted(periods.named("2027-05"), columns=("text",)))

    assert content.decode("utf-8-sig").splitlines()[1:] == ['"\'=HYPERLINK(""x"")"'] * 2


def test_more_postings_than_a_spreadsheet_holds_are_refused_and_never_left_out(
    booked: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(posting_files, "MOST_ROWS_OF_XLSX", 3)

    with booked.session() as session, pytest.raises(posting_files.TooLong):
        file(session, Wanted(periods.named("2027"), "xlsx"))


# --- closing


def test_a_closed_period_takes_no_voucher_and_the_refusal_names_the_period_and_the_first_day(
    booked: CommandLine,
) -> None:
    with booked.session() as session:
        close(session)
        with pytest.raises(PeriodClosed) as refused:
            book(session, payment(date(2027, 4, 1)), payment(date(2027, 3, 31), "y"))
        book(session, payment(date(2027, 4, 1)), payment(date(2027, 3, 31), "z", book="rehearsal"))

        assert "1. kvartal 2027" in refused.value.text.da and "1. april 2027" in refused.value.text.da
        assert "quarter 1 of 2027" in refused.value.text.en and "1 April 2027" in refused.value.text.en
        assert verification.verify(session).violations == []


def test_no_invoice_is_issued_with_a_day_in_a_closed_period(booked: CommandLine) -> None:
    files.take_members(booked, files.member(files.starter()[6].cvr))
    with booked.session() as session:
        close(session)
    booked.approve(2027)

    refused = booked.run("billing", "issue", 2027, "--on", "2027-03-30")

    assert refused.code == 1 and "første mulige dag er 1. april 2027" in refused.err
    booked.at("2027-07-02").done("billing", "issue", 2027)
    booked.done("verify")


def _entry(table: str, day: str, book: str) -> str:
    if table == "voucher":
        return (
            "INSERT INTO voucher (id, book, kind, subject, posted_on, text, booked_by, booked_at) "
            f"VALUES (900, '{book}', 'bank', 'q', '{day}', 't', 'x', '2027-07-02 10:00:00.000000')"
        )
    return (
        "INSERT INTO ledger_entry (id, book, posted_on, authority_id, invoice_id, text) "
        f"SELECT 900, '{book}', '{day}', authority_id, id + 900, 't' FROM invoice WHERE id = 1"
    )


@pytest.mark.parametrize("table", closed_periods.GUARDED)
def test_the_database_itself_refuses_what_lies_in_a_closed_period(booked: CommandLine, table: str) -> None:
    with booked.session() as session:
        close(session)
        session.commit()
        for day in ("2027-03-31", "2027-01-01", "2020-05-05"):
            with pytest.raises(DBAPIError, match="closed period"), session.begin_nested():
                session.execute(text(_entry(table, day, "real")))
        if table == "voucher":
            session.execute(text(_entry(table, "2027-04-01", "real")))
        session.rollback()


@pytest.mark.parametrize("table", closed_periods.GUARDED)
def test_a_guard_that_is_taken_away_or_changed_is_named(booked: CommandLine, kind: str, table: str) -> None:
    trigger = f"{table}_not_closed"
    gone = f'DROP TRIGGER "{trigger}"' if kind == "sqlite" else f"DROP TRIGGER {trigger} ON {table}"
    wanted = next(each for each in closed_periods.guards(kind) if f"{trigger}" in each)
    changed = wanted.replace("BEFORE INSERT", "BEFORE UPDATE")

    with booked.session() as session:
        assert list(closed_periods.guard_faults(session.connection())) == []
        session.execute(text(gone))
        missing = [name for name, _ in closed_periods.guard_faults(session.connection())]
        session.execute(text(changed))
        found = [name for name, _ in closed_periods.guard_faults(session.connection())]
        session.rollback()

    assert missing == found == [trigger]


def test_nobody_closes_what_they_proposed_themselves(booked: CommandLine) -> None:
    with booked.session() as session:
        made = bookkeeping.propose_closing(session, Q1, trail(session), on=ON)
        with pytest.raises(SamePerson):
            bookkeeping.approve_closing(session, made.id, trail(session), on=ON)
        session.rollback()


def test_what_was_booked_after_the_proposal_is_not_closed_unseen(booked: CommandLine) -> None:
    with booked.session() as session:
        made = bookkeeping.propose_closing(session, Q1, trail(session), on=ON)
        book(session, payment(date(2027, 3, 1)))
        with pytest.raises(BooksMoved):
            bookkeeping.approve_closing(session, made.id, trail(session, OTHER), on=ON)
        session.rollback()


@pytest.mark.parametrize("name", ["2027-Q3", "2027", "2027-Q2", "2026", "2027-02"])
def test_periods_are_closed_in_order_once_they_are_over(booked: CommandLine, name: str) -> None:
    with booked.session() as session:
        with pytest.raises(NotClosable):
            bookkeeping.propose_closing(session, periods.named(name), trail(session), on=ON)
        session.rollback()


def test_a_period_follows_the_one_before_without_a_gap(booked: CommandLine) -> None:
    with booked.session() as session:
        close(session)
        for name in ("2027-Q1", "2027-05", "2027-03-31..2027-04-30"):
            with pytest.raises(NotClosable):
                bookkeeping.propose_closing(session, periods.named(name), trail(session), on=ON)
        close(session, periods.named("2027-04"))
        close(session, periods.named("2027-05-01..2027-06-30"))
        session.commit()

        assert [periods.name(each.period) for each in closed_periods.listed(session)] == [
            "2027-05-01..2027-06-30", "2027-04", "2027-Q1",
        ]  # fmt: skip
        assert verification.verify(session).violations == []


@pytest.mark.parametrize("form", posting_files.FORMS)
def test_a_file_of_a_closed_period_is_the_same_bytes_ever_after(booked: CommandLine, form: posting_files.Form) -> None:
    with booked.session() as session:
        close(session)
        session.commit()
        first = file(session, Wanted(Q1, form))
        made, adopted = trail(session), trail(session, OTHER)
        proposal = account_mapping.propose(session, account_mapping.EXAMPLE, made)
        made.write()
        account_mapping.approve(session, proposal.id, adopted)
        adopted.write()
        session.execute(text("UPDATE account SET name_da = name_da || ' (nyt navn)'"))
        book(session, payment(date(2027, 5, 1), "later"))

        assert file(session, Wanted(Q1, form)) == first
        assert bookkeeping.unmapped(bookkeeping.totals(session, Q1)) != []
        assert bookkeeping.unmapped(bookkeeping.totals(session, Q2)) == []


_FIRST = "(SELECT min(id) FROM ledger_entry WHERE book = 'real')"


@pytest.mark.parametrize("sql", [
    f"UPDATE posting SET amount_ore = amount_ore + 1 WHERE entry_id = {_FIRST}",
    "UPDATE voucher_posting SET account = '6480' WHERE voucher_id = 1",
    f"UPDATE ledger_entry SET posted_on = '2027-02-02' WHERE id = {_FIRST}",
    f"UPDATE ledger_entry SET text = 'x' WHERE id = {_FIRST}",
    "DELETE FROM voucher_posting",
])  # fmt: skip
@pytest.mark.tampers
def test_verify_finds_what_was_changed_in_a_closed_period(booked: CommandLine, sql: str) -> None:
    with booked.session() as session:
        close(session)
    database.tamper(booked, sql.split()[1] if sql.startswith("UPDATE") else sql.split()[2], sql)

    with booked.session() as session:
        broken = verification.verify(session).violations

    assert ("closed_periods", "2027-Q1") in {(each.check, each.subject) for each in broken}


def test_a_backup_with_a_closed_period_is_restored(booked: CommandLine, kind: str) -> None:
    with booked.session() as session:
        close(session)
    file_ = booked.folder / "kopi.gz"
    booked.done("db", "backup", file_)
    empty = CommandLine(f"sqlite:///{booked.folder / 'ny.sqlite'}", booked.folder)
    empty.done("db", "upgrade")

    empty.done("db", "restore", file_)

    empty.done("verify")
    assert database.dump(empty)["closed_period"] == database.dump(booked)["closed_period"]


# --- by command


def test_a_note_names_some_accounts_without_a_number_and_counts_the_others() -> None:
    few, many = (posting_files.told_unmapped([f"X-{at}" for at in range(count)]).en for count in (5, 7))

    assert "X-0, X-1, X-2, X-3, X-4." in few
    assert "X-4 and 2 more." in many and "X-5" not in many


def test_a_period_is_exported_and_closed_by_command(booked: CommandLine) -> None:
    line = booked.at("2027-07-02")
    target = booked.folder / "q1.csv"

    told = line.done("accounts", "export", "2027-Q1", target)
    digest = line.done("accounts", "close", "2027-Q1", "--by", "En Anden").out.split()[-1]
    own = line.run("accounts", "close", "2027-Q1", "--digest", digest, "--by", "En Anden")
    wrong = line.run("accounts", "close", "2027-Q1", "--digest", "0" * 64, "--by", "En Godkender")
    line.done("accounts", "close", "2027-Q1", "--digest", digest, "--by", "En Godkender")
    before = target.read_bytes()
    line.done("accounts", "export", "2027-Q1", target)

    assert "uden nummer i standardkontoplanen" in told.err and "accounts mapping propose" in told.err
    assert (own.code, wrong.code) == (1, 1)
    assert target.read_bytes() == before
    known = line.json("accounts", "periods")
    assert [each["period"] for each in known["closed"]] == ["2027-Q1"]
    assert known["open"][-1]["period"] == "2027-Q2"
    amounts = line.json("accounts", "totals", "2027-Q1")["accounts"]
    assert sum(each["amount_ore"] for each in amounts) == 0
    assert line.run("accounts", "close", "2027-Q1", "--digest", digest, "--by", "En Godkender").code == 1


def test_the_mapping_is_proposed_and_adopted_by_command(booked: CommandLine) -> None:
    told = booked.done("accounts", "mapping", "propose", "--shipped", "--by", "En Anden").out
    number = told.split()[1].rstrip(",")
    own = booked.run("accounts", "mapping", "adopt", number, "--by", "En Anden")
    booked.done("accounts", "mapping", "adopt", number, "--by", "En Godkender")

    assert own.code == 1
    assert "[accounts]" in booked.done("accounts", "mapping", "show").out
    assert booked.done("accounts", "export", "2027", booked.folder / "a.xlsx").err == ""
    assert booked.run("accounts", "mapping", "propose", booked.write("x.toml", "\0")).code == 1


@pytest.mark.parametrize("period", ["", "x", "2027-Q9", "2027-00", "../../x", "2027;DROP"])
def test_words_that_are_no_period_are_refused_by_every_command(starter: CommandLine, period: str) -> None:
    target = starter.folder / "x.csv"

    for arguments in (("export", period, target), ("totals", period), ("close", period)):
        assert starter.run("accounts", *arguments).code == 1
    assert not target.exists()
