"""Tampering: whatever was changed behind the triggers, `verify` names the changed row first; untouched data is clean.

`make test` moves, removes and adds rows of half of the guarded tables, and changes a third of their columns in one row
and a way or two, on one of the databases (`conftest.py` says which). Its seed, which follows from the sources in CI,
says which half and which third. It holds every column against the digest of its row. `make test-full` changes all of
them, the first, the middle and the last row, in every way, on both.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import Column, Table, event, text
from sqlalchemy.orm import Session

from app.adapters import backups, head_files
from billing.verification import Verdict
from foundation import append_only
from foundation.audit import ENTRIES, Broken, Trail, row_digest
from foundation.audit_head import Head
from foundation.base import Base
from foundation.language import Text
from tests.command_line import CommandLine
from tests.conftest import FULL
from tests.conftest import SEED as RUN
from tests.postgresql_server import PostgreSQLServer
from tests.scenarios import tampering
from tests.scenarios.tampering import COLUMNS, TABLES, Vault

SEED = 2027
#: In `make test` one in so many is tried of what is of one kind.
ONE_IN = 4
#: In `make test` one column in so many is changed in one more way, beside the one that every database takes.
FURTHER = 3


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def year(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[CommandLine]:
    """A year with every kind of line, its rehearsal and its documents, on each kind of database."""
    folder = tmp_path_factory.mktemp("year")
    url = f"sqlite:///{folder / 'year.sqlite'}"
    if request.param == "postgresql":
        server: PostgreSQLServer = request.getfixturevalue("postgresql")
        url = server.create("tampered_year")
    line = CommandLine(url, folder)
    line.done("db", "upgrade")
    line.done("starter", "load")
    with pytest.MonkeyPatch.context() as monkeypatch:
        tampering.issue_everything(line, monkeypatch)
    yield line
    if request.param == "postgresql":
        server.drop("tampered_year")


@pytest.fixture(scope="module")
def vault(year: CommandLine) -> Iterator[Vault]:
    """The year, opened by force."""
    with Vault(year) as vault:
        yield vault


def first(verdict: Verdict) -> str:
    """Give what is named first."""
    return verdict.violations[0].subject if verdict.violations else "nothing"


def chosen(session: Session, place: str) -> list[int]:
    """Give the rows to change."""
    table = TABLES[place.partition(".")[0]]
    rows = tampering.spread(tampering.keys(session, table))
    return rows if FULL else [random.Random(f"{SEED} {place}").choice(rows)]


def part_of(everything: Sequence[Any], *, half: bool = False) -> list[Any]:
    """Give all, or as many as `make test` has time for, in their order."""
    if FULL:
        return list(everything)
    chosen = set(random.Random(RUN).sample(range(len(everything)), len(everything) // (2 if half else ONE_IN)))
    return [each for at, each in enumerate(everything) if at in chosen]


@pytest.mark.parametrize("table", TABLES.values(), ids=str)
def test_every_column_is_in_the_digest_of_its_row(table: Table) -> None:
    row: dict[str, Any] = {column.name: at for at, column in enumerate(table.columns)}
    digests = {row_digest(table, row | {name: "another"}) for name in row} | {row_digest(table, row)}

    assert len(digests) == len(row) + 1


def test_untouched_data_has_nothing_broken(year: CommandLine, vault: Vault) -> None:
    with vault.opened(*TABLES) as session:
        assert vault.verified(session).violations == []
    assert year.json("verify")["ok"] is True
    assert all(tampering.keys(session, table) for table in TABLES.values())


@pytest.mark.parametrize("place", part_of(COLUMNS))
def test_a_changed_column_is_named_by_its_row(vault: Vault, place: str) -> None:
    table, column = column_of(place)
    with vault.opened() as session:
        rows = {id_: tampering.raw(session, column, id_) for id_ in chosen(session, place)}
    missed, done = [], 0

    for id_, value in rows.items():
        for name, changed in some(tampering.changes(column, value, sqlite=vault.is_sqlite), place).items():
            with vault.opened(table.name) as session:
                if not tampering.put(session, column, id_, changed):
                    continue
                found = vault.first(session)
            done += 1
            names = {f"{table.name} {id_}"} | ({f"{table.name} {changed}"} if column.primary_key else set())
            if found not in names:
                missed.append((name, id_, found))

    assert (missed, done > 0) == ([], True), f"seed {SEED}"


def column_of(place: str) -> tuple[Table, Column[Any]]:
    """Give a table and a column by their names."""
    table, _, column = place.partition(".")
    return TABLES[table], TABLES[table].c[column]


def some(changes: dict[str, Any], place: str) -> dict[str, Any]:
    """Give all changes, or as many as `make test` has time for; enough that the database takes one at least."""
    if FULL:
        return changes
    chance = random.Random(f"{SEED} {place}")
    names = [chance.choice(sorted(changes))] if chance.randrange(FURTHER) == 0 else []
    plain = [name for name in ("far", "other", "next", "an hour", "a bit", "one", "something") if name in changes]
    return {name: changes[name] for name in dict.fromkeys([plain[0], *names])}


@pytest.mark.parametrize("table", part_of(list(TABLES.values()), half=True), ids=str)
def test_two_rows_that_changed_places_are_named(vault: Vault, table: Table) -> None:
    with vault.opened(table.name) as session:
        one, other = tampering.keys(session, table)[-2:]
        tampering.swap(session, table, one, other)

        assert vault.first(session) == f"{table.name} {one}"


@pytest.mark.parametrize("place", COLUMNS if FULL else random.Random(SEED).sample(COLUMNS, 20))
def test_two_rows_that_swapped_one_value_are_named(vault: Vault, place: str) -> None:
    """As when two amounts change places, and every sum stays what it was."""
    table, column = column_of(place)
    if column.primary_key:
        return  # that is two rows changing places, above
    with vault.opened(table.name) as session:
        rows = [(id_, tampering.raw(session, column, id_)) for id_ in tampering.keys(session, table)]
        one, was = rows[len(rows) // 2]
        other, now = next(((id_, value) for id_, value in rows if value != was), (None, None))
        if other is None or not tampering.exchange(session, column, (one, was), (other, now)):
            return  # all alike, or one of a kind for the database: then the rows changed places, above
        found = vault.first(session)

    assert found == f"{table.name} {min(one, other)}"


@pytest.mark.parametrize("table", part_of(list(TABLES.values()), half=True), ids=str)
def test_a_removed_row_is_named_wherever_it_stood(vault: Vault, table: Table) -> None:
    """A row whose entry is still there; of the last entry its rows, of any other entry itself."""
    with vault.opened() as session:
        rows = tampering.spread(tampering.keys(session, table))
    for id_ in rows if FULL else [random.Random(f"{RUN} {table.name}").choice(rows)]:
        with vault.opened(table.name) as session:
            covered = tampering.covered(session, id_) if table is ENTRIES and id_ == rows[-1] else []
            tampering.remove(session, table, id_)

            assert vault.first(session) in (covered or [f"{table.name} {id_}"])


@pytest.mark.parametrize("table", part_of(list(TABLES.values()), half=True), ids=str)
def test_a_tail_of_rows_removed_is_named_by_its_first(vault: Vault, table: Table) -> None:
    with vault.opened(table.name) as session:
        tail = tampering.keys(session, table)[-2:]
        covered = tampering.covered(session, *tail) if table is ENTRIES else []
        tampering.remove(session, table, *tail)

        assert vault.first(session) in (covered or [f"{table.name} {tail[0]}"])


@pytest.mark.parametrize("table", part_of(list(TABLES.values()), half=True), ids=str)
def test_a_row_slipped_in_is_named_wherever_it_stands(vault: Vault, table: Table) -> None:
    """Also an audit entry: a double of the first at the end, far behind it, or before the first."""
    with vault.opened() as session:
        last = tampering.keys(session, table)[-1]
    places = (last + 1, 0, -5, last + 700)
    for id_ in places if FULL else [random.Random(f"{RUN} {table.name}").choice(places)]:
        with vault.opened(table.name) as session:
            tampering.slip_in(session, table, 1, id_)
            found = vault.first(session)

        missing = {f"audit_entry {last + 1}"} if table is ENTRIES else set()
        assert found in {f"{table.name} {id_}"} | missing, id_


def test_an_entry_hashed_anew_breaks_the_next_link(vault: Vault) -> None:
    with vault.opened("audit_entry") as session:
        middle = tampering.keys(session, ENTRIES)[-1] // 2
        tampering.put(session, ENTRIES.c.actor, middle, "En Anden")
        tampering.hash_anew(session, middle, middle)

        assert vault.first(session) == f"audit_entry {middle + 1}"


def test_a_chain_hashed_anew_from_the_middle_still_shows_the_changed_row(vault: Vault) -> None:
    """Whoever leaves the row's digest as it was is found by it."""
    with vault.opened("audit_entry", "posting") as session:
        tampering.put(session, TABLES["posting"].c.amount_ore, 7, 123)
        tampering.hash_anew(session, tampering.keys(session, ENTRIES)[-1] // 2)

        assert vault.first(session) == "posting 7"


# --- what is not guarded, and the guards


@pytest.mark.parametrize("change", ["last_number = last_number + 1", "last_number = 0", "last_number = -3"])
def test_a_counter_that_was_moved_is_named(vault: Vault, change: str) -> None:
    with vault.opened() as session:
        session.execute(text(f"UPDATE invoice_series SET {change} WHERE name = '2027'"))

        assert vault.first(session) == "2027"


def test_a_counter_without_invoices_or_without_a_counter_is_named(vault: Vault) -> None:
    for statement, named in [
        ("INSERT INTO invoice_series (name, last_number, last_on) VALUES ('2031', 4, '2031-01-01')", "2031"),
        ("DELETE FROM invoice_series WHERE name = 'R-2027'", "R-2027"),
    ]:
        with vault.opened() as session:
            session.execute(text(statement))

            assert vault.first(session) == named


def test_an_agreement_that_lost_its_countersignature_is_named_by_its_line(vault: Vault) -> None:
    with vault.opened() as session:
        found = "SELECT i.number, l.position FROM invoice_line l JOIN invoice i ON i.id = l.invoice_id "
        order = "WHERE l.agreement_id IS NOT NULL AND l.book = 'real' ORDER BY i.id, l.position LIMIT 1"
        first_number, first_line = session.execute(text(found + order)).one()
        session.execute(text("UPDATE agreement SET countersigned_on = NULL WHERE offer_id IS NULL"))
        verdict = vault.verified(session)

    assert {broken.check for broken in verdict.violations} == {"reasons"}
    assert first(verdict) == f"{first_number}/{first_line}"


def test_registers_are_not_what_verify_recomputes_from(vault: Vault) -> None:
    """An issued line rests on the reason stored with it; what was imported later says nothing about it."""
    for statement in ("UPDATE population SET inhabitants = 1", "UPDATE authority SET name = 'x', city = NULL",
                      "UPDATE membership SET left_on = '2020-01-01'", "UPDATE product SET account = NULL"):  # fmt: skip
        with vault.opened() as session:
            session.execute(text(statement))

            assert vault.verified(session).violations == [], statement


def test_each_guard_that_is_gone_off_or_changed_is_named_first(vault: Vault) -> None:
    attacks = list(tampering.attacks_on_guards(sqlite=vault.is_sqlite))
    for table, trigger, statements in attacks if FULL else random.Random(SEED).sample(attacks, 12):
        with vault.opened() as session:
            for statement in statements:
                session.connection().exec_driver_sql(statement)
            verdict = vault.verified(session)

        assert verdict.violations[0].check == "triggers", statements
        assert verdict.violations[0].subject == trigger, (table, statements)


# --- a chain that was made whole again: only a head kept outside tells


@pytest.fixture(scope="module")
def head(year: CommandLine) -> Head:
    """The head of the year, as exported."""
    file = year.folder / "head.json"
    year.done("verify", "--export-head", file)
    return head_files.read(file)


#: A change in each table that no sum gives away.
FORGERIES = {
    "adopted_table": "adopted_by", "agreement_file": "kept_by", "agreement_step": "by",
    "agreement_template": "adopted_by", "approved_invoice": "position", "credit_note": "prepared_by",
    "credited_line": "credit_line_id", "invoice": "issued_by", "invoice_line": "key", "ledger_entry": "text",
    "offer": "drafted_by", "offer_signatory": "title", "outbox_message": "created_at", "plan_approval": "approved_by",
    "posting": "position", "prepared_invoice": "lines", "proposal": "proposed_by", "proposal_decision": "decided_by",
    "recorded_agreement": "recorded_by", "rendering": "rendered_at", "right_to_sign": "vouched_by",
    "right_to_sign_end": "ended_by", "sealed_document": "level",
    "sealing_failure": "reason",
    "seller_settings": "imported_by", "signing_certificate": "taken_by", "verdict": "pack_version",
    "bank_file": "taken_by", "bank_statement": "bank_id", "bank_transaction": "payer",
    "interest_rate": "source", "invoice_hold": "reason", "invoice_hold_end": "reason", "reminder": "issued_by",
    "reminder_message": "created_at", "reminder_rendering": "rendered_at", "reminder_verdict": "pack_version",
    "account_mapping": "adopted_by", "closed_period": "closed_by",
    "payment_match": "matched_by", "refund": "reason", "write_off": "reason",
    "write_off_reversal": "amount_ore", "charge_waiver": "reason",
    "delivery": "made_by", "delivery_attempt": "reason_da", "delivery_receipt": "raw",
    "reminder_delivery": "made_by", "reminder_delivery_attempt": "reason_da", "reminder_delivery_receipt": "raw",
    "voucher": "booked_by", "voucher_posting": "position",
    "cost": "entered_by", "cost_file": "kept_by", "cost_payment": "match_id", "cost_voucher": "attached_by",
    "fund_balance": "amount_ore", "fund_contribution": "product",
    "budget_adoption": "proposal_id", "budget_line": "month", "budget_version": "basis", "deviation_remark": "text",
    "fund_move": "reason", "hour_rate": "amount_ore", "recurring_cost": "text",
    "letter": "written_by", "letter_attempt": "answer",
    "published_report": "published_by", "report_file": "language", "report_comment": "text",
    "pipeline_case": "source", "stage_chance": "reason", "kept_forecast": "kept_by",
    "report_disclosure": "disclosed_by", "report_disclosure_end": "reason",
}  # fmt: skip


@pytest.mark.parametrize("table", part_of([table for table in TABLES.values() if table is not ENTRIES]), ids=str)
def test_a_forged_row_whose_chain_was_hashed_anew_is_named_by_its_entry(vault: Vault, head: Head, table: Table) -> None:
    column = table.c[FORGERIES[table.name]]
    with vault.opened(table.name, "audit_entry") as session:
        id_ = tampering.keys(session, table)[-1]
        was = tampering.digest_of(session, table, id_)
        changes = tampering.changes(column, tampering.raw(session, column, id_), sqlite=vault.is_sqlite)
        forged = next(changes[name] for name in ("a microsecond", "trailing space", "far") if name in changes)
        assert tampering.put(session, column, id_, forged)
        position = tampering.refit(session, table, id_, was)
        violations = vault.verified(session, head).violations
    (departure,) = [broken for broken in violations if broken.check == "head"]
    # What stands in two places is noticed by them, too: an issued line is held against what was approved, and the line
    # that takes another back against that. A step of an agreement is a link of a chain of its own. A kept balance is
    # held against the postings, hours against their rate, what was paid of a cost against the match it names, and a
    # report has its files in each language. Whose fund got a contribution is in the ledger, and what came of a
    # write-off there and in its match.
    twice = ("invoice_line", "credited_line", "agreement_step", "fund_balance", "hour_rate", "cost_payment",
             "report_file", "write_off_reversal", "fund_contribution")  # fmt: skip
    assert len(violations) == 1 + (table.name in twice) + (table.name == "write_off_reversal")

    assert (departure.check, departure.subject) == ("head", f"audit_entry {position}")
    assert "historien er skrevet om herfra" in departure.message.da
    assert "the history was rewritten from here on" in departure.message.en


def test_an_entry_forged_in_the_first_the_middle_or_the_last_place_is_named(vault: Vault, head: Head) -> None:
    for position in (1, head.position // 2, head.position):
        with vault.opened("audit_entry") as session:
            tampering.put(session, ENTRIES.c.actor, position, "En Anden")
            tampering.hash_anew(session, position)
            without = vault.verified(session)
            departures = vault.verified(session, head).violations

        assert without.violations == []
        assert [(broken.check, broken.subject) for broken in departures] == [("head", f"audit_entry {position}")]


def test_an_entry_taken_out_of_a_chain_hashed_anew_is_named(vault: Vault, head: Head) -> None:
    """It covered no row, so nothing else misses it."""
    with vault.opened("audit_entry") as session:
        position = tampering.without_rows(session)
        tampering.remove(session, ENTRIES, position)
        tampering.close_gap(session, position)
        without = vault.verified(session)
        departures = vault.verified(session, head).violations

    assert without.violations == []
    assert [broken.subject for broken in departures] == [f"audit_entry {position}", f"audit_entry {head.position}"]


def test_a_tail_cut_off_with_its_rows_and_counter_is_named_with_the_missing_numbers(vault: Vault, head: Head) -> None:
    with vault.opened(*TABLES) as session:
        left = tampering.cut_last_invoice(session)
        number = head.series["2027"]
        without = vault.verified(session)
        chain, *series = vault.verified(session, head).violations

    assert without.violations == []
    assert (chain.check, chain.subject) == ("head", f"audit_entry {left + 1}")
    assert "halen er skåret af, eller en ældre sikkerhedskopi er lagt ind" in chain.message.da
    assert "the tail was cut off, or an older backup was restored" in chain.message.en
    assert Broken("head", "2027", Text(f"2027-{number:04} til 2027-{number:04} mangler",
                                       f"2027-{number:04} to 2027-{number:04} are missing")) in series  # fmt: skip
    assert {each.subject for each in series} <= set(head.series)  # what was issued after it is gone, too


def test_the_head_of_another_database_fits_from_no_entry_on(vault: Vault, head: Head) -> None:
    other = replace(head, checkpoints=dict.fromkeys(head.checkpoints, "ab" * 32), hash="ab" * 32)
    with vault.opened() as session:
        (departure,) = vault.verified(session, other).violations

    assert departure.subject == "audit_entry 1"
    assert "hovedet er fra en anden database" in departure.message.da


# --- no false alarm


def test_values_that_sqlite_stores_as_the_same_raise_no_alarm(vault: Vault) -> None:
    """1, '1' and 1.0 are one value in a column of whole numbers, and 5 is '5' in a column of texts."""
    if not vault.is_sqlite:
        return  # PostgreSQL refuses them, or makes the same of them before they are there
    with vault.opened("posting", "invoice") as session:
        session.execute(text("UPDATE posting SET amount_ore = CAST(amount_ore AS TEXT), entry_id = entry_id * 1.0"))
        session.execute(text("UPDATE invoice SET series = CAST(series AS INTEGER) WHERE book = 'real'"))

        assert vault.verified(session).violations == []


def test_a_vacuumed_a_dumped_and_a_restored_year_are_whole_and_have_the_same_head(
    year: CommandLine, head: Head, tmp_path: Path, postgresql: PostgreSQLServer
) -> None:
    kept, backup = year.folder / "head.json", tmp_path / "backup.gz"
    year.done("db", "backup", backup)
    copies = [tampering.set_up(f"sqlite:///{tmp_path / 'restored.sqlite'}", tmp_path)]
    copies.append(tampering.set_up(postgresql.create("restored_year"), tmp_path))
    for copy in copies:
        copy.done("db", "restore", backup)
    copies += tampering.vacuumed_and_reloaded(tmp_path / "restored.sqlite")

    for copy in copies:
        verdict = copy.json("verify", "--against", kept)

        assert (verdict["ok"], verdict["head"]["hash"]) == (True, head.hash), copy.url
    postgresql.drop("restored_year")


def test_the_bytes_of_documents_are_read_in_pieces(vault: Vault, tmp_path: Path) -> None:
    """Memory stays flat: PostgreSQL hands a result over whole unless it is asked for piece by piece."""
    wanted = re.compile(r"SELECT.*\brendering\.content.*FROM", re.DOTALL)

    asked = [
        *asked_by(vault, vault.verified),
        *asked_by(vault, lambda session: backups.write(session, tmp_path / "b.gz")),
    ]

    reading = [cursor for statement, cursor in asked if wanted.match(statement)]
    whole = [cursor for cursor in reading if not vault.is_sqlite and not isinstance(cursor, psycopg.ServerCursor)]
    assert len(reading) == 3  # for the rows' digests, for the files', for the backup
    assert whole == []


def test_the_number_of_queries_does_not_follow_the_rows(vault: Vault) -> None:
    with vault.opened() as session:
        rows = sum(len(tampering.keys(session, table)) for table in TABLES.values())

    asked = asked_by(vault, vault.verified)

    assert len(asked) < 50 + 4 * len(Base.metadata.tables) < rows // 2


def asked_by(vault: Vault, act: Callable[[Session], object]) -> list[tuple[str, object]]:
    """Give every statement of an act, with the cursor that ran it."""
    asked: list[tuple[str, object]] = []

    def keep(connection: object, cursor: object, statement: str, *_: object) -> None:
        asked.append((statement, cursor))

    with vault.opened() as session:
        event.listen(session.connection(), "before_cursor_execute", keep)
        act(session)
        event.remove(session.connection(), "before_cursor_execute", keep)
    return asked


def test_odd_but_honest_values_raise_no_alarm(vault: Vault) -> None:
    """What the service may write: empty texts, NULL, letters from afar, the largest numbers, whole seconds."""
    instants = (datetime(2027, 1, 15, tzinfo=UTC), datetime(2027, 1, 15, 23, 59, 59, 999_999, tzinfo=UTC),
                datetime(2027, 1, 15, 1, 2, 3, 40, tzinfo=timezone(timedelta(hours=2))))  # fmt: skip
    postings = TABLES["posting"]
    with vault.opened() as session:
        vault.close_up(session)
        for at in instants:
            next_id = append_only.next_id(session, postings)
            sums = [("6190", None, 2**53 + 1), ("", "", -(2**53) - 1), ("æøå ÆØÅ é ß ł", "“x” – \n\t", 0)]
            rows = [
                dict(zip(postings.c.keys(), (id_, 1, id_, *values), strict=True))
                for id_, values in enumerate(sums, start=next_id)
            ]
            append_only.add(session, postings, rows)
            trail = Trail(session, "Ægir Åse Øllegård", at)
            trail.record("noget.gjort", "", {"æ": None}, rows=[(postings, row) for row in rows])
            trail.write()
        found = {broken.check for broken in vault.verified(session).violations}

    assert found <= {"ledger", "conservation"}
