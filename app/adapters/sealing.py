"""Sealing an agreement's PDF, and examining one that says it is sealed.

The seal is a certification that permits no change at all (DocMDP 1). The sealed file begins with the bytes that were
shown, to the last one; behind them stand the evidence as an attachment, the seal and what validates it. Where a service
of time stamps is set, the seal is PAdES B-LTA: its time is stamped, and a last stamp covers the whole file; else it is
B-B, and says so. A seal is examined before anybody gets it: what does not hold is never kept.
"""

from __future__ import annotations

import asyncio
import logging
import struct
import zlib
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from io import BytesIO
from typing import Any

from asn1crypto import cms, x509
from pkcs11 import PKCS11Error
from pyhanko.pdf_utils import generic, misc
from pyhanko.pdf_utils.embed import EmbeddedFileObject, EmbeddedFileParams, FileSpec
from pyhanko.pdf_utils.generic import pdf_name
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.fields import (
    InvisSigSettings,
    MDPPerm,
    SigFieldSpec,
    SigSeedSubFilter,
    append_signature_field,
    enumerate_sig_fields,
)
from pyhanko.sign.general import SigningError
from pyhanko.sign.signers import PdfSignatureMetadata, PdfSigner
from pyhanko.sign.signers.constants import ESIC_EXTENSION_1
from pyhanko.sign.signers.pdf_signer import (
    DSSContentSettings,
    PdfTimeStamper,
    SigDSSPlacementPreference,
    TimestampDSSContentSettings,
)
from pyhanko.sign.timestamps import TimeStamper
from pyhanko.sign.timestamps.common_utils import TimestampRequestError
from pyhanko.sign.timestamps.requests_client import RequestsHTTPTimeStamper
from pyhanko.sign.validation import validate_pdf_signature, validate_pdf_timestamp
from pyhanko.sign.validation.dss import DocumentSecurityStore
from pyhanko.sign.validation.errors import SignatureValidationError
from pyhanko.sign.validation.pdf_embedded import EmbeddedPdfSignature
from pyhanko.sign.validation.status import SignatureCoverageLevel
from pyhanko_certvalidator import ValidationContext
from pyhanko_certvalidator.errors import PathError, ValidationError
from pyhanko_certvalidator.fetchers.requests_fetchers import RequestsFetcherBackend

from app import clock
from app.adapters import local_timestamps, signing_keys
from app.adapters.signing_keys import Key
from app.config import LOCAL_TIMESTAMPS, Signing
from foundation.audit import sha256
from foundation.errors import NotNow
from foundation.language import Text, same

# It writes of its own steps to whoever listens; what counts is raised, and told in our words.
logging.getLogger("pyhanko").setLevel(logging.CRITICAL)

SEAL, TIME = "OS2segl", "OS2tid"
B_B, B_LTA = "PAdES B-B", "PAdES B-LTA"
_REASON = "Aftalen er underskrevet af alle parter og forseglet."
_HASH = "sha256"
_PATIENCE = 15  # seconds for each question to a service of time, or for a list of revoked certificates
#: So long before its end a certificate is warned about.
WARNING = timedelta(days=60)


class NotSealed(NotNow):
    """The seal could not be made now; nothing was kept."""


class Expired(NotSealed):
    """The certificate is not valid on this day."""


class NoTimeKey(NotSealed):
    """The local service of time stamps has no key yet."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """The record of how the agreement was signed, as it goes into the file."""

    name: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Sealed:
    """A sealed file, and how it is known again: by its bytes, its seal's bytes, the file's identifier."""

    content: bytes
    level: str
    certificate_sha256: str
    signature_sha256: str
    file_id: str


# --- making ----------------------------------------------------------------------------------------------------------


def seal(pdf: bytes, evidence: Evidence, key: Key, timestamps: TimeStamper | None, at: datetime) -> Sealed:
    """Seal a PDF with its evidence. Raises NotSealed; then there is no file at all."""
    refuse_expired(key.certificate, at)
    try:
        content = _signed(pdf, evidence, key, timestamps, at)
        if timestamps is not None:
            content = _stamped(content, key, timestamps)
        return _proven(content, key)
    except TimestampRequestError as error:
        raise NotSealed(
            Text("tidsstempeltjenesten svarer ikke", "the service of time stamps does not answer")
        ) from error
    except PKCS11Error as error:
        signing_keys.let_go()
        raise NotSealed(same(f"PKCS#11: {type(error).__name__} {error}")) from error
    except (SigningError, ValidationError, PathError, SignatureValidationError, misc.PdfError) as error:
        raise NotSealed(same(f"{type(error).__name__}: {error}")) from error


def refuse_expired(certificate: x509.Certificate, at: datetime) -> None:
    """Refuse a certificate outside of its days. Raises Expired."""
    first, last = certificate.not_valid_before, certificate.not_valid_after
    if not first <= at <= last:
        raise Expired(
            Text(
                f"certifikatet gælder fra {first:%Y-%m-%d} til {last:%Y-%m-%d}; nøglen skal skiftes",
                f"the certificate is valid from {first:%Y-%m-%d} to {last:%Y-%m-%d}; the key must be changed",
            )
        )


def warning(certificate: x509.Certificate, at: datetime) -> Text | None:
    """Warn of a certificate that has ended or ends soon."""
    left = (certificate.not_valid_after - at).days
    if left < 0:
        return Text(
            "certifikatet er udløbet; intet kan forsegles", "the certificate has expired; nothing can be sealed"
        )
    if left <= WARNING.days:
        return Text(f"certifikatet udløber om {left} dage", f"the certificate expires in {left} days")
    return None


def timestamps(settings: Signing) -> TimeStamper | None:
    """Give the service of time stamps that is set, or None. Raises NotSealed."""
    if not settings.timestamps:
        return None
    if settings.timestamps != LOCAL_TIMESTAMPS:
        return RequestsHTTPTimeStamper(settings.timestamps, timeout=_PATIENCE)
    if not settings.local_time.exists():
        raise NoTimeKey(
            Text(
                "det lokale tidsstempel har ingen nøgle endnu",
                "the local time stamp has no key yet",
            )
        )
    return local_timestamps.service(settings.local_time)


class _Writer(IncrementalPdfFileWriter):
    """Adds to a file without touching what it says of itself: those words are the archive form's, and were shown."""

    def _update_meta(self) -> None:
        pass


class _Signer(PdfSigner):
    """Declares what PDF 1.7 needs for PAdES and no more: PDF/A-3 rests on that version."""

    def register_extensions(self, pdf_out: Any, *, md_algorithm: str) -> None:
        pdf_out.ensure_output_version(version=(1, 7))
        pdf_out.register_extension(ESIC_EXTENSION_1)


def _signed(pdf: bytes, evidence: Evidence, key: Key, stamping: TimeStamper | None, at: datetime) -> bytes:
    """Add evidence, the empty field of the last time stamp, and the seal: one revision."""
    writer = _Writer(BytesIO(pdf))
    _attach(writer, evidence, at)
    DocumentSecurityStore.supply_dss_in_writer(writer, None, certs=_all_that_vouch(key, stamping))
    if stamping is not None:
        append_signature_field(writer, _field(TIME))
    signer = _Signer(_metadata(key, stamping), key.signer, timestamper=stamping, new_field_spec=_field(SEAL))
    return bytes(signer.sign_pdf(writer).getvalue())


def _all_that_vouch(key: Key, stamping: TimeStamper | None) -> list[x509.Certificate]:
    """Give every certificate that a signature of the file will carry, so that it stands in the sealed bytes, too.

    What a signature carries outside of what is signed could be changed unseen; a stranger holds it against these.
    """
    token = asyncio.run(stamping.async_dummy_response(_HASH)) if stamping is not None else None
    return [key.certificate, *key.chain, *(_carried(token) if token is not None else ())]


def _carried(signature: cms.ContentInfo) -> list[x509.Certificate]:
    return [one.chosen for one in signature["content"]["certificates"]]


def _metadata(key: Key, stamping: TimeStamper | None) -> PdfSignatureMetadata:
    """Certify without permitted changes; with time stamps also embed what validates the seal (B-LT)."""
    is_long = stamping is not None
    return PdfSignatureMetadata(
        field_name=SEAL,
        md_algorithm=_HASH,
        reason=_REASON,
        certify=True,
        docmdp_permissions=MDPPerm.NO_CHANGES,
        subfilter=SigSeedSubFilter.PADES,
        embed_validation_info=is_long,
        validation_context=_strict(key) if is_long else None,
        dss_settings=_IN_ONE_REVISION,
    )


_IN_ONE_REVISION = DSSContentSettings(
    include_vri=False,
    placement=SigDSSPlacementPreference.TOGETHER_WITH_SIGNATURE,
    next_ts_settings=TimestampDSSContentSettings(include_vri=False, update_before_ts=True),
)


def _strict(key: Key) -> ValidationContext:
    """Trust what the key's chain says; where a certificate names a list of revoked ones, it has to be got."""
    every = (key.certificate, *key.chain)
    return ValidationContext(
        trust_roots=_roots(every),
        other_certs=list(every),
        allow_fetching=True,
        revocation_mode="hard-fail",
        fetcher_backend=RequestsFetcherBackend(per_request_timeout=_PATIENCE),
    )


def _roots(certificates: Sequence[x509.Certificate]) -> list[x509.Certificate]:
    """Give those that vouch for themselves; where there is none, all of them are trusted as they were recorded."""
    return [one for one in certificates if one.self_signed != "no"] or list(certificates)


def _field(name: str) -> SigFieldSpec:
    """Give an invisible field: what is said of the seal stands on the signature page, read like everything else."""
    return SigFieldSpec(name, invis_sig_settings=InvisSigSettings(box_out_of_bounds=True))


def _stamped(content: bytes, key: Key, stamping: TimeStamper) -> bytes:
    """Stamp the whole file; the field stands there since the seal, so nothing but its value is added."""
    output = BytesIO()
    PdfTimeStamper(stamping, field_name=TIME).timestamp_pdf(
        _Writer(BytesIO(content)), _HASH, dss_settings=TimestampDSSContentSettings(include_vri=False), output=output
    )
    return output.getvalue()


def _attach(writer: IncrementalPdfFileWriter, evidence: Evidence, at: datetime) -> None:
    """Attach the evidence as data of the document (ISO 19005-3). Names of a name tree have to rise."""
    kept = EmbeddedFileObject.from_file_data(
        writer, evidence.content, params=EmbeddedFileParams(modification_date=at), mime_type="application/json"
    )
    spec = FileSpec(
        evidence.name,
        evidence.name,
        kept,
        "Beviset for underskrifterne / evidence of the signatures",
        pdf_name("/Data"),
    )
    reference = writer.add_object(spec.as_pdf_object())
    root = writer.root
    root["/AF"] = generic.ArrayObject([*root.get("/AF", ()), reference])
    names = root.get("/Names", generic.DictionaryObject())
    tree = names["/EmbeddedFiles"] if "/EmbeddedFiles" in names else generic.DictionaryObject()
    held = [*tree.get("/Names", ())]
    pairs = [*zip(held[::2], held[1::2], strict=True), (generic.pdf_string(evidence.name), reference)]
    flat = [part for pair in sorted(pairs, key=lambda pair: str(pair[0])) for part in pair]
    names["/EmbeddedFiles"] = generic.DictionaryObject({pdf_name("/Names"): generic.ArrayObject(flat)})
    root["/Names"] = names
    writer.update_root()


def _proven(content: bytes, key: Key) -> Sealed:
    """Examine what was made as a stranger would. Raises NotSealed."""
    found = examine(content, (key.certificate, *key.chain), clock.machine())
    if found.faults:
        raise NotSealed(found.faults[0])
    if not _carries_only_sealed(content):
        told = Text("tidsstemplet er givet af en anden end ventet", "the time stamp was given by another than expected")
        raise NotSealed(told)
    return Sealed(content, found.level, key.sha256, found.signature_sha256, found.file_id)


def _carries_only_sealed(content: bytes) -> bool:
    """See that each certificate of the signatures stands among the sealed bytes; a service may have changed its key."""
    reader = PdfFileReader(BytesIO(content), strict=True)
    seal, stamps = reader.embedded_regular_signatures[0], reader.embedded_timestamp_signatures
    _, begins, resumes, more = seal.byte_range
    sealed = content[:begins] + content[resumes : resumes + more]
    carried = [one for found in (seal, *stamps) for one in found.signed_data["certificates"]]
    return all(one.chosen.dump() in sealed for one in carried)


# --- examining -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Examined:
    """What the seal of a file comes to. Without faults it holds, covers the whole file and permits no change."""

    level: str
    certificate_sha256: str
    signature_sha256: str
    file_id: str
    faults: tuple[Text, ...]


def examine(content: bytes, known: Sequence[x509.Certificate], at: datetime) -> Examined:
    """Examine a file's seal as of an instant, by the certificates that may vouch for it. Raises NotSealed: no seal."""
    reader = PdfFileReader(BytesIO(content), strict=True)
    seals, stamps = reader.embedded_regular_signatures, reader.embedded_timestamp_signatures
    if [one.field_name for one in (*seals, *stamps)] not in ([SEAL], [SEAL, TIME]):
        raise NotSealed(Text("filen har ikke ét segl", "the file has not one seal"))
    certificate = seals[0].signer_cert
    faults = [*_seal_faults(seals[0], known, at), *_coverage_faults((*seals, *stamps))]
    if any(value is None for _, value, _ in enumerate_sig_fields(reader)):
        faults.append(Text("tidsstemplet er taget af", "the time stamp was taken off"))
    faults += [fault for stamp in stamps for fault in _stamp_faults(stamp, known, at)]
    return Examined(
        level=B_LTA if stamps else B_B,
        certificate_sha256=signing_keys.fingerprint(certificate),
        signature_sha256=sha256(seals[0].pkcs7_content.rstrip(b"\0")),
        file_id=bytes(reader.trailer["/ID"][0].original_bytes).hex() if "/ID" in reader.trailer else "",
        faults=tuple(faults),
    )


def _lenient(known: Sequence[x509.Certificate], at: datetime) -> ValidationContext:
    return ValidationContext(trust_roots=_roots(known), other_certs=list(known), moment=at)


def _seal_faults(found: EmbeddedPdfSignature, known: Sequence[x509.Certificate], at: datetime) -> Iterable[Text]:
    status = validate_pdf_signature(found, _lenient(known, at), _lenient(known, at))
    if not (status.intact and status.valid):
        yield Text("det forseglede er ændret", "what was sealed was changed")
    elif not status.trusted:
        yield Text("ingen, vi kender, står inde for seglet", "nobody we know vouches for the seal")
    elif not status.bottom_line:
        yield Text("der er ændret, efter at filen blev forseglet", "there were changes after the file was sealed")
    if found.docmdp_level is not MDPPerm.NO_CHANGES:
        yield Text("seglet tillader ændringer", "the seal permits changes")


def _stamp_faults(stamp: EmbeddedPdfSignature, known: Sequence[x509.Certificate], at: datetime) -> Iterable[Text]:
    status = validate_pdf_timestamp(stamp, _lenient(known, at))
    if not (status.intact and status.valid and status.trusted):
        yield Text("tidsstemplet gælder ikke", "the time stamp is not valid")


def _coverage_faults(found: Sequence[EmbeddedPdfSignature]) -> Iterable[Text]:
    """See that the last of them covers the whole file, and the others a revision of it."""
    levels = [one.evaluate_signature_coverage() for one in found]
    if levels[-1] is not SignatureCoverageLevel.ENTIRE_FILE or min(levels) < SignatureCoverageLevel.ENTIRE_REVISION:
        yield Text("seglet dækker ikke hele filen", "the seal does not cover the whole file")


#: What a reader of PDF may stumble over in bytes that nobody vouches for.
_UNREADABLE = (
    NotSealed, misc.PdfError, SignatureValidationError, ValidationError, PathError, ArithmeticError, AssertionError,
    AttributeError, EOFError, LookupError, NotImplementedError, OSError, RecursionError, TypeError, ValueError,
    struct.error, zlib.error,
)  # fmt: skip


def looks(content: bytes, known: Collection[x509.Certificate], at: datetime) -> Examined | None:
    """Examine any file, however broken or hostile; None where it has no seal that can be read."""
    try:
        return examine(content, tuple(known), at)
    except _UNREADABLE:
        return None
