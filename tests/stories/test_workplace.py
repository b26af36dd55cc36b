"""The acceptance stories of the workplace, by real people's pages in a real browser."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta

from sqlalchemy import select, update

from app.identity.models import BrowserSession
from billing.models import Invoice
from tests.command_line import CommandLine
from tests.stories.conftest import Visit
from tests.world import YEAR

Served = Callable[[CommandLine], str]


def _ten_minutes_pass(line: CommandLine) -> None:
    """Let every sign-in be ten minutes older: the clock of the stories stands."""
    with line.session() as session:
        for one in session.scalars(select(BrowserSession).where(BrowserSession.signed_in_at.is_not(None))):
            assert one.signed_in_at is not None
            earlier = one.signed_in_at - timedelta(minutes=10)
            session.execute(
                update(BrowserSession).where(BrowserSession.id_sha256 == one.id_sha256).values(signed_in_at=earlier)
            )


def _numbers(line: CommandLine) -> list[str]:
    with line.session() as session:
        return list(session.scalars(select(Invoice.number).order_by(Invoice.id)))


def test_finance_hands_over_and_an_approver_with_a_fresh_sign_in_approves_and_issues(
    planned: CommandLine, served: Served, visits: Visit
) -> None:
    base = served(planned)
    finance, approver = visits(base), visits(base)

    finance.sign_in("finance")
    finance.go(f"/year/{YEAR}")
    finance.press("Overdrag planen til godkendelse")
    handed_over = finance.words
    approver.sign_in("approver")
    _ten_minutes_pass(planned)
    approver.go(f"/year/{YEAR}")
    approver.press(re.compile("^Godkend"))
    approver.page.get_by_role("main").get_by_role("link", name="Log ind").click()
    approver.prove("approver")
    asked_again = approver.path
    approver.press(re.compile("^Godkend"))
    approved = approver.words
    approver.press(re.compile("^Udsted"))
    approver.page.get_by_text("Færdig.").wait_for(timeout=60_000)
    approver.page.reload()
    survived = approver.words

    assert "er overdraget" in handed_over and "en anden godkender den" in handed_over
    assert asked_again == f"/year/{YEAR}"
    assert "er godkendt og kan udstedes" in approved
    assert "Færdig." in survived and "2 af 2" in survived
    assert _numbers(planned) == [f"{YEAR}-0001", f"{YEAR}-0002"]
    planned.done("verify")
