"""Whoever changes a sealed file is found out: by us, by the script for strangers, by poppler where it can see it."""

from __future__ import annotations

import importlib.util
import re
import shutil
import subprocess
import sys
from collections import Counter
from datetime import timedelta
from pathlib import Path
from types import ModuleType

import pytest

from app.adapters import sealing
from tests import pdf_tampering, sealed_files
from tests.conftest import SEED
from tests.pdf_tampering import Changed

LEVELS = (sealing.B_B, sealing.B_LTA)
COUNT = pdf_tampering.COUNT


@pytest.fixture(scope="module")
def script() -> ModuleType:
    """The script for strangers, as a module, so that a copy costs no interpreter of its own."""
    spec = importlib.util.spec_from_file_location("verify_agreement", Path("docs/verify_agreement.py"))
    assert spec is not None and spec.loader is not None
    module = sys.modules["verify_agreement"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def by_script(script: ModuleType, content: bytes) -> bool:
    """Tell whether the script accepts a file."""
    try:
        script.verify(content, {sealed_files.key().sha256})
    except script.NotWhole:
        return False
    return True


def by_us(content: bytes) -> bool:
    """Tell whether the examination of the seal accepts a file, without the help of the kept bytes."""
    key = sealed_files.key()
    found = sealing.looks(content, (key.certificate, *key.chain), sealed_files.NOW + timedelta(minutes=30))
    return found is not None and not found.faults and found.certificate_sha256 == key.sha256


def by_pdfsig(content: bytes, folder: Path) -> bool:
    """Tell whether poppler calls the seal valid and the whole document covered, by the seal or the time stamp on it."""
    (folder / "copy.pdf").write_bytes(content)
    ran = subprocess.run(["pdfsig", folder / "copy.pdf"], capture_output=True, text=True, check=False)
    parts = re.split(r"\nSignature #\d+:\n", ran.stdout)[1:]
    told = {found[1]: part for part in parts if (found := re.search(r"Field Name: (\S+)", part))}
    covering = [name for name, part in told.items() if "- Total document signed" in part]
    return "Signature is Valid." in told.get(sealing.SEAL, "") and covering in ([sealing.SEAL], [sealing.TIME])


needs_pdfsig = pytest.mark.skipif(shutil.which("pdfsig") is None, reason="poppler's pdfsig is not installed")


@pytest.mark.parametrize("level", LEVELS)
def test_the_untouched_is_accepted_by_all_three(level: str, script: ModuleType, tmp_path: Path) -> None:
    content = sealed_files.sealed(level).content

    assert by_us(content)
    assert by_script(script, content)
    assert shutil.which("pdfsig") is None or by_pdfsig(content, tmp_path)


@pytest.mark.parametrize("level", LEVELS)
def test_every_changed_copy_is_refused_by_our_examination_and_by_the_script(level: str, script: ModuleType) -> None:
    original = sealed_files.sealed(level).content
    copies = pdf_tampering.changed(level, COUNT, SEED)

    passed_script = Counter(copy.kind for copy in copies if by_script(script, copy.content))
    passed_us = Counter(copy.kind for copy in copies if copy.kind not in _FOR_THE_BYTES and by_us(copy.content))

    assert all(copy.content != original for copy in copies)
    assert len({copy.content for copy in copies}) > COUNT * 0.8
    assert passed_script == Counter()
    assert passed_us == Counter()


#: What leaves the seal itself valid is refused because its bytes are not those we kept (test_seals).
_FOR_THE_BYTES = frozenset({"a bit in the last container", "something in the room of the last signature"})


@needs_pdfsig
@pytest.mark.parametrize("level", LEVELS)
def test_poppler_calls_no_changed_copy_valid_and_whole_where_it_can_see(level: str, tmp_path: Path) -> None:
    def seen(copy: Changed) -> bool:
        return copy.seen_by_pdfsig and by_pdfsig(copy.content, tmp_path)

    assert [copy.kind for copy in pdf_tampering.changed(level, COUNT, SEED) if seen(copy)] == []


def test_every_kind_of_change_is_tried() -> None:
    tried = {copy.kind for level in LEVELS for copy in pdf_tampering.changed(level, COUNT, SEED)}

    assert tried == pdf_tampering.KINDS
