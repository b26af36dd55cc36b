"""The audit log in the browser: who sees which entries and how much of them, and that tampering is named."""

from __future__ import annotations

import json
import re
import sqlite3
from pathlib import Path

import pytest

from app.web import audit
from foundation.audit import ENTRIES
from tests.app.web.desks import ADMINISTRATOR, APPROVER, AUDITOR, FINANCE, GROUP, Desk
from tests.command_line import CommandLine
from tests.foundation import tampering


def entry_of(desk: Desk, action: str) -> str:
    """Give the address of the newest entry of an action that the person sees."""
    found = re.search(r'href="(/audit/\d+)"', desk.html(f"/audit?action={action}"))
    return found[1] if found else ""


def test_everything_is_seen_by_who_audits_and_own_acts_by_finance(desk: Desk) -> None:
    desk.sit(FINANCE).get("/invoices.csv")

    own = desk.html("/audit")
    everything = desk.sit(AUDITOR).html("/audit")

    assert "Udtræk hentet" in own
    assert "kommandolinjen" not in own
    assert "Her står, hvad du selv har gjort" in own
    assert "kommandolinjen" in everything


def test_another_s_act_is_not_there_for_finance(desk: Desk) -> None:
    issued = entry_of(desk.sit(APPROVER), "invoice.issued")
    desk.sit(FINANCE).get("/invoices.csv")

    assert desk.get(issued).status_code == 404
    assert "asked" in desk.html(entry_of(desk, "export.made"))


def test_an_administrator_sees_who_did_what_but_not_what_it_says(desk: Desk) -> None:
    issued = entry_of(desk.sit(AUDITOR), "invoice.issued")
    full = desk.html(issued)
    bare = desk.sit(ADMINISTRATOR).html(issued)

    assert "gross_ore" in full
    assert "invoice_line" in full
    assert "Faktura udstedt" in bare
    assert "gross_ore" not in bare
    assert "invoice_line" not in bare


@pytest.mark.parametrize(
    ("query", "is_there"),
    [("from=2027-01-15", True), ("from=2027-01-16", False), ("until=2027-01-14", False), ("until=2027-01-15", True),
     ("from=x", True), ("until=x", True), ("until=9999-12-31", True), ("who=kommando", True), ("who=nobody", False),
     ("q=2027-0002&action=invoice.issued", True), ("q=2027-0009&action=invoice.issued", False)],
)  # fmt: skip
def test_the_log_is_searched_by_subject_action_person_and_day(desk: Desk, query: str, is_there: bool) -> None:
    assert ('href="/audit/' in desk.sit(AUDITOR).html(f"/audit?{query}")) == is_there


@pytest.mark.parametrize("path", ["/audit/0", "/audit/99999", "/audit/99999999999999999999", "/audit?sort=data"])
def test_what_is_not_there_is_not_found(desk: Desk, path: str) -> None:
    assert desk.sit(AUDITOR).get(path).status_code == 404


def test_whoever_has_no_part_in_the_log_is_refused(desk: Desk) -> None:
    assert desk.sit(GROUP).get("/audit").status_code == 403
    assert {desk.sit(who).post("/audit/verify").status_code for who in (FINANCE, APPROVER, GROUP)} == {403}


def test_verifying_says_that_nothing_is_broken(desk: Desk) -> None:
    answer = desk.sit(AUDITOR).post("/audit/verify")

    assert answer.status_code == 200
    assert "Intet er brudt" in answer.text


def test_verifying_names_what_was_tampered_with(desk: Desk, issued: CommandLine) -> None:
    with issued.session() as session:
        tampering.tamper(session, ENTRIES, "UPDATE audit_entry SET actor = 'En anden' WHERE position = 3")

    answer = desk.sit(ADMINISTRATOR).post("/audit/verify")

    assert "audit_entry 3" in answer.text
    assert "postens indhold er ændret" in answer.text


def test_verifying_ends_in_time_and_runs_once_at_a_time(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    with audit._one_at_a_time:
        busy = desk.sit(AUDITOR).post("/audit/verify")
    monkeypatch.setattr(audit, "PATIENCE", -1)
    long = desk.post("/audit/verify")

    assert [busy.status_code, long.status_code] == [503, 503]
    assert "kan køres på serveren" in long.text


def test_every_action_that_happened_has_words(desk: Desk, issued: CommandLine) -> None:
    with issued.session() as session:
        found = set(session.scalars(ENTRIES.select().with_only_columns(ENTRIES.c.action).distinct()))

    assert found <= set(audit.ACTIONS)


def test_what_an_entry_is_about_has_danish_words(demonstration_year: Path) -> None:
    with sqlite3.connect(demonstration_year) as connection:
        subjects = [subject for (subject,) in connection.execute("SELECT subject FROM audit_entry")]

    kinds = {kind for subject in subjects if (kind := re.match(r"[a-z]+_?[a-z]*(?= |$)", subject))}
    assert {kind[0] for kind in kinds} <= set(audit.KINDS)


@pytest.mark.parametrize("asked", ["2027-0001", "2027 rigtig", "Rigtig"])
def test_entries_are_found_by_the_words_that_are_shown(desk: Desk, asked: str) -> None:
    told = desk.sit(AUDITOR).html(f"/audit?q={asked}")

    assert 'href="/audit/' in told


def test_the_list_s_file_holds_no_content(desk: Desk) -> None:
    text = desk.sit(ADMINISTRATOR).get("/audit.csv").text

    assert "Faktura udstedt" in text
    assert "gross_ore" not in text
    assert json.dumps(["invoice", 1])[:11] not in text
