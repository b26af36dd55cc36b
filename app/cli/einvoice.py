"""The gate of e-invoices: the official rules as installed, and what they say about files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from app.adapters import incoming
from app.cli import billing, output, service
from billing.gathering import Book
from foundation import wording
from foundation.language import Text, day, joined, same

if TYPE_CHECKING:
    from billing.einvoice.reading import Claim
    from billing.einvoice.rule_packs import Failure, RulePack, Status

_KINDS: Mapping[str, Text] = {
    "invoice": Text("faktura", "invoice"),
    "credit_note": Text("kreditnota", "credit note"),
    "reminder": Text("rykker", "reminder"),
}


@click.group(help="E-fakturaers officielle regler / the official rules of e-invoices.")
def command() -> None:
    """Hold the commands on e-invoices."""


@command.group("rules", help="Regelpakker: installér, se hvad der er / rule packs: install, see what is there.")
def rules() -> None:
    """Hold the commands on rule packs."""


# --- rules install


@rules.command("install")
@click.argument("sources", nargs=-1, required=True, metavar="ZIP|MAPPE…",
                type=click.Path(exists=True, readable=False, path_type=Path))  # fmt: skip
@click.option("--version", "version", default="", metavar="V", help="Peppols version, hvor navnet ikke siger den.")
def install(sources: tuple[Path, ...], version: str) -> None:
    """Installér regler, som udgiverne giver dem: OASIS' UBL 2.1, CEN og OpenPeppol, Erhvervsstyrelsens OIOUBL.

    Install rules as their publishers give them; whole or not at all.
    """
    from app.adapters import rule_archives
    from billing.einvoice import rule_install

    surroundings = service.current()
    place = surroundings.config.rules_dir
    read = [rule_archives.read(source) for source in sources]
    installed = rule_install.install(place, read, at=surroundings.now, version=version)
    for folder in installed:
        name, count = folder.folder, folder.files
        output.say(
            Text(f"{name}: installeret, {count} filer", f"{name}: installed, {count} files")
            if folder.is_new
            else Text(f"{name}: stod der allerede", f"{name}: stood there already")
        )
    found_now = _statuses(place)
    for found in found_now:
        _note_older(found, {folder.folder for folder in installed})
    for found in found_now:
        _show_status(found)


def _note_older(found: Status, installed: Set[str]) -> None:
    """Say that what was installed is older than what counts."""
    from billing.einvoice.rule_packs import PREFIX

    prefix = PREFIX[found.format]
    own = {folder for folder in installed if folder.startswith(prefix)}
    if own and prefix + found.version not in own:
        counts = Text(f"{found.version} er nyere og gælder fortsat", f"{found.version} is newer and still counts")
        output.note(same(f"{prefix.rstrip('-')}: ") + counts)


# --- rules status


@rules.command("status")
@click.option("--json", "as_json", is_flag=True, help="Ét JSON-dokument på standard output.")
def status(as_json: bool) -> int:
    """Hvilke regler er installeret, hvor gamle, hvad de dækker, og hvad der mangler. Afslutter med 3, hvor noget gør.

    Which rules are installed, how old, what they cover, what is missing; exit code 3 where something is.
    """
    surroundings = service.current()
    found = _statuses(surroundings.config.rules_dir)
    if as_json:
        now = surroundings.now
        output.say_json(
            {"rules_dir": str(surroundings.config.rules_dir),
             "packs": [_status_json(one) | {"days_old": one.age(now)} for one in found]}
        )  # fmt: skip
    else:
        output.say(same(wording.legible(str(surroundings.config.rules_dir)) + ":"))
        for one in found:
            _show_status(one)
    return 0 if all(one.ok for one in found) else 3


def _statuses(directory: Path) -> list[Status]:
    from billing.einvoice import reading, rule_packs

    return [rule_packs.status(directory, format_) for format_ in reading.FORMATS]


def _status_json(found: Status) -> dict[str, Any]:
    return {
        "format": found.format,
        "ok": found.ok,
        "version": found.version or None,
        "sha256": found.sha256 or None,
        "installed_at": found.installed_at.isoformat() if found.installed_at else None,
        "covers": list(found.covers),
        "missing": list(found.missing),
        "changed": list(found.changed),
        "files": found.files,
    }


def _show_status(found: Status) -> None:
    named = f"{found.format} {found.version or '–'}"
    if found.ok:
        covered = joined([_KINDS[kind] for kind in found.covers], by=", ")
        output.say(same(named) + _since(found) + same(": ") + covered)
        output.say(f"  SHA-256 {found.sha256}")
        return
    output.say(Text(f"{named}: kan ikke bruges", f"{named}: cannot be used"))
    for path in found.missing:
        output.say(Text(f"  mangler {path}", f"  missing {path}"))
    for path in found.changed:
        output.say(Text(f"  ændret siden installationen: {path}", f"  changed since it was installed: {path}"))


def _since(found: Status) -> Text:
    """Tell since when a pack is there, and how many days that is."""
    days = found.age(service.current().now)
    if found.installed_at is None or days is None:
        return same("")
    since, old = day(found.installed_at.date()), Text(f"{days} dage", f"{days} days")
    if days <= 1:
        old = Text("1 dag", "1 day") if days else Text("i dag", "today")
    return Text(f" (fra {since.da}, {old.da})", f" (of {since.en}, {old.en})")


# --- validate


@command.command("validate")
@click.argument("year", type=billing.YEAR)
@click.option("--rehearsal", is_flag=True, help="Prøvekørslens dokumenter.")
def validate(year: int, rehearsal: bool) -> int:
    """Efterprøv et års dokumenter mod de installerede regler; kun dem, der ikke er bedømt af netop dem.

    Validate a year's documents; exit code 0 all valid, 1 where one breaks a rule, 3 where one waits for rules.
    """
    surroundings = service.current()
    book: Book = "rehearsal" if rehearsal else "real"
    billing.render_all(surroundings, year, book)
    outcomes = billing.validate_all(surroundings, year, book)
    return 1 if False in outcomes else 3 if None in outcomes else 0


# --- check


@dataclass(frozen=True, slots=True)
class _Checked:
    """What the rules say of one file; `failures` is None where there are no rules to ask."""

    file: str
    claim: Claim | None
    pack: RulePack | None
    failures: Sequence[Failure] | None
    reason: Text | None = None

    @property
    def outcome(self) -> int:
        """Give the exit code this file alone would have."""
        from billing.einvoice import rule_packs

        if self.failures is None:
            return 3
        return 0 if rule_packs.is_valid(self.failures) else 1


@command.command("check")
@click.argument("files", nargs=-1, required=True, metavar="FIL…",
                type=click.Path(exists=True, readable=False, path_type=Path))  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Ét JSON-dokument på standard output.")
def check(files: tuple[Path, ...], as_json: bool) -> int:
    """Hold e-fakturaer op mod de officielle regler, vores eller andres: regel, sted og besked for hver fejl.

    Hold e-invoices against the official rules; exit code 1 where one breaks them, 3 where there are no rules.
    """
    directory = service.current().config.rules_dir
    checked = [_check(file, directory) for file in files]
    if as_json:
        output.say_json({"files": [_checked_json(one) for one in checked]})
    else:
        for one in checked:
            _show_checked(one)
    codes = {one.outcome for one in checked}
    return 1 if 1 in codes else max(codes)


def _check(file: Path, directory: Path) -> _Checked:
    from billing.einvoice import reading, rule_packs
    from billing.einvoice.rule_packs import Failure

    name = incoming.name_of(file)
    with incoming.opened(file, reading.LARGEST) as stream:
        xml = stream.read(reading.LARGEST + 1)
    try:
        claim = reading.claim(reading.read(xml))
    except reading.Unreadable as fault:
        return _Checked(name, None, None, [Failure("xml", "fatal", fault.code, "", str(fault))])
    if claim is None:
        text = "This is no invoice, credit note or reminder of Peppol BIS Billing 3.0 or OIOUBL 2.1."
        return _Checked(name, None, None, [Failure("xml", "fatal", "FORMAT", "/", text)])
    pack = rule_packs.find(directory, claim.format)
    if pack is None:
        return _Checked(name, claim, None, None, rule_packs.why_none(directory, claim.format))
    return _Checked(name, claim, pack, pack.validate(xml))


def _checked_json(checked: _Checked) -> dict[str, Any]:
    claim, pack = checked.claim, checked.pack
    return {
        "file": checked.file,
        "format": claim.format if claim else None,
        "kind": claim.kind if claim else None,
        "pack": {"name": pack.name, "version": pack.version, "sha256": pack.sha256} if pack else None,
        "valid": None if checked.failures is None else checked.outcome == 0,
        "reason": checked.reason[output.language()] if checked.reason else None,
        "failures": [
            {"layer": one.layer, "flag": one.flag, "rule": one.id, "place": one.location, "message": one.text}
            for one in checked.failures or ()
        ],
    }


def _show_checked(checked: _Checked) -> None:
    what = same("")
    if checked.claim:
        kind = _KINDS[checked.claim.kind]
        what = Text(f" ({checked.claim.format}, {kind.da})", f" ({checked.claim.format}, {kind.en})")
    verdicts = {
        0: Text("består reglerne", "passes the rules"),
        1: Text("består ikke reglerne", "does not pass the rules"),
        3: Text("kan ikke bedømmes: ", "cannot be judged: ") + (checked.reason or same("")),
    }
    output.say(same(checked.file) + what + same(": ") + verdicts[checked.outcome])
    for one in checked.failures or ():
        output.say(f"  {one.flag} {one.id or one.layer}, {_printable(one.location) or '–'}: {_printable(one.text)}")


def _printable(text: str) -> str:
    """Give a foreign text so that it cannot disturb a terminal."""
    return "".join(letter if letter.isprintable() else "?" for letter in text)
