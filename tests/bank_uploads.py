"""A large bank file on its ways in beside the command, in a process of its own (`bounded.run(…, module=…)`).

It is taken in by program; the browser shows it first and then takes what it showed, which is nothing new. Prints a list
of status and words for each. What is sent lies on the disk and is read from there, as a server does it, so that nothing
of it is in memory but by our doing.
"""

from __future__ import annotations

import io
import json
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from app import config, create_app
from app.access import Role
from tests.app.api.programs import Program
from tests.app.web import desks
from tests.app.web.desks import Desk
from tests.command_line import CommandLine

_BOUNDARY = "the-form"


def main() -> None:
    """Send a file in every way, and say what each came to."""
    settings, file = config.read(), Path(sys.argv[1])
    line = CommandLine(settings.database_url, settings.data_dir, f"{settings.clock}")
    told = [_by_program(Program(line), file), *_in_the_browser(Desk(create_app(settings), desks.FINANCE), file)]
    sys.stdout.write(json.dumps(told))


def _by_program(program: Program, file: Path) -> tuple[int, str]:
    headers = {"Authorization": f"Bearer {program.token(Role.FINANCE)}", "Idempotency-Key": "large"}
    with file.open("rb") as content:
        return _sent(program.app.test_client(), "/api/v1/bank-statements/imports", content, "application/xml", headers)


def _in_the_browser(desk: Desk, file: Path) -> Iterator[tuple[int, str]]:
    with _form(file, **desk.token(), trial="yes") as content:
        yield _sent(desk.client, "/bank/import", content, f"multipart/form-data; boundary={_BOUNDARY}")
    (kept,) = (Path(desk.app.extensions["os2tilslut"].data_dir) / "uploads").glob("*")
    answer = desk.post("/bank/import", kept=kept.name.partition("-")[2])
    yield answer.status_code, desk.read("/bank")


def _sent(client: Any, path: str, content: BinaryIO, kind: str, headers: Any = None) -> tuple[int, str]:
    """Send what a file holds."""
    length = content.seek(0, io.SEEK_END)
    content.seek(0)
    answer = client.post(path, input_stream=content, content_length=length, content_type=kind, headers=headers)
    return answer.status_code, answer.text


@contextmanager
def _form(file: Path, **fields: str) -> Iterator[BinaryIO]:
    """Write a form with a file as a browser sends it, on the disk."""
    with tempfile.TemporaryFile() as form, file.open("rb") as content:
        for name, value in fields.items():
            form.write(f'--{_BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode())
        named = f'name="file"; filename="{file.name}"'
        form.write(f"--{_BOUNDARY}\r\nContent-Disposition: form-data; {named}\r\n\r\n".encode())
        shutil.copyfileobj(content, form)
        form.write(f"\r\n--{_BOUNDARY}--\r\n".encode())
        yield form
