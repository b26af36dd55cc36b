"""What matters takes two people: plans, credit notes, settings, tables and billing details, each done exactly once."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from agreements import billing_details, table_proposals
from agreements.billing_details import Details, DetailsMoved, DetailsRefused, NoSuchPlace, NothingChanged, Place
from billing import annual_run, approvals, credit_proposals, credits, handover, seller
from billing.approvals import Approval, PlanChanged
from billing.credit_proposals import WaitsAlready
from billing.credits import AlreadyCredited, Order
from billing.handover import NotHandedOver, NothingToHandOver
from billing.seller import SettingsRefused
from fee_tables.reader import TableRefused
from foundation import proposals
from foundation.proposals import AlreadyDecided, NoSuchProposal, SamePerson
from tests.command_line import CommandLine
from tests.conftest import Prepared
from tests.places import with_starter
from tests.scenarios import database, files
from tests.scenarios.acting import APPROVER, PREPARER, SIGNATORY, by
from tests.scenarios.database import column

FIRST, SECOND = files.starter()[:2]
TABLE = files.fee_table("Ny", "annual_fee = 1000")
ON = date(2027, 1, 15)


def _small(line: CommandLine) -> None:
    line.done("settings", "import", line.write("seller.toml", files.SELLER))
    for known in (FIRST, SECOND):
        files.take_members(line, files.member(known.cvr))
        files.take_agreements(line, files.agreement(known.cvr))


@pytest.fixture
def small(prepared: Prepared) -> CommandLine:
    """Two members with an agreement each, invoiced by a seller with settings."""
    return prepared(with_starter, _small)


def sold() -> seller.Seller:
    """The seller of the small year."""
    return seller.read(files.SELLER)


def authority(line: CommandLine, cvr: str) -> int:
    """Give an authority's id."""
    (found,) = column(line, f"SELECT id FROM authority WHERE cvr = '{cvr}'")
    return int(found)


def waiting(line: CommandLine, kind: proposals.Kind) -> list[str]:
    """Give the subjects of what waits."""
    with line.session() as session:
        return [proposal.subject for proposal in proposals.open(session, kind)]


# --- the plan


def digest(line: CommandLine) -> str:
    """Give today's digest."""
    with line.session() as session:
        return annual_run.plan(session, 2027, sold()).digest


def hand_over(line: CommandLine, of: str, actor: str = PREPARER) -> proposals.Proposal:
    """Hand a plan over."""
    return by(line, actor, lambda session, trail: handover.hand_over(session, 2027, of, sold(), trail))


def approve(line: CommandLine, of: str, actor: str = APPROVER) -> Approval:
    """Approve a plan that was handed over."""
    return by(line, actor, lambda session, trail: handover.approve(session, 2027, of, sold(), trail))


def test_a_plan_that_was_handed_over_is_approved_by_another_and_issued(small: CommandLine) -> None:
    read = digest(small)
    handed = hand_over(small, read)

    approval = approve(small, read)

    assert (handed.subject, handed.content) == ("2027 real", read)
    assert (approval.digest, approval.approved_by, approval.is_new) == (read, APPROVER, True)
    assert waiting(small, "plan") == []
    with small.session() as session:
        assert approvals.is_undisturbed(session, 2027, "real")
        decided = proposals.get(session, handed.id).decision
    assert decided is not None and decided.by == APPROVER
    small.done("billing", "issue", 2027)
    assert database.count(small, "invoice") == 2
    small.done("verify")


def test_nobody_approves_the_plan_they_handed_over_and_nothing_is_stored_by_trying(small: CommandLine) -> None:
    read = digest(small)
    hand_over(small, read)
    before = database.dump(small)

    with pytest.raises(SamePerson):
        approve(small, read, actor=PREPARER)

    assert database.dump(small) == before
    assert waiting(small, "plan") == ["2027 real"]


def test_a_plan_that_nobody_handed_over_is_not_approved(small: CommandLine) -> None:
    with pytest.raises(NotHandedOver):
        approve(small, digest(small))

    assert database.count(small, "plan_approval") == 0


def test_a_plan_that_changed_after_it_was_handed_over_is_not_approved(small: CommandLine) -> None:
    read = digest(small)
    hand_over(small, read)
    files.take_agreements(small, files.agreement(FIRST.cvr, "OS2kitos"))
    before = database.dump(small)

    with pytest.raises(PlanChanged):
        approve(small, read)
    with pytest.raises(NotHandedOver):
        approve(small, digest(small))
    with pytest.raises(PlanChanged):
        hand_over(small, read)

    assert database.dump(small) == before


def test_a_plan_that_is_handed_over_anew_takes_the_place_of_the_one_before(small: CommandLine) -> None:
    first = hand_over(small, digest(small))
    files.take_agreements(small, files.agreement(FIRST.cvr, "OS2kitos"))

    second = hand_over(small, digest(small), actor=SIGNATORY)
    again = hand_over(small, digest(small))

    assert (second.replaces, again.id) == (first.id, second.id)
    assert waiting(small, "plan") == ["2027 real"]
    assert approve(small, second.content, actor=PREPARER).is_new


def test_a_plan_without_new_invoices_is_not_handed_over(small: CommandLine) -> None:
    small.issue(2027)

    with pytest.raises(NothingToHandOver):
        hand_over(small, digest(small))


# --- credit notes


def prepare(line: CommandLine, *lines: int, actor: str = PREPARER, limit: int = 0) -> credit_proposals.Prepared:
    """Prepare a credit note of the first invoice."""
    order = Order("2027-0001", "Forkert størrelse", actor, ON, lines)
    settings = seller.read(files.SELLER + f"credit_limit = {limit}\n")
    return by(line, actor, lambda session, trail: credit_proposals.prepare(session, order, settings, trail))


def grant(line: CommandLine, id_: int, actor: str = APPROVER) -> credits.Issued:
    """Approve a credit note."""
    return by(line, actor, lambda session, trail: credit_proposals.approve(session, id_, sold(), trail, on=ON))


def test_a_credit_note_above_the_limit_is_issued_when_another_approves_it(small: CommandLine) -> None:
    small.issue(2027)
    proposed = prepare(small).waiting
    assert proposed is not None and database.count(small, "credit_note") == 0

    issued = grant(small, proposed.id)

    assert (issued.number, issued.credits, issued.positions) == ("K-2027-0001", "2027-0001", (1, 2))
    assert column(small, "SELECT prepared_by || approved_by FROM credit_note") == [PREPARER + APPROVER]
    assert column(small, "SELECT sum(gross_ore) FROM invoice WHERE number LIKE '%2027-0001'") == [0]
    with pytest.raises(AlreadyDecided):
        grant(small, proposed.id)
    small.done("verify")


@pytest.mark.tampers  # the settings with that limit are the test's own, and stand in no table
def test_a_credit_note_within_the_limit_is_issued_at_once(small: CommandLine) -> None:
    small.issue(2027)

    prepared = prepare(small, limit=10**6)

    assert prepared.waiting is None and prepared.issued is not None
    assert column(small, "SELECT prepared_by FROM credit_note WHERE approved_by IS NULL") == [PREPARER]


def test_nobody_approves_their_own_credit_note(small: CommandLine) -> None:
    small.issue(2027)
    proposed = prepare(small).waiting
    assert proposed is not None

    with pytest.raises(SamePerson):
        grant(small, proposed.id, actor="Et Nyt Navn #1")

    assert database.count(small, "credit_note") == 0
    assert waiting(small, "credit") == ["2027-0001"]


def test_a_proposed_credit_note_names_its_lines_so_that_it_never_grows_or_moves(small: CommandLine) -> None:
    """What was proposed as "all of it" is refused, not shrunk, once a line was taken back meanwhile."""
    small.issue(2027)
    proposed = prepare(small).waiting
    assert proposed is not None and credit_proposals.order_of(proposed).lines == (1, 2)
    small.done("billing", "credit", "2027-0001", "--line", 1, "--reason", "fejl", "--by", "En", "--approved-by", "To")

    with pytest.raises(AlreadyCredited):
        grant(small, proposed.id)

    assert database.count(small, "credit_note") == 1
    assert waiting(small, "credit") == ["2027-0001"]


def test_a_line_that_waits_in_one_proposal_is_not_in_another(small: CommandLine) -> None:
    small.issue(2027)
    first = prepare(small, 1).waiting

    again, other = prepare(small, 1).waiting, prepare(small, 2).waiting
    with pytest.raises(WaitsAlready):
        prepare(small)

    assert first is not None and again is not None and other is not None
    assert (again.id, other.id) == (first.id, first.id + 1)
    assert [grant(small, each.id).number for each in (first, other)] == ["K-2027-0001", "K-2027-0002"]


# --- settings and tables


def test_settings_count_once_another_person_approved_them(small: CommandLine) -> None:
    text = files.SELLER.replace("payment_days = 30", "payment_days = 20")
    proposed = by(small, PREPARER, lambda s, t: seller.propose(s, text, t, allow_made_up=False))
    with pytest.raises(SamePerson):
        by(small, PREPARER, lambda s, t: seller.approve(s, proposed.id, t, allow_made_up=False))

    by(small, APPROVER, lambda s, t: seller.approve(s, proposed.id, t, allow_made_up=False))

    with small.session() as session:
        now = seller.current(session)
    assert now is not None and now.payment_days == 20
    small.done("verify")


@pytest.mark.parametrize("text", [files.SELLER, files.SELLER + "made_up = true\n", "seller = 3", "="])
def test_settings_that_are_wrong_made_up_or_in_force_are_not_proposed(small: CommandLine, text: str) -> None:
    with pytest.raises(SettingsRefused):
        by(small, PREPARER, lambda s, t: seller.propose(s, text, t, allow_made_up=False))

    assert database.count(small, "proposal") == 0


def test_a_table_is_adopted_by_another_and_its_product_registered(starter: CommandLine) -> None:
    proposed = by(starter, PREPARER, lambda s, t: table_proposals.propose(s, TABLE, t))
    with pytest.raises(SamePerson):
        by(starter, PREPARER, lambda s, t: table_proposals.approve(s, proposed.id, t))

    adopted = by(starter, APPROVER, lambda s, t: table_proposals.approve(s, proposed.id, t))

    assert (proposed.subject, adopted.products) == ("Ny 2023-01-01", ("Ny",))
    assert column(starter, "SELECT adopted_by FROM adopted_table WHERE product = 'Ny'") == [APPROVER]
    with pytest.raises(table_proposals.AdoptedAlready):
        by(starter, PREPARER, lambda s, t: table_proposals.propose(s, TABLE, t))
    starter.done("verify")


def test_a_table_with_faults_is_not_proposed_and_each_fault_has_its_line(starter: CommandLine) -> None:
    with pytest.raises(TableRefused) as refused:
        by(starter, PREPARER, lambda s, t: table_proposals.propose(s, TABLE + "anual_fee = 7\n", t))

    assert "linje 7" in refused.value.text.da
    assert database.count(starter, "proposal") == 0


def test_a_proposal_of_one_kind_is_not_approved_as_another(starter: CommandLine) -> None:
    proposed = by(starter, PREPARER, lambda s, t: table_proposals.propose(s, TABLE, t))

    with pytest.raises(NoSuchProposal):
        by(starter, APPROVER, lambda s, t: seller.approve(s, proposed.id, t, allow_made_up=True))
    with pytest.raises(NoSuchProposal):
        grant(starter, proposed.id)

    assert waiting(starter, "table") == ["Ny 2023-01-01"]


# --- billing details


def details(line: CommandLine, cvr: str = FIRST.cvr) -> dict[Place, Details]:
    """Give an authority's details by place."""
    with line.session() as session:
        return {each.place: each.details for each in billing_details.of(session, authority(line, cvr))}


def agreement(line: CommandLine, cvr: str = FIRST.cvr) -> Place:
    """Give an authority's agreement."""
    return next(place for place in details(line, cvr) if place.kind == "agreement")


def propose_details(line: CommandLine, wanted: dict[Place, Details], actor: str = SIGNATORY) -> proposals.Proposal:
    """Propose details of the first authority."""
    id_ = authority(line, FIRST.cvr)
    return by(line, actor, lambda s, t: billing_details.propose(s, id_, wanted, t))


def change_details(line: CommandLine, wanted: dict[Place, Details]) -> int:
    """Change details of the first authority."""
    id_ = authority(line, FIRST.cvr)
    return by(line, PREPARER, lambda s, t: billing_details.change(s, id_, wanted, t))


def test_a_change_stands_in_the_history_beside_what_was_imported(small: CommandLine) -> None:
    place, was = agreement(small), details(small)[agreement(small)]
    files.take_agreements(small, files.agreement(FIRST.cvr, order_reference="PO-1"))

    changed = change_details(small, {place: replace(was, order_reference=" PO-2 ", format="peppol")})
    unchanged = change_details(small, {place: details(small)[place]})

    assert (changed, unchanged) == (1, 0)
    with small.session() as session:
        told = billing_details.history(session, authority(small, FIRST.cvr))
        other = billing_details.history(session, authority(small, SECOND.cvr))
    assert [(each.actor, each.fact, each.was, each.now) for each in told] == [
        (PREPARER, "order_reference", "PO-1", "PO-2"),
        (PREPARER, "format", None, "peppol"),
        ("kommandolinjen", "order_reference", None, "PO-1"),
    ]
    assert other == []
    assert small.json("billing", "plan", 2027)["invoices"] != []


def test_a_proposed_change_is_made_when_another_approves_it(small: CommandLine) -> None:
    place = agreement(small)
    proposed = propose_details(small, {place: Details(endpoint="cvr", person_reference="Økonomi")})
    assert details(small)[place].endpoint is None

    by(small, APPROVER, lambda s, t: billing_details.approve(s, proposed.id, t))

    assert details(small)[place] == Details(endpoint="cvr", person_reference="Økonomi")
    with pytest.raises(NothingChanged):
        propose_details(small, {place: Details(endpoint="cvr", person_reference="Økonomi")})


def test_a_proposal_from_before_another_change_is_refused(small: CommandLine) -> None:
    place, was = agreement(small), details(small)[agreement(small)]
    proposed = propose_details(small, {place: replace(was, order_reference="A")})
    change_details(small, {place: replace(was, order_reference="B")})

    with pytest.raises(DetailsMoved):
        by(small, APPROVER, lambda s, t: billing_details.approve(s, proposed.id, t))

    assert details(small)[place].order_reference == "B"


def test_another_authoritys_agreement_is_not_there(small: CommandLine) -> None:
    with pytest.raises(NoSuchPlace):
        change_details(small, {agreement(small, SECOND.cvr): Details(endpoint="cvr")})
    with pytest.raises(NoSuchPlace):
        propose_details(small, {agreement(small, SECOND.cvr): Details(endpoint="cvr")})


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        (Details(gln="5790002750596"), "gln"),
        (Details(gln="12"), "gln"),
        (Details(format="pdf"), "format"),
        (Details(endpoint="post"), "endpoint"),
        (Details(person_reference="x" * 101), "person_reference"),
        (Details(accounting_cost="a\u202eb"), "accounting_cost"),
        (Details(order_reference="a\0b"), "order_reference"),
        (Details(contact_mail="a@b, c@d.dk"), "contact_mail"),
    ],
)
def test_wrong_details_are_refused_by_their_name(small: CommandLine, wrong: Details, named: str) -> None:
    place, before = agreement(small), database.dump(small)

    with pytest.raises(DetailsRefused) as refused:
        change_details(small, {place: wrong})
    with pytest.raises(DetailsRefused):
        propose_details(small, {place: wrong})

    assert refused.value.text.da.startswith(named)
    assert database.dump(small) == before
