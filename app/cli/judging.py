"""Saying what the official rules came to: how many documents passed, which did not, which wait and why."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from app.cli import output
from foundation.language import Text, joined, same

if TYPE_CHECKING:
    from billing.verdicts import Judged, Rules


def say(known: Rules, judged: Mapping[tuple[str, str], Judged | None]) -> None:
    """Say how many documents passed, which did not and by which rule, and which wait for want of a pack.

    `judged` holds a verdict, or None, by format and number.
    """
    if not judged:
        return
    passed = sum(1 for verdict in judged.values() if verdict is not None and verdict.ok)
    if passed:
        output.say(Text(f"{passed} XML består de officielle regler", f"{passed} XML pass the official rules"))
    for format_, reason in known.lacking.items():
        waiting = sum(1 for (of, _), verdict in judged.items() if of == format_ and verdict is None)
        all_of = Text("alle ", "all ") if waiting == len(judged) else same("")
        count = all_of + same(str(waiting))
        if waiting:
            output.note(
                Text(f"Ikke validerede: {count.da} i {format_} venter: ",
                     f"Not validated: {count.en} in {format_} wait: ") + reason
            )  # fmt: skip
    for (_, number), verdict in judged.items():
        if verdict is not None and not verdict.ok:
            listed = [Text(f"{one.id}: {one.text}", f"{one.id}: {one.text}") for one in verdict.refusals]
            output.note(Text(f"Ikke valideret: {number}: ", f"Not validated: {number}: ") + joined(listed, by="; "))
