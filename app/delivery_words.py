"""What commands, pages and files call the states, channels and addresses of deliveries."""

from __future__ import annotations

from typing import Any

from billing import delivery_register as register
from foundation.language import Text, same

STATES = {
    register.WAITS: Text("Venter", "Waits"),
    register.TO_SEND: Text("Skal sendes", "To be sent"),
    register.HANDED_OVER: Text("Afleveret", "Handed over"),
    register.ACKNOWLEDGED: Text("Modtaget", "Acknowledged"),
    register.REJECTED: Text("Afvist af modtageren", "Rejected by the receiver"),
    register.GIVEN_UP: Text("Opgivet", "Given up"),
}

#: What is handed over.
PAPERS = {
    register.BILLS: Text("Fakturaer", "Invoices"),
    register.CREDITS: Text("Kreditnotaer", "Credit notes"),
    register.REMINDERS: Text("Rykkere", "Reminders"),
}

CHANNELS = {
    "nemhandel": same("NemHandel"),
    "peppol": same("Peppol"),
    "hand": Text("Uden om tjenesten", "Outside the service"),
}

#: The same, and the way of reminders that are letters alone.
WAYS = CHANNELS | {"mail": Text("Brev", "Letter")}

#: What a round would do with a document, as `next_round` tells it.
PROSPECTS = {
    "goes": Text("Sendes", "Goes"),
    "if_accepted": Text("Sendes, hvis reglerne godkender", "Goes if the rules accept it"),
    "waits": Text("Venter", "Waits"),
}

#: What a try or a receipt is called.
OUTCOMES = {
    "handed_over": Text("Afleveret", "Handed over"),
    "deferred": Text("Udsat", "Deferred"),
    "failed": Text("Opgivet", "Given up"),
    "acknowledged": Text("Modtaget", "Acknowledged"),
    "rejected": Text("Afvist", "Rejected"),
}


def address(given: str | None) -> str:
    """Write an address as people know it: a GLN, or a CVR number."""
    return (given or "").replace("0088:", "GLN ").replace("0184:DK", "CVR ")


def place(row: Any) -> Text:
    """Write where something is sent: channel and address; nothing where nothing is sent yet."""
    if row.channel is None:
        return same("")
    return WAYS[row.channel] + same(f" {address(row.address)}".rstrip())
