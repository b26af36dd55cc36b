"""Verifying: nothing is broken on untouched data, and whatever was tampered with behind the triggers is named."""

from __future__ import annotations

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DatabaseError

from tests.command_line import CommandLine
from tests.scenarios import database, files


@pytest.fixture
def issued(starter: CommandLine) -> CommandLine:
    """A small year is issued by a real seller: two authorities with fee and dues."""
    starter.done("settings", "import", starter.write("seller.toml", files.SELLER))
    for known in files.starter()[:2]:
        files.take_members(starter, files.member(known.cvr, gln=""))
        files.take_agreements(starter, files.agreement(known.cvr))
    starter.issue(2027)
    return starter


#: Something that can be changed in each guarded table without breaking the row's own form.
CHANGES = {
    "adopted_table": "decided_by = 'en anden'",
    "approved_invoice": "digest = 'x'",
    "audit_entry": "actor = 'en anden'",
    "invoice": "gross_ore = gross_ore + 1",
    "invoice_line": "net_ore = net_ore - 1",
    "ledger_entry": "text = 'Faktura'",
    "outbox_message": "kind = 'lost'",
    "plan_approval": "approved_by = 'en anden'",
    "prepared_invoice": "body = 'x'",
    "posting": "amount_ore = amount_ore + 1",
    "rendering": "sha256 = 'x'",
    "seller_settings": "imported_by = 'en anden'",
}
GUARDED = set(CHANGES)


def key(table: str) -> str:
    """Give the name of a table's key."""
    return "position" if table == "audit_entry" else "id"


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
    assert verdict["checked"]["numbers"] == 2 and verdict["checked"]["renderings"] == 4
    assert verdict["checked"]["triggers"] == len(GUARDED)


def test_an_empty_database_has_nothing_broken(empty: CommandLine) -> None:
    assert empty.json("verify")["ok"] is True


def test_what_was_issued_refuses_change_and_deletion_in_the_database_itself(issued: CommandLine) -> None:
    """Promise 8."""
    before = database.dump(issued)

    for table in sorted(GUARDED):
        for statement in (f"UPDATE {table} SET {CHANGES[table]}", f"DELETE FROM {table}"):
            with pytest.raises(DatabaseError, match="append-only"), issued.session() as session:
                session.execute(text(statement))

    assert database.dump(issued) == before


def test_each_changed_row_is_named(issued: CommandLine) -> None:
    """PV-135, promise 9: a row of every guarded table, altered by SQL past the triggers."""
    for table, change in CHANGES.items():
        (last,) = database.column(issued, f"SELECT max({key(table)}) FROM {table}")
        before = dict(zip(("row",), database.column(issued, f"SELECT {change.split()[0]} FROM {table} "
                                                            f"WHERE {key(table)} = {last}"), strict=True))  # fmt: skip

        database.tamper(issued, table, f"UPDATE {table} SET {change} WHERE {key(table)} = {last}")
        found = named(issued)

        if table == "audit_entry":
            assert f"audit_chain: audit_entry {last}" in found
        else:
            assert f"rows: {table} {last}" in found, table
        value = before["row"] if isinstance(before["row"], int) else f"'{before['row']}'"
        database.tamper(issued, table, f"UPDATE {table} SET {change.split()[0]} = {value} WHERE {key(table)} = {last}")
        issued.done("verify")


def test_each_removed_row_is_named(issued: CommandLine) -> None:
    """PV-134: every check has a test that makes it fire."""
    for table in ("posting", "outbox_message", "rendering"):
        (last,) = database.column(issued, f"SELECT max(id) FROM {table}")

        database.tamper(issued, table, f"DELETE FROM {table} WHERE id = {last}")

        assert f"rows: {table} {last}" in named(issued)
    found = named(issued)
    assert any(each.startswith("ledger: 2027-") for each in found)
    assert any(each.startswith("outbox: 2027-") for each in found)


def test_the_first_bad_entry_of_the_chain_is_named(issued: CommandLine) -> None:
    """PV-135: an entry is changed in the middle; one is taken away."""
    database.tamper(issued, "audit_entry", "UPDATE audit_entry SET data = '{}' WHERE position = 3")
    changed = named(issued)
    database.tamper(issued, "audit_entry", "DELETE FROM audit_entry WHERE position = 2")
    removed = named(issued)

    assert [each for each in changed if each.startswith("audit_chain")] == ["audit_chain: audit_entry 3"]
    assert [each for each in removed if each.startswith("audit_chain")] == ["audit_chain: audit_entry 2"]


def test_a_row_that_was_slipped_in_is_named(issued: CommandLine) -> None:
    with issued.session() as session:
        session.execute(
            text("INSERT INTO posting (id, entry_id, position, account, product, amount_ore) "
                 "SELECT max(id) + 1, 1, 99, '6190', NULL, 0 FROM posting")
        )  # fmt: skip
    (last,) = database.column(issued, "SELECT max(id) FROM posting")

    assert f"rows: posting {last}" in named(issued)


def test_a_counter_that_was_turned_is_named_in_both_languages(issued: CommandLine) -> None:
    with issued.session() as session:
        session.execute(text("UPDATE invoice_series SET last_number = 7"))

    found, danish, english = named(issued), issued.run("verify"), issued.run("--language", "en", "verify")

    assert found == ["numbers: 2027"]
    assert (danish.code, english.code) == (1, 1)
    assert "BRUDT numbers, 2027: tælleren står på 7" in danish.out
    assert "BROKEN numbers, 2027: the counter stands at 7" in english.out


def test_a_trigger_that_is_hollow_switched_off_or_gone_is_named(empty: CommandLine) -> None:
    if "sqlite" in empty.url:
        hollow = "CREATE TRIGGER posting_no_update BEFORE UPDATE ON posting BEGIN SELECT 1; END"
        trigger, steps = "posting_no_update", ["DROP TRIGGER posting_no_update", hollow]
    else:
        off = "ALTER TABLE posting DISABLE TRIGGER posting_no_change"
        trigger, steps = "posting_no_change", [off, "DROP TRIGGER posting_no_change ON posting"]

    for step in steps:
        with empty.session() as session:
            session.execute(text(step))

        assert named(empty) == [f"triggers: {trigger}"], step


def test_a_database_that_is_not_set_up_cannot_be_judged(issued: CommandLine) -> None:
    elsewhere = CommandLine(f"sqlite:///{issued.folder / 'nothing.sqlite'}", issued.folder)

    result = elsewhere.run("verify", "--json")

    assert (result.code, result.out) == (3, "")
