"""Looking at what is there: why a line is what it is, and whether every promise holds."""

from __future__ import annotations

from typing import Any

import click

from app import plan_json
from app.cli import output, service
from billing import reasons
from billing.verification import Verdict
from foundation.language import Text, kroner
from foundation.money import Money


@click.command("explain")
@click.argument("number")
@click.option("--json", "as_json", is_flag=True, help="Ét JSON-dokument på standard output.")
def explain(number: str, as_json: bool) -> None:
    """Fortæl, hvorfor hver linje på en udstedt faktura er, som den er.

    Tell why each line of an issued invoice is what it is.
    """
    with service.current().reading() as session:
        explained = reasons.explain(session, number)
    if as_json:
        output.say_json(plan_json.explained(explained))
        return
    total = kroner(explained.gross)
    output.say(
        Text(
            f"Faktura {explained.number} til {explained.authority_name}, {total.da} med moms",
            f"Invoice {explained.number} to {explained.authority_name}, {total.en} with VAT",
        )
    )
    for line in explained.lines:
        net = kroner(Money(line.parts.net.ore))
        output.say("")
        output.say(Text(f"{line.position}. ", f"{line.position}. ") + line.title + Text(f": {net.da}", f": {net.en}"))
        for sentence in line.sentences:
            output.say(Text("   ", "   ") + sentence)


@click.command("verify")
@click.option("--json", "as_json", is_flag=True, help="Ét JSON-dokument på standard output.")
def verify(as_json: bool) -> int:
    """Efterregn alt, hvad der kan efterregnes: 0 intet brudt, 1 brudt, 3 kan ikke sige det.

    Verify every promise: 0 none broken, 1 broken, 3 cannot tell.
    """
    from billing import verification

    with service.current().reading() as session:
        verdict = verification.verify(session)
    if as_json:
        output.say_json(_verdict_json(verdict))
    else:
        show_verdict(verdict)
    return 0 if verdict.ok else 1


def _verdict_json(verdict: Verdict) -> dict[str, Any]:
    spoken = output.language()
    return {
        "ok": verdict.ok,
        "checked": dict(verdict.checked),
        "violations": [
            {"check": broken.check, "subject": broken.subject, "message": broken.message[spoken]}
            for broken in verdict.violations
        ],
    }


def show_verdict(verdict: Verdict) -> None:
    """Print what was looked at and what is broken."""
    output.table([(name, str(count)) for name, count in verdict.checked.items()], right=(1,))
    for broken in verdict.violations:
        output.say(
            Text(f"BRUDT {broken.check}, {broken.subject}: ", f"BROKEN {broken.check}, {broken.subject}: ")
            + broken.message
        )
    if verdict.ok:
        output.say(Text("Intet er brudt.", "Nothing is broken."))
    else:
        count = len(verdict.violations)
        output.say(Text(f"{count} brud.", f"{count} violations."))
