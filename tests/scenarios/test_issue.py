"""Approving and issuing: exactly what was approved, once, in order, whatever happens in between."""

from __future__ import annotations

import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from unittest import mock

import pytest

from billing import invoices
from billing.document import InvoiceDocument
from billing.einvoice import checks
from foundation.language import Text
from tests.command_line import CommandLine
from tests.scenarios import database, files, programs


def kitos(line: CommandLine, count: int, *, first: int = 0) -> None:
    """Connect some municipalities to OS2kitos, a flat fee: one invoice each."""
    known = files.starter()[first : first + count]
    files.take_agreements(line, *(files.agreement(each.cvr, "OS2kitos") for each in known))


def numbers(line: CommandLine) -> list[str]:
    """Give the issued numbers in the order of their sequence."""
    return database.column(line, "SELECT number FROM invoice ORDER BY book, year, sequence")


def counter(line: CommandLine, series: str) -> int:
    """Give where the counter of a series stands."""
    (last,) = database.column(line, f"SELECT last_number FROM invoice_series WHERE name = '{series}'")
    return int(last)


def expected(year: int, count: int) -> list[str]:
    """Give the numbers of a series without gap."""
    return [f"{year}-{nth:04d}" for nth in range(1, count + 1)]


# --- approval


def test_issuing_without_an_approval_is_refused_and_says_how(starter: CommandLine) -> None:
    kitos(starter, 1)

    result = starter.run("billing", "issue", 2027)

    assert result.code == 1
    assert "ikke godkendt" in result.err and "billing approve ÅR" in result.err
    assert numbers(starter) == []


def test_issuing_a_year_with_nothing_to_invoice_does_nothing(starter: CommandLine) -> None:
    result = starter.done("billing", "issue", 2027)

    assert "2027" in result.out
    assert numbers(starter) == []


def test_a_wrong_digest_is_refused_and_the_right_one_is_named(starter: CommandLine) -> None:
    kitos(starter, 1)
    digest = starter.json("billing", "plan", 2027)["digest"]
    before = database.dump(starter)

    result = starter.run("billing", "approve", 2027, "--digest", "0" * 64, "--by", "En Godkender")

    assert result.code == 1
    assert digest in result.err
    assert database.dump(starter) == before


def test_approving_twice_is_one_approval(starter: CommandLine) -> None:
    kitos(starter, 1)
    digest = starter.approve(2027)

    again = starter.done("billing", "approve", 2027, "--digest", digest, "--by", "En Anden")

    assert "En Godkender" in again.out
    assert database.column(starter, "SELECT approved_by FROM plan_approval") == ["En Godkender"]


def test_the_approver_is_recorded_by_the_name_given(starter: CommandLine) -> None:
    kitos(starter, 1)

    starter.approve(2027)

    assert database.column(starter, "SELECT actor FROM audit_entry WHERE action = 'plan.approved'") == ["En Godkender"]


def test_an_old_approval_does_not_bring_an_old_plan_back(starter: CommandLine) -> None:
    kitos(starter, 1)
    old = starter.approve(2027)
    kitos(starter, 1, first=1)
    starter.approve(2027)

    result = starter.run("billing", "approve", 2027, "--digest", old, "--by", "En Godkender")

    assert result.code == 1
    starter.done("billing", "issue", 2027)
    assert numbers(starter) == expected(2027, 2)


def test_invoices_that_fail_our_own_checks_are_refused_at_approval_all_at_once(starter: CommandLine) -> None:
    """No table that is taken makes such an invoice, so the checks are made stricter here."""
    kitos(starter, 3)
    first, second, third = files.starter()[:3]
    digest = starter.json("billing", "plan", 2027)["digest"]
    before = database.dump(starter)

    def strict(document: InvoiceDocument) -> list[checks.Finding]:
        wrong = document.buyer.cvr in (first.cvr, third.cvr)
        return [checks.Finding("error", "strict", Text("er forkert", "is wrong"))] if wrong else []

    with mock.patch.object(checks, "check_body", strict):
        result = starter.run("billing", "approve", 2027, "--digest", digest, "--by", "En Godkender")

    assert result.code == 1
    assert f"{first.name}: er forkert" in result.err and f"{third.name}: er forkert" in result.err
    assert second.name not in result.err
    assert database.dump(starter) == before


@pytest.mark.tampers
def test_a_plan_that_an_older_version_approved_is_approved_again_and_issued(starter: CommandLine) -> None:
    kitos(starter, 2)
    digest = starter.approve(2027)
    database.tamper(starter, "prepared_invoice", "DELETE FROM prepared_invoice")  # as it was before revision 0002

    refused = starter.run("billing", "issue", 2027)
    starter.done("billing", "approve", 2027, "--digest", digest, "--by", "En Godkender")
    starter.done("billing", "issue", 2027)

    assert refused.code == 1 and "ældre version" in refused.err
    assert numbers(starter) == expected(2027, 2)


# --- issue = approved plan


def test_what_is_issued_is_the_approved_plan_to_the_byte(starter: CommandLine) -> None:
    """PV-067: plan and run share one path."""
    known = files.starter()
    files.take_members(starter, *(files.member(each.cvr) for each in known[:5]))
    files.take_agreements(
        starter, *(files.agreement(each.cvr, product) for each in known[:8] for product in ("OS2kitos", "OS2valghalla"))
    )

    plan = starter.json("billing", "plan", 2027)
    starter.issue(2027)

    issued = []
    for number, invoice in zip(numbers(starter), plan["invoices"], strict=True):
        explained = starter.json("explain", number)
        assert explained["authority"] == invoice["authority"]
        issued.append([{key: line[key] for key in invoice["lines"][0]} for line in explained["lines"]])
    assert issued == [invoice["lines"] for invoice in plan["invoices"]]
    after = starter.json("billing", "plan", 2027)
    assert (after["invoices"], after["unchanged"], after["problems"]) == ([], plan["totals"]["lines"], [])
    starter.done("verify")


def test_the_first_run_of_a_year_numbers_from_one_and_a_second_run_does_nothing(starter: CommandLine) -> None:
    """PV-058."""
    kitos(starter, 3)
    starter.issue(2027)
    before = database.dump(starter)

    again = [starter.done("billing", "issue", 2027) for _ in range(3)]

    assert numbers(starter) == expected(2027, 3)
    assert "udstedt i forvejen" in again[0].out
    assert database.dump(starter) == before


def test_each_year_has_its_own_series(starter: CommandLine) -> None:
    kitos(starter, 2)

    starter.issue(2027)
    starter.issue(2026)

    assert numbers(starter) == [*expected(2026, 2), *expected(2027, 2)]


@pytest.mark.parametrize("change", ["agreement", "member", "address", "details", "end", "seller", "population"])
def test_a_fact_that_changed_after_the_approval_stops_the_issue_and_is_named(change: str, starter: CommandLine) -> None:
    known = files.starter()[0]
    number = files.cvrs(1)[0]
    files.take_authorities(starter, files.municipality(number, "0001"))
    files.take_population(starter, files.inhabitants("0001", 2026, 30_000))
    files.take_agreements(starter, files.agreement(number), files.agreement(known.cvr, "OS2kitos"))
    starter.approve(2027)
    named = "Kommune 0001"
    if change == "agreement":
        files.take_agreements(starter, files.agreement(number, "OS2kitos"))
    elif change == "member":
        files.take_members(starter, files.member(number, gln=""))
    elif change == "address":
        files.take_authorities(starter, files.municipality(number, "0001", address="Ny vej 2"))
    elif change == "details":
        files.take_agreements(starter, files.agreement(number, order_reference="O-1"))
    elif change == "end":
        files.take_agreements(starter, files.agreement(number, terminated_to="2026-12-31"))
    elif change == "population":
        files.take_population(starter, files.inhabitants("0001", 2026, 70_000))
    else:
        starter.done("settings", "import", starter.write("seller.toml", files.SELLER))
        named = "sælger"
    before = database.dump(starter)

    result = starter.run("billing", "issue", 2027)

    assert result.code == 1
    assert named in result.err
    assert database.dump(starter) == before
    starter.issue(2027)
    starter.done("verify")


def test_a_line_that_another_fact_changed_is_told_with_both_amounts(starter: CommandLine) -> None:
    known = files.starter()[0]
    files.take_agreements(starter, files.agreement(known.cvr))
    starter.approve(2027)
    files.take_members(starter, files.member(known.cvr))

    result = starter.run("billing", "issue", 2027)

    told = result.err.replace("\u00a0", " ")
    assert result.code == 1
    assert f"{known.name}, OS2valghalla annual_fee: godkendt 70.200,00 kr., nu 56.680,00 kr." in told
    assert f"{known.name}, OS2 membership_dues: ny linje, 25.000,00 kr." in told


def test_an_agreement_signed_after_the_issue_is_all_that_a_second_run_invoices(starter: CommandLine) -> None:
    """PV-056."""
    kitos(starter, 3)
    starter.issue(2027)
    kitos(starter, 1, first=3)

    plan = starter.json("billing", "plan", 2027)
    unapproved = starter.run("billing", "issue", 2027)
    starter.issue(2027)

    assert (plan["totals"]["invoices"], plan["unchanged"]) == (1, 3)
    assert unapproved.code == 1
    assert numbers(starter) == expected(2027, 4)
    starter.done("verify")


def test_two_hundred_authorities_and_one_without_gln(starter: CommandLine) -> None:
    """PV-068: 199 created, one listed by name and reason; a second start creates it when it is mended."""
    cvrs = files.cvrs(200)
    files.take_authorities(starter, *(files.authority(cvr) for cvr in cvrs))
    files.take_agreements(starter, *(files.agreement(cvr, "OS2kitos") for cvr in cvrs[:-1]))
    files.take_agreements(starter, files.agreement(cvrs[-1], "OS2kitos", gln=""))

    plan = starter.json("billing", "plan", 2027)
    with mock.patch("app.cli.billing.render_all"):
        starter.issue(2027)
        nothing = starter.done("billing", "issue", 2027)
        first = numbers(starter)
        files.take_agreements(starter, files.agreement(cvrs[-1], "OS2kitos"))
        starter.issue(2027)

    assert [(p["authority"], p["code"]) for p in plan["problems"]] == [
        ({"cvr": cvrs[-1], "name": f"Styrelsen {cvrs[-1]}"}, "no_endpoint")
    ]
    assert plan["totals"]["invoices"] == 199
    assert first == expected(2027, 199)
    assert "i forvejen" in nothing.out
    assert numbers(starter) == expected(2027, 200)
    starter.done("verify")


# --- dates


def test_a_date_later_than_today_warns_and_goes_on(starter: CommandLine) -> None:
    """PV-078: a run dated 1 January, prepared in December."""
    kitos(starter, 1)
    december = starter.at("2026-12-20")
    december.approve(2027)

    result = december.done("billing", "issue", 2027, "--on", "2027-01-01")

    assert "fremtiden" in result.err and "fremtiden" not in result.out
    assert [str(day) for day in database.column(starter, "SELECT issued_on FROM invoice")] == ["2027-01-01"]
    assert [str(day) for day in database.column(starter, "SELECT due_on FROM invoice")] == ["2027-01-31"]


def test_a_date_before_the_last_number_is_refused_and_a_later_one_is_taken(starter: CommandLine) -> None:
    """PV-077."""
    kitos(starter, 1)
    starter.issue(2027, "--on", "2027-01-10")
    kitos(starter, 1, first=1)
    starter.approve(2027)
    before = database.dump(starter)

    earlier = starter.run("billing", "issue", 2027, "--on", "2027-01-09")
    after_refusal = database.dump(starter)
    later = starter.done("billing", "issue", 2027, "--on", "2027-01-10")

    assert earlier.code == 1
    assert "10. januar 2027" in earlier.err and "9. januar 2027" in earlier.err
    assert after_refusal == before
    assert "2027-0002" in later.out
    starter.done("verify")


@pytest.mark.parametrize(
    ("moment", "day"), [("2027-01-31T22:30:00Z", "2027-01-31"), ("2027-01-31T23:30:00Z", "2027-02-01")]
)
def test_an_invoice_is_dated_by_the_day_in_copenhagen(moment: str, day: str, starter: CommandLine) -> None:
    kitos(starter, 1)

    starter.at(moment).issue(2027)

    assert [str(found) for found in database.column(starter, "SELECT issued_on FROM invoice")] == [day]


# --- the rehearsal


def test_a_rehearsal_has_its_own_series_and_ledger_and_never_touches_the_real_one(starter: CommandLine) -> None:
    kitos(starter, 2)

    starter.done("billing", "issue", 2027, "--rehearsal")
    rehearsed = starter.json("billing", "plan", 2027, "--rehearsal")
    real = starter.json("billing", "plan", 2027)
    starter.issue(2027)

    assert numbers(starter) == [*expected(2027, 2), "R-2027-0001", "R-2027-0002"]
    assert (rehearsed["totals"]["invoices"], rehearsed["unchanged"]) == (0, 2)
    assert (real["totals"]["invoices"], real["unchanged"]) == (2, 0)
    assert (counter(starter, "2027"), counter(starter, "R-2027")) == (2, 2)
    books = database.column(starter, "SELECT book FROM ledger_entry ORDER BY id")
    assert sorted(books) == ["real", "real", "rehearsal", "rehearsal"]
    starter.done("verify")


def test_a_rehearsal_binds_no_register(starter: CommandLine) -> None:
    kitos(starter, 1)
    starter.done("billing", "issue", 2027, "--rehearsal")

    files.take_agreements(starter, files.agreement(files.starter()[0].cvr, "OS2kitos", in_force_from="2028-01-01"))

    assert starter.json("billing", "plan", 2027)["invoices"] == []


def test_a_joining_fee_that_another_year_invoiced_meanwhile_is_never_invoiced_twice(starter: CommandLine) -> None:
    files.adopt(starter, files.fee_table("Ny", "annual_fee = 900", "joining_fee = 500", valid_from="2022-01-01"))
    files.take_agreements(starter, files.agreement(files.starter()[0].cvr, "Ny"))
    starter.approve(2027)
    starter.approve(2028)
    starter.done("billing", "issue", 2028)
    before = database.dump(starter)

    result = starter.run("billing", "issue", 2027)

    assert result.code == 1
    assert "Ny joining_fee" in result.err and "bortfalder" in result.err
    assert database.dump(starter) == before
    starter.issue(2027)
    assert database.column(starter, "SELECT count(*) FROM invoice_line WHERE kind = 'joining_fee'") == [1]
    starter.done("verify")


# --- interrupted


class Interrupted(RuntimeError):
    """Stands for a machine that stops."""


def test_a_countersignature_taken_back_after_a_rehearsal_breaks_no_promise(starter: CommandLine) -> None:
    """A rehearsal binds no register, so what it rested on may go."""
    agreement = files.agreement(files.starter()[0].cvr, "OS2kitos")
    files.take_agreements(starter, agreement)
    starter.done("billing", "issue", 2027, "--rehearsal")

    files.take_agreements(starter, {**agreement, "countersigned_on": ""})

    starter.done("verify")


def test_a_rebate_granted_after_a_rehearsal_is_told_and_makes_no_invoice_below_zero(starter: CommandLine) -> None:
    files.adopt(starter, files.fee_table("Ny", "annual_fee = 900", "joining_fee = 500", valid_from="2022-01-01"))
    agreement = files.agreement(files.starter()[0].cvr, "Ny")
    files.take_agreements(starter, agreement)
    starter.done("billing", "issue", 2027, "--rehearsal")

    files.take_agreements(starter, {**agreement, "rebate_dkk": "100", "rebate_reason": "medfinansiering"})

    plan = starter.json("billing", "plan", 2027, "--rehearsal")
    assert (plan["invoices"], plan["unchanged"]) == ([], 2)
    assert [problem["code"] for problem in plan["problems"]] == ["invoiced_differs"]
    starter.done("billing", "issue", 2027, "--rehearsal")


def test_a_run_interrupted_between_batches_goes_on_to_the_same_result(starter: CommandLine) -> None:
    """Promise 19: the approved digest still matches when a half-issued run is resumed."""
    kitos(starter, 7)
    digest = starter.approve(2027)
    batches = 0
    issue_batch = invoices.issue_batch

    def stopping(*arguments: Any, **options: Any) -> tuple[str, ...]:
        nonlocal batches
        batches += 1
        if batches == 3:
            raise Interrupted
        return issue_batch(*arguments, **{**options, "at_most": 2})

    with mock.patch.object(invoices, "issue_batch", stopping), pytest.raises(Interrupted):
        starter.run("billing", "issue", 2027)
    half = numbers(starter)
    again = starter.done("billing", "approve", 2027, "--digest", digest, "--by", "En Anden")
    resumed = starter.done("billing", "issue", 2027)

    assert half == expected(2027, 4)
    assert "allerede godkendt" in again.out
    assert "3 fakturaer udstedt, 2027-0005" in resumed.out
    assert numbers(starter) == expected(2027, 7)
    assert database.column(starter, "SELECT position FROM approved_invoice ORDER BY id") == list(range(1, 8))
    starter.done("verify")


def test_an_error_inside_a_batch_leaves_nothing_of_it(starter: CommandLine) -> None:
    """Promise 4: no number is used up by a transaction that was rolled back."""
    kitos(starter, 3)
    starter.approve(2027)
    before = database.dump(starter)

    with mock.patch("foundation.audit.Trail.write", side_effect=Interrupted), pytest.raises(Interrupted):
        starter.run("billing", "issue", 2027)

    assert database.dump(starter) == before
    starter.done("billing", "issue", 2027)
    assert numbers(starter) == expected(2027, 3)


def test_documents_that_were_not_made_before_an_interruption_are_made_by_the_next_run(starter: CommandLine) -> None:
    kitos(starter, 3)
    starter.approve(2027)
    with mock.patch("billing.renderings.render", side_effect=Interrupted), pytest.raises(Interrupted):
        starter.run("billing", "issue", 2027)
    without = (len(numbers(starter)), database.count(starter, "rendering"))

    starter.done("billing", "issue", 2027)

    assert without == (3, 0)
    assert database.count(starter, "rendering") == 9
    starter.done("verify")


# --- at once


def test_two_processes_issuing_at_once_give_one_result(starter: CommandLine) -> None:
    kitos(starter, 6)
    starter.approve(2027)

    processes = [programs.start(starter, "billing", "issue", 2027) for _ in range(2)]
    ends = [programs.end(process) for process in processes]

    assert [end.code for end in ends] == [0, 0], ends
    assert numbers(starter) == expected(2027, 6)
    assert counter(starter, "2027") == 6
    starter.done("verify")


def test_three_writers_at_once_number_their_series_without_gap(starter: CommandLine) -> None:
    """PV-075: three processes share one plan of 60 in batches of 5; the order is 2027-0002 < 2027-0010."""
    kitos(starter, 60)
    starter.approve(2027)
    code = "import app.cli, app.cli.billing as b\nb.render_all = lambda *a: None\napp.cli.main()\n"

    def writer(_: int) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-c", code, "billing", "issue", "2027"]
        environ = programs.compiled(starter.with_environ(OS2TILSLUT_BATCH="5"))
        return subprocess.run(command, env=environ, capture_output=True, text=True, check=False)

    with ThreadPoolExecutor(3) as pool:
        ends = list(pool.map(writer, range(3)))

    assert [end.returncode for end in ends] == [0, 0, 0], [end.stderr for end in ends]
    assert numbers(starter) == expected(2027, 60) == sorted(numbers(starter))
    assert counter(starter, "2027") == 60
    told = [re.findall(r"(\d+) fakturaer udstedt", end.stdout) for end in ends]
    assert sum(int(count) for found in told for count in found) == 60
    starter.done("verify")
