"""The gate: what the official rules say of every kept XML, asked once for each pack and kept with it.

A document may be delivered where the installed pack's verdict on its receiver's format is `valid`. Which XML has no
verdict of the installed pack is read from what is missing, so a new pack, or the first one, is answered to by the next
run; without a pack everything waits.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import ColumnElement, Select, Table, and_, func, or_, select
from sqlalchemy.orm import Session

from billing import renderings
from billing.einvoice import rule_packs
from billing.einvoice.reading import FORMATS
from billing.einvoice.rule_packs import Failure, Format, RulePack
from billing.gathering import INVOICES, Book
from billing.models import Verdict
from billing.renderings import RENDERINGS
from foundation import append_only
from foundation.audit import Trail, canonical
from foundation.language import Text

VERDICTS: Table = Verdict.__table__  # type: ignore[assignment]

_AT_A_TIME = 500

VALID, INVALID = "valid", "invalid"


@dataclass(frozen=True, slots=True)
class Rules:
    """The packs that judge, by format; and for each format without one, why."""

    packs: Mapping[Format, RulePack]
    lacking: Mapping[Format, Text]


@dataclass(frozen=True, slots=True)
class Task:
    """One XML that is to be judged: plain values, so that another process can do it."""

    rendering_id: int
    pack: RulePack
    xml: bytes


@dataclass(frozen=True, slots=True)
class Judged:
    """What the rules say of one kept XML."""

    outcome: str
    failures: tuple[Failure, ...]

    @property
    def ok(self) -> bool:
        """Tell whether it may be delivered."""
        return self.outcome == VALID

    @property
    def refusals(self) -> tuple[Failure, ...]:
        """Give what holds it back; warnings do not."""
        return tuple(failure for failure in self.failures if failure.flag != "warning")


def rules(directory: Path) -> Rules:
    """Find the installed packs of all formats. Reads all their files."""
    packs, lacking = {}, {}
    for format_ in FORMATS:
        pack = rule_packs.find(directory, format_)
        if pack is None:
            lacking[format_] = rule_packs.why_none(directory, format_)
        else:
            packs[format_] = pack
    return Rules(packs, lacking)


# --- judging


def judge(task: Task) -> tuple[Failure, ...]:
    """Hold one XML against its rules. Touches no database. Raises BrokenPack."""
    return tuple(task.pack.validate(task.xml))


def missing(session: Session, year: int, book: Book, known: Rules, *, at_most: int) -> list[Task]:
    """Give the next XML of a year on which the installed packs have no verdict yet."""
    if not known.packs:
        return []
    columns = (RENDERINGS.c.id, RENDERINGS.c.format, RENDERINGS.c.content)
    found = session.execute(_unjudged(select(*columns), year, book, known).order_by(RENDERINGS.c.id).limit(at_most))
    return [Task(row.id, known.packs[row.format], row.content) for row in found]


def count_missing(session: Session, year: int, book: Book, known: Rules) -> int:
    """Count the XML of a year on which the installed packs have no verdict yet."""
    if not known.packs:
        return 0
    return session.execute(_unjudged(select(func.count(RENDERINGS.c.id)), year, book, known)).scalar() or 0


def _unjudged(wanted: Select[Any], year: int, book: Book, known: Rules) -> Select[Any]:
    """Narrow a question on renderings to those of a year without a verdict of their format's pack."""
    of_pack: list[ColumnElement[bool]] = []
    for format_, pack in known.packs.items():
        judged = select(VERDICTS.c.rendering_id).where(VERDICTS.c.pack_sha256 == pack.sha256)
        of_pack.append(and_(RENDERINGS.c.format == format_, RENDERINGS.c.id.not_in(judged)))
    return (
        wanted.select_from(RENDERINGS.join(INVOICES, RENDERINGS.c.invoice_id == INVOICES.c.id))
        .where(INVOICES.c.year == year, INVOICES.c.book == book)
        .where(or_(*of_pack))
    )


def store(session: Session, judged: Sequence[tuple[Task, tuple[Failure, ...]]], trail: Trail) -> None:
    """Keep verdicts; those that someone else kept meanwhile are left as they are. Needs the writer's lock."""
    ids = {task.rendering_id for task, _ in judged}
    rows = session.execute(
        select(VERDICTS.c.rendering_id, VERDICTS.c.pack_sha256).where(VERDICTS.c.rendering_id.in_(ids))
    )
    known = {(row.rendering_id, row.pack_sha256) for row in rows}
    next_id = append_only.next_id(session, VERDICTS)
    new: list[dict[str, Any]] = []
    for task, failures in judged:
        if (task.rendering_id, task.pack.sha256) not in known:
            new.append(row(next_id + len(new), task, failures, trail))
    append_only.add(session, VERDICTS, new)
    if new:
        trail.record("documents.validated", f"{len(new)}", rows=[(VERDICTS, row) for row in new])


def row(id_: int, task: Task, failures: tuple[Failure, ...], trail: Trail) -> dict[str, Any]:
    """Give the row of a verdict, for whichever table keeps it."""
    return {
        "id": id_,
        "rendering_id": task.rendering_id,
        "pack": task.pack.name,
        "pack_version": task.pack.version,
        "pack_sha256": task.pack.sha256,
        "outcome": outcome(failures),
        "failures": canonical([asdict(failure) for failure in failures]),
        "judged_at": trail.at,
    }


def outcome(failures: Sequence[Failure]) -> str:
    """Give what rules broken come to."""
    return VALID if rule_packs.is_valid(failures) else INVALID


# --- asking


def of(session: Session, ids: Sequence[int], known: Rules) -> dict[int, Judged]:
    """Give the installed packs' verdicts on some renderings, by id; one that is not there is not validated."""
    digests = [pack.sha256 for pack in known.packs.values()]
    rows = session.execute(
        select(VERDICTS.c.rendering_id, VERDICTS.c.outcome, VERDICTS.c.failures).where(
            VERDICTS.c.rendering_id.in_(ids), VERDICTS.c.pack_sha256.in_(digests)
        )
    )
    return {row.rendering_id: Judged(row.outcome, read(row.failures)) for row in rows}


def for_receivers(session: Session, year: int, book: Book, known: Rules) -> Iterator[tuple[str, str, Judged | None]]:
    """Give, for each issued invoice, its receiver's format, its number, and the verdict; None where it waits."""
    issued = (
        select(INVOICES.c.id, INVOICES.c.number, INVOICES.c.document)
        .where(INVOICES.c.year == year, INVOICES.c.book == book)
        .order_by(INVOICES.c.sequence)
    )
    for rows in session.execute(issued.execution_options(yield_per=_AT_A_TIME)).partitions():
        formats = {row.id: renderings.receivers_format(row.document) for row in rows}
        columns = (RENDERINGS.c.id, RENDERINGS.c.invoice_id, RENDERINGS.c.format)
        found = session.execute(select(*columns).where(RENDERINGS.c.invoice_id.in_(formats)))
        ids = {row.invoice_id: row.id for row in found if row.format == formats[row.invoice_id]}
        judged = of(session, list(ids.values()), known)
        for row in rows:
            yield formats[row.id], row.number, judged.get(ids.get(row.id, 0))


def read(failures: str) -> tuple[Failure, ...]:
    """Read stored failures. Raises KeyError, TypeError or ValueError where the text is not that."""
    return tuple(Failure(**failure) for failure in json.loads(failures))
