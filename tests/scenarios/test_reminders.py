"""Reminders: by day and law, each once, approved by another person, stopped by whatever speaks against them."""

from __future__ import annotations

import io
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from functools import partial
from pathlib import Path

import pikepdf
import pytest
from lxml import etree
from sqlalchemy import text
from sqlalchemy.orm import Session

from app import clock, config
from billing import payments, reminder_terms, reminders, seller, settlements, withdrawals
from billing.einvoice import rule_packs
from billing.matching import Part
from billing.payments import MoreThanOwed, Placing
from billing.reminder_plan import Plan
from billing.reminders import PlanChanged
from billing.settlements import WaiverOrder
from foundation.audit import Trail
from foundation.language import Text
from foundation.money import Money
from foundation.periods import BUSINESS_ZONE
from foundation.proposals import SamePerson
from tests import reminding
from tests.command_line import CommandLine
from tests.conftest import FULL, Prepared
from tests.paying import fik_of, gross_of, payment, pays
from tests.places import with_starter
from tests.reminding import approved, bank, codes, decide, enter_rates
from tests.scenarios import acting, database, files
from tests.scenarios.acting import APPROVER, PREPARER

ONE, TWO = files.starter()[:2]
FIRST, SECOND = "2027-0001", "2027-0002"
DUE = date(2027, 2, 4)  # of all invoices here: 20 days after 15 January
FAR = date(2029, 1, 1)


def _issued(line: CommandLine) -> None:
    """Two members that owe their dues, due on 4 February; the bank has told of all days there are."""
    line.done("settings", "import", line.write("seller.toml", files.SELLER.replace("= 30", "= 20")))
    files.take_members(line, files.member(ONE.cvr), files.member(TWO.cvr))
    line.issue(2027)


def _covered(line: CommandLine) -> None:
    bank(line, FAR)


@pytest.fixture
def line(prepared: Prepared) -> CommandLine:
    """Two invoices that are owed, with a bank that has told of every day."""
    return prepared(with_starter, _issued, _covered)


@pytest.fixture
def untold(prepared: Prepared) -> CommandLine:
    """The same, but for the bank, which has told of nothing."""
    return prepared(with_starter, _issued)


def after(line: CommandLine, days: int) -> CommandLine:
    """Give the place so many days after the invoices were due."""
    return line.at(str(DUE + timedelta(days=days)))


def planned(line: CommandLine) -> list[tuple[str, int]]:
    """Give what is planned: invoice and level."""
    return [(item["invoice"], item["level"]) for item in line.json("reminders", "plan")["items"]]


def sent(line: CommandLine) -> list[tuple[str, str, int, str]]:
    """Give what was sent: number, invoice, level, day."""
    listed = line.json("reminders", "list")["reminders"]
    return [(each["number"], each["invoice"], each["level"], each["issued_on"]) for each in listed]


def pay(line: CommandLine, number: str, on: date, ore: int | None = None) -> None:
    """Let an invoice be paid, or some of it."""
    with line.session() as session:
        whole = gross_of(session, number)
    pays(line, payment(ore or whole, on, fik_id=fik_of(number)))
    acting.by(line, PREPARER, lambda session, trail: payments.match_certain(session, on, trail))


# --- by day


def test_pv_101_an_invoice_that_is_not_due_is_not_reminded_of(line: CommandLine) -> None:
    """PV-101: the due date counts, not the day it was made."""
    assert planned(line.at("2027-01-16")) == []
    assert planned(after(line, 0)) == planned(after(line, 9)) == []
    assert planned(after(line, 10)) == [(FIRST, 1), (SECOND, 1)]


def test_pv_103_levels_follow_each_other_and_payment_clears_at_once(line: CommandLine) -> None:
    """PV-103: 30, 40 and 50 days overdue are levels 1, 2 and 3; then paid, then nothing."""
    decide(line, first_after_days=30)
    assert planned(after(line, 29)) == []
    for level, days in enumerate((30, 40, 50), start=1):
        assert planned(after(line, days - 1)) == []
        assert planned(after(line, days)) == [(FIRST, level), (SECOND, level)]
        approved(after(line, days))
        reminding.left(after(line, days))
    pay(line, FIRST, DUE + timedelta(days=51))

    plan = after(line, 61).json("reminders", "plan")

    assert plan["items"] == []
    assert codes(plan) == [(SECOND, ["no_more"])]
    assert [each[2] for each in sent(line) if each[1] == FIRST] == [1, 2, 3]
    after(line, 61).done("verify")


def test_pv_100_a_job_run_every_minute_for_a_day_sends_one(line: CommandLine) -> None:
    """PV-100: the key is the invoice and the level."""
    decide(line, automatic="true")
    start, day = datetime(2027, 2, 14, tzinfo=UTC), range(24 * 60)
    minutes = day if FULL else [*day[:90], *day[90:-90:15], *day[-90:]]  # midnight in Copenhagen is 23 o'clock here

    with line.session() as session:
        for minute in minutes:
            _job(session, (start + timedelta(minutes=minute)).date())

    assert sent(line) == [("RY-2027-0001", FIRST, 1, "2027-02-14"), ("RY-2027-0002", SECOND, 1, "2027-02-14")]


def test_the_command_run_again_and_again_issues_once(line: CommandLine) -> None:
    decide(line, automatic="true")
    for moment in ("2027-02-14T08:00:00Z", "2027-02-14T08:01:00Z", "2027-02-14T22:59:00Z"):
        line.at(moment).done("reminders", "issue")

    assert [each[0] for each in sent(line)] == ["RY-2027-0001", "RY-2027-0002"]
    assert database.count(line, "reminder_rendering") == 4
    line.done("verify")


def _issue(session: Session, trail: Trail, on: date) -> reminders.Issued:
    terms = seller.current(session)
    assert terms is not None
    return reminders.issue(session, terms, trail, on=on)


def _issue_and_send(session: Session, trail: Trail, on: date) -> tuple[str, ...]:
    numbers = _issue(session, trail, on).numbers
    reminding.leave(session, trail, numbers)
    return numbers


def _job(session: Session, on: date) -> None:
    """Issue what is due and let it leave, as the job does; its session goes on to the next moment."""
    trail = Trail(session, "job", acting.AT)
    _issue_and_send(session, trail, on)
    trail.write()
    session.commit()


def test_eighteen_months_day_by_day_send_the_right_reminders_each_once(line: CommandLine) -> None:
    """With both DST nights, 29 February 2028 and a year's end; the second invoice is paid after its first reminder."""
    enter_rates(line)
    decide(line, automatic="true", fee=100, interest="true", compensation="true", days_apart=14, first_after_days=20)
    day = date(2027, 1, 16)
    with line.session() as session:
        while day < date(2028, 7, 16):
            if day == date(2027, 3, 1):
                pay(line, SECOND, day)
            _job(session, day)
            day += timedelta(days=1)

    first = DUE + timedelta(days=20)
    again = [str(first + timedelta(days=14 * nth)) for nth in range(3)]
    assert sent(line) == [
        ("RY-2027-0001", FIRST, 1, again[0]), ("RY-2027-0002", SECOND, 1, again[0]),
        ("RY-2027-0003", FIRST, 2, again[1]), ("RY-2027-0004", FIRST, 3, again[2]),
    ]  # fmt: skip
    line.at("2028-07-16").done("verify")


def test_an_instant_before_midnight_in_utc_is_the_next_day_in_copenhagen(line: CommandLine) -> None:
    """Also in the nights when the clock is set, and over 29 February."""
    assert planned(line.at("2027-02-13T22:59:59Z")) == []
    assert planned(line.at("2027-02-13T23:00:00Z")) == [(FIRST, 1), (SECOND, 1)]
    decide(line, first_after_days=52)
    assert DUE + timedelta(days=52) == date(2027, 3, 28)
    assert planned(line.at("2027-03-27T22:59:59Z")) == []
    for moment in ("2027-03-27T23:00:00Z", "2027-03-28T00:59:59Z", "2027-03-28T01:00:01Z"):
        assert planned(line.at(moment)) == [(FIRST, 1), (SECOND, 1)]


def halves(night: date) -> list[datetime]:
    """Give half past midnight, one, two and three in Copenhagen, also the hour that is told twice or not at all."""
    told = [time(hour, 30, fold=fold) for hour in range(4) for fold in (0, 1)]
    return sorted({datetime.combine(night, each, BUSINESS_ZONE).astimezone(UTC) for each in told})


@pytest.mark.parametrize(
    ("night", "hours"), [(date(2027, 3, 28), 3), (date(2027, 10, 31), 5), (date(2028, 2, 29), 4)], ids=str
)
def test_in_the_hours_around_a_night_that_clocks_get_wrong_a_reminder_is_planned_by_day_and_sent_once(
    line: CommandLine, night: date, hours: int
) -> None:
    """The second is due that night: not at half past eleven the evening before, and the third ten whole days later."""
    enter_rates(line)
    decide(line, automatic="true", fee=100, interest="true")
    acting.by(line, "job", partial(_issue_and_send, on=night - timedelta(days=10)))
    service = config.read(line.environment)

    def plan_at(instant: datetime) -> Plan:
        with line.session() as session:
            return reminders.plan(session, clock.today(replace(service, clock=instant)))

    evening, *night_hours = halves(night)[0] - timedelta(hours=1), *halves(night)
    assert len(night_hours) == hours
    assert plan_at(evening).items == ()
    plans = [plan_at(instant) for instant in night_hours]
    assert {plan.on for plan in plans} == {night}
    assert [item.key for item in plans[0].items] == [(FIRST, 2), (SECOND, 2)]
    assert len({plan.digest for plan in plans}) == 1
    sent_at = []
    for instant in night_hours:
        on = clock.today(replace(service, clock=instant))
        sent_at.append(acting.by(line, "job", partial(_issue_and_send, on=on)))
    assert [len(numbers) for numbers in sent_at] == [2, *[0] * (hours - 1)]
    later = halves(night + timedelta(days=10))[0]
    assert plan_at(later - timedelta(hours=1)).items == ()
    assert [item.key for item in plan_at(later).items] == [(FIRST, 3), (SECOND, 3)]


# --- approval


def test_what_is_approved_is_what_is_issued_and_by_another(line: CommandLine) -> None:
    place = after(line, 10)
    digest = place.json("reminders", "plan", "--hand-over", "--by", "En Forbereder")["digest"]

    own = place.run("reminders", "approve", "--digest", digest, "--by", "En Forbereder")
    other = place.run("reminders", "approve", "--digest", "0" * 64, "--by", "En Godkender")
    place.done("reminders", "issue")

    assert "(reminders plan)" in other.err and "billing plan" not in other.err
    assert own.code == other.code == 1
    assert sent(line) == []
    place.done("reminders", "approve", "--digest", digest, "--by", "En Godkender")
    place.done("reminders", "issue")
    assert len(sent(line)) == 2
    assert database.column(line, "SELECT kind FROM reminder_message") == ["deliver", "deliver"]


def test_planning_writes_nothing_and_gives_the_same_digest(line: CommandLine) -> None:
    before = database.dump(line)
    digests = {after(line, 12).json("reminders", "plan")["digest"] for _ in range(2)}

    assert len(digests) == 1
    assert database.dump(line) == before


def test_what_was_paid_or_disputed_after_the_approval_is_left_out_and_named(line: CommandLine) -> None:
    place = after(line, 10)
    digest = place.json("reminders", "plan", "--hand-over", "--by", "En Forbereder")["digest"]
    place.done("reminders", "approve", "--digest", digest, "--by", "En Godkender")
    pay(line, FIRST, DUE + timedelta(days=10))
    place.done("reminders", "hold", SECOND, "--disputed", "--reason", "Forkert beløb", "--by", "En Bogholder")

    told = place.done("reminders", "issue")

    assert sent(line) == []
    assert f"{FIRST}, rykker 1: der er ikke længere noget at rykke for" in told.err
    assert f"{SECOND}, rykker 1: bestridt: Forkert beløb" in told.err


def test_an_approval_is_good_for_a_week(line: CommandLine) -> None:
    digest = after(line, 10).json("reminders", "plan", "--hand-over", "--by", "En Forbereder")["digest"]
    after(line, 10).done("reminders", "approve", "--digest", digest, "--by", "En Godkender")

    after(line, 18).done("reminders", "issue")
    assert sent(line) == []
    after(line, 17).done("reminders", "issue")

    assert len(sent(line)) == 2


def test_another_digest_than_the_plan_s_is_not_handed_over(line: CommandLine) -> None:
    with pytest.raises(PlanChanged):
        acting.by(line, PREPARER, lambda session, trail: reminders.hand_over(
            session, trail, on=DUE + timedelta(days=10), digest="0" * 64))  # fmt: skip


def test_terms_need_two_people(line: CommandLine) -> None:
    given = reminding.terms(first_after_days=12)
    made = acting.by(line, PREPARER, lambda session, trail: reminder_terms.propose(session, given, trail))

    with pytest.raises(SamePerson):
        acting.by(line, PREPARER, lambda session, trail: reminder_terms.approve(session, made.id, trail))

    with line.session() as session:
        assert reminder_terms.current(session).first_after_days == 10


def test_the_rounds_of_work_send_by_a_standing_rule_alone(line: CommandLine) -> None:
    after(line, 10).done("work")
    assert sent(line) == []
    decide(line, automatic="true")

    for _ in range(2):
        after(line, 10).done("work")

    assert [each[0] for each in sent(line)] == ["RY-2027-0001", "RY-2027-0002"]


# --- what stands in the way


def test_a_dispute_stops_until_it_is_ended(line: CommandLine) -> None:
    place = after(line, 10)
    place.done("reminders", "hold", FIRST, "--disputed", "--reason", "Forkert størrelse", "--by", "En Bogholder")

    assert codes(place.json("reminders", "plan")) == [(FIRST, ["disputed"])]
    after(line, 20).done("reminders", "release", FIRST, 1, "--reason", "Afklaret", "--by", "En Bogholder")

    assert codes(after(line, 19).json("reminders", "plan")) == [(FIRST, ["disputed"])]
    assert planned(after(line, 20)) == [(FIRST, 1), (SECOND, 1)]
    line.done("verify")


def test_a_promise_stops_up_to_and_including_its_day(line: CommandLine) -> None:
    place = after(line, 10)
    until = DUE + timedelta(days=15)
    place.done("reminders", "hold", FIRST, "--promised", until, "--reason", "Ringede", "--by", "En Bogholder")

    assert codes(after(line, 15).json("reminders", "plan")) == [(FIRST, ["promised"])]
    assert planned(after(line, 16)) == [(FIRST, 1), (SECOND, 1)]


def test_what_was_paid_in_part_rests_a_while_and_today_s_payment_says_so(line: CommandLine) -> None:
    pay(line, FIRST, DUE + timedelta(days=10), ore=100_00)
    acting.by(line, PREPARER, _place_rest)

    assert codes(after(line, 10).json("reminders", "plan")) == [(FIRST, ["paid_today"])]
    assert codes(after(line, 19).json("reminders", "plan")) == [(FIRST, ["partly_paid"])]
    assert planned(after(line, 20)) == [(FIRST, 1), (SECOND, 1)]


def _place_rest(session: Session, trail: Trail) -> None:
    """Place by hand what was not certain."""
    on = DUE + timedelta(days=10)
    for paid in payments.waiting(session):
        if paid.left.ore > 0:
            (id_,) = session.execute(text(f"SELECT id FROM invoice WHERE number = '{FIRST}'")).scalars()
            (authority,) = session.execute(text(f"SELECT authority_id FROM invoice WHERE id = {id_}")).scalars()
            part = Part(paid.left, authority_id=authority, invoice_id=id_)
            payments.place(session, [Placing(paid.id, (part,), "hand", Text("valgt", "chosen"))], on, trail)


def test_what_was_credited_in_part_rests_a_while(prepared: Prepared) -> None:
    def both(line: CommandLine) -> None:
        line.done("settings", "import", line.write("seller.toml", files.SELLER.replace("= 30", "= 20")))
        files.take_members(line, files.member(ONE.cvr, gln=""))
        files.take_agreements(line, files.agreement(ONE.cvr, "OS2kitos"))
        line.issue(2027)
        bank(line, FAR)

    line = prepared(with_starter, both)
    words = ("--line", 1, "--reason", "Aftalt", "--by", "En Forbereder", "--approved-by", "En Godkender")
    after(line, 8).done("billing", "credit", FIRST, *words)

    assert codes(after(line, 10).json("reminders", "plan")) == [(FIRST, ["credited"])]
    assert planned(after(line, 18)) == [(FIRST, 1)]


def test_money_that_waits_for_its_place_stops_those_it_may_be_for(line: CommandLine) -> None:
    pays(line, payment(12_345, DUE, payer=f"{ONE.name} Kommune", message="uden nummer"))
    with line.session() as session:
        ore = gross_of(session, SECOND)

    assert codes(after(line, 10).json("reminders", "plan")) == [(FIRST, ["payment_waits"])]
    pays(line, payment(ore, DUE, payer="En helt anden"))

    assert (SECOND, ["payment_waits"]) in codes(after(line, 10).json("reminders", "plan"))


def test_without_a_fresh_statement_nobody_is_reminded(untold: CommandLine) -> None:
    assert codes(after(untold, 10).json("reminders", "plan")) == [
        (FIRST, ["statement_missing"]), (SECOND, ["statement_missing"])
    ]  # fmt: skip
    bank(untold, DUE + timedelta(days=7))

    assert planned(after(untold, 10)) == [(FIRST, 1), (SECOND, 1)]
    assert planned(after(untold, 11)) == []
    assert "kontoudtoget går kun til 11. februar 2027" in after(untold, 11).done("reminders", "plan").out


def test_a_missing_rate_is_said_and_never_guessed(line: CommandLine) -> None:
    enter_rates(line, reminding.RATES[0])
    decide(line, interest="true", first_after_days=90)
    plan = line.at("2027-07-02").json("reminders", "plan")

    assert plan["items"] == [] and codes(plan) == [(FIRST, ["rate_missing"]), (SECOND, ["rate_missing"])]
    assert "referencesatsen fra 1. juli 2027 er ikke indtastet" in line.at("2027-07-02").done("reminders", "plan").out
    assert planned(line.at("2027-06-30")) == [(FIRST, 1), (SECOND, 1)]


def test_nothing_is_charged_where_nothing_is_decided(line: CommandLine) -> None:
    approved(after(line, 10))

    charged = database.column(line, "SELECT fee_ore + compensation_ore + interest_ore FROM reminder")
    assert charged == [0, 0]
    assert database.column(line, "SELECT count(*) FROM voucher WHERE kind IN ('reminder', 'interest')") == [0]


# --- what is issued


def _costly(line: CommandLine) -> None:
    enter_rates(line)
    decide(line, fee=100, interest="true", compensation="true")


def test_fee_interest_and_compensation_are_charged_and_booked(line: CommandLine) -> None:
    _costly(line)
    approved(after(line, 10))
    reminding.left(after(line, 10))
    approved(after(line, 20))

    with line.session() as session:
        ore = gross_of(session, FIRST)
        rows = session.execute(text("SELECT level, fee_ore, compensation_ore, interest_ore FROM reminder "
                                    "WHERE invoice_id = (SELECT id FROM invoice WHERE number = '2027-0001') "
                                    "ORDER BY level")).all()  # fmt: skip
    interest = round(ore * 960 * 10 / 365 / 10_000)  # 1.60 and 8 points, ten days
    assert [tuple(row) for row in rows] == [(1, 10_000, 31_000, interest), (2, 10_000, 0, interest)]
    booked = database.column(
        line, "SELECT sum(p.amount_ore) FROM voucher_posting p JOIN voucher v ON v.id = p.voucher_id "
        "WHERE v.kind IN ('reminder', 'interest') AND p.account = '6330'"
    )  # fmt: skip
    assert booked == [2 * (10_000 + 31_000 + 10_000) + sum(database.column(line, "SELECT interest_ore FROM reminder"))]
    line.at("2027-03-01").done("verify")


def test_paper_and_xml_say_the_same_and_come_out_again_byte_for_byte(line: CommandLine) -> None:
    from billing import reminder_files
    from billing.reminder_files import Lacking

    _costly(line)
    approved(after(line, 10))

    with line.session() as session:
        found = {row.format: row.content for row in session.execute(
            text("SELECT format, content FROM reminder_rendering WHERE reminder_id = 1"))}  # fmt: skip
        row = session.execute(text("SELECT id, document, to_pay_ore FROM reminder WHERE id = 1")).one()
    again = reminder_files.render(Lacking(row.id, row.document, ("pdf", "oioubl"), None))
    root = etree.fromstring(bytes(found["oioubl"]))
    payable = root.findtext(".//{*}LegalMonetaryTotal/{*}PayableAmount")
    assert again == {name: bytes(content) for name, content in found.items()}
    assert root.findtext("{*}ID") == "RY-2027-0001"
    assert payable is not None and int(payable.replace(".", "")) == row.to_pay_ore
    assert root.find(".//{*}EmbeddedDocumentBinaryObject") is not None
    with pikepdf.open(io.BytesIO(bytes(found["pdf"]))) as pdf:
        assert list(pdf.attachments) == ["RY-2027-0001.xml"]


def test_every_reminder_passes_the_official_rules(kind: str, line: CommandLine, rules_directory: Path) -> None:
    if kind == "postgresql":
        pytest.skip("the XML is the same bytes on both databases, and the rules take seconds to compile")
    place = line.with_environ(OS2TILSLUT_RULES_DIR=str(rules_directory))
    approved(after(place, 10))  # costs nothing
    reminding.left(after(place, 10))
    _costly(place)
    approved(after(place, 20))
    pack = rule_packs.find(rules_directory, "oioubl")
    assert pack is not None

    verdicts = database.column(line, "SELECT outcome FROM reminder_verdict")
    with line.session() as session:
        xmls = session.execute(text("SELECT content FROM reminder_rendering WHERE format = 'oioubl'")).scalars().all()
    assert verdicts == ["valid"] * 4 == ["valid"] * len(xmls)
    assert [pack.validate(bytes(xml)) for xml in xmls] == [[]] * 4
    line.done("verify")


def test_numbers_have_no_gap_and_begin_anew_with_the_year(prepared: Prepared) -> None:
    line = prepared(with_starter, _issued, _covered)
    approved(line.at("2027-12-28"))
    reminding.left(line.at("2027-12-28"))
    approved(line.at("2028-01-08"))

    assert [each[0] for each in sent(line)] == ["RY-2027-0001", "RY-2027-0002", "RY-2028-0001", "RY-2028-0002"]
    line.at("2028-01-08").done("verify")


# --- the next one counts from when the one before left


def test_nothing_follows_a_reminder_that_lies_here_and_the_plan_names_it(line: CommandLine) -> None:
    approved(after(line, 10))

    before, then = (after(line, days).json("reminders", "plan") for days in (19, 20))

    assert before["items"] == before["stopped"] == then["items"] == []
    assert codes(then) == [(FIRST, ["unsent"]), (SECOND, ["unsent"])]
    assert then["stopped"][0]["stops"][0]["text"].startswith("RY-2027-0001 er ikke sendt")


def test_a_reminder_that_left_late_moves_the_next_by_as_many_days(line: CommandLine) -> None:
    approved(after(line, 10))
    reminding.left(after(line, 14))

    assert planned(after(line, 20)) == planned(after(line, 23)) == []
    assert planned(after(line, 24)) == [(FIRST, 2), (SECOND, 2)]
    approved(after(line, 24))
    after(line, 24).done("verify")


def test_a_reminder_that_was_noted_long_after_lets_the_next_follow_ten_days_later(line: CommandLine) -> None:
    approved(after(line, 10))
    late = after(line, 60)
    assert [each for _, each in codes(late.json("reminders", "plan"))] == [["unsent"], ["unsent"]]

    late.done("deliver", "by-hand", "RY-2027-0001", "--reason", "Digital Post", "--by", "En Forbereder")

    assert codes(late.json("reminders", "plan")) == [(SECOND, ["unsent"])]
    assert planned(after(line, 69)) == []
    assert planned(after(line, 70)) == [(FIRST, 2)]


def test_what_was_issued_before_the_note_s_midnight_counts_by_the_day_in_copenhagen(line: CommandLine) -> None:
    approved(line.at("2027-02-14T12:00:00Z"))
    reminding.left(line.at("2027-02-14T23:30:00Z"))

    assert planned(line.at("2027-02-24")) == []
    assert planned(line.at("2027-02-25")) == [(FIRST, 2), (SECOND, 2)]


# --- members in arrears


def reminded(line: CommandLine) -> None:
    """Issue reminders and let them leave on the day they bear."""
    approved(line)
    reminding.left(line)


def in_arrears(line: CommandLine) -> list[tuple[str, str]]:
    """Give the members in arrears, each with the day to which it had time."""
    found = line.json("reminders", "withdrawals")["members"]
    return [(each["authority"]["cvr"], each["due_on"]) for each in found]


def test_a_reminder_that_has_not_left_puts_no_member_in_arrears(line: CommandLine) -> None:
    approved(after(line, 10))
    late, on = after(line, 60), DUE + timedelta(days=60)
    words = ("--propose", ONE.cvr, "--from", "2028-01-01", "--reason", "Betaler ikke")

    assert in_arrears(late) == []
    assert late.run("reminders", "withdrawals", *words, "--by", "En Forbereder").code == 1

    late.done("deliver", "by-hand", sent(line)[0][0], "--by", "En Forbereder")

    assert in_arrears(after(line, 69)) == []
    assert in_arrears(after(line, 70)) == [(ONE.cvr, str(on + timedelta(days=9)))]


def test_a_reminder_that_lies_here_leaves_the_one_before_in_force(line: CommandLine) -> None:
    reminded(after(line, 10))
    approved(after(line, 20))

    found = after(line, 25).json("reminders", "withdrawals")["members"]

    assert {each["level"] for each in found} == {1}


def test_a_member_in_arrears_is_proposed_and_never_taken_off_by_itself(line: CommandLine) -> None:
    reminded(after(line, 10))
    on = DUE + timedelta(days=20)

    assert after(line, 19).json("reminders", "withdrawals")["members"] == []
    found = after(line, 20).json("reminders", "withdrawals")["members"]
    assert [each["authority"]["cvr"] for each in found] == [ONE.cvr, TWO.cvr]
    assert database.column(line, "SELECT count(*) FROM membership WHERE left_on IS NOT NULL") == [0]
    made = acting.by(line, PREPARER, lambda session, trail: withdrawals.propose(
        session, ONE.cvr, date(2028, 1, 1), "Betaler ikke", trail, on=on))  # fmt: skip
    with pytest.raises(SamePerson):
        acting.by(line, PREPARER, lambda session, trail: withdrawals.approve(session, made.id, trail, on=on))
    assert database.column(line, "SELECT count(*) FROM membership WHERE left_on IS NOT NULL") == [0]

    acting.by(line, APPROVER, lambda session, trail: withdrawals.approve(session, made.id, trail, on=on))

    assert database.column(line, "SELECT count(*) FROM membership WHERE left_on IS NOT NULL") == [1]
    line.done("verify")


def test_a_member_in_arrears_is_proposed_by_command_and_taken_off_by_another(line: CommandLine) -> None:
    reminded(after(line, 10))
    on, words = after(line, 20), ("--from", "2028-01-01", "--reason", "Betaler ikke")
    refused = {
        "paid": on.run(
            "reminders", "withdrawals", "--propose", files.starter()[5].cvr, *words, "--by", "En Forbereder"
        ),
        "past": on.run("reminders", "withdrawals", "--propose", ONE.cvr, "--from", "2020-01-01", "--reason", "x"),
        "why": on.run("reminders", "withdrawals", "--propose", ONE.cvr, "--from", "2028-01-01"),
    }

    told = on.done("reminders", "withdrawals", "--propose", ONE.cvr, *words, "--by", "En Forbereder")
    (waits, _) = on.json("reminders", "withdrawals")["members"]
    number, waiting = waits["proposal"], on.done("reminders", "withdrawals").out
    own = on.run("reminders", "withdrawals", "--approve", number, "--by", "En Forbereder")
    done = on.done("reminders", "withdrawals", "--approve", number, "--by", "En Godkender")

    assert {answer.code for answer in refused.values()} == {1} and own.code == 1
    assert f"; forslag {number} venter" in waiting
    assert f"--approve {number}" in told.out and "er udmeldt fra 1. januar 2028" in done.out
    assert database.column(line, "SELECT count(*) FROM membership WHERE left_on IS NOT NULL") == [1]
    line.done("verify")


@pytest.mark.parametrize(
    "words",
    [
        ("--propose", ONE.cvr), ("--from", "2028-01-01"), ("--approve", "0"),
        ("--propose", ONE.cvr, "--from", "i morgen"), ("--propose", ONE.cvr, "--from", "9999-01-01", "--reason", "x"),
        ("--propose", ONE.cvr, "--from", "2028-01-01", "--approve", "1"),
    ],
    ids=str,
)  # fmt: skip
def test_a_withdrawal_that_is_half_said_is_no_command(words: tuple[str, ...], line: CommandLine) -> None:
    assert line.run("reminders", "withdrawals", *words).code == 2


def test_a_withdrawal_is_not_approved_once_the_dues_are_paid(line: CommandLine) -> None:
    reminded(after(line, 10))
    on = DUE + timedelta(days=20)
    made = acting.by(line, PREPARER, lambda session, trail: withdrawals.propose(
        session, ONE.cvr, date(2028, 1, 1), "Betaler ikke", trail, on=on))  # fmt: skip
    pay(line, FIRST, on)

    with pytest.raises(withdrawals.NotInArrears):
        acting.by(line, APPROVER, lambda session, trail: withdrawals.approve(session, made.id, trail, on=on))

    assert database.column(line, "SELECT count(*) FROM membership WHERE left_on IS NOT NULL") == [0]


# --- hostile commands


@pytest.mark.parametrize(
    "words",
    [
        ("hold", "2027-9999", "--disputed", "--reason", "x", "--by", "En"),
        ("hold", "2027-0001\x00", "--disputed", "--reason", "x", "--by", "En"),
        ("hold", FIRST, "--disputed", "--reason", " ", "--by", "En"),
        ("hold", FIRST, "--disputed", "--reason", "\x00", "--by", "En"),
        ("hold", FIRST, "--disputed", "--reason", "x" * 20_000, "--by", "En"),
        ("hold", FIRST, "--promised", "2020-01-01", "--reason", "x", "--by", "En"),
        ("hold", FIRST, "--promised", "9999-12-31", "--reason", "x", "--by", "En"),
        ("hold", FIRST, "--reason", "x", "--by", "En"),
        ("release", FIRST, "99", "--reason", "x", "--by", "En"),
        ("release", FIRST, "99999999999999999999", "--reason", "x", "--by", "En"),
        ("approve", "--digest", "'; DROP TABLE reminder; --", "--by", "En"),
        ("approve", "--digest", "0" * 64, "--by", "\u202e"),
        ("plan", "--hand-over", "--by", " "),
        ("terms", "--approve", "99", "--by", "En"),
        ("terms", "--approve", "99999999999999999999", "--by", "En"),
        ("withdrawals", "x"),
    ],
    ids=str,
)
def test_a_hostile_command_is_refused_and_leaves_nothing(kind: str, line: CommandLine, words: tuple[str, ...]) -> None:
    before = database.dump(line)

    result = after(line, 10).run("reminders", *words)

    assert result.code in (1, 2) and result.err and "Traceback" not in result.err
    assert database.dump(line) == before


@pytest.mark.parametrize(
    "content",
    ["", "a,b\n1,2\n", "valid_from,percent,source\n2027-01-01,160,x\n",
     "valid_from,percent,source\n2027-02-01,1.60,x\n",
     "valid_from,percent,source\n2027-01-01,=1+1,x\n", "valid_from,percent,source\n2027-01-01,1.60,\n",
     "valid_from,percent,source\n2027-01-01,1.60,x\n2027-01-01,1.70,x\n", "valid_from,percent,source\n",
     "valid_from,percent,source\n2027-01-01,1.605,x\n", "valid_from,percent,source\n2027-01-01,NaN,x\n"],
)  # fmt: skip
def test_a_wrong_file_of_rates_is_refused_as_a_whole(line: CommandLine, content: str) -> None:
    result = line.run("interest-rates", "import", line.write("rates.csv", content))

    assert result.code == 1 and "Traceback" not in result.err
    assert database.count(line, "proposal") == 0


def test_rates_are_entered_by_two_people_with_their_source(line: CommandLine) -> None:
    file = line.write("rates.csv", 'valid_from,percent,source\n2027-01-01,"1,60",opdigtet\n2027-07-01,-0.5,opdigtet\n')
    line.done("interest-rates", "import", file, "--by", "En Forbereder")

    assert line.json("interest-rates", "list")["rates"] == []
    assert line.run("interest-rates", "approve", 1, "--by", "En Forbereder").code == 1
    line.done("interest-rates", "approve", 1, "--by", "En Godkender")

    rates = line.json("interest-rates", "list")["rates"]
    assert [(each["valid_from"], each["percent"]) for each in rates] == [
        ("2027-01-01", "1.60"),
        ("2027-07-01", "-0.50"),
    ]
    assert {each["source"] for each in rates} == {"opdigtet"}
    line.done("verify")


# --- verify notices


def _broken(line: CommandLine, table: str, statement: str) -> list[str]:
    database.tamper(line, table, statement)
    found = line.at("2027-06-01").run("verify", "--json").json()
    return [each["subject"] for each in found["violations"] if each["check"] in ("reminders", "numbers")]


_CHANGES = {
    "a document": ("reminder", "UPDATE reminder SET document = replace(document, 'Rykkergebyr', 'Gave') WHERE id = 2"),
    "an amount": ("reminder", "UPDATE reminder SET to_pay_ore = to_pay_ore + 1 WHERE id = 2"),
    "a fee above the law": ("reminder", "UPDATE reminder SET fee_ore = 20000 WHERE id = 2"),
    "interest": ("reminder", "UPDATE reminder SET interest_ore = interest_ore + 100 WHERE id = 2"),
    "a level": ("reminder", "UPDATE reminder SET level = 3 WHERE id = 2"),
    "a number": ("reminder", "UPDATE reminder SET number = 'RY-2027-0009' WHERE id = 2"),
    "a gap": ("reminder", "UPDATE reminder SET sequence = 9 WHERE id = 2"),
    "an early day": ("reminder", "UPDATE reminder SET issued_on = '2027-02-04' WHERE id = 2"),
    "the approval": ("reminder", "UPDATE reminder SET proposal_id = 1 WHERE id = 2"),
    "the authority": ("reminder", "UPDATE reminder SET authority_id = authority_id + 1 WHERE id = 2"),
    "the delivery": ("reminder_message", "DELETE FROM reminder_message WHERE reminder_id = 2"),
    "a rate": ("interest_rate", "UPDATE interest_rate SET hundredths = 170"),
    "a file": ("reminder_rendering", "UPDATE reminder_rendering SET content = format WHERE reminder_id = 2"),
    "a booking": ("voucher_posting", "UPDATE voucher_posting SET amount_ore = 2 * amount_ore WHERE voucher_id IN "
                  "(SELECT id FROM voucher WHERE subject = 'RY-2027-0002')"),
    "a booking without one": ("voucher", "UPDATE voucher SET subject = 'RY-2027-0077' WHERE subject = 'RY-2027-0002'"),
}  # fmt: skip


@pytest.mark.tampers
@pytest.mark.parametrize("change", _CHANGES)
def test_verify_names_a_reminder_that_was_changed(kind: str, line: CommandLine, change: str) -> None:
    if kind == "postgresql":
        pytest.skip("the checks read the same rows on both databases; the triggers are tried elsewhere")
    _costly(line)
    approved(after(line, 10))

    table, statement = _CHANGES[change]
    if change == "a file":
        statement = "UPDATE reminder_rendering SET content = X'00' WHERE reminder_id = 2"

    assert any("RY-2027-000" in subject or "RY-2027-0077" in subject for subject in _broken(line, table, statement))


# --- what a reminder charges is paid


def charged(line: CommandLine) -> CommandLine:
    """Both invoices reminded of once, at a fee of 100 kroner each."""
    decide(line, fee=100)
    approved(after(line, 10))
    return after(line, 12)


def account(line: CommandLine) -> dict[str, int]:
    """Give what the first authority owes, and what of it reminders charge."""
    found = line.json("accounts", "statement", ONE.cvr)
    return {name: found[f"{name}_ore"] for name in ("balance", "charges", "credit")}


def test_a_fee_counts_in_what_the_authority_owes_and_is_paid_with_the_invoice(line: CommandLine) -> None:
    late = charged(line)
    with line.session() as session:
        owed = gross_of(session, FIRST)
    assert account(late) == {"balance": owed + 100_00, "charges": 100_00, "credit": 0}

    pay(late, FIRST, DUE + timedelta(days=11), owed + 100_00)

    assert account(late) == {"balance": 0, "charges": 0, "credit": 0}
    paid = database.column(late, "SELECT amount_ore FROM payment_match ORDER BY id")
    assert paid == [owed, 100_00]  # the invoice first
    assert "til rykkernes gebyr og rente" in database.column(late, "SELECT explanation FROM payment_match")[0]
    late.done("verify")


def test_a_fee_that_is_not_paid_with_the_invoice_is_still_owed_and_can_be_paid_alone(line: CommandLine) -> None:
    late = charged(line)
    pay(late, FIRST, DUE + timedelta(days=11))
    assert account(late) == {"balance": 100_00, "charges": 100_00, "credit": 0}

    pays(late, payment(100_00, DUE + timedelta(days=12), payer=ONE.name))
    acting.by(late, PREPARER, lambda session, trail: payments.match_certain(session, DUE, trail))

    assert account(late) == {"balance": 0, "charges": 0, "credit": 0}
    late.done("verify")


def test_what_is_paid_beyond_invoice_and_fee_stands_to_credit(line: CommandLine) -> None:
    late = charged(line)
    with line.session() as session:
        owed = gross_of(session, FIRST)

    pay(late, FIRST, DUE + timedelta(days=11), owed + 150_00)

    assert account(late) == {"balance": -50_00, "charges": 0, "credit": 50_00}
    late.done("verify")


def test_an_undone_payment_of_a_fee_leaves_it_owed(line: CommandLine) -> None:
    late = charged(line)
    with line.session() as session:
        owed = gross_of(session, FIRST)
    pay(late, FIRST, DUE + timedelta(days=11), owed + 100_00)

    acting.by(late, PREPARER, lambda session, trail: payments.unmatch(
        session, [2], "Opdigtet", DUE + timedelta(days=12), trail))  # fmt: skip

    assert account(late) == {"balance": 100_00, "charges": 100_00, "credit": 0}
    late.done("verify")


def test_the_next_reminder_asks_for_a_fee_that_was_not_paid(line: CommandLine) -> None:
    charged(line)
    later = after(line, 20)
    reminding.left(after(line, 10))
    approved(later)

    with line.session() as session:
        owed = gross_of(session, FIRST)
    found = [each for each in later.json("reminders", "list")["reminders"] if each["invoice"] == FIRST]
    assert sorted(each["to_pay_ore"] for each in found) == [owed + 100_00, owed + 200_00]
    assert account(later)["charges"] == 200_00
    assert "tidligere rykkere" in str(database.column(line, "SELECT document FROM reminder WHERE level = 2"))
    later.done("verify")


def test_a_fee_is_let_go_of_by_two_people_and_is_asked_for_no_more(line: CommandLine) -> None:
    late = charged(line)
    order = WaiverOrder(FIRST, Money(60_00), "Vores fejl")
    made = acting.by(late, PREPARER, lambda session, trail: settlements.propose_waiver(session, order, trail))
    on = DUE + timedelta(days=12)

    with pytest.raises(SamePerson):
        acting.by(late, PREPARER, lambda session, trail: settlements.approve_waiver(session, made.id, on, trail))
    acting.by(late, APPROVER, lambda session, trail: settlements.approve_waiver(session, made.id, on, trail))
    again = WaiverOrder(FIRST, Money(40_01), "Vores fejl")
    with pytest.raises(MoreThanOwed):
        acting.by(late, PREPARER, lambda session, trail: settlements.propose_waiver(session, again, trail))

    assert account(late)["charges"] == 40_00
    late.done("verify")


def test_a_payment_is_placed_by_hand_on_what_reminders_charge(line: CommandLine) -> None:
    late = charged(line)
    (came,) = pays(late, payment(70_00, DUE + timedelta(days=12)))

    def place(session: Session, trail: Trail) -> None:
        parts = tuple(payments.charge_parts(session, [(FIRST, Money(70_00))]))
        payments.place(session, [Placing(came, parts, "hand", Text("Aftalt", "Agreed"))], DUE, trail)

    acting.by(late, PREPARER, place)

    assert account(late)["charges"] == 30_00
    late.done("verify")


@pytest.mark.tampers
def test_verify_finds_a_fee_that_the_ledger_does_not_know(line: CommandLine) -> None:
    late = charged(line)
    database.tamper(line, "voucher_posting", "UPDATE voucher_posting SET invoice_id = 2 WHERE account = '6330'")

    result = late.run("verify")

    assert result.code == 1 and "gebyr og rente er uenige" in result.out
