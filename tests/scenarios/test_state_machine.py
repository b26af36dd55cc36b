"""The service against its model: any order of a secretariat's steps, on both databases, checked after every one.

Hypothesis walks through the rules below: registers change, decisions are adopted, plans approved and issued, the clock
jumps (also back). Each step is done twice, by the command line and by `model.World`. After each, nothing is broken,
every year's plan is the model's, and so is everything issued: lines, numbers, dates, ledger. A step that the model
refuses must be refused by the product too, with nothing written.

A failure prints the steps that lead to it. The seed stands in the test's name.
"""

from __future__ import annotations

import copy
import shutil
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, event, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test
from sqlalchemy import NullPool, create_engine, text
from sqlalchemy.orm import Session

from app import database as service_database
from app import plan_json as written
from billing import annual_run, seller, verification
from billing.annual_run import Known
from tests.command_line import CommandLine
from tests.conftest import FULL
from tests.postgresql_server import PostgreSQLServer
from tests.scenarios import database, files
from tests.scenarios.model import (
    Agreement,
    AgreementKey,
    Association,
    Authority,
    Credit,
    Decision,
    FeeTable,
    Invoice,
    Issued,
    Line,
    Member,
    Plan,
    SizeKey,
    World,
    due_on,
    facts,
    has_lost_its_vat,
    with_vat,
)

SEEDS = range(5) if FULL else range(1)
EXAMPLES, STEPS = (20, 40) if FULL else (4, 15)

ONE, TWO, ENDED, REGION = files.cvrs(4)
CVRS = (ONE, TWO, ENDED, REGION)
MUNICIPALITIES = {ONE: "0901", TWO: "0902", ENDED: "0903"}
PRODUCTS = ("Alfa", "Beta", "Gamma")
YEARS = (2026, 2027, 2028)
BOOKS = [*((year, "real") for year in YEARS), (2027, "rehearsal")]
BANDS = {"small": 2_200_000, "medium": 3_200_000, "large": 4_200_000, "very_large": 5_200_050}
DATED = ((date(2026, 12, 1), 6_000_000), (None, 24_000_000))

#: Moments in UTC with their day in Copenhagen, written down by hand: around New Year, the leap day, both DST nights.
MOMENTS = {
    "2026-12-31T22:59:59Z": date(2026, 12, 31),
    "2026-12-31T23:30:00Z": date(2027, 1, 1),
    "2027-01-15T10:00:00Z": date(2027, 1, 15),
    "2027-03-27T23:30:00Z": date(2027, 3, 28),
    "2027-03-28T00:59:59Z": date(2027, 3, 28),
    "2027-03-28T01:00:00Z": date(2027, 3, 28),
    "2027-03-28T22:30:00Z": date(2027, 3, 29),
    "2027-10-30T22:30:00Z": date(2027, 10, 31),
    "2027-10-31T00:59:59Z": date(2027, 10, 31),
    "2027-10-31T01:00:00Z": date(2027, 10, 31),
    "2027-10-31T22:30:00Z": date(2027, 10, 31),
    "2027-12-31T23:30:00Z": date(2028, 1, 1),
    "2028-02-28T23:30:00Z": date(2028, 2, 29),
    "2028-02-29T22:59:59Z": date(2028, 2, 29),
    "2028-02-29T23:00:00Z": date(2028, 3, 1),
    "2028-12-31T23:30:00Z": date(2029, 1, 1),
}
LATEST = "2028-12-31T23:30:00Z"


# --- the ground that every walk begins on: some of everything, so that few steps lead to invoices


def beginning() -> World:
    """Give the world as it is before the first step."""
    world = World(accounts={"Alfa": "XG-1", "Beta": "XG-2", "Gamma": None})
    for cvr, code in MUNICIPALITIES.items():
        ends = date(2026, 12, 31) if cvr == ENDED else None
        world.authorities[cvr] = Authority(cvr, "kommune", code, f"Kommune {code}", valid_to=ends)
    world.authorities[REGION] = Authority(REGION, "region", "1099", "Region 1099")
    world.inhabitants = {(ONE, 2025): 24_999, (ONE, 2026): 25_000, (TWO, 2025): 60_001, (ENDED, 2025): 60_000}
    world.placements = {(REGION, date(2026, 6, 1)): "large"}
    world.members = {(ONE, date(2020, 1, 1)): Member(), (TWO, date(2027, 7, 2)): Member(gln=files.gln(TWO))}
    for table in (
        FeeTable("Alfa", date(2025, 1, 1), BANDS, BANDS, passive_share="1/3"),
        FeeTable("Beta", date(2025, 1, 1), 158_735, DATED, first_year="months", exempt=True),
        FeeTable("Gamma", date(2025, 1, 1), ("shared", 10_000_000), None, contribution=False),
    ):
        world.adopt(table)
    world.adopt(Association(date(2025, 1, 1), 2_500_000))
    world.adopt(SizeKey(date(2026, 1, 1), 25_000, 60_000))
    begun = Agreement("active", date(2026, 12, 15), date(2027, 1, 1), gln=files.gln(1))
    world.agreements = {
        (ONE, "Alfa", date(2026, 12, 1)): begun,
        (TWO, "Beta", date(2026, 12, 2)): replace(begun, in_force_from=date(2027, 5, 10), rebate=100_050),
        (ONE, "Gamma", date(2026, 12, 1)): replace(begun, gln=files.gln(2)),
        (ENDED, "Gamma", date(2026, 12, 1)): replace(begun, in_force_from=date(2026, 12, 24)),
        (REGION, "Alfa", date(2026, 12, 2)): replace(begun, kind="passive"),
    }
    return world


def fill(line: CommandLine, world: World) -> None:
    """Bring a world into an empty database, in its own order."""
    settle(line, world)
    for decisions in (world.size_keys, world.associations, world.fee_tables):
        texts = [decision.text for decision in decisions.values()]
        files.adopt(line, *texts)
    products = [{"product": product, "account": account or ""} for product, account in world.accounts.items()]
    files.take(line, "products", files.PRODUCTS, products)
    files.take_authorities(line, *(authority_row(authority) for authority in world.authorities.values()))
    files.take_population(line, *(inhabitants_row(*at, count) for at, count in world.inhabitants.items()))
    files.take_placements(line, *(placement_row(*at, band) for at, band in world.placements.items()))
    files.take_members(line, *(member_row(*at, member) for at, member in world.members.items()))
    files.take_agreements(line, *(agreement_row(key, agreement) for key, agreement in world.agreements.items()))


def settle(line: CommandLine, world: World) -> None:
    """Import the seller's settings."""
    words = files.SELLER.replace("vat_registered = true", f"vat_registered = {str(world.vat_registered).lower()}")
    line.done("settings", "import", line.write("seller.toml", words))


def authority_row(authority: Authority) -> files.Row:
    """Write an authority as a row of the file."""
    return {
        "type": authority.type, "code": authority.code, "name": authority.name, "short_name": authority.code,
        "cvr": authority.cvr, "valid_to": _day(authority.valid_to), "address": "Prøvevej 1", "postcode": "8000",
        "city": "Aarhus C", "succeeded_by_cvr": authority.successor or "",
    }  # fmt: skip


def inhabitants_row(cvr: str, year: int, count: int) -> files.Row:
    """Write inhabitants as a row of the file."""
    return files.inhabitants(MUNICIPALITIES[cvr], year, count)


def placement_row(cvr: str, valid_from: date, band: str) -> files.Row:
    """Write a placement as a row of the file."""
    return files.placement(cvr, band, valid_from=str(valid_from), reason="skøn")


def member_row(cvr: str, joined_on: date, member: Member) -> files.Row:
    """Write a membership as a row of the file."""
    return {"cvr": cvr, "joined_on": str(joined_on), "left_on": _day(member.left_on), "gln": member.gln or ""}


def agreement_row(key: AgreementKey, agreement: Agreement) -> files.Row:
    """Write an agreement as a row of the file."""
    rebate = agreement.rebate
    return {
        "cvr": key[0], "product": key[1], "signed_on": str(key[2]),
        "kind": agreement.kind,
        "countersigned_on": _day(agreement.countersigned_on), "in_force_from": _day(agreement.in_force_from),
        "terminated_to": _day(agreement.terminated_to), "active_from": _day(agreement.active_from),
        "gln": agreement.gln or "", "endpoint": "cvr" if agreement.by_cvr else "",
        "rebate_dkk": f"{rebate // 100}.{rebate % 100:02}" if rebate else "",
        "rebate_reason": "medfinansiering" if rebate else "",
        "joining_fee_exempt_reason": agreement.exempt or "",
        "joining_fee_invoiced_on": _day(agreement.invoiced_before),
    }  # fmt: skip


def _day(day: date | None) -> str:
    return "" if day is None else str(day)


# --- what a step may choose from: few values, so that steps meet

SIGNING_DAYS = st.sampled_from([date(2025, 6, 1), date(2026, 12, 1), date(2026, 12, 2), date(2027, 3, 10)])
FIRST_DAYS = st.sampled_from(
    [date(2026, 1, 1), date(2027, 1, 1), date(2027, 5, 10), date(2027, 12, 31), date(2028, 1, 1), date(2028, 2, 29)]
)
LAST_DAYS = st.sampled_from([date(2026, 12, 31), date(2027, 4, 30), date(2027, 12, 31), date(2028, 2, 29)])
TABLE_DAYS = st.sampled_from([date(2025, 1, 1), date(2026, 1, 1), date(2027, 1, 1), date(2027, 5, 1), date(2028, 1, 1)])
GLNS = st.sampled_from([files.gln(1), files.gln(1), files.gln(2), None])
COUNTS = st.sampled_from([24_999, 25_000, 60_000, 60_001, 120_000, 120_001])
AMOUNTS = st.sampled_from([2, 100, 158_735, 3_000_000, 10_000_000])  # 2 øre: whose VAT goes to another line
BANDED = st.fixed_dictionaries(dict.fromkeys(BANDS, AMOUNTS))

FEE_TABLES = st.builds(
    FeeTable,
    product=st.sampled_from(PRODUCTS),
    valid_from=TABLE_DAYS,
    annual=st.one_of(AMOUNTS, BANDED, st.tuples(st.just("shared"), AMOUNTS)),
    joining=st.one_of(st.none(), AMOUNTS, BANDED, AMOUNTS.map(lambda ore: ((date(2026, 12, 1), ore), (None, 2 * ore)))),
    passive_share=st.sampled_from([None, "1/3", "1/2"]),
    first_year=st.sampled_from(["full", "months", "days"]),
    contribution=st.booleans(),
    exempt=st.booleans(),
)
ONLY_JOINING = FEE_TABLES.filter(lambda table: table.joining is not None).map(lambda table: replace(table, annual=None))
ASSOCIATIONS = st.builds(
    Association,
    valid_from=TABLE_DAYS,
    dues=st.sampled_from([2_500_000, 2_500_001]),
    half_after=st.sampled_from([None, (7, 1), (5, 10)]),
    index=st.sampled_from([None, ("124.0", "128.4"), ("3", "2")]),
    member=st.sampled_from(["9/100", "1/7"]),
    exempt=st.booleans(),
)
SIZE_KEYS = st.builds(SizeKey, TABLE_DAYS, st.just(25_001), st.sampled_from([50_000, 60_001]))
AGREEMENTS = st.builds(
    Agreement,
    kind=st.sampled_from(["active", "active", "passive"]),
    countersigned_on=st.none() | SIGNING_DAYS,
    in_force_from=st.none() | FIRST_DAYS | FIRST_DAYS,
    gln=GLNS,
    by_cvr=st.booleans(),
    rebate=st.sampled_from([0, 0, 100_050, 1_000_000_000]),
    exempt=st.sampled_from([None, None, "deltog i crowdfunding"]),
    invoiced_before=st.sampled_from([None, None, None, date(2026, 1, 1)]),
)


# --- the machine


class Secretariat(RuleBasedStateMachine):
    """Does every step by the command line and in the model. `place` gives each walk a database of its own."""

    def __init__(self, place: Callable[[], tuple[CommandLine, Callable[[], None]]], world: World) -> None:
        super().__init__()
        self.line, self.clean = place()
        self.world = copy.deepcopy(world)
        self.moment = "2027-01-15T10:00:00Z"
        self.steps = 0
        self.known: dict[tuple[int, str], Known] = {}
        # One engine a walk: SQLAlchemy compiles each statement once for each engine, which costs more than running it.
        self.engine = create_engine(self.line.url, poolclass=NullPool)
        service_database.prepare(self.engine)

    def teardown(self) -> None:
        """Remove the walk's database."""
        self.engine.dispose()
        self.clean()

    @property
    def today(self) -> date:
        """The day in Copenhagen, as it was written down by hand."""
        return MOMENTS[self.moment]

    def do(self, name: str, accepted: bool, *command: object) -> None:
        """Run a command that the model accepted, or refused: then it must write nothing."""
        event(f"{name}: {'done' if accepted else 'refused'}")
        before = None if accepted else database.dump(self.line)
        result = self.line.at(self.moment).run(*command)
        assert result.code == (0 if accepted else 1), (name, accepted, result)
        if not accepted:
            assert result.err.strip(), name
            assert database.dump(self.line) == before, f"{name} was refused and wrote something"

    def import_(self, register: str, header: tuple[str, ...], row: files.Row, accepted: bool, name: str = "") -> None:
        """Import one row."""
        file = self.line.write(f"{register}.csv", files.text(header, [row]))
        self.do(name or f"{register} import", accepted, register, "import", file)

    # --- the clock

    @rule(moment=st.sampled_from(sorted(MOMENTS)))
    def set_the_clock(self, moment: str) -> None:
        """Let time pass, or go back."""
        event("clock set back" if moment < self.moment else "clock goes on")
        self.moment = moment

    # --- the registers

    @rule(cvr=st.sampled_from(sorted(MUNICIPALITIES)), year=st.sampled_from([2024, 2025, 2026, 2027]), count=COUNTS)
    def count_inhabitants(self, cvr: str, year: int, count: int) -> None:
        """Import inhabitants."""
        accepted = self.world.take_inhabitants(cvr, year, count)
        self.import_("population", files.POPULATION, inhabitants_row(cvr, year, count), accepted)

    @rule(cvr=st.sampled_from([REGION, REGION, TWO]), day=TABLE_DAYS, band=st.sampled_from(sorted(BANDS)))
    def place(self, cvr: str, day: date, band: str) -> None:
        """Import a placement."""
        accepted = self.world.take_placement(cvr, day, band)
        self.import_("placements", files.PLACEMENTS, placement_row(cvr, day, band), accepted)

    @rule(
        cvr=st.sampled_from(CVRS),
        joined_on=st.sampled_from([date(2026, 1, 1), date(2027, 1, 1), date(2027, 5, 10), date(2027, 5, 11)]),
        left_on=st.sampled_from([None, None, date(2027, 1, 1), date(2027, 6, 1), date(2028, 1, 2)]),
        gln=GLNS,
    )
    def join(self, cvr: str, joined_on: date, left_on: date | None, gln: str | None) -> None:
        """Join the association, or correct when an authority did."""
        self._member((cvr, joined_on), Member(left_on, gln))

    @precondition(lambda self: self.world.members)
    @rule(data=st.data(), left_on=st.sampled_from([None, date(2027, 1, 1), date(2027, 9, 9), date(2028, 1, 1)]))
    def leave(self, data: st.DataObject, left_on: date | None) -> None:
        """Leave the association, or take it back."""
        key = data.draw(st.sampled_from(sorted(self.world.members)))
        self._member(key, replace(self.world.members[key], left_on=left_on))

    def _member(self, key: tuple[str, date], member: Member) -> None:
        accepted = self.world.take_member(key, member)
        self.import_("members", files.MEMBERS, member_row(*key, member), accepted)

    @rule(successor=st.sampled_from([ONE, TWO, None]))
    def succeed(self, successor: str | None) -> None:
        """Register who follows the authority that ended, or take it back."""
        changed = replace(self.world.authorities[ENDED], successor=successor)
        accepted = self.world.take_successor(ENDED, successor)
        self.import_("authorities", files.AUTHORITIES, authority_row(changed), accepted)

    # --- the agreements

    @rule(cvr=st.sampled_from(CVRS), product=st.sampled_from(PRODUCTS), signed_on=SIGNING_DAYS, agreement=AGREEMENTS)
    def sign(self, cvr: str, product: str, signed_on: date, agreement: Agreement) -> None:
        """Sign an agreement, or import one again with other facts."""
        self._agreement("sign", (cvr, product, signed_on), agreement)

    def _agreement(self, name: str, key: AgreementKey, row: Agreement) -> None:
        row = replace(row, kind="active") if row.active_from else row  # as the file says it
        accepted = self.world.take_agreement(key, row, self.today)
        self.import_("agreements", files.AGREEMENTS, agreement_row(key, row), accepted, name)

    def _change(self, data: st.DataObject, name: str, **changes: Any) -> None:
        key = data.draw(st.sampled_from(sorted(self.world.agreements)))
        self._agreement(name, key, replace(self.world.agreements[key], **changes))

    @rule(data=st.data())
    def countersign(self, data: st.DataObject) -> None:
        """Countersign today."""
        self._change(data, "countersign", countersigned_on=self.today)

    @rule(data=st.data())
    def take_a_countersignature_back(self, data: st.DataObject) -> None:
        """Remove a countersignature: refused where an issued line rests on it."""
        self._change(data, "take back a countersignature", countersigned_on=None)

    @rule(data=st.data(), last_day=st.none() | LAST_DAYS)
    def terminate(self, data: st.DataObject, last_day: date | None) -> None:
        """Terminate an agreement, or take that back."""
        self._change(data, "terminate", terminated_to=last_day)

    @rule(data=st.data())
    def become_active(self, data: st.DataObject) -> None:
        """Import a connection as active, without saying since when."""
        self._change(data, "become active", kind="active", active_from=None)

    @rule(data=st.data(), since=FIRST_DAYS)
    def become_active_on(self, data: st.DataObject, since: date) -> None:
        """Import a connection as active since a day."""
        self._change(data, "become active on a day", kind="active", active_from=since)

    @rule(data=st.data())
    def become_passive(self, data: st.DataObject) -> None:
        """Import a connection as passive."""
        self._change(data, "become passive", kind="passive", active_from=None)

    @rule(data=st.data(), rebate=st.sampled_from([0, 1, 700_000]))
    def grant(self, data: st.DataObject, rebate: int) -> None:
        """Grant a rebate, or take it back."""
        self._change(data, "grant", rebate=rebate)

    @rule(data=st.data(), gln=GLNS)
    def send_elsewhere(self, data: st.DataObject, gln: str | None) -> None:
        """Change where an agreement's invoices go."""
        self._change(data, "send elsewhere", gln=gln)

    # --- the decisions

    @rule(decision=FEE_TABLES | FEE_TABLES | ONLY_JOINING | ASSOCIATIONS | SIZE_KEYS)
    def adopt(self, decision: Decision) -> None:
        """Adopt a decision: refused where another is adopted for the same day."""
        self._adopt(decision)

    @rule(data=st.data(), annual=AMOUNTS)
    def adopt_another_for_the_same_day(self, data: st.DataObject, annual: int) -> None:
        """Adopt a second fee table for a day that has one; the same table again is no second one."""
        known = data.draw(st.sampled_from(list(self.world.fee_tables.values())))
        self._adopt(replace(known, annual=annual))

    def _adopt(self, decision: Decision) -> None:
        accepted = self.world.adopt(decision)
        self.do("adopt", accepted, "fee-tables", "adopt", self.line.write("table.toml", decision.text))

    @rule()
    def settle(self) -> None:
        """Register the seller for VAT, or no longer."""
        self.world.vat_registered = not self.world.vat_registered
        self.world.seller += 1
        settle(self.line, self.world)

    # --- plan, approve, issue

    @rule(year=st.sampled_from(YEARS))
    def approve(self, year: int) -> None:
        """Approve the plan of a year as it is."""
        self.world.approve(year)
        digest = self.line.json("billing", "plan", year)["digest"]
        self.do("approve", True, "billing", "approve", year, "--digest", digest, "--by", "En Godkender")

    @rule(year=st.sampled_from(YEARS))
    def approve_what_is_not_the_plan(self, year: int) -> None:
        """Approve by a digest that no plan has."""
        by = ("--digest", "0" * 64, "--by", "En Godkender")
        self.do("approve a wrong digest", False, "billing", "approve", year, *by)

    @rule(year=st.sampled_from(YEARS))
    def issue(self, year: int) -> None:
        """Issue what is approved, dated today; again, where it is issued already."""
        accepted = self.world.issue(year, self.today)
        self.do("issue", accepted, "billing", "issue", year)

    @rule(year=st.sampled_from(YEARS), data=st.data())
    def issue_on(self, year: int, data: st.DataObject) -> None:
        """Issue on a day of one's choice: refused before the last number's."""
        last = max((issued.on for issued in self.world.issued if issued.year == year), default=self.today)
        on = last + timedelta(days=data.draw(st.sampled_from([-1, 0, 1])))
        accepted = self.world.issue(year, on)
        self.do("issue on a day", accepted, "billing", "issue", year, "--on", on)

    @rule(year=st.sampled_from(YEARS))
    def approve_and_issue(self, year: int) -> None:
        """Bring a year to its end in one step, so that walks get far."""
        self.approve(year)
        self.issue(year)

    @rule(year=st.sampled_from(YEARS))
    def rehearse(self, year: int) -> None:
        """Issue in the rehearsal's book, which approves its own plan."""
        self.world.approve(year, "rehearsal")
        accepted = self.world.issue(year, self.today, "rehearsal")
        event(f"rehearse: {'done' if accepted else 'refused'}")
        result = self.line.at(self.moment).run("billing", "issue", year, "--rehearsal")
        assert result.code == (0 if accepted else 1), result  # a refused one keeps its approval, and no invoice

    # --- give back

    @precondition(lambda self: self.world.issued)
    @rule(data=st.data(), whole=st.booleans(), then_reissue=st.booleans())
    def credit(self, data: st.DataObject, whole: bool, then_reissue: bool) -> None:
        """Take an invoice back, or some of its lines, today; refused where it was taken back before."""
        of = data.draw(st.sampled_from(self.world.issued[-4:]))
        places = st.integers(0, len(of.invoice.lines) - 1)
        chosen = [] if whole else data.draw(st.lists(places, min_size=1, max_size=3, unique=True))
        event(f"credit: {'a few øre' if has_lost_its_vat(of.invoice.lines[at] for at in chosen) else 'more'}")
        accepted = self.world.credit(of, chosen, self.today, then_reissue=then_reissue)
        words = [word for place in chosen for word in ("--line", place + 1)] + ["--then-reissue"] * then_reissue
        two = ("--by", "En Forbereder", "--approved-by", "En Godkender")
        self.do("credit", accepted, "billing", "credit", of.number, "--reason", "Forkert", *two, *words)

    # --- what holds after every step

    @invariant()
    def both_agree(self) -> None:
        """Every promise holds; every year's plan, everything issued and every balance is the model's."""
        self.steps += 1
        self.look_by_command_line()
        with Session(self.engine) as session:
            assert verification.verify(session).violations == []
            for year, book in BOOKS:
                known = self.known[year, book] = Known(self.known.get((year, book)))
                told = plan_json(session, year, book, known)
                assert planned(told) == predicted(self.world.plan(year, book)), (year, book)
            assert issued(session) == everything_issued(self.world)
            for book in ("real", "rehearsal"):
                assert balances(session, book) == self.world.balances(book)

    def look_by_command_line(self) -> None:
        """Let the commands say it, too: `verify` after every third step, else `plan` of one year."""
        if self.steps % 3 == 0:
            assert self.line.json("verify")["violations"] == []
        else:
            year = YEARS[self.steps // 3 % len(YEARS)]
            assert planned(self.line.json("billing", "plan", year)) == predicted(self.world.plan(year)), year


# --- both sides in one form


def plan_json(session: Session, year: int, book: Any, known: Known) -> dict[str, Any]:
    """Give the JSON that `billing plan --json` prints, made from the plan before as pages make it."""
    settings_ = seller.current(session)
    assert settings_ is not None
    listed: list[dict[str, Any]] = []
    made = annual_run.plan(
        session, year, settings_, book=book, each=lambda proposal: listed.append(written.invoice(proposal)),
        known=known,
    )  # fmt: skip
    known.forget_before()
    return written.plan(made, "da") | {"invoices": listed}


def planned(plan: dict[str, Any]) -> dict[str, Any]:
    """Give a plan's JSON in the form of `predicted`."""
    assert plan["totals"]["lines"] == sum(len(invoice["lines"]) for invoice in plan["invoices"])
    for sum_ in ("net_ore", "vat_ore", "gross_ore"):
        assert plan["totals"][sum_] == sum(invoice[sum_] for invoice in plan["invoices"])
    return {
        "invoices": [
            (
                invoice["authority"]["cvr"],
                (invoice["endpoint"], invoice["gln"] or ""),
                invoice["net_ore"],
                invoice["gross_ore"],
                [
                    (line["kind"], line["product"], line["parts"]["product_ore"], line["parts"]["association_ore"],
                     line["vat_ore"], facts(line["reason"]))
                    for line in invoice["lines"]
                ],
            )
            for invoice in plan["invoices"]
        ],
        "unchanged": plan["unchanged"],
        "problems": _counted(plan["problems"]),
        "notes": _counted(plan["notes"]),
        "nothing": Counter(nothing["authority"]["cvr"] for nothing in plan["nothing_to_invoice"]),
        "by_product": {name: tuple(sums.values()) for name, sums in plan["totals"]["by_product"].items()},
        "association": tuple(plan["totals"]["association"].values()),
    }  # fmt: skip


def _counted(told: list[dict[str, Any]]) -> Counter[tuple[str, str | None, str]]:
    return Counter((each["authority"]["cvr"], each["product"], each["code"]) for each in told)


def predicted(plan: Plan) -> dict[str, Any]:
    """Give the model's plan in the form of `planned`."""
    lines = [line for invoice in plan.invoices for line in invoice.lines]
    products = {line.product for line in lines if line.product is not None}
    return {
        "invoices": [
            (invoice.payer, invoice.details, invoice.net, invoice.gross, [_amounts(line) for line in invoice.lines])
            for invoice in plan.invoices
        ],
        "unchanged": plan.unchanged,
        "problems": +plan.problems,
        "notes": +plan.notes,
        "nothing": plan.nothing,
        "by_product": {
            product: (
                sum(line.product_ore for line in lines if line.product == product and line.kind == "annual_fee"),
                sum(line.product_ore for line in lines if line.product == product and line.kind != "annual_fee"),
            )
            for product in products
        },
        "association": (
            sum(line.association_ore for line in lines if line.kind == "membership_dues"),
            sum(line.association_ore for line in lines if line.kind != "membership_dues"),
        ),
    }


def _amounts(line: Line) -> tuple[Any, ...]:
    return (line.kind, line.product, line.product_ore, line.association_ore, line.vat_ore, line.reason)


def issued(session: Session) -> dict[str, Any]:
    """Give everything issued, by number."""
    invoices = session.execute(text("SELECT i.*, a.cvr FROM invoice i JOIN authority a ON a.id = i.authority_id"))
    found: dict[int, tuple[Any, ...]] = {
        row.id: (row.number, row.book, row.cvr, str(row.issued_on), str(row.due_on), row.gross_ore, [])
        for row in invoices
    }
    for row in session.execute(text("SELECT * FROM invoice_line ORDER BY invoice_id, position")):
        parts = (row.product_ore, row.association_ore, row.vat_ore)
        found[row.invoice_id][-1].append((row.key, row.kind, row.product, *parts))
    return {row[0]: row[1:] for row in found.values()}


def everything_issued(world: World) -> dict[str, Any]:
    """Give the model's invoices and credit notes in the form of `issued`."""
    return {one.number: expected(world, one) for one in world.issued} | {
        one.number: given_back(world, one) for one in world.credits
    }


def given_back(world: World, credit: Credit) -> tuple[Any, ...]:
    """Give a credit note: its invoice's lines below zero."""
    lines = [
        (f"credit|{world.written_key(credit.of, line)}", line.kind, line.product, -line.product_ore,
         -line.association_ore, -line.vat_ore)
        for line in credit.lines
    ]  # fmt: skip
    gross = -sum(line.net + line.vat_ore for line in credit.lines)
    return (credit.of.book, credit.of.invoice.payer, str(credit.on), str(credit.on), gross, lines)


def expected(world: World, issued: Issued) -> tuple[Any, ...]:
    """Give an invoice of the model in the form of `issued`."""
    invoice = issued.invoice
    lines = [
        (world.written_key(issued, line), line.kind, line.product, line.product_ore, line.association_ore, line.vat_ore)
        for line in invoice.lines
    ]
    return (issued.book, invoice.payer, str(issued.on), str(due_on(issued.on)), invoice.gross, lines)


def balances(session: Session, book: str) -> dict[tuple[str, str | None], int]:
    """Give what stands on every account and fund of a book."""
    sums = (
        "SELECT p.account, p.product, SUM(p.amount_ore) AS ore FROM posting p JOIN ledger_entry e ON e.id = p.entry_id "
        f"WHERE e.book = '{book}' GROUP BY p.account, p.product"
    )
    return {(row.account, row.product): int(row.ore) for row in session.execute(text(sums)) if row.ore}


# --- the tests


@pytest.fixture
def place(
    empty: CommandLine, kind: str, tmp_path: Path, request: pytest.FixtureRequest
) -> Callable[[], tuple[CommandLine, Callable[[], None]]]:
    """Give, at each call, a copy of a database with the beginning in it, and how to remove it."""
    fill(empty, beginning())
    count = iter(range(10**6))

    def on_sqlite() -> tuple[CommandLine, Callable[[], None]]:
        folder = tmp_path / str(next(count))
        folder.mkdir()
        file = shutil.copy(empty.url.removeprefix("sqlite:///"), folder)
        return CommandLine(f"sqlite:///{file}", folder), lambda: shutil.rmtree(folder)

    def on_postgresql() -> tuple[CommandLine, Callable[[], None]]:
        server: PostgreSQLServer = request.getfixturevalue("postgresql")
        template = empty.url.partition("@/")[2].partition("?")[0]
        name = f"{template}_walk_{next(count)}"
        return CommandLine(server.create(name, template), tmp_path), lambda: server.drop(name)

    return on_sqlite if kind == "sqlite" else on_postgresql


def test_the_model_gives_few_ore_back_only_with_their_vat() -> None:
    """Three fees of 3 øre with VAT of 2 øre in all: the same invoice, and the same answers, as in `test_credits`."""
    day, details = date(2027, 1, 15), ("gln", files.gln(1))
    lines = [
        Line(f"{nth}", "annual_fee", f"P{nth}", 2, 1, "", False, (ONE, f"P{nth}", day), details) for nth in range(3)
    ]
    of = Issued("real", 2027, 1, day, Invoice(ONE, details, with_vat(lines, registered=True)))
    world = World()

    accepted = [world.credit(of, chosen, day, then_reissue=False) for chosen in ([2], [0, 1], [2, 0], [])]

    assert [line.vat_ore for line in of.invoice.lines] == [1, 1, 0]
    assert accepted == [False, False, True, True]


@pytest.mark.parametrize("seed_", SEEDS)
def test_any_order_of_steps_gives_what_the_rules_say(
    seed_: int, place: Callable[[], tuple[CommandLine, Callable[[], None]]]
) -> None:
    world = beginning()

    @seed(seed_)
    def walk() -> Secretariat:
        return Secretariat(place, world)

    run_state_machine_as_test(
        walk,  # type: ignore[arg-type]
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=STEPS,
            deadline=None,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        ),
    )
