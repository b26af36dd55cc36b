"""The life of an agreement: offers and agreements from the command line, each the same call as a page makes.

Nobody signs for an authority here: that takes a sign-in at the provider of identities. Outside production the chair may
countersign from here, to try things out.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime
from pathlib import Path
from typing import Any

import click
from sqlalchemy.orm import Session

from agreements import evidence, offered, offers, paper, rights, signing, steps
from agreements.document import AgreementKind, Billing
from agreements.files import LARGEST
from agreements.offered import Offer, Signatory
from agreements.signing import Signer
from agreements.steps import Stand, Step
from app import association, offering
from app.access import Role
from app.adapters import csv_files, files, incoming, paper_archives
from app.adapters.paper_archives import Papers
from app.cli import output, service
from app.cli.registers import FILE
from app.config import NotInProduction
from app.offering import Wish
from authorities import register
from foundation import proposals
from foundation.audit import Trail, sha256
from foundation.language import Text, day

DAY = click.DateTime(["%Y-%m-%d"])
BY = click.option("--by", "by", default=service.COMMAND_LINE, metavar="NAVN", help="Hvem der gør det.")
REASON = click.option("--reason", required=True, help="Grunden.")
WORKING, _DECIDING = (Role.FINANCE, Role.APPROVER), (Role.APPROVER,)


# --- looking


@click.command("list")
@click.option("--cvr", help="Kun myndigheden med dette CVR-nummer.")
@click.option("--json", "as_json", is_flag=True, help="Som JSON.")
def list_(cvr: str | None, *, as_json: bool) -> None:
    """Vis den nyeste version af hvert tilbud, og hvor det står.

    List offers, newest first, and where each stands.
    """
    with service.current().reading() as session:
        found = offered.listing(session, None if cvr is None else [authority_id(session, cvr)])
        rows = [_row(offer, service.current().today) for offer in found]
    if as_json:
        output.say_json({"offers": rows})
        return
    output.table([[row["name"], row["cvr"], row["product"] or "OS2", row["stand"], row["expires_on"] or ""]
                  for row in rows])  # fmt: skip


def _row(offer: Offer, on: date) -> dict[str, Any]:
    said, stand = offer.document, offer.stand_on(on)
    last = offer.expires_on
    return {
        "name": offer.name, "reference": offer.reference, "version": offer.version, "cvr": said.authority.cvr,
        "authority": said.authority.name, "product": said.subject.product or None, "kind": offer.kind,
        "stand": stand.value, "digest": offer.digest, "expires_on": last and last.isoformat(),
        "waiting": [each.name for each in offer.waiting] if stand in steps.OPEN else [],
    }  # fmt: skip


@click.command("show")
@click.argument("reference")
@click.option("--json", "as_json", is_flag=True, help="Som JSON.")
def show(reference: str, *, as_json: bool) -> None:
    """Vis et tilbud med alle dets trin.

    Show an offer and every step of it.
    """
    with service.current().reading() as session:
        offer = offered.newest(session, reference)
        told = _row(offer, service.current().today) | {"steps": [_step(each) for each in offer.steps]}
    if as_json:
        output.say_json(told)
        return
    output.say(f"{told['name']}  {told['authority']}  {told['product'] or 'OS2'}  {offer.digest}")
    output.say(steps.STANDS[Stand(told["stand"])])
    output.table([[step["at"], step["step"], step["by"], step["reason"] or ""] for step in told["steps"]])


def _step(taken: steps.Taken) -> dict[str, Any]:
    return {
        "number": taken.number, "step": taken.step.value, "at": taken.at.isoformat(timespec="seconds"),
        "by": taken.by, "position": taken.position, "reason": taken.data.get("reason"), "sha256": taken.sha256,
    }  # fmt: skip


@click.command("evidence")
@click.argument("reference")
@click.option("--into", type=click.Path(dir_okay=False, path_type=Path), help="Skriv i denne fil i stedet.")
def evidence_(reference: str, into: Path | None) -> None:
    """Skriv bevisposten for et tilbud som kanonisk JSON, og kontrollér den.

    Write the evidence record as canonical JSON, and check it.
    """
    with service.current().reading() as session:
        text = evidence.text(session, offered.newest(session, reference).id)
    wrong = list(evidence.faults(text))
    for fault in wrong:
        output.complain(fault)
    if into is None:
        click.echo(text)
    else:
        with files.whole(into) as unfinished:
            unfinished.write_text(text, encoding="utf-8")
        output.say(Text(f"{into}: skrevet, SHA-256 {sha256(text)}", f"{into}: written, SHA-256 {sha256(text)}"))
    if wrong:
        raise click.exceptions.Exit(1)


# --- offering


@click.command("offer")
@click.option("--cvr", required=True, help="Myndighedens CVR-nummer.")
@click.option("--product", default="", help="Produktet; uden er det medlemskab af OS2.")
@click.option("--effective", required=True, type=DAY, metavar="DAG", help="Den første dag.")
@click.option("--signatory", "signatories", required=True, multiple=True, nargs=3, metavar="NAVN TITEL MAIL",
              help="Hvem der underskriver, i rækkefølge; kan gentages.")  # fmt: skip
@click.option("--gln", default="", help="GLN (EAN) til fakturaen; uden sendes den til CVR-nummeret.")
@click.option("--kind", type=click.Choice(["active", "passive"]), default="active", help="Aktiv eller passiv.")
@click.option("--any-order", is_flag=True, help="Underskriverne skriver under, som de kommer.")
@click.option("--valid-days", type=int, help="Så mange dage står tilbuddet; ellers som indstillet.")
@click.option("--draft", "only_draft", is_flag=True, help="Kun et udkast; tilbyd det ikke endnu.")
@click.option("--replaces", metavar="REFERENCE", help="Tilbuddet, det er en ny version af, eller følger.")
@BY
def offer(
    cvr: str, product: str, effective: datetime, signatories: tuple[tuple[str, str, str], ...], by: str, **given: Any
) -> None:
    """Tilbyd en aftale: teksten, taksterne og deres kontrolsum ligger fast derefter.

    Offer an agreement; its text, fees and digest are frozen by it.
    """
    surroundings = service.current()
    with attempt(f"{cvr} {product or 'OS2'}", Step.OFFERED, by, WORKING) as (session, trail):
        wish = _wish(session, cvr, product, effective.date(), signatories, given)
        seller = association.seller(session, surroundings.config)
        ready = offering.prepare(session, wish, seller, surroundings.today)
        replaces = offered.newest(session, given["replaces"]).id if given["replaces"] else None
        made = offers.draft(session, ready.order, ready.build, trail, replaces=replaces)
        if not given["only_draft"]:
            made = offers.offer(session, made.id, ready.annex, trail)
    output.say(_offered(made))


def _wish(
    session: Session,
    cvr: str,
    product: str,
    effective_on: date,
    signatories: tuple[tuple[str, str, str], ...],
    given: dict[str, Any],
) -> Wish:
    id_, kind = authority_id(session, cvr), given["kind"]
    may = rights.who_may(session, id_, effective_on)
    places = tuple(
        Signatory(at, name, title, mail, next((each.id for each in may if each.person.mail == mail), None))
        for at, (name, title, mail) in enumerate(signatories, start=1)
    )
    typed: AgreementKind = "passive" if kind == "passive" else "active"
    return Wish(
        id_, product, effective_on, places, Billing("gln" if given["gln"] else "cvr", gln=given["gln"]),
        kind=typed, in_order=not given["any_order"], valid_days=given["valid_days"],
    )  # fmt: skip


def authority_id(session: Session, cvr: str) -> int:
    found = register.ids_by_cvr(session).get(cvr)
    if found is None:
        raise offering.Unknown(register.unknown_cvr(cvr))
    return found


def _offered(made: Offer) -> Text:
    if made.expires_on is None:
        return Text(f"{made.name}: udkast, kontrolsum {made.digest}", f"{made.name}: draft, digest {made.digest}")
    last = day(made.expires_on)
    return Text(
        f"{made.name}: tilbudt til og med {last.da}, kontrolsum {made.digest}",
        f"{made.name}: offered up to and including {last.en}, digest {made.digest}",
    )


@click.command("withdraw")
@click.argument("reference")
@REASON
@BY
def withdraw(reference: str, reason: str, by: str) -> None:
    """Træk et udkast eller et tilbud tilbage, der ikke er kontrasigneret.

    Withdraw a draft or an offer that is not countersigned.
    """
    with attempt(reference, Step.WITHDRAWN, by, WORKING) as (session, trail):
        offers.withdraw(session, offered.newest(session, reference).id, reason, trail)
    output.say(Text(f"{reference}: trukket tilbage", f"{reference}: withdrawn"))


@click.command("expire")
@BY
def expire(by: str) -> None:
    """Lad de tilbud udløbe, hvis sidste dag er gået. Kan køres hver nat.

    Let offers run out whose last day has passed.
    """
    with service.current().writing(by) as (session, trail):
        expired = offers.expire_due(session, trail)
    for each in expired:
        output.say(Text(f"{each.name}: udløbet", f"{each.name}: run out"))


# --- countersigning


@click.command("countersign")
@click.argument("references", nargs=-1)
@click.option("--digest", help="Kontrolsummen af den viste liste; uden vises listen kun.")
@click.option("--by", "by", required=True, metavar="NAVN", help="Formanden, som registreret med ret for OS2.")
def countersign(references: tuple[str, ...], digest: str | None, by: str) -> None:
    """Kontrasignér de nævnte aftaler, eller alle, der venter. Kun uden for produktion; ellers i browseren.

    Countersign, outside production only.
    """
    surroundings = service.current()
    if surroundings.config.is_production:
        raise NotInProduction(Text("kontrasignér i browseren, med et frisk login",
                                   "countersign in the browser, with a fresh sign-in"))  # fmt: skip
    with surroundings.reading() as session:
        chosen = _chosen(session, references)
    if digest is None:
        output.table([[each.name, each.document.authority.name, each.document.subject.product] for each in chosen])
        output.say(_digest(signing.list_digest(chosen)))
        return
    with attempt(", ".join(references) or "alle", Step.COUNTERSIGNED, by, _DECIDING) as (session, trail):
        signer = _chair(session, by, trail)
        done = signing.countersign(session, [each.id for each in chosen], signer, digest, trail)
    for each in done.done:
        output.say(Text(f"{each.name}: kontrasigneret", f"{each.name}: countersigned"))
    for left, why in done.left_out:
        output.note(Text(f"{left.name}: udeladt: ", f"{left.name}: left out: ") + why)
    _seal(surroundings)


def _seal(surroundings: service.Service) -> None:
    """Seal at once what was countersigned; what cannot be now is tried again by `signing seal`."""
    from app import seals  # late: no other command waits for what makes seals

    output.note(seals.tried(surroundings))


def _chosen(session: Session, references: tuple[str, ...]) -> list[Offer]:
    if not references:
        return offered.to_countersign(session)
    return [offered.newest(session, each) for each in references]


def _chair(session: Session, by: str, trail: Trail) -> Signer:
    """Give the chair as a signer whom no provider has proved: good for trying out, and recorded as such."""
    found = [right for right in rights.who_may(session, None, offered.local_day(trail.at)) if right.person.name == by]
    user_id = next((right.person.user_id for right in found if right.person.user_id), 0)
    return Signer(
        user_id, by, found[0].person.mail if found else "-", "", "kommandolinjen", by, "none", trail.at,
        sha256(""), "", "os2tilslut", output.language(), frozenset({"none"}),
    )  # fmt: skip


# --- the paper route


@click.group("record", help="Aftaler underskrevet på papir eller et andet sted / agreements signed elsewhere.")
def record() -> None:
    """Hold the commands of the paper route."""


@record.command("propose")
@click.argument("file", type=FILE)
@click.argument("pdfs", type=FILE, nargs=-1)
@click.option("--by", "by", required=True, metavar="NAVN", help="Hvem der registrerer.")
def record_propose(file: Path, pdfs: tuple[Path, ...], by: str) -> None:
    """Foreslå aftalerne i en CSV-fil registreret, hver med sin PDF (kolonnen file nævner den); eller i én ZIP af dem.

    Propose the agreements of a CSV file, each with its PDF; or of one ZIP of them.
    """
    papers = _papers(file, pdfs)
    with _acting(by, WORKING) as (session, trail):
        made = paper.propose_all(session, papers.rows, papers.files, trail)
    for each in made:
        output.say(Text(f"forslag {each.id}: {each.subject}", f"proposal {each.id}: {each.subject}"))


def _papers(file: Path, pdfs: tuple[Path, ...]) -> Papers:
    if file.suffix.lower() == ".zip" and not pdfs:
        with incoming.opened(file, paper_archives.LARGEST_ARCHIVE) as archive:
            return paper_archives.read(incoming.name_of(file), archive)
    rows = csv_files.read(file, csv_files.PAPER)
    return Papers(rows, {incoming.name_of(pdf): _bytes(pdf) for pdf in pdfs})


def _bytes(pdf: Path) -> bytes:
    with incoming.opened(pdf, LARGEST) as file:
        return file.read()


@record.command("list")
def record_list() -> None:
    """Vis de foreslåede registreringer, der venter på en anden, og listens kontrolsum.

    List the proposed recordings that wait for another person, and the list's digest.
    """
    with service.current().reading() as session:
        waiting = proposals.open(session, "recorded_agreement")[::-1]
    facts = [(each, paper.proposed(each)[0]) for each in waiting]
    output.table(
        [[f"{each.id}", said.cvr, said.product, f"{said.signed_on}", each.proposed_by] for each, said in facts]
    )
    output.say(_digest(paper.list_digest(waiting)))


def _digest(digest: str) -> Text:
    return Text(f"kontrolsum {digest}", f"digest {digest}")


@record.command("approve")
@click.argument("numbers", type=int, nargs=-1, required=True)
@click.option("--digest", help="Kontrolsummen af den viste liste; så godkendes intet andet end den.")
@click.option("--by", "by", required=True, metavar="NAVN", help="Hvem der godkender; en anden end den, der foreslog.")
def record_approve(numbers: tuple[int, ...], digest: str | None, by: str) -> None:
    """Godkend foreslåede registreringer, alle eller ingen.

    Approve proposed recordings, all or none.
    """
    with attempt(", ".join(map(str, numbers)), Step.RECORDED, by, _DECIDING) as (session, trail):
        made = paper.approve_every(session, numbers, digest, trail)
    for number, agreement_id in made.items():
        output.say(Text(f"forslag {number}: registreret som aftale {agreement_id}",
                        f"proposal {number}: recorded as agreement {agreement_id}"))  # fmt: skip


@record.command("reject")
@click.argument("number", type=int)
@REASON
@click.option("--by", "by", required=True, metavar="NAVN", help="Hvem der afviser.")
def record_reject(number: int, reason: str, by: str) -> None:
    """Afvis en foreslået registrering, med en grund; den bliver stående i historien.

    Reject a proposed recording; it stays in the history.
    """
    with attempt(str(number), Step.RECORDED, by, _DECIDING) as (session, trail):
        proposals.decide(session, number, "rejected", trail, reason)
    output.say(Text(f"forslag {number}: afvist", f"proposal {number}: rejected"))


# --- who may sign


@click.group("rights", help="Hvem der må underskrive / who may sign.")
def rights_() -> None:
    """Hold the commands on rights to sign."""


@rights_.command("list")
@click.option("--cvr", help="Myndighedens CVR-nummer; uden er det OS2's egne.")
def rights_list(cvr: str | None) -> None:
    """Vis alle rettigheder, der er givet, nyeste først.

    List the rights to sign, newest first.
    """
    with service.current().reading() as session:
        found = rights.register(session, _of(session, cvr))
    output.table([[f"{each.id}", each.text, each.person.mail, each.basis, f"{each.from_on}", f"{each.until_on or ''}",
                   each.vouched_by] for each in found])  # fmt: skip


@rights_.command("give")
@click.argument("name")
@click.argument("title")
@click.argument("mail")
@click.option("--cvr", help="Myndighedens CVR-nummer; uden er det retten til at kontrasignere for OS2.")
@click.option("--user", "user_id", type=click.IntRange(min=1), help="Personens nummer fra users list.")
@click.option("--from", "from_on", required=True, type=DAY, metavar="DAG", help="Den første dag.")
@click.option("--until", "until_on", type=DAY, metavar="DAG", help="Den sidste dag, hvis den kendes.")
@click.option("--delegation", type=FILE, help="Bemyndigelsen som PDF; uden er grundlaget stillingen.")
@BY
def rights_give(name: str, title: str, mail: str, by: str, **given: Any) -> None:
    """Giv nogen ret til at underskrive; den, der gør det, indestår for det.

    Give somebody the right to sign.
    """
    pdf: Path | None = given["delegation"]
    document = None if pdf is None else (incoming.name_of(pdf), _bytes(pdf))
    until_on = given["until_on"] and given["until_on"].date()
    ground = rights.Ground("delegation" if document else "position", given["from_on"].date(), until_on, document)
    person = rights.Person(name, mail, title, given["user_id"])
    with _acting(by, WORKING) as (session, trail):
        made = rights.give(session, _of(session, given["cvr"]), person, ground, trail)
    output.say(Text(f"ret {made.id}: {made.text}", f"right {made.id}: {made.text}"))


@rights_.command("end")
@click.argument("number", type=int)
@click.option("--cvr", help="Myndighedens CVR-nummer; uden er det OS2's egne.")
@click.option("--until", "until_on", required=True, type=DAY, metavar="DAG", help="Den sidste dag.")
@BY
def rights_end(number: int, cvr: str | None, until_on: datetime, by: str) -> None:
    """Lad en ret ophøre; det, der er underskrevet, står.

    End a right to sign.
    """
    with _acting(by, WORKING) as (session, trail):
        ended = rights.end(session, number, _of(session, cvr), until_on.date(), trail)
    output.say(Text(f"ret {number}: ophører med {ended.until_on}", f"right {number}: ends with {ended.until_on}"))


def _of(session: Session, cvr: str | None) -> int | None:
    return None if cvr is None else authority_id(session, cvr)


# --- acting


@contextmanager
def _acting(by: str, roles: tuple[Role, ...]) -> Iterator[tuple[Session, Trail]]:
    """Open a transaction by somebody with one of the roles, or by the command line itself."""
    surroundings = service.current()
    with surroundings.writing() as (session, trail):
        trail.actor = by if by == service.COMMAND_LINE else surroundings.person(session, by, roles)
        yield session, trail


@contextmanager
def attempt(about: str, step: Step, by: str, roles: tuple[Role, ...]) -> Iterator[tuple[Session, Trail]]:
    """Open the same, so that a refusal is recorded."""
    with offering.attempting(lambda: _acting(by, roles), about, step) as (session, trail):
        yield session, trail


#: What the group `agreement` takes in.
COMMANDS = (list_, show, evidence_, offer, withdraw, expire, countersign, record, rights_)
