"""Agreement templates by two people: one proposes a text, another adopts exactly that, and it never changes again.

A version gets its number here, one above the newest of its name.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from sqlalchemy import Row, Table, func, select
from sqlalchemy.orm import Session

from agreements import template_text
from agreements.clauses import TemplateName
from agreements.models import AgreementTemplate
from agreements.template_text import Template
from foundation import append_only, proposals
from foundation.audit import Trail, sha256
from foundation.errors import NotFound, Refused
from foundation.language import Text
from foundation.periods import BUSINESS_ZONE
from foundation.proposals import Proposal

TEMPLATES: Table = AgreementTemplate.__table__  # type: ignore[assignment]

ADOPTED_ACTION = "template.adopted"


class NoSuchTemplate(NotFound):
    """No template has that name and version."""


class AdoptedAlready(Refused):
    """The newest version of the template says exactly this."""


@dataclass(frozen=True, slots=True)
class Adopted:
    """An adopted version of a template, and who stood behind it."""

    id: int
    name: TemplateName
    version: int
    template: Template
    digest: str
    adopted_on: date
    adopted_by: str
    proposed_by: str


# --- questions


def get(session: Session, id_: int) -> Adopted:
    """Give an adopted template by its id. Raises NoSuchTemplate."""
    row = session.execute(select(TEMPLATES).where(TEMPLATES.c.id == id_)).first()
    if row is None:
        raise NoSuchTemplate(Text(f"ingen skabelon har nummer {id_}", f"no template has the number {id_}"))
    return _adopted(row)


def find(session: Session, name: TemplateName, version: int | None = None) -> Adopted:
    """Give a version of a template, the newest where none is named. Raises NoSuchTemplate."""
    found = select(TEMPLATES).where(TEMPLATES.c.name == name).order_by(TEMPLATES.c.version.desc()).limit(1)
    row = session.execute(found if version is None else found.where(TEMPLATES.c.version == version)).first()
    if row is None:
        named = Text(f" version {version}", f" version {version}") if version else Text("", "")
        raise NoSuchTemplate(
            Text(f"skabelonen {name}", f"the template {name}") + named
            + Text(" er ikke vedtaget (agreement templates propose)", " is not adopted (agreement templates propose)")
        )  # fmt: skip
    return _adopted(row)


def listed(session: Session) -> list[Adopted]:
    """Give every adopted version, by name, newest first, in one query."""
    rows = session.execute(select(TEMPLATES).order_by(TEMPLATES.c.name, TEMPLATES.c.version.desc()))
    return [_adopted(row) for row in rows]


def faults(session: Session) -> Iterator[tuple[str, Text]]:
    """Recompute what was adopted: digest, text, numbers, two people. Gives what is wrong, by name and version."""
    last: dict[str, int] = defaultdict(int)
    for row in session.execute(select(TEMPLATES).order_by(TEMPLATES.c.id)):
        last[row.name] += 1
        yield from ((f"{row.name} {row.version}", fault) for fault in _faults(row, last[row.name]))


def _faults(row: Row[tuple[object, ...]], version: int) -> Iterator[Text]:
    if sha256(row.content) != row.digest:
        yield Text("teksten har en anden kontrolsum", "the text has another digest")
    elif not _is_readable(row.content, row.name):
        yield Text("teksten kan ikke læses", "the text cannot be read")
    if row.version != version:
        yield Text(f"versionen skulle være {version}", f"the version should be {version}")
    if proposals.is_same_person(row.adopted_by, row.proposed_by):
        yield Text("den, der foreslog, har selv vedtaget", "who proposed it adopted it")


def _is_readable(content: str, name: str) -> bool:
    try:
        return template_text.from_canonical(content).name == name
    except ValueError:
        return False


def _adopted(row: Row[tuple[object, ...]]) -> Adopted:
    return Adopted(
        row.id, row.name, row.version, template_text.from_canonical(row.content), row.digest, row.adopted_on,
        row.adopted_by, row.proposed_by,
    )  # fmt: skip


# --- acts; each needs the writer's lock, and the caller commits


def propose(session: Session, text: str, trail: Trail) -> Proposal:
    """Propose a template's text; it takes the place of what is proposed under its name.

    Raises TemplateRefused with every fault, or AdoptedAlready.
    """
    template = template_text.parse(text)
    _refuse_adopted(session, template)
    return proposals.propose_newest(session, "template", template.name, template.canonical(), trail)


def adopt(session: Session, id_: int, trail: Trail) -> Adopted:
    """Adopt a proposed template as the next version of its name, another person than who proposed it.

    Raises AdoptedAlready and what `proposals.decide` raises; the caller then rolls back.
    """
    proposal = proposals.approve(session, id_, "template", trail)
    template = proposed(proposal)
    _refuse_adopted(session, template)
    row = {
        "id": append_only.next_id(session, TEMPLATES), "name": template.name,
        "version": _newest(session, template.name) + 1, "content": proposal.content, "digest": proposal.digest,
        "adopted_on": trail.at.astimezone(BUSINESS_ZONE).date(), "adopted_by": trail.actor,
        "proposed_by": proposal.proposed_by,
    }  # fmt: skip
    append_only.add(session, TEMPLATES, [row])
    subject = f"{row['name']} {row['version']}"
    trail.record(ADOPTED_ACTION, subject, {"digest": proposal.digest, "proposal": id_}, rows=[(TEMPLATES, row)])
    return find(session, template.name)


def proposed(proposal: Proposal) -> Template:
    """Read the template that a proposal holds."""
    return template_text.from_canonical(proposal.content)


def _newest(session: Session, name: TemplateName) -> int:
    newest = select(func.max(TEMPLATES.c.version)).where(TEMPLATES.c.name == name)
    return session.execute(newest).scalar() or 0


def _refuse_adopted(session: Session, template: Template) -> None:
    """Refuse what the newest version says already; an older version may come back as a new one."""
    newest = select(TEMPLATES.c.digest).where(TEMPLATES.c.name == template.name).order_by(TEMPLATES.c.version.desc())
    if session.execute(newest.limit(1)).scalar() == template.digest():
        raise AdoptedAlready(
            Text(
                f"skabelonen {template.name} er allerede vedtaget ord for ord",
                f"the template {template.name} is adopted already, word for word",
            )
        )
