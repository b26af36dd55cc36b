"""Heads by the command line: exported beside a backup, held against what stands later, and never taken for another."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from foundation import audit
from foundation.audit_head import FORMAT
from tests.command_line import CommandLine
from tests.conftest import Prepared
from tests.places import with_starter
from tests.postgresql_server import PostgreSQLServer
from tests.scenarios import database, files, tampering

pytestmark = pytest.mark.tampers


def _issued(line: CommandLine) -> None:
    for known in files.starter()[:2]:
        files.take_agreements(line, files.agreement(known.cvr, "OS2kitos"))
    line.issue(2027)


@pytest.fixture
def issued(prepared: Prepared) -> CommandLine:
    """A small year is issued."""
    return prepared(with_starter, _issued)


def more(line: CommandLine, nth: int) -> None:
    """Another authority joins, and its invoice follows."""
    files.take_agreements(line, files.agreement(files.starter()[nth].cvr, "OS2kitos"))
    line.issue(2027)


def export(line: CommandLine, name: str = "head.json") -> Path:
    """Export the head."""
    file = line.folder / name
    line.done("verify", "--export-head", file)
    return file


def violations(line: CommandLine, file: Path) -> list[tuple[str, str]]:
    """Hold the chain against a head that does not fit; give check and subject."""
    result = line.run("verify", "--against", file, "--json")
    assert result.code == 1, result
    return [(broken["check"], broken["subject"]) for broken in result.json()["violations"]]


def test_a_head_says_where_the_chain_stands(issued: CommandLine) -> None:
    file = export(issued)
    content = json.loads(file.read_text("utf-8"))
    verdict = issued.json("verify", "--against", file)
    (position,) = database.column(issued, "SELECT max(position) FROM audit_entry")
    (hash_,) = database.column(issued, f"SELECT hash FROM audit_entry WHERE position = {position}")

    assert (content["format"], content["position"], content["hash"]) == (FORMAT, position, hash_)
    assert content["series"] == {"2027": 2}
    assert list(content["checkpoints"]) == [str(nth) for nth in range(1, position + 1)]
    assert verdict["head"] == {"position": position, "hash": hash_, "series": {"2027": 2}}
    assert (verdict["against"], verdict["checked"]["head"]) == ([verdict["head"]], 1)
    assert list(issued.folder.glob(".*.part")) == []


def test_a_grown_database_fits_its_older_heads_and_may_replace_them(issued: CommandLine) -> None:
    file, older = export(issued), export(issued, "older.json")
    more(issued, 2)

    both = issued.done("verify", "--against", older, "--export-head", file)
    replaced = json.loads(file.read_text("utf-8"))

    assert "hovedet er gemt, post" in both.err
    assert replaced["series"] == {"2027": 3}
    assert replaced["position"] > json.loads(older.read_text("utf-8"))["position"]
    issued.done("verify", "--against", older)
    issued.done("verify", "--against", file, "--export-head", file)


def test_an_empty_database_has_a_head_that_everything_fits(empty: CommandLine) -> None:
    file = export(empty)
    empty.done("starter", "load")

    assert json.loads(file.read_text("utf-8"))["position"] == 0
    empty.done("verify", "--against", file)


def test_an_older_backup_put_in_place_is_named_with_its_missing_numbers(
    issued: CommandLine, kind: str, postgresql: PostgreSQLServer
) -> None:
    """Promise 9: what was restored is whole in itself; only the head kept outside tells."""
    backup = issued.folder / "backup.gz"
    issued.done("db", "backup", backup)
    (left,) = database.column(issued, "SELECT max(position) FROM audit_entry")
    more(issued, 2)
    head = export(issued)
    url = postgresql.create("older") if kind == "postgresql" else f"sqlite:///{issued.folder / 'older.sqlite'}"
    older = tampering.set_up(url, issued.folder)
    older.done("db", "restore", backup)

    older.done("verify")
    found = violations(older, head)
    danish, english = older.run("verify", "--against", head), older.run("--language", "en", "verify", "--against", head)
    kept = head.read_bytes()
    replacing = older.run("verify", "--export-head", head)

    assert found == [("head", f"audit_entry {left + 1}"), ("head", "2027")]
    assert f"BRUDT head, audit_entry {left + 1}: posten mangler: kæden slutter ved {left}, og hovedet" in danish.out
    assert "halen er skåret af, eller en ældre sikkerhedskopi er lagt ind" in danish.out
    assert "BRUDT head, 2027: 2027-0003 til 2027-0003 mangler" in danish.out
    assert f"BROKEN head, audit_entry {left + 1}: the entry is missing: the chain ends at {left}" in english.out
    assert "the tail was cut off, or an older backup was restored" in english.out
    assert (replacing.code, head.read_bytes()) == (1, kept), "a worse head took the place of a better one"
    _work_on(older.at("2027-01-20"), head, left)
    postgresql.drop("older")


def _work_on(older: CommandLine, head: Path, left: int) -> None:
    for nth in (3, 4):
        more(older, nth)
    older.done("verify")
    found, english = violations(older, head), older.run("--language", "en", "verify", "--against", head)

    assert found == [("head", f"audit_entry {left + 1}")]
    assert "an older backup was restored and worked on" in english.out


def test_nothing_is_exported_while_something_is_broken(issued: CommandLine) -> None:
    file = export(issued)
    kept, new = file.read_bytes(), issued.folder / "new.json"
    database.tamper(issued, "invoice", "UPDATE invoice SET issued_by = 'en anden' WHERE id = 1")

    for target in (file, new):
        result = issued.run("verify", "--export-head", target, "--json")

        assert (result.code, result.json()["head"]) == (1, None)
        assert f"{target} er ikke skrevet, for noget er brudt" in result.err
    assert (file.read_bytes(), new.exists()) == (kept, False)


def test_a_file_that_is_no_head_is_not_replaced(issued: CommandLine) -> None:
    file = issued.write("notes.txt", "mine egne noter")

    result = issued.run("verify", "--export-head", file)

    assert (result.code, result.out) == (1, "")
    assert "notes.txt: indholdet er ikke et JSON-objekt" in result.err
    assert file.read_text("utf-8") == "mine egne noter"


def test_a_head_without_a_place_or_a_file_is_told_by_its_exit_code(issued: CommandLine) -> None:
    missing = issued.folder / "missing" / "head.json"

    assert issued.run("verify", "--export-head", missing).code == 3
    assert issued.run("verify", "--against", missing).code == 2
    assert issued.run("verify", "--against").code == 2
    assert not missing.parent.exists()


def signed(content: dict[str, Any]) -> str:
    """Write a forged head with the digest that belongs to it."""
    rest = {name: value for name, value in content.items() if name != "sha256"}
    text = json.dumps(rest, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
    return json.dumps(rest | {"sha256": audit.sha256(text)})


WRONG: dict[str, Any] = {
    "position": [-1, "46", 1.0, 46.5, None, True, 2**63, 10**30, []],
    "hash": ["", "AB" * 32, "g" * 64, "ab" * 33, 5, None, ["ab" * 32]],
    "at": ["", "i går", "2027-01-15", "2027-01-15T10:00:00", 5, "0001-01-01T00:00:00+14:00", None],
    "exported_at": [None, "", 0, "9999-12-31T23:59:59-14:00"],
    "series": [None, [], {"2027": -1}, {"2027": "1"}, {"2027": 1.5}, {"\u001b[2J": 1}, {"x" * 50: 1}, {"": 1}],
    "checkpoints": [
        None, [], {}, {"1": "x"}, {"0": "ab" * 32}, {"-1": "ab" * 32}, {"01": "ab" * 32}, {"²": "ab" * 32},
        {"1": ["ab" * 32]}, {str(nth): "ab" * 32 for nth in range(1, 1_003)},
    ],
    "format": [None, 1, "os2tilslut-head-2", "os2tilslut-backup-1", ["os2tilslut-head-1"]],
}  # fmt: skip


def test_a_head_with_impossible_content_is_refused(issued: CommandLine) -> None:
    whole = json.loads(export(issued).read_text("utf-8"))
    texts = {f"{key}: {value!r}"[:60]: signed(whole | {key: value}) for key in WRONG for value in WRONG[key]}
    texts |= {
        f"without {key}": signed({k: v for k, v in whole.items() if k != key}) for key in whole if key != "sha256"
    }
    texts |= {
        "a further key": signed(whole | {"note": "min"}),
        "another hash": json.dumps(whole | {"hash": "ab" * 32}),
        "a changed number": json.dumps(whole | {"series": {"2027": 1}}),
        "no digest": json.dumps({name: value for name, value in whole.items() if name != "sha256"}),
        "a digest of another type": json.dumps(whole | {"sha256": 5}),
        "one checkpoint less": signed(whole | {"checkpoints": dict(list(whole["checkpoints"].items())[:-1])}),
    }

    refuse(issued, {name: text.encode() for name, text in texts.items()})


def test_a_file_that_is_anything_else_is_refused_in_bounded_time(issued: CommandLine) -> None:
    whole = export(issued).read_bytes()
    backup = issued.folder / "backup.gz"
    issued.done("db", "backup", backup)

    refuse(issued, {
        "empty": b"", "cut": whole[: len(whole) // 2], "not JSON": b"SELECT 1", "a list": b"[]", "a number": b"1",
        "null": b"null", "not UTF-8": b"\xff\xfe{\x00}\x00", "a NUL": b"{}\0", "a backup": backup.read_bytes(),
        "too deep": b"[" * 200_000, "a long number": b'{"position": ' + b"9" * 100_000 + b"}",
        "too large": b" " * 300_000,
        "NaN": whole.replace(b'"position": ', b'"position": NaN, "x": '), "half a letter": b'{"format": "\\ud800"}',
        "an object": b"{}",
    })  # fmt: skip


def refuse(line: CommandLine, contents: dict[str, bytes]) -> None:
    """Each of these is refused, with the file's name, and without a word on standard output."""
    file = line.folder / "hostile.json"
    for name, content in contents.items():
        file.write_bytes(content)
        result = line.run("verify", "--against", file)

        assert (result.code, result.out) == (1, ""), (name, result)
        assert "hostile.json: " in result.err and "Traceback" not in result.err, (name, result)
        assert len(result.err) < 1_000, name


def test_a_place_that_is_no_file_is_refused_without_waiting(issued: CommandLine) -> None:
    pipe, folder = issued.folder / "pipe", issued.folder / "folder"
    os.mkfifo(pipe)
    folder.mkdir()

    for place in (pipe, folder, Path("/dev/zero")):
        for option in ("--against", "--export-head"):
            result = issued.run("verify", option, place)

            assert (result.code, result.out) == (1, ""), (place, option)
            assert "ikke en almindelig fil" in result.err
    assert list(folder.iterdir()) == []
