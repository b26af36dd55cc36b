"""A mail server on this machine that does as a test says: takes, refuses, asks to wait, delays, hangs, hangs up."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

from aiosmtpd.controller import Controller

from tests.serving import free_port

#: What the server says, by receiver: an answer to RCPT, or to DATA where it begins with `data `; or what it does:
#: `delay`, `hang`, `drop`.
Script = dict[str, str]

#: So long, in seconds, the server thinks about a message that it takes after a delay.
DELAY = 0.3


@dataclass
class Taken:
    """What came in: the receivers, and the bytes as they were sent."""

    to: list[str]
    content: bytes

    @property
    def message(self) -> EmailMessage:
        """The message as its receiver reads it."""
        return message_from_bytes(self.content, policy=policy.default)


@dataclass
class MailServer:
    """The server: its address, what it says to whom, and all it took."""

    url: str
    script: Script = field(default_factory=dict)
    taken: list[Taken] = field(default_factory=list)

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: list[str]) -> str:
        """Answer a receiver."""
        said = self.script.get(address, "")
        if said[:1].isdigit():
            return said
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        """Answer a message."""
        said = self.script.get(envelope.rcpt_tos[0], "")
        if said == "delay":
            await asyncio.sleep(DELAY)
        if said == "hang":
            await asyncio.sleep(3600)
        if said.startswith("data "):
            return said.removeprefix("data ")
        self.taken.append(Taken(list(envelope.rcpt_tos), bytes(envelope.original_content)))
        if said == "drop":
            server.transport.abort()
        return "250 taken"


@contextmanager
def mail_server(**script: str) -> Iterator[MailServer]:
    """Run a server meanwhile; `en="450 vent"` is what it says to en@example.org."""
    port = free_port()
    server = MailServer(f"smtp://127.0.0.1:{port}", {f"{who}@example.org": said for who, said in script.items()})
    controller = Controller(server, hostname="127.0.0.1", port=port)
    controller.start()
    try:
        yield server
    finally:
        controller.stop(no_assert=True)
