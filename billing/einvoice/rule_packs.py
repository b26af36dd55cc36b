"""The official rules of e-invoices, where an operator has installed them, and what they say about a document.

The product ships none of them. A pack is the UBL schemas and a folder of compiled Schematron, laid out as
docs/operations.md tells. It is only read, compiled once in a process, and named with its version and SHA-256 beside
whatever was validated with it. A pack that is not whole, or not as it was installed, is no pack.

One document at a time is judged in a process. Saxon brings a virtual machine that need not survive a fork:
start worker processes first, validate in them.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from threading import Lock
from typing import Any, Literal

from lxml import etree

from billing.einvoice import reading
from billing.einvoice.reading import DOCUMENTS, Claim, Kind, Unreadable
from foundation.errors import NotNow
from foundation.language import Text

Format = reading.Format
Layer = Literal["xml", "xsd", "cen", "peppol", "oioubl"]

SCHEMAS = "ubl-2.1"
MANIFEST = "manifest.json"

#: How the folders of a format's packs begin; the version follows.
PREFIX: dict[Format, str] = {"peppol": "peppol-bis-billing-", "oioubl": "oioubl-2.1-"}

#: The kinds a format has documents of.
KINDS: dict[Format, tuple[Kind, ...]] = {
    "peppol": ("invoice", "credit_note"),
    "oioubl": ("invoice", "credit_note", "reminder"),
}

_SVRL = "{http://purl.oclc.org/dsdl/svrl}"
_one_at_a_time = Lock()


class BrokenPack(NotNow):
    """The installed rules cannot be used, so nothing can be validated with them."""

    def __init__(self, directory: Path, reason: object) -> None:
        text = Text(
            f"Regelpakken {directory.name} kan ikke bruges: {reason}. Installér den igen.",
            f"The rule pack {directory.name} cannot be used: {reason}. Install it again.",
        )
        super().__init__(text)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Failure:
    """One official rule that a document breaks. `fatal` refuses it, `warning` does not."""

    layer: Layer
    flag: str
    id: str
    location: str
    text: str


@dataclass(frozen=True, slots=True)
class RulePack:
    """A rule pack as found. `sha256` covers every file it validates with, names and contents."""

    name: str
    version: str
    directory: Path
    sha256: str

    @property
    def format(self) -> Format:
        """Give the format it judges."""
        return "oioubl" if self.name == PREFIX["oioubl"].rstrip("-") else "peppol"

    def validate(self, xml: bytes) -> list[Failure]:
        """Give every rule the document breaks, in the order schema, then Schematron; a valid one gives none.

        Stops at the first layer that leaves the next one nothing to judge: unreadable XML, or the schema.
        Raises BrokenPack where the pack itself cannot be used.
        """
        with _one_at_a_time:
            return _validate(self, xml)

    def covers(self, claim: Claim) -> bool:
        """Tell whether it judges such documents."""
        return claim.format == self.format and claim.kind in KINDS[self.format]


def is_valid(failures: Sequence[Failure]) -> bool:
    """Tell whether a document with these failures may be sent: warnings do not hold it back."""
    return all(failure.flag == "warning" for failure in failures)


# --- finding ----------------------------------------------------------------------------------------------------


def find(directory: Path, format: Format = "peppol") -> RulePack | None:
    """Give a format's newest pack in a directory; None where there is none that can be relied on (see `why_none`)."""
    folder = newest(directory, format)
    if folder is None or missing(directory, format) or changed(directory, format):
        return None
    prefix = PREFIX[format]
    return RulePack(
        prefix.rstrip("-"), folder.name.removeprefix(prefix), folder, _digest(directory, wanted(directory, format))
    )


def why_none(directory: Path, format: Format) -> Text:
    """Say why a format has no pack in a directory."""
    lacking, differing = missing(directory, format), changed(directory, format)
    name = PREFIX[format].rstrip("-")
    if lacking:
        return Text(
            f"regelpakken {name} mangler ({lacking[0]}); hent den hos udgiveren, og kør einvoice rules install",
            f"the rule pack {name} is missing ({lacking[0]}); get it from its publisher, run einvoice rules install",
        )
    return Text(
        f"regelpakken {name} er ændret, siden den blev installeret ({', '.join(differing)}); installér den igen",
        f"the rule pack {name} was changed since it was installed ({', '.join(differing)}); install it again",
    )


def missing(directory: Path, format: Format = "peppol", *, kind: Kind | None = None) -> list[str]:
    """Name what a whole pack of a format, or of one kind of it, still lacks in a directory, as paths inside it."""
    paths = wanted(directory, format, kind=kind)
    return [path.relative_to(directory).as_posix() for path in paths if not path.is_file()]


def changed(directory: Path, format: Format) -> list[str]:
    """Name the files of a format's newest pack that are not as they were installed; a bare folder has no memory."""
    folders = [directory / SCHEMAS, newest(directory, format)]
    return [f"{folder.name}/{name}" for folder in folders if folder is not None for name in _changed_in(folder)]


def _changed_in(folder: Path) -> Iterator[str]:
    try:
        installed = manifest(folder)
    except BrokenPack:
        yield MANIFEST
        return
    if installed is None:
        return
    for name, digest in installed["files"].items():
        file = folder / name
        if not file.is_file() or hashlib.sha256(file.read_bytes()).hexdigest() != digest:
            yield name
    for file in sorted(folder.rglob("*.xs*")):
        if file.relative_to(folder).as_posix() not in installed["files"]:
            yield file.relative_to(folder).as_posix()


def manifest(folder: Path) -> dict[str, Any] | None:
    """Give what the installation noted of a folder; None where it was put there by hand. Raises BrokenPack."""
    file = folder / MANIFEST
    if not file.is_file():
        return None
    try:
        found: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
        datetime.fromisoformat(found["installed_at"])
        return {**found, "files": {str(name): str(digest) for name, digest in found["files"].items()}}
    except (ValueError, LookupError, TypeError, AttributeError) as fault:
        raise BrokenPack(folder, f"{MANIFEST}: {type(fault).__name__}") from fault


def newest(directory: Path, format: Format) -> Path | None:
    """Give the folder of a format's newest version, whole or not."""
    found = [path for path in directory.glob(f"{PREFIX[format]}*") if path.is_dir()]
    return max(found, key=_version_order, default=None)


def _version_order(folder: Path) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", folder.name)]


def wanted(directory: Path, format: Format, *, kind: Kind | None = None) -> list[Path]:
    """Give the files a whole pack of a format has, or those that one kind of document needs."""
    folder = newest(directory, format) or directory / f"{PREFIX[format]}…"
    kinds = KINDS[format] if kind is None else (kind,)
    schemas = [schema_path(directory, one) for one in kinds]
    sheets = [folder / path for one in kinds for path in stylesheets(Claim(format, one)).values()]
    return list(dict.fromkeys([*schemas, *sheets]))


def schema_path(directory: Path, kind: Kind) -> Path:
    """Give where a kind's schema lies."""
    return directory / SCHEMAS / "maindoc" / f"UBL-{DOCUMENTS[kind]}-2.1.xsd"


def stylesheets(claim: Claim) -> dict[Layer, str]:
    """Give the compiled Schematron that judges such a document, in order, as paths inside its pack."""
    if claim.format == "oioubl":
        return {"oioubl": f"xslt/OIOUBL_{DOCUMENTS[claim.kind]}_Schematron.xsl"}
    return {"cen": "xslt/CEN-EN16931-UBL.xslt", "peppol": "xslt/PEPPOL-EN16931-UBL.xslt"}


def _digest(directory: Path, sheets: list[Path]) -> str:
    files = {*(directory / SCHEMAS).rglob("*.xsd"), *sheets}
    whole = hashlib.sha256()
    for name, path in sorted((path.relative_to(directory).as_posix(), path) for path in files):
        whole.update(f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {name}\n".encode())
    return whole.hexdigest()


# --- what is installed ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Status:
    """What there is of a format's rules: which pack, since when, what it covers, and why it does not count."""

    format: Format
    version: str
    sha256: str
    installed_at: datetime | None
    covers: tuple[Kind, ...]
    missing: tuple[str, ...]
    changed: tuple[str, ...]
    files: dict[str, str]

    @property
    def ok(self) -> bool:
        """Tell whether documents of the format can be validated."""
        return not (self.missing or self.changed)

    def age(self, at: datetime) -> int | None:
        """Give for how many days it has been there."""
        return None if self.installed_at is None else max(0, (at - self.installed_at).days)


def status(directory: Path, format: Format) -> Status:
    """Give what there is of a format's rules in a directory."""
    folder, pack = newest(directory, format), find(directory, format)
    present = [path for path in wanted(directory, format) if path.is_file()]
    return Status(
        format=format,
        version="" if folder is None else folder.name.removeprefix(PREFIX[format]),
        sha256="" if pack is None else pack.sha256,
        installed_at=None if folder is None else _installed_at(folder),
        covers=tuple(kind for kind in KINDS[format] if not missing(directory, format, kind=kind)),
        missing=tuple(missing(directory, format)),
        changed=tuple(changed(directory, format)),
        files={
            path.relative_to(directory).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in present
        },
    )


def _installed_at(folder: Path) -> datetime | None:
    """Give when a pack was installed; one put there by hand is as old as its newest file."""
    try:
        installed = manifest(folder)
    except BrokenPack:
        return None
    if installed is not None:
        return datetime.fromisoformat(installed["installed_at"])
    times = [file.stat().st_mtime_ns for file in folder.rglob("*") if file.is_file()]
    return datetime.fromtimestamp(max(times) // 10**9, UTC) if times else None


# --- compiled once ----------------------------------------------------------------------------------------------


@lru_cache(maxsize=1)
def _saxon() -> Any:
    # Imported late: a process that validates nothing can do without the virtual machine it starts.
    from saxonche import PySaxonProcessor

    return PySaxonProcessor(license=False)


def compile_schema(file: Path) -> etree.XMLSchema:
    """Compile a UBL schema with those it names. Raises BrokenPack."""
    try:
        return etree.XMLSchema(etree.parse(str(file), reading.parser()))
    except (OSError, etree.LxmlError) as fault:
        raise BrokenPack(file.parent, fault) from fault


def compile_stylesheet(file: Path) -> Any:
    """Compile a Schematron stylesheet. Raises BrokenPack."""
    from saxonche import PySaxonApiError

    try:
        return _saxon().new_xslt30_processor().compile_stylesheet(stylesheet_file=str(file))
    except PySaxonApiError as fault:
        raise BrokenPack(file.parent, fault) from fault


@lru_cache(maxsize=8)
def _schema(pack: RulePack, kind: Kind) -> etree.XMLSchema:
    return compile_schema(schema_path(pack.directory.parent, kind))


@lru_cache(maxsize=8)
def _schematron(pack: RulePack, path: str) -> Any:
    return compile_stylesheet(pack.directory / path)


# --- judging a document -----------------------------------------------------------------------------------------


def _validate(pack: RulePack, xml: bytes) -> list[Failure]:
    try:
        root = reading.read(xml)
    except Unreadable as fault:
        return [_fatal("xml", fault.code, "", str(fault))]
    _, name = reading.split_name(root)
    kind = next((kind for kind in KINDS[pack.format] if DOCUMENTS[kind] == name), None)
    if kind is None:
        return [_fatal("xml", "ROOT", "/", f"{root.tag} is none of the documents that {pack.name} judges.")]
    return _by_schema(_schema(pack, kind), root) or list(_by_schematron(pack, Claim(pack.format, kind), root))


def _by_schema(schema: etree.XMLSchema, root: etree._Element) -> list[Failure]:
    schema.validate(root)
    faults: Any = schema.error_log  # of this document only
    return [_fatal("xsd", fault.type_name, f"line {fault.line}", fault.message) for fault in faults]


def _by_schematron(pack: RulePack, claim: Claim, root: etree._Element) -> Iterator[Failure]:
    from saxonche import PySaxonApiError

    rules = {layer: _schematron(pack, path) for layer, path in stylesheets(claim).items()}
    # Saxon gets what lxml has read, not the original: it would follow entities of its own accord.
    node = _saxon().parse_xml(xml_text=etree.tostring(root, encoding="unicode"))
    for layer, sheet in rules.items():
        try:
            report = sheet.transform_to_string(xdm_node=node)
        except PySaxonApiError as fault:  # a value that a rule cannot even compare
            yield _fatal(layer, "XSLT", "/", str(fault))
            continue
        yield from _failed(pack, layer, report)


def _failed(pack: RulePack, layer: Layer, report: str | None) -> Iterator[Failure]:
    """Read a report: CEN and Peppol write SVRL, OIOUBL writes Error and Warning elements."""
    try:
        root = etree.fromstring((report or "").encode(), etree.XMLParser(huge_tree=True, resolve_entities=False))
    except etree.XMLSyntaxError as fault:
        raise BrokenPack(pack.directory, f"{layer}: {fault}") from fault
    if root.tag == f"{_SVRL}schematron-output":
        yield from _failed_in_svrl(layer, root)
    elif root.tag == "Schematron" and root.find("Information") is not None:
        yield from _failed_in_oioubl(layer, root)
    else:
        raise BrokenPack(pack.directory, f"{layer}: {root.tag}")  # rules that judged nothing passed nothing


def _failed_in_svrl(layer: Layer, report: etree._Element) -> Iterator[Failure]:
    for failed in report.iter(f"{_SVRL}failed-assert", f"{_SVRL}successful-report"):
        text = " ".join((failed.findtext(f"{_SVRL}text") or "").split())
        location = _readable(failed.get("location") or "")
        yield Failure(layer, failed.get("flag") or "fatal", failed.get("id") or "", location, text)


def _failed_in_oioubl(layer: Layer, report: etree._Element) -> Iterator[Failure]:
    """Read what OIOUBL's rules write: elements of their own, the rule's number in brackets before the words.

    Every element is an Error; that a rule only warns shows in its number, which begins with W.
    """
    for failed in report.iter("Error", "Warning"):
        text = " ".join((failed.findtext("Description") or "").split())
        rule = re.match(r"\[([^\]]+)\]", text)
        id = rule[1] if rule else ""
        flag = "warning" if failed.tag == "Warning" or id.startswith("W-") else "fatal"
        yield Failure(layer, flag, id, failed.findtext("Xpath") or "", text)


def _readable(location: str) -> str:
    """Shorten Schematron's /*:Invoice[namespace-uri()='…'][1] to /Invoice[1]."""
    return re.sub(r"\*:|\[namespace-uri\(\)='[^']*'\]", "", location)


def _fatal(layer: Layer, id: str, location: str, text: str) -> Failure:
    return Failure(layer, "fatal", id, location, text)
