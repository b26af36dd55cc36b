"""The seal of agreements: how it stands, taking a key into use, sealing what waits."""

from __future__ import annotations

from typing import Any

import click

from app import seals
from app.adapters.sealing import WARNING
from app.cli import mending, output, service
from app.seals import Status
from foundation.language import Text, same


@click.group(help="Aftalernes segl / the seal of agreements.")
def command() -> None:
    """Hold the commands on the seal."""


@command.command("status")
@click.option("--json", "as_json", is_flag=True, help="Ét JSON-dokument på standard output.")
def status(as_json: bool) -> int:
    """Fortæl om nøgle, udløb, tidsstempel, og hvad der venter: 0 i orden, 1 noget at gøre.

    Tell about key, expiry, time stamps and what waits: 0 in order, 1 something to do.
    """
    surroundings = service.current()
    with surroundings.reading() as session:
        found = seals.status(session, surroundings.config, surroundings.now)
    if as_json:
        output.say_json(_status_json(found))
    else:
        _say_status(found)
    return 1 if found.fault or found.warning or found.waiting else 0


@command.command("seal")
def seal() -> int:
    """Forsegl alt, der venter: 0 alt er forseglet, 1 noget kunne ikke. Kør den så tit, det skal være.

    Seal all that waits: 0 all is sealed, 1 something could not be. Run it as often as you like.
    """
    done = seals.seal_waiting(service.current())
    output.say(Text(f"{len(done.sealed)} forseglet", f"{len(done.sealed)} sealed"))
    for offer_id, reason in done.failed.items():
        output.complain(Text(f"tilbud {offer_id}: ", f"offer {offer_id}: ") + reason)
    return 1 if done.failed else 0


def _say_status(found: Status) -> None:
    used = found.in_use
    stamps = same(found.timestamps) if found.timestamps else Text("ingen", "none")
    lines = [(Text("Niveau", "Level"), same(found.level)), (Text("Tidsstempel", "Time stamps"), stamps)]
    if used is not None:
        lines += [
            (Text("Certifikat", "Certificate"), same(used.subject)),
            (same("SHA-256"), same(used.sha256)),
            (Text("Gælder til", "Valid until"), same(f"{used.not_after:%Y-%m-%d}")),
            (Text("Taget i brug", "Taken into use"), same(f"{used.taken_at:%Y-%m-%d}, {used.taken_by}")),
        ]
    lines.append((Text("Venter på segl", "Waiting for the seal"), same(str(found.waiting))))
    output.table([(label[output.language()], value[output.language()]) for label, value in lines])
    for failure in found.failures:
        output.say(Text(f"Tilbud {failure.offer_id}: ", f"Offer {failure.offer_id}: ") + failure.reason)
    fault = mending.refusal(found.fault) if found.fault else None
    for told in filter(None, (fault, found.warning)):
        output.say(Text("ADVARSEL: ", "WARNING: ") + told)


def _status_json(found: Status) -> dict[str, Any]:
    spoken, used = output.language(), found.in_use
    return {
        "level": found.level,
        "timestamps": found.timestamps or None,
        "certificate": used and {
            "subject": used.subject, "sha256": used.sha256, "valid_until": used.not_after.isoformat(),
            "taken_at": used.taken_at.isoformat(), "taken_by": used.taken_by,
        },
        "fault": found.fault and mending.refusal(found.fault)[spoken],
        "warning": found.warning and found.warning[spoken],
        "warns_days_ahead": WARNING.days,
        "waiting": found.waiting,
        "failures": [
            {"offer": each.offer_id, "at": each.at.isoformat(), "reason": each.reason[spoken]}
            for each in found.failures
        ],
    }  # fmt: skip


@command.command("rotate")
@click.option("--made-up", is_flag=True, help="Lav en opdigtet nøgle først (ikke i produktion) / make a key up first.")
def rotate(made_up: bool) -> None:
    """Prøv nøglen i OS2TILSLUT_SIGNING_KEY, og tag den i brug. Det, der er forseglet, står ved magt.

    Try the key that is set, and take it into use. What was sealed stays valid.
    """
    found, is_new = seals.rotate(service.current(), made_up=made_up)
    last = found.certificate.not_valid_after
    was_da, was_en = ("taget i brug", "taken into use") if is_new else ("var allerede i brug", "was in use already")
    output.say(Text(f"{found.subject}: {was_da}, gælder til {last:%Y-%m-%d}",
                    f"{found.subject}: {was_en}, valid until {last:%Y-%m-%d}"))  # fmt: skip
    output.say(same(f"SHA-256 {found.sha256}"))
