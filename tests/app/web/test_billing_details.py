"""Where invoices go, in the browser: the secretariat changes, the authority proposes, another person approves."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select

from agreements.connections import AGREEMENTS
from app.access import Principal, Role
from authorities.membership import MEMBERSHIPS
from authorities.register import AUTHORITIES
from foundation import proposals
from tests.app.web import desks
from tests.app.web.desks import APPROVER, AUDITOR, FINANCE, Desk, person
from tests.command_line import CommandLine
from tests.conftest import Prepared
from tests.places import with_starter

#: What lies below is tried on both databases where it lives; the pages are the same on either.
pytestmark = pytest.mark.parametrize("kind", ["sqlite"], indirect=True)

AARHUS, AALBORG = "55133018", "29189420"
GLN = "2992918942009"
PAGE = f"/authorities/{AARHUS}/billing"
GIVEN = {"endpoint": "gln", "gln": GLN, "person_reference": "Digitalisering", "order_reference": "PO-7",
         "accounting_cost": "7710", "format": "peppol", "contact_mail": "faktura@aarhus.example"}  # fmt: skip
AGREED = (
    "cvr,product,kind,signed_on,countersigned_on,in_force_from,terminated_to,notice_given_on,gln,person_reference,"
    "order_reference,accounting_cost,rebate_dkk,rebate_reason,joining_fee_exempt_reason\n"
    f"{AARHUS},OS2valghalla,active,2026-09-01,2026-09-15,2027-01-01,,,2995513301806,,,,,,\n"
    f"{AALBORG},OS2kitos,active,2019-03-10,2019-04-01,2019-04-01,,,2992918942009,,,,,,\n"
)


def _agreed(line: CommandLine) -> None:
    line.done("members", "import", line.write("members.csv", f"cvr,joined_on,left_on\n{AARHUS},2012-01-01,\n"))
    line.done("agreements", "import", line.write("agreements.csv", AGREED))


@pytest.fixture
def agreed(prepared: Prepared) -> CommandLine:
    """The command line on two authorities, one with a membership beside its agreement."""
    return prepared(with_starter, _agreed)


@pytest.fixture
def desk(agreed: CommandLine) -> Desk:
    """A browser on that database."""
    return desks.desk(agreed)


@pytest.fixture
def signatory(agreed: CommandLine) -> Principal:
    """Somebody who works for Aarhus."""
    with agreed.session() as session:
        id_ = session.execute(select(AUTHORITIES.c.id).where(AUTHORITIES.c.cvr == AARHUS)).scalar_one()
    return person(5, Role.SIGNATORY, authorities=frozenset({id_}))


def kept(line: CommandLine, number: int = 1) -> Any:
    """Give what an agreement says now."""
    with line.session() as session:
        return session.execute(select(AGREEMENTS).where(AGREEMENTS.c.id == number)).one()


def test_the_secretariat_changes_details(desk: Desk, agreed: CommandLine) -> None:
    answer = desk.sit(FINANCE).post(f"{PAGE}/agreement/1", **GIVEN)

    row = kept(agreed)
    assert (answer.status_code, answer.headers["Location"]) == (303, PAGE)
    assert {fact: getattr(row, fact) for fact in GIVEN} == GIVEN
    assert "Gemt" in desk.read(PAGE)
    assert "2995513301806" in desk.read(f"/authorities/{AARHUS}/history")
    assert agreed.run("verify").code == 0


def test_a_membership_has_details_of_its_own(desk: Desk, agreed: CommandLine) -> None:
    form = desk.sit(FINANCE).get(f"{PAGE}/membership/1")

    desk.post(f"{PAGE}/membership/1", **{**GIVEN, "endpoint": ""})

    with agreed.session() as session:
        assert session.execute(select(MEMBERSHIPS.c.gln)).scalar_one() == GLN
    assert "field-gln" in form.text
    assert "field-endpoint" not in form.text


def test_what_is_wrong_is_told_at_the_field_and_nothing_typed_is_lost(desk: Desk, agreed: CommandLine) -> None:
    answer = desk.sit(FINANCE).post(f"{PAGE}/agreement/1", **GIVEN | {"gln": "123", "format": "fax"})

    assert answer.status_code == 422
    assert 'href="#field-gln"' in answer.text and 'id="error-gln"' in answer.text
    assert 'href="#field-format"' in answer.text
    assert 'value="123"' in answer.text and 'value="Digitalisering"' in answer.text
    assert kept(agreed).gln == "2995513301806"


def test_a_form_sets_nothing_but_details(desk: Desk, agreed: CommandLine) -> None:
    hostile = {"rebate_ore": "100", "signed_on": "2000-01-01", "authority_id": "2"}
    before = kept(agreed)

    answers = [desk.sit(FINANCE).post(f"{PAGE}/agreement/1", **GIVEN, **{name: hostile[name]}) for name in hostile]

    row = kept(agreed)
    assert [answer.status_code for answer in answers] == [422, 422, 422]
    assert row == before
    assert (row.rebate_ore, row.signed_on.isoformat()) == (0, "2026-09-01")


def test_another_authoritys_agreement_is_not_reached_by_its_number(desk: Desk, agreed: CommandLine) -> None:
    answer = desk.sit(FINANCE).post(f"{PAGE}/agreement/2", **GIVEN)

    assert answer.status_code == 404
    assert kept(agreed, 2).format is None


def test_a_signatory_proposes_and_an_approver_makes_it_so(
    desk: Desk, agreed: CommandLine, signatory: Principal
) -> None:
    desk.sit(signatory).post(f"{PAGE}/agreement/1/propose", **GIVEN)
    before = kept(agreed).gln
    shown = desk.sit(APPROVER).read(f"{PAGE}/proposals/1")

    answer = desk.post(f"{PAGE}/proposals/1/approve")

    assert before == "2995513301806"
    assert f"OS2valghalla EAN/GLN-nummer 2995513301806 {GLN}" in shown
    assert answer.status_code == 303
    assert kept(agreed).gln == GLN
    assert agreed.run("verify").code == 0


def test_approving_asks_for_a_fresh_sign_in(desk: Desk, agreed: CommandLine, signatory: Principal) -> None:
    desk.sit(signatory).post(f"{PAGE}/agreement/1/propose", **GIVEN)

    answer = desk.sit(person(2, Role.APPROVER, signed_in=desks.LONG_AGO)).post(f"{PAGE}/proposals/1/approve")

    assert (answer.status_code, "fresh=1" in answer.text) == (403, True)
    assert kept(agreed).gln == "2995513301806"


def test_nobody_approves_what_they_proposed(desk: Desk, agreed: CommandLine, signatory: Principal) -> None:
    both = person(5, Role.SIGNATORY, Role.APPROVER, authorities=signatory.authorities)
    desk.sit(both).post(f"{PAGE}/agreement/1/propose", **GIVEN)

    shown, answer = desk.read(f"{PAGE}/proposals/1"), desk.post(f"{PAGE}/proposals/1/approve")

    assert "Godkend" not in shown
    assert (answer.status_code, "er dit eget" in answer.text) == (422, True)
    assert kept(agreed).gln == "2995513301806"


def test_details_that_moved_meanwhile_are_not_overwritten(
    desk: Desk, agreed: CommandLine, signatory: Principal
) -> None:
    desk.sit(signatory).post(f"{PAGE}/agreement/1/propose", **GIVEN)
    desk.sit(FINANCE).post(f"{PAGE}/agreement/1", **GIVEN | {"order_reference": "PO-8"})

    answer = desk.sit(APPROVER).post(f"{PAGE}/proposals/1/approve")

    assert answer.status_code == 409
    assert kept(agreed).order_reference == "PO-8"


def test_a_rejection_has_a_reason_and_is_told(desk: Desk, signatory: Principal) -> None:
    desk.sit(signatory).post(f"{PAGE}/agreement/1/propose", **GIVEN)
    without = desk.sit(APPROVER).post(f"{PAGE}/proposals/1/reject")

    desk.post(f"{PAGE}/proposals/1/reject", reason="Forkert afdeling")

    assert (without.status_code, "error-reason" in without.text) == (422, True)
    assert "Afvist" in desk.sit(signatory).read(f"{PAGE}/proposals/1")
    assert "Forkert afdeling" in desk.read(f"{PAGE}/proposals/1")


def test_who_proposed_can_withdraw(desk: Desk, agreed: CommandLine, signatory: Principal) -> None:
    desk.sit(signatory).post(f"{PAGE}/agreement/1/propose", **GIVEN)

    desk.post(f"{PAGE}/proposals/1/withdraw")

    with agreed.session() as session:
        assert not proposals.open(session)


def test_a_proposal_is_found_under_its_own_authority_alone(desk: Desk, signatory: Principal) -> None:
    desk.sit(signatory).post(f"{PAGE}/agreement/1/propose", **GIVEN)
    desk.sit(APPROVER)

    codes = [
        desk.get(f"/authorities/{AALBORG}/billing/proposals/1").status_code,
        desk.post(f"/authorities/{AALBORG}/billing/proposals/1/approve").status_code,
        desk.post(f"/authorities/{AALBORG}/billing/proposals/1/reject", reason="x").status_code,
        desk.get(f"{PAGE}/proposals/99").status_code,
    ]

    assert codes == [404] * 4


def test_who_may_not_change_cannot(desk: Desk, agreed: CommandLine, signatory: Principal) -> None:
    codes = {
        name: (desk.sit(who).post(f"{PAGE}/agreement/1", **GIVEN).status_code,
               desk.post(f"{PAGE}/agreement/1/propose", **GIVEN).status_code)
        for name, who in {"auditor": AUDITOR, "approver": APPROVER}.items()
    }  # fmt: skip
    own = desk.sit(signatory).post(f"{PAGE}/agreement/1", **GIVEN).status_code
    others = desk.post(f"/authorities/{AALBORG}/billing/agreement/2/propose", **GIVEN).status_code

    assert codes == {"auditor": (403, 403), "approver": (403, 403)}
    assert (own, others) == (403, 404)
    assert kept(agreed).gln == "2995513301806"


def test_an_auditor_reads_the_details_without_a_way_to_change_them(desk: Desk) -> None:
    told = desk.sit(AUDITOR).read(PAGE)

    assert "2995513301806" in told
    assert "Ret" not in told


def test_what_a_form_does_not_send_is_not_emptied(desk: Desk, agreed: CommandLine) -> None:
    before = kept(agreed)

    answer = desk.sit(FINANCE).post(f"{PAGE}/agreement/1", gln=GLN)

    assert answer.status_code == 422
    assert kept(agreed) == before
