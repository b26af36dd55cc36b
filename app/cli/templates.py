"""Templates of agreements: proposed by one, adopted by another, shown, and two versions compared."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
from sqlalchemy.orm import Session

import agreements
from agreements import template_text, templates
from agreements.clauses import TemplateName
from agreements.template_text import NAMES, Change, Template
from agreements.templates import Adopted, NoSuchTemplate
from app.access import Role
from app.adapters import incoming
from app.cli import output, service
from app.cli.registers import FILE
from foundation import proposals
from foundation.language import Text, day, same

_NAME = click.Choice(NAMES)
_PROPOSERS = (Role.FINANCE, Role.APPROVER, Role.ADMINISTRATOR)
_WHATS = {
    "added": Text("ny", "new"),
    "removed": Text("fjernet", "removed"),
    "changed": Text("ændret", "changed"),
    "moved": Text("flyttet", "moved"),
}


@click.group(help="Aftalernes skabeloner / templates of agreements.")
def command() -> None:
    """Hold the commands on templates."""


@command.command("list")
@click.option("--json", "as_json", is_flag=True, help="Som JSON.")
def list_(as_json: bool) -> None:
    """Vis de vedtagne skabeloner, og hvad der venter på vedtagelse.

    List the adopted templates, and what waits to be adopted.
    """
    with service.current().reading() as session:
        adopted, waiting = templates.listed(session), proposals.open(session, "template")
    if as_json:
        output.say_json({
            "adopted": [_facts(each) for each in adopted],
            "proposed": [
                {"proposal": each.id, "name": each.subject, "digest": each.digest, "proposed_by": each.proposed_by}
                for each in waiting
            ],
        })  # fmt: skip
        return
    for each in adopted:
        output.say(_adopted(each))
    for proposal in waiting:
        number, who = proposal.id, proposal.proposed_by
        output.say(
            Text(f"{proposal.subject}: forslag {number} af {who} venter på vedtagelse",
                 f"{proposal.subject}: proposal {number} by {who} waits to be adopted")
        )  # fmt: skip


def _facts(adopted: Adopted) -> dict[str, Any]:
    return {
        "name": adopted.name,
        "version": adopted.version,
        "digest": adopted.digest,
        "is_draft": adopted.template.draft is not None,
        "adopted_on": adopted.adopted_on.isoformat(),
        "adopted_by": adopted.adopted_by,
        "proposed_by": adopted.proposed_by,
    }


def _adopted(each: Adopted) -> Text:
    on, draft = day(each.adopted_on), each.template.draft
    told = Text(f"{each.name} version {each.version}: vedtaget {on.da} af {each.adopted_by}",
                f"{each.name} version {each.version}: adopted on {on.en} by {each.adopted_by}")  # fmt: skip
    return told + same(f", SHA-256 {each.digest}") + (same(". ") + draft if draft else same(""))


@command.command("show")
@click.argument("name", type=_NAME)
@click.option("--version", type=click.IntRange(min=1), help="Hvilken version; ellers den nyeste.")
@click.option("--proposal", type=int, help="Et forslag i stedet for det vedtagne.")
def show(name: TemplateName, version: int | None, proposal: int | None) -> None:
    """Vis en skabelons tekst på begge sprog.

    Show the text of a template in both languages.
    """
    with service.current().reading() as session:
        template = _wanted(session, name, version, proposal)
    output.say(template.title + (same(" · ") + template.draft if template.draft else same("")))
    for number, section in enumerate(template.sections, start=1):
        output.say(f"\n{number}. {section.heading.da} / {section.heading.en}")
        for nth, clause in enumerate(section.clauses, start=1):
            output.say(f"  {number}.{nth} [{clause.id}] {clause.text.da}\n      {clause.text.en}")
    output.say(f"\n{template.personal_data.da}\n{template.personal_data.en}")


def _wanted(session: Session, name: TemplateName, version: int | None, proposal: int | None) -> Template:
    if proposal is None:
        return templates.find(session, name, version).template
    found = proposals.get(session, proposal)
    if (found.kind, found.subject) != ("template", name):
        raise NoSuchTemplate(Text(f"forslag {proposal} er ikke en skabelon af navnet {name}",
                                  f"proposal {proposal} is no template of the name {name}"))  # fmt: skip
    return templates.proposed(found)


@command.command("propose")
@click.argument("file", type=FILE, required=False)
@click.option("--shipped", type=_NAME, help="Foreslå den medfølgende tekst i stedet for en fil.")
@click.option("--by", "by", default=service.COMMAND_LINE, metavar="NAVN", help="Hvem der foreslår.")
def propose(file: Path | None, shipped: TemplateName | None, by: str) -> None:
    """Foreslå en skabelon; en anden vedtager den. Gældende aftaler ændres ikke.

    Propose a template; somebody else adopts it.
    """
    if (file is None) == (shipped is None):
        raise click.UsageError("FILE / --shipped NAVN")
    text = incoming.text(file) if file else _shipped(str(shipped))
    surroundings = service.current()
    with surroundings.writing() as (session, trail):
        trail.actor = surroundings.person(session, by, _PROPOSERS)
        proposal = templates.propose(session, text, trail)
    number = proposal.id
    output.say(
        Text(f"{proposal.subject}: forslag {number}, SHA-256 {proposal.digest}",
             f"{proposal.subject}: proposal {number}, SHA-256 {proposal.digest}")
    )  # fmt: skip
    output.note(
        Text(f"En anden vedtager det: agreement templates adopt {number} --by NAVN",
             f"Somebody else adopts it: agreement templates adopt {number} --by NAME")
    )  # fmt: skip


def _shipped(name: str) -> str:
    """Give a template that ships with the service."""
    return (Path(agreements.__file__).parent / "data" / f"{name}_v1.toml").read_text(encoding="utf-8")


@command.command("adopt")
@click.argument("proposal", type=int)
@click.option("--by", "by", default=service.COMMAND_LINE, metavar="NAVN", help="Hvem der vedtager.")
def adopt(proposal: int, by: str) -> None:
    """Vedtag en foreslået skabelon som næste version; derefter kan den ikke ændres.

    Adopt a proposed template as the next version; it never changes again.
    """
    with service.current().approving(by) as (session, trail):
        adopted = templates.adopt(session, proposal, trail)
    output.say(_adopted(adopted))


@command.command("compare")
@click.argument("name", type=_NAME)
@click.argument("old", type=click.IntRange(min=1), required=False)
@click.argument("new", type=click.IntRange(min=1), required=False)
@click.option("--proposal", type=int, help="Hold et forslag op mod en vedtaget version, ellers den nyeste.")
@click.option("--json", "as_json", is_flag=True, help="Som JSON.")
def compare(name: TemplateName, old: int | None, new: int | None, proposal: int | None, as_json: bool) -> None:
    """Vis, hvad der er forskelligt i to versioner, bestemmelse for bestemmelse.

    Show how two versions differ, clause by clause.
    """
    if old is None and proposal is None:
        raise click.UsageError("OLD [NEW] / --proposal NR")
    with service.current().reading() as session:
        before = templates.find(session, name, old).template
        after = _wanted(session, name, new, proposal)
    changes = template_text.difference(before, after)
    if as_json:
        output.say_json([_change(each) for each in changes])
    else:
        _say(changes)


def _change(each: Change) -> dict[str, Any]:
    texts = {"heading": each.heading, "was": each.was, "now": each.now}
    written = {name: text and {"da": text.da, "en": text.en} for name, text in texts.items()}
    return {"place": each.place, "what": each.what, **written}


def _say(changes: Sequence[Change]) -> None:
    for each in changes:
        output.say(same(f"{each.place} (") + each.heading + same("): ") + _WHATS[each.what])
        for sign, text in (("-", each.was), ("+", each.now)):
            if text is not None and each.what != "moved":
                output.say(f"  {sign} {text.da}\n    {text.en}")
    if not changes:
        output.say(Text("ingen forskel", "no difference"))
