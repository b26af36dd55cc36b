"""Reminders in the browser: plan, approval by another, issue, papers, disputes and promises, arrears, terms."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from app import access
from app.access import Principal
from billing import reminder_files
from billing.einvoice.rule_packs import RulePack
from billing.reminder_files import RENDERINGS
from billing.verdicts import Task
from foundation.audit import Trail
from tests import reminding, world
from tests.app.web.desks import forms_of, held, told_at
from tests.command_line import CommandLine
from tests.paying import payment, pays
from tests.scenarios import database
from tests.scenarios.acting import PREPARER, by

HOST = {"Host": "localhost"}


@dataclass
class Desk:
    """The small world, late in April, asked by whoever is named."""

    app: Flask
    line: CommandLine
    people: dict[str, Principal]
    who: Principal = access.ANONYMOUS

    def get(self, path: str, person: str) -> TestResponse:
        """Read a page as somebody."""
        self.who = self.people[person]
        return self.app.test_client().get(path, headers=HOST)

    def post(self, path: str, person: str, **sent: Any) -> TestResponse:
        """Send a form as somebody."""
        self.who = self.people[person]
        return self.app.test_client().post(path, headers=HOST, data=sent)


def _line(folder: Path) -> CommandLine:
    return CommandLine(f"sqlite:///{folder / 'os2tilslut.sqlite'}", folder, clock="2027-01-15T10:00:00Z")


@pytest.fixture(scope="session")
def overdue(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of an issued year of three municipalities; all is overdue and the bank has told of every day."""
    folder = tmp_path_factory.mktemp("overdue")
    line = _line(folder)
    world.fill(line)
    world.issue(line, reminded=False)
    reminding.bank(line, world.LATE)
    return folder


@pytest.fixture
def desk(overdue: Path, tmp_path: Path) -> Iterator[Desk]:
    """A desk on a copy of that year."""
    shutil.copytree(overdue, tmp_path, dirs_exist_ok=True)
    line = _line(tmp_path)
    with world.made(line.at("2027-04-01")) as app:
        app.config["WTF_CSRF_ENABLED"] = False
        made = Desk(app, line.at("2027-04-01"), world.people(app))
        app.extensions["principal_loader"] = lambda: made.who
        yield made


def _digest(desk: Desk) -> str:
    return str(desk.line.json("reminders", "plan")["digest"])


def _handed_over(desk: Desk) -> str:
    answer = desk.post("/reminders/plan", "finance", digest=_digest(desk))
    assert answer.status_code == 303, answer.text
    return str(answer.headers["Location"])


def _sent(desk: Desk) -> None:
    proposal = _handed_over(desk)
    assert desk.post(f"{proposal}/approve", "approver").status_code == 303
    assert desk.post("/reminders/issue", "finance").headers["Location"] == "/reminders"


def test_a_plan_goes_from_one_person_to_another_and_out(desk: Desk) -> None:
    assert "Overdrag til godkendelse" in desk.get("/reminders/plan", "finance").text
    proposal = _handed_over(desk)

    own = desk.post(f"{proposal}/approve", "finance")
    assert own.status_code == 403
    assert desk.post(f"{proposal}/approve", "approver").status_code == 303
    desk.post("/reminders/issue", "finance")

    page = desk.get("/reminders", "finance").text
    assert "RY-2027-0001" in page and "RY-2027-0002" in page
    assert desk.get("/reminders/RY-2027-0001/pdf", "finance").data.startswith(b"%PDF")
    assert desk.get("/reminders/RY-2027-0001/page-1.png", "finance").content_type == "image/png"
    assert b"RY-2027-0001" in desk.get("/reminders/RY-2027-0001/oioubl", "finance").data
    desk.line.done("verify")


def test_a_signatory_sees_its_own_reminders_and_no_other(desk: Desk) -> None:
    _sent(desk)

    listed = desk.get("/reminders", "signatory-aarhus").text

    assert "Aarhus Kommune" in listed and "Aalborg Kommune" not in listed
    assert "Se planen" not in listed
    own, other = ("RY-2027-0001", "RY-2027-0002")
    assert desk.get(f"/reminders/{own}", "signatory-aarhus").status_code == 200
    for path in (f"/reminders/{other}", f"/reminders/{other}/pdf", f"/reminders/{other}/page-1.png",
                 "/reminders/RY-2027-9999"):  # fmt: skip
        assert desk.get(path, "signatory-aarhus").status_code == 404
    assert desk.get("/reminders/plan", "signatory-aarhus").status_code == 403


def test_a_plan_that_has_changed_since_it_was_read_is_not_handed_over(desk: Desk) -> None:
    digest = _digest(desk)
    number = "2027-0001"
    desk.post(f"/invoices/{number}/holds", "finance", kind="disputed", reason="Forkert beløb")

    assert desk.post("/reminders/plan", "finance", digest=digest).status_code == 409


@pytest.mark.parametrize(
    "sent",
    [
        {"kind": "disputed"}, {"kind": "promised", "reason": "x"}, {"kind": "'; --", "reason": "x"},
        {"kind": "promised", "reason": "x", "until": "2027-13-45"}, {"kind": "disputed", "reason": "x" * 20_000},
        {"kind": "promised", "reason": "x", "until": "2020-01-01"}, {"kind": "disputed", "reason": "\u202e\u2066"},
        {"kind": "disputed", "reason": "x", "until": "2027-06-01"}, {"kind": "disputed", "reason": "x", "by": "En"},
    ],
    ids=str,
)  # fmt: skip
def test_a_hostile_hold_is_refused_at_its_field_and_kept_nowhere(desk: Desk, sent: dict[str, str]) -> None:
    answer = desk.post("/invoices/2027-0001/holds", "finance", **sent)

    assert answer.status_code == 422
    assert "Ret dette, og send igen" in answer.text
    assert database.count(desk.line, "invoice_hold") == 0


def test_the_page_of_a_reminder_says_why_it_was_not_sent(desk: Desk) -> None:
    _sent(desk)

    page = desk.get("/reminders/RY-2027-0001", "finance").text

    assert "Ikke sendt" in page and "venter på validering" in page


def test_a_dispute_is_entered_shown_and_ended(desk: Desk) -> None:
    words = "<script>alert(1)</script> & = 1+1"
    assert desk.post("/invoices/2027-0001/holds", "finance", kind="disputed", reason=words).status_code == 303

    page = desk.get("/invoices/2027-0001/holds", "auditor").text
    assert "<script>alert" not in page and "&lt;script&gt;alert" in page
    assert "bestridt" in desk.get("/reminders/plan", "finance").text
    assert desk.post("/invoices/2027-0002/holds/1/end", "finance", reason="x").status_code == 404
    assert desk.post("/invoices/2027-0001/holds/1/end", "finance", reason="Afklaret").status_code == 303

    assert desk.post("/invoices/2027-0001/holds/1/end", "finance", reason="igen").status_code == 409
    assert "Afklaret" in desk.get("/invoices/2027-0001/holds", "finance").text


def told(answer: TestResponse) -> str:
    """Give the summary of what is wrong with a form."""
    assert answer.status_code == 422
    return answer.text.partition('role="alert"')[2].partition("</ul>")[0]


def test_a_member_in_arrears_is_named_proposed_and_decided_by_another(tmp_path: Path) -> None:
    line = CommandLine(f"sqlite:///{tmp_path / 'os2tilslut.sqlite'}", tmp_path, clock="2027-01-15T10:00:00Z")
    world.fill(line)
    line.issue(world.YEAR)
    reminding.bank(line, world.LATE)
    reminding.approved(line.at("2027-04-01"))
    reminding.left(line.at("2027-04-01"))
    with world.made(line.at("2027-04-12")) as app:
        app.config["WTF_CSRF_ENABLED"] = False
        desk = Desk(app, line.at("2027-04-12"), world.people(app))
        app.extensions["principal_loader"] = lambda: desk.who

        assert "Medlemmer, der ikke har betalt kontingent trods rykker" in desk.get("/", "finance").text
        assert "Aarhus Kommune" in desk.get("/reminders/arrears", "finance").text
        unknown = desk.post("/reminders/arrears", "finance", cvr="12345678", left_on="2028-01-01", reason="x")
        wrong = desk.post("/reminders/arrears", "finance", cvr=world.AARHUS, left_on="2027-01-01", reason="x")
        assert (unknown.status_code, wrong.status_code) == (404, 422)
        assert 'href="#' not in told(desk.post("/reminders/arrears", "finance", cvr="x", left_on="i morgen", reason=""))
        page = desk.post("/reminders/arrears", "finance", cvr=world.AARHUS, left_on="2027-01-01", reason="Skylder").text
        here = [form for form in forms_of(page, "/arrears") if world.AARHUS in form]
        assert told_at(page, here[0]) == ["field-left_on"] and held(here[0]) == ["2027-01-01", "Skylder"]
        page = desk.post("/reminders/arrears", "finance", cvr=world.AARHUS, left_on="2028-01-01", reason=" ").text
        here = [form for form in forms_of(page, "/arrears") if world.AARHUS in form]
        assert told_at(page, here[0]) == ["field-reason"]
        sent = {"cvr": world.AARHUS, "left_on": "2028-01-01", "reason": "Betaler ikke"}
        made = desk.post("/reminders/arrears", "finance", **sent).headers["Location"]
        assert database.column(line, "SELECT count(*) FROM membership WHERE left_on IS NOT NULL") == [0]
        assert "Udmeldelse til afgørelse" in desk.get("/", "approver").text
        assert desk.post(f"{made}/approve", "approver").status_code == 303

    assert database.column(line, "SELECT count(*) FROM membership WHERE left_on IS NOT NULL") == [1]
    line.done("verify")


@pytest.mark.parametrize(
    "text",
    ["", "fee = ", reminding.terms(fee=101), reminding.terms(most=4), reminding.terms(days_apart=9),
     reminding.terms(payment_days=10), reminding.terms(fee=100), reminding.terms(fremmed=1),
     reminding.terms(day_count='"365"'), reminding.terms(automatic="true"), reminding.terms(fee="true"),
     reminding.terms(decided_by='"\\u0000"'), "x" * 30_000],
    ids=lambda text: text[-40:] or "nothing",
)  # fmt: skip
def test_terms_beyond_the_law_or_undecided_are_refused_with_what_is_wrong(desk: Desk, text: str) -> None:
    answer = desk.post("/settings/reminders/terms", "finance", text=text)

    assert answer.status_code == 422
    assert "Ret dette, og send igen" in answer.text
    assert database.column(desk.line, "SELECT count(*) FROM proposal WHERE kind = 'reminder_terms'") == [0]


@pytest.mark.parametrize(
    "sent",
    [("2027-02-01", "1,60", "kilde"), ("2027-01-01", "160", "kilde"), ("2027-01-01", "=1", "kilde"),
     ("2027-01-01", "1,60", ""), ("i går", "1,60", "kilde"), ("2027-01-01", "", "kilde")],
    ids=str,
)  # fmt: skip
def test_a_wrong_rate_is_refused_at_its_field(desk: Desk, sent: tuple[str, str, str]) -> None:
    valid_from, percent, source = sent
    answer = desk.post(
        "/settings/reminders/rates", "administrator", valid_from=valid_from, percent=percent, source=source
    )

    assert answer.status_code == 422 and "Ret dette, og send igen" in answer.text


def test_an_administrator_proposes_a_rate_and_an_approver_enters_it(desk: Desk) -> None:
    sent = {"valid_from": "2027-01-01", "percent": "1,60", "source": "opdigtet kilde"}
    made = desk.post("/settings/reminders/rates", "administrator", **sent).headers["Location"]

    assert "1,60 %" in desk.get(made, "approver").text
    assert desk.post(f"{made}/approve", "administrator").status_code == 403
    assert desk.post(f"{made}/approve", "approver").status_code == 303

    assert "opdigtet kilde" in desk.get("/settings/reminders", "auditor").text
    desk.line.done("verify")


# --- what reminders charge


@pytest.fixture
def charged(desk: Desk) -> tuple[Desk, str]:
    """Reminders that cost 100 kroner each, and the number of the first invoice that was reminded of."""
    reminding.decide(desk.line, fee=100)
    reminding.approved(desk.line)
    (number, *_) = database.column(
        desk.line, "SELECT i.number FROM reminder r JOIN invoice i ON i.id = r.invoice_id ORDER BY r.id"
    )
    return desk, str(number)


def test_a_fee_is_let_go_of_by_one_who_prepares_it_and_one_who_approves(charged: tuple[Desk, str]) -> None:
    desk, number = charged
    address = f"/invoices/{number}/waiver"
    for amount in ("0", "-1", "100,01", "1e3", "9" * 40, "x", ""):
        assert desk.post(address, "finance", amount=amount, reason="x").status_code == 422
    assert desk.post(address, "finance", amount="1", reason="\u202eomvendt").status_code == 422

    proposed = desk.post(address, "finance", amount="60", reason="Vores fejl").location

    assert "100,00" in desk.get(address, "finance").text
    assert "Vores fejl" in desk.get(proposed, "approver").text
    assert "Eftergivelse af gebyr og rente" in desk.get("/payments", "finance").text
    assert desk.post(f"{proposed}/approve", "finance").status_code == 403
    assert desk.post(f"{proposed}/approve", "approver").status_code == 303
    assert database.column(desk.line, "SELECT amount_ore FROM charge_waiver") == [60_00]
    assert desk.post(address, "finance", amount="40,01", reason="x").status_code == 422
    desk.line.done("verify")


def test_a_fault_in_letting_go_of_a_fee_is_told_at_its_field_and_what_was_typed_is_kept(
    charged: tuple[Desk, str],
) -> None:
    desk, number = charged

    page = desk.post(f"/invoices/{number}/waiver", "finance", amount="100,01", reason="Vores fejl").text

    form = next(each for each in page.split("</form>") if 'name="amount"' in each)
    assert told_at(page, form) == ["field-amount"]
    assert held(form) == ["100,01", "Vores fejl"]


def test_a_payment_is_placed_by_hand_on_a_fee(charged: tuple[Desk, str]) -> None:
    desk, number = charged
    (came,) = pays(desk.line, payment(50_00, world.LATE))
    for wrong in ("100,01", "-1", "x"):
        sent = {"charged": number, "charge": wrong, "why": "Aftalt"}
        assert desk.post(f"/payments/{came}/place", "finance", **sent).status_code == 422
    unknown = {"charged": "2027-9999", "charge": "1", "why": "Aftalt"}
    assert desk.post(f"/payments/{came}/place", "finance", **unknown).status_code == 422

    sent = {"charged": number, "charge": "50", "why": "Aftalt"}
    assert desk.post(f"/payments/{came}/place", "finance", **sent).status_code == 303

    assert "gebyr og rente" in desk.get(f"/payments/{came}", "finance").text
    desk.line.done("verify")


def test_a_reminder_s_page_tells_how_it_is_handed_over(desk: Desk) -> None:
    reminding.approved(desk.line)

    page = desk.get("/reminders/RY-2027-0001", "finance").text

    assert "Aflevering" in page and "/deliveries/RY-2027-0001" in page
    told = desk.get("/deliveries/RY-2027-0001", "finance")
    assert told.status_code == 200 and "/reminders/RY-2027-0001" in told.text
    assert "RY-2027-0001" in desk.get("/deliveries?q=RY-2027", "finance").text


@pytest.mark.tampers
def test_a_reminder_that_is_a_letter_alone_is_noted_on_its_page_as_handed_over(desk: Desk) -> None:
    reminding.approved(desk.line)
    by(desk.line, PREPARER, _judged_valid)
    database.tamper(desk.line, "reminder", _TO_PEPPOL)
    form, why = 'action="/deliveries/RY-2027-0001/by-hand"', "Sendt med <b>Digital Post</b>"
    shown = {who: form in desk.get("/reminders/RY-2027-0001", who).text for who in ("finance", "auditor")}

    hostile = desk.post("/deliveries/RY-2027-0001/by-hand", "finance", reason="\u202eomvendt")
    other = desk.post("/deliveries/RY-2027-0001/by-hand", "auditor", reason=why)
    noted = desk.post("/deliveries/RY-2027-0001/by-hand", "finance", reason=why)

    assert shown == {"finance": True, "auditor": False}
    assert (hostile.status_code, other.status_code, noted.status_code) == (422, 403, 303)
    page = desk.get("/reminders/RY-2027-0001", "finance").text
    assert form not in page and "er afleveret uden om tjenesten" in page
    story = desk.get("/deliveries/RY-2027-0001", "finance").text
    assert "uden om tjenesten: Sendt med &lt;b&gt;Digital Post" in story
    assert "RY-2027-0001" not in desk.get("/reminders?sending=no_contact", "finance").text
    assert "Afleveret uden om tjenesten" in desk.get("/audit", "auditor").text


_TO_PEPPOL = (
    """UPDATE reminder SET document = replace(document, '"format":"oioubl"', '"format":"peppol"') WHERE id = 1"""
)


def _judged_valid(session: Session, trail: Trail) -> None:
    """Let every reminder be found valid, by a pack that is not here."""
    pack = RulePack("oioubl", "1.17.2", Path(), "0" * 64)
    found = select(RENDERINGS.c.id).where(RENDERINGS.c.format == "oioubl").order_by(RENDERINGS.c.id)
    tasks = [(Task(id_, pack, b""), ()) for id_ in session.execute(found).scalars()]
    reminder_files.store_verdicts(session, tasks, trail)


@pytest.mark.tampers
def test_a_reminder_that_cannot_be_sent_is_a_task_and_can_be_found_until_it_is_paid(desk: Desk) -> None:
    reminding.approved(desk.line)
    by(desk.line, PREPARER, _judged_valid)
    found, task = "/reminders?sending=no_contact", 'href="/reminders?sending=no_contact"'
    before = desk.get("/", "finance").text
    database.tamper(desk.line, "reminder", _TO_PEPPOL)

    start, listed = desk.get("/", "finance").text, desk.get(found, "finance").text
    page = desk.get("/reminders/RY-2027-0001", "finance").text

    assert task not in before
    assert task in start and "Rykkere, der ikke kan sendes: ingen kontakt" in start
    assert "RY-2027-0001" in listed and "RY-2027-0002" not in listed
    assert "ingen aftale bag fakturaen har en kontaktmail" in page
    assert task not in desk.get("/", "auditor").text

    (number,) = database.column(
        desk.line, "SELECT number FROM invoice WHERE id = (SELECT invoice_id FROM reminder WHERE id = 1)"
    )
    desk.line.done("billing", "credit", number, "--reason", "Opdigtet", "--by", "En Forbereder",
                   "--approved-by", "En Godkender")  # fmt: skip
    assert task not in desk.get("/", "finance").text
    assert "RY-2027-0001" not in desk.get(found, "finance").text
