"""How agreements and memberships end, from the command line: notice, taking it back, and what a merger replaces."""

from __future__ import annotations

from typing import Any, Literal

import click

from agreements import ending, leaving
from agreements.ending import Notice
from agreements.steps import Step
from app.cli import agreement_life as life
from app.cli import output, service
from billing import invoices
from foundation.language import Text, day


@click.command("notice")
@click.argument("agreement", type=int)
@click.option("--party", type=click.Choice(["authority", "association"]), required=True, help="Hvem der siger op.")
@click.option("--withdraw", "is_withdrawn", is_flag=True, help="Træk opsigelsen tilbage.")
@life.REASON
@life.BY
def notice(agreement: int, party: Literal["authority", "association"], reason: str, by: str, **given: Any) -> None:
    """Registrér en opsigelse (eller dens tilbagetrækning); sidste dag følger af aftalens vilkår.

    Record a notice; the last day follows from the terms.
    """
    step = Step.NOTICE_WITHDRAWN if given["is_withdrawn"] else Step.NOTICE_GIVEN
    with life.attempt(str(agreement), step, by, life.WORKING) as (session, trail):
        if given["is_withdrawn"]:
            ending.withdraw_notice(session, agreement, reason, trail)
            said = Text(f"aftale {agreement}: opsigelsen er trukket tilbage",
                        f"agreement {agreement}: the notice is withdrawn")  # fmt: skip
        else:
            last = day(ending.give_notice(session, agreement, Notice(party, reason), trail))
            said = Text(f"aftale {agreement}: ophører med {last.da}", f"agreement {agreement}: ends with {last.en}")
    output.say(said)


@click.command("replace")
@click.argument("agreement", type=int)
@click.argument("old", type=int, nargs=-1)
@click.option("--reason", default="", help="Grunden; kræves sammen med OLD.")
@life.BY
def replace(agreement: int, old: tuple[int, ...], reason: str, by: str) -> None:
    """Lad en aftale erstatte dem, som sammenlagte myndigheder havde; uden OLD vises de kun.

    Let an agreement take the place of those of the authorities it follows; without OLD they are only listed.
    """
    if not old:
        with service.current().reading() as session:
            found = ending.replaceable(session, agreement)
        output.table([[f"{row.id}", row.cvr, row.authority, f"{row.signed_on}"] for row in found])
        return
    with life.attempt(str(agreement), Step.REPLACED, by, life.WORKING) as (session, trail):
        resting = invoices.resting(session).agreements
        ending.replace_after_merger(session, agreement, old, reason, resting, trail)
    listed = ", ".join(map(str, old))
    output.say(Text(f"aftale {agreement}: erstatter {listed}", f"agreement {agreement}: replaces {listed}"))


@click.command("notice-membership")
@click.argument("cvr")
@click.option("--party", type=click.Choice(["authority", "association"]), required=True, help="Hvem der siger op.")
@click.option("--withdraw", "is_withdrawn", is_flag=True, help="Træk opsigelsen tilbage.")
@life.REASON
@life.BY
def notice_membership(
    cvr: str, party: Literal["authority", "association"], reason: str, by: str, *, is_withdrawn: bool
) -> None:
    """Registrér opsigelsen af et medlemskab (eller dens tilbagetrækning); sidste dag følger af vilkårene.

    Record notice of a membership; the last day follows from its terms.
    """
    step = Step.NOTICE_WITHDRAWN if is_withdrawn else Step.NOTICE_GIVEN
    with life.attempt(f"{cvr} OS2", step, by, life.WORKING) as (session, trail):
        authority_id, invoiced = life.authority_id(session, cvr), invoices.resting(session).years
        if is_withdrawn:
            leaving.withdraw_notice(session, authority_id, reason, invoiced, trail)
            said = Text(f"{cvr}: opsigelsen er trukket tilbage", f"{cvr}: the notice is withdrawn")
        else:
            last = day(leaving.give_notice(session, authority_id, Notice(party, reason), invoiced, trail))
            said = Text(f"{cvr}: medlem til og med {last.da}", f"{cvr}: a member until {last.en}")
    output.say(said)


#: What the group `agreement` takes in.
COMMANDS = (notice, notice_membership, replace)
