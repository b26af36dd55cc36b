"""What a round of handing over would do, as JSON: the same for the command line and the API."""

from __future__ import annotations

from typing import Any

from app.delivering import Waiting
from app.next_round import Prospect
from foundation.language import Text


def waiting(found: Waiting) -> dict[str, Any]:
    """Give how many documents are ready and due, channel by channel, and why nothing leaves by one."""
    silent = {channel: words(why) for channel, why in found.silent.items()}
    channels = [{"channel": channel, "due": due, "silent": silent.get(channel)} for channel, due in found.due.items()]
    return {"ready": found.to_make, "channels": channels}


def prospect(one: Prospect) -> dict[str, Any]:
    """Give what a round would do with one document."""
    return {
        "number": one.row.number, "kind": one.row.paper, "authority": {"cvr": one.row.cvr, "name": one.row.authority},
        "channel": one.channel, "address": one.address, "goes": one.goes, "reason": words(one.why),
        "next_at": one.next_at,
    }  # fmt: skip


def words(text: Text) -> dict[str, str]:
    """Give the same in both languages."""
    return {"da": text.da, "en": text.en}
