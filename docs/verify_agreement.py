#!/usr/bin/env python3
"""Verify a sealed agreement of OS2 with public tools only: Python's own library and openssl; poppler's pdfsig if there.

    python3 verify_agreement.py FILE --certificate SHA256 [--certificate SHA256 ...]

SHA256 is the fingerprint of the certificate that OS2 seals with, from a place you trust and not from the file. Exit
codes: 0 whole; 1 not whole, or not sealed by that certificate; 3 could not be verified here.

How it works is told in docs/verify.md. Nothing of the service is imported, and nothing is asked on the net. The file
is not opened as a PDF: a seal covers bytes, and every byte that no seal covers must be one that has to be there.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import shutil
import subprocess
import sys
import tempfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

RANGE = re.compile(rb"/ByteRange \[0 (\d{1,9}) (\d{1,9}) (\d{1,9})\]")
#: The seal: a certification (DocMDP) that permits no change (P 1).
SEAL_BEGINS = re.compile(rb"\d+ 0 obj\n<<\n/Contents \Z")
SEAL_GOES_ON = re.compile(
    rb">\n/ByteRange \[[0-9 ]+\] *\n/Type /Sig\n/Filter /Adobe\.PPKLite\n"
    rb"/SubFilter /ETSI\.CAdES\.detached\n(?:/(?:M|Reason) \([^()]*\)\n)*/Reference \[ <<\n/Type /SigRef\n"
    rb"/TransformMethod /DocMDP\n/TransformParams <<\n/Type /TransformParams\n/V /1\.2\n/P 1\n>>\n>> \]\n>>\nendobj\n"
)
#: Names (OIDs) of what a signature container (CMS) may be made of.
SIGNED_DATA = bytes.fromhex("06092a864886f70d010702")
DATA, STAMPED = bytes.fromhex("06092a864886f70d010701"), bytes.fromhex("060b2a864886f70d0109100104")
VERSIONS = (b"\2\1\1", b"\2\1\3")
DIGESTS = tuple(bytes.fromhex("060960864801650304020" + which) for which in "123")  # SHA-256, -384, -512
ALGORITHMS = (
    *(bytes.fromhex("300a06082a8648ce3d04030" + which) for which in "234"),  # ECDSA
    *(bytes.fromhex(f"300d06092a864886f70d01010{which}0500") for which in "1bcd"),  # RSA
)
#: All that may stand behind the seal: the value of the field for the time stamp, the stamp, and the table of both.
STAMP = re.compile(
    rb"\A(?P<field>\d+) 0 obj\n(?P<body><<\n/FT /Sig\n/T \(OS2tid\)\n[^<>]*)/V (?P<stamp>\d+) 0 R\n>>\nendobj\n"
    rb"(?P<stamp_again>\d+) 0 obj\n<<\n/Contents <[0-9A-F]+>\n/ByteRange \[[0-9 ]+\] *\n"
    rb"/Type /DocTimeStamp\n/Filter /Adobe\.PPKLite\n/SubFilter /ETSI\.RFC3161\n>>\nendobj\n"
    rb"(?P<table>\d+) 0 obj\n<<\n/W \[ 1 8 2 \]\n/Type /XRef\n/Filter /FlateDecode\n"
    rb"(?:/Size (?P<size>\d+)\n|/ID \[ <(?P<id>[0-9a-f]{32})> <[0-9a-f]{32}> \]\n"  # the order of these four varies
    rb"|/Root (?P<root>\d+ 0 R)\n|/Info (?P<info>\d+ 0 R)\n){4}"
    rb"/Prev (?P<prev>\d+)\n/Index \[ (?P<index>[0-9 ]+) \]\n/Length (?P<length>\d+)\n>>\nstream\n(?P<rows>.*)"
    rb"\nendstream\nendobj\n\nstartxref\n(?P<start>\d+)\n%%EOF\n\Z",
    re.DOTALL,
)
TIME_FIELD = b"/T (OS2tid)"
SHA256_OID = bytes.fromhex("0609608648016503040201")


class NotWhole(Exception):
    """The file is not as it was sealed, or was not sealed by whom it should be."""


class CannotTell(Exception):
    """It could not be verified here."""


@dataclass
class Signed:
    """What one signature covers, and the signature itself (CMS, DER)."""

    covered: bytes
    cms: bytes
    begins: int  # of the signature's hexadecimal digits, with the brackets
    resumes: int
    ends: int


def main() -> int:
    """Verify the file that is named, and say what was found."""
    given = arguments()
    try:
        content = given.file.read_bytes()
        for line in verify(content, {one.lower().replace(":", "") for one in given.certificate}):
            print("ok    " + line)
        for line in by_poppler(given.file):
            print(line)
    except NotWhole as fault:
        print(f"FAIL  {fault}")
        return 1
    except (CannotTell, OSError) as reason:
        print(f"?     {reason}")
        return 3
    print("WHOLE: sealed by that certificate, and nothing was changed, added or taken away since.")
    return 0


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description="Verify a sealed agreement with public tools only.")
    parser.add_argument("file", type=Path)
    parser.add_argument("--certificate", action="append", required=True, metavar="SHA256")
    return parser.parse_args()


def verify(content: bytes, certificates: set[str]) -> list[str]:
    """Verify a file; give what holds. Raises NotWhole, CannotTell."""
    ranges = list(RANGE.finditer(content))
    if content.count(b"/ByteRange") != len(ranges) or not 1 <= len(ranges) <= 2:
        raise NotWhole("there is not one seal in the file")
    seal = signed(content, ranges[0])
    told = [*verify_seal(content, seal, certificates), *evidence(content, seal)]
    if len(ranges) == 1:
        if seal.ends != len(content) or TIME_FIELD in content:
            raise NotWhole("the seal does not cover the whole file, or its time stamp was taken away")
        return [*told, "the seal covers the whole file"]
    stamp = signed(content, ranges[1])
    return [*told, *verify_stamp(content, seal, stamp)]


def signed(content: bytes, found: re.Match[bytes]) -> Signed:
    """Read what a signature covers: all up to its digits, and all behind them."""
    begins, resumes, more = (int(number) for number in found.groups())
    digits = content[begins + 1 : resumes - 1]
    right = content[begins : begins + 1] == b"<" and content[resumes - 1 : resumes] == b">"
    if not right or not re.fullmatch(rb"(?:[0-9A-F]{2})+", digits) or not resumes < found.start() < resumes + more:
        raise NotWhole("what is not covered is more than the signature itself")
    if resumes + more > len(content):
        raise NotWhole("the file was cut off")
    covered = content[:begins] + content[resumes : resumes + more]
    return Signed(covered, trimmed(bytes.fromhex(digits.decode())), begins, resumes, resumes + more)


def trimmed(padded: bytes) -> bytes:
    """Take the zeros away that fill the signature's room; they may be nothing else."""
    whole = der(padded, 0).whole
    if padded[len(whole) :].strip(b"\0"):
        raise NotWhole("behind the signature stands something else")
    return whole


@dataclass
class Value:
    """One DER value: its tag, its content, and both with the length between them."""

    tag: int
    body: bytes
    whole: bytes


def der(data: bytes, begins: int) -> Value:
    """Read one DER value."""
    head = data[begins : begins + 2]
    size = head[1] & 0x7F if head[1:] >= b"\x80" else 0
    at = begins + 2 + size
    many = int.from_bytes(data[begins + 2 : at] if size else head[1:], "big")
    if len(head) < 2 or at + many > len(data):
        raise NotWhole("the signature cannot be read")
    return Value(head[0], data[at : at + many], data[begins : at + many])


def inside(whole: bytes) -> list[Value]:
    """Read the values that a DER value consists of."""
    body, found = der(whole, 0).body, list[Value]()
    while body:
        found.append(der(body, 0))
        body = body[len(found[-1].whole) :]
    return found


# --- the seal


def verify_seal(content: bytes, seal: Signed, certificates: set[str]) -> list[str]:
    """Verify that the seal is a certification that permits no change, that it holds, and by whom."""
    before, behind = content[max(0, seal.begins - 64) : seal.begins], content[seal.resumes - 1 : seal.ends]
    if not SEAL_BEGINS.search(before) or not SEAL_GOES_ON.match(behind):
        raise NotWhole("the seal is no certification that permits no change")
    with tempfile.TemporaryDirectory() as folder:
        signer = verified(Path(folder), seal)
        fingerprint = hashlib.sha256(signer).hexdigest()
        if fingerprint not in certificates:
            raise NotWhole(f"it is sealed by another certificate: {fingerprint}")
    return ["the seal permits no change", f"the seal holds, by the certificate {fingerprint}"]


def verified(folder: Path, seal: Signed) -> bytes:
    """Let openssl verify the signature over the covered bytes; give the signer's certificate (DER)."""
    (folder / "seal.der").write_bytes(seal.cms)
    (folder / "covered").write_bytes(seal.covered)
    container(seal.cms, DATA, seal.covered)
    rewritten(folder, "seal.der", seal.cms)
    common = ["cms", "-verify", "-inform", "DER", "-in", "seal.der", "-content", "covered", "-binary", "-out", "out"]
    if openssl(folder, *common, "-noverify", "-signer", "signer.pem") is None:
        raise NotWhole("what was sealed was changed, or the seal itself")
    # Once more as CAdES: the certificate is named inside what is signed, so that no other can be put in its place.
    trusting = ["-cades", "-CAfile", "signer.pem", "-partial_chain", "-no_check_time", "-purpose", "any"]
    if openssl(folder, *common, *trusting) is None:
        raise NotWhole("the seal does not name its certificate")
    found = openssl(folder, "x509", "-in", "signer.pem", "-outform", "DER")
    if not found:
        raise CannotTell("openssl does not give the certificate")
    return found


def container(signature: bytes, content_type: bytes, sealed: bytes) -> None:
    """See that a signature (CMS) is made as ours are: what openssl passes over could be changed in it unseen."""
    try:
        name, explicit = inside(signature)
        (signed_data,) = inside(explicit.whole)
        version, digests, what, certificates, signers = inside(signed_data.whole)
        (signer,) = inside(signers.whole)
        own_version, by, digest, attributes, algorithm, _, *_ = inside(signer.whole)
        content_name, *_ = inside(what.whole)
        digest_name, *_ = inside(digest.whole)
    except ValueError:
        raise NotWhole("the signature is not made as ours are") from None
    right = (
        name.whole == SIGNED_DATA,
        version.whole in VERSIONS and own_version.whole in VERSIONS,
        content_name.whole == content_type,
        digest_name.whole in DIGESTS and digests.body == digest.whole,
        algorithm.whole in ALGORITHMS,
        all(one.whole in sealed for one in inside(by.whole)),
        [one.tag for one in (explicit, certificates, signers, attributes)] == [0xA0, 0xA0, 0x31, 0xA0],
    )
    if not all(right):
        raise NotWhole("the signature is not made as ours are")
    if any(one.whole not in sealed for one in inside(certificates.whole)):
        raise NotWhole("the signature carries a certificate that was not sealed")


def rewritten(folder: Path, name: str, signature: bytes) -> None:
    """See that openssl would write the signature as it stands there: it reads more forms than one."""
    if openssl(folder, "cms", "-cmsout", "-inform", "DER", "-in", name, "-outform", "DER") != signature:
        raise NotWhole("the signature is written in another way than it was made")


def openssl(folder: Path, *words: str) -> bytes | None:
    """Run openssl; give what it says, or None where it refuses."""
    program = shutil.which("openssl")
    if program is None:
        raise CannotTell("openssl is not installed")
    ran = subprocess.run([program, *words], cwd=folder, capture_output=True, check=False)
    return ran.stdout if ran.returncode == 0 else None


# --- the time stamp: every byte behind the seal


def verify_stamp(content: bytes, seal: Signed, stamp: Signed) -> list[str]:
    """Verify that nothing but one time stamp stands behind the seal, and that it covers the whole file."""
    if stamp.ends != len(content):
        raise NotWhole("the time stamp does not cover the whole file: something was added")
    found = STAMP.match(content[seal.ends :])
    if found is None or None in found.groupdict().values():
        raise NotWhole("behind the seal stands more than a time stamp")
    verify_field(content, seal, found)
    verify_table(content, seal, found)
    verify_token(stamp, content[: seal.ends])
    return ["behind the seal stands a time stamp and nothing else", "the time stamp covers the whole file"]


def verify_field(content: bytes, seal: Signed, found: re.Match[bytes]) -> None:
    """See that the field is the one that stood there when it was sealed, and got its value and nothing else."""
    sealed_field = b"%s 0 obj\n%s>>\nendobj\n" % (found["field"], found["body"])
    newer = found["stamp"] == found["stamp_again"] and int(found["stamp"]) < int(found["table"]) < int(found["size"])
    sizes = re.findall(rb"/Size (\d+)", content[: seal.ends])
    if content[: seal.ends].count(sealed_field) != 1 or not newer or int(found["stamp"]) <= int(sizes[-1]):
        raise NotWhole("the field of the time stamp is another than the sealed one")


def verify_table(content: bytes, seal: Signed, found: re.Match[bytes]) -> None:
    """See that the table leads to these three objects and otherwise to what was sealed."""
    base = seal.ends
    places = [found.start("field"), found.start("stamp_again"), found.start("table")]
    numbers = [int(found[name]) for name in ("field", "stamp", "table")]
    rows = inflated(found["rows"], int(found["length"]))
    expected = {number: base + place for number, place in zip(numbers, places, strict=True)}
    listed = dict(zip(indexed(found["index"]), (rows[at : at + 11] for at in range(0, len(rows), 11)), strict=False))
    right = {number: row for number, row in listed.items() if number}
    if right != {number: b"\1" + place.to_bytes(8, "big") + b"\0\0" for number, place in expected.items()}:
        raise NotWhole("the table of the file leads elsewhere")
    if len(rows) != 11 * len(listed) or listed.get(0, b"\0")[:1] != b"\0" or int(found["start"]) != base + places[2]:
        raise NotWhole("the table of the file leads elsewhere")
    verify_trailer(content[:base], found)


def verify_trailer(sealed: bytes, found: re.Match[bytes]) -> None:
    """See that the new table continues the sealed one: the same document, the same entry into it."""
    start = re.search(rb"\nstartxref\n(\d+)\n%%EOF\n\Z", sealed)
    keys = b"/ID [ <%s> <" % found["id"], b"/Root %s\n" % found["root"], b"/Info %s\n" % found["info"]
    if start is None or start[1] != found["prev"] or any(key not in sealed[int(start[1]) :] for key in keys):
        raise NotWhole("the table of the file does not continue the sealed one")


def inflated(packed: bytes, length: int) -> bytes:
    """Unpack the rows of a table, which are few."""
    unpacking = zlib.decompressobj()
    try:
        rows = unpacking.decompress(packed, 1024)
    except zlib.error:
        raise NotWhole("the table of the file cannot be read") from None
    if len(packed) != length or not unpacking.eof or unpacking.unused_data:
        raise NotWhole("the table of the file cannot be read")
    return rows


def indexed(index: bytes) -> list[int]:
    """Give the numbers that a table lists: pairs of the first and how many."""
    numbers = [int(one) for one in index.split()]
    pairs = list(zip(numbers[::2], numbers[1::2], strict=False))
    if any(count > 3 for _, count in pairs):
        raise NotWhole("the table of the file lists more than it may")
    return [number for first, count in pairs for number in range(first, first + count)]


def verify_token(stamp: Signed, sealed: bytes) -> None:
    """Verify the token (RFC 3161): of exactly the bytes it covers, and signed by whom the sealed bytes name for it."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "token.der").write_bytes(stamp.cms)
        container(stamp.cms, STAMPED, sealed)
        rewritten(folder, "token.der", stamp.cms)
        words = ["-in", "token.der", "-noverify", "-out", "tst"]
        if openssl(folder, "cms", "-verify", "-inform", "DER", *words) is None:
            raise NotWhole("the time stamp does not hold")
        told = (folder / "tst").read_bytes()
    if imprint(told) != hashlib.sha256(stamp.covered).digest():
        raise NotWhole("the time stamp is of another file")


def imprint(tst_info: bytes) -> bytes:
    """Read the digest that a token was given for: version, policy, imprint (algorithm, digest)."""
    try:
        _, _, stamped, *_ = inside(tst_info)
        algorithm, digest = inside(stamped.whole)
    except ValueError:
        raise NotWhole("the time stamp cannot be read") from None
    return digest.body if algorithm.body.startswith(SHA256_OID) else b""


# --- the evidence, and poppler's opinion


def evidence(content: bytes, seal: Signed) -> list[str]:
    """Look the evidence up inside what is sealed, and hold the bytes that were shown against what it says of them."""
    found = re.search(rb"/Type /EmbeddedFile\n/Subtype /application#2Fjson\n", content[: seal.ends])
    if found is None:
        return ["there is no evidence attached"]
    at = content.index(b"stream\n", found.end()) + len(b"stream\n")
    try:
        told = json.loads(zlib.decompressobj().decompress(content[at : seal.ends], 16_000_000))
        length, digest = told["shown_pdf"]["bytes"], told["shown_pdf"]["sha256"]
    except (zlib.error, ValueError, KeyError, TypeError):
        return ["the evidence is attached; it names no shown file"]
    if hashlib.sha256(content[:length]).hexdigest() != digest:
        raise NotWhole("the evidence is of another file than the one that was sealed")
    return [f"the evidence is attached, and of these bytes: the first {length}, SHA-256 {digest}", *chain(told)]


def chain(told: dict[str, Any]) -> list[str]:
    """Recompute the evidence's own chain: the document's digest, then every step over the one before."""
    if "steps" not in told:
        return []
    previous = told["document_sha256"]
    if hashlib.sha256(told["document"].encode()).hexdigest() != previous:
        raise NotWhole("the evidence's document has another digest")
    for number, step in enumerate(told["steps"], start=1):
        fields = [step[name] for name in told["hashed_fields"]]
        text = json.dumps(fields, separators=(",", ":"), ensure_ascii=False, sort_keys=True)
        if step["previous_sha256"] != previous or hashlib.sha256(text.encode()).hexdigest() != step["sha256"]:
            raise NotWhole(f"step {number} of the evidence does not follow from the one before")
        previous = step["sha256"]
    return [f"the evidence's {len(told['steps'])} steps follow from each other, on the document's digest"]


def by_poppler(file: Path) -> list[str]:
    """Ask poppler's pdfsig for a second opinion, where it is installed."""
    program = shutil.which("pdfsig")
    if program is None:
        return ["      (pdfsig is not installed: no second opinion)"]
    said = subprocess.run([program, str(file)], capture_output=True, text=True, check=False).stdout
    if "Signature is Valid." not in said or said.count("- Total document signed") != 1:
        raise NotWhole("pdfsig does not call the seal valid and the whole document signed")
    return ["ok    pdfsig calls the seal valid, and the whole document signed"]


if __name__ == "__main__":
    sys.exit(main())
