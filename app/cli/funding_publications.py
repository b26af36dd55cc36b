"""Published reports by command: publishing by two people, the list, and a version's files as they are kept."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
from sqlalchemy.orm import Session

from app import publishing
from app.access import Role
from app.adapters import files
from app.cli import funds, output, service
from billing.funding import naming, publications
from billing.funding.publications import Edition, NoSuchReport, Published
from foundation import periods, proposals
from foundation.errors import Conflict, NotFound
from foundation.language import Text, same
from foundation.periods import Period

_PREPARERS = (Role.FINANCE, Role.APPROVER)
_BY = click.option("--by", "by", default=service.COMMAND_LINE, metavar="NAVN", help="Hvem der gør det.")
_JSON = click.option("--json", "as_json", is_flag=True, help="Ét JSON-dokument på standard output.")
_FORMS = ("json", "pdf", "xlsx")


class NotProposed(NotFound):
    """Nobody proposed to publish the report."""


class AnotherDigest(Conflict):
    """The report that waits has another digest."""


@click.command("publish")
@click.argument("product")
@click.argument("period")
@click.option("--digest", default="", metavar="D", help="Offentliggør det, der er foreslået med denne kontrolsum.")
@_BY
def publish(product: str, period: str, digest: str, by: str) -> None:
    """Foreslå at offentliggøre en rapport; med --digest offentliggør en anden person den.

    Propose to publish a report; with --digest another person publishes it. PRODUCT is a product's name, or OS2 for the
    association's own fund.
    """
    surroundings, wanted = service.current(), periods.named(period)
    if digest:
        with surroundings.approving(by) as (session, trail):
            waiting = _waiting(session, funds.product(session, product), wanted, digest)
            edition = publishing.approve(session, waiting, trail, surroundings.config, on=surroundings.today)
        output.say(
            Text(f"{edition.name} er offentliggjort, SHA-256 {edition.digest}",
                 f"{edition.name} is published, SHA-256 {edition.digest}")
        )  # fmt: skip
        return
    with surroundings.writing() as (session, trail):
        trail.actor = surroundings.person(session, by, _PREPARERS)
        made = publishing.propose(session, funds.product(session, product), wanted, trail, on=surroundings.today)
    output.say(
        Text(f"{made.subject}: foreslået offentliggjort, kontrolsum {made.digest}",
             f"{made.subject}: proposed to be published, digest {made.digest}")
    )  # fmt: skip
    output.note(
        Text(f"En anden offentliggør den: funding publish {made.subject} --digest {made.digest} --by NAVN",
             f"Somebody else publishes it: funding publish {made.subject} --digest {made.digest} --by NAME")
    )  # fmt: skip


def _waiting(session: Session, product: str | None, period: Period, digest: str) -> int:
    subject = publications.subject(product, period)
    waiting = proposals.open_for(session, publications.KIND, subject)
    if not waiting:
        raise NotProposed(
            Text(f"ingen har foreslået at offentliggøre {subject}", f"nobody proposed to publish {subject}")
        )
    if waiting[0].digest != digest:
        raise AnotherDigest(
            Text(f"det, der er foreslået, har kontrolsummen {waiting[0].digest}",
                 f"what is proposed has the digest {waiting[0].digest}")
        )  # fmt: skip
    return waiting[0].id


@click.command("published")
@click.argument("product", required=False)
@_JSON
def published(product: str | None, as_json: bool) -> None:
    """Vis de offentliggjorte rapporter, den nyeste version af hver.

    Show the published reports, the newest version of each.
    """
    with service.current().reading() as session:
        found, wanted = publications.listed(session), product and funds.product(session, product)
    shown = [each for each in found if product is None or each.product == wanted]
    if as_json:
        output.say_json({"reports": [_told(each) for each in shown]})
        return
    if not shown:
        output.say(Text("Ingen rapport er offentliggjort endnu.", "No report is published yet."))
    output.table([
        (naming.name(each.product), periods.name(each.period), f"v{each.version}", each.published_by, each.digest)
        for each in shown
    ])  # fmt: skip


def _told(each: Edition) -> dict[str, Any]:
    return {
        "product": each.product, "period": periods.name(each.period), "version": each.version, "digest": each.digest,
        "prepared_by": each.prepared_by, "published_by": each.published_by,
        "published_at": each.published_at.isoformat(),
    }  # fmt: skip


@click.command("published-file")
@click.argument("product")
@click.argument("period")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--version", type=click.IntRange(1, 1_000_000), help="Hvilken version; ellers den nyeste.")
@click.option("--format", "form", type=click.Choice(_FORMS), help="json, pdf eller xlsx; ellers efter filens navn.")
def published_file(product: str, period: str, file: Path, version: int | None, form: str | None) -> None:
    """Skriv en offentliggjort rapport til en fil, byte for byte som den blev offentliggjort.

    Write a published report to a file, byte for byte as it was published.
    """
    wanted = form or file.suffix.lower().removeprefix(".")
    with service.current().reading() as session:
        found = _found(session, funds.product(session, product), periods.named(period), version)
        content = (
            found.document.encode()
            if wanted == "json"
            else publications.file(session, found.edition.id, wanted, output.language())
        )
    with files.whole(file) as path:
        path.write_bytes(content)
    output.say(same(f"{file}: {found.edition.name}"))


def _found(session: Session, product: str | None, period: Period, version: int | None) -> Published:
    if version is not None:
        return publications.get(session, product, period, version)
    newest = publications.newest(session, product, period)
    if newest is None:
        raise NoSuchReport(Text("rapporten er ikke offentliggjort", "the report is not published"))
    return newest


COMMANDS: tuple[click.Command, ...] = (publish, published, published_file)
