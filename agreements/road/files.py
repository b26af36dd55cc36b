"""Files to the tasks and trials of a journey: what people show each other on the road.

A file belongs to one journey and is seen by whom the journey is shown. Who withdraws one takes its bytes away at once;
that it was there, and who withdrew it, stays.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from sqlalchemy import Table, func, insert, select, update
from sqlalchemy.orm import Session

from agreements.road import journeys
from agreements.road.journeys import Journey, NoSuchTask, RoadRefused
from agreements.road.models import JourneyFile
from foundation import brought_files
from foundation.audit import Trail, sha256
from foundation.brought_files import HostileFile, NoSuchKind
from foundation.errors import NotFound
from foundation.language import Text

FILES: Table = JourneyFile.__table__  # type: ignore[assignment]

#: Bytes of one file; files and bytes of a whole journey.
LARGEST = 10 * 1024 * 1024
MOST_FILES, MOST_BYTES = 100, 100 * 1024 * 1024

_TRIAL = "trial/"


class NoSuchFile(NotFound):
    """The journey has no such file, or it was withdrawn or let go."""


class Brought(NamedTuple):
    """A file as it came."""

    name: str
    content: bytes


def of_trial(number: int) -> str:
    """Name a trial, for its files to be about."""
    return f"{_TRIAL}{number}"


def add(session: Session, journey: Journey, about: str, brought: Brought, trail: Trail) -> int:
    """Lay a file to a task or a trial; give its number. The same bytes there already are that file.

    Needs the writer's lock. Raises JourneyEnded, NoSuchTask, and RoadRefused for a file that is not taken.
    """
    journeys.refuse_ended(session, journey.id)
    if about not in _things(journey):
        raise NoSuchTask(Text("rejsen har ingen sådan opgave eller prøve", "the journey has no such task or trial"))
    digest = sha256(brought.content)
    for row in journey.files:
        if (row.about, row.sha256, row.withdrawn_at) == (about, digest, None):
            return int(row.id)
    kind = _checked(brought.content)
    _refuse_too_many(session, journey, len(brought.content))
    values = {
        "journey_id": journey.id, "about": about, "name": brought_files.name_of(brought.name, kind),
        "media_type": kind.media_type, "size": len(brought.content), "sha256": digest, "content": brought.content,
        "added_by": trail.actor, "added_at": trail.at,
    }  # fmt: skip
    number = int(session.execute(insert(FILES).values(values).returning(FILES.c.id)).scalar_one())
    told = {"file": number, "about": about, "sha256": digest}
    trail.record("journey.file_added", f"journey {journey.id}", told)
    return number


def _things(journey: Journey) -> set[str]:
    tasks = {task.key for step in journey.steps for task in step.tasks}
    return tasks | {of_trial(trial.number) for trial in journey.trials}


def _checked(content: bytes) -> brought_files.Kind:
    try:
        kind = brought_files.kind_of(content, brought_files.DOCUMENTS, LARGEST)
        brought_files.refuse_hostile(content, kind)
    except (NoSuchKind, HostileFile) as refused:
        raise RoadRefused({"file": refused.text}) from None
    return kind


def _refuse_too_many(session: Session, journey: Journey, more: int) -> None:
    kept = select(func.count(), func.coalesce(func.sum(FILES.c.size), 0)).where(
        FILES.c.journey_id == journey.id, FILES.c.content.is_not(None)
    )
    count, size = session.execute(kept).one()
    if count >= MOST_FILES:
        raise RoadRefused({"file": Text(f"Højst {MOST_FILES} filer på en rejse", f"At most {MOST_FILES} files")})
    if size + more > MOST_BYTES:
        most = MOST_BYTES // 1024 // 1024
        raise RoadRefused(
            {"file": Text(f"Rejsens filer fylder højst {most} MB i alt", f"All files together have {most} MB at most")}
        )


def withdraw(session: Session, journey: Journey, number: int, trail: Trail) -> bool:
    """Take a file's bytes away, also after the journey has ended; tell whether they were there.

    Needs the writer's lock. Raises NoSuchFile.
    """
    row = _row(journey, number)
    if row.withdrawn_at is not None:
        return False
    session.execute(
        update(FILES)
        .where(FILES.c.id == number)
        .values(content=None, withdrawn_by=trail.actor, withdrawn_at=trail.at)
    )  # fmt: skip
    trail.record("journey.file_withdrawn", f"journey {journey.id}", {"file": number, "sha256": row.sha256})
    return True


def step_of(journey: Journey, number: int) -> str:
    """Give the key of the step on which a file is shown. Raises NoSuchFile."""
    about = _row(journey, number).about
    found = (step.key for step in journey.steps if any(task.key == about for task in step.tasks))
    return "test" if about.startswith(_TRIAL) else next(found, journey.step.key)


def content(session: Session, journey: Journey, number: int) -> tuple[Any, bytes]:
    """Give what is known of a file, and its bytes. Raises NoSuchFile."""
    row = _row(journey, number)
    found = session.execute(select(FILES.c.content).where(FILES.c.id == number)).scalar()
    if found is None:
        raise _none()
    return row, bytes(found)


def _row(journey: Journey, number: int) -> Any:
    found = next((row for row in journey.files if row.id == number), None)
    if found is None:
        raise _none()
    return found


def _none() -> NoSuchFile:
    return NoSuchFile(Text("filen findes ikke", "there is no such file"))
