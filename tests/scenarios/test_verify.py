"""Verifying by the command line: nothing is broken on untouched data; what is broken is named, with its exit code.

Every way to tamper with every column stands in `test_tampering.py`.
"""

from __future__ import annotations

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DatabaseError

from foundation import append_only
from foundation.base import Base
from tests.command_line import CommandLine
from tests.conftest import Prepared
from tests.places import with_starter
from tests.scenarios import database, files

pytestmark = pytest.mark.tampers


def _issued(line: CommandLine) -> None:
    line.done("settings", "import", line.write("seller.toml", files.SELLER))
    for known in files.starter()[:2]:
        files.take_members(line, files.member(known.cvr, gln=""))
        files.take_agreements(line, files.agreement(known.cvr))
    line.issue(2027)
    database.judge(line)
    database.propose(line)
    database.adopt_templates(line)


@pytest.fixture
def issued(prepared: Prepared) -> CommandLine:
    """A small year is issued by a real seller: two authorities with fee and dues."""
    return prepared(with_starter, _issued)


#: Something that can be changed in each guarded table without breaking the row's own form. What agreements leave
#: is changed in test_tampering.py.
CHANGES = {
    "adopted_table": "decided_by = 'en anden'",
    "agreement_template": "content = 'x'",
    "approved_invoice": "digest = 'x'",
    "audit_entry": "actor = 'en anden'",
    "credit_note": "reason = 'x'",
    "credited_line": "line_id = line_id + 1",
    "invoice": "gross_ore = gross_ore + 1",
    "invoice_line": "net_ore = net_ore - 1",
    "ledger_entry": "text = 'Faktura'",
    "outbox_message": "kind = 'lost'",
    "plan_approval": "approved_by = 'en anden'",
    "prepared_invoice": "body = 'x'",
    "proposal": "proposed_by = 'en anden'",
    "proposal_decision": "outcome = 'rejected'",
    "posting": "amount_ore = amount_ore + 1",
    "rendering": "sha256 = 'x'",
    "seller_settings": "imported_by = 'en anden'",
    "verdict": "outcome = 'invalid'",
}
GUARDED = set(CHANGES)


def named(line: CommandLine) -> list[str]:
    """Verify; give what is broken as check: subject."""
    result = line.run("verify", "--json")
    assert result.code == 1, result
    verdict = result.json()
    assert verdict["ok"] is False
    return [f"{broken['check']}: {broken['subject']}" for broken in verdict["violations"]]


def test_untouched_data_has_nothing_broken(issued: CommandLine) -> None:
    verdict = issued.json("verify")

    assert (verdict["ok"], verdict["violations"]) == (True, [])
    assert {"triggers", "audit_chain", "numbers", "renderings"} <= set(verdict["checked"])
    assert all(isinstance(count, int) for count in verdict["checked"].values())
    assert verdict["checked"]["numbers"] == 2 and verdict["checked"]["renderings"] == 6
    assert verdict["checked"]["triggers"] == len(append_only.tables(Base.metadata))


def test_an_empty_database_has_nothing_broken(empty: CommandLine) -> None:
    assert empty.json("verify")["ok"] is True


def test_what_was_issued_refuses_change_and_deletion_in_the_database_itself(issued: CommandLine) -> None:
    """Promise 8."""
    issued.done(
        "billing", "credit", "2027-0001", "--reason", "fejl", "--by", "En Forbereder", "--approved-by", "En Godkender"
    )
    before = database.dump(issued)

    for table in sorted(GUARDED):
        for statement in (f"UPDATE {table} SET {CHANGES[table]}", f"DELETE FROM {table}"):
            with pytest.raises(DatabaseError, match="append-only"), issued.session() as session:
                session.execute(text(statement))

    assert database.dump(issued) == before


def test_each_removed_row_is_named(issued: CommandLine) -> None:
    """PV-134: every check has a test that makes it fire."""
    for table in ("posting", "outbox_message", "rendering"):
        (last,) = database.column(issued, f"SELECT max(id) FROM {table}")

        database.tamper(issued, table, f"DELETE FROM {table} WHERE id = {last}")

        assert f"rows: {table} {last}" in named(issued)
    found = named(issued)
    assert any(each.startswith("ledger: 2027-") for each in found)
    assert any(each.startswith("outbox: 2027-") for each in found)


def test_a_counter_that_was_turned_is_named_in_both_languages(issued: CommandLine) -> None:
    with issued.session() as session:
        session.execute(text("UPDATE invoice_series SET last_number = 7"))

    found, danish, english = named(issued), issued.run("verify"), issued.run("--language", "en", "verify")

    assert found == ["numbers: 2027"]
    assert (danish.code, english.code) == (1, 1)
    assert "BRUDT numbers, 2027: tælleren står på 7" in danish.out
    assert "BROKEN numbers, 2027: the counter stands at 7" in english.out


def test_a_value_that_cannot_be_read_is_named_and_nothing_is_computed_from_it(issued: CommandLine) -> None:
    day = "'i går'" if "sqlite" in issued.url else "'infinity'"
    database.tamper(issued, "invoice", f"UPDATE invoice SET issued_on = {day} WHERE id = 2")

    result, verdict = issued.run("verify"), issued.run("verify", "--json").json()

    assert result.code == 1
    assert "BRUDT forms, invoice 2: issued_on: har ikke kolonnens form" in result.out
    assert (verdict["checked"]["rows"], verdict["head"]) == (0, None)


def test_amounts_beyond_what_a_sum_can_hold_are_told_apart(issued: CommandLine) -> None:
    """SQLite refuses to sum beyond 64 bits; that must not hide what was changed."""
    largest = 2**63 - 1
    database.tamper(issued, "posting", f"UPDATE posting SET amount_ore = {largest} WHERE id IN (2, 3)")

    found = named(issued)

    assert found[:2] == ["rows: posting 2", "rows: posting 3"]
    assert "conservation: real 2027" in found


def test_a_database_that_is_not_set_up_cannot_be_judged(issued: CommandLine) -> None:
    elsewhere = CommandLine(f"sqlite:///{issued.folder / 'nothing.sqlite'}", issued.folder)

    result = elsewhere.run("verify", "--json")

    assert (result.code, result.out) == (3, "")
