"""The key that seals: from a file (PEM or PKCS#12) or a device (PKCS#11), with its certificate and what vouches for it.

The setting names the place; the key itself is never stored, logged or shown. In demonstration and development a key may
be made up: its certificate says so in the name, and production refuses it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Literal
from urllib.parse import unquote

from asn1crypto import keys, pem, x509
from cryptography import x509 as made
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, pkcs12
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from pkcs11 import PKCS11Error, Session
from pyhanko.config.pkcs11 import TokenCriteria
from pyhanko.sign.general import SigningError
from pyhanko.sign.pkcs11 import PKCS11Signer, open_pkcs11_session
from pyhanko.sign.signers import Signer, SimpleSigner
from pyhanko_certvalidator.registry import SimpleCertificateStore

from app.adapters import files, incoming
from app.config import Signing
from foundation.audit import sha256
from foundation.errors import NotNow
from foundation.language import Text, same

Certificate = x509.Certificate

#: Bytes of a file with a key and its certificates.
_LARGEST = 200_000
_DEVICE = "pkcs11:"
MADE_UP = "Opdigtet (kun afprøvning)"


class NoKey(NotNow):
    """There is no key to seal with."""


class NoKeyYet(NoKey):
    """Nobody has made a key up for development and demonstration yet."""


class KeyUnusable(NotNow):
    """The key cannot be used: not readable, not matching its certificate, too weak, or made up."""


@dataclass(frozen=True)
class Key:
    """A key ready to seal, its certificate, and the certificates that vouch for it or for time stamps."""

    signer: Signer
    certificate: x509.Certificate
    chain: tuple[x509.Certificate, ...]

    @property
    def sha256(self) -> str:
        """The fingerprint of the certificate."""
        return fingerprint(self.certificate)

    @property
    def subject(self) -> str:
        """Whose certificate it is, in words."""
        return str(self.certificate.subject.human_friendly)

    @property
    def is_made_up(self) -> bool:
        """Tell whether it was made here for trying things."""
        return MADE_UP in self.subject

    @property
    def pem(self) -> str:
        """The certificate and its chain as they are kept: PEM, the certificate first."""
        return as_pem((self.certificate, *self.chain))


def fingerprint(certificate: x509.Certificate) -> str:
    """Give a certificate's SHA-256."""
    return sha256(certificate.dump())


def as_pem(certificates: Iterable[x509.Certificate]) -> str:
    """Write certificates as PEM, one behind the other."""
    return "".join(pem.armor("CERTIFICATE", one.dump()).decode() for one in certificates)


def from_pem(text: str | bytes) -> tuple[x509.Certificate, ...]:
    """Read the certificates of a PEM text; anything else in it is passed over. Raises ValueError."""
    content = text.encode() if isinstance(text, str) else text
    if not pem.detect(content):
        return ()
    parts = pem.unarmor(content, multiple=True)
    return tuple(x509.Certificate.load(der) for name, _, der in parts if name == "CERTIFICATE")


# --- loading ---------------------------------------------------------------------------------------------------------


def load(settings: Signing) -> Key:
    """Load the key that the settings name. Raises NoKey or KeyUnusable."""
    if not settings.key:
        raise NoKey(Text("OS2TILSLUT_SIGNING_KEY er ikke sat", "OS2TILSLUT_SIGNING_KEY is not set"))
    more = _certificates(settings.chain) if settings.chain else ()
    return _from_device(settings, more) if settings.key.startswith(_DEVICE) else _from_file(settings, more)


def _certificates(file: Path) -> tuple[x509.Certificate, ...]:
    try:
        return from_pem(_content(file))
    except ValueError:
        raise _unusable(file.name, Text("indeholder ikke PEM-certifikater", "holds no PEM certificates")) from None


def _content(file: Path) -> bytes:
    try:
        with incoming.opened(file, _LARGEST) as opened:
            return opened.read()
    except OSError as error:
        raise _unusable(file.name, Text("kan ikke læses", "cannot be read")) from error


def _from_file(settings: Signing, more: tuple[x509.Certificate, ...]) -> Key:
    file = Path(settings.key)
    if settings.is_local and not file.exists():
        raise NoKeyYet(
            Text(
                "der er ingen nøgle at forsegle med endnu",
                "there is no key to seal with yet",
            )
        )
    content, password = _content(file), settings.password.encode() or None
    try:
        private, certificates = _opened(content, password)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        told = Text("er ikke en nøgle, der kan åbnes (adgangskode?)", "is no key that can be opened (password?)")
        raise _unusable(file.name, told) from error
    own = [one for one in certificates if _public(private) == one.public_key.dump()]
    if not own:
        raise _unusable(file.name, Text("har intet certifikat til nøglen", "has no certificate of the key"))
    chain = _others(own[0], (*certificates, *more))
    return Key(_simple_signer(own[0], private, chain), own[0], chain)


def _opened(content: bytes, password: bytes | None) -> tuple[PrivateKeyTypes, tuple[x509.Certificate, ...]]:
    """Open PEM or PKCS#12."""
    if pem.detect(content):
        private = serialization.load_pem_private_key(content, password)
        return private, from_pem(content)
    loaded = pkcs12.load_pkcs12(content, password)
    if loaded.key is None or loaded.cert is None:
        raise ValueError("no key and certificate")
    found = [loaded.cert, *loaded.additional_certs]
    return loaded.key, tuple(_certificate(one.certificate) for one in found)


def _certificate(one: made.Certificate) -> x509.Certificate:
    return x509.Certificate.load(one.public_bytes(Encoding.DER))


def _public(private: PrivateKeyTypes) -> bytes:
    return private.public_key().public_bytes(Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)


def _others(own: x509.Certificate, found: Iterable[x509.Certificate]) -> tuple[x509.Certificate, ...]:
    different = {fingerprint(one): one for one in found if fingerprint(one) != fingerprint(own)}
    return tuple(different.values())


def _simple_signer(own: x509.Certificate, private: PrivateKeyTypes, chain: Iterable[x509.Certificate]) -> Signer:
    plain = private.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    return SimpleSigner(own, keys.PrivateKeyInfo.load(plain), _store(chain))


def _store(certificates: Iterable[x509.Certificate]) -> SimpleCertificateStore:
    store = SimpleCertificateStore()
    store.register_multiple(certificates)
    return store


def _from_device(settings: Signing, chain: tuple[x509.Certificate, ...]) -> Key:
    """Use a key that never leaves its device, named as RFC 7512 does: token and object, and the module's path."""
    named = _named(settings.key)
    try:
        session = _session(named["module-path"], named["token"], settings.password)
        signer = PKCS11Signer(session, cert_label=named["object"], ca_chain=set(chain), use_raw_mechanism=True)
        own = signer.signing_cert
    except KeyError as missing:
        raise _unusable(_DEVICE, Text(f"mangler {missing}", f"lacks {missing}")) from None
    except (PKCS11Error, SigningError, OSError, RuntimeError) as error:
        let_go()
        raise _unusable(_DEVICE, same(f"{type(error).__name__} {error}")) from error
    if own is None:
        raise _unusable(_DEVICE, Text("har intet certifikat", "has no certificate"))
    return Key(signer, own, _others(own, chain))


_sessions: dict[tuple[str, str, str], Session] = {}


def _session(module: str, token: str, pin: str) -> Session:
    """Log in to a device, once a process: it takes no second login."""
    asked = (module, token, pin)
    if asked not in _sessions:
        _sessions[asked] = open_pkcs11_session(module, token_criteria=TokenCriteria(token), user_pin=pin or None)
    return _sessions[asked]


def let_go() -> None:
    """Leave devices, so that the next who asks logs in anew; after a fault it may be another device."""
    while _sessions:
        _, session = _sessions.popitem()
        with suppress(PKCS11Error):
            session.close()


def _named(uri: str) -> Mapping[str, str]:
    path, _, query = uri.removeprefix(_DEVICE).partition("?")
    pairs = [*path.split(";"), *query.split("&")]
    return {name: unquote(value) for name, _, value in (pair.partition("=") for pair in pairs)}


def _unusable(where: str, what: Text) -> KeyUnusable:
    return KeyUnusable(Text(f"nøglen {where} ", f"the key {where} ") + what)


# --- made-up ones ----------------------------------------------------------------------------------------------------

LIVES = timedelta(days=3 * 365)


@dataclass(frozen=True)
class _Issuer:
    key: ec.EllipticCurvePrivateKey
    certificate: made.Certificate


def make_up(file: Path, purpose: Literal["seal", "time"], at: datetime, until: datetime | None = None) -> None:
    """Make a key up, with its certificate and a root of its own, for trying things only. An old one is replaced."""
    from_, until = at - timedelta(days=1), until or at + LIVES
    root_key = ec.generate_private_key(ec.SECP256R1())
    root = _Issuer(root_key, _issued(root_key, f"{MADE_UP} rod", (from_, until), None, ()))
    # Time stamps by RSA: pyHanko's own service of time knows no other.
    key = rsa.generate_private_key(65537, 2048) if purpose == "time" else ec.generate_private_key(ec.SECP256R1())
    name = "tidsstempel" if purpose == "time" else "segl"
    certificate = _issued(key, f"{MADE_UP} {name}", (from_, until), root, _uses(purpose))
    parts = [key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())]
    parts += [one.public_bytes(Encoding.PEM) for one in (certificate, root.certificate)]
    _write_secret(file, b"".join(parts))


def _write_secret(file: Path, content: bytes) -> None:
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with files.whole(file, durable=True) as unfinished:
        unfinished.touch(mode=0o600)
        unfinished.write_bytes(content)


def _uses(purpose: str) -> tuple[made.ExtensionType, ...]:
    return (made.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING]),) if purpose == "time" else ()


def _issued(
    key: Any, name: str, valid: tuple[datetime, datetime], issuer: _Issuer | None, more: Iterable[made.ExtensionType]
) -> made.Certificate:
    """Issue a certificate: by a root, or by itself where there is none."""
    subject = made.Name([made.NameAttribute(NameOID.COUNTRY_NAME, "DK"), made.NameAttribute(NameOID.COMMON_NAME, name)])
    root_key = issuer.key if issuer else key
    builder = (
        made.CertificateBuilder(subject_name=subject, issuer_name=issuer.certificate.subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(made.random_serial_number())
        .not_valid_before(valid[0])
        .not_valid_after(valid[1])
        .add_extension(made.BasicConstraints(issuer is None, None), critical=True)
        .add_extension(_key_usage(is_root=issuer is None), critical=True)
        .add_extension(made.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(made.AuthorityKeyIdentifier.from_issuer_public_key(root_key.public_key()), critical=False)
    )
    for extension in more:
        builder = builder.add_extension(extension, critical=True)
    return builder.sign(root_key, hashes.SHA256())


def _key_usage(*, is_root: bool) -> made.KeyUsage:
    return made.KeyUsage(
        digital_signature=not is_root, content_commitment=not is_root, key_encipherment=False, data_encipherment=False,
        key_agreement=False, key_cert_sign=is_root, crl_sign=is_root, encipher_only=False, decipher_only=False,
    )  # fmt: skip
