"""Things that went wrong once: broken databases, a successor changed late, a code taken twice, orphaned helpers."""

from __future__ import annotations

import signal
from pathlib import Path

from tests.command_line import CommandLine
from tests.scenarios import database, files, programs
from tests.scenarios.test_issue import kitos
from tests.scenarios.test_problems import HOVEDSTADEN, register_successor


def test_a_database_file_that_is_none_cannot_be_worked_with_now(tmp_path: Path) -> None:
    line = CommandLine(f"sqlite:///{tmp_path / 'none.sqlite'}", tmp_path)
    (tmp_path / "none.sqlite").write_bytes(b"this is not a database" * 100)

    for command in [("verify",), ("billing", "plan", 2027), ("db", "upgrade"), ("starter", "load")]:
        result = line.run(*command)

        assert (result.code, result.out) == (3, ""), (command, result)


def test_a_database_url_that_is_none_is_refused_and_named(empty: CommandLine) -> None:
    for url in ("nonsense", "mysql://x/y"):
        result = empty.with_environ(OS2TILSLUT_DATABASE_URL=url).run("verify")

        assert result.code in (1, 3)
        assert "OS2TILSLUT_DATABASE_URL" in result.err


def test_a_successor_that_was_invoiced_stays_the_successor(starter: CommandLine) -> None:
    files.take_agreements(starter, files.agreement(HOVEDSTADEN.cvr, "OS2kitos"))
    register_successor(starter)
    starter.issue(2027)
    other = files.cvrs(2)[1]
    files.take_authorities(starter, files.authority(other))
    region = {
        "type": "region", "code": "084", "name": "Region Hovedstaden", "short_name": "H", "cvr": HOVEDSTADEN.cvr,
        "address": "Prøvevej 1", "postcode": "4000", "city": "Roskilde",
    }  # fmt: skip
    before = database.dump(starter)

    for change, column in [
        ({"valid_to": "2026-12-31", "succeeded_by_cvr": other}, "succeeded_by_cvr"),
        ({"valid_to": "2026-12-31", "succeeded_by_cvr": ""}, "succeeded_by_cvr"),
        ({"valid_to": "", "succeeded_by_cvr": ""}, "valid_to"),
        ({"valid_to": "2027-06-30", "succeeded_by_cvr": files.cvrs(1)[0]}, "valid_to"),
    ]:
        file = starter.write("region.csv", files.text(files.AUTHORITIES, [region | change]))
        result = starter.run("authorities", "import", file)

        assert result.code == 1, change
        assert f"kolonne {column}: kan ikke ændres: faktura 2027-0001" in result.err, change
    assert database.dump(starter) == before


def test_a_date_beyond_the_calendar_is_refused(starter: CommandLine) -> None:
    kitos(starter, 1)
    starter.approve(2027)

    result = starter.run("billing", "issue", 2027, "--on", "9999-12-31")

    assert result.code in (1, 2)


def test_a_second_municipality_of_one_code_is_refused(starter: CommandLine) -> None:
    row = files.municipality(files.cvrs(1)[0], "0101")

    result = starter.run("authorities", "import", starter.write("a.csv", files.text(files.AUTHORITIES, [row])))

    assert result.code == 1
    assert "række 2, kolonne code" in result.err


def test_helpers_of_a_killed_process_end_with_it(starter: CommandLine) -> None:
    kitos(starter, 40)
    starter.approve(2027)
    process = programs.start(starter, "billing", "issue", 2027)
    programs.until(lambda: len(programs.members(process.pid)) >= 3)

    process.send_signal(signal.SIGKILL)
    process.wait(timeout=10)

    programs.until(lambda: not programs.members(process.pid), patience=10)
    programs.end(process)
    starter.done("billing", "issue", 2027)
