"""Every case, as invoice and as credit note, in both formats, and the reminders: the official rules say not a word.

Not a fatal error, not an error, not a warning either: a receiver shows warnings to people.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import replace

import pytest
from lxml import etree

from billing import invoice_pdf
from billing.document import InvoiceDocument
from billing.einvoice import checks, oioubl, peppol
from billing.einvoice.rule_packs import Format, RulePack
from billing.reminder_document import ReminderDocument
from foundation.language import same
from tests.billing.einvoice import documents as make
from tests.billing.einvoice.cases import CASES, HOSTILE, LONG_NAME
from tests.goldens.renew import FOLDER

RENDER: dict[Format, Callable[..., bytes]] = {"peppol": peppol.render, "oioubl": oioubl.render}
KINDS: dict[str, Callable[[InvoiceDocument], InvoiceDocument]] = {
    "invoice": lambda document: document,
    "credit_note": make.credit_of,
}
PDF = b"%PDF-1.7\n\xe2\xe3\xcf\xd3 not looked into by any rule"

REMINDERS: dict[str, ReminderDocument] = {
    "the fee": make.reminder(make.FEE_FOR_REMINDING),
    "nothing charged": make.reminder(),
    "fee, interest and compensation": make.reminder(make.FEE_FOR_REMINDING, make.INTEREST, make.COMPENSATION),
    "two invoices": make.reminder(make.INTEREST, invoices=(make.OWED, make.PARTLY_OWED)),
    "the third": make.reminder(make.FEE_FOR_REMINDING, sequence=3),
    "bank account": make.reminder(payment=make.BY_ACCOUNT),
    "IBAN": make.reminder(payment=make.BY_IBAN),
    "every way of payment": make.reminder(payment=make.EVERY_WAY),
    "to a CVR number": make.reminder(references=replace(make.REFERENCES, endpoint="cvr", gln="")),
    "no reference": make.reminder(
        references=replace(make.REFERENCES, person_reference="", order_reference="", accounting_cost="")
    ),
    "a seller not registered for VAT": make.reminder(make.FEE_FOR_REMINDING, seller_vat_registered=False),
    **{
        f"the name {name[:20]!r}": make.reminder(
            buyer=replace(make.BUYER, name=name, address=name), notices=(same(name),)
        )
        for name in (LONG_NAME[:200], *HOSTILE)
    },
}


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("format", RENDER)
def test_every_case_passes_the_official_rules_without_a_word(
    format: Format, kind: str, case: str, packs: dict[Format, RulePack]
) -> None:
    document = KINDS[kind](CASES[case])

    bare, whole = RENDER[format](document), RENDER[format](document, PDF)

    assert packs[format].validate(bare) == []
    assert packs[format].validate(whole) == []
    assert checks.errors(checks.check(document)) == []


@pytest.mark.parametrize("format", RENDER)
def test_a_credit_note_asks_for_no_payment_and_says_so(format: Format, packs: dict[Format, RulePack]) -> None:
    xml = RENDER[format](make.credit_note(payment=make.EVERY_WAY))

    root = etree.fromstring(xml)
    assert not list(root.iter("{*}PaymentMeans"))
    assert root.findtext("{*}PaymentTerms/{*}Note") == "Modregnes i faktura 2027-0001. Der skal intet betales."
    assert packs[format].validate(xml) == []


@pytest.mark.parametrize("case", REMINDERS)
def test_every_reminder_passes_the_official_rules_without_a_word(case: str, packs: dict[Format, RulePack]) -> None:
    reminder = REMINDERS[case]

    bare, whole = oioubl.render_reminder(reminder), oioubl.render_reminder(reminder, PDF)

    assert packs["oioubl"].validate(bare) == []
    assert packs["oioubl"].validate(whole) == []
    assert checks.errors(checks.check_reminder(reminder)) == []


@pytest.mark.parametrize("name", sorted(file.name for file in FOLDER.glob("*.xml")))
def test_the_goldens_pass_the_official_rules_without_a_word(name: str, packs: dict[Format, RulePack]) -> None:
    format: Format = "oioubl" if name.endswith(".oioubl.xml") else "peppol"

    failures = packs[format].validate((FOLDER / name).read_bytes())

    assert failures == []


@pytest.mark.parametrize("format", RENDER)
def test_a_real_pdf_travels_in_the_xml_byte_for_byte(format: Format, packs: dict[Format, RulePack]) -> None:
    document: InvoiceDocument = make.invoice(make.line(), make.exempt())
    pdf = invoice_pdf.render(document)

    xml = RENDER[format](document, pdf)

    (found,) = etree.fromstring(xml).iter("{*}EmbeddedDocumentBinaryObject")
    assert base64.b64decode(str(found.text), validate=True) == pdf
    assert (found.get("mimeCode"), found.get("filename")) == ("application/pdf", "2027-0001.pdf")
    assert packs[format].validate(xml) == []


@pytest.mark.parametrize("format", RENDER)
def test_taking_the_attachment_out_leaves_the_bare_xml(format: Format) -> None:
    document = make.credit_note()

    root = etree.fromstring(RENDER[format](document, PDF), etree.XMLParser(remove_blank_text=True))
    (reference,) = root.iter("{*}AdditionalDocumentReference")
    root.remove(reference)

    bare = etree.fromstring(RENDER[format](document), etree.XMLParser(remove_blank_text=True))
    assert etree.tostring(root) == etree.tostring(bare)
