"""A certificate that names a list of revoked ones is looked up there before it seals for long; the list goes along."""

from __future__ import annotations

import io
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from pyhanko.pdf_utils.reader import PdfFileReader

from app.adapters import sealing, signing_keys
from app.adapters.sealing import NotSealed, Sealed
from app.adapters.signing_keys import Key
from tests import sealed_files
from tests.sealed_files import NOW

FROM, UNTIL = NOW - timedelta(days=1), NOW + timedelta(days=99)
ROOT_KEY, OWN_KEY = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
ROOT_NAME, OWN_NAME = (
    x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]) for name in ("Opdigtet udsteder", "Opdigtet segl")
)


def root() -> x509.Certificate:
    """An authority that keeps a list of what it revoked."""
    return (
        x509.CertificateBuilder(ROOT_NAME, ROOT_NAME, ROOT_KEY.public_key(), 1, FROM, UNTIL)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(ROOT_KEY, hashes.SHA256())
    )


def own(address: str) -> x509.Certificate:
    """A certificate that says where the list is."""
    usage = x509.KeyUsage(True, True, False, False, False, False, False, False, False)
    place = x509.DistributionPoint([x509.UniformResourceIdentifier(address)], None, None, None)
    return (
        x509.CertificateBuilder(ROOT_NAME, OWN_NAME, OWN_KEY.public_key(), 2, FROM, UNTIL)
        .add_extension(usage, critical=True)
        .add_extension(x509.CRLDistributionPoints([place]), critical=False)
        .sign(ROOT_KEY, hashes.SHA256())
    )


def revoked_ones(*numbers: int) -> bytes:
    """The authority's list."""
    builder = x509.CertificateRevocationListBuilder(ROOT_NAME, FROM, UNTIL)
    for number in numbers:
        builder = builder.add_revoked_certificate(x509.RevokedCertificateBuilder(number, FROM).build())
    return builder.sign(ROOT_KEY, hashes.SHA256()).public_bytes(Encoding.DER)


@contextmanager
def published(content: bytes) -> Iterator[str]:
    """Publish a list meanwhile; gives its address."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "application/pkix-crl")
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}/list.crl"
        server.shutdown()


def key(address: str, folder: Path) -> Key:
    """The key with that certificate, loaded as an operator's."""
    private = OWN_KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    certificates = [one.public_bytes(Encoding.PEM) for one in (own(address), root())]
    (folder / "segl.pem").write_bytes(b"".join([private, *certificates]))
    found = signing_keys.load(replace(sealed_files.settings(), key=str(folder / "segl.pem")))
    return replace(found, chain=(*found.chain, *sealed_files.key().chain))


def sealed(address: str, folder: Path) -> Sealed:
    """Seal with time stamps by that key."""
    stamping = sealing.timestamps(sealed_files.settings())
    return sealing.seal(sealed_files.document(), sealed_files.evidence(), key(address, folder), stamping, NOW)


def test_the_list_is_got_and_kept_among_the_sealed_bytes(tmp_path: Path) -> None:
    listed = revoked_ones(7)

    with published(listed) as address:
        made = sealed(address, tmp_path)

    reader = PdfFileReader(io.BytesIO(made.content))
    assert made.level == sealing.B_LTA
    assert [bytes(one.get_object().data) for one in reader.root["/DSS"]["/CRLs"]] == [listed]


def test_a_revoked_certificate_seals_nothing(tmp_path: Path) -> None:
    with published(revoked_ones(2)) as address, pytest.raises(NotSealed):
        sealed(address, tmp_path)


def test_where_the_list_cannot_be_got_nothing_is_sealed_rather_than_a_lesser_seal(tmp_path: Path) -> None:
    with published(b"") as gone:
        pass

    with pytest.raises(NotSealed):
        sealed(gone, tmp_path)
