"""Looking at what is there: why a line is what it is, and whether every promise holds."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from app import plan_json
from app.adapters import head_files
from app.cli import output, service
from billing import reasons
from billing.credits import Told
from billing.verification import Verdict
from foundation.audit_head import Head
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
    what = Text("Kreditnota", "Credit note") if explained.is_credit_note else Text("Faktura", "Invoice")
    output.say(
        Text(
            f"{what.da} {explained.number} til {explained.authority_name}, {total.da} med moms",
            f"{what.en} {explained.number} to {explained.authority_name}, {total.en} with VAT",
        )
    )
    for warning in explained.warnings:
        output.say(Text("Bemærk: ", "Note: ") + warning)
    for told in explained.credits:
        output.say(_credit_words(told))
    before, after = (", ".join(numbers) for numbers in (explained.corrections.of, explained.corrections.by))
    if before:
        output.say(Text(f"Retter {before}: krediterede linjer derfra faktureres her på ny",
                        f"Corrects {before}: lines credited there are invoiced here anew"))  # fmt: skip
    if after:
        output.say(Text(f"Rettet ved {after}", f"Corrected by {after}"))
    for line in explained.lines:
        net = kroner(Money(line.parts.net.ore))
        output.say("")
        output.say(Text(f"{line.position}. ", f"{line.position}. ") + line.title + Text(f": {net.da}", f": {net.en}"))
        for sentence in line.sentences:
            output.say(Text("   ", "   ") + sentence)


def _credit_words(told: Told) -> Text:
    listed = ", ".join(map(str, told.positions))
    by_da = told.prepared_by + (f", godkendt af {told.approved_by}" if told.approved_by else "")
    by_en = told.prepared_by + (f", approved by {told.approved_by}" if told.approved_by else "")
    words = Text(
        f"{told.number} krediterer {told.credits}, linje {listed}: {told.reason} ({by_da})",
        f"{told.number} credits {told.credits}, line {listed}: {told.reason} ({by_en})",
    )
    return words + Text("; faktureres på ny", "; is invoiced anew") if told.then_reissue else words


@click.command("verify")
@click.option("--export-head", "export_to", metavar="FILE", type=click.Path(path_type=Path),
              help="Gem kædens hoved, hvis intet er brudt / save the chain's head if nothing is broken.")  # fmt: skip
@click.option("--against", metavar="FILE", type=click.Path(exists=True, path_type=Path),
              help="Hold kæden op mod et gemt hoved / hold the chain against a head saved before.")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Ét JSON-dokument på standard output.")
def verify(export_to: Path | None, against: Path | None, as_json: bool) -> int:
    """Efterregn alt, hvad der kan efterregnes: 0 intet brudt, 1 brudt, 3 kan ikke sige det.

    Verify every promise: 0 none broken, 1 broken, 3 cannot tell.
    """
    from billing import verification

    heads = _known_heads(against, export_to)
    surroundings = service.current()
    with surroundings.reading() as session:
        verdict = verification.verify(session, heads=heads)
        head = verification.head(session, at=surroundings.now) if verdict.ok else None
    if as_json:
        output.say_json(_verdict_json(verdict, head, heads))
    else:
        show_verdict(verdict)
    if export_to is not None:
        _export(head, export_to)
    return 0 if verdict.ok else 1


def _known_heads(against: Path | None, export_to: Path | None) -> list[Head]:
    """Read the head to compare with, and the one that would be replaced: a worse one may not take its place."""
    files = [file for file in (against, export_to) if file is not None and (file == against or file.exists())]
    return [head_files.read(file) for file in dict.fromkeys(files)]


def _export(head: Head | None, file: Path) -> None:
    if head is None:
        output.note(Text(f"{file} er ikke skrevet, for noget er brudt", f"{file} was not written: something is broken"))
        return
    head_files.write(file, head)
    output.note(
        Text(f"{file}: hovedet er gemt, post {head.position}", f"{file}: the head is saved, entry {head.position}")
    )


def _verdict_json(verdict: Verdict, head: Head | None, heads: Sequence[Head]) -> dict[str, Any]:
    spoken = output.language()
    return {
        "ok": verdict.ok,
        "checked": dict(verdict.checked),
        "head": None if head is None else _head_json(head),
        "against": [_head_json(known) for known in heads],
        "violations": [
            {"check": broken.check, "subject": broken.subject, "message": broken.message[spoken]}
            for broken in verdict.violations
        ],
    }


def _head_json(head: Head) -> dict[str, Any]:
    return {"position": head.position, "hash": head.hash, "series": dict(head.series)}


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
