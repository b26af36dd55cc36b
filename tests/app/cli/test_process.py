"""The installed program in processes of its own: streams, exit codes, a full disk."""

from __future__ import annotations

import json
import resource
import subprocess

import pytest

from tests.command_line import CommandLine
from tests.scenarios import database, files, programs

#: What these tests look at does not depend on the kind of database.
ON_ONE = pytest.mark.parametrize("kind", ["sqlite"])


def run(line: CommandLine, *arguments: object, most_bytes: int | None = None) -> subprocess.CompletedProcess[bytes]:
    """Run the program; `most_bytes` lets no file grow beyond, as on a full disk."""

    def limit() -> None:
        if most_bytes is not None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (most_bytes, most_bytes))

    environ = programs.compiled(line)
    if most_bytes is not None:  # Python would keep half a compiled module, and stumble over it for ever after
        environ["PYTHONDONTWRITEBYTECODE"] = "1"
    return subprocess.run(
        [programs.PROGRAM, *map(str, arguments)], env=environ, capture_output=True, check=False, timeout=60,
        preexec_fn=limit,
    )  # fmt: skip


def test_the_program_ends_as_its_commands_do(starter: CommandLine) -> None:
    files.take_agreements(starter, files.agreement(files.starter()[0].cvr, gln=""))

    plan = run(starter, "billing", "plan", "2027", "--json")
    wrong = run(starter, "billing", "plan")
    refused = run(starter, "explain", "2027-0001")

    assert (plan.returncode, wrong.returncode, refused.returncode) == (0, 2, 1)
    assert json.loads(plan.stdout) == starter.json("billing", "plan", 2027)
    assert (plan.stderr, refused.stdout) == (b"", b"")
    assert b"ingen faktura har nummer" in refused.stderr


@ON_ONE
def test_danish_letters_survive_a_terminal_without_utf8(starter: CommandLine) -> None:
    files.take_agreements(starter, files.agreement(files.starter()[0].cvr))

    result = run(starter.with_environ(LC_ALL="C", PYTHONIOENCODING="ascii"), "billing", "plan", "2027")

    assert result.returncode == 0
    assert "Københavns Kommune" in result.stdout.decode()


@ON_ONE
def test_a_reader_who_leaves_early_is_no_mistake_of_ours(starter: CommandLine) -> None:
    for known in files.starter()[:3]:
        files.take_agreements(starter, files.agreement(known.cvr))

    shell = f"{programs.PROGRAM} billing plan 2027 | head -n 1"
    result = subprocess.run(
        ["sh", "-c", shell], env=programs.compiled(starter), capture_output=True, check=False, timeout=60
    )  # fmt: skip

    assert result.returncode == 0
    assert b"Traceback" not in result.stderr


def test_a_full_disk_ends_with_3_and_leaves_nothing_half_done(starter: CommandLine) -> None:
    """Promise 20."""
    files.take_agreements(starter, *(files.agreement(known.cvr) for known in files.starter()[:5]))
    starter.issue(2027)
    folder = starter.folder / "out"

    export = run(starter, "billing", "export", "2027", folder, most_bytes=3_000)
    backup = run(starter, "db", "backup", starter.folder / "backup.gz", most_bytes=3_000)

    assert (export.returncode, backup.returncode) == (3, 3), (export, backup)
    assert b"Traceback" not in export.stderr + backup.stderr
    assert b"fuld" in export.stderr and b"fuld" in backup.stderr
    assert list(starter.folder.glob("*backup*")) == [] and list(folder.glob(".*")) == []
    assert [file for file in folder.glob("[0-9]*") if not file.read_bytes().endswith((b"%EOF\n", b">", b">\n"))] == []
    starter.done("verify")


@ON_ONE  # PostgreSQL writes its files itself
def test_an_import_onto_a_full_disk_stores_nothing(starter: CommandLine) -> None:
    """Promise 20."""
    rows = [files.authority(cvr, name="N" * 200) for cvr in files.cvrs(300)]
    file = starter.write("authorities.csv", files.text(files.AUTHORITIES, rows))
    before = database.dump(starter)

    result = run(starter, "authorities", "import", file, most_bytes=40_000)

    assert (result.returncode, result.stdout) == (3, b""), result
    assert b"Traceback" not in result.stderr
    assert database.dump(starter) == before
    starter.done("verify")
