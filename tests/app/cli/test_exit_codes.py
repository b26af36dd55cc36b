"""How every command ends when database, disk or arguments are not right, and what stands on which stream."""

from __future__ import annotations

import json
from pathlib import Path

import orjson
import pytest

from tests.command_line import CommandLine
from tests.scenarios import files

#: What these tests look at does not depend on the kind of database.
ON_ONE = pytest.mark.parametrize("kind", ["sqlite"])

FILE = "a file"

#: Every command that needs the database, and the arguments that are right for it.
COMMANDS: list[tuple[object, ...]] = [
    ("db", "backup", "new.gz"),
    ("db", "restore", FILE),
    ("starter", "load"),
    ("settings", "import", "seller.toml"),
    ("authorities", "import", "authorities.csv"),
    ("population", "import", "population.csv"),
    ("placements", "import", "placements.csv"),
    ("products", "import", "products.csv"),
    ("members", "import", "members.csv"),
    ("agreements", "import", "agreements.csv"),
    ("fee-tables", "adopt", "table.toml"),
    ("billing", "plan", 2027),
    ("billing", "plan", 2027, "--json"),
    ("billing", "approve", 2027, "--digest", "0" * 64, "--by", "A"),
    ("billing", "issue", 2027),
    ("billing", "issue", 2027, "--rehearsal"),
    ("billing", "export", 2027, "out"),
    ("explain", "2027-0001"),
    ("explain", "2027-0001", "--json"),
    ("verify",),
    ("verify", "--json"),
]


@pytest.fixture
def ready(tmp_path: Path) -> CommandLine:
    """A folder with a right file for every command, and no database yet."""
    line = CommandLine(f"sqlite:///{tmp_path / 'none.sqlite'}", tmp_path)
    known = files.starter()[0]
    line.write("seller.toml", files.SELLER)
    line.write("authorities.csv", files.text(files.AUTHORITIES, [files.authority(files.cvrs(1)[0])]))
    line.write("population.csv", files.text(files.POPULATION, [files.inhabitants("0101", 2027, 1)]))
    line.write("placements.csv", files.text(files.PLACEMENTS, [files.placement(known.cvr)]))
    line.write("products.csv", files.text(files.PRODUCTS, [{"product": "A"}]))
    line.write("members.csv", files.text(files.MEMBERS, [files.member(known.cvr)]))
    line.write("agreements.csv", files.text(files.AGREEMENTS, [files.agreement(known.cvr)]))
    line.write("table.toml", files.fee_table("A", "annual_fee = 1"))
    line.write(FILE, "")
    return line


def placed(line: CommandLine, command: tuple[object, ...]) -> list[object]:
    """Give a command with its files as paths into the folder."""
    names = {file.name for file in line.folder.iterdir()} | {"new.gz", "out"}
    return [line.folder / str(word) if word in names else word for word in command]


def test_a_database_that_is_not_set_up_cannot_be_worked_with_now(ready: CommandLine) -> None:
    for command in COMMANDS:
        result = ready.run(*placed(ready, command))

        assert (result.code, result.out) == (3, ""), (command, result)
        assert "os2tilslut db upgrade" in result.err, (command, result)
        assert "Traceback" not in result.err


def test_a_database_that_does_not_answer_cannot_be_worked_with_now(ready: CommandLine) -> None:
    """Promise 20."""
    gone = CommandLine("postgresql+psycopg://nobody@127.0.0.1:1/nothing?connect_timeout=2", ready.folder)

    for command in [*COMMANDS, ("db", "upgrade")]:
        result = gone.run(*placed(ready, command))

        assert (result.code, result.out) == (3, ""), (command, result)
        assert "databasen" in result.err, (command, result)
        assert "Traceback" not in result.err


def test_being_stopped_inside_a_library_is_no_mistake_of_ours(
    ready: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What writes JSON calls it a type that cannot be written."""
    monkeypatch.setattr("app.cli.cli.main", _stopped_within)

    result = ready.run("verify")

    assert (result.code, result.out) == (3, "")
    assert "stoppet" in result.err


def _stopped_within(*_arguments: object, **_how: object) -> None:
    def interrupted(_value: object) -> object:
        raise KeyboardInterrupt

    orjson.dumps(object(), default=interrupted)


def test_a_folder_that_cannot_be_written_ends_with_3(starter: CommandLine) -> None:
    """Promise 20: no folder can be made under a file, not even by the superuser."""
    files.take_agreements(starter, files.agreement(files.starter()[0].cvr))
    starter.issue(2027)
    file = starter.write("file", "")

    for command in [
        ("db", "backup", file / "backup.gz"),
        ("db", "backup", starter.folder / "missing" / "backup.gz"),
        ("billing", "export", 2027, file / "out"),
    ]:
        result = starter.run(*command)

        assert (result.code, result.out) == (3, ""), (command, result)
        assert "Traceback" not in result.err
    no_data = starter.with_environ(OS2TILSLUT_DATA_DIR=str(file / "data")).run("verify")
    assert (no_data.code, no_data.out) == (3, "")


@ON_ONE
def test_wrong_arguments_end_with_2(empty: CommandLine) -> None:
    for command in [
        ("nonsense",),
        ("billing", "nonsense"),
        ("billing", "plan"),
        ("billing", "plan", "next"),
        ("billing", "plan", 1999),
        ("billing", "plan", 2027, "--nonsense"),
        ("billing", "approve", 2027, "--by", "A"),
        ("billing", "approve", 2027, "--digest", "0"),
        ("billing", "issue", 2027, "--on", "15-01-2027"),
        ("billing", "issue", 2027, "--on", "2027-02-30"),
        ("billing", "export", 2027),
        ("billing", "export", 2027, empty.folder / "out", "--format", "pdf"),
        ("explain",),
        ("verify", "more"),
        ("db", "restore", empty.folder / "missing"),
        ("fee-tables", "adopt"),
        ("fee-tables", "check", empty.folder / "missing"),
        ("settings", "import", empty.folder / "missing"),
        ("authorities", "import", empty.folder / "missing"),
        ("einvoice", "check", empty.folder / "missing"),
        ("einvoice", "rules", "install", empty.folder / "missing"),
        ("billing", "credit", "2027-0001"),
        ("authorities", "import"),
        ("--language", "de", "verify"),
    ]:
        result = empty.run(*command)

        assert (result.code, result.out) == (2, ""), (command, result)
        assert result.err


@ON_ONE
def test_refusals_end_with_1(empty: CommandLine) -> None:
    wrong = empty.write("wrong", "nonsense")

    for command in [
        *((register, "import", wrong) for register in
          ("authorities", "population", "placements", "products", "members", "agreements", "settings")),
        ("fee-tables", "check", wrong),
        ("fee-tables", "adopt", wrong),
        ("db", "restore", wrong),
        ("billing", "approve", 2027, "--digest", "0" * 64, "--by", "A"),
        ("explain", "2027-0001"),
    ]:  # fmt: skip
        result = empty.run(*command)

        assert (result.code, result.out) == (1, ""), (command, result)
        assert result.err.startswith("Fejl: "), (command, result)


def test_json_is_one_document_alone_on_standard_output(starter: CommandLine) -> None:
    files.take_agreements(starter, files.agreement(files.starter()[0].cvr, gln=""), *(
        files.agreement(known.cvr) for known in files.starter()[1:3]
    ))  # fmt: skip
    starter.issue(2027)

    for command in [("billing", "plan", 2027), ("explain", "2027-0001"), ("verify",)]:
        result = starter.done(*command, "--json")

        assert isinstance(json.loads(result.out), dict), command
        assert result.err == "", command


@ON_ONE
def test_progress_goes_to_standard_error(starter: CommandLine) -> None:
    files.take_agreements(starter, files.agreement(files.starter()[0].cvr))
    starter.approve(2027)

    result = starter.done("billing", "issue", 2027)

    assert "1/1" in result.err and "1/1" not in result.out
    assert "2027-0001" in result.out


def test_messages_of_problems_are_in_the_language_asked_for(starter: CommandLine) -> None:
    files.take_agreements(starter, files.agreement(files.starter()[0].cvr, gln=""))

    danish = starter.json("billing", "plan", 2027)
    english = starter.json("--language", "en", "billing", "plan", 2027)
    by_environment = starter.with_environ(OS2TILSLUT_LANGUAGE="en").json("billing", "plan", 2027)

    assert "har intet GLN" in danish["problems"][0]["message"]
    assert "has no GLN" in english["problems"][0]["message"]
    assert english == by_environment
    assert "(agreements import)" in starter.done("billing", "plan", 2027).out
    assert english["digest"] == danish["digest"]


@ON_ONE
def test_refusals_are_in_the_language_asked_for(empty: CommandLine) -> None:
    wrong = empty.write("wrong.csv", "product,account,level\n,,\nA,,,,\n")

    danish = empty.run("products", "import", wrong)
    english = empty.run("--language", "en", "products", "import", wrong)
    by_environment = empty.with_environ(OS2TILSLUT_LANGUAGE="en").run("products", "import", wrong)

    assert danish.err.startswith("Fejl: ") and "række 3" in danish.err
    assert english.err.startswith("Error: ") and "row 3" in english.err
    assert english == by_environment


@ON_ONE
def test_every_command_explains_itself(empty: CommandLine) -> None:
    for command in [*{tuple(c[:2]) if c[0] not in ("explain", "verify") else (c[0],) for c in COMMANDS}, ()]:
        result = empty.run(*command, "--help")

        assert result.code == 0 and "Usage" in result.out, command
