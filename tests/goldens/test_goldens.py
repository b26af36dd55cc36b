"""What is stored and sent must not change by accident: documents compared byte for byte with what stands here.

The PDF is not among them: its bytes depend on the machine's compression library. It is kept once made, and
`tests/billing/test_invoice_pdf.py` proves that making it again gives the same bytes.
"""

from __future__ import annotations

import pytest

from tests.goldens.renew import FOLDER, current


@pytest.mark.parametrize("name", sorted(current()))
def test_a_document_is_byte_for_byte_what_it_was(name: str) -> None:
    expected = (FOLDER / name).read_bytes()

    made = current()[name]

    assert made == expected, "look at the difference; renew on purpose with: python -m tests.goldens.renew"
