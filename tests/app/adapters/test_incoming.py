"""Files that come in: ordinary ones only, no larger than any right one, under a name that can do no harm."""

from __future__ import annotations

import os
import socket
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from app.adapters import incoming
from foundation.errors import Unreadable

NOBODY = 65534


def refusal(path: Path) -> Unreadable:
    """Why a text is not read."""
    with pytest.raises(Unreadable) as refused:
        incoming.text(path)
    return refused.value


def written(folder: Path, content: bytes) -> Path:
    """A file of this content."""
    file = folder / "a.toml"
    file.write_bytes(content)
    return file


def test_a_text_is_read_whatever_its_bom_and_line_ends(tmp_path: Path) -> None:
    file = written(tmp_path, b"\xef\xbb\xbfa = 1\r\nb = 2\rc = 3\n")

    assert incoming.text(file) == "a = 1\nb = 2\nc = 3\n"


def test_a_pipe_that_nobody_writes_to_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)

    refused = refusal(pipe)

    assert refused.text.da == "pipe: er ikke en almindelig fil"
    assert refused.text.en == "pipe: is not an ordinary file"


@pytest.mark.parametrize("device", ["/dev/zero", "/dev/null", "/dev/stdin"])
def test_a_device_is_refused_and_not_read(device: str) -> None:
    if stat.S_ISREG(Path(device).stat().st_mode):
        pytest.skip(f"{device} is an ordinary file here")

    assert "is not an ordinary file" in refusal(Path(device)).text.en


def test_a_link_to_a_device_is_refused_as_the_device_is(tmp_path: Path) -> None:
    link = tmp_path / "a.toml"
    link.symlink_to("/dev/zero")

    assert "is not an ordinary file" in refusal(link).text.en


def test_a_socket_and_a_folder_are_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("socket")

        with pytest.raises(OSError, match="socket"):
            incoming.text(Path("socket"))
    with pytest.raises(Unreadable):
        incoming.text(tmp_path)


def test_a_file_larger_than_any_right_one_is_refused_before_it_is_read(tmp_path: Path) -> None:
    largest = written(tmp_path, b"#" * incoming.LARGEST_TEXT)
    whole = incoming.text(largest)

    os.truncate(largest, 10**12)  # a sparse file: a terabyte that takes no room

    assert len(whole) == incoming.LARGEST_TEXT
    assert refusal(largest).text.da == "a.toml: filen er over 100.000 byte"
    assert refusal(largest).text.en == "a.toml: the file is over 100,000 bytes"


def test_a_file_that_has_no_size_is_read_only_up_to_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the system makes up while it is read says that it has no bytes."""
    monkeypatch.setattr(incoming, "LARGEST_TEXT", 10)

    assert "over 10 byte" in refusal(Path("/proc/self/status")).text.en


@pytest.mark.parametrize(
    ("content", "line"),
    [
        ("a = 1\nb = 'æ'".encode("latin-1"), 2),
        ("a = 1".encode("utf-16"), 1),
        ("a = 'æ'".encode()[:-2], 1),
        (b"a = 1\n# \xed\xa0\x80\n", 2),
        (b"a = 1\n\n# \xc0\x80\n", 3),
    ],
)
def test_what_is_not_utf8_is_refused_with_its_line(content: bytes, line: int, tmp_path: Path) -> None:
    refused = refusal(written(tmp_path, content))

    assert refused.text.da == f"a.toml: linje {line} er ikke UTF-8"
    assert refused.text.en == f"a.toml: line {line} is not UTF-8"


@contextmanager
def as_nobody() -> Iterator[None]:
    """Be someone without rights, where the tests run as the superuser."""
    was = os.geteuid()
    if was == 0:
        os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(was)


def test_a_file_that_may_not_be_read_cannot_be_read_now(tmp_path: Path) -> None:
    file = written(tmp_path, b"a = 1")
    descriptor = os.open(tmp_path, os.O_PATH)
    file.chmod(0)

    with as_nobody(), pytest.raises(PermissionError), incoming.opened(Path(f"/proc/self/fd/{descriptor}/a.toml")):
        pass
    os.close(descriptor)


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("aftaler 2027.csv", "aftaler 2027.csv"),
        ("A\u030arhus.csv", "Århus.csv"),
        ("\x1b[31m\n.csv", "?[31m?.csv"),
        ("\udcff\udcfe.csv", "??.csv"),
        ("vsc.\u202eslatfa", "vsc.?slatfa"),
        ("n" * 250, "n" * 200),
    ],
)
def test_a_files_name_is_written_so_that_it_can_do_no_harm(name: str, shown: str) -> None:
    assert incoming.name_of(Path(name)) == shown
