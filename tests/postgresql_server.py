"""A PostgreSQL server of our own for as long as a test run or a benchmark lasts.

The tests must meet the real database, and no machine promises to have one running: so we start one from the
server binaries that are installed, in a temporary folder, reachable through a Unix socket only.

    with PostgreSQLServer() as server:
        engine = create_engine(server.create("ledger"))
"""

import atexit
import os
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import Any, LiteralString, Self
from urllib.parse import quote

import psycopg
from psycopg import sql

SUPERUSER = "postgres"
PORT = 5432  # only part of the socket's name; nothing listens on the network
PATIENCE = 30  # seconds; a start takes less than one

SETTINGS = {
    "listen_addresses": "",
    "port": str(PORT),
    "max_connections": "200",
    # The data is thrown away, so nothing needs to survive a power cut.
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
}

# Runs the server until our end of the pipe closes. That happens however we end, also when we are killed. Each line
# on the pipe ends the server at once, as in a crash, and starts it again.
KEEPER = """
folder=$1; shift
run() { "$@" >>"$folder/log" 2>&1 </dev/null & }
end() { kill -QUIT $! 2>/dev/null; wait $!; }
run "$@"
while read -r word; do
    if [ "$word" = crash ]; then end; else run "$@"; fi
done
end
rm -rf "$folder"
"""


class PostgreSQLUnavailable(RuntimeError):
    """No server could be started or reached here; the message says why."""


class PostgreSQLServer:
    """A throw-away server, used as a context manager or with `start` and `stop`."""

    def __init__(self, settings: Mapping[str, str] = MappingProxyType({}), below: Path = Path("/tmp")) -> None:
        """Say how the server is set beyond `SETTINGS`, and where its folder is made.

        Not below TMPDIR by itself: the path of a Unix socket may have 107 bytes at most.
        """
        self._settings = {**SETTINGS, **settings}
        self._below = below
        self._binaries = newest_binaries()
        self._folder: Path | None = None
        self._keeper: subprocess.Popen[bytes] | None = None

    @property
    def folder(self) -> Path:
        """Where the server keeps its data, its log and its socket."""
        if self._folder is None:
            raise PostgreSQLUnavailable("the server is not running")
        return self._folder

    def url(self, name: str) -> str:
        """The SQLAlchemy URL of the database `name`, whether or not it exists yet."""
        return f"postgresql+psycopg://{SUPERUSER}@/{quote(name)}?host={quote(str(self.folder))}&port={PORT}"

    def create(self, name: str, template: str | None = None) -> str:
        """Create the database `name`, as a copy of `template` (used by nobody meanwhile); give its URL."""
        statement = sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name))
        if template is not None:
            statement += sql.SQL(" TEMPLATE {}").format(sql.Identifier(template))
        self._execute(statement)
        return self.url(name)

    def drop(self, name: str) -> None:
        """Remove the database `name` and whoever is still connected to it; a missing one is no error."""
        self._execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))

    def rename(self, name: str, to: str) -> None:
        """Give a database another name, and end whoever is still connected to it."""
        with self._connected() as connection:
            connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", (name,))
            _wait_until_left(connection, name)
            connection.execute(sql.SQL("ALTER DATABASE {} RENAME TO {}").format(*map(sql.Identifier, (name, to))))

    def wait_until_left(self, name: str) -> None:
        """Wait until nobody is connected to a database: who just hung up is still there for a moment."""
        with self._connected() as connection:
            _wait_until_left(connection, name)

    def start(self) -> Self:
        """Start the server and wait until it answers."""
        self._folder = Path(tempfile.mkdtemp(prefix="os2pg-", dir=self._below))
        atexit.register(self.stop)
        try:
            if os.geteuid() == 0:
                shutil.chown(self._folder, SUPERUSER, SUPERUSER)
            _initialise(self._binaries, self._folder / "data")
            self._keeper = self._run()
            self._wait_until_it_answers(self._keeper)
        except BaseException:
            self.stop()
            raise
        return self

    def stop(self) -> None:
        """Stop the server and remove everything it wrote; twice is harmless."""
        atexit.unregister(self.stop)
        if self._keeper is not None:
            self._keeper.communicate()  # closes the pipe, then waits
            self._keeper = None
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = None

    def crash(self) -> None:
        """End the server at once, as `pg_ctl stop -m immediate` does: what was committed must be recovered."""
        self._say("crash")
        deadline = time.monotonic() + PATIENCE
        while (self.folder / "data" / "postmaster.pid").exists():
            if time.monotonic() > deadline:
                raise PostgreSQLUnavailable(f"the server does not end:\n{self._log()}")
            time.sleep(0.01)

    def revive(self) -> None:
        """Start a crashed server again, and wait until it has recovered."""
        self._say("run")
        if self._keeper is not None:
            self._wait_until_it_answers(self._keeper)

    def wait_until_it_answers(self) -> None:
        """Wait for a server that recovers by itself: it may not have noticed yet that a backend is gone.

        Then it ends all others, so one that lives for a moment tells that it has.
        """
        if self._keeper is not None:
            self._wait_until_it_answers(self._keeper, "SELECT pg_sleep(0.5)")

    def _say(self, word: str) -> None:
        if self._keeper is None or self._keeper.stdin is None:
            raise PostgreSQLUnavailable("the server is not running")
        self._keeper.stdin.write(f"{word}\n".encode())
        self._keeper.stdin.flush()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _run(self) -> subprocess.Popen[bytes]:
        settings = self._settings | {"unix_socket_directories": str(self.folder)}
        server = [str(self._binaries / "postgres"), "-D", str(self.folder / "data")]
        for name, value in settings.items():
            server += ["-c", f"{name}={value}"]
        return subprocess.Popen(
            [*_as_owner(), "sh", "-c", KEEPER, "sh", str(self.folder), *server],
            stdin=subprocess.PIPE,
            env=_environment(),
            cwd="/",
            start_new_session=True,  # Ctrl-C is for the tests; they stop the server when they have ended
        )

    def _wait_until_it_answers(self, keeper: subprocess.Popen[bytes], asked: LiteralString = "SELECT 1") -> None:
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                return self._execute(sql.SQL(asked))
            except psycopg.OperationalError as error:
                if keeper.poll() is not None or time.monotonic() > deadline:
                    raise PostgreSQLUnavailable(f"the server does not answer:\n{self._log()}") from error
                time.sleep(0.02)

    def _log(self) -> str:
        file = self.folder / "log"
        return file.read_text(errors="replace") if file.exists() else "it wrote no log"

    def _execute(self, statement: sql.SQL | sql.Composed) -> None:
        with self._connected() as connection:
            connection.execute(statement)

    def _connected(self) -> psycopg.Connection[Any]:
        return psycopg.connect(host=str(self.folder), port=PORT, user=SUPERUSER, dbname="postgres", autocommit=True)


def _wait_until_left(connection: psycopg.Connection[Any], name: str) -> None:
    deadline = time.monotonic() + PATIENCE
    # Workers of the server itself are none of ours; it ends those by itself.
    asked = "SELECT 1 FROM pg_stat_activity WHERE datname = %s AND backend_type = 'client backend'"
    while connection.execute(asked, (name,)).fetchone():
        if time.monotonic() > deadline:
            raise PostgreSQLUnavailable(f"somebody stays connected to {name}")
        time.sleep(0.002)


def newest_binaries() -> Path:
    """The folder of the newest PostgreSQL server on this machine."""
    folders = [*Path("/usr/lib/postgresql").glob("*/bin"), *map(Path, os.get_exec_path())]
    complete = [folder for folder in folders if (folder / "initdb").exists() and (folder / "postgres").exists()]
    if not complete:
        raise PostgreSQLUnavailable("no PostgreSQL server is installed (Debian: apt-get install postgresql)")
    return max(complete, key=_major_version)


def _major_version(binaries: Path) -> int:
    asked = [str(binaries / "postgres"), "--version"]
    said = subprocess.run(asked, capture_output=True, text=True, check=True).stdout
    found = re.search(r"\d+", said)
    return int(found.group()) if found else 0


def _initialise(binaries: Path, data: Path) -> None:
    for locale in _locales(binaries):
        # Passwords are not asked for: the folder of the socket is closed to everybody else.
        choices = ["-D", str(data), "-U", SUPERUSER, "--auth=trust", "--encoding=UTF8", "--no-sync"]
        done = subprocess.run(
            [*_as_owner(), str(binaries / "initdb"), *choices, *locale],
            env=_environment(),
            cwd="/",
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode == 0:
            return
    raise PostgreSQLUnavailable(f"initdb failed: {done.stderr.strip()}")


def _locales(binaries: Path) -> list[list[str]]:
    plain = ["--locale=C.UTF-8"]
    # From version 15 on a whole server can sort as Danish does, unless it was built without ICU.
    danish = [*plain, "--locale-provider=icu", "--icu-locale=da-DK"]
    return [danish, plain] if _major_version(binaries) >= 15 else [plain]


def _as_owner() -> list[str]:
    # PostgreSQL refuses to run as root, so root becomes the user whom the packages made for it.
    if os.geteuid() != 0:
        return []
    return ["setpriv", f"--reuid={SUPERUSER}", f"--regid={SUPERUSER}", "--clear-groups", "--"]


def _environment() -> dict[str, str]:
    # Someone's PGDATA or PGPORT is about another server.
    return {name: value for name, value in os.environ.items() if not name.startswith("PG")}
