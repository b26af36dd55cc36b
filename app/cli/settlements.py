"""Money that is given back or given up, by command: prepared by one person, decided by another, and what waits."""

from __future__ import annotations

from typing import Any

import click
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.access import Role
from app.cli import output, service, typed
from app.cli.typed import WORD
from authorities.register import AUTHORITIES
from billing import payments, settlements
from billing.settlements import RefundOrder, WaiverOrder, WriteOffOrder
from foundation import proposals
from foundation.language import Text, kroner
from foundation.money import Money
from foundation.proposals import Proposal

_WHO = (Role.FINANCE, Role.APPROVER)
_KINDS = {
    "refund": Text("tilbagebetaling", "refund"), "write_off": Text("afskrivning", "write-off"),
    "charge_waiver": Text("eftergivelse", "waiver"),
}  # fmt: skip
_BY = click.option("--by", "by", required=True, metavar="NAVN", help="Hvem der gør det. / Who does it.")
_REASON = click.option("--reason", required=True, metavar="TEKST", help="Hvorfor. / Why.")
_PROPOSAL = click.argument("proposal", type=click.IntRange(1, 999_999_999))


def _say_proposed(made: Proposal) -> None:
    what, told = _KINDS[made.kind], kroner(settlements.order_of(made).amount)
    output.say(
        Text(f"forslag {made.id}: {what.da}, {made.subject}, {told.da}, kontrolsum {made.digest}",
             f"proposal {made.id}: {what.en}, {made.subject}, {told.en}, digest {made.digest}")
    )  # fmt: skip
    approve_it = f"payments approve {made.id} --digest {made.digest} --by"
    output.note(Text(f"En anden godkender det: {approve_it} NAVN", f"Somebody else approves it: {approve_it} NAME"))


# --- prepared


@click.command("refund")
@click.argument("cvr", type=WORD)
@click.argument("amount", type=WORD)
@_REASON
@_BY
def refund(cvr: str, amount: str, reason: str, by: str) -> None:
    """Forbered, at det, en myndighed har til gode, betales tilbage; en anden godkender det.

    Prepare to pay an authority's credit back; somebody else approves it.
    """
    order, surroundings = RefundOrder(cvr, typed.amount(amount), reason), service.current()
    with surroundings.writing() as (session, trail):
        trail.actor = surroundings.person(session, by, _WHO)
        made = settlements.propose_refund(session, order, trail)
    _say_proposed(made)


@click.command("write-off")
@click.argument("number", type=WORD)
@click.argument("amount", type=WORD)
@click.option("--with-vat", is_flag=True, help="Tabet er konstateret: momsen reguleres. / The loss is certain.")
@_REASON
@_BY
def write_off(number: str, amount: str, with_vat: bool, reason: str, by: str) -> None:
    """Forbered, at det, en faktura mangler, afskrives; en anden godkender det.

    Prepare to write off what an invoice owes; somebody else approves it.
    """
    order, surroundings = WriteOffOrder(number, typed.amount(amount), reason, with_vat), service.current()
    with surroundings.writing() as (session, trail):
        trail.actor = surroundings.person(session, by, _WHO)
        made = settlements.propose_write_off(session, order, trail)
    _say_proposed(made)


@click.command("waive")
@click.argument("number", type=WORD)
@click.argument("amount", type=WORD)
@_REASON
@_BY
def waive(number: str, amount: str, reason: str, by: str) -> None:
    """Forbered, at gebyr og rente fra en fakturas rykkere eftergives; en anden godkender det.

    Prepare to let go of what the reminders of an invoice charge; somebody else approves it.
    """
    order, surroundings = WaiverOrder(number, typed.amount(amount), reason), service.current()
    with surroundings.writing() as (session, trail):
        trail.actor = surroundings.person(session, by, _WHO)
        made = settlements.propose_waiver(session, order, trail)
    _say_proposed(made)


# --- what waits


@click.command("proposals")
@click.option("--json", "as_json", is_flag=True, help="Ét JSON-dokument på standard output.")
def waiting(as_json: bool) -> None:
    """Vis, hvad der venter på en godkender, og de tilbagebetalinger, banken mangler at betale ud.

    List what waits for an approver, and the refunds that the bank has yet to pay out.
    """
    with service.current().reading() as session:
        found, due = settlements.waiting(session), _due(session)
    if as_json:
        output.say_json({"proposals": [_json(each) for each in found], "refunds_due": due})
        return
    spoken = output.language()
    for each in found:
        order = settlements.order_of(each)
        what, told = _KINDS[each.kind], kroner(order.amount)
        output.say(
            Text(f"{each.id}: {what.da}, {each.subject}, {told.da}: {order.reason} ({each.proposed_by})",
                 f"{each.id}: {what.en}, {each.subject}, {told.en}: {order.reason} ({each.proposed_by})")
        )  # fmt: skip
        output.say(f"  {Text('kontrolsum', 'digest')[spoken]} {each.digest}")
    for row in due:
        told = kroner(Money(row["amount_ore"]))
        output.say(
            Text(f"Tilbagebetaling {row['id']}, CVR {row['cvr']}: {told.da} skal betales fra banken",
                 f"Refund {row['id']}, CVR {row['cvr']}: {told.en} is to be paid from the bank")
        )  # fmt: skip
    if not found and not due:
        output.say(Text("Intet venter.", "Nothing waits."))


def _json(each: Proposal) -> dict[str, Any]:
    order = settlements.order_of(each)
    return {
        "id": each.id, "kind": each.kind, "subject": each.subject, "amount_ore": order.amount.ore,
        "reason": order.reason, "digest": each.digest, "proposed_by": each.proposed_by,
        "proposed_at": each.proposed_at.isoformat(),
    }  # fmt: skip


def _due(session: Session) -> list[dict[str, Any]]:
    due = payments.refunds_due(session)
    ids = {each.authority_id for each in due}
    cvrs = dict(session.execute(select(AUTHORITIES.c.id, AUTHORITIES.c.cvr).where(AUTHORITIES.c.id.in_(ids))).all())
    return [{"id": each.id, "cvr": cvrs[each.authority_id], "amount_ore": each.amount.ore} for each in due]


# --- decided


@click.command("approve")
@_PROPOSAL
@click.option("--digest", required=True, metavar="D", help="Kontrolsummen af det, der blev læst.")
@_BY
def approve(proposal: int, digest: str, by: str) -> None:
    """Godkend en andens tilbagebetaling, afskrivning eller eftergivelse, og bogfør den.

    Approve another person's refund, write-off or waiver, and book it.
    """
    surroundings = service.current()
    with surroundings.approving(by) as (session, trail):
        found = settlements.get(session, proposal)
        proposals.expect(session, proposal, digest.strip())
        amount = settlements.approve(session, found, surroundings.today, trail)
    output.say(settlements.told(found.kind, amount))


@click.command("reject")
@_PROPOSAL
@_REASON
@_BY
def reject(proposal: int, reason: str, by: str) -> None:
    """Afvis, hvad en anden har forberedt.

    Reject what another person prepared.
    """
    with service.current().approving(by) as (session, trail):
        proposals.decide(session, settlements.get(session, proposal).id, "rejected", trail, reason)
    output.say(Text(f"forslag {proposal} er afvist", f"proposal {proposal} is rejected"))


@click.command("withdraw")
@_PROPOSAL
@_BY
def withdraw(proposal: int, by: str) -> None:
    """Træk dit eget forslag tilbage.

    Take your own proposal back.
    """
    surroundings = service.current()
    with surroundings.writing() as (session, trail):
        trail.actor = surroundings.person(session, by, _WHO)
        proposals.decide(session, settlements.get(session, proposal).id, "withdrawn", trail)
    output.say(Text(f"forslag {proposal} er trukket tilbage", f"proposal {proposal} is withdrawn"))


COMMANDS: tuple[click.Command, ...] = (refund, write_off, waive, waiting, approve, reject, withdraw)
