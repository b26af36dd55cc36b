"""Judging a file that somebody hands over as a sealed agreement."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from app.adapters import incoming
from app.cli import output, service
from foundation.language import Text, same

#: Bytes of a file that could be a sealed agreement.
LARGEST = 32 * 1024 * 1024


@click.command("verify")
@click.argument("file", type=click.Path(exists=True, path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Ét JSON-dokument på standard output.")
def verify(file: Path, as_json: bool) -> int:
    """Sig, om filen er en forseglet aftale herfra: 0 vores og hel; 1 ændret eller ikke vores.

    Tell whether a file is a sealed agreement of ours: 0 ours and whole; 1 changed, or not ours.
    """
    from app import verifying

    with incoming.opened(file, LARGEST) as opened:
        content = opened.read()
    with service.current().reading() as session:
        verdict = verifying.verify(session, content)
    if as_json:
        output.say_json(_json(verdict))
    else:
        output.say(same(f"{incoming.name_of(file)}: ") + verifying.WORDS[verdict.judgement])
        for reason in verdict.reasons:
            output.say(same("  ") + reason)
        if (kept := verdict.original) is not None:
            told = f" {kept.sealed_at:%Y-%m-%d %H:%M} UTC, {kept.level}, SHA-256 {kept.sha256}"
            output.say(Text("  Forseglet", "  Sealed") + same(told))
    return 0 if verdict.judgement == "whole" else 1


def _json(verdict: Any) -> dict[str, Any]:
    kept = verdict.original
    return {
        "judgement": verdict.judgement,
        "sha256": verdict.sha256,
        "reasons": [reason[output.language()] for reason in verdict.reasons],
        "original": kept and {
            "offer": kept.offer_id, "sha256": kept.sha256, "level": kept.level,
            "certificate_sha256": kept.certificate_sha256, "sealed_at": kept.sealed_at.isoformat(),
        },
    }  # fmt: skip
