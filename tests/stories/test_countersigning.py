"""The chair countersigns for all municipalities in one act, in a real browser: what was shown, and nothing else."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

from sqlalchemy import select

from agreements import offered, offers, signing
from agreements.steps import Stand
from authorities.register import AUTHORITIES
from tests import browser, world
from tests.agreements.signed import DIRECTOR, SECRETARIAT, Way
from tests.browser import Visitor
from tests.command_line import CommandLine
from tests.stories.conftest import DEMO, Visit

#: Signed by Aarhus in the small world; it is chosen with the others, and withdrawn while the chair reads.
TAKEN_BACK = "A-2027-00002"


def signed_by_all(line: CommandLine) -> Way:
    """Let every municipality sign an agreement on one product; give the place."""
    way = Way(line, at=datetime(2027, 1, 15, 10, tzinfo=UTC), product="OS2sofd")
    standing = AUTHORITIES.c.type == "kommune", AUTHORITIES.c.valid_to.is_(None)
    for cvr in way.column(select(AUTHORITIES.c.cvr).where(*standing).order_by(AUTHORITIES.c.id)):
        replace(way, cvr=cvr, rights={}).signed(DIRECTOR, effective_on=date(2027, 2, 1))
    return way


def axe(visitor: Visitor) -> list[str]:
    """Give what is wrong with the page that is open."""
    return [*browser.shape(visitor.page, "da"), *browser.axe(visitor.page)]


def test_98_agreements_are_countersigned_in_one_act_and_one_withdrawn_meanwhile_is_left_out_and_named(
    planned_world: Path, tmp_path: Path, served: Callable[[CommandLine], str], visits: Visit
) -> None:
    shutil.copytree(planned_world, tmp_path, dirs_exist_ok=True)
    line = CommandLine(f"sqlite:///{tmp_path / 'os2tilslut.sqlite'}", tmp_path).with_environ(**DEMO)
    world.agree(line)
    way = signed_by_all(line)
    waiting = way.asked(offered.to_countersign)
    chair = visits(served(line))

    chair.sign_in("approver")
    chair.go("/agreements/countersign")
    faults, boxes = axe(chair), chair.page.locator("input[name=offer]")
    count = boxes.count()
    chair.page.evaluate("document.querySelectorAll('input[name=offer]').forEach(box => box.checked = false)")
    chair.press("Vis den valgte liste")
    none = chair.words
    chair.go("/agreements/countersign")
    chair.press("Vis den valgte liste")
    faults += axe(chair)
    shown = chair.page.inner_text("main .digest")
    taken_back = next(each for each in waiting if each.reference == TAKEN_BACK)
    way.by(SECRETARIAT, lambda s, t: offers.withdraw(s, taken_back.id, "Fortrudt", t))
    chair.page.get_by_label(re.compile("Jeg underskriver de viste aftaler")).check()
    chair.press("Underskriv for OS2")
    told = chair.words
    faults += axe(chair)

    assert (count, len(waiting)) == (99, 99)
    assert "Vælg mindst én aftale" in none
    assert shown == signing.list_digest(waiting)
    assert "98 aftaler er underskrevet for OS2" in told
    assert f"Udeladt: {TAKEN_BACK} v1: kan ikke kontrasigneres: aftalen er trukket tilbage" in told
    assert faults == []
    after = way.asked(lambda session: offered.many(session, [each.id for each in waiting]))
    assert {each.stand for each in after if each.reference != TAKEN_BACK} == {Stand.AGREED}
    steps = [each.steps[-1] for each in after if each.reference != TAKEN_BACK]
    assert len(steps) == 98 and {(each.at, each.data["batch_digest"]) for each in steps} == {(steps[0].at, shown)}
    line.done("verify")
