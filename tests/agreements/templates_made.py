"""Small templates for tests, as TOML."""

from __future__ import annotations

from pathlib import Path

import agreements

CONNECTION = """
name = "connection"
title_da = "Aftale"
title_en = "Agreement"
notice = { months = 6, ends = "year" }
personal_data_da = "Om {authority}"
personal_data_en = "About {authority}"

[[section]]
heading_da = "Parter"
heading_en = "Parties"

[[section.clause]]
id = "parties"
da = "Mellem {authority} og {association}."
en = "Between {authority} and {association}."

[[section.clause]]
id = "product"
da = "Om {product}, {kind}."
en = "On {product}, {kind}."

[[section]]
heading_da = "Ophør"
heading_en = "End"

[[section.clause]]
id = "notice"
da = "Opsiges med {notice}."
en = "Ended with {notice}."
"""


def shipped(name: str) -> str:
    """Give a template as it ships."""
    return (Path(agreements.__file__).parent / "data" / f"{name}_v1.toml").read_text(encoding="utf-8")
