"""Putting the official rules to a year's documents, on every core, and saying which wait and why."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from app.adapters import work
from app.cli import output
from app.cli.output import Progress
from app.cli.service import Service
from billing.gathering import Book
from foundation.language import Text, joined, same

if TYPE_CHECKING:
    from billing.verdicts import Judged, Rules

#: Verdicts that are kept in one transaction, where OS2TILSLUT_BATCH says nothing else.
_AT_A_TIME = 200


def judge_all(surroundings: Service, year: int, book: Book) -> Rules:
    """Judge every kept XML of a year on which the installed packs have no verdict; give the rules that were found."""
    from billing import verdicts

    known = verdicts.rules(surroundings.config.rules_dir)
    with surroundings.reading() as session:
        left = verdicts.count_missing(session, year, book, known)
    if not left:
        return known
    progress = Progress(Text("Efterprøver dokumenter", "Validating documents"), left)
    at_most = surroundings.config.batch or _AT_A_TIME
    with work.workers(left) as each:
        while True:
            with surroundings.reading() as session:
                tasks = verdicts.missing(session, year, book, known, at_most=at_most)
            if not tasks:
                return known
            judged = []
            for task, failures in zip(tasks, each(verdicts.judge, tasks), strict=True):
                judged.append((task, failures))
                progress.step()
            with surroundings.writing() as (session, trail):
                verdicts.store(session, judged, trail)


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
