"""The work of reminding, the same for commands, pages and a job: issue, make documents, validate.

Each goes on from what is missing, so it can be stopped anywhere and started again. Run every minute, it does
nothing twice.
"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from app import association
from app.annual_work import Surroundings, notices
from billing import reminder_files, reminders
from billing.reminders import Issued

if TYPE_CHECKING:
    from billing.verdicts import Rules


def issue(surroundings: Surroundings, on: date) -> Issued:
    """Issue what is approved, or what a standing rule lets be issued, and make its documents."""
    config = surroundings.config
    with surroundings.writing() as (session, trail):
        seller = association.seller(session, config)
        told = notices(config, seller)
        issued = reminders.issue(session, seller, trail, on=on, notices=told)
    render_all(surroundings)
    judge_all(surroundings)
    return issued


def render_all(surroundings: Surroundings) -> int:
    """Make the bytes of every reminder that has none yet; give how many."""
    count = 0
    while True:
        with surroundings.reading() as session:
            lacking = reminder_files.missing(session)
        if not lacking:
            return count
        rendered = [(each, reminder_files.render(each)) for each in lacking]
        with surroundings.writing() as (session, trail):
            reminder_files.store(session, rendered, trail)
        count += len(rendered)


def judge_all(surroundings: Surroundings) -> Rules:
    """Judge every reminder's XML on which the installed pack has no verdict; give the rules that were found."""
    from billing import verdicts  # late: a plan does not wait for lxml

    known = verdicts.rules(surroundings.config.rules_dir)
    while True:
        with surroundings.reading() as session:
            tasks = reminder_files.unjudged(session, known)
        if not tasks:
            return known
        judged = [(task, verdicts.judge(task)) for task in tasks]
        with surroundings.writing() as (session, trail):
            reminder_files.store_verdicts(session, judged, trail)
