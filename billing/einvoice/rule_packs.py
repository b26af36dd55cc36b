"""The official rules of e-invoices, where an operator has installed them, and what they say about a document.

The product ships none of them. A pack is a folder: the UBL schemas and the compiled Schematron of CEN and
Peppol, or of OIOUBL, laid out as their publishers give them. It is only read, compiled once in a process, and
named with its version and SHA-256 beside whatever was validated with it.

One document at a time is judged in a process. Saxon brings a virtual machine that need not survive a fork:
start worker processes first, validate in them.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from threading import Lock
from typing import Any, Literal

from lxml import etree

from foundation.errors import NotNow
from foundation.language import Text

Format = Literal["peppol", "oioubl"]
Layer = Literal["xml", "xsd", "cen", "peppol", "oioubl"]

_SCHEMAS = "ubl-2.1"

#: How the folders of a format's packs begin; the version follows.
_PREFIX: dict[Format, str] = {"peppol": "peppol-bis-billing-", "oioubl": "oioubl-2.1-"}
_MAIN_DOCUMENTS: dict[Format, tuple[str, ...]] = {
    "peppol": ("Invoice", "CreditNote"),
    "oioubl": ("Invoice", "CreditNote", "Reminder"),
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
        return "oioubl" if self.name == _PREFIX["oioubl"].rstrip("-") else "peppol"

    def validate(self, xml: bytes) -> list[Failure]:
        """Give every rule the document breaks, in the order schema, then Schematron; a valid one gives none.

        Stops at the first layer that leaves the next one nothing to judge: unreadable XML, or the schema.
        Raises BrokenPack where the pack itself cannot be used.
        """
        with _one_at_a_time:
            return _validate(_compiled(self), self.format, xml)


def find(directory: Path, format: Format = "peppol") -> RulePack | None:
    """Give a format's newest pack in a directory; None where there is none, or not all of it (see `missing`)."""
    folder = _newest(directory, format)
    if folder is None or missing(directory, format):
        return None
    prefix = _PREFIX[format]
    return RulePack(prefix.rstrip("-"), folder.name.removeprefix(prefix), folder, _digest(directory, folder, format))


def missing(directory: Path, format: Format = "peppol") -> list[str]:
    """Name what a whole pack of a format still lacks in a directory, as paths inside it."""
    folder = _newest(directory, format) or directory / f"{_PREFIX[format]}…"
    wanted = [*_schema_paths(directory, format).values(), *(folder / path for path in _all_stylesheets(format))]
    return [path.relative_to(directory).as_posix() for path in wanted if not path.is_file()]


def _stylesheets(format: Format, root: str) -> dict[Layer, str]:
    """Give the compiled Schematron that judges such a document, in order, as paths inside its pack."""
    if format == "oioubl":
        return {"oioubl": f"xslt/OIOUBL_{root}_Schematron.xsl"}
    return {"cen": "xslt/CEN-EN16931-UBL.xslt", "peppol": "xslt/PEPPOL-EN16931-UBL.xslt"}


def _all_stylesheets(format: Format) -> list[str]:
    each = [path for root in _MAIN_DOCUMENTS[format] for path in _stylesheets(format, root).values()]
    return list(dict.fromkeys(each))


def _newest(directory: Path, format: Format) -> Path | None:
    found = [path for path in directory.glob(f"{_PREFIX[format]}*") if path.is_dir()]
    return max(found, key=_version_order, default=None)


def _version_order(folder: Path) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", folder.name)]


def _schema_paths(directory: Path, format: Format) -> dict[str, Path]:
    main = directory / _SCHEMAS / "maindoc"
    return {name: main / f"UBL-{name}-2.1.xsd" for name in _MAIN_DOCUMENTS[format]}


def _digest(directory: Path, folder: Path, format: Format) -> str:
    files = [*(directory / _SCHEMAS).rglob("*.xsd"), *(folder / path for path in _all_stylesheets(format))]
    whole = hashlib.sha256()
    for name, path in sorted((path.relative_to(directory).as_posix(), path) for path in files):
        whole.update(f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {name}\n".encode())
    return whole.hexdigest()


# --- compiled once ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Compiled:
    schemas: dict[str, etree.XMLSchema]
    saxon: Any
    schematron: dict[str, Any]


@lru_cache(maxsize=4)
def _compiled(pack: RulePack) -> _Compiled:
    # Imported late: a process that validates nothing can do without the virtual machine it starts.
    from saxonche import PySaxonApiError, PySaxonProcessor

    saxon = PySaxonProcessor(license=False)
    compiler = saxon.new_xslt30_processor()
    paths = _schema_paths(pack.directory.parent, pack.format)
    try:
        schemas = {name: _schema(path) for name, path in paths.items()}
        schematron = {
            path: compiler.compile_stylesheet(stylesheet_file=str(pack.directory / path))
            for path in _all_stylesheets(pack.format)
        }
    except (OSError, etree.LxmlError, PySaxonApiError) as fault:
        raise BrokenPack(pack.directory, fault) from fault
    return _Compiled(schemas, saxon, schematron)


def _schema(path: Path) -> etree.XMLSchema:
    return etree.XMLSchema(etree.parse(str(path), _parser()))


def _parser() -> etree.XMLParser:
    # A document comes from outside: it may name no file and no address for us to read.
    return etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)


# --- judging a document -----------------------------------------------------------------------------------------


def _validate(compiled: _Compiled, format: Format, xml: bytes) -> list[Failure]:
    try:
        root = etree.fromstring(xml, _parser())
    except etree.XMLSyntaxError as fault:
        return [_fatal("xml", "XML", "", str(fault))]
    return (
        _outside_the_rules(format, root) or _by_schema(compiled, root) or list(_by_schematron(compiled, format, root))
    )


def _outside_the_rules(format: Format, root: etree._Element) -> list[Failure]:
    if root.getroottree().docinfo.internalDTD is not None:
        return [_fatal("xml", "DOCTYPE", "/", "An e-invoice declares no document type.")]
    if etree.QName(root).localname not in _MAIN_DOCUMENTS[format]:
        return [_fatal("xml", "ROOT", "/", f"{root.tag} is none of the documents that {format} rules judge.")]
    return []


def _by_schema(compiled: _Compiled, root: etree._Element) -> list[Failure]:
    schema = compiled.schemas[etree.QName(root).localname]
    schema.validate(root)
    faults: Any = schema.error_log  # of this document only
    return [_fatal("xsd", fault.type_name, f"line {fault.line}", fault.message) for fault in faults]


def _by_schematron(compiled: _Compiled, format: Format, root: etree._Element) -> Iterator[Failure]:
    # Saxon gets what lxml has read, not the original: it would follow entities of its own accord.
    node = compiled.saxon.parse_xml(xml_text=etree.tostring(root, encoding="unicode"))
    for layer, path in _stylesheets(format, etree.QName(root).localname).items():
        report = etree.fromstring(compiled.schematron[path].transform_to_string(xdm_node=node).encode(), _parser())
        yield from _failed_in_oioubl(report) if layer == "oioubl" else _failed(layer, report)


def _failed(layer: Layer, report: etree._Element) -> Iterator[Failure]:
    for failed in report.iter(f"{_SVRL}failed-assert"):
        text = " ".join((failed.findtext(f"{_SVRL}text") or "").split())
        location = _readable(failed.get("location") or "")
        yield Failure(layer, failed.get("flag") or "fatal", failed.get("id") or "", location, text)


def _failed_in_oioubl(report: etree._Element) -> Iterator[Failure]:
    """Read what OIOUBL's rules write: elements of their own, the rule's number in brackets before the words.

    Every element is an Error; that a rule only warns shows in its number, which begins with W.
    """
    for failed in report.iter("Error", "Warning"):
        text = " ".join((failed.findtext("Description") or "").split())
        rule = re.match(r"\[([^\]]+)\]", text)
        id = rule[1] if rule else ""
        flag = "warning" if failed.tag == "Warning" or id.startswith("W-") else "fatal"
        yield Failure("oioubl", flag, id, failed.findtext("Xpath") or "", text)


def _readable(location: str) -> str:
    """Shorten Schematron's /*:Invoice[namespace-uri()='…'][1] to /Invoice[1]."""
    return re.sub(r"\*:|\[namespace-uri\(\)='[^']*'\]", "", location)


def _fatal(layer: Layer, id: str, location: str, text: str) -> Failure:
    return Failure(layer, "fatal", id, location, text)
