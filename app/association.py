"""The association as it invoices here: the settings in force, or made-up ones where nobody relies on them."""

from __future__ import annotations

from sqlalchemy.orm import Session

from app.config import Config, NotInProduction
from billing import seller as sellers
from billing.seller import Seller
from foundation.language import Text


class SettingsMissing(NotInProduction):
    """Nothing is invoiced before the association has said who it is and where it is paid."""


def seller(session: Session, config: Config) -> Seller:
    """Give the association as seller; made-up accounts stand in outside production. Raises SettingsMissing."""
    known = found(session, config)
    if known is None:
        raise SettingsMissing(
            Text(
                "foreningens indstillinger som sælger mangler",
                "the association's settings as seller are missing",
            )
        )
    return known


def found(session: Session, config: Config) -> Seller | None:
    """Give the association as seller, or None where nothing may be invoiced yet."""
    known = sellers.current(session) or (None if config.is_production else sellers.made_up())
    return None if known is not None and known.made_up and config.is_production else known
