"""Reports as they are published in tests: two funds' last quarter, each talked about, public, and proposed again."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy.orm import Session

from app import config, publishing
from billing.funding import comments, disclosures, publications
from billing.funding.comments import On
from billing.funding.publications import Edition
from foundation import periods
from foundation.audit import Trail
from tests.command_line import CommandLine
from tests.scenarios import acting

PERIOD, EARLIER = periods.named("2026-Q4"), periods.named("2026-Q3")


@dataclass(frozen=True)
class Published:
    """What there is of one fund: the numbers that addresses name."""

    fund: str
    publication: int
    question: int
    report: int  # a proposal to publish that waits
    disclosure: int  # a proposal of what becomes public that waits


def publish(line: CommandLine, one: str, other: str, product: str = "OS2valghalla") -> Published:
    """Publish the last quarter of a fund by two people; ask, make it public, and let proposals wait."""
    on = acting.AT.date()
    proposed = acting.by(line, one, lambda s, trail: publishing.propose(s, product, PERIOD, trail, on=on).id)
    settings = config.read(line.environment)
    edition = acting.by(line, other, lambda s, trail: publishing.approve(s, proposed, trail, settings, on=on))
    said = On(product, PERIOD, edition.version)
    shown = acting.by(line, one, lambda s, trail: _disclose(s, trail, edition, ["closing"]))
    acting.by(line, other, lambda s, trail: disclosures.approve(s, shown, trail))
    return Published(
        fund=product,
        publication=edition.id,
        question=acting.by(line, one, lambda s, trail: comments.ask(s, said, "Opdigtet spørgsmål", trail)),
        report=acting.by(line, one, lambda s, trail: publishing.propose(s, product, EARLIER, trail, on=on).id),
        disclosure=acting.by(line, one, lambda s, trail: _disclose(s, trail, edition, ["closing", "opening"])),
    )


def _disclose(session: Session, trail: Trail, edition: Edition, figures: list[str]) -> int:
    chosen = disclosures.choice(figures, [], ["amount"])
    return disclosures.propose(session, publications.by_id(session, edition.id), chosen, trail).id
