"""One step of the annual run or of the bare work, in a process of its own, so that its memory can be told.

usage: python -m benchmarks.steps STEP DATABASE-URL FOLDER        prints one line of JSON
"""

from __future__ import annotations

import json
import os
import resource
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, create_engine, event, select
from sqlalchemy.orm import Session

from app import create_app, database, migrating
from app.adapters import work
from app.cli import billing
from app.cli.service import Service
from app.config import read
from benchmarks import bare, registers
from billing import annual_run, approvals, document, invoice_pdf, renderings, seller, verdicts, verification
from billing.document import InvoiceDocument
from billing.einvoice import peppol, rule_packs
from billing.gathering import INVOICES
from billing.invoices import INVOICES_AT_A_TIME
from billing.renderings import Task

Found = dict[str, Any]

_ON = date(registers.YEAR, 1, 15)
_SAMPLE = 400  # documents
_FEW, _TURNS = 25, 25  # documents that ways of making them take turns at, and how often
_ROUNDS = 3
_AT_A_TIME = 200
_JUDGED = 2_000  # documents one worker validates
_WARMING = 100


def fill(service: Service, count: int) -> Found:
    """Make the database and fill it."""
    with service.app.app_context():
        migrating.upgrade()
    with service.writing("benchmark") as (session, _):
        registers.fill(session, count)
    return {}


def idle(service: Service) -> Found:
    """Do nothing: what the memory of the other steps is held against."""
    with service.reading() as session:
        session.execute(select(INVOICES.c.id).limit(1))
    return {}


def plan(service: Service) -> Found:
    """Make the plan and throw it away."""
    with service.reading() as session, _queries(session) as queries:
        seconds, made = _timed(lambda: annual_run.plan(session, registers.YEAR, seller.made_up()))
    return {"seconds": seconds, "queries": queries[0], "digest": made.digest, "lines": made.totals.lines}


def approve(service: Service) -> Found:
    """Approve the plan as it is."""
    with service.reading() as session:
        digest = annual_run.plan(session, registers.YEAR, seller.made_up()).digest

    def approving() -> None:
        with service.writing("benchmark") as (session, trail):
            approvals.approve(session, registers.YEAR, digest, seller.made_up(), trail)

    return {"seconds": _timed(approving)[0]}


def issue(service: Service) -> Found:
    """Issue the approved plan, batch by batch, each committed."""
    idle(service)  # connects, as the bare work is connected before it is timed
    with service.reading() as session, _queries(session) as queries:
        seconds, numbers = _timed(lambda: billing.issue_all(service, registers.YEAR, "real", _ON))
    batches = -(-len(numbers) // INVOICES_AT_A_TIME)
    return {"seconds": seconds, "count": len(numbers), "queries": round(queries[0] / batches)}


def core(service: Service) -> Found:
    """Insert the issued rows with bare Core."""
    return _bare(service, bare.core_inserts)


def orm(service: Service) -> Found:
    """Add the issued rows as objects of a plain ORM loop."""
    return _bare(service, bare.orm_loop)


def documents(service: Service) -> Found:
    """Make and keep PDF and XML of every invoice, on all cores."""
    count = 0
    with service.reading() as session:
        count = renderings.count_missing(session, registers.YEAR, "real")
    seconds, _ = _timed(lambda: billing.render_all(service, registers.YEAR, "real"))
    return {"seconds": seconds, "count": count}


def verify(service: Service) -> Found:
    """Verify everything."""
    with service.reading() as session:
        seconds, verdict = _timed(lambda: verification.verify(session))
    assert verdict.ok, verdict.violations
    return {"seconds": seconds}


def drawing(service: Service) -> Found:
    """Make some documents without a database: on one core, on all, and beside them the bare page and tree."""
    with service.reading() as session:
        texts = list(session.execute(select(INVOICES.c.document).limit(_SAMPLE)).scalars())
    values = [document.from_json(text) for text in texts]
    shape = bare.shape(peppol.render(values[0]))
    alone: dict[str, Callable[[InvoiceDocument], object]] = {
        "pdf": invoice_pdf.render,
        "untagged": bare.untagged,
        "drawn": bare.drawn,
        "xml": peppol.render,
        "page": lambda _: bare.page(),
        "tree": lambda _: bare.tree(shape),
    }
    return {"each_second": _in_turn(alone, values[:_FEW]) | _on_all_cores(texts)}


def _in_turn(makers: Mapping[str, Callable[[InvoiceDocument], object]], values: Sequence[InvoiceDocument]) -> Found:
    """Give how many each of some ways makes a second.

    They take turns at every document, and of each way and document the least of many times counts: so what else the
    machine does meanwhile falls on none of them.
    """
    least: dict[tuple[str, int], float] = {}
    for _ in range(_TURNS):
        for at, value in enumerate(values):
            for name, make in makers.items():
                seconds, _made = _timed(partial(make, value))
                least[name, at] = min(seconds, least.get((name, at), seconds))
    return {name: len(values) / sum(least[name, at] for at in range(len(values))) for name in makers}


def _on_all_cores(texts: list[str]) -> Found:
    """Give how many are made a second on all cores, and by the same work on one, in turn; the best of some turns."""
    found: Found = {}
    for format_, name in ((renderings.PDF, "pdf"), (renderings.PEPPOL, "xml")):
        tasks = [Task(nth, "", (format_,), text, _pdf(format_)) for nth, text in enumerate(texts * 2)]
        few = tasks[: len(tasks) // 4]
        with work.workers(len(tasks)) as each:
            list(each(renderings.attempt, tasks[: 4 * work.WORTH_SPREADING]))  # the workers start and load
            all_cores = alone = 0.0
            for _ in range(_ROUNDS):
                all_cores = max(all_cores, _each_second(each, tasks))
                alone = max(alone, _each_second(map, few))
        found |= {f"{name} on all cores": all_cores, f"{name} on one": alone}
    return found


def _each_second(each: Callable[..., Iterable[object]], tasks: Sequence[Task]) -> float:
    return len(tasks) / _timed(lambda: list(each(renderings.attempt, tasks)))[0]


def _pdf(format_: str) -> bytes | None:
    """Give the PDF an XML carries where the XML alone is timed."""
    return None if format_ == renderings.PDF else b"%PDF-1.7"


def validating(service: Service) -> Found:
    """Judge kept XML on one core: the first document, which waits for the rules, and many; and tell the memory."""
    directory = Path(os.environ.get("OS2TILSLUT_RULES_DIR") or service.config.rules_dir)
    known = verdicts.rules(directory)
    found: Found = {}
    for format_, pack in known.packs.items():
        with service.reading() as session:
            of_format = renderings.RENDERINGS.c.format == format_
            column = renderings.RENDERINGS.c.content
            contents = list(session.execute(select(column).where(of_format).limit(_SAMPLE)).scalars())
        if not contents:
            continue
        cold, broken = _timed(partial(pack.validate, contents[0]))
        assert rule_packs.is_valid(broken), broken
        for xml in contents[:_WARMING]:
            pack.validate(xml)
        before = _megabytes()
        seconds, _ = _timed(partial(_judge_many, pack, contents))
        found[format_] = {
            "cold": cold,
            "each_second": _JUDGED / seconds,
            "bytes": sum(map(len, contents)) // len(contents),
            "before": before,
            "after": _megabytes(),
        }
    return {"validated": found, "lacking": [reason.en for reason in known.lacking.values()]}


def _judge_many(pack: rule_packs.RulePack, contents: list[bytes]) -> None:
    for nth in range(_JUDGED):
        pack.validate(contents[nth % len(contents)])


def _megabytes() -> int:
    """Give the memory this process holds now."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() // 1024**2


def _bare(service: Service, do: Callable[[Engine, Iterator[bare.Batch]], tuple[int, float]]) -> Found:
    engine = create_engine(service.config.database_url)
    database.prepare(engine)
    with Session(engine) as session:
        count, seconds = do(engine, bare.batches(session))
    engine.dispose()
    return {"seconds": seconds, "count": count}


def _timed(work_: Callable[[], Any]) -> tuple[float, Any]:
    begun = time.perf_counter()
    result = work_()
    return time.perf_counter() - begun, result


@contextmanager
def _queries(session: Session) -> Iterator[list[int]]:
    count = [0]

    def heard(*_: object) -> None:
        count[0] += 1

    engine = session.get_bind()
    event.listen(engine, "before_cursor_execute", heard)
    yield count
    event.remove(engine, "before_cursor_execute", heard)


STEPS: dict[str, Callable[[Service], Found]] = {
    step.__name__: step for step in (idle, plan, approve, issue, core, orm, documents, verify, drawing, validating)
}


def main() -> None:
    """Do one step and print what was found, with the process's largest memory in MB."""
    name, url, folder, *more = sys.argv[1:]
    config = read({"OS2TILSLUT_DATABASE_URL": url, "OS2TILSLUT_DATA_DIR": folder})
    service = Service(config, create_app(config))
    found = fill(service, int(more[0])) if name == "fill" else STEPS[name](service)
    service.close()
    largest = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps(found | {"megabytes": round(largest)}))


if __name__ == "__main__":
    main()
