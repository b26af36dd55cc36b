"""How agreements change and end, from the command line: notice, passive to active, a merger, a new text for all."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from typing import Any, Literal

import click

from agreements import campaign as campaigning
from agreements import ending, leaving, templates
from agreements.ending import Notice
from agreements.steps import Step
from app.cli import agreement_life as life
from app.cli import output, service
from billing import invoices
from foundation.language import Text, day, same


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


@click.command("activate")
@click.argument("agreement", type=int)
@click.option("--from", "from_on", required=True, type=life.DAY, metavar="DAG", help="Den første dag som aktiv.")
@life.BY
def activate(agreement: int, from_on: datetime, by: str) -> None:
    """Gør en passiv tilslutning aktiv fra en dag; tilslutningsafgiften forfalder da.

    Make a passive connection active from a day; its joining fee falls due then.
    """
    on = from_on.date()
    with life.attempt(str(agreement), Step.ACTIVATED, by, life.WORKING) as (session, trail):
        ending.activate(session, agreement, on, invoices.resting(session).agreements, trail)
    output.say(Text(f"aftale {agreement}: aktiv fra {on}", f"agreement {agreement}: active from {on}"))


@click.command("campaign")
@click.option("--product", help="Kun aftaler om det produkt.")
@click.option("--membership", "of_members", is_flag=True, help="Medlemskabernes tekst i stedet.")
def campaign(product: str | None, *, of_members: bool) -> None:
    """Vis, hvem der har den nyeste aftaletekst, hvem den er tilbudt, og hvem der mangler den.

    Show who has the newest text, who was offered it, and who lacks it.
    """
    surroundings, name = service.current(), "membership" if of_members else "connection"
    with surroundings.reading() as session:
        newest = next((each for each in templates.listed(session) if each.name == name), None)
        places = campaigning.standing(session, newest.id, surroundings.today, product) if newest else []
    output.table(
        [
            [each.cvr, each.authority, each.product, each.state, f"{each.version or ''}", f"{each.offered_on or ''}",
             f"{each.reminded_on or ''}"]
            for each in places
        ]
    )  # fmt: skip
    if newest is None:
        output.say(Text("ingen tekst er vedtaget endnu", "no text is adopted yet"))
        return
    counts = Counter(each.state for each in places)
    told = f"{newest.name} {newest.version}: " + ", ".join(f"{state} {counts[state]}" for state in counts)
    output.say(same(told))


#: What the group `agreement` takes in.
COMMANDS = (notice, notice_membership, activate, replace, campaign)
