"""The head of the audit chain, to be kept outside the database.

A chain that was cut short, hashed anew, or replaced by an older backup is whole in itself. Only a head that was noted
before, where the database's owner cannot write, tells it from the chain that stood then. A head has checkpoints too:
hashes of entries before it, so that it can say from where on the history is another.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from foundation import audit
from foundation.audit import ENTRIES, GENESIS, Broken, canonical, sha256
from foundation.errors import Refused
from foundation.language import Text, same

FORMAT = "os2tilslut-head-1"

#: Up to so many entries each is a checkpoint; beyond that every second, every fourth …
MOST_CHECKPOINTS = 1_000
#: A head has some 75 bytes for a checkpoint; whatever is larger is none.
LARGEST_TEXT = 256 * 1024  # bytes

_MOST_SERIES = 1_000
_LARGEST_NUMBER = 2**63 - 1
_POSITIONS_AT_A_TIME = 500
_KEYS = {"format", "exported_at", "position", "hash", "at", "series", "checkpoints", "sha256"}
_SHA256 = re.compile(r"[0-9a-f]{64}")
_POSITION = re.compile(r"[1-9][0-9]{0,18}")
_SERIES_NAME = re.compile(r"[0-9A-Z-]{1,40}")


class NotAHead(Refused):
    """The text is not a head, or no longer the one that was exported."""


@dataclass(frozen=True, slots=True)
class Head:
    """Where the chain stood when it was exported."""

    exported_at: datetime
    position: int  # 0 before the first entry
    hash: str
    at: datetime | None  # when the last entry was written
    series: Mapping[str, int]  # the last number of each, so that missing numbers can be named
    checkpoints: Mapping[int, str]  # hashes by position, rising; the last one is the head's own


# --- exporting


def of(session: Session, series: Mapping[str, int], *, at: datetime) -> Head:
    """Give the head of the chain as it stands. Costs one read of the positions."""
    position, hash_ = audit.head(session)
    step = _step(position)
    chosen = (ENTRIES.c.position % step == 0) | (ENTRIES.c.position == position)
    rows = session.execute(select(ENTRIES.c.position, ENTRIES.c.hash).where(chosen).order_by(ENTRIES.c.position))
    written = session.execute(select(ENTRIES.c.at).where(ENTRIES.c.position == position)).scalar()
    return Head(at, position, hash_, written, dict(series), {row.position: row.hash for row in rows})


def _step(position: int) -> int:
    step = 1
    while position // step > MOST_CHECKPOINTS:
        step *= 2
    return step


def to_json(head: Head) -> str:
    """Write a head as JSON, with a digest over all of it, so that a damaged file raises no false alarm."""
    content = {
        "format": FORMAT,
        "exported_at": head.exported_at.isoformat(),
        "position": head.position,
        "hash": head.hash,
        "at": head.at.isoformat() if head.at else None,
        "series": dict(sorted(head.series.items())),
        "checkpoints": {str(position): hash_ for position, hash_ in head.checkpoints.items()},
    }
    return json.dumps(content | {"sha256": sha256(canonical(content))}, ensure_ascii=False, indent=1) + "\n"


# --- reading


def from_json(text: str) -> Head:
    """Read a head. Raises NotAHead for whatever was not exported like this."""
    content = _parsed(text)
    if content.get("format") != FORMAT:
        raise NotAHead(Text(f"formatet er ikke {FORMAT}", f"the format is not {FORMAT}"))
    if content.keys() != _KEYS:
        raise _impossible("nøgler", "keys")
    claimed = content.pop("sha256")
    head = _head(content)
    if claimed != sha256(canonical(content)):
        raise NotAHead(Text("indholdet er ændret eller beskadiget", "the content was changed or damaged"))
    return head


def _parsed(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
        json.dumps(found, ensure_ascii=False).encode()  # a half character (\ud800) has no bytes, so no digest
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise NotAHead(Text("indholdet er ikke et JSON-objekt", "the content is not a JSON object"))
    return found


def _impossible(da: str, en: str) -> NotAHead:
    return NotAHead(Text(f"{da}: det kan ikke stå i et hoved", f"{en}: that cannot stand in a head"))


def _head(content: Mapping[str, Any]) -> Head:
    position, hash_, at = content["position"], content["hash"], content["at"]
    if not _is_number(position):
        raise _impossible("position", "position")
    if not _is_hash(hash_) or (position == 0) != (hash_ == GENESIS):
        raise _impossible("hash", "hash")
    if (at is None) != (position == 0):
        raise _impossible("at", "at")
    return Head(
        _instant(content["exported_at"], "exported_at"),
        position,
        hash_,
        None if at is None else _instant(at, "at"),
        _series(content["series"]),
        _checkpoints(content["checkpoints"], (position, hash_)),
    )


def _is_number(value: object) -> bool:
    return type(value) is int and 0 <= value <= _LARGEST_NUMBER


def _is_hash(value: object) -> bool:
    return isinstance(value, str) and _SHA256.fullmatch(value) is not None


def _instant(value: object, name: str) -> datetime:
    try:
        found = datetime.fromisoformat(value)  # type: ignore[arg-type]
        return found.astimezone(UTC) if found.tzinfo else _refuse(name)
    except (TypeError, ValueError, OverflowError):
        return _refuse(name)


def _refuse(name: str) -> datetime:
    raise _impossible(name, name)


def _series(value: object) -> dict[str, int]:
    if not isinstance(value, dict) or len(value) > _MOST_SERIES:
        raise _impossible("series", "series")
    if not all(_SERIES_NAME.fullmatch(name) and _is_number(last) for name, last in value.items()):
        raise _impossible("series", "series")
    return value


def _checkpoints(value: object, head: tuple[int, str]) -> dict[int, str]:
    if not isinstance(value, dict) or len(value) > MOST_CHECKPOINTS + 1:
        raise _impossible("checkpoints", "checkpoints")
    if not all(_POSITION.fullmatch(position) and _is_hash(hash_) for position, hash_ in value.items()):
        raise _impossible("checkpoints", "checkpoints")
    ends = [(0, GENESIS), *((int(position), hash_) for position, hash_ in value.items())]
    if any(one[0] >= other[0] for one, other in pairwise(ends)) or ends[-1] != head:
        raise _impossible("checkpoints", "checkpoints")
    return dict(ends[1:])


# --- holding the chain against a head


def departures(session: Session, head: Head) -> Iterator[Broken]:
    """Name from where on the chain is another than the one exported, and what is missing at its end.

    A chain that went on from the head departs nowhere. The chain itself must have been found whole.
    """
    last, _ = audit.head(session)
    standing = _standing(session, [position for position in head.checkpoints if position <= last])
    kept = 0
    for position, hash_ in head.checkpoints.items():
        if position <= last and standing.get(position) != hash_:
            yield _rewritten(session, head, kept + 1, position)
            break
        kept = position
    if last < head.position:
        yield _shorter(head, last)


def _standing(session: Session, positions: list[int]) -> dict[int, str]:
    found: dict[int, str] = {}
    for at in range(0, len(positions), _POSITIONS_AT_A_TIME):
        asked = ENTRIES.c.position.in_(positions[at : at + _POSITIONS_AT_A_TIME])
        rows = session.execute(select(ENTRIES.c.position, ENTRIES.c.hash).where(asked))
        found |= {row.position: row.hash for row in rows}
    return found


def _exported(head: Head) -> Text:
    when = f"{head.exported_at:%Y-%m-%d %H:%M} UTC"
    return Text(f"hovedet fra {when}", f"the head of {when}")


def _rewritten(session: Session, head: Head, first: int, until: int) -> Broken:
    """Tell a history hashed anew from a backup worked on: entries of the latter were written after the export."""
    columns = (ENTRIES.c.at, ENTRIES.c.action, ENTRIES.c.subject)
    row = session.execute(select(*columns).where(ENTRIES.c.position == until)).first()
    place = f"{first}" if first == until else f"{first}-{until}"
    stands = same(f" ({row.action} {row.subject})") if row else same("")
    told = Text("en anden hash end i ", "another hash than in ") + _exported(head) + stands + Text(": ", ": ")
    if first == 1:
        told += Text(
            "hele historien er skrevet om, eller hovedet er fra en anden database",
            "the whole history was rewritten, or the head is of another database",
        )
    elif row and row.at > head.exported_at:
        told += Text(
            "posten er skrevet efter eksporten: en ældre sikkerhedskopi er lagt ind, og der er arbejdet videre i den",
            "the entry was written after the export: an older backup was restored and worked on",
        )
    else:
        told += Text("historien er skrevet om herfra", "the history was rewritten from here on")
    return Broken("head", f"audit_entry {place}", told)


def _shorter(head: Head, last: int) -> Broken:
    told = Text(
        f"posten mangler: kæden slutter ved {last}, og ", f"the entry is missing: the chain ends at {last}, and "
    )
    told += _exported(head) + Text(
        f" står ved {head.position}; halen er skåret af, eller en ældre sikkerhedskopi er lagt ind",
        f" stands at {head.position}; the tail was cut off, or an older backup was restored",
    )
    return Broken("head", f"audit_entry {last + 1}", told)
