"""A funding report in words: what a paper, a page and a picture's alternative text say of its figures."""

from __future__ import annotations

from collections.abc import Sequence

from billing.funding import naming
from billing.funding.report import Connected, Cost, FundingReport
from fee_tables.size_key import STANDARD_BANDS, band_title
from foundation import periods
from foundation.language import Text, day, joined, kroner, same, whole_number
from foundation.money import ZERO, total
from foundation.periods import Period

#: How many payers count as the largest.
TOP = 3

_NAMED = 3  # accounts above their budget that are named

#: What stands above the remark on a report as a whole.
REMARKS = Text("Bemærkninger til rapporten", "Remarks on the report")


def title(report: FundingReport) -> Text:
    """Name a report: what it is of, and for which period."""
    return title_of(report.product, report.period)


def title_of(product: str | None, period: Period) -> Text:
    """Name the report of a fund and a period."""
    words = Text("Økonomirapport: ", "Funding report: ") + naming.told(product)
    return words + same(", ") + periods.told(period)


def paragraph(report: FundingReport) -> Text:
    """Say in one paragraph how the fund stands."""
    parts = [_movement(report), _against_budget(report.costs), _connected(report.connected), _top(report)]
    if report.receivables:
        owed = kroner(report.receivables)
        parts.append(Text(f"Der mangler betaling af {owed.da}", f"{owed.en} is not paid yet"))
    return joined([_sentence(part) for part in parts if part is not None], by=" ")


def _sentence(words: Text) -> Text:
    """End a sentence; an amount in Danish ends it already."""
    return Text(*(part if part.endswith(".") else f"{part}." for part in (words.da, words.en)))


def _movement(report: FundingReport) -> Text:
    opening, earned, spent = kroner(report.opening), kroner(report.earned), kroner(report.spent)
    result, closing, moved = kroner(report.result), kroner(report.closing), kroner(report.transfers)
    moves = Text(f", overførslerne {moved.da}", f", transfers {moved.en}") if report.transfers else same("")
    return (
        Text(f"Fonden havde {opening.da} ved periodens begyndelse; ",
             f"The fund held {opening.en} when the period began; ")
        + Text(f"indtægterne er {earned.da}, omkostningerne {spent.da}", f"income is {earned.en}, costs {spent.en}")
        + moves
        + Text(f", resultatet {result.da}, og ved periodens slutning har fonden {closing.da}",
               f", the result {result.en}, and at the end of the period the fund holds {closing.en}")
    )  # fmt: skip


def _against_budget(costs: Sequence[Cost]) -> Text | None:
    """Say how costs stand to their budget; None where no budget is adopted"""
    budgets = [cost.budget for cost in costs if cost.budget is not None]
    if not budgets:
        return Text("Der er ikke vedtaget et budget", "No budget is adopted")
    left = total(budgets) - total(cost.spent for cost in costs)
    amount = kroner(left if left >= ZERO else -left)
    if left >= ZERO:
        return Text(f"Omkostningerne er {amount.da} under budgettet", f"Costs are {amount.en} below the budget")
    return Text(f"Omkostningerne er {amount.da} over budgettet", f"Costs are {amount.en} above the budget")


def _connected(connected: Sequence[Connected]) -> Text | None:
    if not connected:
        return None
    first, last = connected[0].authorities, connected[-1].authorities
    one = last == 1
    told = whole_number(last) + (Text(" myndighed er tilsluttet", " authority is connected") if one else
                                 Text(" myndigheder er tilsluttet", " authorities are connected"))  # fmt: skip
    if first == last:
        return told + Text(", som ved periodens begyndelse", ", as when the period began")
    before = whole_number(first)
    return told + Text(f" mod {before.da} ved periodens begyndelse", f", {before.en} when the period began")


def _top(report: FundingReport) -> Text | None:
    if len(report.payers) <= TOP or report.earned <= ZERO:
        return None
    share = percent(report.top_share(TOP))
    return Text(f"De {TOP} største betalere bidrog med {share.da} af indtægterne",
                f"The {TOP} largest payers brought {share.en} of the income")  # fmt: skip


def percent(per_mille: int) -> Text:
    """Write whole per mille as percent with one decimal."""
    whole, tenths = divmod(per_mille, 10)
    return Text(f"{whole},{tenths} %", f"{whole}.{tenths}%")


# --- what pictures show


def accounts(report: FundingReport) -> Text:
    """Say what the picture of income and costs by account shows."""
    income = [each.name + same(" ") + kroner(each.invoiced) for each in report.income]
    costs = [each.name + same(" ") + kroner(each.spent) for each in report.costs]
    return (
        Text("Indtægter: ", "Income: ") + (joined(income, by=", ") if income else Text("ingen", "none"))
        + Text("; omkostninger: ", "; costs: ") + (joined(costs, by=", ") if costs else Text("ingen", "none"))
    )  # fmt: skip


def budget(report: FundingReport) -> Text:
    """Say what the picture of costs against their budget shows."""
    rows = [
        each.name + Text(f" {kroner(each.spent).da} af ", f" {kroner(each.spent).en} of ")
        + (kroner(each.budget) if each.budget is not None else Text("intet budget", "no budget"))
        for each in report.costs
    ]  # fmt: skip
    return Text("Forbrug og budget: ", "Spent and budget: ") + joined(rows, by=", ")


def connected(report: FundingReport) -> Text:
    """Say what the picture of connected authorities shows."""
    rows = [day(each.on) + same(": ") + whole_number(each.authorities) for each in report.connected]
    return Text("Tilsluttede myndigheder: ", "Connected authorities: ") + joined(rows, by=", ")


# --- what a reader should see in them


def accounts_in_short(report: FundingReport) -> Text | None:
    """Say which account brought most, and which took most; None where nothing came or went."""
    earning = max(report.income, key=lambda each: each.invoiced, default=None)
    costing = max(report.costs, key=lambda each: each.spent, default=None)
    parts: list[Text] = []
    if earning is not None and earning.invoiced > ZERO:
        told = kroner(earning.invoiced)
        parts.append(earning.name + Text(f" gav mest: {told.da}", f" brought most: {told.en}"))
    if costing is not None and costing.spent > ZERO:
        told, share = kroner(costing.spent), costing.spent.ore * 100 // max(1, report.spent.ore)
        parts.append(costing.name + Text(f" kostede mest: {told.da}, {share} % af omkostningerne",
                                         f" cost most: {told.en}, {share}% of the costs"))  # fmt: skip
    return joined([_sentence(part) for part in parts], by=" ") if parts else None


def budget_in_short(report: FundingReport) -> Text | None:
    """Name the accounts that took more than their budget, the furthest first; None without a budget."""
    if report.given is None:
        return None
    beyond = [(-each.deviation, each.name) for each in report.costs if each.deviation is not None]
    over = sorted([each for each in beyond if each[0] > ZERO], key=lambda each: -each[0])
    if not over:
        return Text("Ingen konto er over sit budget.", "No account is above its budget.")
    named = [name + same(" ") + kroner(amount) for amount, name in over[:_NAMED]]
    more = len(over) - _NAMED
    accounts = "konto" if more == 1 else "konti"
    rest = Text(f" og {more} {accounts} mere", f" and {more} more") if more > 0 else same("")
    return _sentence(Text("Over budget: ", "Above budget: ") + joined(named, by=", ") + rest)


def connected_in_short(report: FundingReport) -> Text | None:
    """Say how many are connected, and whether they were when the period began."""
    told = _connected(report.connected)
    return None if told is None else _sentence(told)


def band(number: int | None) -> Text:
    """Name a band of the size key."""
    if number is None:
        return Text("Uden størrelse", "Without a size")
    return band_title(STANDARD_BANDS[number]) if 0 <= number < len(STANDARD_BANDS) else same(str(number))
