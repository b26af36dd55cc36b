"""The command line `os2tilslut`: one command a task of the secretariat's year, each the same call as a page would make.

Exit codes: 0 done; 1 refused, malformed, or a violation found; 2 wrong arguments; 3 could not be done now.
"""

from __future__ import annotations

import errno
import importlib
import os
import signal
import sys
import threading
from collections.abc import Callable
from typing import NoReturn

import click

from app.cli import output
from foundation.errors import DomainError, NotNow
from foundation.language import Language, Text

# A command's module is imported when the command is used: the others cost nothing at start.
_COMMANDS = {
    "db": "app.cli.databases",
    "starter": "app.cli.starter",
    "settings": "app.cli.registers:settings",
    "authorities": "app.cli.registers:authorities",
    "population": "app.cli.registers:population",
    "placements": "app.cli.registers:placements",
    "products": "app.cli.registers:products",
    "members": "app.cli.registers:members",
    "agreements": "app.cli.registers:agreements",
    "agreement": "app.cli.agreements",
    "fee-tables": "app.cli.tables",
    "billing": "app.cli.billing",
    "payments": "app.cli.payments",
    "accounts": "app.cli.accounts",
    "funding": "app.cli.funding",
    "budgets": "app.cli.budgets",
    "reminders": "app.cli.reminders",
    "interest-rates": "app.cli.interest_rates",
    "einvoice": "app.cli.einvoice",
    "bank": "app.cli.bank",
    "deliver": "app.cli.delivering",
    "explain": "app.cli.inspection:explain",
    "verify": "app.cli.inspection:verify",
    "signing": "app.cli.signing",
    "users": "app.cli.users",
    "letters": "app.cli.letters",
    "road": "app.cli.road",
    "work": "app.cli.work",
    "serve": "app.cli.serving",
    "demo": "app.cli.demonstration",
}


class _Commands(click.Group):
    """The group of all commands, each found by name when asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return None
        module, _, attribute = _COMMANDS[cmd_name].partition(":")
        found: click.Command = getattr(importlib.import_module(module), attribute or "command")
        return found


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--language", type=click.Choice(["da", "en"]), envvar="OS2TILSLUT_LANGUAGE", default="da",
              help="Sprog i beskeder / language of messages (OS2TILSLUT_LANGUAGE).")  # fmt: skip
@click.version_option(package_name="os2tilslut")
def cli(language: Language) -> None:
    """OS2's tilslutningsaftaler og årlige fakturering / connection agreements and yearly invoicing.

    \b
    Et år fra begyndelse til ende / a year from end to end (docs/year.md):
      os2tilslut db upgrade              databasen sættes op
      os2tilslut starter load            kommuner, regioner, indbyggere, produkter, takstblade
      os2tilslut members import FIL      og agreements import FIL, placements import FIL
      os2tilslut billing plan 2027       hvad der ville blive faktureret, og hvorfor
      os2tilslut billing approve 2027 --digest … --by NAVN
      os2tilslut billing issue 2027      og billing export 2027 MAPPE
      os2tilslut verify
    """
    output.speak(language)


def main() -> NoReturn:
    """Run a command; make an exit code and a readable message of whatever is refused."""
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(encoding="utf-8", errors="replace")  # type: ignore[union-attr]
    output.speak("en" if os.environ.get("OS2TILSLUT_LANGUAGE") == "en" else "da")
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, signal.default_int_handler)  # whoever stops us politely gets what Ctrl-C gets
    sys.exit(_outcome(lambda: cli.main(standalone_mode=False)))


def _outcome(run: Callable[[], object]) -> int:
    try:
        result = run()
    except click.exceptions.Exit as stop:
        return stop.exit_code
    except (click.Abort, KeyboardInterrupt) as stop:
        if isinstance(stop.__cause__, EOFError):  # click takes it for a closed terminal; we ask nobody anything
            raise stop.__cause__ from None
        output.complain(_STOPPED)
        return 3
    except click.ClickException as wrong:
        wrong.show()
        return wrong.exit_code
    except DomainError as refused:
        output.complain(_mended(refused))
        return 3 if isinstance(refused, NotNow) else 1
    except BrokenPipeError:
        return 3
    except OSError as error:
        output.complain(_could_not(error))
        return 3
    except Exception as error:
        return _outcome_of(error)
    return result if isinstance(result, int) else 0


def _mended(refused: DomainError) -> Text:
    from app.cli import mending  # late: what is not refused needs none of it

    return mending.refusal(refused)


_STOPPED = Text(
    "stoppet; det, der er gemt, er gemt helt, og intet er gjort halvt. Samme kommando går videre",
    "stopped; what is stored is stored wholly, and nothing was half done. The same command goes on",
)

_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def _could_not(error: OSError) -> Text:
    if error.errno not in _NO_ROOM:
        return Text(f"kunne ikke lade sig gøre: {error}", f"could not be done: {error}")
    where = f" ({error.filename})" if error.filename else ""
    return Text(
        f"disken er fuld{where}; ingen fil er skrevet halvt. Skaf plads, og kør samme kommando igen",
        f"the disk is full{where}; no file was half written. Make room, and run the same command again",
    )


def _outcome_of(error: Exception) -> int:
    """Tell being stopped, and a database that cannot now, from a mistake of ours; the last keeps its trace."""
    if isinstance(error.__cause__, KeyboardInterrupt):  # a library has told it as an error of its own
        output.complain(_STOPPED)
        return 3
    from sqlalchemy.exc import DataError, DBAPIError, IntegrityError

    if not isinstance(error, DBAPIError) or isinstance(error, DataError | IntegrityError):
        raise error
    from app import database

    output.complain(database.explained(error).text)
    return 3
