"""Promise 20: a disk that runs full ends a command with 3 and a message; with room again the same command completes.

The disk is a small file system in memory of the test's own, which only root may mount. Elsewhere the same is looked at
with files that may not grow (tests/app/cli/test_process.py) and with writes that fail (tests/app/test_database.py).
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from tests.command_line import CommandLine, Result
from tests.conftest import FULL
from tests.scenarios import crashing, database, files, programs

KIB = 1024
PLENTY = 64 * KIB * KIB

#: PostgreSQL's files lie elsewhere.
ON_SQLITE = pytest.mark.parametrize("kind", ["sqlite"])


@dataclass(frozen=True)
class SmallDisk:
    """A file system of a size that can change."""

    folder: Path

    def leave(self, room: int) -> None:
        """Let so many bytes be free."""
        stat = os.statvfs(self.folder)
        used = (stat.f_blocks - stat.f_bfree) * stat.f_frsize
        subprocess.run(["mount", "-o", f"remount,size={used + room}", str(self.folder)], check=True)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[SmallDisk]:
    """A disk with plenty of room so far."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={PLENTY}", "tmpfs", str(folder)]
    refused = subprocess.run(mount, capture_output=True, text=True, check=False)
    if refused.returncode:
        pytest.skip(f"no file system of a fixed size can be mounted here: {refused.stderr.strip()}")
    yield SmallDisk(folder)
    subprocess.run(["umount", str(folder)], check=True)


def on(disk: SmallDisk, starter: CommandLine) -> CommandLine:
    """Give the command line with its database on the disk."""
    place = disk.folder / "os2tilslut.sqlite"
    place.write_bytes((starter.folder / "os2tilslut.sqlite").read_bytes())
    line = replace(starter, url=f"sqlite:///{place}", folder=disk.folder)
    return line.with_environ(OS2TILSLUT_BATCH=str(crashing.BATCH))


def ran_full(result: Result) -> None:
    """Hold a result against what a full disk must come to."""
    assert result.code == 3, result
    assert "samme kommando" in result.err and "Traceback" not in result.err, result
    assert "disk" in result.err and ("fuld" in result.err or "plads" in result.err), result


@ON_SQLITE
@pytest.mark.parametrize("room", [0, 200 * KIB])
def test_an_import_onto_a_full_disk_stores_nothing(room: int, starter: CommandLine, disk: SmallDisk) -> None:
    rows = [files.authority(cvr, name="N" * 200) for cvr in files.cvrs(1000)]
    line = on(disk, starter)
    file = starter.write("authorities.csv", files.text(files.AUTHORITIES, rows))
    before = database.dump(line)
    disk.leave(room)

    full = programs.run(line, "authorities", "import", file)

    ran_full(full)
    assert full.out == ""
    disk.leave(PLENTY)
    assert database.dump(line) == before
    starter.done("authorities", "import", file)
    assert programs.run(line, "authorities", "import", file).code == 0
    assert database.dump(line) == database.dump(starter)
    line.done("verify")


@ON_SQLITE
def test_a_year_on_a_disk_that_runs_full_again_and_again_ends_like_any_other(
    starter: CommandLine, disk: SmallDisk
) -> None:
    crashing.approved_year(starter)
    line = on(disk, starter)
    undisturbed = starter.with_environ(OS2TILSLUT_BATCH=str(crashing.BATCH))
    undisturbed.done("billing", "issue", 2027)
    stages = set()

    for room in (0, 60 * KIB, 250 * KIB, 1200 * KIB, *((4800 * KIB, 7200 * KIB) if FULL else (1600 * KIB,))):
        disk.leave(room)
        full = programs.run(line, "billing", "issue", 2027)
        ran_full(full)
        disk.leave(PLENTY)
        crashing.nothing_is_half_done(line, full)
        stages.add((database.count(line, "invoice"), database.count(line, "rendering")))
    resumed = programs.run(line, "billing", "issue", 2027)

    assert any(0 < invoices < crashing.INVOICES for invoices, _ in stages), "full while issuing"
    assert any(documents for _, documents in stages), "full while making documents"
    assert resumed.code == 0, resumed
    assert database.dump(line) == database.dump(undisturbed)


@ON_SQLITE
def test_files_written_onto_a_full_disk_are_whole_or_not_there(starter: CommandLine, disk: SmallDisk) -> None:
    crashing.approved_year(starter)
    starter.done("billing", "issue", 2027)
    folder, backup = disk.folder / "out", disk.folder / "backup.gz"
    disk.leave(300 * KIB)

    full = programs.run(starter, "billing", "export", 2027, folder)
    left = sorted(file.name for file in folder.iterdir())
    backed_up = programs.run(starter, "db", "backup", backup)

    for result in (full, backed_up):
        ran_full(result)
        assert result.out == ""
    assert left and [name for name in left if name.endswith(".part")] == []
    assert [file for file in folder.iterdir() if not file.read_bytes().endswith((b"%EOF\n", b">", b">\n"))] == []
    assert [file.name for file in disk.folder.iterdir()] == ["out"]
    disk.leave(PLENTY)
    assert programs.run(starter, "billing", "export", 2027, folder).code == 0
    starter.done("billing", "export", 2027, starter.folder / "out")
    assert crashing.exported(replace(starter, folder=disk.folder)) == crashing.exported(starter)
    assert programs.run(starter, "db", "backup", backup).code == 0
