"""What a stranger does: docs/verify.md, its script and openssl, with nothing of ours at hand.

This file imports nothing of ours on purpose, and the script runs without any installed package (`-I -S`). What it is
given was sealed in a process of its own.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

HOUSE = Path(__file__).resolve().parent.parent
SCRIPT = HOUSE / "docs" / "verify_agreement.py"

_SEAL = """
import json, pathlib, sys
from app.adapters import sealing
from tests import sealed_files
folder = pathlib.Path(sys.argv[1])
for name, level in (("b.pdf", sealing.B_B), ("lta.pdf", sealing.B_LTA)):
    (folder / name).write_bytes(sealed_files.sealed(level).content)
(folder / "about.json").write_text(json.dumps({"certificate": sealed_files.key().sha256}))
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with sealed files, and the fingerprint that the association publishes."""
    made = tmp_path_factory.mktemp("stranger")
    subprocess.run([sys.executable, "-c", _SEAL, made], cwd=HOUSE, check=True)
    return made


def asked(folder: Path, name: str, certificate: str = "") -> subprocess.CompletedProcess[str]:
    """Run the script as a stranger would."""
    published = certificate or json.loads((folder / "about.json").read_text())["certificate"]
    words = [sys.executable, "-I", "-S", SCRIPT, name, "--certificate", published]
    return subprocess.run(words, cwd=folder, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("name", ("b.pdf", "lta.pdf"))
def test_a_stranger_accepts_the_untouched_and_is_told_what_holds(folder: Path, name: str) -> None:
    ran = asked(folder, name)

    assert (ran.returncode, ran.stderr) == (0, "")
    assert "the seal permits no change" in ran.stdout
    assert "the evidence is attached, and of these bytes" in ran.stdout
    assert "covers the whole file" in ran.stdout
    assert ran.stdout.rstrip().endswith("nothing was changed, added or taken away since.")


@pytest.mark.parametrize("name", ("b.pdf", "lta.pdf"))
def test_a_stranger_refuses_a_changed_copy_and_is_told_why(folder: Path, name: str) -> None:
    content = (folder / name).read_bytes()
    (folder / "changed.pdf").write_bytes(content.replace(b"56", b"57", 1) if b"56" in content else content[::-1])
    (folder / "longer.pdf").write_bytes(content + b"\n")

    changed, longer = asked(folder, "changed.pdf"), asked(folder, "longer.pdf")

    assert (changed.returncode, longer.returncode) == (1, 1)
    assert "FAIL" in changed.stdout and "whole file" in longer.stdout


def test_another_published_certificate_is_not_this_one(folder: Path) -> None:
    ran = asked(folder, "lta.pdf", "0" * 64)

    assert ran.returncode == 1
    assert "sealed by another certificate" in ran.stdout


def test_a_file_that_is_not_there_can_not_be_judged(folder: Path) -> None:
    assert asked(folder, "missing.pdf").returncode == 3


def test_the_script_imports_nothing_but_pythons_own_library() -> None:
    imported = re.findall(r"^(?:import|from) ([a-z_]+)", SCRIPT.read_text(encoding="utf-8"), re.MULTILINE)

    assert set(imported) <= {*sys.stdlib_module_names, "__future__"}


@pytest.mark.parametrize("name", ("b.pdf", "lta.pdf"))
def test_the_steps_by_hand_in_the_page_work_as_they_stand_there(folder: Path, name: str) -> None:
    block = re.search(r"```sh\n# By hand.*?```", (HOUSE / "docs/verify.md").read_text(encoding="utf-8"), re.DOTALL)
    assert block is not None
    steps = block[0].removeprefix("```sh\n").removesuffix("```").replace("AFTALE.pdf", name)

    ran = subprocess.run(["sh", "-euc", steps], cwd=folder, capture_output=True, text=True, check=False)

    published = json.loads((folder / "about.json").read_text())["certificate"]
    assert ran.returncode == 0, ran.stderr
    assert "CMS Verification successful" in ran.stdout + ran.stderr
    assert published in (ran.stdout + ran.stderr).lower().replace(":", "")
