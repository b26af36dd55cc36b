"""A plan as rows: found, sorted and added up as asked, and made anew exactly when something was written."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Engine, event

from app import database
from billing import annual_run, plan_snapshot, seller
from billing.annual_run import Plan
from billing.charges import Code, Draft, Problem, drafted
from billing.plan_snapshot import COLUMNS, INDIFFERENT, Kept, Row, Snapshot, Wanted
from fee_tables.calculation import Kind, Size
from foundation import audit
from foundation.language import same
from foundation.money import kroner, total
from foundation.sorting import alphabetical
from tests import builders
from tests.command_line import CommandLine
from tests.scenarios import files, stories

NAMES = ("Østerby Kommune", "Aalborg Kommune", "Vejle Kommune", "Ærø Kommune", "Billund Kommune", "Aarhus Kommune")


def draft(id_: int, name: str, *charges: Any) -> Draft:
    """An invoice to be."""
    payer = builders.payer(id_, cvr=f"{29189840 + id_}", name=name)
    return drafted(payer, builders.details(), charges or (builders.charge(ore=id_ * 1000),), vat_registered=True)


def snapshot(*drafts: Draft, troubled: tuple[int, ...] = ()) -> Snapshot:
    """A plan of these invoices."""
    plan = Plan(builders.YEAR, "real", problems=[
        Problem(builders.payer(id_), None, Code.NO_ENDPOINT, same("")) for id_ in troubled
    ])  # fmt: skip
    for of in drafts:
        plan.totals.add(of)
    rows = tuple(plan_snapshot.row(at, of, set(troubled)) for at, of in enumerate(drafts, start=1))
    return Snapshot(plan, rows)


SIX = snapshot(*(draft(at, name) for at, name in enumerate(NAMES, start=1)), troubled=(2,))


def named(rows: list[Row]) -> list[str]:
    """The payers of some rows, without what all of them are called."""
    return [row.draft.payer.name.removesuffix(" Kommune") for row in rows]


def test_nothing_asked_for_gives_all_in_the_order_of_the_numbers_to_come() -> None:
    assert [row.position for row in plan_snapshot.chosen(SIX, Wanted())] == [1, 2, 3, 4, 5, 6]


def test_names_sort_as_in_danish() -> None:
    found = plan_snapshot.chosen(SIX, Wanted(sort="name"))

    assert named(found) == ["Billund", "Vejle", "Ærø", "Østerby", "Aalborg", "Aarhus"]


@pytest.mark.parametrize("sort", COLUMNS)
def test_every_column_sorts_both_ways_and_alike_rows_stay_in_order(sort: Any) -> None:
    up = plan_snapshot.chosen(SIX, Wanted(sort=sort))
    down = plan_snapshot.chosen(SIX, Wanted(sort=sort, descending=True))

    assert sorted(row.position for row in up) == [1, 2, 3, 4, 5, 6]
    if sort in ("band", "lines"):  # all alike
        assert up == down
    else:
        assert down == up[::-1]


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (Wanted(text="aalborg"), ["Aalborg"]),
        (Wanted(text="KOMMUNE ær"), ["Ærø"]),
        (Wanted(text="29189843"), ["Vejle"]),
        (Wanted(text="nobody"), []),
        (Wanted(product="OS2kitos"), []),
        (Wanted(kind=Kind.MEMBERSHIP_DUES), []),
        (Wanted(with_problems=True), ["Aalborg"]),
        (Wanted(least=kroner(50)), ["Billund", "Aarhus"]),
        (Wanted(most=kroner(20)), ["Østerby", "Aalborg"]),
        (Wanted(least=kroner(20), most=kroner(20)), ["Aalborg"]),
        (Wanted(band="small"), []),
    ],
)
def test_rows_are_found_by_what_is_asked(wanted: Wanted, found: list[str]) -> None:
    assert named(plan_snapshot.chosen(SIX, wanted)) == found


def test_a_row_is_found_by_any_of_its_lines_and_by_the_size_of_the_year() -> None:
    large = builders.reason()._replace(size=Size("large"))
    lines = [
        builders.charge()._replace(reason=large),
        builders.charge("OS2kitos", agreement_id=2, kind=Kind.JOINING_FEE)._replace(
            reason=large._replace(size=Size("small"))
        ),
    ]
    one = snapshot(draft(1, "Vejle Kommune", *lines))

    assert one.products == ("OS2kitos", "OS2valghalla")
    assert one.bands == ("large",)
    assert plan_snapshot.chosen(one, Wanted(product="OS2kitos", kind=Kind.JOINING_FEE, band="large"))


@given(words=st.text(), least=st.none() | st.integers().map(kroner), sort=st.sampled_from(COLUMNS), down=st.booleans())
def test_whatever_is_asked_the_sums_are_those_of_the_rows_found(words: str, least: Any, sort: Any, down: bool) -> None:
    found = plan_snapshot.chosen(SIX, Wanted(text=words, least=least, sort=sort, descending=down))

    sums = plan_snapshot.sums(found)

    assert sums.invoices == len(found)
    assert sums.net + sums.vat == sums.gross == total(row.draft.gross for row in found)


def test_capitals_and_accents_do_not_move_a_word() -> None:
    assert alphabetical("CAFÉ") == alphabetical("cafe")
    assert alphabetical("Å") == alphabetical("aa") > alphabetical("ø") > alphabetical("Æ") > alphabetical("z")
    assert alphabetical("A\u030a") == alphabetical("å")  # written in two signs


# --- kept while it is the plan


def test_the_rows_are_the_invoices_of_the_plan(starter: CommandLine) -> None:
    stories.everything(starter)

    with starter.session() as session:
        made = plan_snapshot.make(session, 2027, seller.made_up())
        told = annual_run.plan(session, 2027, seller.made_up())

    sums = plan_snapshot.sums(made.rows)
    assert (made.plan.digest, made.plan.totals) == (told.digest, told.totals)
    assert (sums.invoices, sums.net, sums.vat) == (told.totals.invoices, told.totals.net, told.totals.vat)


def test_a_plan_is_kept_until_something_is_written_and_then_made_anew(starter: CommandLine) -> None:
    stories.everything(starter)
    kept, association = Kept(), seller.made_up()
    with starter.session() as session:
        first = kept.of(session, 2027, association)
        again = kept.of(session, 2027, association)

    files.take_agreements(starter, files.agreement(files.by_name("Aalborg").cvr, "OS2kitos"))

    with starter.session() as session:
        after = kept.of(session, 2027, association)
        assert again is first
        assert after.plan.digest == annual_run.plan(session, 2027, association).digest != first.plan.digest


def test_a_plan_made_anew_takes_over_the_payers_of_whom_nothing_changed(starter: CommandLine) -> None:
    stories.everything(starter)
    kept, association = Kept(), seller.made_up()
    with starter.session() as session:
        before = drafts_of(kept.of(session, 2027, association))

    files.take_agreements(starter, files.agreement(files.by_name("Aalborg").cvr, "OS2kitos"))

    with starter.session() as session:
        after = drafts_of(kept.of(session, 2027, association))
    another = {cvr for cvr, draft in after.items() if before.get(cvr) is not draft}
    assert another == {files.by_name("Aalborg").cvr} and len(after) > 1


def test_nothing_is_taken_over_where_the_ground_is_another(starter: CommandLine) -> None:
    stories.everything(starter)
    association = seller.made_up()
    unregistered = replace(association, vat_registered=False, digest="another")

    with starter.session() as session:
        before = plan_snapshot.make(session, 2027, association)
        after = plan_snapshot.make(session, 2027, unregistered, before=before)
        later = plan_snapshot.make(session, 2028, association, before=before)

        assert after.plan.digest == annual_run.plan(session, 2027, unregistered).digest
        assert later.plan.digest == annual_run.plan(session, 2028, association).digest
    assert {row.draft.vat.ore for row in after.rows} == {0}


def drafts_of(made: Snapshot) -> dict[str, Draft]:
    """Give the newest invoice to be of each payer, by CVR number."""
    return {row.draft.payer.cvr: row.draft for row in made.rows}


def test_years_books_and_sellers_are_kept_apart(starter: CommandLine) -> None:
    stories.everything(starter)
    kept, association = Kept(), seller.made_up()
    other = replace(association, vat_registered=False, digest="another")

    with starter.session() as session:
        asked: list[Any] = [(2027, association, "real"), (2028, association, "real"), (2027, association, "rehearsal"),
                            (2027, other, "real")]  # fmt: skip
        made = [kept.of(session, *one).plan for one in asked]

    assert len({of.digest for of in made}) == len(asked)
    assert [(of.year, of.book) for of in made] == [(year, book) for year, _, book in asked]


def test_only_so_many_lines_are_kept_but_the_newest_plan_always(starter: CommandLine) -> None:
    stories.everything(starter)
    kept, association = Kept(at_most=0), seller.made_up()

    with starter.session() as session:
        first = kept.of(session, 2027, association)
        assert kept.of(session, 2027, association) is first
        kept.of(session, 2028, association)

        assert kept.of(session, 2027, association) is not first


#: The tables a plan is made of. Whoever writes one of them writes an entry that counts in the same transaction.
DECIDING = {
    "authority", "population", "placement", "membership", "product", "agreement", "adopted_table", "seller_settings",
    "invoice", "invoice_line", "credit_note", "credited_line",
}  # fmt: skip


def test_nothing_that_decides_a_plan_is_written_without_an_entry_that_counts(
    empty: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every transaction of a whole year is heard: why an entry that has not moved is enough."""
    heard: list[set[str]] = [set()]
    recorded: list[set[str]] = [set()]

    def begins(connection: object) -> None:
        heard.append(set())
        recorded.append(set())

    def records(trail: audit.Trail, action: str, *given: Any, **more: Any) -> None:
        recorded[-1].add(action)
        ordinary(trail, action, *given, **more)

    def prepare(engine: Engine) -> None:
        prepared(engine)
        event.listen(engine, "begin", begins)
        event.listen(engine, "before_cursor_execute", lambda *given: heard[-1].update(_written(given[2])))

    ordinary, prepared = audit.Trail.record, database.prepare
    monkeypatch.setattr(audit.Trail, "record", records)
    monkeypatch.setattr(database, "prepare", prepare)
    empty.done("starter", "load")
    stories.everything(empty)
    empty.done("settings", "import", empty.write("seller.toml", files.SELLER))
    empty.issue(2027)
    empty.done("billing", "credit", "2027-0001", "--reason", "Forkert", "--by", "En Forbereder", "--approved-by",
               "En Godkender", "--then-reissue")  # fmt: skip

    deciding = [(tables, actions) for tables, actions in zip(heard, recorded, strict=True) if tables & DECIDING]
    assert set().union(*(tables for tables, _ in deciding)) >= DECIDING
    assert all("audit_entry" in tables and actions - INDIFFERENT for tables, actions in deciding)


def test_what_changes_nothing_leaves_the_plan_as_it_is(starter: CommandLine) -> None:
    stories.everything(starter)
    kept, association = Kept(), seller.made_up()
    with starter.session() as session:
        first = kept.of(session, 2027, association)

    starter.approve(2027)

    with starter.session() as session:
        assert kept.of(session, 2027, association) is first


def _written(statement: str) -> set[str]:
    words = statement.replace('"', " ").split()
    verb = words[0].upper() if words else ""
    at = {"INSERT": 2, "UPDATE": 1, "DELETE": 2}.get(verb)
    return {words[at]} if at else set()
