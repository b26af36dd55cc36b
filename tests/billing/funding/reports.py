"""Funding reports for tests: a usual one, one with nothing in it, and one that is as large as they come."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from billing.funding.report import (
    Band,
    Change,
    Connected,
    Cost,
    FundingReport,
    Income,
    Membership,
    Payer,
)
from foundation import periods
from foundation.language import Text
from foundation.money import ZERO, Money, kroner, total

ACCOUNTS = (
    ("00004", "Tilkobling / onboarding", "Onboarding", 12_000, 20_000, ""),
    ("00005", "Drift (hosting, domæne)", "Hosting", 41_250, 40_000, "Flere brugere end ventet"),
    ("00006", "Koordinering (frikøb)", "Coordination", 30_000, 30_000, ""),
    ("00008", "Udvikling", "Development", 118_400, 150_000, "Anden etape er udskudt til næste kvartal"),
)


def usual() -> FundingReport:
    """Give the first quarter of a product's fund, opened by a transfer."""
    income = (
        Income("XG-1-00001", Text("Tilslutningsafgift", "Joining fee"), kroner(350_000), kroner(350_000), kroner(0)),
        Income("XG-1-00002", Text("Vederlag (årlig)", "Annual fee"), kroner(182_000), kroner(130_000), kroner(190_000)),
    )
    payers = (
        Payer("55133018", "Aarhus Kommune", 3, True, kroner(402_000), kroner(402_000), ZERO),
        Payer("29189420", "Aalborg Kommune", 2, True, kroner(78_000), kroner(78_000), ZERO),
        Payer("35209115", "Odense Kommune", 2, False, kroner(52_000), ZERO, kroner(52_000)),
    )
    costs = tuple(
        Cost(f"XG-1-{suffix}", Text(da, en), kroner(spent), kroner(budget), remark)
        for suffix, da, en, spent, budget, remark in ACCOUNTS
    )
    earned, spent = total(each.invoiced for each in income), total(each.spent for each in costs)
    return FundingReport(
        product="OS2valghalla",
        period=periods.named("2027-Q1"),
        opening=kroner(210_000),
        income=income,
        payers=payers,
        bands=(Band(2, 2, kroner(130_000), kroner(78_000)), Band(3, 1, kroner(402_000), kroner(402_000))),
        members=Membership(2, kroner(480_000), kroner(480_000)),
        others=Membership(1, kroner(52_000), ZERO),
        passed_on=kroner(16_380),
        costs=costs,
        transfers=kroner(5_000),
        closing=kroner(215_000) + earned - spent,
        receivables=kroner(52_000),
        connected=(Connected(date(2026, 12, 31), 2), Connected(date(2027, 3, 31), 3)),
        joined=(Change("55133018", "Aarhus Kommune", date(2027, 1, 1), None),),
        left=(),
        under_notice=(Change("35209115", "Odense Kommune", date(2027, 2, 3), date(2027, 12, 31)),),
        budget="2027, version 1",
        ledger_head="0" * 64,
    )


def empty() -> FundingReport:
    """Give a report of a fund in which nothing ever was."""
    none = Membership(0, ZERO, ZERO)
    return replace(
        usual(), product=None, opening=ZERO, income=(), payers=(), bands=(), members=none, others=none, passed_on=ZERO,
        costs=(), transfers=ZERO, closing=ZERO, receivables=ZERO, connected=(), joined=(), under_notice=(), budget="",
    )  # fmt: skip


def large() -> FundingReport:
    """Give ten years of a fund with a hundred payers, long names and remarks, and amounts as large as they come."""
    huge = Money(99_999_999_999_999)
    name = "Fælleskommunalt Interessentskab for Digitalisering og Genbrug af Offentlig Kildekode i Midtjylland"
    one = usual()
    payers = tuple(replace(one.payers[0], name=f"{name} {nth}", invoiced=huge) for nth in range(100))
    costs = tuple(replace(each, remark="Bemærkning " * 40, spent=huge, budget=-huge) for each in one.costs * 4)
    days = [date(2017 + nth // 4, (nth % 4) * 3 + 1, 1) for nth in range(41)]
    return replace(
        one, product="OS2" + "produktmedetlangtnavn" * 3, remark="Bemærkning til helheden. " * 70,
        income=tuple(replace(each, remark="Flere end ventet " * 25, invoiced=huge) for each in one.income),
        period=periods.named("2017-01-01..2027-01-01"),
        opening=-huge, payers=payers, costs=costs, connected=tuple(Connected(on, 7 * nth) for nth, on in
                                                                   enumerate(days)),
        joined=tuple(replace(one.joined[0], name=f"{name} {nth}") for nth in range(40)),
    )  # fmt: skip


def remarked() -> FundingReport:
    """Give the usual one with remarks on its income and on the whole."""
    one = usual()
    income = (replace(one.income[0], remark="Aarhus er kommet til"), *one.income[1:])
    return replace(one, income=income, remark="Kvartalet gik som ventet.\nUdvikling er udskudt.")


def credited() -> FundingReport:
    """A quarter in which more was credited than invoiced, and a cost was taken back."""
    one = usual()
    income = (replace(one.income[0], invoiced=Money(-25_000_00)), *one.income[1:])
    costs = (replace(one.costs[0], spent=Money(-4_000_00)), *one.costs[1:])
    return replace(one, income=income, costs=costs)


SAMPLES = {"usual": usual, "empty": empty, "large": large, "credited": credited}
