"""What a year costs in queries: the same number for a batch, however many agreements and payers are in it."""

from __future__ import annotations

from datetime import date

import pytest

from benchmarks import registers
from billing import annual_run, approvals, gathering, invoices, seller
from billing.invoices import Terms
from foundation.audit import Trail
from tests import queries
from tests.command_line import CommandLine

TERMS = Terms(registers.YEAR, "real", date(registers.YEAR, 1, 15), seller.made_up())


def filled(line: CommandLine, payers: int) -> CommandLine:
    """Fill the registers with payers of eight lines each, and approve their plan."""
    with line.session() as session:
        registers.fill(session, payers)
        trail = Trail(session, "En Godkender", registers.MOMENT)
        digest = annual_run.plan(session, registers.YEAR, seller.made_up()).digest
        approvals.approve(session, registers.YEAR, digest, seller.made_up(), trail)
        trail.write()
    return line


def plan_queries(line: CommandLine) -> int:
    """Count the queries of a plan."""
    with queries.heard() as heard, line.session() as session:
        annual_run.plan(session, registers.YEAR, seller.made_up())
        return len(heard)


def batch_queries(line: CommandLine, at_most: int) -> int:
    """Count the queries of one batch."""
    with line.session() as session:
        trail = Trail(session, "kommandolinjen", registers.MOMENT)
        with queries.heard() as heard:
            invoices.issue_batch(session, TERMS, trail, at_most=at_most)
            trail.write()
        return len(heard)


def test_a_plan_asks_as_often_for_forty_payers_as_for_five(empty: CommandLine) -> None:
    filled(empty, 5)
    few = plan_queries(empty)
    with empty.session() as session:
        registers.add(session, range(6, 41))

    assert plan_queries(empty) == few


def test_a_plan_asks_a_fixed_number_more_for_each_batch_of_payers(
    empty: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    filled(empty, 40)
    asked = []
    for batches in (1, 2, 4):
        monkeypatch.setattr(gathering, "PAYERS_AT_A_TIME", 40 // batches)
        asked.append(plan_queries(empty))

    assert asked[2] - asked[1] == 2 * (asked[1] - asked[0]) > 0


def test_a_batch_asks_as_often_for_thirty_invoices_as_for_five(empty: CommandLine) -> None:
    filled(empty, 40)
    batch_queries(empty, 1)  # the first draws a new series

    assert batch_queries(empty, 5) == batch_queries(empty, 30)


def test_a_disturbed_batch_plans_only_its_own_payers(empty: CommandLine) -> None:
    filled(empty, 40)
    with empty.session() as session:
        trail = Trail(session, "kommandolinjen", registers.MOMENT)
        trail.record("members.imported", "members.csv")
        trail.write()
    batch_queries(empty, 1)

    few, many = batch_queries(empty, 5), batch_queries(empty, 30)

    assert few == many
