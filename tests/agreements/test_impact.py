"""What another price means, counted by the database and priced by the calculation, on both databases."""

from __future__ import annotations

import pytest

from agreements import impact
from agreements.impact import Impact
from fee_tables import catalogue, text
from fee_tables.table import FeeTable
from foundation.money import Money, kroner
from tests.command_line import CommandLine
from tests.conftest import Prepared
from tests.places import with_starter

AARHUS, AALBORG, VIBORG, REGION = "55133018", "29189420", "29189846", "29190941"
AGREED = (
    "cvr,product,kind,signed_on,countersigned_on,in_force_from,terminated_to,notice_given_on,gln,person_reference,"
    "order_reference,accounting_cost,rebate_dkk,rebate_reason,joining_fee_exempt_reason,active_from\n"
    f"{AARHUS},OS2valghalla,active,2026-09-01,2026-09-15,2027-01-01,,,2995513301806,,,,,,,\n"  # a member
    f"{AALBORG},OS2valghalla,active,2019-03-10,2019-04-01,2019-04-01,,,2992918942009,,,,,,,\n"  # is none
    f"{VIBORG},OS2valghalla,active,2019-03-10,2019-04-01,2019-04-01,2027-06-30,2026-06-01,2992918984603,,,,,,,\n"
    f"{REGION},OS2valghalla,active,2019-03-10,2019-04-01,2019-04-01,,,2992919094103,,,,,,,\n"  # without a size
)
DECIDED = 'product = "OS2valghalla"\ndecided_on = 2027-11-01\ndecided_by = "styregruppen"\n'


def _line(line: CommandLine) -> None:
    line.done("members", "import", line.write("members.csv", f"cvr,joined_on,left_on\n{AARHUS},2012-01-01,\n"))
    line.done("agreements", "import", line.write("agreements.csv", AGREED))


@pytest.fixture
def line(prepared: Prepared) -> CommandLine:
    """The command line on four agreements, of which three are in force in 2028."""
    return prepared(with_starter, _line)


def meant(line: CommandLine, words: str, valid_from: str = "2028-01-01") -> Impact:
    """Tell what a table means that comes after the shipped one."""
    new = text.read(f"valid_from = {valid_from}\n{DECIDED}{words}", bands_on=None)
    assert isinstance(new, FeeTable)
    with line.session() as session:
        known = catalogue.read(session)
        return impact.of(session, known, known.annual_table("OS2valghalla", new.reference.valid_from), new)


def test_each_pays_by_band_and_membership_and_who_has_no_size_is_counted_apart(line: CommandLine) -> None:
    told = meant(line, "annual_fee = { small = 1, medium = 2, large = 3, very_large = 53000 }")

    assert (told.authorities, told.unpriced, told.counted) == (3, 1, 2026)
    assert told.before == kroner(56_680 + 70_200)
    assert told.after == kroner(57_770 + 71_550)


def test_the_same_for_all_needs_no_size(line: CommandLine) -> None:
    told = meant(line, "annual_fee = 100\ncontribution = false")

    assert told.after == kroner(300)


def test_an_agreement_counts_to_its_last_day(line: CommandLine) -> None:
    assert meant(line, "annual_fee = 100", "2027-01-01").authorities == 4


def test_a_shared_cost_is_no_sum_of_prices(line: CommandLine) -> None:
    told = meant(line, "annual_fee = { shared_cost = 100 }")

    assert (told.after, isinstance(told.before, Money)) == (None, True)
