"""Settings in the browser: proposed by one, put in force by another, and shown without what is secret."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest

from app.access import Role
from billing import seller, seller_drafts
from tests.app.web.desks import ADMINISTRATOR, APPROVER, AUDITOR, FINANCE, GROUP, Desk, person

CHANGED = seller.EXAMPLE.replace("payment_days = 30", "payment_days = 14")


def propose(desk: Desk, text: str = CHANGED) -> str:
    """Propose settings; give where they stand."""
    answer = desk.sit(FINANCE).post("/settings/propose", text=text)
    assert answer.status_code == 303, answer.text
    return str(answer.headers["Location"])


def test_settings_count_when_another_person_has_approved_them(bare: Desk) -> None:
    place = propose(bare)
    before = bare.html("/settings")
    own = bare.sit(person(1, Role.FINANCE, Role.APPROVER)).post(f"{place}/approve")
    stale = bare.sit(person(2, Role.APPROVER, signed_in=timedelta(hours=1))).post(f"{place}/approve")
    shown = bare.sit(APPROVER).html(place)
    done = bare.post(f"{place}/approve")

    assert "30 dage" in before
    assert place in before
    assert own.status_code == 422
    assert (stale.status_code, "/sign-in?next=%2Fsettings" in stale.text) == (403, True)
    assert "+payment_days = 14" in shown
    assert done.status_code == 303
    assert "14 dage" in bare.html("/settings")
    assert bare.post(f"{place}/approve").status_code == 409


def test_only_what_was_read_is_approved(bare: Desk) -> None:
    place = propose(bare)
    shown = re.search(r'name="digest" value="([0-9a-f]{64})"', bare.sit(APPROVER).get(place).text)
    assert shown is not None

    other, malformed = (bare.post(f"{place}/approve", digest=digest) for digest in ("0" * 64, "x"))
    still_waits = "30 dage" in bare.html("/settings")
    right = bare.post(f"{place}/approve", digest=shown[1])

    assert (other.status_code, malformed.status_code, still_waits, right.status_code) == (409, 422, True, 303)


def test_faults_are_told_beside_what_was_typed(bare: Desk) -> None:
    answer = bare.sit(FINANCE).post("/settings/propose", text="payment_days = 99 # min <note>")

    assert answer.status_code == 422
    assert "payment_days: skal være 1 til 30 dage" in answer.text
    assert "# min &lt;note&gt;" in answer.text


def test_a_proposal_is_rejected_with_a_reason_or_withdrawn(bare: Desk) -> None:
    first = propose(bare)
    too_long = bare.sit(APPROVER).post(f"{first}/reject", reason="<b>" * 200)
    bare.post(f"{first}/reject", reason="Forkert konto")
    second = propose(bare)
    bare.post(f"{second}/withdraw")

    assert (too_long.status_code, "error-reason" in too_long.text) == (422, True)
    assert "<b>" not in too_long.text
    assert "Forkert konto" in bare.html(first)
    assert "Trukket tilbage" in bare.html(second)


@pytest.mark.parametrize("who", [AUDITOR, APPROVER])
def test_who_may_not_propose_is_refused(bare: Desk, who: object) -> None:
    bare.sit(who)  # type: ignore[arg-type]

    assert bare.get("/settings").status_code == 200
    assert bare.post("/settings/propose", text=CHANGED).status_code == 403


def test_how_the_process_is_set_up_is_for_administrators_and_holds_no_secret(bare: Desk) -> None:
    of_administrator, of_finance = bare.sit(ADMINISTRATOR).html("/settings"), bare.sit(FINANCE).html("/settings")

    assert "Webservere foran" in of_administrator
    assert "not a secret" not in of_administrator
    assert "Webservere foran" not in of_finance
    assert bare.sit(GROUP).get("/settings").status_code == 403


@pytest.mark.parametrize("number", ["9", "99999999999999999999"])
def test_a_proposal_that_is_none_of_settings_is_not_there(bare: Desk, number: str) -> None:
    assert bare.sit(FINANCE).get(f"/settings/proposals/{number}").status_code == 404


def test_settings_are_proposed_field_by_field_and_differ_in_what_was_changed_only(bare: Desk) -> None:
    propose(bare, seller.EXAMPLE)
    values = seller_drafts.values_of(seller.made_up()) | {"payment_days": "14"}

    shown = bare.sit(FINANCE).html("/settings/change")
    made = bare.post("/settings/change", **values)

    assert 'value="41849983"' in shown
    assert made.status_code == 303
    assert "+payment_days = 14" in bare.html(str(made.headers["Location"]))


def test_a_fault_of_the_fields_stands_on_top_and_at_its_field(bare: Desk) -> None:
    values = seller_drafts.values_of(seller.made_up()) | {"cvr": "1"}

    answer = bare.sit(FINANCE).post("/settings/change", **values)

    assert answer.status_code == 422
    assert '<a href="#field-cvr" class="words">CVR-nummer: ' in answer.text
    assert 'id="error-cvr"' in answer.text


def test_settings_that_hold_already_are_not_proposed_again(bare: Desk) -> None:
    place = propose(bare)
    bare.sit(APPROVER).post(f"{place}/approve")

    by_text = bare.sit(FINANCE).post("/settings/propose", text="# the same\n" + CHANGED)
    by_fields = bare.post("/settings/change", **seller_drafts.values_of(seller.read(CHANGED)))

    assert [answer.status_code for answer in (by_text, by_fields)] == [422, 422]
    assert "det er de indstillinger, der gælder" in by_text.text
