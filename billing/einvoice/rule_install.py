"""Laying rules out as a pack: what publishers give is recognised by its content, tried, and put in its place.

Whole or not at all: everything is written and compiled beside its place first, and moved there at the end. Every
folder gets a manifest with its version, where it came from, and the SHA-256 of each file.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import re
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path, PurePosixPath

from lxml import etree

from billing.einvoice import reading, rule_packs
from billing.einvoice.reading import DOCUMENTS
from billing.einvoice.rule_packs import MANIFEST, PREFIX, SCHEMAS, BrokenPack
from foundation.errors import Refused
from foundation.language import Text, same

_XSLT = "{http://www.w3.org/1999/XSL/Transform}"
#: What follows the version, as in 1.17.2.ec0bcd89, names the publisher's commit and may begin with digits.
_OIOUBL = re.compile(
    rb"Checking OIOUBL-2\.1 (Invoice|CreditNote|Reminder),[^<]{0,40}Version (\d+(?:\.\d+){1,2}(?:\.RC)?)"
)
_CEN = re.compile(rb'title="EN16931\s+model bound to UBL"')
_PEPPOL = re.compile(rb'title="Rules for Peppol BIS 3\.0 Billing"', re.IGNORECASE)
#: What bears Peppol's title and judges other documents: those in CII's syntax, and those that the buyer writes.
_OTHER_DOCUMENTS = (b"urn:un:unece:uncefact:data:standard:CrossIndustryInvoice", b":poacc:selfbilling:")
_PEPPOL_VERSION = re.compile(r"(?<![\d.])(3\.0\.\d{1,3})(?![\d])")
_VERSION = re.compile(r"\d{1,3}(\.\d{1,3}){1,3}", re.ASCII)
_STAGED = ".installing-"


class NoRules(Refused):
    """What was given holds no rules that are known here, or not all of a pack."""


@dataclass(frozen=True, slots=True)
class Source:
    """A publisher's archive or folder as read: its files by their path in it."""

    name: str
    sha256: str  # of the archive; empty for a folder
    files: Mapping[str, bytes]


@dataclass(frozen=True, slots=True)
class Installed:
    """One folder of rules as it stands now; `is_new` is false where the very same stood there already."""

    folder: str
    files: int
    is_new: bool


@dataclass(frozen=True, slots=True)
class _Piece:
    """One file of rules with its place."""

    folder: str
    path: str
    content: bytes
    source: Source


def install(directory: Path, sources: Sequence[Source], *, at: datetime, version: str = "") -> list[Installed]:
    """Install what the sources hold. Raises NoRules or BrokenPack, with nothing changed, and OSError.

    `version` is for Peppol's rules, which do not tell theirs; without it, it is read from the names.
    """
    layout = _laid_out([piece for source in sources for piece in _recognised(source, version)])
    hint = _HINT_OF_SOURCES if _has_sources(sources) else same("")
    if not layout:
        listed = ", ".join(source.name for source in sources)
        known = Text(
            f"{listed}: her er ingen regler, der kendes: UBL 2.1's skemaer, CEN's og Peppols XSLT, OIOUBL's XSLT",
            f"{listed}: no rules that are known here: the schemas of UBL 2.1, the XSLT of CEN, Peppol and OIOUBL",
        )
        raise NoRules(known + hint)
    for folder, pieces in layout.items():
        _refuse_partial(folder, pieces, hint)
    directory.mkdir(parents=True, exist_ok=True)
    with _alone(directory), _staging(directory) as staged:
        for folder, pieces in layout.items():
            _write(staged / folder, folder, pieces, at)
            _try(staged / folder, folder)
        return _move(directory, staged, layout)


# --- recognising ------------------------------------------------------------------------------------------------

#: OpenPeppol publishes nothing else; its national authorities compile it.
_HINT_OF_SOURCES = Text(
    ". Schematron (.sch) er kilden, som reglerne oversættes fra; giv de oversatte (.xslt). Peppols er i "
    "Erhvervsstyrelsens pakke med den danske CIUS og i KoSIT's validation-configuration-bis",
    ". Schematron (.sch) is the source that rules are compiled from; give the compiled ones (.xslt). Peppol's are in "
    "Erhvervsstyrelsen's package with the Danish CIUS, and in KoSIT's validation-configuration-bis",
)


def _has_sources(sources: Sequence[Source]) -> bool:
    return any(name.lower().endswith(".sch") for source in sources for name in source.files)


def _recognised(source: Source, version: str) -> Iterator[_Piece]:
    roots = set(_schema_roots(source))
    for name, content in sorted(source.files.items()):
        place = PurePosixPath(name)
        if place.suffix == ".xsd":
            if place.parent.name in ("maindoc", "common") and place.parent.parent in roots:
                wanted = place.parent.name == "common" or place.name in _main_schemas()
                if wanted:
                    yield _Piece(SCHEMAS, f"{place.parent.name}/{place.name}", content, source)
        elif (found := _stylesheet(name, content, source, version)) is not None:
            yield found


def _main_schemas() -> set[str]:
    return {f"UBL-{document}-2.1.xsd" for document in DOCUMENTS.values()}


def _schema_roots(source: Source) -> Iterator[PurePosixPath]:
    """Find where UBL 2.1's schemas lie; those without their annotations (xsdrt) are the same rules once more."""
    space = b'targetNamespace="urn:oasis:names:specification:ubl:schema:xsd:Invoice-2"'
    for name, content in source.files.items():
        place = PurePosixPath(name)
        if place.name == "UBL-Invoice-2.1.xsd" and place.parent.name == "maindoc" and space in content:
            root = place.parent.parent
            if root.name != "xsdrt":
                yield root


def _stylesheet(name: str, content: bytes, source: Source, version: str) -> _Piece | None:
    if oioubl := _OIOUBL.search(content):
        document, number = oioubl[1].decode(), oioubl[2].decode()
        return _Piece(f"{PREFIX['oioubl']}{number}", f"xslt/OIOUBL_{document}_Schematron.xsl", content, source)
    if any(mark in content for mark in _OTHER_DOCUMENTS):
        return None
    for mark, file in ((_CEN, "CEN-EN16931-UBL.xslt"), (_PEPPOL, "PEPPOL-EN16931-UBL.xslt")):
        if mark.search(content):
            return _Piece(_PEPPOL_FOLDER if not version else _peppol(version), f"xslt/{file}", content, source)
    return None


#: Where Peppol's pieces stand until their version is known.
_PEPPOL_FOLDER = PREFIX["peppol"]


def _peppol(version: str) -> str:
    if not _VERSION.fullmatch(version):
        raise NoRules(Text(f"{version!r} er ingen version", f"{version!r} is no version"))
    return f"{PREFIX['peppol']}{version}"


def _laid_out(pieces: Sequence[_Piece]) -> dict[str, dict[str, _Piece]]:
    """Group by folder. Raises NoRules where two different files claim one place, or Peppol's version is not told."""
    layout: dict[str, dict[str, _Piece]] = {}
    for piece in pieces:
        of_folder = layout.setdefault(piece.folder, {})
        known = of_folder.setdefault(piece.path, piece)
        if known.content != piece.content:
            raise NoRules(
                Text(
                    f"{piece.path} findes i to udgaver ({known.source.name}, {piece.source.name}); giv én",
                    f"{piece.path} is there in two editions ({known.source.name}, {piece.source.name}); give one",
                )
            )
    rules = layout.get(_PEPPOL_FOLDER, {}).get("xslt/PEPPOL-EN16931-UBL.xslt")
    if rules is not None:
        layout[_peppol(_told_version(rules))] = layout.pop(_PEPPOL_FOLDER)
    return layout


def _told_version(rules: _Piece) -> str:
    """Read the version of Peppol's rules from the names of file and archive."""
    names = [name for name, content in rules.source.files.items() if content == rules.content]
    told: set[str] = {found for name in (*names, rules.source.name) for found in _PEPPOL_VERSION.findall(name)}
    if len(told) != 1:
        raise NoRules(
            Text(
                "Peppols regler siger ikke selv deres version; giv den med --version, fx --version 3.0.21",
                "Peppol's rules do not tell their version; give it with --version, such as --version 3.0.21",
            )
        )
    return told.pop()


def _refuse_partial(folder: str, pieces: Mapping[str, _Piece], hint: Text) -> None:
    lacking, name = sorted(_whole(folder) - set(pieces)), folder.rstrip("-")
    if lacking:
        what = Text(
            f"{name} er ikke hel: {', '.join(lacking)} mangler; giv alle udgivernes arkiver i samme kommando",
            f"{name} is not whole: {', '.join(lacking)} missing; give all publishers' archives in one command",
        )
        raise NoRules(what + (hint if "xslt/PEPPOL-EN16931-UBL.xslt" in lacking else same("")))


def _whole(folder: str) -> set[str]:
    if folder == SCHEMAS:
        return {f"maindoc/{name}" for name in _main_schemas()}
    if folder.startswith(PREFIX["oioubl"]):
        return {f"xslt/OIOUBL_{document}_Schematron.xsl" for document in DOCUMENTS.values()}
    return {"xslt/CEN-EN16931-UBL.xslt", "xslt/PEPPOL-EN16931-UBL.xslt"}


# --- writing ----------------------------------------------------------------------------------------------------


@contextmanager
def _alone(directory: Path) -> Iterator[None]:
    """Let one installation work at a time."""
    descriptor = os.open(directory / ".lock", os.O_RDWR | os.O_CREAT, 0o644)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


@contextmanager
def _staging(directory: Path) -> Iterator[Path]:
    """Give a folder beside the place; what a killed installation left goes first."""
    for left in directory.glob(f"{_STAGED}*"):
        shutil.rmtree(left, ignore_errors=True)
    staged = Path(tempfile.mkdtemp(prefix=_STAGED, dir=directory))
    try:
        yield staged
    finally:
        shutil.rmtree(staged, ignore_errors=True)


def _write(target: Path, folder: str, pieces: Mapping[str, _Piece], at: datetime) -> None:
    for path, piece in pieces.items():
        _place(target / path, piece.content)
    sources = {piece.source.name: piece.source.sha256 for piece in pieces.values()}
    noted = {
        "name": folder,
        "installed_at": at.isoformat(),
        "sources": [{"file": name, "sha256": digest} for name, digest in sorted(sources.items())],
        "files": {path: hashlib.sha256(piece.content).hexdigest() for path, piece in sorted(pieces.items())},
    }
    _place(target / MANIFEST, json.dumps(noted, ensure_ascii=False, indent=2).encode() + b"\n")
    target.chmod(0o755)


def _place(file: Path, content: bytes) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("wb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())


def _try(target: Path, folder: str) -> None:
    """Compile what was written. Raises NoRules: content that only looks like rules is no pack."""
    try:
        for file in sorted(target.rglob("*.xs*")):
            if file.suffix != ".xsd":
                _refuse_other_root(file)
                rule_packs.compile_stylesheet(file)
            elif file.parent.name == "maindoc":
                rule_packs.compile_schema(file)
    except BrokenPack as fault:
        # Compilers name the file where it lies beside its place for now, which tells nobody anything.
        reason = " ".join(str(fault.reason).replace(f"{target}/", "").replace("file://", "").split())
        text = Text(
            f"{folder} kan ikke bruges: {reason}; hent arkivet hos udgiveren igen",
            f"{folder} cannot be used: {reason}; get the archive from its publisher again",
        )
        raise NoRules(text) from fault


def _refuse_other_root(file: Path) -> None:
    try:
        root = etree.parse(str(file), reading.parser()).getroot()
    except etree.XMLSyntaxError as fault:
        raise BrokenPack(file, fault) from fault
    if root.tag not in (f"{_XSLT}stylesheet", f"{_XSLT}transform"):
        raise BrokenPack(file, f"{file.name}: <{root.tag}>")


def _move(directory: Path, staged: Path, layout: Mapping[str, Mapping[str, _Piece]]) -> list[Installed]:
    """Put every folder in its place; what stood there goes back where one of them cannot be moved."""
    done: list[tuple[Path, Path | None]] = []
    installed = []
    try:
        for folder, pieces in layout.items():
            target = directory / folder
            if _is_same(target, pieces):
                installed.append(Installed(folder, len(pieces), is_new=False))
                continue
            former = staged / f"former-{folder}" if target.exists() else None
            if former is not None:
                target.rename(former)
            done.append((target, former))
            (staged / folder).rename(target)
            installed.append(Installed(folder, len(pieces), is_new=True))
    except OSError:
        for target, former in reversed(done):
            if target.exists():
                shutil.rmtree(target)
            if former is not None:
                former.rename(target)
        raise
    return installed


def _is_same(target: Path, pieces: Mapping[str, _Piece]) -> bool:
    if not (target / MANIFEST).is_file():
        return False
    found = {file.relative_to(target).as_posix(): file for file in target.rglob("*.xs*") if file.is_file()}
    return set(found) == set(pieces) and all(found[path].read_bytes() == it.content for path, it in pieces.items())
