"""The official rules for these tests: they are not shipped, so a test that needs them says what is missing."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from billing.einvoice import rule_packs
from billing.einvoice.rule_packs import Format, RulePack

_FORMATS: tuple[Format, ...] = ("peppol", "oioubl")
_BESIDE_THE_REPOSITORY = Path(__file__).parents[4] / "shared" / "einvoice-rules"


@pytest.fixture(scope="session")
def rules_directory() -> Path:
    named = os.environ.get("OS2TILSLUT_RULES_DIR")
    directory = Path(named) if named else _BESIDE_THE_REPOSITORY
    lacking = [path for format in _FORMATS for path in rule_packs.missing(directory, format)]
    if lacking:
        pytest.skip(f"official e-invoice rules missing (OS2TILSLUT_RULES_DIR={named or ''}): {lacking[0]}")
    return directory


@pytest.fixture(scope="session")
def pack(rules_directory: Path) -> RulePack:
    found = rule_packs.find(rules_directory)
    assert found is not None
    return found


@pytest.fixture(scope="session")
def packs(rules_directory: Path) -> dict[Format, RulePack]:
    """The newest pack of each format."""
    found = {format: rule_packs.find(rules_directory, format) for format in _FORMATS}
    return {format: pack for format, pack in found.items() if pack is not None}
