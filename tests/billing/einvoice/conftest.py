"""The official rules as packs, for these tests."""

from __future__ import annotations

from pathlib import Path

import pytest

from billing.einvoice import rule_packs
from billing.einvoice.rule_packs import Format, RulePack

_FORMATS: tuple[Format, ...] = ("peppol", "oioubl")


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
