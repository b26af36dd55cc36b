"""Who carries documents to their receivers: a folder that access-point software empties, or an access point by HTTP.

Both take the same bytes under the same name and message id again and again, and tell later what became of them. The
formats are those of docs/operations.md. What comes back is foreign: bounded, refused and set aside where it is wrong.
"""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any, Protocol

import requests

from app.adapters import files
from app.config import NO_CARRIER, Carrying
from billing.deliveries import Outcome, Receipt
from foundation import wording
from foundation.errors import NotNow
from foundation.language import Text, same

#: Bytes of a file with a receipt; of an answer of an access point; receipts that are read at a time.
LARGEST_RECEIPT, LARGEST_ANSWER, MOST_RECEIPTS = 64 * 1024, 1024 * 1024, 1_000

_LONGEST_ID = 100
_STATUSES = ("acknowledged", "rejected")
_BY_ENDING = {".ok": "acknowledged", ".err": "rejected"}
_PIECE = 16 * 1024

#: Answers that are about us or the hour, not about the document: they are no reason to give it up.
_LATER = frozenset(
    {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.PROXY_AUTHENTICATION_REQUIRED,
     HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_EARLY, HTTPStatus.TOO_MANY_REQUESTS}
)  # fmt: skip


class NoCarrier(NotNow):
    """Nobody carries documents that way."""


class NotAReceipt(Exception):
    """What came back is no receipt."""


@dataclass(frozen=True, slots=True)
class Parcel:
    """A document to be carried."""

    number: str
    channel: str
    address: str
    file_name: str
    message_id: str
    sha256: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Found:
    """What came back: a receipt, or None where it is none; `settle` puts it away once it is kept, or set aside."""

    name: str
    receipt: Receipt | None
    settle: Callable[[bool], None]  # True: it is kept


class Carrier(Protocol):
    """Who carries documents one way."""

    def hand_over(self, parcel: Parcel) -> Outcome:
        """Take a document, the same as before where it comes again. Never raises."""

    def receipts(self) -> Iterator[Found]:
        """Give what became of documents. Raises NotNow where nobody answers."""


def of(carrying: Carrying, channel: str, patience: float) -> Carrier:
    """Give the carrier of a channel. Raises NoCarrier where there is none, naming the setting."""
    name = carrying.setting
    if not carrying.place:
        raise NoCarrier(Text(f"ingen afleverer {channel}: sæt {name}", f"nobody carries {channel}: set {name}"))
    if carrying.place == NO_CARRIER:
        raise NoCarrier(Text(f"{channel} er slået fra ({name}=none)", f"{channel} is switched off ({name}=none)"))
    return AccessPoint(carrying, patience) if carrying.is_web else Folder(Path(carrying.place))


# --- a folder


@dataclass(frozen=True, slots=True)
class Folder:
    """Documents are laid into `out/`, whole; what became of them is read from `ack/`."""

    root: Path

    def hand_over(self, parcel: Parcel) -> Outcome:
        """Lay a document down under its name."""
        try:
            out = self.root / "out"
            out.mkdir(parents=True, exist_ok=True)
            with files.whole(out / parcel.file_name, durable=True) as unfinished:
                unfinished.write_bytes(parcel.content)
        except OSError as error:
            why = error.strerror or type(error).__name__
            return Outcome("deferred", Text(f"mappen tog den ikke: {why}", f"the folder did not take it: {why}"))
        return Outcome("handed_over", Text("lagt i mappen", "laid into the folder"))

    def receipts(self) -> Iterator[Found]:
        """Give the receipts that lie in `ack/`, by name; files with other endings are not ours, or not done."""
        ack = self.root / "ack"
        try:
            with os.scandir(ack) as entries:
                names = sorted(one.name for one in entries if Path(one.name).suffix in (".json", *_BY_ENDING))
        except FileNotFoundError:
            return
        except OSError as error:
            raise NotNow(Text(f"{ack} kan ikke læses: {error}", f"{ack} cannot be read: {error}")) from None
        for name in names[:MOST_RECEIPTS]:
            if not name.startswith("."):
                yield Found(wording.legible(name), _read_or_none(ack / name), _put_away(ack, name))


def _put_away(ack: Path, name: str) -> Callable[[bool], None]:
    def put_away(is_kept: bool) -> None:
        folder = ack / ("done" if is_kept else "refused")
        folder.mkdir(exist_ok=True)
        (ack / name).rename(folder / name)

    return put_away


def _read_or_none(file: Path) -> Receipt | None:
    try:
        return _read(file)
    except NotAReceipt:
        return None


def _read(file: Path) -> Receipt:
    """Read a receipt. Raises NotAReceipt for what is none: no ordinary file, too large, not of the form."""
    text = _text(file)
    if file.suffix == ".json":
        return _receipt(_json(text), text)
    return Receipt(_id(file.stem[-_UUID:]), _BY_ENDING[file.suffix], text.strip(), text)  # type: ignore[arg-type]


_UUID = 36  # characters: the message id that the name of a document ends with


def _text(file: Path) -> str:
    # Neither a link that leads elsewhere, nor a pipe that nobody writes to.
    try:
        descriptor = os.open(file, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError as error:
        raise NotAReceipt from error
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise NotAReceipt
        return _decoded(os.read(descriptor, LARGEST_RECEIPT + 1), LARGEST_RECEIPT)
    except OSError as error:
        raise NotAReceipt from error
    finally:
        os.close(descriptor)


def _decoded(content: bytes, most: int) -> str:
    if len(content) > most:
        raise NotAReceipt
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise NotAReceipt from error


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise NotAReceipt from error


def _receipt(found: Any, raw: str) -> Receipt:
    if not isinstance(found, dict):
        raise NotAReceipt
    status, told = found.get("status"), found.get("text", "")
    if status not in _STATUSES or not isinstance(told, str):
        raise NotAReceipt
    return Receipt(_id(found.get("message_id")), status, told, raw)


def _id(given: Any) -> str:
    if (
        not isinstance(given, str)
        or not 0 < len(given) <= _LONGEST_ID
        or not given.isascii()
        or not given.isprintable()
    ):
        raise NotAReceipt
    return given


# --- an access point


@dataclass(frozen=True, slots=True)
class AccessPoint:
    """Documents are posted to an address; another one tells what became of them."""

    carrying: Carrying
    patience: float  # seconds

    def hand_over(self, parcel: Parcel) -> Outcome:
        """Post a document; what its answer means stands in docs/operations.md."""
        headers = self._headers() | {
            "Content-Type": "application/xml; charset=utf-8",
            "Content-Disposition": f'attachment; filename="{parcel.file_name}"',
            "Idempotency-Key": parcel.message_id,
            "X-Message-Id": parcel.message_id,
            "X-Receiver": parcel.address,
            "X-Channel": parcel.channel,
            "X-Content-SHA256": parcel.sha256,
        }
        try:
            with requests.post(
                self.carrying.place, data=parcel.content, headers=headers, timeout=self.patience,
                allow_redirects=False, stream=True,
            ) as answer:  # fmt: skip
                return _outcome(answer)
        except (requests.RequestException, OSError) as error:
            why = type(error).__name__
            return Outcome("deferred", Text(f"adgangspunktet svarer ikke: {why}", f"the access point is silent: {why}"))

    def receipts(self) -> Iterator[Found]:
        """Ask for receipts, where there is an address for that; what was kept before may come again."""
        if not self.carrying.receipts:
            return
        try:
            with requests.get(
                self.carrying.receipts, headers=self._headers() | {"Accept": "application/json"},
                timeout=self.patience, allow_redirects=False, stream=True,
            ) as answer:  # fmt: skip
                if answer.status_code != HTTPStatus.OK:
                    raise NotNow(_silent(same(f"HTTP {answer.status_code}")))
                listed = _json(_decoded(_beginning(answer, LARGEST_ANSWER + 1), LARGEST_ANSWER))
        except (requests.RequestException, OSError, NotAReceipt) as error:
            raise NotNow(_silent(same(type(error).__name__))) from None
        if not isinstance(listed, dict) or not isinstance(listed.get("receipts"), list):
            raise NotNow(_silent(Text("ingen liste", "no list")))
        for at, found in enumerate(listed["receipts"][:MOST_RECEIPTS], start=1):
            yield Found(f"receipt {at}", _receipt_or_none(found), lambda is_kept: None)

    def _headers(self) -> dict[str, str]:
        headers = {"User-Agent": "os2tilslut"}
        return headers | {"Authorization": f"Bearer {self.carrying.token}"} if self.carrying.token else headers


def _receipt_or_none(found: Any) -> Receipt | None:
    try:
        return _receipt(found, json.dumps(found, ensure_ascii=False))
    except NotAReceipt:
        return None


def _silent(why: Text) -> Text:
    return Text("kvitteringer kan ikke hentes: ", "receipts cannot be had: ") + why


def _outcome(answer: requests.Response) -> Outcome:
    code = answer.status_code
    told = wording.legible(_beginning(answer, 500).decode("utf-8", "replace").strip())
    reason = same(f"HTTP {code}" + (f": {told}" if told else ""))
    if HTTPStatus.OK <= code < HTTPStatus.MULTIPLE_CHOICES:
        return Outcome("handed_over", same(f"HTTP {code}"))
    if code == HTTPStatus.CONFLICT:
        return Outcome("handed_over", Text("adgangspunktet havde den i forvejen", "the access point had it already"))
    if HTTPStatus.BAD_REQUEST <= code < HTTPStatus.INTERNAL_SERVER_ERROR and code not in _LATER:
        return Outcome("failed", reason)
    return Outcome("deferred", reason)


def _beginning(answer: requests.Response, most: int) -> bytes:
    """Read the first bytes of an answer, and no more."""
    read = b""
    for piece in answer.iter_content(_PIECE):
        read += piece
        if len(read) >= most:
            break
    return read[:most]
