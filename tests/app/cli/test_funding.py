"""`funding` and `budgets`: what each command does, what it prints and writes, and what it refuses."""

from __future__ import annotations

import json
import re
import shlex
from typing import Any

import pytest

from tests.command_line import CommandLine, Result

ONE, OTHER = "En Indtaster", "En Godkender"
COSTS = "product,account,date,supplier,reference,text,amount_dkk\n"
BUDGETS = "product,year,account,amount_dkk\n"
FUND = "OS2valghalla"
_WAITING = re.compile(r"forslag (\d+): .*, kontrolsum ([0-9a-f]{64})")


def approved(line: CommandLine, made: Result, *command: str) -> None:
    """Let another person decide all that an act proposed."""
    found = _WAITING.findall(made.out)
    assert found, made.out
    for number, digest in found:
        line.done(*(command or ("funding", "approve")), number, "--digest", digest, "--by", OTHER)


def test_costs_come_as_a_file_are_approved_listed_and_taken_back(starter: CommandLine) -> None:
    rows = f"{FUND},00005,2027-01-05,Opdigtet Hosting,F-1,Drift,1000.50\nOS2,00004,2027-01-06,Opdigtet,F-2,Møde,20\n"
    file = starter.write("costs.csv", COSTS + rows)

    approved(starter, starter.done("funding", "import-costs", file, "--by", ONE))
    again = starter.done("funding", "import-costs", file, "--by", ONE).out
    found = starter.json("funding", "costs", "2027-01")["costs"]
    approved(starter, starter.done("funding", "reverse", found[0]["id"], "--reason", "Fejl", "--by", ONE))

    assert "0 nye, 2 kendte" in again
    assert [(each["product"], each["amount_ore"], each["state"]) for each in found] == [
        (FUND, 1_000_50, "booked"), (None, 20_00, "booked")
    ]  # fmt: skip
    only = starter.done("funding", "costs", "2027", "--product", FUND).out
    assert "1.000,50" in only and "Tilbageført" in only and "Møde" not in only
    starter.done("verify")


def test_a_cost_that_came_without_its_voucher_is_given_it_once(starter: CommandLine) -> None:
    rows = starter.write("costs.csv", COSTS + f"{FUND},00005,2027-01-05,Opdigtet Hosting,F-1,Drift,1000.50\n")
    starter.done("funding", "import-costs", rows, "--by", ONE)
    paper, program = starter.write("faktura.pdf", "%PDF-1.7 faktura"), starter.write("program.pdf", "MZ program")

    wrong = starter.run("funding", "attach-voucher", "1", program, "--by", ONE)
    told = starter.done("funding", "attach-voucher", "1", paper, "--by", ONE).out
    again = starter.run("funding", "attach-voucher", "1", paper, "--by", ONE)
    unknown = starter.run("funding", "attach-voucher", "9", paper, "--by", ONE)

    assert "omkostning 1: bilaget faktura.pdf er gemt, SHA-256 " in told
    assert (wrong.code, again.code, unknown.code) == (1, 1, 1)
    assert "PDF, PNG eller JPEG" in wrong.err and "har sit bilag" in again.err and "nummer 9" in unknown.err
    starter.done("verify")


def test_rates_hours_moves_and_recurring_costs_wait_for_another_person(starter: CommandLine) -> None:
    approved(starter, starter.done("funding", "hour-rate", "2027-01-01", "750", "--by", ONE))
    approved(starter, starter.done("funding", "hours", FUND, "2027-01-04", "1:30", "Møde", "--by", ONE))
    why = ("--reason", "Besluttet", "--by", ONE)
    approved(starter, starter.done("funding", "opening", FUND, "50000", "--on", "2027-01-01", *why))
    approved(starter, starter.done("funding", "transfer", FUND, "OS2", "1000.50", *why))
    terms = ("--supplier", "Opdigtet", "--text", "Servere", "--first", "2027-01-10", "--last", "2027-12-31")
    approved(starter, starter.done("funding", "recur", FUND, "00005", "100", "--every", "month", *terms, "--by", ONE))

    held = {each["product"]: each["amount_ore"] for each in starter.json("funding", "balances", "2027-01-31")["funds"]}
    assert held[FUND] == 50_000_00 - 1_000_50 - 1_125_00 - 100_00
    assert f"{FUND}: 47.774,50" in starter.done("funding", "balances", "2027-01-31").out
    assert [each["minutes"] for each in starter.json("funding", "costs", "2027")["costs"]] == [90, None]
    starter.done("verify")


def test_budgets_come_as_a_file_are_adopted_copied_and_listed(starter: CommandLine) -> None:
    file = starter.write("budgets.csv", BUDGETS + f"{FUND},2027,00005,1200\n")

    approved(starter, starter.done("budgets", "import", file, "--by", ONE), "budgets", "adopt")
    starter.done("budgets", "copy", FUND, 2028, "--index", "110", "--by", ONE)
    found = starter.json("budgets", "list", "--product", FUND)["budgets"]

    assert "0 nye versioner, 1 kendte" in starter.done("budgets", "import", file, "--by", ONE).out
    assert [(each["year"], each["state"], sum(each["lines"][0]["months_ore"])) for each in found] == [
        (2028, "proposed", 1_320_00), (2027, "adopted", 1_200_00)
    ]  # fmt: skip
    assert "1.200,00" in starter.done("budgets", "list", 2027).out


@pytest.mark.parametrize("form", ["json", "pdf", "xlsx"])
def test_a_report_is_written_in_each_format_and_language(starter: CommandLine, form: str) -> None:
    out = starter.folder / f"report.{form}"

    starter.done("funding", "report", FUND, "2026-Q4", "--format", form, "--lang", "en", "--out", out)

    begins = {"json": b'{"bands"', "pdf": b"%PDF-1.7", "xlsx": b"PK"}[form]
    assert out.read_bytes().startswith(begins)
    if form == "json":
        assert json.loads(starter.done("funding", "report", FUND, "2026-Q4", "--format", "json").out)
    else:
        assert "--out" in starter.run("funding", "report", FUND, "2026-Q4", "--format", form).err
    assert "Økonomirapport: OS2valghalla" in starter.done("funding", "report", FUND, "2026-Q4").out


def test_a_report_is_published_by_two_and_its_files_are_kept(starter: CommandLine) -> None:
    proposed = starter.done("funding", "publish", FUND, "2026-Q4", "--by", ONE).out
    digest = re.findall("[0-9a-f]{64}", proposed)[0]
    starter.done("funding", "publish", FUND, "2026-Q4", "--digest", digest, "--by", OTHER)

    files = [starter.folder / f"kept.{form}" for form in ("json", "pdf", "xlsx")]
    for file in files:
        starter.done("funding", "published-file", FUND, "2026-Q4", file)
    assert [file.read_bytes()[:2] for file in files] == [b'{"', b"%P", b"PK"]
    (told,) = starter.json("funding", "published", FUND)["reports"]
    assert (told["version"], told["published_by"]) == (1, OTHER)


def test_a_forecast_is_told_and_kept_and_a_case_expected(starter: CommandLine) -> None:
    seen = ("--from", "2028-01-01", "--stage", "contact", "--source", "Opdigtet", "--by", ONE)
    starter.done("funding", "expect", "55133018", FUND, *seen)

    told = starter.json("funding", "forecast", FUND, 2028, "--keep", "--by", ONE)
    assert (told["product"], told["year"], told["coming"][0]["cvr"]) == (FUND, 2028, "55133018")
    assert "I alt" in starter.done("funding", "forecast", FUND, 2028).out
    assert starter.json("funding", "pipeline")["cases"][0]["product"] == FUND
    part = starter.json("funding", "forecast", FUND, 2028, "--part", "pipeline")
    assert part["sum_ore"] == told["coming"][0]["counted"] == sum(row["amount_ore"] for row in part["rows"])
    assert (
        starter.json("funding", "forecast", FUND, 2028, "--part", "pipeline", "--kept", 1)["sum_ore"] == part["sum_ore"]
    )
    assert "Aarhus" in starter.done("funding", "forecast", FUND, 2028, "--part", "pipeline").out


HUGE = "9" * 20

#: With `--by NAME` behind each that takes it.
REFUSED = f"""
funding report OS2intet 2027
funding report {FUND} 2027-Q9
funding report {FUND} "'; --"
funding costs 2027-13
funding costs 1.1.2027
funding costs 2027 --product OS2intet
funding published OS2intet
funding published-file {FUND} 2026-Q4 kept.pdf
funding forecast OS2intet 2028
funding forecast {FUND} {HUGE}
funding forecast {FUND} 2028 --part nothing
funding forecast {FUND} 2028 --part "change:'; --"
funding forecast {FUND} 2028 --part certain --kept {HUGE}
funding forecast {FUND} {HUGE} --part invoiced
budgets list --product OS2intet
funding approve {HUGE} --digest x --by NAME
funding approve 1 --digest x --by NAME
funding reverse {HUGE} --reason x --by NAME
funding reverse 1 --reason x --by NAME
funding hours OS2intet 2027-01-01 1 x --by NAME
funding hours {FUND} 2027-01-01 0.333 x --by NAME
funding hours {FUND} 2027-01-01 ² x --by NAME
funding hour-rate 2027-01-01 1e5 --by NAME
funding hour-rate 2027-01-01 --by NAME -- -1
funding opening OS2intet 1 --on 2027-01-01 --reason x --by NAME
funding transfer {FUND} {FUND} 1 --reason x --by NAME
funding transfer {FUND} OS2 1;5 --reason x --by NAME
funding transfer {FUND} OS2 {HUGE} --reason x --by NAME
funding publish OS2intet 2026-Q4 --by NAME
funding publish {FUND} 2027-Q1 --by NAME
funding publish {FUND} 2026-Q4 --digest x --by NAME
funding expect 12 {FUND} --from 2028-01-01 --stage contact --source x --by NAME
funding recur {FUND} 99999 1 --every month --supplier x --text x --first 2027-01-01 --last 2027-12-31 --by NAME
funding recur OS2intet 00005 1 --every month --supplier x --text x --first 2027-01-01 --last 2027-12-31 --by NAME
budgets copy {FUND} 2028 --index 103 --by NAME
budgets copy OS2intet 2028 --index 103 --by NAME
budgets copy {FUND} 2028 --by NAME
budgets adopt {HUGE} --digest x --by NAME
"""


def test_what_cannot_be_is_refused_in_words_and_nothing_is_printed(starter: CommandLine) -> None:
    refused = {command: starter.run(*shlex.split(command)) for command in REFUSED.strip().splitlines()}

    wrong = {command: answer for command, answer in refused.items() if (answer.code, answer.out) != (1, "")}
    assert wrong == {}
    assert [command for command, answer in refused.items() if not answer.err.startswith("Fejl: ")] == []


def test_what_is_no_use_of_a_command_says_so(starter: CommandLine) -> None:
    for command in (f"budgets copy {FUND} {HUGE} --index 1", f"budgets list {HUGE}", "funding balances 2027-02-30",
                    f"funding recur {FUND} 00005 1 --every day"):  # fmt: skip
        refused = starter.run(*command.split())

        assert (refused.code, refused.out) == (2, "")
        assert "Error: " in refused.err


_WRONG: dict[str, bytes] = {
    "empty": b"", "binary": b"\x00\xff\xfe" * 100, "other columns": b"a;b\n1;2\n", "no columns": b"\n\n\n",
    "not utf-8": (COSTS + f"{FUND},00005,2027-01-05,").encode() + b"\xe6,F,x,1\n",
    "formula": (COSTS + f"{FUND},00005,2027-01-05,=cmd(),F,x,=1+1\n").encode(),
    "unknown product": (COSTS + "OS2intet,00005,2027-01-05,x,F,x,1\n").encode(),
    "unknown account": (COSTS + f"{FUND},00002,2027-01-05,x,F,x,1\n").encode(),
    "day to come": (COSTS + f"{FUND},00005,2099-01-05,x,F,x,1\n").encode(),
    "twice": (COSTS + f"{FUND},00005,2027-01-05,x,F,x,1\n" * 2).encode(),
}  # fmt: skip


@pytest.mark.parametrize("command", ["funding import-costs", "budgets import"])
def test_a_file_that_is_wrong_is_refused_whole(starter: CommandLine, command: str) -> None:
    for kind, content in _WRONG.items():
        file = starter.folder / "wrong.csv"
        columns = b"product,year,account,date,supplier,reference,amount_dkk\n"
        file.write_bytes(content if command.startswith("funding") else content.replace(COSTS.encode(), columns))

        refused = starter.run(*command.split(), file, "--by", ONE)

        assert refused.code == 1, (kind, refused.out)
        assert "wrong.csv" in refused.err, kind
    assert _listed(starter) == []


def _listed(line: CommandLine) -> list[Any]:
    return [*line.json("funding", "costs", "2027")["costs"], *line.json("budgets", "list")["budgets"]]
