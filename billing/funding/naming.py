"""How a fund is named in addresses, files and tables: by its product, or as the association's own."""

from __future__ import annotations

from foundation.language import Text, same

#: The association's own fund; no product is called so.
ASSOCIATION = "OS2"


def name(product: str | None) -> str:
    """Give the name of a fund."""
    return ASSOCIATION if product is None else product


def product(fund: str) -> str | None:
    """Give the product whose fund has a name; None for the association's own."""
    return None if fund == ASSOCIATION else fund


def told(product: str | None) -> Text:
    """Write whose fund it is."""
    return Text("Foreningen", "The association") if product is None else same(product)
