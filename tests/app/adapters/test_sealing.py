"""The seal: over the very bytes that were shown, certified without permitted changes, proven before anybody gets it."""

from __future__ import annotations

import io
import json
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, load_pem_private_key, pkcs12
from cryptography.x509 import load_pem_x509_certificates
from pdfua import validate
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.timestamps.requests_client import RequestsHTTPTimeStamper

from app import config, seals
from app.adapters import local_timestamps, sealing, signing_keys
from app.adapters.sealing import Expired, NotSealed
from app.adapters.signing_keys import KeyUnusable, NoKey, NoKeyYet
from app.config import Unsafe
from foundation.archive import About, Attachment
from foundation.audit import sha256
from foundation.letterhead import Paper
from tests import pdf_structure, sealed_files
from tests.sealed_files import NOW

LEVELS = (sealing.B_B, sealing.B_LTA)


# --- the file


@pytest.mark.parametrize("level", LEVELS)
def test_the_sealed_file_begins_with_the_very_bytes_that_were_shown(level: str) -> None:
    made = sealed_files.sealed(level)

    assert made.content.startswith(sealed_files.document())
    assert made.level == level
    assert made.certificate_sha256 == sealed_files.key().sha256


@pytest.mark.parametrize("level", LEVELS)
def test_the_seal_is_a_certification_that_permits_no_change(level: str) -> None:
    pdf = pdf_structure.opened(sealed_files.sealed(level).content)

    certification = pdf.Root.Perms.DocMDP
    (reference,) = certification.Reference

    assert (str(reference.TransformMethod), int(reference.TransformParams.P)) == ("/DocMDP", 1)
    assert certification.SubFilter == "/ETSI.CAdES.detached"


@pytest.mark.parametrize("level", LEVELS)
def test_the_evidence_is_attached_as_data_of_the_document(level: str) -> None:
    pdf = pdf_structure.opened(sealed_files.sealed(level).content)

    (name, attached), *_ = pdf.attachments.items()
    told = json.loads(attached.get_file().read_bytes())

    assert name == "A-2026-00001-v1-bevis.json"
    assert told["shown_pdf"]["sha256"] == sha256(sealed_files.document())
    assert [one.AFRelationship for one in pdf.Root.AF] == ["/Data"]
    assert attached.get_file().mime_type == "application/json"


def test_an_attachment_that_was_there_stays_and_the_names_rise() -> None:
    paper = Paper(About("Aftale", "OS2", "Tilslutningsaftale", "da", NOW.date()))
    paper.turn()
    shown = paper.finish([Attachment("z.txt", b"z", "text/plain", "Bilag", "Supplement")])

    content = sealing.seal(shown, sealing.Evidence("b.json", b"{}"), sealed_files.key(), None, NOW).content

    pdf = pdf_structure.opened(content)
    assert [str(one) for one in pdf.Root.Names.EmbeddedFiles.Names[::2]] == ["b.json", "z.txt"]
    assert [str(one.AFRelationship) for one in pdf.Root.AF] == ["/Supplement", "/Data"]


@pytest.mark.parametrize("level", LEVELS)
def test_it_is_still_the_archive_form_and_says_of_itself_what_it_said(level: str) -> None:
    shown, made = (
        pdf_structure.opened(sealed_files.document()),
        pdf_structure.opened(sealed_files.sealed(level).content),
    )

    assert made.Root.Metadata.read_bytes() == shown.Root.Metadata.read_bytes()
    assert dict(made.docinfo) == dict(shown.docinfo)
    assert made.Root.StructTreeRoot.objgen == shown.Root.StructTreeRoot.objgen
    assert "/Version" not in made.Root, "PDF/A-3 rests on PDF 1.7"


@pytest.mark.parametrize("level", LEVELS)
def test_pdfua_finds_nothing_in_a_sealed_file(level: str, tmp_path: Path) -> None:
    (tmp_path / "sealed.pdf").write_bytes(sealed_files.sealed(level).content)

    found = validate(str(tmp_path / "sealed.pdf"))

    assert (found.findings, found.skipped) == ((), ())


def test_the_last_time_stamp_covers_the_whole_file_and_all_that_vouches_stands_in_the_sealed_bytes() -> None:
    content = sealed_files.sealed().content
    reader = PdfFileReader(io.BytesIO(content), strict=True)
    (seal,), (stamp,) = reader.embedded_regular_signatures, reader.embedded_timestamp_signatures

    _, _, resumes, more = stamp.byte_range
    kept = [bytes(one.get_object().data) for one in reader.root["/DSS"]["/Certs"]]

    assert resumes + more == len(content)
    assert "signature_time_stamp_token" in [one["type"].native for one in seal.signer_info["unsigned_attrs"]]
    assert {sha256(one) for one in kept} == {
        signing_keys.fingerprint(one) for one in (sealed_files.key().certificate, *sealed_files.key().chain)
    }


def test_two_seals_of_one_document_are_never_the_same_bytes_and_both_hold() -> None:
    one, other = sealed_files.sealed(sealing.B_B), sealed_files.fresh(sealing.B_B)

    assert one.content != other.content
    assert one.file_id == other.file_id
    assert one.signature_sha256 != other.signature_sha256


# --- when there is no seal


@pytest.mark.parametrize("days", (-400, 600))
def test_pv_123_a_certificate_outside_of_its_days_seals_nothing(days: int) -> None:
    at = NOW + timedelta(days=days)

    with pytest.raises(Expired, match="the key must be changed"):
        sealing.seal(sealed_files.document(), sealed_files.evidence(), sealed_files.key(), None, at)


@pytest.mark.parametrize(
    ("left", "warned"), ((20, "expires in 20 days"), (60, "expires in 60"), (61, None), (-1, "has expired"))
)
def test_pv_123_a_certificate_that_ends_soon_is_warned_about(left: int, warned: str | None) -> None:
    certificate = sealed_files.key().certificate
    at = certificate.not_valid_after - timedelta(days=left)

    told = sealing.warning(certificate, at)

    assert (told is None) is (warned is None)
    assert told is None or str(warned) in told.en


def test_a_service_of_time_that_does_not_answer_leaves_no_file_rather_than_a_lesser_one() -> None:
    with local_timestamps.over_http(local_timestamps.service(sealed_files.settings().local_time)) as gone:
        pass

    with pytest.raises(NotSealed, match="does not answer"):
        sealing.seal(
            sealed_files.document(), sealed_files.evidence(), sealed_files.key(), RequestsHTTPTimeStamper(gone), NOW
        )


def test_a_service_of_time_that_nobody_vouches_for_is_refused() -> None:
    alone = replace(sealed_files.key(), chain=sealed_files.key().chain[:1])

    with pytest.raises(NotSealed):
        sealing.seal(
            sealed_files.document(), sealed_files.evidence(), alone, sealing.timestamps(sealed_files.settings()), NOW
        )


def test_what_is_no_pdf_is_refused() -> None:
    with pytest.raises(NotSealed):
        sealing.seal(b"Ikke en PDF", sealed_files.evidence(), sealed_files.key(), None, NOW)


def test_the_local_service_answers_over_http_as_a_real_one_does() -> None:
    with local_timestamps.over_http(local_timestamps.service(sealed_files.settings().local_time)) as address:
        stamping = sealing.timestamps(replace(sealed_files.settings(), timestamps=address))
        made = sealing.seal(sealed_files.document(), sealed_files.evidence(), sealed_files.key(), stamping, NOW)

    assert made.level == sealing.B_LTA


@pytest.mark.parametrize("content", (b"", b"Hej", b"%PDF-1.7\n", b"\0" * 5000, sealed_files.__doc__ or b""))
def test_whatever_is_no_sealed_file_is_looked_at_without_harm(content: bytes | str) -> None:
    given = content.encode() if isinstance(content, str) else content

    assert sealing.looks(given, (sealed_files.key().certificate,), NOW) is None


# --- keys


def test_a_key_comes_from_pkcs12_with_its_password(tmp_path: Path) -> None:
    pem = Path(sealed_files.settings().key).read_bytes()
    certificate, root = load_pem_x509_certificates(pem)
    private: Any = load_pem_private_key(pem, None)
    packed = pkcs12.serialize_key_and_certificates(
        b"segl",
        private,
        certificate,
        [root],
        BestAvailableEncryption(b"hemmelig"),
    )
    (tmp_path / "segl.p12").write_bytes(packed)
    settings = replace(sealed_files.settings(), key=str(tmp_path / "segl.p12"), password="hemmelig")

    found = signing_keys.load(settings)

    assert found.sha256 == sealed_files.key().sha256
    assert len(found.chain) == 1
    with pytest.raises(KeyUnusable, match="password"):
        signing_keys.load(replace(settings, password="forkert"))


def test_a_key_without_its_certificate_is_refused(tmp_path: Path) -> None:
    own = Path(sealed_files.settings().key).read_text()
    key, _, _ = own.partition("-----BEGIN CERTIFICATE-----")
    (tmp_path / "bar.pem").write_text(key)

    with pytest.raises(KeyUnusable, match="no certificate of the key"):
        signing_keys.load(replace(sealed_files.settings(), key=str(tmp_path / "bar.pem")))


def test_without_a_key_it_is_said_which_setting_is_missing(tmp_path: Path) -> None:
    with pytest.raises(NoKey, match="OS2TILSLUT_SIGNING_KEY"):
        signing_keys.load(replace(sealed_files.settings(), key=""))
    with pytest.raises(NoKeyYet, match="no key to seal with yet"):
        signing_keys.load(config.read({"OS2TILSLUT_DATA_DIR": str(tmp_path)}).signing)


def test_a_made_up_key_lies_where_only_its_owner_reads_it_and_says_that_it_is_made_up() -> None:
    file = Path(sealed_files.settings().key)

    assert file.stat().st_mode & 0o077 == 0
    assert "Opdigtet" in sealed_files.key().subject


def test_production_takes_neither_a_made_up_key_nor_the_local_time() -> None:
    environ = {
        "OS2TILSLUT_ENV": "production", "OS2TILSLUT_SECRET_KEY": "x" * 40, "OS2TILSLUT_BASE_URL": "https://os2.dk",
        "OS2TILSLUT_TRUSTED_HOSTS": "os2.dk", "OS2TILSLUT_OIDC_ISSUER": "https://login.dk",
        "OS2TILSLUT_OIDC_CLIENT_ID": "os2", "OS2TILSLUT_OIDC_CLIENT_SECRET": "y", "OS2TILSLUT_OIDC_STRONG_ACR": "high",
        "OS2TILSLUT_SIGNING_KEY": sealed_files.settings().key,
    }  # fmt: skip

    with pytest.raises(KeyUnusable, match="made up"):
        seals.key(config.read(environ))
    with pytest.raises(Unsafe, match="OS2TILSLUT_SIGNING_TIMESTAMPS"):
        config.read(environ | {"OS2TILSLUT_SIGNING_TIMESTAMPS": "local"})


# --- a key in a device

_MODULE = Path("/usr/lib/softhsm/libsofthsm2.so")


@pytest.fixture
def device(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A device in software with the made-up key in it; gives the key's name."""
    (tmp_path / "tokens").mkdir()
    (tmp_path / "softhsm.conf").write_text(f"directories.tokendir = {tmp_path / 'tokens'}\n")
    monkeypatch.setenv("SOFTHSM2_CONF", str(tmp_path / "softhsm.conf"))
    pem = Path(sealed_files.settings().key).read_text()
    key, _, _ = pem.partition("-----BEGIN CERTIFICATE-----")
    (tmp_path / "key.pem").write_text(key)
    util = ["softhsm2-util", "--token", "OS2", "--pin", "1234"]
    subprocess.run(
        [*util, "--init-token", "--free", "--label", "OS2", "--so-pin", "1234"], check=True, capture_output=True
    )
    subprocess.run(
        [*util, "--import", tmp_path / "key.pem", "--label", "segl", "--id", "01"], check=True, capture_output=True
    )
    import pkcs11

    with pkcs11.lib(str(_MODULE)).get_token(token_label="OS2").open(user_pin="1234", rw=True) as session:
        session.create_object(
            {
                pkcs11.Attribute.CLASS: pkcs11.ObjectClass.CERTIFICATE,
                pkcs11.Attribute.CERTIFICATE_TYPE: pkcs11.CertificateType.X_509,
                pkcs11.Attribute.TOKEN: True,
                pkcs11.Attribute.LABEL: "segl",
                pkcs11.Attribute.ID: b"\1",
                pkcs11.Attribute.SUBJECT: sealed_files.key().certificate.subject.dump(),
                pkcs11.Attribute.VALUE: sealed_files.key().certificate.dump(),
            }
        )
    yield f"pkcs11:token=OS2;object=segl?module-path={_MODULE}"


@pytest.mark.skipif(
    not _MODULE.exists() or shutil.which("softhsm2-util") is None, reason="softhsm2 is not installed (Debian: softhsm2)"
)
def test_a_key_in_a_device_seals_and_never_leaves_it(device: str, tmp_path: Path) -> None:
    chain = tmp_path / "chain.pem"
    chain.write_text(signing_keys.as_pem(sealed_files.key().chain))
    settings = replace(sealed_files.settings(), key=device, password="1234", chain=chain)

    made = sealing.seal(sealed_files.document(), sealed_files.evidence(), signing_keys.load(settings), None, NOW)

    assert made.certificate_sha256 == sealed_files.key().sha256
    assert signing_keys.load(settings).sha256 == made.certificate_sha256, "asked again, in one login"
    signing_keys.let_go()
    with pytest.raises(KeyUnusable, match="PinIncorrect"):
        signing_keys.load(replace(settings, password="0000"))
