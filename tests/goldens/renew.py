"""Writes the goldens anew: `python -m tests.goldens.renew`. Look at the difference before it is committed."""

from __future__ import annotations

from pathlib import Path

from billing import document
from billing.einvoice import peppol
from tests.billing import documents

FOLDER = Path(__file__).parent


def current() -> dict[str, bytes]:
    """Give what the goldens would be today, by file name."""
    typical = documents.typical()
    return {
        "typical.json": document.to_json(typical).encode(),
        "typical.peppol.xml": peppol.render(typical),
    }


if __name__ == "__main__":
    for name, content in current().items():
        (FOLDER / name).write_bytes(content)
