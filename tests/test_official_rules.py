"""What judges where no official rules are laid out is tried wherever the tests run, so that it does not rot unseen."""

from __future__ import annotations

from pathlib import Path

import pytest

from billing.einvoice import oioubl, peppol, rule_packs
from tests import official_rules
from tests.billing.einvoice import documents as make


@pytest.fixture(scope="module")
def reduced(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("reduced")
    official_rules.lay_out(folder)
    return folder


@pytest.mark.parametrize("format", rule_packs.PREFIX)
def test_the_reduced_pack_is_whole_to_the_product(format: rule_packs.Format, reduced: Path) -> None:
    assert rule_packs.missing(reduced, format) == []
    assert rule_packs.find(reduced, format) is not None


def test_the_reduced_pack_asks_cens_rules_and_the_schemas(reduced: Path) -> None:
    packs = {format: rule_packs.find(reduced, format) for format in rule_packs.PREFIX}
    assert packs["peppol"] and packs["oioubl"]
    invoice, reminder = peppol.render(make.invoice()), oioubl.render_reminder(make.reminder())

    numberless = packs["peppol"].validate(invoice.replace(b"<cbc:ID>2027-0001<", b"<cbc:ID> <", 1))
    dateless = packs["oioubl"].validate(reminder.replace(b"<cbc:IssueDate>2", b"<cbc:IssueDate>x", 1))

    assert packs["peppol"].validate(invoice) == [] and packs["oioubl"].validate(reminder) == []
    assert {failure.id for failure in numberless} == {"BR-02"}
    assert {failure.layer for failure in dateless} == {"xsd"}


def test_a_test_of_rules_that_are_not_here_says_whose_they_are(reduced: Path) -> None:
    rules = official_rules.Rules(reduced, are_whole=False)

    rules.need("BR-02")
    with pytest.raises(pytest.skip.Exception, match="OIOUBL's own rules and Peppol's own rules are not here"):
        rules.need("DK-R-005", "F-LIB381")
