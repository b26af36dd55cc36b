"""What an invoice posts: always in balance, each part on the account of whom it belongs to."""

from __future__ import annotations

from typing import NamedTuple

from hypothesis import given
from hypothesis import strategies as st

from billing import ledger
from billing.ledger import (
    ANNUAL_FEE_SUFFIX,
    CONTRIBUTION,
    DUES,
    JOINING_FEE_SUFFIX,
    OUTPUT_VAT,
    RECEIVABLES,
    Amount,
    invoice_amounts,
)
from fee_tables.calculation import Kind
from foundation.money import ZERO, Money, kroner, total
from tests import builders

ACCOUNTS = {"OS2valghalla": "XG-1", "OS2mo": "XG-2", "OS2new": None}


class Line(NamedTuple):
    """A line as the ledger sees it."""

    kind: Kind
    product: str | None
    product_ore: int
    association_ore: int = 0


products = st.sampled_from([*ACCOUNTS, "OS2unknown"])
ore = st.integers(-(10**8), 10**8)
amounts = ore.map(Money)
earned = st.one_of(
    st.builds(
        Line,
        st.sampled_from([kind for kind in Kind if kind is not Kind.MEMBERSHIP_DUES]),
        products,
        ore,
        ore,
    ),
    st.builds(Line, st.just(Kind.MEMBERSHIP_DUES), st.none(), st.just(0), ore),
)


def test_pv_002_an_annual_fee_goes_to_the_products_account_and_its_contribution_to_the_association() -> None:
    line = Line(Kind.ANNUAL_FEE, "OS2valghalla", 2_200_000, 198_000)

    posted = invoice_amounts([line], kroner(5_995), ACCOUNTS)

    assert posted[0] == Amount(RECEIVABLES, None, kroner(29_975))
    assert set(posted[1:]) == {
        Amount(f"XG-1-{ANNUAL_FEE_SUFFIX}", "OS2valghalla", kroner(-22_000)),
        Amount(CONTRIBUTION, None, kroner(-1_980)),
        Amount(OUTPUT_VAT, None, kroner(-5_995)),
    }


def test_dues_go_to_the_association() -> None:
    posted = invoice_amounts([Line(Kind.MEMBERSHIP_DUES, None, 0, 2_500_000)], ZERO, ACCOUNTS)

    assert posted == [Amount(RECEIVABLES, None, kroner(25_000)), Amount(DUES, None, kroner(-25_000))]


def test_a_rebate_takes_from_the_joining_fees_account_and_an_exemption_leaves_nothing() -> None:
    lines = [
        Line(Kind.JOINING_FEE, "OS2mo", 12_000_000),
        Line(Kind.REBATE, "OS2mo", -3_000_000),
        Line(Kind.JOINING_FEE, "OS2valghalla", 19_000_000),
        Line(Kind.EXEMPTION, "OS2valghalla", -19_000_000),
    ]

    posted = invoice_amounts(lines, ZERO, ACCOUNTS)

    assert posted == [
        Amount(RECEIVABLES, None, kroner(90_000)),
        Amount(f"XG-2-{JOINING_FEE_SUFFIX}", "OS2mo", kroner(-90_000)),
    ]


def test_a_product_without_an_account_is_posted_under_its_name() -> None:
    assert ledger.product_account("OS2new", None, Kind.ANNUAL_FEE) == f"OS2new-{ANNUAL_FEE_SUFFIX}"
    assert ledger.product_account("OS2new", "XG-3", Kind.EXEMPTION) == f"XG-3-{JOINING_FEE_SUFFIX}"


@given(st.lists(earned, max_size=15), amounts)
def test_every_entry_balances_and_every_product_gets_exactly_its_part(lines: list[Line], vat: Money) -> None:
    posted = invoice_amounts(lines, vat, ACCOUNTS)

    assert total(amount.money for amount in posted) == ZERO
    assert posted[0].account == RECEIVABLES
    assert posted[0].money == Money(sum(line.product_ore + line.association_ore for line in lines)) + vat
    assert all(amount.money for amount in posted[1:])
    for product in {*ACCOUNTS, "OS2unknown"}:
        own = total(amount.money for amount in posted if amount.product == product)
        assert own.ore == -sum(line.product_ore for line in lines if line.product == product)
    association = total(amount.money for amount in posted if amount.account in (DUES, CONTRIBUTION))
    assert association.ore == -sum(line.association_ore for line in lines)


@given(st.lists(earned, max_size=15))
def test_no_account_is_posted_twice_for_one_product(lines: list[Line]) -> None:
    posted = invoice_amounts(lines, ZERO, ACCOUNTS)

    places = [(amount.account, amount.product) for amount in posted]
    assert len(set(places)) == len(places)


def test_every_product_of_the_register_has_its_income_account_in_the_chart() -> None:
    chart = {row["account_suffix"] for row in builders.csv_rows("billing", "chart_of_accounts")}

    assert {DUES, CONTRIBUTION} <= chart
    assert {ANNUAL_FEE_SUFFIX, JOINING_FEE_SUFFIX} <= {suffix[-5:] for suffix in chart}
