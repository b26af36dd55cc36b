"""The official rules for these tests: they are not shipped, so a test that needs them says what is missing."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from billing.einvoice import rule_packs
from billing.einvoice.rule_packs import RulePack

_BESIDE_THE_REPOSITORY = Path(__file__).parents[4] / "shared" / "einvoice-rules"


@pytest.fixture(scope="session")
def rules_directory() -> Path:
    named = os.environ.get("OS2TILSLUT_RULES_DIR")
    directory = Path(named) if named else _BESIDE_THE_REPOSITORY
    lacking = rule_packs.missing(directory)
    if lacking:
        pytest.skip(f"official e-invoice rules missing (OS2TILSLUT_RULES_DIR={named or ''}): {lacking[0]}")
    return directory


@pytest.fixture(scope="session")
def pack(rules_directory: Path) -> RulePack:
    found = rule_packs.find(rules_directory)
    assert found is not None
    return found
