"""`make bench`: how fast and how large the annual run is on this machine, beside the same work without us.

Figures of one run are comparable with each other; those of two machines, or of a busy one, are not: ratios count.
`make bench ARGS=--write` also renews docs/benchmarks.md; `ARGS="--only pages funding --write"` measures and renews
those parts alone. Each part says when it was measured.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sqlite3
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

from app import serving
from benchmarks import calculating, client, delivering, funding, pages, payments, sealing
from benchmarks.pages import Told
from tests.postgresql_server import PostgreSQLServer

SIZES = (100, 1_000, 10_000)
KINDS = ("sqlite", "postgresql")
OPEN_INVOICES = 10_000
PAGE = Path(__file__).resolve().parents[1] / "docs" / "benchmarks.md"

Found = dict[str, Any]
Row = Sequence[str]


def main() -> None:
    """Measure, print, and renew the page where asked."""
    options = argparse.ArgumentParser(prog="make bench", description=__doc__)
    options.add_argument("sizes", type=int, nargs="*", default=list(SIZES), help="numbers of authorities, for `run`")
    options.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS), metavar="PART",
                         help=f"measure these parts alone: {', '.join(PARTS)}")  # fmt: skip
    options.add_argument("--write", action="store_true", help="renew docs/benchmarks.md")
    given = options.parse_args()
    for name in given.only:
        found = list(PARTS[name](given.sizes))
        told = "\n\n".join([_machine(), *found])
        print(told, flush=True)
        if given.write:
            PAGE.write_text(renewed(PAGE.read_text(encoding="utf-8"), name, told), encoding="utf-8")


def renewed(page: str, name: str, told: str) -> str:
    """Put what was measured of one part in its place on the page; the other parts stay as they are.

    Raises ValueError where the page has no such place.
    """
    begins, ends = f"<!-- {name} -->", f"<!-- end of {name} -->"
    if not -1 < page.find(begins) < page.find(ends):
        raise ValueError(f"docs/benchmarks.md has no place for {name}")
    before, _, rest = page.partition(begins)
    _, _, after = rest.partition(ends)
    return f"{before}{begins}\n\n{told}\n\n{ends}{after}"


def _run(sizes: Sequence[int]) -> Iterator[str]:
    results = {(kind, size): _measure(kind, size) for kind in KINDS for size in sizes}
    drawn = next(result["drawing"]["each_second"] for result in reversed(results.values()))
    judged = next(found["validating"] for found in reversed(results.values()) if "validating" in found)
    yield from _tables(results)
    yield _drawing(drawn)
    yield _tagging(drawn)
    yield from _validating(judged)


def _each(measure: Callable[[str], Any], tell: Callable[[dict[str, Any]], Iterable[str]]) -> Part:
    """Make a part of what is measured on each database alike."""
    return lambda _: tell({kind: measure(kind) for kind in KINDS})


Part = Callable[[Sequence[int]], Iterable[str]]

# --- measuring


def _measure(kind: str, size: int) -> dict[str, Found]:
    """Do every step on one database, each in a process of its own."""
    with _database(kind) as (url, folder):
        _step("fill", url, folder, str(size))
        found = {}
        for name in ("idle", "plan", "approve", "issue", "orm", "core", "documents", "verify", "drawing", "validating"):
            if name not in ("drawing", "validating") or (kind, size) == (KINDS[-1], size):
                print(f"{kind} {size}: {name} …", file=sys.stderr)
                found[name] = _step(name, url, folder)
        return found


def _pages(kind: str) -> Told:
    print(f"{kind}: pages …", file=sys.stderr)
    with _database(kind) as (url, folder):
        return pages.measure(url, folder)


def _seals(kind: str) -> sealing.Told:
    print(f"{kind}: seals …", file=sys.stderr)
    with _database(kind) as (url, folder):
        return sealing.measure(url, folder)


def _deliveries(kind: str) -> delivering.Told:
    print(f"{kind}: deliveries …", file=sys.stderr)
    with _database(kind) as (url, folder):
        return delivering.measure(url, folder)


def _payments(kind: str) -> dict[str, float]:
    print(f"{kind}: payments …", file=sys.stderr)
    with _database(kind) as (url, folder):
        return payments.measure(url, folder)


def _calculations(kind: str) -> calculating.Told:
    print(f"{kind}: calculator …", file=sys.stderr)
    with _database(kind) as (url, folder):
        return calculating.measure(url, folder)


def _funds(kind: str) -> list[Found]:
    """Measure on a short history and on a long one, each in a process of its own."""
    found = []
    for years in funding.YEARS:
        print(f"{kind}: funding, {years} years …", file=sys.stderr)
        with _database(kind) as (url, folder):
            found.append(_said("benchmarks.funding", url, folder, str(years)))
    return found


def _step(name: str, url: str, folder: str, *more: str) -> Found:
    return _said("benchmarks.steps", name, url, folder, *more)


def _matching(kind: str) -> Found:
    print(f"{kind}: matching …", file=sys.stderr)
    with _database(kind) as (url, _):
        return _said("benchmarks.matching", str(OPEN_INVOICES), url)


def _said(module: str, *arguments: str) -> Found:
    """Run a measure in a process of its own, and read what it says last."""
    said = subprocess.run([sys.executable, "-m", module, *arguments], capture_output=True, text=True, check=False)
    if said.returncode:
        raise SystemExit(f"{module} {arguments[0]}: {said.stderr}")
    found: Found = json.loads(said.stdout.splitlines()[-1])
    return found


@contextmanager
def _database(kind: str) -> Iterator[tuple[str, str]]:
    with tempfile.TemporaryDirectory() as folder:
        if kind == "sqlite":
            yield f"sqlite:///{folder}/bench.sqlite", folder
            return
        with PostgreSQLServer() as server:
            yield server.create("bench"), folder


# --- telling


def _machine() -> str:
    return (
        f"Measured on {date.today()}: Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}, "
        f"{os.cpu_count()} cores ({_processor()}), load {os.getloadavg()[0]:.1f} when it ended."
    )


def _processor() -> str:
    """Name the processor as Linux knows it, else the kind of machine."""
    try:
        told = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        told = ""
    names = [line.partition(":")[2].strip() for line in told.splitlines() if line.startswith("model name")]
    return f"{names[0]}, {platform.machine()}" if names else platform.machine()


def _tables(results: dict[tuple[str, int], dict[str, Found]]) -> Iterator[str]:
    yield _table(
        ("database", "N", "plan s", "queries", "approve s", "issue/s", "queries a batch", "of ORM loop", "of bare Core",
         "approve and issue, of ORM loop", "documents/s", "verify s"),
        [(kind, f"{size}", *_speeds(found)) for (kind, size), found in results.items()],
    )  # fmt: skip
    steps = ("idle", "plan", "approve", "issue", "documents", "verify")
    yield "Largest memory of each step's process, in MB:"
    yield _table(
        ("database", "N", *steps),
        [
            (kind, f"{size}", *(f"{found[step]['megabytes']}" for step in steps))
            for (kind, size), found in results.items()
        ],
    )


def _speeds(found: dict[str, Found]) -> Iterator[str]:
    issued = found["issue"]["count"] / found["issue"]["seconds"]
    yield f"{found['plan']['seconds']:.2f}"
    yield f"{found['plan']['queries']}"
    yield f"{found['approve']['seconds']:.2f}"
    yield f"{issued:.0f}"
    yield f"{found['issue']['queries']}"
    bare = {step: found[step]["count"] / found[step]["seconds"] for step in ("orm", "core")}
    both = found["issue"]["count"] / (found["approve"]["seconds"] + found["issue"]["seconds"])
    yield f"{issued / bare['orm']:.0%}"
    yield f"{issued / bare['core']:.0%}"
    yield f"{both / bare['orm']:.0%}"
    yield f"{found['documents']['count'] / found['documents']['seconds']:.0f}"
    yield f"{found['verify']['seconds']:.2f}"


def _drawing(found: dict[str, float]) -> str:
    return _table(
        ("document", "a second and core", "of bare", "bare", "a second, all cores", "times one core"),
        [
            _drawn(found, "PDF of eight lines", "pdf", "page", "a canvas page of one line, embedded typeface"),
            _drawn(found, "Peppol XML of eight lines", "xml", "tree", "lxml, the same elements"),
        ],
    )


def _validating(found: Found) -> Iterator[str]:
    """Tell what the official rules cost, where they are installed."""
    yield "Validating with the official rules, PDF embedded, in one process of one core:"
    for reason in found["lacking"]:
        yield f"Not measured: {reason}."
    if not found["validated"]:
        return
    yield _table(
        ("format", "first document s", "a second and core, warm", "kB a document", "MB warm", "MB after 2.000 more"),
        [
            (name, f"{one['cold']:.2f}", f"{one['each_second']:.0f}", f"{one['bytes'] // 1000}", f"{one['before']}",
             f"{one['after']}")
            for name, one in found["validated"].items()
        ],
    )  # fmt: skip


def _tagging(found: dict[str, float]) -> str:
    tagged, untagged = found["pdf"], found["untagged"]
    return _table(
        ("document", "a second and core", "untagged PDF/A-3", "times its cost", "only drawn"),
        [("PDF of eight lines, tagged PDF/A-3", f"{tagged:.0f}", f"{untagged:.0f}", f"{untagged / tagged:.2f}",
          f"{found['drawn']:.0f}")],
    )  # fmt: skip


def _showing(shown: dict[str, Told]) -> Iterator[str]:
    """Tell how many pages a second there are, and what the plan and the memory came to."""
    yield (
        f"Pages, {client.CONNECTIONS} connections, {serving.WORKERS} workers of {serving.THREADS} threads, "
        f"{pages.AUTHORITIES} authorities:"
    )
    yield _table(
        ("database", "page", "a second", "of bare", "mean ms", "p95 ms", "times the mean"),
        [row for kind, told in shown.items() for row in _page_rows(kind, told)],
    )
    yield "A plan made anew to be shown, one connection, and the memory of the largest worker:"
    yield _table(
        ("database", "plan made anew ms", "slowest ms", "MB warm", f"MB after {pages.FLAT_AFTER} more"),
        [(kind, f"{statistics.median(told.anew) * 1000:.0f}", f"{max(told.anew) * 1000:.0f}", *map(str, told.memory))
         for kind, told in shown.items()],
    )  # fmt: skip


def _sealing(sealed: dict[str, sealing.Told]) -> Iterator[str]:
    """Tell how quickly agreements are sealed."""
    alone = next(iter(sealed.values()))
    yield "Seals of one agreement, P-256, in one process of one core; time stamps by the local service:"
    yield _table(
        ("level", "seals a second", "kB a file"),
        [(level, f"{rate:.0f}", f"{alone.kilobytes[level]:.0f}") for level, rate in alone.each_second.items()],
    )
    yield (
        f"From the association's signature to the kept file with time stamps, {sealing.SINGLE} agreements one at a "
        f"time, and {sealing.MANY} in one act:"
    )
    yield _table(
        ("database", "mean ms", "p95 ms", f"countersign {sealing.MANY} s", "then seal all s", "kept a second"),
        [(kind, f"{statistics.mean(told.waits) * 1000:.0f}", f"{told.waits[int(len(told.waits) * 0.95)] * 1000:.0f}",
          f"{told.together:.1f}", f"{told.sealing:.0f}", f"{sealing.MANY / told.sealing:.1f}")
         for kind, told in sealed.items()],
    )  # fmt: skip


def _delivering(delivered: dict[str, delivering.Told]) -> Iterator[str]:
    """Tell how quickly documents are handed over."""
    yield f"Deliveries of {delivering.COUNT} documents, each with every note kept:"
    yield _table(
        ("database", "into a folder/s", "to an access point/s", "posted alone/s"),
        [(kind, f"{told.folder:.0f}", f"{told.web:.0f}", f"{told.bare:.0f}") for kind, told in delivered.items()],
    )  # fmt: skip


def _paying(paid: dict[str, dict[str, float]]) -> Iterator[str]:
    """Tell how quickly bank statements come in."""
    one = next(iter(paid.values()))
    yield f"A bank statement of {payments.TRANSACTIONS} transactions, {one['file_megabytes']:.0f} MB of camt.053:"
    yield _table(
        ("database", "imported a second", "known already, a second", "MB before", "MB"),
        [(kind, f"{told['imported_each_second']:.0f}", f"{told['known_each_second']:.0f}",
          f"{told['megabytes_before']:.0f}", f"{told['megabytes']:.0f}")
         for kind, told in paid.items()],
    )  # fmt: skip


def _matched(matched: dict[str, Found]) -> Iterator[str]:
    """Tell how quickly payments find their invoices."""
    one = next(iter(matched.values()))
    yield f"Matching {one['payments']} payments against {one['invoices']} open invoices:"
    yield _table(
        ("database", "matched", "seconds", "a second", "MB before", "MB"),
        [(kind, str(told["matched"]), f"{told['seconds']:.1f}", str(told["each_second"]),
          str(told["megabytes_before"]), str(told["megabytes"]))
         for kind, told in matched.items()],
    )  # fmt: skip


def _funded(found: dict[str, list[Found]]) -> Iterator[str]:
    """Tell how quickly funds are told, on a short history beside a long one."""
    lengths = [each["postings"] for each in next(iter(found.values()))]
    yield f"Funds from the database, fastest / median / slowest of {funding.TIMES} in ms, by the history's length:"
    yield _table(
        ("database", "what", *(f"{length} postings" for length in lengths)),
        [
            (kind, name, *(_spread(each["each"][name]) for each in told))
            for kind, told in found.items()
            for name in told[0]["each"]
        ],
    )


def _spread(seconds: Sequence[float]) -> str:
    return " / ".join(f"{of(seconds) * 1000:.0f}" for of in (min, statistics.median, max))


def _calculated(found: dict[str, calculating.Told]) -> Iterator[str]:
    """Tell how many prices are worked out a second."""
    yield (
        f"The public calculator, {client.CONNECTIONS} connections, {serving.WORKERS} workers of {serving.THREADS} "
        "threads, and the calculation alone in one process:"
    )
    yield _table(
        ("database", "asked for", "pages a second", "a second and worker", "mean ms", "p95 ms", "alone, a second"),
        [
            (kind, name, f"{page.rate:.0f}", f"{page.rate / serving.WORKERS:.0f}", f"{page.mean:.1f}",
             f"{page.p95:.1f}", f"{told.alone[name]:.0f}")
            for kind, told in found.items()
            for name, page in told.page.items()
        ],
    )  # fmt: skip


def _page_rows(kind: str, told: Told) -> Iterator[Row]:
    for name, each in told.pages.items():
        ratio = f"{each.rate / told.pages[pages.BARE].rate:.0%}"
        yield (
            kind,
            name,
            f"{each.rate:.0f}",
            ratio,
            f"{each.mean:.1f}",
            f"{each.p95:.1f}",
            f"{each.p95 / each.mean:.2f}",
        )


def _drawn(found: dict[str, float], name: str, ours: str, bare: str, what: str) -> Row:
    alone, spread = found[ours], found[f"{ours} on all cores"]
    ratios = f"{alone / found[bare]:.0%}", f"{spread / found[f'{ours} on one']:.2f}"
    return name, f"{alone:.0f}", ratios[0], f"{what}: {found[bare]:.0f}", f"{spread:.0f}", ratios[1]


def _table(head: Row, rows: Sequence[Row]) -> str:
    widths = [max(len(cell) for cell in column) for column in zip(head, *rows, strict=True)]
    lines = [" | ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)) for row in (head, *rows)]
    ruler = "-|-".join("-" * (width - 1) + ":" for width in widths)
    return "\n".join(f"| {line} |" for line in (lines[0], ruler, *lines[1:]))


#: What can be measured on its own, and how each is told.
PARTS: Mapping[str, Part] = {
    "run": _run,
    "pages": _each(_pages, _showing),
    "seals": _each(_seals, _sealing),
    "deliveries": _each(_deliveries, _delivering),
    "payments": _each(_payments, _paying),
    "matching": _each(_matching, _matched),
    "funding": _each(_funds, _funded),
    "calculator": _each(_calculations, _calculated),
}


if __name__ == "__main__":
    main()
